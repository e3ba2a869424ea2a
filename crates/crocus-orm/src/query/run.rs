//! Running a `Select`.

use std::panic::Location;

use super::known::statement;
use super::node::SelectNode;
use super::select::Select;
use crate::engine::{Executor, Target};
use crate::expr::node::Node;
use crate::row::{Row, Rows};
use crate::{Dialect, Error, ErrorKind, Result};

/// A place in the program.
type Place = &'static Location<'static>;

impl<O: Send + 'static> Select<O> {
    /// All rows, in memory.
    ///
    /// # Errors
    /// When the database does not answer, or a row does not fit.
    #[track_caller]
    pub fn all(self, db: &impl Executor) -> impl Future<Output = Result<Vec<O>>> + Send {
        self.all_at(db, Location::caller())
    }

    /// The first row, or none.
    ///
    /// # Errors
    /// When the database does not answer, or the row does not fit.
    #[track_caller]
    pub fn first(self, db: &impl Executor) -> impl Future<Output = Result<Option<O>>> + Send {
        let rows = self.limit(1).all_at(db, Location::caller());
        async { Ok(rows.await?.into_iter().next()) }
    }

    /// The only row.
    ///
    /// # Errors
    /// When there is none ([`ErrorKind::NotFound`]) or several ([`ErrorKind::MultipleRows`]), the database does not
    /// answer, or the row does not fit.
    #[track_caller]
    pub fn one(self, db: &impl Executor) -> impl Future<Output = Result<O>> + Send {
        let none = self.none_found();
        let row = self.one_or_none(db);
        async { row.await?.ok_or(none) }
    }

    /// The error for a query that finds nothing where something should be: `no car was found`.
    pub fn none_found(&self) -> Error {
        Error::new(ErrorKind::NotFound, format!("no {} was found", self.node.root.noun()))
    }

    /// The only row, or none.
    ///
    /// # Errors
    /// When there are several ([`ErrorKind::MultipleRows`]), the database does not answer, or the row does not fit.
    #[track_caller]
    pub fn one_or_none(self, db: &impl Executor) -> impl Future<Output = Result<Option<O>>> + Send {
        let root = self.node.root;
        let rows = self.limit(2).all_at(db, Location::caller());
        async {
            let mut rows = rows.await?.into_iter();
            match (rows.next(), rows.next()) {
                (row, None) => Ok(row),
                _ => Err(Error::new(ErrorKind::MultipleRows, format!("more than one {} was found", root.noun()))),
            }
        }
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// When the database does not answer.
    #[track_caller]
    pub fn count(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        self.count_at(db, Location::caller())
    }

    pub(super) async fn count_at(self, db: &impl Executor, place: Place) -> Result<u64> {
        let target = db.target(self.node.root.bind)?;
        let rows = target.read_at(&self.node.counted(), place).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// About how many rows there are: what PostgreSQL's plan expects, without reading them. On SQLite, whose plans expect
    /// nothing, they are counted.
    ///
    /// # Errors
    /// When the database does not answer.
    #[track_caller]
    pub fn estimate(self, db: &impl Executor) -> impl Future<Output = Result<u64>> + Send {
        let place = Location::caller();
        async move {
            let target = db.target(self.node.root.bind)?;
            if target.dialect() == Dialect::Sqlite {
                return self.count_at(db, place).await;
            }
            let rows = target.query(statement(&self.node, target.dialect())?.explained().at(place)).await?;
            let plan: String = rows.first().map_or(Ok(String::new()), |row| row.get(0))?;
            // `Seq Scan on cars  (cost=0.00..22.70 rows=1270 width=36)`
            let expected = plan.split_once(" rows=").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
            expected.ok_or_else(|| Error::new(ErrorKind::Mismatch, format!("the plan `{plan}` expects no rows")))
        }
    }

    /// Whether there is a row.
    ///
    /// # Errors
    /// When the database does not answer.
    #[track_caller]
    pub fn exists(self, db: &impl Executor) -> impl Future<Output = Result<bool>> + Send {
        let place = Location::caller();
        async move {
            let target = db.target(self.node.root.bind)?;
            let mut node = self.node;
            node.lock = None;
            if node.is_plain() {
                node.order_by.clear();
                node.joins.retain(|join| !join.eager);
                node.columns = vec![Node::Constant("1")];
            }
            node.limit = Some(node.limit.unwrap_or(1).min(1));
            Ok(!target.read_at(&node, place).await?.is_empty())
        }
    }

    /// The rows as they arrive. Memory does not grow with their number; a transaction's rows are all read first.
    ///
    /// # Errors
    /// When the database does not answer or refuses the statement, or when a relationship is to be loaded that takes a
    /// query of its own. Each row can fail too.
    #[track_caller]
    pub fn stream(self, db: &impl Executor) -> impl Future<Output = Result<Rows<O>>> + Send {
        let place = Location::caller();
        async move {
            if let Some(relationship) = self.shape.needs_query() {
                let text =
                    format!("the relationship `{relationship}` takes a query of its own, and cannot be streamed");
                return Err(Error::new(ErrorKind::InvalidQuery, text)
                    .with_hint("read the rows with `.all(&db)`, or load the relationship for a few rows at a time"));
            }
            let target = db.target(self.node.root.bind)?;
            let rows = target.stream(statement(&self.node, target.dialect())?.at(place)).await?;
            Ok(Rows::new(rows, self.shape))
        }
    }

    pub(super) async fn all_at(self, db: &impl Executor, place: Place) -> Result<Vec<O>> {
        let target = db.target(self.node.root.bind)?;
        let rows = target.read_at(&self.node, place).await?;
        let rows: Vec<&Row> = rows.iter().collect();
        self.shape.read(&rows, target).await
    }
}

impl Target<'_> {
    /// Reads the rows of a query.
    pub(crate) async fn read(self, node: &SelectNode) -> Result<Vec<Row>> {
        self.query(statement(node, self.dialect())?).await
    }

    /// Reads the rows of a query from this place in the program.
    pub(crate) async fn read_at(self, node: &SelectNode, place: Place) -> Result<Vec<Row>> {
        self.query(statement(node, self.dialect())?.at(place)).await
    }
}
