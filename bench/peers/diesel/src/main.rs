//! axum on diesel-async, with deadpool.

mod orm;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use diesel::prelude::*;
use diesel_async::pooled_connection::AsyncDieselConnectionManager;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};

diesel::table! {
    cars (id) {
        id -> Integer,
        name -> Text,
        model -> Text,
        doors -> Integer,
    }
}

#[derive(Serialize, Queryable, Selectable)]
#[diesel(table_name = cars)]
struct Car {
    id: i32,
    name: String,
    model: String,
    doors: i32,
}

#[derive(Deserialize, Insertable, AsChangeset)]
#[diesel(table_name = cars)]
struct NewCar {
    name: String,
    model: String,
    doors: i32,
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<i64>,
    min_doors: Option<i32>,
}

type Answer<T> = Result<T, StatusCode>;

fn failed(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

type Database = Pool<AsyncPgConnection>;

async fn get_car(State(pool): State<Database>, Path(id): Path<i32>) -> Answer<Json<Car>> {
    let mut connection = pool.get().await.map_err(failed)?;
    let car = cars::table.find(id).select(Car::as_select()).first(&mut connection).await.optional();
    car.map_err(failed)?.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn list_cars(State(pool): State<Database>, Query(wanted): Query<Wanted>) -> Answer<Json<Vec<Car>>> {
    let mut connection = pool.get().await.map_err(failed)?;
    let mut query = cars::table.select(Car::as_select()).into_boxed();
    query = match wanted.min_doors {
        Some(doors) => query.filter(cars::doors.ge(doors)).order((cars::name.desc(), cars::id)),
        None => query.order(cars::id),
    };
    if let Some(limit) = wanted.limit {
        query = query.limit(limit);
    }
    query.load(&mut connection).await.map(Json).map_err(failed)
}

async fn create_car(State(pool): State<Database>, Json(new): Json<NewCar>) -> Answer<(StatusCode, Json<Car>)> {
    let mut connection = pool.get().await.map_err(failed)?;
    let insert = diesel::insert_into(cars::table).values(new).returning(Car::as_returning());
    Ok((StatusCode::CREATED, Json(insert.get_result(&mut connection).await.map_err(failed)?)))
}

async fn replace_car(State(pool): State<Database>, Path(id): Path<i32>, Json(new): Json<NewCar>) -> Answer<Json<Car>> {
    let mut connection = pool.get().await.map_err(failed)?;
    let update = diesel::update(cars::table.find(id)).set(new).returning(Car::as_returning());
    let car = update.get_result(&mut connection).await.optional();
    car.map_err(failed)?.map(Json).ok_or(StatusCode::NOT_FOUND)
}

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
    let pool = Pool::builder(manager).max_size(8).build().expect("a pool");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [_, workload, rounds] = &arguments[..] {
        let mut connection = pool.get().await.expect("a connection");
        return orm::run(&mut *connection, workload, rounds).await.expect("the work is done");
    }
    let port = std::env::var("PORT").expect("PORT");
    let app = Router::new()
        .route("/cars", get(list_cars).post(create_car))
        .route("/cars/{id}", get(get_car).put(replace_car))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    axum::serve(listener, app).await.expect("the server runs");
}
