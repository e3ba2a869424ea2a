//! The description of a table, as `derive(Model)` writes it: the one source for queries, sessions, migrations and
//! payloads.
//!
//! Assumption: a description is made at compile time and never changes, so everything is `&'static`.

mod rules;

use std::fmt;

use crate::json::Rule;
use crate::value::{ColumnValue, Value};

pub use self::rules::{Bound, Exact, Literal, Rules, rules};

/// A table and everything that a model declares of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TableDef {
    /// The table's name in the database.
    pub name: &'static str,
    /// The schema that it is in, on PostgreSQL; otherwise the first of the search path. SQLite has none.
    pub schema: Option<&'static str>,
    /// The bind: which of a program's databases has the table. The default one when there is none.
    pub bind: Option<&'static str>,
    /// The Rust struct's name.
    pub model: &'static str,
    /// The comment that the database keeps, where it keeps one.
    pub comment: Option<&'static str>,
    /// The name that the table had before, for a migration that renames it.
    pub renamed_from: Option<&'static str>,
    /// The columns, in the order of the struct's fields.
    pub columns: &'static [ColumnDef],
    /// Unique constraints.
    pub uniques: &'static [UniqueDef],
    /// Indexes that are not unique constraints.
    pub indexes: &'static [IndexDef],
    /// Check constraints.
    pub checks: &'static [CheckDef],
    /// Foreign keys.
    pub foreign_keys: &'static [ForeignKeyDef],
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnDef {
    /// The column's name in the database.
    pub name: &'static str,
    /// The struct's field; with a dot for one of an embedded struct: `address.city`.
    pub field: &'static str,
    /// The type.
    pub ty: ColumnType,
    /// The type in the database's own words, where the model says it: `varchar(20)`. Its values are those of `ty`.
    pub sql_type: Option<&'static str>,
    /// The collation, where the model says it.
    pub collation: Option<&'static str>,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// Whether it is (a part of) the primary key.
    pub primary_key: bool,
    /// Whether the database makes its value, counting up.
    pub identity: bool,
    /// The value that the database gives when an insert brings none: an SQL expression.
    pub default: Option<&'static str>,
    /// The function of the program that makes the value when an insert brings none.
    pub default_with: Option<MakeValue>,
    /// The SQL expression that the database computes its value from, and stores. It is never written.
    pub generated: Option<&'static str>,
    /// Whether it is the optimistic lock: each update checks it and raises it by one.
    pub version: bool,
    /// Whether its values are kept out of logs and errors.
    pub sensitive: bool,
    /// The comment that the database keeps, where it keeps one.
    pub comment: Option<&'static str>,
    /// The name that the column had before, for a migration that renames it.
    pub renamed_from: Option<&'static str>,
    /// How its field reads a value from JSON.
    pub from_json: ReadJson,
}

/// A function that makes a column's value. All are equal to each other: functions cannot be compared.
#[derive(Clone, Copy)]
pub struct MakeValue(pub fn() -> Value);

/// How a field of one Rust type reads its column's value from JSON. All are equal to each other: functions cannot be
/// compared, and what differs in the database is said by the column's type.
#[derive(Clone, Copy)]
pub struct ReadJson(fn(serde_json::Value) -> Result<Value, Rule>);

impl ReadJson {
    /// As the type reads it.
    pub const fn of<T: ColumnValue>() -> ReadJson {
        ReadJson(|json| T::from_json(json).map(T::into_value))
    }

    /// Reads the value.
    ///
    /// # Errors
    /// The rule that the JSON value breaks, such as `must be an integer`.
    pub fn read(self, json: serde_json::Value) -> Result<Value, Rule> {
        (self.0)(json)
    }
}

impl PartialEq for MakeValue {
    fn eq(&self, _: &MakeValue) -> bool {
        true
    }
}

impl PartialEq for ReadJson {
    fn eq(&self, _: &ReadJson) -> bool {
        true
    }
}

impl fmt::Debug for MakeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MakeValue")
    }
}

impl fmt::Debug for ReadJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadJson")
    }
}

/// A unique constraint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UniqueDef {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in order.
    pub columns: &'static [&'static str],
    /// When it is checked.
    pub deferrable: Deferrable,
    /// Whether two NULLs are equal.
    pub nulls_not_distinct: bool,
}

/// When a constraint is checked. SQLite knows this of foreign keys alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Deferrable {
    /// Always at the end of the statement.
    #[default]
    No,
    /// At the end of the statement, unless a transaction says otherwise: `DEFERRABLE INITIALLY IMMEDIATE`.
    Immediate,
    /// At the end of the transaction, unless it says otherwise: `DEFERRABLE INITIALLY DEFERRED`.
    Deferred,
}

/// An index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexDef {
    /// Its name.
    pub name: &'static str,
    /// What it is over, in order.
    pub parts: &'static [IndexPart],
    /// Whether no two rows may agree in all parts.
    pub unique: bool,
    /// The SQL condition of the rows that are in it; all when there is none.
    pub condition: Option<&'static str>,
    /// The access method, where it is not a B-tree. SQLite has only B-trees.
    pub method: Option<&'static str>,
    /// Columns that it stores beside its parts. Only PostgreSQL has that.
    pub include: &'static [&'static str],
    /// Whether two NULLs are equal in a unique one. Only PostgreSQL has that.
    pub nulls_not_distinct: bool,
}

/// What an index orders rows by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexPart {
    /// A column, or an expression.
    pub key: IndexKey,
    /// Whether from the largest to the smallest.
    pub descending: bool,
    /// Where NULLs stand, where that is not the database's own order. SQLite has no other.
    pub nulls: Option<Nulls>,
    /// The collation, where it is not the key's own.
    pub collation: Option<&'static str>,
    /// The operator class, where it is not the type's default. Only PostgreSQL has that.
    pub operator_class: Option<&'static str>,
}

/// Where NULLs stand in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nulls {
    /// Before every value.
    First,
    /// After every value.
    Last,
}

/// A column or an expression of an index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum IndexKey {
    /// The column with this name.
    Column(&'static str),
    /// An SQL expression.
    Expression(&'static str),
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

/// A foreign key: columns that hold the primary key of another table's row.
#[derive(Debug, Clone, Copy)]
pub struct ForeignKeyDef {
    /// Its name.
    pub name: &'static str,
    /// The columns, in the order of the other table's primary key.
    pub columns: &'static [&'static str],
    /// The other table. A function, since tables may refer to each other and to themselves.
    pub target: fn() -> &'static TableDef,
    /// What becomes of the rows here when the row there is deleted.
    pub on_delete: ReferentialAction,
    /// What becomes of the rows here when the key there changes.
    pub on_update: ReferentialAction,
    /// The columns that `SetNull` and `SetDefault` on deletion set; all when there is none. Only PostgreSQL has that.
    pub on_delete_columns: &'static [&'static str],
    /// Whether a key of which a part is NULL is refused. Only PostgreSQL has that.
    pub match_full: bool,
    /// When it is checked.
    pub deferrable: Deferrable,
}

impl PartialEq for ForeignKeyDef {
    fn eq(&self, other: &ForeignKeyDef) -> bool {
        // Two functions cannot be compared; what they give can.
        let said = |key: &ForeignKeyDef| {
            let actions = (key.on_delete, key.on_update, key.on_delete_columns);
            (key.name, key.columns, (key.target)().name, actions, key.match_full, key.deferrable)
        };
        said(self) == said(other)
    }
}

impl UniqueDef {
    /// A unique constraint over columns, without anything else.
    pub const fn new(name: &'static str, columns: &'static [&'static str]) -> UniqueDef {
        UniqueDef { name, columns, deferrable: Deferrable::No, nulls_not_distinct: false }
    }
}

impl IndexPart {
    /// A column or an expression as it is, in ascending order.
    pub const fn new(key: IndexKey) -> IndexPart {
        IndexPart { key, descending: false, nulls: None, collation: None, operator_class: None }
    }
}

impl ForeignKeyDef {
    /// A foreign key without any options.
    pub const fn new(
        name: &'static str,
        columns: &'static [&'static str],
        target: fn() -> &'static TableDef,
    ) -> ForeignKeyDef {
        ForeignKeyDef {
            name,
            columns,
            target,
            on_delete: ReferentialAction::NoAction,
            on_update: ReferentialAction::NoAction,
            on_delete_columns: &[],
            match_full: false,
            deferrable: Deferrable::No,
        }
    }
}

/// What a foreign key does with its rows when the row that they point to goes or changes its key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ReferentialAction {
    /// Refuses, at the end of the statement.
    #[default]
    NoAction,
    /// Refuses at once.
    Restrict,
    /// Deletes them, or changes them alike.
    Cascade,
    /// Sets their columns to NULL.
    SetNull,
    /// Sets their columns to their defaults.
    SetDefault,
}

/// A type with a fixed list of values, as `derive(DbEnum)` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnumDef {
    /// The type's name in the database.
    pub name: &'static str,
    /// The Rust enum's name.
    pub model: &'static str,
    /// The values as the database has them, in order.
    pub values: &'static [&'static str],
    /// The values that had another name before: the old name and the new one.
    pub renamed: &'static [(&'static str, &'static str)],
}

/// The types that a column can have.
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
    /// One of a fixed list: a type of its own on PostgreSQL, text with a check on SQLite.
    Enum(&'static EnumDef),
    /// A list of values of one type: an array on PostgreSQL, JSON on SQLite.
    Array(&'static ColumnType),
}

impl ColumnType {
    /// Whether a type of the database whose values are those of `base` can hold those of this one.
    #[doc(hidden)]
    pub const fn is_like(self, base: ColumnType) -> bool {
        matches!(
            (self, base),
            (ColumnType::Text, ColumnType::Text)
                | (ColumnType::Decimal, ColumnType::Decimal)
                | (ColumnType::DateTime, ColumnType::DateTime)
                | (ColumnType::Timestamp, ColumnType::Timestamp)
                | (ColumnType::Time, ColumnType::Time)
        )
    }
}

impl TableDef {
    /// The columns of the primary key, in order.
    pub fn primary_key(&self) -> impl Iterator<Item = &'static ColumnDef> {
        self.columns.iter().filter(|column| column.primary_key)
    }

    /// The indexes of the primary key's columns, in order.
    pub(crate) fn key_indexes(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().enumerate().filter(|(_, column)| column.primary_key).map(|(index, _)| index)
    }

    /// The model's name as a word in a sentence: `car part`.
    pub fn noun(&self) -> String {
        let mut noun = String::new();
        for character in self.model.chars() {
            if character.is_uppercase() && !noun.is_empty() {
                noun.push(' ');
            }
            noun.extend(character.to_lowercase());
        }
        noun
    }

    /// The column with this name in the database.
    pub fn column(&self, name: &str) -> Option<&'static ColumnDef> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of a unique constraint or a unique index (or of the primary key, by PostgreSQL's name for it).
    pub(crate) fn unique_columns(&self, name: &str) -> Option<Vec<String>> {
        if let Some(unique) = self.uniques.iter().find(|unique| unique.name == name) {
            return Some(unique.columns.iter().map(|name| (*name).to_owned()).collect());
        }
        if let Some(index) = self.indexes.iter().find(|index| index.unique && index.name == name) {
            return index.columns().map(|column| column.map(str::to_owned)).collect();
        }
        (name == format!("{}_pkey", self.name))
            .then(|| self.primary_key().map(|column| column.name.to_owned()).collect())
    }

    /// The name of the unique constraint or the unique index over exactly these columns (or of the primary key, by
    /// PostgreSQL's name for it).
    pub(crate) fn unique_name(&self, columns: &[String]) -> Option<String> {
        if let Some(unique) = self.uniques.iter().find(|unique| unique.columns == columns) {
            return Some(unique.name.to_owned());
        }
        if self.primary_key().map(|column| column.name).eq(columns) {
            return Some(format!("{}_pkey", self.name));
        }
        let over_them = |index: &&IndexDef| {
            let all: Option<Vec<_>> = index.columns().collect();
            index.unique && all.is_some_and(|all| all == *columns)
        };
        self.indexes.iter().find(over_them).map(|index| index.name.to_owned())
    }
}

impl EnumDef {
    /// The rule that a value breaks that is none of the enum's.
    #[doc(hidden)]
    pub fn unknown(&self, found: &str) -> String {
        let mut shown: String = found.chars().take(40).collect();
        if shown.len() < found.len() {
            shown.push('…');
        }
        let values: Vec<_> = self.values.iter().map(|value| format!("{value:?}")).collect();
        format!("must be one of {}, not {shown:?}", values.join(", "))
    }
}

impl IndexDef {
    /// An index without any options.
    pub const fn new(name: &'static str, parts: &'static [IndexPart]) -> IndexDef {
        IndexDef { name, parts, unique: false, condition: None, method: None, include: &[], nulls_not_distinct: false }
    }

    /// The names of its columns; `None` for an expression.
    fn columns(&self) -> impl Iterator<Item = Option<&'static str>> {
        self.parts.iter().map(|part| match part.key {
            IndexKey::Column(name) => Some(name),
            IndexKey::Expression(_) => None,
        })
    }
}
