//! The version table: one row for each revision that is applied.

use crocus_orm::{Connection, Dialect, Engine, Statement};

use crate::revision::{Migration, Migrations};
use crate::{Error, ErrorKind, Result};

const CREATE: &str = "CREATE TABLE crocus_migrations (
    revision text NOT NULL PRIMARY KEY,
    message text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP
)";

/// SQLite's name for the same type: "timestamp with time zone" is no word of its grammar's.
const CREATE_SQLITE: &str = "CREATE TABLE crocus_migrations (
    revision TEXT NOT NULL PRIMARY KEY,
    message TEXT NOT NULL,
    applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
)";

/// How far a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// How many revisions are applied, from the base.
    pub applied: usize,
    /// How many the program has.
    pub total: usize,
}

impl Applied {
    /// How many revisions are yet to be applied.
    pub fn pending(self) -> usize {
        self.total - self.applied
    }
}

/// How far the database is.
///
/// # Errors
/// When the database does not answer, or has revisions that the program does not.
pub async fn applied(engine: &Engine, migrations: &Migrations) -> Result<Applied> {
    let exists = engine.query(exists(engine.dialect())).await?;
    let recorded = if exists.is_empty() { Vec::new() } else { engine.query(recorded()).await? };
    count(migrations, &texts(&recorded)?)
}

pub(crate) async fn applied_on(connection: &Connection, migrations: &Migrations) -> Result<Applied> {
    let exists = connection.query(exists(connection.dialect())).await?;
    let recorded = if exists.is_empty() { Vec::new() } else { connection.query(recorded()).await? };
    count(migrations, &texts(&recorded)?)
}

/// Makes the table where it is not there. A user who may not make tables can still find that nothing is to be done.
pub(crate) async fn create(connection: &Connection) -> Result<()> {
    if !connection.query(exists(connection.dialect())).await?.is_empty() {
        return Ok(());
    }
    let create = match connection.dialect() {
        Dialect::Postgres => CREATE,
        _ => CREATE_SQLITE,
    };
    Ok(connection.batch(create).await?)
}

pub(crate) async fn record(connection: &Connection, migration: &Migration) -> Result<()> {
    let sql = "INSERT INTO crocus_migrations (revision, message) VALUES ($1, $2)";
    connection.execute(Statement::write(sql, [migration.revision.into(), migration.message.into()])).await?;
    Ok(())
}

pub(crate) async fn remove(connection: &Connection, migration: &Migration) -> Result<()> {
    let sql = "DELETE FROM crocus_migrations WHERE revision = $1";
    connection.execute(Statement::write(sql, [migration.revision.into()])).await?;
    Ok(())
}

fn exists(dialect: Dialect) -> Statement {
    let sql = match dialect {
        // In the schema that it would be made in: one further along the search path is another program's.
        Dialect::Postgres => {
            "SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'crocus_migrations' AND relkind = 'r'
               AND relnamespace = to_regnamespace(quote_ident(current_schema()))"
        }
        _ => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'crocus_migrations'",
    };
    Statement::read(sql, [])
}

fn recorded() -> Statement {
    Statement::read("SELECT revision FROM crocus_migrations", [])
}

fn texts(rows: &[crocus_orm::Row]) -> Result<Vec<String>> {
    Ok(rows.iter().map(|row| row.get(0)).collect::<crocus_orm::Result<_>>()?)
}

/// The revisions recorded are the first ones of the program's, or something is wrong.
fn count(migrations: &Migrations, recorded: &[String]) -> Result<Applied> {
    let ordered = migrations.ordered()?;
    if let Some(unknown) =
        recorded.iter().find(|revision| !ordered.iter().any(|migration| migration.revision == *revision))
    {
        let text = format!("the database is at revision {unknown}, which this program does not have");
        let hint =
            "is the program older than the database, or was a migration file deleted? run the program that has it";
        return Err(Error::new(ErrorKind::History, text).with_hint(hint));
    }
    let applied = recorded.len();
    if let Some(gap) = ordered.iter().take(applied).find(|migration| !recorded.contains(&migration.revision.to_owned()))
    {
        let text =
            format!("the database has later revisions than {} ({}), but not that one", gap.revision, gap.message);
        return Err(Error::new(ErrorKind::History, text).with_hint(
            "was it put before the others after they were applied? let it follow the head: change its third line",
        ));
    }
    Ok(Applied { applied, total: ordered.len() })
}
