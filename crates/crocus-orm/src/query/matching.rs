//! Rows that come back from a write: which belongs to which row that was sent. Neither database promises to give them
//! back in the order in which they were sent.

use std::collections::{HashMap, VecDeque};

use crate::value::{Value, same};

/// The columns by which rows are told from each other.
pub(crate) struct Told {
    /// The columns of a key.
    pub(crate) key: Vec<usize>,
    /// The columns that were written.
    pub(crate) written: Vec<usize>,
}

/// The row of each that was sent, in their order.
///
/// A row belongs to the one that sent its key, or, where the database makes the key, that sent its values: those that
/// sent the same are all the same. What the database has changed on its way is told by the order of the keys, which both
/// give in the order of VALUES.
pub(crate) fn matched<S, R>(
    told: Told,
    sent: &[S],
    expected: impl Fn(&S, usize) -> Option<&Value>,
    mut rows: Vec<R>,
    values: impl Fn(&R) -> &[Value],
) -> Vec<Option<R>> {
    let Told { key, written } = told;
    let by_key = sent.first().is_some_and(|first| key.iter().all(|column| expected(first, *column).is_some()));
    if !by_key {
        rows.sort_by(|one, other| {
            let (one, other) = (values(one), values(other));
            key.iter().map(|column| number(&one[*column])).cmp(key.iter().map(|column| number(&other[*column])))
        });
    }
    let columns = if by_key { key } else { written };
    let is_its = |sent: &S, row: &R| {
        columns.iter().all(|column| expected(sent, *column).is_some_and(|sent| same(sent, &values(row)[*column])))
    };
    if rows.len() == sent.len() && sent.iter().zip(&rows).all(|(sent, row)| is_its(sent, row)) {
        return rows.into_iter().map(Some).collect();
    }
    let mut places: HashMap<String, VecDeque<usize>> = HashMap::new();
    for (place, row) in rows.iter().enumerate() {
        let values: Vec<_> = columns.iter().map(|column| &values(row)[*column]).collect();
        places.entry(format!("{values:?}")).or_default().push_back(place);
    }
    let mut rows: Vec<_> = rows.into_iter().map(Some).collect();
    let mut matched: Vec<Option<R>> = Vec::with_capacity(sent.len());
    for sent in sent {
        let values: Vec<_> = columns.iter().filter_map(|column| expected(sent, *column)).collect();
        let place = places.get_mut(&format!("{values:?}")).and_then(VecDeque::pop_front);
        matched.push(place.and_then(|place| rows[place].take()));
    }
    let left: Vec<_> = rows.into_iter().flatten().collect();
    let unmatched = matched.iter_mut().filter(|row| row.is_none());
    // Of rows that were found by their keys, only one can be told from none.
    if !by_key || left.len() == 1 {
        unmatched.zip(left).for_each(|(row, fresh)| *row = Some(fresh));
    }
    matched
}

fn number(value: &Value) -> i64 {
    match value {
        Value::SmallInt(Some(number)) => i64::from(*number),
        Value::Int(Some(number)) => i64::from(*number),
        Value::BigInt(Some(number)) => *number,
        _ => 0,
    }
}
