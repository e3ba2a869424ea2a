//! `db revision`, `db merge` and `db edit`: migrations that a person writes.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use crocus_migrate::head::Head;
use crocus_migrate::{Applied, Graph, Placement, folder, render};

use super::listed::Listed;
use super::migrate::{directory, migrate};
use crate::cli::{Context, print};
use crate::error::{Error, Result};

/// Write an empty migration
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db revision -m \"fill in the doors\"\n  \
                        {program} db revision -m \"payments\" --head base --branch-label payments\n  \
                        {program} db revision -m \"more payments\" --head payments@head\n  \
                        {program} db revision -m \"create cars\" --autogenerate")]
pub(super) struct Revision {
    /// Write what the models have and the database lacks, as `db migrate` does
    #[arg(long)]
    autogenerate: bool,

    #[command(flatten)]
    new: New,
}

/// Write a migration that follows several, and so joins their branches
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db merge -m \"merge\"\n  {program} db merge -m \"merge\" 3f9a 91d0")]
pub(super) struct Merge {
    /// What it joins: heads, or labels of their branches
    #[arg(default_value = "heads", value_name = "REVISION")]
    revisions: Vec<String>,

    /// What the migration does, in a few words
    #[arg(short, long, default_value = "merge")]
    message: String,

    /// A label for the branch that begins here
    #[arg(long, value_name = "LABEL")]
    branch_label: Vec<String>,

    /// The revision's name, in place of one that is made
    #[arg(long, value_name = "REVISION")]
    rev_id: Option<String>,

    /// The migrations folder [default: the one that the program was built with]
    #[arg(short, long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

/// Open a migration in the editor: $VISUAL, else $EDITOR
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  {program} db edit\n  {program} db edit 3f9a")]
pub(super) struct Edit {
    /// `head`, `current`, a revision or its beginning
    #[arg(default_value = "head", allow_hyphen_values = true)]
    revision: String,

    /// The migrations folder [default: the one that the program was built with]
    #[arg(short, long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

/// What is asked of a new migration.
#[derive(Debug, Args)]
pub(super) struct New {
    /// What the migration does, in a few words
    #[arg(short, long, default_value = "no message")]
    message: String,

    /// What it follows: `head`, `base`, a revision or its beginning, or the head of a branch: `payments@head`
    #[arg(long, default_value = "head", value_name = "REVISION", allow_hyphen_values = true)]
    head: String,

    /// Let it follow a revision that others follow already
    #[arg(long)]
    splice: bool,

    /// A label for the branch that begins here
    #[arg(long, value_name = "LABEL")]
    branch_label: Vec<String>,

    /// A revision of another branch, or its label, that must be there before it
    #[arg(long, value_name = "REVISION")]
    depends_on: Vec<String>,

    /// The revision's name, in place of one that is made
    #[arg(long, value_name = "REVISION")]
    rev_id: Option<String>,

    /// The migrations folder [default: the one that the program was built with]
    #[arg(short, long, value_name = "FOLDER")]
    pub(super) directory: Option<PathBuf>,
}

impl New {
    /// Whether it is for one database: a revision, or a folder, is one database's.
    pub(super) fn is_for_one(&self) -> bool {
        self.head != "head"
            || self.splice
            || !self.branch_label.is_empty()
            || !self.depends_on.is_empty()
            || self.rev_id.is_some()
            || self.directory.is_some()
    }

    /// The head of its file, where it fits into the history.
    pub(super) fn file_head(&self, context: &Context, graph: &Graph, applied: &Applied) -> Result<Head> {
        if self.message.trim().is_empty() {
            return Err(
                Error::new("the message is empty").with_hint("say what the migration does, as in `-m \"create cars\"`")
            );
        }
        let placement = Placement {
            head: vec![&self.head],
            splice: self.splice,
            branch_labels: words(&self.branch_label),
            depends_on: words(&self.depends_on),
            rev_id: self.rev_id.as_deref(),
        };
        graph.next(&self.message, &placement, applied).map_err(context.of_migration())
    }
}

impl Revision {
    /// Whether it is for one database.
    pub(super) fn is_for_one(&self) -> bool {
        !self.autogenerate || self.new.is_for_one()
    }
}

pub(super) async fn revision(context: &Context, bind: Option<&'static str>, arguments: &Revision) -> Result<()> {
    if arguments.autogenerate {
        return migrate(context, bind, &arguments.new, &[]).await;
    }
    let folder = directory(context, bind, arguments.new.directory.as_ref())?;
    let listed = Listed::of_database_if_there(context, bind).await?;
    let head = arguments.new.file_head(context, listed.graph, &listed.applied)?;
    write(context, bind, &folder, &head)
}

pub(super) async fn merge(context: &Context, bind: Option<&'static str>, arguments: &Merge) -> Result<()> {
    let folder = directory(context, bind, arguments.directory.as_ref())?;
    let listed = Listed::of_database_if_there(context, bind).await?;
    let placement = Placement {
        head: words(&arguments.revisions),
        branch_labels: words(&arguments.branch_label),
        rev_id: arguments.rev_id.as_deref(),
        ..Placement::default()
    };
    let head = listed.graph.next(&arguments.message, &placement, &listed.applied).map_err(context.of_migration())?;
    if head.down_revisions.len() < 2 {
        let heads: Vec<_> = listed.graph.heads().iter().map(|head| head.revision).collect();
        let text = match head.down_revisions.as_slice() {
            [one] if heads.len() == 1 => format!("there is nothing to merge: {one} is the only head"),
            [one] => format!("there is nothing to merge: only {one} is named"),
            _ => "there is nothing to merge: there are no migrations".to_owned(),
        };
        return Err(Error::new(text).with_hint(format!("`{} db heads` lists the heads", context.name())));
    }
    write(context, bind, &folder, &head)
}

pub(super) async fn edit(context: &Context, bind: Option<&'static str>, arguments: &Edit) -> Result<()> {
    let folder = directory(context, bind, arguments.directory.as_ref())?;
    let listed = Listed::of_database_if_there(context, bind).await?;
    let migration = listed.graph.resolve_one(&arguments.revision, &listed.applied).map_err(context.of_migration())?;
    let path = folder.join(migration.file);
    if !path.is_file() {
        return Err(Error::new(format!("the file `{}` is not here", path.display()))
            .with_hint("run this command where the program was built, or name the folder with `--directory`"));
    }
    let set = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let Some(editor) = set("VISUAL").or_else(|| set("EDITOR")) else {
        return Err(Error::new("no editor is set")
            .with_hint(format!("set VISUAL or EDITOR, or open `{}` by hand", path.display())));
    };
    // It may come with words of its own: `code --wait`.
    let mut words = editor.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(&editor));
    let status = command.args(words).arg(&path).status();
    let status = status.map_err(|error| Error::new(format!("failed to start the editor `{editor}`: {error}")))?;
    if !status.success() {
        return Err(Error::new(format!("the editor `{editor}` failed: {status}")));
    }
    if listed.applied.contains(migration.revision) {
        print(&format!(
            "{} is applied to the database: if its `upgrade` was changed, put it back and write a new migration.\n",
            migration.revision
        ))?;
    }
    Ok(())
}

fn write(context: &Context, bind: Option<&'static str>, folder: &Path, head: &Head) -> Result<()> {
    let file = render::migration(head, &[]);
    let path = folder::write(context.migrations(bind)?, folder, &head.file_name(), &file);
    let path = path.map_err(context.of_migration())?;
    print(&format!(
        "Wrote {}\nComplete it, build the program again, then run `{} db upgrade`.\n",
        path.display(),
        context.name()
    ))
}

fn words(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
