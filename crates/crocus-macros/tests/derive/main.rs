//! What `derive(Model)` and `derive(DbEnum)` make of a type, by topic.

mod columns;
mod embedded;
mod enums;
mod indexes;
mod made;
mod options;
mod relations;

use crocus_orm::{FromJson, JsonObject};
use serde_json::Value as Json;

fn object(json: Json) -> JsonObject {
    match json {
        Json::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

/// The mistakes as `pointer: detail`.
fn mistakes<T: FromJson>(json: Json) -> Vec<String> {
    let Err(errors) = T::from_json(object(json)) else { panic!("the object has mistakes") };
    errors.into_iter().map(|error| format!("{}: {}", error.pointer, error.detail)).collect()
}
