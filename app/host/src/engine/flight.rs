//! \[rt\] How many blocks are in flight: see [`shm_ring::flight`]. Only while nothing
//! changes from one to the next, and only in a plan of stages, in which no slot
//! waits for one after it.

use shm_ring::flight::{MAX_IN_FLIGHT, is_reached};
use shm_ring::layout::BlockStart;
use shm_ring::monotonic::now_nanos;
use sostenuto_dsp::units::MAX_BLOCK_FRAMES;

/// For how many blocks of that length a module's memory has room for outputs.
pub fn places(block_frames: u32) -> u32 {
    (MAX_BLOCK_FRAMES as u32 / block_frames.max(1)).clamp(1, MAX_IN_FLIGHT)
}

/// How long workers have enough to do while the engine is woken and hands a block on,
/// in nanoseconds. More blocks in flight only take the caches from each other.
const ENOUGH_NANOS: u64 = 400_000;

/// Blocks from which the mean is worth something.
const MEASURED: u32 = 16;

/// The blocks that have begun.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// When the first of this flight did, and how many were handed on since.
    since_nanos: u64,
    handed_on: u32,
    /// What a block took in the last flight that was long enough; 0: none yet.
    block_nanos: u64,
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

    /// How many blocks of that length are to be in flight, over so many slots: each has
    /// one, and some are there when one is done.
    pub fn most(&self, block_frames: u32, slots: u32) -> u32 {
        let ready = ENOUGH_NANOS / self.block_nanos.max(1);
        let most = ready.saturating_add(1 + u64::from(slots)).max(2);
        most.min(places(block_frames).into()) as u32
    }

    /// Begins with the block `start`, where it has not, and with those after it, up to
    /// `most` in all. Whether any block has begun by this; then workers are to hear of it.
    pub fn begin(&mut self, start: &mut BlockStart, most: u32) -> bool {
        if self.begun == 0 {
            (self.since_nanos, self.handed_on) = (now_nanos(), 0);
            start.use_places(most.max(1));
        } else {
            start.use_places(start.copies);
        }
        let most = most.clamp(1, start.copies);
        // Not one by one: that costs a wake each time.
        let is_new = self.begun == 0 || self.begun <= most / 2;
        if is_new {
            self.begun = most;
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
        self.handed_on += 1;
        if self.begun == 0 && self.handed_on >= MEASURED {
            let nanos = now_nanos().saturating_sub(self.since_nanos);
            self.block_nanos = nanos / u64::from(self.handed_on);
        }
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
    fn more_slots_and_shorter_blocks_have_more_in_flight() {
        let flight = |block_nanos| Flight { block_nanos, ..Flight::default() };
        let (quick, slow) = (flight(100_000), flight(2_000_000));
        assert_eq!([1, 2, 4, 8].map(|slots| quick.most(256, slots)), [6, 7, 8, 8]);
        assert_eq!([1, 2, 4, 8].map(|slots| slow.most(256, slots)), [2, 3, 5, 8]);
        assert_eq!([256, 1024, 2048].map(|frames| quick.most(frames, 2)), [7, 2, 1]);
        assert_eq!(Flight::default().most(256, 1), 8, "before anything was measured");
    }

    #[test]
    fn places_are_changed_between_flights_only() {
        let (mut flight, mut start) = (Flight::default(), BlockStart::default());
        (start.block, start.frames) = (2, 64);
        let mut next = |flight: &mut Flight, most| {
            flight.begin(&mut start, most);
            flight.hand_on();
            let now = start;
            (start.block, start.frame) = (next_block(start.block), start.frame + 64);
            [now.in_flight, now.copies, now.place]
        };
        assert_eq!(next(&mut flight, 3), [3, 3, 0]);
        assert_eq!(next(&mut flight, 8), [2, 3, 1], "half of them are still to be handed on");
        assert_eq!(next(&mut flight, 8), [3, 3, 2]);
        assert_eq!(next(&mut flight, 1), [2, 3, 0]);
        assert_eq!(next(&mut flight, 1), [1, 3, 1]);
        assert_eq!(next(&mut flight, 1), [1, 1, 0]);
        assert_eq!(next(&mut flight, 4), [4, 4, 2]);
    }

    #[test]
    fn outputs_of_all_blocks_fit_into_the_memory_of_the_longest() {
        for frames in [32, 64, 256, 512, 1024, 1536, 2048] {
            assert!(places(frames) * frames <= MAX_BLOCK_FRAMES as u32, "{frames}");
        }
        assert_eq!([32, 256, 1024, 2048].map(places), [8, 8, 2, 1]);
    }
}
