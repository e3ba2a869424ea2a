//! A PostgreSQL cluster of a test's own: made, started, stopped, started again, removed.

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::ops::Deref;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::keeper::Keeper;
use super::{check, command};
use crate::error::Kind;
use crate::temp_dir::random;
use crate::{Error, Installation, Server, TempDir};

const USER: &str = "crocus";
const PASSWORD: &str = "secret";
const HOST: &str = "127.0.0.1";

/// How long a server may take to answer: far more than it needs on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A PostgreSQL server of one's own, gone on drop.
///
/// It listens on a free port of 127.0.0.1. The superuser is `crocus`, the password `secret`, and the password is
/// checked (SCRAM-SHA-256). The encoding is UTF8, the locale `C`, the time zone UTC. Everything that a [`Server`] can
/// do, a cluster can.
///
/// The server runs as the same user as the tests. For root, which PostgreSQL refuses, it runs as `postgres`, or as
/// `nobody` where there is no such account.
///
/// # Example
///
/// ```no_run
/// # fn main() -> Result<(), crocus_testing::Error> {
/// let mut cluster = crocus_testing::Cluster::start()?;
/// cluster.create_database("cars")?;
/// assert_eq!(cluster.psql("cars", "SELECT 1 + 1")?, "2");
///
/// let url = cluster.url("cars");
/// cluster.restart()?;
/// assert_eq!(cluster.url("cars"), url);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    process: Option<Child>,
    programs: Programs,
    // Dropped in this order: the keeper removes the folder as root if need be, and after it nothing should be left.
    keeper: Keeper,
    folder: TempDir,
}

/// What a cluster is to be, before it is made.
#[derive(Debug, Clone, Default)]
pub struct ClusterBuilder {
    settings: Vec<(String, String)>,
    tls: Option<(String, String)>,
}

impl ClusterBuilder {
    /// Makes commits reach the disk, as on a real server. Without this, they do when the system likes.
    #[must_use]
    pub fn durable(self) -> Self {
        self.setting("fsync", "on").setting("full_page_writes", "on")
    }

    /// Makes the server offer TLS with this certificate and key, both in PEM. Connections without TLS work still.
    ///
    /// [`tls`](crate::tls) has a pair for tests.
    #[must_use]
    pub fn tls(mut self, certificate: &str, key: &str) -> Self {
        self.tls = Some((certificate.to_owned(), key.to_owned()));
        self.setting("ssl", "on").setting("ssl_cert_file", "server.crt").setting("ssl_key_file", "server.key")
    }

    /// A line for `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Makes the cluster and waits until it answers.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed ([`Error::is_not_installed`]) or does not start; the error then has the end of
    /// the server's log.
    pub fn start(self) -> Result<Cluster, Error> {
        let bin = Installation::find()?.bin().to_owned();
        let folder = TempDir::with_prefix("crocus-pg-")?;
        let keeper = Keeper::start(folder.path())?;
        let account = Account::for_folder(folder.path())?;
        let mut cluster = Cluster {
            server: Server::new(USER, PASSWORD, HOST, 0),
            process: None,
            programs: Programs { bin, account },
            keeper,
            folder,
        };
        cluster.make_files(&self)?;
        for _ in 0..10 {
            cluster.server = Server::new(USER, PASSWORD, HOST, free_port()?);
            match cluster.start_again() {
                Err(error) if error.is_port_taken() => continue,
                done => return done.map(|()| cluster),
            }
        }
        Err(Error::new("failed to find a free port: ten were taken"))
    }
}

impl Cluster {
    /// Makes a cluster and waits until it answers. It takes about a second.
    ///
    /// # Errors
    ///
    /// See [`ClusterBuilder::start`].
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// A cluster that differs from the usual one.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// The cluster's folder: `data` and `log` are in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops the server as an operator would: sessions are ended, and it shuts down cleanly (fast mode).
    ///
    /// # Errors
    ///
    /// When it does not stop within a minute. It is no error when it does not run.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.stop_with("INT")
    }

    /// Stops the server as a crash would: it recovers from its log at the next start (immediate mode).
    ///
    /// # Errors
    ///
    /// When it does not stop within a minute. It is no error when it does not run.
    pub fn stop_immediate(&mut self) -> Result<(), Error> {
        self.stop_with("QUIT")
    }

    /// Starts a stopped server with the same data on the same port. One that runs is left alone.
    ///
    /// # Errors
    ///
    /// When it does not start; the error has the end of the server's log.
    pub fn start_again(&mut self) -> Result<(), Error> {
        if self.is_running()? {
            return Ok(());
        }
        let log = File::create(self.log()).map_err(Error::io("failed to make the server's log"))?;
        let log_too = log.try_clone().map_err(Error::io("failed to share a file"))?;
        let child = self
            .programs
            .command("postgres", self.folder())
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port().to_string()])
            .stdout(log)
            .stderr(log_too)
            .spawn()
            .map_err(Error::io("failed to run `postgres`"))?;
        let child = self.process.insert(child);
        self.keeper.watch(child)?;
        self.wait_until_ready()
    }

    /// Stops the server cleanly and starts it with the same data on the same port.
    ///
    /// # Errors
    ///
    /// See [`stop`](Self::stop) and [`start_again`](Self::start_again).
    pub fn restart(&mut self) -> Result<(), Error> {
        self.stop()?;
        self.start_again()
    }

    fn make_files(&mut self, wanted: &ClusterBuilder) -> Result<(), Error> {
        let password = self.folder().join("password");
        write(&password, PASSWORD)?;
        let initdb = self
            .programs
            .command("initdb", self.folder())
            .arg("--pgdata")
            .arg(self.data())
            .arg("--pwfile")
            .arg(&password)
            .args(["--username", USER])
            .args(["--auth", "scram-sha-256"])
            .args(["--encoding", "UTF8", "--locale", "C"])
            .arg("--no-sync")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(Error::io("failed to run `initdb`"))?;
        self.keeper.watch(&initdb)?;
        let output = initdb.wait_with_output().map_err(Error::io("failed to wait for `initdb`"))?;
        self.keeper.watch_nobody()?;
        check("initdb", output)?;

        if let Some((certificate, key)) = &wanted.tls {
            self.write_private("server.crt", certificate)?;
            self.write_private("server.key", key)?;
        }
        let sockets = self.folder().display().to_string();
        let usual = [
            ("listen_addresses", HOST),
            ("unix_socket_directories", &sockets),
            ("max_connections", "200"),
            ("timezone", "UTC"),
            ("fsync", "off"),
            ("full_page_writes", "off"),
        ];
        let own = wanted.settings.iter().map(|(name, value)| (&**name, &**value));
        let path = self.data().join("postgresql.conf");
        let mut conf = fs::read_to_string(&path).map_err(Error::io("failed to read what `initdb` made"))?;
        // The last line for a name counts.
        for (name, value) in usual.into_iter().chain(own) {
            conf += &format!("{name} = '{}'\n", value.replace('\'', "''"));
        }
        write(&path, &conf)
    }

    /// PostgreSQL refuses a key that is not its own, or that others may read.
    fn write_private(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.data().join(name);
        write(&path, text)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))
            .and_then(|()| match &self.programs.account {
                Some(account) => account.give(&path),
                None => Ok(()),
            })
            .map_err(Error::io(format!("failed to protect `{}`", path.display())))
    }

    /// The server's first line in `postmaster.pid` is its number and the eighth its state, as `pg_ctl` reads them.
    fn wait_until_ready(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        while self.is_running()? {
            let state = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            let lines: Vec<&str> = state.lines().map(str::trim).collect();
            let number = self.process.as_ref().map(|process| process.id().to_string());
            if lines.first().copied() == number.as_deref() && lines.get(7) == Some(&"ready") {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(self.failed_to_start("it did not answer in time"));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(self.failed_to_start("it ended"))
    }

    /// Whether the server runs. One that has ended by itself is forgotten here.
    fn is_running(&mut self) -> Result<bool, Error> {
        let Some(process) = &mut self.process else {
            return Ok(false);
        };
        let ended = process.try_wait().map_err(Error::io("failed to ask for the state of `postgres`"))?;
        if ended.is_some() {
            self.process = None;
            self.keeper.watch_nobody()?;
        }
        Ok(ended.is_none())
    }

    fn failed_to_start(&self, reason: &str) -> Error {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(10)..].join("\n");
        let kind = if log.contains("Address already in use") { Kind::PortTaken } else { Kind::Other };
        Error::with_kind(kind, format!("PostgreSQL did not start ({reason}):\n{end}"))
    }

    /// Not through `pg_ctl`, which fails when the server is ending by itself just then. The number cannot be another
    /// process's meanwhile: until `is_running` has asked, the system keeps it.
    fn stop_with(&mut self, signal: &str) -> Result<(), Error> {
        let Some(process) = &self.process else {
            return Ok(());
        };
        let output = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, signal, &process.id().to_string()])
            .output()
            .map_err(Error::io("failed to run `sh`"))?;
        check("kill", output)?;
        let deadline = Instant::now() + PATIENCE;
        while self.is_running()? {
            if Instant::now() > deadline {
                return Err(Error::new("PostgreSQL did not stop in time"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder().join("log")
    }
}

impl Deref for Cluster {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Where this fails, the keeper has the last word.
        let _ = self.stop_immediate();
    }
}

/// The programs of an installation, and who runs them.
#[derive(Debug)]
struct Programs {
    bin: PathBuf,
    account: Option<Account>,
}

impl Programs {
    fn command(&self, name: &str, folder: &Path) -> Command {
        let mut command = command(self.bin.join(name));
        // Out of the terminal's process group: Ctrl-C is for the tests, and the keeper sees to the rest.
        command.current_dir(folder).process_group(0);
        if let Some(Account { uid, gid }) = self.account {
            command.uid(uid).gid(gid);
        }
        command
    }
}

/// The account that a server runs as when the tests run as root.
#[derive(Debug)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Account {
    /// For root, finds the account and gives it the folder; for anybody else, nothing is to be done.
    fn for_folder(folder: &Path) -> Result<Option<Self>, Error> {
        // Whoever has just made the folder owns it: so its owner tells who this process is.
        let owner = fs::metadata(folder).map_err(Error::io("failed to look at a new folder"))?;
        if owner.uid() != 0 {
            return Ok(None);
        }
        let accounts = fs::read_to_string("/etc/passwd").map_err(Error::io("failed to read `/etc/passwd`"))?;
        let account = ["postgres", "nobody"].iter().find_map(|name| Self::find(&accounts, name)).ok_or_else(|| {
            Error::new("PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody`")
        })?;
        account.give(folder).map_err(Error::io("failed to give a folder to the server's account"))?;
        Ok(Some(account))
    }

    fn find(accounts: &str, wanted: &str) -> Option<Self> {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == wanted).then_some(())?;
            let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
            Some(Self { uid, gid })
        })
    }

    fn give(&self, path: &Path) -> std::io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }
}

/// A port that nobody listens on, below the range from which systems number outgoing connections (32768 on Linux).
/// In that range a client that calls a stopped server can be given the server's own port, and then it talks to itself.
fn free_port() -> Result<u16, Error> {
    (0..100)
        .map(|_| 20_000 + (random() % 12_000) as u16)
        .find(|port| TcpListener::bind((HOST, *port)).is_ok())
        .ok_or_else(|| Error::new("failed to find a free port from 20000 to 31999"))
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io(format!("failed to write `{}`", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        let accounts =
            "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:8::/:/bin/sh\npostgres:x:101:104:,,,:/:/bin/bash\n";
        let found = Account::find(accounts, "postgres").unwrap();
        assert_eq!((found.uid, found.gid), (101, 104));
        assert!(Account::find(accounts, "nobody").is_none());
    }

    #[test]
    fn a_taken_port_is_told_from_other_failures() {
        let mut cluster = Cluster::start().unwrap();
        cluster.stop().unwrap();
        let taken = TcpListener::bind((HOST, cluster.port())).unwrap();
        let error = cluster.start_again().unwrap_err();
        assert!(error.is_port_taken(), "{error}");
        drop(taken);

        write(&cluster.data().join("postgresql.conf"), "no_such_setting = 1").unwrap();
        let error = cluster.start_again().unwrap_err();
        assert!(!error.is_port_taken(), "{error}");
        assert!(error.to_string().contains("no_such_setting"), "{error}");
    }
}
