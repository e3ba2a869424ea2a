//! Cars.

use serde_json::json;

use crate::{add_car, add_maker, add_owner, all, done, each, refused};

#[tokio::test]
async fn cars_are_found_by_what_they_are() {
    for app in each().await {
        let (tesla, bmw) = (add_maker(&app, "Tesla").await, add_maker(&app, "BMW").await);
        add_car(&app, tesla, "Model 3", "9000.50").await;
        let sold = add_car(&app, tesla, "Model S", "60000").await;
        add_car(&app, bmw, "i3", "10000").await;
        let ada = add_owner(&app, "ada").await;
        done(app.post(&format!("/cars/{sold}/sale"), json!({"owner_id": ada})).await);

        for (query, names) in [
            ("", &["Model S", "i3", "Model 3"][..]),
            ("?state=for_sale", &["i3", "Model 3"]),
            ("?state=sold", &["Model S"]),
            (&format!("?maker={tesla}&max_price=9000.5"), &["Model 3"]),
            ("?page=2", &[]),
        ] {
            let found = done(app.get(&format!("/cars{query}")).await);
            assert_eq!(all(&found["cars"], "name"), names, "{query}");
        }
        let found = done(app.get("/cars?page=2").await);
        assert_eq!(found["total"], 3);
        let found = done(app.get("/cars").await);
        assert_eq!(found["cars"][1]["maker"]["name"], "BMW");
        assert_eq!(refused(app.get("/cars?state=gone").await, 400), "invalid_query");
    }
}

#[tokio::test]
async fn a_car_has_what_the_payload_says_or_the_database() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = json!({
            "maker_id": maker, "vin": "5YJ3", "name": "Model 3", "year": 2024, "price": "39990.00",
            "state": "reserved", "equipment": ["heated seats", "tow bar"],
        });
        let made = done(app.post("/cars", car).await);
        let expected = json!({
            "id": 1, "maker_id": maker, "owner_id": null, "vin": "5YJ3", "name": "Model 3", "year": 2024,
            "price": "39990.00", "state": "reserved", "equipment": ["heated seats", "tow bar"], "version": 1,
        });
        assert_eq!(made, expected);
        let plain = json!({"maker_id": maker, "vin": "5YJ4", "name": "Model S", "year": 2024, "price": 1});
        let made = done(app.post("/cars", plain).await);
        assert_eq!((&made["state"], &made["equipment"]), (&json!("for_sale"), &json!([])));

        let wrong = json!({"maker_id": 9, "vin": "5YJ5", "name": "?", "year": 2024, "price": 1});
        assert_eq!(refused(app.post("/cars", wrong).await, 409), "foreign_key_violation");
        let wrong = json!({"maker_id": maker, "vin": "5YJ5", "name": "?", "year": 1700, "price": 1});
        let answer = app.post("/cars", wrong).await;
        assert_eq!(answer.json()["errors"], json!([{"pointer": "/year", "detail": "must satisfy year >= 1886"}]));
        let answer = app.post("/cars", json!({"maker_id": maker, "state": "stolen", "price": "much"})).await;
        assert_eq!(all(&answer.json()["errors"], "pointer"), ["/vin", "/name", "/year", "/price", "/state"]);
    }
}

#[tokio::test]
async fn a_car_comes_with_all_that_belongs_to_it() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = add_car(&app, maker, "Model 3", "30000").await;
        let path = format!("/cars/{car}");
        assert_eq!(done(app.get(&path).await)["owner"], json!(null));
        let ada = add_owner(&app, "ada").await;
        done(app.post(&format!("{path}/sale"), json!({"owner_id": ada})).await);
        done(app.put(&format!("{path}/tags/electric"), json!({})).await);

        let whole = done(app.get(&path).await);
        assert_eq!((&whole["maker"]["name"], &whole["owner"]["name"]), (&json!("Tesla"), &json!("ada")));
        assert_eq!(all(&whole["tags"], "name"), ["electric"]);
        assert_eq!(refused(app.get("/cars/99").await, 404), "not_found");
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = add_car(&app, maker, "Model 3", "30000").await;
        let path = format!("/cars/{car}");
        let changed = done(app.patch(&path, json!({"price": "28000", "equipment": ["radio"]})).await);
        assert_eq!((&changed["price"], &changed["equipment"]), (&json!("28000"), &json!(["radio"])));
        assert_eq!(changed["name"], "Model 3");
        assert_eq!(refused(app.patch(&path, json!({"price": "-1"})).await, 422), "invalid_payload");
    }
}
