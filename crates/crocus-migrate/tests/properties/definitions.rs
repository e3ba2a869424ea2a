//! Tables of SQLite that somebody has written by hand, in every way that SQLite takes: an edit of one leaves the rest as
//! it was.

use crocus_migrate::Operations;
use crocus_migrate::apply;
use crocus_orm::Engine;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::catalogue;

const NAMES: [&str; 10] =
    ["z", "\"b \"\"(,\"", "[c),]", "`d``--`", "'e;'", "\"CHECK\"", "b", "\"/*\"", "\"AS\"", "key"];
const TYPES: [&str; 9] =
    ["", "INTEGER", "TEXT", "NUMERIC(10, 2)", "\"my, type\"", "VARCHAR (20)", "DOUBLE PRECISION", "BLOB", "[x(]"];
const CONSTRAINTS: [&str; 24] = [
    "NOT NULL",
    "NULL",
    "not null ON CONFLICT FAIL",
    "UNIQUE",
    "CONSTRAINT \"u )\" UNIQUE ON CONFLICT IGNORE",
    "DEFAULT 1",
    "DEFAULT -1.5e3",
    "DEFAULT +x'00ff'",
    "DEFAULT (1 + (2 * 3))",
    "DEFAULT ', NOT NULL --'",
    "DEFAULT NULL",
    "DEFAULT CURRENT_TIMESTAMP",
    "DEFAULT some_text",
    "COLLATE NOCASE",
    "CHECK (1 <> 2)",
    "CHECK (')' <> '(' AND \"CHECK\" IS NOT 7)",
    "CONSTRAINT c1 CONSTRAINT c2 CHECK (length('a''b,') > 1)",
    "REFERENCES other (x) ON DELETE SET NULL ON UPDATE SET DEFAULT",
    "CONSTRAINT f REFERENCES other DEFERRABLE INITIALLY DEFERRED",
    "REFERENCES other (x) MATCH FULL NOT DEFERRABLE",
    "GENERATED ALWAYS AS (1 + 1) STORED",
    "AS ('x' || ',') VIRTUAL",
    "PRIMARY KEY",
    "CONSTRAINT nothing",
];
const CLAUSES: [&str; 9] = [
    "PRIMARY KEY (a)",
    "CONSTRAINT p PRIMARY KEY (a, ünï DESC) ON CONFLICT REPLACE",
    "UNIQUE (a COLLATE NOCASE, ünï)",
    "CONSTRAINT \"u,2\" UNIQUE (ünï)",
    "CHECK (a IN (1, 2, (3)))",
    "CONSTRAINT \"c ( 3\" CHECK (a BETWEEN 1 AND 2 OR CASE WHEN a THEN 1 ELSE 0 END)",
    "FOREIGN KEY (a) REFERENCES other (x) ON DELETE CASCADE",
    "CONSTRAINT g FOREIGN KEY (a, ünï) REFERENCES two (x, y) DEFERRABLE",
    "CONSTRAINT nothing_else",
];
const SPACES: [&str; 6] = [" ", "\n\t", " /* a, ( comment */ ", " -- it's; (\n", " /**/ ", "  "];

fn definition() -> impl Strategy<Value = String> {
    let space = || select(&SPACES[..]);
    let constraints = proptest::collection::vec((select(&CONSTRAINTS[..]), space()), 0..4);
    let column = (select(&NAMES[..]), select(&TYPES[..]), constraints, space()).prop_map(|(name, ty, list, space)| {
        let list: String = list.iter().map(|(constraint, space)| format!("{space}{constraint}")).collect();
        format!("{name}{space}{ty}{list}")
    });
    let clauses = proptest::collection::vec((select(&CLAUSES[..]), any::<bool>(), space()), 0..4);
    let options = select(&["", "", "", "", "STRICT", "WITHOUT ROWID", " without rowid, strict", "/* end */"][..]);
    (proptest::collection::vec(column, 0..4), clauses, options, space()).prop_map(
        |(columns, clauses, options, space)| {
            let mut body = format!(
                "a INT{space},{space}ünï TEXT{}",
                columns.iter().map(|column| format!(",{space}{column}")).collect::<String>()
            );
            for (at, (clause, comma, space)) in clauses.iter().enumerate() {
                // Between constraints of the table no comma is needed.
                let comma = if *comma || at == 0 { "," } else { "" };
                body.push_str(&format!("{comma}{space}{clause}"));
            }
            format!("CREATE TABLE t{space}({space}{body}{space}){options}")
        },
    )
}

/// What SQLite itself reads of the table.
const READ: &str = "
SELECT concat_ws(' ', 'column', cid, name, type, \"notnull\", dflt_value, pk, hidden) FROM pragma_table_xinfo('t')
UNION ALL SELECT concat_ws(' ', 'key', id, seq, \"table\", \"from\", \"to\", on_update, on_delete, match)
  FROM pragma_foreign_key_list('t')
UNION ALL SELECT concat_ws(' ', 'index', l.seq, l.\"unique\", l.origin, x.seqno, x.name, x.desc, x.coll)
  FROM pragma_index_list('t') l, pragma_index_xinfo(l.name) x
UNION ALL SELECT concat_ws(' ', 'table', ncol, wr, strict) FROM pragma_table_list('t')";

/// The statement without what stands between its words: also checks, of which no pragma tells, are still there.
async fn written(engine: &Engine) -> String {
    let mut sql = catalogue::query(engine, "SELECT sql FROM sqlite_master WHERE name = 't'").await.concat();
    for between in SPACES.iter().map(|space| space.trim()).chain(["/* end */", "\"t\""]).filter(|it| !it.is_empty()) {
        sql = sql.replace(between, if between == "\"t\"" { "t" } else { " " });
    }
    sql.chars().filter(|character| !character.is_whitespace() && *character != ',').collect()
}

async fn hold(engine: &Engine, sql: &str) -> Result<bool, TestCaseError> {
    let connection = engine.connection().await.unwrap();
    if connection.batch(sql).await.is_err() {
        return Ok(false);
    }
    drop(connection);
    let there = (catalogue::query(engine, READ).await, written(engine).await);
    let change = |describe: fn(&mut Operations)| {
        let mut op = Operations::default();
        describe(&mut op);
        async move { apply(engine, op.list()).await.map_err(crate::way::failed) }
    };
    change(|op| {
        op.create_check_constraint("added by us", "t", "1 = 1");
    })
    .await?;
    change(|op| op.drop_constraint("added by us", "t")).await?;
    prop_assert_eq!((catalogue::query(engine, READ).await, written(engine).await), there);
    engine.connection().await.unwrap().batch("DROP TABLE t").await.unwrap();
    Ok(true)
}

#[test]
fn an_edit_leaves_the_rest_of_a_definition_as_it_was() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let engine = runtime.block_on(async { Engine::connect(&"sqlite::memory:".parse().unwrap()).await.unwrap() });
    let accepted = std::cell::Cell::new(0u32);
    let config = Config { cases: 3000, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&definition(), |sql| {
        runtime.block_on(async {
            let held = hold(&engine, &sql).await;
            if held.is_err() {
                drop(engine.connection().await.unwrap().batch("DROP TABLE IF EXISTS t").await);
            }
            accepted.set(accepted.get() + u32::from(held?));
            Ok(())
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(accepted.get() > 500, "SQLite has accepted {}", accepted.get());
}
