//! axum on Toasty.

mod orm;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use toasty::Db;

#[derive(Debug, Serialize, toasty::Model)]
#[table = "cars"]
struct Car {
    #[key]
    #[auto]
    id: i32,
    name: String,
    model: String,
    doors: i32,
}

#[derive(Deserialize)]
struct NewCar {
    name: String,
    model: String,
    doors: i32,
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<usize>,
    min_doors: Option<i32>,
}

type Answer<T> = Result<T, StatusCode>;

fn failed(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn get_car(State(mut db): State<Db>, Path(id): Path<i32>) -> Answer<Json<Car>> {
    let car = Car::filter_by_id(id).first().exec(&mut db).await.map_err(failed)?;
    car.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn list_cars(State(mut db): State<Db>, Query(wanted): Query<Wanted>) -> Answer<Json<Vec<Car>>> {
    let mut cars = match wanted.min_doors {
        Some(doors) => Car::filter(Car::fields().doors().ge(doors))
            .order_by((Car::fields().name().desc(), Car::fields().id().asc())),
        None => Car::all().order_by(Car::fields().id().asc()),
    };
    if let Some(limit) = wanted.limit {
        cars = cars.limit(limit);
    }
    cars.exec(&mut db).await.map(Json).map_err(failed)
}

async fn create_car(State(mut db): State<Db>, Json(new): Json<NewCar>) -> Answer<(StatusCode, Json<Car>)> {
    let create = toasty::create!(Car { name: new.name, model: new.model, doors: new.doors });
    Ok((StatusCode::CREATED, Json(create.exec(&mut db).await.map_err(failed)?)))
}

async fn replace_car(State(mut db): State<Db>, Path(id): Path<i32>, Json(new): Json<NewCar>) -> Answer<Json<Car>> {
    let car = Car::filter_by_id(id).first().exec(&mut db).await.map_err(failed)?;
    let mut car = car.ok_or(StatusCode::NOT_FOUND)?;
    car.update().name(new.name).model(new.model).doors(new.doors).exec(&mut db).await.map_err(failed)?;
    Ok(Json(car))
}

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let mut db =
        Db::builder().models(toasty::models!(Car, orm::Maker, orm::Product)).connect(&url).await.expect("a connection");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [_, workload, rounds] = &arguments[..] {
        return orm::run(&mut db, workload, rounds).await.expect("the work is done");
    }
    let port = std::env::var("PORT").expect("PORT");
    let app = Router::new()
        .route("/cars", get(list_cars).post(create_car))
        .route("/cars/{id}", get(get_car).put(replace_car))
        .with_state(db);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    axum::serve(listener, app).await.expect("the server runs");
}
