//! What a range of migrations comes to, as the file that is written.

use crate::history::Applied;
use crate::operations::Operations;
use crate::prelude::*;
use crate::revision::{Graph, Migration, Split};

type Way = fn(&mut Operations);

/// A line of migrations with these steps, both ways: `a1`, `a2` and so on.
fn line(ways: &[(Way, Way)]) -> Graph {
    const NAMES: [&str; 6] = ["a1", "a2", "a3", "a4", "a5", "a6"];
    let migration = |(at, (upgrade, downgrade)): (usize, &(Way, Way))| Migration {
        revision: NAMES[at],
        down_revisions: at.checked_sub(1).map_or(&[], |before| std::slice::from_ref(&NAMES[before])),
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "m",
        created: "now",
        file: "m.rs",
        upgrade: *upgrade,
        downgrade: *downgrade,
    };
    Graph::new(&ways.iter().enumerate().map(migration).collect::<Vec<_>>(), &Split::new()).unwrap()
}

/// The two functions of the file that a range comes to, or the error and its hint.
fn squashed(graph: &Graph, range: &str) -> String {
    match graph.squash(range, "first year", Some("s1"), &Applied::default()) {
        Ok(squashed) => {
            let text = squashed.render();
            let (_, functions) = text.split_once("prelude::*;\n\n").unwrap();
            functions.replace("pub fn ", "").replace("(op: &mut Operations)", "").replace("\n\n", "\n")
        }
        Err(error) => format!("{error}; {}", error.hint().unwrap()),
    }
}

const CARS: (Way, Way) = (
    |op| {
        op.create_table("cars", |t| {
            t.column("id", integer().identity().primary_key());
            t.column("name", text());
        });
        op.create_index("cars_name_idx", "cars", ["name"]);
    },
    |op| {
        op.drop_index("cars_name_idx", "cars");
        op.drop_table("cars");
    },
);

#[test]
fn a_table_is_made_as_it_is_in_the_end() {
    let graph = line(&[
        CARS,
        (
            |op| {
                op.create_enum("colour", ["red"]);
                op.create_table("makers", |t| t.column("id", integer().identity().primary_key()));
                op.add_column("cars", "colour", enumeration("colour", ["red"]));
                op.add_column("cars", "maker_id", integer().not_null());
                op.create_foreign_key("cars_maker_id_fkey", "cars", "makers", ["maker_id"], ["id"]);
            },
            |op| {
                op.drop_constraint("cars_maker_id_fkey", "cars");
                op.drop_column("cars", "maker_id");
                op.drop_column("cars", "colour");
                op.drop_table("makers");
                op.drop_enum("colour");
            },
        ),
        (
            |op| {
                op.alter_enum("colour", ["red", "blue"]);
                op.alter_column("cars", "colour", enumeration("colour", ["red", "blue"]));
                op.rename_column("cars", "name", "title");
                op.create_table("notes", |t| t.column("text", text()));
                op.drop_table("notes");
            },
            |op| {
                op.rename_column("cars", "title", "name");
                op.alter_enum("colour", ["red"]);
                op.alter_column("cars", "colour", enumeration("colour", ["red"]));
            },
        ),
    ]);
    assert_eq!(
        squashed(&graph, "a1:a3"),
        "upgrade {
    op.create_enum(\"colour\", [\"red\", \"blue\"]);
    op.create_table(\"makers\", |t| {
        t.column(\"id\", integer().identity().primary_key());
    });
    op.create_table(\"cars\", |t| {
        t.column(\"id\", integer().identity().primary_key());
        t.column(\"title\", text());
        t.column(\"colour\", enumeration(\"colour\", [\"red\", \"blue\"]));
        t.column(\"maker_id\", integer().not_null());
        t.foreign_key(\"cars_maker_id_fkey\", [\"maker_id\"], \"makers\", [\"id\"]);
    });
    op.create_index(\"cars_name_idx\", \"cars\", [\"title\"]);
}
downgrade {
    op.drop_table(\"cars\");
    op.drop_table(\"makers\");
    op.drop_enum(\"colour\");
}
"
    );
}

#[test]
fn steps_on_a_table_that_stays_stay() {
    let graph = line(&[
        CARS,
        (
            |op| {
                op.add_column("cars", "doors", integer().not_null().default("4"));
                op.create_table("old", |t| t.column("id", integer().primary_key()));
                op.create_foreign_key("cars_doors_fkey", "cars", "old", ["doors"], ["id"]);
            },
            |op| {
                op.drop_constraint("cars_doors_fkey", "cars");
                op.drop_table("old");
                op.drop_column("cars", "doors");
            },
        ),
        (
            |op| {
                op.alter_column("cars", "doors", integer().not_null());
                op.rename_table("old", "ancient");
                op.allow("drop-column", "nobody reads it");
                op.drop_column("cars", "name");
            },
            |op| {
                op.irreversible("the names are gone");
            },
        ),
    ]);
    assert_eq!(
        squashed(&graph, "a2:"),
        "upgrade {
    op.add_column(\"cars\", \"doors\", integer().not_null().default(\"4\"));
    op.alter_column(\"cars\", \"doors\", integer().not_null());
    op.allow(\"drop-column\", \"nobody reads it\");
    op.drop_column(\"cars\", \"name\");
    op.create_table(\"ancient\", |t| {
        t.column(\"id\", integer().primary_key());
    });
    op.create_foreign_key(\"cars_doors_fkey\", \"cars\", \"ancient\", [\"doors\"], [\"id\"]);
}
downgrade {
    op.irreversible(\"a3 (m): the names are gone\");
}
"
    );
    // Of a table that is made, nothing is lost.
    assert!(!squashed(&graph, ":a3").contains("allow"));
}

#[test]
fn what_sql_stands_between_is_squashed_by_itself() {
    let graph = line(&[
        CARS,
        (|op| op.add_column("cars", "doors", integer()), |op| op.drop_column("cars", "doors")),
        (|op| op.execute("INSERT INTO cars (name) VALUES ('Model S')"), |op| op.execute("DELETE FROM cars")),
        (
            |op| {
                op.alter_column("cars", "doors", integer().not_null().default("4"));
                op.alter_column("cars", "doors", integer().not_null());
            },
            |op| op.alter_column("cars", "doors", integer()),
        ),
    ]);
    assert_eq!(
        squashed(&graph, "base:head"),
        "upgrade {
    op.create_table(\"cars\", |t| {
        t.column(\"id\", integer().identity().primary_key());
        t.column(\"name\", text());
        t.column(\"doors\", integer());
    });
    op.create_index(\"cars_name_idx\", \"cars\", [\"name\"]);
    op.execute(\"INSERT INTO cars (name) VALUES ('Model S')\");
    op.alter_column(\"cars\", \"doors\", integer().not_null().default(\"4\"));
    op.alter_column(\"cars\", \"doors\", integer().not_null());
}
downgrade {
    op.alter_column(\"cars\", \"doors\", integer());
    op.execute(\"DELETE FROM cars\");
    op.drop_table(\"cars\");
}
"
    );
}

#[test]
fn tables_that_refer_to_each_other_are_made_and_dropped() {
    let graph = line(&[
        (|op| op.create_table("a", |t| t.column("id", integer().primary_key())), |op| op.drop_table("a")),
        (
            |op| {
                op.create_table("b", |t| {
                    t.column("id", integer().primary_key());
                    t.foreign_key("b_id_fkey", ["id"], "a", ["id"]);
                });
                op.create_foreign_key("a_id_fkey", "a", "b", ["id"], ["id"]);
            },
            |op| {
                op.drop_constraint("a_id_fkey", "a");
                op.drop_table("b");
            },
        ),
    ]);
    assert_eq!(
        squashed(&graph, "a1:a2"),
        "upgrade {
    op.create_table(\"a\", |t| {
        t.column(\"id\", integer().primary_key());
    });
    op.create_table(\"b\", |t| {
        t.column(\"id\", integer().primary_key());
        t.foreign_key(\"b_id_fkey\", [\"id\"], \"a\", [\"id\"]);
    });
    op.create_foreign_key(\"a_id_fkey\", \"a\", \"b\", [\"id\"], [\"id\"]);
}
downgrade {
    op.drop_constraint(\"b_id_fkey\", \"b\");
    op.drop_table(\"a\");
    op.drop_table(\"b\");
}
"
    );
}

#[test]
fn what_is_not_known_stays_as_it_is() {
    // The name of a key is the database's.
    let graph = line(&[
        CARS,
        (|op| op.rename_constraint("cars", "cars_pkey", "pk"), |op| op.rename_constraint("cars", "pk", "cars_pkey")),
    ]);
    assert!(squashed(&graph, "a1:a2").contains("\n    op.rename_constraint(\"cars\", \"cars_pkey\", \"pk\");\n"));
}

#[test]
fn an_index_that_only_one_database_keeps_is_not_decided() {
    let graph = line(&[
        (
            |op| {
                op.create_table("cars", |t| {
                    t.column("name", text());
                    t.column("year", integer());
                });
                op.create_index("cars_year_idx", "cars", ["year"]).include(["name"]);
            },
            |op| op.drop_table("cars"),
        ),
        (|op| op.drop_column("cars", "name"), |op| op.add_column("cars", "name", text())),
    ]);
    let squashed = squashed(&graph, "a1:a2");
    assert!(squashed.contains("op.drop_column(\"cars\", \"name\");"), "{squashed}");
}

#[test]
fn the_head_says_what_it_replaces() {
    let list = crate::revision::tests::list("x1: @extra, a1:, b1: a1 @shop, b2: b1 +x1, c1: b2");
    let graph = Graph::new(&list, &Split::new()).unwrap();
    let head = graph.squash("b1:b2", "first year", Some("s1"), &Applied::default()).unwrap().head;
    let text = head.render().replace(&head.created, "TIME");
    assert_eq!(
        text,
        "//! first year\n//!\n//! Revision s1, follows a1, labelled shop, depends on x1, TIME\n//! Replaces: b1, b2\n"
    );
    assert_eq!(head.file_name(), "s1_first_year.rs");
}

#[test]
fn what_is_no_line_is_refused() {
    let all = "x1: @extra, a1:, a2: a1, b1: a1 @shop, y1: a2 @more, a3: a2 +y1, a4: a3, m: a4 b1, z: m, s: z =p =q";
    let graph = Graph::new(&crate::revision::tests::list(all), &Split::new()).unwrap();
    for (range, said) in [
        ("a1", "`a1` is no range; write it as `FROM:TO`, `FROM:` or `:TO`"),
        (
            "a1:a1",
            "there is nothing to squash: the range `a1:a1` is a1 (m) alone; write it as `FROM:TO`, both included",
        ),
        ("a1:a2", "the range `a1:a2` is no line: b1 (m, on shop) leaves it at a1; squash up to a1, and from a2 on"),
        ("a4:z", "the range `a4:z` is no line: m (m, on shop) joins branches; squash from m on"),
        (
            "z:s",
            "s (m, on shop) was squashed before; once every database has s, delete the files that it replaces, name \
                 it in the third line of what follows them, and delete its line `Replaces:`; then it can be squashed again",
        ),
        (
            "a4:a3",
            "the range `a4:a3` does not lead anywhere: its end does not come after a4 (m); `db history` shows \
                   what follows what",
        ),
        (
            "a3:heads",
            "the range `a3:heads` is no line: one end of it is x1 (m, on extra), y1 (m, on more) and s (m, on shop); \
                      name one of them",
        ),
        ("a3:nothing", "no revision is or begins with `nothing`; `db history` lists them"),
    ] {
        assert_eq!(squashed(&graph, range), said, "{range}");
    }
    let graph =
        Graph::new(&crate::revision::tests::list("a1:, a2: a1, x1: +a1 @extra, a3: a2 +x1"), &Split::new()).unwrap();
    assert_eq!(
        squashed(&graph, "a1:a3"),
        "the range `a1:a3` is not in one piece: it depends on x1 (m, on extra), which comes after a part of it; squash what \
         comes before that revision, and what comes after it"
    );
    assert!(squashed(&graph, "a2:a3").starts_with("upgrade"));
}

#[test]
fn rust_cannot_be_written_down() {
    const RUST: (Way, Way) = (
        |op| {
            op.run("fill the doors", |_| Box::pin(async { Ok(()) }));
        },
        |_| (),
    );
    let graph = line(&[CARS, RUST, CARS]);
    assert_eq!(
        squashed(&graph, "a1:a2"),
        "the revision a2 (m) cannot be squashed: `run fill the doors` is Rust, which cannot be written down; squash what \
         comes before it, and what comes after it: each range by itself"
    );
}
