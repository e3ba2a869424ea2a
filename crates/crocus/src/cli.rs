//! The command line: what can be typed, and which function does it.

mod db;
mod export;
mod import;
mod openapi;
mod progress;
mod routes;
mod run;
mod tables;

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};
use crocus_migrate::{Migrations, Options};
use crocus_orm::{Binds, DatabaseUrl, Dialect, Engine, TableDef};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::registry::Bind;
use crate::{App, logging, registry};

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
    Run(run::Run),
    Routes(routes::Routes),
    Openapi(openapi::OpenApi),
    Import(import::Import),
    Export(export::Export),
    Db(db::Db),
}

/// What every command can ask for.
struct Context {
    app: App,
    config: Config,
    /// Whether `-v` was given: lists tell more then, too.
    verbose: bool,
    /// The engines that the command has opened: they are closed at the end.
    opened: Opened,
}

/// Engines by bind.
type Opened = Arc<Mutex<HashMap<Option<&'static str>, Engine>>>;

/// What the default database is called beside the others.
const DEFAULT: &str = "default";

/// How long the end waits for the database's connections to be closed.
const CLOSING: Duration = Duration::from_secs(1);

const SETTINGS: &str = "\
Settings come from the flags, else the environment (DATABASE_URL, CROCUS_HOST, CROCUS_PORT,
CROCUS_REQUEST_TIMEOUT, CROCUS_BODY_LIMIT, CROCUS_MAX_CONNECTIONS, CROCUS_SHARE,
CROCUS_REPLICA_URL, CROCUS_ECHO, CROCUS_SLOW_QUERY, CROCUS_STATEMENT_TIMEOUT, CROCUS_LOCK_TIMEOUT,
CROCUS_COMPRESSION, CROCUS_METRICS, CROCUS_SERVER_TIMING, CROCUS_OTLP_ENDPOINT,
CROCUS_CORS_ORIGINS, CROCUS_CORS_METHODS, CROCUS_CORS_HEADERS, CROCUS_CORS_CREDENTIALS,
CROCUS_CORS_MAX_AGE, CROCUS_RATE_LIMIT, CROCUS_RATE_LIMIT_HEADER), else crocus.toml.
Other databases of a program have theirs in DATABASE_URL_KEY, or in the table `binds`.";

/// In a box: what the commands do is deep, and the compiler follows a program's futures to a limited depth. And so the
/// commands are compiled here, once, and not with each program.
pub(crate) fn main(app: App) -> BoxFuture<'static, Result<ExitCode>> {
    command(app).boxed()
}

async fn command(app: App) -> Result<ExitCode> {
    let name = app.name;
    let command = Cli::command().name(name).bin_name(name).version(app.version).about(format!("The program {name}"));
    let command = command.after_help(format!(
        "Examples:\n  \
         {name}                                     serve on http://127.0.0.1:5000, on instance/{name}.db\n  \
         {name} run --port 8080 --upgrade           bring the database up to date, then serve\n  \
         {name} db migrate -m \"add colour\"          write what the models have and the database lacks\n  \
         {name} db upgrade                          apply it\n\n{SETTINGS}"
    ));
    let command = named(command, name);
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
    let keys: Vec<_> = app.binds.iter().map(|bind| bind.key).collect();
    config.check_binds(&keys)?;
    config.service_options(app.name)?;
    registry::check(&app.models, &app.binds)?;
    let opened = Opened::default();
    let context = Context { app, config, verbose: cli.verbose > 0, opened: opened.clone() };
    let result = match cli.command {
        None => run::run(context, run::Run::default()).await,
        Some(Command::Run(run)) => run::run(context, run).await,
        Some(Command::Routes(routes)) => routes::routes(&context, &routes),
        Some(Command::Openapi(arguments)) => openapi::openapi(&context, &arguments),
        Some(Command::Import(arguments)) => import::import(context, &arguments).await,
        Some(Command::Export(arguments)) => export::export(context, &arguments).await,
        Some(Command::Db(db)) => db::db(&context, db).await,
    };
    let opened: Vec<_> = opened.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
    for engine in opened {
        // A request that a second signal cut off may hold a connection still: it is not waited for.
        drop(tokio::time::timeout(CLOSING, engine.close()).await);
    }
    result.map(|()| ExitCode::SUCCESS)
}

/// Calls the program by its name in the examples of each command's help, which stand beside its arguments.
fn named(command: clap::Command, name: &str) -> clap::Command {
    let help = command.get_after_help().map(|help| help.to_string().replace("{program}", name));
    let command = command.mut_subcommands(|command| named(command, name));
    match help {
        Some(help) => command.after_help(help),
        None => command,
    }
}

impl Context {
    /// The program's name, for hints.
    fn name(&self) -> &'static str {
        self.app.name
    }

    /// The databases: the default one, then the others as they were declared.
    fn binds(&self) -> Vec<Option<&'static str>> {
        std::iter::once(None).chain(self.app.binds.iter().map(|bind| Some(bind.key))).collect()
    }

    /// The databases that a command is for: the one that is named, or all that have migrations.
    fn chosen(&self, named: Option<&str>) -> Result<Vec<Option<&'static str>>> {
        match named {
            None => {
                let migrated = |bind: &Option<&'static str>| bind.is_none() || self.migrations(*bind).is_ok();
                Ok(self.binds().into_iter().filter(migrated).collect())
            }
            Some(named) => Ok(vec![self.one(Some(named))?]),
        }
    }

    /// The databases that a command is for, which may be one alone.
    fn one_or_chosen(&self, is_for_one: bool, named: Option<&str>) -> Result<Vec<Option<&'static str>>> {
        if is_for_one { Ok(vec![self.one(named)?]) } else { self.chosen(named) }
    }

    /// Whether more is to be said than usual.
    fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// The database that a command is for: the one that is named, or the default one.
    fn one(&self, named: Option<&str>) -> Result<Option<&'static str>> {
        let Some(named) = named.filter(|named| *named != DEFAULT) else { return Ok(None) };
        match self.app.binds.iter().find(|bind| bind.key == named) {
            Some(bind) => Ok(Some(bind.key)),
            None => {
                let known: Vec<_> = self.app.binds.iter().map(|bind| bind.key).collect();
                let error = Error::new(format!("the program has no bind `{named}`"));
                Err(if known.is_empty() { error } else { error.with_hint(format!("known are {}", known.join(", "))) })
            }
        }
    }

    fn bind(&self, key: &str) -> &Bind {
        let bind = self.app.binds.iter().find(|bind| bind.key == key);
        bind.expect("only declared binds are asked for")
    }

    /// Where a database is, and whether nobody but the program itself said so.
    fn database_url(&self, bind: Option<&'static str>) -> Result<(DatabaseUrl, bool)> {
        let setting = match bind {
            None => self.config.database_url(),
            Some(key) => self.config.bind_url(key),
        };
        let (text, origin) = match (setting, bind) {
            (Some(setting), _) => (setting.value.as_str(), setting.origin.clone()),
            (None, None) => return Ok((DatabaseUrl::sqlite_file(format!("instance/{}.db", self.name())), true)),
            (None, Some(key)) => (self.bind(key).url, format!("the program's bind `{key}`")),
        };
        Ok((parse_url(text, &origin)?, setting.is_none()))
    }

    /// The engines of all databases, each known to answer.
    async fn engines(&self) -> Result<Binds> {
        let mut binds = Binds::new(self.engine(None).await?.0);
        for bind in &self.app.binds {
            binds = binds.with(bind.key, self.engine(Some(bind.key)).await?.0);
        }
        Ok(binds)
    }

    /// An engine, with its database known to answer. An embedded default is made when it is not there.
    async fn engine(&self, bind: Option<&'static str>) -> Result<(Engine, bool)> {
        let (url, is_default) = self.database_url(bind)?;
        let embedded = is_default && url.dialect() == Dialect::Sqlite;
        let of_database = |error: crocus_orm::Error| Error::of_database(&error, self.name());
        if embedded {
            url.create_database().await.map_err(of_database)?;
        }
        let mut options = self.config.engine_options(self.name());
        if let (None, Some(setting)) = (bind, self.config.replica_url()) {
            options.replica = Some(parse_url(&setting.value, &setting.origin)?);
        }
        let engine = {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            opened.entry(bind).or_insert_with(|| Engine::new(&url, &options)).clone()
        };
        engine.ping().await.map_err(of_database)?;
        Ok((engine, embedded))
    }

    /// The migrations of a database.
    fn migrations(&self, bind: Option<&'static str>) -> Result<&Migrations> {
        let (migrations, error) = match bind {
            None => (
                self.app.migrations.as_ref(),
                Error::new("this program has no migrations")
                    .with_hint("add `.migrations(crocus::migrations!())` to its `App`"),
            ),
            Some(key) => (
                self.bind(key).migrations.as_ref(),
                Error::new(format!("the bind `{key}` has no migrations")).with_hint(format!(
                    "add `.bind_migrations(\"{key}\", crocus::migrations!(\"{key}_migrations\"))` to the `App`"
                )),
            ),
        };
        migrations.ok_or(error)
    }

    /// How migrations are run, and what is recorded with the revisions that this program applies.
    fn options(&self) -> Options {
        let program = format!("{} {}", self.name(), self.app.version);
        let default = Options::default();
        Options { program, lock_timeout: self.config.lock_timeout().unwrap_or(default.lock_timeout), ..default }
    }

    /// The models that are on a database.
    fn models(&self, bind: Option<&'static str>) -> Vec<&'static TableDef> {
        let tables = self.app.models.iter().map(|model| model.table);
        tables.filter(|table| table.bind == bind).collect()
    }

    /// Says which database the next lines are about, where there are several.
    fn headline(&self, bind: Option<&'static str>) -> Result<()> {
        if self.app.binds.is_empty() {
            return Ok(());
        }
        print(&format!("[{}]\n", bind.unwrap_or(DEFAULT)))
    }

    fn of_migration(&self) -> impl Fn(crocus_migrate::Error) -> Error + use<> {
        let name = self.name();
        move |error| Error::of_migration(&error, name)
    }
}

fn parse_url(text: &str, origin: &str) -> Result<DatabaseUrl> {
    text.parse::<DatabaseUrl>().map_err(|error| {
        let shown = Error::new(format!("{error} (from {origin})"));
        match error.hint() {
            Some(hint) => shown.with_hint(hint),
            None => shown,
        }
    })
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
