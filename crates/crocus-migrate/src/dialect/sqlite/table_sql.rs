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
        let spaced = |text: &str, tokens: &[Token]| {
            let tokens: Vec<_> = tokens.iter().map(|token| token.text(text)).collect();
            Some(tokens.join(" "))
        };
        self.named("CHECK", spaced)
    }

    /// The named unique constraints over plain columns: name and columns.
    pub(crate) fn uniques(&self) -> Vec<(String, Vec<String>)> {
        let columns = |text: &str, tokens: &[Token]| {
            let lists = tokens.split(|token| token.text(text) == ",");
            lists.map(|list| if let [name] = list { Some(name.name(text)) } else { None }).collect()
        };
        self.named("UNIQUE", columns)
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

/// A column's definition with another type, nullability and default. Its other constraints stay as they are written:
/// a key, a collation, a reference, a check.
pub(crate) fn altered_column(text: &str, ty: &str, nullable: bool, default: Option<&str>) -> String {
    let tokens = tokens(text);
    let starts = |at: usize| {
        let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(text, word));
        let after = |before: &str| at > 0 && word(at - 1, before);
        ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "COLLATE", "REFERENCES", "GENERATED"].iter().any(|w| word(at, w))
            || (word(at, "NOT") && word(at + 1, "NULL"))
            // `ON DELETE SET NULL` belongs to a reference, `GENERATED ALWAYS AS` is one constraint.
            || (word(at, "NULL") && !after("NOT") && !after("SET"))
            || (word(at, "DEFAULT") && !after("SET"))
            || (word(at, "AS") && !after("ALWAYS"))
    };
    // The end of what begins at a token: where the next constraint begins, beyond parentheses.
    let end_of = |mut at: usize| {
        while at < tokens.len() && !starts(at) {
            at = if tokens[at].text(text) == "(" { closing(text, &tokens, at).unwrap_or(at) + 1 } else { at + 1 };
        }
        at.min(tokens.len())
    };
    let Some(name) = tokens.first() else { return String::new() };
    let mut altered = format!("{} {ty}", name.text(text));
    if !nullable {
        altered.push_str(" NOT NULL");
    }
    if let Some(default) = default {
        // An expression needs the parentheses, a literal does not mind them ("CREATE TABLE", 3.2).
        altered.push_str(&format!(" DEFAULT ({default})"));
    }
    let mut at = end_of(1);
    while at < tokens.len() {
        let start = at;
        let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(text, word));
        if word(at, "CONSTRAINT") {
            at += 2;
        }
        let replaced = word(at, "NOT") || word(at, "NULL") || word(at, "DEFAULT");
        // The word itself, and what could be taken for the next constraint: `NOT NULL`, `DEFAULT NULL`.
        at = end_of(if word(at, "DEFAULT") && tokens.get(at + 1).is_some_and(|token| token.text(text) == "(") {
            at + 1
        } else if word(at, "NOT") || word(at, "DEFAULT") {
            at + 2
        } else {
            at + 1
        });
        if !replaced {
            altered.push_str(&format!(" {}", &text[tokens[start].start..tokens[at - 1].end]));
        }
    }
    altered
}

/// Whether a text is one string, number or truth value.
pub(crate) fn is_literal(sql: &str) -> bool {
    let tokens = tokens(sql);
    let unsigned = match tokens.first().map(|token| token.text(sql)) {
        Some("+" | "-") => &tokens[1..],
        _ => &tokens,
    };
    let [token] = unsigned else { return false };
    let text = token.text(sql);
    text.starts_with(['\'', '.'])
        || text.starts_with(|first: char| first.is_ascii_digit())
        || text.ends_with('\'')
        || token.is_word(sql, "TRUE")
        || token.is_word(sql, "FALSE")
}

/// Where the parenthesis at `open` is closed.
fn closing(sql: &str, tokens: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text(sql) {
            "(" => depth += 1,
            ")" if depth == 1 => return Some(at),
            ")" => depth -= 1,
            _ => {}
        }
    }
    None
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

/// Quoted things, words, numbers and operators; spaces and comments are left out ("SQL As Understood By SQLite",
/// comments and literals). Tokens with spaces between them mean the same again.
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
            b'x' | b'X' if bytes.get(at + 1) == Some(&b'\'') => {
                at = sql[at + 2..].find('\'').map_or(bytes.len(), |end| at + 2 + end + 1);
            }
            byte if byte.is_ascii_digit() || (byte == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)) => {
                let hexadecimal = matches!(bytes.get(at + 1), Some(b'x' | b'X'));
                while at < bytes.len() {
                    let exponent = !hexadecimal && matches!(bytes[at - usize::from(at > start)], b'e' | b'E');
                    match bytes[at] {
                        b'+' | b'-' if exponent => at += 1,
                        b'.' => at += 1,
                        byte if is_word_byte(byte) => at += 1,
                        _ => break,
                    }
                }
            }
            byte if is_word_byte(byte) => {
                while at < bytes.len() && is_word_byte(bytes[at]) {
                    at += 1;
                }
            }
            _ => {
                let operators = ["->>", "->", "||", "<<", ">>", "<=", ">=", "<>", "==", "!="];
                at +=
                    operators.iter().find(|operator| sql[at..].starts_with(**operator)).map_or(1, |found| found.len());
            }
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
    fn an_altered_column_keeps_what_is_not_altered() {
        for (text, altered) in [
            ("a", "a BIGINT NOT NULL DEFAULT (1)"),
            ("\"a b\" NUMERIC(10, 2) NULL", "\"a b\" BIGINT NOT NULL DEFAULT (1)"),
            ("a INT NOT NULL ON CONFLICT FAIL DEFAULT -7 UNIQUE", "a BIGINT NOT NULL DEFAULT (1) UNIQUE"),
            ("a INT DEFAULT (1 + (2)) COLLATE nocase", "a BIGINT NOT NULL DEFAULT (1) COLLATE nocase"),
            ("a INT DEFAULT NULL CHECK (a IS NOT NULL)", "a BIGINT NOT NULL DEFAULT (1) CHECK (a IS NOT NULL)"),
            ("a INT CONSTRAINT n NOT NULL CONSTRAINT u UNIQUE", "a BIGINT NOT NULL DEFAULT (1) CONSTRAINT u UNIQUE"),
            (
                "a INT REFERENCES t (x) ON DELETE SET NULL ON UPDATE SET DEFAULT NOT DEFERRABLE DEFAULT 5",
                "a BIGINT NOT NULL DEFAULT (1) REFERENCES t (x) ON DELETE SET NULL ON UPDATE SET DEFAULT NOT DEFERRABLE",
            ),
        ] {
            assert_eq!(altered_column(text, "BIGINT", false, Some("1")), altered);
        }
        assert_eq!(altered_column("a INT NOT NULL DEFAULT 'x' PRIMARY KEY", "TEXT", true, None), "a TEXT PRIMARY KEY");
        let generated = "a INT GENERATED ALWAYS AS (b + 1) STORED";
        assert_eq!(altered_column(generated, "TEXT", true, None), "a TEXT GENERATED ALWAYS AS (b + 1) STORED");
    }

    #[test]
    fn literals_are_told_from_expressions() {
        for literal in ["'it''s'", "0", "-1", "+ .5", "1e5", "true", "False", "x'00'"] {
            assert!(is_literal(literal), "{literal}");
        }
        for other in ["'a' || 'b'", "now()", "CURRENT_TIMESTAMP", "1 + 1", "(1)", "inf", "nan", "", "\"a\""] {
            assert!(!is_literal(other), "{other}");
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
