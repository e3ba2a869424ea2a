//! Writing by a table's description: the same rows as with a model, told from each other when they come back.

use std::collections::{BTreeMap, BTreeSet};

use crocus_macros::Model;
use crocus_orm::dynamic::{self, DynamicColumn, Input, OnConflict, TableRow};
use crocus_orm::{Assignments, ColumnOperators, ErrorKind, Model, TableDef, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
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
async fn only_rows_that_fulfil_a_condition_are_updated() {
    for db in each().await {
        accounts(&db).await;
        let name = || vec![column(Account::TABLE, "name")];
        let old = ["a", "b"].map(|name| row([("name", name.into()), ("note", name.into())]));
        dynamic::insert(Account::TABLE, old).execute(db.engine()).await.unwrap();
        let credit = ("credit", Value::from(7));
        let merge = |rows: Vec<Assignments>| {
            let insert = dynamic::insert(Account::TABLE, rows).on_conflict(name(), OnConflict::Update);
            insert.filter(Account::NOTE.eq("a"))
        };
        let rows = || ["x", "b", "a"].map(|name| row([("name", name.into()), credit.clone()])).to_vec();
        let transaction = db.engine().begin().await.unwrap();
        let made = merge(rows()).written(&transaction).await.unwrap();
        let told: Vec<_> = made.iter().map(|made| made.as_ref().map(|made| made.is_new)).collect();
        assert_eq!(told, [Some(true), None, Some(false)], "{db}");
        transaction.commit().await.unwrap();
        let made = merge(rows()).returning(db.engine()).await.unwrap();
        assert_eq!(made.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true], "{db}");
        let by_name = Account::select().columns((Account::NAME, Account::CREDIT)).order_by(Account::NAME.asc());
        let expected = [("a", 7), ("b", 10), ("x", 7)].map(|(name, credit)| (name.to_owned(), credit));
        assert_eq!(by_name.all(db.engine()).await.unwrap(), expected, "{db}");

        // What the database numbers is new, and a condition with a secret is not shown.
        let (recording, recorded) = db.record();
        let transaction = recording.begin().await.unwrap();
        let rows = [row([("name", "n".into())]), row([("id", 1.into()), ("name", "A".into())])];
        let merge = dynamic::insert(Account::TABLE, rows).on_conflict(vec![0], OnConflict::Update);
        let merge = merge.filter(Account::PASSWORD.eq("s3cret") | Account::NOTE.eq("a"));
        let made = merge.written(&transaction).await.unwrap();
        let told: Vec<_> = made.iter().map(|made| made.as_ref().map(|made| made.is_new)).collect();
        assert_eq!(told, [Some(true), Some(false)], "{db}");
        transaction.commit().await.unwrap();
        let said = format!("{:?}", recorded.statements());
        assert!(said.contains("redacted") && !said.contains("s3cret"), "{db}: {said}");
    }
}

/// Whatever the constraint is, and however many rows there are: the row is told, and the transaction can go on without.
#[tokio::test]
async fn the_row_that_is_refused_is_told() {
    for db in each().await {
        let tables = "CREATE TABLE accounts (id {id}, name text NOT NULL UNIQUE, token {uuid} NOT NULL,
                         credit {int4} NOT NULL DEFAULT 10 CHECK (credit < 100), note text REFERENCES notes (note),
                         doubled {int4} GENERATED ALWAYS AS (credit * 2) STORED, version {int4} NOT NULL, password text)";
        db.batch(&in_words_of(db.dialect(), "CREATE TABLE notes (note text NOT NULL PRIMARY KEY)")).await;
        db.batch(&in_words_of(db.dialect(), tables)).await;
        for (number, bad) in [(1, 0), (2, 1), (3, 1), (1000, 0), (1000, 617), (2500, 2499)] {
            for (wrong, kind) in [
                (("name", Value::from("r5")), ErrorKind::UniqueViolation),
                (("credit", Value::from(100)), ErrorKind::CheckViolation),
                (("note", Value::from("?")), ErrorKind::ForeignKeyViolation),
            ] {
                if kind == ErrorKind::UniqueViolation && number < 1000 {
                    continue;
                }
                let rows = (0..number).map(|at| {
                    let mut row = row([("name", format!("r{at}").into())]);
                    if at == bad {
                        row.retain(|(column, _)| Account::TABLE.columns[*column].name != wrong.0);
                        row.push((column(Account::TABLE, wrong.0), wrong.1.clone()));
                        row.sort_by_key(|(column, _)| *column);
                    }
                    row
                });
                let mut transaction = db.engine().begin().await.unwrap();
                let savepoint = transaction.savepoint().await.unwrap();
                let made = dynamic::insert(Account::TABLE, rows).written(savepoint.transaction()).await;
                let error = assert_kind(made, kind);
                // Of two that agree, the later one.
                let expected = if kind == ErrorKind::UniqueViolation { bad.max(5) } else { bad };
                assert_eq!(error.index(), Some(expected), "{db}: {number} {bad} {kind:?}");
                savepoint.rollback().await.unwrap();
                Account::insert_many([]).execute(&transaction).await.unwrap();
                transaction.commit().await.unwrap();
                assert_eq!(Account::select().count(db.engine()).await.unwrap(), 0, "{db}");
            }
        }
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

/// What a row of a batch brings: its name, and whether it brings the others.
type Brought = (u8, Option<i32>, Option<Option<u8>>);

#[derive(Debug, Clone)]
enum Step {
    Insert(Vec<Brought>, Option<OnConflict>),
    Update(Vec<u8>, i32),
    Delete(Vec<u8>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let names = || vec(0..8_u8, 0..4);
    let row = (0..8_u8, option::of(0..100), option::of(option::of(0..3_u8)));
    let conflict = option::weighted(0.8, prop_oneof![Just(OnConflict::Nothing), Just(OnConflict::Update)]);
    let step = prop_oneof![
        3 => (vec(row, 0..6), conflict).prop_map(|(rows, conflict)| Step::Insert(rows, conflict)),
        1 => (names(), 0..100).prop_map(|(names, credit)| Step::Update(names, credit)),
        1 => names().prop_map(Step::Delete),
    ];
    vec(step, 1..12)
}

/// What should be there, by name: the credit, the note and the version.
type World = BTreeMap<u8, (i32, Option<u8>, i32)>;

/// What an insert should give back, where it should not fail.
fn inserted(world: &mut World, rows: &[Brought], conflict: Option<OnConflict>) -> Option<Vec<Option<Json>>> {
    let mut names = BTreeSet::new();
    let has_twins = !rows.iter().all(|(name, ..)| names.insert(*name));
    let fails = match conflict {
        None => has_twins || names.iter().any(|name| world.contains_key(name)),
        Some(action) => action == OnConflict::Update && has_twins,
    };
    let row = |(name, credit, note): &Brought| match (world.get(name).copied(), conflict) {
        (Some(_), Some(OnConflict::Nothing)) => None,
        (Some((old, was, version)), _) => Some((credit.unwrap_or(old), note.unwrap_or(was), version + 1)),
        (None, _) => Some((credit.unwrap_or(10), note.flatten(), 1)),
    };
    let mut world_then = world.clone();
    let mut made = Vec::new();
    for brought in rows {
        let new =
            row(brought).filter(|_| conflict != Some(OnConflict::Nothing) || !world_then.contains_key(&brought.0));
        if let Some(new) = new {
            world_then.insert(brought.0, new);
        }
        made.push(new.map(|new| described(brought.0, new)));
    }
    if fails {
        return None;
    }
    *world = world_then;
    Some(made)
}

fn described(name: u8, (credit, note, version): (i32, Option<u8>, i32)) -> Json {
    json!({"name": format!("n{name}"), "credit": credit, "note": note.map(|note| note.to_string()), "version": version})
}

/// Whatever is written, in whichever groups of rows, each row gets its own back, and the table holds what it should.
#[tokio::test]
async fn a_table_holds_what_was_written() {
    const SHOWN: [&str; 4] = ["name", "credit", "note", "version"];
    let mut runner = TestRunner::deterministic();
    let (table, name) = (Account::TABLE, column(Account::TABLE, "name"));
    for db in each().await {
        accounts(&db).await;
        for _ in 0..60 {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            let mut world = World::new();
            Account::delete().execute(db.engine()).await.unwrap();
            for (number, step) in steps.iter().enumerate() {
                let named = |names: &[u8]| {
                    let names = names.iter().map(|name| format!("n{name}").into()).collect();
                    DynamicColumn::new(table, &table.columns[name]).is_in(names)
                };
                match step {
                    Step::Insert(rows, conflict) => {
                        let inputs = rows.iter().map(|(name, credit, note)| {
                            let mut input = row([("name", format!("n{name}").into())]);
                            input.extend(credit.map(|credit| (column(table, "credit"), credit.into())));
                            let note = note.map(|note| note.map(|note| note.to_string()).into());
                            input.extend(note.map(|note| (column(table, "note"), note)));
                            input
                        });
                        let mut insert = dynamic::insert(table, inputs);
                        if let Some(action) = conflict {
                            insert = insert.on_conflict(vec![name], *action);
                        }
                        let before = world.clone();
                        let expected = inserted(&mut world, rows, *conflict);
                        let json = |made: &TableRow| shown(made, &SHOWN);
                        if number % 2 == 0 {
                            let made = insert.returning(db.engine()).await.ok();
                            let made: Option<Vec<_>> =
                                made.map(|made| made.iter().map(|made| made.as_ref().map(json)).collect());
                            assert_eq!(made, expected, "{db}: {step:?} of {steps:?}");
                            continue;
                        }
                        // In a transaction more is told.
                        let transaction = db.engine().begin().await.unwrap();
                        let made = match insert.written(&transaction).await {
                            Ok(made) => {
                                transaction.commit().await.unwrap();
                                for (made, (name, ..)) in made.iter().zip(rows) {
                                    let is_new = made.as_ref().is_some_and(|made| made.is_new);
                                    assert!(!is_new || !before.contains_key(name), "{db}: {name} of {step:?}");
                                    assert!(is_new || conflict.is_some(), "{db}: {name} of {step:?}");
                                    let is_left = *conflict == Some(OnConflict::Nothing) && made.is_none();
                                    assert!(is_new || is_left || before.contains_key(name), "{db}: {name} of {step:?}");
                                }
                                Some(made.iter().map(|made| made.as_ref().map(|made| json(&made.row))).collect())
                            }
                            Err(error) => {
                                let mut names = BTreeSet::new();
                                let refused = rows.iter().position(|(name, ..)| {
                                    !names.insert(name) || conflict.is_none() && before.contains_key(name)
                                });
                                assert_eq!(error.index(), refused, "{db}: {error} of {step:?}");
                                transaction.rollback().await.unwrap();
                                None
                            }
                        };
                        assert_eq!(made, expected, "{db}: {step:?} of {steps:?}");
                    }
                    Step::Update(names, credit) => {
                        let update = dynamic::update(table).set(row([("credit", (*credit).into())]));
                        let updated = update.filter(named(names)).returning(db.engine()).await.unwrap();
                        let mut expected = Vec::new();
                        for (name, (held, note, version)) in world.iter_mut().filter(|(name, _)| names.contains(name)) {
                            (*held, *version) = (*credit, *version + 1);
                            expected.push(described(*name, (*held, *note, *version)));
                        }
                        let mut updated: Vec<_> = updated.iter().map(|row| shown(row, &SHOWN)).collect();
                        updated.sort_by_key(Json::to_string);
                        expected.sort_by_key(Json::to_string);
                        assert_eq!(updated, expected, "{db}: {step:?} of {steps:?}");
                    }
                    Step::Delete(names) => {
                        let deleted = dynamic::delete(table).filter(named(names)).execute(db.engine()).await.unwrap();
                        let before = world.len();
                        world.retain(|name, _| !names.contains(name));
                        assert_eq!(deleted, (before - world.len()) as u64, "{db}: {step:?} of {steps:?}");
                    }
                }
            }
            let all = Account::select().order_by(Account::NAME.asc()).all(db.engine()).await.unwrap();
            let all: Vec<_> = all
                .iter()
                .map(|row| json!({"name": row.name, "credit": row.credit, "note": row.note, "version": row.version}))
                .collect();
            let expected: Vec<_> = world.iter().map(|(name, held)| described(*name, *held)).collect();
            assert_eq!(all, expected, "{db}: {steps:?}");
        }
    }
}

#[tokio::test]
async fn numbers_go_on_after_those_that_were_given() {
    for db in each().await {
        accounts(&db).await;
        let id = async |given: Option<i32>, name: &str| {
            let id = given.map(|id| (column(Account::TABLE, "id"), Value::from(id)));
            let assignments: Assignments = id.into_iter().chain(row([("name", name.into())])).collect();
            let rows = dynamic::insert(Account::TABLE, [assignments]).returning(&*db).await.unwrap();
            rows[0].as_ref().unwrap().key().unwrap()
        };
        let next = async |name: &str| id(None, name).await;
        assert_eq!(next("first").await, [Value::from(1)]);
        id(Some(5), "given").await;
        assert_eq!(next("after").await, [Value::from(6)]);
        // What is lower takes nothing back.
        id(Some(3), "lower").await;
        id(Some(-3), "negative").await;
        assert_eq!(next("still after").await, [Value::from(7)]);
        let many =
            |from: i32| (from..from + 6_000).map(|id| row([("id", id.into()), ("name", format!("m{id}").into())]));
        dynamic::insert(Account::TABLE, many(10)).execute(&*db).await.unwrap();
        assert_eq!(next("after many").await, [Value::from(6_010)]);
    }
}
