//! Pages by cursor: each begins where the last one ended, however deep, and whatever was inserted meanwhile.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;

use super::node::SelectNode;
use super::select::Select;
use super::shape::Shape;
use crate::engine::Executor;
use crate::expr::node::{Binary, Name, Node};
use crate::expr::{Nulls, Order};
use crate::row::Row;
use crate::table::ColumnType;
use crate::value::{Value, by_type, invalid};
use crate::{Dialect, Error, ErrorKind, Result};

/// The first element of a cursor. Another one would mean another way to write cursors.
const VERSION: u64 = 1;

/// A page of a query that is still to be read, made by [`Select::keyset`].
#[must_use = "a page is not read until `.fetch(&db)`"]
pub struct Keyset<O> {
    select: Select<O>,
    rows: u64,
    from: Option<From>,
}

/// Where a page begins, and in which direction it is read.
#[derive(Clone)]
enum From {
    After(String),
    Before(String),
}

/// A page of a query's rows, with the cursors of its neighbours.
///
/// A cursor is text that is safe in a URL. It tells the values by which the last row was ordered: it is no secret, and
/// no way to see other rows either.
///
/// # Example
/// ```
/// # use crocus_macros::Model;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), crocus_orm::Error> {
/// use crocus_orm::{ColumnOperators, Engine, Model, Statement};
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     doors: i32,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, doors INTEGER NOT NULL)", [])).await?;
/// for doors in [4, 5, 2, 4, 4] {
///     Car::insert(&db, NewCar { doors }).await?;
/// }
/// let cars = Car::select().order_by(Car::DOORS.desc());
/// let first = cars.clone().keyset(2).fetch(&db).await?;
/// assert_eq!(first.items.iter().map(|car| car.id).collect::<Vec<_>>(), [2, 1]);
///
/// let second = cars.keyset(2).after(first.next.unwrap()).fetch(&db).await?;
/// assert_eq!(second.items.iter().map(|car| car.id).collect::<Vec<_>>(), [4, 5]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysetPage<O> {
    /// The rows, in the query's order.
    pub items: Vec<O>,
    /// For [`Keyset::after`]: the page after this one, if there are more rows.
    pub next: Option<String>,
    /// For [`Keyset::before`]: the page before this one, if there are more rows.
    pub prev: Option<String>,
}

impl<O: Send + 'static> Select<O> {
    /// Pages of at most so many rows that follow each other by cursor. It takes the place of a limit and an offset.
    ///
    /// Any order does, also by expressions and with NULLs: rows that are equal in it are ordered by their primary key.
    /// The query must read the rows of its table, each once: no groups, no distinct rows, no union.
    pub fn keyset(self, rows: u64) -> Keyset<O> {
        Keyset { select: self, rows, from: None }
    }
}

impl<O: Send + 'static> Keyset<O> {
    /// The page after a cursor.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.from = Some(From::After(cursor.into()));
        self
    }

    /// The page before a cursor.
    pub fn before(mut self, cursor: impl Into<String>) -> Self {
        self.from = Some(From::Before(cursor.into()));
        self
    }

    /// Reads the page: one statement.
    ///
    /// # Errors
    /// When the cursor is none of this query's ([`ErrorKind::InvalidValue`]), or the query has no rows of a table
    /// ([`ErrorKind::InvalidQuery`]). When the database does not answer, or a row does not fit.
    #[track_caller]
    pub fn fetch(self, db: &impl Executor) -> impl Future<Output = Result<KeysetPage<O>>> + Send {
        let place = Location::caller();
        async move {
            let target = db.target(self.bind())?;
            let paged = self.prepare(target.dialect())?;
            let rows = target.read_at(&paged.node, place).await?;
            let (rows, next, prev) = paged.cut(&rows)?;
            Ok(KeysetPage { items: paged.shape.read(&rows, target).await?, next, prev })
        }
    }

    pub(crate) fn bind(&self) -> Option<&'static str> {
        self.select.node.root.bind
    }

    /// The query of the page.
    pub(crate) fn prepare(self, dialect: Dialect) -> Result<Paged<O>> {
        let Select { mut node, shape, .. } = self.select;
        let keys = keys(&node)?;
        let print = fingerprint(&keys, dialect)?;
        let backwards = matches!(self.from, Some(From::Before(_)));
        node.order_by = if backwards { keys.iter().map(reversed).collect() } else { keys };
        if let Some(From::After(cursor) | From::Before(cursor)) = &self.from {
            let values = read_cursor(cursor, print, &node.order_by)?;
            node.filter.push(beyond(&node.order_by, &values));
        }
        let mut keys = Vec::with_capacity(node.order_by.len());
        for order in &node.order_by {
            // What a row shows is there; but only a column is sure to be what it is ordered by.
            let is_shown = |column: &Node| matches!(column, Node::Column { .. }) && *column == order.node;
            let place = node.columns.iter().position(is_shown).unwrap_or(node.columns.len());
            keys.push((place, order.ty));
            if place == node.columns.len() {
                node.columns.push(order.node.clone());
            }
        }
        // One row more than wanted tells whether there are more.
        node.limit = Some(self.rows.saturating_add(1));
        node.offset = None;
        Ok(Paged { node, shape, rows: self.rows, from: self.from, print, keys })
    }
}

/// The query of a page.
pub(crate) struct Paged<O> {
    pub(crate) node: SelectNode,
    pub(crate) shape: Arc<dyn Shape<O>>,
    /// The most rows.
    pub(crate) rows: u64,
    from: Option<From>,
    print: u64,
    /// The columns with the values that the rows are ordered by.
    keys: Vec<(usize, ColumnType)>,
}

impl<O> Paged<O> {
    /// Whether the rows come in the opposite order.
    pub(crate) fn is_backwards(&self) -> bool {
        matches!(self.from, Some(From::Before(_)))
    }

    /// The rows of the page among those that came, and the cursors of the pages after and before it.
    pub(crate) fn cut<'a>(&self, rows: &'a [Row]) -> Result<(Vec<&'a Row>, Option<String>, Option<String>)> {
        let more = rows.len() as u64 > self.rows;
        let mut wanted: Vec<&Row> = if more { &rows[..rows.len() - 1] } else { rows }.iter().collect();
        if self.is_backwards() {
            wanted.reverse();
        }
        let (next, prev) = match self.from {
            None => (more, false),
            Some(From::After(_)) => (more, true),
            Some(From::Before(_)) => (true, more),
        };
        let cursor = |row: Option<&&Row>| row.map(|row| self.cursor(row)).transpose();
        let next = if next { cursor(wanted.last())? } else { None };
        let prev = if prev { cursor(wanted.first())? } else { None };
        Ok((wanted, next, prev))
    }

    /// The cursor of a row.
    pub(crate) fn cursor(&self, row: &Row) -> Result<String> {
        let mut parts = vec![Json::from(VERSION), Json::from(self.print)];
        for (index, ty) in &self.keys {
            parts.push(by_type::to_json(&by_type::read(row, *index, *ty)?)?);
        }
        Ok(URL_SAFE_NO_PAD.encode(Json::Array(parts).to_string()))
    }
}

/// The query's order, with the primary key after it: no two rows are equal in it.
fn keys(node: &SelectNode) -> Result<Vec<Order>> {
    if !node.is_whole() {
        let text = "pages by cursor need the rows of a table, and this query groups, unites or leaves out some";
        return Err(Error::new(ErrorKind::InvalidQuery, text).with_hint("use `.paginate(page, per_page)`"));
    }
    let mut keys = node.order_by.clone();
    let table = Name::Owned(node.from.name().to_owned());
    for column in node.root.primary_key() {
        let node = Node::column(table.clone(), column.name);
        if !keys.iter().any(|order| order.node == node) {
            keys.push(Order { node, ty: column.ty, descending: false, nulls: None });
        }
    }
    Ok(keys)
}

fn reversed(order: &Order) -> Order {
    let nulls = order.nulls.map(|nulls| match nulls {
        Nulls::First => Nulls::Last,
        Nulls::Last => Nulls::First,
    });
    Order { descending: !order.descending, nulls, ..order.clone() }
}

/// The condition for the rows that come after these values: those that come later in the first key, or are equal in it
/// and come later in the second, and so on.
fn beyond(keys: &[Order], values: &[Value]) -> Node {
    let mut later: Option<Node> = None;
    for (order, value) in keys.iter().zip(values).rev() {
        let equal = |rest| equal(order, value).and(rest);
        later = match (after(order, value), later) {
            (Some(after), Some(rest)) => Some(after.binary(Binary::Or, equal(rest))),
            (Some(after), None) => Some(after),
            (None, rest) => rest.map(equal),
        };
    }
    later.unwrap_or(Node::Constant("FALSE"))
}

/// The condition that a key comes after a value; none where nothing does.
fn after(order: &Order, value: &Value) -> Option<Node> {
    let is_null = || Node::IsNull(Box::new(order.node.clone()));
    if by_type::is_null(value) {
        return (order.nulls == Some(Nulls::First)).then(|| Node::Not(Box::new(is_null())));
    }
    let operator = if order.descending { Binary::Lt } else { Binary::Gt };
    let beyond = order.node.clone().binary(operator, bound(order, value));
    Some(if order.nulls == Some(Nulls::Last) { beyond.binary(Binary::Or, is_null()) } else { beyond })
}

fn equal(order: &Order, value: &Value) -> Node {
    if by_type::is_null(value) {
        Node::IsNull(Box::new(order.node.clone()))
    } else {
        order.node.clone().binary(Binary::Eq, bound(order, value))
    }
}

fn bound(order: &Order, value: &Value) -> Node {
    Node::Bound { value: value.clone(), ty: order.ty }
}

/// What tells the cursors of one order from another's: FNV-1a of its SQL.
fn fingerprint(keys: &[Order], dialect: Dialect) -> Result<u64> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for order in keys {
        let sql = match &order.node {
            // Most are columns, whose SQL is soon written.
            Node::Column { table, name } => format!("SELECT {}.{}", dialect.quote(table), dialect.quote(name)),
            node => {
                let mut key = sea_query::Query::select();
                key.expr(node.lower(dialect)?);
                match dialect {
                    Dialect::Sqlite => key.to_string(sea_query::SqliteQueryBuilder),
                    Dialect::Postgres => key.to_string(sea_query::PostgresQueryBuilder),
                }
            }
        };
        let direction = format!("{sql} {} {:?};", order.descending, order.nulls);
        for byte in direction.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(hash)
}

fn read_cursor(cursor: &str, print: u64, keys: &[Order]) -> Result<Vec<Value>> {
    let refused = || invalid("this is no cursor of this list").with_hint("begin with the first page, without a cursor");
    let text = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    let parts: Vec<Json> = serde_json::from_slice(&text).map_err(|_| refused())?;
    match &parts[..] {
        [version, of, values @ ..]
            if version.as_u64() == Some(VERSION) && of.as_u64() == Some(print) && values.len() == keys.len() =>
        {
            let values = values.iter().zip(keys);
            values.map(|(value, key)| by_type::from_json(value.clone(), key.ty).map_err(|_| refused())).collect()
        }
        _ => Err(refused()),
    }
}

impl<O> Clone for Keyset<O> {
    fn clone(&self) -> Self {
        Keyset { select: self.select.clone(), rows: self.rows, from: self.from.clone() }
    }
}

impl<O> fmt::Debug for Keyset<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyset").field("rows", &self.rows).finish_non_exhaustive()
    }
}
