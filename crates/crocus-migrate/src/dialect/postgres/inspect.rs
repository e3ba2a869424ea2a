//! Reading a schema from PostgreSQL's catalogues, in seven queries whatever the number of tables.

use std::collections::{BTreeMap, BTreeSet};

use crocus_orm::table::ReferentialAction;
use crocus_orm::{Connection, Result, Row, Statement};

use super::ddl::{ACTIONS, Current, qualified};
use super::types::type_from;
use crate::schema::{
    Check, Column, Deferrable, Enum, ForeignKey, Index, IndexKey, IndexPart, Nulls, Schema, Table, TableName, Type,
    Unique, Unmanaged,
};

/// The type's name is in the words of `ddl::type_name`; the values are those of an enum, or of an array's.
const COLUMNS: &str = "
SELECT c.relname::text, a.attname::text,
       COALESCE('\"' || replace(e.typname, '\"', '\"\"') || '\"' || CASE WHEN e.oid <> t.oid THEN '[]' ELSE '' END,
                format_type(a.atttypid, a.atttypmod)),
       a.attnotnull, a.attidentity <> '', pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> '', a.attnum,
       e.typname::text, e.oid <> t.oid, NULLIF(s.nspname, current_schema())::text, l.collname::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type e ON e.typtype = 'e' AND t.oid IN (e.oid, e.typarray) AND pg_type_is_visible(e.oid)
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
WHERE (s.nspname = current_schema() OR s.nspname = ANY (string_to_array($1, chr(31)))) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY s.nspname, c.relname, a.attnum";

/// Of tables, and of columns.
const COMMENTS: &str = "
SELECT c.relname::text, NULLIF(s.nspname, current_schema())::text, a.attname::text, d.description
FROM pg_catalog.pg_description d
JOIN pg_catalog.pg_class c ON c.oid = d.objoid
JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid <> 0
WHERE d.classoid = 'pg_catalog.pg_class'::regclass AND c.relkind IN ('r', 'p')
  AND (s.nspname = current_schema() OR s.nspname = ANY (string_to_array($1, chr(31))))";

/// Those that statements find without naming a schema, without those of extensions.
const ENUMS: &str = "
SELECT t.typname::text, string_agg(e.enumlabel, chr(31) ORDER BY e.enumsortorder)
FROM pg_catalog.pg_type t
LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid
WHERE t.typtype = 'e' AND pg_type_is_visible(t.oid)
GROUP BY t.oid, t.typname ORDER BY t.typname";

/// `older` has what the catalogues of PostgreSQL 14 and before have not: a name that the inner query does not know is
/// the outer one's.
const CONSTRAINTS: &str = "
SELECT c.relname::text, k.conname::text, k.contype::text, pg_get_expr(k.conbin, k.conrelid),
       array_to_string(k.conkey, ','),
       f.relname::text,
       CASE WHEN k.contype = 'f' THEN
         (SELECT string_agg((SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = k.confrelid AND attnum = n.attnum),
                            chr(31) ORDER BY n.position)
          FROM unnest(k.confkey) WITH ORDINALITY AS n (attnum, position)) END,
       k.confdeltype::text, k.confupdtype::text, NULLIF(s.nspname, current_schema())::text,
       NULLIF(fs.nspname, current_schema())::text, k.condeferrable, k.condeferred, k.convalidated,
       k.confmatchtype = 'f',
       CASE WHEN k.contype = 'f' THEN
         (SELECT array_to_string(confdelsetcols, ',') FROM pg_catalog.pg_constraint AS same WHERE same.oid = k.oid) END,
       k.contype = 'u'
         AND (SELECT indnullsnotdistinct FROM pg_catalog.pg_index AS same WHERE same.indexrelid = k.conindid)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_catalog.pg_namespace fs ON fs.oid = f.relnamespace
CROSS JOIN (SELECT NULL::smallint[] AS confdelsetcols, false AS indnullsnotdistinct) AS older
WHERE (s.nspname = current_schema() OR s.nspname = ANY (string_to_array($1, chr(31)))) AND k.contype IN ('p', 'u', 'c', 'f')
  AND NOT c.relispartition AND (k.contype <> 'f' OR k.conparentid = 0) AND (k.contype <> 'c' OR k.conislocal)
ORDER BY s.nspname, c.relname, k.conname";

/// A row for each column or expression of each index. What serves a constraint is one of those. That of a partitioned
/// table is not valid until each partition has its own.
const INDEXES: &str = "
SELECT c.relname::text, NULLIF(s.nspname, current_schema())::text, i.relname::text, x.indisunique,
       pg_get_expr(x.indpred, x.indrelid), NULLIF(m.amname, 'btree')::text,
       (SELECT indnullsnotdistinct FROM pg_catalog.pg_index AS same WHERE same.indexrelid = x.indexrelid),
       x.indisvalid OR c.relkind = 'p', n.position > x.indnkeyatts, a.attname::text,
       CASE WHEN n.attnum = 0 THEN pg_get_indexdef(x.indexrelid, n.position::integer, false) END,
       COALESCE(x.indoption[(n.position - 1)::integer] & 1 = 1, false),
       COALESCE(x.indoption[(n.position - 1)::integer] & 2 = 2, false), l.collname::text, o.opcname::text
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class c ON c.oid = x.indrelid
JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = i.relam
CROSS JOIN unnest(x.indkey::int2[]) WITH ORDINALITY AS n (attnum, position)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = n.attnum AND n.attnum <> 0
LEFT JOIN pg_catalog.pg_collation l ON l.oid = x.indcollation[(n.position - 1)::integer]
                                   AND l.oid <> COALESCE(a.attcollation, 'pg_catalog.\"default\"'::regcollation)
LEFT JOIN pg_catalog.pg_opclass o ON o.oid = x.indclass[(n.position - 1)::integer] AND NOT o.opcdefault
CROSS JOIN (SELECT false AS indnullsnotdistinct) AS older
WHERE (s.nspname = current_schema() OR s.nspname = ANY (string_to_array($1, chr(31)))) AND NOT c.relispartition
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                  WHERE k.conindid = x.indexrelid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x'))
ORDER BY s.nspname, c.relname, i.relname, n.position";

/// What no migration manages, with the table that it belongs to. A sequence that a column owns is the column's.
const UNMANAGED: &str = "
WITH relations AS (
  SELECT c.*, NULLIF(s.nspname, current_schema())::text AS schema FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
  WHERE s.nspname = current_schema() OR s.nspname = ANY (string_to_array($1, chr(31)))
)
SELECT CASE WHEN r.relkind = 'v' THEN 'view' WHEN r.relkind = 'm' THEN 'materialized view'
            WHEN r.relkind = 'f' THEN 'foreign table' WHEN r.relkind = 'S' THEN 'sequence'
            WHEN r.relispartition THEN 'partition' ELSE 'table of an extension' END,
       r.schema, r.relname::text, p.schema, p.relname::text
FROM relations r
LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = r.oid AND r.relispartition
LEFT JOIN relations p ON p.oid = h.inhparent
WHERE r.relkind IN ('v', 'm', 'f')
   OR (r.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                                       AND d.objid = r.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
   OR (r.relkind IN ('r', 'p') AND (r.relispartition
       OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass
                  AND d.objid = r.oid AND d.deptype = 'e')))
UNION ALL
SELECT 'exclusion constraint', r.schema, k.conname::text, r.schema, r.relname::text
FROM relations r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid AND k.contype = 'x'
WHERE NOT r.relispartition
UNION ALL
SELECT 'trigger', r.schema, t.tgname::text, r.schema, r.relname::text
FROM relations r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
WHERE NOT r.relispartition";

/// The words of that query.
const KINDS: [&str; 8] = [
    "view",
    "materialized view",
    "foreign table",
    "sequence",
    "partition",
    EXTENSION,
    "exclusion constraint",
    "trigger",
];

const EXTENSION: &str = "table of an extension";

/// The schemas of known tables that there are, after the current one.
const SCHEMAS: &str = "
SELECT current_schema()::text
UNION ALL
SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = ANY (string_to_array($1, chr(31)))";

/// The tables of the current schema, and of those that tables which are known are in.
pub(crate) async fn inspect(connection: &Connection, known: &BTreeSet<TableName>) -> Result<Schema> {
    let mut schema = Schema::default();
    let schemas: BTreeSet<_> = known.iter().filter_map(|name| name.schema.as_deref()).collect();
    let schemas = schemas.into_iter().collect::<Vec<_>>().join("\u{1f}");
    let read = |sql: &'static str| Statement::read(sql, [schemas.as_str().into()]);
    let found = connection.query(read(SCHEMAS)).await?;
    let mut found = found.iter().map(|row| row.get::<Option<String>>(0));
    let current = found.next().transpose()?.flatten();
    schema.schemas = found.filter_map(Result::transpose).collect::<Result<_>>()?;
    for row in connection.query(Statement::read(ENUMS, [])).await? {
        schema.enums.push(Enum { name: row.get(0)?, values: columns_from(row.get(1)?) });
    }
    // The columns by their numbers, which are never given again: those of dropped ones are missing.
    let mut numbers: Vec<BTreeMap<i16, String>> = Vec::new();
    for row in connection.query(read(COLUMNS)).await? {
        let name = TableName { schema: row.get(10)?, name: row.get(0)? };
        if schema.tables.last().is_none_or(|table| table.name != name) {
            schema.tables.push(Table::new(name));
            numbers.push(BTreeMap::new());
        }
        // A table can have no column at all.
        let Some(column) = row.get::<Option<String>>(1)? else { continue };
        let of_enum = row.get::<Option<String>>(8)?.and_then(|name| schema.enumeration(&name).cloned());
        let ty = match of_enum.map(Type::Enum) {
            Some(ty) if row.get(9)? => Type::Array(Box::new(ty)),
            Some(ty) => ty,
            None => type_from(row.get(2)?),
        };
        let is_generated: bool = row.get(6)?;
        let expression: Option<String> = row.get(5)?;
        // A serial's default is its sequence.
        let is_serial = expression.as_ref().is_some_and(|default| default.starts_with("nextval("));
        let identity = row.get(4)? || is_serial;
        let (generated, default) = if is_generated { (expression, None) } else { (None, expression) };
        let column = Column {
            nullable: !row.get::<bool>(3)?,
            identity,
            default: default.filter(|_| !identity),
            generated,
            collation: row.get(11)?,
            ..Column::new(column, ty)
        };
        numbers.last_mut().expect("it was just pushed").insert(row.get(7)?, column.name.clone());
        schema.tables.last_mut().expect("it was just pushed").columns.push(column);
    }
    for row in connection.query(read(COMMENTS)).await? {
        let table = TableName { schema: row.get(1)?, name: row.get(0)? };
        let Some(table) = table_mut(&mut schema, &table) else { continue };
        match row.get::<Option<String>>(2)? {
            None => table.comment = row.get(3)?,
            Some(name) => {
                if let Some(column) = table.columns.iter_mut().find(|column| column.name == name) {
                    column.comment = row.get(3)?;
                }
            }
        }
    }
    for row in connection.query(read(CONSTRAINTS)).await? {
        let table = TableName { schema: row.get(9)?, name: row.get(0)? };
        let Some(at) = schema.tables.iter().position(|found| found.name == table) else { continue };
        let (table, numbers) = (&mut schema.tables[at], &numbers[at]);
        let name: String = row.get(1)?;
        let columns = columns_by(numbers, row.get(4)?);
        match row.get::<String>(2)?.as_str() {
            "p" => table.primary_key = columns,
            "u" => table.uniques.push(Unique {
                deferrable: deferrable_from(row.get(11)?, row.get(12)?),
                nulls_not_distinct: row.get(16)?,
                ..Unique::new(name, columns)
            }),
            "f" => {
                let target = TableName { schema: row.get(10)?, name: row.get(5)? };
                let on_delete_columns = in_order(&columns, columns_by(numbers, row.get(15)?));
                table.foreign_keys.push(ForeignKey {
                    on_delete: action_from(&row.get::<String>(7)?),
                    on_update: action_from(&row.get::<String>(8)?),
                    // All of them is the same as none said.
                    on_delete_columns: if on_delete_columns == columns { Vec::new() } else { on_delete_columns },
                    match_full: row.get(14)?,
                    deferrable: deferrable_from(row.get(11)?, row.get(12)?),
                    validated: row.get(13)?,
                    ..ForeignKey::new(name, columns, target, columns_from(row.get(6)?))
                });
            }
            _ => {
                let check = Check::new(name, row.get::<String>(3)?);
                table.checks.push(Check { validated: row.get(13)?, ..check });
            }
        }
    }
    for row in connection.query(read(INDEXES)).await? {
        let table = TableName { schema: row.get(1)?, name: row.get(0)? };
        let Some(table) = table_mut(&mut schema, &table) else { continue };
        let name: String = row.get(2)?;
        if table.indexes.last().is_none_or(|index| index.name != name) {
            table.indexes.push(Index {
                unique: row.get(3)?,
                condition: row.get(4)?,
                method: row.get(5)?,
                nulls_not_distinct: row.get(6)?,
                valid: row.get(7)?,
                ..Index::new(name, Vec::new())
            });
        }
        let index = table.indexes.last_mut().expect("it was just pushed");
        let key = match row.get::<Option<String>>(9)? {
            Some(column) if row.get(8)? => {
                index.include.push(column);
                continue;
            }
            Some(column) => IndexKey::Column(column),
            None => IndexKey::Expression(row.get(10)?),
        };
        let (descending, nulls_first) = (row.get(11)?, row.get::<bool>(12)?);
        let nulls = if nulls_first { Nulls::First } else { Nulls::Last };
        index.parts.push(IndexPart {
            key,
            descending,
            // NULL is the largest value.
            nulls: (nulls_first != descending).then_some(nulls),
            collation: row.get(13)?,
            operator_class: row.get(14)?,
        });
    }
    for row in connection.query(read(UNMANAGED)).await? {
        let word: String = row.get(0)?;
        let Some(kind) = KINDS.iter().find(|kind| **kind == word) else { continue };
        let name = TableName { schema: row.get(1)?, name: row.get(2)? };
        let table = row.get::<Option<String>>(4)?;
        let table = table.map(|name| Ok(TableName { schema: row.get(3)?, name })).transpose()?;
        schema.unmanaged.push(Unmanaged { kind, name, table });
    }
    schema.unmanaged.sort();
    Ok(without_extensions(schema.call(known, current.as_deref()), known))
}

/// A table that an extension has made is the extension's, unless it is one that the program knows.
fn without_extensions(mut schema: Schema, known: &BTreeSet<TableName>) -> Schema {
    schema.unmanaged.retain(|found| found.kind != EXTENSION || !known.contains(&found.name));
    let theirs = |name: &TableName| schema.unmanaged.iter().any(|it| it.kind == EXTENSION && it.name == *name);
    schema.tables.retain(|table| !theirs(&table.name));
    schema
}

/// A column as it is now.
pub(crate) async fn current(connection: &Connection, table: &TableName, column: &str) -> Result<Option<Current>> {
    let sql = "SELECT COALESCE('\"' || replace(e.typname, '\"', '\"\"') || '\"' || CASE WHEN e.oid <> a.atttypid THEN '[]' ELSE '' END,
                      format_type(a.atttypid, a.atttypmod)), a.attgenerated <> '', a.attidentity <> '',
                      COALESCE(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), pg_get_serial_sequence($1, $2),
                      e.typname::text, e.oid <> a.atttypid, l.collname::text, NOT a.attnotnull,
                      pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)
               FROM pg_catalog.pg_attribute a
               LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
               JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
               LEFT JOIN pg_catalog.pg_type e ON e.typtype = 'e' AND a.atttypid IN (e.oid, e.typarray)
               LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
               WHERE a.attrelid = to_regclass($1) AND a.attname = $2";
    let table = qualified(table);
    let rows = connection.query(Statement::read(sql, [table.into(), column.into()])).await?;
    let current = |row: &Row| {
        let name: String = row.get(0)?;
        let of_enum = row.get::<Option<String>>(5)?.map(|name| Type::Enum(Enum { name, values: Vec::new() }));
        let ty = match of_enum {
            Some(of) if row.get(6)? => Type::Array(Box::new(of)),
            Some(of) => of,
            None => type_from(name.clone()),
        };
        let is_generated: bool = row.get(1)?;
        Ok(Current {
            name,
            ty,
            collation: row.get(7)?,
            is_nullable: row.get(8)?,
            default: row.get::<Option<String>>(9)?.filter(|_| !is_generated),
            comment: row.get(10)?,
            is_generated,
            is_identity: row.get(2)?,
            is_serial: row.get(3)?,
            sequence: row.get(4)?,
        })
    };
    rows.first().map(current).transpose()
}

fn table_mut<'a>(schema: &'a mut Schema, name: &TableName) -> Option<&'a mut Table> {
    schema.tables.iter_mut().find(|table| table.name == *name)
}

/// The columns with these numbers.
fn columns_by(numbers: &BTreeMap<i16, String>, joined: Option<String>) -> Vec<String> {
    let joined = joined.unwrap_or_default();
    joined.split(',').filter_map(|number| numbers.get(&number.parse().ok()?).cloned()).collect()
}

/// Those of the columns that are among the others.
fn in_order(columns: &[String], others: Vec<String>) -> Vec<String> {
    columns.iter().filter(|column| others.contains(column)).cloned().collect()
}

/// The unit separator cannot be typed into a name by accident.
fn columns_from(joined: Option<String>) -> Vec<String> {
    joined.map(|names| names.split('\u{1f}').map(str::to_owned).collect()).unwrap_or_default()
}

fn deferrable_from(deferrable: bool, deferred: bool) -> Deferrable {
    match (deferrable, deferred) {
        (false, _) => Deferrable::No,
        (true, false) => Deferrable::Immediate,
        (true, true) => Deferrable::Deferred,
    }
}

fn action_from(letter: &str) -> ReferentialAction {
    ACTIONS.iter().find(|(.., known)| *known == letter).map(|(action, ..)| *action).unwrap_or_default()
}
