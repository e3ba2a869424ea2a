//! Making and dropping whole SQLite databases: files.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use crate::{Error, ErrorKind, Result};

pub(crate) fn exists(path: &Path) -> bool {
    path.is_file()
}

/// Makes the file, and the folder that it is in. `false`: it was there already.
pub(crate) fn create(path: &Path) -> Result<bool> {
    if exists(path) {
        return Ok(false);
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| failed("create the folder", folder, &error))?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && exists(path) => Ok(false),
        Err(error) => Err(failed("create the database", path, &error)),
    }
}

/// Removes the file and what SQLite keeps beside it. `false`: it was not there.
pub(crate) fn drop(path: &Path) -> Result<bool> {
    if !exists(path) {
        return Ok(false);
    }
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

pub(crate) fn missing(path: &Path) -> Error {
    let text = if path.is_dir() {
        format!("the database `{}` is a folder, not a file", path.display())
    } else {
        format!("the database `{}` does not exist", path.display())
    };
    Error::new(ErrorKind::MissingDatabase, text)
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Database, format!("failed to {what} `{}`: {error}", path.display()))
}
