//! The few lines that a program says when it starts.

use std::fmt::Write;
use std::net::SocketAddr;

/// What the lines tell.
pub(crate) struct Panel<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    pub(crate) address: SocketAddr,
    /// The databases without their passwords, and their dialects.
    pub(crate) databases: Vec<String>,
    /// How many migrations ran just now; `None` where none could.
    pub(crate) migrated: Option<usize>,
    /// A path that answers to GET.
    pub(crate) try_path: Option<&'a str>,
}

impl Panel<'_> {
    pub(crate) fn render(&self) -> String {
        let mut text = format!("\n  {} {} is at http://{}\n\n", self.name, self.version, self.address);
        let migrated = match self.migrated {
            Some(0) => ", up to date".to_owned(),
            Some(1) => ", 1 migration ran".to_owned(),
            Some(number) => format!(", {number} migrations ran"),
            None => String::new(),
        };
        for (index, database) in self.databases.iter().enumerate() {
            let (name, migrated) = if index == 0 { ("database", migrated.as_str()) } else { ("", "") };
            let _ = writeln!(text, "  {name:8}  {database}{migrated}");
        }
        if let Some(path) = self.try_path {
            let _ = writeln!(text, "  try       curl http://{}{path}", self.address);
        }
        text.push_str("  stop      Ctrl-C\n\n");
        text
    }
}
