//! The version table: one row for each revision that is applied, or begun and not finished.

use std::time::Duration;

use crocus_orm::{Connection, Dialect, Engine, Row, Statement};

use crate::revision::{Changed, Graph, Migration, Migrations, Places, Split, and, taken_together};
use crate::{Error, ErrorKind, Result};

/// The table's name.
pub(crate) const TABLE: &str = "crocus_migrations";

const CREATE: &str = "CREATE TABLE crocus_migrations (
    revision text NOT NULL PRIMARY KEY,
    message text NOT NULL,
    applied_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    applied_by text,
    duration_ms bigint,
    checksum text,
    progress text
)";

/// SQLite's name for the same type: "timestamp with time zone" is no word of its grammar's.
const CREATE_SQLITE: &str = "CREATE TABLE crocus_migrations (
    revision TEXT NOT NULL PRIMARY KEY,
    message TEXT NOT NULL,
    applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    applied_by TEXT,
    duration_ms BIGINT,
    checksum TEXT,
    progress TEXT
)";

/// What the table's first form lacked. It had `revision`, `message` and `applied_at`.
const ADD_COLUMNS: &str = "ALTER TABLE crocus_migrations ADD COLUMN applied_by text;
ALTER TABLE crocus_migrations ADD COLUMN duration_ms bigint;
ALTER TABLE crocus_migrations ADD COLUMN checksum text;
ALTER TABLE crocus_migrations ADD COLUMN progress text";

/// The table's columns, where it is there. In the schema that it would be made in: one further along the search path is
/// another program's.
const COLUMNS: &str =
    "SELECT a.attname::text FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
WHERE c.relname = 'crocus_migrations' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relnamespace = to_regnamespace(quote_ident(current_schema()))";

const COLUMNS_SQLITE: &str = "SELECT name FROM pragma_table_info('crocus_migrations')";

const TIME: &str = "to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
const TIME_SQLITE: &str = "strftime('%Y-%m-%dT%H:%M:%SZ', applied_at)";

const RECORD: &str = "INSERT INTO crocus_migrations (revision, message, applied_by, duration_ms, checksum, progress)
    VALUES ($1, $2, $3, $4, $5, NULL)
    ON CONFLICT (revision) DO UPDATE SET message = excluded.message, applied_at = CURRENT_TIMESTAMP,
        applied_by = excluded.applied_by, duration_ms = excluded.duration_ms, checksum = excluded.checksum,
        progress = NULL";

const SET_PROGRESS: &str =
    "INSERT INTO crocus_migrations (revision, message, applied_by, progress) VALUES ($1, $2, $3, $4)
    ON CONFLICT (revision) DO UPDATE SET progress = excluded.progress";

const REMOVE: &str = "DELETE FROM crocus_migrations WHERE revision = $1";

/// One row of the version table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The revision.
    pub revision: String,
    /// What its message was.
    pub message: String,
    /// When it was applied: `2026-11-22T14:03:11Z`.
    pub applied_at: String,
    /// Which program applied it, with its version: `cars 1.2.0`. `None` where nobody said.
    pub applied_by: Option<String>,
    /// How long it took, in milliseconds; `None` where it was not run, but recorded by a stamp.
    pub duration_ms: Option<i64>,
    /// What its operations were; `None` where a version of Crocus applied it that did not record them.
    pub checksum: Option<String>,
    /// `None`: it is applied. Otherwise it was begun and has not come to its end: `up:2.1` or `down:1.0`, the direction
    /// and how many operations and parts of the next one are done.
    pub progress: Option<String>,
}

/// Which of a program's revisions a database has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    records: Vec<Record>,
    unknown: Vec<Record>,
    pub(crate) places: Places,
    pub(crate) split: Split,
}

impl Applied {
    /// Whether a revision is applied.
    pub fn contains(&self, revision: &str) -> bool {
        self.record(revision).is_some_and(Record::is_applied)
    }

    /// The row of a revision, also of one that was begun and is not finished.
    pub fn record(&self, revision: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.revision == revision)
    }

    /// The rows of the version table that are of the program's revisions, in the order of the history.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The rows of revisions that the program does not have, the last one applied first. Only [`listed`] gives any.
    pub fn unknown(&self) -> &[Record] {
        &self.unknown
    }

    /// Whether no revision is applied.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The applied revisions whose operations are not what they were, and which way.
    pub fn changed<'a>(&self, graph: &'a Graph) -> Vec<(&'a Migration, Changed)> {
        let compared = self.records.iter().filter(|record| record.is_applied()).filter_map(|record| {
            let migration = graph.get(&record.revision)?;
            Some((migration, migration.changed_since(record.checksum.as_ref()?)))
        });
        compared.filter(|(_, changed)| changed.upgrade || changed.downgrade).collect()
    }

    /// Checks that the operations that led here are those of the program. A `downgrade` that was mended since is no fault:
    /// only its last form will ever run.
    ///
    /// # Errors
    /// When the `upgrade` of an applied revision was edited.
    pub fn check(&self, graph: &Graph) -> Result<()> {
        let edited: Vec<_> = self.changed(graph).into_iter().filter(|(_, changed)| changed.upgrade).collect();
        let Some((first, _)) = edited.first() else { return Ok(()) };
        let names: Vec<_> = edited
            .iter()
            .map(|(migration, _)| format!("{} ({}, `{}`)", migration.revision, migration.title(), migration.file))
            .collect();
        let text = match edited.len() {
            1 => format!("the migration {} was edited after it was applied", names[0]),
            _ => format!("the migrations {} were edited after they were applied", and(&names)),
        };
        Err(Error::new(ErrorKind::History, text).with_hint(format!(
            "put `{}` back as it was and write the change as a new migration; or, if the database is as the file says, \
             accept the change: `db repair` says how",
            first.file
        )))
    }

    /// The revisions recorded, where the program knows them all.
    pub(crate) fn of(migrations: &Migrations, records: Vec<Record>) -> Result<Applied> {
        Applied::listed(migrations, records)?.known()
    }

    /// The revisions recorded, those that the program knows and the others.
    fn listed(migrations: &Migrations, records: Vec<Record>) -> Result<Applied> {
        let split = migrations.split(&records)?;
        Applied::listed_on(migrations, records, split)
    }

    /// The same, for a database that was known to be in the middle of these squashed revisions, and may have come to
    /// their ends.
    fn listed_on(migrations: &Migrations, records: Vec<Record>, split: Split) -> Result<Applied> {
        let graph = migrations.graph_split(&split)?;
        let (mut records, mut unknown): (Vec<_>, Vec<_>) =
            taken_together(graph, records).into_iter().partition(|record| graph.get(&record.revision).is_some());
        unknown.sort_by(|one, other| (&other.applied_at, &other.revision).cmp(&(&one.applied_at, &one.revision)));
        records.sort_by_key(|record| graph.position(&record.revision));
        let applied = records.iter().filter(|record| record.is_applied());
        let places: Places = applied.filter_map(|record| graph.position(&record.revision)).collect();
        let gap = places.iter().flat_map(|at| graph.before(*at)).find(|before| !places.contains(before));
        // What is not known may stand there.
        if let Some(gap) = gap.map(|at| &graph.ordered()[at]).filter(|_| unknown.is_empty()) {
            let text =
                format!("the database has later revisions than {} ({}), but not that one", gap.revision, gap.title());
            return Err(Error::new(ErrorKind::History, text).with_hint(
                "was it put before the others after they were applied? let it follow the head: change its third line",
            ));
        }
        Ok(Applied { records, unknown, places, split })
    }

    /// Fails where the program does not know them all.
    fn known(self) -> Result<Applied> {
        // The first one of the history, which is what the others follow.
        let Some(unknown) = self.unknown.iter().min_by_key(|record| (&record.applied_at, &record.revision)) else {
            return Ok(self);
        };
        let text = format!(
            "the database is at revision {} ({}), which this program does not have",
            unknown.revision,
            unknown.message.lines().next().unwrap_or_default()
        );
        let hint = "is the program older than the database, or was a migration file deleted? run the program that has it; \
                    or, if it is gone for good, `db repair` says how to forget it";
        Err(Error::new(ErrorKind::History, text).with_hint(hint))
    }
}

impl Record {
    /// Whether the revision is applied as a whole: nothing of it is missing, or it is not undone as a whole.
    pub fn is_applied(&self) -> bool {
        self.progress.as_ref().is_none_or(|progress| progress.starts_with("down"))
    }
}

/// Which of the program's revisions the database has.
///
/// # Errors
/// When the database does not answer, or has revisions that the program does not.
pub async fn applied(engine: &Engine, migrations: &Migrations) -> Result<Applied> {
    Applied::of(migrations, recorded(engine).await?)
}

/// Which of the program's revisions the database has, and which others: for what only tells.
///
/// # Errors
/// When the database does not answer.
pub async fn listed(engine: &Engine, migrations: &Migrations) -> Result<Applied> {
    Applied::listed(migrations, recorded(engine).await?)
}

/// The version table's rows, whether the program knows the revisions or not.
///
/// # Errors
/// When the database does not answer.
pub async fn recorded(engine: &Engine) -> Result<Vec<Record>> {
    let columns = columns(&engine.query(columns_statement(engine.dialect())).await?)?;
    match select(engine.dialect(), &columns) {
        Some(select) => records(&engine.query(select).await?),
        None => Ok(Vec::new()),
    }
}

pub(crate) async fn applied_on(connection: &Connection, migrations: &Migrations) -> Result<Applied> {
    Applied::of(migrations, recorded_on(connection).await?)
}

/// [`applied_on`], while migrations run: the history stays the one that it was when they began.
pub(crate) async fn applied_since(connection: &Connection, migrations: &Migrations, split: &Split) -> Result<Applied> {
    Applied::listed_on(migrations, recorded_on(connection).await?, split.clone())?.known()
}

/// Records the squashed revisions that stand for what is applied, in place of that, and gives them.
pub(crate) async fn take_together<'a>(
    connection: &Connection,
    migrations: &'a Migrations,
    applied_by: &str,
) -> Result<Vec<&'a Migration>> {
    let records = recorded_on(connection).await?;
    let covered = migrations.covered(&records);
    if !covered.is_empty() {
        prepare(connection).await?;
    }
    for migration in &covered {
        record(connection, migration, applied_by, None).await?;
        for revision in migration.replaces {
            remove(connection, revision).await?;
        }
    }
    Ok(covered)
}

pub(crate) async fn recorded_on(connection: &Connection) -> Result<Vec<Record>> {
    let columns = columns(&connection.query(columns_statement(connection.dialect())).await?)?;
    match select(connection.dialect(), &columns) {
        Some(select) => records(&connection.query(select).await?),
        None => Ok(Vec::new()),
    }
}

/// Makes the table where it is not there, and completes one of the first form. A user who may not make tables can still
/// find that nothing is to be done.
pub(crate) async fn prepare(connection: &Connection) -> Result<()> {
    let columns = columns(&connection.query(columns_statement(connection.dialect())).await?)?;
    let change = match connection.dialect() {
        _ if is_complete(&columns) => return Ok(()),
        _ if !columns.is_empty() => ADD_COLUMNS,
        Dialect::Postgres => CREATE,
        _ => CREATE_SQLITE,
    };
    Ok(connection.batch(change).await?)
}

/// Records a revision as applied, in the transaction that has applied its last operation.
///
/// `duration` is how long it took; `None` where it was not run, but stamped.
pub(crate) async fn record(
    connection: &Connection,
    migration: &Migration,
    applied_by: &str,
    duration: Option<Duration>,
) -> Result<()> {
    let milliseconds = duration.map(|duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX));
    let values = [
        migration.revision.into(),
        migration.message.into(),
        said(applied_by).into(),
        milliseconds.into(),
        migration.checksum().into(),
    ];
    connection.execute(Statement::write(RECORD, values)).await?;
    Ok(())
}

/// Records the operations that an applied revision has now.
pub(crate) async fn accept(connection: &Connection, migration: &Migration) -> Result<()> {
    let sql = "UPDATE crocus_migrations SET checksum = $1 WHERE revision = $2";
    connection.execute(Statement::write(sql, [migration.checksum().into(), migration.revision.into()])).await?;
    Ok(())
}

/// Records how far a revision is that takes several transactions: `up:2.1`, `down:1.0`; `None`: it is applied again.
/// [`record`] or [`remove`] ends it.
pub(crate) async fn set_progress(
    connection: &Connection,
    migration: &Migration,
    applied_by: &str,
    progress: Option<&str>,
) -> crocus_orm::Result<()> {
    let values = [
        migration.revision.into(),
        migration.message.into(),
        said(applied_by).into(),
        progress.map(str::to_owned).into(),
    ];
    connection.execute(Statement::write(SET_PROGRESS, values)).await?;
    Ok(())
}

/// Takes a revision's row away.
pub(crate) async fn remove(connection: &Connection, revision: &str) -> Result<()> {
    connection.execute(Statement::write(REMOVE, [revision.to_owned().into()])).await?;
    Ok(())
}

/// Takes the row of a revision away that is undone, and those of what it replaces: a script that was stopped has left
/// them.
pub(crate) async fn undone(connection: &Connection, migration: &Migration) -> Result<()> {
    for revision in std::iter::once(&migration.revision).chain(migration.replaces) {
        remove(connection, revision).await?;
    }
    Ok(())
}

/// What makes the table where it is not there, for a script.
pub(crate) fn prepare_sql(dialect: Dialect) -> String {
    let create = if dialect == Dialect::Postgres { CREATE } else { CREATE_SQLITE };
    create.replacen("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)
}

/// [`record`], for a script.
pub(crate) fn record_sql(migration: &Migration, applied_by: &str) -> String {
    let (by, checksum) = (said(applied_by), migration.checksum());
    with_literals(RECORD, &[Some(migration.revision), Some(migration.message), by.as_deref(), None, Some(&checksum)])
}

/// [`set_progress`], for a script.
pub(crate) fn progress_sql(migration: &Migration, applied_by: &str, progress: &str) -> String {
    let by = said(applied_by);
    with_literals(SET_PROGRESS, &[Some(migration.revision), Some(migration.message), by.as_deref(), Some(progress)])
}

/// [`undone`], for a script.
pub(crate) fn undone_sql(migration: &Migration) -> String {
    let names: Vec<_> =
        std::iter::once(&migration.revision).chain(migration.replaces).map(|&name| Some(name)).collect();
    let marks: Vec<_> = (1..=names.len()).map(|number| format!("${number}")).collect();
    match names.len() {
        1 => with_literals(REMOVE, &names),
        _ => with_literals(&REMOVE.replace("= $1", &format!("IN ({})", marks.join(", "))), &names),
    }
}

/// SQL with its values written into it. A value may look like the mark of another one.
fn with_literals(sql: &str, values: &[Option<&str>]) -> String {
    let mut parts = sql.split('$');
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let value = part[..digits].parse::<usize>().ok().and_then(|number| *values.get(number - 1)?);
        match value {
            Some(value) => written.push_str(&format!("'{}'", value.replace('\'', "''"))),
            None => written.push_str("NULL"),
        }
        written.push_str(&part[digits..]);
    }
    written
}

fn said(applied_by: &str) -> Option<String> {
    (!applied_by.is_empty()).then(|| applied_by.to_owned())
}

fn columns_statement(dialect: Dialect) -> Statement {
    Statement::read(if dialect == Dialect::Postgres { COLUMNS } else { COLUMNS_SQLITE }, [])
}

fn columns(rows: &[Row]) -> Result<Vec<String>> {
    Ok(rows.iter().map(|row| row.get(0)).collect::<crocus_orm::Result<_>>()?)
}

fn is_complete(columns: &[String]) -> bool {
    columns.iter().any(|column| column == "progress")
}

/// What reads the table; `None` where it is not there.
fn select(dialect: Dialect, columns: &[String]) -> Option<Statement> {
    let time = if dialect == Dialect::Postgres { TIME } else { TIME_SQLITE };
    let later = match is_complete(columns) {
        true => "applied_by, duration_ms, checksum, progress",
        false if dialect == Dialect::Postgres => "NULL::text, NULL::bigint, NULL::text, NULL::text",
        false => "NULL, NULL, NULL, NULL",
    };
    let sql = format!("SELECT revision, message, {time}, {later} FROM crocus_migrations ORDER BY revision");
    (!columns.is_empty()).then(|| Statement::read(sql, []))
}

fn records(rows: &[Row]) -> Result<Vec<Record>> {
    let record = |row: &Row| {
        Ok(Record {
            revision: row.get(0)?,
            message: row.get(1)?,
            applied_at: row.get(2)?,
            applied_by: row.get(3)?,
            duration_ms: row.get(4)?,
            checksum: row.get(5)?,
            progress: row.get(6)?,
        })
    };
    Ok(rows.iter().map(record).collect::<crocus_orm::Result<_>>()?)
}
