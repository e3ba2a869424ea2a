//! `orm WORKLOAD ROUNDS`: Diesel's batch insert, `belonging_to` and `set`. Prints nanoseconds, a line for each round.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::result::Error;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use crate::{Car, NewCar, cars};

diesel::table! {
    makers (id) {
        id -> Integer,
        name -> Text,
    }
}

diesel::table! {
    products (id) {
        id -> Integer,
        maker_id -> Integer,
        name -> Text,
        price -> Integer,
    }
}

diesel::joinable!(products -> makers (maker_id));
diesel::allow_tables_to_appear_in_same_query!(makers, products);

#[derive(Queryable, Selectable, Identifiable)]
#[diesel(table_name = makers)]
struct Maker {
    id: i32,
    name: String,
}

#[derive(Queryable, Selectable, Identifiable, Associations)]
#[diesel(table_name = products, belongs_to(Maker))]
struct Product {
    id: i32,
    maker_id: i32,
    name: String,
    price: i32,
}

pub async fn run(connection: &mut AsyncPgConnection, workload: &str, rounds: &str) -> Result<(), Error> {
    for _ in 0..rounds.parse().expect("a number of rounds") {
        let took = match workload {
            "load" => load(connection).await?,
            "flush" => flush(connection).await?,
            "update-some" => update_some(connection).await?,
            unknown => panic!("there is no workload `{unknown}`"),
        };
        println!("{}", took.as_nanos());
    }
    Ok(())
}

async fn load(connection: &mut AsyncPgConnection) -> Result<Duration, Error> {
    let begun = Instant::now();
    let makers: Vec<Maker> = makers::table.select(Maker::as_select()).load(connection).await?;
    let products: Vec<Product> = Product::belonging_to(&makers).select(Product::as_select()).load(connection).await?;
    let makers: Vec<(Vec<Product>, Maker)> = products.grouped_by(&makers).into_iter().zip(makers).collect();
    let took = begun.elapsed();
    assert!(makers.iter().all(|(products, maker)| products.len() == 10 && !maker.name.is_empty()));
    let products = makers.iter().flat_map(|(products, _)| products);
    assert_eq!(products.map(|one| i64::from(one.price) * i64::from(!one.name.is_empty())).sum::<i64>(), 50_005_000);
    Ok(took)
}

async fn flush(connection: &mut AsyncPgConnection) -> Result<Duration, Error> {
    let begun = Instant::now();
    let new: Vec<NewCar> =
        (1..=10_000).map(|n| NewCar { name: format!("Car {n}"), model: format!("Model {n}"), doors: 4 }).collect();
    let insert = diesel::insert_into(cars::table).values(new).returning(Car::as_returning());
    let cars: Vec<Car> = insert.get_results(connection).await?;
    let took = begun.elapsed();
    assert!(cars.len() == 10_000 && cars.iter().all(|car| car.id > 0));
    Ok(took)
}

async fn update_some(connection: &mut AsyncPgConnection) -> Result<Duration, Error> {
    let cars: Vec<Car> = cars::table.order(cars::id).select(Car::as_select()).load(connection).await?;
    let begun = Instant::now();
    let update = async |connection: &mut AsyncPgConnection| {
        for car in cars.iter().step_by(10) {
            let update = diesel::update(cars::table.find(car.id)).set(cars::doors.eq(car.doors + 1));
            update.execute(connection).await?;
        }
        Ok::<_, Error>(())
    };
    connection.transaction(update).await?;
    Ok(begun.elapsed())
}
