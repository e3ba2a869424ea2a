//! `db lint`, and `db upgrade` of what loses data.

use crocus_testing::TempDir;

use crate::child::places;

const FINDING: &str = "\
b2 (b2_drop_model.rs)
  step 2, drop-column: drops the column `cars.model` with its values
    The values cannot be had back: the downgrade makes an empty column. A running program that still names the column fails.
    - Deploy a program whose model does not have the column any more.
    - Drop the column in a later deploy, acknowledged.
    - A column that shall only have another name is renamed: `#[model(renamed_from = \"...\")]`.
    Or, before the step: op.allow(\"drop-column\", \"why\");
";

pub(crate) fn findings_are_said_with_what_to_do() {
    for place in places() {
        let ended = place.run("losing", &["db", "lint"]);
        assert_eq!(ended.output, FINDING);
        assert_eq!(
            ended.error(),
            "error: one finding is not acknowledged\n\
             hint: do it as each says, or give the reason for not doing so: `op.allow(...)`\n"
        );
        assert_eq!(
            place.run("acknowledged", &["db", "lint"]).success(),
            "b2 (b2_drop_model.rs)\n  step 2, drop-column: drops the column `cars.model` with its values \
             (acknowledged: nobody reads it)\n"
        );
        assert_eq!(place.run("creating", &["db", "lint"]).success(), "No findings in 1 migration.\n");
    }
}

pub(crate) fn a_range_is_judged_alone() {
    for place in places() {
        for range in ["a1", ":a1", "base:a"] {
            assert_eq!(place.run("losing", &["db", "lint", range]).success(), "No findings in 1 migration.\n");
        }
        for range in ["b2", "a1:", "a1:head", "current:"] {
            place.run("losing", &["db", "lint", range]).error();
        }
        let unknown = place.run("losing", &["db", "lint", "x"]);
        assert!(unknown.error().starts_with("error: no revision is or begins with `x`"), "{unknown:?}");
        place.run("losing", &["db", "upgrade", "--allow", "drop-column"]).success();
        assert_eq!(place.run("losing", &["db", "lint", "current:"]).success(), "No findings in 0 migrations.\n");
    }
}

pub(crate) fn machines_get_one_list() {
    for place in places() {
        let ended = place.run("losing", &["db", "lint", "--json"]);
        ended.error();
        let rows: serde_json::Value = serde_json::from_str(&ended.output).unwrap();
        let wanted = serde_json::json!([{
            "code": "drop-column",
            "category": "destructive",
            "revision": "b2",
            "file": "b2_drop_model.rs",
            "step": 2,
            "what": "drops the column `cars.model` with its values",
            "why": rows[0]["why"],
            "recipe": rows[0]["recipe"],
            "override": "op.allow(\"drop-column\", \"why\");",
            "acknowledged": null,
        }]);
        assert_eq!(rows, wanted);
        assert_eq!(rows[0]["recipe"].as_array().unwrap().len(), 3);
        assert_eq!(place.run("creating", &["db", "lint", "--json"]).success(), "[]\n");
    }
}

pub(crate) fn what_is_lost_is_acknowledged_in_the_file_or_once() {
    for place in places() {
        let refused = place.run("losing", &["db", "upgrade"]);
        assert_eq!(refused.output, "");
        assert_eq!(
            refused.error(),
            "error: the revision b2 drops the column `cars.model` with its values (`b2_drop_model.rs`, step 2), and \
             nobody has acknowledged it\n\
             hint: nothing was run; add `op.allow(\"drop-column\", \"why\");` before the step in the file and build the \
             program again, or acknowledge it this once with `program db upgrade --allow drop-column`\n"
        );
        assert_eq!(place.tables(), Vec::<String>::new());
        let run = place.run("losing", &["run", "--upgrade"]);
        assert!(run.error().contains("nobody has acknowledged it"), "{run:?}");
        place.run("acknowledged", &["db", "upgrade"]).success();
        place.run("acknowledged", &["db", "downgrade", "base"]).success();
        place.run("losing", &["db", "upgrade", "--allow", "drop-table", "--allow", "drop-column"]).success();
        assert_eq!(place.revisions(), 2);
    }
}

pub(crate) fn a_file_that_loses_data_is_announced() {
    for place in places() {
        let source = TempDir::new().unwrap();
        let folder = source.path().join("migrations");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(source.path().join("Cargo.toml"), "").unwrap();
        std::fs::write(folder.join("a1_create_cars.rs"), "").unwrap();
        place.run("modelled", &["db", "upgrade"]).success();
        let printed = place.run("modelled", &["db", "migrate", "-m", "x", "-d", folder.to_str().unwrap()]).success();
        let wanted = "Step 1 drops the column `cars.model` with its values. `db upgrade` refuses it unless the file says \
                      why, before the step:\n    op.allow(\"drop-column\", \"why\");\n";
        assert!(printed.contains(wanted), "{printed}");
    }
}
