//! A voltage that chooses among a few: it clicks into place.

use bytemuck::{Pod, Zeroable};

/// How far below its border a choice still holds, in steps, so that noise there
/// does not make it chatter.
const REACH: f32 = 0.1;
/// A voltage that is computed may miss its border by so little.
const HAIR: f32 = 1e-3;

/// A whole number that follows a voltage.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Detent {
    at: i32,
}

impl Detent {
    /// Takes the next frame: the whole number at or below `position`. Upwards it
    /// changes at the very border, downwards a little later.
    #[inline(always)]
    pub fn follow(&mut self, position: f32) -> i32 {
        let above = position.clamp(-1e6, 1e6) - self.at as f32;
        if !(-REACH..1.0 - HAIR).contains(&above) {
            self.at = floor(position + HAIR);
        }
        self.at
    }
}

#[inline(always)]
fn floor(x: f32) -> i32 {
    let x = x.clamp(-1e6, 1e6);
    let whole = x as i32;
    whole - (x < whole as f32) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_at_the_border_and_back_a_little_below() {
        let mut detent = Detent::default();
        let positions = [0.9, 1.0, 0.95, 0.85, 2.999_99, 2.5, 0.2, -0.05, -1.0, 1e9];
        let found = positions.map(|position| detent.follow(position));
        assert_eq!(found, [0, 1, 1, 0, 3, 2, 0, 0, -1, 1_000_000]);
    }
}
