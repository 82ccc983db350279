//! The other side of reading requests: what an editor sends for each.

use rosc::{OscMessage, OscType};
use sostenuto_modules::module::Event;
use sostenuto_patch::file::{self, Over};
use sostenuto_patch::{Edit, Patch};

use crate::reply::{self, int, message, text};
use crate::request::{Reports, Request, Value};
use crate::sound::SoundChange;

/// The messages that ask for this, in order: one for most, and for an edit as
/// many as it needs. Between [`Request::BeginGesture`] and
/// [`Request::EndGesture`] they are one step.
pub fn ask(request: &Request) -> Vec<OscMessage> {
    let one = |path: &str, args: Vec<OscType>| vec![message(path, args)];
    match request {
        Request::Edit(edit) => ask_edit(edit),
        Request::SetParam { module, param, value, gesture } => {
            let mut args = vec![text(module), text(param), ask_value(value)];
            args.extend((*gesture != 0).then_some(OscType::Int(*gesture)));
            one("/param/set", args)
        }
        Request::Note { module, event } | Request::SetValue { module, event } => {
            vec![note(text(module), *event)]
        }
        Request::AllNotesOff => one("/note/all-off", vec![]),
        Request::Panic => one("/panic", vec![]),
        Request::Nothing => Vec::new(),
        Request::TryAgain(module) => one("/module/retry", vec![text(module)]),
        Request::BeginGesture => one("/gesture/begin", vec![]),
        Request::EndGesture => one("/gesture/end", vec![]),
        Request::Load(path) => one("/patch/load", vec![text(path.to_string_lossy())]),
        Request::Save { path, over } => {
            let over = OscType::Bool(*over == Over::Anything);
            one("/patch/save", vec![text(path.to_string_lossy()), over])
        }
        Request::Put(json) => one("/patch/put", vec![OscType::Blob(json.clone())]),
        Request::Get => one("/patch/get", vec![]),
        Request::Undo => one("/undo", vec![]),
        Request::Redo => one("/redo", vec![]),
        Request::GetHistory { first, count } => one("/history/get", vec![int(*first), int(*count)]),
        Request::GoTo(steps) => one("/history/go", vec![int(*steps)]),
        Request::QueryHost => one("/query/host", vec![]),
        Request::QueryModule(module) => one("/query/module", vec![text(module)]),
        Request::QueryStatus => one("/query/status", vec![]),
        Request::Subscribe(reports) => ask_reports("/reports/subscribe", *reports),
        Request::Unsubscribe(reports) => ask_reports("/reports/unsubscribe", *reports),
        Request::Feedback { port } => one("/feedback", port.map(int).into_iter().collect()),
        Request::EndFeedback { port } => one("/feedback/end", port.map(int).into_iter().collect()),
        Request::Sync(id) => one("/sync", vec![OscType::Int(*id)]),
        Request::StartRecording { path, format } => {
            one("/record/start", vec![text(path.to_string_lossy()), text(format.word())])
        }
        Request::StopRecording => one("/record/stop", vec![]),
        Request::SaveLast { path, format, secs } => {
            let mut args = vec![text(path.to_string_lossy()), text(format.word())];
            args.extend(secs.map(|secs| OscType::Float(secs as f32)));
            one("/record/save-last", args)
        }
        Request::SetSound(change) => ask_sound(change),
        Request::QuerySound => one("/query/sound", vec![]),
        Request::QueryDevices => one("/query/devices", vec![]),
        Request::Kill(slot) => one("/drill/kill", slot.map(int).into_iter().collect()),
        Request::Quit => one("/host/quit", vec![]),
    }
}

fn ask_edit(edit: &Edit) -> Vec<OscMessage> {
    match edit {
        Edit::Replace(with) if **with == Patch::default() => vec![message("/patch/new", vec![])],
        Edit::Replace(with) => {
            vec![message("/patch/put", vec![OscType::Blob(file::write(with).into_bytes())])]
        }
        Edit::Group(edits) => edits.iter().flat_map(ask_edit).collect(),
        edit => reply::edit(edit),
    }
}

fn ask_value(value: &Value) -> OscType {
    match value {
        Value::Number(number) => OscType::Float(*number),
        Value::Word(word) => text(word),
    }
}

/// Nothing where nothing is named.
fn ask_sound(change: &SoundChange) -> Vec<OscMessage> {
    let SoundChange { device, sample_rate_hz, block_frames, ahead, input } = change;
    let mut args = Vec::new();
    for (name, id) in [("device", device), ("input", input)] {
        if let Some(id) = id {
            args.extend([text(name), text(id)]);
        }
    }
    let numbers = [("sample_rate", sample_rate_hz), ("block", block_frames), ("ahead", ahead)];
    for (name, number) in numbers {
        if let Some(number) = number {
            args.extend([text(name), OscType::Float(*number as f32)]);
        }
    }
    if args.is_empty() { Vec::new() } else { vec![message("/sound/set", args)] }
}

fn note(module: OscType, event: Event) -> OscMessage {
    match event {
        Event::NoteOn { key, voct, velocity } => {
            let pitch = [OscType::Float(velocity), OscType::Float(voct)];
            message("/note/on", [module, int(key)].into_iter().chain(pitch).collect())
        }
        Event::NoteOff { key } => message("/note/off", vec![module, int(key)]),
        Event::AllNotesOff => message("/note/all-off", vec![module]),
        Event::Value { index, volts } => {
            message("/module/in", vec![module, int(index + 1), OscType::Float(volts)])
        }
    }
}

/// Nothing where nothing is named.
fn ask_reports(path: &str, reports: Reports) -> Vec<OscMessage> {
    let Reports { patch, meters, health, notices, view, recorder, params } = reports;
    let kinds = [
        (patch, "patch"),
        (meters, "meters"),
        (health, "health"),
        (notices, "notices"),
        (view, "view"),
        (recorder, "recorder"),
        (params, "params"),
    ];
    let named: Vec<OscType> =
        kinds.iter().filter(|(is_named, _)| *is_named).map(|(_, kind)| text(kind)).collect();
    if named.is_empty() { Vec::new() } else { vec![message(path, named)] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::address::{ADDRESSES, Way};
    use crate::packet::{append, decode, split};
    use crate::request::Call;
    use crate::testing::{example, keeps_to_the_table};
    use sostenuto_patch::apply;
    use sostenuto_patch::testing::{any_edit, id, ring};

    /// What a host reads of it, over the wire.
    fn read(request: &Request) -> Vec<Request> {
        let mut wire = Vec::new();
        for message in ask(request) {
            assert!(keeps_to_the_table(&message), "{message:?}");
            append(message, &mut wire);
        }
        let messages = split(&wire).flat_map(|packet| decode(packet).unwrap());
        messages.map(|message| Call::read(message).unwrap().request).collect()
    }

    #[test]
    fn every_example_is_asked_for_as_it_was_read() {
        for address in ADDRESSES.iter().filter(|a| a.ways.contains(&Way::Request)) {
            let request = Call::read(example(address.example)).unwrap().request;
            assert_eq!(read(&request), [request], "{}", address.path);
        }
    }

    fn any_request() -> impl Strategy<Value = Request> {
        let module = || prop::sample::select(vec!["a", "b-2"]).prop_map(id);
        let value =
            prop_oneof![(-9f32..9.0).prop_map(Value::Number), "[a-z ]*".prop_map(Value::Word),];
        let path = || "/[a-z]{0,9}".prop_map(std::path::PathBuf::from);
        let kinds =
            || any::<[bool; 7]>().prop_filter("one at least", |kinds| kinds.contains(&true));
        let reports =
            || {
                kinds().prop_map(|[patch, meters, health, notices, view, recorder, params]| {
                    Reports { patch, meters, health, notices, view, recorder, params }
                })
            };
        let event = prop_oneof![
            (0u32..200, -10f32..10.0, 0.01f32..1.0)
                .prop_map(|(key, voct, velocity)| Event::NoteOn { key, voct, velocity }),
            (0u32..200).prop_map(|key| Event::NoteOff { key }),
            Just(Event::AllNotesOff),
        ];
        let count = || 0..=i32::MAX as u32;
        prop_oneof![
            (module(), "[a-z]{1,9}", value, any::<i32>()).prop_map(
                |(module, param, value, gesture)| Request::SetParam {
                    module,
                    param: param.into(),
                    value,
                    gesture
                }
            ),
            (module(), event).prop_map(|(module, event)| Request::Note { module, event }),
            module().prop_map(Request::TryAgain),
            module().prop_map(Request::QueryModule),
            path().prop_map(Request::Load),
            (path(), prop::sample::select(vec![Over::Anything, Over::Patches]))
                .prop_map(|(path, over)| Request::Save { path, over }),
            prop::collection::vec(any::<u8>(), 0..99).prop_map(Request::Put),
            (count(), count()).prop_map(|(first, count)| Request::GetHistory { first, count }),
            count().prop_map(Request::GoTo),
            reports().prop_map(Request::Subscribe),
            reports().prop_map(Request::Unsubscribe),
            any::<i32>().prop_map(Request::Sync),
            prop::sample::select(vec![
                Request::AllNotesOff,
                Request::Panic,
                Request::Feedback { port: None },
                Request::EndFeedback { port: Some(9001) },
                Request::BeginGesture,
                Request::EndGesture,
                Request::Get,
                Request::Undo,
                Request::Redo,
                Request::QueryHost,
                Request::QueryStatus,
                Request::Quit,
            ]),
        ]
    }

    /// The edit that a host makes of a request.
    fn edit_of(request: Request) -> Edit {
        match request {
            Request::Edit(edit) => edit,
            Request::SetParam { module, param, value: Value::Number(value), gesture: 0 } => {
                Edit::SetParam { module, param, value }
            }
            Request::Put(json) => Edit::Replace(Box::new(file::read(&json).unwrap())),
            other => panic!("no edit: {other:?}"),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_is_read_as_it_was_meant(request in any_request()) {
            prop_assert_eq!(read(&request), vec![request]);
        }

        #[test]
        fn an_edit_that_can_be_made_is_the_same_when_asked_for(
            edits in prop::collection::vec(any_edit(), 0..20)
        ) {
            let (mut here, mut there) = (ring(), ring());
            for edit in edits {
                if apply(&mut here, edit.clone()).is_err() {
                    continue;
                }
                for request in read(&Request::Edit(edit)) {
                    apply(&mut there, edit_of(request)).unwrap();
                }
                prop_assert_eq!(&here, &there);
            }
        }
    }
}
