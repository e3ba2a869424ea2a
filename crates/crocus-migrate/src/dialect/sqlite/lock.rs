//! One migration at a time: each revision's transaction takes the database's one right to write.

use std::collections::BTreeMap;

use crocus_orm::{Connection, Dialect, Error, ErrorKind, Statement};

type Result<T, E = Error> = std::result::Result<T, E>;

type Keys = BTreeMap<(String, String), i64>;

/// What does not hold in a database, and SQLite does not say of itself.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Rows whose foreign key leads nowhere: their number by the names of the table and of the one referred to. Where a
    /// foreign key refers to columns that are no key, nothing can be counted: why not.
    keys: Result<Keys, String>,
    /// Views that cannot be read, and why.
    views: BTreeMap<String, String>,
    /// What cannot be done to a table or a view because of its triggers, and why.
    triggers: BTreeMap<String, String>,
}

/// Settings for a connection that migrates: a table can be dropped and made again while others refer to it ("ALTER
/// TABLE", 8, step 1). The setting has no effect inside a transaction.
pub(crate) async fn prepare(connection: &Connection) -> Result<()> {
    connection.batch("PRAGMA foreign_keys = OFF").await
}

/// There is nothing to take before a transaction is begun.
pub(crate) async fn try_lock(_: &Connection) -> Result<bool> {
    Ok(true)
}

/// Starts a revision's transaction.
pub(crate) async fn begin(connection: &Connection) -> Result<()> {
    connection.batch("BEGIN IMMEDIATE").await
}

/// Foreign keys, views and triggers are not checked while a revision runs: what it broke is found at its end. What was
/// broken before is not its fault.
pub(crate) async fn settle(connection: &Connection, before: &Broken) -> Result<()> {
    let after = broken(connection).await?;
    if let Some((view, why)) = after.views.iter().find(|(view, _)| !before.views.contains_key(*view)) {
        let text = format!("the view `{view}` does not work any more: {why}");
        return Err(
            Error::new(ErrorKind::MissingTable, text).with_hint("drop it in a step before, and make it anew after")
        );
    }
    if let Some((what, why)) = after.triggers.iter().find(|(what, _)| !before.triggers.contains_key(*what)) {
        let text = format!("{what} does not work any more: {why}");
        return Err(Error::new(ErrorKind::MissingTable, text)
            .with_hint("a trigger needs what is gone: drop it in a step before, and make it anew after"));
    }
    let text = match (&before.keys, &after.keys) {
        (Err(_), _) => return Ok(()),
        (Ok(_), Err(why)) => why.clone(),
        (Ok(before), Ok(after)) => match after.iter().find(|(key, number)| before.get(key).unwrap_or(&0) < number) {
            None => return Ok(()),
            Some(((table, parent), number)) => {
                format!("{number} rows of `{table}` refer to rows that `{parent}` does not have")
            }
        },
    };
    Err(Error::new(ErrorKind::ForeignKeyViolation, text))
}

/// What is broken now.
pub(crate) async fn broken(connection: &Connection) -> Result<Broken> {
    let sql = "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY \"table\", parent";
    let keys = match connection.query(Statement::read(sql, [])).await {
        Err(why) => Err(why.to_string()),
        Ok(rows) => {
            Ok(rows.iter().map(|row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?))).collect::<Result<Keys>>()?)
        }
    };
    let mut views = BTreeMap::new();
    let sql = "SELECT name FROM sqlite_master WHERE type = 'view'";
    for row in connection.query(Statement::read(sql, [])).await? {
        let view: String = row.get(0)?;
        let sql = format!("SELECT 1 FROM {} LIMIT 0", Dialect::Sqlite.quote(&view));
        if let Err(error) = connection.query(Statement::read(sql, [])).await {
            views.insert(view, error.to_string());
        }
    }
    Ok(Broken { keys, views, triggers: broken_triggers(connection).await? })
}

/// SQLite looks at what a trigger says when something is done that fires it. To explain a statement is to prepare it.
async fn broken_triggers(connection: &Connection) -> Result<BTreeMap<String, String>> {
    let mut broken = BTreeMap::new();
    let sql =
        "SELECT DISTINCT m.tbl_name, (SELECT group_concat('\"' || replace(x.name, '\"', '\"\"') || '\" = NULL', ', ')
                                           FROM pragma_table_xinfo(m.tbl_name) x WHERE x.hidden = 0)
               FROM sqlite_master m WHERE m.type = 'trigger'";
    for row in connection.query(Statement::read(sql, [])).await? {
        let (table, assignments): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let name = Dialect::Sqlite.quote(&table);
        for (what, statement) in [
            ("inserting into", format!("EXPLAIN INSERT INTO {name} DEFAULT VALUES")),
            ("updating", format!("EXPLAIN UPDATE {name} SET {}", assignments.unwrap_or_default())),
            ("deleting from", format!("EXPLAIN DELETE FROM {name}")),
        ] {
            if let Err(error) = connection.query(Statement::read(statement, [])).await {
                broken.insert(format!("{what} `{table}`"), error.to_string());
            }
        }
    }
    Ok(broken)
}
