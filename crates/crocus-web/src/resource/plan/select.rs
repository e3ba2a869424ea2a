//! What is said of each row: the members of its object.

use std::sync::Arc;

use crocus_orm::ColumnType;
use crocus_orm::dynamic::{Aggregate, DynamicColumn, Related, Source};

use super::relation::relation;
use super::{Child, Level, Planner, Shown};
use crate::grammar::{self, Embedding, Item, Path, Step, nearest};
use crate::resource::definition::Definition;

const SELECT: &str = "select";

/// PostgreSQL's names of the types that a value can be cast to.
const CASTS: [(&str, ColumnType); 24] = [
    ("text", ColumnType::Text),
    ("varchar", ColumnType::Text),
    ("character varying", ColumnType::Text),
    ("smallint", ColumnType::SmallInteger),
    ("int2", ColumnType::SmallInteger),
    ("integer", ColumnType::Integer),
    ("int", ColumnType::Integer),
    ("int4", ColumnType::Integer),
    ("bigint", ColumnType::BigInteger),
    ("int8", ColumnType::BigInteger),
    ("double precision", ColumnType::Double),
    ("float", ColumnType::Double),
    ("float8", ColumnType::Double),
    ("numeric", ColumnType::Decimal),
    ("decimal", ColumnType::Decimal),
    ("boolean", ColumnType::Boolean),
    ("bool", ColumnType::Boolean),
    ("date", ColumnType::Date),
    ("time", ColumnType::Time),
    ("timestamp", ColumnType::DateTime),
    ("timestamptz", ColumnType::Timestamp),
    ("uuid", ColumnType::Uuid),
    ("json", ColumnType::Json),
    ("jsonb", ColumnType::Json),
];

impl Planner<'_> {
    /// The rows of a resource with these members.
    pub(super) fn level(
        &mut self,
        definition: &Arc<Definition>,
        source: Source,
        items: &[Item],
        depth: usize,
    ) -> Level {
        let mut level = Level {
            definition: definition.clone(),
            source,
            members: Vec::new(),
            children: Vec::new(),
            filter: Vec::new(),
            order: Vec::new(),
            limit: None,
            offset: None,
            aggregated: false,
        };
        for item in items {
            match item {
                Item::All => {
                    for column in definition.columns() {
                        let shown = Shown::Value(level.source.column(column));
                        self.member(&mut level, column.name.to_owned(), shown);
                    }
                }
                Item::Column { alias, path, cast, aggregate, aggregate_cast } => {
                    let Some(mut column) = self.column(&level, path, SELECT) else { continue };
                    let mut name = own_name(path);
                    column = self.cast(column, cast.as_deref());
                    if let Some(aggregate) = aggregate {
                        name = aggregate.to_string();
                        let Some(made) = self.aggregate(&mut level, column, *aggregate, path) else { continue };
                        column = self.cast(made, aggregate_cast.as_deref());
                    }
                    self.member(&mut level, alias.clone().unwrap_or(name), Shown::Value(column));
                }
                Item::Count { alias, cast } => {
                    if self.may_aggregate(&mut level) {
                        let column = self.cast(DynamicColumn::count_rows(), cast.as_deref());
                        let name = alias.clone().unwrap_or_else(|| "count".to_owned());
                        self.member(&mut level, name, Shown::Value(column));
                    }
                }
                Item::Embedding(embedding) => self.embed(&mut level, embedding, depth),
            }
        }
        level
    }

    fn embed(&mut self, level: &mut Level, embedding: &Embedding, depth: usize) {
        let limits = self.root.limits;
        if depth == limits.depth {
            return self
                .mistake(SELECT, format!("more than {} relationships are embedded in each other", limits.depth));
        }
        if self.numbered == limits.relations {
            return self.mistake(SELECT, format!("more than {} relationships are embedded", limits.relations));
        }
        let (relation, target) = match relation(self.resources, &level.definition, embedding) {
            Ok(found) => found,
            Err(detail) => return self.mistake(SELECT, detail),
        };
        self.numbered += 1;
        let source = Source::numbered(target.table, self.numbered);
        let name = embedding.alias.clone().unwrap_or_else(|| embedding.relation.clone());
        if level.children.iter().any(|child| child.name == name) {
            let detail = format!("`{name}` is embedded twice; give one another name, as in `other:{name}(*)`");
            return self.mistake(SELECT, detail);
        }
        let mut inner = self.level(&target, source.clone(), &embedding.select, depth + 1);
        inner.filter.extend(self.scopes.get(&target.path).map(|scope| source.is(scope.clone())));
        let related = Related { from: level.source.clone(), relation, to: source };
        let (is_one, index) = (related.is_one(), level.children.len());
        let spread: Vec<_> = if embedding.spread { inner.members.clone() } else { Vec::new() };
        let (join, is_shown) = (embedding.join, !inner.members.is_empty());
        level.children.push(Child { name: name.clone(), related, join, level: inner });
        if !embedding.spread {
            if is_shown {
                self.member(level, name, Shown::Child(index));
            }
            return;
        }
        if !is_one {
            let names = spread.into_iter().map(|(name, _)| name).collect();
            return self.member(level, name, Shown::Lists(index, names));
        }
        for (member, shown) in spread {
            match shown {
                Shown::Value(column) => self.member(level, member, Shown::Spread(index, column)),
                _ => self.mistake(SELECT, format!("`{member}` is embedded in what `...` spreads: spread its columns")),
            }
        }
    }

    /// Adds a member. The same one twice is there once.
    fn member(&mut self, level: &mut Level, name: String, shown: Shown) {
        if level.members.contains(&(name.clone(), shown.clone())) {
            return;
        }
        let taken: Vec<&str> = level.members.iter().flat_map(|(name, shown)| shown.names(name)).collect();
        if let Some(name) = shown.names(&name).into_iter().find(|name| taken.contains(name)) {
            let detail = format!("two members are called `{name}`; give one another name, as in `other:{name}`");
            return self.mistake(SELECT, detail);
        }
        level.members.push((name, shown));
    }

    fn cast(&mut self, column: DynamicColumn, to: Option<&str>) -> DynamicColumn {
        let Some(name) = to else { return column };
        let known = CASTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let Some((_, to)) = known else {
            let detail = match nearest(name, CASTS.iter().map(|(name, _)| *name)) {
                Some(near) => format!("`{name}` is no type to cast to; did you mean `{near}`?"),
                None => format!("`{name}` is no type to cast to"),
            };
            self.mistake(SELECT, detail);
            return column;
        };
        if !column.casts_to(*to) {
            self.mistake(SELECT, format!("the value cannot be cast to `{name}`"));
            return column;
        }
        column.cast(*to)
    }

    fn aggregate(
        &mut self,
        level: &mut Level,
        column: DynamicColumn,
        aggregate: grammar::Aggregate,
        path: &Path,
    ) -> Option<DynamicColumn> {
        if !self.may_aggregate(level) {
            return None;
        }
        let made = column.aggregate(match aggregate {
            grammar::Aggregate::Avg => Aggregate::Avg,
            grammar::Aggregate::Count => Aggregate::Count,
            grammar::Aggregate::Max => Aggregate::Max,
            grammar::Aggregate::Min => Aggregate::Min,
            grammar::Aggregate::Sum => Aggregate::Sum,
        });
        if made.is_none() {
            self.mistake(SELECT, format!("`{path}` has values of which there is no `{aggregate}()`"));
        }
        made
    }

    fn may_aggregate(&mut self, level: &mut Level) -> bool {
        level.aggregated = true;
        let may = level.definition.aggregates;
        if !may {
            let detail = format!("`{}` lets nobody count or add up: its aggregates are off", level.definition.path);
            self.mistake(SELECT, detail);
        }
        may
    }
}

/// The name of a member that is given none: the column's, or that of the last step into its document.
fn own_name(path: &Path) -> String {
    let last = path.steps.iter().rev().find_map(|step| match step {
        Step::Member(name) => Some(name),
        Step::Element(_) => None,
    });
    last.unwrap_or(&path.column).clone()
}
