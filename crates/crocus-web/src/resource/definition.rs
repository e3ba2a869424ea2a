//! What is known of a resource when a request comes, and of all resources of a program together.

use std::fmt;
use std::sync::Arc;

use crocus_orm::dynamic::Reader;
use crocus_orm::table::{ColumnDef, Rules};
use crocus_orm::{Model, RelationDef, TableDef};

use super::hooks::DynHooks;
use super::limits::ResourceLimits;
use super::scope::Scope;

/// What a client can do with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `GET`, `HEAD` and `QUERY` of the collection, and of the sub-resources that lead to it.
    List,
    /// `GET` and `HEAD` of one row.
    Get,
    /// `POST` of one row or several.
    Create,
    /// `PUT` of one row.
    Replace,
    /// `PATCH` of one row.
    Update,
    /// `DELETE` of one row.
    Delete,
    /// `PATCH` of the rows that a filter finds.
    UpdateMany,
    /// `DELETE` of the rows that a filter finds.
    DeleteMany,
}

impl Operation {
    /// All there are.
    pub const ALL: &[Operation] = &[
        Operation::List,
        Operation::Get,
        Operation::Create,
        Operation::Replace,
        Operation::Update,
        Operation::Delete,
        Operation::UpdateMany,
        Operation::DeleteMany,
    ];

    /// Whether it changes nothing.
    pub fn is_safe(self) -> bool {
        matches!(self, Operation::List | Operation::Get)
    }

    /// Whether it is done to one row, at the path with its key.
    pub fn is_of_one(self) -> bool {
        matches!(self, Operation::Get | Operation::Replace | Operation::Update | Operation::Delete)
    }
}

/// What is known of a resource: what `Resource` says, without the model's type.
#[derive(Clone)]
pub struct Definition {
    /// Where its collection is: `/api/cars`.
    pub(crate) path: String,
    pub(crate) table: &'static TableDef,
    pub(crate) relations: &'static [RelationDef],
    /// Reads what bodies bring.
    pub(crate) reader: Arc<Reader>,
    pub(crate) operations: Vec<Operation>,
    /// The columns that are neither shown nor written.
    pub(crate) hidden: Vec<&'static str>,
    /// The columns that are shown and not written.
    pub(crate) fixed: Vec<&'static str>,
    pub(crate) scope: Option<Scope>,
    pub(crate) hooks: Option<Arc<dyn DynHooks>>,
    pub(crate) limits: ResourceLimits,
    /// Whether a change of one row needs `If-Match`.
    pub(crate) requires_match: bool,
    /// Whether clients can count and add up.
    pub(crate) aggregates: bool,
}

impl Definition {
    pub(super) fn of<M: Model>() -> Definition {
        Definition::of_table(M::TABLE, M::RELATIONS)
    }

    pub(super) fn of_table(table: &'static TableDef, relations: &'static [RelationDef]) -> Definition {
        Definition {
            path: String::new(),
            table,
            relations,
            reader: Arc::new(Reader::new(table).leaving_numbers()),
            operations: Operation::ALL.to_vec(),
            hidden: Vec::new(),
            fixed: Vec::new(),
            scope: None,
            hooks: None,
            limits: ResourceLimits::default(),
            requires_match: false,
            aggregates: false,
        }
    }

    pub(crate) fn allows(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }

    /// The columns that clients see, in the table's order.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'static ColumnDef> {
        self.table.columns.iter().filter(|column| !self.hidden.contains(&column.name))
    }

    /// A column that clients see.
    pub(crate) fn column(&self, name: &str) -> Option<&'static ColumnDef> {
        self.columns().find(|column| column.name == name)
    }

    /// Which values clients can give the column.
    pub(crate) fn rules(&self, column: &ColumnDef) -> &Rules {
        let index = self.table.columns.iter().position(|other| other.name == column.name);
        self.reader.rules(index.unwrap_or_default())
    }

    /// Whether a `PUT` makes a row that is not there: its key is the client's to choose, and no number of the database.
    pub(crate) fn takes_keys(&self) -> bool {
        self.allows(Operation::Create)
            && self.table.primary_key().all(|column| !column.identity && self.is_writable(column))
    }

    /// Whether clients can give the column a value. A key that the database makes can be given, in the lower half of its
    /// range; a version and what is generated cannot.
    pub(crate) fn is_writable(&self, column: &ColumnDef) -> bool {
        !column.version
            && column.generated.is_none()
            && !self.hidden.contains(&column.name)
            && !self.fixed.contains(&column.name)
    }
}

impl fmt::Debug for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Definition { path, table, operations, .. } = self;
        let mut shown = f.debug_struct("Definition");
        shown.field("path", path).field("table", &table.name).field("operations", operations).finish_non_exhaustive()
    }
}

/// The resources of a program. A relationship can be followed from one to another, and to no table that is none.
#[derive(Debug, Clone, Default)]
pub struct Resources(Vec<Arc<Definition>>);

impl Resources {
    /// Adds a resource at a path.
    ///
    /// # Panics
    /// When another is there, or the path is none of a collection: `/api/cars`.
    #[track_caller]
    pub fn add<M: Model>(&mut self, path: &str, resource: super::Resource<M>) {
        let plain = path.len() > 1 && path.starts_with('/') && !path.ends_with('/') && !path.contains(['{', '}']);
        assert!(plain, "`{path}` cannot be a resource's path: one such as `/api/cars` can");
        assert!(self.0.iter().all(|other| other.path != path), "there are two resources at `{path}`");
        self.0.push(Arc::new(Definition { path: path.to_owned(), ..resource.definition }));
    }

    /// All of them, in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.0.iter()
    }

    /// The resource that shows a table: the first, where there are several.
    pub(crate) fn of(&self, table: &TableDef) -> Option<&Arc<Definition>> {
        self.0.iter().find(|definition| definition.table == table)
    }
}
