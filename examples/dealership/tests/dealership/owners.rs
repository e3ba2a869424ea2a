//! Owners.

use serde_json::json;

use crate::{add_car, add_maker, add_owner, all, done, each, refused};

#[tokio::test]
async fn an_owner_has_cars_and_once_had_others() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let (ada, bob) = (add_owner(&app, "ada").await, add_owner(&app, "bob").await);
        let car = add_car(&app, maker, "Model 3", "30000").await;
        add_car(&app, maker, "Model S", "60000").await;
        done(app.post(&format!("/cars/{car}/sale"), json!({"owner_id": ada})).await);
        done(app.patch(&format!("/cars/{car}"), json!({"owner_id": bob})).await);

        let owner = done(app.get(&format!("/owners/{ada}")).await);
        assert_eq!((&owner["name"], &owner["owns"]), (&json!("ada"), &json!([])));
        assert_eq!(all(&owner["bought"], "name"), ["Model 3"]);
        let owner = done(app.get(&format!("/owners/{bob}")).await);
        assert_eq!((all(&owner["owns"], "name"), &owner["bought"]), (vec!["Model 3".to_owned()], &json!([])));
        let again = app.post("/owners", json!({"name": "eve", "email": "ada@example.org"})).await;
        assert_eq!(refused(again, 409), "unique_violation");
    }
}
