//! Running a flush: the plan's statements in as few round trips as they allow, and what the objects are afterwards.

use std::collections::BTreeMap;
use std::panic::Location;

use futures_util::FutureExt;
use futures_util::future::join;

use super::followers::Follow;
use super::frame::Frame;
use super::plan::{Batch, Change, Kind, Subject, id_of, plan};
use super::returned::{Fresh, FreshRow, Returned};
use super::slot::{AnySlot, Phase};
use super::write::{Keys, Prepared};
use super::{Bind, Session};
use crate::engine::Target;
use crate::value::{Value, same};
use crate::{Error, ErrorKind, Result, Row, Transaction, TransactionOptions};

type Place = &'static Location<'static>;

/// The batches for each bind, in the order in which the binds are written and committed: the default one, then the
/// others by their keys.
type Plan = BTreeMap<Bind, Vec<Batch>>;

/// A statement that was run, and the rows of those objects that are still there.
pub(super) struct Written {
    statement: Prepared,
    fresh: Option<Fresh>,
}

impl Written {
    /// Each change, and the row where there is one.
    pub(super) fn each(&self) -> impl Iterator<Item = (&Change, Option<FreshRow<'_>>)> {
        let row = |(place, change)| (change, self.fresh.as_ref().map(|fresh| fresh.row(place)));
        self.statement.changes.iter().enumerate().map(row)
    }
}

impl Session {
    /// Writes every change, and begins the transaction if that was not done. Nothing changed: nothing is sent.
    ///
    /// # Errors
    /// When the database does not answer, a constraint does not hold, the row of a changed or deleted object is gone
    /// ([`ErrorKind::NotFound`]) or has another version ([`ErrorKind::StaleObject`]), or objects need each other to be
    /// written first ([`ErrorKind::InvalidQuery`]). Then nothing is written, the session is as it was before, and so is
    /// its transaction: the cause can be mended and the flush tried again.
    #[track_caller]
    pub fn flush(&mut self) -> impl Future<Output = Result<()>> + Send {
        let at = Location::caller();
        // In a box, since queries that flush are a part of futures of the program, whose types would grow beyond the
        // compiler's limit.
        async move {
            let plan = self.plan()?;
            if plan.is_empty() {
                return Ok(());
            }
            let mut opened = Vec::new();
            match self.send(plan, &mut opened, at).await {
                Ok(written) => {
                    self.transactions.append(&mut opened);
                    self.apply(written, true);
                    Ok(())
                }
                Err(error) => {
                    roll_back(opened).await;
                    Err(error)
                }
            }
        }
        .boxed()
    }

    /// Flushes, and makes last what the transaction did. Nothing changed: nothing is sent.
    ///
    /// A commit that has one statement to send, and no transaction open, sends it alone: it is a transaction by itself.
    /// Over several binds the default one is committed first, then the others in the order of their keys.
    ///
    /// # Errors
    /// As for [`flush`](Session::flush). When the database refuses the commit itself, or its connection is lost there
    /// ([`ErrorKind::OutcomeUnknown`]: nobody knows whether it was done), and the transaction had begun before, the
    /// objects are as after a [`rollback`](Session::rollback); had it not, they are as they were. When a bind fails after
    /// another was committed, the other's rows stay: the error says so, and the session is rolled back.
    #[track_caller]
    pub fn commit(&mut self) -> impl Future<Output = Result<()>> + Send {
        let at = Location::caller();
        async move {
            let plan = self.plan()?;
            let mut opened = Vec::new();
            let mut written = match self.alone(&plan)? {
                Some(bind) => self.send_alone(plan, bind, at).await?,
                None => match self.send(plan, &mut opened, at).await {
                    Ok(written) => written,
                    Err(error) => {
                        roll_back(opened).await;
                        return Err(error);
                    }
                },
            };
            let had_begun = !self.transactions.is_empty();
            // In the order of the binds; each is gone from here before its outcome is known.
            let mut all: BTreeMap<Bind, Transaction> = self.transactions.drain(..).chain(opened).collect();
            let mut committed: Vec<Bind> = Vec::new();
            let mut unfinished = Unfinished { session: self, undo: had_begun };
            let mut sent: Vec<_> = written.iter_mut().filter_map(|written| written.statement.take_sent()).collect();
            while let Some((bind, transaction)) = all.pop_first() {
                // Many values take their time to be dropped, and so does the database.
                let (outcome, ()) = join(transaction.commit(), async { sent.clear() }).await;
                if let Err(error) = outcome {
                    roll_back(all.into_iter().collect()).await;
                    return Err(part_committed(error, bind, &committed));
                }
                committed.push(bind);
                unfinished.undo = true;
            }
            unfinished.undo = false;
            unfinished.session.frames = vec![Frame::default()];
            unfinished.session.apply(written, false);
            unfinished.session.options = TransactionOptions::new();
            Ok(())
        }
        .boxed()
    }

    /// Undoes what was not committed: changed, expired and deleted objects are as they were when the transaction began,
    /// added ones are gone, and those that were first read inside it are expired.
    ///
    /// # Errors
    /// When the connection is lost. Then it is undone too, also in the session.
    pub async fn rollback(&mut self) -> Result<()> {
        let transactions = std::mem::take(&mut self.transactions);
        self.options = TransactionOptions::new();
        self.undo_all();
        let mut result = Ok(());
        for (_, transaction) in transactions {
            let rolled_back = transaction.rollback().await;
            result = result.and(rolled_back);
        }
        result
    }

    /// Begins the transaction now, and not with the first flush: what is read from now on is read inside it.
    ///
    /// # Errors
    /// When it has begun already, or the database does not answer.
    #[track_caller]
    pub fn begin(&mut self) -> impl Future<Output = Result<()>> + Send {
        self.begin_with(TransactionOptions::new())
    }

    /// Begins a transaction that is not the usual one. Over several binds it is the default one's; the others' begin
    /// with the first flush that writes to them, with the same options.
    ///
    /// # Errors
    /// As for [`begin`](Session::begin).
    #[track_caller]
    pub fn begin_with(&mut self, options: TransactionOptions) -> impl Future<Output = Result<()>> + Send {
        let at = Location::caller();
        async move {
            if !self.transactions.is_empty() {
                return Err(Error::new(ErrorKind::InvalidQuery, "the session's transaction has begun already")
                    .with_hint("commit it or roll it back first; `session.begin_nested()` starts a savepoint in it"));
            }
            let transaction = self.databases.engine(None)?.begin_at(&options, at).await?;
            self.options = options;
            self.transactions.push((None, transaction));
            self.remember_relationships();
            Ok(())
        }
    }

    /// Makes the objects what they were when the transaction began.
    fn undo_all(&mut self) {
        while self.frames.len() > 1 {
            self.undo_frame();
        }
        self.undo_frame();
    }

    /// What a flush would write.
    fn plan(&self) -> Result<Plan> {
        let mut changes: BTreeMap<Bind, Vec<Change>> = BTreeMap::new();
        let mut add = |change: Change| changes.entry(self.databases.bind(change.table.bind)).or_default().push(change);
        for (index, slot) in self.slots.iter().enumerate() {
            if let Some(change) = slot.change(index, self.id)? {
                add(change);
            }
        }
        for (index, row) in self.associations.changed() {
            let there = |slot: usize| !matches!(self.slots[slot].phase(), Phase::Deleted | Phase::Gone);
            let keys = [row.ends[0].1, row.ends[1].1];
            if keys.iter().all(|slot| there(*slot)) {
                row.change(index, keys.map(|slot| self.key(slot))).into_iter().for_each(&mut add);
            }
        }
        self.add_cascades(changes.values_mut().flatten());
        let mut batches = Plan::new();
        for (bind, changes) in changes {
            let planned = plan(changes, |slot| self.key_of_target(slot))?;
            if !planned.is_empty() {
                batches.insert(bind, planned);
            }
        }
        Ok(batches)
    }

    /// The primary key of an object that has a row, as it will be after the next flush.
    pub(super) fn key(&self, slot: usize) -> Option<Vec<Value>> {
        let slot = &self.slots[slot];
        if slot.phase() == Phase::Pending {
            return None;
        }
        let values = slot.current()?;
        Some(slot.table().key_indexes().map(|column| values[column].clone()).collect())
    }

    fn key_of_target(&self, slot: usize) -> Result<Vec<Value>> {
        self.key(slot).ok_or_else(|| {
            let noun = self.slots[slot].table().noun();
            let text = format!("an object refers to a {noun} that is deleted, or not part of the session any more");
            Error::new(ErrorKind::InvalidValue, text).with_hint("let it refer to another one, or delete it too")
        })
    }

    /// The bind of a plan whose one statement is a transaction by itself.
    fn alone(&self, plan: &Plan) -> Result<Option<Bind>> {
        let (Some((bind, batches)), 1) = (plan.first_key_value(), plan.len()) else { return Ok(None) };
        let [batch] = &batches[..] else { return Ok(None) };
        let dialect = self.databases.engine(*bind)?.dialect();
        Ok((self.transactions.is_empty() && batch.is_one_statement(dialect)).then_some(*bind))
    }

    async fn send_alone(&self, plan: Plan, bind: Bind, at: Place) -> Result<Vec<Written>> {
        let target = Target::Engine(self.databases.engine(bind)?);
        let mut written = Vec::new();
        for batches in plan.into_values() {
            run(batches, target, &self.slots, &mut written, at).await?;
        }
        Ok(written)
    }

    /// Runs a plan inside the session's transactions. Those that it begins are put into `opened`: they are dropped, and
    /// so rolled back, with it; in those that were there, a failure undoes a savepoint.
    async fn send(&self, plan: Plan, opened: &mut Vec<(Bind, Transaction)>, at: Place) -> Result<Vec<Written>> {
        let mut written = Vec::new();
        let mut savepoints = Savepoints(Vec::new());
        for (bind, batches) in plan {
            match self.transactions.iter().find(|(other, _)| *other == bind) {
                Some((_, transaction)) => {
                    savepoints.0.push((transaction, transaction.save(at)?));
                    let target = Target::Transaction(transaction);
                    if let Err(error) = run(batches, target, &self.slots, &mut written, at).await {
                        savepoints.roll_back(at).await;
                        return Err(error);
                    }
                }
                None => {
                    let transaction = self.databases.engine(bind)?.begin_at(&self.options, at).await?;
                    opened.push((bind, transaction));
                    let target = opened.last().map(|(_, transaction)| Target::Transaction(transaction));
                    run(batches, target.expect("it was pushed"), &self.slots, &mut written, at).await?;
                }
            }
        }
        savepoints.release(at)?;
        Ok(written)
    }

    /// The objects take over what was written. `undoable`: whether a rollback may still make them what they were.
    fn apply(&mut self, written: Vec<Written>, undoable: bool) {
        if written.is_empty() {
            return;
        }
        if undoable {
            self.remember_relationships();
        }
        let followers = self.followers(&written);
        let removed = self.objects_of_removed_links(&written);
        let changes = written.iter().flat_map(|written| &written.statement.changes);
        let subjects = changes.filter_map(|change| match change.subject {
            Subject::Object(slot) => Some(slot),
            Subject::Association(_) => None,
        });
        let touched: Vec<usize> = subjects.chain(followers.keys().copied()).chain(removed.iter().copied()).collect();
        // All leave the identity map before any joins it: one object may have taken over another's key.
        for index in &touched {
            if undoable {
                self.keep(*index);
            }
            self.slots[*index].leave(*index, &mut self.identities);
        }
        let mut forgotten = None;
        for Written { statement, mut fresh } in written {
            for (place, change) in statement.changes.into_iter().enumerate() {
                match change.subject {
                    Subject::Association(row) => {
                        self.associations.written(row, change.kind);
                        forgotten = None;
                    }
                    Subject::Object(slot) => {
                        if change.kind != Kind::Update
                            && forgotten.replace(id_of(change.table)) != Some(id_of(change.table))
                        {
                            self.forget_links_over(change.table);
                        }
                        match &mut fresh {
                            Some(fresh) => self.slots[slot].write(fresh, place),
                            None => self.remove(slot),
                        }
                    }
                }
            }
        }
        for slot in removed {
            self.remove(slot);
        }
        for (slot, follow) in followers {
            match follow {
                Follow::Remove => self.remove(slot),
                Follow::Expire => self.slots[slot].expire(),
                Follow::Change(values) => {
                    if self.slots[slot].follow(&values).is_err() {
                        self.slots[slot].expire();
                    }
                }
            }
        }
        let (slots, identities) = (&self.slots, &mut self.identities);
        for alike in touched.chunk_by(|one, other| std::ptr::eq(slots[*one].table(), slots[*other].table())) {
            slots[alike[0]].expect(alike.len(), identities);
            for index in alike {
                slots[*index].join(*index, identities);
            }
        }
    }

    fn remove(&mut self, slot: usize) {
        self.slots[slot].remove();
        self.associations.remove_object(slot);
    }

    /// Rows of an association were written as objects: what is known of links over it may be wrong.
    fn forget_links_over(&mut self, table: &'static crate::TableDef) {
        if self.associations.forget(table) {
            self.loaded.retain(|(slot, name), _| !self.slots[*slot].is_linked_over(name, table));
        }
    }

    /// The objects that stand for rows of associations that were deleted as links.
    fn objects_of_removed_links(&self, written: &[Written]) -> Vec<usize> {
        let deleted =
            |change: &&Change| matches!(change.subject, Subject::Association(_)) && change.kind == Kind::Delete;
        let mut found = Vec::new();
        for change in written.iter().flat_map(|written| &written.statement.changes).filter(deleted) {
            for (index, slot) in self.slots.iter().enumerate() {
                if id_of(slot.table()) == id_of(change.table)
                    && let Some(row) = slot.stored()
                    && change.key().iter().all(|(column, value)| same(&row[*column], value))
                {
                    found.push(index);
                }
            }
        }
        found
    }
}

/// A commit on its way. When it fails or is given up, the objects are what they were when the transaction began, unless
/// that was only now.
struct Unfinished<'a> {
    session: &'a mut Session,
    undo: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if self.undo {
            self.session.undo_all();
        }
    }
}

/// Savepoints of transactions that others go on with. Dropped, they are undone before the next statement.
struct Savepoints<'a>(Vec<(&'a Transaction, u32)>);

impl Savepoints<'_> {
    fn release(mut self, at: Place) -> Result<()> {
        for (transaction, number) in self.0.drain(..) {
            transaction.release(number, at)?;
        }
        Ok(())
    }

    async fn roll_back(mut self, at: Place) {
        for (transaction, number) in self.0.drain(..) {
            // A connection that is lost has rolled back by itself, and says so at the next statement.
            let _ = transaction.roll_back_to(number, at).await;
        }
    }
}

impl Drop for Savepoints<'_> {
    fn drop(&mut self) {
        for (transaction, number) in &self.0 {
            transaction.abandon(*number, Location::caller());
        }
    }
}

async fn roll_back(transactions: Vec<(Bind, Transaction)>) {
    for (_, transaction) in transactions {
        // A connection that is lost has rolled back by itself.
        let _ = transaction.rollback().await;
    }
}

fn part_committed(error: Error, bind: Bind, committed: &[Bind]) -> Error {
    if committed.is_empty() {
        return error;
    }
    let name = |bind: &Bind| bind.map_or_else(|| "the default database".to_owned(), |key| format!("the bind `{key}`"));
    let done: Vec<_> = committed.iter().map(name).collect();
    error.with_subject(&format!("{} was not committed, but {} was", name(&bind), done.join(" and ")))
}

/// Runs the batches: those that need a key that another inserts wait for its answer, all others go together.
async fn run(
    batches: Vec<Batch>,
    target: Target<'_>,
    slots: &[Box<dyn AnySlot>],
    written: &mut Vec<Written>,
    at: Place,
) -> Result<()> {
    let dialect = target.dialect();
    let mut keys = Keys::needed(&batches);
    let mut together = Vec::new();
    for batch in batches {
        if !batch.is_ready(&keys) {
            send(std::mem::take(&mut together), target, slots, &mut keys, written, at).await?;
        }
        together.extend(batch.prepare(&keys, dialect));
    }
    send(together, target, slots, &mut keys, written, at).await
}

async fn send(
    mut together: Vec<Prepared>,
    target: Target<'_>,
    slots: &[Box<dyn AnySlot>],
    keys: &mut Keys,
    written: &mut Vec<Written>,
    at: Place,
) -> Result<()> {
    if together.is_empty() {
        return Ok(());
    }
    let statements = together.iter_mut().map(|prepared| prepared.statement(target.dialect(), at));
    let statements = statements.collect::<Result<_>>()?;
    let mut answers: Vec<_> = together.iter().map(|prepared| Returned::new(prepared, slots)).collect();
    let mut take = |index: usize, row: Row| answers[index].add(&row);
    target.run_each(statements, &mut take).await.map_err(|error| {
        let failed = error.index().unwrap_or_default();
        match together.get(failed) {
            Some(prepared) => prepared.explain(error, slots),
            None => error,
        }
    })?;
    let answers = answers.into_iter().map(|answer| answer.finish(slots)).collect::<Result<Vec<_>>>()?;
    for (statement, fresh) in together.into_iter().zip(answers) {
        if let Some(fresh) = &fresh {
            for (place, change) in statement.changes.iter().enumerate() {
                keys.learn(change, || fresh.row(place).values());
            }
        }
        let fresh = fresh.filter(|_| statement.kind != Kind::Delete);
        written.push(Written { statement, fresh });
    }
    Ok(())
}
