//! The limit: what a careful person writes by hand. One pipelined connection a core, every statement prepared once.

mod orm;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio_postgres::{Client, NoTls, Row, Statement};

#[derive(Serialize)]
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

impl From<Row> for Car {
    fn from(row: Row) -> Car {
        Car { id: row.get(0), name: row.get(1), model: row.get(2), doors: row.get(3) }
    }
}

/// A connection with its statements.
struct Connection {
    client: Client,
    one: Statement,
    page: Statement,
    search: Statement,
    insert: Statement,
    update: Statement,
}

struct Database {
    connections: Vec<Connection>,
    next: AtomicUsize,
}

type Shared = State<Arc<Database>>;
type Answer<T> = Result<T, StatusCode>;

fn failed(error: tokio_postgres::Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

impl Database {
    async fn connect(url: &str, connections: usize) -> Result<Database, tokio_postgres::Error> {
        let mut all = Vec::new();
        for _ in 0..connections {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            tokio::spawn(connection);
            let columns = "id, name, model, doors";
            let one = client.prepare(&format!("SELECT {columns} FROM cars WHERE id = $1")).await?;
            let page = client.prepare(&format!("SELECT {columns} FROM cars ORDER BY id LIMIT $1")).await?;
            let search = format!("SELECT {columns} FROM cars WHERE doors >= $1 ORDER BY name DESC, id LIMIT $2");
            let search = client.prepare(&search).await?;
            let insert = format!("INSERT INTO cars (name, model, doors) VALUES ($1, $2, $3) RETURNING {columns}");
            let insert = client.prepare(&insert).await?;
            let update = format!("UPDATE cars SET name = $2, model = $3, doors = $4 WHERE id = $1 RETURNING {columns}");
            let update = client.prepare(&update).await?;
            all.push(Connection { client, one, page, search, insert, update });
        }
        Ok(Database { connections: all, next: AtomicUsize::new(0) })
    }

    fn next(&self) -> &Connection {
        &self.connections[self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len()]
    }
}

async fn get_car(State(database): Shared, Path(id): Path<i32>) -> Answer<Json<Car>> {
    let Connection { client, one, .. } = database.next();
    let row = client.query_opt(one, &[&id]).await.map_err(failed)?;
    row.map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

async fn list_cars(State(database): Shared, Query(wanted): Query<Wanted>) -> Answer<Json<Vec<Car>>> {
    let Connection { client, page, search, .. } = database.next();
    let rows = match wanted.min_doors {
        Some(doors) => client.query(search, &[&doors, &wanted.limit]).await,
        None => client.query(page, &[&wanted.limit]).await,
    };
    Ok(Json(rows.map_err(failed)?.into_iter().map(Car::from).collect()))
}

async fn create_car(State(database): Shared, Json(new): Json<NewCar>) -> Answer<(StatusCode, Json<Car>)> {
    let Connection { client, insert, .. } = database.next();
    let row = client.query_one(insert, &[&new.name, &new.model, &new.doors]).await.map_err(failed)?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

async fn replace_car(State(database): Shared, Path(id): Path<i32>, Json(new): Json<NewCar>) -> Answer<Json<Car>> {
    let Connection { client, update, .. } = database.next();
    let row = client.query_opt(update, &[&id, &new.name, &new.model, &new.doors]).await.map_err(failed)?;
    row.map(|row| Json(row.into())).ok_or(StatusCode::NOT_FOUND)
}

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [_, workload, rounds] = &arguments[..] {
        return orm::run(&url, workload, rounds).await.expect("the work is done");
    }
    let port = std::env::var("PORT").expect("PORT");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let database = Arc::new(Database::connect(&url, cores).await.expect("a connection"));
    let app = Router::new()
        .route("/cars", get(list_cars).post(create_car))
        .route("/cars/{id}", get(get_car).put(replace_car))
        .with_state(database);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    axum::serve(listener, app).await.expect("the server runs");
}
