//! Squashing: one migration that does what a range of the history does, in fewer steps. Pure.
//!
//! What the steps come to is the business of `squash/steps.rs`, which revisions can be one that of `squash/line.rs`.

mod line;
mod steps;
#[cfg(test)]
mod tests;

use crocus_orm::Dialect;

use crate::head::Head;
use crate::history::Applied;
use crate::lint::{self, Allowance};
use crate::operation::Operation;
use crate::operations::Operations;
use crate::revision::{Graph, Migration, Placement, Places};
use crate::schema::Schema;
use crate::{Error, ErrorKind, Result, render};
use steps::{Step, shorten};

/// A migration that stands for others.
#[derive(Debug)]
pub struct Squashed<'a> {
    /// The head of its file.
    pub head: Head,
    /// Those that it replaces, in their order.
    pub replaced: Vec<&'a Migration>,
    upgrade: Operations,
    downgrade: Operations,
}

impl Graph {
    /// One migration in place of those from `a` to `b` of `a:b`, both included; `a:` is up to the head, `:b` from the first.
    ///
    /// A table that they make is made as it is in the end, and one that they drop is only dropped. The steps on tables that
    /// are there before and after stay as they are, in their order: rows may depend on it. So does SQL, and what stands
    /// before and after it is squashed by itself.
    ///
    /// # Errors
    /// When the range is not a line of the history, has a squashed migration in it, or a data step in Rust, which cannot be
    /// written down.
    pub fn squash(&self, range: &str, message: &str, rev_id: Option<&str>, applied: &Applied) -> Result<Squashed<'_>> {
        let line = self.line(range, applied)?;
        self.check_names(&Placement { rev_id, ..Placement::default() })?;
        let replaced: Vec<_> = line.iter().map(|at| &self.ordered()[*at]).collect();
        let ways = replaced.iter().map(|migration| Way::of(migration)).collect::<Result<Vec<_>>>()?;
        let mut before = Schema::default();
        let earlier: Places = self.with_ancestors(&line.iter().copied().collect());
        for migration in self
            .migrations(&earlier)
            .iter()
            .filter(|earlier| !replaced.iter().any(|it| it.revision == earlier.revision))
        {
            before.apply_known(&migration.operations(migration.upgrade)?);
        }
        let mut after = before.clone();
        let upgrade = shorten(&mut after, ways.iter().flat_map(|way| steps_of(&way.upgrade)));
        let irreversible = ways.iter().rev().filter_map(Way::irreversible).collect::<Vec<_>>().join("; ");
        let downgrade = match irreversible.is_empty() {
            true => shorten(&mut after.clone(), ways.iter().rev().flat_map(|way| steps_of(&way.downgrade))),
            false => Vec::new(),
        };
        let upgrade = collected(&before, upgrade);
        let mut downgrade = Operations {
            list: downgrade.into_iter().map(|step| step.operation).collect(),
            irreversible: (!irreversible.is_empty()).then_some(irreversible),
            allowed: Vec::new(),
        };
        let found = lint::way_back(&before, after, &upgrade, &downgrade);
        let mut allowed = ways.into_iter().flat_map(|way| way.downgrade.allowed);
        downgrade.allowed.extend(allowed.find(|it| found.is_some_and(|code| code.name() == it.code)));
        downgrade.allowed.iter_mut().for_each(|allowance| allowance.before = 0);
        Ok(Squashed { head: self.squashed_head(&replaced, message, rev_id), replaced, upgrade, downgrade })
    }

    fn squashed_head(&self, replaced: &[&Migration], message: &str, rev_id: Option<&str>) -> Head {
        let mut head = Head::new(message, &[]);
        if let Some(first) = replaced.first() {
            head.down_revisions = self.followed(first).into_iter().map(str::to_owned).collect();
        }
        if let Some(revision) = rev_id {
            revision.clone_into(&mut head.revision);
        }
        for migration in replaced {
            head.labels.extend(migration.labels.iter().map(|&label| label.to_owned()));
            let inside = |name: &&&str| replaced.iter().any(|it| it.revision == **name || it.labels.contains(*name));
            let new: Vec<_> =
                migration.depends_on.iter().filter(|name| !inside(name)).copied().map(str::to_owned).collect();
            head.depends_on.extend(new.into_iter().filter(|name| !head.depends_on.contains(name)).collect::<Vec<_>>());
            head.replaces.push(migration.revision.to_owned());
        }
        head
    }
}

impl Squashed<'_> {
    /// The text of its file.
    pub fn render(&self) -> String {
        render::written(&self.head, &self.upgrade, &self.downgrade)
    }

    /// The steps of its upgrade.
    pub fn upgrade(&self) -> &[Operation] {
        &self.upgrade.list
    }

    /// The steps of its downgrade; none where there is no way back.
    pub fn downgrade(&self) -> &[Operation] {
        &self.downgrade.list
    }

    /// How many the upgrades of those have that it replaces.
    pub fn steps_before(&self) -> usize {
        let steps = |migration: &&Migration| migration.operations(migration.upgrade).map_or(0, |steps| steps.len());
        self.replaced.iter().map(steps).sum()
    }
}

/// What a migration does, both ways.
struct Way<'a> {
    migration: &'a Migration,
    upgrade: Operations,
    downgrade: Operations,
}

impl Way<'_> {
    fn of(migration: &Migration) -> Result<Way<'_>> {
        // What is no upgrade at all says so here.
        migration.operations(migration.upgrade)?;
        let (mut upgrade, mut downgrade) = (Operations::default(), Operations::default());
        (migration.upgrade)(&mut upgrade);
        (migration.downgrade)(&mut downgrade);
        let mut all = upgrade.list.iter().chain(&downgrade.list);
        if let Some(step) = all.find(|operation| matches!(operation, Operation::Run(_))) {
            let text = format!(
                "the revision {} ({}) cannot be squashed: `{step}` is Rust, which cannot be written down",
                migration.revision,
                migration.title()
            );
            let hint = "squash what comes before it, and what comes after it: each range by itself";
            return Err(Error::new(ErrorKind::Revision, text).with_hint(hint));
        }
        Ok(Way { migration, upgrade, downgrade })
    }

    /// Why there is no way back over it.
    fn irreversible(&self) -> Option<String> {
        let why = self.downgrade.irreversible.as_ref()?;
        Some(format!("{} ({}): {why}", self.migration.revision, self.migration.title()))
    }
}

fn steps_of(operations: &Operations) -> impl Iterator<Item = Step> {
    operations.list.iter().enumerate().map(|(index, operation)| {
        let allowed = operations.allowed.iter().filter(move |allowance| allowance.before == index);
        Step { operation: operation.clone(), allowed: allowed.cloned().collect() }
    })
}

/// Steps, with those acknowledgements that are still for something.
fn collected(before: &Schema, steps: Vec<Step>) -> Operations {
    let (list, allowed): (Vec<_>, Vec<_>) = steps.into_iter().map(|step| (step.operation, step.allowed)).unzip();
    let findings: Vec<_> = [Dialect::Sqlite, Dialect::Postgres]
        .into_iter()
        .flat_map(|dialect| lint::lint_operations(before, "", "", &list, dialect))
        .collect();
    let allowed = allowed.into_iter().enumerate().flat_map(|(index, allowed)| {
        allowed.into_iter().map(move |allowance| Allowance { before: index, ..allowance })
    });
    let is_for = |allowance: &Allowance| {
        findings.iter().any(|it| it.step == Some(allowance.before + 1) && it.code.name() == allowance.code)
    };
    let allowed = allowed.filter(is_for).collect();
    Operations { list, irreversible: None, allowed }
}
