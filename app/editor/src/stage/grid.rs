//! Where the tiles of the stage lie: in a grid that fills the room, with cells as large
//! as they can be.

use eframe::egui::{Pos2, Rect, Vec2, vec2};

/// Between tiles, in points.
pub const GAP: f32 = 8.0;
/// The least that a cell can be, in points. What then has no room is scrolled to.
const LEAST: Vec2 = vec2(136.0, 176.0);
/// How high a cell is at best, compared with its width.
const SHAPE: f32 = 1.25;

/// Where tiles of so many cells' width lie from `corner` on, and how high all of them are.
pub fn laid_out(spans: &[usize], corner: Pos2, room: Vec2) -> (Vec<Rect>, f32) {
    let most = ((room.x - GAP) / (LEAST.x + GAP)).floor().max(1.0) as usize;
    let cells: usize = spans.iter().sum();
    let best = (1..=most.min(cells.max(1)))
        .map(|columns| Grid::of(spans, columns, room))
        .max_by(|a, b| a.worth().total_cmp(&b.worth()));
    let Some(grid) = best else { return (Vec::new(), room.y) };
    let step = grid.cell + Vec2::splat(GAP);
    let rect = |&(row, column, span): &(usize, usize, usize)| {
        let at = corner + Vec2::splat(GAP) + vec2(column as f32, row as f32) * step;
        let width = span as f32 * step.x - GAP;
        Rect::from_min_size(at, vec2(width, grid.cell.y))
    };
    let height = GAP + grid.rows as f32 * step.y;
    (grid.places.iter().map(rect).collect(), height.max(room.y))
}

/// Tiles in a number of columns.
struct Grid {
    /// By tile: its row, its first column, and how many columns it takes.
    places: Vec<(usize, usize, usize)>,
    rows: usize,
    cell: Vec2,
}

impl Grid {
    fn of(spans: &[usize], columns: usize, room: Vec2) -> Grid {
        let (mut row, mut column) = (0, 0);
        let mut places = Vec::with_capacity(spans.len());
        for span in spans.iter().map(|span| (*span).min(columns)) {
            if column + span > columns {
                (row, column) = (row + 1, 0);
            }
            places.push((row, column, span));
            column += span;
        }
        let rows = row + 1;
        let cells = vec2(columns as f32, rows as f32);
        let cell = (room - Vec2::splat(GAP)) / cells - Vec2::splat(GAP);
        Grid { places, rows, cell: cell.max(vec2(1.0, LEAST.y)) }
    }

    /// How large what is drawn in a cell can be.
    fn worth(&self) -> f32 {
        self.cell.x.min(self.cell.y / SHAPE)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_knobs_stand_beside_each_other_in_a_wide_window_and_two_by_two_in_a_square_one() {
        let tops = |room| {
            let (rects, _) = laid_out(&[1; 4], Pos2::ZERO, room);
            rects.iter().filter(|rect| rect.top() == GAP).count()
        };
        assert_eq!(tops(vec2(1280.0, 400.0)), 4);
        assert_eq!(tops(vec2(700.0, 800.0)), 2);
    }

    proptest! {
        #[test]
        fn tiles_lie_beside_each_other_within_the_width_and_are_large_enough(
            spans in prop::collection::vec(1usize..3, 1..60),
            width in 300f32..2600.0, height in 200f32..1600.0,
        ) {
            let (rects, all) = laid_out(&spans, Pos2::ZERO, vec2(width, height));
            prop_assert_eq!(rects.len(), spans.len());
            let room = Rect::from_min_size(Pos2::ZERO, vec2(width, all));
            for (index, rect) in rects.iter().enumerate() {
                prop_assert!(room.expand(0.5).contains_rect(*rect), "{rect:?} {room:?}");
                prop_assert!(rect.width() > 130.0 && rect.height() > 170.0, "{rect:?}");
                for other in &rects[..index] {
                    prop_assert!(!rect.shrink(1.0).intersects(other.shrink(1.0)));
                }
            }
        }
    }
}
