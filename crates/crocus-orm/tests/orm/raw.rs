//! Queries in SQL.

use crocus_orm::{ErrorKind, Model, sql};

use crate::database::{assert_kind, each};
use crate::models::{Car, NewCar};

#[tokio::test]
async fn sql_is_read_into_models_and_columns() {
    for db in each().await {
        for (name, doors) in [("a", 2), ("b", 4)] {
            let new = NewCar { name: name.into(), model: "m".into(), doors, note: None };
            Car::insert(db.engine(), new).await.unwrap();
        }
        // The columns' order is the query's own affair.
        let text = "SELECT doors, note, 1 AS more, name, model, id FROM cars WHERE doors > $1 AND name <> $2";
        let cars = sql(text, [3.into(), "it's".into()]).models::<Car>(db.engine()).await.unwrap();
        assert_eq!(cars, [Car { id: 2, name: "b".into(), model: "m".into(), doors: 4, note: None }], "{db}");
        assert!(sql("SELECT name FROM cars WHERE 1 = 0", []).models::<Car>(db.engine()).await.unwrap().is_empty());

        let error =
            assert_kind(sql("SELECT id, name FROM cars", []).models::<Car>(db.engine()).await, ErrorKind::Mismatch);
        assert_eq!(
            error.to_string(),
            "the query does not give the column `model` of `cars`; it gives id, name",
            "{db}"
        );

        let pairs: Vec<(String, Option<String>)> =
            sql("SELECT name, note FROM cars ORDER BY id", []).columns(db.engine()).await.unwrap();
        assert_eq!(pairs, [("a".into(), None), ("b".into(), None)], "{db}");
        let names: Vec<String> = sql("SELECT name FROM cars ORDER BY id DESC", []).columns(db.engine()).await.unwrap();
        assert_eq!(names, ["b", "a"], "{db}");
        let wrong = sql("SELECT id, name FROM cars", []).columns::<i32>(db.engine()).await;
        let error = assert_kind(wrong, ErrorKind::Mismatch);
        assert_eq!(error.to_string(), "the query gives 2 columns (id, name), and 1 are read", "{db}");
        assert_kind(sql("SELECT name FROM cars", []).columns::<i32>(db.engine()).await, ErrorKind::Mismatch);

        let written = sql("UPDATE cars SET doors = doors + $1", [1.into()]).execute(db.engine()).await.unwrap();
        assert_eq!(written, 2, "{db}");
        let given = sql("DELETE FROM cars WHERE doors = $1 RETURNING *", [5.into()]).writing();
        assert_eq!(given.models::<Car>(db.engine()).await.unwrap()[0].name, "b", "{db}");
        assert_kind(sql("SELECT misspelt FROM cars", []).columns::<i32>(db.engine()).await, ErrorKind::MissingTable);
    }
}
