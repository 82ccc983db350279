//! \[rt\] How many blocks are in flight: see [`shm_ring::flight`]. Only while nothing
//! changes from one to the next, and only in a plan of stages, in which no slot
//! waits for one after it.

use shm_ring::flight::{MAX_IN_FLIGHT, is_reached};
use shm_ring::layout::BlockStart;
use sostenuto_dsp::units::MAX_BLOCK_FRAMES;

/// For how many blocks of that length a module's memory has room for outputs.
pub fn places(block_frames: u32) -> u32 {
    (MAX_BLOCK_FRAMES as u32 / block_frames.max(1)).clamp(1, MAX_IN_FLIGHT)
}

/// The blocks that have begun.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// How many have that were not handed on.
    begun: u32,
    /// The last of them that the engine sleeps for.
    goal: u32,
}

impl Flight {
    /// Whether the next block has begun already.
    pub fn has_begun(&self) -> bool {
        self.begun > 0
    }

    /// Begins with the block `start`, where it has not, and with those after it, up to
    /// `most` in all. Whether any block has begun by this; then workers are to hear of it.
    pub fn begin(&mut self, start: &mut BlockStart, most: u32) -> bool {
        // Not one by one: that costs a wake each time.
        let is_new = self.begun == 0 || self.begun <= most / 2;
        if is_new {
            self.begun = most.max(1);
            self.goal = start.after((self.begun / 2).saturating_sub(1)).block;
        }
        start.in_flight = self.begun;
        start.goal = self.goal(start.block);
        is_new
    }

    /// The block that the engine sleeps for that needs this one.
    pub fn goal(&self, block: u32) -> u32 {
        if is_reached(self.goal, block) { self.goal } else { block }
    }

    /// The first of them is over.
    pub fn hand_on(&mut self) {
        self.begun -= 1;
    }
}

#[cfg(test)]
mod tests {
    use shm_ring::flight::next_block;

    use super::*;

    #[test]
    fn half_of_the_blocks_are_handed_on_before_more_begin() {
        let mut flight = Flight::default();
        let mut start = BlockStart { block: 7, frames: 256, ..BlockStart::default() };
        let mut begun = Vec::new();
        for _ in 0..6 {
            let is_new = flight.begin(&mut start, 4);
            assert!(is_reached(start.goal, start.block));
            begun.push((is_new, start.in_flight, flight.goal(start.block)));
            flight.hand_on();
            start.block = next_block(start.block);
        }
        let first = [(true, 4, 8), (false, 3, 8)];
        let then = [(true, 4, 10), (false, 3, 10), (true, 4, 12), (false, 3, 12)];
        assert_eq!(begun, [&first[..], &then[..]].concat());
        // Something is to change: no more begin, until all are over.
        for left in [2, 1] {
            assert!(flight.has_begun());
            assert!(!flight.begin(&mut start, 1));
            assert_eq!(start.in_flight, left);
            flight.hand_on();
            start.block = next_block(start.block);
        }
        assert!(!flight.has_begun());
        assert!(flight.begin(&mut start, 1));
    }

    #[test]
    fn alone_a_block_is_its_own_goal() {
        let (mut flight, mut start) = (Flight::default(), BlockStart::default());
        for block in [1, 2, u32::MAX] {
            start.block = block;
            assert!(flight.begin(&mut start, 1));
            assert_eq!((start.in_flight, start.goal), (1, block));
            flight.hand_on();
        }
    }

    #[test]
    fn outputs_of_all_blocks_fit_into_the_memory_of_the_longest() {
        for frames in [32, 64, 256, 512, 1024, 1536, 2048] {
            assert!(places(frames) * frames <= MAX_BLOCK_FRAMES as u32, "{frames}");
        }
        assert_eq!([32, 256, 1024, 2048].map(places), [8, 8, 2, 1]);
    }
}
