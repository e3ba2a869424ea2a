//! Deliveries: many cars at once.

use crocus::prelude::*;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::models::{Car, Maker, NewCar, NewMaker};

/// The cars that a maker sends.
#[derive(Debug, Deserialize)]
pub struct Delivery {
    maker: NamedMaker,
    cars: Vec<DeliveredCar>,
}

/// A maker that may be new.
#[derive(Debug, Deserialize)]
pub struct NamedMaker {
    name: String,
    country: String,
}

/// A car without a maker.
#[derive(Debug, Deserialize)]
pub struct DeliveredCar {
    vin: String,
    name: String,
    year: i32,
    price: Decimal,
}

/// A maker and the cars that came.
#[derive(Debug, Serialize)]
pub struct Delivered {
    maker: Maker,
    cars: Vec<Car>,
}

/// `POST /deliveries`
// A unit of work: the cars refer to a maker that may have no key yet. Whatever their number, all of them are inserted
// by one statement, after the maker, in one transaction.
pub async fn create_delivery(db: Db, Json(delivery): Json<Delivery>) -> Result<Json<Delivered>> {
    let NamedMaker { name, country } = delivery.maker;
    let mut session = db.session();
    let known = session.first(Maker::select().filter(Maker::NAME.eq(&name))).await?;
    let maker = known.unwrap_or_else(|| session.add(NewMaker { name, country }));
    let cars = session.add_all(delivery.cars.into_iter().map(|car| NewCar {
        maker_id: maker.into(),
        owner_id: None,
        vin: car.vin,
        name: car.name,
        year: car.year,
        price: car.price,
        state: None,
        equipment: None,
    }));
    session.commit().await?;
    let cars = cars.into_iter().map(|car| session[car].clone()).collect();
    Ok(Json(Delivered { maker: session[maker].clone(), cars }))
}
