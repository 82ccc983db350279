//! When a drum is hit, and how hard.

use bytemuck::{Pod, Zeroable};

use crate::lane::Lane;
use crate::mask::Mask;
use crate::signal::Signal;
use crate::units::{SCHMITT_HIGH_VOLTS, SCHMITT_LOW_VOLTS};

/// What a hit without accent has of a full one's force: 8 dB less.
const SOFTEST: f32 = 0.4;

/// The force of a hit in one channel: 0.4 at an accent of 0 V to 1 at 10 V, and 1
/// without a cable.
#[inline(always)]
pub fn force(accent: &Signal, channel: usize, frame: usize) -> f32 {
    let hardness = if accent.is_patched() { 0.1 * accent.at(channel, frame) } else { 1.0 };
    SOFTEST + (1.0 - SOFTEST) * hardness.clamp(0.0, 1.0)
}

/// A trigger input's memory, for every channel. Yes is 1 and no is 0.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Strike {
    is_on: [f32; 16],
}

impl Strike {
    /// Takes the next frame. Where the trigger has just gone on: the force, 0.4
    /// at an accent of 0 V to 1 at 10 V, and 1 without a cable. Elsewhere 0.
    #[inline(always)]
    pub fn next<L: Lane>(
        &mut self,
        trigger: &Signal,
        accent: &Signal,
        group: usize,
        frame: usize,
    ) -> L {
        let c = L::splat;
        let was_on = Mask::load(&self.is_on, group);
        let limit = was_on.pick_const(SCHMITT_LOW_VOLTS, SCHMITT_HIGH_VOLTS);
        let is_on = Mask::above(trigger.get::<L>(group, frame), limit);
        is_on.store(&mut self.is_on, group);
        let hardness = if accent.is_patched() {
            (accent.get::<L>(group, frame) * c(0.1)).clamp(0.0, 1.0)
        } else {
            c(1.0)
        };
        is_on.and_not(was_on).keep(c(SOFTEST) + hardness * c(1.0 - SOFTEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::SILENCE;

    #[test]
    fn a_hit_is_one_frame_as_hard_as_its_accent() {
        let (mut strike, mut trigger, mut accent) = (Strike::default(), SILENCE, SILENCE);
        trigger.set_channels(1);
        accent.set_channels(1);
        let volts = [0.0, 10.0, 10.0, 0.0, 5.0, 0.5, 5.0];
        let accents = [0.0, 0.0, 10.0, 0.0, 10.0, 0.0, 10.0];
        for (frame, (volts, accent_volts)) in volts.into_iter().zip(accents).enumerate() {
            trigger.set(0, frame, volts);
            accent.set(0, frame, accent_volts);
        }
        let mut hits =
            |accent| [0, 1, 2, 3, 4, 5, 6].map(|n| strike.next::<f32>(&trigger, accent, 0, n));
        assert_eq!(hits(&accent), [0.0, 0.4, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(hits(&SILENCE), [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    }
}
