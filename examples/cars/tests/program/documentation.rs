//! What the program tells of its API: the OpenAPI document, the page that shows it, and the reference of problems.

use std::path::Path;

use serde_json::Value;

use crate::client::Request;
use crate::program::{Cars, Program};

/// The reviewed document.
fn snapshot() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json")).unwrap()
}

#[test]
fn the_document_is_the_reviewed_one() {
    let program = Program::new();
    let printed = program.done(&["openapi"]);
    let command = "cargo run -p cars -- openapi > examples/cars/openapi.json";
    assert!(printed == snapshot(), "the document changed. If it should have: {command}");
    // It asks no database, and makes none.
    assert_eq!(std::fs::read_dir(program.folder()).unwrap().count(), 0);
}

#[test]
fn the_document_is_served_and_not_sent_twice() {
    for cars in Cars::each() {
        let answer = cars.get("/openapi.json");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(answer.text(), snapshot());
        let tag = answer.header("etag").unwrap().to_owned();
        for (known, status) in [(tag.clone(), 304), (format!("\"x\", W/{tag}"), 304), ("\"x\"".to_owned(), 200)] {
            let answer = cars.ask(&Request::get("/openapi.json").header("if-none-match", &known));
            assert_eq!(answer.status, status, "{known}");
        }
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    for cars in Cars::each() {
        let page = cars.get("/docs");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        let text = page.text();
        assert!(!text.contains("http"), "{text}");
        let quoted = text.split('"').filter(|part| part.starts_with("docs/") || part.ends_with(".json"));
        let mut files = 0;
        for file in quoted {
            assert_eq!(cars.get(&format!("/{file}")).status, 200, "{file}");
            files += 1;
        }
        assert_eq!(files, 4, "{text}");
    }
}

#[test]
fn the_type_of_a_problem_leads_to_its_explanation() {
    for cars in Cars::each() {
        let problem = cars.get("/cars/1").problem(404);
        let (path, place) = problem["type"].as_str().unwrap().split_once('#').unwrap();
        let reference = cars.get(path);
        assert_eq!((reference.status, place), (200, "not_found"));
        assert!(reference.text().contains(&format!("id=\"{place}\"")), "{}", reference.text());
    }
}

#[test]
fn every_route_of_the_program_is_in_the_document() {
    let document: Value = serde_json::from_str(&snapshot()).unwrap();
    let routes: Vec<Value> = serde_json::from_str(&Program::new().done(&["routes", "--json"])).unwrap();
    // OpenAPI 3.1 has no place for QUERY.
    for route in routes.iter().filter(|route| route["handler"] != "docs" && route["method"] != "QUERY") {
        let (path, method) = (route["path"].as_str().unwrap(), route["method"].as_str().unwrap().to_lowercase());
        assert!(document["paths"][path][&method].is_object(), "{method} {path}");
    }
}
