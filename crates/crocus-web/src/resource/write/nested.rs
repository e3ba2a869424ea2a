//! New rows with the rows of their relationships: a parent and its children in one transaction.

use std::sync::Arc;

use crocus_orm::dynamic::{self, Input, OnConflict, Purpose, TableRow};
use crocus_orm::table::ColumnDef;
use crocus_orm::{FieldError, JsonObject, RelationDef, RelationKind, Transaction};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::{after, before, check, of_rows};
use crate::Result;
use crate::resource::ask::{Ask, Refused};
use crate::resource::definition::{Definition, Operation, Resources};
use crate::resource::hooks::Write;
use crate::resource::key;

/// New rows of one resource.
pub(super) struct NewRows {
    pub(super) definition: Arc<Definition>,
    pub(super) rows: Vec<NewRow>,
    /// Whether they stand in a list.
    pub(super) many: bool,
}

/// A new row, and the rows that are to refer to it.
pub(super) struct NewRow {
    input: Input,
    children: Vec<Children>,
}

/// The rows that a relationship leads to.
struct Children {
    relation: RelationDef,
    rows: NewRows,
}

impl From<Input> for NewRow {
    fn from(input: Input) -> NewRow {
        NewRow { input, children: Vec::new() }
    }
}

impl NewRow {
    /// Reads an object. `given` are the columns that the path has given it.
    ///
    /// # Errors
    /// All mistakes, also those of the children, under this pointer.
    pub(super) fn read(
        resources: &Resources,
        definition: &Arc<Definition>,
        mut object: JsonObject,
        given: &[&str],
        prefix: &str,
    ) -> Result<NewRow, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut children = Vec::new();
        for relation in definition.relations {
            let (RelationKind::HasMany { columns } | RelationKind::HasOne { columns }) = relation.kind else {
                continue;
            };
            let target = resources.of((relation.target)()).filter(|target| target.allows(Operation::Create));
            let Some(target) = target.filter(|_| definition.table.column(relation.name).is_none()) else { continue };
            let Some(json) = object.remove(relation.name) else { continue };
            let prefix = format!("{prefix}/{}", relation.name);
            match Children::read(resources, *relation, columns, target, json, &prefix) {
                Ok(read) => children.push(read),
                Err(wrong) => errors.extend(wrong),
            }
        }
        // Columns that the parent fills are neither asked for nor taken.
        let writable = |column: &ColumnDef| definition.is_writable(column) || given.contains(&column.name);
        match definition.reader.object(object, Purpose::Insert, &writable) {
            Ok(input) if errors.is_empty() => Ok(NewRow { input, children }),
            Ok(_) => Err(errors),
            Err(wrong) => {
                let own = wrong.into_iter().map(|error| key::under(prefix, error));
                Err(own.chain(errors).collect())
            }
        }
    }

    pub(super) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }
}

impl Children {
    fn read(
        resources: &Resources,
        relation: RelationDef,
        columns: &'static [&'static str],
        target: &Arc<Definition>,
        json: Json,
        prefix: &str,
    ) -> Result<Children, Vec<FieldError>> {
        let wrong = |pointer: String, detail: &str| vec![FieldError { pointer, detail: detail.to_owned() }];
        let is_many = matches!(relation.kind, RelationKind::HasMany { .. });
        let items = match json {
            Json::Array(items) if is_many => items,
            Json::Object(object) if !is_many => vec![Json::Object(object)],
            _ if is_many => return Err(wrong(prefix.to_owned(), "must be an array of objects")),
            _ => return Err(wrong(prefix.to_owned(), "must be an object")),
        };
        // The child's own view of itself, without the columns that hold the parent's key.
        let mut without = Definition::clone(target);
        without.hidden.extend(columns);
        let without = Arc::new(without);
        let (mut rows, mut errors) = (Vec::with_capacity(items.len()), Vec::new());
        for (index, item) in items.into_iter().enumerate() {
            let prefix = if is_many { format!("{prefix}/{index}") } else { prefix.to_owned() };
            let read = match item {
                Json::Object(object) => NewRow::read(resources, &without, object, &[], &prefix),
                _ => Err(wrong(prefix, "must be an object")),
            };
            match read {
                Ok(row) => rows.push(row),
                Err(wrong) => errors.extend(wrong),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Children { relation, rows: NewRows { definition: target.clone(), rows, many: true } })
    }
}

impl NewRows {
    /// Adds the conditions of the resources whose rows are written.
    pub(super) async fn ask_scopes(&self, ask: &mut Ask) -> Result<(), Refused> {
        let mut found = Vec::new();
        self.definitions(&mut found);
        ask.add_scopes(&found).await
    }

    fn definitions(&self, found: &mut Vec<Arc<Definition>>) {
        if !found.iter().any(|other| other.path == self.definition.path) {
            found.push(self.definition.clone());
        }
        self.rows.iter().flat_map(|row| &row.children).for_each(|children| children.rows.definitions(found));
    }

    /// Inserts the rows, then their children. Gives the rows that were written, in their order.
    pub(super) fn insert<'a>(
        self,
        ask: &'a Ask,
        transaction: &'a Transaction,
        conflict: Option<(Vec<usize>, OnConflict)>,
    ) -> BoxFuture<'a, Result<Vec<TableRow>>> {
        async move {
            let NewRows { definition, rows, many } = self;
            let (inputs, children): (Vec<_>, Vec<_>) = rows.into_iter().map(|row| (row.input, row.children)).unzip();
            let inputs = before(&definition, ask, Write::Insert, inputs).await?;
            let mut insert = dynamic::insert(definition.table, inputs);
            if let Some((columns, action)) = conflict {
                insert = insert.on_conflict(columns, action);
            }
            let written = insert.returning(transaction).await.map_err(|error| of_rows(error, many))?;
            let mut of_relations: Vec<(RelationDef, NewRows)> = Vec::new();
            for (row, children) in written.iter().zip(children) {
                let Some(row) = row else { continue };
                let key = row.key()?;
                for Children { relation, mut rows } in children {
                    refer(&mut rows, relation, &key);
                    match of_relations.iter_mut().find(|(other, _)| other.name == relation.name) {
                        Some((_, all)) => all.rows.extend(rows.rows),
                        None => of_relations.push((relation, rows)),
                    }
                }
            }
            let written: Vec<TableRow> = written.into_iter().flatten().collect();
            check(&definition, ask, transaction, &written).await?;
            for (_, rows) in of_relations {
                rows.insert(ask, transaction, None).await?;
            }
            after(&definition, ask, transaction, Write::Insert, &written, many).await?;
            Ok(written)
        }
        .boxed()
    }
}

/// Gives children the key of their parent.
fn refer(rows: &mut NewRows, relation: RelationDef, key: &[crocus_orm::Value]) {
    let (RelationKind::HasMany { columns } | RelationKind::HasOne { columns }) = relation.kind else { return };
    let table = rows.definition.table;
    let indexes = columns.iter().filter_map(|name| table.columns.iter().position(|column| column.name == *name));
    let given: Vec<_> = indexes.zip(key.iter().cloned()).collect();
    for row in &mut rows.rows {
        row.input.assignments.extend(given.iter().cloned());
        row.input.assignments.sort_by_key(|(index, _)| *index);
    }
}
