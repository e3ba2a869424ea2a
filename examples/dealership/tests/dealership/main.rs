//! The dealership as its clients meet it, on both databases, without a network. Each file holds the tests of the
//! handlers of that name; `migrations` runs the built program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cars;
mod concurrency;
mod deliveries;
mod documentation;
mod fuzz;
mod lost_connections;
mod makers;
mod migrations;
mod owners;
mod reports;
mod resources;
mod sales;
mod tags;

use crocus::orm::Recorded;
use crocus::prelude::Db;
use crocus::testing::{Answer, TestApp};
use serde_json::{Value, json};

/// The program on empty databases, on each dialect.
async fn each() -> [TestApp; 2] {
    let server = crocus_testing::postgres().url("postgres");
    [dealership::app().test().await, dealership::app().test_on(Some(&server)).await]
}

/// A handle that notes what is sent to the default database.
fn recording(app: &TestApp) -> (Db, Recorded) {
    let (engine, recorded) = app.db().record();
    (Db::from(engine), recorded)
}

/// What is answered to a request that must succeed.
#[track_caller]
fn done(answer: Answer) -> Value {
    assert!(answer.status().is_success(), "{}: {}", answer.status(), answer.text());
    answer.json()
}

/// The code of a problem with this status.
#[track_caller]
fn refused(answer: Answer, status: u16) -> String {
    assert_eq!(answer.status().as_u16(), status, "{}", answer.text());
    answer.json()["code"].as_str().unwrap().to_owned()
}

async fn add_maker(app: &TestApp, name: &str) -> i64 {
    let maker = app.post("/makers", json!({"name": name, "country": "US"})).await;
    done(maker)["id"].as_i64().unwrap()
}

/// Adds a car whose identification number is its name.
async fn add_car(app: &TestApp, maker: i64, name: &str, price: &str) -> i64 {
    let car = json!({"maker_id": maker, "vin": name, "name": name, "year": 2024, "price": price});
    done(app.post("/cars", car).await)["id"].as_i64().unwrap()
}

async fn add_owner(app: &TestApp, name: &str) -> i64 {
    let address = json!({"street": "1 Main Street", "city": "Ulm"});
    let owner = json!({"name": name, "email": format!("{name}@example.org"), "address": address});
    done(app.post("/owners", owner).await)["id"].as_i64().unwrap()
}

/// One member of each item of a list.
#[track_caller]
fn all(list: &Value, member: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    list.as_array().unwrap().iter().map(|item| text(&item[member])).collect()
}
