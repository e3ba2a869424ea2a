//! What the database has, no model declares and no migration has made: it stays, and a person may want to know that.

use super::indexes::stays;
use super::{Comparison, Ours};
use crate::history::TABLE;
use crate::schema::{Schema, Table, Unmanaged};

/// How many of a kind are named; of more the number is said.
const NAMED: usize = 10;

/// The kinds in the order in which they are told, each with its plural.
const KINDS: [(&str, &str); 11] = [
    ("table", "tables"),
    ("view", "views"),
    ("materialized view", "materialized views"),
    ("foreign table", "foreign tables"),
    ("virtual table", "virtual tables"),
    ("table of an extension", "tables of extensions"),
    ("sequence", "sequences"),
    ("enum type", "enum types"),
    ("index", "indexes"),
    ("exclusion constraint", "exclusion constraints"),
    ("trigger", "triggers"),
];

pub(super) fn find(models: &Schema, declared: &Schema, actual: &Schema, ours: &Ours) -> Vec<Unmanaged> {
    let is_theirs = |table: &&Table| {
        models.table(&table.name).is_none() && !ours.tables.contains(&table.name) && table.name.name != TABLE
    };
    let tables = actual.tables.iter().filter(is_theirs);
    // What belongs to a table goes without saying where the table is said, or is managed with its partitions.
    let belongs_to_ours = |found: &&Unmanaged| {
        found.kind != "partition" && found.table.as_ref().is_none_or(|table| models.table(table).is_some())
    };
    let enums = actual.enums.iter().filter(|found| {
        let is_known = models.enumeration(&found.name).is_some() || ours.enums.contains(&found.name);
        !is_known && !actual.tables.iter().any(|table| table.has_enum(&found.name))
    });
    let indexes = models.tables.iter().flat_map(|model| {
        let both = declared.table(&model.name).zip(actual.table(&model.name));
        both.into_iter().flat_map(move |(declared, actual)| {
            // One that is not complete has a note of its own.
            let stay = actual.indexes.iter().filter(move |index| index.valid && stays(model, declared, index, ours));
            stay.map(|index| Unmanaged {
                kind: "index",
                name: index.name.as_str().into(),
                table: Some(model.name.clone()),
            })
        })
    });
    let mut found: Vec<_> = tables
        .map(|table| Unmanaged { kind: "table", name: table.name.clone(), table: None })
        .chain(actual.unmanaged.iter().filter(belongs_to_ours).cloned())
        .chain(enums.map(|found| Unmanaged { kind: "enum type", name: found.name.as_str().into(), table: None }))
        .chain(indexes)
        .collect();
    found.sort();
    found
}

impl Comparison {
    /// What is left alone, in a few words: `tables alembic_version, spatial_ref_sys; view cars_by_maker`. `None` when
    /// there is nothing.
    pub fn ignored_in_words(&self) -> Option<String> {
        let kinds = KINDS.iter().filter_map(|(kind, plural)| {
            let found: Vec<_> = self.ignored.iter().filter(|found| found.kind == *kind).collect();
            let mut names: Vec<_> = found.iter().take(NAMED).map(|found| found.in_words()).collect();
            if found.len() > NAMED {
                names.push(format!("and {} more", found.len() - NAMED));
            }
            let kind = if found.len() == 1 { kind } else { plural };
            (!found.is_empty()).then(|| format!("{kind} {}", names.join(", ")))
        });
        let kinds: Vec<_> = kinds.collect();
        (!kinds.is_empty()).then(|| kinds.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_said_in_few_words() {
        let found = |kind: &'static str, name: &str, table: Option<&str>| Unmanaged {
            kind,
            name: name.into(),
            table: table.map(Into::into),
        };
        let mut ignored = vec![
            found("trigger", "stamp", Some("cars")),
            found("view", "by_name", None),
            found("table", "alembic_version", None),
            found("view", "by_maker", None),
        ];
        let words = |ignored: &Vec<Unmanaged>| {
            Comparison { ignored: ignored.clone(), ..Comparison::default() }.ignored_in_words()
        };
        assert_eq!(words(&ignored).unwrap(), "table alembic_version; views by_name, by_maker; trigger stamp on cars");
        ignored.extend((0..12).map(|number| found("sequence", &format!("s{number}"), None)));
        let many = words(&ignored).unwrap();
        assert!(many.contains("; sequences s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, and 2 more; "), "{many}");
        assert_eq!(words(&Vec::new()), None);
    }
}
