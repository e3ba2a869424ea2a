//! The text of a `CREATE TABLE` statement as SQLite stores it, taken apart into its clauses and put together again.
//! Whatever is not changed stays as it was written. `column.rs` takes a column's definition apart.

mod column;

use super::tokens::{Token, closing, spaced, tokens};

pub(crate) use column::ColumnSql;

/// A statement's parts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TableSql {
    /// The column definitions and table constraints, as they are written.
    pub(crate) clauses: Vec<Clause>,
    /// What follows the closing parenthesis: `STRICT`, `WITHOUT ROWID`.
    options: String,
}

/// A clause between two commas.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Clause {
    Column { name: String, text: String },
    Constraint { name: Option<String>, text: String },
}

/// A foreign key of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ForeignKeySql {
    /// Its name: where it has none, the one that PostgreSQL would give it.
    pub(crate) name: String,
    /// The place of its clause.
    clause: usize,
    /// Its place among the constraints of the column that it is written on.
    constraint: Option<usize>,
}

impl TableSql {
    /// Takes a statement apart. `None` when it is not a `CREATE TABLE` with clauses in parentheses (a virtual table).
    pub(crate) fn parse(sql: &str) -> Option<TableSql> {
        let tokens = tokens(sql);
        let open = tokens.iter().position(|token| token.text(sql) == "(")?;
        if !tokens.first()?.is_word(sql, "CREATE")
            || tokens.iter().take(open).any(|token| token.is_word(sql, "VIRTUAL"))
        {
            return None;
        }
        let mut depth = 0usize;
        let mut clauses = Vec::new();
        let mut start = open + 1;
        for (index, token) in tokens.iter().enumerate().skip(open) {
            match token.text(sql) {
                "(" => depth += 1,
                ")" if depth > 1 => depth -= 1,
                end @ ("," | ")") if depth == 1 => {
                    clauses.push(Clause::parse(sql, tokens.get(start..index)?)?);
                    if end == ")" {
                        let options = sql[token.end..].trim().to_owned();
                        return Some(TableSql { clauses, options });
                    }
                    start = index + 1;
                }
                _ => {}
            }
        }
        None
    }

    /// The statement again, under another name, which is quoted already.
    pub(crate) fn render(&self, name: &str) -> String {
        let clauses: Vec<_> = self.clauses.iter().map(Clause::text).collect();
        format!("CREATE TABLE {name} ({}) {}", clauses.join(", "), self.options).trim_end().to_owned()
    }

    /// The named check constraints: name and expression, with single spaces between tokens.
    pub(crate) fn checks(&self) -> Vec<(String, String)> {
        self.named("CHECK", |text, tokens| Some(spaced(text, tokens)))
    }

    /// The named unique constraints over plain columns: name and columns.
    pub(crate) fn uniques(&self) -> Vec<(String, Vec<String>)> {
        let columns = |text: &str, tokens: &[Token]| {
            let lists = tokens.split(|token| token.text(text) == ",");
            lists.map(|list| if let [name] = list { Some(name.name(text)) } else { None }).collect()
        };
        self.named("UNIQUE", columns)
    }

    /// The columns by their names.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, ColumnSql)> {
        self.clauses.iter().filter_map(|clause| match clause {
            Clause::Column { name, text } => Some((name.as_str(), ColumnSql::parse(text))),
            Clause::Constraint { .. } => None,
        })
    }

    /// The foreign keys of the table with this name, in the order in which they are written.
    pub(crate) fn foreign_keys(&self, table: &str) -> Vec<ForeignKeySql> {
        let mut found: Vec<ForeignKeySql> = Vec::new();
        let mut add = |clause: usize, constraint: Option<usize>, name: Option<String>, columns: &[String]| {
            let name = name.unwrap_or_else(|| {
                let base = format!("{table}_{}_fkey", columns.join("_"));
                let taken = |name: &String| found.iter().any(|other| other.name == *name);
                let mut names = std::iter::once(base.clone()).chain((1..).map(|number| format!("{base}{number}")));
                names.find(|name| !taken(name)).unwrap_or(base)
            });
            found.push(ForeignKeySql { name, clause, constraint });
        };
        for (at, clause) in self.clauses.iter().enumerate() {
            match clause {
                Clause::Column { name: column, text } => {
                    for (place, constraint) in ColumnSql::parse(text).constraints.into_iter().enumerate() {
                        if constraint.word == "REFERENCES" {
                            add(at, Some(place), constraint.name, std::slice::from_ref(column));
                        }
                    }
                }
                Clause::Constraint { name, text } => {
                    let tokens = tokens(text);
                    let start = if name.is_some() { 2 } else { 0 };
                    let foreign = tokens.get(start).is_some_and(|token| token.is_word(text, "FOREIGN"));
                    if let Some(end) = foreign.then(|| closing(text, &tokens, start + 2)).flatten() {
                        let columns = tokens[start + 3..end].iter().filter(|token| token.text(text) != ",");
                        let columns: Vec<_> = columns.map(|token| token.name(text)).collect();
                        add(at, None, name.clone(), &columns);
                    }
                }
            }
        }
        found
    }

    /// Takes the constraint with this name out of the table with this name. `false` when there is none.
    pub(crate) fn drop_constraint(&mut self, table: &str, name: &str) -> bool {
        let named = |clause: &Clause| matches!(clause, Clause::Constraint { name: Some(found), .. } if found == name);
        if let Some(at) = self.clauses.iter().position(named) {
            self.clauses.remove(at);
            return true;
        }
        let Some(key) = self.foreign_keys(table).into_iter().find(|key| key.name == name) else { return false };
        match (key.constraint, &mut self.clauses[key.clause]) {
            (Some(place), Clause::Column { text, .. }) => {
                let mut column = ColumnSql::parse(text);
                column.constraints.remove(place);
                *text = column.render();
            }
            _ => drop(self.clauses.remove(key.clause)),
        }
        true
    }

    /// Gives the constraint with this name in the table with this name another one. `false` when there is none.
    pub(crate) fn rename_constraint(&mut self, table: &str, name: &str, new_name: &str) -> bool {
        let named =
            |clause: &&mut Clause| matches!(clause, Clause::Constraint { name: Some(found), .. } if found == name);
        if let Some(Clause::Constraint { name, text }) = self.clauses.iter_mut().find(named) {
            *text = column::renamed(text, name.is_some(), new_name);
            *name = Some(new_name.to_owned());
            return true;
        }
        let Some(key) = self.foreign_keys(table).into_iter().find(|key| key.name == name) else { return false };
        match (key.constraint, &mut self.clauses[key.clause]) {
            (Some(place), Clause::Column { text, .. }) => {
                let mut column = ColumnSql::parse(text);
                column.constraints[place].rename(new_name);
                *text = column.render();
            }
            (_, Clause::Constraint { name, text }) => {
                *text = column::renamed(text, name.is_some(), new_name);
                *name = Some(new_name.to_owned());
            }
            (None, Clause::Column { .. }) => return false,
        }
        true
    }

    /// Takes the primary key away: the clause, or the words at its column. `false` when there is none.
    pub(crate) fn drop_primary_key(&mut self) -> bool {
        for (at, clause) in self.clauses.iter_mut().enumerate() {
            match clause {
                Clause::Column { text, .. } => {
                    let mut column = ColumnSql::parse(text);
                    let before = column.constraints.len();
                    column.constraints.retain(|constraint| constraint.word != "PRIMARY");
                    if column.constraints.len() < before {
                        *text = column.render();
                        return true;
                    }
                }
                Clause::Constraint { name, text } => {
                    let tokens = tokens(text);
                    let start = if name.is_some() { 2 } else { 0 };
                    if tokens.get(start).is_some_and(|token| token.is_word(text, "PRIMARY")) {
                        self.clauses.remove(at);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// What `read` makes of the parentheses in `CONSTRAINT name WORD (...)`, for each such clause.
    fn named<T>(&self, word: &str, read: impl Fn(&str, &[Token]) -> Option<T>) -> Vec<(String, T)> {
        let constraints = self.clauses.iter().filter_map(|clause| match clause {
            Clause::Constraint { name: Some(name), text } => Some((name, text)),
            _ => None,
        });
        constraints
            .filter_map(|(name, text)| {
                let tokens = tokens(text);
                let fits = tokens.get(2)?.is_word(text, word) && tokens.get(3)?.text(text) == "(";
                let end = fits.then(|| closing(text, &tokens, 3)).flatten()?;
                Some((name.clone(), read(text, &tokens[4..end])?))
            })
            .collect()
    }
}

impl Clause {
    fn parse(sql: &str, tokens: &[Token]) -> Option<Clause> {
        let (first, last) = (tokens.first()?, tokens.last()?);
        let text = sql[first.start..last.end].to_owned();
        if first.is_word(sql, "CONSTRAINT") {
            return Some(Clause::Constraint { name: Some(tokens.get(1)?.name(sql)), text });
        }
        let unnamed = ["PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
        if unnamed.iter().any(|word| first.is_word(sql, word)) {
            return Some(Clause::Constraint { name: None, text });
        }
        Some(Clause::Column { name: first.name(sql), text })
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Clause::Column { text, .. } | Clause::Constraint { text, .. } => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = r#"CREATE TABLE "odd "" (name" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT, -- the key, (really)
  [a,b] TEXT DEFAULT 'x,(' /* a comment, */ COLLATE NOCASE,
  `naïve` NUMERIC(10, 2),
  CONSTRAINT "c 1" CHECK (("a,b" <> ')') AND length('a''b,')>1),
  UNIQUE (a, b)
) STRICT"#;

    #[test]
    fn clauses_are_told_apart() {
        let table = TableSql::parse(SQL).unwrap();
        let names: Vec<_> = table
            .clauses
            .iter()
            .map(|clause| match clause {
                Clause::Column { name, .. } => format!("column {name}"),
                Clause::Constraint { name, .. } => format!("constraint {name:?}"),
            })
            .collect();
        assert_eq!(names, ["column id", "column a,b", "column naïve", "constraint Some(\"c 1\")", "constraint None"]);
        assert_eq!(table.clauses[2].text(), "`naïve` NUMERIC(10, 2)");
        assert_eq!(table.checks(), [("c 1".to_owned(), "( \"a,b\" <> ')' ) AND length ( 'a''b,' ) > 1".to_owned())]);
    }

    #[test]
    fn expressions_keep_their_meaning() {
        for (text, spaced) in [
            ("a>=1.5e-3", "a >= 1.5e-3"),
            ("a<>.5 -- half", "a <> .5"),
            ("b!=X'00ff'||'x'", "b != X'00ff' || 'x'"),
            ("json->>'$.a'   ==\n  0x1F-1", "json ->> '$.a' == 0x1F - 1"),
            ("(a)IN(1,2)", "( a ) IN ( 1 , 2 )"),
        ] {
            let sql = format!("CREATE TABLE t (a, CONSTRAINT c CHECK ({text}\n))");
            let table = TableSql::parse(&sql).unwrap();
            assert_eq!(table.checks(), [("c".to_owned(), spaced.to_owned())]);
        }
    }

    #[test]
    fn constraints_end_at_their_own_parenthesis() {
        let sql = "CREATE TABLE t (a, b, CONSTRAINT c CHECK ((a) > 0) ON CONFLICT FAIL,
            CONSTRAINT u UNIQUE (a, \"b\"), CONSTRAINT other UNIQUE (a COLLATE NOCASE), UNIQUE (b))";
        let table = TableSql::parse(sql).unwrap();
        assert_eq!(table.checks(), [("c".to_owned(), "( a ) > 0".to_owned())]);
        assert_eq!(table.uniques(), [("u".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
    }

    #[test]
    fn foreign_keys_are_found_and_taken_out() {
        let sql = "CREATE TABLE cars (a INT NOT NULL REFERENCES makers ON DELETE SET NULL DEFAULT 1, b INT,
            c INT CONSTRAINT \"of, c\" REFERENCES owners (id) REFERENCES others (id), \"FOREIGN\" INT,
            FOREIGN KEY (a) REFERENCES t (x), CONSTRAINT both FOREIGN KEY (a, b) REFERENCES t (x, y) MATCH FULL)";
        let table = TableSql::parse(sql).unwrap();
        let names: Vec<_> = table.foreign_keys("cars").into_iter().map(|key| key.name).collect();
        assert_eq!(names, ["cars_a_fkey", "of, c", "cars_c_fkey", "cars_a_fkey1", "both"]);
        for (name, left) in [
            ("cars_a_fkey", "a INT NOT NULL DEFAULT 1"),
            ("of, c", "c INT REFERENCES others (id)"),
            ("cars_c_fkey", "c INT CONSTRAINT \"of, c\" REFERENCES owners (id)"),
        ] {
            let mut table = table.clone();
            assert!(table.drop_constraint("cars", name));
            assert!(table.clauses.iter().any(|clause| clause.text() == left), "{name}: {table:?}");
        }
        for name in ["cars_a_fkey1", "both"] {
            let mut less = table.clone();
            assert!(less.drop_constraint("cars", name));
            assert_eq!(less.clauses.len(), table.clauses.len() - 1);
        }
        assert!(!table.clone().drop_constraint("cars", "cars_b_fkey"));
    }

    #[test]
    fn what_is_put_together_is_the_same_again() {
        let table = TableSql::parse(SQL).unwrap();
        let rendered = table.render("t");
        assert!(rendered.ends_with(") STRICT"), "{rendered}");
        assert_eq!(TableSql::parse(&rendered).unwrap(), table);
    }

    #[test]
    fn other_statements_are_refused() {
        assert_eq!(TableSql::parse("CREATE VIRTUAL TABLE t USING fts5(a, b)"), None);
        assert_eq!(TableSql::parse("CREATE TABLE t (a"), None);
        assert_eq!(TableSql::parse("CREATE TABLE t AS SELECT 1"), None);
        assert_eq!(TableSql::parse(""), None);
    }
}
