//! Tags.

use crocus::prelude::*;
use dealership::models::Tag;
use serde_json::json;

use crate::{add_car, add_maker, all, done, each, refused};

#[tokio::test]
async fn a_tag_is_put_on_and_taken_off() {
    for app in each().await {
        let maker = add_maker(&app, "Tesla").await;
        let one = add_car(&app, maker, "Model 3", "30000").await;
        let other = add_car(&app, maker, "Model S", "60000").await;
        let path = |car: i64, tag: &str| format!("/cars/{car}/tags/{tag}");
        done(app.put(&path(one, "new"), json!({})).await);
        done(app.put(&path(other, "electric"), json!({})).await);
        for _ in 0..2 {
            let tags = done(app.put(&path(one, "electric"), json!({})).await);
            let mut names = all(&tags, "name");
            names.sort();
            assert_eq!(names, ["electric", "new"]);
        }
        for _ in 0..2 {
            assert_eq!(done(app.delete(&path(one, "electric")).await)["name"], "electric");
        }
        let whole = done(app.get(&format!("/cars/{one}")).await);
        assert_eq!(all(&whole["tags"], "name"), ["new"]);
        let whole = done(app.get(&format!("/cars/{other}")).await);
        assert_eq!(all(&whole["tags"], "name"), ["electric"], "the other car keeps it");
        assert_eq!(refused(app.delete(&path(one, "rusty")).await, 404), "not_found");
        assert_eq!(refused(app.put(&path(99, "electric"), json!({})).await, 404), "not_found");
    }
}

#[tokio::test]
async fn tags_that_are_there_already_are_told() {
    for app in each().await {
        done(app.post("/tags", json!({"names": ["red"]})).await);
        let tags = done(app.post("/tags", json!({"names": ["blue", "red", "green", "blue"]})).await);
        assert_eq!(all(&tags["made"], "name"), ["blue", "green"]);
        assert_eq!(tags["known"], json!(["red", "blue"]));
        assert_eq!(Tag::select().count(app.db()).await.unwrap(), 3);
    }
}
