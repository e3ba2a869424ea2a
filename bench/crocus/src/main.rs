//! Crocus: the resource as it is generated, the same handlers by hand, and sessions.

mod orm;

use crocus::migrate::{Migration, Migrations};
use crocus::prelude::*;
use crocus::web::http::StatusCode;
use crocus::web::resource::{Resource, ResourceLimits};
use serde::{Deserialize, Serialize};

/// A car on sale.
#[derive(Debug, Clone, Model, Serialize)]
#[model(table = "cars")]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    model: String,
    doors: i32,
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<u64>,
    min_doors: Option<i32>,
}

async fn get_car(db: Db, Path(id): Path<i32>) -> Result<Json<Car>> {
    Ok(Json(Car::get_or_404(&db, id).await?))
}

async fn list_cars(db: Db, Query(wanted): Query<Wanted>) -> Result<Json<Vec<Car>>> {
    let mut cars = match wanted.min_doors {
        Some(doors) => Car::select().filter(Car::DOORS.ge(doors)).order_by(Car::NAME.desc()).order_by(Car::ID.asc()),
        None => Car::select().order_by(Car::ID.asc()),
    };
    if let Some(limit) = wanted.limit {
        cars = cars.limit(limit);
    }
    Ok(Json(cars.all(&db).await?))
}

async fn create_car(db: Db, Payload(new): Payload<NewCar>) -> Result<(StatusCode, Json<Car>)> {
    Ok((StatusCode::CREATED, Json(Car::insert(&db, new).await?)))
}

async fn replace_car(db: Db, Path(id): Path<i32>, Payload(new): Payload<NewCar>) -> Result<Json<Car>> {
    let NewCar { name, model, doors } = new;
    let update = Car::update().set(Car::NAME, name).set(Car::MODEL, model).set(Car::DOORS, doors);
    let updated = update.filter(Car::ID.eq(id)).returning(&db).await?.pop();
    Ok(Json(updated.ok_or_else(|| Car::not_found(&id))?))
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, workload, rounds] = &arguments[..]
        && first == "orm"
    {
        return match orm::run(workload, rounds).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    // The harness makes the tables; the revision is there for `db current`.
    let first = Migration {
        revision: "000000000001",
        down_revisions: &[],
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "nothing",
        created: "2026-11-23 00:00 UTC",
        file: "000000000001_nothing.rs",
        upgrade: |_| {},
        downgrade: |_| {},
    };
    App::new("bench")
        .model::<Car>()
        .migrations(Migrations::new("", vec![first]))
        .route("/cars", get(list_cars).post(create_car))
        .route("/cars/{id}", get(get_car).put(replace_car))
        .resource_with(
            "/api/cars",
            Resource::<Car>::new().limits(ResourceLimits { rows: 1_000_000, ..Default::default() }),
        )
        .main()
        .await
}
