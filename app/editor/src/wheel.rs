//! The mouse wheel zooms the canvas and turns knobs: whatever it turned last keeps
//! it for a moment. Where the musician does not want it, it turns no knob.

use eframe::egui::{Context, Id, Ui};

/// So long after its last turn the wheel may turn something else.
const WHEEL_REST_SECS: f64 = 0.4;

fn wheel_id() -> Id {
    Id::new("the wheel is the canvas's")
}

fn setting_id() -> Id {
    Id::new("the wheel turns no knobs")
}

/// Whether the wheel turns knobs at all.
pub fn set_wheel_turns_knobs(ctx: &Context, turns: bool) {
    ctx.data_mut(|data| data.insert_temp(setting_id(), !turns));
}

/// The wheel zooms now, and goes on to do so until it rests.
pub fn zoom_with_wheel(ui: &Ui) {
    let until_secs = ui.input(|input| input.time) + WHEEL_REST_SECS;
    ui.data_mut(|data| data.insert_temp(wheel_id(), until_secs));
}

/// Whether the wheel is the canvas's, so that it turns no knob that is under the
/// pointer, or comes there meanwhile.
pub fn wheel_zooms(ui: &Ui) -> bool {
    let (until_secs, never_turns): (f64, bool) = ui.data(|data| {
        let until_secs = data.get_temp(wheel_id()).unwrap_or(0.0);
        (until_secs, data.get_temp(setting_id()).unwrap_or(false))
    });
    never_turns || ui.input(|input| input.time) < until_secs
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui_kittest::Harness;

    #[test]
    fn the_wheel_is_the_canvass_while_it_zooms_and_where_it_turns_no_knobs() {
        let app = |ui: &mut Ui, (turns, zooms, is_canvass): &mut (bool, bool, bool)| {
            set_wheel_turns_knobs(ui.ctx(), *turns);
            if *zooms {
                zoom_with_wheel(ui);
            }
            *is_canvass = wheel_zooms(ui);
        };
        let builder = Harness::builder().with_step_dt(0.1);
        let mut harness = builder.build_ui_state(app, (true, false, false));
        let mut after = |turns, zooms, steps| {
            let state = harness.state_mut();
            (state.0, state.1) = (turns, zooms);
            harness.run_steps(steps);
            harness.state().2
        };
        assert!(!after(true, false, 1));
        assert!(after(true, true, 1));
        assert!(after(true, false, 1), "it rests a moment");
        assert!(!after(true, false, 6));
        assert!(after(false, false, 1));
    }
}
