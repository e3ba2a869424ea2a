//! The query grammar of resources, which is PostgREST's: what a URL says, as data. Pure: no names are looked up, no value
//! is converted, and nothing is known of models or of a database.
//!
//! Each part is read from the text of one parameter and written back by `Display`, so that what was read can be told,
//! compared and sent again: `parse(text).to_string()` is the same query in its shortest words.
//!
//! The source is PostgREST's documentation, "Tables and Views", "Resource Embedding" and "URL Grammar".

mod filter;
mod order;
mod parameters;
mod path;
mod preferences;
mod scan;
mod select;

pub use filter::{Comparison, Condition, Filter, Operand, Operator, Quantifier, Truth};
pub use order::{Direction, Order, Term};
pub use parameters::{Mistake, Page, Parameters};
pub use path::{Path, Step};
pub use preferences::{Count, Handling, Missing, Preferences, Resolution, Return, Transaction, Unknown};
pub(crate) use scan::nearest;
pub use scan::{Expected, MAX_DEPTH};
pub use select::{Aggregate, Embedding, Item, Join, Select};
