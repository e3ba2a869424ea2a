//! How far the import of a file has come. It stands in a table of the database, `crocus_imports`, and moves in the
//! transaction that writes the rows: no row is in twice, and none is left out.

use crocus_orm::{Connection, Dialect, Engine, ErrorKind, Result, Statement, Transaction};

use super::source::Mark;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS crocus_imports (
    source text NOT NULL,
    table_name text NOT NULL,
    position bigint NOT NULL,
    line bigint NOT NULL,
    digest text NOT NULL,
    imported bigint NOT NULL,
    rejected bigint NOT NULL,
    rejects_length bigint NOT NULL,
    finished boolean NOT NULL,
    PRIMARY KEY (source, table_name)
)";
const FIND: &str = "SELECT position, line, digest, imported, rejected, rejects_length, finished
FROM crocus_imports WHERE source = $1 AND table_name = $2";
const ADD: &str = "INSERT INTO crocus_imports
(source, table_name, position, line, digest, imported, rejected, rejects_length, finished)
VALUES ($1, $2, 0, 1, '', 0, 0, 0, FALSE) ON CONFLICT DO NOTHING";
const MOVE: &str = "UPDATE crocus_imports SET position = $1, line = $2, digest = $3, imported = $4, rejected = $5,
rejects_length = $6, finished = $7 WHERE source = $8 AND table_name = $9 AND position = $10 AND NOT finished";
const FORGET: &str = "DELETE FROM crocus_imports WHERE source = $1 AND table_name = $2";

/// False where another session imports the same. It ends with its session.
const LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended('crocus_imports ' || $1::text || ' ' || $2::text, 0))";

/// The record of one file's import into one table.
#[derive(Debug)]
pub(super) struct Record {
    source: String,
    table: String,
}

/// How far an import has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// The place before the first row that is not in.
    pub(super) mark: Mark,
    /// The digest of all before it.
    pub(super) digest: String,
    pub(super) imported: u64,
    pub(super) rejected: u64,
    /// How many bytes the file of rejected rows has.
    pub(super) rejects_length: u64,
    pub(super) finished: bool,
}

impl State {
    pub(super) fn new() -> State {
        let mark = Mark { position: 0, line: 1 };
        State { mark, digest: String::new(), imported: 0, rejected: 0, rejects_length: 0, finished: false }
    }
}

impl Record {
    pub(super) fn new(source: String, table: String) -> Record {
        Record { source, table }
    }

    fn key(&self) -> [crocus_orm::Value; 2] {
        [self.source.clone().into(), self.table.clone().into()]
    }

    /// Keeps other imports of the same away as long as the connection is held. `None`: there is one. On SQLite, where a
    /// file's own lock does that, it is any connection's worth.
    pub(super) async fn lock(&self, engine: &Engine) -> Result<Option<Option<Connection>>> {
        if engine.dialect() == Dialect::Sqlite {
            return Ok(Some(None));
        }
        let connection = engine.connection().await?;
        let rows = connection.query(Statement::read(LOCK, self.key())).await?;
        let is_ours = rows.first().map_or(Ok(false), |row| row.get(0))?;
        Ok(is_ours.then_some(Some(connection)))
    }

    /// What is known. The table is made where it is not there.
    pub(super) async fn find(&self, engine: &Engine) -> Result<Option<State>> {
        let find = || engine.query(Statement::write(FIND, self.key()));
        let rows = match find().await {
            // Asked first, since PostgreSQL wants the right to make tables also where there is nothing to make.
            Err(error) if error.kind() == ErrorKind::MissingTable => {
                match engine.execute(Statement::write(CREATE, [])).await {
                    // Another import made it at the same time: PostgreSQL tells by an entry in its catalogues.
                    Err(error) if error.kind() == ErrorKind::UniqueViolation => {}
                    made => drop(made?),
                }
                find().await?
            }
            rows => rows?,
        };
        let Some(row) = rows.first() else { return Ok(None) };
        let number = |index| row.get::<i64>(index).map(i64::unsigned_abs);
        Ok(Some(State {
            mark: Mark { position: number(0)?, line: number(1)? },
            digest: row.get(2)?,
            imported: number(3)?,
            rejected: number(4)?,
            rejects_length: number(5)?,
            finished: row.get(6)?,
        }))
    }

    /// Begins anew.
    pub(super) async fn begin(&self, engine: &Engine) -> Result<()> {
        let transaction = engine.begin().await?;
        transaction.execute(Statement::write(FORGET, self.key())).await?;
        transaction.execute(Statement::write(ADD, self.key())).await?;
        transaction.commit().await
    }

    /// Says in a transaction how far it comes with it. `false`: it is not where it was, since another import has moved it.
    pub(super) async fn advance(&self, transaction: &Transaction, from: &State, to: &State) -> Result<bool> {
        let [source, table] = self.key();
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).into();
        let values = [
            number(to.mark.position),
            number(to.mark.line),
            to.digest.clone().into(),
            number(to.imported),
            number(to.rejected),
            number(to.rejects_length),
            to.finished.into(),
            source,
            table,
            number(from.mark.position),
        ];
        Ok(transaction.execute(Statement::write(MOVE, values)).await? == 1)
    }

    /// Forgets it, in a transaction.
    pub(super) async fn forget(&self, transaction: &Transaction) -> Result<()> {
        transaction.execute(Statement::write(FORGET, self.key())).await.map(drop)
    }
}
