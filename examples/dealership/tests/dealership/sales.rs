//! Sales.

use serde_json::json;

use crate::{add_car, add_maker, add_owner, done, each, refused};

#[tokio::test]
async fn a_car_is_sold_once_and_the_audit_log_knows() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = add_car(&app, maker, "Model 3", "30000").await;
        let ada = add_owner(&app, "ada").await;
        let path = format!("/cars/{car}/sale");
        assert_eq!(refused(app.post(&path, json!({"owner_id": 99})).await, 404), "not_found");
        let wrong = app.post(&path, json!({"owner_id": "ada"})).await;
        assert_eq!(wrong.json()["errors"][0]["pointer"], "/owner_id");
        assert_eq!(refused(app.post(&path, json!({"owner_id": ada, "price": "-1"})).await, 422), "invalid_payload");
        let unsold = done(app.get(&format!("/cars/{car}")).await);
        assert_eq!((&unsold["state"], &unsold["owner"]), (&json!("for_sale"), &json!(null)), "it was rolled back");

        let sale = done(app.post(&path, json!({"owner_id": ada, "price": "29500.00"})).await);
        assert_eq!((&sale["price"], &sale["owner_id"]), (&json!("29500.00"), &json!(ada)));
        assert_eq!(refused(app.post(&path, json!({"owner_id": ada})).await, 409), "already_sold");
        let sold = done(app.get(&format!("/cars/{car}")).await);
        assert_eq!((&sold["state"], &sold["owner"]["name"]), (&json!("sold"), &json!("ada")));

        let log = done(app.get("/audit").await);
        assert_eq!(log["count"], 1);
        assert_eq!(log["entries"][0]["event"], format!("car {car} was sold to owner {ada} for 29500.00"));
    }
}

#[tokio::test]
async fn of_two_who_want_it_at_once_one_gets_it() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let car = add_car(&app, maker, "Model 3", "30000").await;
        let (ada, bob) = (add_owner(&app, "ada").await, add_owner(&app, "bob").await);
        let buy = async |owner: i64| app.post(&format!("/cars/{car}/sale"), json!({"owner_id": owner})).await;
        let (one, other) = tokio::join!(buy(ada), buy(bob));
        let mut statuses = [one.status().as_u16(), other.status().as_u16()];
        statuses.sort();
        assert_eq!(statuses, [200, 409], "{} {}", one.text(), other.text());
        assert_eq!(done(app.get("/audit").await)["count"], 1);
    }
}
