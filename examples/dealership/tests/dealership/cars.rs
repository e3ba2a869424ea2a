//! Cars.

use crocus::orm::FromJson;
use crocus::prelude::*;
use crocus::testing::assert_statements;
use dealership::handlers::cars::{get_car, list_cars, replace_car};
use dealership::handlers::owners::get_owner;
use dealership::models::{Car, NewCar};
use rust_decimal::Decimal;
use serde_json::json;

use crate::{add_car, add_maker, add_owner, all, done, each, recording, refused};

#[tokio::test]
async fn cars_are_found_by_what_they_are() {
    for app in each().await {
        let (tesla, bmw) = (add_maker(&app, "Tesla").await, add_maker(&app, "BMW").await);
        add_car(&app, tesla, "Model 3", "9000.50").await;
        let sold = add_car(&app, tesla, "Model S", "60000").await;
        add_car(&app, bmw, "i3", "10000").await;
        let ada = add_owner(&app, "ada").await;
        done(app.post(&format!("/cars/{sold}/sale"), json!({"owner_id": ada})).await);

        done(app.put(&format!("/cars/{sold}/tags/fast"), json!({})).await);

        for (query, names) in [
            ("", &["Model S", "i3", "Model 3"][..]),
            ("?state=for_sale", &["i3", "Model 3"]),
            ("?state=sold", &["Model S"]),
            (&format!("?maker={tesla}&max_price=9000.5"), &["Model 3"]),
            ("?name=model", &["Model S", "Model 3"]),
            ("?tag=fast", &["Model S"]),
        ] {
            let found = done(app.get(&format!("/cars{query}")).await);
            assert_eq!(all(&found["cars"], "name"), names, "{query}");
        }
        let found = done(app.get("/cars").await);
        assert_eq!((&found["total"], &found["pages"], &found["next"]), (&json!(3), &json!(1), &json!(null)));
        assert_eq!(refused(app.get("/cars?page=2").await, 404), "not_found");
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

#[tokio::test]
async fn a_car_is_replaced_and_nothing_is_sent_where_nothing_changed() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = add_car(&app, maker, "Model 3", "30000").await;
        let path = format!("/cars/{car}");
        let new = json!({"maker_id": maker, "vin": "5YJ3", "name": "Model 3", "year": 2025, "price": "28000"});
        let replaced = done(app.put(&path, new.clone()).await);
        assert_eq!(
            (&replaced["vin"], &replaced["year"], &replaced["version"]),
            (&json!("5YJ3"), &json!(2025), &json!(2))
        );
        assert_eq!(done(app.put(&path, new.clone()).await)["version"], 2);

        let (db, recorded) = recording(&app);
        let serde_json::Value::Object(new) = new else { unreachable!() };
        let new = NewCar::from_json(new).unwrap();
        replace_car(db, Path(i32::try_from(car).unwrap()), Payload(new)).await.unwrap();
        assert_eq!(recorded.statements().len(), 1, "only the car was read");
    }
}

#[tokio::test]
async fn a_price_is_for_the_version_that_was_seen() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = add_car(&app, maker, "Model 3", "30000").await;
        let path = format!("/cars/{car}/price");
        let changed = done(app.put(&path, json!({"price": "29000", "version": 1})).await);
        assert_eq!((&changed["price"], &changed["version"]), (&json!("29000"), &json!(2)));
        let late = app.put(&path, json!({"price": "31000", "version": 1})).await;
        assert_eq!(refused(late, 409), "stale_object");
        assert_eq!(refused(app.put(&path, json!({"price": "-1", "version": 2})).await, 422), "invalid_payload");

        let log = done(app.get("/audit").await);
        let event = format!("the price of car {car} changed from 30000 to 29000");
        assert_eq!(all(&log["entries"], "event"), [event], "only what was done is in the log");
    }
}

#[tokio::test]
async fn of_two_prices_at_once_one_is_refused() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = i32::try_from(add_car(&app, maker, "Model 3", "30000").await).unwrap();
        let (mut one, mut other) = (app.db().session(), app.db().session());
        let (first, second) =
            (one.get::<Car>(car).await.unwrap().unwrap(), other.get::<Car>(car).await.unwrap().unwrap());
        one[first].price += Decimal::ONE;
        other[second].price -= Decimal::ONE;
        one.commit().await.unwrap();
        let problem = Problem::from(other.commit().await.unwrap_err());
        assert_eq!((problem.status().as_u16(), problem.code()), (409, "stale_object"));
    }
}

#[tokio::test]
async fn pages_of_a_search_follow_each_other() {
    for app in each().await {
        let car = |n: u32| json!({"vin": n.to_string(), "name": "Model 3", "year": 2026, "price": 30_000 - n / 10});
        let cars: Vec<_> = (0..45).map(car).collect();
        let delivery = json!({"maker": {"name": "Tesla", "country": "US"}, "cars": cars});
        done(app.post("/deliveries", delivery).await);
        let bmw = add_maker(&app, "BMW").await;
        add_car(&app, bmw, "i3", "10000").await;

        let (mut path, mut pages) = ("/search?text=tesla".to_owned(), Vec::new());
        loop {
            let page = done(app.get(&path).await);
            pages.push(all(&page["cars"], "id"));
            let Some(cursor) = page["next"].as_str() else { break };
            path = format!("/search?text=tesla&after={cursor}");
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 5]);
        let expected: Vec<_> = Car::select()
            .filter(Car::NAME.eq("Model 3"))
            .order_by(Car::PRICE.asc())
            .order_by(Car::ID.asc())
            .map(|car| car.id.to_string())
            .all(app.db())
            .await
            .unwrap();
        assert_eq!(pages.concat(), expected);

        let last = done(app.get(&path).await);
        let back = format!("/search?text=tesla&before={}", last["previous"].as_str().unwrap());
        assert_eq!(all(&done(app.get(&back).await)["cars"], "id"), pages[1]);
        assert_eq!(all(&done(app.get("/search?text=I3").await)["cars"], "name"), ["i3"]);
        assert_eq!(refused(app.get("/search?text=x&after=nonsense").await, 422), "invalid_value");
    }
}

#[tokio::test]
async fn what_belongs_to_cars_is_read_with_them() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let (car, owner) = (add_car(&app, maker, "Model 3", "30000").await, add_owner(&app, "ada").await);
        add_car(&app, maker, "Model S", "60000").await;
        done(app.post(&format!("/cars/{car}/sale"), json!({"owner_id": owner})).await);
        done(app.put(&format!("/cars/{car}/tags/fast"), json!({})).await);

        let all = || Query(serde_json::from_value(json!({})).unwrap());
        let (car, owner) = (i32::try_from(car).unwrap(), i32::try_from(owner).unwrap());
        // The cars with their makers, and how many there are.
        assert_statements(app.db(), 2, async |db| list_cars(db.into(), all()).await).await.unwrap();
        // The car with its maker and its owner, and its tags.
        assert_statements(app.db(), 2, async |db| get_car(db.into(), Path(car)).await).await.unwrap();
        // The owner, the cars owned and the cars bought.
        assert_statements(app.db(), 3, async |db| get_owner(db.into(), Path(owner)).await).await.unwrap();
    }
}
