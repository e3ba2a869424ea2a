//! Embedded structs: their columns among the table's, and their place in inputs.

use crocus_macros::Model;
use crocus_orm::{Column, Embedded, FromJson, Model, NewModel, NoObjects, Patch, PatchModel, Value};
use serde_json::json;

use crate::{mistakes, object};

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", embedded)]
struct Place {
    latitude: f64,
    #[model(column = "long", renamed_from = "lng")]
    longitude: f64,
}

/// Where somebody lives.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", embedded)]
struct Address {
    #[model(comment = "Street and number.")]
    street: String,
    #[model(embedded(prefix = ""))]
    place: Place,
    #[model(sensitive)]
    bell: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "people")]
struct Person {
    #[model(primary_key)]
    id: i32,
    #[model(embedded)]
    home: Address,
    #[model(belongs_to = Self)]
    friend_id: Option<i32>,
    #[model(embedded(prefix = "billing_"))]
    bill: Place,
    #[model(version)]
    version: i32,
}

fn home() -> Address {
    Address { street: "Elm 1".into(), place: Place { latitude: 1.5, longitude: 2.5 }, bell: None }
}

fn person() -> Person {
    Person { id: 7, home: home(), friend_id: Some(3), bill: Place { latitude: 3.5, longitude: 4.5 }, version: 9 }
}

#[test]
fn their_columns_are_the_table_s() {
    let columns: Vec<_> = Person::TABLE.columns.iter().map(|column| (column.name, column.field)).collect();
    assert_eq!(
        columns,
        [
            ("id", "id"),
            ("home_street", "home.street"),
            ("home_latitude", "home.place.latitude"),
            ("home_long", "home.place.longitude"),
            ("home_bell", "home.bell"),
            ("friend_id", "friend_id"),
            ("billing_latitude", "bill.latitude"),
            ("billing_long", "bill.longitude"),
            ("version", "version"),
        ]
    );
    let column = |name| Person::TABLE.column(name).unwrap();
    assert_eq!(column("home_street").comment, Some("Street and number."));
    assert!(column("home_bell").sensitive && column("home_bell").nullable);
    assert_eq!(column("billing_long").renamed_from, Some("billing_lng"));
    assert_eq!(Address::COLUMNS.len(), 4);
}

#[test]
fn columns_are_typed() {
    let _: Column<Person, String> = Person::HOME.street;
    let _: Column<Person, f64> = Person::HOME.place.longitude;
    assert_eq!(Person::HOME.place.longitude.name(), "home_long");
    assert_eq!(Person::BILL.latitude.name(), "billing_latitude");
    assert_eq!(Person::FRIEND.columns(), ["friend_id"]);
    assert_eq!(
        format!("{:?}", Person::BILL),
        "PlaceColumns { latitude: people.billing_latitude, longitude: people.billing_long }"
    );
}

#[test]
fn values_are_in_the_table_s_order() {
    let home = [Value::from("Elm 1"), Value::from(1.5), Value::from(2.5), Value::String(None)];
    let bill = [Value::from(3.5), Value::from(4.5)];
    let (id, friend) = ([Value::Int(Some(7))], [Value::Int(Some(3))]);
    let version = |version| [Value::Int(Some(version))];
    assert_eq!(person().values(), [&id[..], &home, &friend, &bill, &version(9)].concat());

    let new = NewPerson { home: self::home(), friend_id: Some(3.into()), bill: person().bill };
    let (indexes, values): (Vec<_>, Vec<_>) = new.into_assignments(&NoObjects).unwrap().into_iter().unzip();
    assert_eq!(indexes, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(values, [&home[..], &friend, &bill, &version(1)].concat());
}

#[test]
fn json_nests_them() {
    let json = json!({
        "home": {"street": "Elm 1", "place": {"latitude": 1.5, "longitude": 2.5}},
        "bill": {"latitude": 3.5, "longitude": 4.5},
    });
    let new = NewPerson::from_json(object(json)).unwrap();
    assert_eq!(new, NewPerson { home: home(), friend_id: None, bill: person().bill });
    let mut changed = person();
    changed.assign(new).unwrap();
    assert_eq!(changed, Person { friend_id: None, ..person() });
    assert_eq!(
        mistakes::<NewPerson>(json!({"home": {"place": {"latitude": "x"}, "bell": 1}, "bill": 1})),
        [
            "/home/street: is required",
            "/home/place/latitude: must be a number, not a string",
            "/home/place/longitude: is required",
            "/home/bell: must be a string, not a number",
            "/bill: must be an object, not a number",
        ]
    );
    assert_eq!(
        mistakes::<NewPerson>(json!({"home": null})),
        ["/home: must be an object, not null", "/bill: is required"]
    );
}

#[test]
fn a_patch_changes_what_it_brings_of_them() {
    let json = json!({"home": {"place": {"longitude": 9.5}, "bell": "Ann"}});
    let patch = PersonPatch::from_json(object(json)).unwrap();
    let place = PlacePatch { longitude: Patch::Value(9.5), ..PlacePatch::default() };
    let home = AddressPatch { place, bell: Patch::Value("Ann".into()), ..AddressPatch::default() };
    assert_eq!(patch, PersonPatch { home, ..PersonPatch::default() });
    assert!(format!("{patch:?}").contains("bell: [sensitive]"));
    let mut changed = person();
    patch.apply(&mut changed);
    let place = Place { latitude: 1.5, longitude: 9.5 };
    assert_eq!(changed.home, Address { place, bell: Some("Ann".into()), ..self::home() });
    assert_eq!(mistakes::<PersonPatch>(json!({"home": 1})), ["/home: must be an object, not a number"]);
}
