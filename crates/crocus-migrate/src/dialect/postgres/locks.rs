//! The locks that parts of operations take ("Explicit Locking", table 13.2, "ALTER TABLE", "CREATE INDEX", "ALTER INDEX",
//! "COMMENT"), and what they do while they have them. Pure.

use super::parts::{Kind, Part};
use crate::operation::{Constraint, Operation};
use crate::plan::{Lock, LockLevel, Work};
use crate::schema::{Column, Schema};
use crate::types::{self, Effect};

/// The locks of a part on tables that were there before the revision, and what is done under them. `before` is the
/// schema that the operation finds.
pub(crate) fn locks(operation: &Operation, part: &Part, before: &Schema) -> (Vec<Lock>, Work) {
    let table = operation.table();
    let of_table = |level| table.iter().map(|table| Lock::on(table, level)).collect::<Vec<_>>();
    let text = part.statements.join(" ");
    match &part.kind {
        Kind::Build(_) => return (of_table(LockLevel::ShareUpdateExclusive), Work::Reads),
        Kind::Drop(_) => return (of_table(LockLevel::ShareUpdateExclusive), Work::Moment),
        _ => {}
    }
    if text.contains(" VALIDATE CONSTRAINT ") {
        let mut locks = of_table(LockLevel::ShareUpdateExclusive);
        if let Operation::CreateForeignKey { foreign_key, .. } = operation {
            locks.push(Lock::on(&foreign_key.target, LockLevel::RowShare));
        }
        return (locks, Work::Reads);
    }
    let is_later = text.contains(" NOT VALID") || text.contains(" USING INDEX ");
    let exclusive = || of_table(LockLevel::AccessExclusive);
    match operation {
        Operation::CreateTable(table) => {
            let keys = table.foreign_keys.iter().filter(|key| key.target != table.name);
            (keys.map(|key| Lock::on(&key.target, LockLevel::ShareRowExclusive)).collect(), Work::Moment)
        }
        Operation::DropTable { name, .. } => {
            let keys = before.table(name).into_iter().flat_map(|table| &table.foreign_keys);
            let targets = keys.filter(|key| key.target != *name);
            let targets = targets.map(|key| Lock::on(&key.target, LockLevel::AccessExclusive));
            (exclusive().into_iter().chain(targets).collect(), Work::Moment)
        }
        Operation::AddColumn { column, .. } => {
            (exclusive(), if crate::lint::rewrites(column) { Work::Rewrites } else { Work::Moment })
        }
        Operation::AlterColumn { table, column, using, .. } => {
            let was = before.table(table).and_then(|table| table.column(&column.name));
            (exclusive(), alter_column(was, column, using.is_some()))
        }
        Operation::CreateForeignKey { foreign_key, .. } => {
            let mut locks = of_table(LockLevel::ShareRowExclusive);
            locks.push(Lock::on(&foreign_key.target, LockLevel::ShareRowExclusive));
            (locks, if is_later { Work::Moment } else { Work::Reads })
        }
        Operation::CreateIndex { .. } => (of_table(LockLevel::Share), Work::Reads),
        Operation::CreateUnique { .. } | Operation::CreateCheck { .. } | Operation::CreatePrimaryKey { .. } => {
            (exclusive(), if is_later { Work::Moment } else { Work::Reads })
        }
        Operation::DropConstraint { table, name, was } => {
            let was = was.clone().or_else(|| before.table(table)?.constraint(name));
            let target = match was {
                Some(Constraint::ForeignKey(key)) if key.target != *table => {
                    Some(Lock::on(&key.target, LockLevel::AccessExclusive))
                }
                _ => None,
            };
            (exclusive().into_iter().chain(target).collect(), Work::Moment)
        }
        Operation::RenameIndex { .. } | Operation::CreateTableComment { .. } | Operation::DropTableComment { .. } => {
            (of_table(LockLevel::ShareUpdateExclusive), Work::Moment)
        }
        Operation::AlterEnum { values, .. } if text.contains(" RENAME TO ") => {
            let users = before.tables.iter().filter(|table| table.has_enum(&values.name));
            (users.map(|table| Lock::on(&table.name, LockLevel::AccessExclusive)).collect(), Work::Rewrites)
        }
        Operation::Execute { .. } | Operation::Run(_) => (Vec::new(), Work::Unknown),
        Operation::RenameTable { .. }
        | Operation::RenameColumn { .. }
        | Operation::DropColumn { .. }
        | Operation::DropPrimaryKey { .. }
        | Operation::DropIndex { .. }
        | Operation::RenameConstraint { .. } => (exclusive(), Work::Moment),
        Operation::CreateSchema { .. }
        | Operation::DropSchema { .. }
        | Operation::CreateEnum(_)
        | Operation::AlterEnum { .. }
        | Operation::RenameEnumValue { .. }
        | Operation::DropEnum { .. } => (Vec::new(), Work::Moment),
    }
}

fn alter_column(was: Option<&Column>, column: &Column, using: bool) -> Work {
    let Some(was) = was else { return Work::Unknown };
    if was.generated.is_none() && column.generated.is_some() {
        return Work::Rewrites;
    }
    let is_converted = using && Effect::between(&was.ty, &column.ty) != Effect::Same;
    if is_converted || types::rewrites(&was.ty, &column.ty) { Work::Rewrites } else { Work::Moment }
}
