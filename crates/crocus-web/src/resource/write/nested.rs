//! New rows with the rows of their relationships: a parent and its children in one transaction.

use std::sync::Arc;

use crocus_orm::dynamic::{self, Input, OnConflict, Purpose, TableRow, Written};
use crocus_orm::table::ColumnDef;
use crocus_orm::{FieldError, JsonObject, RelationDef, RelationKind, Transaction};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use super::create::Conflict;
use super::{after, before, check, of_rows};
use crate::Result;
use crate::resource::ask::{Ask, Refused};
use crate::resource::definition::{Definition, Operation, Resources};
use crate::resource::hooks::Write;
use crate::resource::{key, problems};

/// New rows of one resource.
pub(super) struct NewRows {
    pub(super) definition: Arc<Definition>,
    pub(super) rows: Vec<NewRow>,
}

/// A new row, and the rows that are to refer to it.
pub(super) struct NewRow {
    input: Input,
    children: Vec<Children>,
    /// Where in the body it is.
    pointer: String,
}

/// The rows that a relationship leads to.
struct Children {
    relation: RelationDef,
    rows: NewRows,
}

impl NewRow {
    /// A row without children.
    pub(super) fn new(input: Input, pointer: String) -> NewRow {
        NewRow { input, children: Vec::new(), pointer }
    }

    /// Reads an object, which is at the pointer. `given` are the columns that the path has given it.
    ///
    /// # Errors
    /// All mistakes, also those of the children.
    pub(super) fn read(
        resources: &Resources,
        definition: &Arc<Definition>,
        mut object: JsonObject,
        given: &[&str],
        pointer: String,
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
            let prefix = format!("{pointer}/{}", relation.name);
            match Children::read(resources, *relation, columns, target, json, &prefix) {
                Ok(read) => children.push(read),
                Err(wrong) => errors.extend(wrong),
            }
        }
        // Columns that the parent fills are neither asked for nor taken.
        let writable = |column: &ColumnDef| definition.is_writable(column) || given.contains(&column.name);
        match definition.reader.object(object, Purpose::Insert, &writable) {
            Ok(input) if errors.is_empty() => Ok(NewRow { input, children, pointer }),
            Ok(_) => Err(errors),
            Err(wrong) => {
                let own = wrong.into_iter().map(|error| key::under(&pointer, error));
                Err(own.chain(errors).collect())
            }
        }
    }

    /// What it brings and where in the body it is, where that is all of it.
    pub(super) fn alone(self) -> std::result::Result<(Input, String), NewRow> {
        if self.has_children() { Err(self) } else { Ok((self.input, self.pointer)) }
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
                Json::Object(object) => NewRow::read(resources, &without, object, &[], prefix),
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
        Ok(Children { relation, rows: NewRows { definition: target.clone(), rows } })
    }
}

/// Adds the conditions of the resources whose rows are written.
pub(super) async fn ask_scopes<'a>(
    definition: &Arc<Definition>,
    rows: impl Iterator<Item = &'a NewRow>,
    ask: &mut Ask,
) -> Result<(), Refused> {
    let mut found = vec![definition.clone()];
    rows.for_each(|row| row.definitions(&mut found));
    ask.add_scopes(&found).await
}

impl NewRow {
    /// The resources of its children.
    fn definitions(&self, found: &mut Vec<Arc<Definition>>) {
        for Children { rows, .. } in &self.children {
            if !found.iter().any(|other| other.path == rows.definition.path) {
                found.push(rows.definition.clone());
            }
            rows.rows.iter().for_each(|row| row.definitions(found));
        }
    }
}

impl NewRows {
    /// Inserts the rows, then their children. Gives for each row what was written, in their order: nothing where one is
    /// left that is there already.
    pub(super) fn insert<'a>(
        self,
        ask: &'a Ask,
        transaction: &'a Transaction,
        conflict: Option<&'a Conflict>,
    ) -> BoxFuture<'a, Result<Vec<Option<Written>>>> {
        async move {
            let NewRows { definition, rows } = self;
            let (mut inputs, mut of_each, mut pointers) = (Vec::new(), Vec::new(), Vec::new());
            for NewRow { input, children, pointer } in rows {
                inputs.push(input);
                of_each.push(children);
                pointers.push(pointer);
            }
            let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
            let inputs = before(&definition, ask, Write::Insert, inputs).await?;
            let mut insert = dynamic::insert(definition.table, inputs);
            let mut is_merge = false;
            if let Some((columns, action)) = conflict {
                insert = insert.on_conflict(columns.clone(), *action);
                is_merge = *action == OnConflict::Update;
                // Whose row is there already, is not known: only the client's own are merged.
                if let Some(scope) = ask.scopes.get(&definition.path).filter(|_| is_merge) {
                    insert = insert.filter(scope.clone());
                }
            }
            let written = insert.written(transaction).await.map_err(|error| of_rows(error, &pointers))?;
            if let (Some((columns, _)), Some(place)) = (conflict, written.iter().position(Option::is_none))
                && is_merge
            {
                return Err(problems::taken(&definition, columns).under(pointers[place]));
            }
            let mut of_relations: Vec<(RelationDef, NewRows)> = Vec::new();
            for (written, children) in written.iter().zip(of_each) {
                let Some(written) = written else { continue };
                let key = written.row.key()?;
                for Children { relation, mut rows } in children {
                    refer(&mut rows, relation, &key);
                    match of_relations.iter_mut().find(|(other, _)| other.name == relation.name) {
                        Some((_, all)) => all.rows.extend(rows.rows),
                        None => of_relations.push((relation, rows)),
                    }
                }
            }
            let told =
                written.iter().zip(pointers).filter_map(|(written, pointer)| Some((&written.as_ref()?.row, pointer)));
            let (rows, pointers): (Vec<&TableRow>, Vec<&str>) = told.unzip();
            check(&definition, ask, transaction, rows.iter().copied()).await?;
            for (_, rows) in of_relations {
                rows.insert(ask, transaction, None).await?;
            }
            after(&definition, ask, transaction, Write::Insert, rows, &pointers).await?;
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
