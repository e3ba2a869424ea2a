//! The text of migration files: as design and rustfmt want it, and the same every time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Stdio};

use crocus_migrate::head::Head;
use crocus_migrate::prelude::*;
use crocus_migrate::{Operation, render};

fn head(message: &str) -> Head {
    Head {
        message: message.to_owned(),
        revision: "3f9a1c27b6d0".to_owned(),
        down_revisions: Vec::new(),
        labels: Vec::new(),
        depends_on: Vec::new(),
        replaces: Vec::new(),
        created: "2026-11-22 14:03 UTC".to_owned(),
    }
}

fn operations(describe: impl FnOnce(&mut Operations)) -> Vec<Operation> {
    let mut operations = Operations::default();
    describe(&mut operations);
    operations.list().to_vec()
}

/// What rustfmt would change, with its own settings.
fn unformatted(text: &str) -> String {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--config", "max_width=100", "--color", "never"])
        // Away from this workspace's own settings.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("rustfmt is installed");
    rustfmt.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = rustfmt.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() || !said.is_empty());
    String::from_utf8(said).unwrap()
}

#[test]
fn a_table_is_written_as_a_person_would() {
    let operations = operations(|op| {
        op.create_table("cars", |t| {
            t.column("id", integer().identity().primary_key());
            t.column("name", text().not_null());
            t.column("model", text().not_null());
            t.column("doors", integer().not_null());
            t.check("cars_doors_check", "doors >= 0");
        });
    });
    let expected = r#"//! create cars
//!
//! Revision 3f9a1c27b6d0, follows <base>, 2026-11-22 14:03 UTC

use crocus::migrate::prelude::*;

pub fn upgrade(op: &mut Operations) {
    op.create_table("cars", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text().not_null());
        t.column("model", text().not_null());
        t.column("doors", integer().not_null());
        t.check("cars_doors_check", "doors >= 0");
    });
}

pub fn downgrade(op: &mut Operations) {
    op.drop_table("cars");
}
"#;
    assert_eq!(render::migration(&head("create cars"), &operations), expected);
    assert_eq!(unformatted(expected), "");
}

#[test]
fn a_migration_without_operations_is_ready_to_be_written_by_hand() {
    let text = render::migration(&head("by hand"), &[]);
    assert!(
        text.ends_with("\n\npub fn upgrade(_op: &mut Operations) {}\n\npub fn downgrade(_op: &mut Operations) {}\n")
    );
    assert_eq!(unformatted(&text), "");
}

#[test]
fn what_cannot_be_undone_says_so() {
    let operations = operations(|op| op.execute("UPDATE cars SET doors = 4"));
    let text = render::migration(&head("mend"), &operations);
    let downgrade = "    op.irreversible(\"SQL has no reverse that could be known\");\n}\n";
    assert!(text.ends_with(downgrade), "{text}");
    assert_eq!(unformatted(&text), "");
}

/// Every operation, with names and expressions of every length, and so on both sides of every width that rustfmt has.
#[test]
fn every_operation_is_as_rustfmt_leaves_it() {
    let operations = operations(|op| {
        for length in 1..=80 {
            let x = "x".repeat(length);
            every_operation(op, &x);
        }
        for odd in ["it's", "two words", "\"quoted\"", "back\\slash", "line\nbreak", "naïve", "{braces}"] {
            every_operation(op, odd);
        }
    });
    let text = render::migration(&head("everything"), &operations);
    assert_eq!(unformatted(&text), "");
    assert_eq!(text, render::migration(&head("everything"), &operations));
}

fn every_operation(op: &mut Operations, x: &str) {
    if x.len() <= 63 {
        op.drop_table(x);
        op.create_table(x, |_| ());
        op.create_table(x, |t| t.column("id", integer()));
    }
    op.create_table("cars", |t| {
        t.column("id", integer().identity().primary_key());
        t.column(x, text());
        t.column("a", timestamp().not_null().default(x));
        t.column("b", custom(x));
    });
    op.create_table("cars", |t| t.column(x, timestamp().not_null().default("CURRENT_TIMESTAMP")));
    op.create_table("cars", |t| {
        t.unique("cars_key", [x, "name"]);
        t.check(x, "doors >= 0 and doors < 10");
        t.check("cars_check", x);
    });
    op.add_column("cars", "name", text().default(x));
    op.add_column("cars", "name", text().not_null().default(x));
    op.add_column("cars", "name", text().not_null().collate(x));
    op.add_column("cars", x, integer().identity().primary_key());
    op.alter_column(x, "name", custom("varchar(20)").not_null());
    op.drop_column("cars", x);
    op.create_index(x, "cars", ["name", "model"]);
    op.create_index("cars_idx", "cars", ["name", "model", x]);
    op.create_index("cars_idx", "cars", ["a", "bc", "def", "ghi", "jklm", "nopqrst", "uvwxyz", "ab", "cd", x]);
    op.drop_index(x, "cars");
    op.create_unique_constraint("cars_name_key", x, ["name"]);
    op.create_check_constraint(x, "cars", "doors >= 0");
    op.create_check_constraint("cars_doors_check", "cars", x);
    columns(op, x);
    indexes(op, x);
    foreign_keys(op, x);
    options(op, x);
    op.drop_constraint(x, "cars");
    op.rename_constraint("cars", x, "cars_key");
    op.rename_index(x, "cars_idx", "cars_name_idx");
    op.create_primary_key("cars", ["id", x]);
    op.drop_primary_key(x);
    op.rename_enum_value("colour", "red", x);
    op.rename_enum_value("colour", "red", "blue").in_lists("cars", x).in_lists(("shop", x), "colours");
    op.alter_column_using("cars", "name", integer().not_null(), x);
    op.drop_index_concurrently(x, "cars");
    op.create_index(x, "cars", ["name"]).unique().concurrently();
    op.execute(x);
    op.execute_on(Dialect::Postgres, x);
}

fn columns(op: &mut Operations, x: &str) {
    op.rename_table("cars", x);
    op.create_schema(x);
    op.drop_schema(x);
    if x.len() <= 63 {
        op.drop_table(("shop", x));
        op.create_table(("shop", x), |t| t.column("id", integer()));
        op.create_index(x, ("shop", "cars"), ["name"]);
        op.create_foreign_key("cars_maker_fkey", ("shop", "cars"), ("shop", x), ["maker_id"], ["id"]);
    }
    op.rename_column("cars", x, "title");
    op.create_enum(x, ["red", "green"]);
    op.alter_enum("colour", ["red", "green", x]);
    op.drop_enum(x);
    op.create_table_comment("cars", x);
    op.drop_table_comment(x);
    op.create_table("cars", |t| {
        t.comment(x);
        t.column("colour", enumeration("colour", ["red", "green", x]));
        t.column(x, enumeration("colour", ["red", "green"]).not_null().default("'red'"));
        t.column("colour", enumeration("colour", ["a", "b", x]).not_null());
        t.column("numbers", array(integer()).not_null().default(x));
        t.column("colours", array(enumeration("colour", ["red"])));
        t.column("colours", array(enumeration("colour", ["red", "green", x])));
    });
    op.add_column("cars", "twice", integer().not_null().generated(x));
    op.add_column("cars", "twice", integer().generated("doors * 2").comment(x));
    op.add_column("cars", "name", text().default(x).comment("what it is called"));
    op.alter_column("cars", "name", text().not_null().default(x).comment(x));
}

fn indexes(op: &mut Operations, x: &str) {
    op.create_index(x, "cars", ["name"]).unique();
    op.create_index("i", x, ["name"]).unique().condition("doors > 2");
    op.create_index("i", "cars", ["name"]).condition(x);
    op.create_index("cars_name_and_doors_idx", "cars", ["name", "doors"]).unique().condition(x);
    op.create_index("i", "cars", [column(x).desc(), column("name")]).unique();
    op.create_index("i", "cars", [expression(x), column("name").desc()]);
    op.create_index("i", "cars", [expression(x).desc(), column("name")]).condition("doors > 2");
    op.create_index("cars_lower_idx", "cars", [expression(x)]);
    if x.len() <= 63 {
        op.create_index("cars_lower_idx", "cars", [column(x).desc()]);
        op.create_index(x, "cars", ["name"]).using("gin");
        op.create_index("i", "cars", ["name"]).unique().include([x, "doors"]).nulls_not_distinct();
        op.create_index("i", "cars", [x]).unique().using("gist").include(["doors"]).condition("doors > 2");
        op.create_index("i", "cars", [column("name").collate("C").operator_class(x).desc().nulls_last()]);
        op.create_index("i", "cars", [column(x).nulls_first(), expression("lower(name)").collate("C")]);
        op.create_index(
            "i",
            "cars",
            [expression(x).operator_class("text_pattern_ops"), column("b").nulls_last().desc()],
        )
        .unique()
        .concurrently();
    }
}

fn options(op: &mut Operations, x: &str) {
    op.create_unique_constraint(x, "cars", ["name"]).deferrable();
    op.create_unique_constraint("cars_key", "cars", [x, "name"]).nulls_not_distinct().initially_deferred();
    op.create_check_constraint("cars_doors_check", "cars", x).not_valid();
    op.create_check_constraint(x, "cars", "doors >= 0").not_valid();
    op.create_foreign_key("a", "b", "c", [x], ["d"]).match_full();
    op.create_foreign_key("a", "b", "c", ["d"], [x]).match_full().on_delete(Cascade).deferrable();
    op.create_foreign_key("a", "b", x, ["e", "f"], ["g", "h"]).on_delete(SetNull).on_delete_columns(["e"]);
    op.create_foreign_key(x, "b", "c", ["e", "f"], ["g", "h"])
        .match_full()
        .on_delete(SetDefault)
        .on_delete_columns(["e", x])
        .on_update(Cascade)
        .initially_deferred()
        .not_valid();
    op.create_table("cars", |t| {
        t.unique("cars_name_key", [x]).initially_deferred();
        t.unique(x, ["name", "doors"]).nulls_not_distinct();
        t.unique("a", [x, "name"]).nulls_not_distinct().deferrable();
        t.check("cars_doors_check", x).not_valid();
        t.foreign_key("cars_maker_id_fkey", [x], "makers", ["id"]).initially_deferred();
        t.foreign_key("a", ["b", "c"], x, ["d", "e"]).on_delete(SetNull).on_delete_columns(["b"]).not_valid();
    });
}

fn foreign_keys(op: &mut Operations, x: &str) {
    op.create_foreign_key(x, "cars", "makers", ["maker_id"], ["id"]);
    op.create_foreign_key("a", "b", "c", [x], ["d"]).on_delete(Cascade);
    op.create_foreign_key("a", "b", x, ["e", "f"], ["g", "h"]).on_delete(SetNull).on_update(Cascade);
    op.create_table("cars", |t| {
        t.foreign_key(x, ["maker_id"], "makers", ["id"]);
        t.foreign_key("a", ["b"], "c", [x]).on_delete(Cascade);
        t.foreign_key("a", ["b", "c"], x, ["d", "e"]).on_update(SetDefault);
        t.foreign_key("cars_maker_id_fkey", [x], "makers", ["id"]).on_delete(Restrict).on_update(Cascade);
    });
}

#[test]
fn long_arrays_of_short_names_fill_their_lines() {
    for length in 1..=9 {
        let x = "x".repeat(length);
        let name = x.as_str();
        let operations = operations(|op| {
            op.create_index("cars_idx", "cars", [name; 9]);
            op.create_index("cars_idx", "cars", [name; 16]);
            op.create_index("cars_idx", "cars", [name; 32]);
            op.create_table("cars", |t| {
                t.unique("cars_key", [name; 24]);
            });
        });
        let text = render::migration(&head("arrays"), &operations);
        assert_eq!(unformatted(&text), "", "{length}");
    }
}
