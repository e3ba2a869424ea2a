//! What `db lint` finds: each code where it belongs, and nothing where nothing can go wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use crocus_migrate::Migration;
use crocus_migrate::lint::{Code, Finding, lint, reference};
use crocus_migrate::prelude::*;
use crocus_migrate::schema::Schema;

/// The schema before each of the migrations.
fn there(op: &mut Operations) {
    op.create_enum("colour", ["red", "green"]);
    op.create_table("makers", |t| t.column("id", integer().identity().primary_key()));
    op.create_table("cars", |t| {
        t.column("id", integer().identity());
        t.column("name", text().default("'x'").not_null());
        t.column("doors", integer());
        t.column("plate", custom("varchar(20)"));
        t.column("price", decimal());
        t.column("colour", enumeration("colour", ["red", "green"]));
    });
    op.create_index("cars_name_idx", "cars", ["name"]);
}

fn nothing(op: &mut Operations) {
    op.irreversible("it is not what is tested");
}

fn found(upgrade: fn(&mut Operations), downgrade: fn(&mut Operations), dialect: Dialect) -> Vec<Finding> {
    let mut before = Schema::default();
    let mut op = Operations::default();
    there(&mut op);
    op.list().iter().for_each(|operation| before.apply(operation).unwrap());
    lint(&before, &migration("abc", upgrade, downgrade), dialect)
}

fn migration(revision: &'static str, upgrade: fn(&mut Operations), downgrade: fn(&mut Operations)) -> Migration {
    Migration {
        revision,
        down_revisions: &[],
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "m",
        created: "",
        file: "abc_m.rs",
        upgrade,
        downgrade,
    }
}

/// Step and code of each finding of an upgrade.
fn codes(upgrade: fn(&mut Operations), dialect: Dialect) -> Vec<String> {
    let findings = found(upgrade, nothing, dialect);
    let of_steps = findings.iter().filter_map(|finding| Some((finding.step?, finding)));
    let said = of_steps.map(|(step, finding)| match &finding.acknowledged {
        Some(why) => format!("{step} {} ({why})", finding.code),
        None => format!("{step} {}", finding.code),
    });
    said.collect()
}

type Case = (fn(&mut Operations), &'static [&'static str], &'static [&'static str]);

/// An upgrade, and what is found of it on PostgreSQL and on SQLite.
const CASES: &[Case] = &[
    (|op| op.drop_table("cars"), &["1 drop-table"], &["1 drop-table"]),
    // One that no migration has made is somebody's, too.
    (|op| op.drop_table("others"), &["1 drop-table"], &["1 drop-table"]),
    (|op| op.drop_column("cars", "name"), &["1 drop-column"], &["1 drop-column"]),
    (|op| op.alter_column("cars", "doors", integer().generated("1 + 1")), &["1 drop-column"], &["1 drop-column"]),
    (
        |op| op.alter_column("cars", "plate", custom("varchar(10)")),
        &["1 narrow-type", "1 rewrite-table"],
        &["1 narrow-type"],
    ),
    (|op| op.alter_column("cars", "price", integer()), &["1 lossy-type", "1 rewrite-table"], &["1 lossy-type"]),
    (
        |op| op.alter_column_using("cars", "price", integer(), "ceil(price)"),
        &["1 cast-type", "1 rewrite-table"],
        &["1 cast-type"],
    ),
    (|op| op.alter_column("cars", "plate", text()), &["1 widen-type"], &["1 widen-type"]),
    (|op| op.alter_column("cars", "doors", big_integer()), &["1 widen-type", "1 rewrite-table"], &["1 widen-type"]),
    (|op| op.alter_column("cars", "doors", small_integer()), &["1 narrow-type", "1 rewrite-table"], &["1 narrow-type"]),
    (
        |op| op.alter_column("cars", "name", json().not_null().default("'1'")),
        &["1 cast-type", "1 rewrite-table"],
        &["1 cast-type"],
    ),
    (
        |op| op.alter_column("others", "x", text().not_null()),
        &["1 set-not-null", "1 cast-type"],
        &["1 set-not-null", "1 cast-type"],
    ),
    (|op| op.alter_column("cars", "doors", integer().not_null()), &["1 set-not-null"], &["1 set-not-null"]),
    (|op| op.alter_column("cars", "name", text().not_null()), &["1 drop-default"], &["1 drop-default"]),
    (|op| op.alter_column("cars", "name", text()), &[], &[]),
    (|op| op.alter_column("cars", "doors", integer().comment("how many").default("4")), &[], &[]),
    (
        |op| op.add_column("cars", "tax", decimal().not_null()),
        &["1 not-null-without-default"],
        &["1 not-null-without-default"],
    ),
    (|op| op.add_column("cars", "tax", decimal().not_null().default("0")), &[], &[]),
    (|op| op.add_column("cars", "made", timestamp().not_null().default("CURRENT_TIMESTAMP")), &[], &[]),
    (|op| op.add_column("cars", "made", timestamp().not_null().default("now()")), &[], &[]),
    (|op| op.add_column("cars", "key", uuid().default("gen_random_uuid()")), &["1 rewrite-table"], &[]),
    (|op| op.add_column("cars", "twice", integer().generated("doors * 2")), &["1 rewrite-table"], &[]),
    (|op| op.add_column("cars", "number", integer().identity()), &["1 rewrite-table"], &[]),
    (
        |op| {
            op.create_unique_constraint("cars_name_key", "cars", ["name"]);
        },
        &["1 new-unique"],
        &["1 new-unique"],
    ),
    (
        |op| {
            op.create_index("cars_name_key", "cars", ["name"]).unique().concurrently();
        },
        &["1 new-unique"],
        &["1 new-unique"],
    ),
    (
        |op| {
            op.create_index("cars_doors_idx", "cars", ["doors"]);
        },
        &["1 index-not-concurrently"],
        &[],
    ),
    (|op| op.drop_index("cars_name_idx", "cars"), &["1 index-not-concurrently"], &[]),
    (|op| op.drop_index_concurrently("cars_name_idx", "cars"), &[], &[]),
    (|op| op.create_primary_key("cars", ["id"]), &["1 new-primary-key"], &["1 new-primary-key"]),
    (
        |op| {
            op.create_check_constraint("cars_doors_check", "cars", "doors > 0");
        },
        &["1 new-check"],
        &["1 new-check"],
    ),
    (
        |op| {
            op.create_foreign_key("cars_fkey", "cars", "makers", ["doors"], ["id"]);
        },
        &["1 new-foreign-key"],
        &["1 new-foreign-key"],
    ),
    (|op| op.rename_table("cars", "vehicles"), &["1 rename-table"], &["1 rename-table"]),
    (|op| op.rename_column("cars", "name", "title"), &["1 rename-column"], &["1 rename-column"]),
    (
        |op| {
            op.alter_enum("colour", ["green"]);
            op.alter_column("cars", "colour", enumeration("colour", ["green"]));
        },
        &["1 drop-enum-value", "1 rewrite-table"],
        &["1 drop-enum-value"],
    ),
    // On SQLite the column alone says the values.
    (
        |op| op.alter_column("cars", "colour", enumeration("colour", ["green"])),
        &["1 drop-enum-value"],
        &["1 drop-enum-value"],
    ),
    (|op| op.alter_enum("colour", ["green", "red"]), &["1 rewrite-table"], &[]),
    (|op| op.alter_enum("colour", ["white", "red", "green"]), &[], &[]),
    (
        |op| {
            op.rename_enum_value("colour", "red", "crimson");
        },
        &["1 rename-enum-value"],
        &["1 rename-enum-value"],
    ),
    (|op| op.execute("\nUPDATE cars SET doors = 4"), &["1 raw-sql"], &["1 raw-sql"]),
    (|op| op.execute_on(Dialect::Postgres, "ANALYZE"), &["1 raw-sql"], &[]),
    (|op| op.execute("delete\n from cars"), &["1 destructive-sql"], &["1 destructive-sql"]),
    (|op| op.execute("SELECT 'drop table', \"DROP\""), &["1 raw-sql"], &["1 raw-sql"]),
    // What the revision has made itself, nobody uses yet.
    (
        |op| {
            op.create_table("owners", |t| t.column("id", integer()));
            op.add_column("owners", "name", text().not_null());
            op.create_index("owners_name_idx", "owners", ["name"]).unique();
            op.create_check_constraint("owners_check", "owners", "id > 0");
            op.create_primary_key("owners", ["id"]);
            op.drop_column("owners", "name");
            op.rename_table("owners", "people");
            op.alter_column("people", "id", small_integer());
            op.drop_table("people");
            op.add_column("cars", "draft", text());
            op.rename_column("cars", "draft", "final");
            op.drop_column("cars", "final");
        },
        &[],
        &[],
    ),
    // An acknowledgement is for the next step alone, and for its own code alone.
    (
        |op| {
            op.allow("drop-column", "nobody reads it");
            op.drop_column("cars", "name");
            op.drop_column("cars", "doors");
        },
        &["1 drop-column (nobody reads it)", "2 drop-column"],
        &["1 drop-column (nobody reads it)", "2 drop-column"],
    ),
    (
        |op| {
            op.allow("drop-table", "");
            op.allow("drop-colum", "nobody reads it");
            op.allow("drop-table", "it is a column");
            op.drop_column("cars", "name");
            op.allow("raw-sql", "at the end");
        },
        &["1 drop-column", "1 unused-allow", "1 unknown-code", "1 unused-allow", "2 unused-allow"],
        &["1 drop-column", "1 unused-allow", "1 unknown-code", "1 unused-allow", "2 unused-allow"],
    ),
    // One acknowledgement can be for another dialect than this one.
    (
        |op| {
            op.allow("rewrite-table", "it is small");
            op.allow("widen-type", "the program is stopped");
            op.alter_column("cars", "doors", big_integer());
        },
        &["1 widen-type (the program is stopped)", "1 rewrite-table (it is small)"],
        &["1 widen-type (the program is stopped)"],
    ),
];

#[test]
fn each_code_is_found_where_it_belongs() {
    let mut seen = BTreeSet::new();
    for (number, (upgrade, postgres, sqlite)) in CASES.iter().enumerate() {
        for (dialect, wanted) in [(Dialect::Postgres, postgres), (Dialect::Sqlite, sqlite)] {
            assert_eq!(codes(*upgrade, dialect), **wanted, "case {number} on {dialect:?}");
            seen.extend(found(*upgrade, nothing, dialect).into_iter().map(|finding| finding.code));
        }
    }
    // Its own test has the other one.
    seen.insert(Code::DowngradeDiffers);
    let all: BTreeSet<_> = Code::ALL.iter().copied().collect();
    assert_eq!(seen, all, "a code without a case");
}

#[test]
fn a_finding_says_what_happens_where_and_how_it_is_acknowledged() {
    let findings = found(|op| op.drop_column("cars", "name"), nothing, Dialect::Sqlite);
    assert_eq!(findings[0].to_string(), "abc, step 1: drop-column: drops the column `cars.name` with its values");
    let sql = found(|op| op.execute("SELECT 1;\n delete from cars WHERE 1 = 1"), nothing, Dialect::Sqlite);
    assert_eq!(sql[0].what, "runs SQL with `delete from cars`");
    assert_eq!(findings[0].override_line().unwrap(), "op.allow(\"drop-column\", \"why\");");
    assert_eq!((findings[0].revision.as_str(), findings[0].file.as_str()), ("abc", "abc_m.rs"));
    assert_eq!(findings[1].to_string(), "abc: irreversible: cannot be undone: it is not what is tested");
}

#[test]
fn a_downgrade_leads_back_or_is_told() {
    let said = |upgrade: fn(&mut Operations), downgrade: fn(&mut Operations)| {
        let findings = found(upgrade, downgrade, Dialect::Sqlite);
        let of_revision: Vec<_> = findings.iter().filter(|finding| finding.step.is_none()).collect();
        of_revision.iter().map(|finding| format!("{}: {}", finding.code, finding.what)).collect::<Vec<_>>()
    };
    let add: fn(&mut Operations) = |op| op.add_column("cars", "tax", decimal());
    assert_eq!(said(add, |op| op.drop_column("cars", "tax")), Vec::<String>::new());
    assert_eq!(said(|_| (), |_| ()), Vec::<String>::new());
    assert_eq!(said(add, |_| ()), ["irreversible: has a downgrade that does nothing"]);
    for (downgrade, what) in [
        ((|op| op.drop_table("cars")) as fn(&mut Operations), "leaves no table `cars`"),
        (|op| op.alter_enum("colour", ["red"]), "leaves no enum `colour (red, green)`"),
        (|op| op.drop_column("cars", "doors"), "leaves no column `cars.doors`"),
        (|op| op.alter_column("cars", "doors", integer().not_null()), "leaves no column `cars.doors`"),
        (|op| op.create_table_comment("cars", "x"), "leaves the column `cars.tax`"),
    ] {
        assert_eq!(said(add, downgrade), [format!("downgrade-differs: the downgrade {what}")]);
    }
    let index: fn(&mut Operations) = |op| {
        op.create_index("cars_doors_idx", "cars", ["doors"]);
    };
    let other: fn(&mut Operations) = |op| op.drop_index("cars_name_idx", "cars");
    assert_eq!(said(index, other), ["downgrade-differs: the downgrade leaves no index `cars_name_idx on cars`"]);
    // What SQL does is not known, and so is what it leads back from.
    assert_eq!(said(|op| op.execute("SELECT 1"), |op| op.execute("SELECT 2")), Vec::<String>::new());

    let acknowledged = found(
        |op| op.drop_column("cars", "doors"),
        |op| {
            op.allow("irreversible", "nobody goes back that far");
            op.irreversible("the doors are gone");
        },
        Dialect::Sqlite,
    );
    assert_eq!(acknowledged[1].acknowledged.as_deref(), Some("nobody goes back that far"));
}

#[test]
fn the_reference_is_that_of_the_codes() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/lint.md");
    if std::env::var_os("CROCUS_BLESS").is_some() {
        std::fs::write(&path, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, reference(), "docs/reference/lint.md: run this test with CROCUS_BLESS=1");
}
