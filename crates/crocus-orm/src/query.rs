//! Queries: what is read (`select`), how rows become values (`shape`), what is loaded beside them (`load`), and what is
//! written (`write`).

pub(crate) mod load;
pub(crate) mod select;
pub(crate) mod shape;
pub(crate) mod write;

pub use load::{Load, LoadMany, LoadOne, Loaded};
pub use select::Select;
pub use write::{Delete, Update};
