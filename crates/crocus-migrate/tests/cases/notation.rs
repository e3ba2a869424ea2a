//! The notation for schemas: a line for a table, a column, a constraint or an index.

use crocus_migrate::schema::{
    Check, Column, Deferrable, Enum, ForeignKey, Index, IndexKey, IndexPart, Nulls, Schema, Table, TableName, Type,
    Unique,
};
use crocus_orm::ColumnType;
use crocus_orm::table::ReferentialAction;

const TYPES: [(&str, ColumnType); 14] = [
    ("small_integer", ColumnType::SmallInteger),
    ("integer", ColumnType::Integer),
    ("big_integer", ColumnType::BigInteger),
    ("double", ColumnType::Double),
    ("boolean", ColumnType::Boolean),
    ("text", ColumnType::Text),
    ("binary", ColumnType::Binary),
    ("date", ColumnType::Date),
    ("time", ColumnType::Time),
    ("datetime", ColumnType::DateTime),
    ("timestamp", ColumnType::Timestamp),
    ("uuid", ColumnType::Uuid),
    ("decimal", ColumnType::Decimal),
    ("json", ColumnType::Json),
];

pub(crate) fn schema(lines: &[String]) -> Result<Schema, String> {
    let mut tables: Vec<Table> = Vec::new();
    for line in lines {
        let mut rest = line.trim();
        let first = rest.split(' ').next().unwrap_or_default();
        let table = tables.last_mut();
        match (first, table) {
            ("table", _) => {
                word(&mut rest);
                tables.push(Table::new(table_name(&mut rest)?));
            }
            (_, None) => return Err(format!("`{line}` comes before a table")),
            ("renamed", Some(table)) => {
                expect(&mut rest, "renamed from")?;
                table.renamed_from = Some(name(&mut rest)?);
            }
            ("comment", Some(table)) => {
                word(&mut rest);
                table.comment = Some(rest.to_owned());
            }
            ("unique", Some(table)) => {
                word(&mut rest);
                table.uniques.push(unique(rest)?);
            }
            ("index", Some(table)) => table.indexes.push(index(rest)?),
            ("check", Some(table)) => {
                word(&mut rest);
                table.checks.push(Check::new(name(&mut rest)?, inside(rest)?));
            }
            ("foreign", Some(table)) => table.foreign_keys.push(foreign_key(rest)?),
            (_, Some(table)) => column(rest, table)?,
        }
    }
    Ok(Schema::new(tables))
}

/// `name TYPE [identity] [primary key] [not null] [collation NAME] [default EXPRESSION | generated EXPRESSION | comment TEXT]`
fn column(mut rest: &str, table: &mut Table) -> Result<(), String> {
    let name = name(&mut rest)?;
    let mut column = Column::new(name, ty(&mut rest)?);
    while !rest.is_empty() {
        match word(&mut rest) {
            "identity" => (column.identity, column.nullable) = (true, false),
            "primary" if word(&mut rest) == "key" => {
                table.primary_key.push(column.name.clone());
                column.nullable = false;
            }
            "renamed" => {
                expect(&mut rest, "from")?;
                column.renamed_from = Some(self::name(&mut rest)?);
            }
            "collation" => column.collation = Some(self::name(&mut rest)?),
            "not" if word(&mut rest) == "null" => column.nullable = false,
            "default" => column.default = Some(std::mem::take(&mut rest).to_owned()),
            "generated" => column.generated = Some(std::mem::take(&mut rest).to_owned()),
            "comment" => column.comment = Some(std::mem::take(&mut rest).to_owned()),
            other => return Err(format!("`{other}` says nothing of a column")),
        }
    }
    table.columns.push(column);
    Ok(())
}

/// `integer`, `"varchar(20)"`, `enum NAME (values)`, `array of TYPE`
fn ty(rest: &mut &str) -> Result<Type, String> {
    if rest.starts_with('"') {
        return Ok(Type::Other(name(rest)?));
    }
    match word(rest) {
        "enum" => Ok(Type::Enum(Enum { name: name(rest)?, values: names(rest)? })),
        "array" => {
            expect(rest, "of")?;
            Ok(Type::Array(Box::new(ty(rest)?)))
        }
        ty => {
            let found = TYPES.iter().find(|(name, _)| *name == ty);
            Ok(Type::Standard(found.ok_or_else(|| format!("there is no type `{ty}`"))?.1))
        }
    }
}

/// `NAME (columns) [nulls not distinct] [deferrable [initially deferred]]`
fn unique(mut rest: &str) -> Result<Unique, String> {
    let name = name(&mut rest)?;
    let columns = names(&mut rest)?;
    let nulls_not_distinct = taken(&mut rest, "nulls not distinct");
    let deferrable = deferrable(&mut rest);
    if !rest.is_empty() {
        return Err(format!("`{rest}` says nothing of a unique constraint"));
    }
    Ok(Unique { deferrable, nulls_not_distinct, ..Unique::new(name, columns) })
}

fn deferrable(rest: &mut &str) -> Deferrable {
    match (taken(rest, "deferrable"), taken(rest, "initially deferred")) {
        (false, _) => Deferrable::No,
        (true, false) => Deferrable::Immediate,
        (true, true) => Deferrable::Deferred,
    }
}

/// `index NAME [unique] [using METHOD] (PART, ...) [include (columns)] [nulls not distinct] [where EXPRESSION]`, a part
/// being `column` or `(EXPRESSION)`, and then `[collate NAME] [class NAME] [desc] [nulls first | nulls last]`
fn index(mut rest: &str) -> Result<Index, String> {
    expect(&mut rest, "index")?;
    let mut index = Index::new(name(&mut rest)?, Vec::new());
    index.unique = taken(&mut rest, "unique");
    if taken(&mut rest, "using") {
        index.method = Some(word(&mut rest).to_owned());
    }
    let mut before = "(";
    while !rest.starts_with(')') || index.parts.is_empty() {
        expect(&mut rest, before)?;
        let key = if rest.starts_with('(') {
            let mut depth = 0;
            let end = rest.find(|character| {
                depth += i32::from(character == '(') - i32::from(character == ')');
                depth == 0
            });
            let end = end.ok_or_else(|| format!("a parenthesis is not closed: {rest}"))?;
            let sql = rest[1..end].to_owned();
            rest = rest[end + 1..].trim_start();
            IndexKey::Expression(sql)
        } else {
            IndexKey::Column(name(&mut rest)?)
        };
        index.parts.push(IndexPart {
            key,
            collation: taken(&mut rest, "collate").then(|| self::name(&mut rest)).transpose()?,
            operator_class: taken(&mut rest, "class").then(|| self::name(&mut rest)).transpose()?,
            descending: taken(&mut rest, "desc"),
            nulls: match (taken(&mut rest, "nulls first"), taken(&mut rest, "nulls last")) {
                (false, false) => None,
                (first, _) => Some(if first { Nulls::First } else { Nulls::Last }),
            },
        });
        before = ",";
    }
    expect(&mut rest, ")")?;
    if taken(&mut rest, "include") {
        index.include = names(&mut rest)?;
    }
    index.nulls_not_distinct = taken(&mut rest, "nulls not distinct");
    if !rest.is_empty() {
        expect(&mut rest, "where")?;
        index.condition = Some(rest.to_owned());
    }
    Ok(index)
}

/// `foreign key NAME (columns) references TABLE (columns) [match full] [on delete ACTION [(columns)]]
/// [on update ACTION] [deferrable [initially deferred]]`
fn foreign_key(mut rest: &str) -> Result<ForeignKey, String> {
    const ACTIONS: [(&str, ReferentialAction); 4] = [
        ("restrict", ReferentialAction::Restrict),
        ("cascade", ReferentialAction::Cascade),
        ("set null", ReferentialAction::SetNull),
        ("set default", ReferentialAction::SetDefault),
    ];
    expect(&mut rest, "foreign key")?;
    let name = self::name(&mut rest)?;
    let columns = names(&mut rest)?;
    expect(&mut rest, "references")?;
    let target = table_name(&mut rest)?;
    let mut key = ForeignKey::new(name, columns, target, names(&mut rest)?);
    key.match_full = taken(&mut rest, "match full");
    while rest.starts_with("on ") {
        expect(&mut rest, "on")?;
        let event = word(&mut rest);
        let found = ACTIONS.iter().find(|(name, _)| rest.starts_with(name));
        let (action, to) = found.ok_or_else(|| format!("`{rest}` is no action"))?;
        expect(&mut rest, action)?;
        match event {
            "delete" => {
                key.on_delete = *to;
                key.on_delete_columns = if rest.starts_with('(') { names(&mut rest)? } else { Vec::new() };
            }
            "update" => key.on_update = *to,
            other => return Err(format!("a foreign key has no `on {other}`")),
        }
    }
    key.deferrable = deferrable(&mut rest);
    if rest.is_empty() { Ok(key) } else { Err(format!("`{rest}` says nothing of a foreign key")) }
}

/// `NAME` or `in SCHEMA NAME`
fn table_name(rest: &mut &str) -> Result<TableName, String> {
    let schema = if rest.starts_with("in ") {
        expect(rest, "in")?;
        Some(name(rest)?)
    } else {
        None
    };
    Ok(TableName { schema, name: name(rest)? })
}

/// Takes words off the front.
fn expect(rest: &mut &str, words: &str) -> Result<(), String> {
    let after = rest.strip_prefix(words).ok_or_else(|| format!("`{words}` is missing before `{rest}`"))?;
    *rest = after.trim_start();
    Ok(())
}

/// Takes words off the front where they are there.
fn taken(rest: &mut &str, words: &str) -> bool {
    let after = rest.strip_prefix(words).filter(|after| !after.starts_with(char::is_alphanumeric));
    after.inspect(|after| *rest = after.trim_start()).is_some()
}

/// Takes a word off the front.
fn word<'a>(rest: &mut &'a str) -> &'a str {
    let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
    *rest = after.trim_start();
    word
}

/// Takes a name off the front: a word up to a space, a comma or a parenthesis, or anything in double quotes.
fn name(rest: &mut &str) -> Result<String, String> {
    let (name, end) = match rest.strip_prefix('"') {
        None => {
            let end = rest.find([' ', ',', '(', ')']).unwrap_or(rest.len());
            (rest[..end].to_owned(), end)
        }
        Some(quoted) => {
            let mut end = 0;
            loop {
                end += quoted[end..].find('"').ok_or_else(|| format!("a quote is not closed: {rest}"))?;
                if !quoted[end + 1..].starts_with('"') {
                    break;
                }
                end += 2;
            }
            (quoted[..end].replace("\"\"", "\""), end + 2)
        }
    };
    *rest = rest[end..].trim_start();
    if name.is_empty() { Err(format!("a name is missing before `{rest}`")) } else { Ok(name) }
}

/// Takes names in parentheses off the front.
fn names(rest: &mut &str) -> Result<Vec<String>, String> {
    expect(rest, "(")?;
    let mut names = vec![name(rest)?];
    while rest.starts_with(',') {
        expect(rest, ",")?;
        names.push(name(rest)?);
    }
    expect(rest, ")")?;
    Ok(names)
}

fn inside(rest: &str) -> Result<&str, String> {
    rest.strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .ok_or_else(|| format!("`{rest}` is not in parentheses"))
}
