//! What queries give a session: rows become objects, one for each row of the database.

use std::collections::HashSet;

use super::plan::{TableId, id_of};
use super::slot::{Phase, Slot, State};
use super::{Handle, Session};
use crate::model::Model;
use crate::query::Select;
use crate::query::node::SelectNode;
use crate::table::{ReferentialAction, TableDef};
use crate::{Error, ErrorKind, Result};

/// What a query gives, with [`Handle`]s in the place of models: a `(Car, Option<Maker>)` becomes a
/// `(Handle<Car>, Option<Handle<Maker>>)`; what is no model stays what it is.
#[diagnostic::on_unimplemented(
    message = "a session cannot make objects of `{Self}`",
    note = "it makes objects of models, and of tuples, `Option`s and `Vec`s of them; other results are read with `.all(&session)`"
)]
pub trait IntoHandles: Send + 'static {
    /// With handles in the place of models.
    type Handles: Send + 'static;

    /// Joins the session's identity map.
    #[doc(hidden)]
    fn into_handles(self, session: &mut Session) -> Self::Handles;

    /// Makes room in the session for the objects of all these.
    #[doc(hidden)]
    fn expect<'a>(rows: impl Iterator<Item = &'a Self> + Clone, session: &mut Session);
}

impl<M: Model> IntoHandles for M {
    type Handles = Handle<M>;

    fn into_handles(self, session: &mut Session) -> Handle<M> {
        session.join(self)
    }

    fn expect<'a>(rows: impl Iterator<Item = &'a M> + Clone, session: &mut Session) {
        let objects = rows.count();
        session.expect::<M>(objects);
        session.identities.reserve::<M>(objects);
    }
}

impl<T: IntoHandles> IntoHandles for Option<T> {
    type Handles = Option<T::Handles>;

    fn into_handles(self, session: &mut Session) -> Self::Handles {
        self.map(|value| value.into_handles(session))
    }

    fn expect<'a>(rows: impl Iterator<Item = &'a Self> + Clone, session: &mut Session) {
        T::expect(rows.flatten(), session);
    }
}

impl<T: IntoHandles> IntoHandles for Vec<T> {
    type Handles = Vec<T::Handles>;

    fn into_handles(self, session: &mut Session) -> Self::Handles {
        self.into_iter().map(|value| value.into_handles(session)).collect()
    }

    fn expect<'a>(rows: impl Iterator<Item = &'a Self> + Clone, session: &mut Session) {
        T::expect(rows.flatten(), session);
    }
}

macro_rules! tuples {
    ($($type:ident $index:tt),*) => {
        impl<$($type: IntoHandles),*> IntoHandles for ($($type,)*) {
            type Handles = ($($type::Handles,)*);

            fn into_handles(self, session: &mut Session) -> Self::Handles {
                ($(self.$index.into_handles(session),)*)
            }

            fn expect<'a>(rows: impl Iterator<Item = &'a Self> + Clone, session: &mut Session) {
                $($type::expect(rows.clone().map(|row| &row.$index), session);)*
            }
        }
    };
}

tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

macro_rules! values {
    ($($(#[$cfg:meta])? $type:ty),* $(,)?) => {$(
        $(#[$cfg])?
        impl IntoHandles for $type {
            type Handles = $type;

            fn into_handles(self, _: &mut Session) -> $type {
                self
            }

            fn expect<'a>(_: impl Iterator<Item = &'a Self> + Clone, _: &mut Session) {}
        }
    )*};
}

values!(
    (),
    i16,
    i32,
    i64,
    u64,
    f64,
    bool,
    u8,
    String,
    serde_json::Value,
    #[cfg(feature = "time")]
    jiff::civil::Date,
    #[cfg(feature = "time")]
    jiff::civil::Time,
    #[cfg(feature = "time")]
    jiff::civil::DateTime,
    #[cfg(feature = "time")]
    jiff::Timestamp,
    #[cfg(feature = "uuid")]
    uuid::Uuid,
    #[cfg(feature = "decimal")]
    rust_decimal::Decimal,
);

impl Session {
    /// All rows of a query, as objects of the session.
    ///
    /// A row whose object has changes that are not flushed leaves them alone; any other object takes over what was read.
    /// Where an unflushed change is in a table that the query reads, the session is flushed first.
    ///
    /// # Errors
    /// When the flush fails, the database does not answer, or a row does not fit.
    pub async fn all<O: IntoHandles>(&mut self, query: Select<O>) -> Result<Vec<O::Handles>> {
        self.autoflush(&query.node).await?;
        let rows = query.all(&*self).await?;
        O::expect(rows.iter(), self);
        Ok(rows.into_handles(self))
    }

    /// The first row of a query, or none.
    ///
    /// # Errors
    /// As for [`all`](Session::all).
    pub async fn first<O: IntoHandles>(&mut self, query: Select<O>) -> Result<Option<O::Handles>> {
        self.autoflush(&query.node).await?;
        let row = query.first(&*self).await?;
        Ok(row.into_handles(self))
    }

    /// The only row of a query.
    ///
    /// # Errors
    /// When there is none ([`ErrorKind::NotFound`]) or several ([`ErrorKind::MultipleRows`]), and as for
    /// [`all`](Session::all).
    pub async fn one<O: IntoHandles>(&mut self, query: Select<O>) -> Result<O::Handles> {
        let noun = query.node.root.noun();
        let row = self.one_or_none(query).await?;
        row.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no {noun} was found")))
    }

    /// The only row of a query, or none.
    ///
    /// # Errors
    /// When there are several ([`ErrorKind::MultipleRows`]), and as for [`all`](Session::all).
    pub async fn one_or_none<O: IntoHandles>(&mut self, query: Select<O>) -> Result<Option<O::Handles>> {
        self.autoflush(&query.node).await?;
        let row = query.one_or_none(&*self).await?;
        Ok(row.into_handles(self))
    }

    /// The object of a row that was read.
    pub(super) fn join<M: Model>(&mut self, row: M) -> Handle<M> {
        let read_inside = self.is_in_transaction::<M>();
        let Some(index) = self.identities.find_or_join::<M>(row.key(), self.slots.len()) else {
            let before = read_inside.then(|| Slot::new(State::Expired { stored: row.clone() }));
            let handle = self.push(State::Persistent { current: row, stored: None });
            if let Some(before) = before {
                self.keep_as(handle.index, Some(Box::new(before)));
            }
            return handle;
        };
        if read_inside {
            self.keep(index);
        }
        let handle = self.handle(index);
        self.slot_mut(handle).refresh(row);
        handle
    }

    /// Flushes if the query could see what is not flushed.
    pub(super) async fn autoflush(&mut self, query: &SelectNode) -> Result<()> {
        let mut tables = Vec::new();
        query.reads(&mut |table| tables.push(table));
        self.flush_before(&tables).await
    }

    /// The same for tables that are to be read.
    pub(super) async fn flush_before(&mut self, tables: &[&'static TableDef]) -> Result<()> {
        if self.autoflush && self.could_be_seen_in(tables) { self.flush().await } else { Ok(()) }
    }

    /// Whether a row of the tables may change with the next flush: by the flush itself, or by the database when it
    /// deletes what the row points to.
    fn could_be_seen_in(&self, tables: &[&'static TableDef]) -> bool {
        let read: HashSet<TableId> = tables.iter().map(|table| id_of(table)).collect();
        let mut behind = HashSet::new();
        tables.iter().for_each(|table| add_targets(table, &mut behind));
        let changed = |slot: &dyn super::slot::AnySlot| {
            let table = id_of(slot.table());
            let counts = read.contains(&table) || (slot.phase() == Phase::Deleted && behind.contains(&table));
            counts && slot.is_changed()
        };
        self.slots.iter().any(|slot| changed(&**slot))
            || self.associations.changed().any(|(_, row)| read.contains(&id_of(row.table)))
    }
}

/// The tables whose deletions go on to this one.
fn add_targets(table: &TableDef, found: &mut HashSet<TableId>) {
    for key in table.foreign_keys {
        let acts = !matches!(key.on_delete, ReferentialAction::NoAction | ReferentialAction::Restrict);
        let target = (key.target)();
        if acts && found.insert(id_of(target)) {
            add_targets(target, found);
        }
    }
}
