//! `App`: what a program is made of, and its `main`.

use std::io::Write;
use std::panic::Location;
use std::process::ExitCode;

use axum::Router;
use crocus_migrate::Migrations;
use crocus_orm::{Model, TableDef};
use crocus_web::resource::{Resource, Resources};
use crocus_web::routing::{Methods, Route};
use utoipa::openapi::OpenApi;

use crate::error::{Error, Result};
use crate::registry::{Bind, Registered};
use crate::{cli, logging};

/// A program: its models, its migrations and its routes.
///
/// [`main`](App::main) is its command line: `run` (also without an argument), `routes`, and `db ...`.
#[derive(Debug)]
pub struct App {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) models: Vec<Registered>,
    /// Those of the default database.
    pub(crate) migrations: Option<Migrations>,
    /// The other databases.
    pub(crate) binds: Vec<Bind>,
    pub(crate) router: Router,
    pub(crate) routes: Vec<Route>,
    pub(crate) resources: Resources,
    /// What its author says of the routes, for the OpenAPI document.
    pub(crate) openapi: Option<OpenApi>,
}

impl App {
    /// A program with the name that its user types: it stands in the help, and names the embedded database
    /// `instance/NAME.db`.
    pub fn new(name: &'static str) -> App {
        App {
            name,
            version: "unknown",
            models: Vec::new(),
            migrations: None,
            binds: Vec::new(),
            router: Router::new(),
            routes: Vec::new(),
            resources: Resources::default(),
            openapi: None,
        }
    }

    /// What `--version` says: `env!("CARGO_PKG_VERSION")`.
    #[must_use]
    pub fn version(mut self, version: &'static str) -> App {
        self.version = version;
        self
    }

    /// Registers a model. Migrations are generated for registered models.
    ///
    /// # Panics
    /// When another model has the same table.
    #[must_use]
    #[track_caller]
    pub fn model<M: Model>(mut self) -> App {
        let place = |table: &TableDef| (table.bind, table.schema, table.name);
        if let Some(other) = self.models.iter().find(|other| place(other.table) == place(M::TABLE)) {
            panic!(
                "the models `{}` and `{}` are both on the table `{}` ({})",
                other.table.model,
                M::TABLE.model,
                M::TABLE.name,
                Location::caller()
            );
        }
        self.models.push(Registered::new::<M>(Location::caller()));
        self
    }

    /// Adds the migrations that are compiled in: `.migrations(crocus::migrations!())`.
    #[must_use]
    pub fn migrations(mut self, migrations: Migrations) -> App {
        self.migrations = Some(migrations);
        self
    }

    /// Declares another database under a key, and where it is unless the settings say otherwise: `binds` in
    /// `crocus.toml`, or the environment variable `DATABASE_URL_KEY`. The models that name the key
    /// (`#[model(bind = "audit")]`) are on it.
    ///
    /// # Panics
    /// When the key is taken, or is not made of lower-case letters, digits and underscores.
    #[must_use]
    #[track_caller]
    pub fn bind(mut self, key: &'static str, url: &'static str) -> App {
        let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
        assert!(!key.is_empty() && key.bytes().all(plain), "`{key}` cannot be a bind's key: use a-z, 0-9 and _");
        assert!(key != "default", "`default` is what the database without a key is called: give the bind another");
        assert!(self.binds.iter().all(|bind| bind.key != key), "the bind `{key}` is declared twice");
        self.binds.push(Bind { key, url, migrations: None });
        self
    }

    /// Adds the migrations of a bind, from a folder of their own:
    /// `.bind_migrations("audit", crocus::migrations!("audit_migrations"))`.
    ///
    /// # Panics
    /// When the bind is not declared yet.
    #[must_use]
    #[track_caller]
    pub fn bind_migrations(mut self, key: &str, migrations: Migrations) -> App {
        match self.binds.iter_mut().find(|bind| bind.key == key) {
            Some(bind) => bind.migrations = Some(migrations),
            None => panic!("the bind `{key}` is not declared: call `.bind(\"{key}\", url)` before"),
        }
        self
    }

    /// Adds a path with its handlers: `.route("/cars", get(list_cars).post(create_car))`.
    ///
    /// # Panics
    /// When the path is taken, or does not begin with `/`.
    #[must_use]
    #[track_caller]
    pub fn route(mut self, path: &str, methods: Methods) -> App {
        let (router, routes) = methods.add_to(path, self.router);
        self.router = router;
        self.routes.extend(routes);
        self
    }

    /// Adds a model as a REST resource: `.resource::<Car>("/api/cars")`.
    ///
    /// # Panics
    /// When there is a resource at the path, or the path is none of a collection.
    #[must_use]
    #[track_caller]
    pub fn resource<M: Model>(self, path: &str) -> App {
        self.resource_with(path, Resource::<M>::new())
    }

    /// Adds a resource that is not the whole one: `.resource_with("/api/cars", Resource::<Car>::new().read_only())`.
    ///
    /// # Panics
    /// When there is a resource at the path, or the path is none of a collection.
    #[must_use]
    #[track_caller]
    pub fn resource_with<M: Model>(mut self, path: &str, resource: Resource<M>) -> App {
        self.resources.add(path, resource);
        self
    }

    /// Adds what the program says of its API in annotations: routes written by hand, schemas, security schemes, servers,
    /// and the title. `#[derive(OpenApi)]` of the crate `utoipa` makes it. Resources, and what is not annotated, are in
    /// the document anyway. An annotation of a route that is not there stops the start.
    ///
    /// # Example
    /// ```
    /// use crocus::prelude::*;
    /// use crocus::utoipa::{self, OpenApi};
    ///
    /// /// Greets.
    /// #[utoipa::path(get, path = "/", responses((status = 200, body = String)))]
    /// async fn hello() -> &'static str {
    ///     "hello"
    /// }
    ///
    /// #[derive(OpenApi)]
    /// #[openapi(paths(hello))]
    /// struct Api;
    ///
    /// let app = App::new("greeter").route("/", get(hello)).openapi(Api::openapi());
    /// ```
    #[must_use]
    pub fn openapi(mut self, openapi: OpenApi) -> App {
        self.openapi = Some(openapi);
        self
    }

    /// What makes the OpenAPI document, which `/openapi.json` serves and the command `openapi` prints.
    /// `is_limited` is whether there is a limit on requests.
    ///
    /// # Errors
    /// When an annotation does not fit the routes.
    pub(crate) fn document(&self, is_limited: bool) -> Result<impl Fn() -> OpenApi + Send + Sync + use<>> {
        crocus_web::openapi::check(&self.routes, &self.resources, self.openapi.as_ref())
            .map_err(|mismatch| Error::new(mismatch.to_string()).with_hint(mismatch.hint()))?;
        let (name, version) = (self.name, self.version);
        let (routes, resources, own) = (self.routes.clone(), self.resources.clone(), self.openapi.clone());
        Ok(move || crocus_web::openapi::document(name, version, &routes, &resources, own.clone(), is_limited))
    }

    /// What answers its requests: its own routes, those of its resources, and the pages about its API.
    ///
    /// # Errors
    /// When an annotation does not fit the routes.
    pub(crate) fn service(&self, is_limited: bool) -> Result<Router> {
        let (resources, listed) = self.resources.routes();
        let routes: Vec<_> = self.routes.iter().cloned().chain(listed).collect();
        let pages = crocus_web::docs(self.document(is_limited)?, &routes);
        Ok(self.router.clone().merge(resources).merge(pages))
    }

    /// Runs the command line. The exit code is 0 for success, 1 for failure, 2 for wrong usage.
    pub async fn main(self) -> ExitCode {
        let ended = cli::main(self).await;
        logging::flush();
        match ended {
            Ok(code) => code,
            Err(error) => {
                // Where standard error is closed, nobody listens.
                drop(std::io::stderr().write_all(error.render().as_bytes()));
                ExitCode::FAILURE
            }
        }
    }
}
