//! Makers: what stands on the other side of a foreign key.

use crocus::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::models::{Car, CarState, Maker, NewMaker, Tag};

/// A maker with its cars, and these with their tags.
#[derive(Debug, Serialize)]
pub struct MakerWithCars {
    #[serde(flatten)]
    maker: Maker,
    cars: Vec<CarWithTags>,
}

/// A car with its tags.
#[derive(Debug, Serialize)]
pub struct CarWithTags {
    #[serde(flatten)]
    car: Car,
    tags: Vec<Tag>,
}

/// `POST /makers`
// One insert needs no session. The payload is checked against the model; a name that is taken is a 409.
pub async fn create_maker(db: Db, Payload(new): Payload<NewMaker>) -> Result<Json<Maker>> {
    Ok(Json(Maker::insert(&db, new).await?))
}

/// `GET /makers/{id}`
// Eager loading, two levels deep: one query for the maker, one for its cars, one for the tags of all of them.
pub async fn get_maker(db: Db, Path(id): Path<i32>) -> Result<Json<MakerWithCars>> {
    let cars = Maker::CARS.order_by(Car::NAME.asc()).with(Car::TAGS.order_by(Tag::NAME.asc()));
    let (maker, cars) = Maker::select().filter(Maker::ID.eq(id)).with(cars).one_or_404(&db).await?;
    let cars = cars.into_iter().map(|(car, tags)| CarWithTags { car, tags }).collect();
    Ok(Json(MakerWithCars { maker, cars }))
}

/// `DELETE /makers/{id}`
// A foreign key that still points to the row is a 409 on both databases.
pub async fn delete_maker(db: Db, Path(id): Path<i32>) -> Result<Json<Maker>> {
    let mut session = db.session();
    let maker = session.get_or_404::<Maker>(id).await?;
    let deleted = session[maker].clone();
    session.delete(maker);
    session.commit().await?;
    Ok(Json(deleted))
}

/// How much cheaper.
#[derive(Debug, Deserialize)]
pub struct Discount {
    percent: Decimal,
}

/// `POST /makers/{id}/discount`
// The rows of a query as objects of a session: those that changed are written together, by one statement.
pub async fn create_discount(db: Db, Path(id): Path<i32>, Json(discount): Json<Discount>) -> Result<Json<Vec<Car>>> {
    let mut session = db.session();
    let maker = session.get_or_404::<Maker>(id).await?;
    let cars = session.load(maker, Maker::CARS).await?;
    for car in &cars {
        let car = &mut session[*car];
        if car.state == CarState::ForSale {
            car.price -= (car.price * discount.percent / Decimal::ONE_HUNDRED).round_dp(2);
        }
    }
    session.commit().await?;
    Ok(Json(cars.into_iter().map(|car| session[car].clone()).collect()))
}

/// A statement that was sent.
#[derive(Debug, Serialize)]
pub struct Sent {
    sql: String,
    values: Vec<String>,
    rows: u64,
}

/// `GET /makers/{id}/statements`
// Recorded statements: what `get_maker` sends. With `CROCUS_ECHO=true` all statements are in the log.
pub async fn list_statements(db: Db, Path(id): Path<i32>) -> Result<Json<Vec<Sent>>> {
    let (recording, recorded) = db.record();
    get_maker(Db::from(recording), Path(id)).await?;
    let sent = recorded.statements().into_iter();
    Ok(Json(sent.map(|sent| Sent { sql: sent.sql, values: sent.values, rows: sent.rows }).collect()))
}
