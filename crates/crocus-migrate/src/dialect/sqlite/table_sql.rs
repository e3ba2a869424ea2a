//! The text of a `CREATE TABLE` statement as SQLite stores it, taken apart into its clauses and put together again.
//! Whatever is not changed stays as it was written. `column.rs` takes a column's definition apart.

mod column;

use super::tokens::{Token, closing, has_name, has_word, spaced, tokens};

use crate::schema::Deferrable;

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

/// A constraint of a statement, wherever it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConstraintSql {
    /// Its name: where it has none, the one that PostgreSQL would give it.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The place of its clause.
    clause: usize,
    /// Its place among the constraints of the column that it is written on.
    place: Option<usize>,
}

/// What a constraint says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// An expression, with single spaces between its tokens.
    Check(String),
    /// Plain columns.
    Unique(Vec<String>),
    /// When it is checked. A pragma tells the rest.
    ForeignKey(Deferrable),
    /// A primary key, or what no operation makes: uniqueness under a collation of its own.
    Other,
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
                    clauses.extend(Clause::parse(sql, tokens.get(start..index)?)?);
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

    /// Whether its rows have a rowid.
    pub(crate) fn has_rowid(&self) -> bool {
        !has_word(&self.options, "ROWID")
    }

    /// The columns by their names.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, ColumnSql)> {
        self.clauses.iter().filter_map(|clause| match clause {
            Clause::Column { name, text } => Some((name.as_str(), ColumnSql::parse(text))),
            Clause::Constraint { .. } => None,
        })
    }

    /// The constraints of the table with this name, in the order in which they are written, but for what makes a
    /// column an enum.
    pub(crate) fn constraints(&self, table: &str) -> Vec<ConstraintSql> {
        let mut found = Vec::new();
        for (clause, written) in self.clauses.iter().enumerate() {
            match written {
                Clause::Column { name: column, text } => {
                    let column_sql = ColumnSql::parse(text);
                    let of_enum = column_sql.enum_place();
                    for (place, constraint) in column_sql.constraints.iter().enumerate() {
                        let kind = match constraint.word.as_str() {
                            "UNIQUE" => (Kind::Unique(vec![column.clone()]), vec![column.clone()], "key"),
                            "REFERENCES" => {
                                (Kind::ForeignKey(deferrable(&constraint.text)), vec![column.clone()], "fkey")
                            }
                            "CHECK" if of_enum != Some(place) => match self.check(&constraint.text) {
                                Some(kind) => kind,
                                None => continue,
                            },
                            _ => continue,
                        };
                        found.push((constraint.name.clone(), kind, clause, Some(place)));
                    }
                }
                Clause::Constraint { name, text } => {
                    found.extend(self.kind(text).map(|kind| (name.clone(), kind, clause, None)));
                }
            }
        }
        let mut taken: Vec<String> = found.iter().filter_map(|(name, ..)| name.clone()).collect();
        let named = found.into_iter().map(|(name, (kind, columns, end), clause, place)| {
            let name = name.unwrap_or_else(|| {
                let name = conventional(table, &columns, end, &taken);
                taken.push(name.clone());
                name
            });
            ConstraintSql { name, kind, clause, place }
        });
        named.collect()
    }

    /// What a table's constraint says, and what it is called after: columns, and a word for its kind.
    fn kind(&self, text: &str) -> Option<(Kind, Vec<String>, &'static str)> {
        let tokens = tokens(text);
        let word = tokens.get(begin_of_constraint(text, &tokens))?;
        let open = tokens.iter().position(|token| token.text(text) == "(")?;
        let list = &tokens[open + 1..closing(text, &tokens, open)?];
        let names = list.split(|token| token.text(text) == ",");
        let columns: Vec<_> = names.filter_map(|name| Some(self.own_name(&name.first()?.name(text)))).collect();
        let plain = list.len() + 1 == 2 * columns.len();
        match word.text(text).to_ascii_uppercase().as_str() {
            "CHECK" => self.check(text),
            "UNIQUE" if plain => Some((Kind::Unique(columns.clone()), columns, "key")),
            "UNIQUE" => Some((Kind::Other, columns, "key")),
            "FOREIGN" => Some((Kind::ForeignKey(deferrable(text)), columns, "fkey")),
            _ => Some((Kind::Other, Vec::new(), "pkey")),
        }
    }

    /// How a column is called where it is defined.
    fn own_name(&self, written: &str) -> String {
        let found = self.columns().map(|(name, _)| name).find(|name| name.eq_ignore_ascii_case(written));
        found.unwrap_or(written).to_owned()
    }

    /// PostgreSQL calls a check after its column where it mentions one alone.
    fn check(&self, text: &str) -> Option<(Kind, Vec<String>, &'static str)> {
        let tokens = tokens(text);
        let open = tokens.iter().position(|token| token.text(text) == "(")?;
        let inside = &tokens[open + 1..closing(text, &tokens, open)?];
        let mentioned = |name: &&str| inside.iter().any(|token| token.is_name(text, name));
        let columns: Vec<_> = self.columns().map(|(name, _)| name).filter(mentioned).map(str::to_owned).collect();
        let columns = if columns.len() == 1 { columns } else { Vec::new() };
        Some((Kind::Check(spaced(text, inside)), columns, "check"))
    }

    /// Whether a constraint of the table, or a column other than this one, mentions a name.
    pub(crate) fn mentions_elsewhere(&self, column: &str) -> bool {
        let others = self
            .clauses
            .iter()
            .filter(|clause| !matches!(clause, Clause::Column { name, .. } if name.eq_ignore_ascii_case(column)));
        others.into_iter().any(|clause| has_name(clause.text(), column))
    }

    /// Takes the constraint with this name out of the table with this name. `false` when there is none.
    pub(crate) fn drop_constraint(&mut self, table: &str, name: &str) -> bool {
        let Some(found) = self.constraints(table).into_iter().find(|found| found.name == name) else { return false };
        match (found.place, &mut self.clauses[found.clause]) {
            (Some(place), Clause::Column { text, .. }) => {
                let mut column = ColumnSql::parse(text);
                column.constraints.remove(place);
                *text = column.render();
            }
            _ => drop(self.clauses.remove(found.clause)),
        }
        true
    }
    /// Gives the constraint with this name in the table with this name another one. `false` when there is none.
    pub(crate) fn rename_constraint(&mut self, table: &str, name: &str, new_name: &str) -> bool {
        let Some(found) = self.constraints(table).into_iter().find(|found| found.name == name) else { return false };
        match (found.place, &mut self.clauses[found.clause]) {
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

    /// The columns of the primary key, in order.
    pub(crate) fn primary_key(&self) -> Option<Vec<String>> {
        self.clauses.iter().find_map(|clause| match clause {
            Clause::Column { name, text } => ColumnSql::parse(text).is_key().then(|| vec![name.clone()]),
            Clause::Constraint { text, .. } => {
                let tokens = tokens(text);
                let start = begin_of_constraint(text, &tokens);
                let is_key = tokens.get(start).is_some_and(|token| token.is_word(text, "PRIMARY"));
                let end = is_key.then(|| closing(text, &tokens, start + 2)).flatten()?;
                let columns = tokens[start + 3..end].split(|token| token.text(text) == ",");
                Some(columns.filter_map(|column| Some(column.first()?.name(text))).collect())
            }
        })
    }

    /// Takes the primary key away: the clause, or the words at its column. `false` when there is none.
    pub(crate) fn drop_primary_key(&mut self) -> bool {
        for (at, clause) in self.clauses.iter_mut().enumerate() {
            match clause {
                Clause::Column { text, .. } => {
                    let mut column = ColumnSql::parse(text);
                    if column.is_key() {
                        column.constraints.retain(|constraint| constraint.word != "PRIMARY");
                        *text = column.render();
                        return true;
                    }
                }
                Clause::Constraint { text, .. } => {
                    let tokens = tokens(text);
                    let start = begin_of_constraint(text, &tokens);
                    if tokens.get(start).is_some_and(|token| token.is_word(text, "PRIMARY")) {
                        self.clauses.remove(at);
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// The name that PostgreSQL gives to a constraint without one.
fn conventional(table: &str, columns: &[String], end: &str, taken: &[String]) -> String {
    let parts: Vec<_> = [table].into_iter().chain(columns.iter().map(String::as_str)).chain([end]).collect();
    let base = parts.join("_");
    let mut names = std::iter::once(base.clone()).chain((1..).map(|number| format!("{base}{number}")));
    names.find(|name| !taken.contains(name)).unwrap_or(base)
}

/// `[NOT] DEFERRABLE [INITIALLY DEFERRED | INITIALLY IMMEDIATE]`: only one that is initially deferred differs from none
/// ("SQLite Foreign Key Support", 4.2).
fn deferrable(text: &str) -> Deferrable {
    let tokens = tokens(text);
    let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(text, word));
    let deferred = (1..tokens.len()).any(|at| {
        word(at, "DEFERRABLE") && !word(at - 1, "NOT") && word(at + 1, "INITIALLY") && word(at + 2, "DEFERRED")
    });
    if deferred { Deferrable::Deferred } else { Deferrable::No }
}

/// Where a table's constraint begins after `CONSTRAINT name`, of which there can be several.
fn begin_of_constraint(text: &str, tokens: &[Token]) -> usize {
    let named = |pair: &&[Token]| pair[0].is_word(text, "CONSTRAINT");
    2 * tokens.chunks(2).take_while(named).count()
}

impl Clause {
    /// What stands between two commas: a column, or constraints of the table, which need no comma between them.
    fn parse(sql: &str, tokens: &[Token]) -> Option<Vec<Clause>> {
        let words = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
        let begins = |token: &Token| words.iter().any(|word| token.is_word(sql, word));
        let written = |tokens: &[Token]| Some(sql[tokens.first()?.start..tokens.last()?.end].to_owned());
        if !begins(tokens.first()?) {
            return Some(vec![Clause::Column { name: tokens.first()?.name(sql), text: written(tokens)? }]);
        }
        let mut clauses = Vec::new();
        let mut rest = tokens;
        while !rest.is_empty() {
            let start = begin_of_constraint(sql, rest);
            let mut end = (start + 1).min(rest.len());
            while rest.get(end).is_some_and(|token| !begins(token)) {
                end = if rest[end].text(sql) == "(" { closing(sql, rest, end)? + 1 } else { end + 1 };
            }
            let name = start.checked_sub(1).and_then(|at| rest.get(at)).map(|token| token.name(sql));
            clauses.push(Clause::Constraint { name, text: written(&rest[..end])? });
            rest = &rest[end..];
        }
        Some(clauses)
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
        let found: Vec<_> = table.constraints("t").into_iter().map(|found| (found.name, found.kind)).collect();
        let check = Kind::Check("( \"a,b\" <> ')' ) AND length ( 'a''b,' ) > 1".to_owned());
        let unique = Kind::Unique(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(found, [("c 1".to_owned(), check), ("t_a_b_key".to_owned(), unique)]);
    }

    #[test]
    fn expressions_keep_their_meaning() {
        for (text, spaced) in [
            ("a>=1.5e-3", "a >= 1.5e-3"),
            ("a<>.5 -- half", "a <> .5"),
            ("b!=X'00ff'||'x'", "b <> X'00ff' || 'x'"),
            ("json->>'$.a'   ==\n  0x1F-1", "json ->> '$.a' = 0x1F - 1"),
            ("(a)IN(1,2)", "( a ) IN ( 1 , 2 )"),
        ] {
            let sql = format!("CREATE TABLE t (a, CONSTRAINT c CHECK ({text}\n))");
            let table = TableSql::parse(&sql).unwrap();
            let found: Vec<_> = table.constraints("t").into_iter().map(|found| found.kind).collect();
            assert_eq!(found, [Kind::Check(spaced.to_owned())]);
        }
    }

    #[test]
    fn constraints_are_found_wherever_they_are_written() {
        let sql = "CREATE TABLE cars (a INT UNIQUE CHECK(A>0), b TEXT CONSTRAINT named CHECK (a < length(b)),
            c ENUM_TEXT CONSTRAINT e CHECK (c IN ('x')) CHECK (c <> ''), CONSTRAINT c CHECK ((a) > 0) ON CONFLICT FAIL
            CONSTRAINT other CONSTRAINT u UNIQUE (a, \"B\") CHECK (cars.b = 'x') PRIMARY KEY (a), CHECK (1),
            UNIQUE (b COLLATE NOCASE), UNIQUE (b), UNIQUE (\"a\"), CHECK (b = '') CONSTRAINT nothing)";
        let table = TableSql::parse(sql).unwrap();
        let found: Vec<_> = table.constraints("cars").into_iter().map(|found| (found.name, found.kind)).collect();
        let check = |sql: &str| Kind::Check(sql.to_owned());
        let unique = |columns: &[&str]| Kind::Unique(columns.iter().map(|name| (*name).to_owned()).collect());
        let wanted = [
            ("cars_a_key", unique(&["a"])),
            ("cars_a_check", check("A > 0")),
            ("named", check("a < length ( b )")),
            ("cars_c_check", check("c <> ''")),
            ("c", check("( a ) > 0")),
            ("u", unique(&["a", "b"])),
            ("cars_b_check", check("cars . b = 'x'")),
            ("cars_pkey", Kind::Other),
            ("cars_check", check("1")),
            ("cars_b_key", Kind::Other),
            ("cars_b_key1", unique(&["b"])),
            ("cars_a_key1", unique(&["a"])),
            ("cars_b_check1", check("b = ''")),
        ];
        assert_eq!(found, wanted.map(|(name, kind)| (name.to_owned(), kind)));
        for (name, _) in found {
            let mut less = table.clone();
            assert!(less.drop_constraint("cars", &name), "{name}");
            assert_eq!(less.constraints("cars").len(), table.constraints("cars").len() - 1, "{name}");
        }
    }

    #[test]
    fn foreign_keys_are_found_and_taken_out() {
        let sql = "CREATE TABLE cars (a INT NOT NULL REFERENCES makers ON DELETE SET NULL DEFAULT 1, b INT,
            c INT CONSTRAINT \"of, c\" REFERENCES owners (id) REFERENCES others (id), \"FOREIGN\" INT,
            FOREIGN KEY (a) REFERENCES t (x), CONSTRAINT both FOREIGN KEY (a, b) REFERENCES t (x, y) MATCH FULL)";
        let table = TableSql::parse(sql).unwrap();
        let names: Vec<_> = table.constraints("cars").into_iter().map(|found| found.name).collect();
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
    fn a_foreign_key_is_deferred_only_in_full_words() {
        for (words, deferrable) in [
            ("", Deferrable::No),
            ("DEFERRABLE", Deferrable::No),
            ("deferrable initially immediate", Deferrable::No),
            ("NOT DEFERRABLE INITIALLY DEFERRED", Deferrable::No),
            ("ON DELETE CASCADE Deferrable Initially Deferred", Deferrable::Deferred),
        ] {
            for sql in [
                format!("CREATE TABLE t (a INT REFERENCES b (c) {words} NOT NULL, b INT)"),
                format!("CREATE TABLE t (a INT NOT NULL, CONSTRAINT k FOREIGN KEY (a) REFERENCES b (c) {words})"),
            ] {
                let found = TableSql::parse(&sql).unwrap().constraints("t");
                assert_eq!(found[0].kind, Kind::ForeignKey(deferrable), "{sql}");
            }
        }
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
