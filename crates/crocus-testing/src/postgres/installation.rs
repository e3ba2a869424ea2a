//! Finds the PostgreSQL server programs on this machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::error::Kind;

/// The folder, the start of a name that goes on with the major version, and the programs' folder below that.
const LAYOUTS: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                   // packages of postgresql.org for Fedora and its kin
    ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew
    ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
];

/// An installed PostgreSQL server.
#[derive(Debug, Clone)]
pub struct Installation {
    bin: PathBuf,
}

impl Installation {
    /// Finds `initdb` and `postgres`.
    ///
    /// The folder that the environment variable `PG_BIN` names is the only one looked at when it is set. Otherwise the
    /// first of these wins: a folder on `PATH`; the newest in `/usr/lib/postgresql/*/bin` (Debian); the newest in
    /// `/usr/pgsql-*/bin`; the newest that Homebrew has.
    ///
    /// # Errors
    ///
    /// When there is none ([`Error::is_not_installed`]), or when `PG_BIN` names a folder without them.
    pub fn find() -> Result<Self, Error> {
        if let Some(bin) = std::env::var_os("PG_BIN") {
            return Self::in_folder(Path::new(&bin)).ok_or_else(|| {
                Error::new(format!("`PG_BIN` is `{}`, which does not contain `initdb` and `postgres`", bin.display()))
            });
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::on_path(&path)
            .or_else(|| {
                LAYOUTS.iter().find_map(|(parent, prefix, below)| Self::newest(Path::new(parent), prefix, below))
            })
            .ok_or_else(|| {
                let message = "found no PostgreSQL server (`initdb` and `postgres`): \
                               not in `PG_BIN`, not on `PATH`, not in `/usr/lib/postgresql`";
                Error::with_kind(Kind::NotInstalled, message)
            })
    }

    /// The folder that the programs are in.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    fn on_path(path: &OsStr) -> Option<Self> {
        std::env::split_paths(path).find_map(|folder| Self::in_folder(&folder))
    }

    fn newest(parent: &Path, prefix: &str, below: &str) -> Option<Self> {
        let major = |entry: &fs::DirEntry| -> Option<u32> {
            let name = entry.file_name().into_string().ok()?;
            name.strip_prefix(prefix)?.parse().ok()
        };
        fs::read_dir(parent)
            .ok()?
            .flatten()
            .filter_map(|entry| Some((major(&entry)?, Self::in_folder(&entry.path().join(below))?)))
            .max_by_key(|(major, _)| *major)
            .map(|(_, installation)| installation)
    }

    /// PostgreSQL finds its other files relative to its programs, and `psql` may be beside the real ones only: so
    /// links such as `/usr/local/bin/initdb` are followed.
    fn in_folder(folder: &Path) -> Option<Self> {
        let initdb = folder.join("initdb").canonicalize().ok()?;
        let bin = initdb.parent()?.to_owned();
        let complete = folder.join("postgres").is_file() && bin.join("postgres").is_file();
        complete.then_some(Self { bin })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::TempDir;

    fn install(bin: &Path) {
        fs::create_dir_all(bin).unwrap();
        fs::write(bin.join("initdb"), "").unwrap();
        fs::write(bin.join("postgres"), "").unwrap();
    }

    #[test]
    fn the_newest_major_version_wins() {
        let root = TempDir::new().unwrap();
        for major in ["9.6", "9", "16", "not-a-version"] {
            install(&root.path().join(major).join("bin"));
        }
        fs::create_dir_all(root.path().join("17/bin")).unwrap(); // a client without the server

        let found = Installation::newest(root.path(), "", "bin").unwrap();
        assert!(found.bin().ends_with("16/bin"), "{found:?}");
    }

    #[test]
    fn links_on_the_path_lead_to_the_true_folder() {
        let root = TempDir::new().unwrap();
        let (real, links, dangling) =
            (root.path().join("real"), root.path().join("links"), root.path().join("dangling"));
        install(&real);
        for (folder, target) in [(&links, &real), (&dangling, &root.path().join("gone"))] {
            fs::create_dir(folder).unwrap();
            symlink(target.join("initdb"), folder.join("initdb")).unwrap();
            symlink(target.join("postgres"), folder.join("postgres")).unwrap();
        }

        let path = std::env::join_paths([&dangling, &links]).unwrap();
        let found = Installation::on_path(&path).unwrap();
        assert_eq!(found.bin(), real.canonicalize().unwrap());
        assert!(Installation::on_path(dangling.as_os_str()).is_none());
    }
}
