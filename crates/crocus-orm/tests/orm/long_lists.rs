//! Long lists that several ask for at one moment have one text, and each sees what was committed before it has asked.

use std::time::Duration;

use crocus_orm::dynamic::{JsonRow, Member, Rows, Source, select};
use crocus_orm::{Engine, Model, Select, Statement};
use serde_json::Value as Json;

use crate::database::{Database, each, soon};
use crate::models::{Car, NewCar};

/// All cars, with their names under this one.
fn cars(name: &str) -> Select<JsonRow> {
    let source = Source::new(Car::TABLE);
    let column = |name| source.column(Car::TABLE.column(name).unwrap());
    let members = [("id", "id"), (name, "name")].map(|(member, name)| (member.to_owned(), Member::Value(column(name))));
    let order = vec![column("id").order(false, None)];
    select(Rows { members: members.into(), order, ..Rows::new(source) })
}

async fn names(engine: &Engine, member: &str) -> Vec<String> {
    let list = cars(member).list(engine).await.unwrap();
    let rows: Vec<Json> = serde_json::from_slice(&list.array().concat()).unwrap();
    assert_eq!(rows.len(), list.len());
    rows.iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

fn new(name: String) -> NewCar {
    NewCar { model: format!("model of {name}"), name, doors: 4, note: None }
}

async fn fill(db: &Database) {
    Car::insert_many((0..3_000).map(|number| new(format!("car {number}")))).execute(db.engine()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_sees_what_was_committed_before() {
    for db in each().await {
        fill(&db).await;
        let clients = (0..16).map(|client| {
            let engine = db.engine().clone();
            tokio::spawn(async move {
                // They ask for two lists that differ in a name only.
                let member = if client % 2 == 0 { "name" } else { "title" };
                for round in 0..4 {
                    let name = format!("{client} {round}");
                    Car::insert(&engine, new(name.clone())).await.unwrap();
                    let names = names(&engine, member).await;
                    assert!(names.len() > 3_000 && names.contains(&name), "{name} is not among {}", names.len());
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            soon(client).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_have_one_text_and_one_who_goes_away_is_no_loss() {
    let db = Database::postgres().await;
    fill(&db).await;
    // What is asked the first time is not known to give the same to all.
    names(db.engine(), "name").await;
    let transaction = db.begin().await.unwrap();
    transaction.execute(Statement::write("LOCK TABLE cars IN ACCESS EXCLUSIVE MODE", [])).await.unwrap();
    let ask = || {
        let engine = db.engine().clone();
        tokio::spawn(async move { names(&engine, "name").await.len() })
    };
    let held = async || {
        db.number(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        )
        .await
    };
    let reads = async |number| {
        for _ in 0..200 {
            if held().await == number {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} read, and not {number}", held().await);
    };
    let mut asked = vec![ask()];
    reads(1).await;
    asked.extend((0..20).map(|_| ask()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    reads(1).await;
    // The first goes away, and of the others one reads for all.
    asked.remove(0).abort();
    tokio::time::sleep(Duration::from_millis(50)).await;
    reads(1).await;
    for task in asked.drain(1..11) {
        task.abort();
    }
    transaction.commit().await.unwrap();
    for task in asked {
        assert_eq!(soon(task).await.unwrap(), 3_000);
    }
}
