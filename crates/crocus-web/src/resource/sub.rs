//! Sub-resources: the rows that a relationship leads to from one row, such as `/api/makers/1/cars`.

use std::sync::Arc;

use crocus_orm::dynamic::{self, Related, Rows, Source};
use crocus_orm::{Expr, RelationDef, RelationKind, Value};

use serde_json::Value as Json;

use super::ask::{Ask, Refused, refused};
use super::definition::{Definition, Operation};
use super::key;

/// Values that every new row gets, by their columns.
pub(super) type Given = Vec<(&'static str, Json)>;

/// A relationship to many, from a resource to another.
pub(super) struct Sub {
    pub(super) parent: Arc<Definition>,
    pub(super) relation: RelationDef,
    pub(super) target: Arc<Definition>,
}

impl Sub {
    /// Whether new rows can be made there: they get the parent's key, if they can hold it.
    pub(super) fn can_create(&self) -> bool {
        matches!(self.relation.kind, RelationKind::HasMany { .. }) && self.target.allows(Operation::Create)
    }

    /// A 404 where the parent is not there, or is none that the request can see.
    pub(super) async fn check_parent(&self, ask: &mut Ask, key: &[Value]) -> Result<(), Refused> {
        let mut rows = Rows::new(Source::new(self.parent.table));
        rows.filter.push(dynamic::key_equals(self.parent.table, key));
        if let Some(scope) = &self.parent.scope {
            rows.filter.push(scope.of(&mut ask.parts).await.map_err(Box::new)?);
        }
        let exists =
            dynamic::select(rows).exists(&ask.db).await.map_err(|error| refused(crate::Problem::from(error)))?;
        if exists { Ok(()) } else { Err(refused(key::not_found(&self.parent, key))) }
    }

    /// Whether a row of the target is one of the parent's.
    pub(super) fn condition(&self, key: &[Value]) -> Expr<bool> {
        let from = Source::numbered(self.parent.table, 0);
        Related { from, relation: self.relation, to: Source::new(self.target.table) }.leads_from(key)
    }

    /// What the parent's key gives to new rows.
    pub(super) fn given(&self, key: &[Value]) -> Given {
        let RelationKind::HasMany { columns } = self.relation.kind else { return Given::new() };
        columns.iter().zip(key).filter_map(|(column, value)| Some((*column, dynamic::json(value).ok()?))).collect()
    }
}
