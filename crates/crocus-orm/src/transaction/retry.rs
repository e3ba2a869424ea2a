//! Transactions as closures, which are tried again when another one stood in their way.

use std::hash::{BuildHasher, RandomState};
use std::panic::Location;
use std::time::Duration;

use crate::{Engine, Error, ErrorKind, Result, Transaction, TransactionOptions};

impl Engine {
    /// Runs a closure in a transaction: committed when it gives `Ok`, rolled back when it gives `Err`.
    ///
    /// When the database refuses for another transaction's sake ([`ErrorKind::Conflict`]: PostgreSQL's serialization
    /// failures and deadlocks, another program's lock on SQLite), the whole closure is run again in a new transaction,
    /// up to five times, with growing random waits between. It may thus run more than once: what it does beside the
    /// database is not undone. Each run has a clone of what the closure captures; references are fine, `&mut` is not. A
    /// commit whose [outcome is unknown](ErrorKind::OutcomeUnknown) is never repeated.
    ///
    /// # Errors
    /// Those of the closure, and of the commit. The last one, where every try met a conflict.
    ///
    /// # Example
    /// ```
    /// # use crocus_macros::Model;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
    /// use crocus_orm::{ColumnOperators, Engine, Error, Model, Statement};
    ///
    /// #[derive(Debug, Clone, Model)]
    /// # #[model(crate = "crocus_orm")]
    /// #[model(table = "accounts")]
    /// struct Account {
    ///     #[model(primary_key)]
    ///     id: i32,
    ///     balance: i32,
    /// }
    ///
    /// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
    /// # db.execute(Statement::write("CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER)", [])).await?;
    /// # for balance in [100, 0] { Account::insert(&db, NewAccount { balance }).await?; }
    /// let left = db
    ///     .transaction(async |transaction| {
    ///         let from = Account::get(transaction, 1).await?.expect("account 1 is there");
    ///         let to = Account::get(transaction, 2).await?.expect("account 2 is there");
    ///         let set = |id, balance| Account::update().set(Account::BALANCE, balance).filter(Account::ID.eq(id));
    ///         set(1, from.balance - 30).execute(transaction).await?;
    ///         set(2, to.balance + 30).execute(transaction).await?;
    ///         Ok::<_, Error>(from.balance - 30)
    ///     })
    ///     .await?;
    /// assert_eq!(left, 70);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn transaction<T, E, F>(&self, work: F) -> impl Future<Output = Result<T, E>>
    where
        F: AsyncFnOnce(&mut Transaction) -> Result<T, E> + Clone,
        E: From<Error>,
    {
        self.transaction_with(TransactionOptions::new(), work)
    }

    /// The same for a transaction that is not the usual one.
    ///
    /// # Errors
    /// As for [`transaction`](Engine::transaction).
    #[track_caller]
    pub fn transaction_with<T, E, F>(&self, options: TransactionOptions, work: F) -> impl Future<Output = Result<T, E>>
    where
        F: AsyncFnOnce(&mut Transaction) -> Result<T, E> + Clone,
        E: From<Error>,
    {
        let location = Location::caller();
        async move {
            let mut tries = 1;
            loop {
                let mut transaction = self.begin_at(&options, location).await?;
                let result = work.clone()(&mut transaction).await;
                let mut conflict = transaction.has_conflict();
                let error = match result {
                    Ok(value) => match transaction.commit_at(location).await {
                        Ok(()) => return Ok(value),
                        Err(error) => {
                            conflict |= error.kind() == ErrorKind::Conflict;
                            error.into()
                        }
                    },
                    Err(error) => {
                        // A connection that is lost has rolled back by itself.
                        let _ = transaction.rollback_at(location).await;
                        error
                    }
                };
                if !conflict || tries >= options.tries {
                    return Err(error);
                }
                tokio::time::sleep(options.delay(tries)).await;
                tries += 1;
            }
        }
    }
}

impl TransactionOptions {
    /// The wait after so many tries: a random part of a limit that doubles, so that those who met do not meet again.
    fn delay(&self, tries: u32) -> Duration {
        let limit = self.first_delay.saturating_mul(1_u32.checked_shl(tries - 1).unwrap_or(u32::MAX));
        limit.min(self.longest_delay).mul_f64(random())
    }
}

/// At least 0 and less than 1. The standard library's one source of randomness is the keys of its hash maps.
fn random() -> f64 {
    let bits = RandomState::new().hash_one(0) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
