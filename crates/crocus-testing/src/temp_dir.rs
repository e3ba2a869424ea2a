//! A scratch folder that removes itself, and the names that no two tests share.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::Error;

/// An empty folder that only this user can enter, removed with all its contents on drop.
///
/// It lies in [`std::env::temp_dir`].
///
/// # Example
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = crocus_testing::TempDir::new()?;
/// std::fs::write(folder.path().join("cars.toml"), "doors = 4")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// Makes the folder.
    ///
    /// # Errors
    ///
    /// When the system's folder for temporary files cannot be written.
    pub fn new() -> Result<Self, Error> {
        Self::with_prefix("crocus-test-")
    }

    pub(crate) fn with_prefix(prefix: &str) -> Result<Self, Error> {
        let path = std::env::temp_dir().join(unique_name(prefix));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(Error::io(format!("failed to make `{}`", path.display())))?;
        Ok(Self { path })
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The prefix, this process's number and eight random digits.
///
/// Short, because a Unix socket's path has room for about 100 bytes and macOS spends 49 on the temporary folder.
pub(crate) fn unique_name(prefix: &str) -> String {
    format!("{prefix}{}_{:08x}", std::process::id(), random() as u32)
}

/// A number that differs at each call: the standard library seeds each `RandomState` differently.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_differ_and_vanish() {
        let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        assert_ne!(one.path(), other.path());

        let path = one.path().to_owned();
        fs::create_dir(path.join("inner")).unwrap();
        fs::write(path.join("inner/file"), "text").unwrap();
        drop(one);
        assert!(!path.exists());
        assert!(other.path().is_dir());
    }
}
