//! Values of sensitive columns: in no recording, whether they are written, copied, or compared with.

use crocus_macros::Model;
use crocus_orm::{ColumnOperators, Model};

use crate::database::each;

const SECRET: &str = "open sesame";

#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "doors")]
struct Door {
    #[model(primary_key, no_identity)]
    id: i32,
    #[model(sensitive)]
    word: String,
}

#[tokio::test]
async fn a_sensitive_value_is_recorded_by_no_query() {
    for db in each().await {
        db.batch("CREATE TABLE doors (id INTEGER PRIMARY KEY, word TEXT NOT NULL)").await;
        let (engine, recorded) = db.record();
        let door = |id| NewDoor { id, word: SECRET.into() };
        Door::insert(&engine, door(-1)).await.unwrap();
        Door::insert_many([door(-2)]).execute(&engine).await.unwrap();
        Door::insert_many((0..5000).map(door)).execute(&engine).await.unwrap();

        let opened = || Door::select().filter(Door::WORD.eq(SECRET));
        assert_eq!(opened().count(&engine).await.unwrap(), 5002, "{db}");
        assert!(opened().exists(&engine).await.unwrap(), "{db}");
        assert_eq!(opened().filter(Door::ID.lt(0)).all(&engine).await.unwrap().len(), 2, "{db}");
        assert_eq!(opened().paginate(1, 1).fetch(&engine).await.unwrap().total, 5002, "{db}");
        let inner = opened().columns(Door::ID);
        assert_eq!(Door::select().filter(Door::ID.in_query(inner)).count(&engine).await.unwrap(), 5002, "{db}");
        let open = Door::select().columns(Door::WORD.eq(SECRET)).limit(1).all(&engine).await.unwrap();
        assert_eq!(open, [true], "{db}");
        Door::update().set(Door::WORD, SECRET).filter(Door::WORD.ne(SECRET)).execute(&engine).await.unwrap();
        Door::update()
            .set(Door::ID, 7000)
            .filter(Door::WORD.eq("other") | Door::WORD.eq(SECRET) & Door::ID.eq(1))
            .execute(&engine)
            .await
            .unwrap();
        assert_eq!(Door::delete().filter(Door::WORD.eq(SECRET)).execute(&engine).await.unwrap(), 5002, "{db}");

        let statements = recorded.statements();
        assert!(statements.len() > 10, "{db}");
        for statement in statements {
            let shown = statement.values.iter().any(|value| value.contains(SECRET));
            assert!(!shown && !statement.sql.contains(SECRET), "{db}: {}", statement.sql);
        }
        // What is no secret is shown.
        recorded.clear();
        Door::select().filter(Door::ID.eq(4711)).all(&engine).await.unwrap();
        assert_eq!(recorded.statements()[0].values, ["4711"], "{db}");
    }
}
