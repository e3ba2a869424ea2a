//! Resources: a model as a REST resource. This file says what a resource is, which the program's author writes; what
//! becomes of a request is left to the files beside it.

mod ask;
mod asked;
mod body;
mod definition;
mod etag;
mod format;
#[cfg(feature = "garde")]
mod garde;
mod hooks;
mod idempotency;
mod key;
mod limits;
mod parts;
mod plan;
mod problems;
mod read;
mod routes;
mod scope;
mod sub;
mod write;

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::IntoResponse;
use crocus_orm::{Column, Expr, Model};

pub use definition::{Definition, Operation, Resources};
#[cfg(feature = "garde")]
pub use garde::Garde;
pub use hooks::{Change, Hooks, Write};
pub use limits::ResourceLimits;
pub use plan::rows_of;

use self::hooks::Typed;
use self::scope::Scope;

/// A model as a resource: what clients can do with it, and what they see of it.
///
/// `App::resource::<Car>("/api/cars")` is the whole resource. What is said here narrows it:
/// `App::resource_with("/api/cars", Resource::<Car>::new().read_only())`.
#[derive(Debug, Clone)]
#[must_use = "a resource is served once it is given to `App::resource_with`"]
pub struct Resource<M> {
    pub(crate) definition: Definition,
    model: PhantomData<fn() -> M>,
}

/// What answers the requests to a resource.
struct Served {
    resources: Resources,
    definition: Arc<Definition>,
    texts: asked::Texts,
}

impl Served {
    fn new(resources: &Resources, definition: &Arc<Definition>) -> Served {
        Served { resources: resources.clone(), definition: definition.clone(), texts: asked::Texts::default() }
    }
}

impl<M: Model> Default for Resource<M> {
    fn default() -> Self {
        Resource::new()
    }
}

impl<M: Model> Resource<M> {
    /// The whole resource: every operation, every column.
    pub fn new() -> Resource<M> {
        Resource { definition: Definition::of::<M>(), model: PhantomData }
    }

    /// Without an operation: its method is answered with a 405, or by a route of the program's own on the same path.
    pub fn without(mut self, operation: Operation) -> Self {
        self.definition.operations.retain(|other| *other != operation);
        self
    }

    /// With those that change nothing only: [`Operation::List`] and [`Operation::Get`].
    pub fn read_only(mut self) -> Self {
        self.definition.operations.retain(|operation| operation.is_safe());
        self
    }

    /// Leaves a column out of everything: it is not shown, not written, and cannot be asked for. What an insert needs of
    /// it is left to its default, or to [`Hooks::before`].
    pub fn hide<T>(mut self, column: Column<M, T>) -> Self {
        self.definition.hidden.push(column.name());
        self
    }

    /// Shows a column that clients cannot write.
    pub fn fix<T>(mut self, column: Column<M, T>) -> Self {
        self.definition.fixed.push(column.name());
        self
    }

    /// What each request can see and change: the condition is added to every query, also where the rows are embedded in
    /// another resource's, and rows that a write leaves outside it are refused. So a tenant never sees another's rows.
    ///
    /// The function is given what it asks for of the request, as a handler is: an extractor of the program's own, or `()`.
    ///
    /// # Example
    /// ```ignore
    /// Resource::<Car>::new().scope(|tenant: Tenant| Ok(Car::TENANT_ID.eq(tenant.id)))
    /// ```
    pub fn scope<E, F>(mut self, scope: F) -> Self
    where
        E: FromRequestParts<()> + Send + 'static,
        E::Rejection: IntoResponse,
        F: Fn(E) -> crate::Result<Expr<bool>> + Send + Sync + 'static,
    {
        self.definition.scope = Some(Scope::new(scope));
        self
    }

    /// What is done before and after a write, and which rows are refused.
    pub fn hooks(mut self, hooks: impl Hooks<M>) -> Self {
        self.definition.hooks = Some(Arc::new(Typed::new(hooks)));
        self
    }

    /// What one request may cost.
    pub fn limits(mut self, limits: ResourceLimits) -> Self {
        self.definition.limits = limits;
        self
    }

    /// Takes a change of one row only from a client that says which state of it it has seen (`If-Match`): without, it
    /// is a 428.
    pub fn require_if_match(mut self) -> Self {
        self.definition.requires_match = true;
        self
    }

    /// Lets clients count and add up: `select=state,price.sum()`. Without, aggregates are refused: they read every row.
    pub fn aggregates(mut self) -> Self {
        self.definition.aggregates = true;
        self
    }
}
