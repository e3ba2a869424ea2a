//! `db inspect`: which tables it writes. That the models compile is tested by the dealership.

use crate::child::places;

const MODELS: &str = "\
//! Models of a database, as `db inspect` has written them.

use crocus::prelude::*;

#[derive(Debug, Clone, Model)]
#[model(table = \"cars\")]
pub struct Car {
    #[model(primary_key)]
    pub id: i32,
    pub name: String,
    pub model: Option<String>,
}
";

pub(crate) fn models_are_written_of_the_tables_that_are_asked_for() {
    for place in places() {
        place.run("creating", &["db", "upgrade"]).success();
        assert_eq!(place.run("creating", &["db", "inspect"]).success(), MODELS);
        assert_eq!(place.run("creating", &["db", "inspect", "--tables", "cars"]).success(), MODELS);
        assert_eq!(
            place.run("creating", &["db", "inspect", "--tables", "cars,bikes"]).error(),
            "error: the database has no table `bikes`\nhint: it has cars\n"
        );
        let of_schema = place.run("creating", &["db", "inspect", "--schema", "shop"]);
        let why = if place.dialect() == "sqlite" { "SQLite has no schemas" } else { "the schema `shop` has no tables" };
        assert!(of_schema.error().starts_with(&format!("error: {why}\n")), "{of_schema:?}");
    }
}

pub(crate) fn machines_get_the_schema() {
    for place in places() {
        place.run("creating", &["db", "upgrade"]).success();
        let printed = place.run("creating", &["db", "inspect", "--json"]).success();
        let schema: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(schema["dialect"], place.dialect());
        assert_eq!(schema["tables"].as_array().unwrap().len(), 1);
        let cars = &schema["tables"][0];
        assert_eq!((&cars["name"], &cars["primary_key"]), (&"cars".into(), &serde_json::json!(["id"])));
        let wanted = serde_json::json!({
            "name": "model", "type": "text", "nullable": true, "identity": false, "default": null, "generated": null,
            "collation": null, "comment": null,
        });
        assert_eq!(cars["columns"][2], wanted);
    }
}
