//! `Db`: the program's database, as handlers ask for it.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use crocus_orm::{Engine, Executor, Target};

use crate::Problem;

/// The program's database. A handler that takes a `Db` gets the engine that the program was started with.
#[derive(Debug, Clone)]
pub struct Db(Engine);

impl From<Engine> for Db {
    fn from(engine: Engine) -> Db {
        Db(engine)
    }
}

impl Deref for Db {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.0
    }
}

impl Executor for Db {
    fn target(&self, bind: Option<&'static str>) -> crocus_orm::Result<Target<'_>> {
        self.0.target(bind)
    }
}

impl<S: Sync> FromRequestParts<S> for Db {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Db, Problem> {
        let db = parts.extensions.get::<Db>().cloned();
        db.ok_or_else(|| Problem::internal("the handler asks for a database and the service has none"))
    }
}
