//! Reports: what is computed from many rows.

use crocus::orm::{count, rank, window};
use crocus::prelude::*;
use crocus::utoipa::{self, IntoParams, ToSchema};
use crocus::web::openapi::{QueryProblems, value};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::models::{Car, CarState, Maker, Sale};

/// Which makers are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    at_least: Option<i64>,
}

/// A maker in numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct MakerInNumbers {
    maker: String,
    cars: i64,
    for_sale: i64,
    #[schema(schema_with = value::<Option<Decimal>>)]
    average_price: Option<Decimal>,
}

/// Lists makers in numbers
///
/// How many cars each has, and what they cost.
// A join along a relationship, groups, aggregates (one of them of some rows only), and a condition on the groups.
#[utoipa::path(
    get, path = "/reports/makers", tag = "reports",
    params(Wanted),
    responses((status = 200, description = "The makers.", body = Vec<MakerInNumbers>), QueryProblems)
)]
pub async fn list_makers_in_numbers(db: Db, Query(wanted): Query<Wanted>) -> Result<Json<Vec<MakerInNumbers>>> {
    let for_sale = count().filter_where(Car::STATE.eq(CarState::ForSale));
    let makers = Maker::select()
        .join(Maker::CARS)
        .columns((Maker::NAME, count(), for_sale, Car::PRICE.avg()))
        .group_by((Maker::ID, Maker::NAME))
        .having(count().ge(wanted.at_least.unwrap_or(1)))
        .order_by(Maker::NAME.asc());
    let makers = makers.map(|(maker, cars, for_sale, average)| {
        let average_price = average.map(|price| price.round_dp(2).normalize());
        MakerInNumbers { maker, cars, for_sale, average_price }
    });
    Ok(Json(makers.all(&db).await?))
}

/// One of the dearest cars of its maker.
#[derive(Debug, Serialize, ToSchema)]
pub struct DearCar {
    maker: String,
    place: i64,
    car: String,
    #[schema(schema_with = value::<Decimal>)]
    price: Decimal,
}

/// Lists the dearest cars
///
/// Two of each maker.
// A window function in a common table expression: the two dearest cars of each maker.
#[utoipa::path(
    get, path = "/reports/dearest", tag = "reports",
    responses((status = 200, description = "The cars.", body = Vec<DearCar>))
)]
pub async fn list_dearest_cars(db: Db) -> Result<Json<Vec<DearCar>>> {
    let place = rank().over(window().partition_by(Car::MAKER_ID).order_by(Car::PRICE.desc()));
    let ranked = Car::select().columns((Car::ID, place)).cte("ranked");
    let (id, place) = ranked.columns();
    let cars = Car::select()
        .join(Car::MAKER)
        .join_on(&ranked, Car::ID.eq(id))
        .filter(place.clone().le(2))
        .order_by(Maker::NAME.asc())
        .order_by(place.clone().asc())
        .columns((Maker::NAME, place, Car::NAME, Car::PRICE))
        .map(|(maker, place, car, price)| DearCar { maker, place, car, price });
    Ok(Json(cars.all(&db).await?))
}

/// What a month brought.
#[derive(Debug, Serialize, ToSchema)]
pub struct Month {
    year: i32,
    month: i32,
    sales: i64,
    #[schema(schema_with = value::<Option<Decimal>>)]
    revenue: Option<Decimal>,
}

/// Lists revenue
///
/// Month by month, the last one first.
// Parts of dates as groups, and an exact sum of decimals on both databases.
#[utoipa::path(
    get, path = "/reports/revenue", tag = "reports",
    responses((status = 200, description = "The months.", body = Vec<Month>))
)]
pub async fn list_revenue(db: Db) -> Result<Json<Vec<Month>>> {
    let (year, month) = (Sale::SOLD_ON.year(), Sale::SOLD_ON.month());
    let months = Sale::select()
        .columns((year.clone(), month.clone(), count(), Sale::PRICE.sum()))
        .group_by((year.clone(), month.clone()))
        .order_by(year.desc())
        .order_by(month.desc())
        .map(|(year, month, sales, revenue)| Month { year, month, sales, revenue });
    Ok(Json(months.all(&db).await?))
}
