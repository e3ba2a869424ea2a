//! The description of a table, as `derive(Model)` writes it: the one source for queries, sessions, migrations and
//! payloads.
//!
//! Assumption: a description is made at compile time and never changes, so everything is `&'static`.

/// A table and everything that a model declares of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TableDef {
    /// The table's name in the database.
    pub name: &'static str,
    /// The Rust struct's name.
    pub model: &'static str,
    /// The columns, in the order of the struct's fields.
    pub columns: &'static [ColumnDef],
    /// Unique constraints.
    pub uniques: &'static [UniqueDef],
    /// Indexes that are not unique constraints.
    pub indexes: &'static [IndexDef],
    /// Check constraints.
    pub checks: &'static [CheckDef],
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnDef {
    /// The column's name in the database.
    pub name: &'static str,
    /// The struct's field.
    pub field: &'static str,
    /// The type.
    pub ty: ColumnType,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// Whether it is (a part of) the primary key.
    pub primary_key: bool,
    /// Whether the database makes its value, counting up.
    pub identity: bool,
    /// The value that the database gives when an insert brings none: an SQL expression.
    pub default: Option<&'static str>,
}

/// A unique constraint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UniqueDef {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: &'static [&'static str],
}

/// An index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexDef {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: &'static [&'static str],
}

/// A check constraint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CheckDef {
    /// Its name.
    pub name: &'static str,
    /// The SQL expression that must not be false.
    pub expression: &'static str,
    /// The column that it was declared on, if it was declared on one.
    pub column: Option<&'static str>,
}

/// The types that a column can have on every dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// `i16`, 2 bytes.
    SmallInteger,
    /// `i32`, 4 bytes.
    Integer,
    /// `i64`, 8 bytes.
    BigInteger,
    /// `f64`, IEEE 754 double precision.
    Double,
    /// `bool`.
    Boolean,
    /// `String`, of any length.
    Text,
    /// `Vec<u8>`.
    Binary,
    /// A calendar date.
    Date,
    /// A time of day, without a zone, to the microsecond.
    Time,
    /// A date and a time of day, without a zone, to the microsecond.
    DateTime,
    /// An instant, to the microsecond.
    Timestamp,
    /// A UUID.
    Uuid,
    /// A decimal number, exact.
    Decimal,
    /// A JSON value.
    Json,
}

impl TableDef {
    /// The columns of the primary key, in order.
    pub fn primary_key(&self) -> impl Iterator<Item = &'static ColumnDef> {
        self.columns.iter().filter(|column| column.primary_key)
    }

    /// The column with this name in the database.
    pub fn column(&self, name: &str) -> Option<&'static ColumnDef> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of a unique constraint (or of the primary key, by PostgreSQL's name for it).
    pub(crate) fn unique_columns(&self, name: &str) -> Option<Vec<String>> {
        if let Some(unique) = self.uniques.iter().find(|unique| unique.name == name) {
            return Some(unique.columns.iter().map(|name| (*name).to_owned()).collect());
        }
        (name == format!("{}_pkey", self.name))
            .then(|| self.primary_key().map(|column| column.name.to_owned()).collect())
    }

    /// The name of the unique constraint over exactly these columns (or of the primary key, by PostgreSQL's name for
    /// it).
    pub(crate) fn unique_name(&self, columns: &[String]) -> Option<String> {
        if let Some(unique) = self.uniques.iter().find(|unique| unique.columns == columns) {
            return Some(unique.name.to_owned());
        }
        self.primary_key().map(|column| column.name).eq(columns).then(|| format!("{}_pkey", self.name))
    }
}
