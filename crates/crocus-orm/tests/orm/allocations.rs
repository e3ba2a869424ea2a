//! What a row costs in allocations where many are read, beside what the driver takes for each.

use std::pin::Pin;

use allocation_counter::measure;
use crocus_orm::dynamic::{Member, Rows, Source, select};
use crocus_orm::{Engine, Model};
use tokio::runtime::Builder;

use crate::database::Database;
use crate::models::{Car, NewCar};

/// Reads so many rows.
type Read = fn(&Engine, u64) -> Pin<Box<dyn Future<Output = usize> + '_>>;

/// All of it is on one thread, so that the driver's allocations are counted too.
#[test]
fn a_row_of_a_list_costs_what_the_driver_takes() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let db = runtime.block_on(Database::postgres());
    let new = |number| NewCar { name: format!("car {number}"), model: format!("model {number}"), doors: 4, note: None };
    runtime.block_on(Car::insert_many((0..4_000).map(new)).execute(db.engine())).unwrap();
    let json: Read = |engine, rows| {
        Box::pin(async move {
            let source = Source::new(Car::TABLE);
            let column = |name| source.column(Car::TABLE.column(name).unwrap());
            let members = ["id", "name", "doors", "note"].map(|name| (name.to_owned(), Member::Value(column(name))));
            let rows = select(Rows { members: members.into(), ..Rows::new(source) }).limit(rows);
            rows.list(engine).await.unwrap().len()
        })
    };
    let objects: Read =
        |engine, rows| Box::pin(async move { Car::select().limit(rows).all(engine).await.unwrap().len() });
    // A row of the driver is a vector of where its values are. An object has two texts.
    for (what, read, most) in [("JSON", json, 1.1), ("an object", objects, 3.1)] {
        let count = |rows: u64| {
            let read = || assert_eq!(runtime.block_on(read(db.engine(), rows)) as u64, rows);
            read();
            measure(read).count_total as f64
        };
        let each = (count(4_000) - count(1_000)) / 3_000.0;
        assert!(each <= most, "{what} costs {each} allocations a row");
    }
}
