//! `run`: serve requests.

use std::sync::Arc;

use clap::Args;
use crocus_migrate::{ErrorKind, Migrations};
use crocus_orm::{Binds, Engine};
use crocus_web::http::StatusCode;
use crocus_web::{METRICS, Problem};
use tokio::net::TcpListener;

use super::{Context, db, print};
use crate::error::{Error, Result};
use crate::panel::Panel;

/// Serve requests; this is what happens without a command
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:\n  {program} run\n  {program} run --port 8080\n  \
                        {program} run --upgrade --database-url postgresql://ada@localhost/cars_api")]
pub(super) struct Run {
    /// The address to listen on [default: 127.0.0.1]
    #[arg(long)]
    host: Option<String>,

    /// The port to listen on; 0 takes a free one [default: 5000]
    #[arg(long)]
    port: Option<u16>,

    /// Bring the database up to date first
    #[arg(long)]
    upgrade: bool,
}

pub(super) async fn run(mut context: Context, arguments: Run) -> Result<()> {
    if let Some(host) = arguments.host {
        context.config.set_host(host, "the flag `--host`");
    }
    if let Some(port) = arguments.port {
        context.config.set_port(port, "the flag `--port`");
    }
    let options = context.config.service_options(context.name())?;
    if options.metrics && context.app.routes.iter().any(|route| route.path == METRICS) {
        let text = format!("the program has a route at `{METRICS}`, where its metrics are");
        return Err(Error::new(text).with_hint("give the route another path, or set `metrics = false`"));
    }
    let routes = context.app.service(options.rate_limit.is_some())?;
    let mut migrated = None;
    for bind in context.binds() {
        let (engine, embedded) = context.engine(bind).await?;
        if let Some(number) = bring_up_to_date(&context, bind, &engine, embedded || arguments.upgrade).await? {
            migrated = Some(migrated.unwrap_or(0) + number);
        }
    }
    let db = context.engines().await?;

    let (host, port) = (context.config.host(), context.config.port());
    let listener = TcpListener::bind((host, port)).await.map_err(|error| {
        let error_text = Error::new(format!("failed to listen on {host}:{port}: {error}"));
        match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                error_text.with_hint("is the program running already? `--port` takes another port")
            }
            _ => error_text,
        }
    })?;
    let address = listener.local_addr().map_err(|error| Error::new(format!("failed to listen: {error}")))?;
    let try_path = context.app.routes.iter().map(|route| (&route.method, route.path.as_str()));
    let panel = Panel {
        name: context.name(),
        version: context.app.version,
        address,
        databases: databases(&db),
        migrated,
        try_path: try_path
            .filter(|(method, path)| *method == crocus_web::http::Method::GET && !path.contains('{'))
            .map(|(_, path)| path)
            .max_by_key(|path| path.len()),
    };
    print(&panel.render())?;

    let app = context.app;
    let mut parts = vec![(db.default_engine().clone(), app.migrations)];
    for bind in app.binds {
        let engine = db.engine(Some(bind.key)).map_err(|error| Error::of_database(&error, app.name))?;
        parts.push((engine.clone(), bind.migrations));
    }
    let service = crocus_web::service(routes.merge(crocus_web::health(readiness(parts))), db, options);
    crocus_web::serve(listener, service).await.map_err(|error| Error::new(format!("failed to serve: {error}")))
}

/// Runs pending migrations if that is wanted; otherwise a database that is behind stops the start.
async fn bring_up_to_date(
    context: &Context,
    bind: Option<&'static str>,
    engine: &Engine,
    upgrade: bool,
) -> Result<Option<usize>> {
    let Ok(migrations) = context.migrations(bind) else {
        return Ok(None);
    };
    migrations.graph().and_then(|graph| graph.check_forks()).map_err(context.of_migration())?;
    if upgrade {
        return db::upgrade::run(context, engine, migrations, "heads", &context.options()).await.map(Some);
    }
    let applied = crocus_migrate::applied(engine, migrations).await.map_err(context.of_migration())?;
    let graph = migrations.graph_of(&applied).map_err(context.of_migration())?;
    applied.check(graph).map_err(context.of_migration())?;
    let pending = graph.pending(&applied);
    if pending.is_empty() {
        return Ok(Some(0));
    }
    let name = context.name();
    Err(db::behind(&pending).with_hint(format!("run `{name} db upgrade`, or start with `{name} run --upgrade`")))
}

/// Each database without its password, and its dialect.
fn databases(db: &Binds) -> Vec<String> {
    let engines = std::iter::once(None).chain(db.keys().map(Some)).filter_map(|bind| {
        let engine = db.engine(bind).ok()?;
        let name = bind.map_or(String::new(), |key| format!("{key}: "));
        Some(format!("{name}{} ({})", engine.url(), engine.dialect()))
    });
    engines.collect()
}

/// Ready is when each database answers and is at the head.
fn readiness(databases: Vec<(Engine, Option<Migrations>)>) -> crocus_web::Readiness {
    let databases = Arc::new(databases);
    Arc::new(move || {
        let databases = databases.clone();
        Box::pin(async move {
            for (engine, migrations) in databases.iter() {
                engine.ping().await?;
                if let Some(migrations) = migrations {
                    at_the_head(engine, migrations).await?;
                }
            }
            Ok(())
        })
    })
}

async fn at_the_head(engine: &Engine, migrations: &Migrations) -> crocus_web::Result<()> {
    let not_ready = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready").with_detail(detail);
    match crocus_migrate::pending(engine, migrations).await {
        Ok(pending) if pending.is_empty() => Ok(()),
        Ok(pending) => Err(not_ready(format!("the database is behind by {}", db::pending_revisions(pending.len())))),
        Err(error) if error.kind() == ErrorKind::Database => {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable");
            Err(problem.with_detail("the database does not answer").with_cause(error.to_string()))
        }
        Err(error) => {
            Err(not_ready("the database's revision is not one of this program's".to_owned())
                .with_cause(error.to_string()))
        }
    }
}
