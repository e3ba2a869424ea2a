//! A read replica: which statements go there, and what is said when it is away. A second database plays the replica;
//! it follows nobody, so that each answer tells where it is from.

use crocus_orm::{ColumnOperators, Engine, EngineOptions, Error, ErrorKind, Model, Statement, TransactionOptions};
use futures_util::TryStreamExt;

use crate::database::{Database, assert_kind, each};
use crate::models::{Car, car};

/// A database, another that is its replica, and an engine on both. Each has a car with its own name.
async fn each_with_replica() -> Vec<(Database, Database, Engine)> {
    let mut all = Vec::new();
    for (primary, replica) in each().await.into_iter().zip(each().await) {
        Car::insert(primary.engine(), car("primary")).await.unwrap();
        Car::insert(replica.engine(), car("replica")).await.unwrap();
        let options = EngineOptions { replica: Some(replica.url().clone()), ..EngineOptions::default() };
        let engine = primary.another_engine(&options);
        all.push((primary, replica, engine));
    }
    all
}

async fn asked(db: &impl crocus_orm::Executor) -> String {
    Car::select().order_by(Car::ID.asc()).first(db).await.unwrap().unwrap().name
}

async fn write(engine: &Engine) -> Result<u64, Error> {
    Car::update().set(Car::DOORS, 5).execute(engine).await
}

#[tokio::test]
async fn reads_outside_a_transaction_go_to_the_replica() {
    for (_primary, _replica, engine) in each_with_replica().await {
        assert_eq!(asked(&engine).await, "replica");
        let mut stream = Car::select().stream(&engine).await.unwrap();
        assert_eq!(stream.try_next().await.unwrap().unwrap().name, "replica");
        let transaction = engine.begin().await.unwrap();
        assert_eq!(asked(&transaction).await, "primary");
        transaction.rollback().await.unwrap();
        let transaction = engine.begin_with(TransactionOptions::new().read_only()).await.unwrap();
        assert_eq!(asked(&transaction).await, "primary");
        drop(transaction);
        assert_eq!(write(&engine).await.unwrap(), 1);
        assert_eq!(asked(&engine).await, "replica", "nobody asked to remember the write");
        engine.close().await;
        assert_kind(engine.query(Statement::read("SELECT 1", [])).await, ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_request_reads_what_it_wrote() {
    for (_primary, _replica, engine) in each_with_replica().await {
        let request = engine.request();
        let clone = request.clone();
        assert_eq!(asked(&request).await, "replica");
        write(&request).await.unwrap();
        assert_eq!((asked(&request).await, asked(&clone).await), ("primary".to_owned(), "primary".to_owned()));
        let mut stream = Car::select().stream(&request).await.unwrap();
        assert_eq!(stream.try_next().await.unwrap().unwrap().name, "primary");
        assert_eq!(asked(&engine.request()).await, "replica", "another request has not written");
        assert_eq!(asked(&engine).await, "replica");
    }
}

#[tokio::test]
async fn a_committed_transaction_is_a_write() {
    for (_primary, _replica, engine) in each_with_replica().await {
        let request = engine.request();
        let transaction = request.begin().await.unwrap();
        Car::update().set(Car::DOORS, 6).execute(&transaction).await.unwrap();
        transaction.rollback().await.unwrap();
        let transaction = request.begin_with(TransactionOptions::new().read_only()).await.unwrap();
        assert_eq!(asked(&transaction).await, "primary");
        transaction.commit().await.unwrap();
        assert_eq!(asked(&request).await, "replica", "nothing was written");

        let transaction = request.begin().await.unwrap();
        Car::update().set(Car::DOORS, 6).execute(&transaction).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(asked(&request).await, "primary");

        let request = engine.request();
        let mut session = request.session();
        session.add(car("new"));
        session.commit().await.unwrap();
        assert_eq!(asked(&request).await, "primary");

        let request = engine.request();
        request.connection().await.unwrap().batch("UPDATE cars SET doors = 7").await.unwrap();
        assert_eq!(asked(&request).await, "primary");
    }
}

#[tokio::test]
async fn a_replica_that_is_away_is_named_and_writes_go_on() {
    for (primary, replica, _) in each_with_replica().await {
        let url = if primary.is_sqlite() {
            "sqlite:/no/such/folder/replica.db".to_owned()
        } else {
            // Nobody listens on a port that was free a moment ago.
            let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            format!("postgresql://ada:hunter2@127.0.0.1:{port}/cars")
        };
        let options = EngineOptions { replica: Some(url.parse().unwrap()), ..EngineOptions::default() };
        let engine = primary.another_engine(&options);
        let shown = url.replace(":hunter2", "");
        for result in [engine.ping().await, Car::select().count(&engine).await.map(drop)] {
            let error = result.unwrap_err();
            let start = format!("the replica `{shown}` does not answer: ");
            assert!(error.to_string().starts_with(&start), "{error}");
        }
        let error = Car::select().stream(&engine).await.unwrap_err();
        assert!(error.to_string().contains(&shown), "{error}");
        let request = engine.request();
        write(&request).await.unwrap();
        assert_eq!(asked(&request).await, "primary");

        // A replica of another kind is a mistake.
        let [sqlite, postgres] = each().await;
        let other = if primary.is_sqlite() { postgres } else { sqlite };
        let options = EngineOptions { replica: Some(other.url().clone()), ..EngineOptions::default() };
        let error = assert_kind(primary.another_engine(&options).ping().await, ErrorKind::InvalidUrl);
        assert!(error.to_string().contains(&format!("is no {} database", primary.dialect())), "{error}");
        drop(replica);
    }
}
