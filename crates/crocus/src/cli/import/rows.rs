//! Where a row ends, and where its fields are: CSV (RFC 4180) and lines of JSON. The bytes stay where they are.
//!
//! A field in quotes and one without are told apart, as PostgreSQL does it: `""` is an empty text, and nothing is NULL.

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line for each row, and before them one with the names of the columns.
    Csv {
        /// What stands between two fields.
        delimiter: u8,
    },
    /// A JSON object on each line.
    Ndjson,
}

/// A row among the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Its bytes without the end of the line.
    pub(super) content: usize,
    /// Its bytes with it.
    pub(super) bytes: usize,
    /// How many lines it has.
    pub(super) lines: u64,
    /// What is wrong with its quotes.
    pub(super) mistake: Option<&'static str>,
}

/// A field of a row of CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// Where it begins, without its quote.
    start: usize,
    end: usize,
    pub(super) quoted: bool,
    /// Whether there are quotes in it, which are written twice.
    doubled: bool,
}

impl Field {
    /// Its text. The row must be UTF-8.
    pub(super) fn text(self, row: &str) -> std::borrow::Cow<'_, str> {
        let text = &row[self.start..self.end];
        if self.doubled { text.replace("\"\"", "\"").into() } else { text.into() }
    }
}

impl Form {
    /// The first row, and its fields where it is CSV. `None`: more bytes are needed. `ended`: there are no more.
    pub(super) fn row(self, bytes: &[u8], ended: bool, fields: &mut Vec<Field>) -> Option<Row> {
        match self {
            Form::Csv { delimiter } => csv(bytes, delimiter, ended, fields),
            Form::Ndjson => match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    let content = if end > 0 && bytes[end - 1] == b'\r' { end - 1 } else { end };
                    Some(Row { content, bytes: end + 1, lines: 1, mistake: None })
                }
                None if ended => Some(Row { content: bytes.len(), bytes: bytes.len(), lines: 1, mistake: None }),
                None => None,
            },
        }
    }
}

fn csv(bytes: &[u8], delimiter: u8, ended: bool, fields: &mut Vec<Field>) -> Option<Row> {
    fields.clear();
    let is_end = |byte: u8| byte == delimiter || byte == b'\n' || byte == b'\r';
    let (mut at, mut lines, mut mistake) = (0, 1, None);
    loop {
        let end = if bytes.get(at) == Some(&b'"') {
            let quoted = quoted(&bytes[at + 1..], ended)?;
            let start = at + 1;
            let end = start + quoted.length;
            lines += newlines(&bytes[start..end]);
            fields.push(Field { start, end, quoted: true, doubled: quoted.doubled });
            if !quoted.closed {
                let mistake = Some("has a quote that is never closed");
                return Some(Row { content: bytes.len(), bytes: bytes.len(), lines, mistake });
            }
            let after = end + 1;
            match bytes[after..].iter().position(|byte| is_end(*byte)) {
                Some(0) => after,
                Some(more) => {
                    mistake = Some("has text behind a closing quote");
                    after + more
                }
                None if !ended => return None,
                None => {
                    if after < bytes.len() {
                        mistake = Some("has text behind a closing quote");
                    }
                    bytes.len()
                }
            }
        } else {
            let end = match bytes[at..].iter().position(|byte| is_end(*byte)) {
                Some(length) => at + length,
                None if ended => bytes.len(),
                None => return None,
            };
            fields.push(Field { start: at, end, quoted: false, doubled: false });
            end
        };
        let terminator = match bytes[end..] {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            // Whether a line feed follows is not known yet.
            [b'\r'] if !ended => return None,
            [b'\r', ..] => 1,
            [] => 0,
            _ => {
                at = end + 1;
                continue;
            }
        };
        return Some(Row { content: end, bytes: end + terminator, lines, mistake });
    }
}

struct Quoted {
    length: usize,
    closed: bool,
    doubled: bool,
}

/// What stands in quotes, after the opening one. `None`: more bytes are needed.
fn quoted(bytes: &[u8], ended: bool) -> Option<Quoted> {
    let (mut at, mut doubled) = (0, false);
    loop {
        match bytes[at..].iter().position(|byte| *byte == b'"') {
            Some(more) => match bytes.get(at + more + 1) {
                Some(b'"') => {
                    doubled = true;
                    at += more + 2;
                }
                None if !ended => return None,
                _ => return Some(Quoted { length: at + more, closed: true, doubled }),
            },
            None if ended => return Some(Quoted { length: bytes.len(), closed: false, doubled }),
            None => return None,
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Form = Form::Csv { delimiter: b',' };

    /// The rows: their fields, those in quotes in brackets, or what is wrong; then the number of lines where it is not 1.
    fn rows(text: &str) -> Vec<String> {
        let (mut rest, mut rows, mut fields) = (text, Vec::new(), Vec::new());
        while !rest.is_empty() {
            // What is read must not follow from where the bytes were cut.
            let cut = (0..rest.len()).find_map(|end| CSV.row(&rest.as_bytes()[..end], false, &mut fields));
            let row = CSV.row(rest.as_bytes(), true, &mut fields).unwrap();
            assert!(cut.is_none_or(|cut| cut == row), "{rest:?}: {cut:?}, {row:?}");
            let shown = |field: &Field| match (field.quoted, field.text(rest)) {
                (true, text) => format!("[{text}]"),
                (false, text) => text.into_owned(),
            };
            let shown = fields.iter().map(shown).collect::<Vec<_>>().join("|");
            let lines = if row.lines == 1 { String::new() } else { format!(" ({} lines)", row.lines) };
            rows.push(row.mistake.map_or(shown, str::to_owned) + &lines);
            rest = &rest[row.bytes..];
        }
        rows
    }

    #[test]
    fn rows_and_fields_are_where_the_standard_says() {
        for (text, expected) in [
            ("a,b\nc,d\n", &["a|b", "c|d"][..]),
            ("a,b\r\nc,d", &["a|b", "c|d"]),
            ("a,b\rc,d\r", &["a|b", "c|d"]),
            ("a,,\n,\n", &["a||", "|"]),
            ("\"a,b\",\"\"\n", &["[a,b]|[]"]),
            ("\"say \"\"hi\"\"\",x\n", &["[say \"hi\"]|x"]),
            ("\"two\nlines\",x\ny,z\n", &["[two\nlines]|x (2 lines)", "y|z"]),
            ("5\" screen,x\n", &["5\" screen|x"]),
            (" \"a\",b\n", &[" \"a\"|b"]),
            ("\"a\"b,c\nd,e\n", &["has text behind a closing quote", "d|e"]),
            ("\"a,b\nc,d\n", &["has a quote that is never closed (3 lines)"]),
            ("\n\na\n", &["", "", "a"]),
            ("ü,€\n", &["ü|€"]),
        ] {
            assert_eq!(rows(text), expected, "{text:?}");
        }
    }
}
