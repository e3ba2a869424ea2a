//! An upgrade that loses data waits until somebody has acknowledged it.

use crocus_migrate::lint::Code;
use crocus_migrate::prelude::*;
use crocus_migrate::{ErrorKind, Migration, Migrations, Options, applied, upgrade};
use crocus_orm::{DatabaseUrl, Engine};
use crocus_testing::TestDatabase;

fn create(op: &mut Operations) {
    op.create_table("cars", |t| {
        t.column("name", text());
        t.column("model", text());
    });
}

fn add(op: &mut Operations) {
    op.add_column("cars", "doors", integer());
}

fn lose(op: &mut Operations) {
    op.add_column("cars", "title", text());
    op.drop_column("cars", "model");
}

fn lose_acknowledged(op: &mut Operations) {
    op.allow("drop-table", "the cars are sold");
    op.drop_table("cars");
}

/// A revision, what it follows, and what it does.
type Change = (&'static str, &'static [&'static str], fn(&mut Operations));

fn history(changes: &[Change]) -> Migrations {
    let migration = |(revision, down_revisions, upgrade): &Change| Migration {
        revision,
        down_revisions,
        labels: &[],
        depends_on: &[],
        replaces: &[],
        message: "change",
        created: "",
        file: "file.rs",
        upgrade: *upgrade,
        downgrade: |op| op.irreversible("it is not what is tested"),
    };
    Migrations::new("", changes.iter().map(migration).collect())
}

#[tokio::test]
async fn data_is_lost_only_where_somebody_agreed() {
    for database in TestDatabase::each() {
        let url: DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let engine = Engine::connect(&url).await.unwrap();
        let migrations =
            history(&[("a", &[], create), ("b", &["a"], add), ("c", &["b"], lose), ("d", &["c"], lose_acknowledged)]);
        let mut options = Options::default();

        let error = upgrade(&engine, &migrations, "head", &options, |_| ()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unacknowledged);
        let what = "the revision c drops the column `cars.model` with its values (`file.rs`, step 2), \
                    and nobody has acknowledged it";
        assert_eq!(error.to_string(), what);
        let hint = "nothing was run; add `op.allow(\"drop-column\", \"why\");` before the step in the file and build \
                    the program again, or acknowledge it this once with `db upgrade --allow drop-column`";
        assert_eq!(error.hint(), Some(hint));
        assert!(applied(&engine, &migrations).await.unwrap().is_empty());

        // What comes before it can be had.
        assert_eq!(upgrade(&engine, &migrations, "b", &options, |_| ()).await.unwrap(), 2);
        options.allow = vec![Code::DropTable];
        upgrade(&engine, &migrations, "head", &options, |_| ()).await.unwrap_err();
        options.allow = vec![Code::DropColumn];
        assert_eq!(upgrade(&engine, &migrations, "head", &options, |_| ()).await.unwrap(), 2);
        // It is not judged again.
        assert_eq!(upgrade(&engine, &migrations, "head", &Options::default(), |_| ()).await.unwrap(), 0);
    }
}
