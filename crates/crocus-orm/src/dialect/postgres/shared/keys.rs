//! Reading rows by their keys: one who comes while another is under way goes with those who come meanwhile, in one
//! statement. It is sent after each of them has asked, so that each sees what was committed by then.

use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use tokio_postgres::types::Type;

use super::queue::{Queue, Together, Waiting};
use super::{SLOWEST, Shared};
use crate::row::Row;
use crate::statement::{Answer, KeyRead};
use crate::value::Value;

/// Those who ask for a row by its key, in one shape of statement.
#[derive(Debug)]
pub(super) struct Keys {
    read: Arc<KeyRead>,
    shared: Weak<Shared>,
    queue: Queue<Value>,
}

impl Keys {
    pub(super) fn new(read: Arc<KeyRead>, shared: Weak<Shared>) -> Keys {
        Keys { read, shared, queue: Queue::default() }
    }

    async fn rows(&self, shared: &Shared, mut keys: Vec<Value>) -> Option<Rows> {
        let mut wanted: HashMap<u128, usize> = HashMap::with_capacity(keys.len());
        let mut all = true;
        keys.retain(|key| match number(key).map(|number| wanted.entry(number)) {
            Some(Entry::Vacant(entry)) => {
                entry.insert(1);
                true
            }
            Some(Entry::Occupied(mut entry)) => {
                *entry.get_mut() += 1;
                false
            }
            None => {
                all = false;
                false
            }
        });
        if !all {
            return None;
        }
        let keys = Value::Array(self.read.array.clone(), Some(Box::new(keys)));
        let rows = shared.line()?.on(&self.read.many, async |connection, plan| connection.rows(&plan, &keys).await);
        let (rows, _) = rows.await?;
        let mut found = HashMap::with_capacity(wanted.len());
        for row in rows.ok()? {
            let key = key_of(&row, self.read.key)?;
            let row = match wanted.get(&key) {
                Some(1) => Found::Once(Row::postgres(row)),
                _ => Found::Often(Arc::new(row)),
            };
            found.insert(key, row);
        }
        Some(Rows(found))
    }
}

impl Together for Keys {
    type Asked = Value;

    const MOST: usize = 256;
    const SLOWEST: Duration = SLOWEST;

    fn queue(&self) -> &Queue<Value> {
        &self.queue
    }

    /// Reads the rows of all who wait. Where that fails, each goes another way.
    async fn answer(&self, waiting: Vec<Waiting<Value>>) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut rows = self.rows(&shared, waiting.iter().map(|one| one.asked.clone()).collect()).await;
        for one in waiting {
            let row = rows.as_mut().map(|rows| rows.take(&one.asked));
            // Whoever does not wait any more does not want it.
            drop(one.answer.send(row.map(|row| Ok(Answer { rows: row.into_iter().collect(), ..Answer::default() }))));
        }
    }
}

/// The rows that were found, by the numbers of their keys.
struct Rows(HashMap<u128, Found>);

enum Found {
    Once(Row),
    Often(Arc<tokio_postgres::Row>),
}

impl Rows {
    fn take(&mut self, key: &Value) -> Option<Row> {
        let key = number(key)?;
        match self.0.get(&key)? {
            Found::Often(row) => Some(Row::postgres_shared(row.clone())),
            Found::Once(_) => match self.0.remove(&key)? {
                Found::Once(row) => Some(row),
                Found::Often(_) => None,
            },
        }
    }
}

/// The key as a number, of the types that are read together.
fn number(key: &Value) -> Option<u128> {
    match key {
        Value::SmallInt(Some(number)) => Some(signed(i64::from(*number))),
        Value::Int(Some(number)) => Some(signed(i64::from(*number))),
        Value::BigInt(Some(number)) => Some(signed(*number)),
        #[cfg(feature = "uuid")]
        Value::Uuid(Some(uuid)) => Some(uuid.as_u128()),
        _ => None,
    }
}

/// The same of a row's column.
fn key_of(row: &tokio_postgres::Row, column: usize) -> Option<u128> {
    match *row.columns().get(column)?.type_() {
        Type::INT2 => row.try_get::<_, i16>(column).ok().map(|number| signed(i64::from(number))),
        Type::INT4 => row.try_get::<_, i32>(column).ok().map(|number| signed(i64::from(number))),
        Type::INT8 => row.try_get::<_, i64>(column).ok().map(signed),
        #[cfg(feature = "uuid")]
        Type::UUID => row.try_get::<_, uuid::Uuid>(column).ok().map(|uuid| uuid.as_u128()),
        _ => None,
    }
}

fn signed(number: i64) -> u128 {
    u128::from(number.cast_unsigned())
}
