//! Clean-up that survives the test process.
//!
//! `Drop` does not run after `kill -9`, after Ctrl-C, or for a `static`. So each cluster has a keeper: a small shell
//! that reads a pipe whose other end only the test process holds. However that process ends, the kernel closes the
//! pipe; the keeper then ends the process that works in the folder, and removes the folder.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Error;

/// Each line read is the number of the process that now works in the folder `$1`, or empty for none.
///
/// `QUIT` is PostgreSQL's immediate shutdown; `initdb` obeys it too. A server removes `postmaster.pid` as its last act.
/// To wait until its number is free would be to wait in vain in a container whose first process reaps nobody.
///
/// `rm` fails while a dying process still writes, and is then tried again.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
worker=
while read -r line; do worker=$line; done
if [ -n "$worker" ] && kill -QUIT "$worker"; then
    tries=100
    while kill -0 "$worker" && [ -e "$1/data/postmaster.pid" ] && [ $tries -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.1
    done
    kill -KILL "$worker"
fi
tries=100
until rm -rf "$1" || [ $tries -eq 0 ]; do
    tries=$((tries - 1))
    sleep 0.1
done
"#;

/// Removes a cluster's folder when it is dropped, or when this process is gone.
#[derive(Debug)]
pub(super) struct Keeper {
    shell: Child,
}

impl Keeper {
    pub(super) fn start(folder: &Path) -> Result<Self, Error> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "crocus-keeper"])
            .arg(folder)
            .current_dir("/")
            // Ctrl-C reaches the whole process group of the terminal: the keeper is in another one.
            .process_group(0)
            .stdin(Stdio::piped())
            // Whoever reads this process's output would wait for the keeper as well.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::io("failed to start `sh`"))?;
        Ok(Self { shell })
    }

    /// Says which process has to end before the folder can go.
    pub(super) fn watch(&mut self, worker: &Child) -> Result<(), Error> {
        self.tell(&worker.id().to_string())
    }

    /// Says that the process has ended: its number may soon be another's.
    pub(super) fn watch_nobody(&mut self) -> Result<(), Error> {
        self.tell("")
    }

    fn tell(&mut self, line: &str) -> Result<(), Error> {
        let told = match &mut self.shell.stdin {
            Some(pipe) => pipe.write_all(format!("{line}\n").as_bytes()),
            None => Ok(()),
        };
        told.map_err(Error::io("the shell that cleans up after a cluster is gone"))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // `wait` closes the pipe first.
        let _ = self.shell.wait();
    }
}
