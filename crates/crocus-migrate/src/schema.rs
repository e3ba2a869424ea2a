//! What a database's tables are: one vocabulary for what the models declare and what a database has.

mod models;

use std::collections::BTreeSet;
use std::fmt;

use crocus_orm::ColumnType;
use crocus_orm::table::ReferentialAction;

pub use crocus_orm::table::{Deferrable, Nulls};

/// Tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    /// The schemas of tables that are known by name. SQLite has none: there they are those of the tables that there are.
    pub schemas: BTreeSet<String>,
    /// The enum types. SQLite has none: there they are those of its columns.
    pub enums: Vec<Enum>,
    /// The tables, in no particular order.
    pub tables: Vec<Table>,
    /// What a database has beside them, and no migration manages, in order.
    pub unmanaged: Vec<Unmanaged>,
    /// The values of enum types that had another name before, where a person says so.
    pub renamed_values: Vec<RenamedValue>,
}

/// A value of an enum type under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedValue {
    /// The type's name.
    pub name: String,
    /// The value as the database has it.
    pub value: String,
    /// The value as the models have it.
    pub new_value: String,
}

/// Something that is left alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmanaged {
    /// What it is: `view`, `materialized view`, `sequence`, `partition`, `foreign table`, `table of an extension`,
    /// `virtual table`, `exclusion constraint`, `trigger`. A comparison has others too: `table`, `enum type`, `index`.
    pub kind: &'static str,
    /// Its name.
    pub name: TableName,
    /// The table that it belongs to: a partition, a trigger and a constraint do.
    pub table: Option<TableName>,
}

/// A table's name, with the schema that it is in where that is not the current one.
///
/// It is made from a name, `"cars"`, or from a schema and a name, `("shop", "cars")`. Only PostgreSQL has schemas: on
/// SQLite the name alone counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableName {
    /// The schema, on PostgreSQL; the current one when there is none.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

/// A type with a fixed list of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Enum {
    /// Its name.
    pub name: String,
    /// The values, in order.
    pub values: Vec<String>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: TableName,
    /// The name that it had before, where a model says so.
    pub renamed_from: Option<String>,
    /// What its comment says. SQLite has none.
    pub comment: Option<String>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The names of the primary key's columns, in order.
    pub primary_key: Vec<String>,
    /// Its unique constraints.
    pub uniques: Vec<Unique>,
    /// Its check constraints.
    pub checks: Vec<Check>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Its indexes that serve no constraint.
    pub indexes: Vec<Index>,
}

/// A column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether it can be NULL.
    pub nullable: bool,
    /// Whether the database makes its value, counting up.
    pub identity: bool,
    /// The SQL expression of the value that an insert without one gets.
    pub default: Option<String>,
    /// The SQL expression that the database computes its value from, and stores.
    pub generated: Option<String>,
    /// The collation, where it is not the type's own.
    pub collation: Option<String>,
    /// What its comment says. SQLite has none.
    pub comment: Option<String>,
    /// The name that it had before, where a model says so.
    pub renamed_from: Option<String>,
}

/// A column's type.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// One that every dialect has: neither an enum nor an array.
    Standard(ColumnType),
    /// One of a fixed list of values: a type of its own on PostgreSQL, text with a check on SQLite.
    Enum(Enum),
    /// A list of values of one type: an array on PostgreSQL, JSON on SQLite.
    Array(Box<Type>),
    /// Another, as the database writes it.
    Other(String),
}

/// A unique constraint.
#[derive(Debug, Clone, PartialEq)]
pub struct Unique {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// When it is checked.
    pub deferrable: Deferrable,
    /// Whether two NULLs are equal. Only PostgreSQL has that.
    pub nulls_not_distinct: bool,
}

/// A check constraint.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// The SQL expression that must not be false.
    pub expression: String,
    /// Whether the rows that were there before it are known to fulfil it. Only PostgreSQL knows others: `NOT VALID`.
    pub validated: bool,
}

/// A foreign key: columns whose values are those of a row of another table, or of the same one.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignKey {
    /// Its name. On SQLite one without a name has the name that PostgreSQL would give it: `cars_maker_id_fkey`.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// The table that it refers to.
    pub target: TableName,
    /// The columns that it refers to, in the order of its own.
    pub target_columns: Vec<String>,
    /// What becomes of its rows when the row that they refer to is deleted.
    pub on_delete: ReferentialAction,
    /// What becomes of its rows when the columns that they refer to change.
    pub on_update: ReferentialAction,
    /// The columns that `SET NULL` and `SET DEFAULT` on deletion set; all when there is none. Only PostgreSQL has that.
    pub on_delete_columns: Vec<String>,
    /// Whether a key of which a part is NULL is refused: `MATCH FULL`. SQLite takes the words and ignores them.
    pub match_full: bool,
    /// When it is checked.
    pub deferrable: Deferrable,
    /// Whether the rows that were there before it are known to fulfil it. Only PostgreSQL knows others: `NOT VALID`.
    pub validated: bool,
}

/// An index.
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// What it is over, in order.
    pub parts: Vec<IndexPart>,
    /// Whether no two rows may agree in all parts.
    pub unique: bool,
    /// The SQL condition of the rows that are in it; all when there is none.
    pub condition: Option<String>,
    /// The access method, where it is not a B-tree: `gin`, `gist`, `hash`. SQLite has only B-trees.
    pub method: Option<String>,
    /// Columns that it stores beside its parts. Only PostgreSQL has that.
    pub include: Vec<String>,
    /// Whether two NULLs are equal in a unique one. Only PostgreSQL has that.
    pub nulls_not_distinct: bool,
    /// Whether it is complete. On PostgreSQL a `CREATE INDEX CONCURRENTLY` that fails leaves one that is not, and that no
    /// query uses.
    pub valid: bool,
}

/// What an index orders rows by.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexPart {
    /// A column, or an expression.
    pub key: IndexKey,
    /// Whether from the largest to the smallest.
    pub descending: bool,
    /// Where NULLs stand, where that is not the database's own order: PostgreSQL takes NULL for the largest value,
    /// SQLite for the smallest and has no other order in an index.
    pub nulls: Option<Nulls>,
    /// The collation, where it is not the key's own.
    pub collation: Option<String>,
    /// The operator class, where it is not the type's default: `text_pattern_ops`. Only PostgreSQL has that.
    pub operator_class: Option<String>,
}

/// A column or an expression of an index.
#[derive(Debug, Clone, PartialEq)]
pub enum IndexKey {
    /// The column with this name.
    Column(String),
    /// An SQL expression.
    Expression(String),
}

impl Schema {
    /// Tables, with the enum types of their columns.
    pub fn new(tables: Vec<Table>) -> Schema {
        let mut enums: Vec<Enum> = Vec::new();
        for found in tables.iter().flat_map(|table| &table.columns).filter_map(|column| column.ty.as_enum()) {
            if !enums.iter().any(|known| known.name == found.name) {
                enums.push(found.clone());
            }
        }
        let schemas = tables.iter().filter_map(|table| table.name.schema.clone()).collect();
        Schema { schemas, enums, tables, ..Schema::default() }
    }

    /// The enum type with this name.
    pub(crate) fn enumeration(&self, name: &str) -> Option<&Enum> {
        self.enums.iter().find(|found| found.name == name)
    }

    /// The table with this name.
    pub fn table(&self, name: impl Into<TableName>) -> Option<&Table> {
        let name = name.into();
        self.tables.iter().find(|table| table.name == name)
    }

    /// Calls tables by the names by which a program knows them: with their schema, though it is the current one, or
    /// though the database has none.
    pub(crate) fn call(mut self, known: &BTreeSet<TableName>, current: Option<&str>) -> Schema {
        let named = |name: &mut TableName| {
            let is_it = |known: &&TableName| {
                known.name == name.name && (current.is_none() || known.schema.as_deref() == current)
            };
            if name.schema.is_none()
                && !known.contains(name)
                && let Some(known) = known.iter().find(is_it)
            {
                name.clone_from(known);
            }
        };
        for table in &mut self.tables {
            named(&mut table.name);
            table.foreign_keys.iter_mut().for_each(|key| named(&mut key.target));
        }
        for found in &mut self.unmanaged {
            named(&mut found.name);
            found.table.iter_mut().for_each(&named);
        }
        self.schemas.extend(self.tables.iter().filter_map(|table| table.name.schema.clone()));
        self
    }
}

impl Unmanaged {
    /// Its name, with that of its table: `cars_stamp on cars`.
    pub fn in_words(&self) -> String {
        match &self.table {
            Some(table) => format!("{} on {table}", self.name),
            None => self.name.to_string(),
        }
    }
}

impl TableName {
    /// Another name in the same schema.
    pub(crate) fn beside(&self, name: &str) -> TableName {
        TableName { schema: self.schema.clone(), name: name.to_owned() }
    }
}

impl From<&str> for TableName {
    fn from(name: &str) -> TableName {
        TableName { schema: None, name: name.to_owned() }
    }
}

impl From<String> for TableName {
    fn from(name: String) -> TableName {
        TableName { schema: None, name }
    }
}

impl From<&String> for TableName {
    fn from(name: &String) -> TableName {
        name.as_str().into()
    }
}

impl From<(&str, &str)> for TableName {
    fn from((schema, name): (&str, &str)) -> TableName {
        TableName { schema: Some(schema.to_owned()), name: name.to_owned() }
    }
}

impl From<&TableName> for TableName {
    fn from(name: &TableName) -> TableName {
        name.clone()
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Table {
    /// A table without anything.
    pub fn new(name: impl Into<TableName>) -> Table {
        Table {
            name: name.into(),
            renamed_from: None,
            comment: None,
            columns: Vec::new(),
            primary_key: Vec::new(),
            uniques: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            indexes: Vec::new(),
        }
    }

    /// Whether a column has the enum type with this name.
    pub(crate) fn has_enum(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.ty.as_enum().is_some_and(|found| found.name == name))
    }

    /// The column with this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Column {
    /// A column that can be NULL, without anything else.
    pub fn new(name: impl Into<String>, ty: impl Into<Type>) -> Column {
        Column {
            name: name.into(),
            ty: ty.into(),
            nullable: true,
            identity: false,
            default: None,
            generated: None,
            collation: None,
            comment: None,
            renamed_from: None,
        }
    }
}

impl Type {
    /// The enum type that it is, or is an array of.
    pub(crate) fn as_enum_mut(&mut self) -> Option<&mut Enum> {
        match self {
            Type::Enum(found) => Some(found),
            Type::Array(of) => of.as_enum_mut(),
            Type::Standard(_) | Type::Other(_) => None,
        }
    }

    /// The enum type that it is, or is an array of.
    pub(crate) fn as_enum(&self) -> Option<&Enum> {
        match self {
            Type::Enum(found) => Some(found),
            Type::Array(of) => of.as_enum(),
            Type::Standard(_) | Type::Other(_) => None,
        }
    }
}

impl Unique {
    /// A unique constraint over columns, without anything else.
    pub fn new(name: impl Into<String>, columns: Vec<String>) -> Unique {
        Unique { name: name.into(), columns, deferrable: Deferrable::No, nulls_not_distinct: false }
    }
}

impl Check {
    /// A check constraint that all rows fulfil.
    pub fn new(name: impl Into<String>, expression: impl Into<String>) -> Check {
        Check { name: name.into(), expression: expression.into(), validated: true }
    }
}

impl ForeignKey {
    /// A foreign key without any options.
    pub fn new(
        name: impl Into<String>,
        columns: Vec<String>,
        target: impl Into<TableName>,
        target_columns: Vec<String>,
    ) -> ForeignKey {
        ForeignKey {
            name: name.into(),
            columns,
            target: target.into(),
            target_columns,
            on_delete: ReferentialAction::NoAction,
            on_update: ReferentialAction::NoAction,
            on_delete_columns: Vec::new(),
            match_full: false,
            deferrable: Deferrable::No,
            validated: true,
        }
    }
}

impl Index {
    /// An index without any options.
    pub fn new(name: impl Into<String>, parts: Vec<IndexPart>) -> Index {
        Index {
            name: name.into(),
            parts,
            unique: false,
            condition: None,
            method: None,
            include: Vec::new(),
            nulls_not_distinct: false,
            valid: true,
        }
    }

    /// Whether it is over columns as they are, without any options.
    pub(crate) fn is_plain(&self) -> bool {
        let plain = |part: &IndexPart| match &part.key {
            IndexKey::Column(_) => *part == IndexPart::new(part.key.clone()),
            IndexKey::Expression(_) => false,
        };
        self.parts.iter().all(plain) && *self == Index::new(self.name.clone(), self.parts.clone())
    }

    /// The columns among its parts.
    pub(crate) fn columns(self) -> Vec<String> {
        let columns = self.parts.into_iter().filter_map(|part| match part.key {
            IndexKey::Column(name) => Some(name),
            IndexKey::Expression(_) => None,
        });
        columns.collect()
    }
}

impl IndexPart {
    /// A column or an expression as it is, in ascending order.
    pub fn new(key: IndexKey) -> IndexPart {
        IndexPart { key, descending: false, nulls: None, collation: None, operator_class: None }
    }
}

impl From<&str> for IndexPart {
    fn from(column: &str) -> IndexPart {
        IndexPart::new(IndexKey::Column(column.to_owned()))
    }
}
