//! A module's face: where its screen, params and ports are. Pure geometry, made
//! from the catalogue, in canvas points from the face's top left corner.

use std::collections::BTreeSet;

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};
use sostenuto_modules::module::{About, Port};
use sostenuto_patch::{Cable, ModuleId, Name, Patch, PatchModule};

use self::parts::{Measure, place_stack, port_label, rows, text_cell};
use crate::param::WidgetKind;
use crate::screen::{covers, screen_size, text_size};

mod group;
mod parts;

/// Faces begin and end on multiples of this.
pub const GRID: f32 = 20.0;
/// The nearest place on the grid.
pub fn snapped(place: Vec2) -> Vec2 {
    (place / GRID).round() * GRID
}

/// The bar with the module's name.
pub const TITLE_HEIGHT: f32 = 28.0;
/// The size of the name.
pub const TITLE_TEXT: f32 = 14.0;
/// The form of the family stands left of the name, in so much room.
pub const EMBLEM: f32 = 16.0;
/// From one port to the one below it.
const PORT_STEP: f32 = 23.0;
/// A jack's middle from the edge of the face.
const JACK_INSET: f32 = 15.0;
/// A jack.
pub const JACK_RADIUS: f32 = 7.0;
/// Where a label begins, from the middle of the jack beside it.
pub const LABEL_INSET: f32 = 13.0;
/// The size of labels beside jacks, and of those below them.
pub const BESIDE_TEXT: f32 = 12.0;
/// See [`BESIDE_TEXT`].
pub const BELOW_TEXT: f32 = 10.0;
/// No letter of a label beside a jack is wider than this on average: here are no fonts.
const LETTER: f32 = 6.4;
const MARGIN: f32 = 10.0;
const LEAST_WIDTH: f32 = 140.0;
const MOST_WIDTH: f32 = 420.0;

/// A param on a face.
#[derive(Clone, Debug)]
pub struct Control {
    /// Which of the module's params.
    pub index: usize,
    /// What it looks like.
    pub kind: WidgetKind,
    /// Where it is.
    pub rect: Rect,
    /// What the face calls it.
    pub label: String,
    /// The port whose level is shown beside it.
    pub meter: Option<Name>,
}

/// A port on a face.
#[derive(Clone, Debug)]
pub struct Jack {
    /// Which.
    pub port: Name,
    /// Its middle.
    pub at: Pos2,
    /// What the face calls it.
    pub label: String,
    /// How wide the label may be.
    pub room: f32,
    /// Whether the label stands below the jack, and not beside it.
    pub is_below: bool,
}

/// What stands together, and what it is called.
#[derive(Clone, Debug)]
pub struct Heading {
    /// All of it, with its name along the upper edge.
    pub rect: Rect,
    /// Its name.
    pub words: String,
}

/// Where everything on a face is.
#[derive(Clone, Debug, Default)]
pub struct Face {
    /// What the catalogue says; nothing for a placeholder.
    pub about: Option<&'static About>,
    /// On the bar.
    pub title: String,
    /// Of the whole face.
    pub size: Vec2,
    /// What the module shows, if anything.
    pub screen: Option<Rect>,
    /// The field for its text, if it has one.
    pub text: Option<Rect>,
    /// Params, as the keys go through them.
    pub params: Vec<Control>,
    /// In the catalogue's order.
    pub inputs: Vec<Jack>,
    /// In the catalogue's order.
    pub outputs: Vec<Jack>,
    /// What stands together.
    pub headings: Vec<Heading>,
    /// On a group's face: parts of the faces of modules in it, at their places here.
    pub lent: Vec<(ModuleId, Face)>,
    /// A group's: which of the 8 colours, from 0.
    pub colour: Option<u8>,
}

impl Face {
    /// The face of a kind of module.
    pub fn of(about: &'static About) -> Face {
        let mut face =
            Face { about: Some(about), title: about.title.to_owned(), ..Face::default() };
        lay_out(about, &mut face);
        let order =
            |ports: &[Port], jack: &Jack| ports.iter().position(|port| port.name == &*jack.port);
        face.inputs.sort_by_key(|jack| order(about.inputs, jack));
        face.outputs.sort_by_key(|jack| order(about.outputs, jack));
        face
    }

    /// The face of a module that no catalogue knows: its ports are those that
    /// cables go to.
    pub fn of_placeholder(patch: &Patch, id: &ModuleId, module: &PatchModule) -> Face {
        let (mut inputs, mut outputs) = (BTreeSet::new(), BTreeSet::new());
        for Cable { from, to } in &patch.cables {
            if from.module == *id {
                outputs.insert(from.port.clone());
            }
            if to.module == *id {
                inputs.insert(to.port.clone());
            }
        }
        let title = format!("{} (unknown)", module.kind);
        let mut face = Face { title, ..Face::default() };
        let named = |names: BTreeSet<Name>| -> Vec<(Name, String)> {
            names.into_iter().map(|name| (name.clone(), name.to_string())).collect()
        };
        let sides = Sides { inputs: named(inputs), outputs: named(outputs) };
        finish(&mut face, &sides, sides.width().max(180.0), TITLE_HEIGHT + MARGIN + 50.0);
        face
    }

    /// The middle of an input's jack.
    pub fn input(&self, port: &str) -> Option<Pos2> {
        self.inputs.iter().find(|jack| &*jack.port == port).map(|jack| jack.at)
    }

    /// The middle of an output's jack.
    pub fn output(&self, port: &str) -> Option<Pos2> {
        self.outputs.iter().find(|jack| &*jack.port == port).map(|jack| jack.at)
    }
}

/// From top to bottom: title, what the catalogue lays out, the other params in rows,
/// the other ports. As narrow as the face can be without being much higher than wide.
fn lay_out(about: &'static About, face: &mut Face) {
    let measure = Measure { about, screen: screen_size(about) };
    let mut cells: Vec<_> = about.face.iter().map(|part| measure.cell(part, None)).collect();
    if measure.screen.is_some() && !cells.iter().any(|cell| cell.has_screen()) {
        cells.insert(0, measure.cell(&sostenuto_modules::face::Part::Screen, None));
    }
    if let Some(size) = text_size(about) {
        cells.insert(0, text_cell(size));
    }
    let mut named = (BTreeSet::new(), BTreeSet::new());
    cells.iter().for_each(|cell| cell.names(&mut named));
    let (params, ports) = named;
    let covered = covers(about);
    let is_left =
        |index: &usize| !params.contains(index) && !covered.contains(&about.params[*index].name);
    let left: Vec<usize> = (0..about.params.len()).filter(is_left).collect();
    let sides = Sides::of(about, &ports);
    let kinds = left.iter().map(|&index| WidgetKind::of(&about.params[index]).size().x);
    let widest = cells.iter().map(|cell| cell.size.x).chain(kinds).fold(0.0, f32::max);
    let mut width = LEAST_WIDTH.max(widest + 2.0 * MARGIN).max(sides.width());
    width = (width / GRID).ceil() * GRID;
    let heights = |cells: &[parts::Cell]| cells.iter().map(parts::Cell::height).sum::<f32>();
    let around = TITLE_HEIGHT + 2.0 * MARGIN + heights(&cells) + sides.height();
    let rows = loop {
        let rows = rows(about, &left, width - 2.0 * MARGIN);
        let height = around + heights(&rows);
        if height <= 1.2 * width + 60.0 || width >= MOST_WIDTH || rows.len() <= 1 {
            break rows;
        }
        width += GRID;
    };
    cells.extend(rows);
    let bottom = place_stack(cells, (0.0, width), TITLE_HEIGHT + MARGIN, face);
    finish(face, &sides, width, bottom);
}

/// The ports that stand on both sides, from top to bottom, with their labels.
struct Sides {
    inputs: Vec<(Name, String)>,
    outputs: Vec<(Name, String)>,
}

impl Sides {
    /// Those that stand nowhere else.
    fn of(about: &About, placed: &BTreeSet<(bool, Name)>) -> Sides {
        let those = |ports: &[Port], is_output: bool| {
            let is_left = |port: &&Port| !placed.contains(&(is_output, Name::from(port.name)));
            ports.iter().filter(is_left).map(|port| (port.name.into(), port_label(port))).collect()
        };
        Sides { inputs: those(about.inputs, false), outputs: those(about.outputs, true) }
    }

    fn height(&self) -> f32 {
        self.inputs.len().max(self.outputs.len()) as f32 * PORT_STEP
    }

    fn letters(side: &[(Name, String)], row: usize) -> f32 {
        side.get(row).map_or(0.0, |(_, label)| label.chars().count() as f32 * LETTER)
    }

    /// Wide enough for the labels of both sides.
    fn width(&self) -> f32 {
        let rows = 0..self.inputs.len().max(self.outputs.len());
        let both = |row| Sides::letters(&self.inputs, row) + Sides::letters(&self.outputs, row);
        rows.map(both).fold(0.0, f32::max) + 2.0 * (JACK_INSET + LABEL_INSET) + MARGIN
    }
}

/// The ports on both sides, and the size of it all.
fn finish(face: &mut Face, sides: &Sides, width: f32, bottom: f32) {
    let height = bottom + sides.height() + MARGIN;
    face.size = vec2((width / GRID).ceil() * GRID, (height / GRID).ceil() * GRID);
    let below = face.size.y - MARGIN / 2.0 - sides.height();
    let free = face.size.x - 2.0 * (JACK_INSET + LABEL_INSET);
    let put = |jacks: &mut Vec<Jack>, own: &[(Name, String)], other: &[_], x: f32| {
        for (row, (port, label)) in own.iter().enumerate() {
            let at = pos2(x, below + (row as f32 + 0.5) * PORT_STEP);
            let room = free - Sides::letters(other, row);
            let (port, label) = (port.clone(), label.clone());
            jacks.push(Jack { port, at, label, room, is_below: false });
        }
    };
    let right = face.size.x - JACK_INSET;
    put(&mut face.inputs, &sides.inputs, &sides.outputs, JACK_INSET);
    put(&mut face.outputs, &sides.outputs, &sides.inputs, right);
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Color32, Context, FontId, RawInput};
    use sostenuto_modules::catalog::CATALOG;
    use sostenuto_modules::param::Taper;
    use sostenuto_patch::entry;

    use super::*;
    use sostenuto_patch::factory::{PATCHES, TEMPLATES};

    #[test]
    fn every_face_has_room_for_all_that_is_on_it() {
        for entry in CATALOG.iter() {
            let about = entry.about;
            let face = Face::of(about);
            let all = Rect::from_min_size(Pos2::ZERO, face.size);
            let mut parts: Vec<Rect> = face.params.iter().map(|control| control.rect).collect();
            parts.extend(face.screen.into_iter().chain(face.text));
            let jack =
                |jack: &Jack| Rect::from_center_size(jack.at, Vec2::splat(2.0 * JACK_RADIUS));
            parts.extend(face.inputs.iter().chain(&face.outputs).map(jack));
            parts.push(Rect::from_min_size(Pos2::ZERO, vec2(face.size.x, TITLE_HEIGHT)));
            for (index, part) in parts.iter().enumerate() {
                assert!(all.contains_rect(*part), "{}: {part:?}", about.name);
                for other in &parts[..index] {
                    let overlap = part.shrink(0.5).intersect(other.shrink(0.5));
                    assert!(!overlap.is_positive(), "{}: {part:?} {other:?}", about.name);
                }
            }
            assert_eq!(face.size.x % GRID, 0.0);
            assert_eq!(face.size.y % GRID, 0.0);
            let shown = face.params.len() + covers(about).len();
            assert_eq!(shown, about.params.len(), "{}: every param can be turned", about.name);
            let params: BTreeSet<usize> = face.params.iter().map(|control| control.index).collect();
            assert_eq!(params.len(), face.params.len(), "{}: each once", about.name);
            let names = |jacks: &[Jack]| jacks.iter().map(|jack| jack.port.to_string()).collect();
            let all = |ports: &[Port]| ports.iter().map(|port| port.name.to_owned()).collect();
            let (found, wanted): ([Vec<String>; 2], [Vec<String>; 2]) = (
                [names(&face.inputs), names(&face.outputs)],
                [all(about.inputs), all(about.outputs)],
            );
            assert_eq!(found, wanted, "{}: every port once, in order", about.name);
        }
    }

    /// Everything that is written on a face, its size, and the room there is.
    fn labels(face: &Face) -> Vec<(String, f32, f32)> {
        let mut labels = vec![(face.title.clone(), TITLE_TEXT, face.size.x - 16.0 - EMBLEM)];
        for heading in &face.headings {
            labels.push((heading.words.clone(), 11.0, heading.rect.width()));
        }
        for jack in face.inputs.iter().chain(&face.outputs) {
            let size = if jack.is_below { BELOW_TEXT } else { BESIDE_TEXT };
            labels.push((jack.label.clone(), size, jack.room));
        }
        for Control { index, kind, rect, label, .. } in &face.params {
            let param = &face.about.unwrap().params[*index];
            let room = if *kind == WidgetKind::Button { 20.0 } else { rect.width() };
            labels.push((label.clone(), 11.0, room));
            let shown = |parts: &[f32]| -> Vec<String> {
                let value = |&part: &f32| entry::show(param, param.at(part));
                parts.iter().map(value).collect()
            };
            match param.taper {
                Taper::Choice(_) if kind.is_switch() => {}
                Taper::Choice(words) => {
                    let own = words.iter().map(|word| (word.to_string(), 12.0, room - 28.0));
                    labels.extend(own);
                }
                Taper::Steps => {
                    let ends = shown(&[0.0, 1.0]).into_iter();
                    labels.extend(ends.map(|words| (words, 13.0, room - 28.0)));
                }
                // While it turns it says where it stands.
                _ => {
                    let stands = shown(&[0.0, 0.13, 0.41, 0.5, 0.77, 1.0]).into_iter();
                    labels.extend(stands.map(|words| (words, 11.0, room)));
                }
            }
        }
        labels
    }

    #[test]
    fn every_label_fits_its_place_at_its_size() {
        let ctx = Context::default();
        ctx.run_ui(RawInput::default(), |_| {}).textures_delta.clear();
        let mut cut = Vec::new();
        for about in CATALOG.iter().map(|entry| entry.about) {
            for (words, size, room) in labels(&Face::of(about)) {
                let font = FontId::proportional(size);
                let width = ctx.fonts_mut(|fonts| {
                    fonts.layout_no_wrap(words.clone(), font, Color32::WHITE).size().x
                });
                if width > room {
                    cut.push(format!("{}: {words}: {width} of {room}", about.name));
                }
            }
        }
        assert!(cut.is_empty(), "{}", cut.join("\n"));
    }

    #[test]
    fn no_face_of_our_own_patches_lies_on_another_and_all_lie_on_the_grid() {
        let mut too_near = Vec::new();
        for own in PATCHES.iter().chain(TEMPLATES) {
            let patch = own.patch();
            let place = |module: &PatchModule| {
                let about = module.about().expect("it is in the catalogue");
                Rect::from_min_size(pos2(module.x, module.y), Face::of(about).size)
            };
            let places: Vec<(&ModuleId, Rect)> =
                patch.modules.iter().map(|(id, module)| (id, place(module))).collect();
            for (index, (id, rect)) in places.iter().enumerate() {
                assert_eq!([rect.min.x % GRID, rect.min.y % GRID], [0.0; 2], "{}: {id}", own.name);
                // A cable has room between them.
                let near =
                    |(_, other): &&(_, Rect)| other.expand(GRID).intersects(rect.shrink(1.0));
                let near = places[..index].iter().filter(near);
                let name = &own.name;
                too_near
                    .extend(near.map(|(other, at)| format!("{name}: {id} {rect} {other} {at}")));
            }
        }
        assert!(too_near.is_empty(), "{}", too_near.join("\n"));
    }
}
