//! Data migrations in Rust, on both databases.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};

use crocus_macros::Model;
use crocus_migrate::prelude::*;
use crocus_migrate::{Migration, Migrations, Operation, Options, Step, upgrade};
use crocus_orm::{ColumnOperators, Engine, Model as _};
use crocus_testing::TestDatabase;

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "cars")]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    title: Option<String>,
}

fn migration(
    revision: &'static str,
    down_revisions: &'static [&'static str],
    upgrade: fn(&mut Operations),
) -> Migration {
    Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "change",
        created: "",
        file: "",
        upgrade,
        downgrade: |op| op.irreversible("it is a test"),
    }
}

fn cars(op: &mut Operations) {
    op.create_table("cars", |t| {
        t.column("id", integer().identity().primary_key());
        t.column("name", text().not_null());
        t.column("title", text());
    });
    op.execute("INSERT INTO cars (name) VALUES (' a '), ('b'), ('c ')");
}

async fn each() -> Vec<(TestDatabase, Engine)> {
    let mut engines = Vec::new();
    for database in TestDatabase::each() {
        let url: crocus_orm::DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let engine = Engine::connect(&url).await.unwrap();
        engines.push((database, engine));
    }
    engines
}

async fn titles(engine: &Engine) -> Vec<String> {
    let rows = engine.query(Statement::write("SELECT COALESCE(title, '-') FROM cars ORDER BY id", [])).await.unwrap();
    rows.iter().map(|row| row.get(0).unwrap()).collect()
}

#[tokio::test]
async fn a_step_reads_writes_and_says_how_far_it_is() {
    let fill: fn(&mut Operations) = |op| {
        op.run("fill in titles", |data| {
            Box::pin(async move {
                let rows = data.query(Statement::read("SELECT id, name FROM cars ORDER BY id", [])).await?;
                for (at, row) in rows.iter().enumerate() {
                    let (id, name): (i32, String) = (row.get(0)?, row.get(1)?);
                    let values = [name.trim().to_uppercase().into(), id.into()];
                    data.execute(Statement::write("UPDATE cars SET title = $1 WHERE id = $2", values)).await?;
                    data.progress(at as u64 + 1, rows.len() as u64);
                }
                Ok(())
            })
        });
    };
    for (_database, engine) in each().await {
        let migrations = Migrations::new("", vec![migration("a1", &[], cars), migration("b2", &["a1"], fill)]);
        let mut said = Vec::new();
        let on_step = |step: Step<'_>| {
            if let Step::Progress { name, done, total } = step {
                said.push(format!("{name}: {done} of {total}"));
            }
        };
        upgrade(&engine, &migrations, "heads", &Options::default(), on_step).await.unwrap();
        assert_eq!(titles(&engine).await, ["A", "B", "C"]);
        assert_eq!(said.last().unwrap(), "fill in titles: 3 of 3");
    }
}

#[tokio::test]
async fn a_step_that_fails_has_written_nothing() {
    let fail: fn(&mut Operations) = |op| {
        op.add_column("cars", "doors", integer());
        op.run("think of titles", |data| {
            Box::pin(async move {
                data.execute(Statement::write("UPDATE cars SET title = 'x'", [])).await?;
                Err("no title came to mind".into())
            })
        });
    };
    for (_database, engine) in each().await {
        let migrations = Migrations::new("", vec![migration("a1", &[], cars), migration("b2", &["a1"], fail)]);
        let error = upgrade(&engine, &migrations, "heads", &Options::default(), |_| ()).await.unwrap_err();
        assert_eq!(error.to_string(), "the revision b2 (change) failed at step 2 of 2, run think of titles");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "no title came to mind");
        let kept =
            if engine.dialect() == Dialect::Sqlite { "nothing of this revision was kept" } else { "step 1 is done" };
        assert!(error.hint().unwrap().starts_with(kept), "{:?}", error.hint());
        assert_eq!(titles(&engine).await, ["-", "-", "-"]);
    }
}

#[tokio::test]
async fn a_step_uses_models_in_its_transaction() {
    let fill: fn(&mut Operations) = |op| {
        op.run("fill in titles", |data| {
            Box::pin(async move {
                for car in Car::select().order_by(Car::ID.asc()).all(&data).await? {
                    let title = Some(format!("{}: {}", car.id, car.name.trim()));
                    Car::update().set(Car::TITLE, title).filter(Car::ID.eq(car.id)).execute(&data).await?;
                }
                let many = (0..6000).map(|_| NewCar { name: "x".to_owned(), title: None });
                Car::insert_many(many).execute(&data).await?;
                assert_eq!(Car::delete().filter(Car::ID.gt(3)).execute(&data).await?, 6000);
                assert!(Car::get(&data, 1).await?.is_some_and(|car| car.title.is_some()));
                Ok(())
            })
        });
    };
    for (_database, engine) in each().await {
        let migrations = Migrations::new("", vec![migration("a1", &[], cars), migration("b2", &["a1"], fill)]);
        upgrade(&engine, &migrations, "heads", &Options::default(), |_| ()).await.unwrap();
        assert_eq!(titles(&engine).await, ["1: a", "2: b", "3: c"]);
    }
}

static FAILS: AtomicUsize = AtomicUsize::new(0);

#[tokio::test]
async fn batches_that_were_stopped_go_on() {
    let fill: fn(&mut Operations) = |op| {
        op.run_batches("fill in titles", |data| {
            Box::pin(async move {
                // The second batch of each run fails, until the third run.
                if FAILS.fetch_add(1, Ordering::Relaxed) % 2 == 1 && FAILS.load(Ordering::Relaxed) < 5 {
                    return Err("stopped".into());
                }
                let sql = "UPDATE cars SET title = name WHERE id IN (SELECT id FROM cars WHERE title IS NULL LIMIT 1)";
                Ok(data.execute(Statement::write(sql, [])).await?)
            })
        });
    };
    for (_database, engine) in each().await {
        FAILS.store(0, Ordering::Relaxed);
        let migrations = Migrations::new("", vec![migration("a1", &[], cars), migration("b2", &["a1"], fill)]);
        for filled in [1, 2] {
            upgrade(&engine, &migrations, "heads", &Options::default(), |_| ()).await.unwrap_err();
            let kept = if engine.dialect() == Dialect::Sqlite { 0 } else { filled };
            assert_eq!(titles(&engine).await.iter().filter(|title| *title != "-").count(), kept);
        }
        assert_eq!(upgrade(&engine, &migrations, "heads", &Options::default(), |_| ()).await.unwrap(), 1);
        assert_eq!(titles(&engine).await, [" a ", "b", "c "]);
    }
}

#[test]
fn a_step_has_a_reverse_where_one_was_given() {
    let mut op = Operations::default();
    op.run("one way", |_| Box::pin(async { Ok(()) }));
    op.run("there and back", |_| Box::pin(async { Ok(()) })).reverse(|_| Box::pin(async { Ok(()) }));
    let reversed: Vec<_> = op.list().iter().map(Operation::reverse).collect();
    assert_eq!(reversed[0].as_ref().unwrap_err().to_string(), "run one way: nothing was given that undoes it");
    assert_eq!(reversed[1].as_ref().unwrap().to_string(), "run undo there and back");
}
