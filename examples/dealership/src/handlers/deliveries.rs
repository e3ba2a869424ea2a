//! Deliveries: many cars at once.

use std::collections::HashMap;

use crocus::orm::Handle;
use crocus::prelude::*;
use crocus::utoipa::{self, ToSchema};
use crocus::web::openapi::{ConflictProblem, NotFoundProblem, PayloadProblems, given};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::api::{self, CarJson, MakerJson};
use crate::models::{Car, Maker, NewCar, NewMaker};

/// The cars that a maker sends.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Delivery {
    maker: NamedMaker,
    cars: Vec<DeliveredCar>,
}

/// A maker that may be new.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NamedMaker {
    #[schema(schema_with = given::<String>)]
    name: String,
    #[schema(schema_with = given::<String>)]
    country: String,
}

/// A car without a maker.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DeliveredCar {
    #[schema(schema_with = given::<String>)]
    vin: String,
    #[schema(schema_with = given::<String>)]
    name: String,
    #[schema(schema_with = api::year)]
    year: i32,
    #[schema(schema_with = api::price)]
    price: Decimal,
}

/// A maker and the cars that came.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivered {
    #[schema(value_type = MakerJson)]
    maker: Maker,
    #[schema(value_type = Vec<CarJson>)]
    cars: Vec<Car>,
}

/// Takes a delivery
///
/// A maker, which may be new, and its cars.
// A unit of work: the cars refer to a maker that may have no key yet. Whatever their number, all of them are inserted
// by one statement, after the maker, in one transaction.
#[utoipa::path(
    post, path = "/deliveries", tag = "deliveries",
    request_body = Delivery,
    responses((status = 200, description = "What came.", body = Delivered), PayloadProblems, ConflictProblem)
)]
pub async fn create_delivery(db: Db, Json(delivery): Json<Delivery>) -> Result<Json<Delivered>> {
    let NamedMaker { name, country } = delivery.maker;
    let mut session = db.session();
    let known = session.first(Maker::select().filter(Maker::NAME.eq(&name))).await?;
    let maker = known.unwrap_or_else(|| session.add(NewMaker { name, country }));
    let cars = session.add_all(delivery.cars.into_iter().map(|car| car.of(maker)));
    session.commit().await?;
    let cars = cars.into_iter().map(|car| session[car].clone()).collect();
    Ok(Json(Delivered { maker: session[maker].clone(), cars }))
}

/// How many cars an import added, and how many were there.
#[derive(Debug, Serialize, ToSchema)]
pub struct Imported {
    #[schema(value_type = u64)]
    added: usize,
    #[schema(value_type = u64)]
    known: usize,
}

/// Imports cars of a maker
///
/// Cars are known by their identification number.
// An import: one query finds the cars that are known by their identification number, then one statement inserts the
// others and one updates those of which something changed.
#[utoipa::path(
    put, path = "/makers/{id}/cars", tag = "deliveries",
    params(("id" = i32, Path, description = "The key.")),
    request_body = Vec<DeliveredCar>,
    responses(
        (status = 200, description = "How many came.", body = Imported),
        NotFoundProblem,
        PayloadProblems,
        ConflictProblem,
    )
)]
pub async fn import_cars(db: Db, Path(id): Path<i32>, Json(cars): Json<Vec<DeliveredCar>>) -> Result<Json<Imported>> {
    let mut session = db.session();
    let maker = session.get_or_404::<Maker>(id).await?;
    let vins = cars.iter().map(|car| &car.vin);
    let known = session.all(Car::select().filter(Car::VIN.is_in(vins))).await?;
    let known: HashMap<_, _> = known.into_iter().map(|car| (session[car].vin.clone(), car)).collect();
    let count = cars.len();
    for car in cars {
        match known.get(&car.vin) {
            Some(known) => {
                let DeliveredCar { name, year, price, .. } = car;
                let known = &mut session[*known];
                (known.maker_id, known.name, known.year, known.price) = (id, name, year, price);
            }
            None => {
                session.add(car.of(maker));
            }
        }
    }
    session.commit().await?;
    Ok(Json(Imported { added: count - known.len(), known: known.len() }))
}

impl DeliveredCar {
    /// What its insert needs. The maker may be one that is not inserted yet.
    fn of(self, maker: Handle<Maker>) -> NewCar {
        let DeliveredCar { vin, name, year, price } = self;
        NewCar { maker_id: maker.into(), owner_id: None, vin, name, year, price, state: None, equipment: None }
    }
}
