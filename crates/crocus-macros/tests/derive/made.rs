//! Columns whose values are made: by the database, by a function, or by the session.

use crocus_macros::Model;
use crocus_orm::{FromJson, Model, NewModel, NoObjects, Patch, PatchModel, Value};
use serde_json::json;
use uuid::Uuid;

use crate::columns::PLAIN;
use crate::object;

fn one() -> Option<i32> {
    Some(1)
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct Account {
    #[model(primary_key, default_with = Uuid::now_v7)]
    id: Uuid,
    price: i32,
    #[model(generated = "price * 2")]
    doubled: Option<i32>,
    #[model(version, column = "lock")]
    version: i64,
    #[model(sensitive)]
    password: String,
    #[model(default_with = self::one)]
    rank: Option<i32>,
}

/// The same with a default of the database, so that the columns of an insert vary.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm")]
struct Varied {
    #[model(primary_key, default_with = String::new)]
    id: String,
    #[model(version)]
    version: i16,
    #[model(default = 3, sensitive)]
    price: i32,
}

fn account() -> Account {
    Account { id: Uuid::nil(), price: 5, doubled: Some(10), version: 7, password: "secret".into(), rank: Some(2) }
}

#[test]
fn columns_say_who_makes_them() {
    let columns = Account::TABLE.columns;
    assert!(columns.iter().all(|column| !column.identity && column.default.is_none()));
    assert_eq!(columns[2].generated, Some("price * 2"));
    assert_eq!(
        columns[3],
        crocus_orm::table::ColumnDef {
            name: "lock",
            field: "version",
            ty: crocus_orm::ColumnType::BigInteger,
            version: true,
            ..PLAIN
        }
    );
    let made = |index: usize| columns[index].default_with.map(|make| (make.0)());
    assert!(matches!(made(0), Some(Value::Uuid(Some(_)))), "{:?}", made(0));
    assert_eq!((made(1), made(5)), (None, Some(Value::Int(Some(1)))));
    assert_eq!(columns[1].from_json.read(json!("5")), Err("must be an integer, not a string".into()));
    let sensitive: Vec<_> = columns.iter().filter(|column| column.sensitive).map(|column| column.name).collect();
    assert_eq!(sensitive, ["password"]);
}

#[test]
fn an_insert_makes_what_it_is_not_given() {
    let new = NewAccount { id: None, price: 5, password: "secret".into(), rank: None };
    let made = new.clone().into_assignments(&NoObjects).unwrap();
    let Value::Uuid(Some(id)) = &made[0].1 else { panic!("{made:?}") };
    assert_eq!(id.get_version_num(), 7);
    let rest = [(1, Value::Int(Some(5))), (4, Value::from("secret"))];
    let version = (3, Value::BigInt(Some(1)));
    assert_eq!(made[1..], [&rest[..], &[(5, Value::Int(Some(1))), version.clone()]].concat());

    let given = NewAccount { id: Some(Uuid::max()), rank: Some(None), ..new }.into_assignments(&NoObjects).unwrap();
    let id = (0, Value::Uuid(Some(Uuid::max())));
    assert_eq!(given, [&[id], &rest[..], &[(5, Value::Int(None)), version]].concat());

    let made = NewVaried { id: None, price: None }.into_assignments(&NoObjects).unwrap();
    assert_eq!(made, [(0, Value::from("")), (1, Value::SmallInt(Some(1)))]);
}

#[test]
fn assigning_keeps_what_is_made() {
    let mut changed = account();
    let new = NewAccount { id: None, price: 6, password: "other".into(), rank: None };
    changed.assign(new).unwrap();
    assert_eq!(changed, Account { price: 6, password: "other".into(), ..account() });
}

#[test]
fn neither_input_has_what_only_the_database_makes() {
    let json = json!({"price": 5, "doubled": 1, "version": 9, "lock": 9, "password": "x", "rank": null});
    let new = NewAccount::from_json(object(json.clone())).unwrap();
    assert_eq!(new, NewAccount { id: None, price: 5, password: "x".into(), rank: Some(None) });
    let patch = AccountPatch::from_json(object(json)).unwrap();
    let expected = AccountPatch { price: Patch::Value(5), password: Patch::Value("x".into()), rank: Patch::Null };
    assert_eq!(patch, expected);
    let mut changed = account();
    patch.apply(&mut changed);
    assert_eq!(changed, Account { price: 5, password: "x".into(), rank: None, ..account() });
}

#[test]
fn what_is_sensitive_is_not_shown() {
    let new = NewAccount { id: None, price: 5, password: "secret".into(), rank: None };
    assert_eq!(format!("{new:?}"), "NewAccount { id: None, price: 5, password: [sensitive], rank: None }");
    let patch = VariedPatch { price: Patch::Value(123) };
    assert_eq!(format!("{patch:?}"), "VariedPatch { price: [sensitive] }");
}
