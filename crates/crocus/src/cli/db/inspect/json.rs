//! A schema as JSON.

use crocus_migrate::schema::{
    Check, Column, Deferrable, ForeignKey, Index, IndexKey, IndexPart, Nulls, Schema, Table, TableName, Type, Unique,
};
use crocus_orm::Dialect;
use crocus_orm::table::ReferentialAction;
use serde_json::{Value, json};

/// One object: `dialect`, `tables`, `enums`, and `unmanaged` for what no migration manages.
pub(super) fn of(schema: &Schema, dialect: Dialect) -> Value {
    let enums: Vec<_> =
        schema.enums.iter().map(|values| json!({"name": values.name, "values": values.values})).collect();
    let unmanaged = schema.unmanaged.iter().map(|found| {
        json!({
            "kind": found.kind,
            "schema": found.name.schema,
            "name": found.name.name,
            "table": found.table.as_ref().map(name),
        })
    });
    json!({
        "dialect": if dialect == Dialect::Postgres { "postgresql" } else { "sqlite" },
        "tables": schema.tables.iter().map(table).collect::<Vec<_>>(),
        "enums": enums,
        "unmanaged": unmanaged.collect::<Vec<_>>(),
    })
}

fn table(table: &Table) -> Value {
    json!({
        "schema": table.name.schema,
        "name": table.name.name,
        "comment": table.comment,
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
        "primary_key": table.primary_key,
        "uniques": table.uniques.iter().map(unique).collect::<Vec<_>>(),
        "checks": table.checks.iter().map(check).collect::<Vec<_>>(),
        "foreign_keys": table.foreign_keys.iter().map(foreign_key).collect::<Vec<_>>(),
        "indexes": table.indexes.iter().map(index).collect::<Vec<_>>(),
    })
}

fn column(column: &Column) -> Value {
    json!({
        "name": column.name,
        "type": ty(&column.ty),
        "nullable": column.nullable,
        "identity": column.identity,
        "default": column.default,
        "generated": column.generated,
        "collation": column.collation,
        "comment": column.comment,
    })
}

/// `"integer"`, `{"enum": "colour", "values": [...]}`, `{"array": ...}`.
fn ty(ty: &Type) -> Value {
    match ty {
        Type::Enum(values) => json!({"enum": values.name, "values": values.values}),
        Type::Array(of) => json!({"array": self::ty(of)}),
        Type::Standard(_) | Type::Other(_) => ty.to_string().into(),
    }
}

fn unique(unique: &Unique) -> Value {
    json!({
        "name": unique.name,
        "columns": unique.columns,
        "deferrable": deferrable(unique.deferrable),
        "nulls_not_distinct": unique.nulls_not_distinct,
    })
}

fn check(check: &Check) -> Value {
    json!({"name": check.name, "expression": check.expression, "validated": check.validated})
}

fn foreign_key(key: &ForeignKey) -> Value {
    json!({
        "name": key.name,
        "columns": key.columns,
        "target": name(&key.target),
        "target_columns": key.target_columns,
        "on_delete": action(key.on_delete),
        "on_update": action(key.on_update),
        "on_delete_columns": key.on_delete_columns,
        "match_full": key.match_full,
        "deferrable": deferrable(key.deferrable),
        "validated": key.validated,
    })
}

fn index(index: &Index) -> Value {
    json!({
        "name": index.name,
        "parts": index.parts.iter().map(part).collect::<Vec<_>>(),
        "unique": index.unique,
        "condition": index.condition,
        "method": index.method,
        "include": index.include,
        "nulls_not_distinct": index.nulls_not_distinct,
        "valid": index.valid,
    })
}

fn part(part: &IndexPart) -> Value {
    let (column, expression) = match &part.key {
        IndexKey::Column(name) => (Some(name), None),
        IndexKey::Expression(sql) => (None, Some(sql)),
    };
    let nulls = part.nulls.map(|nulls| match nulls {
        Nulls::First => "first",
        Nulls::Last => "last",
    });
    json!({
        "column": column,
        "expression": expression,
        "descending": part.descending,
        "nulls": nulls,
        "collation": part.collation,
        "operator_class": part.operator_class,
    })
}

fn name(name: &TableName) -> Value {
    json!({"schema": name.schema, "name": name.name})
}

fn deferrable(deferrable: Deferrable) -> &'static str {
    match deferrable {
        Deferrable::No => "no",
        Deferrable::Immediate => "initially immediate",
        Deferrable::Deferred => "initially deferred",
    }
}

fn action(action: ReferentialAction) -> &'static str {
    match action {
        ReferentialAction::NoAction => "no action",
        ReferentialAction::Restrict => "restrict",
        ReferentialAction::Cascade => "cascade",
        ReferentialAction::SetNull => "set null",
        ReferentialAction::SetDefault => "set default",
    }
}
