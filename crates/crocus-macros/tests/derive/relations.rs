//! Relationships: the constants, `Model::RELATIONS`, the foreign keys, and the references of `NewX`.

use crocus_macros::Model;
use crocus_orm::table::{ForeignKeyDef, ReferentialAction};
use crocus_orm::{
    BelongsTo, ErrorKind, FromJson, HasMany, HasOne, ManyToMany, Model, NewModel, NoObjects, Patch, PatchModel,
    Reference, RelationKind, Value,
};
use serde_json::json;

use crate::{mistakes, object};

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", has_many(cars = Car::MAKER))]
struct Maker {
    #[model(primary_key)]
    id: i32,
}

/// A person, under a key of another type; their spouse is one too.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", has_one(wed_to = Self::SPOUSE), has_many(cars = Car::FIRST_OWNER))]
struct Owner {
    #[model(primary_key)]
    code: String,
    #[model(belongs_to = Self)]
    spouse_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", many_to_many(cars = Car, through(CarTag::TAG, CarTag::CAR)))]
struct Tag {
    #[model(primary_key)]
    id: i64,
}

/// A model under a key of two columns.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct Seat {
    #[model(primary_key)]
    row: i32,
    #[model(primary_key)]
    letter: String,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(
    crate = "crocus_orm",
    table = "cars",
    many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG)),
    has_many(tag_rows = CarTag::CAR, delete_orphan),
    has_one(engine = self::Engine::CAR),
    belongs_to(seat = Seat, key(row, letter), on_delete = restrict, foreign_key = "cars_seat"),
    belongs_to(spare_seat = Seat, key(spare_row, letter)),
)]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to = Maker)]
    maker_id: i32,
    #[model(column = "owner", belongs_to(Owner, name = first_owner, on_delete = set_null, on_update = cascade))]
    owner_code: Option<String>,
    #[model(default = 1, belongs_to(Maker, on_delete = set_default))]
    painter_id: i32,
    #[model(default = "NULL", belongs_to(crate::relations::Maker))]
    cleaner_id: Option<i32>,
    row: i32,
    letter: String,
    spare_row: Option<i32>,
}

/// The association, with a column of its own.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct CarTag {
    #[model(primary_key, belongs_to(Car, on_delete = cascade))]
    car_id: i32,
    #[model(primary_key, belongs_to = Tag)]
    tag_id: i64,
    since: i32,
}

/// A row that has its key from the row it belongs to.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct Engine {
    #[model(primary_key, belongs_to = Car)]
    car_id: i32,
}

fn car() -> Car {
    Car {
        id: 7,
        maker_id: 1,
        owner_code: Some("ann".into()),
        painter_id: 2,
        cleaner_id: None,
        row: 3,
        letter: "a".into(),
        spare_row: None,
    }
}

fn new_car() -> NewCar {
    NewCar {
        maker_id: 1.into(),
        owner_code: None,
        painter_id: None,
        cleaner_id: None,
        row: 3,
        letter: "a".into(),
        spare_row: None,
    }
}

#[test]
fn each_relationship_is_a_typed_constant() {
    let _: [BelongsTo<Car, Maker>; 2] = [Car::MAKER, Car::PAINTER];
    let _: BelongsTo<Car, Option<Owner>> = Car::FIRST_OWNER;
    let _: BelongsTo<Car, Option<Maker>> = Car::CLEANER;
    let _: BelongsTo<Car, Seat> = Car::SEAT;
    let _: BelongsTo<Car, Option<Seat>> = Car::SPARE_SEAT;
    let _: BelongsTo<Owner, Option<Owner>> = Owner::SPOUSE;
    let _: HasOne<Owner, Owner> = Owner::WED_TO;
    let _: HasMany<Maker, Car> = Maker::CARS;
    let _: HasOne<Car, Engine> = Car::ENGINE;
    let _: ManyToMany<Car, Tag> = Car::TAGS;
    let _: ManyToMany<Tag, Car> = Tag::CARS;
    assert_eq!((Car::MAKER.name(), Car::MAKER.columns()), ("maker", &["maker_id"][..]));
    assert_eq!((Car::FIRST_OWNER.name(), Car::FIRST_OWNER.columns()), ("first_owner", &["owner"][..]));
    assert_eq!(Car::SEAT.columns(), ["row", "letter"]);
    assert_eq!((Maker::CARS.name(), Maker::CARS.columns()), ("cars", &["maker_id"][..]));
    assert_eq!((Car::TAGS.name(), Car::TAGS.association().name), ("tags", "car_tag"));
    assert_eq!(format!("{:?}", Car::TAGS), "ManyToMany(Car.tags)");
}

#[test]
fn a_relationship_knows_the_key_that_a_row_holds() {
    assert_eq!(Car::MAKER.key(&car()), Some(1));
    assert_eq!(Car::FIRST_OWNER.key(&car()).as_deref(), Some("ann"));
    assert_eq!(Car::CLEANER.key(&car()), None);
    assert_eq!(Car::SEAT.key(&car()), Some((3, "a".to_owned())));
    assert_eq!(Car::SPARE_SEAT.key(&car()), None);
    let spare = Car { spare_row: Some(4), ..car() };
    assert_eq!(Car::SPARE_SEAT.key(&spare), Some((4, "a".to_owned())));
}

#[test]
fn all_relationships_are_listed() {
    let listed: Vec<_> = Car::RELATIONS
        .iter()
        .map(|relation| {
            let kind = match relation.kind {
                RelationKind::BelongsTo { columns } => format!("belongs to by {columns:?}"),
                RelationKind::HasOne { columns } => format!("has one by {columns:?}"),
                RelationKind::HasMany { columns } => format!("has many by {columns:?}"),
                RelationKind::ManyToMany { association, source, target } => {
                    format!("has many by {} {source:?} {target:?}", association().model)
                }
            };
            format!("{}: {kind} of {}", relation.name, (relation.target)().model)
        })
        .collect();
    assert_eq!(
        listed,
        [
            r#"maker: belongs to by ["maker_id"] of Maker"#,
            r#"first_owner: belongs to by ["owner"] of Owner"#,
            r#"painter: belongs to by ["painter_id"] of Maker"#,
            r#"cleaner: belongs to by ["cleaner_id"] of Maker"#,
            r#"tags: has many by CarTag ["car_id"] ["tag_id"] of Tag"#,
            r#"tag_rows: has many by ["car_id"] of CarTag"#,
            r#"engine: has one by ["car_id"] of Engine"#,
            r#"seat: belongs to by ["row", "letter"] of Seat"#,
            r#"spare_seat: belongs to by ["spare_row", "letter"] of Seat"#,
        ]
    );
    assert!(Seat::RELATIONS.is_empty());
}

#[test]
fn foreign_keys_are_named_as_postgresql_names_them() {
    use ReferentialAction::*;
    let key = |name, columns, target, on_delete, on_update| ForeignKeyDef {
        on_delete,
        on_update,
        ..ForeignKeyDef::new(name, columns, target)
    };
    assert_eq!(
        Car::TABLE.foreign_keys,
        [
            key("cars_maker_id_fkey", &["maker_id"], || Maker::TABLE, NoAction, NoAction),
            key("cars_owner_fkey", &["owner"], || Owner::TABLE, SetNull, Cascade),
            key("cars_painter_id_fkey", &["painter_id"], || Maker::TABLE, SetDefault, NoAction),
            key("cars_cleaner_id_fkey", &["cleaner_id"], || Maker::TABLE, NoAction, NoAction),
            key("cars_seat", &["row", "letter"], || Seat::TABLE, Restrict, NoAction),
            key("cars_spare_row_letter_fkey", &["spare_row", "letter"], || Seat::TABLE, NoAction, NoAction),
        ]
    );
    assert!(Maker::TABLE.foreign_keys.is_empty());
}

#[test]
fn a_key_from_another_row_is_not_generated() {
    assert!(!Engine::TABLE.columns[0].identity);
    let new = NewEngine { car_id: (&car()).into() };
    assert_eq!(new.into_assignments(&NoObjects).unwrap(), [(0, Value::Int(Some(7)))]);
    assert_eq!(CarTag { car_id: 7, tag_id: 2, since: 1 }.key(), (7, 2));
}

#[test]
fn an_insert_takes_a_key_or_a_row() {
    let owner = Owner { code: "bob".into(), spouse_id: None };
    let new = NewCar { maker_id: (&Maker { id: 9 }).into(), owner_code: Some((&owner).into()), ..new_car() };
    assert_eq!(new.objects(), []);
    let assignments = new.into_assignments(&NoObjects).unwrap();
    let rest = [(5, Value::Int(Some(3))), (6, Value::from("a")), (7, Value::Int(None))];
    assert_eq!(assignments, [&[(1, Value::Int(Some(9))), (2, Value::from("bob"))], &rest[..]].concat());

    let new = NewCar { painter_id: Some(4.into()), cleaner_id: Some(None), ..new_car() };
    let assignments = new.into_assignments(&NoObjects).unwrap();
    let first = [(1, Value::Int(Some(1))), (2, Value::String(None)), (3, Value::Int(Some(4))), (4, Value::Int(None))];
    assert_eq!(assignments, [&first[..], &rest[..]].concat());
}

#[test]
fn an_insert_names_the_objects_that_it_refers_to() {
    let url = "sqlite::memory:".parse().unwrap();
    let mut session = crocus_orm::Engine::new(&url, &crocus_orm::EngineOptions::default()).session();
    let maker = session.add(NewMaker {});
    let owner = session.add(NewOwner { code: "eve".into(), spouse_id: None });
    let new = NewCar {
        maker_id: maker.into(),
        owner_code: owner.into(),
        painter_id: Some(maker.into()),
        cleaner_id: Some(maker.into()),
        ..new_car()
    };
    assert_eq!(new.objects().len(), 4);
    assert_eq!(new.objects()[2], Reference::from(maker).object(3).unwrap());

    let mut changed = car();
    let error = changed.assign(new.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidValue);
    assert_eq!(changed, car());
    assert_eq!(new.into_assignments(&NoObjects).unwrap_err().kind(), ErrorKind::InvalidValue);
}

#[test]
fn assigning_takes_the_keys() {
    let mut changed = car();
    let new = NewCar { maker_id: 5.into(), cleaner_id: Some(Some(6.into())), spare_row: Some(8), ..new_car() };
    changed.assign(new).unwrap();
    let expected = Car { maker_id: 5, owner_code: None, cleaner_id: Some(6), spare_row: Some(8), ..car() };
    assert_eq!(changed, expected);
}

#[test]
fn json_gives_plain_keys() {
    let new = NewCar::from_json(object(json!({"maker_id": 1, "row": 3, "letter": "a"})));
    assert_eq!(new, Ok(new_car()));
    let new = NewCar::from_json(object(
        json!({"maker_id": 1, "owner_code": "ann", "painter_id": 4, "cleaner_id": null, "row": 3, "letter": "a"}),
    ));
    let ann = Some("ann".into());
    assert_eq!(new, Ok(NewCar { owner_code: ann, painter_id: Some(4.into()), cleaner_id: Some(None), ..new_car() }));
    assert_eq!(
        mistakes::<NewCar>(json!({"maker_id": "one", "owner_code": 1, "painter_id": null, "row": 3, "letter": "a"})),
        [
            "/maker_id: must be an integer, not a string",
            "/owner_code: must be a string, not a number",
            "/painter_id: must be an integer, not null",
        ]
    );
    let patch = CarPatch::from_json(object(json!({"maker_id": 5, "owner_code": null}))).unwrap();
    assert_eq!((patch.maker_id, &patch.owner_code), (Patch::Value(5), &Patch::Null));
    let mut changed = car();
    patch.apply(&mut changed);
    assert_eq!(changed, Car { maker_id: 5, owner_code: None, ..car() });
}
