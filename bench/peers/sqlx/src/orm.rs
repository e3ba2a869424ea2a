//! `orm WORKLOAD ROUNDS`: many rows at once by arrays, as sqlx's own questions and answers have it for PostgreSQL. Prints
//! nanoseconds, a line for each round.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sqlx::Error;
use sqlx::postgres::PgPool;

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

pub async fn run(pool: &PgPool, workload: &str, rounds: &str) -> Result<(), Error> {
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

async fn load(pool: &PgPool) -> Result<Duration, Error> {
    let begun = Instant::now();
    let mut makers: Vec<Maker> = sqlx::query_as("SELECT id, name FROM makers").fetch_all(pool).await?;
    let ids: Vec<i32> = makers.iter().map(|maker| maker.id).collect();
    let places: HashMap<i32, usize> = ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let sql = "SELECT id, maker_id, name, price FROM products WHERE maker_id = ANY($1)";
    let products: Vec<Product> = sqlx::query_as(sql).bind(ids).fetch_all(pool).await?;
    for product in products {
        makers[places[&product.maker_id]].products.push(product);
    }
    let took = begun.elapsed();
    assert!(makers.iter().all(|maker| maker.products.len() == 10 && !maker.name.is_empty()));
    let products = makers.iter().flat_map(|maker| &maker.products).filter(|product| product.id > 0);
    assert_eq!(products.map(|one| i64::from(one.price) * i64::from(!one.name.is_empty())).sum::<i64>(), 50_005_000);
    Ok(took)
}

async fn flush(pool: &PgPool) -> Result<Duration, Error> {
    let begun = Instant::now();
    let names: Vec<String> = (1..=10_000).map(|n| format!("Car {n}")).collect();
    let models: Vec<String> = (1..=10_000).map(|n| format!("Model {n}")).collect();
    let doors = vec![4; 10_000];
    let sql = "INSERT INTO cars (name, model, doors) SELECT * FROM UNNEST($1::text[], $2::text[], $3::int[])
               RETURNING id, name, model, doors";
    let cars: Vec<Car> = sqlx::query_as(sql).bind(names).bind(models).bind(doors).fetch_all(pool).await?;
    let took = begun.elapsed();
    assert!(cars.len() == 10_000 && cars.iter().all(|car| car.id > 0));
    Ok(took)
}

async fn update_some(pool: &PgPool) -> Result<Duration, Error> {
    let sql = "SELECT id, name, model, doors FROM cars ORDER BY id";
    let mut cars: Vec<Car> = sqlx::query_as(sql).fetch_all(pool).await?;
    let begun = Instant::now();
    let (mut ids, mut doors) = (Vec::new(), Vec::new());
    for car in cars.iter_mut().step_by(10) {
        car.doors += 1;
        ids.push(car.id);
        doors.push(car.doors);
    }
    let sql = "UPDATE cars SET doors = new.doors FROM UNNEST($1::int[], $2::int[]) AS new (id, doors)
               WHERE cars.id = new.id";
    sqlx::query(sql).bind(ids).bind(doors).execute(pool).await?;
    Ok(begun.elapsed())
}
