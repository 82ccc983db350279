//! What a patch may do outside the program is asked once: somebody else may have
//! made it.

use eframe::egui::{Align2, Area, Context, Id, Order, vec2};
use sostenuto_osc::message::Request;
use sostenuto_osc::message::patch::Allow;

use crate::model::{Asks, Model};
use crate::parts::{button, caption, floating, main_button};
use crate::theme::Theme;

const WIDTH: f32 = 380.0;
/// Below the menus, in points.
const TOP: f32 = 52.0;

/// The question, while it waits. The patch plays meanwhile.
#[derive(Debug, Default)]
pub struct Permission {
    /// What was refused: it is not asked again by itself.
    refused: String,
}

impl Permission {
    /// The musician wants to be asked once more.
    pub fn ask_again(&mut self) {
        self.refused.clear();
    }

    /// Once a frame: asks where the patch wants something.
    pub fn ui(&mut self, ctx: &Context, theme: &Theme, model: &Model, asks: &mut Asks) {
        if model.wants.is_empty() {
            return self.refused.clear();
        }
        if model.wants == self.refused {
            return;
        }
        let area = Area::new(Id::new("permission"))
            .order(Order::Foreground)
            .anchor(Align2::CENTER_TOP, vec2(0.0, TOP));
        area.show(ctx, |ui| {
            floating(theme).show(ui, |ui| {
                ui.set_width(WIDTH);
                caption(ui, theme, "May this patch do that?");
                ui.label(format!("It wants to {}.", model.wants));
                ui.label("It plays all the same. Allow it if you know who made it.");
                ui.add_space(6.0);
                ui.horizontal(|ui| {
                    if main_button(ui, theme, "Not now").clicked() {
                        self.refused.clone_from(&model.wants);
                    }
                    if button(ui, "Allow").clicked() {
                        asks.requests.push(Request::Allow(Allow {}));
                    }
                });
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;

    #[test]
    fn it_is_asked_until_it_is_answered_and_again_for_something_else() {
        let app = |ui: &mut eframe::egui::Ui, desk: &mut (Permission, Model, Asks)| {
            let (permission, model, asks) = desk;
            permission.ui(ui.ctx(), &Theme::of(Look::Dark), model, asks);
        };
        let mut harness = Harness::builder().build_ui_state(app, Default::default());
        harness.run_steps(3);
        assert!(harness.query_by_label("Allow").is_none(), "nothing is wanted");
        harness.state_mut().1.wants = "record to disk".to_owned();
        harness.run_steps(3);
        assert!(harness.query_by_label("It wants to record to disk.").is_some());
        harness.get_by_label("Not now").click();
        harness.run_steps(3);
        assert!(harness.query_by_label("Allow").is_none(), "it was refused");
        harness.state_mut().1.wants = "send OSC to 10.0.0.7:9".to_owned();
        harness.run_steps(3);
        harness.get_by_label("Allow").click();
        harness.run_steps(3);
        assert_eq!(harness.state().2.requests, [Request::Allow(Allow {})]);
        harness.state_mut().0.refused = "send OSC to 10.0.0.7:9".to_owned();
        harness.state_mut().0.ask_again();
        harness.run_steps(3);
        assert!(harness.query_by_label("Allow").is_some());
    }
}
