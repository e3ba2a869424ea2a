//! Deliveries.

use crocus::prelude::{Json, Path};
use dealership::handlers::deliveries::{DeliveredCar, create_delivery, import_cars};
use serde_json::{Value, json};

use crate::{add_car, add_maker, add_owner, all, done, each, recording, refused};

fn delivery(maker: &str, vins: impl IntoIterator<Item = String>) -> Value {
    let car = |vin| json!({"vin": vin, "name": "Model 3", "year": 2026, "price": "30000"});
    let cars: Vec<_> = vins.into_iter().map(car).collect();
    json!({"maker": {"name": maker, "country": "US"}, "cars": cars})
}

#[tokio::test]
async fn a_delivery_brings_its_maker_unless_it_is_known() {
    for app in each().await {
        let known = add_maker(&app, "Tesla").await;
        let brought = done(app.post("/deliveries", delivery("Tesla", ["a".into(), "b".into()])).await);
        assert_eq!(brought["maker"]["id"], known);
        assert_eq!(all(&brought["cars"], "vin"), ["a", "b"]);
        let brought = done(app.post("/deliveries", delivery("BMW", ["c".into()])).await);
        let maker = &brought["maker"]["id"];
        assert_eq!((&brought["cars"][0]["maker_id"], &brought["cars"][0]["state"]), (maker, &json!("for_sale")));

        let twice = app.post("/deliveries", delivery("Saab", ["d".into(), "a".into()])).await;
        assert_eq!(refused(twice, 409), "unique_violation");
        assert_eq!(done(app.get("/cars").await)["total"], 3, "all of a delivery or nothing");
        let wrong = app.post("/deliveries", json!({"maker": {"name": "Saab"}, "cars": []})).await;
        assert_eq!(wrong.json()["errors"], json!([{"pointer": "/maker", "detail": "missing field `country`"}]));
    }
}

#[tokio::test]
async fn hundreds_of_cars_take_five_statements() {
    for app in each().await {
        let (db, recorded) = recording(&app);
        let many = delivery("Tesla", (0..300).map(|number| number.to_string()));
        create_delivery(db, Json(serde_json::from_value(many).unwrap())).await.unwrap();
        let sent: Vec<_> = recorded.statements().iter().map(|sent| first_words(&sent.sql)).collect();
        assert_eq!(sent, ["SELECT", "BEGIN", "INSERT INTO \"makers\"", "INSERT INTO \"cars\"", "COMMIT"]);
        assert_eq!(done(app.get("/cars").await)["total"], 300);
    }
}

#[tokio::test]
async fn an_import_changes_what_is_known_and_adds_the_rest() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let id = i32::try_from(maker).unwrap();
        let list = |price: u32| -> Vec<DeliveredCar> {
            let price = |number: u32| if number < 200 { 30_000 } else { price };
            let car = |n: u32| json!({"vin": n.to_string(), "name": "Model 3", "year": 2026, "price": price(n)});
            serde_json::from_value((0..300).map(car).collect()).unwrap()
        };
        let first = add_car(&app, maker, "0", "30000").await;
        done(app.post(&format!("/cars/{first}/sale"), json!({"owner_id": add_owner(&app, "ada").await})).await);

        let (db, recorded) = recording(&app);
        import_cars(db.clone(), Path(id), Json(list(30_000))).await.unwrap();
        let sent: Vec<_> = recorded.statements().iter().map(|sent| (first_word(&sent.sql), sent.rows)).collect();
        let expected = [("SELECT", 1), ("SELECT", 1), ("BEGIN", 0), ("INSERT", 299), ("UPDATE", 1), ("COMMIT", 0)];
        assert_eq!(sent, expected.map(|(word, rows)| (word.to_owned(), rows)));
        recorded.clear();
        let Json(imported) = import_cars(db, Path(id), Json(list(29_000))).await.unwrap();
        assert_eq!(serde_json::to_value(imported).unwrap(), json!({"added": 0, "known": 300}));
        let sent: Vec<_> = recorded.statements().iter().map(|sent| sent.rows).collect();
        assert_eq!(sent, [1, 300, 0, 100, 0], "a hundred prices in one update");

        let sold = done(app.get(&format!("/cars/{first}")).await);
        assert_eq!((&sold["name"], &sold["owner"]["name"]), (&json!("Model 3"), &json!("ada")));
        let again = json!([{"vin": "x", "name": "x", "year": 2026, "price": 1}, {"vin": "y", "name": "y", "year": 1, "price": 1}]);
        assert_eq!(refused(app.put(&format!("/makers/{maker}/cars"), again).await, 422), "invalid_payload");
        assert_eq!(done(app.get("/cars").await)["total"], 300, "nothing of it");
    }
}

fn first_word(sql: &str) -> String {
    sql.split_whitespace().take(1).collect()
}

/// The statement's verb, and for an insert its table.
fn first_words(sql: &str) -> String {
    let words = if sql.starts_with("INSERT") { 3 } else { 1 };
    sql.split_whitespace().take(words).collect::<Vec<_>>().join(" ")
}
