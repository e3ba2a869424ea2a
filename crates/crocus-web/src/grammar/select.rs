//! `select=id,title:name,price::text,maker!inner(name)`: what is said of each row.

use std::fmt;
use std::str::FromStr;

use super::path::Path;
use super::scan::{Expected, Result, Scan, nearest, write_list, write_name};

/// What is said of each row, in order: the text of the parameter `select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select(pub Vec<Item>);

/// One thing that is said of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// All columns: `*`.
    All,
    /// A column, something in its document, or what is counted out of it over several rows.
    Column {
        /// The name that it gets: `title` in `title:name`.
        alias: Option<String>,
        /// The column.
        path: Path,
        /// The type that its values are cast to: `text` in `price::text`.
        cast: Option<String>,
        /// What is made of the values of several rows: `sum` in `price.sum()`.
        aggregate: Option<Aggregate>,
        /// The type that this is cast to: `integer` in `price.sum()::integer`.
        aggregate_cast: Option<String>,
    },
    /// The number of rows: `count()`.
    Count {
        /// The name that it gets.
        alias: Option<String>,
        /// The type that it is cast to.
        cast: Option<String>,
    },
    /// The rows at the other end of a relationship.
    Embedding(Embedding),
}

/// What is made of the values of several rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// The mean.
    Avg,
    /// How many are not NULL.
    Count,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The sum.
    Sum,
}

/// The rows at the other end of a relationship: `buyer:owner!inner(name)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// The name that they get.
    pub alias: Option<String>,
    /// The relationship, or the table at its other end.
    pub relation: String,
    /// Which of several relationships to that table is meant.
    pub hint: Option<String>,
    /// Whether rows without any are left out.
    pub join: Join,
    /// Whether their columns stand among the row's own: `...maker(name)`.
    pub spread: bool,
    /// What is said of each; nothing where they are only filtered by.
    pub select: Vec<Item>,
}

/// What becomes of a row without any at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Join {
    /// It stays.
    #[default]
    Left,
    /// It is left out.
    Inner,
}

const AGGREGATES: [(Aggregate, &str); 5] = [
    (Aggregate::Avg, "avg"),
    (Aggregate::Count, "count"),
    (Aggregate::Max, "max"),
    (Aggregate::Min, "min"),
    (Aggregate::Sum, "sum"),
];

impl FromStr for Select {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Select> {
        let mut scan = Scan::new(text);
        let items = items(&mut scan)?;
        scan.end()?;
        Ok(Select(items))
    }
}

/// None, or several with commas between.
fn items(scan: &mut Scan<'_>) -> Result<Vec<Item>> {
    if matches!(scan.peek(), None | Some(')')) { Ok(Vec::new()) } else { scan.list(Item::read) }
}

impl Item {
    fn read(scan: &mut Scan<'_>) -> Result<Item> {
        if scan.skip("*") {
            return Ok(Item::All);
        }
        let spread = scan.skip("...");
        let alias = alias(scan)?;
        if scan.skip("count()") {
            return Ok(Item::Count { alias, cast: cast(scan)? });
        }
        let path = Path::read(scan)?;
        if path.steps.is_empty() && matches!(scan.peek(), Some('(' | '!')) {
            return Embedding::read(scan, alias, path.column, spread).map(Item::Embedding);
        }
        if spread {
            return Err(scan.expected("`(`: only a relationship can be spread"));
        }
        let cast = self::cast(scan)?;
        let aggregate = if scan.skip(".") { Some(Aggregate::read(scan)?) } else { None };
        let aggregate_cast = if aggregate.is_some() { self::cast(scan)? } else { None };
        Ok(Item::Column { alias, path, cast, aggregate, aggregate_cast })
    }
}

/// A name with one colon behind it.
fn alias(scan: &mut Scan<'_>) -> Result<Option<String>> {
    let mut ahead = *scan;
    let Ok(name) = ahead.name("a name") else { return Ok(None) };
    if ahead.rest().starts_with("::") || !ahead.skip(":") {
        return Ok(None);
    }
    *scan = ahead;
    Ok(Some(name))
}

fn cast(scan: &mut Scan<'_>) -> Result<Option<String>> {
    if !scan.skip("::") {
        return Ok(None);
    }
    let name = scan.take(|character| character.is_alphanumeric() || matches!(character, '_' | ' '));
    if name.trim().is_empty() { Err(scan.expected("a type")) } else { Ok(Some(name.trim().to_owned())) }
}

impl Aggregate {
    fn read(scan: &mut Scan<'_>) -> Result<Aggregate> {
        let here = *scan;
        let word = scan.take(|character| character.is_alphanumeric());
        let Some((aggregate, _)) = AGGREGATES.iter().find(|(_, name)| *name == word) else {
            let suggestion = nearest(word, AGGREGATES.iter().map(|(_, name)| *name)).map(|name| format!("{name}()"));
            let what = "`avg()`, `count()`, `max()`, `min()` or `sum()`";
            return Err(Expected { suggestion, ..here.expected(what) });
        };
        scan.expect("()")?;
        Ok(*aggregate)
    }
}

impl Embedding {
    fn read(scan: &mut Scan<'_>, alias: Option<String>, relation: String, spread: bool) -> Result<Embedding> {
        let mut embedding = Embedding { alias, relation, hint: None, join: Join::Left, spread, select: Vec::new() };
        let mut is_joined = false;
        while scan.skip("!") {
            let here = *scan;
            match scan.name("`inner`, `left`, or the name of a foreign key")?.as_str() {
                "inner" if !is_joined => (is_joined, embedding.join) = (true, Join::Inner),
                "left" if !is_joined => is_joined = true,
                hint if embedding.hint.is_none() && !is_joined => embedding.hint = Some(hint.to_owned()),
                _ => return Err(here.expected("`(`")),
            }
        }
        embedding.select = scan.within(items)?;
        Ok(embedding)
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_list(f, &self.0)
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::All => f.write_str("*"),
            Item::Column { alias, path, cast, aggregate, aggregate_cast } => {
                write_alias(f, alias)?;
                write!(f, "{path}")?;
                write_cast(f, cast)?;
                aggregate.iter().try_for_each(|aggregate| write!(f, ".{aggregate}()"))?;
                write_cast(f, aggregate_cast)
            }
            Item::Count { alias, cast } => {
                write_alias(f, alias)?;
                f.write_str("count()")?;
                write_cast(f, cast)
            }
            Item::Embedding(embedding) => write!(f, "{embedding}"),
        }
    }
}

impl fmt::Display for Embedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.spread { "..." } else { "" })?;
        write_alias(f, &self.alias)?;
        write_name(f, &self.relation)?;
        if let Some(hint) = &self.hint {
            f.write_str("!")?;
            write_name(f, hint)?;
        }
        f.write_str(match self.join {
            Join::Left => "(",
            Join::Inner => "!inner(",
        })?;
        write_list(f, &self.select)?;
        f.write_str(")")
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = AGGREGATES.iter().find(|(aggregate, _)| aggregate == self);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}

fn write_alias(f: &mut fmt::Formatter<'_>, alias: &Option<String>) -> fmt::Result {
    let Some(alias) = alias else { return Ok(()) };
    write_name(f, alias)?;
    f.write_str(":")
}

fn write_cast(f: &mut fmt::Formatter<'_>, cast: &Option<String>) -> fmt::Result {
    cast.iter().try_for_each(|cast| write!(f, "::{cast}"))
}
