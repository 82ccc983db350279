//! What the host says, into the model.

use sostenuto_osc::message::Report;
use sostenuto_osc::message::history::{History, Steps};
use sostenuto_osc::mirror::Mirrored;
use sostenuto_osc::status::NoticeKind;

use crate::model::{Connection, Model, Notice};

/// Takes in one report. Whether the whole patch must be asked for again.
pub(super) fn hear(model: &mut Model, report: Report, now_secs: f64) -> bool {
    match report {
        Report::Host(host) => model.connection = Connection::Connected { pid: host.pid },
        Report::History(history) => hear_history(model, history),
        Report::Steps(Steps { first, labels }) => {
            model.steps.truncate(first as usize);
            if model.steps.len() == first as usize {
                model.steps.extend(labels);
            }
        }
        Report::PatchFile(file) => model.file = file,
        Report::Wants(wants) => model.wants = wants.what,
        Report::Notice(notice) => {
            let (is_trouble, sentence) = (notice.kind == NoticeKind::Trouble, notice.sentence);
            Notice::add(&mut model.notices, is_trouble, sentence, now_secs);
        }
        Report::Recorder(status) => model.recorder = status,
        Report::Recorded(recorded) => model.recorded = Some(recorded),
        Report::Sound(setup) => model.sound = setup,
        Report::Devices(list) => model.cards = list.devices,
        Report::Device(card) => model.cards.push(card.0),
        Report::Input(setup) => model.input = setup,
        Report::Inputs(list) => model.inputs = list.inputs,
        Report::InputDevice(card) => model.inputs.push(card.0),
        Report::Killed(killed) => model.drill = Some(killed),
        Report::Status(status) => model.status = status,
        Report::Worker(worker) => model.status.workers.push(worker),
        Report::Fault(fault) => model.status.faults.push(fault),
        report => return model.mirror.follow(report) == Mirrored::Lost,
    }
    false
}

/// Keeps the labels of steps in step, without asking for all of them.
fn hear_history(model: &mut Model, history: History) {
    let (undos, redos) = (history.undos as usize, history.redos as usize);
    model.steps.truncate(undos + redos);
    if let Some(step) = undos.checked_sub(1).and_then(|last| model.steps.get_mut(last)) {
        step.clone_from(&history.label);
    } else if model.steps.len() + 1 == undos {
        model.steps.push(history.label.clone());
    }
    model.history = history;
}

#[cfg(test)]
mod tests {
    use super::*;
    use sostenuto_osc::message::Message;
    use sostenuto_osc::message::device::{Card, InputDevice, Inputs};
    use sostenuto_osc::message::patch::Whole;
    use sostenuto_osc::message::reports::Lost;
    use sostenuto_osc::message::sound::InputSetup;
    use sostenuto_osc::message::status::{ModuleFault, Status, WorkerState, WorkerStatus};
    use sostenuto_patch::Patch;

    fn hear_all(model: &mut Model, said: impl IntoIterator<Item = rosc::OscMessage>) {
        for message in said {
            assert!(!hear(model, Report::read(message).unwrap(), 0.0));
        }
    }

    #[test]
    fn what_the_host_says_of_its_health_is_understood() {
        let worker = WorkerStatus { pid: 7, state: WorkerState::Working, ..Default::default() };
        let fault = ModuleFault { module: "a".into(), crashes: 3, ..Default::default() };
        let (workers, faults) = (vec![worker], vec![fault]);
        let status = Status { workers, faults, xruns: 2, block_frames: 64, ..Status::default() };
        let mut model = Model::default();
        for _ in 0..2 {
            hear_all(&mut model, status.messages());
            assert_eq!(model.status, status);
        }
    }

    #[test]
    fn what_the_patch_hears_is_understood() {
        let card = Card { id: "hw:1".into(), name: "Big card".into(), is_default: true };
        let error = Some("it is away".to_owned());
        let setup = InputSetup { input: "hw:1".into(), slips: 3, error, ..Default::default() };
        let list = Inputs { inputs: vec![card.clone()] };
        let mut model = Model::default();
        for _ in 0..2 {
            let card = InputDevice(card.clone());
            hear_all(&mut model, [list.encode(), card.encode(), setup.encode()]);
            assert_eq!((&model.input, &model.inputs), (&setup, &list.inputs));
        }
    }

    #[test]
    fn steps_follow_the_history_without_asking_for_all_of_it() {
        let mut model = Model::default();
        let mut hear = |undos, redos, label: &str| {
            hear(&mut model, Report::History(History { undos, redos, label: label.into() }), 0.0);
            model.steps.clone()
        };
        hear(1, 0, "Add VCO");
        hear(2, 0, "Turn a");
        hear(2, 0, "Turn b");
        assert_eq!(hear(1, 1, "Add VCO"), ["Add VCO", "Turn b"]);
        assert_eq!(hear(2, 0, "Add LFO"), ["Add VCO", "Add LFO"]);
    }

    #[test]
    fn a_patch_that_cannot_be_followed_is_asked_for_again() {
        let mut model = Model::default();
        assert!(!hear(&mut model, Report::Patch(Whole::of(&Patch::default())), 0.0));
        assert!(hear(&mut model, Report::Lost(Lost {}), 0.0));
    }
}
