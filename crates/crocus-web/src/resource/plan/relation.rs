//! Which relationship a request means.

use std::sync::Arc;

use crocus_orm::table::TableDef;
use crocus_orm::{RelationDef, RelationKind};

use crate::grammar::{Embedding, Item, nearest};
use crate::resource::definition::{Definition, Resources};

/// The resources that a selection leads to, those that it cannot lead to left out.
pub(in crate::resource) fn reached(
    resources: &Resources,
    definition: &Definition,
    items: &[Item],
    found: &mut Vec<Arc<Definition>>,
) {
    for item in items {
        if let Item::Embedding(embedding) = item
            && let Ok((_, target)) = relation(resources, definition, embedding)
        {
            reached(resources, &target, &embedding.select, found);
            if !found.iter().any(|other| other.path == target.path) {
                found.push(target);
            }
        }
    }
}

/// The relationship of a resource, and the resource that it leads to.
///
/// It goes by its own name. Where a table has one name for all of PostgREST's users, it can also be told by the table at
/// its other end, by the columns of its foreign key or by the foreign key's name; a hint behind `!` decides among several.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn relation(
    resources: &Resources,
    definition: &Definition,
    embedding: &Embedding,
) -> Result<(RelationDef, Arc<Definition>), String> {
    let reachable = definition.relations.iter().filter_map(|relation| {
        let target = resources.of((relation.target)())?;
        Some((*relation, target.clone()))
    });
    let reachable: Vec<_> = reachable.collect();
    let (name, table) = (&embedding.relation, definition.table);
    let mut found: Vec<_> = reachable.iter().filter(|(relation, _)| relation.name == name).collect();
    if found.is_empty() {
        found = reachable.iter().filter(|(relation, _)| goes_by(table, relation, name)).collect();
    }
    if let Some(hint) = &embedding.hint {
        let hinted = |relation: &RelationDef| relation.name == hint || goes_by(table, relation, hint);
        found.retain(|(relation, _)| hinted(relation));
    }
    match &found[..] {
        [(relation, target)] => Ok((*relation, target.clone())),
        [] => {
            let full = embedding.hint.as_ref().map_or(name.clone(), |hint| format!("{name}!{hint}"));
            let near = nearest(name, reachable.iter().map(|(relation, _)| relation.name));
            Err(match near.filter(|near| near != name) {
                Some(near) => format!("`{}` has no relationship `{full}`; did you mean `{near}`?", table.name),
                None => format!("`{}` has no relationship `{full}`", table.name),
            })
        }
        several => {
            let names: Vec<_> = several.iter().map(|(relation, _)| format!("`{}`", relation.name)).collect();
            Err(format!("`{name}` can be each of the relationships {}: use one of these names", names.join(", ")))
        }
    }
}

/// Whether a relationship can be told by a name that is not its own.
fn goes_by(table: &TableDef, relation: &RelationDef, name: &str) -> bool {
    let target = (relation.target)();
    let through = |owner: &TableDef, columns: &[&str]| {
        let key = owner.foreign_keys.iter().find(|key| key.columns == columns);
        key.is_some_and(|key| key.name == name) || columns == [name]
    };
    target.name == name
        || match relation.kind {
            RelationKind::BelongsTo { columns } => through(table, columns),
            RelationKind::HasOne { columns } | RelationKind::HasMany { columns } => through(target, columns),
            RelationKind::ManyToMany { association, source, target } => {
                let association = association();
                association.name == name || through(association, source) || through(association, target)
            }
        }
}
