//! The migrations folder in the program's source: making it, and adding a file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, Migrations, Result};

const README: &str = "Migrations: one file a revision, compiled into the program.

`db migrate -m \"...\"` writes the next one: read it, change it if need be, and commit it. `db upgrade` applies what
the database lacks. Do not edit a file that a database somewhere has applied.
";

const BUILD_SCRIPT: &str = "//! Makes cargo notice new files in `migrations/`, which `crocus::migrations!` compiles in.

fn main() {
    println!(\"cargo::rerun-if-changed=migrations\");
}
";

/// What [`init`] found and made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialised {
    /// The folder.
    pub folder: PathBuf,
    /// Whether the folder was made now; otherwise it was there.
    pub made: bool,
    /// The build script, if one was written now.
    pub build_script: Option<PathBuf>,
    /// A build script that was there and does not mention the folder.
    pub foreign_build_script: Option<PathBuf>,
}

/// Makes the folder, and the build script that makes cargo notice new files in it.
///
/// # Errors
/// When the program's source is not here, or the disk refuses.
pub fn init(folder: &Path) -> Result<Initialised> {
    let source = source_of(folder)?;
    let made = !folder.is_dir();
    if made {
        fs::create_dir_all(folder).map_err(|error| failed("create the folder", folder, &error))?;
        write_new(&folder.join("README.md"), README)?;
    }
    let script = source.join("build.rs");
    let mut found = Initialised { folder: folder.to_owned(), made, build_script: None, foreign_build_script: None };
    match fs::read_to_string(&script) {
        Ok(text) if text.contains("migrations") => {}
        Ok(_) => found.foreign_build_script = Some(script),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            write_new(&script, BUILD_SCRIPT)?;
            found.build_script = Some(script);
        }
        Err(error) => return Err(failed("read", &script, &error)),
    }
    Ok(found)
}

/// Writes a migration file, and gives its path.
///
/// # Errors
/// When the folder is not here, holds revisions that the program was not built with, or the disk refuses.
pub fn write(migrations: &Migrations, folder: &Path, file: &str, text: &str) -> Result<PathBuf> {
    check(migrations, folder)?;
    let path = folder.join(file);
    write_new(&path, text)?;
    Ok(path)
}

/// Checks that the folder is here and that its files are those that the program was built with.
///
/// # Errors
/// When it is not so.
pub fn check(migrations: &Migrations, folder: &Path) -> Result<()> {
    source_of(folder)?;
    if !folder.is_dir() {
        let text = format!("the migrations folder `{}` does not exist", folder.display());
        return Err(Error::new(ErrorKind::Folder, text).with_hint("make it with `db init`"));
    }
    let entries = fs::read_dir(folder).map_err(|error| failed("read the folder", folder, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| failed("read the folder", folder, &error))?.file_name();
        let name = name.to_string_lossy().into_owned();
        if name.ends_with(".rs") && !name.starts_with('.') {
            found.push(name);
        }
    }
    found.sort();
    let compiled: Vec<_> = migrations.list().iter().map(|migration| migration.file).collect();
    let difference = found
        .iter()
        .find(|name| !compiled.contains(&name.as_str()))
        .map(|name| format!("the migration `{name}` is not in this program"))
        .or_else(|| {
            let gone = compiled.iter().find(|name| !found.iter().any(|found| found == *name));
            gone.map(|name| format!("this program has the migration `{name}`, which the folder lacks"))
        });
    match difference {
        None => Ok(()),
        Some(text) => {
            let hint = "build the program again, then run the command again";
            Err(Error::new(ErrorKind::Folder, text).with_hint(hint))
        }
    }
}

/// The folder of the program's source, where the migrations folder is or will be.
fn source_of(folder: &Path) -> Result<&Path> {
    match folder.parent().filter(|source| source.join("Cargo.toml").is_file()) {
        Some(source) => Ok(source),
        None => {
            let text = format!("the program's source is not here: `{}` has no Cargo.toml beside it", folder.display());
            let hint = "run this command where the program was built, or name the folder with `--directory`";
            Err(Error::new(ErrorKind::Folder, text).with_hint(hint))
        }
    }
}

/// Writes a file that must not be there yet, whole or not at all.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let partial = path.with_extension("partial");
    let write = || {
        let mut file = fs::File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // A link fails where the name is taken; a rename would replace what is there.
        fs::hard_link(&partial, path).or_else(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Err(error),
            // A file system without links.
            _ => fs::rename(&partial, path),
        })
    };
    let result = write().map_err(|error| failed("write", path, &error));
    drop(fs::remove_file(&partial));
    result
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Folder, format!("failed to {what} `{}`: {error}", path.display()))
}
