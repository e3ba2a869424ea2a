//! Inputs that are read by a table's description: what they bring, and every mistake that they have.

use crocus_macros::Model;
use crocus_orm::dynamic::{self, Purpose, Reader};
use crocus_orm::table::ColumnDef;
use crocus_orm::{FieldError, JsonObject, Model, Value};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::models::{Sample, Seat};
use crate::own_types::{Bike, Lists, with_tables};

fn nobody() -> Uuid {
    Uuid::nil()
}

/// A column of every kind.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "offers", check = "doors >= 0 AND doors < 10")]
struct Offer {
    #[model(primary_key)]
    id: i32,
    #[model(type = "varchar(5)", check = "length(name) > 0")]
    name: String,
    doors: i32,
    #[model(type = "numeric(6, 2)")]
    price: Option<Decimal>,
    #[model(default = "'new'", check = "state IN ('new', 'used')")]
    state: String,
    #[model(default_with = nobody)]
    token: Uuid,
    #[model(generated = "doors + 1")]
    more: Option<i32>,
    data: Option<Json>,
    #[model(column = "a/b~c")]
    odd: Option<i32>,
    secret: Option<String>,
    #[model(version)]
    version: i32,
}

fn object(json: Json) -> JsonObject {
    let Json::Object(object) = json else { panic!("{json} is no object") };
    object
}

fn open(column: &ColumnDef) -> bool {
    column.name != "secret"
}

/// The columns that an object gives values to, and those that take their defaults.
fn read(json: Json, purpose: Purpose) -> Result<(Vec<&'static str>, Vec<&'static str>), Vec<String>> {
    let names = |indexes: Vec<usize>| indexes.into_iter().map(|index| Offer::TABLE.columns[index].name).collect();
    match Reader::new(Offer::TABLE).object(object(json), purpose, &open) {
        Ok(input) => Ok((names(input.assignments.iter().map(|(index, _)| *index).collect()), names(input.defaults))),
        Err(errors) => Err(shown(errors)),
    }
}

fn shown(errors: Vec<FieldError>) -> Vec<String> {
    errors.into_iter().map(|error| format!("{} {}", error.pointer, error.detail)).collect()
}

#[test]
fn a_purpose_says_what_absence_means() {
    let some = || json!({"doors": 4, "name": "a", "price": null});
    let none: Vec<&str> = Vec::new();
    assert_eq!(read(some(), Purpose::Insert), Ok((vec!["name", "doors", "price"], none.clone())));
    let rest = vec!["state", "token", "data", "a/b~c"];
    assert_eq!(read(some(), Purpose::Replace), Ok((vec!["name", "doors", "price"], rest)));
    assert_eq!(read(some(), Purpose::Patch), Ok((vec!["name", "doors", "price"], none.clone())));
    assert_eq!(read(json!({}), Purpose::Patch), Ok((none.clone(), none)));
    let missing = Err(vec!["/name is required".to_owned(), "/doors is required".to_owned()]);
    assert_eq!(read(json!({"price": 1}), Purpose::Insert), missing);
    assert_eq!(read(json!({"id": 7}), Purpose::Replace), missing);
    let keyed = read(json!({"id": 7, "name": "a", "doors": 4}), Purpose::Insert);
    assert_eq!(keyed.unwrap().0, ["id", "name", "doors"]);
    // A part of a key that nobody makes is needed in a new row, and stands in the path of one that is replaced.
    let seat = |purpose| Reader::new(Seat::TABLE).object(object(json!({"taken": true})), purpose, &|_| true);
    assert_eq!(shown(seat(Purpose::Insert).unwrap_err()), ["/row is required", "/letter is required"]);
    assert_eq!(seat(Purpose::Replace).unwrap().assignments, [(1, Value::from(true))]);
}

#[test]
fn every_mistake_is_told_at_once() {
    let body = json!({
        "secret": "x", "more": 1, "version": 3, "dors": 1, "a/b": 1,
        "name": "longer", "doors": 10, "price": 1.234, "state": "old", "token": "x", "data": {"a": ["\0"]}, "a/b~c": 0.5
    });
    let mistakes = [
        "/name must be at most 5 characters, not 6",
        "/doors must be less than 10",
        "/price must have at most 2 digits after the point",
        "/state must be one of \"new\", \"used\"",
        "/token must be a UUID",
        "/data text must not contain the character U+0000",
        "/a~1b~0c must be an integer",
        "/secret is no column of offers that can be written",
        "/more is no column of offers that can be written",
        "/version is no column of offers that can be written",
        "/dors is no column of offers that can be written; did you mean \"doors\"?",
        "/a~1b is no column of offers that can be written",
    ];
    for purpose in [Purpose::Insert, Purpose::Replace, Purpose::Patch] {
        let mut found = read(body.clone(), purpose).unwrap_err();
        // The members that are none come in the order in which the object has them.
        found[7..].sort();
        let mut expected = mistakes.map(str::to_owned);
        expected[7..].sort();
        assert_eq!(found, expected);
    }
    let nulls = read(json!({"name": null, "doors": null, "state": null, "price": null}), Purpose::Patch);
    let expected = [
        "/name must be a string, not null",
        "/doors must be an integer, not null",
        "/state must be a string, not null",
    ];
    assert_eq!(nulls.unwrap_err(), expected);
}

#[test]
fn rows_of_texts_are_read_as_objects_are() {
    let reader = Reader::new(Offer::TABLE);
    let row = [
        ("name", Some("a")),
        ("doors", Some("4")),
        ("price", Some("1.50")),
        ("data", Some("{\"a\":1}")),
        ("a/b~c", None),
    ];
    let texts = reader.texts(&row, Purpose::Insert, &open).unwrap();
    let json = json!({"name": "a", "doors": 4, "price": "1.50", "data": {"a": 1}, "a/b~c": null});
    assert_eq!(texts, reader.object(object(json), Purpose::Insert, &open).unwrap());
    let wrong =
        [("name", Some("")), ("doors", Some("four")), ("data", Some("{")), ("secret", Some("x")), ("nme", None)];
    let wrong = reader.texts(&wrong, Purpose::Insert, &open).unwrap_err();
    let expected = [
        "/name must not be empty",
        "/doors must be an integer",
        "/data must be JSON",
        "/secret is no column of offers that can be written",
        "/nme is no column of offers that can be written; did you mean \"name\"?",
    ];
    assert_eq!(shown(wrong), expected);
    let twice = [("name", Some("a")), ("doors", Some("1")), ("name", Some("b")), ("x", None), ("x", None)];
    let twice = reader.texts(&twice, Purpose::Insert, &open).unwrap_err();
    let none = "/x is no column of offers that can be written";
    assert_eq!(shown(twice), ["/name is there twice", none, none]);
}

/// What is read, written, given back and read again is the same, in every type.
#[tokio::test]
async fn every_type_comes_back_as_it_was_read() {
    let samples = json!([
        {"int2": -32768, "int4": 2147483647, "int8": -9223372036854775808_i64, "float": 0.1, "truth": false, "text": "ü'\"",
         "bytes": "00ff", "json": {"a": [1, null]}, "date": "2024-02-29", "time": "23:59:59.999999",
         "date_time": "1999-12-31T23:59:59", "instant": "2026-11-22T14:03:00.5Z",
         "uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "decimal": "-12.50"},
        {"int2": null, "int4": null, "int8": null, "float": null, "truth": null, "text": null, "bytes": null, "json": null,
         "date": null, "time": null, "date_time": null, "instant": null, "uuid": null, "decimal": null}
    ]);
    let lists = json!([{
        "int2": [1], "int4": [], "int8": [-1, 2], "float": [0.5], "truth": [true, false], "text": ["a,\"b\""], "bytes": ["ff"],
        "date": ["2024-02-29"], "time": ["07:08:09"], "date_time": ["2026-11-22T14:03:00"],
        "instant": ["2026-11-22T14:03:00Z"], "uuid": ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"], "decimal": ["1.50"],
        "prices": ["2"]
    }]);
    let bikes = json!([
        {"color": "it's \"none\"", "saddle": "red", "price": "3.20", "twin_id": null, "options": {"bell": true, "gears": [1, 2]},
         "tags": ["x"], "colors": ["racing_green", "red"]},
        {"color": "red", "saddle": null, "price": null, "twin_id": 1, "options": null, "tags": [], "colors": null}
    ]);
    for db in with_tables().await {
        for (table, rows) in [(Sample::TABLE, &samples), (Lists::TABLE, &lists), (Bike::TABLE, &bikes)] {
            let reader = Reader::new(table);
            let rows = rows.as_array().unwrap();
            let inputs = rows.iter().map(|row| reader.object(object(row.clone()), Purpose::Insert, &|_| true).unwrap());
            let made = dynamic::insert(table, inputs).returning(db.engine()).await.unwrap();
            let shown: Vec<usize> = (1..table.columns.len()).collect();
            for (made, row) in made.iter().zip(rows) {
                let json = made.as_ref().unwrap().json(&shown).unwrap();
                assert_eq!(serde_json::from_slice::<Json>(&json).unwrap(), *row, "{db}");
                let cells: Vec<_> = row
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(name, value)| match value {
                        Json::Null => (&**name, None),
                        Json::String(text) if name != "json" => (&**name, Some(text.clone())),
                        other => (&**name, Some(other.to_string())),
                    })
                    .collect();
                let cells: Vec<_> = cells.iter().map(|(name, text)| (*name, text.as_deref())).collect();
                let texts = reader.texts(&cells, Purpose::Insert, &|_| true).unwrap();
                assert_eq!(texts, reader.object(object(row.clone()), Purpose::Insert, &|_| true).unwrap(), "{db}");
            }
        }
    }
}

/// What only a field's own type knows is kept too.
#[test]
fn fields_of_own_types_read_their_values() {
    let reader = Reader::new(Bike::TABLE);
    let wrong = json!({
        "color": "blue", "price": "-1", "options": {"bell": 1}, "tags": [1, "a", 2], "colors": ["red", "pink", null]
    });
    let errors = shown(reader.object(object(wrong), Purpose::Patch, &|_| true).unwrap_err());
    let colors = r##"must be one of "red", "racing_green", "it's \"none\"""##;
    assert!(errors[2].starts_with("/options "), "{errors:?}");
    let expected = [
        format!("/color {colors}, not \"blue\""),
        "/price must not be below 0, as -1 is".to_owned(),
        errors[2].clone(),
        "/tags/0 must be a string, not a number".to_owned(),
        "/tags/2 must be a string, not a number".to_owned(),
        format!("/colors/1 {colors}, not \"pink\""),
        "/colors/2 must be a string, not null".to_owned(),
    ];
    assert_eq!(errors, expected);
    let none = reader.object(object(json!({"tags": "a"})), Purpose::Patch, &|_| true).unwrap_err();
    assert_eq!(shown(none), ["/tags must be an array, not a string"]);
}
