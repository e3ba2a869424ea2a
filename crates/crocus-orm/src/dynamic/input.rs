//! What an input brings to the columns of a table, read and checked by the table's description: JSON objects, and rows
//! of texts as CSV has them.

use serde_json::Value as Json;

use crate::json::{FieldError, JsonObject, Rule, pointer};
use crate::model::Assignments;
use crate::nearest;
use crate::table::{ColumnDef, ColumnType, Rules, TableDef, rules};
use crate::value::{ColumnValue, Value, check_json};

/// What an input brings to a row: values of columns, and columns that take their defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    /// Columns, by their indexes in the table, and their values.
    pub assignments: Assignments,
    /// Columns that take their defaults, or NULL where they have none; those that have a value do not.
    pub defaults: Vec<usize>,
}

/// What an input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A new row. What is absent is left to its default.
    Insert,
    /// A row that takes the place of one that may be there. What is absent takes its default, or NULL.
    Replace,
    /// A change of a row (RFC 7396). What is absent stays as it is.
    Patch,
}

/// Reads inputs for a table. Made once, since it reads the table's checks.
#[derive(Debug, Clone)]
pub struct Reader {
    table: &'static TableDef,
    rules: Vec<Rules>,
}

/// A value of an input, which may be absent.
enum Given<'a> {
    Json(Json),
    Text(&'a str),
}

impl Reader {
    /// A reader of inputs for a table.
    pub fn new(table: &'static TableDef) -> Reader {
        Reader { table, rules: table.columns.iter().map(|column| rules(table, column)).collect() }
    }

    /// Refuses what is in the upper half of an identity column: the numbers that the database makes go on after the largest
    /// that was given, and with one of the last there would be no next.
    pub fn leaving_numbers(mut self) -> Reader {
        for (column, rules) in self.table.columns.iter().zip(&mut self.rules).filter(|(column, _)| column.identity) {
            rules.at_most_half(column);
        }
        self
    }

    /// Which values a column takes, by its index in the table.
    pub fn rules(&self, column: usize) -> &Rules {
        &self.rules[column]
    }

    /// Reads a JSON object, whose members are named as the columns. Only those columns can be given that `may_write` says;
    /// those that the database computes and the version never.
    ///
    /// # Errors
    /// Every mistake that the object has, in the order of the table's columns, then the members that are none.
    pub fn object(
        &self,
        mut object: JsonObject,
        purpose: Purpose,
        may_write: &dyn Fn(&ColumnDef) -> bool,
    ) -> Result<Input, Vec<FieldError>> {
        let input = self.read(purpose, may_write, |column| object.remove(column.name).map(Given::Json));
        self.without_others(input, object.keys().map(String::as_str), may_write)
    }

    /// Reads a row of texts, each with its column's name; `None` is NULL. Numbers, truth values and JSON are written as in
    /// JSON, everything else is the text itself. Truth values can be `t` and `f`, or `1` and `0`, too, and bytes can begin
    /// with `\x`.
    ///
    /// # Errors
    /// As for [`object`](Reader::object).
    pub fn texts(
        &self,
        cells: &[(&str, Option<&str>)],
        purpose: Purpose,
        may_write: &dyn Fn(&ColumnDef) -> bool,
    ) -> Result<Input, Vec<FieldError>> {
        let mut taken = 0;
        let mut input = self.read(purpose, may_write, |column| {
            let (_, text) = cells.iter().find(|(name, _)| *name == column.name)?;
            taken += 1;
            Some(text.map_or(Given::Json(Json::Null), Given::Text))
        });
        let is_read = |name: &str| self.table.column(name).is_some_and(|column| is_given(column, may_write));
        let others = || cells.iter().map(|(name, _)| *name).filter(|name| !is_read(name));
        if taken + others().count() < cells.len() {
            let is_second = |at: usize| cells[..at].iter().any(|(name, _)| *name == cells[at].0);
            let second =
                (0..cells.len()).filter(|at| is_second(*at)).map(|at| cells[at].0).filter(|name| is_read(name));
            let twice = second.map(|name| FieldError { pointer: pointer(name), detail: "is there twice".to_owned() });
            input = Err(input.err().into_iter().flatten().chain(twice).collect());
        }
        self.without_others(input, others(), may_write)
    }

    /// Reads the text of one column, by its index in the table, as [`texts`](Reader::texts) does; also of a column that
    /// inputs cannot give, the document `null`, and the numbers with a fraction that JSON lacks: `NaN`, `inf` and `-inf`.
    ///
    /// # Errors
    /// Every mistake that it has.
    pub fn text(&self, column: usize, text: &str) -> Result<Value, Vec<FieldError>> {
        self.one(column, Given::Text(text))
    }

    /// Reads the JSON of one column, by its index in the table, as [`object`](Reader::object) does; also of a column that
    /// inputs cannot give, and the numbers with a fraction that JSON lacks, as strings.
    ///
    /// # Errors
    /// Every mistake that it has.
    pub fn json(&self, column: usize, json: Json) -> Result<Value, Vec<FieldError>> {
        self.one(column, Given::Json(json))
    }

    /// Whether a new row cannot be without a value of a column, by its index in the table.
    pub fn is_required(&self, column: usize) -> bool {
        is_required(&self.table.columns[column])
    }

    fn one(&self, index: usize, given: Given<'_>) -> Result<Value, Vec<FieldError>> {
        let column = &self.table.columns[index];
        let text = match &given {
            Given::Text(text) => Some(*text),
            Given::Json(json) => json.as_str(),
        };
        if column.ty == ColumnType::Double
            && let Some(number @ ("NaN" | "inf" | "-inf")) = text
        {
            // Only JSON's rules are against them.
            return Ok(Value::Double(number.parse().ok()));
        }
        if let (Given::Text("null"), ColumnType::Json, true) = (&given, column.ty, column.nullable) {
            // NULL is no text.
            return Ok(Json::Null.into_value());
        }
        if column.ty == ColumnType::Array(&ColumnType::Double)
            && let Some(numbers) = self.numbers(column, &given)
        {
            return Ok(numbers);
        }
        self.value(index, given).map_err(|mistake| match mistake {
            Mistake::Value(rule) => vec![FieldError { pointer: pointer(column.name), detail: rule.into_owned() }],
            Mistake::Items(items) => items,
        })
    }

    /// A list of numbers, where JSON lacks one of them. `None`: it is read as any list.
    fn numbers(&self, column: &ColumnDef, given: &Given<'_>) -> Option<Value> {
        let read: Json;
        let items = match given {
            Given::Json(json) => json.as_array()?,
            Given::Text(text) if !text.contains('"') => return None,
            Given::Text(text) => {
                read = serde_json::from_str(text).ok()?;
                read.as_array()?
            }
        };
        let number = |item: &Json| match item {
            Json::String(text) if matches!(text.as_str(), "NaN" | "inf" | "-inf") => text.parse::<f64>().ok(),
            item => item.as_f64(),
        };
        let numbers: Option<Vec<f64>> = items.iter().map(number).collect();
        let value = |number: f64| Value::Double(Some(number));
        // An empty list of the same type, which is the column's own to make.
        match column.from_json.read(Json::Array(Vec::new())).ok()? {
            Value::Array(ty, _) => Some(Value::Array(ty, Some(Box::new(numbers?.into_iter().map(value).collect())))),
            _ => None,
        }
    }

    fn read<'a>(
        &self,
        purpose: Purpose,
        may_write: &dyn Fn(&ColumnDef) -> bool,
        mut take: impl FnMut(&ColumnDef) -> Option<Given<'a>>,
    ) -> Result<Input, Vec<FieldError>> {
        let (mut input, mut errors) = (Input::default(), Vec::new());
        let columns = self.table.columns.iter().enumerate();
        for (index, column) in columns.filter(|(_, column)| is_given(column, may_write)) {
            let wrong = |rule: Rule| vec![FieldError { pointer: pointer(column.name), detail: rule.into_owned() }];
            let result = match take(column) {
                None if purpose == Purpose::Patch => Ok(()),
                // The row that is there keeps its key.
                None if purpose == Purpose::Replace && column.primary_key => Ok(()),
                None if is_required(column) => Err(wrong("is required".into())),
                None => {
                    if purpose == Purpose::Replace {
                        input.defaults.push(index);
                    }
                    Ok(())
                }
                Some(given) => match self.value(index, given) {
                    Ok(value) => {
                        input.assignments.push((index, value));
                        Ok(())
                    }
                    Err(Mistake::Value(rule)) => Err(wrong(rule)),
                    Err(Mistake::Items(items)) => Err(items),
                },
            };
            errors.extend(result.err().into_iter().flatten());
        }
        if errors.is_empty() { Ok(input) } else { Err(errors) }
    }

    fn value(&self, index: usize, given: Given<'_>) -> Result<Value, Mistake> {
        let column = &self.table.columns[index];
        let json = match given {
            Given::Json(json) => json,
            Given::Text(text) => json_of(text, column.ty).map_err(Mistake::Value)?,
        };
        let items = match (&json, column.ty) {
            (Json::Array(items), ColumnType::Array(_)) => items.clone(),
            _ => Vec::new(),
        };
        let value = column.from_json.read(json).map_err(|rule| match wrong_items(column, items) {
            wrong if wrong.is_empty() => Mistake::Value(rule),
            wrong => Mistake::Items(wrong),
        })?;
        if let Value::Json(Some(json)) = &value {
            check_json(json).map_err(|error| Mistake::Value(error.to_string().into()))?;
        }
        self.rules[index].check(&value).map_err(Mistake::Value)?;
        Ok(value)
    }

    /// Adds a mistake for each name that is no column's.
    fn without_others<'a>(
        &self,
        input: Result<Input, Vec<FieldError>>,
        names: impl Iterator<Item = &'a str>,
        may_write: &dyn Fn(&ColumnDef) -> bool,
    ) -> Result<Input, Vec<FieldError>> {
        let known = || self.table.columns.iter().filter(|column| is_given(column, may_write)).map(|column| column.name);
        let others: Vec<_> = names
            .map(|name| {
                // In the same words for a column that must not be known.
                let mut detail = format!("is no column of {} that can be written", self.table.name);
                if let Some(meant) = nearest(name, known()) {
                    detail.push_str(&format!("; did you mean \"{meant}\"?"));
                }
                FieldError { pointer: pointer(name), detail }
            })
            .collect();
        match input {
            Ok(input) if others.is_empty() => Ok(input),
            Ok(_) => Err(others),
            Err(errors) => Err([errors, others].concat()),
        }
    }
}

/// What is wrong with a value: with itself, or with items of it.
enum Mistake {
    Value(Rule),
    Items(Vec<FieldError>),
}

/// The mistakes in a list's items, each read by itself.
fn wrong_items(column: &ColumnDef, items: Vec<Json>) -> Vec<FieldError> {
    let wrong = items.into_iter().enumerate().filter_map(|(index, item)| {
        let rule = column.from_json.read(Json::Array(vec![item])).err()?;
        let detail = rule.strip_prefix("item 0 ").unwrap_or(&rule).to_owned();
        Some(FieldError { pointer: format!("{}/{index}", pointer(column.name)), detail })
    });
    wrong.collect()
}

/// Whether an input can give the column a value.
fn is_given(column: &ColumnDef, may_write: &dyn Fn(&ColumnDef) -> bool) -> bool {
    column.generated.is_none() && !column.version && may_write(column)
}

/// Whether a row cannot be without it.
fn is_required(column: &ColumnDef) -> bool {
    !column.nullable && !column.identity && column.default.is_none() && column.default_with.is_none()
}

/// A text as the JSON that it stands for.
fn json_of(text: &str, ty: ColumnType) -> Result<Json, Rule> {
    let json = || serde_json::from_str::<Json>(text).ok();
    match ty {
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => {
            json().filter(Json::is_number).ok_or("must be an integer".into())
        }
        ColumnType::Double => json().filter(Json::is_number).ok_or("must be a number".into()),
        ColumnType::Boolean => match text {
            "true" | "t" | "1" => Ok(true.into()),
            "false" | "f" | "0" => Ok(false.into()),
            _ => Err("must be true or false".into()),
        },
        ColumnType::Binary => Ok(text.strip_prefix("\\x").unwrap_or(text).into()),
        ColumnType::Json => json().ok_or("must be JSON".into()),
        ColumnType::Array(_) => json().filter(Json::is_array).ok_or("must be a JSON array".into()),
        _ => Ok(text.into()),
    }
}

impl Input {
    /// The columns that it names, in the table's order.
    pub(super) fn columns(&self) -> Vec<usize> {
        let values = self.assignments.iter().map(|(column, _)| *column);
        let mut columns: Vec<_> = values.chain(self.defaults.iter().copied()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

impl From<Assignments> for Input {
    fn from(assignments: Assignments) -> Input {
        Input { assignments, defaults: Vec::new() }
    }
}
