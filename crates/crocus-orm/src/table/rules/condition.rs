//! The conditions of one column that a check's SQL says, where it says them in a way that means the same on every
//! database: comparisons with literals, `BETWEEN`, `IN`, and the number of characters, with `AND` between them. All else
//! gives nothing.

use super::{Exact, Literal as Item};
use crate::expr::node::Binary;

/// Something that must not be false of a column's value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) subject: Subject,
    pub(super) operator: Binary,
    pub(super) literal: Literal,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// The value itself.
    Value,
    /// The number of its characters.
    Length,
}

/// What it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Number(Exact),
    Text(String),
    /// It is one of these.
    List(Vec<Item>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A word without quotes, in lower case.
    Word(String),
    /// A name in double quotes.
    Name(String),
    Number(Exact),
    Text(String),
    Symbol(&'static str),
}

/// What a check says of a column. Each condition must hold for the check to hold, whatever else it says.
pub(super) fn read(sql: &str, column: &str) -> Vec<Condition> {
    let mut found = Vec::new();
    if let Some(tokens) = tokens(sql) {
        conjunction(&tokens, column, &mut found);
    }
    found
}

/// Adds the conditions of an expression: those on both sides of each `AND`.
fn conjunction(tokens: &[Token], column: &str, found: &mut Vec<Condition>) {
    if let Some(inner) = within(tokens) {
        return conjunction(inner, column, found);
    }
    let (mut depth, mut start, mut is_between) = (0_usize, 0, false);
    let mut parts = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Symbol("(") => depth += 1,
            Token::Symbol(")") => depth = depth.saturating_sub(1),
            Token::Word(word) if depth == 0 => match word.as_str() {
                // What stands on its sides need not hold; and a CASE has words of its own inside.
                "or" | "case" => return,
                "between" => is_between = true,
                "and" if is_between => is_between = false,
                "and" => {
                    parts.push(&tokens[start..at]);
                    start = at + 1;
                }
                _ => {}
            },
            _ => {}
        }
    }
    if parts.is_empty() {
        found.extend(atom(tokens, column).unwrap_or_default());
        return;
    }
    parts.push(&tokens[start..]);
    for part in parts {
        conjunction(part, column, found);
    }
}

/// What stands in the parentheses that are around all.
fn within(tokens: &[Token]) -> Option<&[Token]> {
    let [Token::Symbol("("), inner @ .., Token::Symbol(")")] = tokens else { return None };
    let mut depth = 0_usize;
    for token in inner {
        match token {
            Token::Symbol("(") => depth += 1,
            Token::Symbol(")") => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    Some(inner)
}

/// A comparison of the column with literals.
fn atom(tokens: &[Token], column: &str) -> Option<Vec<Condition>> {
    if let Some((subject, rest)) = subject(tokens, column) {
        return match rest {
            [Token::Symbol(symbol), literal @ ..] => {
                let (operator, _) = comparison(symbol)?;
                Some(vec![Condition { subject, operator, literal: whole(literal)? }])
            }
            [Token::Word(word), low_and_high @ ..] if word == "between" => {
                let and = low_and_high.iter().position(|token| *token == Token::Word("and".to_owned()))?;
                let (low, high) = (whole(&low_and_high[..and])?, whole(&low_and_high[and + 1..])?);
                let low = Condition { subject, operator: Binary::Ge, literal: low };
                Some(vec![low, Condition { subject, operator: Binary::Le, literal: high }])
            }
            [Token::Word(word), list @ ..] if word == "in" => {
                let items = within(list)?.split(|token| *token == Token::Symbol(","));
                let items = items.map(|item| match whole(item)? {
                    Literal::Number(number) => Some(Item::Number(number)),
                    Literal::Text(text) => Some(Item::Text(text)),
                    Literal::List(_) => None,
                });
                let literal = Literal::List(items.collect::<Option<_>>()?);
                Some(vec![Condition { subject, operator: Binary::Eq, literal }])
            }
            _ => None,
        };
    }
    // The literal may stand first: `0 <= doors`.
    let at = tokens.iter().position(|token| matches!(token, Token::Symbol(symbol) if comparison(symbol).is_some()))?;
    let Token::Symbol(symbol) = &tokens[at] else { return None };
    let (_, operator) = comparison(symbol)?;
    let (subject, rest) = subject(&tokens[at + 1..], column)?;
    rest.is_empty().then_some(())?;
    Some(vec![Condition { subject, operator, literal: whole(&tokens[..at])? }])
}

/// The column or its length, and what stands after it.
fn subject<'a>(tokens: &'a [Token], column: &str) -> Option<(Subject, &'a [Token])> {
    match tokens {
        // A name without quotes is one in lower case.
        [Token::Word(name) | Token::Name(name), rest @ ..] if name == column && !is_call(rest) => {
            Some((Subject::Value, rest))
        }
        [Token::Word(function), rest @ ..] if matches!(&**function, "length" | "char_length" | "character_length") => {
            let [Token::Symbol("("), inside @ ..] = rest else { return None };
            match subject(inside, column)? {
                (Subject::Value, [Token::Symbol(")"), rest @ ..]) => Some((Subject::Length, rest)),
                _ => None,
            }
        }
        [Token::Symbol("("), inside @ ..] => match subject(inside, column)? {
            (subject, [Token::Symbol(")"), rest @ ..]) => Some((subject, rest)),
            _ => None,
        },
        _ => None,
    }
}

fn is_call(rest: &[Token]) -> bool {
    matches!(rest, [Token::Symbol("("), ..])
}

/// A literal that is all there is.
fn whole(tokens: &[Token]) -> Option<Literal> {
    match tokens {
        [Token::Number(number)] | [Token::Symbol("+"), Token::Number(number)] => Some(Literal::Number(*number)),
        [Token::Symbol("-"), Token::Number(number)] => Some(Literal::Number(number.negated())),
        [Token::Text(text)] => Some(Literal::Text(text.clone())),
        _ => whole(within(tokens)?),
    }
}

/// An operator, and the one that says the same with its sides changed.
fn comparison(symbol: &str) -> Option<(Binary, Binary)> {
    Some(match symbol {
        "=" => (Binary::Eq, Binary::Eq),
        "<>" => (Binary::Ne, Binary::Ne),
        "<" => (Binary::Lt, Binary::Gt),
        "<=" => (Binary::Le, Binary::Ge),
        ">" => (Binary::Gt, Binary::Lt),
        ">=" => (Binary::Ge, Binary::Le),
        _ => return None,
    })
}

/// Every operator is read whole: `<@` is no `<`.
const SYMBOLS: [(&str, &str); 9] = [
    ("=", "="),
    ("<>", "<>"),
    ("!=", "<>"),
    ("<", "<"),
    ("<=", "<="),
    (">", ">"),
    (">=", ">="),
    ("-", "-"),
    ("+", "+"),
];

/// The expression's words; none where it has something that is not known here.
fn tokens(sql: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = |is_part: fn(char) -> bool| rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        let taken = match first {
            '(' | ')' | ',' => {
                tokens.push(Token::Symbol(match first {
                    '(' => "(",
                    ')' => ")",
                    _ => ",",
                }));
                1
            }
            '\'' | '"' => {
                let (text, taken) = quoted(rest, first)?;
                tokens.push(if first == '"' { Token::Name(text) } else { Token::Text(text) });
                taken
            }
            '0'..='9' | '.' => {
                // A letter after a number makes it another: `1e3`, `0x10`.
                let taken = length(|character| character.is_alphanumeric() || matches!(character, '.' | '_'));
                tokens.push(Token::Number(Exact::parse(&rest[..taken])?));
                taken
            }
            first if first.is_alphabetic() || first == '_' => {
                let taken = length(|character| character.is_alphanumeric() || matches!(character, '_' | '$'));
                // A text after a word belongs to it: `E'\n'`. So does what comes after a point: `cars.doors`.
                if rest[taken..].starts_with(['\'', '.']) {
                    return None;
                }
                tokens.push(Token::Word(rest[..taken].to_ascii_lowercase()));
                taken
            }
            _ => {
                let taken = length(|character| "+-*/<>=~!@#%^&|`?:".contains(character));
                let (_, symbol) = SYMBOLS.iter().find(|(written, _)| *written == &rest[..taken])?;
                tokens.push(Token::Symbol(symbol));
                taken
            }
        };
        rest = rest[taken..].trim_start();
    }
    Some(tokens)
}

/// A text in quotes, in which two of them are one, and how long it is with them.
fn quoted(sql: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut rest = sql[1..].char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        if character != quote {
            text.push(character);
        } else if rest.peek().is_some_and(|(_, next)| *next == quote) {
            rest.next();
            text.push(quote);
        } else {
            return Some((text, at + 2));
        }
    }
    None
}
