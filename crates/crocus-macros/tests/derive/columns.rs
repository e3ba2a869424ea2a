//! Columns and constraints: the table's description, `NewX`, `XPatch` and the typed columns.

use crocus_macros::Model;
use crocus_orm::table::{CheckDef, ColumnDef, IndexDef, IndexKey, IndexPart, ReadJson, UniqueDef};
use crocus_orm::{
    Column, ColumnType, ColumnValue, FromJson, JsonObject, Key, Model, NewModel, NoObjects, Patch, PatchModel, Value,
};
use serde_json::json;

use crate::{mistakes, object};

/// A car on sale.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "cars")]
#[model(unique(name, model), index(model, name, name = "cars_by_model"), check = "length(name) < 100")]
#[model(check = "name <> model", check(name = "cars_sane", "doors < 100"))]
struct Car {
    #[model(primary_key)]
    id: i32,
    /// What it is called.
    #[model(unique, index)]
    name: String,
    model: String,
    #[model(check = "doors >= 0", check("doors <= 9"), check(name = "cars_even", "doors % 2 = 0"))]
    doors: i32,
    #[model(column = "colour", default = "'blue'", unique = "one_of_each", index = "cars_colours")]
    color: String,
    #[model(default = -1)]
    offset: Option<i64>,
    note: Option<String>,
}

fn car() -> Car {
    Car {
        id: 7,
        name: "Model 3".into(),
        model: "sedan".into(),
        doors: 4,
        color: "red".into(),
        offset: Some(2),
        note: Some("fast".into()),
    }
}

/// A column of which nothing is said.
pub(crate) const PLAIN: ColumnDef = ColumnDef {
    name: "",
    field: "",
    ty: ColumnType::Text,
    sql_type: None,
    collation: None,
    nullable: false,
    primary_key: false,
    identity: false,
    default: None,
    default_with: None,
    generated: None,
    version: false,
    sensitive: false,
    comment: None,
    renamed_from: None,
    from_json: ReadJson::of::<String>(),
};

const fn ascending(name: &'static str) -> IndexPart {
    IndexPart::new(IndexKey::Column(name))
}

const fn index(name: &'static str, parts: &'static [IndexPart]) -> IndexDef {
    IndexDef::new(name, parts)
}

#[test]
fn the_table_is_described() {
    let table = Car::TABLE;
    assert_eq!((table.name, table.model, table.comment), ("cars", "Car", None));
    assert_eq!((table.schema, table.bind, table.renamed_from), (None, None, None));
    assert_eq!(
        table.columns,
        [
            ColumnDef { name: "id", field: "id", ty: ColumnType::Integer, primary_key: true, identity: true, ..PLAIN },
            ColumnDef { name: "name", field: "name", ..PLAIN },
            ColumnDef { name: "model", field: "model", ..PLAIN },
            ColumnDef { name: "doors", field: "doors", ty: ColumnType::Integer, ..PLAIN },
            ColumnDef { name: "colour", field: "color", default: Some("'blue'"), ..PLAIN },
            ColumnDef {
                name: "offset",
                field: "offset",
                ty: ColumnType::BigInteger,
                nullable: true,
                default: Some("-1"),
                ..PLAIN
            },
            ColumnDef { name: "note", field: "note", nullable: true, ..PLAIN },
        ]
    );
}

#[test]
fn constraints_are_named_as_postgresql_names_them() {
    let table = Car::TABLE;
    assert_eq!(
        table.uniques,
        [
            UniqueDef::new("cars_name_key", &["name"]),
            UniqueDef::new("one_of_each", &["colour"]),
            UniqueDef::new("cars_name_model_key", &["name", "model"]),
        ]
    );
    assert_eq!(
        table.indexes,
        [
            index("cars_name_idx", const { &[ascending("name")] }),
            index("cars_colours", const { &[ascending("colour")] }),
            index("cars_by_model", const { &[ascending("model"), ascending("name")] }),
        ]
    );
    let check = |name, expression, column| CheckDef { name, expression, column };
    assert_eq!(
        table.checks,
        [
            check("cars_doors_check", "doors >= 0", Some("doors")),
            check("cars_doors_check1", "doors <= 9", Some("doors")),
            check("cars_even", "doors % 2 = 0", Some("doors")),
            check("cars_check", "length(name) < 100", None),
            check("cars_check1", "name <> model", None),
            check("cars_sane", "doors < 100", None),
        ]
    );
}

#[test]
fn columns_are_typed_constants() {
    let _: Column<Car, String> = Car::NAME;
    let _: Column<Car, Option<i64>> = Car::OFFSET;
    assert_eq!(Car::ID.name(), "id");
    assert_eq!(Car::COLOR.name(), "colour");
    assert_eq!(format!("{:?}", Car::COLOR), "cars.colour");
}

#[test]
fn a_model_gives_its_key_and_values() {
    assert_eq!(car().key(), 7);
    assert_eq!(
        car().values(),
        [
            Value::Int(Some(7)),
            Value::from("Model 3"),
            Value::from("sedan"),
            Value::Int(Some(4)),
            Value::from("red"),
            Value::BigInt(Some(2)),
            Value::from("fast"),
        ]
    );
}

#[test]
fn an_insert_leaves_out_what_the_database_makes() {
    let new = NewCar { name: "Model 3".into(), model: "sedan".into(), doors: 4, color: None, offset: None, note: None };
    let given = [(1, Value::from("Model 3")), (2, Value::from("sedan")), (3, Value::Int(Some(4)))];
    let null = (6, Value::String(None));
    assert_eq!(new.clone().into_assignments(&NoObjects).unwrap(), [&given[..], std::slice::from_ref(&null)].concat());

    let new = NewCar { color: Some("red".into()), offset: Some(None), ..new };
    let defaulted = [(4, Value::from("red")), (5, Value::BigInt(None)), null];
    assert_eq!(new.into_assignments(&NoObjects).unwrap(), [&given[..], &defaulted].concat());
}

#[test]
fn assigning_leaves_what_the_insert_does_not_bring() {
    let mut changed = car();
    changed
        .assign(NewCar {
            name: "Model Y".into(),
            model: "suv".into(),
            doors: 5,
            color: None,
            offset: Some(None),
            note: None,
        })
        .unwrap();
    let expected = Car {
        id: 7,
        name: "Model Y".into(),
        model: "suv".into(),
        doors: 5,
        color: "red".into(),
        offset: None,
        note: None,
    };
    assert_eq!(changed, expected);
}

#[test]
fn an_insert_is_read_from_json() {
    let new = NewCar::from_json(object(json!({"name": "a", "model": "b", "doors": 2, "extra": 1})));
    let least = NewCar { name: "a".into(), model: "b".into(), doors: 2, color: None, offset: None, note: None };
    assert_eq!(new, Ok(least.clone()));

    let new = NewCar::from_json(object(
        json!({"name": "a", "model": "b", "doors": 2, "color": "c", "offset": null, "note": "d"}),
    ));
    let most = NewCar { color: Some("c".into()), offset: Some(None), note: Some("d".into()), ..least.clone() };
    assert_eq!(new, Ok(most));

    let new = NewCar::from_json(object(json!({"name": "a", "model": "b", "doors": 2, "note": null})));
    assert_eq!(new, Ok(least));
}

#[test]
fn every_mistake_of_an_insert_is_reported() {
    assert_eq!(
        mistakes::<NewCar>(json!({"model": 1, "doors": "two", "color": null, "note": []})),
        [
            "/name: is required",
            "/model: must be a string, not a number",
            "/doors: must be an integer, not a string",
            "/color: must be a string, not null",
            "/note: must be a string, not an array",
        ]
    );
}

#[test]
fn a_patch_changes_only_what_it_brings() {
    let mut changed = car();
    CarPatch::default().apply(&mut changed);
    assert_eq!(changed, car());

    let patch = CarPatch { doors: Patch::Value(5), note: Patch::Null, offset: Patch::Value(3), ..CarPatch::default() };
    patch.apply(&mut changed);
    assert_eq!(changed, Car { doors: 5, note: None, offset: Some(3), ..car() });

    CarPatch { name: Patch::Null, ..CarPatch::default() }.apply(&mut changed);
    assert_eq!(changed.name, "Model 3");
}

#[test]
fn a_patch_is_read_from_json() {
    let patch = CarPatch::from_json(object(json!({"id": 9, "doors": 5, "note": null, "offset": 3})));
    let expected =
        CarPatch { doors: Patch::Value(5), note: Patch::Null, offset: Patch::Value(3), ..CarPatch::default() };
    assert_eq!(patch, Ok(expected));
    assert_eq!(
        mistakes::<CarPatch>(json!({"doors": 4.5, "name": null, "note": 1})),
        ["/name: must be a string, not null", "/doors: must be an integer", "/note: must be a string, not a number",]
    );
}

/// A part of a car, under a key of two columns.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct CarPart {
    #[model(primary_key)]
    car: i32,
    weight: f64,
    #[model(primary_key)]
    number: String,
}

#[test]
fn a_composite_key_is_a_tuple() {
    assert_eq!(CarPart::TABLE.name, "car_part");
    assert!(CarPart::TABLE.columns.iter().all(|column| !column.identity));
    let mut part = CarPart { car: 7, weight: 1.5, number: "A1".into() };
    let key: (i32, String) = part.key();
    assert_eq!(key.into_values(), [Value::Int(Some(7)), Value::from("A1")]);

    part.assign(NewCarPart { car: 8, weight: 2.5, number: "A2".into() }).unwrap();
    assert_eq!(part, CarPart { car: 8, weight: 2.5, number: "A2".into() });
    CarPartPatch { weight: Patch::Value(3.0) }.apply(&mut part);
    assert_eq!(part.weight, 3.0);
}

#[test]
fn only_a_sole_integer_key_is_generated() {
    #[derive(Debug, Clone, Model)]
    #[model(crate = "crocus_orm")]
    struct Numbered {
        #[model(primary_key, no_identity)]
        number: i64,
    }
    #[derive(Debug, Clone, Model)]
    #[model(crate = "crocus_orm")]
    struct Coded {
        #[model(primary_key, default = "gen_random_uuid()")]
        code: uuid::Uuid,
    }
    #[derive(Debug, Clone, Model)]
    #[model(crate = "crocus_orm")]
    struct Counter {
        #[model(primary_key)]
        n: i16,
    }
    assert!(!Numbered::TABLE.columns[0].identity);
    assert_eq!(NewNumbered { number: 3 }.into_assignments(&NoObjects).unwrap(), [(0, Value::BigInt(Some(3)))]);
    assert!(!Coded::TABLE.columns[0].identity);
    assert_eq!(NewCoded { code: None }.into_assignments(&NoObjects).unwrap(), []);
    assert!(Counter::TABLE.columns[0].identity);
    assert_eq!(NewCounter {}.into_assignments(&NoObjects).unwrap(), []);
    assert_eq!(NewCounter::from_json(JsonObject::new()), Ok(NewCounter {}));
    assert_eq!(CounterPatch::from_json(JsonObject::new()), Ok(CounterPatch {}));
}

#[test]
fn reserved_words_are_names_like_others() {
    #[derive(Debug, Clone, Model)]
    #[model(crate = "crocus_orm", table = "order", unique(r#type, select), index(type, table))]
    struct Order {
        #[model(primary_key)]
        r#type: String,
        select: i32,
        table: bool,
        fields: Option<i32>,
        object: i32,
        value: i32,
        #[model(default = 1)]
        assignments: i32,
        model: i32,
        new: i32,
        row: i32,
    }
    let table = <Order as Model>::TABLE;
    assert_eq!((table.name, table.columns[0].name, table.columns[0].field), ("order", "type", "type"));
    assert_eq!(table.uniques[0], UniqueDef::new("order_type_select_key", &["type", "select"]));
    assert_eq!(Order::TYPE.name(), "type");
    assert_eq!(Order::TABLE.name(), "table");
    let new = NewOrder::from_json(object(
        json!({"type": "a", "select": 1, "table": true, "fields": 2, "object": 3, "value": 4, "model": 5, "new": 6,
               "row": 7}),
    ));
    let new = new.unwrap();
    assert_eq!((new.r#type.as_str(), new.fields, new.object, new.assignments), ("a", Some(2), 3, None));
    assert_eq!(new.into_assignments(&NoObjects).unwrap().len(), 9);
    let patch = OrderPatch::from_json(object(json!({"fields": null, "select": 2}))).unwrap();
    assert_eq!((patch.fields, patch.select), (Patch::Null, Patch::Value(2)));
}

#[test]
fn defaults_are_sql() {
    #[derive(Debug, Clone, Model)]
    #[model(crate = "crocus_orm")]
    struct Defaults {
        #[model(primary_key)]
        id: i64,
        #[model(default = 1_000)]
        integer: i32,
        #[model(default = -0.5)]
        float: f64,
        #[model(default = true)]
        truth: bool,
        #[model(default = "now()")]
        expression: jiff::Timestamp,
        #[model(default = 0x10i32)]
        hexadecimal: i32,
    }
    let defaults: Vec<_> = Defaults::TABLE.columns.iter().map(|column| column.default).collect();
    assert_eq!(defaults, [None, Some("1000"), Some("-0.5"), Some("true"), Some("now()"), Some("16")]);
}

#[test]
fn every_column_type_can_be_a_field() {
    macro_rules! wrapped {
        ($key:ty, $maybe:ty) => {
            /// One field of each type; two come through a macro.
            #[derive(Debug, Clone, PartialEq, Model)]
            #[model(crate = "crocus_orm")]
            struct All {
                #[model(primary_key)]
                id: $key,
                small: i16,
                double: f64,
                truth: bool,
                text: String,
                bytes: Vec<u8>,
                json: serde_json::Value,
                date: jiff::civil::Date,
                time: jiff::civil::Time,
                date_time: jiff::civil::DateTime,
                instant: jiff::Timestamp,
                uuid: uuid::Uuid,
                decimal: rust_decimal::Decimal,
                maybe: $maybe,
                maybe_bytes: Option<Vec<u8>>,
                maybe_json: std::option::Option<serde_json::Value>,
            }
        };
    }
    wrapped!(i64, Option<bool>);
    let types: Vec<_> = All::TABLE.columns.iter().map(|column| column.ty).collect();
    use ColumnType::*;
    assert_eq!(
        types,
        [
            BigInteger,
            SmallInteger,
            Double,
            Boolean,
            Text,
            Binary,
            Json,
            Date,
            Time,
            DateTime,
            Timestamp,
            Uuid,
            Decimal,
            Boolean,
            Binary,
            Json,
        ]
    );
    assert!(All::TABLE.columns[0].identity);
    let nullable: Vec<_> =
        All::TABLE.columns.iter().filter(|column| column.nullable).map(|column| column.name).collect();
    assert_eq!(nullable, ["maybe", "maybe_bytes", "maybe_json"]);
    let _: Patch<bool> = AllPatch::default().maybe;
    let _: Column<All, Option<serde_json::Value>> = All::MAYBE_JSON;
    assert_eq!(<Option<serde_json::Value> as ColumnValue>::TYPE, Json);
}
