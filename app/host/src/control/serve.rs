//! Requests, one by one: each is done whole, or refused with a sentence.

use std::borrow::Cow;
use std::sync::{Arc, MutexGuard};

use sostenuto_modules::module::Event;
use sostenuto_osc::call::{Call, Refusal};
use sostenuto_osc::message::device::{Card, Device, Devices, InputDevice, Inputs};
use sostenuto_osc::message::history::{Redo, Undo};
use sostenuto_osc::message::note::{AllOff, Panic, Press};
use sostenuto_osc::message::patch::{Load, Put, Save};
use sostenuto_osc::message::record::{SaveLast, Start};
use sostenuto_osc::message::reports::Reports;
use sostenuto_osc::message::scene::{Glide, Recall};
use sostenuto_osc::message::{Message, Request, history, host};
use sostenuto_osc::outbox::Outbox;
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
        Err(Refusal { address, error }) => (locked, Cow::from(address), Err(error.into())),
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
        Request::Load(Load { path }) => {
            let read;
            (locked, read) = unlocked(control, locked, || file::load(&path));
            locked.load(from, read.map_err(Refused::from), Some(&path))
        }
        Request::Put(Put { json }) => {
            let read;
            (locked, read) = unlocked(control, locked, || file::read(&json));
            locked.load(from, read.map_err(Refused::from), None)
        }
        Request::Save(Save { path, over }) => {
            let (patch, replacements) = (locked.patch.clone(), locked.history.replacements());
            let saved;
            (locked, saved) = unlocked(control, locked, || file::save(&path, &patch, over));
            saved.map(|()| locked.saved(&patch, replacements, path)).map_err(Refused::from)
        }
        Request::Allow(_) => {
            locked.allow_outside();
            Ok(())
        }
        Request::StartRecording(Start { path, format }) => {
            let (recorder, started) =
                (locked.sound.recorder(), |remote: Remote| remote.start(&path, format));
            let done;
            (locked, done) = unlocked(control, locked, || recorder.map_or(NO_RECORDER, started));
            done.map_err(Refused::from)
        }
        Request::SaveLast(SaveLast { path, format, secs }) => {
            let (recorder, patch) = (locked.sound.recorder(), locked.patch.clone());
            let save = |remote: Remote| remote.save_last(&path, format, secs, patch);
            let done;
            (locked, done) = unlocked(control, locked, || recorder.map_or(NO_RECORDER, save));
            done.map_err(Refused::from)
        }
        Request::StopRecording(_) => {
            let (recorder, patch) = (locked.sound.recorder(), locked.patch.clone());
            recorder.map_or(NO_RECORDER, |remote| remote.stop(patch)).map_err(Refused::from)
        }
        Request::SetSound(change) => {
            locked.sound.change_setup(&change);
            Ok(())
        }
        Request::QuerySound(_) => {
            let (setup, input) = (locked.sound.setup(), locked.sound.input());
            locked.reply(from, [setup.encode(), input.encode()])
        }
        Request::QueryDevices(_) => {
            let (devices, inputs);
            (locked, (devices, inputs)) = unlocked(control, locked, S::devices);
            locked.reply_cards(from, devices, inputs)
        }
        Request::Kill(kill) => locked.kill_worker(kill.slot),
        Request::Edit(edit) => locked.edit_as(from, edit),
        Request::SetParam(set) => locked.set_param(from, set),
        Request::Recall(Recall { press: Press::Up, .. })
        | Request::Glide(Glide { press: Press::Up, .. }) => Ok(()),
        Request::Recall(Recall { number, .. }) => locked.recall(from, number),
        Request::Glide(Glide { number, secs, .. }) => locked.glide_to(from, number, secs),
        Request::Morph(morph) => locked.morph(from, &morph),
        Request::NoteOn(note) => {
            let event = note.event().map_err(Refused::from);
            event.and_then(|event| locked.note(&note.module, event))
        }
        Request::NoteOff(note) => locked.note(&note.module, Event::NoteOff { key: note.key }),
        Request::AllNotesOff(AllOff { module: Some(id) }) => locked.note(&id, Event::AllNotesOff),
        Request::AllNotesOff(AllOff { module: None }) => locked.all_notes_off(),
        Request::SetValue(set) => locked.set_value(set),
        Request::Panic(Panic { press: Press::Up })
        | Request::Undo(Undo { press: Press::Up })
        | Request::Redo(Redo { press: Press::Up }) => Ok(()),
        Request::Panic(_) => locked.panic(),
        Request::Undo(_) => locked.undo(),
        Request::Redo(_) => locked.redo(),
        Request::Retry(retry) => locked.try_again(&retry.module),
        Request::BeginGesture(_) => locked.begin_gesture(from),
        Request::EndGesture(_) => locked.end_gesture(from),
        Request::GetHistory(history::Get { first, count }) => {
            locked.reply_steps(from, first, count.unwrap_or(u32::MAX))
        }
        Request::GoTo(go) => locked.go_to(go.undos),
        Request::GetPatch(_) => locked.reply_whole(from),
        Request::QueryHost(_) => locked.reply(from, [host::Host::this().encode()]),
        Request::QueryModule(query) => locked.query_module(from, &query.module),
        Request::QueryStatus(_) => locked.reply(from, locked.sound.status().messages()),
        Request::Subscribe(of) => locked.subscribe(from, of.reports, true),
        Request::Unsubscribe(of) => locked.subscribe(from, of.reports, false),
        // On a stream there is no other port.
        Request::Feedback(_) => locked.subscribe(from, Reports::PARAMS, true),
        Request::EndFeedback(_) => locked.subscribe(from, Reports::PARAMS, false),
        Request::Sync(sync) => locked.sync(from, sync.id),
        Request::Quit(_) => {
            locked.is_quitting = true;
            Ok(())
        }
    };
    (locked, done)
}

impl<S: Sound> Control<S> {
    fn reply_cards(
        &self,
        to: ClientId,
        devices: Vec<Card>,
        inputs: Vec<Card>,
    ) -> Result<(), Refused> {
        let heads = (Devices { devices: devices.clone() }, Inputs { inputs: inputs.clone() });
        let devices = devices.into_iter().map(|card| Device(card).encode());
        let inputs = inputs.into_iter().map(|card| InputDevice(card).encode());
        self.reply(to, [heads.0.encode()].into_iter().chain(devices))?;
        self.reply(to, [heads.1.encode()].into_iter().chain(inputs))
    }
}
