//! \[rt\] Blocks in flight: a block may begin before the one before it is over.
//!
//! The engine says in its [`BlockStart`] which block it waits for, and how many may
//! be computed from that one on. Each slot goes through them in order. The outputs
//! of a block have a place of their own for as long as it is in flight, so nobody
//! reads what another overwrites. Nothing else may change meanwhile: plan, knobs
//! and pace are the same for all blocks in flight.

use crate::layout::BlockStart;

/// The most blocks that may be in flight at a time.
pub const MAX_IN_FLIGHT: u32 = 8;

/// The number of the block after that one. 0 means none yet, so it is passed
/// over; and with it 1, because parity says which state is the committed one.
pub fn next_block(block: u32) -> u32 {
    if block == u32::MAX { 2 } else { block + 1 }
}

/// Whether a stamp, or `done`, says that a block is over: that block itself, or one
/// in flight after it.
pub fn is_reached(word: u32, block: u32) -> bool {
    // Two numbers are passed over where the count wraps.
    word != 0 && word.wrapping_sub(block) < MAX_IN_FLIGHT + 2
}

impl BlockStart {
    /// The block that comes so many blocks after this one, in the same flight.
    #[must_use]
    pub fn after(&self, count: u32) -> BlockStart {
        let block = (0..count).fold(self.block, |block, _| next_block(block));
        let frame = self.frame + u64::from(count * self.frames);
        let place = (self.place + count) % self.copies.max(1);
        BlockStart { block, frame, place, ..*self }
    }

    /// What a slot is to compute that has done the block `done`: the first block in
    /// flight that comes after it. `None` where that was the last.
    pub fn following(&self, done: u32) -> Option<BlockStart> {
        let count = self.in_flight.clamp(1, MAX_IN_FLIGHT);
        let place = (0..count).find(|&place| self.after(place).block == done);
        match place {
            None => Some(*self),
            Some(place) => (place + 1 < count).then(|| self.after(place + 1)),
        }
    }

    /// Whether the engine wants to be woken when that block is done: not before some
    /// are, or each would cost a wake.
    pub fn wakes_engine(&self, block: u32) -> bool {
        is_reached(block, self.goal)
    }

    /// Says how many places for outputs there are; blocks of one length use them in turn.
    pub fn use_places(&mut self, copies: u32) {
        self.copies = copies;
        let blocks = self.frame / u64::from(self.frames.max(1));
        self.place = (blocks % u64::from(copies.max(1))) as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_goes_through_the_blocks_in_flight_also_where_the_count_wraps() {
        for first in [1, 77, u32::MAX - 2, u32::MAX - 1, u32::MAX] {
            let mut start = BlockStart {
                block: first,
                frame: 4096 + 64,
                frames: 64,
                in_flight: 4,
                ..BlockStart::default()
            };
            start.use_places(4);
            let (mut done, mut seen) = (first.wrapping_sub(1), Vec::new());
            while let Some(next) = start.following(done) {
                assert_eq!(next.block % 2, (first % 2 + seen.len() as u32) % 2, "parity goes on");
                assert!(!is_reached(done, next.block));
                seen.push((next.frame, next.place));
                let mut alone = next;
                alone.use_places(4);
                assert_eq!(alone, next, "as the engine has it when it comes to that block");
                done = next.block;
                assert!(is_reached(done, first), "{done} is after {first}");
            }
            assert_eq!(seen, [(4160, 1), (4224, 2), (4288, 3), (4352, 0)]);
        }
    }

    #[test]
    fn nothing_is_reached_by_what_was_never_written_or_is_older() {
        assert!(is_reached(7, 7) && is_reached(9, 7));
        assert!(!is_reached(6, 7) && !is_reached(7 + MAX_IN_FLIGHT + 2, 7));
        assert!(!is_reached(0, u32::MAX) && !is_reached(0, 1));
        assert!(is_reached(2, u32::MAX) && is_reached(3, u32::MAX - 1));
    }
}
