//! The window's frame: what the processor does for it, from the patch to the
//! triangles. No window is opened and nothing is sent to a graphics card.

use std::collections::BTreeMap;
use std::time::Duration;

use eframe::egui::{Context, FullOutput, Pos2, RawInput, Rect, Ui, Vec2, pos2, vec2};
use sostenuto_benches::samples::{Samples, millis, timed};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_editor::canvas::face::Face;
use sostenuto_editor::canvas::{Canvas, Scene};
use sostenuto_editor::model::{Asks, Level, Model, ModuleSignals};
use sostenuto_editor::preferences::Preferences;
use sostenuto_editor::session::Session;
use sostenuto_editor::theme::{Look, Theme};
use sostenuto_editor::window::Editor;
use sostenuto_host::control::sound::{ChangeSound, KeepPatch, KillWorkers, PlayPatch, ReportSound};
use sostenuto_host::control::{Control, SharedControl};
use sostenuto_modules::catalog::well_behaved;
use sostenuto_modules::module::{About, Event};
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::message::status::Status;
use sostenuto_osc::mirror::Mirror;
use sostenuto_osc::stream::Server;
use sostenuto_patch::{Cable, Edit, InputRef, ModuleId, OutputRef, Patch, PatchModule, apply};

const WINDOW: Vec2 = vec2(1600.0, 1000.0);
/// 100 modules and 200 cables, laid out and made triangles of.
const TARGET_MS: f64 = 4.0;

fn main() {
    let table = Table::begin("gui_frame");
    for count in [10, 100, 500] {
        for view in [View::Close, View::Whole] {
            let mut scene = Stage::new(count);
            let measured = measure(|ui| scene.draw(ui, view), false);
            let target = (count == 100).then_some(Target::Below(TARGET_MS));
            measured.tell(&table, &format!("{count} modules, {}", view.words()), target);
        }
    }
    let mut scene = Stage::new(100);
    let read_out = measure(|ui| scene.draw(ui, View::Close), true);
    read_out.tell(&table, "100 modules, at zoom 1, with a screen reader", None);
    let window = whole_window(100);
    window.tell(&table, "100 modules, the whole window, zoomed out to fit", None);
}

/// How near the canvas is.
#[derive(Clone, Copy, PartialEq)]
enum View {
    Close,
    Whole,
}

impl View {
    fn words(self) -> &'static str {
        match self {
            View::Close => "at zoom 1",
            View::Whole => "zoomed out to fit",
        }
    }
}

/// What a frame took, again and again.
#[derive(Default)]
struct Measured {
    layout: Samples,
    triangles: Samples,
    together: Samples,
    vertices: usize,
    draw_calls: usize,
}

impl Measured {
    fn tell(&self, table: &Table, what: &str, target: Option<Target>) {
        let together = format!("{what}: a frame");
        table.row(&Row { target, ..Row::with_p99(&together, "ms", &self.together) });
        table.row(&Row::with_p99(&format!("{what}: layout"), "ms", &self.layout));
        table.row(&Row::with_p99(&format!("{what}: triangles"), "ms", &self.triangles));
        let counts = format!("{what}: {} draw calls, vertices", self.draw_calls);
        table.row(&Row::one(&counts, "", self.vertices as f64));
    }
}

/// Draws frame after frame into a window that nobody sees.
fn measure(mut draw: impl FnMut(&mut Ui), is_read_out: bool) -> Measured {
    let ctx = Context::default();
    if is_read_out {
        ctx.enable_accesskit();
    }
    let mut measured = Measured::default();
    let warm_up = 30;
    for frame in 0..warm_up + times(400, 5) {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, WINDOW)),
            time: Some(frame as f64 / 60.0),
            ..RawInput::default()
        };
        let (layout, output) = timed(|| ctx.run_ui(input, |ui| draw(ui)));
        let FullOutput { shapes, pixels_per_point, mut textures_delta, .. } = output;
        let (triangles, primitives) = timed(|| ctx.tessellate(shapes, pixels_per_point));
        textures_delta.clear();
        if frame >= warm_up {
            measured.layout.push(millis(layout));
            measured.triangles.push(millis(triangles));
            measured.together.push(millis(layout + triangles));
        }
        measured.draw_calls = primitives.len();
        let vertices = primitives.iter().map(|primitive| match &primitive.primitive {
            eframe::egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
            eframe::egui::epaint::Primitive::Callback(_) => 0,
        });
        measured.vertices = vertices.sum();
    }
    measured
}

/// A canvas on which signals flow.
struct Stage {
    canvas: Canvas,
    model: Model,
    middle: Pos2,
    theme: Theme,
    preferences: Preferences,
    asks: Asks,
    /// What flows, in as many frames as are told apart.
    flows: Vec<BTreeMap<ModuleId, ModuleSignals>>,
    frames: usize,
}

impl Stage {
    fn new(count: usize) -> Stage {
        let model = Model { mirror: Mirror::of(rack(count)), ..Model::default() };
        let flows = (0..8).map(|frame| signals(model.patch(), frame)).collect();
        Stage {
            canvas: Canvas::default(),
            middle: middle(model.patch()),
            model,
            theme: Theme::of(Look::Dark),
            preferences: Preferences::default(),
            asks: Asks::default(),
            flows,
            frames: 0,
        }
    }

    fn draw(&mut self, ui: &mut Ui, view: View) {
        // A patch that is new is shown whole.
        if view == View::Close {
            self.canvas.camera.zoom = 1.0;
            self.canvas.camera.look_at(self.middle);
        }
        let flow = self.frames % self.flows.len();
        self.frames += 1;
        std::mem::swap(&mut self.model.signals.modules, &mut self.flows[flow]);
        let Stage { canvas, model, theme, preferences, asks, .. } = self;
        let scene = Scene { theme, preferences, model, patch: model.patch() };
        canvas.ui(ui, scene, asks, &mut |_, _, _| None);
        asks.requests.clear();
    }
}

fn middle(patch: &Patch) -> Pos2 {
    let far = |of: fn(&PatchModule) -> f32| patch.modules.values().map(of).fold(0.0, f32::max);
    pos2(far(|module| module.x), far(|module| module.y)) / 2.0
}

/// Modules of every kind in rows, as wide as the window is, and twice as many
/// cables from each to the next ones.
fn rack(count: usize) -> Patch {
    let mut patch = Patch::default();
    let kinds: Vec<&About> = well_behaved().map(|entry| entry.about).collect();
    let kinds: Vec<&About> = kinds.into_iter().cycle().take(count).collect();
    let area: f32 = kinds
        .iter()
        .map(|about| Face::of(about).size + vec2(40.0, 40.0))
        .map(|size| size.x * size.y)
        .sum();
    let width = (area * WINDOW.x / WINDOW.y).sqrt() * 1.1;
    let (mut corner, mut row_height) = (Pos2::ZERO, 0.0f32);
    let mut names = Vec::new();
    for about in kinds {
        let size = Face::of(about).size + vec2(40.0, 40.0);
        if corner.x + size.x > width {
            corner = pos2(0.0, corner.y + std::mem::take(&mut row_height));
        }
        row_height = row_height.max(size.y);
        let id = patch.fresh_id(about.name);
        names.push((id.clone(), about));
        patch.modules.insert(id, PatchModule::new(about.name, corner.x, corner.y));
        corner.x += size.x;
    }
    for step in 1.. {
        for (at, (from, about)) in names.iter().enumerate() {
            let (to, to_about) = &names[(at + step) % count];
            let cable = cable((from, about), (to, to_about), step);
            if patch.cables.len() < 2 * count
                && let Some(cable) = cable
            {
                // It delays the cable that closes a loop.
                let _ = apply(&mut patch, Edit::Connect(cable));
            }
        }
        if patch.cables.len() >= 2 * count {
            break;
        }
    }
    patch.check().expect("a patch");
    patch
}

fn cable(
    (from, from_about): (&ModuleId, &About),
    (to, to_about): (&ModuleId, &About),
    step: usize,
) -> Option<Cable> {
    let (outputs, inputs) = (from_about.outputs, to_about.inputs);
    let output = outputs.get(step % outputs.len().max(1))?.name.into();
    let input = inputs.get(step % inputs.len().max(1))?.name.into();
    Some(Cable {
        from: OutputRef { module: from.clone(), port: output },
        to: InputRef { module: to.clone(), port: input },
    })
}

/// Every output swings; every third module sends four channels.
fn signals(patch: &Patch, frame: u32) -> BTreeMap<ModuleId, ModuleSignals> {
    let of_module = |(at, (id, module)): (usize, (&ModuleId, &PatchModule))| {
        let about = module.about().expect("a kind");
        let volts = 5.0 * (0.1 * frame as f32 + at as f32).sin();
        let channels = if at % 3 == 0 { 4 } else { 1 };
        let level = Level { channels, volts, min_volts: -volts.abs(), max_volts: volts.abs() };
        let display = (0..64).map(|n| 5.0 * (0.2 * (n + frame) as f32).sin()).collect();
        let outputs = vec![level; about.outputs.len()];
        (id.clone(), ModuleSignals { display, outputs, load: 0.01, slot: 0 })
    };
    patch.modules.iter().enumerate().map(of_module).collect()
}

/// A sound that is not made: here the window is looked at.
struct Silence;

impl KeepPatch for Silence {}
impl ChangeSound for Silence {}
impl KillWorkers for Silence {}

impl PlayPatch for Silence {
    fn patch_changed(&mut self, _: &Patch) {}
    fn param_changed(&mut self, _: &ModuleId, _: usize, _: f32) {}
    fn event(&mut self, _: &ModuleId, _: Event) {}
    fn try_again(&mut self, _: &ModuleId) -> bool {
        false
    }
}

impl ReportSound for Silence {
    fn status(&self) -> Status {
        Status::default()
    }
    fn meters(&self) -> Vec<(ModuleId, Vec<f32>)> {
        Vec::new()
    }
}

/// The editor itself, connected to a host.
fn whole_window(count: usize) -> Measured {
    let folder = tempfile::tempdir().expect("a folder for the socket");
    let endpoint = Endpoint::at(folder.path().join("host.sock"));
    let control = Control::new(rack(count), Silence).unwrap_or_else(|error| panic!("{error}"));
    let server = Server::start(&endpoint, SharedControl::new(control));
    let _server = server.unwrap_or_else(|error| panic!("{error}"));
    let (wake, woken) = std::sync::mpsc::channel();
    let session = Session::start(endpoint, None, move || _ = wake.send(()));
    let preferences = Preferences { has_seen_guide: true, ..Preferences::default() };
    let mut editor = Editor::new(&Context::default(), session, preferences, None, None);
    measure(
        |ui| {
            while editor.model().patch().modules.is_empty() {
                woken.recv_timeout(Duration::from_secs(20)).expect("the host answers");
                editor.frame(ui);
            }
            editor.frame(ui);
        },
        false,
    )
}
