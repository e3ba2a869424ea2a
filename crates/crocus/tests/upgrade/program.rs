//! The program that is run: three revisions, of which each makes two tables.

use std::process::ExitCode;

use crocus::App;
use crocus::migrate::prelude::*;
use crocus::migrate::{Migration, Migrations};

/// Names the variant of the program. Without it, this binary is the tests.
pub(crate) const VARIABLE: &str = "UPGRADE_TEST_PROGRAM";

pub(crate) fn main(name: &str) -> ExitCode {
    let (first, second, third) = (
        migration("a1", &[], "first", |op| pair(op, 1), |op| unpair(op, 1)),
        migration("a2", &["a1"], "second", |op| pair(op, 2), |op| unpair(op, 2)),
        migration("b3", &["a2"], "third", |op| pair(op, 3), |op| unpair(op, 3)),
    );
    let list = match name {
        "three" | "slow" => vec![first, second, third],
        "one" => vec![first],
        "broken" => vec![first, Migration { upgrade: broken, ..second }, third],
        "irreversible" => {
            vec![first, Migration { downgrade: |op| op.irreversible("the values are gone"), ..second }, third]
        }
        "forked" => vec![first, second, Migration { down_revisions: &["a1"], ..third }],
        "edited" => vec![first, Migration { upgrade: |op| pair(op, 7), ..second }, third],
        "mended" => vec![first, Migration { downgrade: |op| op.drop_table("b_2"), ..second }, third],
        "locking" => vec![first, second, Migration { upgrade: locking, ..third }],
        random if random.starts_with("random") => crate::random::migrations(),
        other => panic!("there is no program `{other}`"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(App::new("program").migrations(Migrations::new("", list)).main())
}

fn migration(
    revision: &'static str,
    down_revisions: &'static [&'static str],
    message: &'static str,
    upgrade: fn(&mut Operations),
    downgrade: fn(&mut Operations),
) -> Migration {
    let file = match revision {
        "a1" => "a1_first.rs",
        "a2" => "a2_second.rs",
        _ => "b3_third.rs",
    };
    Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message,
        created: "2026-11-22 14:03 UTC",
        file,
        upgrade,
        downgrade,
    }
}

fn pair(op: &mut Operations, number: u32) {
    op.create_table(format!("a_{number}"), |t| t.column("id", integer().identity().primary_key()));
    slowly(op);
    op.create_table(format!("b_{number}"), |t| t.column("id", integer().identity().primary_key()));
}

fn unpair(op: &mut Operations, number: u32) {
    op.drop_table(format!("b_{number}"));
    op.drop_table(format!("a_{number}"));
}

/// Takes several hundred milliseconds, where the program shall be slow.
fn slowly(op: &mut Operations) {
    if !std::env::var(VARIABLE).is_ok_and(|name| name == "slow") {
        return;
    }
    if std::env::var("DATABASE_URL").is_ok_and(|url| url.starts_with("sqlite")) {
        op.allow("destructive-sql", "the table is its own");
        op.execute(
            "CREATE TEMP TABLE slow AS WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000000)
             SELECT count(*) FROM n; DROP TABLE slow;",
        );
    } else {
        op.execute("SELECT pg_sleep(0.4)");
    }
}

fn broken(op: &mut Operations) {
    op.create_table("a_2", |t| t.column("id", integer().identity().primary_key()));
    op.create_index("a_2_idx", "a_2", ["id"]);
    op.execute("INSERT INTO missing VALUES (1)");
    op.create_table("b_2", |t| t.column("id", integer().identity().primary_key()));
}

fn locking(op: &mut Operations) {
    op.create_table("a_3", |t| t.column("id", integer().identity().primary_key()));
    op.add_column("a_1", "x", integer());
}
