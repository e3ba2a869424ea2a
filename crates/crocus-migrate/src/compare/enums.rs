//! New, dropped and changed enum types. On SQLite, too, where they are what columns say: so one migration does for both.

use super::{Comparison, Ours};
use crate::operation::Operation;
use crate::schema::Schema;

pub(super) fn create(models: &Schema, actual: &Schema, comparison: &mut Comparison) {
    for model in &models.enums {
        match actual.enumeration(&model.name) {
            None => comparison.operations.push(Operation::CreateEnum(model.clone())),
            Some(actual) if actual != model => {
                let (values, was) = (model.clone(), Some(actual.clone()));
                comparison.operations.push(Operation::AlterEnum { values, was });
            }
            Some(_) => {}
        }
    }
}

/// A type that no migration made is somebody else's.
pub(super) fn drop(models: &Schema, actual: &Schema, ours: &Ours, comparison: &mut Comparison) {
    for actual in &actual.enums {
        if models.enumeration(&actual.name).is_none() && ours.enums.contains(&actual.name) {
            let (name, was) = (actual.name.clone(), Some(actual.clone()));
            comparison.operations.push(Operation::DropEnum { name, was });
        }
    }
}
