//! Owners.

use crocus::orm::FromJson;
use crocus::prelude::Payload;
use dealership::handlers::owners::create_owner;
use dealership::models::NewOwner;
use serde_json::json;

use crate::{add_car, add_maker, add_owner, all, done, each, recording};

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
    }
}

#[tokio::test]
async fn an_owner_has_an_address_and_secrets() {
    for app in each().await {
        let ada = add_owner(&app, "ada").await;
        let bob =
            json!({"name": "bob", "email": "b@example.org", "address": {"street": "2 Side Street", "city": "Bonn"}});
        done(app.post("/owners", bob.clone()).await);
        let found = done(app.get("/owners?city=Ulm").await);
        assert_eq!(all(&found, "id"), [ada.to_string()]);
        assert_eq!(found[0]["address"], json!({"street": "1 Main Street", "city": "Ulm"}));
        let wrong = app.post("/owners", json!({"name": "eve", "email": "e", "address": {"street": 2}})).await;
        assert_eq!(all(&wrong.json()["errors"], "pointer"), ["/address/street", "/address/city"]);

        let (db, recorded) = recording(&app);
        let again = serde_json::from_value(bob).map(|bob| NewOwner::from_json(bob).unwrap()).unwrap();
        let problem = create_owner(db, Payload(again)).await.unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.code()), (409, "unique_violation"));
        let sent = &recorded.statements()[0];
        assert!(sent.sql.starts_with("INSERT INTO \"owners\""), "{}", sent.sql);
        for secret in ["b@example.org", "2 Side Street"] {
            assert!(!format!("{sent:?}{problem:?}").contains(secret), "{sent:?} {problem:?}");
        }
    }
}
