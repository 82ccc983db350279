//! A module's face: where its screen, params and ports are. Pure geometry, made
//! from the catalogue, in canvas points from the face's top left corner.

use std::collections::BTreeSet;

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};
use sostenuto_modules::module::About;
use sostenuto_patch::{Cable, ModuleId, Name, Patch, PatchModule};

use crate::param::WidgetKind;
use crate::screen::{covers, screen_size};

/// Faces begin and end on multiples of this.
pub const GRID: f32 = 20.0;
/// The nearest place on the grid.
pub fn snapped(place: Vec2) -> Vec2 {
    (place / GRID).round() * GRID
}

/// The bar with the module's name.
pub const TITLE_HEIGHT: f32 = 28.0;
/// From one port to the one below it.
const PORT_STEP: f32 = 23.0;
/// A jack's middle from the edge of the face.
const JACK_INSET: f32 = 15.0;
/// A jack.
pub const JACK_RADIUS: f32 = 7.0;
const MARGIN: f32 = 10.0;
const LEAST_WIDTH: f32 = 140.0;
const MOST_WIDTH: f32 = 420.0;

/// Where everything on a face is.
#[derive(Clone, Debug)]
pub struct Face {
    /// What the catalogue says; nothing for a placeholder.
    pub about: Option<&'static About>,
    /// On the bar.
    pub title: String,
    /// Of the whole face.
    pub size: Vec2,
    /// What the module shows, if anything.
    pub screen: Option<Rect>,
    /// Params by their index, what they look like and where.
    pub params: Vec<(usize, WidgetKind, Rect)>,
    /// From top to bottom, with the middle of each jack.
    pub inputs: Vec<(Name, Pos2)>,
    /// From top to bottom, with the middle of each jack.
    pub outputs: Vec<(Name, Pos2)>,
}

impl Face {
    /// The face of a kind of module.
    pub fn of(about: &'static About) -> Face {
        let names = |ports: &[sostenuto_modules::module::Port]| -> Vec<Name> {
            ports.iter().map(|port| port.name.into()).collect()
        };
        let covered = covers(about);
        let params: Vec<(usize, WidgetKind)> = about
            .params
            .iter()
            .enumerate()
            .filter(|(_, param)| !covered.contains(&param.name))
            .map(|(index, param)| (index, WidgetKind::of(param)))
            .collect();
        let screen = screen_size(about);
        let mut face = lay_out(&params, screen, names(about.inputs), names(about.outputs));
        face.title = about.title.to_owned();
        face.about = Some(about);
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
        let (inputs, outputs) = (inputs.into_iter().collect(), outputs.into_iter().collect());
        let mut face = lay_out(&[], Some(vec2(160.0, 40.0)), inputs, outputs);
        face.screen = None;
        face.title = format!("{} (unknown)", module.kind);
        face
    }

    /// The middle of an input's jack.
    pub fn input(&self, port: &str) -> Option<Pos2> {
        self.inputs.iter().find(|(name, _)| &**name == port).map(|(_, at)| *at)
    }

    /// The middle of an output's jack.
    pub fn output(&self, port: &str) -> Option<Pos2> {
        self.outputs.iter().find(|(name, _)| &**name == port).map(|(_, at)| *at)
    }
}

/// From top to bottom: title, screen, params in rows, ports. As narrow as the
/// face can be without being much higher than wide.
fn lay_out(
    params: &[(usize, WidgetKind)],
    screen: Option<Vec2>,
    inputs: Vec<Name>,
    outputs: Vec<Name>,
) -> Face {
    let screen_width = screen.map_or(0.0, |size| size.x + 2.0 * MARGIN);
    let ports = inputs.len().max(outputs.len()) as f32 * PORT_STEP;
    let screen_height = screen.map_or(0.0, |size| size.y + MARGIN);
    let widest = params.iter().map(|(_, kind)| kind.size().x).fold(0.0, f32::max) + 2.0 * MARGIN;
    let mut width = LEAST_WIDTH.max(screen_width).max(widest);
    width = (width / GRID).ceil() * GRID;
    let (rows, height) = loop {
        let rows = rows(params, width - 2.0 * MARGIN);
        let rows_height: f32 = rows.iter().map(|row| row.height).sum();
        let height = TITLE_HEIGHT + MARGIN + screen_height + rows_height + ports + MARGIN;
        if height <= 1.2 * width + 60.0 || width >= MOST_WIDTH || rows.len() <= 1 {
            break (rows, height);
        }
        width += GRID;
    };
    let size = vec2(width, (height / GRID).ceil() * GRID);
    let mut top = TITLE_HEIGHT + MARGIN;
    let screen = screen.map(|size| {
        let rect = Rect::from_min_size(pos2((width - size.x) / 2.0, top), size);
        top += size.y + MARGIN;
        rect
    });
    let mut places = Vec::new();
    for row in rows {
        let gap = (width - 2.0 * MARGIN - row.width) / row.params.len() as f32;
        let mut left = MARGIN + gap / 2.0;
        for (index, kind) in row.params {
            let size = kind.size();
            let down = (row.height - size.y) / 2.0;
            places.push((index, kind, Rect::from_min_size(pos2(left, top + down), size)));
            left += size.x + gap;
        }
        top += row.height;
    }
    let below = size.y - MARGIN / 2.0 - ports;
    let jacks = |names: Vec<Name>, x: f32| -> Vec<(Name, Pos2)> {
        let y = |row: usize| below + (row as f32 + 0.5) * PORT_STEP;
        names.into_iter().enumerate().map(|(row, name)| (name, pos2(x, y(row)))).collect()
    };
    Face {
        about: None,
        title: String::new(),
        size,
        screen,
        params: places,
        inputs: jacks(inputs, JACK_INSET),
        outputs: jacks(outputs, width - JACK_INSET),
    }
}

struct Row {
    params: Vec<(usize, WidgetKind)>,
    width: f32,
    height: f32,
}

/// Params in their order, as many in a row as fit; then as even as can be.
fn rows(params: &[(usize, WidgetKind)], width: f32) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for &(index, kind) in params {
        let size = kind.size();
        match rows.last_mut() {
            Some(row) if row.width + size.x <= width => {
                row.params.push((index, kind));
                row.width += size.x;
                row.height = row.height.max(size.y);
            }
            _ => rows.push(Row { params: vec![(index, kind)], width: size.x, height: size.y }),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use sostenuto_modules::catalog::CATALOG;

    use super::*;
    use sostenuto_patch::factory::{PATCHES, TEMPLATES};

    #[test]
    fn every_face_has_room_for_all_that_is_on_it() {
        for entry in CATALOG.iter() {
            let about = entry.about;
            let face = Face::of(about);
            let all = Rect::from_min_size(Pos2::ZERO, face.size);
            let mut parts: Vec<Rect> = face.params.iter().map(|(_, _, rect)| *rect).collect();
            parts.extend(face.screen);
            let jack = |(_, at): &(Name, Pos2)| {
                Rect::from_center_size(*at, Vec2::splat(2.0 * JACK_RADIUS))
            };
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
        }
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
