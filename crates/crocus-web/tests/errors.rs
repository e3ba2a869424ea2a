//! The reference of problems: every code that the sources have is in it, and the chapter is what the list says.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crocus_web::reference::{self, CODES};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All sources below a folder.
fn sources(folder: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("problem/reference.rs") {
            all.push(fs::read_to_string(&path).unwrap());
        }
    }
}

/// The first text in lower case between quotes, if it comes soon: the code of a problem.
fn code_in(arguments: &str) -> Option<String> {
    let near: String = arguments.chars().take(120).collect();
    let (_, rest) = near.split_once('"')?;
    let (code, _) = rest.split_once('"')?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    (!code.is_empty() && code.bytes().all(plain)).then(|| code.to_owned())
}

#[test]
fn the_codes_of_the_sources_are_those_of_the_reference() {
    let mut texts = Vec::new();
    for krate in ["crocus", "crocus-web"] {
        sources(&root().join("crates").join(krate).join("src"), &mut texts);
    }
    let made = |call: &'static str| {
        let texts = texts.iter();
        texts.flat_map(move |text| text.split(call).skip(1).filter_map(code_in).collect::<Vec<_>>())
    };
    let used: BTreeSet<_> = made("Problem::new(").chain(made("violated(")).collect();
    let listed: BTreeSet<_> = CODES.iter().map(|code| code.code.to_owned()).collect();
    assert!(used.len() > 10, "the sources are not read: {used:?}");
    assert_eq!(used, listed, "a code is missing in `crocus-web/src/problem/reference.rs`, or is of no use there");
}

#[test]
fn each_code_is_said_once_and_with_a_status_of_an_error() {
    let codes: BTreeSet<_> = CODES.iter().map(|code| code.code).collect();
    assert_eq!(codes.len(), CODES.len());
    assert!(CODES.iter().all(|code| code.status.as_u16() >= 400));
    assert!(CODES.is_sorted_by_key(|code| (code.status.as_u16(), code.code)));
}

#[test]
fn the_chapter_is_made_from_the_list() {
    let path = root().join("docs/reference/errors.md");
    if std::env::var_os("CROCUS_BLESS").is_some() {
        fs::write(&path, reference::markdown()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, reference::markdown(), "docs/reference/errors.md: run this test with CROCUS_BLESS=1");
}
