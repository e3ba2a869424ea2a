//! The tutorial's handlers, by hand.

use crocus::prelude::*;
use serde::Serialize;

use crate::models::{Car, NewCar};

/// `{"hello":"world"}`
#[derive(Debug, Serialize)]
pub struct Hello {
    hello: &'static str,
}

/// `{"message":"..."}`
#[derive(Debug, Serialize)]
pub struct Message {
    message: String,
}

/// `{"message":"success","car":{...}}`
#[derive(Debug, Serialize)]
pub struct Found {
    message: &'static str,
    car: Car,
}

/// `GET /`
pub async fn hello() -> Json<Hello> {
    Json(Hello { hello: "world" })
}

/// `POST /cars`
pub async fn create_car(db: Db, Payload(new): Payload<NewCar>) -> Result<Json<Message>> {
    let mut session = db.session();
    let car = session.add(new);
    session.commit().await?;
    Ok(Json(Message { message: format!("car {} has been created successfully.", session[car].name) }))
}

/// `GET /cars`
pub async fn list_cars(db: Db) -> Result<Response> {
    let cars = Car::select().order_by(Car::ID.asc()).stream(&db).await?;
    List::new("cars", "count", cars).respond().await
}

/// `GET /cars/{id}`
pub async fn get_car(db: Db, Path(id): Path<i32>) -> Result<Json<Found>> {
    let car = Car::get_or_404(&db, id).await?;
    Ok(Json(Found { message: "success", car }))
}

/// `PUT /cars/{id}`
pub async fn update_car(db: Db, Path(id): Path<i32>, Payload(new): Payload<NewCar>) -> Result<Json<Message>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    session[car].assign(new)?;
    session.commit().await?;
    Ok(Json(Message { message: format!("car {} successfully updated", session[car].name) }))
}

/// `DELETE /cars/{id}`
pub async fn delete_car(db: Db, Path(id): Path<i32>) -> Result<Json<Message>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    let message = format!("Car {} successfully deleted.", session[car].name);
    session.delete(car);
    session.commit().await?;
    Ok(Json(Message { message }))
}
