//! How a signal looks: its sign as a colour, its size as brightness.

use eframe::egui::Color32;

use crate::model::Level;
use crate::theme::Theme;

/// Volts that glow fully.
const BRIGHT_VOLTS: f32 = 5.0;

/// How bright a signal is, 0 to 1: its largest volts over the block, by the
/// square root, so that quiet signals are seen.
pub fn brightness(level: &Level) -> f32 {
    let volts = level.max_volts.abs().max(level.min_volts.abs());
    (volts / BRIGHT_VOLTS).clamp(0.0, 1.0).sqrt()
}

/// Which colour it glows in: positive, negative, or between the two where it
/// swings around 0 V.
pub fn colour(theme: &Theme, level: &Level) -> Color32 {
    let span = level.max_volts.max(0.0) - level.min_volts.min(0.0);
    let positive = if span > 1e-6 { level.max_volts.max(0.0) / span } else { 1.0 };
    theme.negative.lerp_to_gamma(theme.positive, positive)
}

/// How wide a cable is at zoom 1, in points.
pub fn width(level: Option<&Level>) -> f32 {
    match level.map_or(1, |level| level.channels) {
        0 | 1 => 3.0,
        _ => 5.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Look;

    fn level(min_volts: f32, max_volts: f32) -> Level {
        Level { channels: 1, volts: max_volts, min_volts, max_volts }
    }

    #[test]
    fn silence_is_dark_and_five_volts_are_bright() {
        assert_eq!(brightness(&level(0.0, 0.0)), 0.0);
        assert_eq!(brightness(&level(-5.0, 5.0)), 1.0);
        assert!(brightness(&level(-0.1, 0.1)) > 0.1, "a quiet signal is seen");
    }

    #[test]
    fn the_sign_is_a_colour() {
        let theme = Theme::of(Look::Dark);
        assert_eq!(colour(&theme, &level(0.0, 8.0)), theme.positive);
        assert_eq!(colour(&theme, &level(-8.0, -2.0)), theme.negative);
        let both = colour(&theme, &level(-5.0, 5.0));
        assert!(both != theme.positive && both != theme.negative);
    }
}
