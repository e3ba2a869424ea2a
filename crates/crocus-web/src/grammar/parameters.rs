//! All that stands behind the question mark, put where it belongs.

use std::collections::BTreeMap;
use std::fmt;

use super::filter::Filter;
use super::order::Order;
use super::scan::{Expected, Scan};
use super::select::Select;

/// The parameters of a request: what rows are wanted, and what of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// What is said of each row; all columns where it is not said.
    pub select: Option<Select>,
    /// Which rows, and which rows of relationships: each of them must be so.
    pub filters: Vec<Filter>,
    /// Which of the rows in which order: of the resource's own under no name, and under the names that lead to them of
    /// the rows of relationships.
    pub pages: BTreeMap<Vec<String>, Page>,
    /// The columns that a body's rows have: what else they bring is passed over.
    pub columns: Option<Vec<String>>,
    /// The columns of the constraint that tells which row is there already.
    pub on_conflict: Option<Vec<String>>,
    /// Where a page begins or ends.
    pub cursor: Option<String>,
}

/// Which of several rows, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// What they are ordered by.
    pub order: Option<Order>,
    /// How many at most.
    pub limit: Option<u64>,
    /// How many are passed over first.
    pub offset: Option<u64>,
}

/// A parameter that is not what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The parameter's name.
    pub parameter: String,
    /// What is wrong, in words.
    pub detail: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.parameter, self.detail)
    }
}

impl std::error::Error for Mistake {}

impl Parameters {
    /// Reads the names and values of parameters, decoded.
    ///
    /// # Errors
    /// All mistakes that were found, in the order of the parameters.
    pub fn parse<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Parameters, Vec<Mistake>> {
        let (mut parameters, mut mistakes) = (Parameters::default(), Vec::new());
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            if let Err(detail) = parameters.add(name, value) {
                mistakes.push(Mistake { parameter: name.to_owned(), detail });
            }
        }
        if mistakes.is_empty() { Ok(parameters) } else { Err(mistakes) }
    }

    /// The name of the parameter with this word for the rows of relationships: `maker.order`.
    pub(crate) fn name(relations: &[String], word: &str) -> String {
        relations.iter().map(|name| format!("{name}.")).chain([word.to_owned()]).collect()
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "select" => once(&mut self.select, value.parse::<Select>()),
            "columns" => once(&mut self.columns, names(value)),
            "on_conflict" => once(&mut self.on_conflict, names(value)),
            "cursor" => once(&mut self.cursor, Ok::<_, Expected>(value.to_owned())),
            _ => match page_of(name) {
                Some((relations, word)) => {
                    let page = self.pages.entry(relations).or_default();
                    match word {
                        "order" => {
                            let order = value.parse::<Order>().map_err(|error| error.to_string())?;
                            page.order.get_or_insert(Order(Vec::new())).extend(order);
                            Ok(())
                        }
                        "limit" => once(&mut page.limit, number(value)),
                        _ => once(&mut page.offset, number(value)),
                    }
                }
                None => {
                    let filter = Filter::parse(name, value).map_err(|error| error.to_string())?;
                    self.filters.push(filter);
                    Ok(())
                }
            },
        }
    }
}

fn once<T, E: fmt::Display>(place: &mut Option<T>, read: Result<T, E>) -> Result<(), String> {
    let read = read.map_err(|error| error.to_string())?;
    match place.replace(read) {
        None => Ok(()),
        Some(_) => Err("it is given twice".to_owned()),
    }
}

/// The relationships that a parameter such as `maker.order` leads along, and its word.
fn page_of(name: &str) -> Option<(Vec<String>, &'static str)> {
    let mut scan = Scan::new(name);
    let mut relations = Vec::new();
    loop {
        if let Some(word) = ["order", "limit", "offset"].into_iter().find(|word| scan.rest() == *word) {
            return Some((relations, word));
        }
        relations.push(scan.name("a name").ok()?);
        if !scan.skip(".") {
            return None;
        }
    }
}

fn names(value: &str) -> Result<Vec<String>, Expected> {
    let mut scan = Scan::new(value);
    let names = scan.list(|scan| scan.name("a column"))?;
    scan.end()?;
    Ok(names)
}

fn number(value: &str) -> Result<u64, &'static str> {
    match value.parse::<u64>() {
        // The databases count in 64 bits with a sign.
        Ok(number) if i64::try_from(number).is_ok() => Ok(number),
        _ => Err("expected a number that is not negative"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &[(&str, &str)]) -> Result<Parameters, Vec<String>> {
        Parameters::parse(query.iter().copied()).map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn each_parameter_goes_where_it_belongs() {
        let read = parse(&[
            ("select", "id,maker(name)"),
            ("doors", "gte.4"),
            ("or", "(a.eq.1,b.eq.2)"),
            ("order", "name.desc"),
            ("limit", "10"),
            ("offset", "0"),
            ("maker.order", "name"),
            ("maker.limit", "1"),
            ("\"order\"", "eq.1"),
            ("order.name", "eq.1"),
            ("columns", "a,\"b,c\""),
            ("on_conflict", "id"),
        ])
        .unwrap();
        assert_eq!(read.filters.len(), 4);
        assert_eq!(read.filters[3].relations, ["order"]);
        assert_eq!(read.pages.len(), 2);
        assert_eq!(read.pages[&vec!["maker".to_owned()]].limit, Some(1));
        assert_eq!((read.pages[&Vec::new()].limit, read.pages[&Vec::new()].offset), (Some(10), Some(0)));
        assert_eq!(read.columns, Some(vec!["a".to_owned(), "b,c".to_owned()]));
        assert_eq!(parse(&[]), Ok(Parameters::default()));
    }

    /// As PostgREST's client for Rust sends it: the second time with what it had the first time.
    #[test]
    fn an_order_that_is_given_twice_goes_on() {
        let read = parse(&[("order", "name.desc"), ("maker.order", "id"), ("order", "name.desc,id")]).unwrap();
        assert_eq!(read.pages[&Vec::new()].order, Some("name.desc,id".parse().unwrap()));
        assert_eq!(read.pages[&vec!["maker".to_owned()]].order, Some("id".parse().unwrap()));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let wrong = parse(&[
            ("limit", "10"),
            ("limit", "11"),
            ("offset", "-1"),
            ("maker.limit", "9223372036854775808"),
            ("order", ""),
            ("columns", "a,"),
            ("colour", "red"),
            ("", "eq.1"),
        ]);
        assert_eq!(
            wrong.unwrap_err(),
            [
                "`limit`: it is given twice",
                "`offset`: expected a number that is not negative",
                "`maker.limit`: expected a number that is not negative",
                "`order`: expected a column at the end",
                "`columns`: expected a column at the end",
                "`colour`: expected an operator such as `eq.` at character 1, found `red`",
                "``: expected a column at the end",
            ]
        );
    }
}
