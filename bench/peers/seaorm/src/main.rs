//! axum on SeaORM 2.

mod orm;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectOptions, Database, DatabaseConnection, DbErr, EntityTrait};
use sea_orm::{QueryFilter, QueryOrder, QuerySelect, Set, Unchanged};
use serde::Deserialize;

mod car {
    use sea_orm::entity::prelude::*;
    use serde::Serialize;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Serialize)]
    #[sea_orm(table_name = "cars")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub model: String,
        pub doors: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use car::Model as Car;

#[derive(Deserialize)]
struct NewCar {
    name: String,
    model: String,
    doors: i32,
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<u64>,
    min_doors: Option<i32>,
}

type Answer<T> = Result<T, StatusCode>;

fn failed(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn get_car(State(db): State<DatabaseConnection>, Path(id): Path<i32>) -> Answer<Json<Car>> {
    let car = car::Entity::find_by_id(id).one(&db).await.map_err(failed)?;
    car.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn list_cars(State(db): State<DatabaseConnection>, Query(wanted): Query<Wanted>) -> Answer<Json<Vec<Car>>> {
    let cars = match wanted.min_doors {
        Some(doors) => car::Entity::find().filter(car::Column::Doors.gte(doors)).order_by_desc(car::Column::Name),
        None => car::Entity::find(),
    };
    cars.order_by_asc(car::Column::Id).limit(wanted.limit).all(&db).await.map(Json).map_err(failed)
}

async fn create_car(State(db): State<DatabaseConnection>, Json(new): Json<NewCar>) -> Answer<(StatusCode, Json<Car>)> {
    let car =
        car::ActiveModel { name: Set(new.name), model: Set(new.model), doors: Set(new.doors), ..Default::default() };
    Ok((StatusCode::CREATED, Json(car.insert(&db).await.map_err(failed)?)))
}

async fn replace_car(
    State(db): State<DatabaseConnection>,
    Path(id): Path<i32>,
    Json(new): Json<NewCar>,
) -> Answer<Json<Car>> {
    let car = car::ActiveModel { id: Unchanged(id), name: Set(new.name), model: Set(new.model), doors: Set(new.doors) };
    match car.update(&db).await {
        Ok(car) => Ok(Json(car)),
        Err(DbErr::RecordNotUpdated) => Err(StatusCode::NOT_FOUND),
        Err(error) => Err(failed(error)),
    }
}

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL");
    let mut options = ConnectOptions::new(url);
    options.max_connections(8).sqlx_logging(false);
    let db = Database::connect(options).await.expect("a connection");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [_, workload, rounds] = &arguments[..] {
        return orm::run(&db, workload, rounds).await.expect("the work is done");
    }
    let port = std::env::var("PORT").expect("PORT");
    let app = Router::new()
        .route("/cars", get(list_cars).post(create_car))
        .route("/cars/{id}", get(get_car).put(replace_car))
        .with_state(db);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("a free port");
    axum::serve(listener, app).await.expect("the server runs");
}
