//! What the host says, into the model.

use rosc::{OscMessage, OscType};
use sostenuto_osc::mirror::Mirrored;
use sostenuto_osc::sound::InputSetup;
use sostenuto_osc::status::{ModuleFault, WorkerStatus};

use crate::model::{CardView, Connection, DrillView, Model, Notice, SoundView};

/// Takes in one message. Whether the whole patch must be asked for again.
pub(super) fn hear(model: &mut Model, message: OscMessage, now_secs: f64) -> bool {
    let args = &message.args[..];
    match (message.addr.as_str(), args) {
        ("/host", [_, _, OscType::Int(pid)]) => {
            model.connection = Connection::Connected { pid: pid.cast_unsigned() };
        }
        ("/history", [OscType::Int(undos), OscType::Int(redos), OscType::String(newest)]) => {
            let history = &mut model.history;
            (history.undos, history.redos) = (*undos as usize, *redos as usize);
            history.steps.truncate(history.undos + history.redos);
            if let Some(step) = history.undos.checked_sub(1).and_then(|n| history.steps.get_mut(n))
            {
                step.clone_from(newest);
            } else if history.steps.len() + 1 == history.undos {
                history.steps.push(newest.clone());
            }
        }
        ("/history/steps", [OscType::Int(first), labels @ ..]) => {
            let steps = &mut model.history.steps;
            steps.truncate(*first as usize);
            if steps.len() == *first as usize {
                steps.extend(labels.iter().cloned().filter_map(OscType::string));
            }
        }
        ("/patch/file", [OscType::String(path), OscType::Bool(is_saved)]) => {
            model.file.path = (!path.is_empty()).then(|| path.into());
            model.file.is_saved = *is_saved;
        }
        ("/notice", [OscType::String(kind), OscType::String(sentence)]) => {
            let (is_trouble, sentence) = (kind == "trouble", sentence.clone());
            model.notices.push(Notice { is_trouble, sentence, at_secs: now_secs });
        }
        (
            "/recorder",
            [
                OscType::Bool(is_on),
                OscType::String(path),
                OscType::Float(secs),
                OscType::Float(remembered),
                ..,
            ],
        ) => {
            model.recorder.path = is_on.then(|| path.into());
            (model.recorder.secs, model.recorder.remembered_secs) = (*secs, *remembered);
        }
        ("/recorded", [OscType::String(path), ..]) => model.recorder.finished = Some(path.into()),
        ("/sound", args) => sound(model, args),
        ("/devices", _) => model.cards.clear(),
        ("/device", [OscType::String(id), OscType::String(name), OscType::Bool(is_default)]) => {
            model.cards.push(card(id, name, *is_default));
        }
        ("/input", args) => input(model, args),
        ("/inputs", _) => model.inputs.clear(),
        (
            "/input/device",
            [OscType::String(id), OscType::String(name), OscType::Bool(is_default)],
        ) => {
            model.inputs.push(card(id, name, *is_default));
        }
        ("/drill/killed", [OscType::Int(pid), _, OscType::Float(recovery_secs), ..]) => {
            let (pid, recovery_secs) = (pid.cast_unsigned(), *recovery_secs);
            model.drill = Some(DrillView { pid, recovery_secs });
        }
        ("/status", args) => status(model, args),
        ("/worker", args) => worker(model, args),
        ("/module/fault", args) => fault(model, args),
        _ => return model.mirror.hear(message) == Mirrored::Lost,
    }
    false
}

/// The address of what was refused, and why.
pub(super) fn error(message: &OscMessage) -> Option<(String, String)> {
    let [OscType::String(address), OscType::String(sentence)] = &message.args[..] else {
        return None;
    };
    Some((address.clone(), sentence.clone()))
}

fn sound(model: &mut Model, args: &[OscType]) {
    let [
        OscType::String(device),
        OscType::Int(sample_rate_hz),
        OscType::Int(block_frames),
        OscType::Int(ahead),
        OscType::Float(latency_secs),
        OscType::Bool(is_playing),
        OscType::String(why_not),
    ] = args
    else {
        return;
    };
    model.sound = SoundView {
        device: device.clone(),
        sample_rate_hz: sample_rate_hz.cast_unsigned(),
        block_frames: block_frames.cast_unsigned(),
        ahead: ahead.cast_unsigned(),
        latency_secs: *latency_secs,
        silence: (!is_playing).then(|| why_not.clone()),
    };
}

fn card(id: &str, name: &str, is_default: bool) -> CardView {
    CardView { id: id.to_owned(), name: name.to_owned(), is_default }
}

fn input(model: &mut Model, args: &[OscType]) {
    if let [
        OscType::String(input),
        OscType::String(card),
        OscType::Float(latency_secs),
        OscType::Long(slips),
        OscType::String(why_not),
    ] = args
    {
        model.input = InputSetup {
            input: input.clone(),
            card: card.clone(),
            latency_secs: *latency_secs,
            slips: slips.cast_unsigned(),
            why_not: Some(why_not.clone()).filter(|why| !why.is_empty()),
        };
    }
}

fn status(model: &mut Model, args: &[OscType]) {
    let [
        OscType::Float(sample_rate_hz),
        OscType::Int(block_frames),
        OscType::String(device),
        OscType::Float(load),
        OscType::Float(latency_secs),
        OscType::Long(xruns),
        OscType::Long(blocks),
        ..,
    ] = args
    else {
        return;
    };
    let status = &mut model.status;
    status.sample_rate_hz = *sample_rate_hz;
    status.block_frames = block_frames.cast_unsigned();
    status.device.clone_from(device);
    (status.load, status.latency_secs) = (*load, *latency_secs);
    (status.xruns, status.blocks) = (xruns.cast_unsigned(), blocks.cast_unsigned());
    // They follow, each in a message of its own.
    status.workers.clear();
    status.faults.clear();
}

fn worker(model: &mut Model, args: &[OscType]) {
    if let [
        OscType::Int(slot),
        OscType::Int(pid),
        OscType::String(state),
        OscType::Int(jobs),
        OscType::Float(load),
        OscType::Int(restarts),
    ] = args
    {
        model.status.workers.push(WorkerStatus {
            slot: slot.cast_unsigned(),
            pid: pid.cast_unsigned(),
            state: state.clone(),
            jobs: jobs.cast_unsigned(),
            load: *load,
            restarts: restarts.cast_unsigned(),
        });
    }
}

fn fault(model: &mut Model, args: &[OscType]) {
    if let [
        OscType::String(module),
        OscType::String(state),
        OscType::Int(crashes),
        OscType::Int(not_finite),
    ] = args
    {
        model.status.faults.push(ModuleFault {
            module: module.clone(),
            state: state.clone(),
            crashes: crashes.cast_unsigned(),
            not_finite: not_finite.cast_unsigned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sostenuto_osc::reply;
    use sostenuto_osc::sound::Card;
    use sostenuto_osc::status::Status;
    use sostenuto_patch::Patch;

    #[test]
    fn what_the_host_says_of_its_health_is_understood() {
        let workers =
            vec![WorkerStatus { pid: 7, state: "working".into(), ..WorkerStatus::default() }];
        let faults = vec![ModuleFault { module: "a".into(), crashes: 3, ..ModuleFault::default() }];
        let status = Status { workers, faults, xruns: 2, block_frames: 64, ..Status::default() };
        let mut model = Model::default();
        for _ in 0..2 {
            reply::status(&status)
                .into_iter()
                .for_each(|message| assert!(!hear(&mut model, message, 0.0)));
            assert_eq!(model.status, status);
        }
    }

    #[test]
    fn what_the_patch_hears_is_understood() {
        let card = Card { id: "hw:1".into(), name: "Big card".into(), is_default: true };
        let why_not = Some("it is away".to_owned());
        let setup = InputSetup { input: "hw:1".into(), slips: 3, why_not, ..Default::default() };
        let mut model = Model::default();
        for _ in 0..2 {
            let said = reply::inputs(std::slice::from_ref(&card)).into_iter();
            said.chain([reply::input(&setup)])
                .for_each(|message| assert!(!hear(&mut model, message, 0.0)));
            assert_eq!((&model.input, model.inputs.len()), (&setup, 1));
        }
        assert_eq!(model.inputs[0].name, "Big card");
    }

    #[test]
    fn steps_follow_the_history_without_asking_for_all_of_it() {
        let mut model = Model::default();
        for (undos, redos, newest) in
            [(1, 0, "Add VCO"), (2, 0, "Turn a"), (2, 0, "Turn b"), (1, 1, "Add VCO")]
        {
            hear(&mut model, reply::history(undos, redos, newest), 0.0);
        }
        assert_eq!(model.history.steps, ["Add VCO", "Turn b"]);
        hear(&mut model, reply::history(2, 0, "Add LFO"), 0.0);
        assert_eq!(model.history.steps, ["Add VCO", "Add LFO"]);
    }

    #[test]
    fn a_patch_that_cannot_be_followed_is_asked_for_again() {
        let mut model = Model::default();
        assert!(!hear(&mut model, reply::patch(&Patch::default()), 0.0));
        assert!(hear(&mut model, reply::lost(), 0.0));
    }
}
