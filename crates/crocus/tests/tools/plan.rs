//! `db plan`: the SQL of what is pending, with its locks.

use crate::child::places;

/// What is said on PostgreSQL of a table in use, without the statements and the sizes.
const ON_POSTGRESQL: &str = "\
c3, change cars (c3_change_cars.rs)
  step 1, alter column cars.model
    -- ACCESS EXCLUSIVE on cars, keeps readers and writers out; takes a moment
    -- SHARE UPDATE EXCLUSIVE on cars, keeps nobody out; reads every row; takes a moment; in a transaction of its own
    -- ACCESS EXCLUSIVE on cars, keeps readers and writers out; takes a moment; in a transaction of its own
  step 2, create index cars_name_idx on cars
    -- SHARE UPDATE EXCLUSIVE on cars, keeps nobody out; reads every row; takes a moment; in no transaction
  step 3, create table makers
    -- takes a moment
  step 4, create index makers_id_idx on makers
    -- takes a moment
  step 5, add column cars.key
    -- ACCESS EXCLUSIVE on cars, keeps readers and writers out; writes every row anew; takes a moment
  step 6, execute UPDATE cars SET name = 'x'
    -- what it does is not known
";

/// A line without what stands in parentheses after a table's name.
fn without_size(line: &str) -> String {
    match (line.find(" ("), line.find(')')) {
        (Some(start), Some(end)) if line.trim().starts_with("--") => {
            format!("{}{}\n", &line[..start], &line[end + 1..])
        }
        _ => format!("{line}\n"),
    }
}

pub(crate) fn every_step_is_said_with_its_locks() {
    for place in places() {
        place.run("creating", &["db", "upgrade"]).success();
        let plan = place.run("in use", &["db", "plan"]).success();
        if place.dialect() == "postgresql" {
            let said = plan.lines().filter(|line| !line.starts_with("    ") || line.starts_with("    -- "));
            assert_eq!(said.map(without_size).collect::<String>(), ON_POSTGRESQL);
            for statement in [
                "ALTER TABLE \"cars\" VALIDATE CONSTRAINT \"crocus_not_null_model\";",
                "CREATE INDEX CONCURRENTLY \"cars_name_idx\" ON \"cars\" (\"name\");",
                "CREATE INDEX \"makers_id_idx\" ON \"makers\" (\"id\");",
                "UPDATE cars SET name = 'x';",
            ] {
                assert!(plan.contains(&format!("    {statement}\n")), "{statement} is not in {plan}");
            }
        } else {
            assert!(plan.contains("CREATE TABLE \"crocus_new_cars\" "), "{plan}");
            assert!(
                plan.contains("    -- keeps writers out (0 rows); writes every row anew; takes a moment\n"),
                "{plan}"
            );
            assert!(plan.contains("  step 6, execute UPDATE cars SET name = 'x'\n"), "{plan}");
        }
        assert_eq!(place.revisions(), 1, "a plan changes nothing");
        assert_eq!(place.run("in use", &["db", "plan", "+1"]).success(), plan);
        assert_eq!(place.run("creating", &["db", "plan"]).success(), "Nothing to upgrade.\n");
        place.run("in use", &["db", "upgrade"]).success();
    }
}

pub(crate) fn machines_get_the_revisions() {
    for place in places() {
        let printed = place.run("in use", &["db", "plan", "--json"]).success();
        let plan: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(plan.as_array().unwrap().len(), 2);
        assert_eq!((&plan[0]["revision"], &plan[1]["file"]), (&"a1".into(), &"c3_change_cars.rs".into()));
        let index = &plan[1]["steps"][1];
        assert_eq!(index["operation"], "create index cars_name_idx on cars");
        let part = &index["parts"][0];
        let is_postgres = place.dialect() == "postgresql";
        assert_eq!(part["work"], "reads");
        assert_eq!(part["transaction"], if is_postgres { "none" } else { "shared" });
        assert_eq!(part["locks"][0]["level"], if is_postgres { "SHARE UPDATE EXCLUSIVE" } else { "RESERVED" });
        assert_eq!(part["locks"][0]["blocks_writes"], !is_postgres);
        assert_eq!(place.run("in use", &["db", "plan", "a1", "--json"]).success().matches("\"revision\"").count(), 1);
    }
}
