//! `doors=gte.4`, `or=(doors.lt.3,name.like.Model*)`: which rows are meant.

use std::fmt;

use super::path::Path;
use super::scan::{Expected, Result, Scan, nearest, write_list, write_name, write_quoted};

/// Which rows are meant: one parameter, `doors=gte.4`, or `maker.name=eq.Tesla` for the rows of a relationship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The relationships that lead to the rows, from the outside in; none for the resource's own.
    pub relations: Vec<String>,
    /// What must be true of them.
    pub condition: Condition,
}

/// Something that is true of a row, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Each of them is: `and=(...)`.
    All(Vec<Condition>),
    /// One of them is: `or=(...)`.
    Any(Vec<Condition>),
    /// It is not: `not.`.
    Not(Box<Condition>),
    /// A column compares so.
    Compare(Comparison),
}

/// A column, compared with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The column. A relationship's name stands here too: `maker=is.null`.
    pub path: Path,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with.
    pub operand: Operand,
}

/// What a column is compared with, still as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// One value.
    Value(String),
    /// One of several, or all of them: `eq(any).{1,2}`. An element without a value is NULL.
    Quantified(Quantifier, Vec<Option<String>>),
    /// The values of `in`.
    List(Vec<String>),
    /// What `is` has after it.
    Is(Truth),
    /// A search, in a language: `fts(english).car`.
    Search(Option<String>, String),
}

/// How many of several values a column has to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// One is enough.
    Any,
    /// Each of them.
    All,
}

/// What `is` has after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Is NULL.
    Null,
    /// Is not NULL.
    NotNull,
    /// Is true.
    True,
    /// Is false.
    False,
    /// Is NULL, of a truth value.
    Unknown,
}

macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident $word:literal,)*) => {
        /// How a column is compared.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operator {
            $($(#[$doc])* $name,)*
        }

        impl Operator {
            /// All there are, in the documentation's order.
            pub const ALL: &[Operator] = &[$(Operator::$name,)*];

            /// Its word in a query.
            pub fn word(self) -> &'static str {
                match self {
                    $(Operator::$name => $word,)*
                }
            }
        }
    };
}

operators! {
    /// Equal.
    Eq "eq",
    /// Greater than.
    Gt "gt",
    /// Greater than or equal.
    Gte "gte",
    /// Less than.
    Lt "lt",
    /// Less than or equal.
    Lte "lte",
    /// Not equal.
    Neq "neq",
    /// Like a pattern, in which `*` and `%` are any text and `_` is any character.
    Like "like",
    /// Like a pattern, whatever the case.
    Ilike "ilike",
    /// Has a part that a regular expression describes.
    Match "match",
    /// The same, whatever the case.
    Imatch "imatch",
    /// Equal to one of a list.
    In "in",
    /// NULL, true or false.
    Is "is",
    /// Not equal, where two NULLs are equal.
    IsDistinct "isdistinct",
    /// Found by a search: `to_tsquery`.
    Fts "fts",
    /// Found by a search: `plainto_tsquery`.
    Plfts "plfts",
    /// Found by a search: `phraseto_tsquery`.
    Phfts "phfts",
    /// Found by a search: `websearch_to_tsquery`.
    Wfts "wfts",
    /// Contains a list or a document.
    Cs "cs",
    /// Is contained in one.
    Cd "cd",
    /// Has elements, or points, in common.
    Ov "ov",
    /// A range to the left of another.
    Sl "sl",
    /// A range to the right of another.
    Sr "sr",
    /// A range that does not extend to the right of another.
    Nxr "nxr",
    /// A range that does not extend to the left of another.
    Nxl "nxl",
    /// A range that is next to another.
    Adj "adj",
}

impl Operator {
    /// Whether it takes `(any)` and `(all)`.
    pub fn is_quantified(self) -> bool {
        use Operator::{Eq, Gt, Gte, Ilike, Imatch, Like, Lt, Lte, Match};
        matches!(self, Eq | Gt | Gte | Lt | Lte | Like | Ilike | Match | Imatch)
    }

    /// Whether it searches text, and takes a language.
    pub fn is_search(self) -> bool {
        matches!(self, Operator::Fts | Operator::Plfts | Operator::Phfts | Operator::Wfts)
    }
}

const TRUTHS: [(Truth, &str); 5] = [
    (Truth::Null, "null"),
    (Truth::NotNull, "not_null"),
    (Truth::True, "true"),
    (Truth::False, "false"),
    (Truth::Unknown, "unknown"),
];

/// Where a value ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// With the parameter.
    Parameter,
    /// At a comma or a closing parenthesis.
    Item,
}

impl Filter {
    /// Reads a parameter.
    ///
    /// # Errors
    /// When its name or its value is none of a filter.
    pub fn parse(name: &str, value: &str) -> Result<Filter> {
        let mut scan = Scan::new(name);
        let mut relations = Vec::new();
        loop {
            let (mut ahead, mut negated) = (scan, false);
            while ahead.skip("not.") {
                negated = !negated;
            }
            if let Some(group) = ["and", "or"].into_iter().find(|word| ahead.rest() == *word) {
                let mut scan = Scan::new(value);
                let condition = group_of(&mut scan, group)?;
                scan.end()?;
                return Ok(Filter { relations, condition: not(negated, condition) });
            }
            let path = Path::read(&mut scan)?;
            if path.steps.is_empty() && scan.skip(".") {
                relations.push(path.column);
                continue;
            }
            scan.end()?;
            let mut scan = Scan::new(value);
            let condition = compared(&mut scan, path, End::Parameter)?;
            scan.end()?;
            return Ok(Filter { relations, condition });
        }
    }

    /// The name and the value of the parameter.
    pub fn to_parameter(&self) -> (String, String) {
        let (mut condition, mut prefix) = (&self.condition, String::new());
        while let Condition::Not(inner) = condition {
            (condition, prefix) = (inner, prefix + "not.");
        }
        let relations: String = self.relations.iter().map(|name| format!("{}.", Name(name))).collect();
        match condition {
            Condition::Compare(comparison) => {
                let text = AsParameter(comparison).to_string();
                (format!("{relations}{}", comparison.path), prefix + &text)
            }
            group => {
                let text = group.to_string();
                let word = if matches!(group, Condition::All(_)) { "and" } else { "or" };
                (format!("{relations}{prefix}{word}"), text[word.len()..].to_owned())
            }
        }
    }
}

fn not(negated: bool, condition: Condition) -> Condition {
    if negated { Condition::Not(Box::new(condition)) } else { condition }
}

fn group_of(scan: &mut Scan<'_>, word: &str) -> Result<Condition> {
    let conditions = scan.within(|scan| scan.list(item))?;
    Ok(if word == "and" { Condition::All(conditions) } else { Condition::Any(conditions) })
}

/// One of the conditions in parentheses.
fn item(scan: &mut Scan<'_>) -> Result<Condition> {
    let mut ahead = *scan;
    let negated = ahead.skip("not.");
    for word in ["and", "or"] {
        let mut group = ahead;
        if group.skip(word) && group.peek() == Some('(') {
            let condition = group_of(&mut group, word)?;
            *scan = group;
            return Ok(not(negated, condition));
        }
    }
    let path = Path::read(scan)?;
    scan.expect(".")?;
    compared(scan, path, End::Item)
}

/// What comes after a column.
fn compared(scan: &mut Scan<'_>, path: Path, end: End) -> Result<Condition> {
    let negated = scan.skip("not.");
    let here = *scan;
    let word = scan.take(|character| character.is_alphanumeric() || character == '_');
    let Some(operator) = Operator::ALL.iter().copied().find(|operator| operator.word() == word) else {
        let words = Operator::ALL.iter().map(|operator| operator.word()).chain(["not"]);
        let suggestion = nearest(word, words).map(|word| format!("{word}."));
        return Err(Expected { suggestion, ..here.expected("an operator such as `eq.`") });
    };
    let operand = operand(scan, operator, end)?;
    Ok(not(negated, Condition::Compare(Comparison { path, operator, operand })))
}

fn operand(scan: &mut Scan<'_>, operator: Operator, end: End) -> Result<Operand> {
    let argument = if scan.peek() == Some('(') {
        Some(scan.within(|scan| match operator {
            operator if operator.is_search() => Ok(Argument::Language(scan.name("a language")?)),
            operator if operator.is_quantified() && scan.skip("any") => Ok(Argument::Quantifier(Quantifier::Any)),
            operator if operator.is_quantified() && scan.skip("all") => Ok(Argument::Quantifier(Quantifier::All)),
            operator if operator.is_quantified() => Err(scan.expected("`any` or `all`")),
            operator => Err(scan.expected(format!("nothing: `{}` takes neither `any` nor `all`", operator.word()))),
        })?)
    } else {
        None
    };
    scan.expect(".")?;
    Ok(match (operator, argument) {
        (Operator::In, _) => Operand::List(list_of_values(scan)?),
        (Operator::Is, _) => Operand::Is(truth(scan)?),
        (_, Some(Argument::Quantifier(quantifier))) => Operand::Quantified(quantifier, array(scan)?),
        (_, Some(Argument::Language(language))) => Operand::Search(Some(language), value(scan, end)?),
        (operator, None) if operator.is_search() => Operand::Search(None, value(scan, end)?),
        (_, None) => Operand::Value(value(scan, end)?),
    })
}

/// What stands in parentheses behind an operator.
enum Argument {
    Quantifier(Quantifier),
    Language(String),
}

fn truth(scan: &mut Scan<'_>) -> Result<Truth> {
    let here = *scan;
    let word = scan.take(|character| character.is_alphanumeric() || character == '_');
    let found = TRUTHS.iter().find(|(_, known)| word.eq_ignore_ascii_case(known));
    found.map(|(truth, _)| *truth).ok_or_else(|| {
        let suggestion = nearest(word, TRUTHS.iter().map(|(_, word)| *word)).map(str::to_owned);
        Expected { suggestion, ..here.expected("`null`, `not_null`, `true`, `false` or `unknown`") }
    })
}

/// A value: all there is, or what stands before the next comma. There, one in quotes or braces can have commas in it.
fn value(scan: &mut Scan<'_>, end: End) -> Result<String> {
    if end == End::Parameter {
        return Ok(scan.take_rest().to_owned());
    }
    match scan.peek() {
        Some('"') => scan.quoted(),
        Some('{' | '[') => braced(scan),
        _ => Ok(scan.take(|character| !matches!(character, ',' | ')')).to_owned()),
    }
}

/// The values of `in`; one that is empty and alone is none.
fn list_of_values(scan: &mut Scan<'_>) -> Result<Vec<String>> {
    scan.within(|scan| {
        if scan.peek() == Some(')') {
            return Ok(Vec::new());
        }
        scan.list(|scan| match scan.peek() {
            Some('"') => scan.quoted(),
            _ => Ok(scan.take(|character| !matches!(character, ',' | ')')).to_owned()),
        })
    })
}

/// A list or a document, as it stands: to the brace that closes the first one.
fn braced(scan: &mut Scan<'_>) -> Result<String> {
    let (begin, mut depth) = (scan.rest(), 0_usize);
    loop {
        scan.take(|character| !matches!(character, '{' | '}' | '[' | ']' | '"'));
        match scan.peek() {
            Some('"') => drop(scan.quoted()?),
            Some('{' | '[') => {
                depth += 1;
                scan.take_one();
            }
            Some(_) => {
                depth -= 1;
                scan.take_one();
                if depth == 0 {
                    return Ok(begin[..begin.len() - scan.rest().len()].to_owned());
                }
            }
            None => return Err(scan.expected("a closing brace")),
        }
    }
}

/// A list as PostgreSQL writes it, `{1,2,NULL,"a,b"}` ("Array Value Input"), without lists in it.
fn array(scan: &mut Scan<'_>) -> Result<Vec<Option<String>>> {
    scan.expect("{")?;
    if scan.skip("}") {
        return Ok(Vec::new());
    }
    let elements = scan.list(|scan| {
        if scan.peek() == Some('"') {
            return scan.quoted().map(Some);
        }
        let text = scan.take(|character| !matches!(character, ',' | '{' | '}' | '"' | '\\')).trim();
        match text {
            "" => Err(scan.expected("an element")),
            null if null.eq_ignore_ascii_case("null") => Ok(None),
            text => Ok(Some(text.to_owned())),
        }
    })?;
    scan.expect("}")?;
    Ok(elements)
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Condition::All(conditions) | Condition::Any(conditions) => {
                f.write_str(if matches!(self, Condition::All(_)) { "and(" } else { "or(" })?;
                write_list(f, conditions)?;
                f.write_str(")")
            }
            Condition::Not(inner) => match &**inner {
                Condition::Compare(comparison) => {
                    write!(f, "{}.not.", comparison.path)?;
                    comparison.write(f, End::Item)
                }
                inner => write!(f, "not.{inner}"),
            },
            Condition::Compare(comparison) => {
                write!(f, "{}.", comparison.path)?;
                comparison.write(f, End::Item)
            }
        }
    }
}

impl Comparison {
    fn write(&self, f: &mut fmt::Formatter<'_>, end: End) -> fmt::Result {
        f.write_str(self.operator.word())?;
        match &self.operand {
            Operand::Value(value) => {
                f.write_str(".")?;
                write_value(f, value, end)
            }
            Operand::Search(language, value) => {
                if let Some(language) = language {
                    write!(f, "({})", Name(language))?;
                }
                f.write_str(".")?;
                write_value(f, value, end)
            }
            Operand::Is(truth) => {
                let found = TRUTHS.iter().find(|(known, _)| known == truth);
                write!(f, ".{}", found.map_or("", |(_, word)| word))
            }
            Operand::List(values) => {
                f.write_str(".(")?;
                write_list(f, &values.iter().map(|value| Quoted(value)).collect::<Vec<_>>())?;
                f.write_str(")")
            }
            Operand::Quantified(quantifier, values) => {
                f.write_str(if *quantifier == Quantifier::Any { "(any).{" } else { "(all).{" })?;
                write_list(f, &values.iter().map(|value| Element(value.as_deref())).collect::<Vec<_>>())?;
                f.write_str("}")
            }
        }
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, value: &str, end: End) -> fmt::Result {
    let is_plain = end == End::Parameter || !value.contains([',', ')']) && !value.starts_with(['"', '{', '[']);
    if is_plain { f.write_str(value) } else { write_quoted(f, value) }
}

/// What stands behind the name of a parameter.
struct AsParameter<'a>(&'a Comparison);

impl fmt::Display for AsParameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, End::Parameter)
    }
}

struct Name<'a>(&'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_name(f, self.0)
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = !self.0.is_empty() && !self.0.contains([',', ')']) && !self.0.starts_with('"');
        if is_plain { f.write_str(self.0) } else { write_quoted(f, self.0) }
    }
}

struct Element<'a>(Option<&'a str>);

impl fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(text) = self.0 else { return f.write_str("NULL") };
        let is_plain = !text.is_empty()
            && text.trim() == text
            && !text.eq_ignore_ascii_case("null")
            && !text.contains([',', '{', '}', '"', '\\']);
        if is_plain { f.write_str(text) } else { write_quoted(f, text) }
    }
}
