//! The text of a `CREATE TABLE` statement as SQLite stores it, taken apart into its clauses and put together again.
//! Whatever is not changed stays as it was written.

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
        let named = self.clauses.iter().filter_map(|clause| match clause {
            Clause::Constraint { name: Some(name), text } => Some((name, text)),
            _ => None,
        });
        named
            .filter_map(|(name, text)| {
                let tokens = tokens(text);
                // CONSTRAINT name CHECK ( ... )
                if tokens.len() < 5 || !tokens[2].is_word(text, "CHECK") {
                    return None;
                }
                let inner: Vec<_> = tokens[4..tokens.len() - 1].iter().map(|token| token.text(text)).collect();
                Some((name.clone(), inner.join(" ")))
            })
            .collect()
    }

    /// The clause of a column.
    pub(crate) fn column(&self, name: &str) -> Option<&str> {
        self.clauses.iter().find_map(|clause| match clause {
            Clause::Column { name: column, text } if column.eq_ignore_ascii_case(name) => Some(text.as_str()),
            _ => None,
        })
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

    fn text(&self) -> &str {
        match self {
            Clause::Column { text, .. } | Clause::Constraint { text, .. } => text,
        }
    }
}

/// Whether a text has this word outside quotes and comments.
pub(crate) fn has_word(sql: &str, word: &str) -> bool {
    tokens(sql).iter().any(|token| token.is_word(sql, word))
}

#[derive(Debug, Clone, Copy)]
struct Token {
    start: usize,
    end: usize,
}

impl Token {
    fn text(self, sql: &str) -> &str {
        &sql[self.start..self.end]
    }

    fn is_word(self, sql: &str, word: &str) -> bool {
        self.text(sql).eq_ignore_ascii_case(word)
    }

    /// The identifier without its quotes.
    fn name(self, sql: &str) -> String {
        let text = self.text(sql);
        let inner = || text[1..text.len() - 1].to_owned();
        match text.as_bytes().first() {
            Some(b'"') => inner().replace("\"\"", "\""),
            Some(b'`') => inner().replace("``", "`"),
            Some(b'\'') => inner().replace("''", "'"),
            Some(b'[') => inner(),
            _ => text.to_owned(),
        }
    }
}

/// Quoted things, words and numbers, and single other characters; spaces and comments are left out ("SQL As
/// Understood By SQLite", comments and literals).
fn tokens(sql: &str) -> Vec<Token> {
    let bytes = sql.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            byte if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at = sql[at..].find('\n').map_or(bytes.len(), |end| at + end + 1);
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = sql[at + 2..].find("*/").map_or(bytes.len(), |end| at + 2 + end + 2);
                continue;
            }
            quote @ (b'"' | b'\'' | b'`') => {
                at += 1;
                while at < bytes.len() {
                    if bytes[at] == quote {
                        if bytes.get(at + 1) != Some(&quote) {
                            break;
                        }
                        at += 1;
                    }
                    at += 1;
                }
                at = (at + 1).min(bytes.len());
            }
            b'[' => at = sql[at..].find(']').map_or(bytes.len(), |end| at + end + 1),
            byte if is_word_byte(byte) => {
                while at < bytes.len() && is_word_byte(bytes[at]) {
                    at += 1;
                }
            }
            _ => at += 1,
        }
        tokens.push(Token { start, end: at });
    }
    tokens
}

/// Bytes of other alphabets belong to words: SQLite takes every character beyond ASCII as a letter.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii()
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
        assert_eq!(table.column("NAÏVE".to_lowercase().as_str()), Some("`naïve` NUMERIC(10, 2)"));
        assert_eq!(table.checks(), [("c 1".to_owned(), "( \"a,b\" < > ')' ) AND length ( 'a''b,' ) > 1".to_owned())]);
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
