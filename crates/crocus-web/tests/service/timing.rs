//! What answers tell of their time.

use crocus_web::ServiceOptions;

use crate::asking::each;

#[tokio::test]
async fn an_answer_tells_its_time_where_that_is_wanted() {
    for service in each(ServiceOptions { server_timing: true, ..ServiceOptions::default() }).await {
        for (path, queries) in [("/cars/1", "2 queries"), ("/broken", "1 query"), ("/nothing", "0 queries")] {
            let told = service.get(path, &[]).await.header("server-timing");
            let (db, total) = told.split_once(", ").unwrap();
            let (duration, description) = db.strip_prefix("db;dur=").unwrap().split_once(';').unwrap();
            assert_eq!(description, format!("desc=\"{queries}\""), "{path}");
            let duration: f64 = duration.parse().unwrap();
            let total: f64 = total.strip_prefix("total;dur=").unwrap().parse().unwrap();
            assert!(duration <= total + 0.1, "{path}: {told}");
            assert_eq!(queries.starts_with('0'), duration == 0.0, "{path}: {told}");
        }
    }
}

#[tokio::test]
async fn without_the_setting_it_tells_nothing() {
    for service in each(ServiceOptions::default()).await {
        assert_eq!(service.get("/cars/1", &[]).await.header("server-timing"), "");
    }
}
