//! Deliveries.

use crocus::prelude::Json;
use dealership::handlers::deliveries::create_delivery;
use serde_json::{Value, json};

use crate::{add_maker, all, done, each, recording, refused};

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

/// The statement's verb, and for an insert its table.
fn first_words(sql: &str) -> String {
    let words = if sql.starts_with("INSERT") { 3 } else { 1 };
    sql.split_whitespace().take(words).collect::<Vec<_>>().join(" ")
}
