//! The tutorial's handlers, by hand, with what the OpenAPI document says of them.

use crocus::prelude::*;
use crocus::utoipa::{self, OpenApi, ToSchema};
use crocus::web::openapi::{NewRow, NotFoundProblem, PayloadProblems};
use serde::Serialize;

use crate::models::{Car, NewCar};

/// What the program says of its API.
#[derive(OpenApi)]
#[openapi(
    info(
        description = "The tutorial's API for cars.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(hello, create_car, list_cars, get_car, update_car, delete_car),
    tags((name = "tutorial", description = "The tutorial's own routes, written by hand."))
)]
pub struct Api;

/// A car as JSON, both ways: without the key, which is not shown.
type CarJson = NewRow<Car>;

/// `{"hello":"world"}`
#[derive(Debug, Serialize, ToSchema)]
pub struct Hello {
    hello: &'static str,
}

/// `{"message":"..."}`
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    message: String,
}

/// `{"message":"success","car":{...}}`
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    message: &'static str,
    #[schema(value_type = CarJson)]
    car: Car,
}

/// `{"count":1,"cars":[{...}]}`
#[derive(ToSchema)]
#[expect(dead_code, reason = "`List` writes it as it goes")]
struct Cars {
    count: u64,
    #[schema(value_type = Vec<CarJson>)]
    cars: Vec<Car>,
}

/// Says hello
///
/// Always the same.
#[utoipa::path(
    get, path = "/", tag = "tutorial",
    responses((status = 200, description = "The greeting.", body = Hello))
)]
pub async fn hello() -> Json<Hello> {
    Json(Hello { hello: "world" })
}

/// Creates a car
///
/// All mistakes of the body are told at once.
#[utoipa::path(
    post, path = "/cars", tag = "tutorial",
    request_body = CarJson,
    responses((status = 200, description = "The car is there.", body = Message), PayloadProblems)
)]
pub async fn create_car(db: Db, Payload(new): Payload<NewCar>) -> Result<Json<Message>> {
    let mut session = db.session();
    let car = session.add(new);
    session.commit().await?;
    Ok(Json(Message { message: format!("car {} has been created successfully.", session[car].name) }))
}

/// Lists all cars
///
/// In the order of their keys, streamed: there may be any number.
#[utoipa::path(
    get, path = "/cars", tag = "tutorial",
    responses((status = 200, description = "All cars, in the order of their keys.", body = Cars))
)]
pub async fn list_cars(db: Db) -> Result<Response> {
    let cars = Car::select().order_by(Car::ID.asc()).stream(&db).await?;
    List::new("cars", "count", cars).respond().await
}

/// Gets a car
///
/// One car, by its key.
#[utoipa::path(
    get, path = "/cars/{id}", tag = "tutorial",
    params(("id" = i32, Path, description = "The car's key.")),
    responses((status = 200, description = "The car.", body = Found), NotFoundProblem)
)]
pub async fn get_car(db: Db, Path(id): Path<i32>) -> Result<Json<Found>> {
    let car = Car::get_or_404(&db, id).await?;
    Ok(Json(Found { message: "success", car }))
}

/// Replaces a car
///
/// The whole car; the key stays.
#[utoipa::path(
    put, path = "/cars/{id}", tag = "tutorial",
    params(("id" = i32, Path, description = "The car's key.")),
    request_body = CarJson,
    responses(
        (status = 200, description = "It is replaced.", body = Message),
        NotFoundProblem,
        PayloadProblems,
    )
)]
pub async fn update_car(db: Db, Path(id): Path<i32>, Payload(new): Payload<NewCar>) -> Result<Json<Message>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    session[car].assign(new)?;
    session.commit().await?;
    Ok(Json(Message { message: format!("car {} successfully updated", session[car].name) }))
}

/// Deletes a car
///
/// One car, by its key.
#[utoipa::path(
    delete, path = "/cars/{id}", tag = "tutorial",
    params(("id" = i32, Path, description = "The car's key.")),
    responses((status = 200, description = "It is gone.", body = Message), NotFoundProblem)
)]
pub async fn delete_car(db: Db, Path(id): Path<i32>) -> Result<Json<Message>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    let message = format!("Car {} successfully deleted.", session[car].name);
    session.delete(car);
    session.commit().await?;
    Ok(Json(Message { message }))
}
