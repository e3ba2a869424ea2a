//! The table of `guide/statements.md`: each operation is done on both databases, and what it sends is counted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicI32, Ordering};

use crocus::orm::{Engine, EngineOptions, Recorded, Statement};
use crocus::prelude::*;
use futures_util::StreamExt;

#[derive(Debug, Clone, Model)]
#[model(table = "makers", has_many(cars = Car::MAKER))]
struct Maker {
    #[model(primary_key)]
    id: i32,
    name: String,
}

#[derive(Debug, Clone, Model)]
#[model(
    table = "cars",
    has_many(sales = Sale::CAR),
    many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG))
)]
struct Car {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to = Maker)]
    maker_id: i32,
    #[model(belongs_to = Owner)]
    owner_id: Option<i32>,
    name: String,
}

#[derive(Debug, Clone, Model)]
#[model(table = "owners")]
struct Owner {
    #[model(primary_key)]
    id: i32,
    name: String,
}

#[derive(Debug, Clone, Model)]
#[model(table = "sales")]
struct Sale {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to = Car)]
    car_id: i32,
    price: i32,
}

#[derive(Debug, Clone, Model)]
#[model(table = "tags")]
struct Tag {
    #[model(primary_key)]
    id: i32,
    name: String,
}

#[derive(Debug, Clone, Model)]
#[model(table = "car_tags")]
struct CarTag {
    #[model(primary_key, belongs_to = Car)]
    car_id: i32,
    #[model(primary_key, belongs_to = Tag)]
    tag_id: i32,
}

fn app() -> App {
    App::new("counts").model::<Maker>().model::<Car>().model::<Owner>().model::<Sale>().model::<Tag>().model::<CarTag>()
}

/// Two makers, each with three cars, each of these with an owner, two sales and two tags.
async fn fill(db: &Engine) -> Result<()> {
    let owner = Owner::insert(db, NewOwner { name: "Ada".into() }).await?;
    let tags = [tag(db, "fast").await?, tag(db, "red").await?];
    for name in ["Volvo", "Saab"] {
        let maker = Maker::insert(db, NewMaker { name: name.into() }).await?;
        for name in ["a", "b", "c"] {
            let new = NewCar { maker_id: (&maker).into(), owner_id: Some((&owner).into()), name: name.into() };
            let car = Car::insert(db, new).await?;
            for price in [1, 2] {
                Sale::insert(db, NewSale { car_id: (&car).into(), price }).await?;
            }
            for tag in &tags {
                CarTag::insert(db, NewCarTag { car_id: (&car).into(), tag_id: tag.into() }).await?;
            }
        }
    }
    Ok(())
}

async fn tag(db: &Engine, name: &str) -> Result<Tag> {
    Ok(Tag::insert(db, NewTag { name: name.into() }).await?)
}

fn new_maker() -> NewMaker {
    static NUMBER: AtomicI32 = AtomicI32::new(0);
    NewMaker { name: format!("maker {}", NUMBER.fetch_add(1, Ordering::Relaxed)) }
}

/// Does an operation of the table. What it needs before is not counted: it clears the recording.
async fn operate(operation: &str, db: &Engine, recorded: &Recorded) -> Result<()> {
    match operation {
        "get by key" => assert!(Car::get(db, 1).await?.is_some()),
        "select, any number of rows" => assert_eq!(Car::select().all(db).await?.len(), 6),
        "select with a to-one relationship" => assert_eq!(Car::select().with(Car::MAKER).all(db).await?.len(), 6),
        "select with two to-one relationships" => {
            assert_eq!(Car::select().with(Car::MAKER).with(Car::OWNER).all(db).await?.len(), 6);
        }
        "select with a to-many relationship" => {
            assert_eq!(Car::select().with(Car::SALES).all(db).await?[5].1.len(), 2);
        }
        "select with a to-many relationship and its to-one" => {
            let makers = Maker::select().with(Maker::CARS.with(Car::OWNER)).all(db).await?;
            assert_eq!(makers[1].1[2].1.as_ref().unwrap().name, "Ada");
        }
        "select with a to-many relationship and its to-many" => {
            let makers = Maker::select().with(Maker::CARS.with(Car::SALES)).all(db).await?;
            assert_eq!(makers[1].1[2].1.len(), 2);
        }
        "select with a many-to-many relationship" => {
            assert_eq!(Car::select().with(Car::TAGS).all(db).await?[5].1.len(), 2);
        }
        "count" => assert_eq!(Car::select().count(db).await?, 6),
        "exists" => assert!(Car::select().exists(db).await?),
        "page by number" => assert_eq!(Car::select().order_by(Car::ID.asc()).paginate(2, 5).fetch(db).await?.total, 6),
        "page by cursor" => assert!(Car::select().keyset(5).fetch(db).await?.next.is_some()),
        "stream, any number of rows" => {
            let mut rows = Car::select().stream(db).await?;
            let mut number = 0;
            while let Some(row) = rows.next().await {
                number += usize::from(row.is_ok());
            }
            assert_eq!(number, 6);
        }
        "insert" => drop(Maker::insert(db, new_maker()).await?),
        "insert_many of up to 1,000 rows" => {
            let makers = Maker::insert_many((0..1_000).map(|_| new_maker()));
            assert_eq!(makers.execute(db).await?, 1_000);
        }
        "update or delete by query, any number of rows" => {
            assert_eq!(Car::update().set(Car::NAME, "renamed").execute(db).await?, 6);
        }
        "session: get what it has already" => {
            let mut session = db.session();
            let car = session.get::<Car>(1).await?;
            recorded.clear();
            assert_eq!(session.get::<Car>(1).await?, car);
        }
        "session: load a belongs-to that it has already" => {
            let mut session = db.session();
            let (car, maker) = session.one(Car::select().with(Car::MAKER).filter(Car::ID.eq(1))).await?;
            recorded.clear();
            assert_eq!(session.load(car, Car::MAKER).await?, maker);
        }
        "session: load a to-many relationship of any number of objects" => {
            let mut session = db.session();
            let cars = session.all(Car::select()).await?;
            recorded.clear();
            assert_eq!(session.load_all(&cars, Car::SALES).await?[5].len(), 2);
        }
        "session: commit of nothing" => {
            let mut session = db.session();
            session.all(Car::select()).await?;
            recorded.clear();
            session.commit().await?;
        }
        "session: commit of one insert" => {
            let mut session = db.session();
            session.add(new_maker());
            session.commit().await?;
        }
        "session: commit of one update" => {
            let mut session = db.session();
            let maker = session.get_or_404::<Maker>(1).await?;
            session[maker].name.push('!');
            recorded.clear();
            session.commit().await?;
        }
        "session: commit of one deletion" => {
            let mut session = db.session();
            let maker = session.add(new_maker());
            session.commit().await?;
            session.delete(maker);
            recorded.clear();
            session.commit().await?;
        }
        "session: commit of a row and one that points to it" => {
            let mut session = db.session();
            let maker = session.add(new_maker());
            session.add(NewCar { maker_id: maker.into(), owner_id: None, name: "new".into() });
            session.commit().await?;
        }
        "session: commit of 1,000 new rows in 3 related tables" => add_a_thousand(db.session()).await?,
        "transaction with one statement" => {
            let transaction = db.begin().await?;
            Maker::insert(&transaction, new_maker()).await?;
            transaction.commit().await?;
        }
        "transaction with two statements" => {
            let transaction = db.begin().await?;
            Maker::insert(&transaction, new_maker()).await?;
            Maker::insert(&transaction, new_maker()).await?;
            transaction.commit().await?;
        }
        "transaction with two statements sent together" => {
            let transaction = db.begin().await?;
            let insert = || Statement::write("INSERT INTO tags (name) VALUES ($1)", ["x".into()]);
            transaction.query_each(vec![insert(), insert()]).await?;
            transaction.commit().await?;
        }
        "transaction with nothing in it" => db.begin().await?.commit().await?,
        "transaction with two statements, one in a savepoint" => {
            let mut transaction = db.begin().await?;
            Maker::insert(&transaction, new_maker()).await?;
            let savepoint = transaction.savepoint().await?;
            Maker::insert(&savepoint, new_maker()).await?;
            savepoint.release().await?;
            transaction.commit().await?;
        }
        _ => panic!("the test does not know the operation `{operation}`"),
    }
    Ok(())
}

/// Ten makers with nine cars each, and ten sales of each car.
async fn add_a_thousand(mut session: Session) -> Result<()> {
    for _ in 0..10 {
        let maker = session.add(new_maker());
        for _ in 0..9 {
            let car = session.add(NewCar { maker_id: maker.into(), owner_id: None, name: "new".into() });
            session.add_all((0..10).map(|price| NewSale { car_id: car.into(), price }));
        }
    }
    Ok(session.commit().await?)
}

/// The rows of the table: what is done, and the three numbers.
fn table() -> Vec<(&'static str, [usize; 3])> {
    let lines = include_str!("../guide/statements.md").lines();
    let rows = lines.skip_while(|line| !line.starts_with("| operation |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let number = |cell: usize| cells[cell].parse().unwrap();
        (cells[0], [number(1), number(2), number(3)])
    });
    rows.collect()
}

async fn check(server: Option<&str>, round_trips: usize) {
    let app = app().test_on(server).await;
    // One connection, on which every statement is prepared by the first time.
    let options = EngineOptions { max_connections: 1, ..EngineOptions::default() };
    let (db, recorded) = Engine::new(app.db().url(), &options).record();
    fill(&db).await.unwrap();
    let mut wrong = Vec::new();
    for (operation, expected) in table() {
        for _ in 0..2 {
            recorded.clear();
            operate(operation, &db, &recorded).await.unwrap();
        }
        let statements = recorded.statements();
        let (sent, waited) = (statements.len(), recorded.round_trips());
        if (sent, waited) != (expected[0], expected[round_trips]) {
            let list: Vec<_> = statements.into_iter().map(|statement| statement.sql).collect();
            wrong.push(format!("{operation}: {sent} statements, {waited} round trips: {list:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_table_holds_on_postgres() {
    check(Some(&crocus_testing::postgres().url("postgres")), 1).await;
}

#[tokio::test]
async fn the_table_holds_on_sqlite() {
    check(None, 2).await;
}

#[test]
fn the_table_is_found() {
    assert!(table().len() > 10);
}
