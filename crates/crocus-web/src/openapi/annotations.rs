//! What annotations of routes written by hand can name: schemas of models from the table's description, so that no
//! column is described twice, and the problems that extractors answer with.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use crocus_orm::table::{ColumnDef, TableDef};
use crocus_orm::{Column, ColumnValue, Model};
use utoipa::openapi::{ObjectBuilder, RefOr, Response, Schema};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::answers;
use super::schemas::{self, Way};

macro_rules! schemas_of_models {
    ($($(#[$doc:meta])* $name:ident $kind:expr, $schema:literal;)*) => {$(
        $(#[$doc])*
        pub struct $name<M>(PhantomData<fn() -> M>);

        impl<M> fmt::Debug for $name<M> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        impl<M: Model> PartialSchema for $name<M> {
            fn schema() -> RefOr<Schema> {
                object(M::TABLE, $kind).into()
            }
        }

        impl<M: Model> ToSchema for $name<M> {
            fn name() -> Cow<'static, str> {
                format!($schema, M::TABLE.model).into()
            }
        }
    )*};
}

schemas_of_models! {
    /// A model's value as `Serialize` writes it, in an annotation: `body = Row<Car>`. The schema's name is `CarRow`.
    ///
    /// What the model says of its JSON with attributes of serde is not known here: describe such a model by hand.
    Row Kind::Row, "{}Row";
    /// What `NewCar` reads, in an annotation: `request_body = NewRow<Car>`. The schema's name is `NewCarRow`.
    NewRow Kind::New, "New{}Row";
    /// What `CarPatch` reads, in an annotation: `request_body = RowPatch<Car>`. The schema's name is `CarRowPatch`.
    RowPatch Kind::Patch, "{}RowPatch";
}

/// The schema of values of a type that columns have, as they are answered: `#[schema(schema_with = value::<Decimal>)]`.
pub fn value<T: ColumnValue>() -> RefOr<Schema> {
    schemas::of_type(T::TYPE, T::NULLABLE, Way::Out)
}

/// The same for what a request brings: a decimal may be a number there, too.
pub fn given<T: ColumnValue>() -> RefOr<Schema> {
    schemas::of_type(T::TYPE, T::NULLABLE, Way::In)
}

/// The schema of what a request brings for a column: `column(Car::YEAR)`, for a field that `schema_with` names a function of.
pub fn column<M: Model, T>(column: Column<M, T>) -> RefOr<Schema> {
    let described = M::TABLE.column(column.name());
    described.map_or_else(RefOr::default, |described| schemas::of_column(M::TABLE, described, Way::In, false))
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($status:literal $answer:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_owned(), answers::shared($answer)),)*])
            }
        }
    )*};
}

problems! {
    /// In an annotation's `responses(...)`: what [`Payload`](crate::Payload) and [`Json`](crate::Json) refuse.
    PayloadProblems {
        "400" "BadRequest",
        "413" "TooLarge",
        "415" "UnsupportedMediaType",
        "422" "Unprocessable",
    }
    /// In an annotation's `responses(...)`: what [`Query`](crate::Query) refuses, and the database of what it brings.
    QueryProblems {
        "400" "BadRequest",
        "422" "Unprocessable",
    }
    /// In an annotation's `responses(...)`: what [`Path`](crate::Path) and `get_or_404` refuse.
    NotFoundProblem {
        "404" "NotFound",
    }
    /// In an annotation's `responses(...)`: what unique constraints, foreign keys and version columns refuse.
    ConflictProblem {
        "409" "Conflict",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Row,
    New,
    Patch,
}

/// The object of a model's fields; those of an embedded struct are an object of their own.
fn object(table: &TableDef, kind: Kind) -> ObjectBuilder {
    let text = match kind {
        Kind::Row => format!("A row of the table `{}`.", table.name),
        Kind::New => format!("What a new row of the table `{}` brings.", table.name),
        Kind::Patch => format!("What changes in a row of the table `{}`: what is absent stays as it is.", table.name),
    };
    let written = |column: &&ColumnDef| {
        let made = column.generated.is_some() || column.version || (column.primary_key && column.identity);
        kind == Kind::Row || !(made || kind == Kind::Patch && column.primary_key)
    };
    let columns: Vec<_> = table.columns.iter().filter(written).map(|column| (column.field, column)).collect();
    fields(table, kind, &columns).description(Some(text))
}

fn fields(table: &TableDef, kind: Kind, columns: &[(&str, &ColumnDef)]) -> ObjectBuilder {
    let mut object = ObjectBuilder::new();
    let mut embedded: BTreeMap<&str, Vec<(&str, &ColumnDef)>> = BTreeMap::new();
    for (field, column) in columns {
        if let Some((name, rest)) = field.split_once('.') {
            embedded.entry(name).or_default().push((rest, column));
            continue;
        }
        let way = if kind == Kind::Row { Way::Out } else { Way::In };
        object = object.property(*field, schemas::of_column(table, column, way, false));
        if kind == Kind::Row || kind == Kind::New && schemas::is_required(column) {
            object = object.required(*field);
        }
    }
    for (name, columns) in embedded {
        object = object.property(name, fields(table, kind, &columns));
        if kind == Kind::Row || kind == Kind::New && columns.iter().any(|(_, column)| schemas::is_required(column)) {
            object = object.required(name);
        }
    }
    object
}
