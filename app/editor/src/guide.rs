//! The first two minutes: a small card that watches the patch, and knows by it
//! how far the musician has come.

use std::collections::BTreeSet;

use eframe::egui::{Area, Context, Id, Order, Pos2, Rect, RichText, Sense, Ui, pos2, vec2};
use sostenuto_patch::{ModuleId, Patch};

use super::model::Model;
use super::parts::{button, caption, faint, floating, main_button, row};
use super::preferences::Preferences;
use super::shortcuts::{Command, keys_of};
use super::theme::Theme;

const WIDTH: f32 = 290.0;
/// About how high the card is.
const USUAL_HEIGHT: f32 = 130.0;

/// One thing to do, and how it shows in the patch that it was done.
struct Step {
    title: &'static str,
    help: &'static str,
    is_done: fn(&Model) -> bool,
}

const STEPS: [Step; 8] = [
    Step {
        title: "An empty canvas",
        help: "You hear a factory patch. Press {new} to start your own; Undo brings this one back.",
        is_done: |model| model.patch().modules.is_empty(),
    },
    Step {
        title: "Add an oscillator",
        help: "Double-click an empty place, or press {add}. Type “vco” and press Enter.",
        is_done: |model| has(model.patch(), &["vco"]),
    },
    Step {
        title: "Add an output",
        help: "Add “Audio Out” in the same way. It goes to your loudspeakers.",
        is_done: |model| has(model.patch(), &["audio-out"]),
    },
    Step {
        title: "Hear it",
        help: "Drag a cable from the VCO's “saw” to “left” of Audio Out. Turn Audio Out's level down first if your loudspeakers are loud.",
        is_done: |model| chain(model.patch(), &[&["vco"], &["audio-out"]]),
    },
    Step {
        title: "Give it colour",
        help: "Drop a filter onto the cable: right-click the cable, choose Insert, and type “ladder”.",
        is_done: |model| chain(model.patch(), &[&["vco"], &["ladder", "svf"], &["audio-out"]]),
    },
    Step {
        title: "Turn the knob everybody turns",
        help: "Drag the filter's cutoff up and down.",
        is_done: |model| is_turned(model.patch(), &["ladder", "svf"], "cutoff"),
    },
    Step {
        title: "Play it",
        help: "Add “Keyboard” and patch its “voct” to the VCO's “voct”. Now play, on the screen or on your computer's keys.",
        is_done: |model| chain(model.patch(), &[&["keyboard"], &["vco"]]),
    },
    Step {
        title: "Shape the notes",
        help: "Insert a VCA before Audio Out. Patch the Keyboard's “gate” to a new ADSR, and the ADSR to the VCA's “cv”.",
        is_done: |model| {
            let patch = model.patch();
            chain(patch, &[&["vco"], &["vca"], &["audio-out"]])
                && chain(patch, &[&["keyboard"], &["adsr"], &["vca"]])
        },
    },
];

/// The guided patch.
#[derive(Debug, Default)]
pub struct Guide {
    is_open: bool,
    done: usize,
    /// Whether the first patch has come.
    has_begun: bool,
    /// Whether the patch was begun on an empty canvas: in another nothing is known
    /// by what there is.
    is_own: bool,
    /// How many modules there were.
    modules: usize,
    /// Where the card is, while no hand has put it elsewhere.
    corner: Pos2,
    /// The window that it was put into.
    room: Option<Rect>,
    /// Whether a hand has put it where it is.
    is_put: bool,
}

/// More modules than that at once are a patch that was opened.
const MOST_AT_ONCE: usize = 3;

impl Guide {
    /// Open for who has not seen it.
    pub fn new(preferences: &Preferences) -> Guide {
        Guide { is_open: !preferences.has_seen_guide, ..Guide::default() }
    }

    /// Begins it again.
    pub fn start(&mut self) {
        *self = Guide { is_open: true, has_begun: self.has_begun, ..Guide::default() };
    }

    /// Whether it is there.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Which step is shown: in a patch that was opened, how to begin one's own.
    fn step(&self) -> usize {
        if self.is_own || self.done == STEPS.len() { self.done } else { 0 }
    }

    fn follow(&mut self, model: &Model) {
        let modules = model.patch().modules.len();
        let came = modules.saturating_sub(self.modules);
        self.modules = modules;
        if modules == 0 {
            self.is_own = true;
        } else if came > MOST_AT_ONCE {
            self.is_own = false;
        }
        // What was done stays done, whatever happens to the patch afterwards.
        while self.is_own && STEPS.get(self.done).is_some_and(|step| (step.is_done)(model)) {
            self.done += 1;
        }
    }

    /// Shows the card, at the window's lower left. It can be dragged elsewhere, and
    /// goes by itself where it would lie on one of these parts of the screen.
    pub fn ui(
        &mut self,
        ctx: &Context,
        theme: &Theme,
        model: &Model,
        shown: &[Rect],
        preferences: &mut Preferences,
    ) {
        if !self.is_open {
            return;
        }
        self.has_begun |= !model.patch().modules.is_empty();
        if !self.has_begun {
            return;
        }
        self.follow(model);
        let area = Area::new(Id::new("guide")).order(Order::Middle).constrain(true);
        let room = ctx.content_rect();
        if self.room.replace(room) != Some(room) {
            self.corner = room.left_bottom() + vec2(16.0, -48.0 - USUAL_HEIGHT);
        }
        let area = if self.is_put { area } else { area.current_pos(self.corner) };
        let is_left = area.show(ctx, |ui| {
            floating(theme).show(ui, |ui| {
                ui.set_width(WIDTH);
                self.card(ui, theme)
            })
        });
        self.is_put |= is_left.response.dragged();
        self.make_way(ctx, is_left.response.rect, shown);
        if is_left.inner.inner {
            self.is_open = false;
            preferences.has_seen_guide = true;
        }
    }

    /// Goes to a corner where nothing lies, unless a hand has put it where it is.
    fn make_way(&mut self, ctx: &Context, card: Rect, shown: &[Rect]) {
        let is_busy = ctx.input(|input| input.pointer.any_down());
        let covers = |at: Rect| shown.iter().any(|rect| rect.intersects(at));
        if is_busy || self.is_put || !covers(card) {
            return;
        }
        let room = ctx.content_rect().shrink2(vec2(16.0, 56.0));
        let corners = [room.left_bottom(), room.left_top(), room.right_top(), room.right_bottom()];
        let places = corners.map(|corner| {
            let middle = room.center();
            let left = if corner.x < middle.x { corner.x } else { corner.x - card.width() };
            let top = if corner.y < middle.y { corner.y } else { corner.y - card.height() };
            Rect::from_min_size(pos2(left, top), card.size())
        });
        if let Some(free) = places.into_iter().find(|place| !covers(*place)) {
            self.corner = free.min;
            ctx.request_repaint();
        }
    }

    /// What is to be done; whether it was left.
    fn card(&self, ui: &mut Ui, theme: &Theme) -> bool {
        let done = self.step();
        let Some(step) = STEPS.get(done) else {
            caption(ui, theme, "Your first sound");
            ui.label(RichText::new("That is an instrument.").size(17.0).strong());
            ui.label("Every knob and cable can be changed while it plays. Nothing that you do here stops the sound.");
            ui.add_space(4.0);
            return main_button(ui, theme, "Continue alone").clicked();
        };
        caption(ui, theme, "Make your first sound");
        ui.label(RichText::new(step.title).size(17.0).strong());
        let add = keys_of(ui.ctx(), Command::AddModule);
        let new = keys_of(ui.ctx(), Command::New);
        ui.label(step.help.replace("{add}", &add).replace("{new}", &new));
        ui.add_space(4.0);
        row(ui, |ui| {
            dots(ui, theme, done);
            faint(ui, theme, format!("{} of {}", done + 1, STEPS.len()));
            let help = "It can be begun again from the Panels menu";
            button(ui, "Skip").on_hover_text(help).clicked()
        })
    }
}

fn dots(ui: &mut Ui, theme: &Theme, done: usize) {
    let size = vec2(12.0 * STEPS.len() as f32, 12.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    for step in 0..STEPS.len() {
        let centre = rect.left_center() + vec2(5.0 + 12.0 * step as f32, 0.0);
        let ink = match step {
            step if step < done => theme.good,
            step if step == done => theme.accent,
            _ => theme.knob,
        };
        ui.painter().circle(centre, 3.5, ink, (1.0, if step > done { theme.edge } else { ink }));
    }
}

fn of_kind<'a>(patch: &'a Patch, kinds: &[&str]) -> BTreeSet<&'a ModuleId> {
    let modules = patch.modules.iter();
    modules.filter(|(_, module)| kinds.contains(&&*module.kind)).map(|(id, _)| id).collect()
}

fn has(patch: &Patch, kinds: &[&str]) -> bool {
    !of_kind(patch, kinds).is_empty()
}

/// Whether cables lead from one kind to the next and so on, other modules
/// between them or not.
fn chain(patch: &Patch, links: &[&[&str]]) -> bool {
    let mut reached = of_kind(patch, links[0]);
    for kinds in &links[1..] {
        let ahead = behind(patch, &reached);
        reached = of_kind(patch, kinds).intersection(&ahead).copied().collect();
    }
    !reached.is_empty()
}

/// All that hear these modules, directly or through others.
fn behind<'a>(patch: &'a Patch, from: &BTreeSet<&'a ModuleId>) -> BTreeSet<&'a ModuleId> {
    let mut reached = BTreeSet::new();
    let mut heads: Vec<&ModuleId> = from.iter().copied().collect();
    while let Some(head) = heads.pop() {
        let cables = patch.cables.iter().filter(|cable| cable.from.module == *head);
        heads.extend(cables.map(|cable| &cable.to.module).filter(|next| reached.insert(*next)));
    }
    reached
}

fn is_turned(patch: &Patch, kinds: &[&str], param: &str) -> bool {
    patch
        .modules
        .values()
        .any(|module| kinds.contains(&&*module.kind) && module.params.contains_key(param))
}

#[cfg(test)]
mod tests {
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable;

    use super::*;
    use crate::theme::Look;
    use sostenuto_osc::mirror::Mirror;
    use sostenuto_patch::{Edit, PatchModule, apply};

    fn add(kind: &str) -> Edit {
        Edit::AddModule { id: kind.parse().unwrap(), module: PatchModule::new(kind, 0.0, 0.0) }
    }

    fn cable(text: &str) -> Edit {
        Edit::Connect(text.parse().unwrap())
    }

    /// What a musician does who follows the card.
    fn story() -> [Vec<Edit>; 8] {
        let cutoff = Edit::SetParam {
            module: "ladder".parse().unwrap(),
            param: "cutoff".into(),
            value: 300.0,
        };
        [
            vec![Edit::Replace(Box::default())],
            vec![add("vco")],
            vec![add("audio-out")],
            vec![cable("vco.saw -> audio-out.left")],
            vec![
                add("ladder"),
                Edit::Disconnect("vco.saw -> audio-out.left".parse().unwrap()),
                cable("vco.saw -> ladder.in"),
                cable("ladder.lowpass -> audio-out.left"),
            ],
            vec![cutoff],
            vec![add("keyboard"), cable("keyboard.voct -> vco.voct")],
            vec![
                add("vca"),
                add("adsr"),
                Edit::Disconnect("ladder.lowpass -> audio-out.left".parse().unwrap()),
                cable("ladder.lowpass -> vca.in"),
                cable("vca.out -> audio-out.left"),
                cable("keyboard.gate -> adsr.gate"),
                cable("adsr.env -> vca.cv"),
            ],
        ]
    }

    type Stage = (Guide, Model, Preferences);

    fn stage() -> Harness<'static, Stage> {
        let app = |ui: &mut Ui, (guide, model, preferences): &mut Stage| {
            guide.ui(ui.ctx(), &Theme::of(Look::Dark), model, &[], preferences);
        };
        let preferences = Preferences::default();
        let mirror = Mirror::of(sostenuto_patch::factory::PATCHES[0].patch());
        let model = Model { mirror, ..Model::default() };
        let stage = (Guide::new(&preferences), model, preferences);
        let builder = Harness::builder().with_size(vec2(800.0, 600.0)).with_step_dt(1.0 / 60.0);
        let mut harness = builder.build_ui_state(app, stage);
        harness.run_steps(3);
        harness
    }

    #[test]
    fn each_step_is_known_by_the_patch_and_only_by_that() {
        let mut harness = stage();
        let mut patch = harness.state().1.patch().clone();
        let factory = patch.clone();
        for (done, edits) in story().into_iter().enumerate() {
            harness.get_by_label(STEPS[done].title);
            for edit in edits {
                assert_eq!(harness.state().0.done, done);
                apply(&mut patch, edit).unwrap();
                harness.state_mut().1.mirror = Mirror::of(patch.clone());
                harness.run_steps(2);
            }
        }
        assert_eq!(harness.state().0.done, STEPS.len());
        harness.state_mut().1.mirror = Mirror::of(factory);
        harness.run_steps(2);
        harness.get_by_label("Continue alone").click();
        harness.run_steps(2);
        let (guide, _, preferences) = harness.state();
        assert!(!guide.is_open() && preferences.has_seen_guide);
    }

    #[test]
    fn it_can_be_skipped_and_begun_again() {
        let mut harness = stage();
        harness.get_by_label("Skip").click();
        harness.run_steps(2);
        let (guide, _, preferences) = harness.state_mut();
        assert!(!guide.is_open() && !Guide::new(preferences).is_open());
        guide.start();
        harness.run_steps(2);
        harness.get_by_label(STEPS[0].title);
    }

    #[test]
    fn a_patch_that_is_opened_takes_no_step() {
        let mut harness = stage();
        harness.state_mut().1.mirror = Mirror::of(Patch::default());
        harness.run_steps(2);
        harness.get_by_label(STEPS[1].title);
        let factory = sostenuto_patch::factory::PATCHES[0].patch();
        harness.state_mut().1.mirror = Mirror::of(factory);
        harness.run_steps(2);
        harness.get_by_label(STEPS[0].title);
        harness.state_mut().1.mirror = Mirror::of(Patch::default());
        harness.run_steps(2);
        harness.get_by_label(STEPS[1].title);
    }

    #[test]
    fn the_card_makes_way_for_what_would_lie_under_it() {
        let mut guide = Guide::new(&Preferences::default());
        let app = |ui: &mut Ui, shown: &mut Vec<Rect>| {
            let mirror = Mirror::of(sostenuto_patch::factory::PATCHES[0].patch());
            let model = Model { mirror, ..Model::default() };
            let theme = Theme::of(Look::Dark);
            guide.ui(ui.ctx(), &theme, &model, shown, &mut Preferences::default());
        };
        let builder = Harness::builder().with_size(vec2(800.0, 600.0));
        let mut harness = builder.build_ui_state(app, Vec::new());
        harness.run_steps(3);
        let first = harness.get_by_label("Skip").rect();
        harness.state_mut().push(first.expand(30.0));
        harness.run_steps(4);
        let second = harness.get_by_label("Skip").rect();
        assert!(!first.expand(30.0).intersects(second), "{first} {second}");
    }
}
