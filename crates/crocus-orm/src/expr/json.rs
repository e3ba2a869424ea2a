//! Values inside JSON columns.

use super::node::{JsonStep, Node, PostgresOperator};
use super::{Column, ColumnOperators, Expr};
use crate::value::{ColumnValue, Value};

/// A JSON value, or one that can be NULL.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not JSON",
    label = "this is a question about JSON",
    note = "only columns and expressions of serde_json::Value and Option<serde_json::Value> are JSON"
)]
pub trait JsonValue: ColumnValue {}

impl JsonValue for serde_json::Value {}
impl JsonValue for Option<serde_json::Value> {}

/// A place in a JSON value; made by `Car::DATA.json_path(["engine", "power"])`.
///
/// Each way to read it gives NULL where there is nothing, or JSON's `null`.
#[derive(Debug, Clone)]
#[must_use = "a place in a JSON value is read with `.text()`, `.get::<T>()` or `.json()`"]
pub struct JsonPath {
    node: Node,
    path: Vec<JsonStep>,
}

impl JsonPath {
    /// The member of an object with this key.
    pub fn key(mut self, key: impl Into<String>) -> JsonPath {
        self.path.push(JsonStep::Key(key.into()));
        self
    }

    /// The item of an array with this index; the first has the index 0.
    pub fn index(mut self, index: u32) -> JsonPath {
        self.path.push(JsonStep::Index(index.into()));
        self
    }

    /// The value as text: a string without its quotes, and any other value as JSON writes it. The spaces in an object
    /// or an array are the database's own.
    pub fn text(self) -> Expr<Option<String>> {
        self.get()
    }

    /// The value as a number, a boolean, or whatever type its text can be read as.
    pub fn get<T: ColumnValue>(self) -> Expr<Option<T>>
    where
        Option<T>: ColumnValue,
    {
        Expr::new(Node::Json { node: Box::new(self.node), path: self.path, ty: T::TYPE })
    }

    /// The value as JSON.
    pub fn json(self) -> Expr<Option<serde_json::Value>> {
        self.get()
    }
}

impl<T: JsonValue> Expr<T> {
    /// A place inside: the member with the first key, of that the member with the second, and so on.
    pub fn json_path<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> JsonPath {
        let path = keys.into_iter().map(|key| JsonStep::Key(key.into())).collect();
        JsonPath { node: self.node, path }
    }

    /// Whether the other value is in it: `self @> other`. PostgreSQL only.
    pub fn json_contains(self, other: serde_json::Value) -> Expr<bool> {
        let right = Node::Bound { value: Value::from(other), ty: serde_json::Value::TYPE };
        let [left, right] = [self.node, right].map(Box::new);
        Expr::new(Node::Postgres { left, operator: PostgresOperator::JsonContains, right })
    }
}

impl<M, T: JsonValue> Column<M, T> {
    /// A place inside: the member with the first key, of that the member with the second, and so on.
    ///
    /// # Example
    /// ```
    /// # use crocus_macros::Model;
    /// use crocus_orm::{ColumnOperators, Expr, Model};
    ///
    /// #[derive(Debug, Clone, Model)]
    /// # #[model(crate = "crocus_orm")]
    /// #[model(table = "cars")]
    /// struct Car {
    ///     #[model(primary_key)]
    ///     id: i32,
    ///     data: serde_json::Value,
    /// }
    ///
    /// let strong: Expr<bool> = Car::DATA.json_path(["engine", "power"]).get::<i64>().gt(100);
    /// let first: Expr<Option<String>> = Car::DATA.json_path(["colours"]).index(0).text();
    /// # let _ = (strong, first);
    /// ```
    pub fn json_path<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> JsonPath {
        self.expr().json_path(keys)
    }

    /// Whether the other value is in it: `self @> other`. PostgreSQL only.
    pub fn json_contains(self, other: serde_json::Value) -> Expr<bool> {
        self.expr().json_contains(other)
    }
}
