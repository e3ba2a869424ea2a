//! A service on a throwaway database, and requests to it without a network.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::{Router, routing};
use crocus_orm::{DatabaseUrl, Engine, Statement};
use crocus_testing::TestDatabase;
use crocus_web::{Db, Problem, ServiceOptions};
use tower_service::Service as _;

/// A service with its database, which is dropped after it.
pub(crate) struct Service {
    pub(crate) router: Router,
    pub(crate) engine: Engine,
    _database: TestDatabase,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The service on each dialect: `/cars/{id}` asks the database twice, `/broken` asks it for what is not there.
pub(crate) async fn each(options: ServiceOptions) -> Vec<Service> {
    let mut services = Vec::new();
    for database in TestDatabase::each() {
        services.push(Service::new(database, routes(), options.clone()).await);
    }
    services
}

/// On SQLite alone, for what has nothing to do with the database.
pub(crate) async fn one(routes: Router, options: ServiceOptions) -> Service {
    Service::new(TestDatabase::sqlite(), routes, options).await
}

pub(crate) fn routes() -> Router {
    let car = async |db: Db| {
        db.query(Statement::read("SELECT 1", [])).await?;
        let rows = db.query(Statement::read("SELECT 2", [])).await?;
        Ok::<_, Problem>(rows[0].get::<i32>(0)?.to_string())
    };
    let broken = async |db: Db| {
        db.query(Statement::read("SELECT nothing FROM nowhere", [])).await?;
        Ok::<_, Problem>("")
    };
    Router::new()
        .route("/cars/{id}", routing::get(car).post(async || StatusCode::CREATED))
        .route("/broken", routing::get(broken))
}

impl Service {
    pub(crate) async fn new(database: TestDatabase, routes: Router, options: ServiceOptions) -> Service {
        let url: DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let engine = Engine::connect(&url).await.unwrap();
        Service::on(database, engine, routes, options)
    }

    pub(crate) fn on(database: TestDatabase, engine: Engine, routes: Router, options: ServiceOptions) -> Service {
        let router = crocus_web::service(routes, engine.clone(), options);
        Service { router, engine, _database: database }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers, "").await
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().call(request).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl Answer {
    /// A header's values, with commas between.
    pub(crate) fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
        values.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn code(&self) -> String {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        problem["code"].as_str().unwrap().to_owned()
    }
}
