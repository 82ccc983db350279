//! The scope's screen: two signals over time, or one over the other.
//!
//! How much of the signal is seen is the eye's affair, not the module's: the
//! wheel changes volts a division, a click on the badge goes to X/Y and back.

use eframe::egui::{
    Align2, Color32, CursorIcon, Id, Pos2, Rect, Sense, Ui, WidgetInfo, WidgetType, pos2, vec2,
};
use sostenuto_modules::module::Sweep;

use super::ScreenSpot;
use crate::held::Held;
use crate::model::Asks;
use crate::pen::{Pen, guide};
use crate::theme::Theme;

/// The screen is so many divisions wide and high.
const ACROSS: usize = 10;
const UP: usize = 8;
/// Volts a division, as scopes have them.
const GAINS_VOLTS: [f32; 7] = [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// How the eye looks at it.
#[derive(Clone, Copy)]
struct View {
    gain: usize,
    is_xy: bool,
}

impl Default for View {
    fn default() -> View {
        View { gain: 5, is_xy: false }
    }
}

/// The screen.
pub fn scope_ui(ui: &mut Ui, theme: &Theme, spot: &ScreenSpot, sweep: Sweep, asks: &mut Asks) {
    let id = ui.id().with(("scope", spot.module.as_str()));
    let mut view: View = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    look(ui, spot, id, &mut view);
    let volts = GAINS_VOLTS[view.gain];
    let screen = Screen { rect: spot.rect, volts_up: volts * UP as f32 / 2.0 };
    let level_volts = level_ui(ui, spot, id, &screen, asks);
    ui.data_mut(|data| data.insert_temp(id, view));
    if !ui.is_rect_visible(spot.rect) {
        return;
    }
    let pen = Pen::within(ui, spot.zoom, spot.rect);
    pen.well(spot.rect, theme.well, theme.edge);
    grid(&pen, theme, spot.rect);
    let [a, _, b, ..] = theme.cables;
    if let Some(rows) = Rows::of(spot.display, sweep) {
        if view.is_xy {
            draw_xy(&pen, &screen, &rows, a);
        } else {
            for (color, row) in [(b, 2), (a, 0)] {
                draw_row(&pen, &screen, &rows, row, color);
            }
        }
    }
    if !view.is_xy {
        let tip = pos2(spot.rect.left() + pen.scaled(9.0), screen.y(level_volts));
        let back = vec2(-pen.scaled(8.0), pen.scaled(5.0));
        pen.shape(vec![tip, tip + back, tip + vec2(back.x, -back.y)], theme.text);
    }
    words(&pen, theme, spot, sweep, &view, [a, b]);
}

/// Both traces, 2 V a division.
pub fn glance(pen: &Pen, theme: &Theme, spot: &ScreenSpot, sweep: Sweep) {
    let volts = GAINS_VOLTS[View::default().gain];
    let screen = Screen { rect: spot.rect, volts_up: volts * UP as f32 / 2.0 };
    let [a, _, b, ..] = theme.cables;
    if let Some(rows) = Rows::of(spot.display, sweep) {
        for (color, row) in [(b, 2), (a, 0)] {
            draw_row(pen, &screen, &rows, row, color);
        }
    }
}

/// The wheel and the badge.
fn look(ui: &Ui, spot: &ScreenSpot, id: Id, view: &mut View) {
    let response = ui.interact(spot.rect, id, Sense::hover());
    let name = format!("screen of {}", spot.module);
    response.widget_info(|| WidgetInfo::labeled(WidgetType::Other, ui.is_enabled(), &name));
    let swept = if spot.shown(3) != 0.0 { "triggered" } else { "free" };
    let value = format!("{} V a division, {swept}", GAINS_VOLTS[view.gain]);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(value));
    let badge = ui.interact(badge(spot), id.with("xy"), Sense::click());
    let name = format!("X/Y of {}", spot.module);
    badge.widget_info(|| {
        WidgetInfo::selected(WidgetType::Checkbox, ui.is_enabled(), view.is_xy, &name)
    });
    if badge.clicked() {
        view.is_xy = !view.is_xy;
    }
    if response.contains_pointer() {
        let notches = crate::param::take_wheel(ui);
        let gain = view.gain as f32 - notches;
        view.gain = gain.round().clamp(0.0, (GAINS_VOLTS.len() - 1) as f32) as usize;
    }
}

/// The level of the trigger, dragged at the left edge.
fn level_ui(ui: &Ui, spot: &ScreenSpot, id: Id, screen: &Screen, asks: &mut Asks) -> f32 {
    let set_volts = spot.param("level");
    let handle = Rect::from_center_size(
        pos2(spot.rect.left() + 7.0 * spot.zoom, screen.y(set_volts)),
        vec2(16.0, 16.0) * spot.zoom,
    );
    let id = id.with("level");
    let response =
        ui.interact(handle, id, Sense::drag()).on_hover_cursor(CursorIcon::ResizeVertical);
    let mut held: Option<Held<f32>> = Held::load(ui, id);
    if let Some(place) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        let volts = screen.volts(place.y).clamp(-10.0, 10.0);
        let mut down = match held.filter(|held| held.is_down) {
            Some(down) => down,
            None => Held::begin(ui, asks, set_volts),
        };
        if down.now != volts {
            asks.set_param(spot.module, "level", volts, down.gesture);
        }
        down.now = volts;
        held = Some(down);
    } else if let Some(held) = held.as_mut().filter(|held| held.is_down) {
        held.lift(ui);
    }
    let Some(held) = held else { return set_volts };
    held.keep(ui, id);
    held.now
}

/// Where volts are on the screen.
struct Screen {
    rect: Rect,
    /// From the middle to the top.
    volts_up: f32,
}

impl Screen {
    fn y(&self, volts: f32) -> f32 {
        self.rect.center().y - volts / self.volts_up * self.rect.height() / 2.0
    }

    fn volts(&self, y: f32) -> f32 {
        (self.rect.center().y - y) / (self.rect.height() / 2.0) * self.volts_up
    }

    /// Across in X/Y: as many points a volt as upwards.
    fn x(&self, volts: f32) -> f32 {
        self.rect.center().x + volts / self.volts_up * self.rect.height() / 2.0
    }
}

/// What the module shows; see [`Sweep`].
struct Rows<'a> {
    rows: [&'a [f32]; 4],
    points: usize,
    drawn: usize,
}

impl Rows<'_> {
    fn of(display: &[f32], sweep: Sweep) -> Option<Rows<'_>> {
        let Sweep { header, points } = sweep;
        let all = display.get(header..header + 4 * points)?;
        let rows = [0, 1, 2, 3].map(|row| &all[row * points..][..points]);
        Some(Rows { rows, points, drawn: (display[2].max(0.0) as usize).min(points) })
    }

    /// Whether anything was ever seen of a row and the one above it.
    fn is_flat(&self, row: usize) -> bool {
        self.rows[row..row + 2].iter().all(|row| row.iter().all(|&volts| volts == 0.0))
    }

    /// The lowest and the highest of some points.
    fn extremes(&self, row: usize, points: std::ops::Range<usize>) -> (f32, f32) {
        let low = self.rows[row][points.clone()].iter().copied().fold(f32::MAX, f32::min);
        let high = self.rows[row + 1][points].iter().copied().fold(f32::MIN, f32::max);
        (low, high)
    }
}

/// A signal over time: what the sweep has drawn, and behind it the one before.
fn draw_row(pen: &Pen, screen: &Screen, rows: &Rows, row: usize, colour: Color32) {
    if row > 0 && rows.is_flat(row) {
        return;
    }
    let columns = (screen.rect.width() as usize).clamp(32, rows.points);
    let mut lines = [Vec::new(), Vec::new()];
    for column in 0..columns {
        let points = column * rows.points / columns..(column + 1) * rows.points / columns;
        let is_old = points.start >= rows.drawn;
        let (low, high) = rows.extremes(row, points);
        let x = screen.rect.left() + (column as f32 + 0.5) / columns as f32 * screen.rect.width();
        // Each column is entered where the last one was left.
        let ends = [screen.y(low), screen.y(high)];
        let line: &mut Vec<Pos2> = &mut lines[usize::from(is_old)];
        let before = line.last().map_or(ends[0], |end| end.y);
        let nearer = usize::from((before - ends[1]).abs() < (before - ends[0]).abs());
        line.push(pos2(x, ends[nearer]));
        if (ends[0] - ends[1]).abs() > 0.5 {
            line.push(pos2(x, ends[1 - nearer]));
        }
    }
    let [new, old] = lines;
    pen.path(old, 1.5, colour.gamma_multiply(0.4));
    pen.path(new, 1.5, colour);
}

/// b over a.
fn draw_xy(pen: &Pen, screen: &Screen, rows: &Rows, colour: Color32) {
    let middle = |row: usize, point: usize| {
        let (low, high) = rows.extremes(row, point..point + 1);
        (low + high) / 2.0
    };
    let at = |point| pos2(screen.x(middle(0, point)), screen.y(middle(2, point)));
    pen.path((rows.drawn..rows.points).map(at).collect(), 1.2, colour.gamma_multiply(0.4));
    pen.path((0..rows.drawn).map(at).collect(), 1.2, colour);
}

fn grid(pen: &Pen, theme: &Theme, rect: Rect) {
    let colour = |is_middle| guide(theme, if is_middle { 0.9 } else { 0.35 });
    for line in 1..ACROSS {
        let x = rect.left() + line as f32 / ACROSS as f32 * rect.width();
        pen.line(pos2(x, rect.top()), pos2(x, rect.bottom()), 1.0, colour(2 * line == ACROSS));
    }
    for line in 1..UP {
        let y = rect.top() + line as f32 / UP as f32 * rect.height();
        pen.line(pos2(rect.left(), y), pos2(rect.right(), y), 1.0, colour(2 * line == UP));
    }
}

fn badge(spot: &ScreenSpot) -> Rect {
    let size = vec2(30.0, 18.0) * spot.zoom;
    Rect::from_min_size(spot.rect.right_top() + vec2(-size.x, 0.0), size)
}

fn words(
    pen: &Pen,
    theme: &Theme,
    spot: &ScreenSpot,
    sweep: Sweep,
    view: &View,
    [a, b]: [Color32; 2],
) {
    let inset = vec2(pen.scaled(6.0), pen.scaled(4.0));
    let secs = spot.shown(1) * sweep.points as f32 / ACROSS as f32;
    let time = if view.is_xy { String::new() } else { format!("{}   ", short_secs(secs)) };
    let words = format!("{time}{} V", GAINS_VOLTS[view.gain]);
    let corner = spot.rect.max - inset;
    pen.text(corner, Align2::RIGHT_BOTTOM, 9.0, theme.faint, &words);
    let corner = spot.rect.left_bottom() + vec2(inset.x, -inset.y);
    pen.text(corner, Align2::LEFT_BOTTOM, 9.0, a, "a");
    pen.text(corner + vec2(pen.scaled(10.0), 0.0), Align2::LEFT_BOTTOM, 9.0, b, "b");
    let colour = if view.is_xy { theme.accent } else { theme.faint };
    pen.text(badge(spot).center(), Align2::CENTER_CENTER, 9.0, colour, "X/Y");
}

fn short_secs(secs: f32) -> String {
    match secs {
        secs if secs >= 1.0 => format!("{secs:.1} s"),
        secs if secs >= 1e-3 => format!("{:.1} ms", secs * 1e3),
        secs => format!("{:.0} µs", secs * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sweep_has_not_reached_is_of_the_one_before() {
        let sweep = Sweep { header: 4, points: 200 };
        let mut display = vec![0.0; 4 + 4 * 200];
        display[2] = 100.0;
        display[4 + 7] = -3.0;
        display[4 + 200 + 7] = 4.0;
        let rows = Rows::of(&display, sweep).unwrap();
        assert_eq!(rows.drawn, 100);
        assert_eq!(rows.extremes(0, 6..8), (-3.0, 4.0));
        assert!(rows.is_flat(2) && !rows.is_flat(0));
        assert!(Rows::of(&display[1..], sweep).is_none());
    }

    #[test]
    fn volts_are_where_they_are_read() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(300.0, 160.0));
        let screen = Screen { rect, volts_up: 8.0 };
        assert_eq!(screen.y(8.0), 20.0);
        assert_eq!(screen.y(0.0), 100.0);
        assert_eq!(screen.volts(screen.y(-3.0)), -3.0);
    }
}
