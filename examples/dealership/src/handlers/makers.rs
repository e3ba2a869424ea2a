//! Makers: what stands on the other side of a foreign key.

use crocus::orm::FieldError;
use crocus::prelude::*;
use crocus::utoipa::{self, ToSchema};
use crocus::web::http::StatusCode;
use crocus::web::openapi::{ConflictProblem, NotFoundProblem, PayloadProblems};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::api::{self, CarJson, MakerJson, NewMakerJson, TagJson};
use crate::models::{Car, CarState, Maker, NewMaker, Tag};

/// A maker with its cars, and these with their tags.
#[derive(Debug, Serialize, ToSchema)]
pub struct MakerWithCars {
    #[serde(flatten)]
    #[schema(value_type = MakerJson)]
    maker: Maker,
    cars: Vec<CarWithTags>,
}

/// A car with its tags.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarWithTags {
    #[serde(flatten)]
    #[schema(value_type = CarJson)]
    car: Car,
    #[schema(value_type = Vec<TagJson>)]
    tags: Vec<Tag>,
}

/// Creates a maker
///
/// Its name must be a new one.
// One insert needs no session. The payload is checked against the model; a name that is taken is a 409.
#[utoipa::path(
    post, path = "/makers", tag = "makers",
    request_body = NewMakerJson,
    responses((status = 200, description = "The maker.", body = MakerJson), PayloadProblems, ConflictProblem)
)]
pub async fn create_maker(db: Db, Payload(new): Payload<NewMaker>) -> Result<Json<Maker>> {
    Ok(Json(Maker::insert(&db, new).await?))
}

/// Gets a maker
///
/// With its cars, and their tags.
// Eager loading, two levels deep: one query for the maker, one for its cars, one for the tags of all of them.
#[utoipa::path(
    get, path = "/makers/{id}", tag = "makers",
    params(("id" = i32, Path, description = "The key.")),
    responses((status = 200, description = "The maker.", body = MakerWithCars), NotFoundProblem)
)]
pub async fn get_maker(db: Db, Path(id): Path<i32>) -> Result<Json<MakerWithCars>> {
    let cars = Maker::CARS.order_by(Car::NAME.asc()).with(Car::TAGS.order_by(Tag::NAME.asc()));
    let (maker, cars) = Maker::select().filter(Maker::ID.eq(id)).with(cars).one_or_404(&db).await?;
    let cars = cars.into_iter().map(|(car, tags)| CarWithTags { car, tags }).collect();
    Ok(Json(MakerWithCars { maker, cars }))
}

/// Deletes a maker
///
/// One without cars.
// A foreign key that still points to the row is a 409 on both databases.
#[utoipa::path(
    delete, path = "/makers/{id}", tag = "makers",
    params(("id" = i32, Path, description = "The key.")),
    responses(
        (status = 200, description = "The maker as it was.", body = MakerJson),
        NotFoundProblem,
        ConflictProblem,
    )
)]
pub async fn delete_maker(db: Db, Path(id): Path<i32>) -> Result<Json<Maker>> {
    let mut session = db.session();
    let maker = session.get_or_404::<Maker>(id).await?;
    let deleted = session[maker].clone();
    session.delete(maker);
    session.commit().await?;
    Ok(Json(deleted))
}

/// How much cheaper.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Discount {
    #[schema(schema_with = api::percent)]
    percent: Decimal,
}

/// Makes the cars of a maker cheaper
///
/// Those that are for sale.
// The rows of a query as objects of a session: those that changed are written together, by one statement.
#[utoipa::path(
    post, path = "/makers/{id}/discount", tag = "makers",
    params(("id" = i32, Path, description = "The key.")),
    request_body = Discount,
    responses(
        (status = 200, description = "All cars of the maker.", body = Vec<CarJson>),
        NotFoundProblem,
        PayloadProblems,
        ConflictProblem,
    )
)]
pub async fn create_discount(db: Db, Path(id): Path<i32>, Json(discount): Json<Discount>) -> Result<Json<Vec<Car>>> {
    if !(Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&discount.percent) {
        let error = FieldError { pointer: "/percent".to_owned(), detail: "must be between 0 and 100".to_owned() };
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_payload").with_errors(vec![error]);
        return Err(problem.with_detail("the payload is no discount"));
    }
    let mut session = db.session();
    let maker = session.get_or_404::<Maker>(id).await?;
    let cars = session.load(maker, Maker::CARS).await?;
    for car in &cars {
        let car = &mut session[*car];
        if car.state == CarState::ForSale {
            // The part first: a percentage times a large price may be too large for a decimal.
            car.price -= (car.price * (discount.percent / Decimal::ONE_HUNDRED)).round_dp(2).normalize();
        }
    }
    session.commit().await?;
    Ok(Json(cars.into_iter().map(|car| session[car].clone()).collect()))
}

/// A statement that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sent {
    sql: String,
    values: Vec<String>,
    rows: u64,
}

/// Lists the statements of a request
///
/// Those that getting the maker sends to the database.
// Recorded statements: what `get_maker` sends. With `CROCUS_ECHO=true` all statements are in the log.
#[utoipa::path(
    get, path = "/makers/{id}/statements", tag = "makers",
    params(("id" = i32, Path, description = "The key.")),
    responses((status = 200, description = "The statements.", body = Vec<Sent>), NotFoundProblem)
)]
pub async fn list_statements(db: Db, Path(id): Path<i32>) -> Result<Json<Vec<Sent>>> {
    let (recording, recorded) = db.record();
    get_maker(Db::from(recording), Path(id)).await?;
    let sent = recorded.statements().into_iter();
    Ok(Json(sent.map(|sent| Sent { sql: sent.sql, values: sent.values, rows: sent.rows }).collect()))
}
