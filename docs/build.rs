//! Makes a program of each chapter of the guide. What runs them is left to `tests/chapters.rs`.
//!
//! A chapter's blocks are one program, in order, with nothing hidden: what is fenced `rust` are the items of a module,
//! and what is fenced `rust,run` are the statements of one async function, which has the databases as `db`. Every line
//! keeps its number, so that a message about `models.rs:57` is about line 57 of `models.md`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The languages of blocks that are shown and not run.
const SHOWN: [&str; 8] = ["python", "js", "text", "sql", "toml", "sh", "json", "rust,compile_fail"];

/// What a chapter's name and blocks become.
struct Chapter {
    name: String,
    items: String,
    statements: String,
    runs: bool,
}

fn main() {
    println!("cargo::rerun-if-changed=guide");
    let home = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("guide");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    match chapters(&home, &out) {
        Ok(modules) => fs::write(out.join("chapters.rs"), modules).expect("OUT_DIR can be written"),
        Err(mistakes) => {
            for mistake in mistakes {
                println!("cargo::error={mistake}");
            }
        }
    }
}

/// The modules of all chapters, or every mistake in them.
fn chapters(home: &Path, out: &Path) -> Result<String, Vec<String>> {
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| vec![format!("{}: {error}", path.display())]);
    let contents = read(&home.join("README.md"))?;
    let mut paths: Vec<_> = fs::read_dir(home).expect("the guide is there").flatten().map(|file| file.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("README.md"));
    paths.sort();
    let (mut modules, mut mistakes) = (String::new(), Vec::new());
    for path in paths {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !contents.contains(&format!("]({file})")) {
            mistakes.push(format!("docs/guide/README.md does not lead to {file}"));
        }
        match Chapter::read(file.trim_end_matches(".md"), &read(&path)?) {
            Ok(chapter) => chapter.write(out, &mut modules),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(modules) } else { Err(mistakes) }
}

impl Chapter {
    fn read(name: &str, text: &str) -> Result<Chapter, Vec<String>> {
        // The first line is a heading: it has room for the function's head.
        let head = "pub(super) async fn program(db: crocus::web::Db) -> crocus::web::Result<()> {";
        let (mut items, mut statements) = (String::new(), head.to_owned());
        let mut mistakes = Vec::new();
        let mut fence: Option<&str> = None;
        let (mut blocks, mut runs) = (0, false);
        for (number, line) in (1..).zip(text.lines()) {
            let (mut item, mut statement) = ("", "");
            match (line.strip_prefix("```"), fence) {
                (Some(""), Some(_)) => fence = None,
                (Some(language), None) => {
                    fence = Some(language);
                    blocks += usize::from(matches!(language, "rust" | "rust,run"));
                    runs |= language == "rust,run";
                    if !matches!(language, "rust" | "rust,run") && !SHOWN.contains(&language) {
                        mistakes.push(format!("docs/guide/{name}.md:{number}: the fence `{language}` is unknown"));
                    }
                }
                (_, Some("rust")) => item = line,
                (_, Some("rust,run")) => statement = line,
                _ => {}
            }
            items.extend([item, "\n"]);
            statements.extend([statement, "\n"]);
        }
        if fence.is_some() {
            mistakes.push(format!("docs/guide/{name}.md: the last block has no end"));
        }
        if blocks == 0 {
            mistakes.push(format!("docs/guide/{name}.md has no block of Rust"));
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        statements.push_str("Ok(()) }\n");
        Ok(Chapter { name: name.replace('-', "_"), items, statements, runs })
    }

    /// Writes the chapter's two files, and its module.
    fn write(&self, out: &Path, modules: &mut String) {
        let name = &self.name;
        let file = |name: &str, text: &str| {
            let path = out.join(name);
            fs::write(&path, text).expect("OUT_DIR can be written");
            format!("include!({:?});", path.display().to_string())
        };
        let _ = writeln!(modules, "#[allow(dead_code, missing_docs, clippy::unwrap_used, reason = \"a guide\")]");
        let _ = writeln!(modules, "mod {name} {{\n{}", file(&format!("{name}.items.rs"), &self.items));
        if self.runs {
            let _ = writeln!(modules, "{}", file(&format!("{name}.rs"), &self.statements));
            let app = self.app();
            let _ =
                writeln!(modules, "mod on {{ #[allow(unused_imports, reason = \"it may have none\")] use super::*;");
            for (dialect, server) in [("sqlite", "None"), ("postgres", "Some(crate::server())")] {
                let run = format!("crate::run({app}, {server}, program)");
                let _ = writeln!(modules, "#[test] fn {dialect}() {{ {run} }}");
            }
            modules.push_str("}\n");
        }
        modules.push_str("}\n");
    }

    /// An `App` with the chapter's models and binds.
    fn app(&self) -> String {
        let mut app = "crocus::App::new(\"guide\")".to_owned();
        let mut binds = Vec::new();
        let mut derived = false;
        for line in self.items.lines() {
            if let Some((_, rest)) = line.split_once("bind = \"")
                && let Some((key, _)) = rest.split_once('"')
                && !binds.contains(&key)
            {
                binds.push(key);
            }
            derived |= line.starts_with("#[derive(") && line.contains("Model");
            // It has no table of its own.
            derived &= !line.starts_with("#[model(embedded");
            let line = line.strip_prefix("pub ").unwrap_or(line);
            if let Some(rest) = line.strip_prefix("struct ")
                && std::mem::take(&mut derived)
            {
                let model = rest.split([' ', '{']).next().unwrap_or_default();
                let _ = write!(app, ".model::<{model}>()");
            }
        }
        for key in binds {
            let _ = write!(app, ".bind({key:?}, \"sqlite::memory:\")");
        }
        app
    }
}
