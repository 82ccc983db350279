//! The face of a group: what it shows of the modules in it, and the ports that leave it.

use std::collections::BTreeSet;

use eframe::egui::{Rect, pos2};
use sostenuto_modules::face::Part as Laid;
use sostenuto_modules::module::About;
use sostenuto_patch::{Cable, Group, GroupId, InputRef, ModuleId, Name, OutputRef, Part, Patch};

use super::parts::{Cell, Measure, place_stack, port_label, rows};
use super::{Face, GRID, Heading, LEAST_WIDTH, MARGIN, Sides, TITLE_HEIGHT, finish};
use crate::patching::spoken;
use crate::screen::screen_size;

/// Of a face that has more than two knobs of one module.
const WIDTH: f32 = 260.0;
/// What is higher than that stands in columns.
const COLUMN_HEIGHT: f32 = 480.0;
/// Above what a module shows: its name.
const HEADING: f32 = 22.0;

/// What a group's face shows of a module in it.
struct ToLend {
    /// Which.
    module: ModuleId,
    /// What the catalogue says of it.
    about: &'static About,
    /// Which of its params.
    params: Vec<usize>,
    /// Whether its screen is shown, too.
    shows_screen: bool,
}

impl Face {
    /// The face of a group: what it shows of the modules in it, and the ports that leave it.
    pub fn of_group(patch: &Patch, id: &GroupId, group: &Group) -> Face {
        let mut title = if group.title.is_empty() { "Group" } else { &group.title }.to_owned();
        let copies = group.link.as_ref().map_or(1, |link| patch.linked(link).count());
        if copies > 1 {
            title.push_str(&format!(" ×{copies}"));
        }
        let mut face = Face { title, colour: Some(group.colour), ..Face::default() };
        let (outputs, inputs) = ports_of(patch, id);
        let sides = Sides::of_several(patch, &inputs, &outputs, false);
        let columns = in_columns(to_lend(patch, id));
        let is_one = columns.len() < 2;
        let first = TITLE_HEIGHT + MARGIN / 2.0;
        let (mut left, mut lowest) = (0.0f32, first);
        for column in columns {
            let own = width_of(&column);
            let width = if is_one { on_grid(own.max(sides.width())) } else { own };
            let mut bottom = first;
            for lent in column {
                let mut part = Face { about: Some(lent.about), ..Face::default() };
                let top = bottom;
                bottom = place_stack(lent.cells(width), (left, width), top + HEADING, &mut part);
                let [from, to] = [left + MARGIN / 2.0, left + width - MARGIN / 2.0];
                let rect = Rect::from_min_max(pos2(from, top), pos2(to, bottom));
                let own = &patch.modules[&lent.module];
                for control in &mut part.params {
                    let title = own.title_of_param(lent.about.params[control.index].name);
                    control.label = title.map_or(std::mem::take(&mut control.label), str::to_owned);
                }
                let title = own.titles.get(&Part::Screen).filter(|_| lent.shows_screen);
                let words = title.cloned().unwrap_or_else(|| spoken(&lent.module));
                face.headings.push(Heading { rect, words });
                bottom += MARGIN / 2.0;
                face.lent.push((lent.module, part));
            }
            left += width;
            lowest = lowest.max(bottom);
        }
        let width = on_grid(left.max(LEAST_WIDTH).max(sides.width()));
        finish(&mut face, &sides, width, lowest + MARGIN / 2.0);
        face
    }

    /// The face of the world around a group, seen from inside.
    pub fn of_outside(
        patch: &Patch,
        title: &str,
        from: &BTreeSet<OutputRef>,
        to: &BTreeSet<InputRef>,
    ) -> Face {
        let mut face = Face { title: title.to_owned(), ..Face::default() };
        let (outputs, inputs): (Vec<_>, Vec<_>) =
            (from.iter().cloned().collect(), to.iter().cloned().collect());
        let sides = Sides::of_several(patch, &inputs, &outputs, true);
        finish(&mut face, &sides, sides.width().max(LEAST_WIDTH), TITLE_HEIGHT + MARGIN);
        face
    }
}

impl ToLend {
    fn cells(&self, width: f32) -> Vec<Cell> {
        let measure = Measure { about: self.about, screen: screen_size(self.about) };
        let screen = self.shows_screen.then(|| measure.cell(&Laid::Screen, None));
        let knobs = rows(self.about, &self.params, width - 2.0 * MARGIN);
        screen.into_iter().chain(knobs).collect()
    }

    fn height(&self, width: f32) -> f32 {
        self.cells(width).iter().map(Cell::height).sum::<f32>() + HEADING + MARGIN / 2.0
    }
}

/// How wide a column must be.
fn width_of(column: &[ToLend]) -> f32 {
    let screens = column.iter().filter(|lent| lent.shows_screen);
    let widest = screens.filter_map(|lent| screen_size(lent.about)).map(|size| size.x);
    let width = widest.fold(LEAST_WIDTH, |most, x| most.max(x + 2.0 * MARGIN));
    let has_many = column.iter().any(|lent| lent.params.len() > 2);
    on_grid(if has_many { width.max(WIDTH) } else { width })
}

fn on_grid(width: f32) -> f32 {
    (width / GRID).ceil() * GRID
}

/// What is shown, in columns of about the same height.
fn in_columns(lent: Vec<ToLend>) -> Vec<Vec<ToLend>> {
    let width = width_of(&lent);
    let heights: Vec<f32> = lent.iter().map(|lent| lent.height(width)).collect();
    let all: f32 = heights.iter().sum();
    let count = (all / COLUMN_HEIGHT).ceil();
    let mut columns: Vec<Vec<ToLend>> = Vec::new();
    let (mut passed, mut here) = (0.0, -1.0);
    for (lent, height) in lent.into_iter().zip(heights) {
        // The column in which its middle would be, were all in one.
        let wanted = ((passed + height / 2.0) / all * count).floor();
        passed += height;
        match columns.last_mut() {
            Some(column) if wanted <= here => column.push(lent),
            _ => columns.push(vec![lent]),
        }
        here = wanted;
    }
    columns
}

/// A port of a module, and what it may be called beside those of others.
struct Labelled<'a> {
    port: String,
    module: String,
    own: String,
    title: Option<&'a str>,
}

impl Sides {
    /// Those of several modules. One that the musician has named is called by that, and one
    /// that is alone with its name by its own, unless `names_modules`; others by their
    /// module, too.
    fn of_several(
        patch: &Patch,
        inputs: &[InputRef],
        outputs: &[OutputRef],
        names_modules: bool,
    ) -> Sides {
        let about = |id: &ModuleId| patch.modules.get(id).and_then(|it| it.about().ok());
        let input = |it: &InputRef| {
            let about = about(&it.module);
            let port = about.and_then(|about| Some(&about.inputs[about.input(&it.port)?]));
            Labelled {
                port: it.to_string(),
                module: spoken(&it.module),
                own: port.map_or(it.port.to_string(), port_label),
                title: patch.title_of(&it.module, &Part::Input(it.port.clone())),
            }
        };
        let output = |it: &OutputRef| {
            let about = about(&it.module);
            let port = about.and_then(|about| Some(&about.outputs[about.output(&it.port)?]));
            Labelled {
                port: it.to_string(),
                module: spoken(&it.module),
                own: port.map_or(it.port.to_string(), port_label),
                title: patch.title_of(&it.module, &Part::Output(it.port.clone())),
            }
        };
        let named = |ports: Vec<Labelled>| -> Vec<(Name, String)> {
            let times = |own: &str| {
                ports.iter().filter(|port| port.own == own && port.title.is_none()).count()
            };
            let name = |Labelled { port, module, own, title }: &Labelled| {
                let is_enough = !names_modules && (title.is_some() || times(own) == 1);
                let label = title.unwrap_or(own);
                let label = if is_enough { label.to_owned() } else { format!("{module} {label}") };
                (Name::from(port.as_str()), label)
            };
            ports.iter().map(name).collect()
        };
        Sides {
            inputs: named(inputs.iter().map(input).collect()),
            outputs: named(outputs.iter().map(output).collect()),
        }
    }
}

/// The ports of a group: those with cables that leave it, and those that are shown on
/// its face, from its top left to its bottom right.
fn ports_of(patch: &Patch, group: &GroupId) -> (Vec<OutputRef>, Vec<InputRef>) {
    let is_in = |id: &ModuleId| patch.steps_out(id, group).is_some();
    let (mut outputs, mut inputs) = (BTreeSet::new(), BTreeSet::new());
    for Cable { from, to } in &patch.cables {
        match (is_in(&from.module), is_in(&to.module)) {
            (true, false) => _ = outputs.insert(from.clone()),
            (false, true) => _ = inputs.insert(to.clone()),
            _ => {}
        }
    }
    for id in patch.modules_within(group) {
        let shown = patch.modules[id].shown.keys();
        for part in shown.filter(|part| patch.is_shown(id, part, group)) {
            let module = id.clone();
            match part {
                Part::Output(port) => _ = outputs.insert(OutputRef { module, port: port.clone() }),
                Part::Input(port) => _ = inputs.insert(InputRef { module, port: port.clone() }),
                Part::Param(_) | Part::Screen => {}
            }
        }
    }
    let (mut outputs, mut inputs) =
        (outputs.into_iter().collect::<Vec<_>>(), inputs.into_iter().collect::<Vec<_>>());
    outputs.sort_by_key(|output| reading_order(patch, &output.module));
    inputs.sort_by_key(|input| reading_order(patch, &input.module));
    (outputs, inputs)
}

/// The knobs and screens that are shown on a group's face, in the order of reading.
fn to_lend(patch: &Patch, group: &GroupId) -> Vec<ToLend> {
    let mut modules: Vec<&ModuleId> = patch.modules_within(group).collect();
    modules.sort_by_key(|id| reading_order(patch, id));
    let mut lent = Vec::new();
    for id in modules {
        let Ok(about) = patch.modules[id].about() else { continue };
        let is_shown = |part: Part| patch.is_shown(id, &part, group);
        let params = (0..about.params.len())
            .filter(|&index| is_shown(Part::Param(about.params[index].name.into())))
            .collect();
        let shows_screen = is_shown(Part::Screen);
        lent.push(ToLend { module: id.clone(), about, params, shows_screen });
    }
    lent.retain(|lent| lent.shows_screen || !lent.params.is_empty());
    lent
}

/// From left to right, then from top to bottom, as one looks at the inside.
fn reading_order(patch: &Patch, id: &ModuleId) -> (i64, i64) {
    let module = &patch.modules[id];
    (module.x.round() as i64, module.y.round() as i64)
}
