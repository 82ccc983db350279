//! How cables hang, and whether the pointer is on one.

use eframe::egui::{Pos2, Rect, vec2};

/// How far a cable that is drawn may be from its curve, in points: less than
/// half a pixel is not seen.
const TOLERANCE: f32 = 0.2;

/// The farthest that a cable hangs below a straight line, in canvas points.
const MOST_SAG: f32 = 120.0;

/// A cable as a Bézier curve on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    points: [Pos2; 4],
}

impl Curve {
    /// From an output, which it leaves to the right, to an input. A `tension`
    /// of 1 is a cable without weight.
    pub fn new(from: Pos2, to: Pos2, tension: f32, zoom: f32) -> Curve {
        let (across, down) = ((to.x - from.x).abs(), (to.y - from.y).abs());
        let reach =
            (across * 0.4).clamp(24.0 * zoom, 160.0 * zoom).min(24.0 * zoom + across + down);
        let sag = (1.0 - tension) * (0.35 * (across + down)).min(MOST_SAG * zoom);
        Curve { points: [from, from + vec2(reach, sag), to + vec2(-reach, sag), to] }
    }

    /// The point at `t` of its way, 0 to 1.
    pub fn at(&self, t: f32) -> Pos2 {
        let [a, b, c, d] = self.points.map(Pos2::to_vec2);
        let s = 1.0 - t;
        (a * (s * s * s) + b * (3.0 * s * s * t) + c * (3.0 * s * t * t) + d * (t * t * t))
            .to_pos2()
    }

    /// A rectangle that it lies in.
    pub fn bounds(&self) -> Rect {
        Rect::from_points(&self.points)
    }

    /// How far a point is from it, and how far along the nearest point lies.
    pub fn distance(&self, point: Pos2) -> (f32, f32) {
        const STEPS: usize = 24;
        let mut nearest = (f32::INFINITY, 0.0);
        let mut before = self.points[0];
        for step in 1..=STEPS {
            let t = step as f32 / STEPS as f32;
            let here = self.at(t);
            let way = here - before;
            let along = ((point - before).dot(way) / way.length_sq().max(1e-6)).clamp(0.0, 1.0);
            let distance = point.distance(before + way * along);
            if distance < nearest.0 {
                nearest = (distance, t - (1.0 - along) / STEPS as f32);
            }
            before = here;
        }
        nearest
    }

    /// Points on it that are close enough to each other to draw it by.
    pub fn points(&self) -> Vec<Pos2> {
        let [a, b, c, d] = self.points.map(Pos2::to_vec2);
        // Wang's bound for a cubic: its second differences say how much it bends.
        let bend = (a - b * 2.0 + c).length().max((b - c * 2.0 + d).length());
        let pieces = (0.75 * bend / TOLERANCE).sqrt().ceil().clamp(1.0, 64.0);
        (0..=pieces as usize).map(|piece| self.at(piece as f32 / pieces)).collect()
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::*;

    #[test]
    fn it_begins_and_ends_at_its_ports_and_hangs_between() {
        let (from, to) = (pos2(0.0, 0.0), pos2(300.0, 0.0));
        let loose = Curve::new(from, to, 0.0, 1.0);
        assert_eq!((loose.at(0.0), loose.at(1.0)), (from, to));
        assert!(loose.at(0.5).y > 40.0);
        assert_eq!(Curve::new(from, to, 1.0, 1.0).at(0.5).y, 0.0);
    }

    #[test]
    fn the_pointer_is_on_it_or_beside_it() {
        let curve = Curve::new(pos2(0.0, 0.0), pos2(300.0, 80.0), 0.3, 1.0);
        for step in 0..=10 {
            let t = step as f32 / 10.0;
            let (distance, along) = curve.distance(curve.at(t));
            assert!(distance < 1.0, "{distance}");
            assert!((along - t).abs() < 0.05, "{along} {t}");
        }
        assert!(curve.distance(pos2(150.0, 300.0)).0 > 100.0);
        assert!(curve.bounds().contains(curve.at(0.5)));
    }

    #[test]
    fn it_is_drawn_by_few_points_that_lie_on_it() {
        for (to, most) in [(pos2(40.0, 10.0), 15), (pos2(1500.0, 700.0), 65)] {
            let curve = Curve::new(pos2(0.0, 0.0), to, 0.3, 1.0);
            let points = curve.points();
            assert!(points.len() <= most, "{}", points.len());
            for step in 0..=200 {
                let at = curve.at(step as f32 / 200.0);
                let near = points.windows(2).map(|ends| {
                    let way = ends[1] - ends[0];
                    let along = ((at - ends[0]).dot(way) / way.length_sq()).clamp(0.0, 1.0);
                    at.distance(ends[0] + way * along)
                });
                let distance = near.fold(f32::INFINITY, f32::min);
                assert!(distance <= TOLERANCE, "{distance}");
            }
        }
    }
}
