//! What a host says: replies to who asked, and reports to who subscribed.

use std::path::Path;

use rosc::{OscMessage, OscType};
use sostenuto_modules::catalog;
use sostenuto_patch::edit::Move;
use sostenuto_patch::{
    Cable, Comment, CommentId, Edit, ModuleId, Patch, PatchModule, file as patch_file,
};

use crate::address;
use crate::sound::{Card, InputSetup, Killed, Recorded, RecorderStatus, SoundSetup};
use crate::status::{ModuleFault, Notice, Status, WorkerStatus};
use crate::view::{Seen, View};

/// Letters of the longest sentence: it may quote what was sent.
const MAX_SENTENCE_CHARS: usize = 500;

pub(super) fn message(addr: &str, args: Vec<OscType>) -> OscMessage {
    OscMessage { addr: addr.to_owned(), args }
}

pub(super) fn text(text: impl ToString) -> OscType {
    // A zero byte would end it on the wire.
    OscType::String(text.to_string().replace('\0', "\u{fffd}"))
}

/// A count, as far as it fits on the wire.
pub(super) fn int(count: impl TryInto<i32>) -> OscType {
    OscType::Int(count.try_into().unwrap_or(i32::MAX))
}

fn long(count: u64) -> OscType {
    OscType::Long(count.try_into().unwrap_or(i64::MAX))
}

/// `/error`: a request was refused.
pub fn error(address: &str, sentence: &str) -> OscMessage {
    let clip = |words: &str| text(words.chars().take(MAX_SENTENCE_CHARS).collect::<String>());
    message("/error", vec![clip(address), clip(sentence)])
}

/// `/synced`: all before that `/sync` is done.
pub fn synced(id: i32) -> OscMessage {
    message("/synced", vec![OscType::Int(id)])
}

/// `/patch`: the whole patch.
pub fn patch(patch: &Patch) -> OscMessage {
    message("/patch", vec![OscType::Blob(patch_file::write(patch).into_bytes())])
}

/// `/host`: which program this is.
pub fn host() -> OscMessage {
    let catalogue = OscType::Long(catalog::fingerprint().cast_signed());
    message("/host", vec![text(env!("CARGO_PKG_VERSION")), catalogue, int(std::process::id())])
}

/// `/module`: what a module is, with every param; and its text, if it has one.
pub fn module(id: &ModuleId, module: &PatchModule) -> Vec<OscMessage> {
    let PatchModule { kind, x, y, is_bypassed, .. } = module;
    let mut args = vec![text(id), text(kind)];
    args.extend([OscType::Float(*x), OscType::Float(*y), OscType::Bool(*is_bypassed)]);
    if module.is_placeholder {
        args.extend(params(module));
    }
    for param in module.about().map(|about| about.params).unwrap_or_default() {
        let value = module.params.get(param.name).copied().unwrap_or(param.default);
        args.extend([text(param.name), OscType::Float(value)]);
    }
    std::iter::once(message("/module", args)).chain(own_text(id, module)).collect()
}

/// `/MODULE/PARAM`: where a knob stands.
pub fn param(module: &ModuleId, param: &str, value: f32) -> OscMessage {
    message(&address::of_param(module.as_str(), param), vec![OscType::Float(value)])
}

/// `/history`: how far undo and redo reach, and what would be undone.
pub fn history(undos: usize, redos: usize, label: &str) -> OscMessage {
    message("/history", vec![int(undos), int(redos), text(label)])
}

/// `/history/steps`: what steps did, from one on.
pub fn steps(first: u32, labels: impl Iterator<Item = String>) -> OscMessage {
    message("/history/steps", std::iter::once(int(first)).chain(labels.map(text)).collect())
}

/// `/patch/file`: where the patch was loaded from or saved to.
pub fn file(path: Option<&Path>, is_saved: bool) -> OscMessage {
    let path = path.map(|path| path.to_string_lossy()).unwrap_or_default();
    message("/patch/file", vec![text(path), OscType::Bool(is_saved)])
}

/// `/notice`: what the host tells the musician.
pub fn notice(notice: &Notice) -> OscMessage {
    message("/notice", vec![text(notice.kind.word()), text(&notice.sentence)])
}

/// `/status`, a `/worker` for each worker and a `/module/fault` for each module
/// that has given trouble.
pub fn status(status: &Status) -> Vec<OscMessage> {
    let head = vec![
        OscType::Float(status.sample_rate_hz),
        int(status.block_frames),
        text(&status.device),
        OscType::Float(status.load),
        OscType::Float(status.latency_secs),
        long(status.xruns),
        long(status.blocks),
        int(status.workers.len()),
        int(status.faults.len()),
    ];
    let head = message("/status", head);
    let workers = status.workers.iter().map(worker);
    std::iter::once(head).chain(workers).chain(status.faults.iter().map(fault)).collect()
}

fn fault(fault: &ModuleFault) -> OscMessage {
    let args =
        vec![text(&fault.module), text(&fault.state), int(fault.crashes), int(fault.not_finite)];
    message("/module/fault", args)
}

fn worker(worker: &WorkerStatus) -> OscMessage {
    let args = vec![
        int(worker.slot),
        int(worker.pid),
        text(&worker.state),
        int(worker.jobs),
        OscType::Float(worker.load),
        int(worker.restarts),
    ];
    message("/worker", args)
}

/// `/meters`: what a module shows on its face.
pub fn meters(id: &ModuleId, numbers: &[f32]) -> OscMessage {
    let numbers = numbers.iter().map(|&number| OscType::Float(number));
    message("/meters", std::iter::once(text(id)).chain(numbers).collect())
}

/// `/view`, a `/view/module` for each module and `/view/end`.
pub fn view(view: &View) -> Vec<OscMessage> {
    let View { control, arena, sample_rate_hz, block_frames, modules } = view;
    let head =
        vec![text(control), text(arena), OscType::Float(*sample_rate_hz), int(*block_frames)];
    let seen = |Seen { id, kind, memory, slot }: &Seen| {
        message("/view/module", vec![text(id), text(kind), long(*memory), int(*slot)])
    };
    let end = message("/view/end", vec![int(modules.len())]);
    let modules = modules.iter().map(seen);
    std::iter::once(message("/view", head)).chain(modules).chain([end]).collect()
}

/// `/sound`: how it is played.
pub fn sound(setup: &SoundSetup) -> OscMessage {
    let SoundSetup { device, sample_rate_hz, block_frames, ahead, latency_secs, why_not } = setup;
    let args = vec![
        text(device),
        int(*sample_rate_hz),
        int(*block_frames),
        int(*ahead),
        OscType::Float(*latency_secs),
        OscType::Bool(why_not.is_none()),
        text(why_not.as_deref().unwrap_or_default()),
    ];
    message("/sound", args)
}

/// `/input`: how the patch hears the world.
pub fn input(setup: &InputSetup) -> OscMessage {
    let InputSetup { input, card, latency_secs, slips, why_not } = setup;
    let args = vec![
        text(input),
        text(card),
        OscType::Float(*latency_secs),
        long(*slips),
        text(why_not.as_deref().unwrap_or_default()),
    ];
    message("/input", args)
}

/// `/inputs`, and an `/input/device` for each sound card that can be heard.
pub fn inputs(cards: &[Card]) -> Vec<OscMessage> {
    let device = |Card { id, name, is_default }: &Card| {
        message("/input/device", vec![text(id), text(name), OscType::Bool(*is_default)])
    };
    let head = message("/inputs", vec![int(cards.len())]);
    std::iter::once(head).chain(cards.iter().map(device)).collect()
}

/// `/devices`, and a `/device` for each sound card.
pub fn devices(cards: &[Card]) -> Vec<OscMessage> {
    let device = |Card { id, name, is_default }: &Card| {
        message("/device", vec![text(id), text(name), OscType::Bool(*is_default)])
    };
    let head = message("/devices", vec![int(cards.len())]);
    std::iter::once(head).chain(cards.iter().map(device)).collect()
}

/// `/recorder`: what it does.
pub fn recorder(status: &RecorderStatus) -> OscMessage {
    let RecorderStatus { path, secs, remembered_secs, dropped_frames } = status;
    let args = vec![
        OscType::Bool(path.is_some()),
        text(path.as_deref().unwrap_or(Path::new("")).display()),
        OscType::Float(*secs as f32),
        OscType::Float(*remembered_secs as f32),
        long(*dropped_frames),
    ];
    message("/recorder", args)
}

/// `/recorded`: a file is done.
pub fn recorded(recorded: &Recorded) -> OscMessage {
    let Recorded { path, secs, peak } = recorded;
    let args = vec![text(path.display()), OscType::Float(*secs as f32), OscType::Float(*peak)];
    message("/recorded", args)
}

/// `/drill/killed`: another does the work of a worker that was killed.
pub fn killed(killed: &Killed) -> OscMessage {
    let Killed { pid, slot, recovery_secs, xruns } = killed;
    let recovery = OscType::Float(*recovery_secs as f32);
    message("/drill/killed", vec![int(*pid), int(*slot), recovery, long(*xruns)])
}

/// `/reports/lost`: changes of the patch are left out from here on.
pub fn lost() -> OscMessage {
    message("/reports/lost", Vec::new())
}

/// The requests that would make the same change: so do other editors learn of
/// it, and so does an editor ask for it.
pub fn edit(edit: &Edit) -> Vec<OscMessage> {
    let mut messages = Vec::new();
    push_edit(edit, &mut messages);
    messages
}

fn push_edit(edit: &Edit, messages: &mut Vec<OscMessage>) {
    let message = match edit {
        Edit::AddModule { id, module } => {
            messages.push(add(id, module));
            messages.extend(module.is_bypassed.then(|| bypass(id, true)));
            messages.extend(own_text(id, module));
            return;
        }
        Edit::RemoveModule { id } => message("/module/remove", vec![text(id)]),
        Edit::MoveModules(moves) if moves.is_empty() => return,
        Edit::MoveModules(moves) => message("/module/move", moves.iter().flat_map(place).collect()),
        Edit::RenameModule { id, new_id } => {
            message("/module/rename", vec![text(id), text(new_id)])
        }
        Edit::Connect(cable) => message("/cable/connect", ends(cable)),
        Edit::Disconnect(cable) => message("/cable/disconnect", ends(cable)),
        Edit::SetDelay { cable, is_delayed } => {
            let mut args = ends(cable);
            args.push(OscType::Bool(*is_delayed));
            message("/cable/delay", args)
        }
        Edit::SetParam { module, param, value } => {
            message("/param/set", vec![text(module), text(param), OscType::Float(*value)])
        }
        Edit::SetText { module, text: words } => set_text(module, words),
        Edit::SetBypass { module, is_bypassed } => bypass(module, *is_bypassed),
        Edit::SetComment { id, comment: Some(comment) } => set_comment(id, comment),
        Edit::SetComment { id, comment: None } => message("/comment/remove", vec![text(id)]),
        Edit::SetTitle(title) => message("/patch/title", vec![text(title)]),
        Edit::SetDescription(words) => message("/patch/description", vec![text(words)]),
        Edit::Replace(with) => patch(with),
        Edit::Group(edits) => return edits.iter().for_each(|edit| push_edit(edit, messages)),
    };
    messages.push(message);
}

fn add(id: &ModuleId, module: &PatchModule) -> OscMessage {
    let mut args = vec![text(id), text(&module.kind)];
    args.extend([OscType::Float(module.x), OscType::Float(module.y)]);
    args.extend(params(module));
    message(if module.is_placeholder { "/placeholder/add" } else { "/module/add" }, args)
}

/// Params that are not at their default, with their names.
fn params(module: &PatchModule) -> impl Iterator<Item = OscType> {
    let numbers = module.params.iter().map(|(name, &value)| [text(name), OscType::Float(value)]);
    let words = module.words.iter().map(|(name, word)| [text(name), text(word)]);
    numbers.chain(words).flatten()
}

fn set_comment(id: &CommentId, comment: &Comment) -> OscMessage {
    let Comment { x, y, width, height, .. } = *comment;
    let mut args = vec![text(id)];
    args.extend([x, y, width, height].map(OscType::Float));
    args.extend([int(comment.colour), text(&comment.text)]);
    message("/comment/set", args)
}

fn bypass(id: &ModuleId, is_bypassed: bool) -> OscMessage {
    message("/module/bypass", vec![text(id), OscType::Bool(is_bypassed)])
}

fn set_text(id: &ModuleId, words: &str) -> OscMessage {
    message("/module/text", vec![text(id), text(words)])
}

/// `/module/text`, where a module has one.
fn own_text(id: &ModuleId, module: &PatchModule) -> Option<OscMessage> {
    (!module.text.is_empty()).then(|| set_text(id, &module.text))
}

fn place(Move { module, x, y }: &Move) -> [OscType; 3] {
    [text(module), OscType::Float(*x), OscType::Float(*y)]
}

fn ends(cable: &Cable) -> Vec<OscType> {
    vec![text(&cable.from), text(&cable.to)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::NoticeKind;
    use crate::testing::keeps_to_the_table;
    use sostenuto_patch::testing::{id, ring};

    #[test]
    fn what_a_host_says_keeps_to_the_table() {
        let workers = vec![WorkerStatus::default(); 2];
        let faults = vec![ModuleFault { module: "a".into(), ..ModuleFault::default() }];
        let ring_status = Status { workers, faults, ..Status::default() };
        let mut said = status(&ring_status);
        said.extend([error("/undo", "No."), synced(7), patch(&ring()), host(), lost()]);
        said.extend([history(1, 2, "Add VCO"), steps(7, ["Add".to_owned()].into_iter())]);
        said.extend([file(None, false), file(Some(Path::new("/a")), true)]);
        said.push(notice(&Notice { kind: NoticeKind::Trouble, sentence: "Oh.".into() }));
        said.extend([meters(&id("a"), &[1.0, 2.0]), meters(&id("a"), &[])]);
        said.extend(module(&id("a"), &ring().modules["a"]));
        let seen = Seen { id: id("a"), kind: "vco".into(), memory: 1 << 20, slot: 3 };
        let card = Card { id: "a".into(), name: "b".into(), is_default: true };
        said.extend(devices(&[card.clone(), card.clone()]));
        said.extend(inputs(&[card.clone(), card]));
        said.push(input(&InputSetup::default()));
        let setups = [None, Some("no sound card answers".to_owned())];
        let setups = setups.map(|why_not| SoundSetup { why_not, ..SoundSetup::default() });
        said.extend(setups.iter().map(sound));
        let path = std::path::PathBuf::from("/a.wav");
        let statuses = [None, Some(path.clone())];
        let statuses = statuses.map(|path| RecorderStatus { path, ..RecorderStatus::default() });
        said.extend(statuses.iter().map(recorder));
        said.push(recorded(&Recorded { path, secs: 1.5, peak: 0.5 }));
        said.push(killed(&Killed { pid: 1, slot: 2, recovery_secs: 1e-3, xruns: 0 }));
        said.extend(view(&View { modules: vec![seen; 2], ..View::default() }));
        for message in said {
            assert!(keeps_to_the_table(&message), "{message:?}");
        }
    }

    #[test]
    fn a_sentence_that_quotes_a_novel_is_clipped() {
        let OscMessage { args, .. } = error("/a\0b", &"ü".repeat(100_000));
        assert_eq!(args[0], OscType::String("/a\u{fffd}b".into()));
        assert_eq!(args[1], OscType::String("ü".repeat(500)));
    }
}
