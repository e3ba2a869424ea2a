//! Patches of one row: what is to be set, of a merge patch (RFC 7396) or a JSON patch (RFC 6902).

use axum::http::StatusCode;
use crocus_orm::dynamic::{Input, Purpose};
use crocus_orm::table::ColumnDef;
use crocus_orm::{ColumnType, FieldError, JsonObject, Transaction, Value};
use serde_json::Value as Json;

use super::locked;
use crate::payload::invalid;
use crate::resource::ask::Ask;
use crate::resource::body::PatchBody;
use crate::resource::definition::Definition;
use crate::resource::key;
use crate::{Problem, Result};

/// What a patch sets, where that does not depend on what the row holds. Gives the patch back where it does.
pub(super) fn plain(definition: &Definition, patch: PatchBody) -> Result<std::result::Result<Input, PatchBody>> {
    match patch {
        PatchBody::Merge(object) if !merges_documents(definition, &object) => read(definition, object).map(Ok),
        patch => Ok(Err(patch)),
    }
}

fn read(definition: &Definition, object: JsonObject) -> Result<Input> {
    let writable = |column: &ColumnDef| definition.is_writable(column);
    definition.reader.object(object, Purpose::Patch, &writable).map_err(invalid)
}

/// What any other patch sets: the row is read first, and locked.
pub(super) async fn patched(
    definition: &Definition,
    ask: &Ask,
    transaction: &Transaction,
    key: &[Value],
    patch: PatchBody,
) -> Result<Input> {
    let Some(row) = locked(definition, ask, transaction, key).await? else {
        return Err(key::not_found(definition, key));
    };
    let before = row.object(definition.columns())?;
    let mut after = Json::Object(before.clone());
    match &patch {
        PatchBody::Merge(object) => json_patch::merge(&mut after, &Json::Object(object.clone())),
        PatchBody::Operations(patch) => json_patch::patch(&mut after, patch).map_err(|error| refused(&error))?,
    }
    let Json::Object(mut after) = after else {
        return Err(invalid(vec![FieldError { pointer: String::new(), detail: "must stay an object".to_owned() }]));
    };
    if let PatchBody::Merge(object) = &patch {
        // A merge patch removes what is null; in a row it is there, and NULL.
        for (name, value) in object {
            if value.is_null() {
                after.insert(name.clone(), Json::Null);
            }
        }
    } else if let Some(name) = before.keys().find(|name| !after.contains_key(*name)) {
        let detail = "cannot be removed: a row has all its columns; `replace` it with null".to_owned();
        return Err(invalid(vec![FieldError { pointer: format!("/{name}"), detail }]));
    }
    after.retain(|name, value| before.get(name) != Some(value));
    read(definition, after)
}

/// Whether it merges into a document: then the result depends on the document.
fn merges_documents(definition: &Definition, patch: &JsonObject) -> bool {
    patch.iter().any(|(name, value)| {
        value.is_object() && definition.column(name).is_some_and(|column| column.ty == ColumnType::Json)
    })
}

/// RFC 6902, 5: a patch that cannot be applied changes nothing.
fn refused(error: &json_patch::PatchError) -> Problem {
    let problem = match error.kind {
        json_patch::PatchErrorKind::TestFailed => Problem::new(StatusCode::CONFLICT, "patch_test_failed"),
        _ => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_patch"),
    };
    problem.with_detail(format!("the patch cannot be applied: {error}"))
}
