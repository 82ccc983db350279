//! Requests, one by one: each is done whole, or refused with a sentence.

use std::borrow::Cow;
use std::sync::{Arc, MutexGuard};

use sostenuto_osc::outbox::Outbox;
use sostenuto_osc::reply;
use sostenuto_osc::request::{Call, Refusal, Reports, Request};
use sostenuto_osc::service::{Calls, ClientId, Rights, Service};
use sostenuto_patch::file;

use super::sound::Sound;
use super::{Control, Refused, SharedControl};
use crate::recorder::{RecordError, Remote};

/// While this much is waiting for whoever asks, nothing more is done for them.
pub(super) const HEAVY_BYTES: usize = 256 * 1024;

impl<S: Sound + Send + 'static> Service for SharedControl<S> {
    fn connect(&self, outbox: Arc<Outbox>, rights: Rights) -> ClientId {
        self.lock().connect(outbox, rights)
    }

    fn serve(&self, from: ClientId, outbox: &Outbox, calls: &mut Calls) {
        let mut locked = self.lock();
        for call in calls {
            locked = answer(self, locked, from, call);
            if outbox.waiting_bytes() > HEAVY_BYTES {
                break;
            }
        }
        locked.settle(Some(from));
    }

    fn disconnect(&self, id: ClientId) {
        self.lock().disconnect(id);
    }
}

/// Where knobs stand, and nothing else.
const PARAMS: Reports = Reports {
    patch: false,
    meters: false,
    health: false,
    notices: false,
    view: false,
    recorder: false,
    params: true,
};

const NO_RECORDER: Result<(), RecordError> = Err(RecordError::NoRecorder);

type Locked<'a, S> = MutexGuard<'a, Control<S>>;

/// Does what is asked, or says why not.
fn answer<'a, S: Sound>(
    control: &'a SharedControl<S>,
    locked: Locked<'a, S>,
    from: ClientId,
    call: Result<Call, Refusal>,
) -> Locked<'a, S> {
    let (locked, path, done) = match call {
        Ok(call) if !locked.may(from, call.is_for_controllers) => {
            (locked, call.path, Err(Refused::NotForControllers))
        }
        Ok(Call { path, request, .. }) => {
            let (locked, done) = perform(control, locked, from, request);
            (locked, path, done)
        }
        Err(Refusal { address, why }) => (locked, Cow::from(address), Err(why.into())),
    };
    locked.answer(from, &path, done);
    locked
}

/// Works with the patch unlocked: others go on.
fn unlocked<'a, S: Sound, T>(
    control: &'a SharedControl<S>,
    mut locked: Locked<'a, S>,
    work: impl FnOnce() -> T,
) -> (Locked<'a, S>, T) {
    locked.settle(None);
    drop(locked);
    let done = work();
    (control.lock(), done)
}

fn perform<'a, S: Sound>(
    control: &'a SharedControl<S>,
    mut locked: Locked<'a, S>,
    from: ClientId,
    request: Request,
) -> (Locked<'a, S>, Result<(), Refused>) {
    let done = match request {
        Request::Load(path) => {
            let read;
            (locked, read) = unlocked(control, locked, || file::load(&path));
            locked.load(from, read.map_err(Refused::from), Some(&path))
        }
        Request::Put(json) => {
            let read;
            (locked, read) = unlocked(control, locked, || file::read(&json));
            locked.load(from, read.map_err(Refused::from), None)
        }
        Request::Save { path, over } => {
            let (patch, replacements) = (locked.patch.clone(), locked.history.replacements());
            let saved;
            (locked, saved) = unlocked(control, locked, || file::save(&path, &patch, over));
            saved.map(|()| locked.saved(&patch, replacements, path)).map_err(Refused::from)
        }
        Request::StartRecording { path, format } => {
            let (recorder, started) =
                (locked.sound.recorder(), |remote: Remote| remote.start(&path, format));
            let done;
            (locked, done) = unlocked(control, locked, || recorder.map_or(NO_RECORDER, started));
            done.map_err(Refused::from)
        }
        Request::SaveLast { path, format, secs } => {
            let (recorder, patch) = (locked.sound.recorder(), locked.patch.clone());
            let save = |remote: Remote| remote.save_last(&path, format, secs, patch);
            let done;
            (locked, done) = unlocked(control, locked, || recorder.map_or(NO_RECORDER, save));
            done.map_err(Refused::from)
        }
        Request::StopRecording => {
            let (recorder, patch) = (locked.sound.recorder(), locked.patch.clone());
            recorder.map_or(NO_RECORDER, |remote| remote.stop(patch)).map_err(Refused::from)
        }
        Request::SetSound(change) => {
            locked.sound.change_setup(&change);
            Ok(())
        }
        Request::QuerySound => {
            let (setup, input) = (locked.sound.setup(), locked.sound.input());
            locked.reply(from, [reply::sound(&setup), reply::input(&input)])
        }
        Request::QueryDevices => {
            let cards;
            (locked, cards) = unlocked(control, locked, || (S::devices(), S::inputs()));
            let inputs = reply::inputs(&cards.1);
            locked.reply(from, reply::devices(&cards.0).into_iter().chain(inputs))
        }
        Request::Kill(slot) => locked.kill_worker(slot),
        Request::Edit(edit) => locked.edit_as(from, edit),
        Request::SetParam { module, param, value, gesture } => {
            locked.set_param(from, module, param, value, gesture)
        }
        Request::Note { module, event } => locked.note(&module, event),
        Request::SetValue { module, event } => locked.set_value(&module, event),
        Request::AllNotesOff => locked.all_notes_off(),
        Request::Panic => locked.panic(),
        Request::Nothing => Ok(()),
        Request::TryAgain(module) => locked.try_again(&module),
        Request::BeginGesture => locked.begin_gesture(from),
        Request::EndGesture => locked.end_gesture(from),
        Request::Undo => locked.undo(),
        Request::Redo => locked.redo(),
        Request::GetHistory { first, count } => locked.reply_steps(from, first, count),
        Request::GoTo(steps) => locked.go_to(steps),
        Request::Get => locked.reply_whole(from),
        Request::QueryHost => locked.reply(from, [reply::host()]),
        Request::QueryModule(id) => locked.query_module(from, &id),
        Request::QueryStatus => locked.reply(from, reply::status(&locked.sound.status())),
        Request::Subscribe(reports) => locked.subscribe(from, reports, true),
        Request::Unsubscribe(reports) => locked.subscribe(from, reports, false),
        // On a stream there is no other port.
        Request::Feedback { .. } => locked.subscribe(from, PARAMS, true),
        Request::EndFeedback { .. } => locked.subscribe(from, PARAMS, false),
        Request::Sync(id) => locked.sync(from, id),
        Request::Quit => {
            locked.is_quitting = true;
            Ok(())
        }
    };
    (locked, done)
}
