//! `get_or_404` and its like: rows that a handler cannot do without.

use crocus_orm::{Executor, Handle, Model, Select, Session};

use crate::Result;

/// What handlers ask of models.
pub trait ModelExt: Model {
    /// The row with this primary key, or a 404 problem that names it.
    ///
    /// # Errors
    /// When there is no such row, or the database does not answer.
    fn get_or_404(db: &impl Executor, key: Self::Key) -> impl Future<Output = Result<Self>> + Send {
        async move { Ok(Self::get(db, key.clone()).await?.ok_or_else(|| Self::not_found(&key))?) }
    }
}

impl<M: Model> ModelExt for M {}

/// What handlers ask of queries.
pub trait SelectExt<O> {
    /// The first row, or a 404 problem.
    ///
    /// # Errors
    /// When there is none, or the database does not answer.
    fn first_or_404(self, db: &impl Executor) -> impl Future<Output = Result<O>> + Send;

    /// The only row, or a 404 problem. Several are a 500: the query should have said which.
    ///
    /// # Errors
    /// When there is none or there are several, or the database does not answer.
    fn one_or_404(self, db: &impl Executor) -> impl Future<Output = Result<O>> + Send;
}

impl<O: Send + 'static> SelectExt<O> for Select<O> {
    async fn first_or_404(self, db: &impl Executor) -> Result<O> {
        let none = self.none_found();
        Ok(self.first(db).await?.ok_or(none)?)
    }

    async fn one_or_404(self, db: &impl Executor) -> Result<O> {
        Ok(self.one(db).await?)
    }
}

/// What handlers ask of sessions.
pub trait SessionExt {
    /// The object with this primary key, or a 404 problem that names it.
    ///
    /// # Errors
    /// When there is no such row, or the database does not answer.
    fn get_or_404<M: Model>(&mut self, key: M::Key) -> impl Future<Output = Result<Handle<M>>> + Send;
}

impl SessionExt for Session {
    async fn get_or_404<M: Model>(&mut self, key: M::Key) -> Result<Handle<M>> {
        Ok(self.get::<M>(key.clone()).await?.ok_or_else(|| M::not_found(&key))?)
    }
}
