//! What is worked out once a quantum, and heard as a straight line between.

use bytemuck::{Pod, Zeroable};

use crate::lane::{LANES, Lane};
use crate::units::QUANTUM;

/// Sixteen numbers, one for each channel (or whatever a module has sixteen of),
/// each on its way through a quantum.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Ramps {
    from: [f32; 16],
    to: [f32; 16],
    has_begun: [u32; 2],
}

impl Ramps {
    /// To be called at the start of a quantum: the quantum's last frame is to
    /// reach `goal`. The first goal of all is there at once.
    #[inline(always)]
    pub fn aim<L: Lane>(&mut self, group: usize, goal: L) {
        let has_begun = &mut self.has_begun[group % 2];
        let from = if *has_begun == 0 { goal } else { L::load(&self.to, group) };
        *has_begun = 1;
        from.store(&mut self.from, group);
        goal.store(&mut self.to, group);
    }

    /// All sixteen at once.
    #[inline(always)]
    pub fn aim_all(&mut self, goals: &[f32; 16]) {
        for group in 0..16 / LANES {
            self.aim(group, crate::lane::Lanes::load(goals, group));
        }
    }

    /// Whether the values are the same at every frame of the quantum.
    #[inline(always)]
    pub fn are_still<L: Lane>(&self, group: usize) -> bool {
        let (from, to) =
            (L::load(&self.from, group).to_lanes(), L::load(&self.to, group).to_lanes());
        from[..L::WIDTH] == to[..L::WIDTH]
    }

    /// The values at a frame of the quantum.
    #[inline(always)]
    pub fn at<L: Lane>(&self, group: usize, frame: usize) -> L {
        let from = L::load(&self.from, group);
        let way = L::load(&self.to, group) - from;
        from + way * ((frame % QUANTUM + 1) as f32 * (1.0 / QUANTUM as f32)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::Lanes;

    #[test]
    fn a_goal_is_reached_at_the_end_of_its_quantum() {
        let mut ramps = Ramps::zeroed();
        ramps.aim(1, Lanes::splat(4.0));
        assert_eq!(ramps.at::<Lanes>(1, 0), Lanes::splat(4.0));
        ramps.aim(1, Lanes::splat(5.0));
        assert_eq!(ramps.at::<Lanes>(1, QUANTUM / 2 - 1), Lanes::splat(4.5));
        assert_eq!(ramps.at::<Lanes>(1, QUANTUM - 1), Lanes::splat(5.0));
        ramps.aim(0, 2.0f32);
        assert_eq!(ramps.at::<f32>(0, 7), 2.0);
    }
}
