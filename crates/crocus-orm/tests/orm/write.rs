//! Writing by a table's description: the same rows as with a model, told from each other when they come back.

use crocus_macros::Model;
use crocus_orm::dynamic::{self, Input, OnConflict, TableRow};
use crocus_orm::{Assignments, ColumnOperators, ErrorKind, Model, TableDef, Value};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::database::{Database, assert_kind, each};
use crate::models::{Car, Seat, in_words_of};

fn seven() -> Uuid {
    Uuid::from_u128(7)
}

/// A row with everything that is made for it.
#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "accounts")]
struct Account {
    #[model(primary_key)]
    id: i32,
    #[model(unique)]
    name: String,
    #[model(default_with = seven)]
    token: Uuid,
    #[model(default = 10)]
    credit: i32,
    note: Option<String>,
    #[model(generated = "credit * 2")]
    doubled: Option<i32>,
    #[model(version)]
    version: i32,
    #[model(sensitive)]
    password: Option<String>,
}

async fn accounts(db: &Database) {
    let sql = "CREATE TABLE accounts (id {id}, name text NOT NULL UNIQUE, token {uuid} NOT NULL,
                  credit {int4} NOT NULL DEFAULT 10, note text,
                  doubled {int4} GENERATED ALWAYS AS (credit * 2) STORED, version {int4} NOT NULL, password text)";
    db.batch(&in_words_of(db.dialect(), sql)).await;
}

fn column(table: &'static TableDef, name: &str) -> usize {
    table.columns.iter().position(|column| column.name == name).unwrap()
}

/// Values of columns of the accounts.
fn row<const N: usize>(values: [(&str, Value); N]) -> Assignments {
    values.map(|(name, value)| (column(Account::TABLE, name), value)).into()
}

/// Some columns of a row.
fn shown(row: &TableRow, columns: &[&str]) -> Json {
    let columns: Vec<_> = columns.iter().map(|name| column(Account::TABLE, name)).collect();
    serde_json::from_slice(&row.json(&columns).unwrap()).unwrap()
}

#[tokio::test]
async fn a_row_gets_what_is_made_for_it() {
    for db in each().await {
        accounts(&db).await;
        let new = row([("name", "a".into())]);
        let made = dynamic::insert(Account::TABLE, [new]).returning(db.engine()).await.unwrap().remove(0).unwrap();
        assert_eq!(made.key().unwrap(), [Value::from(1)], "{db}");
        let account = Account::from_row(made.row(), 0).unwrap();
        let expected = Account {
            id: 1,
            name: "a".into(),
            token: Uuid::from_u128(7),
            credit: 10,
            note: None,
            doubled: Some(20),
            version: 1,
            password: None,
        };
        assert_eq!(account, expected, "{db}");
        let all: Vec<_> = (0..Account::TABLE.columns.len()).map(|column| made.value(column).unwrap()).collect();
        assert_eq!(all, account.values(), "{db}");

        let input =
            Input { assignments: row([("note", "n".into())]), defaults: vec![column(Account::TABLE, "credit")] };
        Account::update().set(Account::CREDIT, 3).execute(db.engine()).await.unwrap();
        let update = dynamic::update(Account::TABLE).set(input);
        let update = update.filter(dynamic::key_equals(Account::TABLE, &[1.into()]));
        let updated = update.returning(db.engine()).await.unwrap();
        assert_eq!(
            shown(&updated[0], &["note", "credit", "version"]),
            json!({"note": "n", "credit": 10, "version": 3})
        );

        let none = dynamic::update(Account::TABLE).set(row([("credit", 1.into())])).filter(Account::VERSION.eq(2));
        assert_eq!(none.execute(db.engine()).await.unwrap(), 0, "{db}: the version is another");
        let nothing = dynamic::update(Account::TABLE).set(Assignments::new());
        assert_kind(nothing.execute(db.engine()).await, ErrorKind::InvalidQuery);

        let delete = || dynamic::delete(Account::TABLE).filter(dynamic::by_keys(Account::TABLE, &[vec![1.into()]]));
        assert_eq!(delete().returning(db.engine()).await.unwrap()[0].key().unwrap(), [Value::from(1)], "{db}");
        assert_eq!(delete().execute(db.engine()).await.unwrap(), 0, "{db}");
    }
}

#[tokio::test]
async fn rows_with_other_columns_keep_their_places() {
    for db in each().await {
        accounts(&db).await;
        let rows = (0..2500).map(|n| {
            let name = ("name", format!("n{}", (n * 7) % 2500).into());
            match n % 3 {
                0 => row([name]),
                1 => row([name, ("credit", n.into())]),
                _ => row([name, ("note", Value::String(None))]),
            }
        });
        let made = dynamic::insert(Account::TABLE, rows).returning(db.engine()).await.unwrap();
        assert_eq!(made.len(), 2500, "{db}");
        for (n, made) in made.iter().enumerate() {
            let credit = if n % 3 == 1 { n } else { 10 };
            let expected = json!({"name": format!("n{}", (n * 7) % 2500), "credit": credit});
            assert_eq!(shown(made.as_ref().unwrap(), &["name", "credit"]), expected, "{db}");
        }
        let none: [Assignments; 0] = [];
        assert!(dynamic::insert(Account::TABLE, none.clone()).returning(db.engine()).await.unwrap().is_empty(), "{db}");
        assert_eq!(dynamic::insert(Account::TABLE, none).execute(db.engine()).await.unwrap(), 0, "{db}");

        // One that fails takes all others with it.
        let rows = [row([("name", "new".into())]), row([("name", "n1".into()), ("credit", 1.into())])];
        let error = dynamic::insert(Account::TABLE, rows).returning(db.engine()).await;
        let error = assert_kind(error.map(drop), ErrorKind::UniqueViolation);
        assert_eq!(error.constraint().unwrap().columns, ["name"], "{db}");
        assert_eq!(Account::select().count(db.engine()).await.unwrap(), 2500, "{db}");
    }
}

#[tokio::test]
async fn what_is_there_is_left_or_updated() {
    for db in each().await {
        accounts(&db).await;
        let old = ["a", "b", "c"].map(|name| row([("name", name.into()), ("note", "old".into())]));
        dynamic::insert(Account::TABLE, old).execute(db.engine()).await.unwrap();
        let name = || vec![column(Account::TABLE, "name")];
        let shown = |made: &Option<TableRow>| {
            made.as_ref().map(|made| shown(made, &["id", "name", "credit", "note", "version"])).unwrap_or_default()
        };

        let rows = ["x", "b", "y", "y", "a"].map(|name| row([("name", name.into()), ("note", "new".into())]));
        let left = dynamic::insert(Account::TABLE, rows).on_conflict(name(), OnConflict::Nothing);
        let left = left.returning(db.engine()).await.unwrap();
        let names: Vec<_> = left.iter().map(|made| shown(made)["name"].take()).collect();
        assert_eq!(Json::from(names), json!(["x", null, "y", null, null]), "{db}");

        let token = |id: i32| Account::select().columns(Account::TOKEN).filter(Account::ID.eq(id)).one(db.engine());
        Account::update().set(Account::TOKEN, Uuid::nil()).set(Account::VERSION, 1).execute(db.engine()).await.unwrap();
        let rows = [
            row([("name", "z".into()), ("credit", 5.into())]),
            row([("name", "b".into()), ("credit", 6.into())]),
            row([("name", "c".into()), ("note", Value::String(None))]),
            row([("name", "a".into())]),
        ];
        let made = dynamic::insert(Account::TABLE, rows).on_conflict(name(), OnConflict::Update);
        let made: Vec<_> = made.returning(db.engine()).await.unwrap().iter().map(shown).collect();
        let id = made[0]["id"].clone();
        let expected = json!([
            {"id": id, "name": "z", "credit": 5, "note": null, "version": 1},
            {"id": 2, "name": "b", "credit": 6, "note": "old", "version": 2},
            {"id": 3, "name": "c", "credit": 10, "note": null, "version": 2},
            {"id": 1, "name": "a", "credit": 10, "note": "old", "version": 2}
        ]);
        assert_eq!(Json::from(made), expected, "{db}");
        assert_eq!(token(2).await.unwrap(), Uuid::nil(), "{db}: what was not brought is not made anew");

        // Replaced: what is left out has its default.
        let defaults = ["credit", "note", "token"].map(|name| column(Account::TABLE, name)).to_vec();
        let whole = Input { assignments: row([("id", 2.into()), ("name", "B".into())]), defaults };
        let made = dynamic::insert(Account::TABLE, [whole]).on_conflict(vec![0], OnConflict::Update);
        let made = made.returning(db.engine()).await.unwrap();
        assert_eq!(shown(&made[0]), json!({"id": 2, "name": "B", "credit": 10, "note": null, "version": 3}), "{db}");
        assert_eq!(token(2).await.unwrap(), Uuid::from_u128(7), "{db}");

        let twins = [1, 2].map(|credit| row([("name", "a".into()), ("credit", credit.into())]));
        let twins = dynamic::insert(Account::TABLE, twins).on_conflict(name(), OnConflict::Update);
        let error = assert_kind(twins.execute(db.engine()).await, ErrorKind::InvalidValue);
        let text = "the rows 0 and 1, counted from 0, have the same `name`: they would update one row twice";
        assert_eq!((error.to_string().as_str(), error.index()), (text, Some(1)), "{db}");

        // Without the conflict's columns there is none, and the rows are told all the same.
        let rows = ["p", "q"].map(|name| row([("name", name.into())]));
        let made = dynamic::insert(Account::TABLE, rows).on_conflict(vec![0], OnConflict::Nothing);
        let made: Vec<_> =
            made.returning(db.engine()).await.unwrap().iter().map(|made| shown(made)["name"].take()).collect();
        assert_eq!(Json::from(made), json!(["p", "q"]), "{db}");
    }
}

#[tokio::test]
async fn rows_are_found_by_keys_of_several_columns() {
    for db in each().await {
        let seat =
            |row: i32, letter: &str| vec![(0, Value::from(row)), (1, Value::from(false)), (2, Value::from(letter))];
        let rows = [seat(1, "A"), seat(1, "B"), seat(2, "A")];
        let made = dynamic::insert(Seat::TABLE, rows).returning(db.engine()).await.unwrap();
        let keys: Vec<_> = made.iter().map(|made| made.as_ref().unwrap().key().unwrap()).collect();
        assert_eq!(keys[1], [Value::from(1), Value::from("B")], "{db}");
        let taken = dynamic::update(Seat::TABLE).set(vec![(1, Value::from(true))]);
        let taken = taken.filter(dynamic::by_keys(Seat::TABLE, &keys[1..])).execute(db.engine()).await.unwrap();
        assert_eq!(taken, 2, "{db}");
        let found = Seat::select().filter(dynamic::key_equals(Seat::TABLE, &keys[0])).one(db.engine()).await.unwrap();
        assert_eq!(found, Seat { row: 1, taken: false, letter: "A".into() }, "{db}");
        assert_eq!(Seat::select().filter(dynamic::by_keys(Seat::TABLE, &[])).count(db.engine()).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_is_sensitive_is_not_shown() {
    for db in each().await {
        accounts(&db).await;
        let (recording, recorded) = db.record();
        let secret = || ("password", Value::from("s3cret"));
        dynamic::insert(Account::TABLE, [row([("name", "a".into()), secret()])]).execute(&recording).await.unwrap();
        let rows = [row([("name", "a".into()), secret()])];
        let upsert = dynamic::insert(Account::TABLE, rows).on_conflict(vec![1], OnConflict::Update);
        upsert.returning(&recording).await.unwrap();
        dynamic::update(Account::TABLE).set(row([secret()])).execute(&recording).await.unwrap();
        let said = format!("{:?}", recorded.statements());
        assert!(said.contains("redacted") && !said.contains("s3cret"), "{db}: {said}");
    }
}

/// A copy on PostgreSQL, as with a model.
#[tokio::test]
async fn many_rows_are_copied() {
    for db in each().await {
        let (recording, recorded) = db.record();
        let rows = (0..6000).map(|n| vec![(1, format!("n{n}").into()), (2, "m".into()), (3, Value::from(n))]);
        assert_eq!(dynamic::insert(Car::TABLE, rows).execute(&recording).await.unwrap(), 6000, "{db}");
        assert_eq!(recorded.statements().iter().any(|statement| statement.sql.starts_with("COPY")), !db.is_sqlite());
    }
}
