//! The traits that `derive(Model)` implements: a model, what an insert needs, what a patch brings.

use std::fmt::Debug;
use std::hash::Hash;

use crate::engine::Executor;
use crate::query::{Delete, Insert, Select, Selected, Update, write};
use crate::relation::{NoObjects, ObjectKeys, ObjectReference, RelationDef};
use crate::row::Row;
use crate::table::TableDef;
use crate::value::{self, ColumnValue, Value};
use crate::{Error, ErrorKind, Result};

/// A struct that stands for rows of a table.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a model", note = "add `#[derive(Model)]` to the struct")]
pub trait Model: Sized + Clone + Send + Sync + 'static {
    /// The primary key's type: the field's, or a tuple for a key of several columns.
    type Key: Key;
    /// What an insert needs.
    type New: NewModel<Model = Self>;
    /// What a patch brings.
    type Patch: PatchModel<Model = Self>;

    /// The table's description.
    const TABLE: &'static TableDef;

    /// The relationships to other models.
    const RELATIONS: &'static [RelationDef];

    /// Reads the model from a row that has all columns of the table, in its order, from the index `start` on.
    ///
    /// # Errors
    /// When a column holds something that the field cannot.
    fn from_row(row: &Row, start: usize) -> Result<Self>;

    /// The values of all columns, in the table's order.
    fn values(&self) -> Vec<Value>;

    /// The primary key.
    fn key(&self) -> Self::Key;

    /// Takes over every field that an insert would bring; what is generated or left to the database stays.
    ///
    /// # Errors
    /// When a [`Reference`](crate::Reference) is to an object of a session: `session.assign` knows its key.
    fn assign(&mut self, new: Self::New) -> Result<()> {
        self.assign_with(new, &NoObjects)
    }

    /// The same where the keys of a session's objects are known.
    ///
    /// # Errors
    /// When an object that it refers to has no key.
    #[doc(hidden)]
    fn assign_with(&mut self, new: Self::New, keys: &dyn ObjectKeys) -> Result<()>;

    /// The row with this primary key.
    ///
    /// # Errors
    /// When the database does not answer, or the row does not fit the model.
    fn get(db: &impl Executor, key: Self::Key) -> impl Future<Output = Result<Option<Self>>> + Send {
        write::get(db, key)
    }

    /// Starts a query for rows of this model.
    fn select() -> Select<Self> {
        Select::new()
    }

    /// Inserts a row and returns it as the database made it.
    ///
    /// # Errors
    /// When the database does not answer, or a constraint does not hold.
    fn insert(db: &impl Executor, new: Self::New) -> impl Future<Output = Result<Self>> + Send {
        write::insert(db, new)
    }

    /// Starts an insert of many rows: one statement for many of them.
    fn insert_many(rows: impl IntoIterator<Item = Self::New>) -> Insert<Self> {
        Insert::many(rows)
    }

    /// Starts an insert of the rows that a query gives, into these columns:
    /// `Car::insert_from((Car::NAME, Car::DOORS), query)`. What is not named is the database's to give.
    fn insert_from<C: Selected>(columns: C, query: Select<C::Output>) -> Insert<Self> {
        Insert::from(columns, query)
    }

    /// Starts an update of the rows that a filter finds.
    fn update() -> Update<Self> {
        Update::new()
    }

    /// Starts a deletion of the rows that a filter finds.
    fn delete() -> Delete<Self> {
        Delete::new()
    }

    /// The error for a row that is not there: `no car with id 7`.
    fn not_found(key: &Self::Key) -> Error {
        Error::new(ErrorKind::NotFound, format!("no {} with {}", Self::noun(), describe::<Self>(key)))
    }

    /// The model's name as a word in a sentence: `car`.
    fn noun() -> String {
        Self::TABLE.noun()
    }
}

/// The columns that an insert or an update gives values to: indexes into the table's columns, and the values.
pub type Assignments = Vec<(usize, Value)>;

/// What an insert of the model needs: `NewCar`.
pub trait NewModel: Sized + Clone + Send + Sync + 'static {
    /// The model.
    type Model: Model<New = Self>;

    /// The objects of a session that it refers to.
    fn objects(&self) -> Vec<ObjectReference> {
        Vec::new()
    }

    /// The columns that the insert brings. The database makes the rest.
    ///
    /// # Errors
    /// When it refers to an object that has no key.
    fn into_assignments(self, keys: &dyn ObjectKeys) -> Result<Assignments>;
}

/// What a patch of the model brings: `CarPatch`.
pub trait PatchModel: Sized + Send + Sync + 'static {
    /// The model.
    type Model: Model<Patch = Self>;

    /// Changes the fields that the patch brings.
    fn apply(self, model: &mut Self::Model);
}

/// The type of a primary key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a primary key",
    label = "not a key",
    note = "a key is an i16, i32, i64, bool, String, Vec<u8>, Date, Timestamp, Uuid or Decimal, or a tuple of two to four"
)]
pub trait Key: Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// The values of the key's columns, in the table's order.
    fn into_values(self) -> Vec<Value>;

    /// Reads the key from the columns of a row at these indexes.
    ///
    /// # Errors
    /// When a column holds something that the key cannot.
    fn from_row(row: &Row, indexes: &[usize]) -> Result<Self>;
}

macro_rules! keys {
    ($($(#[$cfg:meta])? $type:ty),* $(,)?) => {$(
        $(#[$cfg])?
        impl Key for $type {
            fn into_values(self) -> Vec<Value> {
                vec![self.into_value()]
            }

            fn from_row(row: &Row, indexes: &[usize]) -> Result<Self> {
                row.get(indexes[0])
            }
        }
    )*};
}

keys!(
    i16,
    i32,
    i64,
    bool,
    String,
    Vec<u8>,
    #[cfg(feature = "time")]
    jiff::civil::Date,
    #[cfg(feature = "time")]
    jiff::Timestamp,
    #[cfg(feature = "uuid")]
    uuid::Uuid,
    #[cfg(feature = "decimal")]
    rust_decimal::Decimal,
);

macro_rules! composite_keys {
    ($($type:ident $index:tt),*) => {
        impl<$($type: ColumnValue + Eq + Hash + Debug),*> Key for ($($type,)*) {
            fn into_values(self) -> Vec<Value> {
                vec![$(self.$index.into_value()),*]
            }

            fn from_row(row: &Row, indexes: &[usize]) -> Result<Self> {
                Ok(($(row.get(indexes[$index])?,)*))
            }
        }
    };
}

composite_keys!(A 0, B 1);
composite_keys!(A 0, B 1, C 2);
composite_keys!(A 0, B 1, C 2, D 3);

/// `id 7`, or `owner 1, car 7`.
pub(crate) fn describe<M: Model>(key: &M::Key) -> String {
    let values = key.clone().into_values();
    let parts: Vec<_> = M::TABLE
        .primary_key()
        .zip(&values)
        .map(|(column, value)| format!("{} {}", column.name, value::shown(value)))
        .collect();
    parts.join(", ")
}
