//! Types of a program's own: enums, new types, lists and typed JSON.

use crocus_macros::{DbEnum, Model};
use crocus_orm::table::EnumDef;
use crocus_orm::{
    Column, ColumnType, ColumnValue, FromJson, Json, Key, Model, NewModel, NewType, NoObjects, Patch, PatchModel, Value,
};
use serde_json::json;

use crate::{mistakes, object};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, DbEnum)]
#[db_enum(crate = "crocus_orm")]
enum BodyColor {
    Red,
    #[db_enum(renamed_from = "green")]
    RacingGreen,
    #[db_enum(rename = "UNPAINTED")]
    None,
    r#Type,
}

#[derive(Debug, Clone, PartialEq, DbEnum)]
#[db_enum(crate = "crocus_orm", name = "wheel kind")]
enum Wheel {
    Steel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct CarId(i32);

impl NewType for CarId {
    type Inner = i32;

    fn into_inner(self) -> i32 {
        self.0
    }

    fn from_inner(inner: i32) -> Result<CarId, String> {
        if inner > 0 { Ok(CarId(inner)) } else { Err("must be above 0".to_owned()) }
    }
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct Car {
    #[model(primary_key, identity)]
    id: CarId,
    color: BodyColor,
    roof: Option<BodyColor>,
    wheel: Wheel,
    #[model(belongs_to = Self)]
    previous_id: Option<CarId>,
    tags: Vec<String>,
    colors: Option<Vec<BodyColor>>,
    options: Json<Vec<(String, i32)>>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct Paint {
    #[model(primary_key)]
    color: BodyColor,
    #[model(primary_key)]
    car: CarId,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct Given {
    #[model(primary_key, no_identity)]
    id: CarId,
}

const COLORS: EnumDef = EnumDef {
    name: "body_color",
    model: "BodyColor",
    values: &["red", "racing_green", "UNPAINTED", "type"],
    renamed: &[("green", "racing_green")],
};

#[test]
fn columns_have_the_types_of_what_they_hold() {
    let types: Vec<_> = Car::TABLE.columns.iter().map(|column| (column.ty, column.nullable)).collect();
    let wheel = EnumDef { name: "wheel kind", model: "Wheel", values: &["steel"], renamed: &[] };
    let (text, colors) = (ColumnType::Text, ColumnType::Enum(&COLORS));
    assert_eq!(
        types,
        [
            (ColumnType::Integer, false),
            (colors, false),
            (colors, true),
            (ColumnType::Enum(Box::leak(Box::new(wheel))), false),
            (ColumnType::Integer, true),
            (ColumnType::Array(Box::leak(Box::new(text))), false),
            (ColumnType::Array(Box::leak(Box::new(colors))), true),
            (ColumnType::Json, false),
        ]
    );
    assert!(Car::TABLE.columns[0].identity && !Given::TABLE.columns[0].identity);
    let _: Column<Car, Option<BodyColor>> = Car::ROOF;
}

#[test]
fn values_are_those_of_the_database() {
    assert_eq!(BodyColor::RacingGreen.into_value(), Value::from("racing_green"));
    assert_eq!(BodyColor::None.into_value(), Value::from("UNPAINTED"));
    assert_eq!(Option::<BodyColor>::None.into_value(), Value::String(None));
    assert_eq!(CarId(3).into_value(), Value::Int(Some(3)));
    assert_eq!(Json((1, "a")).0.1, "a");
    assert_eq!((BodyColor::Red, CarId(4)).into_values(), [Value::from("red"), Value::Int(Some(4))]);
    assert_eq!(Paint { color: BodyColor::Red, car: CarId(4) }.key(), (BodyColor::Red, CarId(4)));
}

#[test]
fn an_insert_and_a_patch_hold_them() {
    let new = NewCar::from_json(object(json!({
        "color": "red", "roof": "type", "wheel": "steel", "previous_id": 4, "tags": ["a", "b"],
        "colors": ["red", "UNPAINTED"], "options": [["x", 1]],
    })));
    let expected = NewCar {
        color: BodyColor::Red,
        roof: Some(BodyColor::r#Type),
        wheel: Wheel::Steel,
        previous_id: Some(crocus_orm::Reference::Key(CarId(4))),
        tags: vec!["a".into(), "b".into()],
        colors: Some(vec![BodyColor::Red, BodyColor::None]),
        options: Json(vec![("x".into(), 1)]),
    };
    assert_eq!(new, Ok(expected.clone()));
    assert_eq!(expected.into_assignments(&NoObjects).unwrap()[3], (4, Value::Int(Some(4))));

    let patch = CarPatch::from_json(object(json!({"color": "type", "roof": null, "tags": []}))).unwrap();
    assert_eq!((patch.color, &patch.roof), (Patch::Value(BodyColor::r#Type), &Patch::Null));
    GivenPatch {}.apply(&mut Given { id: CarId(1) });
}

#[test]
fn mistakes_name_the_values() {
    let json = json!({
        "color": "green", "roof": 1, "wheel": null, "previous_id": 0, "tags": ["a", 1], "colors": "red",
        "options": [["x"]],
    });
    assert_eq!(
        mistakes::<NewCar>(json),
        [
            "/color: must be one of \"red\", \"racing_green\", \"UNPAINTED\", \"type\", not \"green\"",
            "/roof: must be a string, not a number",
            "/wheel: must be a string, not null",
            "/previous_id: must be above 0",
            "/tags: item 1 must be a string, not a number",
            "/colors: must be an array, not a string",
            "/options: invalid length 1, expected a tuple of size 2",
        ]
    );
}

#[test]
fn serde_writes_the_same_values() {
    let written = serde_json::to_value([BodyColor::RacingGreen, BodyColor::None]).unwrap();
    assert_eq!(written, json!(["racing_green", "UNPAINTED"]));
    assert_eq!(serde_json::from_value::<Vec<BodyColor>>(written).unwrap(), [BodyColor::RacingGreen, BodyColor::None]);
    assert!(serde_json::from_value::<BodyColor>(json!("RacingGreen")).is_err());
    assert_eq!(serde_json::to_value(Json(vec![1])).unwrap(), json!([1]));
}
