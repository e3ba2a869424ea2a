//! What the program tells of its API.

use std::path::Path;

use crate::each;

#[tokio::test]
async fn the_document_is_the_reviewed_one() {
    let reviewed = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let reviewed = std::fs::read_to_string(reviewed).unwrap();
    let command = "cargo run -p dealership -- openapi > examples/dealership/openapi.json";
    for app in each().await {
        let served = app.get("/openapi.json").await.text();
        assert!(served == reviewed, "the document changed. If it should have: {command}");
        // Nobody forgot a route.
        assert!(!served.contains("nothing more is said of it"), "a handler has no annotation");
    }
}
