//! Reading a text from left to right: names, values and what stands between them.

use std::fmt;

pub(crate) use crocus_orm::nearest;

/// How deep parentheses may stand in each other. Reading is recursive: without an end, a request could exhaust the
/// stack.
pub const MAX_DEPTH: usize = 32;

/// A text that is not what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What was expected, in words: `an operator`.
    pub what: String,
    /// How many characters stand before the place where it was expected.
    pub at: usize,
    /// What stands there instead: the rest of the text, shortened. Empty at the end.
    pub found: String,
    /// What may have been meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expected { what, at, found, suggestion } = self;
        match found.as_str() {
            "" => write!(f, "expected {what} at the end")?,
            found => write!(f, "expected {what} at character {}, found `{found}`", at + 1)?,
        }
        suggestion.iter().try_for_each(|suggestion| write!(f, "; did you mean `{suggestion}`?"))
    }
}

impl std::error::Error for Expected {}

pub(super) type Result<T> = std::result::Result<T, Expected>;

/// The longest part of a text that an error shows, in characters.
const SHOWN: usize = 24;

/// A place in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Scan<'a> {
        Scan { text, at: 0, depth: 0 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Whether the text goes on with this, which is then behind.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let is_there = self.rest().starts_with(word);
        if is_there {
            self.at += word.len();
        }
        is_there
    }

    /// The characters from here on that are of a kind.
    pub(super) fn take(&mut self, is_one: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = rest.split_once(|character| !is_one(character)).map_or(rest, |(taken, _)| taken);
        self.at += taken.len();
        taken
    }

    pub(super) fn take_one(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    pub(super) fn take_rest(&mut self) -> &'a str {
        let rest = self.rest();
        self.at = self.text.len();
        rest
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<()> {
        if self.skip(word) { Ok(()) } else { Err(self.expected(format!("`{word}`"))) }
    }

    pub(super) fn end(&self) -> Result<()> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected("the end")) }
    }

    pub(super) fn expected(&self, what: impl Into<String>) -> Expected {
        let rest = self.rest();
        let mut found: String = rest.chars().take(SHOWN).collect();
        if found.len() < rest.len() {
            found.push('…');
        }
        Expected { what: what.into(), at: self.text[..self.at].chars().count(), found, suggestion: None }
    }

    /// What stands in parentheses, which are there.
    pub(super) fn within<T>(&mut self, read: impl FnOnce(&mut Scan<'a>) -> Result<T>) -> Result<T> {
        self.expect("(")?;
        if self.depth == MAX_DEPTH {
            return Err(self.expected(format!("at most {MAX_DEPTH} parentheses in each other")));
        }
        self.depth += 1;
        let read = read(self)?;
        self.depth -= 1;
        self.expect(")")?;
        Ok(read)
    }

    /// One or more, with commas between.
    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Scan<'a>) -> Result<T>) -> Result<Vec<T>> {
        let mut list = vec![read(self)?];
        while self.skip(",") {
            list.push(read(self)?);
        }
        Ok(list)
    }

    /// A name: letters, digits, `_`, `$`, spaces, and dashes that begin no arrow; anything in double quotes.
    pub(super) fn name(&mut self, what: &str) -> Result<String> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let mut name = String::new();
        loop {
            name.push_str(self.take(is_plain));
            if !self.rest().starts_with('-') || self.rest().starts_with("->") || name.is_empty() {
                break;
            }
            self.skip("-");
            name.push('-');
        }
        if name.trim().is_empty() { Err(self.expected(what)) } else { Ok(name) }
    }

    /// A text in double quotes; a backslash takes the next character as it is.
    pub(super) fn quoted(&mut self) -> Result<String> {
        self.expect("\"")?;
        let mut text = String::new();
        loop {
            text.push_str(self.take(|character| !matches!(character, '"' | '\\')));
            if self.skip("\"") {
                return Ok(text);
            }
            if !self.skip("\\") {
                return Err(self.expected("a closing quote"));
            }
            text.push(self.take_one().ok_or_else(|| self.expected("a character after the backslash"))?);
        }
    }
}

fn is_plain(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | ' ')
}

/// Names that would be read as something else without quotes.
const WORDS: [&str; 4] = ["and", "or", "not", "count"];

/// A name as it is read again.
pub(super) fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let mut scan = Scan::new(name);
    let is_whole = scan.name("a name").is_ok_and(|read| read == name) && scan.rest().is_empty();
    let is_plain = is_whole && !WORDS.contains(&name);
    if is_plain { f.write_str(name) } else { write_quoted(f, name) }
}

/// A text in double quotes.
pub(super) fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{character}")?;
    }
    f.write_str("\"")
}

/// Items with commas between.
pub(super) fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T]) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(at, item)| match at {
        0 => write!(f, "{item}"),
        _ => write!(f, ",{item}"),
    })
}
