//! Makers.

use crocus::prelude::{Json, Path};
use dealership::handlers::makers::{create_discount, get_maker};
use serde_json::json;

use crate::{add_car, add_maker, add_owner, all, done, each, recording, refused};

#[tokio::test]
async fn a_maker_comes_with_its_cars_and_their_tags() {
    for app in each().await {
        let tesla = add_maker(&app, "Tesla").await;
        let bmw = add_maker(&app, "BMW").await;
        let car = add_car(&app, tesla, "Model Y", "40000").await;
        add_car(&app, tesla, "Model 3", "30000").await;
        add_car(&app, bmw, "i3", "10000").await;
        for tag in ["suv", "electric"] {
            done(app.put(&format!("/cars/{car}/tags/{tag}"), json!({})).await);
        }

        let maker = done(app.get(&format!("/makers/{tesla}")).await);
        assert_eq!((&maker["name"], &maker["country"]), (&json!("Tesla"), &json!("US")));
        assert_eq!(all(&maker["cars"], "name"), ["Model 3", "Model Y"]);
        assert_eq!(maker["cars"][0]["tags"], json!([]));
        assert_eq!(all(&maker["cars"][1]["tags"], "name"), ["electric", "suv"]);
        assert_eq!(refused(app.get("/makers/99").await, 404), "not_found");
    }
}

#[tokio::test]
async fn however_many_cars_it_takes_three_statements() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        for number in 0..5 {
            let car = add_car(&app, maker, &format!("Model {number}"), "30000").await;
            done(app.put(&format!("/cars/{car}/tags/electric"), json!({})).await);
        }
        let (db, recorded) = recording(&app);
        get_maker(db, Path(i32::try_from(maker).unwrap())).await.unwrap();
        assert_eq!(recorded.statements().len(), 3);

        let sent = done(app.get(&format!("/makers/{maker}/statements")).await);
        assert_eq!(all(&sent, "rows"), ["1", "5", "5"]);
        assert_eq!(sent[0]["values"], json!([maker.to_string(), "2"]), "the key, and the limit of `one`");
    }
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_maker_with_cars_stays() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let again = app.post("/makers", json!({"name": "Tesla", "country": "US"})).await;
        assert_eq!(again.json()["errors"], json!([{"pointer": "/name", "detail": "must be unique"}]));
        assert_eq!(refused(again, 409), "unique_violation");

        let path = format!("/makers/{maker}");
        add_car(&app, maker, "Model 3", "30000").await;
        assert_eq!(refused(app.delete(&path).await, 409), "foreign_key_violation");
        let other = add_maker(&app, "Saab").await;
        assert_eq!(done(app.delete(&format!("/makers/{other}")).await)["name"], "Saab");
        assert_eq!(refused(app.delete(&format!("/makers/{other}")).await, 404), "not_found");
    }
}

#[tokio::test]
async fn a_discount_is_for_the_cars_on_sale() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let sold = add_car(&app, maker, "Model S", "60000").await;
        add_car(&app, maker, "Model 3", "30000").await;
        add_car(&app, maker, "Model Y", "40000.99").await;
        let ada = add_owner(&app, "ada").await;
        done(app.post(&format!("/cars/{sold}/sale"), json!({"owner_id": ada})).await);

        let (db, recorded) = recording(&app);
        let percent = serde_json::from_value(json!({"percent": 10})).unwrap();
        create_discount(db, Path(i32::try_from(maker).unwrap()), Json(percent)).await.unwrap();
        let sent: Vec<_> = recorded.statements().iter().map(|sent| sent.rows).collect();
        assert_eq!(
            sent,
            [1, 3, 0, 2, 0],
            "the maker, its cars, and one update of two of them between BEGIN and COMMIT"
        );
        let found = done(app.get("/cars").await);
        assert_eq!(all(&found["cars"], "price"), ["60000", "36000.89", "27000"]);
    }
}

#[tokio::test]
async fn a_discount_of_a_price_of_any_size_is_a_price_and_one_beyond_100_is_refused() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        add_car(&app, maker, "Gold", "79228162514264337593543950335").await;
        let path = format!("/makers/{maker}/discount");
        for percent in [json!(-1), json!("100.5")] {
            assert_eq!(refused(app.post(&path, json!({"percent": percent})).await, 422), "invalid_payload");
        }
        let cars = done(app.post(&path, json!({"percent": 99})).await);
        assert_eq!(all(&cars, "price"), ["792281625142643375935439503"]);
    }
}
