//! Reading a schema from PostgreSQL's catalogues, in three queries whatever the number of tables.

use crocus_orm::table::ReferentialAction;
use crocus_orm::{Connection, Dialect, Result, Statement};

use super::ddl::{ACTIONS, TYPES};
use crate::schema::{Check, Column, ForeignKey, Index, IndexKey, IndexPart, Schema, Table, Type, Unique};

/// Without generated columns, which no model can declare.
const COLUMNS: &str = "
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       a.attidentity <> '' OR COALESCE(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false),
       pg_get_expr(d.adbin, d.adrelid)
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_attribute a
  ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname, a.attnum";

const CONSTRAINTS: &str = "
SELECT c.relname::text, k.conname::text, k.contype::text, pg_get_expr(k.conbin, k.conrelid),
       (SELECT string_agg(a.attname, chr(31) ORDER BY n.position)
        FROM unnest(k.conkey) WITH ORDINALITY AS n (attnum, position)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = n.attnum),
       f.relname::text,
       (SELECT string_agg(a.attname, chr(31) ORDER BY n.position)
        FROM unnest(k.confkey) WITH ORDINALITY AS n (attnum, position)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = n.attnum),
       k.confdeltype::text, k.confupdtype::text
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND k.contype IN ('p', 'u', 'c', 'f')
  AND NOT c.relispartition AND (k.contype <> 'f' OR k.conparentid = 0)
ORDER BY c.relname, k.conname";

/// A row for each part of each index. What serves a constraint is one of those; what includes further columns, puts
/// nulls elsewhere, has operators of its own or another method than btree no model can declare: it is left alone.
const INDEXES: &str = "
SELECT c.relname::text, i.relname::text, x.indisunique, pg_get_expr(x.indpred, x.indrelid), a.attname::text,
       pg_get_indexdef(x.indexrelid, n.position::integer, false), x.indoption[(n.position - 1)::integer] & 1 = 1
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = i.relam
CROSS JOIN unnest(x.indkey::int2[]) WITH ORDINALITY AS n (attnum, position)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.attnum AND n.attnum <> 0
WHERE c.relnamespace = to_regnamespace(quote_ident(current_schema())) AND NOT c.relispartition
  AND m.amname = 'btree' AND x.indnatts = x.indnkeyatts
  AND NOT EXISTS (SELECT FROM unnest(x.indoption::int2[]) AS o (option) WHERE o.option NOT IN (0, 3))
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_opclass o WHERE o.oid = ANY (x.indclass::oid[]) AND NOT o.opcdefault)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                  WHERE k.conindid = x.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x'))
ORDER BY c.relname, i.relname, n.position";

/// The tables of the current schema.
pub(crate) async fn inspect(connection: &Connection) -> Result<Schema> {
    let mut schema = Schema::default();
    for row in connection.query(Statement::read(COLUMNS, [])).await? {
        let name: String = row.get(0)?;
        if schema.tables.last().is_none_or(|table| table.name != name) {
            schema.tables.push(Table::new(name));
        }
        // A table can have no column at all.
        let Some(column) = row.get::<Option<String>>(1)? else { continue };
        let identity = row.get(4)?;
        let default: Option<String> = row.get(5)?;
        let column = Column {
            name: column,
            ty: type_from(row.get(2)?),
            nullable: !row.get::<bool>(3)?,
            identity,
            default: default.filter(|_| !identity),
        };
        schema.tables.last_mut().expect("it was just pushed").columns.push(column);
    }
    for row in connection.query(Statement::read(CONSTRAINTS, [])).await? {
        let Some(table) = table_mut(&mut schema, &row.get::<String>(0)?) else { continue };
        let name: String = row.get(1)?;
        let columns = columns_from(row.get(4)?);
        match row.get::<String>(2)?.as_str() {
            "p" => table.primary_key = columns,
            "u" => table.uniques.push(Unique { name, columns }),
            "f" => table.foreign_keys.push(ForeignKey {
                name,
                columns,
                target: row.get(5)?,
                target_columns: columns_from(row.get(6)?),
                on_delete: action_from(&row.get::<String>(7)?),
                on_update: action_from(&row.get::<String>(8)?),
            }),
            _ => table.checks.push(Check { name, expression: row.get(3)? }),
        }
    }
    for row in connection.query(Statement::read(INDEXES, [])).await? {
        let Some(table) = table_mut(&mut schema, &row.get::<String>(0)?) else { continue };
        let name: String = row.get(1)?;
        if table.indexes.last().is_none_or(|index| index.name != name) {
            table.indexes.push(Index { name, parts: Vec::new(), unique: row.get(2)?, condition: row.get(3)? });
        }
        let key = match row.get::<Option<String>>(4)? {
            Some(column) => IndexKey::Column(column),
            None => IndexKey::Expression(row.get(5)?),
        };
        let part = IndexPart { key, descending: row.get(6)? };
        table.indexes.last_mut().expect("it was just pushed").parts.push(part);
    }
    Ok(schema)
}

/// A column's type as it is now.
pub(crate) async fn column_type(connection: &Connection, table: &str, column: &str) -> Result<Option<String>> {
    let sql = "SELECT format_type(atttypid, atttypmod) FROM pg_catalog.pg_attribute
               WHERE attrelid = to_regclass($1) AND attname = $2";
    let table = Dialect::Postgres.quote(table);
    let rows = connection.query(Statement::read(sql, [table.into(), column.into()])).await?;
    rows.first().map(|row| row.get(0)).transpose()
}

fn table_mut<'a>(schema: &'a mut Schema, name: &str) -> Option<&'a mut Table> {
    schema.tables.iter_mut().find(|table| table.name == name)
}

/// The unit separator cannot be typed into a name by accident.
fn columns_from(joined: Option<String>) -> Vec<String> {
    joined.map(|names| names.split('\u{1f}').map(str::to_owned).collect()).unwrap_or_default()
}

fn action_from(letter: &str) -> ReferentialAction {
    ACTIONS.iter().find(|(.., known)| *known == letter).map(|(action, ..)| *action).unwrap_or_default()
}

fn type_from(name: String) -> Type {
    match TYPES.iter().find(|(_, standard)| *standard == name) {
        Some((ty, _)) => Type::Standard(*ty),
        None => Type::Other(name),
    }
}
