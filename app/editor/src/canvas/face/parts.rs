//! Boxes in boxes: a layout from the catalogue, first measured, then given its place.

use std::collections::BTreeSet;

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};
use sostenuto_modules::face::Part;
use sostenuto_modules::module::{About, Port, Screen};
use sostenuto_patch::Name;

use super::{BELOW_TEXT, BESIDE_TEXT, Control, Face, Heading, Jack, LETTER, MARGIN};
use crate::param::WidgetKind;
use crate::param::label;

/// A jack with its label below, at least.
const JACK_CELL: Vec2 = vec2(27.0, 37.0);
/// The middle of the jack in it.
const JACK_DOWN: f32 = 12.0;
const HEADING_HEIGHT: f32 = 18.0;
/// Around what stands in a column with a heading.
const INSET: f32 = 2.0;
/// Between a curve and what is beside it.
const CURVE_GAP: Vec2 = vec2(2.0, 0.0);

/// A part that has its size.
pub(super) struct Cell {
    pub size: Vec2,
    what: What,
}

enum What {
    Screen,
    Text,
    Control { index: usize, kind: WidgetKind, label: String, meter: Option<Name> },
    Jack { port: Name, label: String, is_output: bool },
    Row(Vec<Cell>),
    Column(String, Vec<Cell>),
}

impl Cell {
    /// How much of a face's height it takes.
    pub fn height(&self) -> f32 {
        let is_well = matches!(self.what, What::Screen | What::Text);
        self.size.y + if is_well { MARGIN } else { 0.0 }
    }

    /// Whether the screen is in it.
    pub fn has_screen(&self) -> bool {
        match &self.what {
            What::Screen => true,
            What::Row(cells) | What::Column(_, cells) => cells.iter().any(Cell::has_screen),
            _ => false,
        }
    }

    /// The params that are in it, and the ports, with whether they are outputs.
    pub fn names(&self, found: &mut (BTreeSet<usize>, BTreeSet<(bool, Name)>)) {
        match &self.what {
            What::Control { index, .. } => _ = found.0.insert(*index),
            What::Jack { port, is_output, .. } => _ = found.1.insert((*is_output, port.clone())),
            What::Row(cells) | What::Column(_, cells) => {
                cells.iter().for_each(|cell| cell.names(found));
            }
            What::Screen | What::Text => {}
        }
    }
}

/// What is measured from: the catalogue, and the sizes of what it shows.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    pub about: &'static About,
    pub screen: Option<Vec2>,
}

impl Measure {
    /// A part of the catalogue's layout. `number` stands for each `#` in it.
    pub fn cell(&self, part: &Part, number: Option<u8>) -> Cell {
        match *part {
            Part::Screen => Cell { size: self.screen.unwrap_or(Vec2::ZERO), what: What::Screen },
            Part::Param(name) => self.control(name, number, None, None),
            Part::Small(name) => self.control(name, number, Some(WidgetKind::SmallKnob), None),
            Part::Button(name) => self.control(name, number, Some(WidgetKind::Button), None),
            Part::Fader(name, port) => {
                let port = named(port, number);
                self.control(name, number, Some(WidgetKind::Fader), Some(port.as_str().into()))
            }
            Part::Input(name) => self.jack(self.about.inputs, name, number, false),
            Part::Output(name) => self.jack(self.about.outputs, name, number, true),
            Part::Row(parts) => row(parts.iter().map(|part| self.cell(part, number)).collect()),
            Part::Column(heading, parts) => {
                column(heading, parts.iter().map(|part| self.cell(part, number)).collect())
            }
            Part::Strips(count, parts) => {
                let strip = |number: u8| {
                    let cells = parts.iter().map(|part| self.cell(part, Some(number))).collect();
                    column(&number.to_string(), cells)
                };
                row((1..=count).map(strip).collect())
            }
        }
    }

    fn control(
        &self,
        pattern: &str,
        number: Option<u8>,
        kind: Option<WidgetKind>,
        meter: Option<Name>,
    ) -> Cell {
        let name = named(pattern, number);
        let index = self.about.param(&name).expect("the catalogue's faces name params that exist");
        let param = &self.about.params[index];
        let kind = kind.unwrap_or(WidgetKind::of(param));
        let label = strip_label(pattern, number, param.label).unwrap_or_else(|| label(param));
        Cell { size: kind.size(), what: What::Control { index, kind, label, meter } }
    }

    fn jack(&self, ports: &[Port], pattern: &str, number: Option<u8>, is_output: bool) -> Cell {
        let name = named(pattern, number);
        let port = ports.iter().find(|port| port.name == name);
        let port = port.expect("the catalogue's faces name ports that exist");
        let label = strip_label(pattern, number, port.label).unwrap_or_else(|| port_label(port));
        let width = label.chars().count() as f32 * LETTER * BELOW_TEXT / BESIDE_TEXT;
        let what = What::Jack { port: port.name.into(), label, is_output };
        Cell { size: vec2(width.max(JACK_CELL.x), JACK_CELL.y), what }
    }
}

/// A name of the catalogue's, for one of several strips.
fn named(pattern: &str, number: Option<u8>) -> String {
    number.map_or_else(|| pattern.to_owned(), |number| pattern.replace('#', &number.to_string()))
}

/// Under a strip's number nothing has to say it again.
fn strip_label(pattern: &str, number: Option<u8>, label: &str) -> Option<String> {
    if number.is_none() || !label.is_empty() {
        return None;
    }
    let words = pattern.split('-').filter(|word| *word != "#");
    Some(words.collect::<Vec<_>>().join(" "))
}

/// What a face calls a port.
pub(super) fn port_label(port: &Port) -> String {
    if port.label.is_empty() { port.name.to_owned() } else { port.label.to_owned() }
}

pub(super) fn text_cell(size: Vec2) -> Cell {
    Cell { size, what: What::Text }
}

pub(super) fn control_cell(about: &'static About, index: usize) -> Cell {
    let param = &about.params[index];
    let kind = WidgetKind::of(param);
    let what = What::Control { index, kind, label: label(param), meter: None };
    Cell { size: kind.size(), what }
}

pub(super) fn row(cells: Vec<Cell>) -> Cell {
    let width = cells.iter().map(|cell| cell.size.x).sum();
    let height = cells.iter().map(|cell| cell.size.y).fold(0.0, f32::max);
    Cell { size: vec2(width, height), what: What::Row(cells) }
}

fn column(heading: &str, cells: Vec<Cell>) -> Cell {
    let width = cells.iter().map(|cell| cell.size.x).fold(0.0, f32::max);
    let height: f32 = cells.iter().map(|cell| cell.size.y).sum();
    let head = if heading.is_empty() { 0.0 } else { HEADING_HEIGHT + INSET };
    let size = vec2(width + 2.0 * INSET, height + head);
    Cell { size, what: What::Column(heading.to_owned(), cells) }
}

/// Puts a part into a place that is as wide as the face, or wider than the part.
pub(super) fn place(cell: Cell, at: Rect, face: &mut Face) {
    let own = Rect::from_center_size(at.center(), cell.size)
        .translate(vec2(0.0, (at.height() - cell.size.y) / 2.0));
    match cell.what {
        What::Screen if is_curve(face) => {
            face.screen = Some(own.with_min_x(at.left()).with_max_x(at.right()).shrink2(CURVE_GAP));
        }
        What::Screen => face.screen = Some(own),
        What::Text => face.text = Some(own),
        What::Control { index, kind, label, meter } => {
            face.params.push(Control { index, kind, rect: own, label, meter });
        }
        What::Jack { port, label, is_output } => {
            let middle = pos2(own.center().x, own.top() + JACK_DOWN);
            let jack = Jack { port, at: middle, label, room: at.width(), is_below: true };
            if is_output { face.outputs.push(jack) } else { face.inputs.push(jack) }
        }
        What::Row(cells) => {
            let gap = (at.width() - cell.size.x) / cells.len().max(1) as f32;
            let mut left = at.left();
            for cell in cells {
                let width = cell.size.x + gap;
                let rect = Rect::from_min_size(pos2(left, own.top()), vec2(width, own.height()));
                place(cell, rect, face);
                left += width;
            }
        }
        What::Column(words, cells) => {
            let own = own.with_min_x(at.left()).with_max_x(at.right());
            place_column(words, cells, own, face);
        }
    }
}

/// A curve is drawn as wide as there is room.
fn is_curve(face: &Face) -> bool {
    face.about.is_some_and(|about| matches!(about.screen, Some(Screen::Curve(_))))
}

fn place_column(words: String, cells: Vec<Cell>, own: Rect, face: &mut Face) {
    let mut top = own.top();
    if !words.is_empty() {
        // Those beside each other stay apart.
        face.headings.push(Heading { rect: own.shrink2(vec2(1.0, 0.0)), words });
        top += HEADING_HEIGHT;
    }
    for cell in cells {
        let rect = Rect::from_min_size(pos2(own.left(), top), vec2(own.width(), cell.size.y));
        top += cell.size.y;
        place(cell, rect.shrink2(vec2(INSET, 0.0)), face);
    }
}

/// Params in their order, as many in a row as fit; then as even as can be.
pub(super) fn rows(about: &'static About, params: &[usize], width: f32) -> Vec<Cell> {
    let wrapped = wrap(about, params, width);
    let count = wrapped.len();
    let mut even = width;
    while even > 10.0 && wrap(about, params, even - 10.0).len() == count {
        even -= 10.0;
    }
    let rows = wrap(about, params, even).into_iter();
    rows.map(|indices| row(indices.into_iter().map(|at| control_cell(about, at)).collect()))
        .collect()
}

fn wrap(about: &'static About, params: &[usize], width: f32) -> Vec<Vec<usize>> {
    let mut rows: Vec<(f32, Vec<usize>)> = Vec::new();
    for &index in params {
        let size = WidgetKind::of(&about.params[index]).size().x;
        match rows.last_mut() {
            Some((taken, row)) if *taken + size <= width => {
                *taken += size;
                row.push(index);
            }
            _ => rows.push((size, vec![index])),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Puts parts below each other in a column from `left` on, and says where they end.
pub(super) fn place_stack(
    cells: Vec<Cell>,
    (left, width): (f32, f32),
    mut top: f32,
    face: &mut Face,
) -> f32 {
    for cell in cells {
        let height = cell.height();
        let size = vec2(width - 2.0 * MARGIN, cell.size.y);
        place(cell, Rect::from_min_size(Pos2::new(left + MARGIN, top), size), face);
        top += height;
    }
    top
}
