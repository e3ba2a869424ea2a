//! Random upgrades: five revisions of steps of every kind, the same for the same seed. Each step leaves a mark, which
//! tells whether it was done, and how often.

use crocus::migrate::prelude::*;
use crocus::migrate::{Migration, Operation};

use crate::program::VARIABLE;

pub(crate) const REVISIONS: [(&str, &[&str]); 5] =
    [("r0", &[]), ("r1", &["r0"]), ("r2", &["r1"]), ("r3", &["r2"]), ("r4", &["r3"])];

/// The program with these migrations is called `random:SEED`.
pub(crate) const PROGRAM: &str = "random:";

pub(crate) fn migrations() -> Vec<Migration> {
    let upgrades: [fn(&mut Operations); 5] = [
        tables,
        |op| steps(op, seed(), 1),
        |op| steps(op, seed(), 2),
        |op| steps(op, seed(), 3),
        |op| steps(op, seed(), 4),
    ];
    let migration = |((revision, down_revisions), upgrade): ((&'static str, _), _)| Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        message: "random",
        created: "",
        file: "",
        upgrade,
        downgrade: |op| op.irreversible("it is a test"),
    };
    REVISIONS.into_iter().zip(upgrades).map(migration).collect()
}

/// The operations of a revision.
pub(crate) fn operations(seed: u64, revision: u64) -> Vec<Operation> {
    let mut op = Operations::default();
    match revision {
        0 => tables(&mut op),
        revision => steps(&mut op, seed, revision),
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
    program.strip_prefix(PROGRAM).and_then(|seed| seed.parse().ok()).unwrap()
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

fn steps(op: &mut Operations, seed: u64, revision: u64) {
    let mut state = seed.wrapping_mul(1_000_003).wrapping_add(revision);
    // SplitMix64.
    let mut below = move |number: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % number
    };
    for step in 0..2 + below(4) {
        let table = ["t_0", "t_1"][usize::from(below(2) == 1)];
        let name = format!("s_{revision}_{step}");
        match below(9) {
            0 => drop_builder(op.create_index(&name, table, ["a"]).concurrently()),
            1 => {
                op.create_unique_constraint(&name, table, ["a", "id"]);
            }
            2 => {
                op.create_check_constraint(&name, table, "a >= 0");
            }
            3 => {
                op.create_foreign_key(&name, "t_1", "t_0", ["other"], ["id"]);
            }
            4 => {
                op.add_column(table, &name, integer().default("1"));
                op.alter_column(table, &name, integer().not_null().default("1"));
            }
            5 => op.create_table(name.as_str(), |t| t.column("id", integer().identity().primary_key())),
            6 => {
                op.add_column(table, &name, integer().default("1"));
                op.alter_column(table, &name, big_integer().default("1"));
            }
            7 => {
                let new = revision * 100 + step;
                let sql = format!(
                    "UPDATE {table} SET w = {new} WHERE id IN (SELECT id FROM {table} WHERE w <> {new} LIMIT 400)"
                );
                op.run_batches(&name, move |data| {
                    let sql = sql.clone();
                    Box::pin(async move { Ok(data.execute(Statement::write(sql, [])).await?) })
                });
            }
            _ => {
                drop_builder(op.create_index(&name, table, ["w"]).concurrently());
                op.drop_index_concurrently(&name, table);
            }
        }
        op.execute(&format!("INSERT INTO marks VALUES ('{revision} {step}')"));
    }
}

fn drop_builder<T>(_: T) {}
