//! A column's definition, taken apart into its name, its type and its constraints.

use crate::dialect::sqlite::tokens::{Token, closing, tokens};

/// A column's definition. Each part is as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnSql {
    name: String,
    ty: String,
    pub(crate) constraints: Vec<ColumnConstraint>,
}

/// A constraint of a column: `NOT NULL`, `DEFAULT 1`, `CONSTRAINT name REFERENCES makers (id)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnConstraint {
    pub(crate) name: Option<String>,
    /// The first word after the name, in capitals.
    pub(crate) word: String,
    text: String,
}

impl ColumnSql {
    pub(crate) fn parse(text: &str) -> ColumnSql {
        let tokens = tokens(text);
        let slice = |tokens: &[Token]| match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => text[first.start..last.end].to_owned(),
            _ => String::new(),
        };
        let mut at = end_of(text, &tokens, 1);
        let mut column = ColumnSql {
            name: slice(&tokens[..tokens.len().min(1)]),
            ty: slice(tokens.get(1..at).unwrap_or_default()),
            constraints: Vec::new(),
        };
        while at < tokens.len() {
            let start = at;
            let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(text, word));
            let name = word(at, "CONSTRAINT").then(|| tokens.get(at + 1).map(|token| token.name(text))).flatten();
            if name.is_some() {
                at += 2;
            }
            let first = tokens.get(at).map(|token| token.text(text).to_ascii_uppercase()).unwrap_or_default();
            // The word itself, and what could be taken for the next constraint: `NOT NULL`, `DEFAULT NULL`.
            at = match first.as_str() {
                "DEFAULT" if tokens.get(at + 1).is_some_and(|token| token.text(text) == "(") => at + 1,
                "DEFAULT" | "NOT" => at + 2,
                _ => at + 1,
            };
            at = end_of(text, &tokens, at);
            let text = slice(&tokens[start..at]);
            column.constraints.push(ColumnConstraint { name, word: first, text });
        }
        column
    }

    pub(crate) fn render(&self) -> String {
        let mut text = format!("{} {}", self.name, self.ty);
        for constraint in &self.constraints {
            text.push_str(&format!(" {}", constraint.text));
        }
        text
    }

    /// The definition with another type, nullability and default. Its other constraints stay as they are written: a
    /// key, a collation, a reference, a check.
    pub(crate) fn altered(mut self, ty: &str, nullable: bool, default: Option<&str>) -> ColumnSql {
        let new = |word: &str, text: String| ColumnConstraint { name: None, word: word.to_owned(), text };
        let not_null = (!nullable).then(|| new("NOT", "NOT NULL".to_owned()));
        // An expression needs the parentheses, a literal does not mind them ("CREATE TABLE", 3.2).
        let default = default.map(|default| new("DEFAULT", format!("DEFAULT ({default})")));
        self.constraints.retain(|constraint| !matches!(constraint.word.as_str(), "NOT" | "NULL" | "DEFAULT"));
        self.constraints.splice(0..0, not_null.into_iter().chain(default));
        self.ty = ty.to_owned();
        self
    }
}

/// The end of what begins at a token: where the next constraint begins, beyond parentheses.
fn end_of(text: &str, tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() && !begins_constraint(text, tokens, at) {
        at = if tokens[at].text(text) == "(" { closing(text, tokens, at).unwrap_or(at) + 1 } else { at + 1 };
    }
    at.min(tokens.len())
}

fn begins_constraint(text: &str, tokens: &[Token], at: usize) -> bool {
    let word = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is_word(text, word));
    let after = |before: &str| at > 0 && word(at - 1, before);
    ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "COLLATE", "REFERENCES", "GENERATED"].iter().any(|w| word(at, w))
        || (word(at, "NOT") && word(at + 1, "NULL"))
        // `ON DELETE SET NULL` belongs to a reference, `GENERATED ALWAYS AS` is one constraint.
        || (word(at, "NULL") && !after("NOT") && !after("SET"))
        || (word(at, "DEFAULT") && !after("SET"))
        || (word(at, "AS") && !after("ALWAYS"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(ColumnSql::parse(text).altered("BIGINT", false, Some("1")).render(), altered);
        }
        assert_eq!(
            ColumnSql::parse("a INT NOT NULL DEFAULT 'x' PRIMARY KEY").altered("TEXT", true, None).render(),
            "a TEXT PRIMARY KEY"
        );
        let generated = "a INT GENERATED ALWAYS AS (b + 1) STORED";
        assert_eq!(
            ColumnSql::parse(generated).altered("TEXT", true, None).render(),
            "a TEXT GENERATED ALWAYS AS (b + 1) STORED"
        );
    }
}
