//! axum on deadpool-postgres: a connection of a pool for each request, its statements cached.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use serde::{Deserialize, Serialize};
use tokio_postgres::{NoTls, Row};

#[derive(Serialize)]
struct Car {
    id: i32,
    name: String,
    model: String,
    doors: i32,
}

impl From<Row> for Car {
    fn from(row: Row) -> Car {
        Car { id: row.get(0), name: row.get(1), model: row.get(2), doors: row.get(3) }
    }
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
    let client = pool.get().await.map_err(failed)?;
    let one = client.prepare_cached("SELECT id, name, model, doors FROM cars WHERE id = $1").await.map_err(failed)?;
    let row = client.query_opt(&one, &[&id]).await.map_err(failed)?;
    row.map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

async fn list_cars(State(pool): State<Pool>, Query(wanted): Query<Wanted>) -> Answer<Json<Vec<Car>>> {
    let client = pool.get().await.map_err(failed)?;
    let rows = match wanted.min_doors {
        Some(doors) => {
            let sql = "SELECT id, name, model, doors FROM cars WHERE doors >= $1 ORDER BY name DESC, id LIMIT $2";
            let search = client.prepare_cached(sql).await.map_err(failed)?;
            client.query(&search, &[&doors, &wanted.limit]).await
        }
        None => {
            let sql = "SELECT id, name, model, doors FROM cars ORDER BY id LIMIT $1";
            let page = client.prepare_cached(sql).await.map_err(failed)?;
            client.query(&page, &[&wanted.limit]).await
        }
    };
    Ok(Json(rows.map_err(failed)?.into_iter().map(Car::from).collect()))
}

async fn create_car(State(pool): State<Pool>, Json(new): Json<NewCar>) -> Answer<(StatusCode, Json<Car>)> {
    let client = pool.get().await.map_err(failed)?;
    let sql = "INSERT INTO cars (name, model, doors) VALUES ($1, $2, $3) RETURNING id, name, model, doors";
    let insert = client.prepare_cached(sql).await.map_err(failed)?;
    let row = client.query_one(&insert, &[&new.name, &new.model, &new.doors]).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

async fn replace_car(State(pool): State<Pool>, Path(id): Path<i32>, Json(new): Json<NewCar>) -> Answer<Json<Car>> {
    let client = pool.get().await.map_err(failed)?;
    let sql = "UPDATE cars SET name = $2, model = $3, doors = $4 WHERE id = $1 RETURNING id, name, model, doors";
    let update = client.prepare_cached(sql).await.map_err(failed)?;
    let row = client.query_opt(&update, &[&id, &new.name, &new.model, &new.doors]).await.map_err(failed)?;
    row.map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let port = std::env::var("PORT").expect("PORT");
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(url.parse().expect("a URL"), NoTls, manager);
    let pool = Pool::builder(manager).max_size(CONNECTIONS).build().expect("a pool");
    let app = Router::new()
        .route("/cars", get(list_cars).post(create_car))
        .route("/cars/{id}", get(get_car).put(replace_car))
        .with_state(pool);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    axum::serve(listener, app).await.expect("the server runs");
}

/// More make it slower here: the pool's best number on two cores.
const CONNECTIONS: usize = 8;
