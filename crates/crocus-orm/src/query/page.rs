//! Pages by number, as Flask-SQLAlchemy has them.

use std::fmt;
use std::panic::Location;

use super::select::Select;
use crate::engine::Executor;
use crate::{Error, ErrorKind, Result};

/// The most rows of a page, unless [`max_per_page`](Paginate::max_per_page) says otherwise.
const MAX_PER_PAGE: u64 = 100;

/// A page of a query that is still to be read, made by [`Select::paginate`].
#[must_use = "a page is not read until `.fetch(&db)`"]
pub struct Paginate<O> {
    select: Select<O>,
    page: u64,
    per_page: u64,
    max_per_page: u64,
}

/// A page of a query's rows, and where it stands among the others.
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
///     name: String,
/// }
///
/// # let db = Engine::connect(&"sqlite::memory:".parse()?).await?;
/// # db.execute(Statement::write("CREATE TABLE cars (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", [])).await?;
/// for number in 1..=45 {
///     Car::insert(&db, NewCar { name: format!("Model {number}") }).await?;
/// }
/// let page = Car::select().order_by(Car::ID.asc()).paginate(2, 20).fetch(&db).await?;
/// assert_eq!((page.items.len(), page.items[0].id), (20, 21));
/// assert_eq!((page.total, page.pages(), page.next_num()), (45, 3, Some(3)));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<O> {
    /// The rows.
    pub items: Vec<O>,
    /// How many rows there are on all pages.
    pub total: u64,
    /// The number of this page, from 1.
    pub page: u64,
    /// The most rows that a page has, from 1.
    pub per_page: u64,
}

impl<O: Send + 'static> Select<O> {
    /// The page with this number, from 1, of so many rows each. Flask-SQLAlchemy's defaults are page 1 and 20 rows.
    ///
    /// It takes the place of a limit and an offset. Order the rows, or they may move between pages.
    pub fn paginate(self, page: u64, per_page: u64) -> Paginate<O> {
        Paginate { select: self, page, per_page, max_per_page: MAX_PER_PAGE }
    }
}

impl<O: Send + 'static> Paginate<O> {
    /// The most rows of a page: who asks for more gets so many. Otherwise 100.
    pub fn max_per_page(mut self, rows: u64) -> Self {
        self.max_per_page = rows;
        self
    }

    /// Reads the page: two statements, one for the rows and one for their number.
    ///
    /// # Errors
    /// When there is no such page ([`ErrorKind::NotFound`]), as with the number 0 or one past the last. The first page is
    /// always there. When the database does not answer, or a row does not fit.
    #[track_caller]
    pub fn fetch(self, db: &impl Executor) -> impl Future<Output = Result<Page<O>>> + Send {
        let place = Location::caller();
        async move {
            let Paginate { select, page, per_page, max_per_page } = self;
            let per_page = per_page.min(max_per_page);
            if page == 0 || per_page == 0 {
                let text = format!("there is no page {page} of {per_page} rows");
                return Err(Error::new(ErrorKind::NotFound, text).with_hint("pages and rows are counted from 1"));
            }
            let mut all = select.clone();
            (all.node.limit, all.node.offset) = (None, None);
            let items = select.limit(per_page).offset((page - 1).saturating_mul(per_page)).all_at(db, place).await?;
            if items.is_empty() && page > 1 {
                return Err(Error::new(ErrorKind::NotFound, format!("there is no page {page}")));
            }
            Ok(Page { items, total: all.count_at(db, place).await?, page, per_page })
        }
    }
}

impl<O> Page<O> {
    /// How many pages there are; none when there are no rows.
    pub fn pages(&self) -> u64 {
        self.total.div_ceil(self.per_page.max(1))
    }

    /// Whether there is a page after this one.
    pub fn has_next(&self) -> bool {
        self.page < self.pages()
    }

    /// Whether there is a page before this one.
    pub fn has_prev(&self) -> bool {
        self.page > 1
    }

    /// The number of the page after this one.
    pub fn next_num(&self) -> Option<u64> {
        self.has_next().then(|| self.page + 1)
    }

    /// The number of the page before this one.
    pub fn prev_num(&self) -> Option<u64> {
        self.has_prev().then(|| self.page - 1)
    }

    /// The number of this page's first row among all, from 1; 0 when there is none.
    pub fn first(&self) -> u64 {
        if self.items.is_empty() { 0 } else { (self.page - 1).saturating_mul(self.per_page) + 1 }
    }

    /// The number of this page's last row among all; 0 when there is none.
    pub fn last(&self) -> u64 {
        self.first().saturating_sub(1) + self.items.len() as u64
    }

    /// The numbers of the pages to link to, with `None` where some are left out: two at either end, two before this one
    /// and four after it, which are Flask-SQLAlchemy's numbers.
    pub fn iter_pages(&self) -> impl Iterator<Item = Option<u64>> + use<O> {
        self.iter_pages_with(2, 2, 4, 2)
    }

    /// The same with so many pages at the left edge, left and right of this one, and at the right edge.
    pub fn iter_pages_with(
        &self,
        left_edge: u64,
        left_current: u64,
        right_current: u64,
        right_edge: u64,
    ) -> impl Iterator<Item = Option<u64>> + use<O> {
        let (page, pages) = (self.page, self.pages());
        let ranges = [
            (1, left_edge),
            (page.saturating_sub(left_current), page.saturating_add(right_current)),
            (pages.saturating_sub(right_edge) + 1, pages),
        ];
        let mut shown = Vec::new();
        let mut last = 0;
        for (start, end) in ranges {
            for number in start.max(last + 1)..=end.min(pages) {
                if number > last + 1 {
                    shown.push(None);
                }
                shown.push(Some(number));
                last = number;
            }
        }
        if last > 0 && last < pages {
            shown.push(None);
        }
        shown.into_iter()
    }

    /// The same page with something else made of each row.
    pub fn map<T>(self, make: impl FnMut(O) -> T) -> Page<T> {
        let Page { items, total, page, per_page } = self;
        Page { items: items.into_iter().map(make).collect(), total, page, per_page }
    }
}

impl<O> Clone for Paginate<O> {
    fn clone(&self) -> Self {
        Paginate { select: self.select.clone(), ..*self }
    }
}

impl<O> fmt::Debug for Paginate<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paginate").field("page", &self.page).field("per_page", &self.per_page).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Page;

    /// `1 2 .. 5 [6] 7`
    fn shown(page: u64, pages: u64, edges: [u64; 4]) -> String {
        let [left_edge, left_current, right_current, right_edge] = edges;
        let page = Page::<()> { items: Vec::new(), total: pages, page, per_page: 1 };
        let numbers = page.iter_pages_with(left_edge, left_current, right_current, right_edge);
        let words: Vec<_> = numbers
            .map(|number| match number {
                None => "..".to_owned(),
                Some(number) if number == page.page => format!("[{number}]"),
                Some(number) => number.to_string(),
            })
            .collect();
        words.join(" ")
    }

    #[test]
    fn the_pages_to_link_to() {
        for (page, pages, edges, expected) in [
            (1, 0, [2, 2, 4, 2], ""),
            (1, 1, [2, 2, 4, 2], "[1]"),
            (1, 20, [2, 2, 4, 2], "[1] 2 3 4 5 .. 19 20"),
            (10, 20, [2, 2, 4, 2], "1 2 .. 8 9 [10] 11 12 13 14 .. 19 20"),
            (5, 20, [2, 2, 4, 2], "1 2 3 4 [5] 6 7 8 9 .. 19 20"),
            (20, 20, [2, 2, 4, 2], "1 2 .. 18 19 [20]"),
            (14, 20, [2, 2, 4, 2], "1 2 .. 12 13 [14] 15 16 17 18 19 20"),
            (3, 9, [0, 1, 1, 0], ".. 2 [3] 4 .."),
            (4, 9, [1, 0, 0, 1], "1 .. [4] .. 9"),
            (1, u64::MAX, [1, 0, 1, 1], "[1] 2 .. 18446744073709551615"),
        ] {
            assert_eq!(shown(page, pages, edges), expected, "{page} of {pages}");
        }
    }
}
