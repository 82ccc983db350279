//! Start, stop and tempo of the patch's clocks, in one place.

use std::ops::RangeInclusive;

use eframe::egui::{DragValue, RichText, Sense, Ui, WidgetInfo, WidgetType, vec2};
use sostenuto_modules::catalog;
use sostenuto_modules::module::{About, Role};
use sostenuto_patch::{Edit, ModuleId, Patch, PatchModule};

use super::canvas::placing;
use super::model::{Asks, Model};
use super::parts::{button, faint};
use super::theme::Theme;

/// So long after a tap the next begins anew, in seconds: a beat of 30 BPM.
const LONGEST_SECS: f64 = 2.0;
/// How many beats a tempo is the mean of.
const MOST_BEATS: usize = 8;
/// From what width on, in points, a bar has room for what.
const TEMPO: f32 = 720.0;
const TAP: f32 = 820.0;
const BEATS: f32 = 940.0;
/// Below the lowest module, in points.
const BELOW: f32 = 300.0;

/// The tempo of a hand that taps.
#[derive(Debug, Default)]
pub struct TapTempo {
    taps_secs: Vec<f64>,
}

impl TapTempo {
    /// A tap; the tempo in BPM, from the second on.
    pub fn tap(&mut self, now_secs: f64) -> Option<f64> {
        if self.taps_secs.last().is_some_and(|last| now_secs - last > LONGEST_SECS) {
            self.taps_secs.clear();
        }
        self.taps_secs.push(now_secs);
        if self.taps_secs.len() > MOST_BEATS + 1 {
            self.taps_secs.remove(0);
        }
        let beats = self.taps_secs.len() - 1;
        let secs = now_secs - self.taps_secs[0];
        let bpm = (beats > 0 && secs > 0.0).then(|| 60.0 * beats as f64 / secs)?;
        let range = bpm_range();
        Some(bpm.clamp(*range.start(), *range.end()))
    }
}

/// Start, stop and tempo.
#[derive(Debug, Default)]
pub struct Transport {
    taps: TapTempo,
    gesture: i32,
}

impl Transport {
    /// Draws it in a row, as much as there is room for in a bar of that width.
    pub fn ui(&mut self, ui: &mut Ui, theme: &Theme, model: &Model, room: f32, asks: &mut Asks) {
        let Some((first, clock)) = clocks(model.patch()).next() else {
            if room < TEMPO {
                return;
            }
            let add = button(ui, "Add a clock");
            if add.on_hover_text("Beats for sequencers and envelopes").clicked() {
                asks.edit(add_clock(model.patch()));
            }
            return;
        };
        let is_running = is_running(clock);
        let (text, words, ink) = match is_running {
            true => ("⏹", "Stop the clocks", theme.accent),
            false => ("▶", "Start the clocks", theme.good),
        };
        let play = ui.add(
            eframe::egui::Button::new(RichText::new(text).size(16.0).color(ink))
                .min_size(vec2(34.0, 28.0)),
        );
        play.widget_info(|| WidgetInfo::labeled(WidgetType::Button, true, words));
        if play.on_hover_text(words).clicked() {
            play_stop(model.patch(), asks);
        }
        if room >= TEMPO {
            self.tempo_ui(ui, model, clock, asks);
        }
        if room < TAP {
            return;
        }
        if button(ui, "Tap").on_hover_text("Tap the tempo").clicked() {
            self.tap(ui.input(|input| input.time), model, asks);
        }
        if room < BEATS {
            return;
        }
        let bar = model.signals.display(first).first().copied();
        beats(ui, theme, bar.filter(|_| is_running));
    }

    fn tempo_ui(&mut self, ui: &mut Ui, model: &Model, clock: &PatchModule, asks: &mut Asks) {
        let mut bpm = clock.param("bpm").map_or(120.0, f64::from);
        let value = DragValue::new(&mut bpm)
            .range(bpm_range())
            .speed(0.25)
            .max_decimals(2)
            .suffix(" BPM")
            .update_while_editing(false);
        let response = ui.add_sized(vec2(92.0, 28.0), value);
        response.widget_info(|| WidgetInfo::slider(true, bpm, "Tempo in BPM"));
        if response.drag_started() || self.gesture == 0 {
            self.gesture = asks.begin_gesture();
        }
        if response.changed() {
            // What is typed, or turned by an arrow key, is a step of its own.
            if !response.dragged() {
                self.gesture = asks.begin_gesture();
            }
            set_tempo(model.patch(), bpm, self.gesture, asks);
        }
    }

    /// A tap on the tempo, by a button or a key.
    pub fn tap(&mut self, now_secs: f64, model: &Model, asks: &mut Asks) {
        let Some(bpm) = self.taps.tap(now_secs) else { return };
        // One undo step for all the taps that make one tempo.
        if self.taps.taps_secs.len() == 2 {
            self.gesture = asks.begin_gesture();
        }
        set_tempo(model.patch(), bpm, self.gesture, asks);
    }
}

/// Starts the clocks, or stops them where they run.
pub fn play_stop(patch: &Patch, asks: &mut Asks) {
    let run = !clocks(patch).any(|(_, clock)| is_running(clock));
    let gesture = asks.begin_gesture();
    for (id, _) in clocks(patch) {
        asks.set_param(id, "run", f32::from(run), gesture);
    }
}

fn set_tempo(patch: &Patch, bpm: f64, gesture: i32, asks: &mut Asks) {
    for (id, _) in clocks(patch) {
        asks.set_param(id, "bpm", bpm as f32, gesture);
    }
}

fn clocks(patch: &Patch) -> impl Iterator<Item = (&ModuleId, &PatchModule)> {
    patch.modules.iter().filter(|(_, module)| module.has_role(Role::Clock))
}

/// The module that is a clock.
fn clock() -> &'static About {
    catalog::with_role(Role::Clock).1.about
}

/// The tempi that a clock can be set to.
fn bpm_range() -> RangeInclusive<f64> {
    let about = clock();
    let range = &about.params[about.param("bpm").expect("a clock has a tempo")].range;
    f64::from(*range.start())..=f64::from(*range.end())
}

fn is_running(clock: &PatchModule) -> bool {
    clock.param("run").unwrap_or(0.0) > 0.5
}

/// A clock below everything that is there.
fn add_clock(patch: &Patch) -> Edit {
    let modules = || patch.modules.values();
    let x = modules().map(|module| module.x).min_by(f32::total_cmp).unwrap_or(0.0);
    let y = modules().map(|module| module.y + BELOW).max_by(f32::total_cmp).unwrap_or(0.0);
    let name = clock().name;
    let module = PatchModule::new(name, x, y);
    placing::settled(patch, Edit::AddModule { id: patch.fresh_id(name), module })
}

/// Four lamps: the beats of a bar that is so far, 0 to 1.
fn beats(ui: &mut Ui, theme: &Theme, bar: Option<f32>) {
    let (rect, response) = ui.allocate_exact_size(vec2(62.0, 28.0), Sense::hover());
    let now = bar.map(|bar| (bar.clamp(0.0, 0.9999) * 4.0) as usize);
    for beat in 0..4 {
        let centre = rect.left_center() + vec2(8.0 + 15.0 * beat as f32, 0.0);
        let is_lit = now == Some(beat);
        let (radius, ink) = match (is_lit, beat) {
            (true, 0) => (5.5, theme.accent),
            (true, _) => (5.0, theme.good),
            (false, _) => (4.0, theme.knob),
        };
        ui.painter().circle(centre, radius, ink, (1.0, if is_lit { ink } else { theme.edge }));
    }
    let words = now.map_or("Stopped".to_owned(), |beat| format!("Beat {}", beat + 1));
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Label, true, &words));
    response.on_hover_ui(|ui| drop(faint(ui, theme, words.clone())));
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;
    use sostenuto_osc::message::Request;
    use sostenuto_osc::message::param::{SetParam, Value};
    use sostenuto_osc::mirror::Mirror;

    #[test]
    fn taps_half_a_second_apart_are_120_bpm() {
        let mut taps = TapTempo::default();
        assert_eq!(taps.tap(10.0), None);
        for n in 1..20 {
            assert_eq!(taps.tap(10.0 + 0.5 * f64::from(n)), Some(120.0));
        }
    }

    #[test]
    fn a_tempo_is_the_mean_of_the_last_beats() {
        let mut taps = TapTempo::default();
        taps.tap(0.0);
        taps.tap(0.4);
        assert_eq!(taps.tap(1.0), Some(120.0));
        assert_eq!(taps.tap(9.0), None, "after a pause it begins anew");
        assert_eq!(taps.tap(9.01), Some(300.0), "nobody is so fast");
        assert_eq!(taps.tap(9.01), Some(300.0), "not even at the same time");
    }

    fn patch() -> Patch {
        let mut patch = Patch::default();
        for (id, y) in [("clock", 40.0), ("clock-2", 100.0)] {
            patch.modules.insert(id.parse().unwrap(), PatchModule::new("clock", 20.0, y));
        }
        patch
    }

    #[test]
    fn all_clocks_start_and_stop_in_one_step() {
        let mut asks = Asks::default();
        let mut patch = patch();
        play_stop(&patch, &mut asks);
        for request in std::mem::take(&mut asks.requests) {
            let Request::SetParam(SetParam { module, param, value: Value::Number(value), gesture }) =
                request
            else {
                panic!("{request:?}")
            };
            assert_eq!((&*param, value, gesture), ("run", 0.0, 1));
            patch.modules.get_mut(&module).unwrap().params.insert(param, value);
        }
        play_stop(&patch, &mut asks);
        assert_eq!(asks.requests.len(), 2);
        assert!(format!("{:?}", asks.requests).contains("Number(1.0)"));
    }

    fn stage(patch: &Patch) -> Harness<'static, (Transport, Model, Asks)> {
        let model = Model { mirror: Mirror::of(patch.clone()), ..Model::default() };
        let app = |ui: &mut Ui, (transport, model, asks): &mut (Transport, Model, Asks)| {
            ui.horizontal(|ui| transport.ui(ui, &Theme::of(Look::Dark), model, 1280.0, asks));
        };
        let state = (Transport::default(), model, Asks::default());
        let mut harness = Harness::builder().with_step_dt(0.05).build_ui_state(app, state);
        harness.run_steps(2);
        harness
    }

    #[test]
    fn where_there_is_no_clock_one_can_be_added() {
        let mut patch = Patch::default();
        patch.modules.insert("vco".parse().unwrap(), PatchModule::new("vco", 20.0, 40.0));
        let mut harness = stage(&patch);
        harness.get_by_label("Add a clock").click();
        harness.run_steps(2);
        let clock = PatchModule::new("clock", 20.0, 460.0);
        let add = Edit::AddModule { id: "clock".parse().unwrap(), module: clock };
        assert_eq!(harness.state().2.requests, [Request::Edit(add)]);
    }

    #[test]
    fn tapping_sets_every_clock_and_is_one_step() {
        let mut harness = stage(&patch());
        for _ in 0..4 {
            harness.get_by_label("Tap").click();
            harness.run_steps(10);
        }
        let sets: Vec<(String, i32)> = harness
            .state()
            .2
            .requests
            .iter()
            .map(|request| {
                let Request::SetParam(SetParam { value: Value::Number(bpm), gesture, .. }) =
                    request
                else {
                    panic!("{request:?}")
                };
                (format!("{bpm:.0}"), *gesture)
            })
            .collect();
        assert_eq!(sets.len(), 6, "three tempi for two clocks");
        assert!(sets.iter().all(|set| *set == sets[0]), "{sets:?}");
    }

    #[test]
    fn play_and_stop_say_what_they_do() {
        let mut harness = stage(&patch());
        harness.get_by_label("Stop the clocks").click();
        harness.run_steps(2);
        assert_eq!(harness.state().2.requests.len(), 2);
        assert!(harness.query_by_label("Start the clocks").is_none());
    }
}
