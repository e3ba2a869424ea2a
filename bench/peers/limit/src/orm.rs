//! `orm WORKLOAD ROUNDS`: what a careful person writes for many rows. Prints nanoseconds, a line for each round.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, NoTls};

use crate::Car;

struct Maker {
    id: i32,
    name: String,
    products: Vec<Product>,
}

struct Product {
    id: i32,
    maker_id: i32,
    name: String,
    price: i32,
}

pub async fn run(url: &str, workload: &str, rounds: &str) -> Result<(), Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    for _ in 0..rounds.parse().expect("a number of rounds") {
        let took = match workload {
            "load" => load(&client).await?,
            "flush" => flush(&client).await?,
            "update-some" => update_some(&client).await?,
            unknown => panic!("there is no workload `{unknown}`"),
        };
        println!("{}", took.as_nanos());
    }
    Ok(())
}

async fn load(client: &Client) -> Result<Duration, Error> {
    let begun = Instant::now();
    let mut makers = Vec::new();
    let mut places = HashMap::new();
    for row in client.query("SELECT id, name FROM makers", &[]).await? {
        places.insert(row.get::<_, i32>(0), makers.len());
        makers.push(Maker { id: row.get(0), name: row.get(1), products: Vec::new() });
    }
    let ids: Vec<i32> = makers.iter().map(|maker| maker.id).collect();
    let sql = "SELECT id, maker_id, name, price FROM products WHERE maker_id = ANY($1)";
    for row in client.query(sql, &[&ids]).await? {
        let product = Product { id: row.get(0), maker_id: row.get(1), name: row.get(2), price: row.get(3) };
        makers[places[&product.maker_id]].products.push(product);
    }
    let took = begun.elapsed();
    assert!(makers.iter().all(|maker| maker.products.len() == 10 && !maker.name.is_empty()));
    let products = makers.iter().flat_map(|maker| &maker.products).filter(|product| product.id > 0);
    assert_eq!(products.map(|one| i64::from(one.price) * i64::from(!one.name.is_empty())).sum::<i64>(), 50_005_000);
    Ok(took)
}

async fn flush(client: &Client) -> Result<Duration, Error> {
    let begun = Instant::now();
    let cars: Vec<_> = (1..=10_000).map(|n| (format!("Car {n}"), format!("Model {n}"), 4)).collect();
    let sink = client.copy_in("COPY cars (name, model, doors) FROM STDIN BINARY").await?;
    let writer = BinaryCopyInWriter::new(sink, &[Type::TEXT, Type::TEXT, Type::INT4]);
    tokio::pin!(writer);
    for (name, model, doors) in &cars {
        writer.as_mut().write(&[name, model, doors]).await?;
    }
    writer.finish().await?;
    Ok(begun.elapsed())
}

async fn update_some(client: &Client) -> Result<Duration, Error> {
    let rows = client.query("SELECT id, name, model, doors FROM cars ORDER BY id", &[]).await?;
    let mut cars: Vec<Car> = rows.into_iter().map(Car::from).collect();
    let begun = Instant::now();
    let (mut ids, mut doors) = (Vec::new(), Vec::new());
    for car in cars.iter_mut().step_by(10) {
        car.doors += 1;
        ids.push(car.id);
        doors.push(car.doors);
    }
    let sql = "UPDATE cars SET doors = new.doors FROM UNNEST($1::int[], $2::int[]) AS new (id, doors)
               WHERE cars.id = new.id";
    client.execute(sql, &[&ids, &doors]).await?;
    Ok(begun.elapsed())
}
