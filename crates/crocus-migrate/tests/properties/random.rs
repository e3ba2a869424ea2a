//! Random schemas, and rows for them, from bytes: each byte of a table's block decides one thing, and 0 decides for
//! nothing, so that a failure shrinks to what it needs.

use crocus_migrate::schema::{
    Check, Column, Deferrable, Enum, ForeignKey, Index, IndexKey, IndexPart, Nulls, RenamedValue, Schema, Table,
    TableName, Type, Unique,
};
use crocus_orm::table::ReferentialAction;
use crocus_orm::{ColumnType, Dialect};

/// How many bytes describe a table.
pub(crate) const BLOCK: usize = 112;

/// What a schema is made from: a block for each table.
pub(crate) type Blocks = Vec<Vec<u8>>;

const TABLES: [(Option<&str>, &str); 7] = [
    (None, "cars"),
    (None, "Order"),
    (None, "naïve \"table\""),
    (None, "t 4"),
    (None, "select"),
    (Some("The shop"), "parts"),
    (Some("The shop"), "Other parts"),
];
const COLUMNS: [&str; 8] = ["name", "select", "two words", "Capital", "quo\"ted", "ünï", "a,b", "n1"];

const ACTIONS: [ReferentialAction; 5] = [
    ReferentialAction::NoAction,
    ReferentialAction::Restrict,
    ReferentialAction::Cascade,
    ReferentialAction::SetNull,
    ReferentialAction::SetDefault,
];

const DEFERRABLE: [Deferrable; 4] = [Deferrable::No, Deferrable::No, Deferrable::Immediate, Deferrable::Deferred];

/// Each type with defaults and values that both dialects take.
const TYPES: [(ColumnType, [&str; 3]); 14] = [
    (ColumnType::Text, ["''", "'it''s \"quoted\"; --'", "'a' || 'b'"]),
    (ColumnType::Integer, ["0", "-1", "(1 + 2)"]),
    (ColumnType::BigInteger, ["0", "-1", "(1 + 2)"]),
    (ColumnType::SmallInteger, ["0", "-1", "(1 + 2)"]),
    (ColumnType::Double, ["0", "-1.5", "1e10"]),
    (ColumnType::Boolean, ["true", "false", "(1 = 2)"]),
    (ColumnType::Binary, ["''", "'x'", "'xy'"]),
    (ColumnType::Date, ["'2026-11-22'", "'2000-01-01'", "CURRENT_DATE"]),
    (ColumnType::Time, ["'14:03:00'", "'00:00:00'", "'23:59:59'"]),
    (ColumnType::DateTime, ["'2026-11-22 14:03:00'", "'2000-01-01 00:00:00'", "CURRENT_TIMESTAMP"]),
    (ColumnType::Timestamp, ["'2026-11-22 14:03:00Z'", "'2000-01-01 00:00:00Z'", "CURRENT_TIMESTAMP"]),
    (ColumnType::Uuid, ["'00000000-0000-0000-0000-000000000000'", "'0a1b2c3d-0000-4000-8000-000000000000'", "NULL"]),
    (ColumnType::Decimal, ["0", "12.50", "-0.001"]),
    (ColumnType::Json, ["'{}'", "'[1, \"two\"]'", "'null'"]),
];

/// The values of the enum types, by the type and what a schema has made of it: only values at the end differ, or the
/// order does, or one is gone.
const ENUMS: [(&str, [&[&str]; 4]); 2] = [
    ("colour", [&["red", "it's"], &["red", "it's", "green"], &["it's", "red"], &["red", "blue", "it's"]]),
    ("The size", [&["s", "m"], &["xs", "s", "m"], &["s", "m", "l", "XL "], &["s"]]),
];

/// One of so many, by a byte.
fn pick(byte: u8, of: usize) -> usize {
    usize::from(byte) % of
}

/// A schema. What no migration changes is as in the one before: the kind of a table's key, and types between which
/// PostgreSQL has no cast.
pub(crate) fn schema(blocks: &Blocks, before: Option<&Schema>, dialect: Dialect) -> Schema {
    // The enums of a schema are chosen by its first table.
    let first = blocks.first().map_or(0, |block| usize::from(block[95]));
    let enums: Vec<_> = ENUMS
        .iter()
        .enumerate()
        .map(|(at, (name, variants))| Enum {
            name: (*name).to_owned(),
            values: variants[(first >> (2 * at)) % 4].iter().map(|value| (*value).to_owned()).collect(),
        })
        .collect();
    let (enums, renamed_values) = renamed(enums, before, blocks.first().map_or(0, |block| block[110]));
    let mut tables: Vec<Table> = Vec::new();
    let mut origins = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        let (schema, name) = TABLES[pick(block[0], TABLES.len())];
        let name = TableName { schema: schema.map(str::to_owned), name: name.to_owned() };
        // SQLite has no schemas: there two tables of one name would be one.
        if tables.iter().all(|table| table.name.name != name.name) {
            tables.push(Table::new(name));
            origins.push((at, block));
        }
    }
    let names: Vec<_> = tables.iter().map(|table| table.name.clone()).collect();
    for (table, (_, block)) in tables.iter_mut().zip(&origins) {
        let free = |name: &TableName| name.schema == table.name.schema && !names.contains(name);
        let old = before.and_then(|before| {
            let same = before.tables.iter().find(|old| old.name.name == table.name.name);
            // A table of before that is there no more is what this one was.
            let renamed = || before.tables.iter().find(|old| pick(block[1], 2) == 1 && free(&old.name));
            same.or_else(renamed)
        });
        if let Some(old) = old.filter(|old| old.name != table.name)
            && old.name.schema == table.name.schema
        {
            table.renamed_from = Some(old.name.name.clone());
        }
        key(table, block[2], old);
    }
    // One table can be renamed to one other only.
    let mut taken = Vec::new();
    for table in &mut tables {
        if taken.contains(&table.renamed_from) {
            table.renamed_from = None;
        }
        taken.extend(table.renamed_from.is_some().then(|| table.renamed_from.clone()));
    }
    let keyed = tables.clone();
    for (table, (_, block)) in tables.iter_mut().zip(&origins) {
        let old = before.and_then(|before| old_of(table, before)).cloned();
        fill(table, block, &keyed, &enums, old.as_ref());
        collations(table, block, dialect);
        other_names(table, block[111]);
        if before.is_none() && dialect == Dialect::Postgres {
            not_valid(table, block[108]);
        }
    }
    Schema { renamed_values, ..Schema::new(tables) }
}

/// A value that stays gets another name.
fn renamed(mut enums: Vec<Enum>, before: Option<&Schema>, byte: u8) -> (Vec<Enum>, Vec<RenamedValue>) {
    let mut renamed = Vec::new();
    for (at, values) in enums.iter_mut().enumerate() {
        let Some(old) = before.and_then(|before| before.enums.iter().find(|old| old.name == values.name)) else {
            continue;
        };
        let byte = byte >> (4 * at);
        let Some(value) = old.values.get(pick(byte, 4)).filter(|_| pick(byte / 4, 4) == 1) else { continue };
        if let Some(found) = values.values.iter_mut().find(|found| *found == value) {
            *found = format!("{value}: new");
            let (name, new_value) = (values.name.clone(), found.clone());
            renamed.push(RenamedValue { name, value: value.clone(), new_value });
        }
    }
    (enums, renamed)
}

/// Indexes, uniques and checks that are called otherwise, or after each other.
fn other_names(table: &mut Table, byte: u8) {
    if pick(byte, 4) == 1 && table.indexes.len() > 1 {
        let first = std::mem::take(&mut table.indexes[0].name);
        let second = std::mem::replace(&mut table.indexes[1].name, first);
        table.indexes[0].name = second;
    }
    let indexes = table.indexes.iter_mut().map(|index| &mut index.name);
    let uniques = table.uniques.iter_mut().map(|unique| &mut unique.name);
    let checks = table.checks.iter_mut().map(|check| &mut check.name);
    let keys = table.foreign_keys.iter_mut().map(|key| &mut key.name);
    let of_kind = [indexes.collect::<Vec<_>>(), uniques.collect(), checks.collect(), keys.collect()];
    for (at, names) in of_kind.into_iter().enumerate() {
        if pick((byte / 4) >> at, 4) == 1 {
            names.into_iter().for_each(|name| name.push_str(" (b)"));
        }
    }
}

/// Constraints that were not validated in the database, which no model says.
fn not_valid(table: &mut Table, byte: u8) {
    for (at, check) in table.checks.iter_mut().enumerate() {
        check.validated = pick(byte >> at, 4) != 1;
    }
    for (at, key) in table.foreign_keys.iter_mut().enumerate() {
        key.validated = pick(byte >> (at + 2), 4) != 1;
    }
}

/// The table that this one was.
pub(crate) fn old_of<'a>(table: &Table, before: &'a Schema) -> Option<&'a Table> {
    let old = table.renamed_from.as_ref().unwrap_or(&table.name.name);
    before.tables.iter().find(|found| found.name.name == *old)
}

/// What makes a `serial` of each identity that stays one: what goes would come back as an identity.
pub(crate) fn serials(before: &Schema, after: &Schema) -> Vec<String> {
    let counts = |table: &Table| table.columns.iter().find(|column| column.identity).cloned();
    let stay = after.tables.iter().filter_map(|new| {
        counts(new)?;
        let old = old_of(new, before)?;
        Some((old, counts(old)?))
    });
    let statement = |(table, column): (&Table, Column)| {
        let name = qualified(&table.name, Dialect::Postgres);
        let ty = if column.ty == Type::Standard(ColumnType::Integer) { "integer" } else { "bigint" };
        let sequence = TableName { name: format!("{}_id_seq", table.name.name), ..table.name.clone() };
        let sequence = qualified(&sequence, Dialect::Postgres);
        let next = literal(&sequence);
        format!(
            "ALTER TABLE {name} ALTER id DROP IDENTITY; CREATE SEQUENCE {sequence} AS {ty} OWNED BY {name}.id;
             ALTER TABLE {name} ALTER id SET DEFAULT nextval({next})"
        )
    };
    stay.map(statement).collect()
}

fn key(table: &mut Table, kind: u8, old: Option<&Table>) {
    let column = |name: &str, ty| Column { nullable: false, ..Column::new(name, ty) };
    table.columns = match pick(kind, 7) {
        0 => vec![Column { identity: true, ..column("id", ColumnType::BigInteger) }],
        1 => vec![column("code", ColumnType::Text), column("number", ColumnType::Integer)],
        2 => vec![column("code", ColumnType::Text)],
        3 => Vec::new(),
        4 => vec![Column { identity: true, ..column("id", ColumnType::Integer) }],
        5 => vec![column("id", ColumnType::BigInteger)],
        _ => vec![column("key", ColumnType::Uuid)],
    };
    // Every second table keeps its key.
    if let Some(old) = old.filter(|_| kind < 128) {
        let is_key = |column: &&Column| old.primary_key.contains(&column.name);
        table.columns = old.columns.iter().filter(is_key).map(plain).collect();
    }
    table.primary_key = table.columns.iter().map(|column| column.name.clone()).collect();
    if table.columns.is_empty() {
        // SQLite has no tables without columns.
        table.columns.push(Column::new("line", ColumnType::Text));
    }
}

/// A key's column, without what the rest of its block may have said.
fn plain(column: &Column) -> Column {
    Column { nullable: false, identity: column.identity, ..Column::new(column.name.clone(), column.ty.clone()) }
}

fn fill(table: &mut Table, block: &[u8], tables: &[Table], enums: &[Enum], old: Option<&Table>) {
    if pick(block[3], 4) > 1 {
        table.comment = Some(format!("it's \"{}\"\n", pick(block[3], 4)));
    }
    for slot in 0..6 {
        let bytes = &block[4 + 6 * slot..10 + 6 * slot];
        if pick(bytes[0], 4) > 0 {
            column(table, bytes, enums, old);
        }
    }
    let names: Vec<_> = table.columns.iter().map(|column| column.name.clone()).collect();
    for column in &mut table.columns {
        column.renamed_from.take_if(|old| names.contains(old));
    }
    let prefix = table.renamed_from.clone().filter(|_| pick(block[1], 4) == 1).unwrap_or(table.name.name.clone());
    for slot in 0..2 {
        let bytes = &block[40 + 5 * slot..45 + 5 * slot];
        if pick(bytes[0], 3) > 0 {
            foreign_key(table, &format!("{prefix} fk {slot}"), bytes, tables, old);
        }
    }
    for slot in 0..2 {
        let bytes = &block[50 + 3 * slot..53 + 3 * slot];
        let columns = columns_of(table, &bytes[1..3]);
        if pick(bytes[0], 3) > 0 && !columns.is_empty() {
            table.uniques.push(Unique {
                deferrable: DEFERRABLE[pick(bytes[0] / 3, 4)],
                nulls_not_distinct: pick(bytes[0] / 12, 2) == 1,
                ..Unique::new(format!("{prefix} key {slot}"), columns)
            });
        }
    }
    for slot in 0..3 {
        let bytes = &block[56 + 6 * slot..62 + 6 * slot];
        let mut parts: Vec<_> =
            columns_of(table, &bytes[1..3]).iter().map(|name| IndexPart::from(name.as_str())).collect();
        if pick(bytes[0], 3) == 0 || parts.is_empty() {
            continue;
        }
        if pick(bytes[3], 2) == 1 {
            parts[0].descending = true;
        }
        if let (2.., Some(first)) = (pick(bytes[3], 4), table.columns.first()) {
            parts.push(IndexPart::new(IndexKey::Expression(indexed(first))));
        }
        let condition = table.columns.get(pick(bytes[5], 20)).map(|column| condition(column, pick(bytes[5], 2) == 1));
        let unique = pick(bytes[4], 3) == 2;
        let mut index = Index { unique, condition, ..Index::new(format!("{prefix} idx {slot}"), parts) };
        options(&mut index, bytes, &table.columns);
        of_method(&mut index, block[105 + slot], &table.columns);
        table.indexes.push(index);
    }
    for slot in 0..2 {
        let bytes = &block[74 + 3 * slot..77 + 3 * slot];
        if pick(bytes[0], 3) > 0
            && let Some(column) = table.columns.get(pick(bytes[1], 8))
        {
            table.checks.push(Check::new(format!("check \"{slot}\""), condition(column, pick(bytes[2], 2) == 1)));
        }
    }
}

/// What only PostgreSQL has.
fn options(index: &mut Index, bytes: &[u8], columns: &[Column]) {
    index.parts[0].nulls = [None, Some(Nulls::First), Some(Nulls::Last)][pick(bytes[3] / 4, 3)];
    index.nulls_not_distinct = index.unique && pick(bytes[4] / 3, 2) == 1;
    let is_plain = !index.unique && index.parts == [IndexPart::new(index.parts[0].key.clone())];
    let free = |column: &&Column| !index.parts.iter().any(|part| part.key == IndexKey::Column(column.name.clone()));
    match pick(bytes[0] / 3, 4) {
        1 => index.include = columns.iter().filter(free).take(1).map(|column| column.name.clone()).collect(),
        2 if is_plain => index.method = Some("hash".to_owned()),
        _ => {}
    }
}

/// Of the columns with text, and of what indexes have of them; on PostgreSQL classes of operators beside them.
fn collations(table: &mut Table, block: &[u8], dialect: Dialect) {
    let collation = |byte: u8| {
        let known = if dialect == Dialect::Postgres { ["C", "und-x-icu"] } else { ["NOCASE", "RTRIM"] };
        known.get(pick(byte, 8)).map(|name| (*name).to_owned())
    };
    let is_text = |column: &&mut Column| match &column.ty {
        Type::Standard(ColumnType::Text) => true,
        Type::Other(name) => name.starts_with('c'),
        _ => false,
    };
    let keys = table.primary_key.clone();
    let is_free = |column: &&mut Column| !keys.contains(&column.name) && !column.name.starts_with("fk");
    for (at, column) in table.columns.iter_mut().filter(is_text).filter(is_free).enumerate() {
        column.collation = collation(block[96 + at % 6]);
    }
    let columns = table.columns.clone();
    for (at, index) in table.indexes.iter_mut().enumerate().filter(|(_, index)| index.method.is_none()) {
        for part in &mut index.parts {
            let is_it = |column: &&Column| part.key == IndexKey::Column(column.name.clone());
            let Some(column) = columns.iter().find(is_it) else { continue };
            if column.ty == Type::Standard(ColumnType::Text) {
                // SQLite's text of an index tells whether it repeats the column's own; that has no meaning.
                part.collation = collation(block[102 + at]).filter(|name| column.collation.as_ref() != Some(name));
                part.operator_class = (pick(block[102 + at] / 8, 4) == 1).then(|| "text_pattern_ops".to_owned());
            }
        }
    }
}

/// An index of a method for values that have no order, or none that matters.
fn of_method(index: &mut Index, byte: u8, columns: &[Column]) {
    let is_many = |column: &&Column| matches!(column.ty, Type::Array(_) | Type::Standard(ColumnType::Json));
    let is_simple = |column: &&Column| matches!(column.ty, Type::Standard(ColumnType::Text | ColumnType::Integer));
    let found = match pick(byte, 6) {
        1 => columns.iter().find(is_many).map(|column| (column, "gin")),
        2 => columns.iter().find(is_simple).map(|column| (column, "brin")),
        3 => {
            columns.iter().find(|column| column.ty == Type::Standard(ColumnType::Text)).map(|column| (column, "spgist"))
        }
        _ => None,
    };
    let Some((column, method)) = found else { return };
    let mut part = IndexPart::from(column.name.as_str());
    let is_json = column.ty == Type::Standard(ColumnType::Json);
    part.operator_class = (is_json && pick(byte / 6, 2) == 1).then(|| "jsonb_path_ops".to_owned());
    let condition = index.condition.take();
    *index = Index { method: Some(method.to_owned()), condition, ..Index::new(index.name.clone(), vec![part]) };
}

fn column(table: &mut Table, bytes: &[u8], enums: &[Enum], old: Option<&Table>) {
    let name = COLUMNS[pick(bytes[1], COLUMNS.len())];
    if table.column(name).is_some() {
        return;
    }
    let ty = match pick(bytes[2], 20) {
        at @ 0..14 => Type::Standard(TYPES[at].0),
        at @ 14..16 => Type::Enum(enums[at - 14].clone()),
        16 => Type::Array(Box::new(Type::Standard(ColumnType::Text))),
        17 => Type::Array(Box::new(Type::Enum(enums[0].clone()))),
        18 => Type::Other("character varying(20)".to_owned()),
        _ => Type::Other("numeric(10,2)".to_owned()),
    };
    let mut column = Column::new(name, ty);
    let mut was = old.and_then(|old| old.column(name));
    // A column of before that is there no more may be what this one was.
    if was.is_none()
        && pick(bytes[5], 2) == 1
        && let Some(old) = old
    {
        let free = |column: &&Column| {
            COLUMNS.contains(&column.name.as_str())
                && table.column(&column.name).is_none()
                && !table.columns.iter().any(|other| other.renamed_from.as_ref() == Some(&column.name))
        };
        was = old.columns.iter().find(free);
        column.renamed_from = was.map(|was| was.name.clone());
    }
    if table.columns.iter().any(|other| other.renamed_from.as_deref() == Some(name)) {
        return;
    }
    if let Some(was) = was
        && !can_become(&was.ty, &column.ty)
    {
        column.ty.clone_from(&was.ty);
        // Of this schema's own values.
        if let Type::Enum(values) = &mut column.ty
            && let Some(found) = enums.iter().find(|found| found.name == values.name)
        {
            values.clone_from(found);
        }
        if let Type::Array(of) = &mut column.ty
            && let Type::Enum(values) = of.as_mut()
        {
            values.clone_from(&enums[0]);
        }
    }
    column.nullable = pick(bytes[3], 2) == 0;
    let source = table.columns.iter().find(|other| other.generated.is_none() && other.ty == column.ty);
    match (pick(bytes[4], 8), &column.ty) {
        (choice @ 1..4, ty) => column.default = default(ty, choice - 1),
        (4 | 5, Type::Standard(ColumnType::Text)) if source.is_some() => {
            column.generated = source.map(|source| format!("{} || 'x'", quoted(source)));
        }
        (4 | 5, Type::Standard(ColumnType::Integer)) if source.is_some() => {
            column.generated = source.map(|source| format!("{} * 2", quoted(source)));
        }
        (6, _) => column.comment = Some("what it's \\ for".to_owned()),
        _ => {}
    }
    table.columns.push(column);
}

fn foreign_key(table: &mut Table, name: &str, bytes: &[u8], tables: &[Table], old: Option<&Table>) {
    let target = &tables[pick(bytes[1], tables.len())];
    if target.primary_key.is_empty() {
        return;
    }
    let mut columns = Vec::new();
    for (at, key) in target.columns.iter().enumerate() {
        let column = format!("fk{}_{at}", pick(bytes[4], 3));
        if table.column(&column).is_some() {
            return;
        }
        let was = old.and_then(|old| old.column(&column));
        if was.is_some_and(|was| !can_become(&was.ty, &key.ty)) {
            return;
        }
        columns.push(Column { nullable: pick(bytes[4], 4) != 3, ..Column::new(column, key.ty.clone()) });
    }
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let on_delete = ACTIONS[pick(bytes[2], ACTIONS.len())];
    let sets = matches!(on_delete, ReferentialAction::SetNull | ReferentialAction::SetDefault);
    table.columns.extend(columns);
    table.foreign_keys.push(ForeignKey {
        on_delete,
        on_delete_columns: names[..usize::from(sets && names.len() > 1 && pick(bytes[2] / 5, 3) == 1)].to_vec(),
        match_full: pick(bytes[3] / 5, 3) == 1,
        deferrable: DEFERRABLE[pick(bytes[0] / 3, 4)],
        on_update: ACTIONS[pick(bytes[3], ACTIONS.len())],
        ..ForeignKey::new(name, names, target.name.clone(), target.primary_key.clone())
    });
}

fn default(ty: &Type, choice: usize) -> Option<String> {
    match ty {
        Type::Standard(ty) => {
            let defaults = TYPES.iter().find(|(standard, _)| standard == ty).map(|(_, defaults)| defaults)?;
            Some(defaults[choice].to_owned())
        }
        Type::Enum(values) => values.values.get(choice).map(|value| literal(value)),
        Type::Array(_) => None,
        Type::Other(name) if name.starts_with('n') => Some("1.5".to_owned()),
        Type::Other(_) => Some("'x'".to_owned()),
    }
}

/// The columns at these places, each once; what is out of range is nothing. JSON has no order.
fn columns_of(table: &Table, places: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for place in places {
        let column = table.columns.get(usize::from(*place) % 10);
        if let Some(column) = column.filter(|column| column.ty != Type::Standard(ColumnType::Json))
            && !names.contains(&column.name)
        {
            names.push(column.name.clone());
        }
    }
    names
}

fn indexed(column: &Column) -> String {
    match &column.ty {
        ty if is_number(ty) => format!("{}%2  +1", quoted(column)),
        Type::Standard(ColumnType::Text) => format!("lower({})", quoted(column)),
        _ => format!("{} IS NULL", quoted(column)),
    }
}

fn condition(column: &Column, other: bool) -> String {
    let name = quoted(column);
    match &column.ty {
        ty if other && (is_number(ty) || *ty == Type::Standard(ColumnType::Double)) => {
            format!("{name}>=0 and {name} <> 1.5 OR {name} IS NULL")
        }
        Type::Standard(ColumnType::Text) if other => {
            format!("length({name}||'x')<=80 and {name} NOT IN ('z','it''s (b)')")
        }
        _ => format!("{name} IS NOT NULL or 1 = 1"),
    }
}

/// But for doubles, of which PostgreSQL has no remainder.
fn is_number(ty: &Type) -> bool {
    use ColumnType::{BigInteger, Decimal, Integer, SmallInteger};
    matches!(ty, Type::Standard(SmallInteger | Integer | BigInteger | Decimal))
}

/// Whether PostgreSQL casts one type to the other.
fn can_become(from: &Type, to: &Type) -> bool {
    use ColumnType::{BigInteger, Decimal, Double, Integer, SmallInteger, Text};
    let text = |ty: &Type| *ty == Type::Standard(Text) || matches!(ty, Type::Other(name) if name.starts_with('c'));
    let number = |ty: &Type| {
        matches!(ty, Type::Standard(SmallInteger | Integer | BigInteger | Double | Decimal))
            || matches!(ty, Type::Other(name) if name.starts_with('n'))
    };
    match (from, to) {
        (Type::Enum(from), Type::Enum(to)) => from.name == to.name,
        (Type::Array(from), Type::Array(to)) => can_become(from, to),
        (Type::Array(_), _) | (_, Type::Array(_)) => false,
        _ => from == to || text(from) || text(to) || (number(from) && number(to)),
    }
}

pub(crate) fn quoted(column: &Column) -> String {
    Dialect::Postgres.quote(&column.name)
}

pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Statements that insert rows; what a constraint refuses is not there. Their order is that of the references, but for
/// cycles.
pub(crate) fn rows(schema: &Schema, blocks: &Blocks, dialect: Dialect) -> Vec<String> {
    let mut statements = Vec::new();
    for round in 0..3 {
        for (table, block) in schema.tables.iter().zip(blocks) {
            if pick(block[80], 4) <= round {
                continue;
            }
            let written = |column: &&Column| column.generated.is_none() && !column.identity;
            let columns: Vec<_> = table.columns.iter().filter(written).collect();
            let values: Vec<_> = columns
                .iter()
                .enumerate()
                .map(|(at, column)| {
                    let seed = block[81 + at % 14].wrapping_add((85 * round) as u8);
                    value(table, column, seed, dialect)
                })
                .collect();
            let name = qualified(&table.name, dialect);
            let names: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
            statements.push(if columns.is_empty() {
                format!("INSERT INTO {name} DEFAULT VALUES")
            } else {
                format!("INSERT INTO {name} ({}) VALUES ({})", names.join(", "), values.join(", "))
            });
        }
    }
    // Numbers that were given and are gone.
    let identity = schema.tables.iter().find(|table| table.columns.iter().any(|column| column.identity));
    statements.extend(identity.map(|table| {
        let name = qualified(&table.name, dialect);
        format!("DELETE FROM {name} WHERE id = (SELECT max(id) FROM {name})")
    }));
    statements
}

fn value(table: &Table, column: &Column, seed: u8, dialect: Dialect) -> String {
    let key = table.foreign_keys.iter().find_map(|key| {
        let at = key.columns.iter().position(|name| *name == column.name)?;
        Some((key, at))
    });
    if let Some((key, at)) = key {
        let (target, name) = (qualified(&key.target, dialect), Dialect::Postgres.quote(&key.target_columns[at]));
        let order: Vec<_> = key.target_columns.iter().map(|name| Dialect::Postgres.quote(name)).collect();
        return format!("(SELECT {name} FROM {target} ORDER BY {} LIMIT 1 OFFSET {})", order.join(", "), seed % 2);
    }
    if pick(seed, 4) == 3 && column.nullable {
        return "NULL".to_owned();
    }
    let choice = pick(seed, 3);
    match &column.ty {
        Type::Enum(values) => literal(&values.values[choice % values.values.len()]),
        Type::Array(of) => {
            let items = if matches!(**of, Type::Enum(_)) { ["red", "red"] } else { ["a", "it's"] };
            let items = &items[..choice];
            match dialect {
                Dialect::Postgres => literal(&format!("{{{}}}", items.join(","))),
                _ => literal(&format!(
                    "[{}]",
                    items.iter().map(|item| format!("\"{item}\"")).collect::<Vec<_>>().join(",")
                )),
            }
        }
        Type::Standard(ColumnType::Text) => literal(["1", "it's", "ü \"\\\n"][choice]),
        Type::Standard(ColumnType::Uuid) => literal(&format!("0a1b2c3d-0000-4000-8000-{seed:012}")),
        Type::Standard(ty) => {
            let found = TYPES.iter().find(|(standard, _)| standard == ty).expect("every standard type is there");
            found.1[choice].to_owned()
        }
        Type::Other(name) if name.starts_with('n') => ["1.5", "-2", "1234.25"][choice].to_owned(),
        Type::Other(_) => literal(["", "x", "it's"][choice]),
    }
}

pub(crate) fn qualified(name: &TableName, dialect: Dialect) -> String {
    match &name.schema {
        Some(schema) if dialect == Dialect::Postgres => {
            format!("{}.{}", dialect.quote(schema), dialect.quote(&name.name))
        }
        _ => dialect.quote(&name.name),
    }
}
