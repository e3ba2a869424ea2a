//! The text of a `CREATE INDEX` statement as SQLite stores it, read as an index or as a unique constraint.

use super::ddl::{collation, quote};
use super::tokens::{Token, closing, spaced, tokens};
use crate::schema::{Index, IndexKey, IndexPart};

/// What tells a unique index that is a constraint from another one. SQLite keeps it in the statement.
pub(crate) const CONSTRAINT_MARK: &str = "/* constraint */";

/// A statement's meaning.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct IndexSql {
    pub(crate) index: Index,
    /// Whether it is what a unique constraint is made of.
    pub(crate) is_constraint: bool,
}

impl IndexSql {
    /// Reads the statement of an index of a table with these columns. `None` when it is over another one, such as a column
    /// that is computed when it is read.
    pub(crate) fn parse(name: &str, sql: &str, columns: &[&str]) -> Option<IndexSql> {
        let tokens = tokens(sql);
        let unique = tokens.get(1)?.is_word(sql, "UNIQUE");
        // The name and the table's come between `INDEX` and `ON`, and may be those words, in quotes.
        let open = tokens.iter().position(|token| token.text(sql) == "(")?;
        let end = closing(sql, &tokens, open)?;
        let mut parts = Vec::new();
        let mut start = open + 1;
        let mut depth = 0usize;
        for at in open + 1..=end {
            match tokens[at].text(sql) {
                "(" => depth += 1,
                ")" if at < end => depth -= 1,
                "," | ")" if depth == 0 => {
                    parts.push(part(sql, &tokens[start..at], columns)?);
                    start = at + 1;
                }
                _ => {}
            }
        }
        let condition = tokens.get(end + 1).map(|_| spaced(sql, &tokens[end + 2..]));
        let marked = |pair: &[Token]| sql[pair[0].end..pair[1].start].contains(CONSTRAINT_MARK);
        let is_constraint = unique && tokens.windows(2).any(marked);
        Some(IndexSql { index: Index { unique, condition, ..Index::new(name, parts) }, is_constraint })
    }
}

/// The statement of an index under another name.
pub(crate) fn renamed(sql: &str, new_name: &str) -> Option<String> {
    let tokens = tokens(sql);
    // A name that is this word has quotes.
    let on = tokens.iter().position(|token| token.is_word(sql, "ON"))?;
    let name = tokens.get(on.checked_sub(1)?)?;
    Some(format!("{}{}{}", &sql[..name.start], quote(new_name), &sql[name.end..]))
}

/// `column [COLLATE name] [ASC | DESC]`, `expression [COLLATE name] [ASC | DESC]`
fn part(sql: &str, tokens: &[Token], columns: &[&str]) -> Option<IndexPart> {
    let descending = tokens.last()?.is_word(sql, "DESC");
    let ordered = descending || tokens.last()?.is_word(sql, "ASC");
    let mut tokens = &tokens[..tokens.len() - usize::from(ordered)];
    let mut collated = None;
    if let [before @ .., word, name] = tokens
        && word.is_word(sql, "COLLATE")
    {
        (tokens, collated) = (before, Some(collation(&name.name(sql))));
    }
    let first = tokens.first()?;
    let key = if first.text(sql) == "(" && closing(sql, tokens, 0) == Some(tokens.len() - 1) {
        IndexKey::Expression(spaced(sql, &tokens[1..tokens.len() - 1]))
    } else if let [name] = tokens {
        let name = name.name(sql);
        IndexKey::Column((*columns.iter().find(|column| column.eq_ignore_ascii_case(&name))?).to_owned())
    } else {
        IndexKey::Expression(spaced(sql, tokens))
    };
    Some(IndexPart { descending, collation: collated, ..IndexPart::new(key) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(sql: &str) -> Option<IndexSql> {
        IndexSql::parse("i", sql, &["name", "odd (,", "Doors"])
    }

    #[test]
    fn parts_and_conditions_are_told_apart() {
        let sql = r#"CREATE UNIQUE INDEX IF NOT EXISTS main."on (" ON "cars, (" (NAME, [odd (,] ASC, `doors` desc,
            lower(name), (a || ')') DESC) where  name<>'(' AND doors > 2"#;
        let found = parsed(sql).unwrap();
        let column = |name: &str| IndexKey::Column(name.to_owned());
        let expression = |text: &str| IndexKey::Expression(text.to_owned());
        let keys = [
            (column("name"), false),
            (column("odd (,"), false),
            (column("Doors"), true),
            (expression("lower ( name )"), false),
            (expression("a || ')'"), true),
        ];
        let part = |(key, descending)| IndexPart { descending, ..IndexPart::new(key) };
        let parts = keys.into_iter().map(part).collect();
        let condition = Some("name <> '(' AND doors > 2".to_owned());
        assert_eq!(found.index, Index { unique: true, condition, ..Index::new("i", parts) });
        assert!(!found.is_constraint);
    }

    #[test]
    fn a_constraint_has_its_mark() {
        assert!(parsed("CREATE UNIQUE INDEX i ON cars /* constraint */ (name)").unwrap().is_constraint);
        assert!(!parsed("CREATE UNIQUE INDEX \"/* constraint */\" ON cars (name)").unwrap().is_constraint);
        assert!(!parsed("CREATE INDEX i ON cars /* constraint */ (name)").unwrap().is_constraint);
    }

    #[test]
    fn an_index_is_renamed() {
        for (sql, new) in [
            ("CREATE INDEX i ON cars (name)", "CREATE INDEX \"new \"\" name\" ON cars (name)"),
            (
                "CREATE UNIQUE INDEX IF NOT EXISTS main.\"ON\" ON t /* constraint */ (\"ON\")",
                "CREATE UNIQUE INDEX IF NOT EXISTS main.\"new \"\" name\" ON t /* constraint */ (\"ON\")",
            ),
        ] {
            assert_eq!(renamed(sql, "new \" name").as_deref(), Some(new));
        }
    }

    #[test]
    fn collations_have_one_form() {
        for (part, key, collation, descending) in [
            ("name collate nocase", "name", "NOCASE", false),
            ("\"NAME\" COLLATE \"RTRIM\" DESC", "name", "RTRIM", true),
            ("Doors COLLATE mine ASC", "Doors", "mine", false),
        ] {
            let found = parsed(&format!("CREATE INDEX i ON cars ({part})")).unwrap();
            let wanted = IndexPart { descending, ..IndexPart::from(key).collate(collation) };
            assert_eq!(found.index.parts, [wanted]);
        }
        let found = parsed("CREATE INDEX i ON cars (lower(name) COLLATE NOCASE, (name COLLATE NOCASE))").unwrap();
        let part = |text: &str| IndexPart::new(IndexKey::Expression(text.to_owned()));
        assert_eq!(found.index.parts, [part("lower ( name )").collate("NOCASE"), part("name COLLATE NOCASE")]);
    }

    #[test]
    fn what_cannot_be_said_is_not_read() {
        assert_eq!(parsed("CREATE INDEX i ON cars (computed_when_read)"), None);
    }
}
