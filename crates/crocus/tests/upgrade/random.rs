//! Random revisions: five of them, with steps of every kind, the same for the same seed. Each step leaves a mark, which
//! tells whether it was done, and how often; so does what undoes it.

use crocus::migrate::prelude::*;
use crocus::migrate::{Direction, Migration, Operation};

use crate::program::VARIABLE;

pub(crate) const REVISIONS: [(&str, &[&str]); 5] =
    [("r0", &[]), ("r1", &["r0"]), ("r2", &["r1"]), ("r3", &["r2"]), ("r4", &["r3"])];

/// The program with these migrations is called `random:SEED`.
pub(crate) const PROGRAM: &str = "random:";

/// The one whose steps leave no marks: no SQL is among them, of which nobody knows what undoes it.
pub(crate) const UNMARKED: &str = "random_unmarked:";

/// How a revision is applied, and undone.
type Ways = [fn(&mut Operations); 2];

pub(crate) fn migrations() -> Vec<Migration> {
    let ways: [Ways; 5] = [
        [tables, |op| op.irreversible("it is a test")],
        [|op| upgrade(op, seed(), 1), |op| downgrade(op, seed(), 1)],
        [|op| upgrade(op, seed(), 2), |op| downgrade(op, seed(), 2)],
        [|op| upgrade(op, seed(), 3), |op| downgrade(op, seed(), 3)],
        [|op| upgrade(op, seed(), 4), |op| downgrade(op, seed(), 4)],
    ];
    let migration = |((revision, down_revisions), [upgrade, downgrade]): ((&'static str, _), Ways)| Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "random",
        created: "",
        file: "",
        upgrade,
        downgrade,
    };
    REVISIONS.into_iter().zip(ways).map(migration).collect()
}

/// The operations of a revision.
pub(crate) fn operations(seed: u64, revision: u64, direction: Direction) -> Vec<Operation> {
    let mut op = Operations::default();
    match (revision, direction) {
        (0, _) => tables(&mut op),
        (revision, Direction::Upgrade) => upgrade(&mut op, seed, revision),
        (revision, Direction::Downgrade) => downgrade(&mut op, seed, revision),
    }
    op.list().to_vec()
}

/// The mark that an operation leaves, where it is one that does.
pub(crate) fn mark(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Execute { sql, .. } => sql.strip_prefix("INSERT INTO marks VALUES ('")?.strip_suffix("')"),
        _ => None,
    }
}

fn seed() -> u64 {
    let program = std::env::var(VARIABLE).unwrap();
    program.rsplit(':').next().and_then(|seed| seed.parse().ok()).unwrap()
}

fn leave_mark(op: &mut Operations, mark: &str) {
    if !std::env::var(VARIABLE).is_ok_and(|program| program.starts_with(UNMARKED)) {
        op.execute(&format!("INSERT INTO marks VALUES ('{mark}')"));
    }
}

fn tables(op: &mut Operations) {
    op.create_table("marks", |t| t.column("mark", text().not_null()));
    for table in ["t_0", "t_1"] {
        op.create_table(table, |t| {
            t.column("id", integer().identity().primary_key());
            t.column("a", integer().not_null());
            t.column("w", integer().not_null().default("0"));
            t.column("other", integer());
        });
        op.execute(&format!(
            "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1500)
             INSERT INTO {table} (a, other) SELECT x, x FROM n"
        ));
        op.execute(&format!("INSERT INTO marks VALUES ('0 {table}')"));
    }
}

/// A step of a revision.
struct Step {
    kind: u64,
    table: &'static str,
    name: String,
    /// What a data step sets.
    number: u64,
}

fn steps(seed: u64, revision: u64) -> Vec<Step> {
    let mut state = seed.wrapping_mul(1_000_003).wrapping_add(revision);
    // SplitMix64.
    let mut below = move |number: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % number
    };
    let number = 2 + below(4);
    let step = |step| {
        let table = ["t_0", "t_1"][usize::from(below(2) == 1)];
        Step { kind: below(9), table, name: format!("s_{revision}_{step}"), number: revision * 100 + step }
    };
    (0..number).map(step).collect()
}

fn upgrade(op: &mut Operations, seed: u64, revision: u64) {
    for (at, Step { kind, table, name, number }) in steps(seed, revision).into_iter().enumerate() {
        match kind {
            0 => drop_builder(op.create_index(&name, table, ["a"]).concurrently()),
            1 => drop_builder(op.create_unique_constraint(&name, table, ["a", "id"])),
            2 => drop_builder(op.create_check_constraint(&name, table, "a >= 0")),
            3 => drop_builder(op.create_foreign_key(&name, "t_1", "t_0", ["other"], ["id"])),
            4 => {
                op.add_column(table, &name, integer().default("1"));
                op.alter_column(table, &name, integer().not_null().default("1"));
            }
            5 => op.create_table(name.as_str(), |t| t.column("id", integer().identity().primary_key())),
            6 => {
                op.add_column(table, &name, integer().default("1"));
                op.alter_column(table, &name, big_integer().default("1"));
            }
            7 => in_batches(op, &name, table, number),
            _ => {
                drop_builder(op.create_index(&name, table, ["w"]).concurrently());
                op.drop_index_concurrently(&name, table);
            }
        }
        leave_mark(op, &format!("{revision} {at}"));
    }
}

fn downgrade(op: &mut Operations, seed: u64, revision: u64) {
    for (at, Step { kind, table, name, number }) in steps(seed, revision).into_iter().enumerate().rev() {
        match kind {
            0 => op.drop_index_concurrently(&name, table),
            1 | 2 => op.drop_constraint(&name, table),
            3 => op.drop_constraint(&name, "t_1"),
            4 | 6 => {
                op.alter_column(table, &name, integer().default("1"));
                op.drop_column(table, &name);
            }
            5 => op.drop_table(name.as_str()),
            7 => in_batches(op, &name, table, number + 50),
            _ => {
                drop_builder(op.create_index(&name, table, ["w"]).concurrently());
                op.drop_index_concurrently(&name, table);
            }
        }
        leave_mark(op, &format!("{revision} {at} undone"));
    }
}

fn in_batches(op: &mut Operations, name: &str, table: &str, number: u64) {
    let sql =
        format!("UPDATE {table} SET w = {number} WHERE id IN (SELECT id FROM {table} WHERE w <> {number} LIMIT 400)");
    op.run_batches(name, move |data| {
        let sql = sql.clone();
        Box::pin(async move { Ok(data.execute(Statement::write(sql, [])).await?) })
    });
}

fn drop_builder<T>(_: T) {}
