//! `type = "varchar(20)"`: the database's own types that a column can have.

use std::fmt::Write;

/// A type with limits, and the variant of `ColumnType` whose values it has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SqlType {
    /// In lower case, without spaces that mean nothing.
    pub(crate) name: String,
    pub(crate) base: &'static str,
}

/// The words, the type of the values, and the least and the greatest number of limits.
const TYPES: [(&str, &str, usize, usize); 13] = [
    ("varchar", "Text", 0, 1),
    ("character varying", "Text", 0, 1),
    ("char", "Text", 1, 1),
    ("character", "Text", 1, 1),
    ("citext", "Text", 0, 0),
    ("numeric", "Decimal", 1, 2),
    ("decimal", "Decimal", 1, 2),
    ("timestamp", "DateTime", 1, 1),
    ("timestamp without time zone", "DateTime", 1, 1),
    ("timestamptz", "Timestamp", 1, 1),
    ("timestamp with time zone", "Timestamp", 1, 1),
    ("time", "Time", 1, 1),
    ("time without time zone", "Time", 1, 1),
];

/// What can be written.
const EXAMPLES: &str =
    "`varchar(20)`, `char(2)`, `citext`, `numeric(10, 2)`, `timestamp(3)`, `timestamptz(3)` or `time(0)`";

impl SqlType {
    /// Reads a type, or says why it is none.
    pub(crate) fn parse(text: &str) -> Result<SqlType, String> {
        let unknown = || format!("no type that a column can be given: write {EXAMPLES}");
        let (before, limits, after) = match text.split_once('(') {
            None => (text, None, ""),
            Some((before, rest)) => {
                let (limits, after) = rest.split_once(')').ok_or_else(unknown)?;
                (before, Some(limits), after)
            }
        };
        let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
        let (first, rest) = (words(before), words(after));
        let word = if rest.is_empty() { first.clone() } else { format!("{first} {rest}") };
        let (_, base, least, greatest) = TYPES.iter().find(|(known, ..)| *known == word).ok_or_else(unknown)?;
        let limits = limits.map(|limits| limits.split(',').map(|limit| limit.trim().parse::<u32>()).collect());
        let limits: Vec<u32> = limits.transpose().map_err(|_| unknown())?.unwrap_or_default();
        if limits.len() < *least || limits.len() > *greatest {
            return Err(match (*least, *greatest) {
                (_, 0) => format!("`{word}` has no limits: write it alone"),
                (0, 1) => format!("`{word}` has at most one limit, as in {EXAMPLES}"),
                (1, 1) => format!("`{word}` needs one limit, as in {EXAMPLES}"),
                _ => format!("`{word}` needs its digits, and may have those behind the point, as in {EXAMPLES}"),
            });
        }
        match (*base, limits.as_slice()) {
            ("Text", [0]) => return Err("a text of no characters holds nothing".to_owned()),
            ("Text", [length]) if *length > 10_485_760 => {
                return Err("PostgreSQL's longest is 10485760 characters: leave the limit out".to_owned());
            }
            ("Decimal", [digits, ..]) if !(1..=1000).contains(digits) => {
                return Err("a number has from 1 to 1000 digits".to_owned());
            }
            ("Decimal", [digits, behind]) if behind > digits => {
                return Err("there are more digits behind the point than in the number".to_owned());
            }
            ("DateTime" | "Timestamp" | "Time", [digits]) if *digits > 6 => {
                return Err("a second has up to 6 digits".to_owned());
            }
            _ => {}
        }
        let mut name = first;
        if !limits.is_empty() {
            let limits: Vec<_> = limits.iter().map(u32::to_string).collect();
            let _ = write!(name, "({})", limits.join(", "));
        }
        if !rest.is_empty() {
            let _ = write!(name, " {rest}");
        }
        Ok(SqlType { name, base })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_in_any_letters_and_spaces() {
        for (text, name, base) in [
            ("varchar(20)", "varchar(20)", "Text"),
            (" Numeric ( 10,2 ) ", "numeric(10, 2)", "Decimal"),
            ("TIMESTAMP (3)  with time zone", "timestamp(3) with time zone", "Timestamp"),
            ("citext", "citext", "Text"),
            ("VARCHAR", "varchar", "Text"),
        ] {
            assert_eq!(SqlType::parse(text), Ok(SqlType { name: name.to_owned(), base }));
        }
        for wrong in
            ["char", "varchar(2, 3)", "citext(3)", "varchar(x)", "varchar(20", "numeric(2, 3)", "time(7)", "inet", ""]
        {
            assert!(SqlType::parse(wrong).is_err(), "{wrong}");
        }
    }
}
