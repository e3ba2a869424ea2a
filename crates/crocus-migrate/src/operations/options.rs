//! What a migration file says of a constraint, an index or an enum's value after naming it.

use crocus_orm::table::ReferentialAction;

use crate::schema::{Check, Deferrable, ForeignKey, Index, IndexPart, Nulls, TableName, Unique};

/// Says of a unique constraint when it is checked, and what it takes for equal.
#[derive(Debug)]
pub struct UniqueBuilder<'a> {
    pub(super) unique: &'a mut Unique,
}

/// Says of a check constraint whether the rows that are there have to fulfil it.
#[derive(Debug)]
pub struct CheckBuilder<'a> {
    pub(super) check: &'a mut Check,
}

/// Says of a foreign key what happens to its rows. Without a word, what breaks the key is refused.
#[derive(Debug)]
pub struct ForeignKeyBuilder<'a> {
    pub(super) foreign_key: &'a mut ForeignKey,
}

/// Says of an index which rows are in it, whether equal ones may be, and how it is made.
#[derive(Debug)]
pub struct IndexBuilder<'a> {
    pub(super) index: &'a mut Index,
    pub(super) concurrently: &'a mut bool,
}

/// Says where else a value of an enum type is.
#[derive(Debug)]
pub struct EnumValueBuilder<'a> {
    pub(super) lists: &'a mut Vec<(TableName, String)>,
}

impl EnumValueBuilder<'_> {
    /// A column has lists of the type's values. On PostgreSQL they are found without this.
    pub fn in_lists(self, table: impl Into<TableName>, column: &str) -> Self {
        self.lists.push((table.into(), column.to_owned()));
        self
    }
}

impl UniqueBuilder<'_> {
    /// It is checked at the end of each statement, unless a transaction puts it off to its own end. Otherwise, and always
    /// on SQLite, it is checked row by row.
    pub fn deferrable(self) -> Self {
        self.unique.deferrable = Deferrable::Immediate;
        self
    }

    /// It is checked at the end of the transaction, unless that says otherwise; on SQLite row by row. Implies
    /// [`deferrable`](UniqueBuilder::deferrable).
    pub fn initially_deferred(self) -> Self {
        self.unique.deferrable = Deferrable::Deferred;
        self
    }

    /// Two NULLs are equal, from PostgreSQL 15 on. On SQLite they never are.
    pub fn nulls_not_distinct(self) -> Self {
        self.unique.nulls_not_distinct = true;
        self
    }
}

impl CheckBuilder<'_> {
    /// The rows that are there need not fulfil it, on PostgreSQL, until somebody runs `VALIDATE CONSTRAINT`. On SQLite
    /// they must.
    pub fn not_valid(self) -> Self {
        self.check.validated = false;
        self
    }
}

impl ForeignKeyBuilder<'_> {
    /// What becomes of the rows here when the row that they refer to is deleted.
    pub fn on_delete(self, action: ReferentialAction) -> Self {
        self.foreign_key.on_delete = action;
        self
    }

    /// The columns that `on_delete(SetNull)` or `on_delete(SetDefault)` sets, from PostgreSQL 15 on; otherwise, and always
    /// on SQLite, all of its columns.
    pub fn on_delete_columns<const N: usize>(self, columns: [&str; N]) -> Self {
        self.foreign_key.on_delete_columns = columns.map(str::to_owned).to_vec();
        self
    }

    /// What becomes of the rows here when the columns that they refer to change.
    pub fn on_update(self, action: ReferentialAction) -> Self {
        self.foreign_key.on_update = action;
        self
    }

    /// Either all of its columns are NULL or none is. SQLite does not know that, and takes a NULL in any of them.
    pub fn match_full(self) -> Self {
        self.foreign_key.match_full = true;
        self
    }

    /// It is checked at the end of each statement, unless a transaction puts it off to its own end.
    pub fn deferrable(self) -> Self {
        self.foreign_key.deferrable = Deferrable::Immediate;
        self
    }

    /// It is checked at the end of the transaction, unless that says otherwise. Implies
    /// [`deferrable`](ForeignKeyBuilder::deferrable).
    pub fn initially_deferred(self) -> Self {
        self.foreign_key.deferrable = Deferrable::Deferred;
        self
    }

    /// The rows that are there need not fulfil it, on PostgreSQL, until somebody runs `VALIDATE CONSTRAINT`. On SQLite
    /// they must.
    pub fn not_valid(self) -> Self {
        self.foreign_key.validated = false;
        self
    }
}

impl IndexBuilder<'_> {
    /// No two rows may agree in all parts.
    pub fn unique(self) -> Self {
        self.index.unique = true;
        self
    }

    /// Two NULLs are equal in a unique one, from PostgreSQL 15 on. On SQLite they never are.
    pub fn nulls_not_distinct(self) -> Self {
        self.index.nulls_not_distinct = true;
        self
    }

    /// The access method, on PostgreSQL: `gin`, `gist`, `hash`, `brin`. SQLite has only B-trees.
    pub fn using(self, method: &str) -> Self {
        self.index.method = (!method.eq_ignore_ascii_case("btree")).then(|| method.to_owned());
        self
    }

    /// Columns that it stores beside its parts, on PostgreSQL. On SQLite it does without.
    pub fn include<const N: usize>(self, columns: [&str; N]) -> Self {
        self.index.include = columns.map(str::to_owned).to_vec();
        self
    }

    /// On PostgreSQL it is made without keeping writers out: the revision is then no longer one transaction.
    pub fn concurrently(self) -> Self {
        *self.concurrently = true;
        self
    }

    /// Only the rows for which this SQL condition holds are in it.
    pub fn condition(self, sql: &str) -> Self {
        self.index.condition = Some(sql.to_owned());
        self
    }
}

impl IndexPart {
    /// The same from the largest to the smallest.
    pub fn desc(mut self) -> IndexPart {
        self.descending = true;
        self
    }

    /// The same with NULLs before every value, on PostgreSQL.
    pub fn nulls_first(mut self) -> IndexPart {
        self.nulls = Some(Nulls::First);
        self
    }

    /// The same with NULLs after every value, on PostgreSQL.
    pub fn nulls_last(mut self) -> IndexPart {
        self.nulls = Some(Nulls::Last);
        self
    }

    /// The same in the order of a collation: `C` on PostgreSQL, `NOCASE` on SQLite. SQLite does without one that it has
    /// not.
    pub fn collate(mut self, collation: &str) -> IndexPart {
        self.collation = Some(collation.to_owned());
        self
    }

    /// The same with the operators of a class, on PostgreSQL: `text_pattern_ops`.
    pub fn operator_class(mut self, name: &str) -> IndexPart {
        self.operator_class = Some(name.to_owned());
        self
    }
}
