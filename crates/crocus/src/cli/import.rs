//! `import`: rows of a file into a table, in batches. Each batch is one transaction, which also says how far the import
//! has come (`import/record.rs`): after whatever has ended it, the same command goes on where it was.

mod arguments;
mod batches;
mod plan;
mod record;
mod rejects;
pub(super) mod rows;
mod source;
mod write;

use std::sync::Arc;
use std::time::Duration;

use crocus_orm::dynamic::OnConflict;
use crocus_orm::{Engine, ErrorKind, TableDef};

pub(super) use self::arguments::{Format, Import};
use self::batches::{Batch, Told};
use self::plan::Plan;
use self::record::{Record, State};
use self::rejects::Rejects;
use self::rows::Form;
use self::source::{Place, Source};
use self::write::{Outcome, Writer};
use super::progress::{Progress, rate};
use super::tables::{full_name, rows as counted, rows_are};
use super::{Context, print};
use crate::error::{Error, Result};

/// How often a batch is tried that another transaction stands in the way of.
const TRIES: u32 = 5;

/// How many reasons a trial says.
const SAID: u64 = 20;

/// What an import has to know while it runs.
struct Running<'a> {
    arguments: &'a Import,
    program: &'static str,
    engine: &'a Engine,
    table: &'static TableDef,
    place: Place,
    progress: Progress,
    /// The most rows that may be rejected.
    most: u64,
}

pub(super) async fn import(mut context: Context, arguments: &Import) -> Result<()> {
    let table = context.table(&arguments.table)?;
    let place = Place::new(&arguments.file);
    let form = arguments.form(&place)?;
    let conflict = arguments.conflict(table)?;
    let mut source = Source::open(place.clone())?;
    context.config.lift_statement_timeout();
    let (engine, _) = context.engine(table.bind).await?;

    let head = match form {
        Form::Csv { .. } => Some(head(&mut source, form)?),
        Form::Ndjson => None,
    };
    let names = head.as_ref().map(|(names, _)| &names[..]);
    let plan = Arc::new(Plan::new(form, table, names, arguments.null.clone())?);
    if let Some((columns, OnConflict::Update)) = &conflict
        && let Some(missing) = columns.iter().find(|column| !plan.may_bring(**column))
    {
        let text = format!("the file has no column `{}`, by which rows are updated", table.columns[*missing].name);
        return Err(Error::new(text));
    }
    let writer = Writer { table, plan: &plan, conflict };
    let most = arguments.max_rejects.unwrap_or(if arguments.dry_run { u64::MAX } else { 0 });
    let progress = Progress::new(arguments.quiet, source.size());
    let running = Running { arguments, program: context.name(), engine: &engine, table, place, progress, most };
    if arguments.dry_run {
        return running.try_all(source, &writer).await;
    }
    let rejects = Rejects::new(arguments.rejects_path(&running.place), form, head.map_or(Vec::new(), |(_, head)| head));
    running.go(source, &writer, rejects).await
}

impl Running<'_> {
    fn of_database(&self) -> impl Fn(crocus_orm::Error) -> Error + use<> {
        let program = self.program;
        move |error| Error::of_database(&error, program)
    }

    /// Imports what is not in yet.
    async fn go(mut self, mut source: Source, writer: &Writer<'_>, mut rejects: Rejects) -> Result<()> {
        let record = Record::new(self.place.identity(), full_name(self.table));
        let busy = || {
            Error::new(format!("another import of {} is running", source.place().shown()))
                .with_hint("wait for its end, and run the command again: it goes on with what is not in then")
        };
        if self.engine.dialect() == crocus_orm::Dialect::Sqlite && !source.lock() {
            return Err(busy());
        }
        let Some(_lock) = record.lock(self.engine).await.map_err(self.of_database())? else { return Err(busy()) };

        let found = record.find(self.engine).await.map_err(self.of_database())?;
        let mut state = match found.filter(|_| !self.arguments.restart) {
            Some(state) => {
                self.pass_over(&mut source, &state)?;
                if state.finished {
                    let text = format!("{} is imported already: nothing is done\n", self.place.shown());
                    return self.say(&text);
                }
                if self.most > 0 {
                    rejects.check(state.rejects_length, true)?;
                }
                state
            }
            None => {
                match self.arguments.restart {
                    true => rejects.clear()?,
                    false if self.most > 0 => rejects.check(0, false)?,
                    false => {}
                }
                record.begin(self.engine).await.map_err(self.of_database())?;
                State::new()
            }
        };
        let first = state.clone();
        if first.mark.position > 0 {
            let text = format!("goes on with line {}: {} in already\n", first.mark.line, rows_are(first.imported));
            self.note(&text);
        }
        let mut left = 0;
        let mut told = batches::read(source, Arc::clone(writer.plan), self.arguments.batch as usize);
        while !state.finished {
            let mut batch = match told.recv().await {
                Some(Told::Batch(batch)) => batch,
                Some(Told::Failed(error)) => return Err(self.broken_off(error, &state)),
                Some(Told::Interrupted) | None => {
                    return Err(self.broken_off(Error::new("the import was stopped"), &state));
                }
            };
            let outcome = self.write(&mut batch, writer, &record, &mut rejects, &mut state).await?;
            left += outcome.left;
            self.progress.at(state.imported - first.imported + left, state.mark.position);
            if let Some((row, reason)) = &outcome.stopped {
                return Err(self.stopped(batch.rows[*row].line, reason, &state, &rejects));
            }
        }
        let elapsed = self.progress.finish();
        if self.arguments.quiet {
            return Ok(());
        }
        print(&summary(self.table, &state, first.imported, left, elapsed, &rejects))
    }

    /// Passes over what is in already, where the file still is what it was.
    fn pass_over(&self, source: &mut Source, state: &State) -> Result<()> {
        if state.mark.position == 0 {
            return Ok(());
        }
        let is_there = source.skip_to(state.mark)?;
        let is_same = is_there && source::shown(source.digest().clone()) == state.digest;
        if !is_same || (state.finished && !source.is_at_end()?) {
            let shown = self.place.shown();
            let text = if state.finished {
                format!("{shown} was imported already ({}), and has changed since", counted(state.imported))
            } else {
                format!("{shown} has changed in its part of which {} imported already", rows_are(state.imported))
            };
            return Err(Error::new(text).with_hint("`--restart` imports it from its first row"));
        }
        Ok(())
    }

    /// Writes a batch in a transaction, with how far the import has come by it.
    async fn write(
        &self,
        batch: &mut Batch,
        writer: &Writer<'_>,
        record: &Record,
        rejects: &mut Rejects,
        state: &mut State,
    ) -> Result<Outcome> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.write_once(batch, writer, record, rejects, state).await {
                Ok(outcome) => return Ok(outcome),
                Err(Trouble::Database(error)) if error.kind() == ErrorKind::Conflict && tries < TRIES => {
                    tokio::time::sleep(Duration::from_millis(50 << tries)).await;
                }
                Err(Trouble::Database(error)) => {
                    return Err(self.broken_off(Error::of_database(&error, self.program), state));
                }
                Err(Trouble::Other(error)) => return Err(self.broken_off(error, state)),
            }
        }
    }

    async fn write_once(
        &self,
        batch: &mut Batch,
        writer: &Writer<'_>,
        record: &Record,
        rejects: &mut Rejects,
        state: &mut State,
    ) -> Result<Outcome, Trouble> {
        let mut transaction = self.engine.begin().await?;
        let outcome = writer.write(&mut transaction, batch, self.most.saturating_sub(state.rejected)).await?;
        let (mark, digest) = match &outcome.stopped {
            Some((row, _)) => batch.before(*row),
            None => (batch.end, batch.digest.clone()),
        };
        let mut written = Vec::new();
        for (row, reason) in &outcome.rejects {
            let is_first = state.rejects_length == 0 && written.is_empty();
            written.extend(rejects.written(batch.raw(*row), batch.rows[*row].line, reason, is_first));
        }
        let next = State {
            mark,
            digest,
            imported: state.imported + outcome.written,
            rejected: state.rejected + outcome.rejects.len() as u64,
            rejects_length: state.rejects_length + written.len() as u64,
            finished: batch.last && outcome.stopped.is_none(),
        };
        if !record.advance(&transaction, state, &next).await? {
            let text = format!("another import of {} has gone on meanwhile", self.place.shown());
            return Err(Trouble::Other(Error::new(text)));
        }
        if next.finished && self.place == Place::Stdin {
            // What comes from there next is something else.
            record.forget(&transaction).await?;
        }
        // Before the commit, since what is there too much is taken back, and what is missing is not found again.
        rejects.append(state.rejects_length, &written).map_err(Trouble::Other)?;
        transaction.commit().await?;
        *state = next;
        Ok(outcome)
    }

    /// Does everything in one transaction, and undoes it.
    async fn try_all(mut self, source: Source, writer: &Writer<'_>) -> Result<()> {
        let mut transaction = self.engine.begin().await.map_err(self.of_database())?;
        let (mut rows, mut left, mut rejected) = (0, 0, 0);
        let mut told = batches::read(source, Arc::clone(writer.plan), self.arguments.batch as usize);
        loop {
            let mut batch = match told.recv().await {
                Some(Told::Batch(batch)) => batch,
                Some(Told::Failed(error)) => return Err(error),
                Some(Told::Interrupted) | None => return Err(Error::new("the trial was stopped")),
            };
            let most = self.most.saturating_sub(rejected);
            let outcome = writer.write(&mut transaction, &mut batch, most).await.map_err(self.of_database())?;
            for (row, reason) in outcome.rejects.iter().chain(&outcome.stopped) {
                rejected += 1;
                match rejected {
                    ..=SAID => self.note(&format!("line {}: {reason}\n", batch.rows[*row].line)),
                    number if number == SAID + 1 => self.note("...\n"),
                    _ => {}
                }
            }
            rows += outcome.written;
            left += outcome.left;
            self.progress.at(rows + left, batch.end.position);
            if batch.last || outcome.stopped.is_some() {
                break;
            }
        }
        transaction.rollback().await.map_err(self.of_database())?;
        self.progress.finish();
        let table = self.table.name;
        if rejected > self.arguments.max_rejects.unwrap_or(0) {
            let text =
                format!("{} of {} would be rejected, and {rows} imported", counted(rejected), self.place.shown());
            return Err(Error::new(text).with_hint("nothing was changed: this was a trial"));
        }
        if self.arguments.quiet {
            return Ok(());
        }
        print(&format!("{} would be imported into `{table}`, {rejected} would be rejected\n", counted(rows)))
    }

    fn say(&self, text: &str) -> Result<()> {
        if self.arguments.quiet { Ok(()) } else { print(text) }
    }

    /// Says something beside the result.
    fn note(&self, text: &str) {
        if !self.arguments.quiet {
            self.progress.note(text);
        }
    }

    /// An error with what is imported nevertheless, and how to go on.
    fn broken_off(&self, error: Error, state: &State) -> Error {
        let State { imported, mark, .. } = state;
        let go_on = match state.mark.position {
            0 => "nothing is imported yet; run the same command again".to_owned(),
            _ => format!("{} imported; the same command goes on with line {}", rows_are(*imported), mark.line),
        };
        let hint = match error.hint() {
            Some(hint) => format!("{hint}; {go_on}"),
            None => go_on,
        };
        error.with_hint(hint)
    }

    /// The error for one rejected row too many.
    fn stopped(&self, line: u64, reason: &str, state: &State, rejects: &Rejects) -> Error {
        let shown = self.place.shown();
        let (imported, path) = (rows_are(state.imported), rejects.path().display());
        let error = Error::new(match self.most {
            0 => format!("line {line} of {shown}: {reason}"),
            most => {
                let is = if most == 1 { "is" } else { "are" };
                format!("more than {} of {shown} {is} rejected; line {line}: {reason}", counted(most))
            }
        });
        error.with_hint(format!(
            "{imported} imported; repair the line, or let such rows go to `{path}` with `--max-rejects {}`: \
             the command goes on there",
            if self.most == 0 { 100 } else { self.most.saturating_mul(10) }
        ))
    }
}

/// What keeps a batch from being written.
enum Trouble {
    Database(crocus_orm::Error),
    Other(Error),
}

impl From<crocus_orm::Error> for Trouble {
    fn from(error: crocus_orm::Error) -> Trouble {
        Trouble::Database(error)
    }
}

fn summary(table: &TableDef, state: &State, before: u64, left: u64, elapsed: Duration, rejects: &Rejects) -> String {
    let rows = state.imported - before;
    let mut text = format!(
        "{} imported into `{}` in {:.1} s ({} a second)\n",
        counted(rows),
        table.name,
        elapsed.as_secs_f64(),
        rate(rows, elapsed)
    );
    if before > 0 {
        text.push_str(&format!("{} with those of earlier runs\n", counted(state.imported)));
    }
    if left > 0 {
        let were = match left {
            1 => "1 row was there already, and was left as it is\n".to_owned(),
            _ => format!("{left} rows were there already, and were left as they are\n"),
        };
        text.push_str(&were);
    }
    if state.rejected > 0 {
        text.push_str(&format!("{} rejected: see `{}`\n", counted(state.rejected), rejects.path().display()));
    }
    text
}

/// The names of the columns in the first row, and the row as it is.
fn head(source: &mut Source, form: Form) -> Result<(Vec<String>, Vec<u8>)> {
    let shown = source.place().shown();
    let mut fields = Vec::new();
    let row = loop {
        if !source.rest().is_empty()
            && let Some(row) = form.row(source.rest(), source.has_ended(), &mut fields)
        {
            break row;
        }
        if !source.fill()? && source.rest().is_empty() {
            return Err(Error::new(format!("{shown} is empty: its first line must name columns")));
        }
    };
    let bytes = source.rest()[..row.content].to_vec();
    let text = str::from_utf8(&bytes).map_err(|error| {
        let byte = error.valid_up_to();
        Error::new(format!("the first line of {shown} is no UTF-8: its byte {} is 0x{:02X}", byte + 1, bytes[byte]))
            .with_hint("if the file is in ISO 8859-1, `iconv -f ISO-8859-1 -t UTF-8` converts it")
    })?;
    if let Some(mistake) = row.mistake {
        return Err(Error::new(format!("the first line of {shown} {mistake}")));
    }
    let names = fields.iter().map(|field| field.text(text).trim().to_owned()).collect();
    source.consume(row.bytes, row.lines);
    Ok((names, bytes))
}
