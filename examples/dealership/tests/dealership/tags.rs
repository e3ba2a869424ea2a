//! Tags.

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
            assert_eq!(all(&tags, "name"), ["electric", "new"]);
        }
        assert_eq!(all(&done(app.delete(&path(one, "electric")).await), "name"), ["new"]);
        let whole = done(app.get(&format!("/cars/{other}")).await);
        assert_eq!(all(&whole["tags"], "name"), ["electric"], "the other car keeps it");
        assert_eq!(refused(app.delete(&path(one, "rusty")).await, 404), "not_found");
        assert_eq!(refused(app.put(&path(99, "electric"), json!({})).await, 404), "not_found");
    }
}
