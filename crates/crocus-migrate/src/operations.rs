//! What a migration file writes: operations one after the other, named as in Alembic.

mod data;
mod options;

use crocus_orm::{ColumnType, Dialect};

pub use data::DataBuilder;
pub use options::{CheckBuilder, EnumValueBuilder, ForeignKeyBuilder, IndexBuilder, UniqueBuilder};

use crate::lint::Allowance;
use crate::operation::Operation;
use crate::schema::{Check, Column, Enum, ForeignKey, Index, IndexKey, IndexPart, Table, TableName, Type, Unique};

/// Collects the operations of one direction of a migration, in order.
#[derive(Debug, Default)]
pub struct Operations {
    pub(crate) list: Vec<Operation>,
    pub(crate) irreversible: Option<String>,
    pub(crate) allowed: Vec<Allowance>,
}

/// Describes a table in [`Operations::create_table`].
#[derive(Debug)]
pub struct TableBuilder {
    table: Table,
}

/// Describes a column: a type and what is said of it. A column can be NULL unless it says otherwise.
#[derive(Debug, Clone)]
pub struct ColumnBuilder {
    column: Column,
    primary_key: bool,
}

impl Operations {
    /// What was collected, in order.
    pub fn list(&self) -> &[Operation] {
        &self.list
    }

    /// Adds an operation that was made by other means, as by comparing.
    pub fn invoke(&mut self, operation: Operation) {
        self.list.push(operation);
    }

    /// Makes a table: `"cars"`, or `("shop", "cars")` in a schema of PostgreSQL.
    pub fn create_table(&mut self, name: impl Into<TableName>, describe: impl FnOnce(&mut TableBuilder)) {
        let mut builder = TableBuilder { table: Table::new(name) };
        describe(&mut builder);
        self.list.push(Operation::CreateTable(builder.table));
    }

    /// Drops a table with its rows.
    pub fn drop_table(&mut self, name: impl Into<TableName>) {
        self.list.push(Operation::DropTable { name: name.into(), was: None });
    }

    /// Gives a table another name. Constraints and indexes keep theirs; the names that PostgreSQL has made itself, of the
    /// primary key and of sequences, follow.
    pub fn rename_table(&mut self, name: impl Into<TableName>, new_name: &str) {
        self.list.push(Operation::RenameTable { name: name.into(), new_name: new_name.to_owned() });
    }

    /// Adds a column to a table. A NOT NULL column needs a default where the table has rows.
    pub fn add_column(&mut self, table: impl Into<TableName>, name: &str, column: ColumnBuilder) {
        self.list.push(Operation::AddColumn { table: table.into(), column: column.named(name) });
    }

    /// Drops a column with its values.
    pub fn drop_column(&mut self, table: impl Into<TableName>, name: &str) {
        self.list.push(Operation::DropColumn { table: table.into(), name: name.to_owned(), was: None });
    }

    /// Gives a column this type, nullability, identity, default, generating expression, collation and comment: all as
    /// described, whatever they were. On PostgreSQL a generated column is dropped and added again.
    ///
    /// Values of another type are converted, alike on both databases: a number that is not 0 is true, an instant is a date
    /// in UTC. A value that the new type does not hold stops the migration.
    pub fn alter_column(&mut self, table: impl Into<TableName>, name: &str, column: ColumnBuilder) {
        self.list.push(Operation::AlterColumn {
            table: table.into(),
            column: column.named(name),
            using: None,
            was: None,
        });
    }

    /// As [`alter_column`](Operations::alter_column), with the SQL expression of the new values where PostgreSQL has no
    /// cast from the old type, or another is meant. SQLite has no use for it: there `UPDATE` the rows in a step before.
    pub fn alter_column_using(
        &mut self,
        table: impl Into<TableName>,
        name: &str,
        column: ColumnBuilder,
        expression: &str,
    ) {
        let (table, using) = (table.into(), Some(expression.to_owned()));
        self.list.push(Operation::AlterColumn { table, column: column.named(name), using, was: None });
    }

    /// Gives a column another name, wherever it is mentioned.
    pub fn rename_column(&mut self, table: impl Into<TableName>, name: &str, new_name: &str) {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.list.push(Operation::RenameColumn { table: table.into(), name, new_name });
    }

    /// Makes an index on a table, over columns by their names, or over [`column`](fn@column)s and [`expression`]s.
    ///
    /// # Example
    /// ```
    /// use crocus_migrate::Operations;
    /// use crocus_migrate::prelude::*;
    ///
    /// let mut op = Operations::default();
    /// op.create_index("cars_maker_id_idx", "cars", ["maker_id"]);
    /// op.create_index("cars_newest_idx", "cars", [column("sold_on").desc(), expression("lower(name)")]);
    /// op.create_index("cars_plate_idx", "cars", ["plate"]).unique().condition("scrapped IS NULL");
    /// op.create_index("cars_tags_idx", "cars", ["tags"]).using("gin");
    /// op.create_index("cars_title_idx", "cars", [column("title").operator_class("text_pattern_ops").nulls_first()]);
    /// ```
    pub fn create_index<P: Into<IndexPart>, const N: usize>(
        &mut self,
        name: &str,
        table: impl Into<TableName>,
        parts: [P; N],
    ) -> IndexBuilder<'_> {
        let parts = parts.map(Into::into).to_vec();
        let index = Index::new(name, parts);
        self.list.push(Operation::CreateIndex { table: table.into(), index, concurrently: false });
        match self.list.last_mut() {
            Some(Operation::CreateIndex { index, concurrently, .. }) => IndexBuilder { index, concurrently },
            _ => unreachable!("it was just pushed"),
        }
    }

    /// Drops an index of a table.
    pub fn drop_index(&mut self, name: &str, table: impl Into<TableName>) {
        let (table, name) = (table.into(), name.to_owned());
        self.list.push(Operation::DropIndex { table, name, concurrently: false, was: None });
    }

    /// Drops an index of a table, on PostgreSQL without keeping anybody out: the revision is then no longer one
    /// transaction.
    pub fn drop_index_concurrently(&mut self, name: &str, table: impl Into<TableName>) {
        let (table, name) = (table.into(), name.to_owned());
        self.list.push(Operation::DropIndex { table, name, concurrently: true, was: None });
    }

    /// Gives an index of a table another name.
    pub fn rename_index(&mut self, table: impl Into<TableName>, name: &str, new_name: &str) {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.list.push(Operation::RenameIndex { table: table.into(), name, new_name });
    }

    /// Makes columns the primary key of a table that has none. They become NOT NULL.
    pub fn create_primary_key<const N: usize>(&mut self, table: impl Into<TableName>, columns: [&str; N]) {
        let columns = columns.map(str::to_owned).to_vec();
        self.list.push(Operation::CreatePrimaryKey { table: table.into(), columns });
    }

    /// Drops the primary key of a table: the constraint, not its columns.
    pub fn drop_primary_key(&mut self, table: impl Into<TableName>) {
        self.list.push(Operation::DropPrimaryKey { table: table.into(), was: None });
    }

    /// Adds a unique constraint over columns of a table.
    pub fn create_unique_constraint<const N: usize>(
        &mut self,
        name: &str,
        table: impl Into<TableName>,
        columns: [&str; N],
    ) -> UniqueBuilder<'_> {
        let unique = Unique::new(name, columns.map(str::to_owned).to_vec());
        self.list.push(Operation::CreateUnique { table: table.into(), unique });
        match self.list.last_mut() {
            Some(Operation::CreateUnique { unique, .. }) => UniqueBuilder { unique },
            _ => unreachable!("it was just pushed"),
        }
    }

    /// Adds a check constraint to a table: an SQL expression that must not be false.
    pub fn create_check_constraint(
        &mut self,
        name: &str,
        table: impl Into<TableName>,
        expression: &str,
    ) -> CheckBuilder<'_> {
        self.list.push(Operation::CreateCheck { table: table.into(), check: Check::new(name, expression) });
        match self.list.last_mut() {
            Some(Operation::CreateCheck { check, .. }) => CheckBuilder { check },
            _ => unreachable!("it was just pushed"),
        }
    }

    /// Adds a foreign key to a table: columns of `table` that refer to columns of `target`, which have to be its primary
    /// key or unique.
    ///
    /// # Example
    /// ```
    /// use crocus_migrate::Operations;
    /// use crocus_migrate::prelude::*;
    ///
    /// let mut op = Operations::default();
    /// op.create_foreign_key("cars_maker_id_fkey", "cars", "makers", ["maker_id"], ["id"]).on_delete(Cascade);
    /// assert_eq!(op.list()[0].to_string(), "create foreign key cars_maker_id_fkey on cars");
    /// ```
    pub fn create_foreign_key<const N: usize>(
        &mut self,
        name: &str,
        table: impl Into<TableName>,
        target: impl Into<TableName>,
        columns: [&str; N],
        target_columns: [&str; N],
    ) -> ForeignKeyBuilder<'_> {
        let foreign_key = foreign_key(name, columns, target, target_columns);
        self.list.push(Operation::CreateForeignKey { table: table.into(), foreign_key });
        match self.list.last_mut() {
            Some(Operation::CreateForeignKey { foreign_key, .. }) => ForeignKeyBuilder { foreign_key },
            _ => unreachable!("it was just pushed"),
        }
    }

    /// Drops a unique or check constraint or a foreign key of a table.
    pub fn drop_constraint(&mut self, name: &str, table: impl Into<TableName>) {
        self.list.push(Operation::DropConstraint { table: table.into(), name: name.to_owned(), was: None });
    }

    /// Gives a unique or check constraint or a foreign key of a table another name.
    pub fn rename_constraint(&mut self, table: impl Into<TableName>, name: &str, new_name: &str) {
        let (name, new_name) = (name.to_owned(), new_name.to_owned());
        self.list.push(Operation::RenameConstraint { table: table.into(), name, new_name });
    }

    /// Gives a table a comment. SQLite has none.
    pub fn create_table_comment(&mut self, table: impl Into<TableName>, comment: &str) {
        let (table, comment) = (table.into(), comment.to_owned());
        self.list.push(Operation::CreateTableComment { table, comment, was: None });
    }

    /// Takes a table's comment away.
    pub fn drop_table_comment(&mut self, table: impl Into<TableName>) {
        self.list.push(Operation::DropTableComment { table: table.into(), was: None });
    }

    /// Makes a schema. SQLite has none.
    pub fn create_schema(&mut self, name: &str) {
        self.list.push(Operation::CreateSchema { name: name.to_owned() });
    }

    /// Drops a schema, which has to be empty.
    pub fn drop_schema(&mut self, name: &str) {
        self.list.push(Operation::DropSchema { name: name.to_owned() });
    }

    /// Makes an enum type, before the first column that has it. On SQLite the columns alone say the values.
    ///
    /// # Example
    /// ```
    /// use crocus_migrate::Operations;
    /// use crocus_migrate::prelude::*;
    ///
    /// let mut op = Operations::default();
    /// op.create_enum("colour", ["red", "green"]);
    /// op.add_column("cars", "colour", enumeration("colour", ["red", "green"]));
    /// ```
    pub fn create_enum<const N: usize>(&mut self, name: &str, values: [&str; N]) {
        self.list.push(Operation::CreateEnum(enum_of(name, values)));
    }

    /// Gives an enum type these values. On SQLite the columns alone say the values: alter each of them as well.
    ///
    /// On PostgreSQL values are added in place, and can be used when the migration is committed. Taking values away, or
    /// giving them another order, makes the type anew and rewrites the tables that have it.
    pub fn alter_enum<const N: usize>(&mut self, name: &str, values: [&str; N]) {
        self.list.push(Operation::AlterEnum { values: enum_of(name, values), was: None });
    }

    /// Gives a value of an enum type another name, in the rows too. SQLite does not know which columns have lists of its
    /// values: they are said after it.
    pub fn rename_enum_value(&mut self, name: &str, value: &str, new_value: &str) -> EnumValueBuilder<'_> {
        let (name, value, new_value) = (name.to_owned(), value.to_owned(), new_value.to_owned());
        self.list.push(Operation::RenameEnumValue { name, value, new_value, lists: Vec::new() });
        match self.list.last_mut() {
            Some(Operation::RenameEnumValue { lists, .. }) => EnumValueBuilder { lists },
            _ => unreachable!("it was just pushed"),
        }
    }

    /// Drops an enum type, after the last column that has it.
    pub fn drop_enum(&mut self, name: &str) {
        self.list.push(Operation::DropEnum { name: name.to_owned(), was: None });
    }

    /// Runs SQL as it is written, in the migration's transaction.
    pub fn execute(&mut self, sql: &str) {
        self.list.push(Operation::Execute { sql: sql.to_owned(), dialect: None });
    }

    /// Runs SQL on one dialect only; on the others this step does nothing.
    pub fn execute_on(&mut self, dialect: Dialect, sql: &str) {
        self.list.push(Operation::Execute { sql: sql.to_owned(), dialect: Some(dialect) });
    }

    /// Acknowledges what `db lint` finds of the next step, by its code, and says why it is done all the same. In
    /// `downgrade` it is about the revision as a whole.
    ///
    /// # Example
    /// ```
    /// use crocus_migrate::Operations;
    /// use crocus_migrate::prelude::*;
    ///
    /// let mut op = Operations::default();
    /// op.allow("drop-column", "nobody has read it since 2.3");
    /// op.drop_column("cars", "model");
    /// ```
    pub fn allow(&mut self, code: &str, why: &str) {
        let (code, why) = (code.to_owned(), why.to_owned());
        self.allowed.push(Allowance { before: self.list.len(), code, why });
    }

    /// Says that this direction cannot be taken, and why. A downgrade then stops before it changes anything.
    pub fn irreversible(&mut self, why: &str) {
        self.irreversible = Some(why.to_owned());
    }
}

impl TableBuilder {
    /// A column.
    pub fn column(&mut self, name: &str, column: ColumnBuilder) {
        if column.primary_key {
            self.table.primary_key.push(name.to_owned());
        }
        self.table.columns.push(column.named(name));
    }

    /// What the table's comment says. SQLite has none.
    pub fn comment(&mut self, text: &str) {
        self.table.comment = Some(text.to_owned());
    }

    /// A unique constraint over columns.
    pub fn unique<const N: usize>(&mut self, name: &str, columns: [&str; N]) -> UniqueBuilder<'_> {
        self.table.uniques.push(Unique::new(name, columns.map(str::to_owned).to_vec()));
        UniqueBuilder { unique: self.table.uniques.last_mut().expect("it was just pushed") }
    }

    /// A check constraint: an SQL expression that must not be false.
    pub fn check(&mut self, name: &str, expression: &str) -> CheckBuilder<'_> {
        self.table.checks.push(Check::new(name, expression));
        CheckBuilder { check: self.table.checks.last_mut().expect("it was just pushed") }
    }

    /// A foreign key: columns that refer to columns of another table, or of this one.
    pub fn foreign_key<const N: usize>(
        &mut self,
        name: &str,
        columns: [&str; N],
        target: impl Into<TableName>,
        target_columns: [&str; N],
    ) -> ForeignKeyBuilder<'_> {
        self.table.foreign_keys.push(foreign_key(name, columns, target, target_columns));
        ForeignKeyBuilder { foreign_key: self.table.foreign_keys.last_mut().expect("it was just pushed") }
    }
}

fn foreign_key<const N: usize>(
    name: &str,
    columns: [&str; N],
    target: impl Into<TableName>,
    target_columns: [&str; N],
) -> ForeignKey {
    let owned = |names: [&str; N]| names.map(str::to_owned).to_vec();
    ForeignKey::new(name, owned(columns), target, owned(target_columns))
}

impl ColumnBuilder {
    fn new(ty: Type) -> ColumnBuilder {
        ColumnBuilder { column: Column::new("", ty), primary_key: false }
    }

    /// The column cannot be NULL.
    pub fn not_null(mut self) -> Self {
        self.column.nullable = false;
        self
    }

    /// The database makes the value, counting up. Implies NOT NULL.
    pub fn identity(mut self) -> Self {
        self.column.identity = true;
        self.not_null()
    }

    /// The column is, or belongs to, the primary key. Implies NOT NULL.
    pub fn primary_key(mut self) -> Self {
        self.primary_key = true;
        self.not_null()
    }

    /// The value that an insert without one gets: an SQL expression.
    pub fn default(mut self, expression: &str) -> Self {
        self.column.default = Some(expression.to_owned());
        self
    }

    /// The database computes the value from this SQL expression, and stores it.
    pub fn generated(mut self, expression: &str) -> Self {
        self.column.generated = Some(expression.to_owned());
        self
    }

    /// How its values are compared, where not as the type says: `"C"`, `"de-x-icu"`. Those of PostgreSQL have no effect on
    /// SQLite, which has `"NOCASE"` and `"RTRIM"`.
    pub fn collate(mut self, name: &str) -> Self {
        self.column.collation = Some(name.to_owned());
        self
    }

    /// What the column's comment says. SQLite has none.
    pub fn comment(mut self, text: &str) -> Self {
        self.column.comment = Some(text.to_owned());
        self
    }

    fn named(mut self, name: &str) -> Column {
        self.column.name = name.to_owned();
        self.column
    }
}

macro_rules! column_types {
    ($($(#[$doc:meta])* $function:ident => $type:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $function() -> ColumnBuilder {
                ColumnBuilder::new(Type::Standard(ColumnType::$type))
            }
        )*

        /// The name of the function that describes a type in a migration file.
        pub(crate) fn function_name(ty: ColumnType) -> &'static str {
            match ty {
                $(ColumnType::$type => stringify!($function),)*
                _ => unreachable!("every standard type has a function"),
            }
        }
    };
}

column_types! {
    /// A column of `i16`s.
    small_integer => SmallInteger;
    /// A column of `i32`s.
    integer => Integer;
    /// A column of `i64`s.
    big_integer => BigInteger;
    /// A column of `f64`s.
    double => Double;
    /// A column of `bool`s.
    boolean => Boolean;
    /// A column of text.
    text => Text;
    /// A column of bytes.
    binary => Binary;
    /// A column of calendar dates.
    date => Date;
    /// A column of times of day.
    time => Time;
    /// A column of dates with times, without a zone.
    datetime => DateTime;
    /// A column of instants.
    timestamp => Timestamp;
    /// A column of UUIDs.
    uuid => Uuid;
    /// A column of decimal numbers.
    decimal => Decimal;
    /// A column of JSON values.
    json => Json;
}

/// A column of an enum type with these values: see [`Operations::create_enum`].
pub fn enumeration<const N: usize>(name: &str, values: [&str; N]) -> ColumnBuilder {
    ColumnBuilder::new(Type::Enum(enum_of(name, values)))
}

/// A column of lists of values, such as `array(integer())`: an array on PostgreSQL, JSON on SQLite.
pub fn array(of: ColumnBuilder) -> ColumnBuilder {
    ColumnBuilder::new(Type::Array(Box::new(of.column.ty)))
}

fn enum_of<const N: usize>(name: &str, values: [&str; N]) -> Enum {
    Enum { name: name.to_owned(), values: values.map(str::to_owned).to_vec() }
}

/// A column of a type as the database writes it, such as `varchar(20)`.
pub fn custom(ty: &str) -> ColumnBuilder {
    ColumnBuilder::new(Type::Other(ty.to_owned()))
}

/// A column of an index.
pub fn column(name: &str) -> IndexPart {
    name.into()
}

/// An SQL expression of an index.
pub fn expression(sql: &str) -> IndexPart {
    IndexPart::new(IndexKey::Expression(sql.to_owned()))
}
