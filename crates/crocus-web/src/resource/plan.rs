//! What a request asks of a resource, as a query: every name is looked up, every value read as its column's type.
//! Pure: all that is wrong is told at once, and nothing is sent.
//!
//! A query is planned as levels, one for the resource's own rows and one for each relationship that is embedded.

mod filter;
mod relation;
mod select;

use std::collections::HashMap;
use std::sync::Arc;

use crocus_orm::dynamic::{DynamicColumn, Member, Related, Rows, Source};
use crocus_orm::{ColumnType, Dialect, Expr, Order, TableDef};

use super::definition::{Definition, Resources};
use crate::grammar::nearest;
use crate::grammar::{Direction, Item, Join, Mistake, Page, Parameters, Path, Select, Step};

pub(super) use relation::reached;

/// The conditions of a request's scopes, by the path of the resource.
pub(super) type Scopes = HashMap<String, Expr<bool>>;

/// The rows of a table that parameters ask for, with nothing of them: the filters, the order and the bounds of its own
/// rows. No resource is asked: every column can be named, no scope is added, and no relationship is known.
///
/// # Errors
/// All mistakes, in the order of what they are about.
pub fn rows_of(table: &'static TableDef, parameters: &Parameters, dialect: Dialect) -> Result<Rows, Vec<Mistake>> {
    let definition = Arc::new(Definition::of_table(table, &[]));
    let (resources, scopes) = (Resources::default(), Scopes::new());
    let plan = Planner::new(&resources, &definition, &scopes, dialect).plan(&definition, parameters)?;
    Ok(Rows { members: Vec::new(), ..plan.rows })
}

/// A query, and what has to be known of it to answer.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) rows: Rows,
    /// What a row's members are called.
    pub(super) names: Vec<String>,
    /// Whether rows are made of several, so that they are none of the table's.
    pub(super) aggregated: bool,
}

/// What is being planned, and what is wrong with it.
pub(super) struct Planner<'a> {
    resources: &'a Resources,
    scopes: &'a Scopes,
    dialect: Dialect,
    /// How many sources have a number.
    numbered: usize,
    conditions: usize,
    /// How many values conditions have.
    values: usize,
    root: &'a Definition,
    mistakes: Vec<Mistake>,
}

/// Rows of one table.
struct Level {
    definition: Arc<Definition>,
    source: Source,
    members: Vec<(String, Shown)>,
    children: Vec<Child>,
    filter: Vec<Expr<bool>>,
    order: Vec<Order>,
    limit: Option<u64>,
    offset: Option<u64>,
    aggregated: bool,
}

/// What a member shows.
#[derive(Clone, PartialEq)]
enum Shown {
    Value(DynamicColumn),
    /// The rows of a child, by its index.
    Child(usize),
    /// A member of a child's row, among the row's own: of a relationship to one.
    Spread(usize, DynamicColumn),
    /// The members of a child's rows with these names, each as a list: of a relationship to many.
    Lists(usize, Vec<String>),
}

impl Shown {
    /// The names that it has in an object, where it is called so itself.
    fn names<'a>(&'a self, own: &'a str) -> Vec<&'a str> {
        match self {
            Shown::Lists(_, names) => names.iter().map(String::as_str).collect(),
            _ => vec![own],
        }
    }
}

/// The rows of a relationship.
struct Child {
    /// What the request calls it.
    name: String,
    related: Related,
    join: Join,
    level: Level,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        resources: &'a Resources,
        root: &'a Definition,
        scopes: &'a Scopes,
        dialect: Dialect,
    ) -> Planner<'a> {
        Planner { resources, scopes, dialect, numbered: 0, conditions: 0, values: 0, root, mistakes: Vec::new() }
    }

    /// Plans what the parameters ask for.
    ///
    /// # Errors
    /// All mistakes, in the order of what they are about: the selection, the filters, the orders.
    pub(super) fn plan(mut self, definition: &Arc<Definition>, parameters: &Parameters) -> Result<Plan, Vec<Mistake>> {
        let source = Source::new(definition.table);
        let all = Select(vec![Item::All]);
        let items = &parameters.select.as_ref().unwrap_or(&all).0;
        let mut root = self.level(definition, source, items, 0);
        root.filter.extend(self.scopes.get(&definition.path).cloned());
        // What is true of a relationship's rows decides whether there are any: the innermost come first.
        let mut filters: Vec<_> = parameters.filters.iter().collect();
        filters.sort_by_key(|filter| std::cmp::Reverse(filter.relations.len()));
        for filter in filters {
            let name = filter.to_parameter().0;
            if let Some(level) = self.level_at(&mut root, &filter.relations, &name)
                && let Some(condition) = self.condition(level, &filter.condition, &name)
            {
                level.filter.push(condition);
            }
        }
        for (relations, page) in &parameters.pages {
            if let Some(level) = self.level_at(&mut root, relations, &Parameters::name(relations, "order")) {
                self.page(level, page, relations);
            }
        }
        let limits = self.root.limits;
        for (number, limit, what) in [
            (self.conditions, limits.conditions, "conditions"),
            (self.values, limits.values, "values"),
            (root.members.len(), limits.members, "members of a row"),
        ] {
            if number > limit {
                self.mistake("", format!("there are {number} {what}; at most {limit} can be asked for at once"));
            }
        }
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        let aggregated = root.aggregated;
        self.check_orders(&root, &mut Vec::new());
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        let names = root.members.iter().flat_map(|(name, shown)| shown.names(name)).map(str::to_owned).collect();
        Ok(Plan { rows: root.into_rows(), names, aggregated })
    }

    fn mistake(&mut self, parameter: &str, detail: impl Into<String>) {
        self.mistakes.push(Mistake { parameter: parameter.to_owned(), detail: detail.into() });
    }

    /// The rows that these relationships lead to, if they are embedded.
    fn level_at<'l>(&mut self, root: &'l mut Level, relations: &[String], parameter: &str) -> Option<&'l mut Level> {
        let mut level = root;
        for name in relations {
            let Some(index) = level.child(name) else {
                let table = level.definition.table.name;
                let is_column = level.definition.column(name).is_some();
                let detail = match nearest(name, level.children.iter().map(|child| child.name.as_str())) {
                    Some(near) => format!("`{name}` is not embedded in `{table}`; did you mean `{near}`?"),
                    None if is_column => format!("`{name}` is a column of `{table}`, and has no rows of its own"),
                    None => format!("`{name}` is not embedded in `{table}`; add `{name}()` to `select`"),
                };
                self.mistake(parameter, detail);
                return None;
            };
            level = &mut level.children[index].level;
        }
        Some(level)
    }

    fn page(&mut self, level: &mut Level, page: &Page, relations: &[String]) {
        (level.limit, level.offset) = (page.limit, page.offset);
        let parameter = Parameters::name(relations, "order");
        for term in page.order.iter().flat_map(|order| &order.0) {
            let column = match &term.relation {
                None => self.column(level, &term.path, &parameter),
                Some(relation) => self.related_column(level, relation, &term.path, &parameter),
            };
            let Some(column) = column else { continue };
            if !column.has_order() {
                self.mistake(&parameter, format!("rows cannot be ordered by `{}`: {}", term.path, no_order(&column)));
                continue;
            }
            level.order.push(column.order(term.direction == Direction::Descending, term.nulls));
        }
    }

    /// Refuses orders of groups by what the groups do not have.
    fn check_orders(&mut self, level: &Level, relations: &mut Vec<String>) {
        if let Some(place) = level.meaningless_order() {
            let parameter = Parameters::name(relations, "order");
            let detail = format!("the {} is by what the groups do not have: add it to `select`", ordinal(place));
            self.mistake(&parameter, detail);
        }
        for child in &level.children {
            relations.push(child.name.clone());
            self.check_orders(&child.level, relations);
            relations.pop();
        }
    }

    /// The column of the row at the other end of a relationship to one.
    fn related_column(&mut self, level: &Level, relation: &str, path: &Path, parameter: &str) -> Option<DynamicColumn> {
        let Some(child) = level.child(relation).map(|index| &level.children[index]) else {
            self.mistake(parameter, format!("`{relation}` is not embedded; add `{relation}()` to `select`"));
            return None;
        };
        if !child.related.is_one() {
            self.mistake(parameter, format!("`{relation}` leads to several rows: rows can be ordered by one of them"));
            return None;
        }
        let column = self.column(&child.level, path, parameter)?;
        Some(child.related.value(column))
    }

    /// A column of a level, or what is in its document.
    fn column(&mut self, level: &Level, path: &Path, parameter: &str) -> Option<DynamicColumn> {
        let definition = &level.definition;
        let Some(column) = definition.column(&path.column) else {
            self.mistake(parameter, unknown_column(definition, &path.column));
            return None;
        };
        let mut dynamic = level.source.column(column);
        if !path.steps.is_empty() && dynamic.ty() != ColumnType::Json {
            self.mistake(parameter, format!("`{}` is no JSON document: nothing is in it", path.column));
            return None;
        }
        for step in &path.steps {
            dynamic = match step {
                Step::Member(name) => dynamic.member(name),
                Step::Element(at) => dynamic.element(*at),
            };
        }
        Some(if path.as_text { dynamic.text() } else { dynamic })
    }
}

impl Level {
    /// The child that the request calls so: by the name that it gives, or by the relationship's.
    fn child(&self, name: &str) -> Option<usize> {
        let by_name = self.children.iter().position(|child| child.name == name);
        by_name.or_else(|| self.children.iter().position(|child| child.related.relation.name == name))
    }

    /// The first order that its rows cannot have, since they are groups.
    fn meaningless_order(&self) -> Option<usize> {
        let values = self.members.iter().filter_map(|(name, shown)| match shown {
            Shown::Value(column) => Some((name.clone(), Member::Value(column.clone()))),
            Shown::Spread(child, column) => {
                Some((name.clone(), Member::Value(self.children[*child].related.value(column.clone()))))
            }
            _ => None,
        });
        Rows { members: values.collect(), order: self.order.clone(), ..Rows::new(self.source.clone()) }
            .meaningless_order()
    }

    /// What is true of its rows, with what its inner joins ask.
    fn conditions(&self) -> Vec<Expr<bool>> {
        let inner = self.children.iter().filter(|child| child.join == Join::Inner);
        let all = self.filter.iter().cloned().chain(inner.map(Child::exists)).collect();
        filter::halved(all, |one, other| one & other).into_iter().collect()
    }

    fn into_rows(self) -> Rows {
        let filter = self.conditions();
        let Level { source, members, children, order, limit, offset, .. } = self;
        let mut related: Vec<_> = children.iter().map(|child| Some(child.related.clone())).collect();
        let mut rows: Vec<_> = children.into_iter().map(|child| Some(child.level.into_rows())).collect();
        let links: Vec<_> = related.clone();
        let members = members.into_iter().filter_map(|(name, shown)| {
            let member = match shown {
                Shown::Value(column) => Member::Value(column),
                Shown::Spread(child, column) => Member::Value(links[child].as_ref()?.value(column)),
                Shown::Child(child) => Member::Related(related[child].take()?, rows[child].take()?),
                Shown::Lists(child, _) => Member::Spread(related[child].take()?, rows[child].take()?),
            };
            Some((name, member))
        });
        let members = members.collect();
        Rows { source, members, filter, order, limit, offset }
    }
}

impl Child {
    /// Whether a row has any.
    fn exists(&self) -> Expr<bool> {
        self.related.exists(self.level.conditions())
    }
}

/// Says that there is no such column, and which may have been meant.
fn unknown_column(definition: &Definition, name: &str) -> String {
    let table = definition.table.name;
    if definition.relations.iter().any(|relation| relation.name == name) {
        return format!("`{name}` is a relationship of `{table}`, and no column: embed it as `{name}(*)`");
    }
    match nearest(name, definition.columns().map(|column| column.name)) {
        Some(near) => format!("`{name}` is no column of `{table}`; did you mean `{near}`?"),
        None => format!("`{name}` is no column of `{table}`"),
    }
}

fn no_order(column: &DynamicColumn) -> &'static str {
    if column.ty() == ColumnType::Json {
        "a JSON document has no order; `->>` takes text out of it"
    } else {
        "a list has no order"
    }
}

/// `first`, `second`, ...: the place of one of several, counted from 0.
fn ordinal(place: usize) -> String {
    match place {
        0 => "first order".to_owned(),
        1 => "second order".to_owned(),
        2 => "third order".to_owned(),
        place => format!("order {}", place + 1),
    }
}
