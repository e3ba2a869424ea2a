//! Writes of one shape as one statement: `INSERT INTO cars (doors) VALUES ($1)` becomes `INSERT INTO cars (doors) SELECT
//! ... FROM UNNEST($1)`, with an array for each value. The server needs a fraction of its time for that.
//!
//! Only rows of ordinary tables go so, which have no triggers, rules or heirs that could tell one statement from many. The
//! server looks whether that is so each time. If it is not, nothing is written, and each goes by itself.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use sea_query::ArrayType;
use tokio_postgres::types::{Kind, Type};

use super::queue::Outcome;
use crate::row::Row;
use crate::statement::{Access, Answer, Statement};
use crate::value::Value;
use crate::{Error, ErrorKind};

/// Fewer go one by one.
const FEW: usize = 3;

/// How many times those of a shape go one by one, after it was in vain to send them together.
const PENALTY: usize = 16;

/// Rows whose texts take more go one by one: there is little to gain, and a message of many of them may become longer than
/// the server takes, which is 1 GiB ("Message Formats" counts it in four bytes; `PQ_LARGE_MESSAGE_LIMIT`).
const BYTES: usize = 8 * 1024;

/// The name of the new values, and what the names of their columns begin with.
const NEW: &str = "crocus_new";
const COLUMN: &str = "crocus_";

/// What is known of a shape of statements that write one row.
#[derive(Debug, Default)]
pub(super) struct Many {
    text: OnceLock<Option<Text>>,
    debt: AtomicUsize,
}

/// The statement for many rows.
#[derive(Debug, PartialEq)]
struct Text {
    sql: Arc<str>,
    told: Told,
}

/// How it is told which rows were written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Told {
    /// All of them, in their order, or none. The server inserts rows one after the other as they stand in the arrays, and
    /// gives each back when it has done so.
    InOrder,
    /// By their numbers, counted from 1, which stand behind the columns that the statement is asked for, if it is.
    ByNumber { has_columns: bool },
}

impl Many {
    /// The statement for all of these, each of which has parameters of such types. None where each goes by itself.
    pub(super) fn statement(
        &self,
        each: &[&Statement],
        types: impl FnOnce() -> Option<Vec<Type>>,
    ) -> Option<Statement> {
        let [first, ..] = each else { return None };
        if each.len() < FEW || !each.iter().all(|one| is_small(one)) {
            return None;
        }
        let text = match self.text.get() {
            Some(text) => text,
            // Where the types are not known yet, they are later.
            None => {
                let types = types()?;
                self.text.get_or_init(|| Text::new(&first.sql, &types))
            }
        };
        let text = text.as_ref()?;
        if self.debt.load(Relaxed) > 0 {
            self.debt.fetch_sub(1, Relaxed);
            return None;
        }
        let array = |place| {
            let items = each.iter().filter_map(|one: &&Statement| one.values.get(place).cloned()).collect();
            // It is bound by what the server says of its type.
            Value::Array(ArrayType::String, Some(Box::new(items)))
        };
        Some(Statement::of(Access::Write, text.sql.clone(), (0..first.values.len()).map(array).collect()))
    }

    /// The outcome of each of so many. None for those that were not written, and may be asked by themselves.
    pub(super) fn outcomes(&self, answer: Answer, rows: usize) -> Vec<Outcome> {
        let told = self.text.get().and_then(Option::as_ref).map(|text| text.told);
        let outcomes = told.and_then(|told| told.outcomes(answer, rows)).unwrap_or_else(|| {
            let text = "the rows were written, and the server did not tell which of them is whose";
            (0..rows).map(|_| Some(Err(Error::new(ErrorKind::OutcomeUnknown, text)))).collect()
        });
        // Many who want the same row are faster one by one; and it may be a table of another kind.
        if outcomes.iter().filter(|outcome| outcome.is_none()).count() > rows / 4 {
            self.was_in_vain();
        }
        outcomes
    }

    pub(super) fn was_in_vain(&self) {
        self.debt.store(PENALTY, Relaxed);
    }
}

/// How long JSON becomes is not known yet.
fn is_small(statement: &Statement) -> bool {
    let bytes = statement.values.iter().map(|value| match value {
        Value::String(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        Value::Json(Some(_)) => BYTES,
        _ => 0,
    });
    bytes.sum::<usize>() < BYTES
}

impl Told {
    fn outcomes(self, answer: Answer, rows: usize) -> Option<Vec<Outcome>> {
        let one = |row: Option<Row>| Answer { rows: row.into_iter().collect(), written: 1, ..Answer::default() };
        let mut outcomes: Vec<Outcome> = (0..rows).map(|_| None).collect();
        match self {
            Told::InOrder if answer.written == 0 => {}
            Told::InOrder => {
                let has_rows = !answer.rows.is_empty();
                if answer.written != rows as u64 || (has_rows && answer.rows.len() != rows) {
                    return None;
                }
                let mut given = answer.rows.into_iter();
                outcomes.fill_with(|| Some(Ok(one(given.next()))));
            }
            Told::ByNumber { has_columns } => {
                let last = answer.rows.first().map_or(0, |row| row.len() - 1);
                for row in answer.rows {
                    let number: i64 = row.get(last).ok()?;
                    let place = usize::try_from(number).ok()?.checked_sub(1)?;
                    *outcomes.get_mut(place)? = Some(Ok(one(has_columns.then_some(row))));
                }
            }
        }
        Some(outcomes)
    }
}

impl Text {
    /// What does the same as a statement for one row. None where that is not one of those that this library builds, or it
    /// cannot be done.
    fn new(sql: &str, types: &[Type]) -> Option<Text> {
        if types.is_empty() || types.iter().any(|ty| matches!(ty.kind(), Kind::Array(_))) {
            return None;
        }
        let shape = shape(sql)?;
        let (head, returning) = match shape.find(" RETURNING ") {
            Some(at) => sql.split_at(at),
            None => (sql, ""),
        };
        let (shape, told) = (&shape[..head.len()], Told::ByNumber { has_columns: !returning.is_empty() });
        let between = |before: &str, after: &str| Some(head[before.len()..shape.find(after)?].to_owned());
        let (sql, told) = if shape.starts_with("INSERT INTO ") {
            let new = rows(&between("INSERT INTO ", " (")?, types, "");
            let (into, values) = head.split_at(shape.find(" VALUES (")?);
            let values = values.strip_prefix(" VALUES (")?.strip_suffix(')')?;
            // One row of values, and nothing after them.
            if shape[into.len()..].matches(')').count() > 1 || values.contains("DEFAULT") {
                return None;
            }
            (format!("{into} SELECT {} FROM {new}{returning}", with_columns(values)), Told::InOrder)
        } else {
            let (table, from) = match shape {
                _ if shape.starts_with("UPDATE ") => (between("UPDATE ", " SET ")?, "FROM"),
                _ if shape.starts_with("DELETE FROM ") => (between("DELETE FROM ", " WHERE ")?, "USING"),
                _ => return None,
            };
            let new = rows(&table, types, " WITH ORDINALITY");
            let (set, condition) = head.split_at(shape.find(" WHERE ")?);
            let (set, condition) = (with_columns(set), with_columns(condition));
            let returning = if returning.is_empty() { " RETURNING ".to_owned() } else { format!("{returning}, ") };
            (format!("{set} {from} {new}{condition}{returning}{NEW}.{COLUMN}number"), told)
        };
        Some(Text { sql: sql.into(), told })
    }
}

/// The new values as a table, which has no rows where the table that they are for is not an ordinary one.
fn rows(table: &str, types: &[Type], with: &str) -> String {
    let columns = |name: &dyn Fn(usize, &Type) -> String| {
        let names: Vec<_> = types.iter().enumerate().map(|(index, ty)| name(index + 1, ty)).collect();
        names.join(", ")
    };
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let arrays = columns(&|number, ty| format!("${number}::{}.{}[]", quoted(ty.schema()), quoted(ty.name())));
    let names = columns(&|number, _| format!("{COLUMN}{number}"));
    let number = if with.is_empty() { String::new() } else { format!(", {COLUMN}number") };
    format!(
        "(SELECT * FROM UNNEST({arrays}){with} WHERE (SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = \
         '{}'::pg_catalog.regclass AND c.relkind = 'r' AND NOT c.relhasrules AND NOT c.relhassubclass AND NOT EXISTS (SELECT \
         FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)))) AS {NEW} ({names}{number})",
        table.replace('\'', "''")
    )
}

/// The statement as it looks from afar: what is in quotes or brackets is dotted out. None where it has a text in it, which
/// none has that this library builds of columns and values.
fn shape(sql: &str) -> Option<String> {
    let (mut is_quoted, mut depth) = (false, 0_usize);
    let mut shape = String::with_capacity(sql.len());
    for byte in sql.bytes() {
        let inside = is_quoted || depth > 0;
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\'' if !is_quoted => return None,
            b'(' if !is_quoted => depth += 1,
            b')' if !is_quoted => depth = depth.checked_sub(1)?,
            _ => {}
        }
        let inside = inside && (is_quoted || depth > 0);
        shape.push(if inside || !byte.is_ascii() { '.' } else { char::from(byte) });
    }
    (!is_quoted && depth == 0).then_some(shape)
}

/// A part of the statement, with columns of the new values in the place of its parameters.
fn with_columns(sql: &str) -> String {
    let mut is_quoted = false;
    let mut text = String::with_capacity(2 * sql.len());
    for (at, character) in sql.char_indices() {
        is_quoted ^= character == '"';
        let is_parameter =
            !is_quoted && sql[at + character.len_utf8()..].starts_with(|next: char| next.is_ascii_digit());
        match character {
            '$' if is_parameter => text.extend([NEW, ".", COLUMN]),
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_for_one_row_becomes_one_for_many() {
        let rows = |table: &str, arrays: &str, with: &str, names: &str| {
            format!(
                "(SELECT * FROM UNNEST({arrays}){with} WHERE (SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE \
                 c.oid = '{table}'::pg_catalog.regclass AND c.relkind = 'r' AND NOT c.relhasrules AND NOT \
                 c.relhassubclass AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid AND NOT \
                 t.tgisinternal)))) AS crocus_new ({names})"
            )
        };
        let arrays = r#"$1::"pg_catalog"."int4"[], $2::"pg_catalog"."text"[]"#;
        let inserted = rows(r#""cars""#, arrays, "", "crocus_1, crocus_2");
        let names = "crocus_1, crocus_2, crocus_number";
        let numbered = rows(r#""s"."o''clock $1""#, arrays, " WITH ORDINALITY", names);
        let cases = [
            (
                r#"INSERT INTO "cars" ("a $1", "b)") VALUES ($1, CAST($2 AS "mood")) RETURNING "id""#,
                format!(
                    r#"INSERT INTO "cars" ("a $1", "b)") SELECT crocus_new.crocus_1, CAST(crocus_new.crocus_2 AS "mood") FROM {inserted} RETURNING "id""#
                ),
                Told::InOrder,
            ),
            (
                r#"INSERT INTO "cars" ("a", "b") VALUES ($1, $2)"#,
                format!(
                    r#"INSERT INTO "cars" ("a", "b") SELECT crocus_new.crocus_1, crocus_new.crocus_2 FROM {inserted}"#
                ),
                Told::InOrder,
            ),
            (
                r#"UPDATE "s"."o'clock $1" SET "a" = $1, "é WHERE " = (SELECT 1 WHERE $2 > 0) WHERE "id" = $2 RETURNING "id""#,
                format!(
                    r#"UPDATE "s"."o'clock $1" SET "a" = crocus_new.crocus_1, "é WHERE " = (SELECT 1 WHERE crocus_new.crocus_2 > 0) FROM {numbered} WHERE "id" = crocus_new.crocus_2 RETURNING "id", crocus_new.crocus_number"#
                ),
                Told::ByNumber { has_columns: true },
            ),
            (
                r#"DELETE FROM "s"."o'clock $1" WHERE "id" = $1 AND "b" = $2"#,
                format!(
                    r#"DELETE FROM "s"."o'clock $1" USING {numbered} WHERE "id" = crocus_new.crocus_1 AND "b" = crocus_new.crocus_2 RETURNING crocus_new.crocus_number"#
                ),
                Told::ByNumber { has_columns: false },
            ),
        ];
        for (one, many, told) in cases {
            let text = Text::new(one, &[Type::INT4, Type::TEXT]);
            assert_eq!(text, Some(Text { sql: many.into(), told }), "{one}");
        }
    }

    #[test]
    fn long_rows_go_one_by_one() {
        let small = |value: Value| is_small(&Statement::write("", [Value::from(1), value]));
        assert!(small("x".repeat(1_000).into()) && small(None::<String>.into()));
        assert!(
            !small("x".repeat(BYTES).into())
                && !small(vec![0_u8; BYTES].into())
                && !small(serde_json::json!([]).into())
        );
    }

    #[test]
    fn what_cannot_be_one_statement_is_none() {
        for sql in [
            r#"INSERT INTO "cars" ("a") VALUES ($1), ($2)"#,
            r#"INSERT INTO "cars" ("a") VALUES ($1) ON CONFLICT DO NOTHING"#,
            r#"INSERT INTO "cars" ("a") VALUES ($1) ON CONFLICT ("a") DO NOTHING RETURNING "a""#,
            r#"INSERT INTO "cars" ("a", "b") VALUES ($1, DEFAULT)"#,
            r#"INSERT INTO "cars" ("a", "b") VALUES ($1, 'x')"#,
            r#"INSERT INTO "cars" DEFAULT VALUES"#,
            r#"UPDATE "cars" SET "a" = $1"#,
            r#"WITH "x" AS (SELECT $1) UPDATE "cars" SET "a" = 1 WHERE "id" = $1"#,
            r#"SELECT $1"#,
        ] {
            assert_eq!(Text::new(sql, &[Type::INT4]), None, "{sql}");
        }
        let sql = r#"INSERT INTO "cars" ("a") VALUES ($1)"#;
        assert_eq!(Text::new(sql, &[]), None);
        assert_eq!(Text::new(sql, &[Type::INT4_ARRAY]), None);
    }
}
