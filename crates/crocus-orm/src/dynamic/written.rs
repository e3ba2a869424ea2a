//! Inserts in a transaction, of which more is told: which rows were there already, and which row it is that the database
//! refuses.

use futures_util::FutureExt;

use super::insert::{DynamicInsert, OnConflict, refused_twins, twins};
use super::{Input, TableRow};
use crate::transaction::Part;
use crate::{Error, ErrorKind, Result, Transaction};

/// A row that an insert has written.
#[derive(Debug)]
pub struct Written {
    /// What the database has of it now.
    pub row: TableRow,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// Rows, with their places among all.
type Placed = Vec<(usize, Input)>;

impl DynamicInsert {
    /// Runs it, and gives for each row, in their order, what the database has of it then, and whether it is new: none
    /// where a conflict has left the row that is there.
    ///
    /// To know which rows are new, those that may be there are first inserted without an update. A row whose key the
    /// database makes is new.
    ///
    /// # Errors
    /// As for [`returning`](DynamicInsert::returning). Where the database refuses a row, [`Error::index`] is its place;
    /// to find it, rows are sent again. The transaction can only be rolled back then, to a savepoint or whole.
    pub async fn written(self, transaction: &Transaction) -> Result<Vec<Option<Written>>> {
        let mut all: Vec<Option<Written>> = (0..self.rows.len()).map(|_| None).collect();
        let mut insert = self;
        let mut rows: Placed = std::mem::take(&mut insert.rows).into_iter().enumerate().collect();
        let mut write = async |rows: Placed, action: Option<OnConflict>, is_new: bool| -> Result<Placed> {
            if rows.is_empty() {
                return Ok(rows);
            }
            let written = insert.located(&rows, action, transaction).await?;
            let mut left = Vec::new();
            for (placed, row) in rows.into_iter().zip(written) {
                match row {
                    Some(row) => all[placed.0] = Some(Written { row, is_new }),
                    None => left.push(placed),
                }
            }
            Ok(left)
        };
        match insert.conflict.as_ref() {
            Some((columns, OnConflict::Update)) => {
                let inputs: Vec<Input> = rows.iter().map(|(_, row)| row.clone()).collect();
                if let Some((later, first)) = twins(columns, &inputs).iter().min() {
                    return Err(refused_twins(insert.table, columns, *first, *later));
                }
                let is_numbered = |row: &Input| {
                    let mut numbered = columns.iter().filter(|column| insert.table.columns[**column].identity);
                    numbered.any(|column| row.assignments.iter().all(|(given, _)| given != column))
                };
                let (numbered, given): (Placed, Placed) = rows.drain(..).partition(|(_, row)| is_numbered(row));
                let there = write(given, Some(OnConflict::Nothing), true).await?;
                write(there, Some(OnConflict::Update), false).await?;
                write(numbered, None, true).await?;
            }
            conflict => drop(write(rows, conflict.map(|(_, action)| *action), true).await?),
        }
        Ok(all)
    }

    /// Inserts these rows in a savepoint. Where the database refuses one, the error has its place.
    async fn located(
        &self,
        rows: &[(usize, Input)],
        action: Option<OnConflict>,
        transaction: &Transaction,
    ) -> Result<Vec<Option<TableRow>>> {
        let insert = |rows: &[(usize, Input)]| {
            let rows = rows.iter().map(|(_, row)| row.clone()).collect();
            let conflict = self.conflict.as_ref().zip(action).map(|((columns, _), action)| (columns.clone(), action));
            let filter = if action == Some(OnConflict::Update) { self.filter.clone() } else { Vec::new() };
            // Boxed: it is awaited in several places, each of which would take room for it.
            DynamicInsert { table: self.table, rows, conflict, filter }.returning(transaction).boxed()
        };
        if let [(place, _)] = rows {
            return insert(rows).await.map_err(|error| error.with_index(*place));
        }
        let part = Part::open(transaction)?;
        let refused = match insert(rows).await {
            Ok(written) => return part.release().map(|()| written),
            Err(error) if is_of_a_row(&error) => error.without_index(),
            Err(error) => return Err(error.without_index()),
        };
        part.roll_back()?;
        // By halves: of those before `first` none is refused, and of those before `end` one is.
        let whole = Part::open(transaction)?;
        let (mut first, mut end) = (0, rows.len());
        while first < end {
            let middle = first + (end - first).div_ceil(2);
            let part = Part::open(transaction)?;
            match insert(&rows[first..middle]).await {
                Ok(_) => {
                    part.release()?;
                    first = middle;
                }
                Err(error) if !is_of_a_row(&error) => return Err(error.without_index()),
                Err(error) if middle - first == 1 => {
                    whole.roll_back()?;
                    return Err(error.with_index(rows[first].0));
                }
                Err(_) => {
                    part.roll_back()?;
                    end = middle;
                }
            }
        }
        whole.roll_back()?;
        Err(refused)
    }
}

/// Whether it may be one row that the database refuses.
fn is_of_a_row(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(
        error.kind(),
        K::UniqueViolation | K::ForeignKeyViolation | K::NotNullViolation | K::CheckViolation | K::InvalidValue
    )
}
