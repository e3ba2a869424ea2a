//! `Db`: the program's databases, as handlers ask for them.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use crocus_orm::{Binds, Engine, Executor, Session, Target};

use crate::Problem;
use crate::observe::Given;
use crate::timing::Counted;

/// The program's databases. A handler that takes a `Db` gets the engines that the program was started with: queries run
/// on the one that has their model, and everything else on the default one.
///
/// Each request has a handle of its own ([`Engine::request`]): after its first write it reads from the primary, and no
/// more from a replica.
#[derive(Debug, Clone)]
pub struct Db(Binds);

/// The handle of one request, which all its extractors share.
#[derive(Debug, Clone)]
struct OfRequest(Db);

impl Db {
    /// Starts a unit of work: each model on its own bind.
    pub fn session(&self) -> Session {
        self.0.session()
    }

    /// The engine of a bind.
    ///
    /// # Errors
    /// When there is no such bind.
    pub fn bind(&self, key: &str) -> crocus_orm::Result<&Engine> {
        self.0.engine(Some(key))
    }

    /// The request's own.
    pub(crate) fn of(parts: &mut Parts) -> Result<Db, Problem> {
        if let Some(OfRequest(db)) = parts.extensions.get() {
            return Ok(db.clone());
        }
        let Some(Given { db: Db(binds), counted, .. }) = parts.extensions.get() else {
            return Err(Problem::internal("the handler asks for a database and the service has none"));
        };
        let db = Db(match counted {
            Some(Counted(count)) => binds.map(|engine| engine.request().counting(count)),
            // Where all is read where it is written, requests have nothing of their own.
            None if !binds.has_replica() => return Ok(Db(binds.clone())),
            None => binds.map(Engine::request),
        });
        parts.extensions.insert(OfRequest(db.clone()));
        Ok(db)
    }

    /// All engines with their keys; the default one, which has none, first.
    pub(crate) fn engines(&self) -> impl Iterator<Item = (Option<&'static str>, &Engine)> {
        let keys = std::iter::once(None).chain(self.0.keys().map(Some));
        keys.filter_map(|key| self.0.engine(key).ok().map(|engine| (key, engine)))
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
        Db::of(parts)
    }
}
