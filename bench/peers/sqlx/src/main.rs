//! axum on sqlx, PostgreSQL: `query_as!`'s function form, on a pool.

mod orm;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgPool, PgPoolOptions};

type Pool = PgPool;

#[derive(Serialize, sqlx::FromRow)]
struct Car {
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
    limit: Option<i64>,
    min_doors: Option<i32>,
}

type Answer<T> = Result<T, StatusCode>;

fn failed(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn get_car(State(pool): State<Pool>, Path(id): Path<i32>) -> Answer<Json<Car>> {
    let car = sqlx::query_as("SELECT id, name, model, doors FROM cars WHERE id = $1").bind(id);
    car.fetch_optional(&pool).await.map_err(failed)?.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn list_cars(State(pool): State<Pool>, Query(wanted): Query<Wanted>) -> Answer<Json<Vec<Car>>> {
    let limit = wanted.limit.unwrap_or(i64::MAX);
    let cars = match wanted.min_doors {
        Some(doors) => {
            let sql = "SELECT id, name, model, doors FROM cars WHERE doors >= $1 ORDER BY name DESC, id LIMIT $2";
            sqlx::query_as(sql).bind(doors).bind(limit).fetch_all(&pool).await
        }
        None => {
            let sql = "SELECT id, name, model, doors FROM cars ORDER BY id LIMIT $1";
            sqlx::query_as(sql).bind(limit).fetch_all(&pool).await
        }
    };
    cars.map(Json).map_err(failed)
}

async fn create_car(State(pool): State<Pool>, Json(new): Json<NewCar>) -> Answer<(StatusCode, Json<Car>)> {
    let sql = "INSERT INTO cars (name, model, doors) VALUES ($1, $2, $3) RETURNING id, name, model, doors";
    let insert = sqlx::query_as(sql).bind(new.name).bind(new.model).bind(new.doors);
    Ok((StatusCode::CREATED, Json(insert.fetch_one(&pool).await.map_err(failed)?)))
}

async fn replace_car(State(pool): State<Pool>, Path(id): Path<i32>, Json(new): Json<NewCar>) -> Answer<Json<Car>> {
    let sql = "UPDATE cars SET name = $2, model = $3, doors = $4 WHERE id = $1 RETURNING id, name, model, doors";
    let update = sqlx::query_as(sql).bind(id).bind(new.name).bind(new.model).bind(new.doors);
    update.fetch_optional(&pool).await.map_err(failed)?.map(Json).ok_or(StatusCode::NOT_FOUND)
}

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let pool = PgPoolOptions::new().max_connections(8).connect(&url).await.expect("a connection");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [_, workload, rounds] = &arguments[..] {
        return orm::run(&pool, workload, rounds).await.expect("the work is done");
    }
    let port = std::env::var("PORT").expect("PORT");
    let app = Router::new()
        .route("/cars", get(list_cars).post(create_car))
        .route("/cars/{id}", get(get_car).put(replace_car))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    axum::serve(listener, app).await.expect("the server runs");
}
