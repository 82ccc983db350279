//! How host and workers are doing, and the button that proves the promise.

use eframe::egui::{CursorIcon, Grid, RichText, ScrollArea, Ui, vec2};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::module::Retry;
use sostenuto_osc::message::status::{
    FaultState, Kill, Killed, ModuleFault, WorkerState, WorkerStatus,
};
use sostenuto_patch::ModuleId;

use super::model::{Asks, Connection, Model};
use super::parts::{bar, button, caption, duration, faint, main_button, row, well};
use super::theme::Theme;

/// What the sheet is wide, in points.
const WIDTH: f32 = 460.0;
/// How many modules are listed by their load.
const HEAVIEST: usize = 12;

/// How the sound is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Well.
    Good,
    /// It is heard, but something is not as it should be.
    Warm,
    /// It is not, or not whole.
    Bad,
}

/// Above it there is little time left in a block.
const BUSY: f32 = 0.7;

/// How the sound is doing, and why, in a sentence. `is_late`: blocks came late just
/// now.
pub fn verdict(model: &Model, is_late: bool) -> (Verdict, String) {
    let status = &model.status;
    // Those that signals pass by; others are heard again already.
    let is_silent =
        |fault: &&ModuleFault| matches!(fault.state, FaultState::Rests | FaultState::Quarantine);
    let faults = status.faults.iter().filter(is_silent).count();
    match &model.connection {
        Connection::Starting => return (Verdict::Warm, "The sound is starting.".to_owned()),
        Connection::Lost(error) => return (Verdict::Bad, error.clone()),
        Connection::Connected { .. } => {}
    }
    if is_late || status.load > 1.0 {
        let sentence = "Blocks come late: you may hear clicks. A larger block helps.";
        return (Verdict::Bad, sentence.to_owned());
    }
    if faults > 0 {
        let modules = if faults == 1 { "A module is" } else { "Some modules are" };
        return (Verdict::Warm, format!("{modules} in trouble, and not heard."));
    }
    if status.load > BUSY {
        let sentence = "There is little time left: one more module may be too many.";
        return (Verdict::Warm, sentence.to_owned());
    }
    let late = match status.xruns {
        0 => "no block was late".to_owned(),
        1 => "one block was late so far".to_owned(),
        count => format!("{count} blocks were late so far"),
    };
    (Verdict::Good, format!("The sound is well; {late}."))
}

/// The whole panel.
pub fn health_ui(ui: &mut Ui, theme: &Theme, model: &Model, asks: &mut Asks) {
    ui.set_width(WIDTH);
    let (verdict, sentence) = verdict(model, false);
    let ink = match verdict {
        Verdict::Good => theme.good,
        Verdict::Warm => theme.accent,
        Verdict::Bad => theme.trouble,
    };
    ui.label(RichText::new(sentence).color(ink));
    ui.add_space(4.0);
    drill_ui(ui, theme, model, asks);
    ui.add_space(8.0);
    sound_ui(ui, theme, model);
    ui.add_space(8.0);
    workers_ui(ui, theme, model);
    faults_ui(ui, theme, model, asks);
    ui.add_space(8.0);
    modules_ui(ui, theme, model);
}

fn drill_ui(ui: &mut Ui, theme: &Theme, model: &Model, asks: &mut Asks) {
    well(theme).show(ui, |ui| {
        ui.set_width(WIDTH - 18.0);
        ui.horizontal(|ui| {
            let kill = main_button(ui, theme, "Kill a worker while you listen");
            let help = "Ends one of the processes that compute this patch, as a crash would";
            if kill.on_hover_text(help).clicked() {
                asks.requests.push(Request::Kill(Kill { slot: None }));
            }
        });
        match &model.drill {
            Some(drill) => ui.label(RichText::new(drill_sentence(drill, model)).color(theme.text)),
            None => {
                faint(ui, theme, "The sound goes on: another worker takes over in the same block.")
            }
        };
    });
}

/// What the drill has shown, measured.
fn drill_sentence(drill: &Killed, model: &Model) -> String {
    let recovery_secs = drill.recovery_secs as f32;
    let recovery = duration(recovery_secs);
    let slack_secs = model.sound.ahead as f32 * model.sound.block_frames as f32
        / model.sound.sample_rate_hz.max(1) as f32;
    let pid = drill.pid;
    if recovery_secs == 0.0 {
        return format!(
            "Worker {pid} was killed. It had done its part of the block, and another does the \
             next. You heard nothing."
        );
    }
    if slack_secs > 0.0 && recovery_secs < slack_secs {
        let slack = duration(slack_secs);
        return format!(
            "Worker {pid} was killed. {recovery} later another had done its work: sooner than \
             the {slack} that are computed ahead. You heard nothing."
        );
    }
    format!("Worker {pid} was killed. {recovery} later another had done its work.")
}

fn sound_ui(ui: &mut Ui, theme: &Theme, model: &Model) {
    let status = &model.status;
    caption(ui, theme, "Sound");
    Grid::new("sound health").num_columns(4).spacing(vec2(16.0, 4.0)).show(ui, |ui| {
        faint(ui, theme, "A block takes");
        bar(ui, theme, status.load, vec2(110.0, 16.0), "Load of a block");
        faint(ui, theme, "Latency");
        ui.label(duration(status.latency_secs));
        ui.end_row();
        faint(ui, theme, "Blocks late");
        let ink = if status.xruns > 0 { theme.trouble } else { theme.good };
        ui.label(RichText::new(format!("{} of {}", status.xruns, status.blocks)).color(ink));
        faint(ui, theme, "Card");
        ui.label(&status.device);
        ui.end_row();
    });
}

fn workers_ui(ui: &mut Ui, theme: &Theme, model: &Model) {
    let workers = &model.status.workers;
    let restarts: u32 = workers.iter().map(|worker| worker.restarts).sum();
    let restarts = match restarts {
        0 => "none was replaced".to_owned(),
        1 => "replaced once".to_owned(),
        count => format!("replaced {count} times"),
    };
    caption(ui, theme, &format!("{} workers, {restarts}", workers.len()));
    Grid::new("workers").num_columns(6).striped(true).spacing(vec2(14.0, 3.0)).show(ui, |ui| {
        for head in ["", "Process", "State", "Jobs", "Replaced", "Load"] {
            ui.label(RichText::new(head).size(11.5).color(theme.faint));
        }
        ui.end_row();
        let mut workers: Vec<&WorkerStatus> = workers.iter().collect();
        // Spares have no slot, and come last.
        workers.sort_by_key(|worker| (worker.slot, worker.pid));
        workers.into_iter().for_each(|worker| worker_row(ui, theme, worker));
    });
}

fn worker_row(ui: &mut Ui, theme: &Theme, worker: &WorkerStatus) {
    let is_spare = worker.state == WorkerState::Spare;
    let slot = if is_spare { "–".to_owned() } else { worker.slot.to_string() };
    ui.label(RichText::new(slot).color(theme.faint));
    ui.label(worker.pid.to_string());
    ui.label(worker.state.word());
    ui.label(worker.jobs.to_string());
    let ink = if worker.restarts > 0 { theme.accent } else { theme.faint };
    ui.label(RichText::new(worker.restarts.to_string()).color(ink));
    let words = format!("Load of worker {}", worker.slot);
    bar(ui, theme, worker.load, vec2(110.0, 16.0), &words);
    ui.end_row();
}

fn faults_ui(ui: &mut Ui, theme: &Theme, model: &Model, asks: &mut Asks) {
    if model.status.faults.is_empty() {
        return;
    }
    ui.add_space(8.0);
    caption(ui, theme, "Modules that gave trouble");
    for fault in &model.status.faults {
        row(ui, |ui| {
            ui.label(RichText::new(&fault.module).strong());
            let is_in_trouble = fault.state != FaultState::Runs;
            let ink = if is_in_trouble { theme.trouble } else { theme.faint };
            ui.label(RichText::new(fault_sentence(fault)).color(ink));
            let Ok(id) = fault.module.parse::<ModuleId>() else { return };
            if is_in_trouble && button(ui, "Try again").clicked() {
                asks.requests.push(Request::Retry(Retry { module: id }));
            }
        });
    }
}

fn fault_sentence(fault: &ModuleFault) -> String {
    let mut parts = Vec::new();
    if fault.state != FaultState::Runs {
        parts.push(fault.state.word().to_owned());
    }
    match fault.crashes {
        0 => {}
        1 => parts.push("crashed once".to_owned()),
        crashes => parts.push(format!("crashed {crashes} times")),
    }
    if fault.not_finite > 0 {
        parts.push(format!("{} samples were no numbers", fault.not_finite));
    }
    parts.join(", ")
}

fn modules_ui(ui: &mut Ui, theme: &Theme, model: &Model) {
    let mut loads: Vec<_> = model.signals.modules.iter().collect();
    if loads.is_empty() {
        return;
    }
    loads.sort_by(|(_, a), (_, b)| b.load.total_cmp(&a.load));
    caption(ui, theme, "What takes the time");
    let scroll = ScrollArea::vertical().max_height(170.0).min_scrolled_height(170.0);
    scroll.auto_shrink([false, true]).show(ui, |ui| {
        Grid::new("modules").num_columns(3).striped(true).spacing(vec2(14.0, 3.0)).show(ui, |ui| {
            for (id, signals) in loads.into_iter().take(HEAVIEST) {
                ui.label(id.as_str()).on_hover_cursor(CursorIcon::Default);
                faint(ui, theme, format!("worker {}", signals.slot));
                let words = format!("Load of {id}");
                bar(ui, theme, signals.load, vec2(110.0, 16.0), &words);
                ui.end_row();
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;
    use sostenuto_osc::message::status::Status;

    fn stage(model: Model) -> Harness<'static, (Model, Asks)> {
        let app = |ui: &mut Ui, (model, asks): &mut (Model, Asks)| {
            health_ui(ui, &Theme::of(Look::Dark), model, asks);
        };
        let builder = Harness::builder().with_size(vec2(600.0, 700.0)).with_step_dt(1.0 / 60.0);
        let mut harness = builder.build_ui_state(app, (model, Asks::default()));
        harness.run_steps(2);
        harness
    }

    #[test]
    fn the_verdict_is_as_bad_as_what_is_heard() {
        let well = Model { connection: Connection::Connected { pid: 1 }, ..Model::default() };
        let of = |change: fn(&mut Model)| {
            let mut model = Model { connection: well.connection.clone(), ..Model::default() };
            change(&mut model);
            verdict(&model, false).0
        };
        assert_eq!(verdict(&well, false).0, Verdict::Good);
        assert_eq!(verdict(&well, true).0, Verdict::Bad, "a block was late just now");
        assert_eq!(of(|model| model.status.xruns = 3), Verdict::Good, "long ago");
        assert_eq!(of(|model| model.status.load = 0.8), Verdict::Warm);
        assert_eq!(of(|model| model.status.load = 1.1), Verdict::Bad);
        assert_eq!(of(|model| model.connection = Connection::Lost("Gone.".into())), Verdict::Bad);
        let quarantine = |model: &mut Model| {
            let state = FaultState::Quarantine;
            model.status.faults.push(ModuleFault { state, ..ModuleFault::default() });
        };
        assert_eq!(of(quarantine), Verdict::Warm);
        let replaced = |model: &mut Model| {
            let state = FaultState::Replaced;
            model.status.faults.push(ModuleFault { state, ..ModuleFault::default() });
        };
        assert_eq!(of(replaced), Verdict::Good);
    }

    #[test]
    fn the_button_asks_for_a_death() {
        let mut harness = stage(Model::default());
        harness.get_by_label("Kill a worker while you listen").click();
        harness.run_steps(2);
        assert_eq!(harness.state().1.requests, [Request::Kill(Kill { slot: None })]);
    }

    #[test]
    fn what_the_drill_has_shown_is_said_with_its_measure() {
        let mut model = Model::default();
        (model.sound.ahead, model.sound.block_frames, model.sound.sample_rate_hz) =
            (2, 240, 48_000);
        let drill = |recovery_secs| Killed { pid: 77, slot: 0, recovery_secs, xruns: 0 };
        let quick = drill_sentence(&drill(0.0021), &model);
        assert!(quick.contains("2.1 ms later") && quick.contains("10.0 ms"), "{quick}");
        assert!(quick.ends_with("You heard nothing."));
        let slow = drill_sentence(&drill(0.05), &model);
        assert!(slow.contains("50.0 ms later") && !slow.contains("heard nothing"), "{slow}");
    }

    #[test]
    fn a_module_in_trouble_can_be_tried_again() {
        let fault = |module: &str, state| ModuleFault {
            module: module.to_owned(),
            state,
            crashes: 2,
            not_finite: 0,
        };
        let faults = vec![fault("reverb", FaultState::Rests), fault("vco", FaultState::Runs)];
        let model = Model { status: Status { faults, ..Status::default() }, ..Model::default() };
        let mut harness = stage(model);
        harness.get_by_label("rests, crashed 2 times");
        harness.get_by_label("Try again").click();
        harness.run_steps(2);
        let id = "reverb".parse().unwrap();
        assert_eq!(harness.state().1.requests, [Request::Retry(Retry { module: id })]);
    }
}
