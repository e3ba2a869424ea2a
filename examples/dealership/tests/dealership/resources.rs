//! The resources, by the cases in `tests/cases`: requests and their answers, on both databases. `README.md` there says how
//! a case is written.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::Request;
use crocus::testing::{Answer, TestApp};

use crate::each;

/// The headers that a case shows where an answer has them.
const SHOWN: [&str; 12] = [
    "accept-patch",
    "accept-post",
    "allow",
    "content-range",
    "content-type",
    "etag",
    "link",
    "location",
    "preference-applied",
    "retry-after",
    "vary",
    "idempotency-replayed",
];

#[tokio::test]
async fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let only = std::env::var("CASES").unwrap_or_default();
    let mut wrong = String::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if !name.contains(&only) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let mut told: Option<String> = None;
        for (app, dialect) in each().await.iter().zip(["sqlite", "postgres"]) {
            if name.starts_with("postgres_") && dialect == "sqlite" {
                continue;
            }
            seed(app).await;
            let actual = run(app, &text).await;
            match &told {
                Some(first) if *first != actual => {
                    writeln!(wrong, "{name}: {dialect} answers otherwise\n{}", difference(first, &actual)).unwrap();
                }
                Some(_) => {}
                None => told = Some(actual),
            }
        }
        let actual = told.unwrap_or_default();
        if actual != text {
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&file, actual).unwrap();
            } else {
                writeln!(wrong, "{name}\n{}", difference(&text, &actual)).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}\nIf the answers are right, run the test with UPDATE=1 and review the cases.");
}

/// Adds what the cases find.
pub async fn seed(app: &TestApp) {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/seed.http")).unwrap();
    for request in parse(&text).into_iter().flat_map(|(_, requests)| requests) {
        let answer = ask(app, &request, "").await;
        assert!(answer.status().is_success(), "{request}\n{}", answer.text());
    }
}

/// The cases of a file, with what was answered to each request.
async fn run(app: &TestApp, text: &str) -> String {
    let mut told = String::new();
    for (title, steps) in parse(text) {
        told.push_str(&title);
        let mut etag = String::new();
        for step in steps {
            let answer = ask(app, &step, &etag).await;
            if let Some(tag) = answer.headers().get("etag") {
                etag = tag.to_str().unwrap().to_owned();
            }
            writeln!(told, "{step}{}", shown(&answer)).unwrap();
        }
    }
    format!("{}\n", told.trim_end())
}

/// `> GET /api/cars`
fn begins_request(line: &str) -> bool {
    let words = line.strip_prefix("> ").and_then(|line| line.split_once(" /"));
    words.is_some_and(|(method, _)| !method.is_empty() && method.bytes().all(|letter| letter.is_ascii_uppercase()))
}

/// Titles, and the requests under each. What is answered stands behind `<`, and is only compared.
fn parse(text: &str) -> Vec<(String, Vec<String>)> {
    let mut cases: Vec<(String, Vec<String>)> = vec![(String::new(), Vec::new())];
    for line in text.lines() {
        let (_, steps) = cases.last_mut().unwrap();
        match line {
            line if line.starts_with('#') => {
                if steps.is_empty() {
                    cases.last_mut().unwrap().0 += &format!("{line}\n");
                } else {
                    cases.push((format!("{line}\n"), Vec::new()));
                }
            }
            line if begins_request(line) => steps.push(format!("{line}\n")),
            line if line.starts_with('>') => *steps.last_mut().unwrap() += &format!("{line}\n"),
            _ => {}
        }
    }
    cases
}

/// The answer to a request: `> METHOD path`, then headers, then behind an empty line the body.
async fn ask(app: &TestApp, request: &str, etag: &str) -> Answer {
    let mut lines = request.lines().map(|line| line[1..].strip_prefix(' ').unwrap_or(&line[1..]));
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let escaped = |character: char| match character {
        ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => format!("%{:02X}", u32::from(character)),
        other => other.to_string(),
    };
    let path: String = path.chars().map(escaped).collect();
    let mut builder = Request::builder().method(method).uri(path);
    let mut has_type = false;
    for header in lines.by_ref().take_while(|line| !line.is_empty()) {
        let (name, value) = header.split_once(": ").unwrap();
        has_type |= name.eq_ignore_ascii_case("content-type");
        builder = builder.header(name, value.replace("{etag}", etag));
    }
    let body: Vec<_> = lines.collect();
    let body = body.join("\n");
    if !has_type && !body.is_empty() {
        builder = builder.header("content-type", "application/json");
    }
    app.request(builder.body(Body::from(body)).unwrap()).await
}

/// The status, the headers that matter, and the body.
fn shown(answer: &Answer) -> String {
    let mut text = format!("< {}\n", answer.status().as_u16());
    for name in SHOWN {
        let value = answer.headers().get(name).map(|value| value.to_str().unwrap());
        match value {
            Some("application/json") | None => {}
            Some("application/problem+json") => {}
            // Every answer that can be compressed says so.
            Some("accept-encoding") => {}
            Some(value) => writeln!(text, "< {name}: {value}").unwrap(),
        }
    }
    let mut body = answer.text();
    if answer.headers().get("content-type").is_some_and(|value| value == "application/problem+json") {
        // What follows from the code is not repeated in every case.
        let (code, status) = (answer.json()["code"].as_str().unwrap().to_owned(), answer.status());
        let title = status.canonical_reason().unwrap();
        let begin = format!("{{\"type\":\"/docs/errors#{code}\",\"title\":\"{title}\",");
        if let Some(rest) = body.strip_prefix(&begin) {
            body = format!("{{{rest}");
        }
    }
    if !body.is_empty() {
        text += "<\n";
        body.lines().for_each(|line| writeln!(text, "< {line}").unwrap());
    }
    text
}

/// The lines that differ, with a line before each.
fn difference(expected: &str, actual: &str) -> String {
    let (expected, actual): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let mut text = String::new();
    let mut at = 0;
    for line in 0..expected.len().max(actual.len()) {
        let (one, other) = (expected.get(line).unwrap_or(&""), actual.get(line).unwrap_or(&""));
        if one != other && at < 12 {
            at += 1;
            writeln!(text, "  line {}\n  - {one}\n  + {other}", line + 1).unwrap();
        }
    }
    text
}
