//! How much of an effect is heard.

/// The gains of the dry and the wet signal at a mix of 0 to 1. In the middle
/// both are at full level, so that adding an effect does not weaken the sound.
#[inline(always)]
pub fn dry_wet(mix: f32) -> (f32, f32) {
    ((2.0 - 2.0 * mix).min(1.0), (2.0 * mix).min(1.0))
}
