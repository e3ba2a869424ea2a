//! `orm WORKLOAD ROUNDS`: SeaORM's `insert_many`, `load_many` and `ActiveModel::update`. Prints nanoseconds, a line for
//! each round.

use std::time::{Duration, Instant};

use sea_orm::{
    ActiveModelTrait, DatabaseConnection, DbErr, EntityTrait, IntoActiveModel, LoaderTrait, QueryOrder, Set,
};
use sea_orm::{TransactionTrait, Unchanged};

use crate::car;

mod maker {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "makers")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::product::Entity")]
        Products,
    }

    impl Related<super::product::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Products.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod product {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "products")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub maker_id: i32,
        pub name: String,
        pub price: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(belongs_to = "super::maker::Entity", from = "Column::MakerId", to = "super::maker::Column::Id")]
        Maker,
    }

    impl Related<super::maker::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Maker.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub async fn run(db: &DatabaseConnection, workload: &str, rounds: &str) -> Result<(), DbErr> {
    for _ in 0..rounds.parse().expect("a number of rounds") {
        let took = match workload {
            "load" => load(db).await?,
            "flush" => flush(db).await?,
            "update-some" => update_some(db).await?,
            unknown => panic!("there is no workload `{unknown}`"),
        };
        println!("{}", took.as_nanos());
    }
    Ok(())
}

async fn load(db: &DatabaseConnection) -> Result<Duration, DbErr> {
    let begun = Instant::now();
    let makers = maker::Entity::find().all(db).await?;
    let products = makers.load_many(product::Entity, db).await?;
    let took = begun.elapsed();
    assert!(makers.len() == 1_000 && products.iter().all(|products| products.len() == 10));
    assert_eq!(products.iter().flatten().map(|product| i64::from(product.price)).sum::<i64>(), 50_005_000);
    Ok(took)
}

async fn flush(db: &DatabaseConnection) -> Result<Duration, DbErr> {
    let begun = Instant::now();
    let cars = (1..=10_000).map(|n| car::ActiveModel {
        name: Set(format!("Car {n}")),
        model: Set(format!("Model {n}")),
        doors: Set(4),
        ..Default::default()
    });
    let cars = car::Entity::insert_many(cars).exec_with_returning(db).await?;
    let took = begun.elapsed();
    assert!(cars.len() == 10_000 && cars.iter().all(|car| car.id > 0));
    Ok(took)
}

async fn update_some(db: &DatabaseConnection) -> Result<Duration, DbErr> {
    let cars = car::Entity::find().order_by_asc(car::Column::Id).all(db).await?;
    let begun = Instant::now();
    let transaction = db.begin().await?;
    for car in cars.into_iter().step_by(10) {
        let doors = car.doors + 1;
        let mut car = car.into_active_model();
        assert!(matches!(car.doors, Unchanged(_)));
        car.doors = Set(doors);
        car.update(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(begun.elapsed())
}
