//! Where on the endless canvas the window looks, and how closely.

use eframe::egui::{Pos2, Rect, Vec2, pos2, vec2};

/// As far out as one can go.
pub const MIN_ZOOM: f32 = 0.1;
/// As close as one can go.
pub const MAX_ZOOM: f32 = 4.0;
/// How long a zoom takes to come most of the way, in seconds.
const GLIDE_SECS: f32 = 0.05;

/// Where the window looks. Places on the canvas are in points at zoom 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// The place in the middle of the window.
    pub centre: Pos2,
    /// Screen points a canvas point.
    pub zoom: f32,
    /// Whether it shows a whole patch, as no hand has wanted it otherwise since.
    pub is_fitted: bool,
    goal: Option<Goal>,
}

/// Where a zoom glides to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    /// That zoom, with this place staying where it is on the screen.
    Around { zoom: f32, place: Pos2, from_middle: Vec2 },
    /// Exactly there.
    There { zoom: f32, centre: Pos2 },
}

impl Default for Camera {
    fn default() -> Camera {
        Camera { centre: pos2(600.0, 340.0), zoom: 1.0, is_fitted: false, goal: None }
    }
}

impl Camera {
    /// One that looks there; `None` where that is nowhere.
    pub fn there(centre: Pos2, zoom: f32) -> Option<Camera> {
        let is_somewhere = centre.is_finite() && zoom.is_finite();
        let zoom = zoom.clamp(MIN_ZOOM, MAX_ZOOM);
        is_somewhere.then(|| Camera { centre, zoom, ..Camera::default() })
    }

    /// A place on the canvas, on the screen.
    pub fn to_screen(self, window: Rect, place: Pos2) -> Pos2 {
        window.center() + (place - self.centre) * self.zoom
    }

    /// A point of the screen, on the canvas.
    pub fn to_canvas(self, window: Rect, point: Pos2) -> Pos2 {
        self.centre + (point - window.center()) / self.zoom
    }

    /// A rectangle of the canvas, on the screen.
    pub fn rect_to_screen(&self, window: Rect, rect: Rect) -> Rect {
        Rect::from_min_max(self.to_screen(window, rect.min), self.to_screen(window, rect.max))
    }

    /// What can be seen.
    pub fn visible(&self, window: Rect) -> Rect {
        Rect::from_center_size(self.centre, window.size() / self.zoom)
    }

    /// Moves along with the hand, by so much of the screen.
    pub fn pan(&mut self, delta: Vec2) {
        self.centre -= delta / self.zoom;
        (self.goal, self.is_fitted) = (None, false);
    }

    /// Begins to zoom by that factor around a point of the screen.
    pub fn zoom_by(&mut self, window: Rect, point: Pos2, factor: f32) {
        let from = match self.goal {
            Some(Goal::Around { zoom, .. } | Goal::There { zoom, .. }) => zoom,
            None => self.zoom,
        };
        let zoom = (from * factor).clamp(MIN_ZOOM, MAX_ZOOM);
        let place = self.to_canvas(window, point);
        self.is_fitted = false;
        self.goal = Some(Goal::Around { zoom, place, from_middle: point - window.center() });
    }

    /// Begins to zoom and pan until `rect` fills the window.
    pub fn fit(&mut self, window: Rect, rect: Rect) {
        let room = window.size() - vec2(80.0, 80.0);
        let size = rect.size().max(vec2(1.0, 1.0));
        let zoom = (room.x / size.x).min(room.y / size.y).clamp(MIN_ZOOM, 1.0);
        self.goal = Some(Goal::There { zoom, centre: rect.center() });
    }

    /// Begins to go as little as it must until `rect` is in view; where it is too
    /// large, until it fills the window.
    pub fn reveal(&mut self, window: Rect, rect: Rect) {
        let (zoom, centre) = match self.goal {
            Some(Goal::There { zoom, centre }) => (zoom, centre),
            Some(Goal::Around { .. }) | None => (self.zoom, self.centre),
        };
        let room = Rect::from_center_size(centre, (window.size() - vec2(80.0, 80.0)) / zoom);
        if room.width() < rect.width() || room.height() < rect.height() {
            return self.fit(window, rect);
        }
        let way = (rect.min - room.min).min(Vec2::ZERO) + (rect.max - room.max).max(Vec2::ZERO);
        if way != Vec2::ZERO {
            self.goal = Some(Goal::There { zoom, centre: centre + way });
        }
    }

    /// Looks there at once.
    pub fn look_at(&mut self, centre: Pos2) {
        *self = Camera { centre, is_fitted: false, goal: None, ..*self };
    }

    /// Stays where it is now: what a hand comes down on does not slip away.
    pub fn rest(&mut self) {
        self.goal = None;
    }

    /// Time goes on. Whether there is more to come.
    pub fn glide(&mut self, secs: f32) -> bool {
        let Some(goal) = self.goal else { return false };
        let part = 1.0 - (-secs / GLIDE_SECS).exp();
        let (Goal::Around { zoom, .. } | Goal::There { zoom, .. }) = goal;
        // Equal ratios in equal times, so that it feels even.
        self.zoom *= (zoom / self.zoom).powf(part);
        let is_near = (zoom / self.zoom).ln().abs() < 2e-3;
        let is_there = match goal {
            Goal::Around { place, from_middle, .. } => {
                self.zoom = if is_near { zoom } else { self.zoom };
                self.centre = place - from_middle / self.zoom;
                is_near
            }
            Goal::There { centre, .. } => {
                self.centre += (centre - self.centre) * part;
                is_near && self.centre.distance(centre) * self.zoom < 0.5
            }
        };
        if is_there {
            if let Goal::There { zoom, centre } = goal {
                *self = Camera { centre, zoom, goal: None, ..*self };
            }
            self.goal = None;
        }
        !is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Rect = Rect { min: Pos2::ZERO, max: pos2(1000.0, 600.0) };

    fn settle(camera: &mut Camera) {
        let frames = (0..600).take_while(|_| camera.glide(1.0 / 60.0)).count();
        assert!(frames < 120, "it arrives within two seconds");
    }

    #[test]
    fn screen_and_canvas_are_each_others_inverse() {
        let camera = Camera::there(pos2(50.0, -20.0), 1.7).unwrap();
        let place = pos2(321.0, 12.5);
        let back = camera.to_canvas(WINDOW, camera.to_screen(WINDOW, place));
        assert!(back.distance(place) < 1e-3);
    }

    #[test]
    fn what_is_under_the_pointer_stays_there_while_it_zooms() {
        let mut camera = Camera::default();
        let pointer = pos2(800.0, 100.0);
        let place = camera.to_canvas(WINDOW, pointer);
        for factor in [1.3, 1.3, 0.9] {
            camera.zoom_by(WINDOW, pointer, factor);
            for _ in 0..5 {
                camera.glide(1.0 / 60.0);
                assert!(camera.to_screen(WINDOW, place).distance(pointer) < 0.1);
            }
        }
        settle(&mut camera);
        assert!((camera.zoom - 1.3 * 1.3 * 0.9).abs() < 1e-3);
    }

    #[test]
    fn it_goes_from_25_to_400_percent() {
        for (factor, end) in [(1e-3, MIN_ZOOM), (1e3, MAX_ZOOM)] {
            let mut camera = Camera::default();
            camera.zoom_by(WINDOW, pos2(10.0, 10.0), factor);
            settle(&mut camera);
            assert_eq!(camera.zoom, end);
        }
    }

    #[test]
    fn what_is_revealed_is_in_view_and_what_was_in_view_does_not_move() {
        let mut camera = Camera::default();
        let seen = Rect::from_min_size(camera.centre, vec2(200.0, 100.0));
        camera.reveal(WINDOW, seen);
        assert_eq!(camera, Camera::default());
        for rect in [seen.translate(vec2(900.0, -40.0)), seen.translate(vec2(0.0, -3000.0))] {
            camera.reveal(WINDOW, rect);
            settle(&mut camera);
            assert!(camera.visible(WINDOW).contains_rect(rect) && camera.zoom == 1.0);
        }
        let large = Rect::from_min_size(Pos2::ZERO, vec2(1500.0, 100.0));
        camera.reveal(WINDOW, large);
        settle(&mut camera);
        assert!(camera.visible(WINDOW).contains_rect(large));
    }

    #[test]
    fn fit_shows_all_of_it() {
        let mut camera = Camera::default();
        let all = Rect::from_min_size(pos2(-500.0, 100.0), vec2(3000.0, 900.0));
        camera.fit(WINDOW, all);
        settle(&mut camera);
        assert!(camera.visible(WINDOW).contains_rect(all));
        camera.fit(WINDOW, Rect::from_min_size(Pos2::ZERO, vec2(10.0, 10.0)));
        settle(&mut camera);
        assert_eq!(camera.zoom, 1.0, "a small patch is not blown up");
    }
}
