//! The models of the cases, and the rows that are there.

use crocus_macros::Model;
use crocus_orm::Model;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use rust_decimal::Decimal;

use crate::database::Database;
use crate::models::in_words_of;

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "builders", has_many(vehicles = Vehicle::BUILDER))]
pub(crate) struct Builder {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) country: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "vehicles", has_one(paper = Paper::VEHICLE))]
#[model(many_to_many(labels = Label, through(Labelling::VEHICLE, Labelling::LABEL)))]
pub(crate) struct Vehicle {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) doors: i32,
    pub(crate) seats: Option<i32>,
    pub(crate) small: i16,
    pub(crate) big: i64,
    pub(crate) weight: f64,
    pub(crate) price: Decimal,
    pub(crate) discount: Option<Decimal>,
    pub(crate) sold: bool,
    pub(crate) note: Option<String>,
    pub(crate) built: Date,
    pub(crate) opens: Option<Time>,
    pub(crate) shown: DateTime,
    pub(crate) seen: Option<Timestamp>,
    pub(crate) data: serde_json::Value,
    pub(crate) sizes: Vec<i32>,
    #[model(belongs_to = Builder)]
    pub(crate) builder_id: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "papers")]
pub(crate) struct Paper {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) number: String,
    #[model(belongs_to = Vehicle, unique)]
    pub(crate) vehicle_id: i32,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "labels")]
pub(crate) struct Label {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "labellings")]
pub(crate) struct Labelling {
    #[model(primary_key, belongs_to = Vehicle)]
    pub(crate) vehicle_id: i32,
    #[model(primary_key, belongs_to = Label)]
    pub(crate) label_id: i32,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "employees", has_many(staff = Employee::BOSS))]
pub(crate) struct Employee {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: String,
    #[model(belongs_to = Employee)]
    pub(crate) boss_id: Option<i32>,
}

const TABLES: &str = r#"
CREATE TABLE builders (id {id}, name text NOT NULL, country text);
CREATE TABLE vehicles (
    id {id},
    name text NOT NULL,
    doors {int4} NOT NULL,
    seats {int4},
    small {int2} NOT NULL,
    big {int8} NOT NULL,
    weight {float} NOT NULL,
    price {decimal} NOT NULL,
    discount {decimal},
    sold {truth} NOT NULL,
    note text,
    built {date} NOT NULL,
    opens {time},
    shown {date_time} NOT NULL,
    seen {instant},
    data {json} NOT NULL,
    sizes {sizes} NOT NULL,
    builder_id {int4} REFERENCES builders (id)
);
CREATE TABLE papers (
    id {id},
    number text NOT NULL,
    vehicle_id {int4} NOT NULL UNIQUE REFERENCES vehicles (id)
);
CREATE TABLE labels (id {id}, text text NOT NULL);
CREATE TABLE labellings (
    vehicle_id {int4} NOT NULL REFERENCES vehicles (id),
    label_id {int4} NOT NULL REFERENCES labels (id),
    PRIMARY KEY (vehicle_id, label_id)
);
CREATE TABLE employees (id {id}, name text NOT NULL, boss_id {int4} REFERENCES employees (id));
"#;

const DAY: Date = Date::constant(2024, 2, 29);

/// | id | name       | doors | seats | builder | labels    |
/// |----|------------|-------|-------|---------|-----------|
/// | 1  | Roadster   | 2     | 2     | Acme    | fast, red |
/// | 2  | Wagon      | 5     |       | Acme    | red       |
/// | 3  | Étoile     | 4     | 5     | Bolt    |           |
/// | 4  | `100%_a\b` | 0     |       |         |           |
pub(crate) async fn create(db: &Database) {
    let sizes = if db.is_sqlite() { "JSON_TEXT" } else { "integer[]" };
    db.batch(&in_words_of(db.dialect(), TABLES).replace("{sizes}", sizes)).await;
    let db = db.engine();
    for (name, country) in [("Acme", Some("ch")), ("Bolt", None), ("Cog", Some("fr"))] {
        Builder::insert(db, NewBuilder { name: name.into(), country: country.map(Into::into) }).await.unwrap();
    }
    let new = |name: &str, doors, seats, builder_id: Option<i32>| NewVehicle {
        name: name.into(),
        doors,
        seats,
        small: 7,
        big: 5_000_000_000,
        weight: 4.0,
        price: Decimal::new(1050, 2),
        discount: None,
        sold: false,
        note: None,
        built: DAY,
        opens: None,
        shown: DAY.at(23, 59, 59, 999_999_000),
        seen: None,
        data: serde_json::json!({}),
        sizes: vec![],
        builder_id: builder_id.map(Into::into),
    };
    let data = serde_json::json!({
        "engine": {"power": 90}, "colours": ["red", "blue"], "open": true, "nothing": null, "ratio": 2.5, "text": "it"
    });
    let vehicles = [
        NewVehicle {
            discount: Some(Decimal::new(25, 1)),
            sold: true,
            note: Some("  red and fast  ".into()),
            opens: Some(Time::constant(7, 8, 9, 999_999_000)),
            seen: Some("2024-12-31T23:59:59.999999Z".parse().unwrap()),
            data,
            sizes: vec![1, 2, 3],
            ..new("Roadster", 2, Some(2), Some(1))
        },
        NewVehicle { price: Decimal::new(9, 0), weight: -2.5, sizes: vec![3], ..new("Wagon", 5, None, Some(1)) },
        NewVehicle {
            price: Decimal::new(100, 0),
            discount: Some(Decimal::new(10, 1)),
            note: Some("star".into()),
            ..new("Étoile", 4, Some(5), Some(2))
        },
        NewVehicle { price: Decimal::new(1, 1), weight: 0.1, ..new("100%_a\\b", 0, None, None) },
    ];
    for vehicle in vehicles {
        Vehicle::insert(db, vehicle).await.unwrap();
    }
    for (number, vehicle_id) in [("A-1", 1), ("B-2", 2)] {
        Paper::insert(db, NewPaper { number: number.into(), vehicle_id: vehicle_id.into() }).await.unwrap();
    }
    for text in ["fast", "red"] {
        Label::insert(db, NewLabel { text: text.into() }).await.unwrap();
    }
    for (vehicle_id, label_id) in [(1, 1), (1, 2), (2, 2)] {
        Labelling::insert(db, NewLabelling { vehicle_id: vehicle_id.into(), label_id: label_id.into() }).await.unwrap();
    }
    for (name, boss_id) in [("Ada", None), ("Ben", Some(1)), ("Cyd", Some(1)), ("Dee", Some(2))] {
        Employee::insert(db, NewEmployee { name: name.into(), boss_id: boss_id.map(Into::into) }).await.unwrap();
    }
}
