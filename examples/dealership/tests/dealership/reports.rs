//! Reports.

use crocus::orm::Model as _;
use crocus::testing::TestApp;
use dealership::models::{NewSale, Sale};
use serde_json::json;

use crate::{add_car, add_maker, add_owner, all, done, each};

/// Three cars of Tesla, the dearest sold, and one of BMW.
async fn add_cars(app: &TestApp) {
    let (tesla, bmw) = (add_maker(app, "Tesla").await, add_maker(app, "BMW").await);
    add_car(app, tesla, "Model 3", "9000.10").await;
    add_car(app, tesla, "Model Y", "40000").await;
    let sold = add_car(app, tesla, "Model S", "60000.20").await;
    add_car(app, bmw, "i3", "10000").await;
    add_maker(app, "Saab").await;
    let ada = add_owner(app, "ada").await;
    done(app.post(&format!("/cars/{sold}/sale"), json!({"owner_id": ada})).await);
}

#[tokio::test]
async fn makers_in_numbers() {
    for app in each().await {
        add_cars(&app).await;
        let bmw = json!({"maker": "BMW", "cars": 1, "for_sale": 1, "average_price": "10000"});
        let tesla = json!({"maker": "Tesla", "cars": 3, "for_sale": 2, "average_price": "36333.43"});
        assert_eq!(done(app.get("/reports/makers").await), json!([bmw, tesla]));
        assert_eq!(done(app.get("/reports/makers?at_least=2").await), json!([tesla]));
    }
}

#[tokio::test]
async fn the_dearest_two_of_each_maker() {
    for app in each().await {
        add_cars(&app).await;
        let cars = done(app.get("/reports/dearest").await);
        assert_eq!(all(&cars, "car"), ["i3", "Model S", "Model Y"]);
        assert_eq!(cars[2], json!({"maker": "Tesla", "place": 2, "car": "Model Y", "price": "40000"}));
    }
}

#[tokio::test]
async fn the_revenue_of_each_month() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = i32::try_from(add_car(&app, maker, "Model 3", "9000.10").await).unwrap();
        let owner = i32::try_from(add_owner(&app, "ada").await).unwrap();
        for (price, sold_on) in [("0.10", "2026-01-31"), ("0.20", "2026-01-01"), ("7", "2025-12-31")] {
            let (price, sold_on) = (price.parse().unwrap(), Some(sold_on.parse().unwrap()));
            let sale = NewSale { car_id: car.into(), owner_id: owner.into(), price, sold_on };
            Sale::insert(app.db(), sale).await.unwrap();
        }
        let january = json!({"year": 2026, "month": 1, "sales": 2, "revenue": "0.30"});
        let december = json!({"year": 2025, "month": 12, "sales": 1, "revenue": "7"});
        assert_eq!(done(app.get("/reports/revenue").await), json!([january, december]));
    }
}
