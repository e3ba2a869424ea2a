//! For the tests of programs: a transaction that is never committed, and a count of statements. A mistake in a test ends
//! it by a panic, which names the caller's line.

use std::fmt::Write;
use std::panic::Location;

use crate::{Engine, Result, Transaction};

/// Runs a test in a transaction of its own, which is rolled back: many tests can share a database, and none sees what
/// another wrote.
///
/// # Errors
/// When the database does not answer.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Model, Statement, testing};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL)", [])).await?;
/// testing::rolled_back(&db, async |transaction| {
///     Car::insert(transaction, NewCar { doors: 4 }).await.unwrap();
///     assert_eq!(Car::select().count(transaction).await.unwrap(), 1);
/// })
/// .await?;
/// assert_eq!(Car::select().count(&db).await?, 0);
/// # Ok(()) }
/// ```
pub async fn rolled_back<T>(db: &Engine, test: impl AsyncFnOnce(&mut Transaction) -> T) -> Result<T> {
    let mut transaction = db.begin().await?;
    let result = test(&mut transaction).await;
    transaction.rollback().await?;
    Ok(result)
}

/// Runs something on a handle of the engine, and asserts how many statements it sent. `BEGIN`, `COMMIT` and their like
/// count too.
///
/// # Panics
/// When it sent more or fewer; the statements are listed.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Engine, Model, Statement, testing};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL)", [])).await?;
/// let cars = testing::assert_statements(&db, 1, async |db| Car::select().all(&db).await).await?;
/// assert!(cars.is_empty());
/// # Ok(()) }
/// ```
#[track_caller]
pub fn assert_statements<T>(
    db: &Engine,
    expected: usize,
    work: impl AsyncFnOnce(Engine) -> T,
) -> impl Future<Output = T> {
    let location = Location::caller();
    let (db, recorded) = db.record();
    async move {
        let result = work(db).await;
        let statements = recorded.statements();
        let mut list = String::new();
        for statement in &statements {
            let _ = write!(list, "\n  {}", statement.sql);
        }
        assert!(
            statements.len() == expected,
            "expected {expected} statements, and {} were sent ({location}){list}",
            statements.len()
        );
        result
    }
}
