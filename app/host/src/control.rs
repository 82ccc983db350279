//! The patch under control: requests come in, the one truth changes, the
//! sound and every editor hear of it.

pub(crate) mod osc_out;
pub mod sound;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rosc::OscMessage;
use sostenuto_modules::module::{Event, Role};
use sostenuto_osc::message::note::SetValue;
use sostenuto_osc::message::param::{SetParam, Value};
use sostenuto_osc::message::patch::{PatchFile, Wants, Whole};
use sostenuto_osc::message::reports::{Meters, Reports};
use sostenuto_osc::message::scene::Morph;
use sostenuto_osc::message::sound::{InputSetup, SoundSetup};
use sostenuto_osc::message::{Message, add, edit, history, host};
use sostenuto_osc::outbox::{Missed, Outbox};
use sostenuto_osc::packet::append;
use sostenuto_osc::service::{ClientId, Rights};
use sostenuto_osc::unreadable::Unreadable;
use thiserror::Error;

use self::feedback::Feedback;
pub use self::glide::GLIDE_EVERY;
use self::glide::Glide;
use self::overload::{Change, Overload};
use self::sound::Sound;
use self::takes::{Take, is_record_switch};
use crate::journal::Ticket;
use crate::notice::Notice;
use crate::permits::{Outside, Permits};
use crate::plan::clips::{self, ClipError};
use crate::recorder::{RecordError, Remote};
pub use sostenuto_osc::message::status::{Status, WorkerStatus};
use sostenuto_osc::status;
use sostenuto_patch::edit::{Edit, Reach, apply};
use sostenuto_patch::file::{self, FileError};
use sostenuto_patch::problem::Problem;
use sostenuto_patch::{Gesture, History, ModuleId, Name, Patch, PatchModule};
use sostenuto_patch::{find_param, is_played, read_value};

mod feedback;
mod glide;
mod overload;
mod serve;
mod takes;

/// Settings by a controller that are less than this apart are one undo step.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a request was refused.
#[derive(Debug, Error)]
enum Refused {
    #[error("{0}")]
    Problem(#[from] Problem),
    #[error("{0}")]
    Request(#[from] Unreadable),
    #[error("A glide takes 0 to 3600 seconds, not {secs}. No knob was moved.")]
    NoGlide { secs: f32 },
    #[error("{0}")]
    File(#[from] FileError),
    #[error("{0} The patch that plays was not changed.")]
    Unread(#[from] file::ReadError),
    #[error("{0} Nothing was changed.")]
    Text(#[from] ClipError),
    #[error("`{module}` ({title}) takes no notes. Choose a keyboard.")]
    NotPlayed { module: ModuleId, title: &'static str },
    #[error("Only OSC In modules take values, and `{module}` is {title}.")]
    TakesNoValues { module: ModuleId, title: &'static str },
    #[error("`{0}` runs: there is nothing to try again.")]
    NoTrouble(ModuleId),
    #[error("{0}")]
    Record(#[from] RecordError),
    #[error("No worker is busy.")]
    NobodyToKill,
    #[error("There is nothing to undo.")]
    NothingToUndo,
    #[error("There is nothing to redo.")]
    NothingToRedo,
    #[error("There are only {all} steps.")]
    NoStep { all: usize },
    #[error("A gesture is open already. End it with /gesture/end first.")]
    GestureOpen,
    #[error("No gesture is open.")]
    NoGesture,
    #[error("This cannot be asked over UDP. Use the local stream.")]
    NotForControllers,
    #[error(
        "All of it is done, but the journal cannot be written: if the host ends unexpectedly, it \
         is lost. Save the patch, and make room on the disk."
    )]
    NotKept,
}

struct Client {
    outbox: Arc<Outbox>,
    rights: Rights,
    reports: Reports,
    /// The gesture between `/gesture/begin` and `/gesture/end`.
    open_gesture: Option<Gesture>,
    gestures: u32,
    last_turn: Option<Instant>,
    /// The view that it knows.
    seen_view: Option<u32>,
    /// Where it knows knobs to stand.
    feedback: Feedback,
    /// Something was put into the outbox that the client did not ask for.
    has_news: bool,
}

/// The host's patch, and everybody who asks for something.
pub struct Control<S> {
    patch: Patch,
    history: History,
    sound: S,
    clients: BTreeMap<ClientId, Client>,
    last_client: u32,
    /// The sound has not heard yet that modules or cables changed.
    needs_plan: bool,
    /// It has not heard yet that this is another patch.
    is_another_patch: bool,
    /// Something changed that the sound does not keep yet.
    needs_keeping: bool,
    kept_at: Instant,
    overload: Overload,
    permits: Permits,
    /// What the patch wants to do outside, or may, has changed.
    needs_asking: bool,
    syncs: Vec<Sync>,
    told_wants: Outside,
    told_changes: u64,
    told_file: (Option<PathBuf>, bool),
    told_recorder: (Option<PathBuf>, Instant),
    told_setup: SoundSetup,
    told_input: InputSetup,
    /// The last of them, for who asks later.
    notices: VecDeque<status::Notice>,
    is_quitting: bool,
    framed: Vec<u8>,
    /// Knobs on their way to a scene.
    glide: Option<Glide>,
    /// How many there were.
    glides: u32,
    /// What Automation modules record.
    takes: Vec<Take>,
}

/// A `/sync` that waits until what came before it is kept.
struct Sync {
    from: ClientId,
    id: i32,
    ticket: Ticket,
    /// Then it waits no longer: the disk does not answer.
    until: Instant,
}

/// Turned knobs that nobody asks about are kept so often, to spare the disk.
const KEEP_EVERY: Duration = Duration::from_millis(500);

/// The hand that lets knobs glide: no client's.
const GLIDING_HAND: u32 = u32::MAX;

/// How many sentences are kept for who subscribes later.
const KEPT_NOTICES: usize = 20;

/// How many steps `/history/steps` has at most.
const MAX_STEPS: usize = 1000;
/// How often a recorder's time is told.
const TELL_RECORDER_EVERY: Duration = Duration::from_millis(250);

/// How long the answer to `/sync` waits for the disk at most.
const DISK_PATIENCE: Duration = Duration::from_secs(1);

/// A [`Control`] for all that are connected.
pub struct SharedControl<S>(Mutex<Control<S>>);

impl<S> SharedControl<S> {
    /// For the stream, the port, and whoever starts them.
    pub fn new(control: Control<S>) -> Arc<SharedControl<S>> {
        Arc::new(SharedControl(Mutex::new(control)))
    }

    /// Locks, also after a panic: every change of a patch is whole or undone.
    pub fn lock(&self) -> MutexGuard<'_, Control<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sound> Control<S> {
    /// Starts with a patch, which nobody can undo.
    pub fn new(patch: Patch, sound: S) -> Result<Control<S>, Problem> {
        let mut checked = Patch::default();
        apply(&mut checked, Edit::Replace(Box::new(patch)))?;
        let mut control = Control {
            patch: checked,
            history: History::default(),
            sound,
            clients: BTreeMap::new(),
            last_client: 0,
            needs_plan: true,
            is_another_patch: false,
            needs_keeping: false,
            kept_at: Instant::now(),
            overload: Overload::default(),
            permits: Permits::default(),
            needs_asking: true,
            syncs: Vec::new(),
            told_wants: Outside::default(),
            told_changes: 0,
            told_file: (None, false),
            told_recorder: (None, Instant::now()),
            told_setup: SoundSetup::default(),
            told_input: InputSetup::default(),
            notices: VecDeque::new(),
            is_quitting: false,
            framed: Vec::new(),
            glide: None,
            glides: 0,
            takes: Vec::new(),
        };
        control.settle(None);
        Ok(control)
    }

    /// From now on undo takes about so many bytes at most.
    pub fn set_undo_memory(&mut self, most_bytes: usize) {
        self.history.set_memory(most_bytes);
    }

    /// What was allowed in earlier sessions. Before this nothing is.
    pub fn set_permits(&mut self, mut permits: Permits) {
        permits.turn_to(self.history.file());
        self.permits = permits;
        self.sound.allow(&self.permits.now());
        self.needs_asking = true;
    }

    /// The musician allows the patch what it wants to do outside this program.
    pub fn allow_outside(&mut self) {
        self.allow(Outside::of(&self.patch));
    }

    /// A hand has switched that Recorder on. Of an address that somebody else wrote a
    /// turned knob says nothing.
    fn allow_recording(&mut self, id: &ModuleId) {
        let Outside { records, .. } = Outside::of_module(&self.patch, id);
        self.allow_made(Outside { records, ..Outside::default() });
    }

    /// A hand has made what does this.
    fn allow_made(&mut self, wanted: Outside) {
        let more = wanted.without(&self.permits.now());
        if !more.is_empty() {
            self.allow(more);
        }
    }

    fn allow(&mut self, more: Outside) {
        let kept = self.permits.allow(more, self.history.file());
        self.sound.allow(&self.permits.now());
        self.needs_asking = true;
        if let Err(error) = kept {
            self.notice(&Notice::PermitNotKept { error: error.to_string() });
        }
    }

    /// Tells editors what the patch wants to do outside, and may not.
    fn tell_wants(&mut self) {
        if !std::mem::take(&mut self.needs_asking) {
            return;
        }
        let held = Outside::of(&self.patch).without(&self.permits.now());
        if held != self.told_wants {
            if !held.is_empty() {
                tracing::warn!("{}", Notice::HeldBack(held.clone()));
            }
            self.told_wants = held;
            self.tell(Missed::Tell, |reports| reports.patch, [self.wants_now()]);
        }
    }

    fn wants_now(&self) -> OscMessage {
        Wants { what: self.told_wants.to_string() }.encode()
    }

    /// The patch as it is.
    pub fn patch(&self) -> &Patch {
        &self.patch
    }

    /// What makes it heard.
    pub fn sound(&self) -> &S {
        &self.sound
    }

    /// What makes it heard.
    pub fn sound_mut(&mut self) -> &mut S {
        &mut self.sound
    }

    /// Whether somebody has asked the host to quit.
    pub fn is_quitting(&self) -> bool {
        self.is_quitting
    }

    /// A new connection. What it is told comes into `outbox`.
    pub fn connect(&mut self, outbox: Arc<Outbox>, rights: Rights) -> ClientId {
        self.last_client += 1;
        let id = ClientId(self.last_client);
        let client = Client {
            outbox,
            rights,
            reports: Reports::default(),
            open_gesture: None,
            gestures: 0,
            last_turn: None,
            seen_view: None,
            feedback: Feedback::default(),
            has_news: false,
        };
        self.clients.insert(id, client);
        id
    }

    /// A connection has ended.
    pub fn disconnect(&mut self, id: ClientId) {
        self.clients.remove(&id);
    }

    /// Has the sound and the editors hear of what has changed since the last
    /// time. `from` will look into its outbox by itself.
    pub fn settle(&mut self, from: Option<ClientId>) {
        self.settle_sound();
        if self.history.changes() != self.told_changes {
            self.told_changes = self.history.changes();
            self.tell(Missed::Tell, |reports| reports.patch, [self.history_now()]);
        }
        let (file, is_saved) = (self.history.file(), self.history.is_saved());
        if (file, is_saved) != (self.told_file.0.as_deref(), self.told_file.1) {
            self.told_file = (file.map(Path::to_owned), is_saved);
            self.tell(Missed::Tell, |reports| reports.patch, [self.file_now()]);
        }
        for (id, client) in &mut self.clients {
            if std::mem::take(&mut client.has_news) && Some(*id) != from {
                client.outbox.wake();
            }
        }
    }

    fn history_now(&self) -> OscMessage {
        let (undos, redos) = (self.history.undos() as u32, self.history.redos() as u32);
        history::History { undos, redos, label: self.history.label() }.encode()
    }

    fn file_now(&self) -> OscMessage {
        let path = self.history.file().map(Path::to_owned);
        PatchFile { path, is_saved: self.history.is_saved() }.encode()
    }

    /// The patch was read from that file when the host started.
    pub fn begin_with_file(&mut self, file: PathBuf) {
        self.history.set_file(file, true);
    }

    /// Tells the musician something, now and when an editor subscribes later.
    pub fn notice(&mut self, notice: &Notice) {
        let notice = status::Notice { kind: notice.kind(), sentence: notice.to_string() };
        self.tell(Missed::Drop, |reports| reports.notices, [notice.encode()]);
        // One that comes again and again leaves the others their places.
        self.notices.retain(|kept| kept.sentence != notice.sentence);
        if self.notices.len() == KEPT_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }

    fn settle_sound(&mut self) {
        if std::mem::take(&mut self.needs_plan) {
            self.needs_keeping = false;
            self.needs_asking = true;
            if self.is_another_patch {
                self.permits.turn_to(self.history.file());
                self.sound.allow(&self.permits.now());
            }
            if std::mem::take(&mut self.is_another_patch) {
                self.sound.patch_replaced(&self.patch);
            } else {
                self.sound.patch_changed(&self.patch);
            }
        }
    }

    /// Has the sound keep what changed since it was last told.
    pub fn keep(&mut self) {
        self.settle_sound();
        if std::mem::take(&mut self.needs_keeping) {
            self.kept_at = Instant::now();
            self.sound.keep(&self.patch);
        }
    }

    /// Answers who waited until something is kept, where it is.
    pub fn answer_syncs(&mut self) {
        if self.syncs.is_empty() {
            return;
        }
        let now = Instant::now();
        for Sync { from, id, ticket, until } in std::mem::take(&mut self.syncs) {
            let kept = self.sound.kept();
            if kept.is_some_and(|kept| kept.done < ticket) && now < until {
                self.syncs.push(Sync { from, id, ticket, until });
                continue;
            }
            let is_kept = kept.is_none_or(|kept| kept.has(ticket));
            self.answer_sync(from, id, is_kept);
        }
        self.settle(None);
    }

    fn answer_sync(&mut self, from: ClientId, id: i32, is_kept: bool) {
        let done = match is_kept {
            true => self.reply(from, [host::Synced { id }.encode()]),
            false => Err(Refused::NotKept),
        };
        self.answer(from, "/sync", done);
        if let Some(client) = self.clients.get_mut(&from) {
            client.has_news = true;
        }
    }

    fn sync(&mut self, from: ClientId, id: i32) -> Result<(), Refused> {
        if self.sound.kept().is_some() && self.may(from, false) {
            self.keep();
            if let Some(kept) = self.sound.kept() {
                let (ticket, until) = (kept.given, Instant::now() + DISK_PATIENCE);
                if kept.done < ticket {
                    self.syncs.push(Sync { from, id, ticket, until });
                    return Ok(());
                }
                if !kept.has(ticket) {
                    return Err(Refused::NotKept);
                }
            }
        }
        self.reply(from, [host::Synced { id }.encode()])
    }

    /// Sends status and meters to who subscribed. Call it some times a second.
    pub fn report(&mut self) {
        if self.kept_at.elapsed() >= KEEP_EVERY {
            self.keep();
        }
        self.answer_syncs();
        self.tell_overload();
        self.tell_wants();
        if self.has_subscriber(|reports| reports.health) {
            let status = self.sound.status().messages();
            self.tell(Missed::Skip, |reports| reports.health, status);
            self.report_setup();
        }
        for killed in self.sound.killed() {
            self.tell(Missed::Tell, |reports| reports.health, [killed.encode()]);
        }
        if let Some(recorder) = self.sound.recorder() {
            self.report_recorder(&recorder);
        }
        if self.has_subscriber(|reports| reports.meters) {
            let meters = self.sound.meters();
            let meters = meters.into_iter().map(|(module, numbers)| Meters { module, numbers });
            let messages = meters.map(|meters| meters.encode());
            self.tell(Missed::Skip, |reports| reports.meters, messages);
        }
        self.tell_view();
        self.tell_params();
        self.settle(None);
    }

    fn tell_overload(&mut self) {
        let (load, xruns) = self.sound.load();
        let change = self.overload.look(Instant::now(), xruns, load);
        let notice = match change {
            None => return,
            Some(Change::TooMuch(load)) => {
                Notice::TooMuch { load, heaviest: self.sound.heaviest() }
            }
            Some(Change::Busy(load)) => Notice::MachineBusy { load },
            Some(Change::KeepsUp) => Notice::KeepsUp,
        };
        tracing::warn!("{notice}");
        self.notice(&notice);
    }

    /// Tells who subscribed to them which knobs were turned.
    fn tell_params(&mut self) {
        for client in self.clients.values_mut().filter(|client| client.reports.params) {
            // Who does not read hears the newest values later.
            if client.outbox.waiting_bytes() > serve::HEAVY_BYTES {
                continue;
            }
            for message in client.feedback.news(&self.patch) {
                client.outbox.reply(message);
                client.has_news = true;
            }
        }
    }

    fn report_setup(&mut self) {
        let setup = self.sound.setup();
        if setup != self.told_setup {
            self.tell(Missed::Tell, |reports| reports.health, [setup.encode()]);
            self.told_setup = setup;
        }
        let input = self.sound.input();
        if input != self.told_input {
            self.tell(Missed::Tell, |reports| reports.health, [input.encode()]);
            self.told_input = input;
        }
    }

    fn report_recorder(&mut self, recorder: &Remote) {
        for recorded in recorder.take_done() {
            self.tell(Missed::Tell, |reports| reports.recorder, [recorded.encode()]);
        }
        let status = recorder.status();
        let (path, at) = &self.told_recorder;
        if *path != status.path || at.elapsed() >= TELL_RECORDER_EVERY {
            self.tell(Missed::Skip, |reports| reports.recorder, [status.encode()]);
            self.told_recorder = (status.path, Instant::now());
        }
    }

    /// Ends a recording that is going on, and saves the patch beside it.
    pub fn stop_recording(&mut self) {
        let patch = self.patch.clone();
        // None may be going on.
        let _ = self.sound.recorder().map(|recorder| recorder.stop(patch));
    }

    fn kill_worker(&mut self, slot: Option<u32>) -> Result<(), Refused> {
        let is_killed = self.sound.kill(slot.map(|slot| slot as usize));
        is_killed.then_some(()).ok_or(Refused::NobodyToKill)
    }

    /// Tells who subscribed to it and does not know it where modules lie.
    fn tell_view(&mut self) {
        // Asked first: a view that comes in between is told once more.
        let number = self.sound.view_number();
        let wants = |client: &Client| client.reports.view && client.seen_view != Some(number);
        if !self.clients.values().any(wants) {
            return;
        }
        let Some(view) = self.sound.view() else { return };
        self.framed.clear();
        view.messages().into_iter().for_each(|message| append(message, &mut self.framed));
        for client in self.clients.values_mut().filter(|client| wants(client)) {
            // Who is busy is told the next time.
            if client.outbox.report(&self.framed, Missed::Skip) {
                client.seen_view = Some(number);
                client.has_news = true;
            }
        }
    }

    /// Changes the patch, as an undo step of its own or of a gesture. Where
    /// the edit cannot be done, nothing changes.
    pub fn edit(&mut self, edit: Edit, gesture: Option<Gesture>) -> Result<(), Problem> {
        if let Some(done) = self.history.apply(&mut self.patch, &edit, gesture)? {
            self.spread(&done);
            self.record(&done)?;
        }
        Ok(())
    }

    /// Begins and ends takes of Automation modules, and keeps what hands do meanwhile.
    fn record(&mut self, done: &Edit) -> Result<(), Problem> {
        match done {
            Edit::Several(edits) => edits.iter().try_for_each(|edit| self.record(edit)),
            Edit::Replace(_) => {
                self.takes.clear();
                Ok(())
            }
            Edit::RenameModule { id, new_id } => {
                self.takes.iter_mut().for_each(|take| take.rename(id, new_id));
                Ok(())
            }
            Edit::SetParam { module, param, value } => {
                let own = self.takes.iter().position(|take| take.module() == module);
                match (is_record_switch(&self.patch, module, param), own, *value > 0.5) {
                    (true, None, true) => self.takes.push(Take::new(module.clone())),
                    (true, Some(own), false) => {
                        let kept = self.takes.remove(own).kept(&self.patch);
                        return kept.map_or(Ok(()), |edit| self.edit(edit, None));
                    }
                    _ => self.keep_move(module, param, *value),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn keep_move(&mut self, module: &ModuleId, param: &Name, value: f32) {
        let is_leader = self.patch.modules.get(module).is_none_or(PatchModule::is_leader);
        if self.takes.is_empty() || is_leader {
            return;
        }
        let shown = self.sound.meters();
        for take in &mut self.takes {
            let own = shown.iter().find(|(id, _)| id == take.module());
            let beat = own.and_then(|(_, shown)| shown.first()).copied().unwrap_or(-1.0);
            take.hear(module, param, beat, value);
        }
    }

    fn may(&self, from: ClientId, is_for_controllers: bool) -> bool {
        let rights = self.clients.get(&from).map(|client| client.rights);
        is_for_controllers || rights == Some(Rights::Editor)
    }

    fn edit_as(&mut self, from: ClientId, edit: Edit) -> Result<(), Refused> {
        self.check_text(&edit)?;
        let (made, gated) = match &edit {
            Edit::AddModule { id, .. } | Edit::SetText { module: id, .. } => {
                (Some(id.clone()), None)
            }
            Edit::Connect(cable) if &*cable.to.port == "gate" => {
                (None, Some(cable.to.module.clone()))
            }
            _ => (None, None),
        };
        let gesture = self.open_gesture(from);
        self.edit(edit, gesture)?;
        made.iter().for_each(|id| self.allow_made(Outside::of_module(&self.patch, id)));
        gated.iter().for_each(|id| self.allow_recording(id));
        Ok(())
    }

    /// Whether a text that is asked for can be read. One in a file is kept as it
    /// is, and the musician told.
    fn check_text(&self, edit: &Edit) -> Result<(), Refused> {
        let Edit::SetText { module, text } = edit else { return Ok(()) };
        let form = self.patch.modules.get(module).and_then(PatchModule::text_form);
        form.map_or(Ok(()), |form| Ok(clips::check(&(form, text.clone()))?))
    }

    /// Another patch instead of this one, read from a file where there is one.
    fn load(
        &mut self,
        from: ClientId,
        read: Result<Patch, Refused>,
        file: Option<&Path>,
    ) -> Result<(), Refused> {
        let edit = Edit::Replace(Box::new(read?));
        let gesture = self.open_gesture(from);
        if let Some(done) = self.history.apply_from(&mut self.patch, &edit, gesture, file)? {
            self.spread(&done);
        }
        if let Some(sentence) = self.patch.about_placeholders() {
            self.notice(&Notice::Placeholders { sentence });
        }
        Ok(())
    }

    /// That patch, which was this one a moment ago, now lies in the file.
    fn saved(&mut self, patch: &Patch, replacements: u64, file: PathBuf) {
        if self.patch == *patch {
            self.history.set_file(file, true);
        } else if self.history.replacements() == replacements {
            self.history.set_file(file, false);
        } else {
            return self.history.forget_file(&file);
        }
        // It may do so from there, too.
        self.allow(Outside::default());
    }

    fn undo(&mut self) -> Result<(), Refused> {
        let edit = self.history.undo(&mut self.patch).ok_or(Refused::NothingToUndo)?;
        self.spread(&edit);
        Ok(())
    }

    fn redo(&mut self) -> Result<(), Refused> {
        let edit = self.history.redo(&mut self.patch).ok_or(Refused::NothingToRedo)?;
        self.spread(&edit);
        Ok(())
    }

    /// Undo or redo until that many steps are done.
    fn go_to(&mut self, steps: u32) -> Result<(), Refused> {
        let steps = steps as usize;
        let all = self.history.undos() + self.history.redos();
        if steps > all {
            return Err(Refused::NoStep { all });
        }
        while self.history.undos() > steps {
            self.undo()?;
        }
        while self.history.undos() < steps {
            self.redo()?;
        }
        Ok(())
    }

    fn reply_steps(&self, to: ClientId, first: u32, count: u32) -> Result<(), Refused> {
        let labels = self.history.labels(first as usize);
        let labels = labels.take((count as usize).min(MAX_STEPS));
        self.reply(to, [history::Steps { first, labels: labels.collect() }.encode()])
    }

    fn query_module(&self, from: ClientId, id: &ModuleId) -> Result<(), Refused> {
        let module = self.patch.module(id.as_str())?;
        self.reply(from, add::describe(id, module))
    }

    fn set_param(
        &mut self,
        from: ClientId,
        SetParam { module, param, value, gesture }: SetParam,
    ) -> Result<(), Refused> {
        let value = match value {
            Value::Number(number) => number,
            Value::Word(word) => {
                let there = self.patch.module(module.as_str())?;
                let (_, facts) = find_param(there.about()?, module.as_str(), &param)?;
                let current = there.param(&param).unwrap_or(facts.default);
                read_value(module.as_str(), facts, &word, current)?
            }
        };
        let gesture = self.gesture_of(from, gesture);
        self.edit(Edit::SetParam { module: module.clone(), param, value }, gesture)?;
        self.allow_recording(&module);
        Ok(())
    }

    /// The gesture that a client gives that number; 0: whichever is open.
    fn gesture_of(&mut self, from: ClientId, number: i32) -> Option<Gesture> {
        match number {
            0 => self.open_gesture(from),
            number => Some(Gesture { hand: from.0 << 1, number: number.cast_unsigned() }),
        }
    }

    /// Puts the knobs of a scene where they stood.
    fn recall(&mut self, from: ClientId, number: u8) -> Result<(), Refused> {
        let edit = self.patch.recalled(number)?;
        self.glide = None;
        let gesture = self.open_gesture(from);
        Ok(self.edit(edit, gesture)?)
    }

    /// Lets the knobs of a scene glide to where they stood.
    fn glide_to(&mut self, from: ClientId, number: u8, secs: f32) -> Result<(), Refused> {
        if !(0.0..=glide::LONGEST_SECS).contains(&secs) {
            return Err(Refused::NoGlide { secs });
        }
        if secs == 0.0 {
            return self.recall(from, number);
        }
        let goal = self.patch.recalled(number)?;
        self.glides = self.glides.wrapping_add(1);
        let gesture = Gesture { hand: GLIDING_HAND, number: self.glides };
        self.glide = Some(Glide::new(&self.patch, goal, secs, gesture, Instant::now()));
        Ok(())
    }

    /// Moves knobs that glide on. Returns whether any still do: then it is to be called
    /// again after [`GLIDE_EVERY`].
    pub fn glide(&mut self) -> bool {
        self.glide_on(Instant::now())
    }

    fn glide_on(&mut self, now: Instant) -> bool {
        let Some(mut glide) = self.glide.take() else { return false };
        let (edit, is_over) = glide.step(&self.patch, now);
        // Nothing of it can be refused: all these knobs are there.
        let _ = self.edit(edit, Some(glide.gesture));
        self.settle(None);
        self.glide = (!is_over).then_some(glide);
        self.glide.is_some()
    }

    /// Puts knobs between two scenes.
    fn morph(&mut self, from: ClientId, morph: &Morph) -> Result<(), Refused> {
        let edit = self.patch.morphed(morph.from, morph.to, morph.amount)?;
        let gesture = self.gesture_of(from, morph.gesture);
        Ok(self.edit(edit, gesture)?)
    }

    fn note(&mut self, module: &ModuleId, event: Event) -> Result<(), Refused> {
        let about = self.patch.module(module.as_str())?.about()?;
        if !is_played(about) {
            return Err(Refused::NotPlayed { module: module.clone(), title: about.title });
        }
        // The module may have come with the same packet.
        self.settle_sound();
        self.sound.event(module, event);
        Ok(())
    }

    fn set_value(&mut self, set: SetValue) -> Result<(), Refused> {
        let SetValue { module, index, volts } = set;
        let about = self.patch.module(module.as_str())?.about()?;
        if about.role != Some(Role::OscIn) {
            return Err(Refused::TakesNoValues { module, title: about.title });
        }
        // The module may have come with the same packet.
        self.settle_sound();
        self.sound.event(&module, Event::Value { index, volts });
        Ok(())
    }

    fn try_again(&mut self, module: &ModuleId) -> Result<(), Refused> {
        self.patch.module(module.as_str())?;
        let is_tried = self.sound.try_again(module);
        is_tried.then_some(()).ok_or_else(|| Refused::NoTrouble(module.clone()))
    }

    fn all_notes_off(&mut self) -> Result<(), Refused> {
        self.settle_sound();
        for (id, module) in &self.patch.modules {
            if module.about().is_ok_and(is_played) {
                self.sound.event(id, Event::AllNotesOff);
            }
        }
        Ok(())
    }

    /// Lets go of everything, and cuts what rings.
    fn panic(&mut self) -> Result<(), Refused> {
        let held = self.patch.held();
        if !held.is_empty() {
            self.edit(Edit::Several(held), None)?;
        }
        self.all_notes_off()?;
        self.sound.panic();
        self.notice(&Notice::Panicked);
        Ok(())
    }

    /// The gesture that an edit of this connection belongs to.
    fn open_gesture(&mut self, from: ClientId) -> Option<Gesture> {
        let client = self.clients.get_mut(&from)?;
        if client.rights == Rights::Controller {
            client.end_gesture_after_pause(Instant::now());
            return Some(client.gesture(from));
        }
        client.open_gesture
    }

    fn begin_gesture(&mut self, from: ClientId) -> Result<(), Refused> {
        let client = self.clients.get_mut(&from).ok_or(Refused::NoGesture)?;
        if client.open_gesture.is_some() {
            return Err(Refused::GestureOpen);
        }
        client.gestures = client.gestures.wrapping_add(1);
        client.open_gesture = Some(client.gesture(from));
        Ok(())
    }

    fn end_gesture(&mut self, from: ClientId) -> Result<(), Refused> {
        let client = self.clients.get_mut(&from).ok_or(Refused::NoGesture)?;
        client.open_gesture.take().map(drop).ok_or(Refused::NoGesture)
    }

    fn subscribe(
        &mut self,
        from: ClientId,
        named: Reports,
        is_wanted: bool,
    ) -> Result<(), Refused> {
        let Some(client) = self.clients.get_mut(&from) else { return Ok(()) };
        if client.rights == Rights::Controller && named.is_for_editors() {
            return Err(Refused::NotForControllers);
        }
        if named.params {
            client.feedback = Feedback::new();
        }
        let before = client.reports;
        client.reports = before.with(named, is_wanted);
        client.seen_view = client.seen_view.filter(|_| !named.view);
        if client.reports.notices && !before.notices {
            self.reply(from, self.notices.iter().map(Message::encode))?;
        }
        self.tell_view();
        Ok(())
    }

    /// Tells sound and editors of an edit that was made.
    fn spread(&mut self, edit: &Edit) {
        self.needs_keeping = true;
        self.is_another_patch |= edit.replaces();
        if self.is_switch(edit) {
            // Each time that it is thrown is heard, also where its module came with
            // the same packet.
            self.settle_sound();
        }
        match edit.reach() {
            Reach::Structure => self.needs_plan = true,
            Reach::Scenes if self.patch.has_leaders() => self.needs_plan = true,
            // A plan that is to come has the params with it.
            Reach::Params | Reach::Scenes if !self.needs_plan => self.turn(edit),
            Reach::Params | Reach::Scenes | Reach::Looks => {}
        }
        self.clients.values_mut().for_each(|client| client.feedback.fall_behind());
        if self.has_subscriber(|reports| reports.patch) {
            self.tell(Missed::Tell, |reports| reports.patch, edit::report(edit));
        }
    }

    /// Whether an edit throws a switch.
    fn is_switch(&self, edit: &Edit) -> bool {
        let Edit::SetParam { module, param, .. } = edit else { return false };
        let about = self.patch.modules.get(module).and_then(|module| module.about().ok());
        let param = about.and_then(|about| find_param(about, module.as_str(), param).ok());
        param.is_some_and(|(_, param)| param.is_switch())
    }

    fn turn(&mut self, edit: &Edit) {
        match edit {
            Edit::SetParam { module, param, .. } => {
                let Some(there) = self.patch.modules.get(module) else { return };
                let index = there.about().ok().and_then(|about| about.param(param));
                if let (Some(index), Some(value)) = (index, there.param(param)) {
                    self.sound.param_changed(module, index, value);
                }
            }
            Edit::Several(edits) => edits.iter().for_each(|edit| self.turn(edit)),
            _ => {}
        }
    }

    fn has_subscriber(&self, of: impl Fn(&Reports) -> bool) -> bool {
        self.clients.values().any(|client| of(&client.reports))
    }

    fn tell(
        &mut self,
        missed: Missed,
        of: impl Fn(&Reports) -> bool,
        messages: impl IntoIterator<Item = OscMessage>,
    ) {
        self.framed.clear();
        messages.into_iter().for_each(|message| append(message, &mut self.framed));
        for client in self.clients.values_mut().filter(|client| of(&client.reports)) {
            client.outbox.report(&self.framed, missed);
            client.has_news = true;
        }
    }

    fn reply(
        &self,
        to: ClientId,
        messages: impl IntoIterator<Item = OscMessage>,
    ) -> Result<(), Refused> {
        if let Some(client) = self.clients.get(&to) {
            messages.into_iter().for_each(|message| client.outbox.reply(message));
        }
        Ok(())
    }

    fn reply_whole(&self, to: ClientId) -> Result<(), Refused> {
        if let Some(client) = self.clients.get(&to) {
            client.outbox.reply_whole(Whole::of(&self.patch).encode());
        }
        self.reply(to, [self.file_now(), self.history_now(), self.wants_now()])
    }

    fn answer(&self, to: ClientId, address: &str, done: Result<(), Refused>) {
        if let (Err(error), Some(client)) = (done, self.clients.get(&to)) {
            client.outbox.reply(host::Refused::new(address, &error.to_string()).encode());
        }
    }
}

impl Client {
    fn gesture(&self, id: ClientId) -> Gesture {
        // Odd, so that it is none of those that the client numbers by itself.
        Gesture { hand: id.0 << 1 | 1, number: self.gestures }
    }

    fn end_gesture_after_pause(&mut self, now: Instant) {
        if self.last_turn.replace(now).is_none_or(|last| now - last > PAUSE) {
            self.gestures = self.gestures.wrapping_add(1);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::sound::{ChangeSound, KeepPatch, KillWorkers, PlayPatch, ReportSound};
    use super::*;
    use sostenuto_modules::catalog::CATALOG;
    use sostenuto_osc::call::Call;
    use sostenuto_osc::message;
    use sostenuto_osc::message::view::View;
    use sostenuto_osc::mirror::Mirror;
    use sostenuto_osc::packet::{decode, split};
    use sostenuto_osc::service::Service;
    use sostenuto_osc::testing::example;
    use sostenuto_patch::testing::{added, any_edit, connected, id, math, ring};

    /// What a sound was told.
    #[derive(Clone, Debug, PartialEq)]
    pub(crate) enum Told {
        Patch(usize),
        Another(usize),
        Param(String, usize, f32),
        Event(String, Event),
        Panic,
        TryAgain(String),
    }

    /// A sound that writes down what it is told.
    #[derive(Debug, Default)]
    pub(crate) struct Scribe(pub(crate) Vec<Told>, pub(crate) Outside);

    impl PlayPatch for Scribe {
        fn patch_changed(&mut self, patch: &Patch) {
            self.0.push(Told::Patch(patch.modules.len()));
        }

        fn patch_replaced(&mut self, patch: &Patch) {
            self.0.push(Told::Another(patch.modules.len()));
        }

        fn param_changed(&mut self, module: &ModuleId, param: usize, value: f32) {
            self.0.push(Told::Param(module.to_string(), param, value));
        }

        fn event(&mut self, module: &ModuleId, event: Event) {
            self.0.push(Told::Event(module.to_string(), event));
        }

        fn panic(&mut self) {
            self.0.push(Told::Panic);
        }

        fn allow(&mut self, may: &Outside) {
            self.1.clone_from(may);
        }

        fn try_again(&mut self, module: &ModuleId) -> bool {
            let is_in_trouble = module.as_str() == "a";
            self.0.extend(is_in_trouble.then(|| Told::TryAgain(module.to_string())));
            is_in_trouble
        }
    }

    impl ReportSound for Scribe {
        fn status(&self) -> Status {
            let workers = vec![WorkerStatus::default(); 2];
            Status { device: "silent clock".into(), workers, ..Status::default() }
        }

        fn meters(&self) -> Vec<(ModuleId, Vec<f32>)> {
            vec![(id("a"), vec![0.5])]
        }

        /// Another one for each time that it was told of a patch.
        fn view_number(&self) -> u32 {
            self.0.iter().filter(|told| matches!(told, Told::Patch(_) | Told::Another(_))).count()
                as u32
        }

        fn view(&self) -> Option<View> {
            Some(View::default())
        }
    }

    impl KeepPatch for Scribe {}
    impl ChangeSound for Scribe {}
    impl KillWorkers for Scribe {}

    struct Rig {
        control: Arc<SharedControl<Scribe>>,
    }

    struct Editor<'a> {
        rig: &'a Rig,
        id: ClientId,
        outbox: Arc<Outbox>,
    }

    impl Rig {
        /// A ring of three modules, and nothing told yet.
        fn new() -> Rig {
            let mut control = Control::new(ring(), Scribe::default()).unwrap();
            assert_eq!(std::mem::take(&mut control.sound.0), [Told::Patch(3)]);
            Rig { control: SharedControl::new(control) }
        }

        fn connect(&self, rights: Rights) -> Editor<'_> {
            let outbox = Arc::new(Outbox::default());
            let id = self.control.lock().connect(outbox.clone(), rights);
            Editor { rig: self, id, outbox }
        }

        fn told(&self) -> Vec<Told> {
            std::mem::take(&mut self.control.lock().sound.0)
        }

        fn patch(&self) -> Patch {
            self.control.lock().patch.clone()
        }
    }

    impl Editor<'_> {
        /// One packet, and what came back.
        fn send(&self, messages: impl IntoIterator<Item = OscMessage>) -> Vec<OscMessage> {
            let calls: Vec<_> = messages.into_iter().map(Call::read).collect();
            self.rig.control.serve(self.id, &self.outbox, &mut calls.into_iter());
            self.heard()
        }

        fn ask(&self, text: &str) -> Vec<OscMessage> {
            self.send([example(text)])
        }

        /// The sentence of what was refused.
        fn refused(&self, text: &str) -> String {
            let before = self.rig.patch();
            let mut heard = self.ask(text);
            assert_eq!(heard.len(), 1, "{heard:?}");
            assert_eq!(self.rig.patch(), before, "a refused request changes nothing");
            assert_eq!(self.rig.told(), [], "a refused request is not heard");
            let OscMessage { addr, args } = heard.remove(0);
            assert_eq!((&*addr, &args[0]), ("/error", &text.split(' ').next().unwrap().into()));
            args[1].clone().string().unwrap()
        }

        fn heard(&self) -> Vec<OscMessage> {
            let bytes = self.outbox.take();
            split(&bytes).map(|packet| decode(packet).unwrap().remove(0)).collect()
        }
    }

    fn addresses(messages: &[OscMessage]) -> Vec<&str> {
        messages.iter().map(|message| message.addr.as_str()).collect()
    }

    #[test]
    fn a_knob_is_told_by_its_index_and_a_module_by_a_new_plan() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        assert_eq!(editor.ask("/param/set a offset 2.5"), []);
        assert_eq!(rig.told(), [Told::Param("a".into(), 1, 2.5)]);
        assert_eq!(editor.ask("/param/set a gain \"-0.5\""), []);
        assert_eq!(rig.told(), [Told::Param("a".into(), 0, -0.5)]);
        editor.ask("/module/add d attenuverter 0 0");
        editor.ask("/cable/connect d.out a.in");
        assert_eq!(rig.told(), [Told::Patch(4), Told::Patch(4)]);
        editor.ask("/module/move a 5 5");
        editor.ask("/patch/title Ring");
        assert_eq!(rig.told(), [], "what is only seen is not heard");
    }

    #[test]
    fn a_scene_is_recalled_as_one_step_and_morphs_of_a_pause_are_another() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        let controller = rig.connect(Rights::Controller);
        for message in [
            "/scene/set 1 Quiet",
            "/scene/keep 1 a gain -1.0 offset 0.0",
            "/scene/set 2 Loud",
            "/scene/keep 2 a gain 1.0",
        ] {
            assert_eq!(editor.ask(message), []);
        }
        assert_eq!(rig.told(), [], "nothing is heard of it");
        let kept = rig.patch();
        assert_eq!(controller.ask("/scene/recall 1 0"), [], "the button came up");
        assert_eq!(controller.ask("/scene/recall 1"), []);
        assert_eq!(rig.told(), [Told::Param("a".into(), 0, -1.0)]);
        editor.ask("/undo");
        assert_eq!(rig.patch(), kept);
        rig.told();
        let amounts = ["/scene/morph 1 2 0.25", "/scene/morph 1 2 0.75", "/scene/morph 1 2 1.0"];
        amounts.iter().for_each(|message| assert_eq!(controller.ask(message), []));
        let gains = [-0.5, 0.5, 1.0].map(|gain| Told::Param("a".into(), 0, gain));
        assert_eq!(rig.told(), gains);
        editor.ask("/undo");
        assert_eq!(rig.patch(), kept, "all three are one step");
        rig.told();
        assert!(editor.refused("/scene/recall 3").contains("no scene 3"));
        assert!(editor.refused("/scene/morph 1 2 7").contains("0 to 1"));
    }

    #[test]
    fn knobs_glide_to_a_scene_as_one_step_and_a_hand_takes_one_away() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        for text in ["/scene/set 1 Low", "/scene/keep 1 a gain -1.0", "/scene/keep 1 b gain -1.0"] {
            assert_eq!(editor.ask(text), []);
        }
        let before = rig.patch();
        let gain = |module: &str| rig.patch().modules[module].param("gain").unwrap();
        assert!(editor.refused("/scene/glide 1 -1").contains("0 to 3600"));
        assert!(editor.refused("/scene/glide 2 1").contains("no scene 2"));
        assert!(!rig.control.lock().glide(), "nothing is on its way");
        assert_eq!(editor.ask("/scene/glide 1 10.0"), []);
        let began = Instant::now();
        let after = |secs| rig.control.lock().glide_on(began + Duration::from_secs_f32(secs));
        assert!(after(4.0));
        let way = gain("a");
        assert!((way - 0.2).abs() < 0.05 && gain("b") == way, "{way}");
        editor.ask("/param/set b gain 0.75");
        assert!(after(6.0));
        assert!(gain("a") < way && gain("b") == 0.75);
        assert!(!after(11.0), "it is over");
        assert_eq!((gain("a"), gain("b")), (-1.0, 0.75));
        assert!(!after(12.0));
        for _ in 0..3 {
            editor.ask("/undo");
        }
        assert_eq!(rig.patch(), before, "before the hand, the hand, after the hand");
    }

    #[test]
    fn moves_are_recorded_by_the_beat_and_kept_as_one_step() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        for text in ["/module/remove a", "/module/add a automation 0 0"] {
            assert_eq!(editor.ask(text), []);
        }
        let text = || rig.patch().modules["a"].text.clone();
        editor.ask("/param/set b gain 0.75");
        editor.ask("/param/set a record 1");
        editor.ask("/param/set b gain 0.25");
        editor.ask("/param/set a length 8");
        assert_eq!(&*text(), "", "not before it is over");
        editor.ask("/module/rename b lead");
        editor.ask("/param/set a record 0");
        assert_eq!(&*text(), "lead.gain 0.5 0.25\n");
        editor.ask("/undo");
        assert_eq!(&*text(), "");
        assert_eq!(rig.patch().modules["lead"].param("gain"), Some(0.25));
        // Nothing was moved.
        editor.ask("/param/set a record 1");
        editor.ask("/param/set a record 0");
        assert_eq!(&*text(), "");
    }

    #[test]
    fn a_change_of_one_linked_group_is_told_as_the_changes_that_it_is() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        for text in [
            "/group/set one 0 0 0 One",
            "/module/inside a one",
            "/group/set one 0 0 0 One \"\" 0 Voice",
            "/group/set two 0 0 0 Two \"\" 0 Voice",
        ] {
            assert_eq!(editor.ask(text), []);
        }
        let before = rig.patch();
        rig.told();
        editor.ask("/param/set a gain 0.5");
        let told = rig.told();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(rig.patch().modules["a-2"].param("gain"), Some(0.5));
        editor.ask("/undo");
        assert_eq!(rig.patch(), before);
    }

    #[test]
    fn what_is_undone_is_told_like_what_is_done() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        editor.ask("/param/set a gain 0.5");
        editor.ask("/module/remove b");
        rig.told();
        editor.ask("/undo");
        editor.ask("/undo");
        assert_eq!(rig.told(), [Told::Patch(3), Told::Param("a".into(), 0, 1.0)]);
        assert_eq!(rig.patch(), ring());
        editor.ask("/redo");
        assert_eq!(rig.told(), [Told::Param("a".into(), 0, 0.5)]);
    }

    #[test]
    fn a_bundle_makes_one_plan_with_its_params_in_it() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        let texts = ["/module/add d attenuverter 0 0", "/param/set d gain 2.0", "/module/remove a"];
        assert_eq!(editor.send(texts.map(example)), []);
        assert_eq!(rig.told(), [Told::Patch(3)]);
    }

    #[test]
    fn what_is_refused_is_answered_with_a_sentence_and_changes_nothing() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        assert!(editor.refused("/param/set d gain 1").contains("no module called `d`"));
        assert!(editor.refused("/param/set a gian 1").contains("Did you mean `gain`?"));
        assert!(editor.refused("/param/set a gain 5").contains("from -2 to 2"));
        assert!(editor.refused("/param/set a gain loud").contains("`loud`"));
        assert!(editor.refused("/module/add a attenuverter 0 0").contains("already"));
        assert!(editor.refused("/note/on a 60 1").contains("(Attenuverter) takes no notes"));
        assert!(editor.refused("/note/off z 60").contains("no module called `z`"));
        assert!(editor.refused("/undo").contains("nothing to undo"));
        assert!(editor.refused("/redo").contains("nothing to redo"));
        assert!(editor.refused("/gesture/end").contains("No gesture"));
        assert!(editor.refused("/query/module z").contains("`z`"));
        assert!(editor.refused("/patch/put blob:{}").contains("was not changed"));
        assert!(editor.refused("/patch/load /no/where").contains("/no/where"));
        assert!(editor.refused("/nonsense").contains("no such address"));
    }

    #[test]
    fn a_text_that_cannot_be_read_is_refused_with_its_place() {
        let rig = Rig::new();
        rig.control.lock().edit(math("m"), None).unwrap();
        let [editor, other] = [(); 2].map(|()| rig.connect(Rights::Editor));
        other.ask("/reports/subscribe patch");
        rig.told();
        assert!(editor.refused("/module/text m \"a +\"").contains("at its end"));
        assert!(editor.refused("/module/text a \"a + b\"").contains("takes no text"));
        assert!(editor.refused("/module/text z a").contains("`z`"));
        assert_eq!(editor.ask("/module/text m \"a + b\""), []);
        assert_eq!(rig.told(), [Told::Patch(4)], "it is a new plan");
        assert_eq!(other.heard()[0], example("/module/text m \"a + b\""));
        let heard = editor.ask("/query/module m");
        assert_eq!(addresses(&heard), ["/module", "/module/text"]);
    }

    #[test]
    fn a_value_reaches_an_osc_in_and_nothing_else() {
        let rig = Rig::new();
        let module = sostenuto_patch::PatchModule::new("osc-in", 0.0, 0.0);
        rig.control.lock().edit(Edit::AddModule { id: id("pad"), module }, None).unwrap();
        let controller = rig.connect(Rights::Controller);
        rig.control.lock().settle(None);
        rig.told();
        assert_eq!(controller.ask("/in/pad/3 2.5"), []);
        assert_eq!(rig.told(), [Told::Event("pad".into(), Event::Value { index: 2, volts: 2.5 })]);
        assert!(controller.refused("/module/in a 1 1.0").contains("Only OSC In"));
        assert_eq!(rig.control.lock().history.undos(), 1, "it is no step");
    }

    #[test]
    fn keys_reach_every_module_that_is_played_and_no_other() {
        for entry in CATALOG {
            let (about, rig) = (entry.about, Rig::new());
            let editor = rig.connect(Rights::Editor);
            let add = example(&format!("/module/add keys {} 0 0", about.name));
            // In one packet: the sound hears of the module before its first note.
            let heard = editor.send([add, example("/note/on keys 72 0.5")]);
            let note = Event::NoteOn { key: 72, voct: 1.0, velocity: 0.5 };
            let keys = |event| Told::Event("keys".into(), event);
            if is_played(about) {
                assert_eq!(rig.told(), [Told::Patch(4), keys(note)], "{}", about.name);
            } else {
                assert_eq!(rig.told(), [Told::Patch(4)], "{}", about.name);
                assert!(format!("{heard:?}").contains("takes no notes"), "{heard:?}");
            }
            editor.ask("/note/all-off");
            let released = is_played(about).then(|| keys(Event::AllNotesOff));
            assert_eq!(rig.told(), Vec::from_iter(released), "{}", about.name);
        }
        assert!(CATALOG.iter().any(|entry| is_played(entry.about)));
    }

    #[test]
    fn a_switch_is_told_each_time_that_it_is_thrown_also_with_its_module() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        let lines =
            ["/module/add pad xy-pad 0 0", "/pad/touch true", "/pad/touch 0", "/pad/x 0.25"];
        assert_eq!(editor.send(lines.map(example)), []);
        let touch = |value| Told::Param("pad".into(), 2, value);
        let x = Told::Param("pad".into(), 0, 0.25);
        assert_eq!(rig.told(), [Told::Patch(4), touch(1.0), touch(0.0), x]);
    }

    #[test]
    fn a_panic_lets_go_of_what_a_hand_holds_and_of_nothing_else() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        for kind in ["keyboard", "buttons", "xy-pad", "ribbon", "mixer"] {
            editor.ask(&format!("/module/add {kind} {kind} 0 0"));
        }
        for knob in ["buttons/button-3", "xy-pad/touch", "ribbon/touch", "mixer/mute-1"] {
            editor.ask(&format!("/{knob} 1"));
        }
        editor.ask("/reports/subscribe notices");
        rig.told();
        let before = rig.patch();
        let heard = editor.ask("/panic");
        assert_eq!(addresses(&heard), ["/notice"]);
        assert_eq!(heard[0].args[0], "info".into());
        let told = rig.told();
        assert_eq!(told.len(), 3 + 2 + 1, "{told:?}");
        assert_eq!(told[5], Told::Panic);
        for id in ["keyboard", "buttons"] {
            assert!(told.contains(&Told::Event(id.into(), Event::AllNotesOff)));
        }
        let patch = rig.patch();
        assert_eq!(patch.held(), []);
        assert_eq!(patch.modules["mixer"], before.modules["mixer"]);
        // Nothing is held: nothing is a step.
        let steps = rig.control.lock().history.undos();
        editor.ask("/panic 1.0");
        editor.ask("/panic 0.0");
        assert_eq!(rig.control.lock().history.undos(), steps);
        assert_eq!(rig.told().len(), 3);
    }

    #[test]
    fn a_module_in_trouble_is_tried_again_and_no_other() {
        let rig = Rig::new();
        let controller = rig.connect(Rights::Controller);
        assert_eq!(controller.ask("/module/retry a"), []);
        assert_eq!(rig.told(), [Told::TryAgain("a".into())]);
        assert!(controller.refused("/module/retry b").contains("nothing to try again"));
        assert!(controller.refused("/module/retry z").contains("no module called `z`"));
    }

    #[test]
    fn a_change_is_reported_to_who_subscribed_and_to_nobody_else() {
        let rig = Rig::new();
        let [editor, other, stranger] = [(); 3].map(|()| rig.connect(Rights::Editor));
        editor.ask("/reports/subscribe patch");
        other.ask("/reports/subscribe patch meters");
        let heard = editor.send([example("/param/set a gain 0.5"), example("/sync 3")]);
        assert_eq!(addresses(&heard), ["/param/set", "/synced", "/history"]);
        assert_eq!(addresses(&other.heard()), ["/param/set", "/history"]);
        assert_eq!(stranger.heard(), []);
        editor.ask("/reports/unsubscribe patch");
        other.ask("/module/remove a");
        assert_eq!(editor.heard(), []);
    }

    #[test]
    fn status_and_meters_are_reported_to_who_wants_them() {
        let rig = Rig::new();
        let [health, meters] = [(); 2].map(|()| rig.connect(Rights::Editor));
        health.ask("/reports/subscribe health");
        meters.ask("/reports/subscribe meters");
        rig.control.lock().report();
        assert_eq!(addresses(&health.heard()), ["/status", "/worker", "/worker"]);
        assert_eq!(meters.heard(), [example("/meters a 0.5")]);
        assert_eq!(addresses(&meters.ask("/query/status")), ["/status", "/worker", "/worker"]);
    }

    #[test]
    fn the_view_is_told_at_once_and_then_only_when_it_is_another() {
        let rig = Rig::new();
        let [editor, other] = [(); 2].map(|()| rig.connect(Rights::Editor));
        let report = || rig.control.lock().report();
        let told = ["/view", "/view/end"];
        assert_eq!(addresses(&editor.ask("/reports/subscribe view")), told);
        report();
        assert_eq!(editor.heard(), []);
        other.ask("/module/remove a");
        report();
        assert_eq!(addresses(&editor.heard()), told);
        assert_eq!(addresses(&editor.ask("/reports/subscribe view")), told);
        editor.ask("/reports/unsubscribe view");
        other.ask("/undo");
        report();
        assert_eq!((editor.heard(), other.heard()), (vec![], vec![]));
    }

    #[test]
    fn a_module_is_described_with_all_its_params() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        editor.ask("/param/set a gain 0.5");
        let module = "/module a attenuverter 0.0 0.0 false gain 0.5 offset 0.0";
        assert_eq!(editor.ask("/query/module a"), [example(module)]);
        assert_eq!(addresses(&editor.ask("/query/host")), ["/host"]);
    }

    #[test]
    fn a_gesture_is_one_step_and_another_editor_ends_it() {
        let rig = Rig::new();
        let [editor, other] = [(); 2].map(|()| rig.connect(Rights::Editor));
        editor.ask("/gesture/begin");
        assert!(editor.refused("/gesture/begin").contains("open already"));
        editor.ask("/module/add d attenuverter 0 0");
        editor.ask("/cable/connect d.out a.in");
        editor.ask("/gesture/end");
        for gain in ["0.1", "0.2", "0.3"] {
            editor.ask(&format!("/param/set b gain {gain} 9"));
        }
        other.ask("/param/set b gain 0.4 9");
        let steps = || rig.control.lock().history.undos();
        assert_eq!(steps(), 3);
        for _ in 0..3 {
            other.ask("/undo");
        }
        assert_eq!(rig.patch(), ring());
    }

    #[test]
    fn a_controller_may_play_but_not_patch() {
        let rig = Rig::new();
        let controller = rig.connect(Rights::Controller);
        for address in message::addresses().filter(|a| !a.is_for_controllers) {
            let heard = controller.ask(address.example);
            assert_eq!(addresses(&heard), ["/error"], "{}", address.path);
        }
        assert_eq!(rig.patch(), ring());
        for gain in ["0.1", "0.2", "0.3"] {
            assert_eq!(controller.ask(&format!("/param/set b gain {gain}")), []);
        }
        assert_eq!(rig.control.lock().history.undos(), 1, "one turn of a knob");
        assert!(!rig.control.lock().is_quitting());
    }

    #[test]
    fn a_patch_is_saved_and_loaded_and_the_loading_undone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.sostenuto");
        let rig = Rig::new();
        let [editor, other] = [(); 2].map(|()| rig.connect(Rights::Editor));
        let (save, load) = (reply_with("/patch/save", &path), reply_with("/patch/load", &path));
        assert_eq!(editor.send([save.clone(), example("/patch/new")]), []);
        assert_eq!(rig.patch(), Patch::default());
        other.ask("/reports/subscribe patch");
        assert_eq!(editor.send([load.clone()]), []);
        assert_eq!(rig.patch(), ring());
        assert_eq!(addresses(&other.heard()), ["/patch", "/history", "/patch/file"]);
        editor.ask("/undo");
        assert_eq!(rig.patch(), Patch::default());
        // No module of one patch goes on in the other.
        assert_eq!(rig.told(), [0, 3, 0].map(Told::Another));
        std::fs::write(&path, "Dear Ada,").unwrap();
        assert_eq!(addresses(&editor.send([load, save])), ["/error", "/error"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "Dear Ada,");
    }

    #[test]
    fn a_file_is_known_until_another_patch_comes_and_undo_brings_it_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.sostenuto");
        let told = |path: Option<&Path>, is_saved| {
            PatchFile { path: path.map(Path::to_owned), is_saved }.encode()
        };
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        editor.ask("/reports/subscribe patch");
        assert_eq!(
            editor.ask("/patch/get")[1..],
            [told(None, false), example("/history 0 0 \"\""), example("/patch/wants \"\"")]
        );
        let heard = editor.send([reply_with("/patch/save", &path)]);
        assert_eq!(heard, [told(Some(&path), true)]);
        let heard = editor.ask("/param/set a gain 0.5");
        assert_eq!(heard[2], told(Some(&path), false));
        assert_eq!(editor.ask("/undo")[2], told(Some(&path), true));
        assert_eq!(editor.ask("/patch/new")[2], told(None, true));
        assert_eq!(editor.ask("/undo")[2], told(Some(&path), true));
        editor.ask("/patch/new");
        let heard = editor.send([reply_with("/patch/load", &path)]);
        assert_eq!(heard[2], told(Some(&path), true));
        let heard = editor.ask("/patch/put blob:{\"sostenuto\":1}");
        assert_eq!(heard[2], told(None, true));
        assert_eq!(editor.ask("/patch/title Ring")[2], told(None, false));
    }

    #[test]
    fn what_changed_while_it_was_saved_is_not_saved() {
        let rig = Rig::new();
        let mut control = rig.control.lock();
        let (patch, replacements) = (control.patch.clone(), control.history.replacements());
        control.edit(added("d"), None).unwrap();
        control.saved(&patch, replacements, "/a".into());
        let file = |control: &Control<Scribe>| {
            (control.history.file().map(Path::to_owned), control.history.is_saved())
        };
        assert_eq!(file(&control), (Some("/a".into()), false));
        // Another patch does not get the name of the one before.
        control.edit(Edit::Replace(Box::default()), None).unwrap();
        control.saved(&patch, replacements, "/a".into());
        assert_eq!(file(&control), (None, true));
    }

    #[test]
    fn the_history_is_read_and_jumped_in() {
        let rig = Rig::new();
        let [editor, other] = [(); 2].map(|()| rig.connect(Rights::Editor));
        other.ask("/reports/subscribe patch");
        editor.ask("/param/set a gain 0.5");
        assert_eq!(other.heard()[1], example("/history 1 0 \"Turn gain of a\""));
        editor.ask("/module/add d attenuverter 0 0");
        editor.ask("/patch/title Ring");
        let last = rig.patch();
        assert_eq!(
            editor.ask("/history/get 0"),
            [example(
                "/history/steps 0 \"Turn gain of a\" \"Add Attenuverter\" \"Call it “Ring”\""
            )]
        );
        assert_eq!(editor.ask("/history/go 0"), []);
        assert_eq!(rig.patch(), ring());
        assert_eq!(
            editor.ask("/history/get 1 1"),
            [example("/history/steps 1 \"Add Attenuverter\"")]
        );
        assert_eq!(editor.ask("/history/get 3"), [example("/history/steps 3")]);
        editor.ask("/history/go 3");
        assert_eq!(rig.patch(), last);
        rig.told();
        assert!(editor.refused("/history/go 4").contains("only 3 steps"));
        assert!(editor.refused("/history/go -1").contains("0 to all"));
    }

    #[test]
    fn the_last_notices_are_told_to_who_comes_later() {
        let rig = Rig::new();
        let [early, late] = [(); 2].map(|()| rig.connect(Rights::Editor));
        assert_eq!(early.ask("/reports/subscribe notices"), []);
        for n in 0..25 {
            rig.control.lock().notice(&Notice::PlayingThrough { card: format!("No-{n}") });
        }
        assert_eq!(early.heard().len(), 25);
        let heard = late.ask("/reports/subscribe notices");
        assert_eq!(
            (heard.len(), &heard[0]),
            (20, &example("/notice info \"Playing through No-5.\""))
        );
        assert_eq!(late.ask("/reports/subscribe notices patch"), []);
    }

    #[test]
    fn a_patch_with_unknown_modules_is_told_of_and_undone() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        editor.ask("/reports/subscribe notices");
        let put = |kind: &str| {
            let json = r#"{"sostenuto":1,"modules":[{"id":"g","kind":"KIND"}]}"#;
            example(&format!("/patch/put blob:{}", json.replace("KIND", kind)))
        };
        assert_eq!(addresses(&editor.send([put("grains")])), ["/notice"]);
        assert_eq!(addresses(&editor.send([put("attenuverter")])), Vec::<&str>::new());
        editor.ask("/undo");
        assert!(rig.patch().modules["g"].is_placeholder);
        assert_eq!(editor.ask("/query/module g"), [example("/module g grains 0.0 0.0 false")]);
    }

    fn reply_with(addr: &str, path: &Path) -> OscMessage {
        OscMessage { addr: addr.into(), args: vec![path.to_str().unwrap().into()] }
    }

    #[test]
    fn who_asks_without_reading_waits_for_the_rest() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        let calls: Vec<_> = (0..10_000).map(|_| Call::read(example("/patch/get"))).collect();
        let mut calls = calls.into_iter();
        rig.control.serve(editor.id, &editor.outbox, &mut calls);
        assert!(calls.len() > 0 && editor.outbox.waiting_bytes() < 2 * serve::HEAVY_BYTES);
    }

    #[test]
    fn a_connection_that_ended_is_told_nothing() {
        let rig = Rig::new();
        let editor = rig.connect(Rights::Editor);
        editor.ask("/reports/subscribe patch");
        rig.control.lock().disconnect(editor.id);
        rig.control.lock().edit(added("d"), None).unwrap();
        rig.control.lock().edit(connected("d.out -> a.in"), None).unwrap();
        assert_eq!(editor.heard(), []);
        assert_eq!(editor.ask("/sync 1"), []);
    }

    #[test]
    fn quitting_is_left_to_the_host() {
        let rig = Rig::new();
        rig.connect(Rights::Editor).ask("/host/quit");
        assert!(rig.control.lock().is_quitting());
    }

    proptest! {
        #[test]
        fn a_mirror_stays_in_step_through_edits_undo_and_redo(
            steps in prop::collection::vec((0u8..8, any_edit()), 0..60)
        ) {
            let rig = Rig::new();
            let [editor, watcher] = [(); 2].map(|()| rig.connect(Rights::Editor));
            watcher.ask("/reports/subscribe patch");
            let mut mirror = Mirror::default();
            watcher.ask("/patch/get").into_iter().for_each(|message| drop(mirror.hear(message)));
            for (choice, edit) in steps {
                match choice {
                    0 => drop(editor.ask("/undo")),
                    1 => drop(editor.ask("/redo")),
                    // As an editor asks for it, message by message.
                    2 => drop(editor.send(edit::report(&edit))),
                    _ => {
                        let mut control = rig.control.lock();
                        let _ = control.edit(edit, None);
                        control.settle(None);
                    }
                }
                watcher.heard().into_iter().for_each(|message| drop(mirror.hear(message)));
                prop_assert!(mirror.is_in_step());
                prop_assert_eq!(mirror.patch(), &rig.patch());
            }
        }

        #[test]
        fn any_message_is_done_or_refused(
            address in prop::sample::select(message::addresses().map(|a| a.path)
                .filter(|path| !path.contains("save")).collect::<Vec<_>>()),
            args in prop::collection::vec(prop_oneof![
                any::<f32>().prop_map(rosc::OscType::Float),
                any::<i32>().prop_map(rosc::OscType::Int),
                prop::sample::select(vec!["a", "gain", "a.out", "b.in", "attenuverter", "/x", ""])
                    .prop_map(|word| word.into()),
                any::<bool>().prop_map(rosc::OscType::Bool),
            ], 0..6)
        ) {
            let rig = Rig::new();
            let editor = rig.connect(Rights::Editor);
            let before = rig.patch();
            let message = OscMessage { addr: address.into(), args };
            let is_readable = Call::read(message.clone()).is_ok();
            let heard = editor.send([message]);
            rig.patch().check().unwrap();
            let errors = heard.iter().filter(|message| message.addr == "/error").count();
            prop_assert!(errors <= 1 && (is_readable || errors == 1), "{heard:?}");
            if errors == 1 {
                prop_assert_eq!(heard.len(), 1);
                prop_assert_eq!(rig.patch(), before);
                prop_assert_eq!(rig.told(), []);
            }
        }
    }
}

#[cfg(test)]
mod permit_tests;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod udp_tests;
