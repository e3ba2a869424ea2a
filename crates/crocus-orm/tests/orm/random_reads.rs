//! A law: whatever rows are asked for, with whatever inside them, both databases give the same.

use crocus_orm::dynamic::{Aggregate, Comparison, DynamicColumn, Member, Operator, Related, Rows, Source, select};
use crocus_orm::table::Nulls;
use crocus_orm::{ColumnType, Dialect, Expr, Model, RelationDef, TableDef};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value as Json;

use crate::cases::tables::{self, Builder, Employee, Label, Labelling, Paper, Vehicle};
use crate::database::each;

const CASES: u32 = 300;

/// How deep rows stand inside rows.
const DEPTH: usize = 3;

/// Numbers that decide what a query is made of; 0 when there are no more.
struct Choices(std::vec::IntoIter<u16>, usize);

impl Choices {
    fn below(&mut self, most: usize) -> usize {
        usize::from(self.0.next().unwrap_or(0)) % most
    }

    fn number(&mut self) -> usize {
        self.1 += 1;
        self.1
    }
}

fn relations(table: &'static TableDef) -> &'static [RelationDef] {
    let all = [
        (Builder::TABLE, Builder::RELATIONS),
        (Vehicle::TABLE, Vehicle::RELATIONS),
        (Paper::TABLE, Paper::RELATIONS),
        (Label::TABLE, Label::RELATIONS),
        (Labelling::TABLE, Labelling::RELATIONS),
        (Employee::TABLE, Employee::RELATIONS),
    ];
    all.iter().find(|(of, _)| of.name == table.name).map(|(_, relations)| *relations).unwrap()
}

fn related(from: &Source, choices: &mut Choices) -> Option<Related> {
    let relations = relations(from.table());
    let relation = *relations.get(choices.below(relations.len().max(1)))?;
    let to = Source::numbered((relation.target)(), choices.number());
    Some(Related { from: from.clone(), relation, to })
}

/// A column, or what is made of one.
fn column(source: &Source, choices: &mut Choices) -> DynamicColumn {
    let columns = source.table().columns;
    let column = source.column(&columns[choices.below(columns.len())]);
    match (choices.below(6), column.ty()) {
        (0, ColumnType::Json) => column.member("colours").element(-1),
        (1, ColumnType::Json) => column.member("engine").member("power").text().cast(ColumnType::Integer),
        (2, ColumnType::Json) => column.member("text").text(),
        (0, _) if column.casts_to(ColumnType::Text) => column.cast(ColumnType::Text),
        (1, ColumnType::Integer) => column.cast(ColumnType::Double),
        (2, ColumnType::Double) => column.cast(ColumnType::Decimal),
        (3, _) => match related(source, choices) {
            Some(related) if related.is_one() => {
                let inner = self::column(&related.to, choices);
                related.value(inner)
            }
            _ => column,
        },
        _ => column,
    }
}

fn aggregate(source: &Source, choices: &mut Choices) -> DynamicColumn {
    let column = column(source, choices);
    let all = [Aggregate::Count, Aggregate::Max, Aggregate::Min, Aggregate::Sum, Aggregate::Avg];
    let function = all[choices.below(5)];
    // A sum of fractions depends on the order in which they are taken.
    let is_exact = column.ty() != ColumnType::Double || !matches!(function, Aggregate::Sum | Aggregate::Avg);
    column.aggregate(function).filter(|_| is_exact).unwrap_or_else(DynamicColumn::count_rows)
}

fn condition(source: &Source, depth: usize, choices: &mut Choices) -> Expr<bool> {
    match choices.below(8) {
        1 => !condition(source, depth, choices),
        2 => condition(source, depth, choices) | condition(source, depth, choices),
        3 if depth > 0 => match related(source, choices) {
            Some(related) => {
                let inside = (0..choices.below(2)).map(|_| condition(&related.to, depth - 1, choices)).collect();
                related.exists(inside)
            }
            None => column(source, choices).is_null(),
        },
        _ => asked(&column(source, choices), choices),
    }
}

fn asked(column: &DynamicColumn, choices: &mut Choices) -> Expr<bool> {
    let texts = match column.ty() {
        ColumnType::SmallInteger | ColumnType::Integer | ColumnType::BigInteger => ["2", "-1", "5"],
        ColumnType::Double | ColumnType::Decimal => ["4", "-2.50", "10.5"],
        ColumnType::Boolean => ["true", "false", "true"],
        ColumnType::Date => ["2024-02-29", "2024-03-01", "0001-01-01"],
        ColumnType::Time => ["07:08:09.999999", "00:00", "12:00:00.5"],
        ColumnType::DateTime => ["2024-02-29T23:59:59.999999", "2024-02-29T00:00:00", "1999-01-01T00:00:00"],
        ColumnType::Timestamp => ["2024-12-31T23:59:59.999999Z", "2024-02-29T00:00:00+02:00", "1999-01-01T00:00:00Z"],
        ColumnType::Json => ["{}", "\"blue\"", "[1]"],
        ColumnType::Array(_) => ["{1,2,3}", "[3]", "{}"],
        _ => ["red", "Acme", "100%_a\\b"],
    };
    let value = column.parse(texts[choices.below(3)]).unwrap();
    let comparisons = [Comparison::Eq, Comparison::Ne, Comparison::Distinct, Comparison::Lt, Comparison::Ge];
    let known = if column.has_order() { 5 } else { 3 };
    match choices.below(6) {
        0 => column.is_null(),
        1 => column.is_in(vec![value.clone(), column.parse(texts[choices.below(3)]).unwrap()]),
        2 if column.supports(Operator::Truth, Dialect::Sqlite) => column.is_true(),
        2 if column.is_text() => column.like("%\\%%".to_owned()),
        _ => column.compare(comparisons[choices.below(known)], value),
    }
}

fn rows(source: Source, depth: usize, choices: &mut Choices) -> Rows {
    let mut rows = Rows::new(source.clone());
    let grouped = choices.below(4) == 0;
    for number in 0..choices.below(4) {
        let name = format!("m{number}");
        match choices.below(4) {
            0 | 1 if depth > 0 => {
                let Some(related) = related(&source, choices) else { continue };
                let inside = self::rows(related.to.clone(), depth - 1, choices);
                if !related.is_one() && choices.below(3) == 0 {
                    rows.members.push((name, Member::Spread(related, inside)));
                } else {
                    rows.members.push((name, Member::Related(related, inside)));
                }
            }
            _ => {
                let column = column(&source, choices);
                if column.has_order() || !grouped {
                    rows.members.push((name, Member::Value(column)));
                }
            }
        }
    }
    rows.filter = (0..choices.below(3)).map(|_| condition(&source, depth, choices)).collect();
    if grouped {
        let ordered: Vec<_> = rows
            .members
            .iter()
            .filter_map(|(_, member)| match member {
                Member::Value(column) => Some(column.order(false, None)),
                _ => None,
            })
            .collect();
        let aggregate = aggregate(&source, choices);
        rows.order = vec![aggregate.order(choices.below(2) == 0, None)];
        rows.order.extend(ordered);
        rows.members.push(("total".to_owned(), Member::Value(aggregate)));
        assert_eq!(rows.meaningless_order(), None);
        // Groups that only what ties them to another table tells apart have no order that could be asked for.
        if depth < DEPTH {
            rows.members.retain(|(_, member)| matches!(member, Member::Value(_)));
        } else if rows.members.iter().any(|(_, member)| !matches!(member, Member::Value(_))) {
            return rows;
        }
    } else {
        for _ in 0..choices.below(3) {
            let column = column(&source, choices);
            if column.has_order() {
                let nulls = [None, Some(Nulls::First), Some(Nulls::Last)][choices.below(3)];
                rows.order.push(column.order(choices.below(2) == 0, nulls));
            }
        }
        rows.order.extend(source.table().primary_key().map(|key| source.column(key).order(false, None)));
    }
    rows.limit = [None, Some(1), Some(3)][choices.below(3)];
    rows.offset = [None, None, Some(1)][choices.below(3)];
    rows
}

#[test]
fn both_databases_give_the_same_rows() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let databases = runtime.block_on(async {
        let databases = each().await;
        for db in &databases {
            tables::create(db).await;
        }
        databases
    });
    let mut config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    config.max_shrink_iters = 200;
    let genes = prop::collection::vec(any::<u16>(), 0..120);
    let result = TestRunner::new(config).run(&genes, |genes| {
        let mut choices = Choices(genes.into_iter(), 0);
        let roots = [Builder::TABLE, Vehicle::TABLE, Paper::TABLE, Label::TABLE, Labelling::TABLE, Employee::TABLE];
        let root = roots[choices.below(roots.len())];
        let rows = rows(Source::new(root), DEPTH, &mut choices);
        let read = |index: usize| {
            let found = runtime.block_on(select(rows.clone()).all(databases[index].engine()));
            let found = found.map_err(|error| TestCaseError::fail(format!("{}: {error}", databases[index])))?;
            let mut found: Vec<Json> = found.iter().map(|row| serde_json::from_slice(&row.0).unwrap()).collect();
            if rows.is_grouped() && rows.members.iter().any(|(_, member)| !matches!(member, Member::Value(_))) {
                found.sort_by_key(Json::to_string);
            }
            let counted = runtime.block_on(select(rows.clone()).count(databases[index].engine()));
            let counted =
                counted.map_err(|error| TestCaseError::fail(format!("{}: count: {error}", databases[index])))?;
            prop_assert_eq!(counted, found.len() as u64);
            Ok(found)
        };
        prop_assert_eq!(read(0)?, read(1)?);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
