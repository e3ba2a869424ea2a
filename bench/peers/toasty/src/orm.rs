//! `orm WORKLOAD ROUNDS`: Toasty's `create_many`, `include` and `update`. Prints nanoseconds, a line for each round.

use std::time::{Duration, Instant};

use toasty::{Db, Result};

use crate::Car;

#[derive(Debug, toasty::Model)]
#[table = "makers"]
pub struct Maker {
    #[key]
    #[auto]
    id: i32,
    name: String,
    #[has_many]
    products: toasty::Deferred<Vec<Product>>,
}

#[derive(Debug, toasty::Model)]
#[table = "products"]
pub struct Product {
    #[key]
    #[auto]
    id: i32,
    #[index]
    maker_id: i32,
    #[belongs_to(key = maker_id, references = id)]
    maker: toasty::Deferred<Maker>,
    name: String,
    price: i32,
}

pub async fn run(db: &mut Db, workload: &str, rounds: &str) -> Result<()> {
    for _ in 0..rounds.parse().expect("a number of rounds") {
        let took = match workload {
            "load" => load(db).await?,
            "flush" => flush(db).await?,
            "update-some" => update_some(db).await?,
            unknown => panic!("there is no workload `{unknown}`"),
        };
        println!("{}", took.as_nanos());
    }
    Ok(())
}

async fn load(db: &mut Db) -> Result<Duration> {
    let begun = Instant::now();
    let makers = Maker::all().include(Maker::fields().products()).exec(db).await?;
    let took = begun.elapsed();
    assert!(makers.len() == 1_000 && makers.iter().all(|maker| maker.products.get().len() == 10));
    let products = makers.iter().flat_map(|maker| maker.products.get());
    assert_eq!(products.map(|product| i64::from(product.price)).sum::<i64>(), 50_005_000);
    Ok(took)
}

async fn flush(db: &mut Db) -> Result<Duration> {
    let begun = Instant::now();
    let mut cars = Car::create_many();
    for n in 1..=10_000 {
        cars = cars.item(Car::create().name(format!("Car {n}")).model(format!("Model {n}")).doors(4));
    }
    let cars = cars.exec(db).await?;
    let took = begun.elapsed();
    assert!(cars.len() == 10_000 && cars.iter().all(|car| car.id > 0));
    Ok(took)
}

async fn update_some(db: &mut Db) -> Result<Duration> {
    let mut cars = Car::all().order_by(Car::fields().id().asc()).exec(db).await?;
    let begun = Instant::now();
    let mut transaction = db.transaction().await?;
    for car in cars.iter_mut().step_by(10) {
        let doors = car.doors + 1;
        car.update().doors(doors).exec(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(begun.elapsed())
}
