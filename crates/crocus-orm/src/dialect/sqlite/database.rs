//! Making and dropping whole SQLite databases: files.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{Error, ErrorKind, Result};

pub(crate) async fn exists(path: PathBuf) -> Result<bool> {
    blocking(move || Ok(path.is_file())).await
}

/// Makes the file, and the folder that it is in. `false`: it was there already.
pub(crate) async fn create(path: PathBuf) -> Result<bool> {
    blocking(move || create_file(&path)).await
}

/// Removes the file and what SQLite keeps beside it. `false`: it was not there.
pub(crate) async fn drop(path: PathBuf) -> Result<bool> {
    blocking(move || remove_files(&path)).await
}

/// Off the threads that other tasks wait for.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let failed = |error| Error::new(ErrorKind::Database, format!("failed to work on a file: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}

fn create_file(path: &Path) -> Result<bool> {
    if path.is_file() {
        return Ok(false);
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| failed("create the folder", folder, &error))?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_file() => Ok(false),
        Err(error) => Err(failed("create the database", path, &error)),
    }
}

fn remove_files(path: &Path) -> Result<bool> {
    if !path.is_file() {
        return Ok(false);
    }
    check_unused(path)?;
    // The database last: until it is gone, a second try finds it.
    for suffix in ["-journal", "-shm", "-wal", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let file = PathBuf::from(name);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed("remove", &file, &error));
            }
            _ => {}
        }
    }
    Ok(true)
}

/// Refuses a file that is no database, and one that others have open: they would go on writing to a file that nobody
/// finds. A database that cannot be read for another reason may go.
fn check_unused(path: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Leaving WAL takes the database for itself alone.
    let alone = Connection::open_with_flags(Path::new(".").join(path), flags)
        .and_then(|connection| connection.pragma_update(None, "journal_mode", "DELETE"));
    match alone.err().and_then(|error| error.sqlite_error_code()) {
        Some(ErrorCode::NotADatabase) => {
            let text = format!("`{}` is not an SQLite database", path.display());
            Err(Error::new(ErrorKind::Database, text).with_hint("remove the file yourself if it is not needed"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            let text = format!("the database `{}` is being used", path.display());
            Err(Error::new(ErrorKind::Database, text).with_hint("stop the programs that use it, then try again"))
        }
        _ => Ok(()),
    }
}

pub(crate) fn missing(path: &Path) -> Error {
    let shown = path.display();
    if path.is_dir() {
        let text = format!("the database `{shown}` is a folder, not a file");
        let file = path.join("NAME.db");
        return Error::new(ErrorKind::Unavailable, text).with_hint(format!("name a file: `sqlite:{}`", file.display()));
    }
    Error::new(ErrorKind::MissingDatabase, format!("the database `{shown}` does not exist"))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Database, format!("failed to {what} `{}`: {error}", path.display()))
}
