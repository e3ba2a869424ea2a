//! For the tests of a program: the whole of it, without a network, on databases of its own.
//!
//! Below the program, [`rolled_back`] gives a test a transaction, and [`assert_statements`] counts statements.

use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use crocus_migrate::schema::Schema;
use crocus_migrate::{Migrations, Options, compare};
pub use crocus_orm::testing::{assert_statements, rolled_back};
use crocus_orm::{Binds, DatabaseUrl, Dialect, Engine, Recorded, Statement, TableDef};
use crocus_web::{Db, ServiceOptions};
use serde_json::Value;
use tower_service::Service;

use crate::{App, registry};

/// The environment variable with the URL of a PostgreSQL server for tests: any of its databases, by a user who may
/// create others.
pub const TEST_DATABASE_URL: &str = "TEST_DATABASE_URL";

/// How long the end of a test waits for its database to be dropped.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program under test, with databases that nobody else has: SQLite files, or databases on the PostgreSQL server that
/// [`TEST_DATABASE_URL`] names. They are gone with it.
///
/// The tables are made by the program's migrations, or from its models where it has none.
///
/// # Example
/// ```
/// use crocus::prelude::*;
/// use serde_json::json;
///
/// #[derive(Debug, Clone, Model, serde::Serialize)]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     name: String,
/// }
///
/// async fn create_car(db: Db, Payload(new): Payload<NewCar>) -> Result<Json<Car>> {
///     Ok(Json(Car::insert(&db, new).await?))
/// }
///
/// fn app() -> App {
///     App::new("cars").model::<Car>().route("/cars", post(create_car))
/// }
///
/// # #[tokio::main] async fn main() {
/// let app = app().test().await;
/// let answer = app.post("/cars", json!({"name": "Model 3"})).await;
/// assert_eq!((answer.status().as_u16(), answer.json()["name"].as_str()), (200, Some("Model 3")));
/// assert_eq!(Car::select().count(app.db()).await.unwrap(), 1);
/// # }
/// ```
#[derive(Debug)]
pub struct TestApp {
    router: Router,
    /// The routes, without what is around them.
    routes: Router,
    binds: Binds,
    db: Db,
    // Dropped last, when nobody uses them any more.
    databases: Arc<Vec<Throwaway>>,
}

/// The answer to a request of a test.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl App {
    /// Starts the program for a test, on the server that [`TEST_DATABASE_URL`] names or else on SQLite.
    ///
    /// # Panics
    /// When the program would not start, or a database cannot be made.
    pub async fn test(self) -> TestApp {
        let server = std::env::var(TEST_DATABASE_URL).ok();
        self.test_on(server.as_deref()).await
    }

    /// The same with new databases on this PostgreSQL server, which the URL of any of its databases names; on SQLite
    /// without one.
    ///
    /// # Panics
    /// When the program would not start, or a database cannot be made.
    pub async fn test_on(self, server: Option<&str>) -> TestApp {
        registry::check(&self.models, &self.binds).unwrap_or_else(|error| panic!("{}", error.render()));
        let models = |bind: Option<&str>| -> Vec<&'static TableDef> {
            self.models.iter().map(|model| model.table).filter(|table| table.bind == bind).collect()
        };
        let mut databases = vec![Throwaway::new(server).await];
        let default = databases[0].engine(&models(None), self.migrations.as_ref()).await;
        let mut binds = Binds::new(default);
        for bind in &self.binds {
            let database = Throwaway::new(server).await;
            let engine = database.engine(&models(Some(bind.key)), bind.migrations.as_ref()).await;
            binds = binds.with(bind.key, engine);
            databases.push(database);
        }
        let routes = self.service(false).unwrap_or_else(|error| panic!("{}", error.render()));
        TestApp::of(routes, binds, Arc::new(databases))
    }
}

impl TestApp {
    fn of(routes: Router, binds: Binds, databases: Arc<Vec<Throwaway>>) -> TestApp {
        let db = Db::from(binds.clone());
        let router = crocus_web::service(routes.clone(), db.clone(), ServiceOptions::default());
        TestApp { router, routes, binds, db, databases }
    }

    /// The same program on the same databases, with a note of what it sends to the default one.
    pub fn recording(&self) -> (TestApp, Recorded) {
        let (engine, recorded) = self.binds.default_engine().record();
        let others = self.binds.keys().filter_map(|key| Some((key, self.binds.engine(Some(key)).ok()?.clone())));
        let binds = others.fold(Binds::new(engine), |binds, (key, engine)| binds.with(key, engine));
        (TestApp::of(self.routes.clone(), binds, self.databases.clone()), recorded)
    }

    /// The program's databases.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// What a server serves, for a test that needs a network: `crocus::web::serve(listener, app.service())`.
    pub fn service(&self) -> Router {
        self.router.clone()
    }

    /// Asks with GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Asks with POST, and JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Asks with PUT, and JSON.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// Asks with PATCH, and JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// Asks with DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some(json) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(json.to_string())),
            None => request.body(Body::empty()),
        };
        self.request(request.unwrap_or_else(|error| panic!("`{path}` is no path: {error}"))).await
    }

    /// Asks with any request.
    ///
    /// # Panics
    /// When the answer is cut.
    pub async fn request(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().call(request).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_else(|error| panic!("{error}"));
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl Answer {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// A database that nobody else has, gone on drop.
#[derive(Debug)]
struct Throwaway {
    url: DatabaseUrl,
    home: Home,
}

/// What is to be removed with a database.
#[derive(Debug)]
enum Home {
    /// The folder of an SQLite file.
    Folder(PathBuf),
    /// A database of a PostgreSQL server.
    Server(DatabaseUrl),
}

impl Throwaway {
    async fn new(server: Option<&str>) -> Throwaway {
        let name = unique_name();
        let database = match server {
            Some(server) => {
                let parse = |url: &str| url.parse::<DatabaseUrl>().unwrap_or_else(|error| panic!("{error}"));
                Throwaway { url: parse(&on_server(server, &name)), home: Home::Server(parse(server)) }
            }
            None => {
                let folder = std::env::temp_dir().join(name);
                let url = DatabaseUrl::sqlite_file(folder.join("test.db"));
                Throwaway { url, home: Home::Folder(folder) }
            }
        };
        database.url.create_database().await.unwrap_or_else(|error| panic!("{}: {error}", database.url));
        database
    }

    /// An engine on the database with its tables.
    async fn engine(&self, models: &[&'static TableDef], migrations: Option<&Migrations>) -> Engine {
        let engine = Engine::connect(&self.url).await.unwrap_or_else(|error| panic!("{}: {error}", self.url));
        let made = match migrations {
            Some(migrations) => {
                crocus_migrate::upgrade(&engine, migrations, "heads", &Options::default(), |_| ()).await.map(drop)
            }
            None => create_tables(&engine, models).await,
        };
        made.unwrap_or_else(|error| panic!("{}: {error}", self.url));
        engine
    }
}

/// Makes the tables of models in an empty database.
async fn create_tables(engine: &Engine, models: &[&'static TableDef]) -> crocus_migrate::Result<()> {
    let models = Schema::from_models(models);
    let actual = crocus_migrate::inspect(engine).await?;
    let declared = crocus_migrate::declared(engine, &models, &actual).await?;
    let comparison = compare::compare(&models, &declared, &actual, &Default::default());
    crocus_migrate::apply(engine, &comparison.operations).await
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        match &self.home {
            // What cannot be removed is left to whoever cleans the system's temporary folder.
            Home::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Home::Server(server) => {
                let (server, name) = (server.clone(), self.url.database());
                // The test's own runtime stands still meanwhile, so its connections cannot close by themselves.
                let dropped = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                    let name = Dialect::Postgres.quote(&name);
                    let statement = Statement::write(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), []);
                    runtime.block_on(async {
                        let dropping = async { Engine::connect(&server).await?.execute(statement).await };
                        drop(tokio::time::timeout(PATIENCE, dropping).await);
                    });
                    Ok::<_, std::io::Error>(())
                });
                drop(dropped.join());
            }
        }
    }
}

fn unique_name() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("crocus_test_{}_{now:x}_{}", process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The URL of another database on the same server.
fn on_server(url: &str, name: &str) -> String {
    let (rest, parameters) = url.split_once('?').map_or((url, None), |(rest, parameters)| (rest, Some(parameters)));
    let start = rest.find("://").map_or(0, |at| at + 3);
    let server = rest[start..].find('/').map_or(rest, |at| &rest[..start + at]);
    match parameters {
        Some(parameters) => format!("{server}/{name}?{parameters}"),
        None => format!("{server}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::on_server;

    #[test]
    fn another_database_of_a_server() {
        for (url, other) in [
            ("postgresql://ada:x%2Fy@localhost:5433/postgres", "postgresql://ada:x%2Fy@localhost:5433/t"),
            ("postgresql://localhost", "postgresql://localhost/t"),
            ("postgres://h/a?sslmode=disable", "postgres://h/t?sslmode=disable"),
        ] {
            assert_eq!(on_server(url, "t"), other);
        }
    }
}
