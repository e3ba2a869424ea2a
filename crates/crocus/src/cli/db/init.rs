//! `db init`: the migrations folder in the program's source.

use std::path::PathBuf;

use clap::Args;
use crocus_migrate::folder;

use super::migrate::directory;
use crate::cli::{Context, print};
use crate::error::Result;

/// Make the migrations folder in the program's source
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db init\n  {program} db init --directory migrations")]
pub(super) struct Init {
    /// The migrations folder [default: the one that the program was built with]
    #[arg(short, long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

impl Init {
    /// Whether the folder is named.
    pub(super) fn has_folder(&self) -> bool {
        self.directory.is_some()
    }
}

pub(super) fn init(context: &Context, bind: Option<&'static str>, arguments: &Init) -> Result<()> {
    let folder = directory(context, bind, arguments.directory.as_ref())?;
    let initialised = folder::init(&folder).map_err(context.of_migration())?;
    let path = initialised.folder.display();
    let mut text = if initialised.made { format!("Made {path}\n") } else { format!("{path} exists already.\n") };
    if let Some(script) = initialised.build_script {
        text.push_str(&format!("Made {}\n", script.display()));
    }
    if let Some(script) = initialised.foreign_build_script {
        let line = "println!(\"cargo::rerun-if-changed=migrations\");";
        text.push_str(&format!("Add to {}, so that cargo notices new migrations:\n    {line}\n", script.display()));
    }
    print(&text)
}
