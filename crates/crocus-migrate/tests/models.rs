//! Models to a database and back: what `db migrate` compares, `db upgrade` makes and a downgrade takes away.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crocus_migrate::compare::{Comparison, Ours, compare};
use crocus_migrate::schema::Schema;
use crocus_migrate::{apply, declared, inspect};
use crocus_orm::table::{ColumnDef, ForeignKeyDef, ReferentialAction, TableDef};
use crocus_orm::{ColumnType, Engine};
use crocus_testing::TestDatabase;

const ID: ColumnDef =
    ColumnDef { primary_key: true, nullable: false, identity: true, ..column("id", ColumnType::Integer) };

const fn column(name: &'static str, ty: ColumnType) -> ColumnDef {
    ColumnDef {
        name,
        field: name,
        ty,
        nullable: true,
        primary_key: false,
        identity: false,
        default: None,
        generated: None,
        version: false,
        sensitive: false,
        comment: None,
        renamed_from: None,
    }
}

const fn table(name: &'static str, columns: &'static [ColumnDef]) -> TableDef {
    TableDef {
        name,
        schema: None,
        bind: None,
        model: name,
        comment: None,
        renamed_from: None,
        columns,
        uniques: &[],
        indexes: &[],
        checks: &[],
        foreign_keys: &[],
    }
}

static MAKERS: TableDef = table("makers", &[ID, column("name", ColumnType::Text)]);

static CARS: TableDef = TableDef {
    foreign_keys: &[ForeignKeyDef {
        name: "cars_maker_id_fkey",
        columns: &["maker_id"],
        target: || &MAKERS,
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::NoAction,
    }],
    ..table("cars", &[ID, column("maker_id", ColumnType::Integer)])
};

async fn compared(engine: &Engine, models: &Schema) -> Comparison {
    let declared = declared(engine, models).await.unwrap();
    compare(models, &declared, &inspect(engine).await.unwrap(), &Ours::default())
}

#[tokio::test]
async fn what_models_declare_is_made_found_again_and_taken_away() {
    for database in TestDatabase::each() {
        let url: crocus_orm::DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let engine = Engine::connect(&url).await.unwrap();
        let before = inspect(&engine).await.unwrap();

        let models = Schema::from_models(&[&CARS, &MAKERS]);
        let comparison = compared(&engine, &models).await;
        let lines: Vec<_> = comparison.operations.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["create table makers", "create table cars"]);
        apply(&engine, &comparison.operations).await.unwrap();
        assert_eq!(compared(&engine, &models).await, Comparison::default());
        let key = inspect(&engine).await.unwrap().table("cars").unwrap().foreign_keys[0].clone();
        assert_eq!((key.target.as_str(), key.on_delete), ("makers", ReferentialAction::Cascade));

        let back: Vec<_> = comparison.operations.iter().rev().map(|operation| operation.reverse().unwrap()).collect();
        apply(&engine, &back).await.unwrap();
        assert_eq!(inspect(&engine).await.unwrap(), before);
    }
}
