//! Models to a database and back: what `db migrate` compares, `db upgrade` makes and a downgrade takes away.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crocus_migrate::compare::{Comparison, Ours, compare};
use crocus_migrate::schema::Schema;
use crocus_migrate::{apply, declared, inspect};
use crocus_orm::table::{
    CheckDef, ColumnDef, Deferrable, EnumDef, ForeignKeyDef, IndexDef, IndexKey, IndexPart, Nulls, ReadJson,
    ReferentialAction, TableDef, UniqueDef,
};
use crocus_orm::{ColumnType, Engine};
use crocus_testing::TestDatabase;

const ID: ColumnDef =
    ColumnDef { primary_key: true, nullable: false, identity: true, ..column("id", ColumnType::Integer) };

const fn column(name: &'static str, ty: ColumnType) -> ColumnDef {
    ColumnDef {
        name,
        field: name,
        ty,
        sql_type: None,
        collation: None,
        nullable: true,
        primary_key: false,
        identity: false,
        default: None,
        default_with: None,
        generated: None,
        version: false,
        sensitive: false,
        comment: None,
        renamed_from: None,
        from_json: ReadJson::of::<String>(),
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

static COLOUR: EnumDef = EnumDef { name: "colour", model: "Colour", values: &["red", "it's green"], renamed: &[] };

static MAKERS: TableDef = TableDef {
    comment: Some("Who makes cars."),
    uniques: &[UniqueDef {
        deferrable: Deferrable::Deferred,
        nulls_not_distinct: true,
        ..UniqueDef::new("makers_name_key", &["name"])
    }],
    ..table("makers", &[ID, column("name", ColumnType::Text)])
};

/// A table with everything that a model can declare.
static CARS: TableDef = TableDef {
    foreign_keys: &[ForeignKeyDef {
        on_delete: ReferentialAction::Cascade,
        match_full: true,
        deferrable: Deferrable::Deferred,
        ..ForeignKeyDef::new("cars_maker_id_fkey", &["maker_id"], || &MAKERS)
    }],
    checks: &[CheckDef { name: "cars_doors_check", expression: "doors >= 0", column: Some("doors") }],
    indexes: &[
        IndexDef {
            unique: true,
            condition: Some("colour = 'red'"),
            include: &["numbers"],
            nulls_not_distinct: true,
            ..IndexDef::new(
                "cars_red_idx",
                &[
                    IndexPart {
                        operator_class: Some("text_pattern_ops"),
                        ..IndexPart::new(IndexKey::Expression("lower(name)"))
                    },
                    IndexPart {
                        descending: true,
                        nulls: Some(Nulls::Last),
                        ..IndexPart::new(IndexKey::Column("doors"))
                    },
                ],
            )
        },
        IndexDef {
            unique: true,
            ..IndexDef::new("cars_maker_id_idx", &[IndexPart::new(IndexKey::Column("maker_id"))])
        },
        IndexDef {
            method: Some("hash"),
            ..IndexDef::new(
                "cars_name_idx",
                &[IndexPart { collation: Some("C"), ..IndexPart::new(IndexKey::Column("name")) }],
            )
        },
    ],
    ..table(
        "cars",
        &[
            ID,
            column("maker_id", ColumnType::Integer),
            ColumnDef { comment: Some("What it is called."), ..column("name", ColumnType::Text) },
            column("doors", ColumnType::Integer),
            ColumnDef { generated: Some("doors * 2"), ..column("twice", ColumnType::Integer) },
            ColumnDef { default: Some("'red'"), nullable: false, ..column("colour", ColumnType::Enum(&COLOUR)) },
            column("colours", ColumnType::Array(&ColumnType::Enum(&COLOUR))),
            column("numbers", ColumnType::Array(&ColumnType::Integer)),
            column("price", ColumnType::Decimal),
        ],
    )
};

const EVERYTHING: [&str; 6] = [
    "create enum colour",
    "create table makers",
    "create table cars",
    "create index cars_red_idx on cars",
    "create index cars_maker_id_idx on cars",
    "create index cars_name_idx on cars",
];

async fn compared(engine: &Engine, models: &Schema) -> Comparison {
    let actual = inspect(engine).await.unwrap();
    let declared = declared(engine, models, &actual).await.unwrap();
    compare(models, &declared, &actual, &Ours::default())
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
        assert_eq!(lines, EVERYTHING);
        apply(&engine, &comparison.operations).await.unwrap();
        assert_eq!(compared(&engine, &models).await, Comparison::default());
        let key = inspect(&engine).await.unwrap().table("cars").unwrap().foreign_keys[0].clone();
        assert_eq!((key.target.to_string().as_str(), key.on_delete), ("makers", ReferentialAction::Cascade));

        let back: Vec<_> = comparison.operations.iter().rev().map(|operation| operation.reverse().unwrap()).collect();
        apply(&engine, &back).await.unwrap();
        assert_eq!(inspect(&engine).await.unwrap(), before);
    }
}

/// The enum under which a value has another name.
static PAINTED: EnumDef =
    EnumDef { name: "colour", model: "Colour", values: &["crimson", "it's green"], renamed: &[("red", "crimson")] };

static DOORS: TableDef = table("doors", &[ID, column("colour", ColumnType::Enum(&COLOUR))]);
static PAINTED_DOORS: TableDef = table(
    "doors",
    &[
        ID,
        column("colour", ColumnType::Enum(&PAINTED)),
        column("colours", ColumnType::Array(&ColumnType::Enum(&PAINTED))),
    ],
);

#[tokio::test]
async fn a_value_that_a_model_says_is_renamed_is_so_once() {
    for database in TestDatabase::each() {
        let url: crocus_orm::DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let engine = Engine::connect(&url).await.unwrap();
        let made = compared(&engine, &Schema::from_models(&[&DOORS])).await;
        apply(&engine, &made.operations).await.unwrap();
        let models = Schema::from_models(&[&PAINTED_DOORS]);
        assert_eq!(models.renamed_values.len(), 1);
        let comparison = compared(&engine, &models).await;
        let lines: Vec<_> = comparison.operations.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["rename value red to crimson of enum colour", "add column doors.colours"]);
        assert_eq!(comparison.candidates, []);
        apply(&engine, &comparison.operations).await.unwrap();
        assert_eq!(compared(&engine, &models).await, Comparison::default());
    }
}

#[cfg(feature = "decimal")]
#[tokio::test]
async fn decimals_are_in_the_order_of_the_numbers_also_when_their_table_is_made_anew() {
    use crocus_migrate::prelude::*;
    use crocus_orm::Statement;

    for database in TestDatabase::each() {
        let url: crocus_orm::DatabaseUrl = database.url().parse().unwrap();
        url.create_database().await.unwrap();
        let engine = Engine::connect(&url).await.unwrap();
        let mut op = crocus_migrate::Operations::default();
        op.create_table("cars", |t| t.column("price", decimal()));
        op.execute("INSERT INTO cars VALUES ('9.5'), ('10'), ('-10.5')");
        op.alter_column("cars", "price", decimal().not_null());
        apply(&engine, op.list()).await.unwrap();
        let sql = "SELECT price || '' FROM cars ORDER BY price";
        let rows = engine.query(Statement::read(sql, [])).await.unwrap();
        let prices: Vec<String> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(prices, ["-10.5", "9.5", "10"]);
    }
}
