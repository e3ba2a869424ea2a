//! What one request to a resource may cost.

/// What one request to a resource may cost. What goes beyond it is a 400 that names the limit; only rows are cut, as the
/// answer's `Content-Range` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceLimits {
    /// The most rows of an answer: a greater `limit` gives as many.
    pub rows: u64,
    /// How many relationships can be embedded in each other.
    pub depth: usize,
    /// How many relationships can be embedded or asked in one request.
    pub relations: usize,
    /// How many conditions a filter can have, those in parentheses and the values of lists counted.
    pub conditions: usize,
    /// The longest query, in bytes, as it stands in the URL or in the body of QUERY.
    pub query: usize,
    /// The most rows that a body can bring.
    pub items: usize,
}

impl Default for ResourceLimits {
    fn default() -> ResourceLimits {
        ResourceLimits { rows: 1_000, depth: 5, relations: 20, conditions: 1_000, query: 32 * 1024, items: 10_000 }
    }
}
