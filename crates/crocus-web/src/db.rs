//! `Db`: the program's databases, as handlers ask for them.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use crocus_orm::{Binds, Engine, Executor, Target};

use crate::Problem;

/// The program's databases. A handler that takes a `Db` gets the engines that the program was started with: queries run
/// on the one that has their model, and everything else on the default one.
#[derive(Debug, Clone)]
pub struct Db(Binds);

impl Db {
    /// The engine of a bind.
    ///
    /// # Errors
    /// When there is no such bind.
    pub fn bind(&self, key: &str) -> crocus_orm::Result<&Engine> {
        self.0.engine(Some(key))
    }
}

impl From<Engine> for Db {
    fn from(engine: Engine) -> Db {
        Db(Binds::new(engine))
    }
}

impl From<Binds> for Db {
    fn from(binds: Binds) -> Db {
        Db(binds)
    }
}

/// The default engine.
impl Deref for Db {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        self.0.default_engine()
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
