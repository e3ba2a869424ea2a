//! What can go wrong with a migration, said before it runs. Pure: operations, the schema before them and the dialect
//! in, findings out. What each code means is in `lint/code.rs`, what is found of a step in `lint/judge.rs`.

mod code;
mod downgrade;
mod judge;

use std::fmt;

use crocus_orm::Dialect;

pub use code::{Category, Code, reference};

use crate::operation::Operation;
use crate::operations::Operations;
use crate::revision::Migration;
use crate::schema::Schema;
use crate::{Error, ErrorKind, Result};
use judge::Judge;
pub(crate) use judge::rewrites;

/// Something that can go wrong with a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its kind.
    pub code: Code,
    /// The revision.
    pub revision: String,
    /// The name of the revision's file.
    pub file: String,
    /// The step of `upgrade`, counted from 1; the revision as a whole when there is none.
    pub step: Option<usize>,
    /// What happens: ``drops the column `cars.model` with its values``.
    pub what: String,
    /// The reason that the file gives for doing it all the same.
    pub acknowledged: Option<String>,
}

/// What a file says about a finding of its next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// How many steps come before it.
    pub(crate) before: usize,
    pub(crate) code: String,
    pub(crate) why: String,
}

impl Finding {
    /// The line that acknowledges it, where one does.
    pub fn override_line(&self) -> Option<String> {
        let can = self.code.category() != Category::Acknowledgement;
        can.then(|| format!("op.allow(\"{}\", \"why\");", self.code))
    }
}

impl fmt::Display for Finding {
    /// `` 3f9a1c27b6d0, step 2: drop-column: drops the column `cars.model` with its values``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.revision)?;
        if let Some(step) = self.step {
            write!(f, ", step {step}")?;
        }
        write!(f, ": {}: {}", self.code, self.what)
    }
}

/// What can go wrong with those migrations of a history that are `judged`. They are given in their order, with all that
/// come before them.
pub fn lint_history<'a>(
    migrations: impl IntoIterator<Item = &'a Migration>,
    dialect: Dialect,
    judged: impl Fn(&Migration) -> bool,
) -> Vec<Finding> {
    let mut schema = Schema::default();
    let mut findings = Vec::new();
    for migration in migrations {
        if judged(migration) {
            findings.extend(lint(&schema, migration, dialect));
        }
        let mut upgrade = Operations::default();
        (migration.upgrade)(&mut upgrade);
        schema.apply_known(&upgrade.list);
    }
    findings
}

/// Refuses destructive steps that nobody has acknowledged, neither in the file nor, for this once, by `allow`.
pub(crate) fn check_destructive(findings: &[Finding], allow: &[Code]) -> Result<()> {
    let refused: Vec<_> = findings
        .iter()
        .filter(|finding| finding.code.category() == Category::Destructive)
        .filter(|finding| finding.acknowledged.is_none() && !allow.contains(&finding.code))
        .collect();
    let Some(first) = refused.first() else { return Ok(()) };
    let what = |finding: &&Finding| {
        let step = finding.step.map(|step| format!(", step {step}")).unwrap_or_default();
        format!("the revision {} {} (`{}`{step})", finding.revision, finding.what, finding.file)
    };
    let all: Vec<_> = refused.iter().map(what).collect();
    let mut codes: Vec<_> = refused.iter().map(|finding| format!("--allow {}", finding.code)).collect();
    codes.dedup();
    let text = format!("{}, and nobody has acknowledged it", all.join("; "));
    let line = first.override_line().unwrap_or_default();
    let hint = format!(
        "nothing was run; add `{line}` before the step in the file and build the program again, or acknowledge it this \
         once with `db upgrade {}`",
        codes.join(" ")
    );
    Err(Error::new(ErrorKind::Unacknowledged, text).with_hint(hint))
}

/// What can go wrong with a migration's upgrade, and whether there is a way back. `before` is the schema that it finds.
pub fn lint(before: &Schema, migration: &Migration, dialect: Dialect) -> Vec<Finding> {
    let (mut upgrade, mut downgrade) = (Operations::default(), Operations::default());
    (migration.upgrade)(&mut upgrade);
    (migration.downgrade)(&mut downgrade);
    let finding = |step, (code, what)| Finding {
        code,
        revision: migration.revision.to_owned(),
        file: migration.file.to_owned(),
        step,
        what,
        acknowledged: None,
    };
    let mut findings = lint_operations(before, migration.revision, migration.file, &upgrade.list, dialect);
    let mut after = before.clone();
    after.apply_known(&upgrade.list);
    let way_back = downgrade::judge(before, after, &upgrade, &downgrade);
    let mut of_revision: Vec<_> = way_back.into_iter().map(|found| finding(None, found)).collect();
    let unused = acknowledge(&mut findings, &upgrade.allowed, dialect, |finding, allowance| {
        finding.step == Some(allowance.before + 1)
    });
    let unused_below = acknowledge(&mut of_revision, &downgrade.allowed, dialect, |_, _| true);
    findings.extend(unused.into_iter().map(|(step, found)| finding(Some(step), found)));
    findings.sort_by_key(|finding| finding.step);
    findings.extend(of_revision);
    findings.extend(unused_below.into_iter().map(|(_, found)| finding(None, found)));
    findings
}

/// What there is to say about a way back, of steps that lead from the one schema to the other.
pub(crate) fn way_back(before: &Schema, after: Schema, upgrade: &Operations, downgrade: &Operations) -> Option<Code> {
    downgrade::judge(before, after, upgrade, downgrade).map(|(code, _)| code)
}

/// What can go wrong with operations, one after the other, as the `upgrade` of a revision's file.
pub fn lint_operations(
    before: &Schema,
    revision: &str,
    file: &str,
    operations: &[Operation],
    dialect: Dialect,
) -> Vec<Finding> {
    let mut judge = Judge::new(before.clone(), dialect);
    let mut findings = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        findings.extend(judge.step(operation).into_iter().map(|(code, what)| Finding {
            code,
            revision: revision.to_owned(),
            file: file.to_owned(),
            step: Some(index + 1),
            what,
            acknowledged: None,
        }));
    }
    findings
}

/// Notes what is acknowledged, and gives the acknowledgements that are for nothing, with the steps that follow them.
fn acknowledge(
    findings: &mut [Finding],
    allowed: &[Allowance],
    dialect: Dialect,
    is_for: impl Fn(&Finding, &Allowance) -> bool,
) -> Vec<(usize, (Code, String))> {
    let mut unused = Vec::new();
    for allowance in allowed {
        let step = allowance.before + 1;
        let Some(code) = Code::named(&allowance.code) else {
            unused.push((step, (Code::UnknownCode, format!("there is no code `{}`", allowance.code))));
            continue;
        };
        if allowance.why.trim().is_empty() {
            unused.push((step, (Code::UnusedAllow, format!("`{code}` is acknowledged without a reason"))));
            continue;
        }
        let found = findings.iter_mut().filter(|finding| finding.code == code && is_for(finding, allowance));
        let mut count = 0;
        for finding in found {
            finding.acknowledged = Some(allowance.why.clone());
            count += 1;
        }
        // On another dialect it may be for something.
        if count == 0 && code.concerns(dialect) {
            unused.push((step, (Code::UnusedAllow, format!("`{code}` is acknowledged, and not found there"))));
        }
    }
    unused
}
