//! `orm WORKLOAD ROUNDS`: many rows at once by `QueryBuilder`, within SQLite's 32,766 values a statement. Prints
//! nanoseconds, a line for each round.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sqlx::sqlite::SqlitePool;
use sqlx::{Error, QueryBuilder};

use crate::Car;

#[derive(sqlx::FromRow)]
struct Maker {
    id: i32,
    name: String,
    #[sqlx(skip)]
    products: Vec<Product>,
}

#[derive(sqlx::FromRow)]
struct Product {
    id: i32,
    maker_id: i32,
    name: String,
    price: i32,
}

pub async fn run(pool: &SqlitePool, workload: &str, rounds: &str) -> Result<(), Error> {
    for _ in 0..rounds.parse().expect("a number of rounds") {
        let took = match workload {
            "load" => load(pool).await?,
            "flush" => flush(pool).await?,
            "update-some" => update_some(pool).await?,
            unknown => panic!("there is no workload `{unknown}`"),
        };
        println!("{}", took.as_nanos());
    }
    Ok(())
}

async fn load(pool: &SqlitePool) -> Result<Duration, Error> {
    let begun = Instant::now();
    let mut makers: Vec<Maker> = sqlx::query_as("SELECT id, name FROM makers").fetch_all(pool).await?;
    let places: HashMap<i32, usize> = makers.iter().enumerate().map(|(place, maker)| (maker.id, place)).collect();
    let mut query = QueryBuilder::new("SELECT id, maker_id, name, price FROM products WHERE maker_id IN (");
    let mut ids = query.separated(", ");
    for maker in &makers {
        ids.push_bind(maker.id);
    }
    ids.push_unseparated(")");
    let products: Vec<Product> = query.build_query_as().fetch_all(pool).await?;
    for product in products {
        makers[places[&product.maker_id]].products.push(product);
    }
    let took = begun.elapsed();
    assert!(makers.iter().all(|maker| maker.products.len() == 10 && !maker.name.is_empty()));
    let products = makers.iter().flat_map(|maker| &maker.products).filter(|product| product.id > 0);
    assert_eq!(products.map(|one| i64::from(one.price) * i64::from(!one.name.is_empty())).sum::<i64>(), 50_005_000);
    Ok(took)
}

async fn flush(pool: &SqlitePool) -> Result<Duration, Error> {
    let begun = Instant::now();
    let new: Vec<_> = (1..=10_000).map(|n| (format!("Car {n}"), format!("Model {n}"), 4)).collect();
    let mut query = QueryBuilder::new("INSERT INTO cars (name, model, doors) ");
    query.push_values(new, |mut row, (name, model, doors)| {
        row.push_bind(name).push_bind(model).push_bind(doors);
    });
    query.push(" RETURNING id, name, model, doors");
    let cars: Vec<Car> = query.build_query_as().fetch_all(pool).await?;
    let took = begun.elapsed();
    assert!(cars.len() == 10_000 && cars.iter().all(|car| car.id > 0));
    Ok(took)
}

async fn update_some(pool: &SqlitePool) -> Result<Duration, Error> {
    let sql = "SELECT id, name, model, doors FROM cars ORDER BY id";
    let mut cars: Vec<Car> = sqlx::query_as(sql).fetch_all(pool).await?;
    let begun = Instant::now();
    let mut transaction = pool.begin().await?;
    for car in cars.iter_mut().step_by(10) {
        car.doors += 1;
        let update = sqlx::query("UPDATE cars SET doors = $2 WHERE id = $1").bind(car.id).bind(car.doors);
        update.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(begun.elapsed())
}
