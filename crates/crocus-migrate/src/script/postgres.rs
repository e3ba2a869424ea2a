//! A script for PostgreSQL: the same transactions as online, with the same records of how far a revision is.

use super::{NOT_THERE, Start, Way, ended, title};
use crate::dialect::postgres::before;
use crate::dialect::postgres::ddl::literal;
use crate::dialect::postgres::lock;
use crate::dialect::postgres::parts::{Kind, parts};
use crate::history;
use crate::operation::Operation;
use crate::progress::{Position, Progress, is_new};
use crate::runner::{Direction, Options};
use crate::schema::Schema;
use crocus_orm::Dialect;

/// The text, and the transaction that is open at its end.
struct Script<'a> {
    text: String,
    direction: Direction,
    options: &'a Options,
    is_open: bool,
    /// Whether SQL of the revision may have changed settings.
    is_unsettled: bool,
}

pub(super) fn body(
    done: &[Way<'_>],
    start: &Start<'_>,
    direction: Direction,
    ways: &[Way<'_>],
    options: &Options,
) -> String {
    if ways.is_empty() {
        return String::new();
    }
    let mut schema = Schema::default();
    done.iter().for_each(|way| schema.apply_known(&way.operations));
    let mut script = Script { text: String::new(), direction, options, is_open: false, is_unsettled: false };
    script.line("SET client_min_messages = warning");
    script.line(&lock::limit_sql(options.lock_timeout));
    script.line(&lock::wait_sql());
    if done.is_empty() {
        script.line(&history::prepare_sql(Dialect::Postgres));
    }
    script.line(&check(start));
    for way in ways {
        script.text.push_str(&title(way, direction));
        script.revision(way, &mut schema);
    }
    script.text.push('\n');
    script.line(&lock::release_sql());
    script.text
}

/// Fails where the database is somewhere else: once the lock is had, so that nobody moves it.
fn check(start: &Start<'_>) -> String {
    let row = |is_applied| {
        move |names: &Vec<&str>| {
            let literals: Vec<_> = names.iter().map(|name| literal(name)).collect();
            format!("({}, ARRAY[{}], {is_applied})", literals[0], literals.join(", "))
        }
    };
    let rows = start.applied.iter().map(row(true)).chain(start.not_applied.iter().map(row(false)));
    let rows = rows.collect::<Vec<_>>().join(", ");
    format!(
        "DO $$ DECLARE wrong text; BEGIN
    SELECT string_agg(revision || CASE WHEN is_applied THEN ' is not applied' ELSE ' is applied' END, ', ') INTO wrong
    FROM (VALUES {rows}) AS expected (revision, names, is_applied)
    WHERE is_applied <> EXISTS (SELECT FROM crocus_migrations AS found
        WHERE found.revision = ANY (names) AND (NOT is_applied OR found.progress IS NULL));
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the database is not where this script begins: %', wrong USING HINT = {};
    END IF;
END $$",
        literal(NOT_THERE)
    )
}

impl Script<'_> {
    fn revision(&mut self, way: &Way<'_>, schema: &mut Schema) {
        let mut at = Position::default();
        let mut is_recorded = false;
        for (number, operation) in way.operations.iter().enumerate() {
            let before = before::known(schema, operation, is_new(&way.operations, number));
            let parts = parts(operation, &before);
            for part in &parts {
                let is_outside = matches!(part.kind, Kind::Build(_) | Kind::Drop(_));
                if part.kind.begins() && (self.is_open || (is_outside && !is_recorded)) {
                    self.keep(way, at);
                    is_recorded = true;
                }
                if is_outside {
                    // Nobody waits for it while it waits.
                    self.line(&lock::limit_without_blocking_sql());
                    part.statements.iter().for_each(|statement| self.line(statement));
                    self.line(&lock::limit_sql(self.options.lock_timeout));
                } else if !part.statements.is_empty() {
                    self.open();
                    part.statements.iter().for_each(|statement| self.line(statement));
                }
                self.is_unsettled |= matches!(operation, Operation::Execute { .. });
                at = at.next(parts.len());
                if part.kind != Kind::Together && at.operation < way.operations.len() {
                    self.keep(way, at);
                    is_recorded = true;
                }
            }
            // What only SQL knows of is not known here either.
            drop(schema.apply(operation));
        }
        self.open();
        self.settle();
        self.line(&match self.direction {
            Direction::Upgrade => history::record_sql(way.migration, &self.options.program),
            Direction::Downgrade => history::undone_sql(way.migration),
        });
        self.line("COMMIT");
        self.is_open = false;
    }

    fn open(&mut self) {
        if !self.is_open {
            self.line("BEGIN");
            self.is_open = true;
        }
    }

    fn keep(&mut self, way: &Way<'_>, at: Position) {
        let progress = Progress { direction: self.direction, at }.with_operations(&way.operations);
        self.open();
        self.settle();
        self.line(&history::progress_sql(way.migration, &self.options.program, &progress));
        self.line("COMMIT");
        self.is_open = false;
    }

    fn settle(&mut self) {
        if self.is_unsettled {
            self.line("RESET search_path");
            self.is_unsettled = false;
        }
    }

    fn line(&mut self, statement: &str) {
        self.text.push_str(&ended(statement));
    }
}
