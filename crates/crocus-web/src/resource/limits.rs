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
    /// How many conditions the filters of a request can have, those in parentheses counted. SQLite takes expressions of a
    /// depth of 1,000 ("Limits In SQLite", 6).
    pub conditions: usize,
    /// How many values the filters of a request can have, those of lists counted. SQLite takes 32,766 in a statement.
    pub values: usize,
    /// How many members a row can have. PostgreSQL takes 1,664 columns ("PostgreSQL Limits").
    pub members: usize,
    /// The longest query, in bytes, as it stands in the URL or in the body of QUERY.
    pub query: usize,
    /// The most rows that a body can bring.
    pub items: usize,
}

impl Default for ResourceLimits {
    fn default() -> ResourceLimits {
        ResourceLimits {
            rows: 1_000,
            depth: 5,
            relations: 20,
            conditions: 500,
            values: 5_000,
            members: 500,
            query: 32 * 1024,
            items: 10_000,
        }
    }
}
