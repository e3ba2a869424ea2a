//! `App::test`: a program under test has its own databases, and leaves none behind.

use crocus::orm::{DatabaseUrl, Model as _};
use crocus::prelude::*;
use serde_json::json;

#[derive(Debug, Clone, Model, serde::Serialize)]
#[model(table = "cars")]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(unique)]
    name: String,
}

async fn create_car(db: Db, Payload(new): Payload<NewCar>) -> Result<Json<Car>> {
    Ok(Json(Car::insert(&db, new).await?))
}

async fn first_car(db: Db) -> Result<Json<Car>> {
    Ok(Json(Car::select().order_by(Car::ID.asc()).first_or_404(&db).await?))
}

fn app() -> App {
    App::new("cars").model::<Car>().route("/cars", post(create_car).get(first_car))
}

#[tokio::test]
async fn two_programs_do_not_see_each_other() {
    for server in [None, Some(crocus_testing::postgres().url("postgres"))] {
        let (one, other) = (app().test_on(server.as_deref()).await, app().test_on(server.as_deref()).await);
        let new = json!({"name": "Model 3"});
        assert_eq!(one.post("/cars", new.clone()).await.json(), json!({"id": 1, "name": "Model 3"}));
        assert_eq!(one.post("/cars", new.clone()).await.status(), 409);
        assert_eq!(other.get("/cars").await.json()["detail"], "no car was found");
        assert_eq!(other.get("/cars").await.status(), 404);
        assert_eq!(other.post("/cars", new).await.status(), 200);
        assert_eq!(one.get("/cars").await.json()["name"], "Model 3");

        let url: DatabaseUrl = one.db().url().clone();
        assert!(url.database_exists().await.unwrap());
        drop(one);
        assert!(!url.database_exists().await.unwrap(), "{url}");
    }
}
