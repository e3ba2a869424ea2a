//! The databases of the programs: made, filled, put back, and asked what is in them. Each program has one of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crocus_testing::Cluster;

use crate::failure::{Failure, Result};

/// Cars in the table before anything is written.
pub const CARS: u32 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Postgres,
    Sqlite,
}

impl Database {
    pub const ALL: [Database; 2] = [Database::Postgres, Database::Sqlite];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Database::Postgres => "postgres",
            Database::Sqlite => "sqlite",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Database::Postgres => "PostgreSQL",
            Database::Sqlite => "SQLite",
        }
    }
}

/// Cars for the requests, and makers with their products for sessions.
const TABLES: [&str; 3] = [
    "CREATE TABLE cars (id KEY, name text NOT NULL, model text NOT NULL, doors integer NOT NULL)",
    "CREATE TABLE makers (id KEY, name text NOT NULL)",
    "CREATE TABLE products (id KEY, maker_id integer NOT NULL REFERENCES makers (id), name text NOT NULL,
       price integer NOT NULL)",
];
const INDEX: &str = "CREATE INDEX products_maker_id_idx ON products (maker_id)";

/// A thousand makers with ten products each.
const RELATED: [&str; 2] = [
    "INSERT INTO makers (id, name) WITH SERIES(1000) SELECT i, 'Maker ' || i FROM series",
    "INSERT INTO products (id, maker_id, name, price)
       WITH SERIES(10000) SELECT i, (i - 1) % 1000 + 1, 'Product ' || i, i FROM series",
];

/// PostgreSQL, for as long as the comparison runs.
pub struct Postgres {
    pub cluster: Cluster,
    /// Its process, whose children do the work.
    pub pid: u32,
}

impl Postgres {
    /// Starts it, with what is on disk when it says so, and a database that is the template of all others.
    pub fn start() -> Result<Rc<Postgres>> {
        let cluster = Cluster::builder().durable().setting("max_connections", "400").start();
        let cluster = cluster.map_err(Failure::because("failed to start PostgreSQL"))?;
        let pid = fs::read_to_string(cluster.folder().join("data/postmaster.pid"));
        let pid = pid.ok().and_then(|text| text.lines().next()?.parse::<u32>().ok());
        let pid = pid.ok_or_else(|| Failure::new("PostgreSQL does not say its process"))?;
        cluster.create_database("cars").map_err(Failure::because("failed to make a database"))?;
        let made = Store::Postgres { server: Rc::new(Postgres { cluster, pid }), name: "cars".to_owned() };
        made.fill_new()?;
        match made {
            Store::Postgres { server, .. } => Ok(server),
            _ => Err(Failure::new("PostgreSQL is no server")),
        }
    }
}

/// A program's database.
pub enum Store {
    Postgres {
        server: Rc<Postgres>,
        name: String,
    },
    Sqlite(PathBuf),
    /// PocketBase's, which makes its table itself; its keys are texts of fifteen characters.
    PocketBase(PathBuf),
}

impl Store {
    /// A new database on the server, with all rows.
    pub fn on(server: &Rc<Postgres>, name: &str) -> Result<Store> {
        // Some of the names are SQL's own.
        let name = format!("bench_{}", name.replace('-', "_"));
        server.cluster.drop_database(&name).map_err(Failure::because("failed to drop a database"))?;
        let create = format!("CREATE DATABASE {name} TEMPLATE cars");
        server.cluster.psql("postgres", &create).map_err(Failure::because("failed to make a database"))?;
        Ok(Store::Postgres { server: Rc::clone(server), name })
    }

    /// A new file in a folder, with all rows.
    pub fn file(folder: &Path) -> Result<Store> {
        let store = Store::Sqlite(folder.join("cars.db"));
        store.fill_new()?;
        Ok(store)
    }

    pub fn url(&self) -> String {
        match self {
            // SQLAlchemy and sqlx know no `postgres:`.
            Store::Postgres { server, name } => server.cluster.url(name).replacen("postgres:", "postgresql:", 1),
            Store::Sqlite(path) | Store::PocketBase(path) => format!("sqlite:{}", path.display()),
        }
    }

    /// The process that does the database's work, where that is not the program.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Store::Postgres { server, .. } => Some(server.pid),
            Store::Sqlite(_) | Store::PocketBase(_) => None,
        }
    }

    fn fill_new(&self) -> Result<()> {
        for sql in TABLES.iter().chain([&INDEX]).chain(&RELATED) {
            self.run(sql)?;
        }
        self.reset(CARS)
    }

    /// Undoes what was written, so that each workload finds the same cars, numbered from 1. What a program still writes,
    /// though nobody waits for it any more, comes before or after.
    pub fn reset(&self, rows: u32) -> Result<()> {
        let key = if matches!(self, Store::PocketBase(_)) { "printf('%015d', i)" } else { "i" };
        let fill = format!(
            "INSERT INTO cars (id, name, model, doors)
               WITH SERIES({rows}) SELECT {key}, 'Car ' || i, 'Model ' || (i % 100), 2 + i % 4 FROM series"
        );
        match self {
            Store::Postgres { .. } => {
                let next = format!("ALTER TABLE cars ALTER id RESTART WITH {}", rows + 1);
                self.run(&format!("BEGIN; TRUNCATE cars; {fill}; {next}; COMMIT"))?;
                self.run("VACUUM ANALYZE cars")
            }
            _ => self.run(&format!("BEGIN IMMEDIATE; DELETE FROM cars; {fill}; COMMIT")),
        }
    }

    /// A number that the database tells.
    pub fn number(&self, sql: &str) -> Result<i64> {
        match self {
            Store::Postgres { server, name } => {
                let text = server.cluster.psql(name, sql).map_err(Failure::because(sql))?;
                text.trim().parse().map_err(Failure::because(sql))
            }
            Store::Sqlite(path) | Store::PocketBase(path) => {
                open(path)?.query_row(sql, [], |row| row.get(0)).map_err(Failure::because(sql))
            }
        }
    }

    fn run(&self, sql: &str) -> Result<()> {
        match self {
            Store::Postgres { server, name } => {
                let sql = sql.replace("KEY", "integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY");
                server.cluster.psql(name, &series(&sql, "")).map(drop).map_err(Failure::because("failed to run SQL"))
            }
            Store::Sqlite(path) | Store::PocketBase(path) => {
                let sql = series(&sql.replace("KEY", "INTEGER PRIMARY KEY"), "RECURSIVE ");
                open(path)?.execute_batch(&sql).map_err(Failure::because("failed to run SQL"))
            }
        }
    }
}

/// `SERIES(n)` is a common table expression with the numbers up to `n`, which one database counts and the other generates.
fn series(sql: &str, recursive: &str) -> String {
    let Some((before, rest)) = sql.split_once("SERIES(") else { return sql.to_owned() };
    let (count, after) = rest.split_once(')').unwrap_or((rest, ""));
    let counted = if recursive.is_empty() {
        format!("SELECT generate_series(1, {count})")
    } else {
        format!("SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < {count}")
    };
    format!("{before}{recursive}series (i) AS ({counted}){after}")
}

fn open(path: &Path) -> Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open(path).map_err(Failure::because("failed to open a database"))?;
    connection.busy_timeout(Duration::from_secs(20)).map_err(Failure::because("failed to open a database"))?;
    Ok(connection)
}
