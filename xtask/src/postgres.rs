//! Makes sure that a PostgreSQL server is installed, and installs Debian's where that is possible.

use std::fs;
use std::path::Path;

use crocus_testing::Installation;

use crate::debian;
use crate::failure::Failure;

const HINT: &str = "install it, or set `PG_BIN` to the folder that has `initdb`
  Debian, Ubuntu: sudo apt-get install postgresql
  Fedora:         sudo dnf install postgresql-server
  macOS:          brew install postgresql@17";

/// Debian's packages read this folder before they make the cluster that they usually start at installation.
const CREATE_CLUSTER: &str = "/etc/postgresql-common/createcluster.d";

/// Does nothing when PostgreSQL is installed.
pub(crate) fn ensure_installed() -> Result<(), Failure> {
    match Installation::find() {
        Ok(_) => Ok(()),
        Err(error) if error.is_not_installed() && debian::can_install() => install(),
        Err(error) if error.is_not_installed() => Err(Failure::new(error.to_string()).hint(HINT)),
        Err(error) => Err(Failure::new(error.to_string()).hint("correct `PG_BIN`, or unset it")),
    }
}

fn install() -> Result<(), Failure> {
    let conf = Path::new(CREATE_CLUSTER).join("no-main-cluster.conf");
    fs::create_dir_all(CREATE_CLUSTER)
        .and_then(|()| fs::write(&conf, "create_main_cluster = false\n"))
        .map_err(Failure::because(format!("failed to write `{}`", conf.display())))?;
    debian::install("postgresql").map_err(|failure| failure.hint(HINT))?;
    Installation::find().map(drop).map_err(Failure::because("PostgreSQL is installed, but not where it is looked for"))
}
