//! The command line: what can be typed, and which function does it.

mod db;
mod db_migrate;
mod routes;
mod run;

use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};
use crocus_migrate::Migrations;
use crocus_orm::{DatabaseUrl, Engine, EngineOptions};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::{App, logging};

#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
struct Cli {
    /// The database: `sqlite:PATH`, `sqlite::memory:` or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,

    /// Log more; twice for everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve requests; this is what happens without a command
    Run(run::Run),
    /// List the routes
    Routes(routes::Routes),
    /// Create, migrate and inspect the database
    #[command(subcommand)]
    Db(db::Command),
}

/// What every command can ask for.
struct Context {
    app: App,
    config: Config,
    /// The engine that the command has opened: it is closed at the end.
    opened: Arc<OnceLock<Engine>>,
}

/// How long the end waits for the database's connections to be closed.
const CLOSING: Duration = Duration::from_secs(1);

const SETTINGS: &str = "\
Settings come from the flags, else the environment (DATABASE_URL, CROCUS_HOST, CROCUS_PORT,
CROCUS_REQUEST_TIMEOUT, CROCUS_BODY_LIMIT, CROCUS_MAX_CONNECTIONS), else crocus.toml.";

pub(crate) async fn main(app: App) -> Result<ExitCode> {
    let name = app.name;
    let command = Cli::command().name(name).bin_name(name).version(app.version).about(format!("The program {name}"));
    let command = command.after_help(format!(
        "Examples:\n  \
         {name}                                     serve on http://127.0.0.1:5000, on instance/{name}.db\n  \
         {name} run --port 8080 --upgrade           bring the database up to date, then serve\n  \
         {name} db migrate -m \"add colour\"          write what the models have and the database lacks\n  \
         {name} db upgrade                          apply it\n\n{SETTINGS}"
    ));
    let command = examples(command, name);
    let parsed = command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            drop(error.print());
            return Ok(if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS });
        }
    };
    logging::init(cli.verbose)?;
    let mut config = Config::read()?;
    if let Some(url) = cli.database_url {
        config.set_database_url(url, "the flag `--database-url`");
    }
    let opened = Arc::new(OnceLock::new());
    let mut context = Context { app, config, opened: opened.clone() };
    let result = match cli.command {
        None => run::run(context, run::Run::default()).await,
        Some(Command::Run(run)) => run::run(context, run).await,
        Some(Command::Routes(routes)) => routes::routes(&context, &routes),
        Some(Command::Db(command)) => db::db(&mut context, command).await,
    };
    if let Some(engine) = opened.get() {
        // A request that a second signal cut off may hold a connection still: it is not waited for.
        drop(tokio::time::timeout(CLOSING, engine.close()).await);
    }
    result.map(|()| ExitCode::SUCCESS)
}

/// Adds to each command's help how it is typed.
fn examples(command: clap::Command, name: &str) -> clap::Command {
    let with = |command: clap::Command, lines: &[&str]| {
        let lines: Vec<_> = lines.iter().map(|line| format!("  {name} {line}")).collect();
        command.after_help(format!("Examples:\n{}", lines.join("\n")))
    };
    command
        .mut_subcommand("run", |run| {
            with(run, &["run", "run --port 8080", "run --upgrade --database-url postgresql://ada@localhost/cars_api"])
        })
        .mut_subcommand("routes", |routes| with(routes, &["routes", "routes --json"]))
        .mut_subcommand("db", |db| {
            with(db, &["db create", "db migrate -m \"create cars\"", "db upgrade", "db current"])
                .mut_subcommand("create", |command| with(command, &["db create"]))
                .mut_subcommand("drop", |command| with(command, &["db drop", "db drop --yes"]))
                .mut_subcommand("init", |command| with(command, &["db init"]))
                .mut_subcommand("migrate", |command| with(command, &["db migrate -m \"create cars\""]))
                .mut_subcommand("upgrade", |command| with(command, &["db upgrade", "db upgrade +1", "db upgrade 3f9a"]))
                .mut_subcommand("downgrade", |command| with(command, &["db downgrade", "db downgrade base"]))
                .mut_subcommand("current", |command| with(command, &["db current"]))
                .mut_subcommand("history", |command| with(command, &["db history"]))
                .mut_subcommand("stamp", |command| with(command, &["db stamp head"]))
        })
}

impl Context {
    /// The program's name, for hints.
    fn name(&self) -> &'static str {
        self.app.name
    }

    /// Where the database is, and whether that is the embedded default.
    fn database_url(&self) -> Result<(DatabaseUrl, bool)> {
        match self.config.database_url() {
            None => Ok((DatabaseUrl::sqlite_file(format!("instance/{}.db", self.name())), true)),
            Some(setting) => {
                let url = setting.value.parse::<DatabaseUrl>().map_err(|error| {
                    let shown = Error::new(format!("{error} (from {})", setting.origin));
                    match error.hint() {
                        Some(hint) => shown.with_hint(hint),
                        None => shown,
                    }
                })?;
                Ok((url, false))
            }
        }
    }

    /// The engine, with its database known to answer. The embedded default is made when it is not there.
    async fn engine(&self) -> Result<(Engine, bool)> {
        let (url, embedded) = self.database_url()?;
        let of_database = |error: crocus_orm::Error| Error::of_database(&error, self.name());
        if embedded {
            url.create_database().await.map_err(of_database)?;
        }
        let mut options = EngineOptions { application_name: self.name().to_owned(), ..EngineOptions::default() };
        options.max_connections = self.config.max_connections(options.max_connections);
        let engine = self.opened.get_or_init(|| Engine::new(&url, &options)).clone();
        engine.ping().await.map_err(of_database)?;
        Ok((engine, embedded))
    }

    fn migrations(&self) -> Result<&Migrations> {
        self.app.migrations.as_ref().ok_or_else(|| {
            Error::new("this program has no migrations")
                .with_hint("add `.migrations(crocus::migrations!())` to its `App`")
        })
    }

    fn of_migration(&self) -> impl Fn(crocus_migrate::Error) -> Error + use<> {
        let name = self.name();
        move |error| Error::of_migration(&error, name)
    }
}

/// Prints to standard output. A reader that went away (`| head`) is no failure.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(format!("failed to write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
