//! A column's definition, taken apart into its name, its type and its constraints.

use crate::dialect::sqlite::ddl::{collation, literal, quote};
use crate::dialect::sqlite::tokens::{Token, closing, has_word, spaced, tokens};
use crate::dialect::sqlite::types::{ENUM, type_from};
use crate::schema::Type;

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
    pub(crate) text: String,
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
            let mut name = None;
            while word(at, "CONSTRAINT") {
                name = tokens.get(at + 1).map(|token| token.name(text));
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
        let parts =
            [&self.name, &self.ty].into_iter().chain(self.constraints.iter().map(|constraint| &constraint.text));
        let parts: Vec<_> = parts.filter(|part| !part.is_empty()).map(String::as_str).collect();
        parts.join(" ")
    }

    /// The definition that a migration has written, with what this one has beside: a key, a collation, a reference, a
    /// check.
    pub(crate) fn altered(mut self, new: &ColumnSql) -> ColumnSql {
        let is_enum = self.ty.eq_ignore_ascii_case(ENUM);
        self.constraints.retain(|constraint| match constraint.word.as_str() {
            "NOT" | "NULL" | "DEFAULT" | "GENERATED" | "AS" | "COLLATE" => false,
            "CHECK" => !(is_enum && constraint.enum_values().is_some()),
            _ => true,
        });
        if new.is_key() {
            self.constraints.retain(|constraint| constraint.word != "PRIMARY");
        }
        // A column that does not count up may be the key still.
        for key in self.constraints.iter_mut().filter(|constraint| constraint.word == "PRIMARY") {
            key.remove("AUTOINCREMENT");
        }
        let new_constraints = new.constraints.iter().cloned();
        self.constraints.splice(0..0, new_constraints);
        self.ty.clone_from(&new.ty);
        self
    }

    /// Its type: of an enum or a list, what they are stored as.
    pub(crate) fn ty(&self) -> Type {
        type_from(&self.ty)
    }

    /// Whether it is the primary key by itself.
    pub(crate) fn is_key(&self) -> bool {
        self.constraints.iter().any(|constraint| constraint.word == "PRIMARY")
    }

    /// The name and the values of the enum that the column is.
    pub(crate) fn as_enum(&self) -> Option<(String, Vec<String>)> {
        let is_enum = self.ty.eq_ignore_ascii_case(ENUM);
        self.constraints.iter().filter(|_| is_enum).find_map(ColumnConstraint::enum_values)
    }

    /// The collation that it is given.
    pub(crate) fn collation(&self) -> Option<String> {
        let found = self.constraints.iter().find(|constraint| constraint.word == "COLLATE")?;
        Some(collation(&tokens(&found.text).last()?.name(&found.text)))
    }

    /// The place of the constraint that makes it an enum.
    pub(crate) fn enum_place(&self) -> Option<usize> {
        let is_enum = self.ty.eq_ignore_ascii_case(ENUM);
        self.constraints.iter().position(|constraint| is_enum && constraint.enum_values().is_some())
    }

    /// Gives a value of the enum that it is another name, in the default too where that is the value alone.
    pub(crate) fn rename_value(&mut self, value: &str, new_value: &str) {
        let place = self.enum_place();
        for (at, constraint) in self.constraints.iter_mut().enumerate() {
            let text = &constraint.text;
            let all = tokens(text);
            let values: &[Token] = match constraint.word.as_str() {
                "CHECK" if Some(at) == place => all.get(7..).unwrap_or_default(),
                "DEFAULT" => match all.as_slice() {
                    [_, alone] => std::slice::from_ref(alone),
                    [_, open, alone, _] if open.text(text) == "(" => std::slice::from_ref(alone),
                    _ => &[],
                },
                _ => &[],
            };
            let is_it = |token: &&Token| token.text(text).starts_with('\'') && token.name(text) == value;
            if let Some(token) = values.iter().find(is_it).copied() {
                constraint.text.replace_range(token.start..token.end, &literal(new_value));
            }
        }
    }

    /// Whether it is computed.
    pub(crate) fn is_generated(&self) -> bool {
        self.constraints.iter().any(|constraint| matches!(constraint.word.as_str(), "GENERATED" | "AS"))
    }

    /// Whether the column is the rowid by another name: an `INTEGER PRIMARY KEY` that is not `DESC` ("CREATE TABLE", 5).
    pub(crate) fn is_rowid(&self) -> bool {
        let key = self.constraints.iter().find(|constraint| constraint.word == "PRIMARY");
        self.ty.eq_ignore_ascii_case("INTEGER") && key.is_some_and(|key| !has_word(&key.text, "DESC"))
    }

    /// Whether nothing but the column itself goes with it: no key, no uniqueness, no reference, no formula.
    pub(crate) fn stands_alone(&self) -> bool {
        let alone = ["NOT", "NULL", "DEFAULT", "COLLATE", "CHECK"];
        self.constraints.iter().all(|constraint| alone.contains(&constraint.word.as_str()))
    }

    /// The expression that the column is computed from.
    pub(crate) fn generated(&self) -> Option<String> {
        let found =
            self.constraints.iter().find(|constraint| matches!(constraint.word.as_str(), "GENERATED" | "AS"))?;
        let tokens = tokens(&found.text);
        let open = tokens.iter().position(|token| token.text(&found.text) == "(")?;
        Some(spaced(&found.text, &tokens[open + 1..closing(&found.text, &tokens, open)?]))
    }
}

/// A constraint under another name: the one that it has is replaced, one that has none gets it.
pub(super) fn renamed(text: &str, has_name: bool, new_name: &str) -> String {
    let name = quote(new_name);
    match tokens(text).get(1).filter(|_| has_name) {
        Some(old) => format!("{}{name}{}", &text[..old.start], &text[old.end..]),
        None => format!("CONSTRAINT {name} {text}"),
    }
}

impl ColumnConstraint {
    /// Gives it another name, or a first one.
    pub(super) fn rename(&mut self, new_name: &str) {
        self.text = renamed(&self.text, self.name.is_some(), new_name);
        self.name = Some(new_name.to_owned());
    }

    /// Takes a word out.
    fn remove(&mut self, word: &str) {
        if let Some(token) = tokens(&self.text).into_iter().find(|token| token.is_word(&self.text, word)) {
            self.text.replace_range(token.start..token.end, "");
            self.text.truncate(self.text.trim_end().len());
        }
    }

    /// The name and the values of `CONSTRAINT name CHECK (column IN ('a', 'b'))`.
    fn enum_values(&self) -> Option<(String, Vec<String>)> {
        let tokens = tokens(&self.text);
        let text = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text(&self.text));
        if self.word != "CHECK" || !text(5).eq_ignore_ascii_case("IN") || text(6) != "(" {
            return None;
        }
        let values = tokens[7..closing(&self.text, &tokens, 6)?].iter().filter(|token| token.text(&self.text) != ",");
        Some((self.name.clone()?, values.map(|token| token.name(&self.text)).collect()))
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
            ("a INT DEFAULT (1 + (2)) COLLATE nocase", "a BIGINT NOT NULL DEFAULT (1)"),
            ("a INT DEFAULT NULL CHECK (a IS NOT NULL)", "a BIGINT NOT NULL DEFAULT (1) CHECK (a IS NOT NULL)"),
            ("a INT CONSTRAINT n NOT NULL CONSTRAINT u UNIQUE", "a BIGINT NOT NULL DEFAULT (1) CONSTRAINT u UNIQUE"),
            (
                "a INT REFERENCES t (x) ON DELETE SET NULL ON UPDATE SET DEFAULT NOT DEFERRABLE DEFAULT 5",
                "a BIGINT NOT NULL DEFAULT (1) REFERENCES t (x) ON DELETE SET NULL ON UPDATE SET DEFAULT NOT DEFERRABLE",
            ),
        ] {
            let new = ColumnSql::parse("\"a\" BIGINT NOT NULL DEFAULT (1)");
            assert_eq!(ColumnSql::parse(text).altered(&new).render(), altered);
        }
        for (text, altered) in [
            ("a INT NOT NULL DEFAULT 'x' PRIMARY KEY", "a TEXT PRIMARY KEY"),
            ("a INT GENERATED ALWAYS AS (b + 1) STORED", "a TEXT"),
            ("a INT AS (b + 1)", "a TEXT"),
            ("a DECIMAL_TEXT COLLATE decimal UNIQUE", "a TEXT UNIQUE"),
            ("a ENUM_TEXT CONSTRAINT c CHECK (a IN ('x', 'y')) CHECK (a <> '')", "a TEXT CHECK (a <> '')"),
        ] {
            assert_eq!(ColumnSql::parse(text).altered(&ColumnSql::parse("a TEXT")).render(), altered);
        }
    }

    #[test]
    fn what_a_column_is_can_be_read() {
        let text = "\"a b\" ENUM_TEXT CONSTRAINT \"the enum\" CHECK (\"a b\" IN ('it''s', 'x, (', '')) NOT NULL";
        let values = ["it's", "x, (", ""].map(str::to_owned).to_vec();
        assert_eq!(ColumnSql::parse(text).as_enum(), Some(("the enum".to_owned(), values)));
        assert_eq!(ColumnSql::parse("a TEXT CONSTRAINT c CHECK (a IN ('x'))").as_enum(), None);
        assert_eq!(ColumnSql::parse("a ENUM_TEXT CHECK (a IN ('x'))").as_enum(), None);

        let generated = |text: &str| ColumnSql::parse(text).generated();
        assert_eq!(generated("a INT GENERATED ALWAYS AS (b*(c +1)) STORED"), Some("b * ( c + 1 )".to_owned()));
        assert_eq!(generated("a INT NOT NULL AS (b) STORED UNIQUE"), Some("b".to_owned()));
        assert_eq!(generated("a INT DEFAULT (b)"), None);
    }
}
