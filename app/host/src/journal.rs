//! What a host leaves for the next, should it end unexpectedly: its patch, what
//! modules remember, and how the session went.
//!
//! A thread of its own writes. Nobody who makes sound or listens to editors
//! waits for the disk; who makes plans does, for a while.

pub mod folder;
pub mod recovery;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use folder::{Facts, Folder, FolderError, Left, NEWEST, PLAYED, SESSION, SNAPSHOT};
use recovery::{Beginning, begin};
use sostenuto_patch::{ModuleId, Patch, file};

use crate::folders::state_folder;
use crate::notice::{Notice, Tell};
use crate::plan::snapshot::Snapshot;
use crate::vital;

/// A patch that has played for so long has not ended the program.
const PLAYS_WELL_AFTER: Duration = Duration::from_secs(3);
/// A session that ends after this has not ended soon after its start.
const EARLY: Duration = Duration::from_secs(60);
/// What could not be written is tried again after that.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Counts what was given to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

/// How far what was given is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The newest that was given.
    pub given: Ticket,
    /// The newest that is on the disk, or that the disk has refused.
    pub done: Ticket,
    /// The newest that the disk has refused; 0 where it has taken one since.
    pub refused: Ticket,
}

impl Kept {
    /// Whether that one, or one that was given later, is on the disk.
    pub fn has(&self, ticket: Ticket) -> bool {
        self.done >= ticket && self.refused < ticket
    }
}

/// The journal of a session that runs.
pub struct Journal {
    inner: Arc<Inner>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The facts as they were found.
    found: Facts,
}

struct Inner {
    folder: Folder,
    tell: Tell,
    desk: Mutex<Desk>,
    changed: Condvar,
    when_kept: Mutex<Option<WhenKept>>,
}

type WhenKept = Box<dyn Fn() + Send>;

/// What is to be written, and what was.
struct Desk {
    kept: Kept,
    newest: Option<Patch>,
    played: Option<Patch>,
    facts: Facts,
    are_facts_new: bool,
    /// Taken up then, and playing since.
    on_trial: Option<(Instant, Patch)>,
    /// Taken up later than that.
    taken_up: Option<Patch>,
    retry_at: Option<Instant>,
    early_until: Option<Instant>,
    /// Somebody has waited in vain: nobody waits until the disk is back.
    is_stuck: bool,
    was_failure_told: bool,
    is_closing: bool,
}

/// One of the journal's files.
enum Task {
    Facts(Facts),
    Newest(Patch, Ticket),
    Played(Patch),
}

impl Journal {
    /// Looks what the last session left in that folder, decides how this one
    /// begins, and keeps its journal there. Where `given` is, that is played.
    /// States of another sample rate than this are of no use.
    /// Without a folder that can be used, the session begins without a journal.
    pub fn open(
        path: &Path,
        given: Option<Patch>,
        sample_rate_hz: u32,
        tell: &Tell,
    ) -> (Option<Arc<Journal>>, Beginning) {
        let unusable = |what| FolderError::Unusable { path: path.to_owned(), what };
        let read = Folder::open(path).and_then(|folder| {
            let mut left = folder.read(&**tell).map_err(unusable)?;
            left.snapshot = left.snapshot.filter(|found| found.sample_rate_hz == sample_rate_hz);
            Ok((folder, left))
        });
        let (folder, left) = match read {
            Ok(read) => read,
            Err(error) => {
                tell(Notice::JournalUnavailable { error: error.to_string() });
                let patch = given.unwrap_or_default();
                return (None, Beginning { patch, ..Beginning::default() });
            }
        };
        let beginning = begin(&left, given);
        if let Some(notice) = &beginning.notice {
            tell(notice.clone());
        }
        if let Err(what) = make_room(&folder, &left, &beginning, tell) {
            tell(Notice::JournalUnavailable { error: unusable(what).to_string() });
            return (None, beginning);
        }
        let facts = Facts {
            has_ended: false,
            early_ends: beginning.early_ends,
            quarantined: beginning.quarantined.clone(),
            ..Facts::default()
        };
        match Journal::start(folder, left.facts, facts, Arc::clone(tell)) {
            Ok(journal) => {
                let ticket = journal.keep(beginning.patch.clone());
                journal.wait(ticket, Duration::from_secs(1));
                (Some(Arc::new(journal)), beginning)
            }
            Err(what) => {
                tell(Notice::JournalUnavailable { error: unusable(what).to_string() });
                (None, beginning)
            }
        }
    }

    fn start(folder: Folder, found: Facts, facts: Facts, tell: Tell) -> io::Result<Journal> {
        let inner = Arc::new(Inner {
            folder,
            tell,
            desk: Mutex::new(Desk::new(facts)),
            changed: Condvar::new(),
            when_kept: Mutex::new(None),
        });
        let writing = Arc::clone(&inner);
        let thread = vital::spawn("journal", move || writing.write_until_closed())?;
        Ok(Journal { inner, thread: Mutex::new(Some(thread)), found })
    }

    /// From now on this is the newest patch. It comes to the disk soon; one
    /// that is replaced by then never does.
    pub fn keep(&self, patch: Patch) -> Ticket {
        let mut desk = lock(&self.inner.desk);
        desk.kept.given.0 += 1;
        desk.newest = Some(patch);
        let ticket = desk.kept.given;
        drop(desk);
        self.inner.changed.notify_all();
        ticket
    }

    /// How far patches are kept.
    pub fn kept(&self) -> Kept {
        lock(&self.inner.desk).kept
    }

    /// Waits until that one is on the disk, or the disk has refused it, or it
    /// took too long: then nobody waits until the disk is back.
    pub fn wait(&self, ticket: Ticket, patience: Duration) {
        let desk = lock(&self.inner.desk);
        let is_under_way =
            |desk: &mut Desk| desk.kept.done < ticket && !desk.is_stuck && !desk.is_closing;
        let waited = self.inner.changed.wait_timeout_while(desk, patience, is_under_way);
        let (mut desk, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            desk.is_stuck = true;
            drop(desk);
            self.inner.tell_failure("the disk takes too long");
        }
    }

    /// Calls this on the journal's thread whenever something was kept. `None`:
    /// nobody any more.
    pub fn when_kept(&self, call: Option<Box<dyn Fn() + Send>>) {
        *lock(&self.inner.when_kept) = call;
    }

    /// This patch is being played.
    pub fn taken_up(&self, patch: Option<Patch>) {
        let mut desk = lock(&self.inner.desk);
        desk.taken_up = patch;
        desk.promote(Instant::now());
        drop(desk);
        self.inner.changed.notify_all();
    }

    /// These modules are not computed, and are not to be by the next session
    /// either, should this one end unexpectedly.
    pub fn set_quarantined(&self, modules: &BTreeSet<ModuleId>) {
        let mut desk = lock(&self.inner.desk);
        if desk.facts.quarantined.iter().ne(modules) {
            desk.facts.quarantined = modules.iter().cloned().collect();
            desk.are_facts_new = true;
            drop(desk);
            self.inner.changed.notify_all();
        }
    }

    /// Writes what modules remember, on the caller's thread. It outlives this
    /// program, but a loss of power may damage it, so that modules begin anew:
    /// no disk is kept awake for it.
    pub fn keep_snapshot(&self, snapshot: &Snapshot) {
        let written = self.inner.folder.replace_soon(SNAPSHOT, &snapshot.write());
        if let Err(error) = written {
            self.inner.tell_failure(&error.to_string());
        }
    }

    /// The session ends properly.
    pub fn end(&self) {
        self.close(Facts { has_ended: true, early_ends: 0, ..Facts::default() });
    }

    /// Writes what is to be written, and these facts last.
    fn close(&self, facts: Facts) {
        let Some(thread) = lock(&self.thread).take() else { return };
        let mut desk = lock(&self.inner.desk);
        desk.facts = facts;
        desk.are_facts_new = true;
        desk.early_until = None;
        desk.retry_at = None;
        desk.is_closing = true;
        drop(desk);
        self.inner.changed.notify_all();
        // Where `when_kept` held the last of it, this is that thread.
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }
}

impl Drop for Journal {
    /// A session that did not come so far as to play has not been: what was
    /// found is left as it was. After a panic it has ended unexpectedly.
    fn drop(&mut self) {
        let facts = if std::thread::panicking() {
            lock(&self.inner.desk).facts.clone()
        } else {
            self.found.clone()
        };
        self.close(facts);
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Journal").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

/// Where the host of this user keeps its journal. `None` where the system knows
/// of no home.
pub fn folder_of_this_user() -> Option<PathBuf> {
    Some(state_folder()?.join("journal"))
}

/// Sees to it that nothing of the old session is in the way, and nothing lost.
fn make_room(folder: &Folder, left: &Left, beginning: &Beginning, tell: &Tell) -> io::Result<()> {
    if beginning.snapshot.is_none() {
        // Its states are no other patch's.
        folder.remove(SNAPSHOT)?;
    }
    let Some(prefix) = beginning.set_aside else { return Ok(()) };
    let Some((_, name)) = left.newest else { return Ok(()) };
    let aside = folder.set_patch_aside(name, prefix)?;
    folder.remove(PLAYED)?;
    tell(Notice::LastPatchKept { path: aside, has_ended: left.facts.has_ended });
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn write_until_closed(&self) {
        let mut desk = lock(&self.desk);
        // What lies on the disk, as far as this session has written it.
        let mut written = String::new();
        loop {
            let now = Instant::now();
            desk.promote(now);
            if let Some(task) = desk.task(now) {
                drop(desk);
                let done = self.write(&task, &mut written);
                desk = lock(&self.desk);
                desk.done(&task, done.is_ok());
                drop(desk);
                self.changed.notify_all();
                match done {
                    Ok(()) => self.tell_return(&task),
                    Err(error) => self.tell_failure(&error.to_string()),
                }
                if let Some(call) = &*lock(&self.when_kept) {
                    call();
                }
                desk = lock(&self.desk);
            } else if desk.is_closing {
                return;
            } else {
                let nap = desk.nap(now);
                let waited = self.changed.wait_timeout(desk, nap);
                desk = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn write(&self, task: &Task, written: &mut String) -> io::Result<()> {
        match task {
            Task::Facts(facts) => self.folder.replace(SESSION, &facts.write()),
            Task::Played(patch) => self.folder.replace(PLAYED, file::write(patch).as_bytes()),
            Task::Newest(patch, _) => {
                let text = file::write(patch);
                if text != *written {
                    self.folder.replace(NEWEST, text.as_bytes())?;
                    *written = text;
                }
                Ok(())
            }
        }
    }

    /// The disk takes patches again.
    fn tell_return(&self, task: &Task) {
        let is_patch = matches!(task, Task::Newest(..));
        if is_patch && std::mem::replace(&mut lock(&self.desk).was_failure_told, false) {
            (self.tell)(Notice::JournalWrittenAgain { folder: self.folder.file("") });
        }
    }

    /// Once, until the disk is back: there is nothing new in it the second time.
    fn tell_failure(&self, what: &str) {
        if !std::mem::replace(&mut lock(&self.desk).was_failure_told, true) {
            let (error, folder) = (what.to_owned(), self.folder.file(""));
            (self.tell)(Notice::JournalNotWritten { error, folder });
        }
    }
}

impl Desk {
    fn new(facts: Facts) -> Desk {
        Desk {
            kept: Kept::default(),
            newest: None,
            played: None,
            facts,
            are_facts_new: true,
            on_trial: None,
            taken_up: None,
            retry_at: None,
            early_until: Some(Instant::now() + EARLY),
            is_stuck: false,
            was_failure_told: false,
            is_closing: false,
        }
    }

    /// What is to be written next. While the disk refuses, only what is new.
    fn task(&mut self, now: Instant) -> Option<Task> {
        let is_retry = self.retry_at.is_none_or(|at| now >= at);
        if is_retry {
            self.retry_at = None;
        }
        let is_new = self.kept.done < self.kept.given;
        if is_retry && self.are_facts_new && !(self.is_closing && self.newest.is_some()) {
            self.are_facts_new = false;
            return Some(Task::Facts(self.facts.clone()));
        }
        if is_retry || is_new {
            let ticket = self.kept.given;
            if let Some(patch) = self.newest.take() {
                return Some(Task::Newest(patch, ticket));
            }
        }
        if is_retry { self.played.take().map(Task::Played) } else { None }
    }

    fn done(&mut self, task: &Task, is_done: bool) {
        if let Task::Newest(_, ticket) = *task {
            self.kept.done = ticket;
            self.kept.refused = if is_done { Ticket::default() } else { ticket };
        }
        if is_done {
            self.is_stuck = false;
            return;
        }
        // Who closes does not wait for a disk to come back.
        if self.is_closing {
            return;
        }
        self.retry_at = Some(Instant::now() + RETRY_AFTER);
        match task {
            Task::Facts(_) => self.are_facts_new = true,
            Task::Newest(patch, _) => drop(self.newest.get_or_insert_with(|| patch.clone())),
            Task::Played(patch) => drop(self.played.get_or_insert_with(|| patch.clone())),
        }
    }

    /// What time alone brings.
    fn promote(&mut self, now: Instant) {
        if self.early_until.is_some_and(|until| now >= until) {
            self.early_until = None;
            self.facts.early_ends = 0;
            self.are_facts_new = true;
        }
        if self.on_trial.as_ref().is_some_and(|(since, _)| now >= *since + PLAYS_WELL_AFTER) {
            self.played = self.on_trial.take().map(|(_, patch)| patch);
        }
        if self.on_trial.is_none() {
            self.on_trial = self.taken_up.take().map(|patch| (now, patch));
        }
    }

    /// How long nothing is to be done, unless somebody comes.
    fn nap(&self, now: Instant) -> Duration {
        let played = self.on_trial.as_ref().map(|(since, _)| *since + PLAYS_WELL_AFTER);
        let due = [played, self.early_until, self.retry_at].into_iter().flatten().min();
        due.map_or(EARLY, |due| due.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use sostenuto_patch::testing::ring;

    type Told = Arc<Mutex<Vec<String>>>;

    fn opened(path: &Path, given: Option<Patch>) -> (Arc<Journal>, Beginning, Told) {
        let told = Told::default();
        let hears = Arc::clone(&told);
        let tell: Tell = Arc::new(move |notice: Notice| lock(&hears).push(notice.to_string()));
        let (journal, beginning) = Journal::open(path, given, 48_000, &tell);
        (journal.expect("the folder can be used"), beginning, told)
    }

    fn facts(path: &Path) -> Facts {
        serde_json::from_slice(&fs::read(path.join(SESSION)).unwrap()).unwrap()
    }

    /// As if the program had been killed: the folder as it is, for another.
    fn killed(path: &Path, journal: &Journal) -> tempfile::TempDir {
        journal.wait(journal.kept().given, Duration::from_secs(60));
        let copy = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    fn desk() -> Desk {
        Desk::new(Facts { has_ended: false, early_ends: 2, ..Facts::default() })
    }

    #[test]
    fn what_was_waited_for_is_on_the_disk() {
        let place = tempfile::tempdir().unwrap();
        let (journal, ..) = opened(place.path(), None);
        journal.wait(journal.keep(ring()), Duration::from_secs(60));
        assert_eq!(file::load(&place.path().join(NEWEST)).unwrap(), ring());
        assert_eq!(journal.kept().done, journal.kept().given);
        assert!(!facts(place.path()).has_ended);
    }

    #[test]
    fn the_next_session_begins_with_what_a_killed_one_had() {
        let place = tempfile::tempdir().unwrap();
        let (journal, ..) = opened(place.path(), None);
        journal.keep(ring());
        let copy = killed(place.path(), &journal);
        let (next, beginning, told) = opened(copy.path(), None);
        assert_eq!(beginning.patch, ring());
        assert!(lock(&told)[0].contains("ended unexpectedly"));
        next.end();
        drop(next);
        let (_next, beginning, _) = opened(copy.path(), None);
        assert_eq!(beginning.patch, Patch::default());
        assert_eq!(file::load(&copy.path().join("last-1.sostenuto")).unwrap(), ring());
    }

    #[test]
    fn a_session_that_never_played_leaves_the_facts_as_it_found_them() {
        let place = tempfile::tempdir().unwrap();
        let (journal, ..) = opened(place.path(), None);
        journal.keep(ring());
        let copy = killed(place.path(), &journal);
        let before = facts(copy.path());
        drop(opened(copy.path(), None));
        assert_eq!(facts(copy.path()), before);
    }

    #[test]
    fn quarantined_modules_are_remembered() {
        let place = tempfile::tempdir().unwrap();
        let (journal, ..) = opened(place.path(), Some(ring()));
        let b: ModuleId = "b".parse().unwrap();
        journal.set_quarantined(&[b.clone()].into());
        // Facts are written before a patch that comes after them.
        journal.keep(Patch { title: "Later".into(), ..ring() });
        let copy = killed(place.path(), &journal);
        assert!(facts(copy.path()).quarantined.iter().eq([&b]));
        let (_next, beginning, _) = opened(copy.path(), None);
        assert!(beginning.quarantined.contains(&b));
    }

    #[test]
    fn a_patch_has_played_after_some_seconds_also_if_another_came_meanwhile() {
        let (mut desk, start) = (desk(), Instant::now());
        desk.taken_up = Some(ring());
        desk.promote(start);
        desk.taken_up = Some(Patch::default());
        desk.promote(start + PLAYS_WELL_AFTER / 2);
        assert_eq!(desk.played, None);
        desk.promote(start + PLAYS_WELL_AFTER);
        assert_eq!(desk.played.take(), Some(ring()));
        desk.promote(start + 2 * PLAYS_WELL_AFTER);
        assert_eq!(desk.played, Some(Patch::default()));
    }

    #[test]
    fn a_session_that_goes_on_for_long_ends_no_more_early() {
        let (mut desk, start) = (desk(), Instant::now());
        desk.early_until = Some(start + EARLY);
        desk.are_facts_new = false;
        desk.promote(start + EARLY / 2);
        assert!(desk.task(start + EARLY / 2).is_none());
        desk.promote(start + EARLY);
        let task = desk.task(start + EARLY);
        assert!(matches!(task, Some(Task::Facts(facts)) if facts.early_ends == 0));
    }

    #[test]
    fn what_the_disk_refused_is_tried_again_later_and_nobody_waits_for_it() {
        let (mut desk, start) = (desk(), Instant::now());
        (desk.newest, desk.kept.given, desk.are_facts_new) = (Some(ring()), Ticket(1), false);
        let task = desk.task(start).expect("there is something to write");
        desk.done(&task, false);
        assert_eq!(desk.kept.done, Ticket(1), "who waits is let go");
        assert!(desk.task(start).is_none());
        let later = Instant::now() + RETRY_AFTER;
        assert!(matches!(desk.task(later), Some(Task::Newest(patch, _)) if patch == ring()));
    }

    #[test]
    fn a_disk_that_hangs_is_waited_for_once() {
        let place = tempfile::tempdir().unwrap();
        let (journal, _, told) = opened(place.path(), None);
        // The journal's thread waits in here, as it would in a write.
        let gate = Arc::new(Mutex::new(()));
        let (closed, passing) = (lock(&gate), Arc::clone(&gate));
        let (arrive, arrival) = std::sync::mpsc::channel();
        journal.when_kept(Some(Box::new(move || {
            let _ = arrive.send(());
            drop(lock(&passing));
        })));
        journal.keep(ring());
        arrival.recv().unwrap();
        let stuck = journal.keep(Patch::default());
        journal.wait(stuck, Duration::from_millis(1));
        journal.wait(stuck, Duration::from_secs(3600));
        assert_eq!(lock(&told).len(), 1, "{told:?}");
        drop(closed);
        journal.end();
        assert_eq!(file::load(&place.path().join(NEWEST)).unwrap(), Patch::default());
    }
}
