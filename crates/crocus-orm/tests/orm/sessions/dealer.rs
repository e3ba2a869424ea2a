//! Five related models, for the sessions' cases: belongs-to, required and optional, to itself, has-one, and many-to-many
//! over a table with and without columns of its own.

use crocus_macros::Model;

use crate::database::{Database, each};
use crate::models::in_words_of;

/// A maker may belong to another one.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_makers")]
#[model(has_many(cars = Car::MAKER), has_many(brands = Maker::GROUP))]
pub(crate) struct Maker {
    #[model(primary_key)]
    pub(crate) id: i32,
    #[model(unique)]
    pub(crate) name: String,
    #[model(belongs_to(Maker, name = group))]
    pub(crate) group_id: Option<i32>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_owners", has_many(cars = Car::OWNER))]
pub(crate) struct Owner {
    #[model(primary_key)]
    pub(crate) email: String,
    pub(crate) name: String,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_cars")]
#[model(has_one(plate = Plate::CAR, delete_orphan), has_many(sales = Sale::CAR))]
#[model(many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG)))]
pub(crate) struct Car {
    #[model(primary_key)]
    pub(crate) id: i32,
    pub(crate) name: String,
    #[model(check = "doors >= 0")]
    pub(crate) doors: i32,
    #[model(belongs_to = Maker)]
    pub(crate) maker_id: i32,
    #[model(belongs_to(Owner, name = owner, on_delete = set_null, on_update = cascade))]
    pub(crate) owner_email: Option<String>,
    #[model(version)]
    pub(crate) version: i32,
}

/// The one plate of a car. It has the car's key.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_plates")]
pub(crate) struct Plate {
    #[model(primary_key, belongs_to(Car, on_delete = cascade))]
    pub(crate) car_id: i32,
    #[model(unique)]
    pub(crate) number: String,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_tags")]
#[model(many_to_many(cars = Car, through(CarTag::TAG, CarTag::CAR)))]
pub(crate) struct Tag {
    #[model(primary_key)]
    pub(crate) id: i32,
    #[model(unique)]
    pub(crate) name: String,
}

/// The association between cars and tags.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_car_tags")]
pub(crate) struct CarTag {
    #[model(primary_key, belongs_to(Car, on_delete = cascade))]
    pub(crate) car_id: i32,
    #[model(primary_key, belongs_to(Tag, on_delete = cascade))]
    pub(crate) tag_id: i32,
}

/// The association between cars and owners, with a price.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_sales")]
pub(crate) struct Sale {
    #[model(primary_key, belongs_to(Car, on_delete = cascade))]
    pub(crate) car_id: i32,
    #[model(primary_key, belongs_to(Owner, name = owner, on_delete = cascade, on_update = cascade))]
    pub(crate) owner_email: String,
    pub(crate) price: i32,
}

/// Two that may point to each other.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_lefts")]
pub(crate) struct Left {
    #[model(primary_key)]
    pub(crate) id: i32,
    #[model(belongs_to = Right)]
    pub(crate) right_id: i32,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_rights")]
pub(crate) struct Right {
    #[model(primary_key)]
    pub(crate) id: i32,
    #[model(belongs_to = Left)]
    pub(crate) left_id: Option<i32>,
}

/// Two that need each other.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_hens")]
pub(crate) struct Hen {
    #[model(primary_key)]
    pub(crate) id: i32,
    #[model(belongs_to = Egg)]
    pub(crate) egg_id: i32,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "d_eggs")]
pub(crate) struct Egg {
    #[model(primary_key)]
    pub(crate) id: i32,
    #[model(belongs_to = Hen)]
    pub(crate) hen_id: i32,
}

const TABLES: &str = "
CREATE TABLE d_makers (id {id}, name text NOT NULL UNIQUE, group_id {int4} REFERENCES d_makers (id));
CREATE TABLE d_owners (email text NOT NULL PRIMARY KEY, name text NOT NULL);
CREATE TABLE d_cars (
    id {id},
    name text NOT NULL,
    doors {int4} NOT NULL,
    maker_id {int4} NOT NULL REFERENCES d_makers (id),
    owner_email text REFERENCES d_owners (email) ON DELETE SET NULL ON UPDATE CASCADE,
    version {int4} NOT NULL,
    CONSTRAINT d_cars_doors_check CHECK (doors >= 0)
);
CREATE TABLE d_plates (
    car_id {int4} NOT NULL PRIMARY KEY REFERENCES d_cars (id) ON DELETE CASCADE,
    number text NOT NULL UNIQUE
);
CREATE TABLE d_tags (id {id}, name text NOT NULL UNIQUE);
CREATE TABLE d_car_tags (
    car_id {int4} NOT NULL REFERENCES d_cars (id) ON DELETE CASCADE,
    tag_id {int4} NOT NULL REFERENCES d_tags (id) ON DELETE CASCADE,
    PRIMARY KEY (car_id, tag_id)
);
CREATE TABLE d_sales (
    car_id {int4} NOT NULL REFERENCES d_cars (id) ON DELETE CASCADE,
    owner_email text NOT NULL REFERENCES d_owners (email) ON DELETE CASCADE ON UPDATE CASCADE,
    price {int4} NOT NULL,
    PRIMARY KEY (car_id, owner_email)
);
";

/// Tables that refer to each other. SQLite takes a reference to a table that is not there yet.
const CIRCLES: [&str; 2] = [
    "CREATE TABLE d_lefts (id {id}, right_id {int4} NOT NULL REFERENCES d_rights (id));
     CREATE TABLE d_rights (id {id}, left_id {int4} REFERENCES d_lefts (id));",
    "CREATE TABLE d_rights (id {id}, left_id {int4});
     CREATE TABLE d_lefts (id {id}, right_id {int4} NOT NULL REFERENCES d_rights (id));
     ALTER TABLE d_rights ADD FOREIGN KEY (left_id) REFERENCES d_lefts (id);",
];

/// A database with these tables on each dialect.
pub(crate) async fn dealers() -> [Database; 2] {
    let databases = each().await;
    for db in &databases {
        create_tables(db).await;
    }
    databases
}

pub(crate) async fn create_tables(db: &Database) {
    db.batch(&in_words_of(db.dialect(), TABLES)).await;
    db.batch(&in_words_of(db.dialect(), CIRCLES[usize::from(!db.is_sqlite())])).await;
}

pub(crate) fn maker(name: &str) -> NewMaker {
    NewMaker { name: name.into(), group_id: None }
}

pub(crate) fn owner(email: &str) -> NewOwner {
    NewOwner { email: email.into(), name: format!("the owner of {email}") }
}

pub(crate) fn tag(name: &str) -> NewTag {
    NewTag { name: name.into() }
}

pub(crate) fn car(name: &str, maker: impl Into<crocus_orm::Reference<Maker>>) -> NewCar {
    NewCar { name: name.into(), doors: 4, maker_id: maker.into(), owner_email: None }
}
