//! Binds: the several databases of one program, each under its key.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::{Engine, Executor, Target};
use crate::{Error, ErrorKind, Result};

/// The engines of a program: the default one, and others by key. Cloning is cheap and shares the engines.
///
/// A model is on the bind that it names (`#[model(bind = "audit")]`), or on the default one. A query that is given the
/// binds runs on its model's engine.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{Binds, Engine, Model};
///
/// let main = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// let audit = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// let db = Binds::new(main).with("audit", audit);
/// assert_eq!(db.keys().collect::<Vec<_>>(), ["audit"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Binds(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    default: Engine,
    named: BTreeMap<&'static str, Engine>,
}

impl Binds {
    /// The default engine alone.
    pub fn new(default: Engine) -> Binds {
        Binds(Arc::new(Inner { default, named: BTreeMap::new() }))
    }

    /// Adds an engine under a key, or puts it in the place of the one that has the key.
    #[must_use]
    pub fn with(mut self, key: &'static str, engine: Engine) -> Binds {
        Arc::make_mut(&mut self.0).named.insert(key, engine);
        self
    }

    /// The keys, in order; the default engine has none.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.named.keys().copied()
    }

    /// The default engine.
    pub fn default_engine(&self) -> &Engine {
        &self.0.default
    }

    /// The engine of a bind; the default one for `None`.
    ///
    /// # Errors
    /// When there is no such bind.
    pub fn engine(&self, bind: Option<&str>) -> Result<&Engine> {
        let Some(key) = bind else { return Ok(&self.0.default) };
        self.0.named.get(key).ok_or_else(|| {
            let text = format!("there is no bind `{key}`");
            Error::new(ErrorKind::InvalidQuery, text)
                .with_hint("a bind is declared on the `App`: `.bind(\"key\", url)`")
        })
    }

    /// Whether an engine has a replica.
    pub fn has_replica(&self) -> bool {
        self.0.default.has_replica() || self.0.named.values().any(Engine::has_replica)
    }

    /// The same binds with something else made of each engine.
    #[must_use]
    pub fn map(&self, make: impl Fn(&Engine) -> Engine) -> Binds {
        let named = self.0.named.iter().map(|(key, engine)| (*key, make(engine))).collect();
        Binds(Arc::new(Inner { default: make(&self.0.default), named }))
    }
}

impl From<Engine> for Binds {
    fn from(engine: Engine) -> Binds {
        Binds::new(engine)
    }
}

impl Executor for Binds {
    fn target(&self, bind: Option<&'static str>) -> Result<Target<'_>> {
        self.engine(bind).map(Target::Engine)
    }
}
