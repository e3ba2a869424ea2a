//! What the database does by itself to rows behind foreign keys, when the rows that they point to are deleted or get
//! another key: told before a flush to its plan, and after it to the objects.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use super::Session;
use super::flush::Written;
use super::plan::{Change, Kind, Subject, TableId, id_of, indexes};
use super::returned::FreshRow;
use super::slot::{NULL, text_of};
use crate::table::{ForeignKeyDef, ReferentialAction};
use crate::value::{Value, same};

/// What the database did to a row that points to another.
pub(super) enum Follow {
    Remove,
    Expire,
    Change(Vec<(usize, Value)>),
}

impl Session {
    /// Tells each deletion which of the session's rows go with it: their unique values are free after it.
    pub(super) fn add_cascades<'a>(&self, changes: impl Iterator<Item = &'a mut Change>) {
        let deletions: Vec<_> = changes.filter(|change| change.kind == Kind::Delete).collect();
        if deletions.is_empty() {
            return;
        }
        let mut behind: HashMap<(TableId, String), Vec<usize>> = HashMap::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let cascades = |key: &&ForeignKeyDef| key.on_delete == ReferentialAction::Cascade;
            for key in slot.table().foreign_keys.iter().filter(cascades) {
                let columns = indexes(slot.table(), key.columns);
                if let Some(row) = slot.stored()
                    && let Some(text) = text_of(columns.iter().map(|column| &row[*column]))
                {
                    behind.entry((id_of((key.target)()), text)).or_default().push(index);
                }
            }
        }
        for change in deletions {
            let key = change.table.key_indexes().filter_map(|column| change.before(column));
            let mut work: Vec<_> = text_of(key).map(|text| (id_of(change.table), text)).into_iter().collect();
            let mut seen = HashSet::new();
            while let Some(place) = work.pop() {
                for index in behind.get(&place).into_iter().flatten().filter(|index| seen.insert(**index)) {
                    let (table, Some(row)) = (self.slots[*index].table(), self.slots[*index].stored()) else {
                        continue;
                    };
                    let key = table.key_indexes().map(|column| &row[column]);
                    work.extend(text_of(key).map(|text| (id_of(table), text)));
                    if let Some(stored) = &mut change.stored {
                        stored.cascades.push((table, row));
                    }
                }
            }
        }
    }

    /// The objects whose rows the database has changed by itself, since they point to rows that were deleted or got
    /// another key.
    pub(super) fn followers(&self, written: &[Written]) -> HashMap<usize, Follow> {
        let mut followers: HashMap<usize, Follow> = HashMap::new();
        // Rows that are gone, or have another key: the table, the key that was, the key that is.
        let mut work: Vec<(TableId, String, Option<Vec<Value>>)> = Vec::new();
        for (change, fresh) in written.iter().flat_map(Written::each).filter(|(change, _)| change.kind != Kind::Insert)
        {
            if let Subject::Object(_) = change.subject {
                let key: Vec<_> = change.table.key_indexes().collect();
                let now = fresh.map(FreshRow::values);
                let keeps = |now: &Vec<Value>| {
                    let is_kept = |before: &Value, column: usize| same(before, &now[column]);
                    key.iter().all(|column| change.before(*column).is_some_and(|before| is_kept(before, *column)))
                };
                if now.as_ref().is_some_and(keeps) {
                    continue;
                }
                let old = text_of(key.iter().filter_map(|column| change.before(*column)));
                let new: Option<Vec<_>> = now.map(|now| key.iter().map(|column| now[*column].clone()).collect());
                if let Some(old) = old.filter(|old| !old.is_empty()) {
                    work.push((id_of(change.table), old, new));
                }
            }
        }
        if work.is_empty() {
            return followers;
        }
        let news: HashMap<usize, Option<FreshRow<'_>>> = written
            .iter()
            .flat_map(Written::each)
            .filter_map(|(change, fresh)| match change.subject {
                Subject::Object(slot) => Some((slot, fresh)),
                Subject::Association(_) => None,
            })
            .collect();
        let arrived: HashSet<(TableId, String)> = written
            .iter()
            .flat_map(Written::each)
            .filter_map(|(change, fresh)| {
                let values = fresh.filter(|_| change.kind == Kind::Insert)?.values();
                Some((id_of(change.table), text_of(change.table.key_indexes().map(|column| &values[column]))?))
            })
            .collect();
        let mut pointing: HashMap<(TableId, String), Vec<(usize, &'static ForeignKeyDef)>> = HashMap::new();
        for (index, slot) in self.slots.iter().enumerate().filter(|(_, slot)| !slot.table().foreign_keys.is_empty()) {
            let row = slot.stored();
            let now = match news.get(&index) {
                Some(None) => continue,
                Some(Some(fresh)) => Some(fresh.values()),
                None => row.clone(),
            };
            for key in slot.table().foreign_keys {
                let columns = indexes(slot.table(), key.columns);
                let text = |row: &Vec<Value>| text_of(columns.iter().map(|column| &row[*column]));
                let Some(place) = now.as_ref().and_then(text).map(|text| (id_of((key.target)()), text)) else {
                    continue;
                };
                // A row that was pointed to a key after that was taken over points to the new owner.
                let moved = row.as_ref().and_then(text).as_ref() != Some(&place.1);
                if !(moved && arrived.contains(&place)) {
                    pointing.entry(place).or_default().push((index, key));
                }
            }
        }
        while let Some((table, old, new)) = work.pop() {
            for (index, key) in pointing.get(&(table, old)).into_iter().flatten() {
                let slot = &self.slots[*index];
                let table = slot.table();
                let own_key = || {
                    let row = slot.stored().unwrap_or_default();
                    text_of(table.key_indexes().map(|column| &row[column])).unwrap_or_default()
                };
                let values: Vec<(usize, Value)> =
                    match (&new, if new.is_none() { key.on_delete } else { key.on_update }) {
                        (_, ReferentialAction::NoAction | ReferentialAction::Restrict) => continue,
                        (None, ReferentialAction::Cascade) => {
                            if !matches!(followers.insert(*index, Follow::Remove), Some(Follow::Remove)) {
                                work.push((id_of(table), own_key(), None));
                            }
                            continue;
                        }
                        (Some(new), ReferentialAction::Cascade) => {
                            indexes(table, key.columns).into_iter().zip(new.iter().cloned()).collect()
                        }
                        // Which columns, depends on the database.
                        (None, ReferentialAction::SetNull) if !key.on_delete_columns.is_empty() => {
                            followers.entry(*index).or_insert(Follow::Expire);
                            continue;
                        }
                        (_, ReferentialAction::SetNull) => {
                            let columns = indexes(table, key.columns).into_iter();
                            let row = slot.stored().unwrap_or_default();
                            columns.map(|column| (column, row.get(column).map_or(NULL, Value::as_null))).collect()
                        }
                        (_, ReferentialAction::SetDefault) => {
                            followers.entry(*index).or_insert(Follow::Expire);
                            continue;
                        }
                    };
                if table.columns.iter().any(|column| column.generated.is_some()) {
                    followers.entry(*index).or_insert(Follow::Expire);
                    continue;
                }
                if values.iter().any(|(column, _)| table.columns[*column].primary_key) {
                    let mut row = slot.stored().unwrap_or_default();
                    for (column, value) in &values {
                        row[*column] = value.clone();
                    }
                    let new = table.key_indexes().map(|column| row[column].clone()).collect();
                    work.push((id_of(table), own_key(), Some(new)));
                }
                match followers.entry(*index).or_insert_with(|| Follow::Change(Vec::new())) {
                    Follow::Change(all) => all.extend(values),
                    Follow::Remove | Follow::Expire => {}
                }
            }
        }
        followers
    }
}
