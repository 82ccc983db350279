//! Lanes of an Automation module: how knobs move beat by beat. Points are dragged, added
//! and removed with the mouse.

use eframe::egui::{Align2, Pos2, Rect, Sense, Stroke, Ui, WidgetInfo, WidgetType, pos2};
use sostenuto_modules::param::Param;
use sostenuto_patch::automation::{self, Lane, Point};
use sostenuto_patch::{Patch, entry};

use super::ScreenSpot;
use crate::model::Asks;
use crate::param::label;
use crate::patching::spoken;
use crate::pen::{Pen, across_and_up, at, guide};
use crate::theme::Theme;

/// How near a point or a line the mouse must be, in points.
const NEAR: f32 = 9.0;
/// Room at the edges for what lies on them.
const INSET: f32 = 8.0;

/// Lanes while a point of them is dragged.
#[derive(Clone, Debug)]
struct Draft {
    lanes: Vec<Lane>,
    held: Held,
}

/// A point: of which lane, and which there.
type Held = (usize, usize);

/// The lanes, and where it plays.
pub fn lanes_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, asks: &mut Asks) {
    let id = ui.id().with(("lanes", spot.module.as_str()));
    let response = ui.interact(spot.rect, id, Sense::click_and_drag());
    let mut draft: Option<Draft> = ui.data(|data| data.get_temp(id));
    let lanes = draft.as_ref().map_or_else(|| spot.params.lanes(), |draft| draft.lanes.clone());
    let names: Vec<String> = lanes.iter().map(|lane| name(spot.patch, lane)).collect();
    response.widget_info(|| {
        let name = format!("lanes of {}", spot.module);
        WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), name)
    });
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(names.join(", ")));
    let sheet = Sheet::of(spot);
    let pointer = response.hover_pos().or(response.interact_pointer_pos());
    let pointed = pointer.and_then(|place| sheet.point_near(spot.patch, &lanes, place));
    if response.drag_started() {
        // By now the mouse has gone some way.
        let pressed = ui.input(|input| input.pointer.press_origin());
        let held = pressed.and_then(|place| sheet.point_near(spot.patch, &lanes, place));
        draft = held.map(|held| Draft { lanes: lanes.clone(), held });
    }
    if let (Some(draft), Some(place)) = (&mut draft, response.interact_pointer_pos()) {
        sheet.drag(spot.patch, draft, place);
    }
    if response.drag_stopped()
        && let Some(draft) = draft.take()
    {
        asks.set_text(spot.module, &automation::write(&draft.lanes));
    }
    if response.double_clicked()
        && let Some(place) = pointer
        && let Some(lanes) = sheet.turned(spot.patch, &lanes, place)
    {
        asks.set_text(spot.module, &automation::write(&lanes));
    }
    let help = pointed.map(|(lane, point)| {
        let Point { beat, value } = lanes[lane].points[point];
        let value = facts(spot.patch, &lanes[lane]).map(|facts| entry::show(facts, value));
        format!("{} {}, beat {:.2}", names[lane], value.unwrap_or_default(), beat + 1.0)
    });
    ui.data_mut(|data| match draft.clone() {
        Some(draft) => {
            data.insert_temp(id, draft);
        }
        None => data.remove::<Draft>(id),
    });
    if ui.is_rect_visible(spot.rect) {
        let pen = Pen::within(ui, spot.zoom, spot.rect);
        let lanes = draft.as_ref().map_or(&lanes, |draft| &draft.lanes);
        sheet.draw(&pen, theme, spot, lanes, pointed);
    }
    response.context_menu(|ui| {
        for (index, name) in names.iter().enumerate() {
            if ui.button(format!("Remove {name}")).clicked() {
                let mut lanes = lanes.clone();
                lanes.remove(index);
                asks.set_text(spot.module, &automation::write(&lanes));
                ui.close();
            }
        }
        if names.is_empty() {
            ui.label("Switch record on, and move knobs");
        } else if names.len() > 1 && ui.button("Remove all").clicked() {
            asks.set_text(spot.module, "");
            ui.close();
        }
    });
    if let Some(help) = help {
        response.on_hover_text(help);
    }
}

/// The lanes from some way off.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot) {
    Sheet::of(spot).draw(pen, theme, spot, &spot.params.lanes(), None);
}

/// Where beats and knobs' positions lie on the screen.
struct Sheet {
    field: Rect,
    length_beats: f32,
    zoom: f32,
}

impl Sheet {
    fn of(spot: &ScreenSpot) -> Sheet {
        let field = spot.rect.shrink(INSET * spot.zoom);
        Sheet { field, length_beats: spot.param("length").max(1.0), zoom: spot.zoom }
    }

    fn place(&self, facts: &Param, point: Point) -> Pos2 {
        at(self.field, point.beat / self.length_beats, facts.position(point.value))
    }

    fn point_at(&self, facts: &Param, place: Pos2) -> Point {
        let (across, up) = across_and_up(self.field, place);
        Point { beat: across * self.length_beats, value: facts.at(up) }
    }

    /// The point that the mouse is at.
    fn point_near(&self, patch: &Patch, lanes: &[Lane], place: Pos2) -> Option<Held> {
        let mut all = Vec::new();
        for (index, lane) in lanes.iter().enumerate() {
            let Some(facts) = facts(patch, lane) else { continue };
            let far = |point: &Point| self.place(facts, *point).distance(place);
            all.extend((0..).zip(lane.points.iter().map(far)).map(|(it, far)| (index, it, far)));
        }
        let nearest = all.into_iter().min_by(|a, b| a.2.total_cmp(&b.2));
        let (lane, point, _) = nearest.filter(|(_, _, far)| *far <= NEAR * self.zoom.max(1.0))?;
        Some((lane, point))
    }

    /// The held point goes with the mouse, as far as those beside it let it.
    fn drag(&self, patch: &Patch, draft: &mut Draft, place: Pos2) {
        let (lane, held) = draft.held;
        let lane = &mut draft.lanes[lane];
        let Some(facts) = facts(patch, lane) else { return };
        let least = held.checked_sub(1).map_or(0.0, |before| lane.points[before].beat);
        let most = lane.points.get(held + 1).map_or(self.length_beats, |next| next.beat);
        let to = self.point_at(facts, place);
        lane.points[held] = Point { beat: to.beat.clamp(least, most.max(least)), ..to };
    }

    /// The lanes without the point that is there, or with one more on the line there.
    fn turned(&self, patch: &Patch, lanes: &[Lane], place: Pos2) -> Option<Vec<Lane>> {
        let mut lanes = lanes.to_vec();
        if let Some((lane, point)) = self.point_near(patch, &lanes, place) {
            lanes[lane].points.remove(point);
            lanes.retain(|lane| !lane.points.is_empty());
            return Some(lanes);
        }
        let is_on = |lane: &&mut Lane| {
            let Some(facts) = facts(patch, lane) else { return false };
            let beat = self.point_at(facts, place).beat;
            let value = automation::at(facts, &lane.points, beat).unwrap_or_default();
            let line = self.place(facts, Point { beat, value });
            (line.y - place.y).abs() <= NEAR * self.zoom.max(1.0)
        };
        let lane = lanes.iter_mut().find(is_on)?;
        let point = self.point_at(facts(patch, lane)?, place);
        let after = lane.points.partition_point(|old| old.beat <= point.beat);
        lane.points.insert(after, point);
        Some(lanes)
    }

    fn draw(
        &self,
        pen: &Pen,
        theme: &Theme,
        spot: &ScreenSpot,
        lanes: &[Lane],
        pointed: Option<Held>,
    ) {
        let is_recording = spot.param("record") > 0.5;
        pen.well(spot.rect, theme.well, if is_recording { theme.trouble } else { theme.edge });
        let beats = self.length_beats as usize;
        let step = beats.div_ceil(16).max(1);
        for beat in (0..=beats).step_by(step) {
            let across = beat as f32 / self.length_beats;
            let strength = if beat % 4 == 0 { 0.7 } else { 0.35 };
            pen.line(
                at(self.field, across, 0.0),
                at(self.field, across, 1.0),
                1.0,
                guide(theme, strength),
            );
        }
        for (index, lane) in lanes.iter().enumerate() {
            let Some(facts) = facts(spot.patch, lane) else { continue };
            let colour = theme.cables[index % theme.cables.len()];
            pen.path(self.line(facts, lane), 1.8, colour);
            for (number, point) in lane.points.iter().enumerate() {
                let is_pointed = pointed == Some((index, number));
                let radius = if is_pointed { 5.0 } else { 2.5 };
                pen.disc(self.place(facts, *point), radius, colour, Stroke::NONE);
            }
        }
        let words = match (is_recording, lanes.is_empty()) {
            (true, _) => "records what you move",
            (false, true) => "switch record on, and move knobs",
            (false, false) => "",
        };
        pen.fitted_text(self.field, Align2::CENTER_TOP, 12.0, theme.faint, words);
        let beat = spot.display.first().copied().unwrap_or(-1.0);
        if beat >= 0.0 {
            let across = (beat / self.length_beats).min(1.0);
            let colour = if is_recording { theme.trouble } else { theme.text };
            pen.line(at(self.field, across, 0.0), at(self.field, across, 1.0), 1.5, colour);
        }
    }

    /// A lane from the start to the end: what jumps goes in steps.
    fn line(&self, facts: &Param, lane: &Lane) -> Vec<Pos2> {
        let mut line = Vec::with_capacity(2 * lane.points.len() + 2);
        for point in &lane.points {
            let place = self.place(facts, *point);
            match line.last() {
                None => line.push(pos2(self.field.left(), place.y)),
                Some(&Pos2 { y, .. }) if facts.jumps() => line.push(pos2(place.x, y)),
                Some(_) => {}
            }
            line.push(place);
        }
        line.extend(line.last().map(|last| pos2(self.field.right().max(last.x), last.y)));
        line
    }
}

fn facts(patch: &Patch, lane: &Lane) -> Option<&'static Param> {
    let about = patch.modules.get(&lane.module)?.about().ok()?;
    Some(&about.params[about.param(&lane.param)?])
}

/// What a musician calls the knob of a lane.
fn name(patch: &Patch, lane: &Lane) -> String {
    let knob = facts(patch, lane).map_or_else(|| lane.param.to_string(), label);
    format!("{knob} of {}", spoken(&lane.module))
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Event, Modifiers, PointerButton, vec2};
    use egui_kittest::Harness;
    use sostenuto_osc::message::Request;
    use sostenuto_patch::{Edit, PatchModule, apply};

    use super::*;
    use crate::theme::Look;

    const SHEET: Sheet = Sheet {
        field: Rect { min: Pos2::ZERO, max: pos2(400.0, 100.0) },
        length_beats: 4.0,
        zoom: 1.0,
    };

    fn patch() -> Patch {
        let mut patch = Patch::default();
        let module = PatchModule::new("ladder", 0.0, 0.0);
        apply(&mut patch, Edit::AddModule { id: "ladder".parse().unwrap(), module }).unwrap();
        patch
    }

    fn lanes(text: &str) -> Vec<Lane> {
        automation::read(text).unwrap()
    }

    #[test]
    fn a_point_is_dragged_as_far_as_its_neighbours() {
        let (patch, lanes) = (patch(), lanes("ladder.resonance 0 0 2 0.5 3 1"));
        let held = SHEET.point_near(&patch, &lanes, pos2(203.0, 48.0)).unwrap();
        assert_eq!(held, (0, 1));
        assert_eq!(SHEET.point_near(&patch, &lanes, pos2(100.0, 20.0)), None);
        let mut draft = Draft { lanes, held };
        SHEET.drag(&patch, &mut draft, pos2(250.0, 20.0));
        let found = draft.lanes[0].points[1];
        assert!((found.beat - 2.5).abs() < 1e-4 && (found.value - 0.8).abs() < 1e-4, "{found:?}");
        SHEET.drag(&patch, &mut draft, pos2(390.0, -50.0));
        assert_eq!(draft.lanes[0].points[1], Point { beat: 3.0, value: 1.0 });
    }

    #[test]
    fn a_hand_that_presses_a_point_and_goes_far_takes_it_along() {
        let mut patch = patch();
        let mut module = PatchModule::new("automation", 0.0, 0.0);
        module.text = "ladder.resonance 0 0 8 0.5 16 1\n".into();
        apply(&mut patch, Edit::AddModule { id: "play".parse().unwrap(), module }).unwrap();
        let app = |ui: &mut Ui, (patch, asks): &mut (Patch, Asks)| {
            let module = "play".parse().unwrap();
            let params = &patch.modules[&module];
            let spot = ScreenSpot {
                rect: Rect::from_min_size(Pos2::ZERO, vec2(416.0, 116.0)),
                zoom: 1.0,
                module: &module,
                about: params.about().unwrap(),
                params,
                display: &[],
                sample_rate_hz: 48_000.0,
                moved: Vec::new(),
                patch,
            };
            lanes_ui(ui, &Theme::of(Look::Dark), &spot, asks);
        };
        let builder = Harness::builder().with_size(vec2(500.0, 400.0));
        let mut harness = builder.build_ui_state(app, (patch, Asks::default()));
        for (place, pressed) in
            [((208.0, 58.0), true), ((280.0, 20.0), true), ((308.0, 33.0), false)]
        {
            let pos = pos2(place.0, place.1);
            harness.hover_at(pos);
            harness.step();
            if place.0 != 280.0 {
                let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
                harness.event(Event::PointerButton { pos, button, pressed, modifiers });
                harness.step();
            }
        }
        let asked = harness.state_mut().1.requests.pop();
        let Some(Request::Edit(Edit::SetText { text, .. })) = asked else { panic!("{asked:?}") };
        let point = lanes(&text)[0].points[1];
        assert!((point.beat - 12.0).abs() < 0.1 && (point.value - 0.75).abs() < 0.02, "{point:?}");
    }

    #[test]
    fn a_double_click_adds_a_point_to_a_line_and_takes_one_away() {
        let (patch, lanes) = (patch(), lanes("ladder.resonance 0 0 4 1"));
        let more = SHEET.turned(&patch, &lanes, pos2(200.0, 52.0)).unwrap();
        assert_eq!(more[0].points.len(), 3);
        assert_eq!(SHEET.turned(&patch, &lanes, pos2(200.0, 10.0)), None);
        let less = SHEET.turned(&patch, &lanes, pos2(1.0, 99.0)).unwrap();
        assert_eq!(automation::write(&less), "ladder.resonance 4 1\n");
        assert!(SHEET.turned(&patch, &less, pos2(399.0, 1.0)).unwrap().is_empty());
    }

    #[test]
    fn what_jumps_is_drawn_in_steps_and_lanes_without_a_module_not_at_all() {
        let patch = patch();
        let lane = &lanes("ladder.oversample 1 1 2 0")[0];
        let line = SHEET.line(facts(&patch, lane).unwrap(), lane);
        assert_eq!(line.len(), 5);
        let gone = &lanes("gone.level 0 1")[0];
        assert!(facts(&patch, gone).is_none());
        assert_eq!(name(&patch, gone), "level of gone");
    }
}
