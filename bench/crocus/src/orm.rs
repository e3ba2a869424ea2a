//! `orm WORKLOAD ROUNDS`: a session's work, timed. Prints nanoseconds, a line for each round.

use std::time::{Duration, Instant};

use crocus::orm::{DatabaseUrl, Engine, Result};
use crocus::prelude::*;

use crate::{Car, NewCar};

/// Who makes products.
#[derive(Debug, Clone, Model)]
#[model(table = "makers", has_many(products = Product::MAKER))]
struct Maker {
    #[model(primary_key)]
    id: i32,
    name: String,
}

/// What a maker makes.
#[derive(Debug, Clone, Model)]
#[model(table = "products")]
struct Product {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to = Maker, index)]
    maker_id: i32,
    name: String,
    price: i32,
}

pub async fn run(workload: &str, rounds: &str) -> Result<()> {
    let url: DatabaseUrl = std::env::var("DATABASE_URL").expect("DATABASE_URL").parse()?;
    let engine = Engine::connect(&url).await?;
    for _ in 0..rounds.parse().expect("a number of rounds") {
        let took = match workload {
            "load" => load(&engine).await?,
            "flush" => flush(&engine).await?,
            "update-some" => update_some(&engine).await?,
            unknown => panic!("there is no workload `{unknown}`"),
        };
        println!("{}", took.as_nanos());
    }
    engine.close().await;
    Ok(())
}

async fn load(engine: &Engine) -> Result<Duration> {
    let begun = Instant::now();
    let mut session = engine.session();
    let makers = session.all(Maker::select().with(Maker::PRODUCTS)).await?;
    let took = begun.elapsed();
    assert_eq!(makers.len(), 1_000);
    let products = makers.iter().flat_map(|(_, products)| products);
    assert_eq!(products.map(|product| i64::from(session[*product].price)).sum::<i64>(), 50_005_000);
    Ok(took)
}

async fn flush(engine: &Engine) -> Result<Duration> {
    let begun = Instant::now();
    let mut session = engine.session();
    let cars = (1..=10_000).map(|n| NewCar { name: format!("Car {n}"), model: format!("Model {n}"), doors: 4 });
    let cars = session.add_all(cars);
    session.commit().await?;
    let took = begun.elapsed();
    assert!(cars.iter().all(|car| session[*car].id > 0));
    Ok(took)
}

async fn update_some(engine: &Engine) -> Result<Duration> {
    let mut session = engine.session();
    let cars = session.all(Car::select().order_by(Car::ID.asc())).await?;
    let begun = Instant::now();
    for car in cars.iter().step_by(10) {
        session[*car].doors += 1;
    }
    session.commit().await?;
    Ok(begun.elapsed())
}
