//! SQL as SQLite takes it apart: quoted things, words, numbers and operators.

use super::ddl::{literal, quote};

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

/// An expression in one form for all texts that mean the same: single spaces between tokens, keywords in capitals, no
/// parentheses around the whole, names in quotes only where they need them (renaming a column leaves its name in
/// quotes).
pub(super) fn spaced(sql: &str, mut tokens: &[Token]) -> String {
    while tokens.first().is_some_and(|token| token.text(sql) == "(")
        && closing(sql, tokens, 0) == Some(tokens.len() - 1)
    {
        tokens = &tokens[1..tokens.len() - 1];
    }
    let written = |token: &Token| match token.text(sql) {
        "==" => "=".to_owned(),
        "!=" => "<>".to_owned(),
        text if is_keyword(&text.to_ascii_lowercase()) => text.to_ascii_uppercase(),
        text if !text.starts_with(['"', '`', '[']) => text.to_owned(),
        _ if is_plain(&token.name(sql)) => token.name(sql),
        _ => quote(&token.name(sql)),
    };
    let tokens: Vec<_> = tokens.iter().map(written).collect();
    tokens.join(" ")
}

/// A column's default in the same form, as `pragma_table_xinfo` gives it. A text can stand in the quotes of a name there.
pub(super) fn default(sql: &str) -> String {
    let tokens = tokens(sql);
    match tokens.as_slice() {
        [token] if token.text(sql).starts_with('"') => literal(&token.name(sql)),
        tokens => spaced(sql, tokens),
    }
}

/// Whether a name means the same without quotes. Capitals keep theirs, which PostgreSQL needs.
fn is_plain(name: &str) -> bool {
    let letter = |character: char| character.is_ascii_lowercase() || character == '_';
    name.starts_with(letter)
        && name.chars().all(|character| letter(character) || character.is_ascii_digit())
        && !is_keyword(name)
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.split(' ').any(|keyword| keyword == word)
}

/// "SQLite Keywords", and the two that are values.
const KEYWORDS: &str = "abort action add after all alter always analyze and as asc attach autoincrement before begin between by cascade \
    case cast check collate column commit conflict constraint create cross current current_date current_time \
    current_timestamp database default deferrable deferred delete desc detach distinct do drop each else end escape \
    except exclude exclusive exists explain fail false filter first following for foreign from full generated glob \
    group groups having if ignore immediate in index indexed initially inner insert instead intersect into is isnull \
    join key last left like limit match materialized natural no not nothing notnull null nulls of offset on or order \
    others outer over partition plan pragma preceding primary query raise range recursive references regexp reindex \
    release rename replace restrict returning right rollback row rows savepoint select set table temp temporary then \
    ties to transaction trigger true unbounded union unique update using vacuum values view virtual when where \
    window with within without";

/// Where the parenthesis at `open` is closed.
pub(super) fn closing(sql: &str, tokens: &[Token], open: usize) -> Option<usize> {
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

/// Whether a text may have this name outside comments, with or without quotes.
pub(crate) fn has_name(sql: &str, name: &str) -> bool {
    tokens(sql).iter().any(|token| token.is_name(sql, name))
}

/// Whether a text has a name before a point: `cars.doors`.
pub(crate) fn qualifies(sql: &str, name: &str) -> bool {
    tokens(sql).windows(2).any(|pair| pair[1].text(sql) == "." && pair[0].is_name(sql, name))
}

/// A piece of SQL, by its place in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) fn text(self, sql: &str) -> &str {
        &sql[self.start..self.end]
    }

    pub(super) fn is_word(self, sql: &str, word: &str) -> bool {
        self.text(sql).eq_ignore_ascii_case(word)
    }

    /// Whether it can be the identifier with this name.
    pub(super) fn is_name(self, sql: &str, name: &str) -> bool {
        self.name(sql).eq_ignore_ascii_case(name)
    }

    /// The identifier without its quotes.
    pub(super) fn name(self, sql: &str) -> String {
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
pub(super) fn tokens(sql: &str) -> Vec<Token> {
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

    #[test]
    fn names_are_in_quotes_where_they_need_them() {
        for (sql, written) in [
            ("\"doors\">=0", "doors >= 0"),
            ("[doors] + `doors`", "doors + doors"),
            ("\"order\" + [two words]", "\"order\" + \"two words\""),
            ("\"Big\" + Big + \"a\"\"b\"", "\"Big\" + Big + \"a\"\"b\""),
            ("\"true\" = true || 'doors'", "\"true\" = TRUE || 'doors'"),
            ("(doors!=0 or(doors is null))", "doors <> 0 OR ( doors IS NULL )"),
            ("((a) == (b))", "( a ) = ( b )"),
            ("(a) <> (b)", "( a ) <> ( b )"),
        ] {
            assert_eq!(spaced(sql, &tokens(sql)), written);
        }
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
}
