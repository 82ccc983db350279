//! \[rt\] The newest value of something, for any number of readers.
//!
//! A sequence lock (Boehm 2012, "Can seqlocks get along with programming
//! language memory models?"). The writer never waits. A reader that meets a
//! write tries again, and gives up where the writer died in the middle.

use bytemuck::{AnyBitPattern, NoUninit};

use crate::sync::{AtomicU32, Ordering, fence};

/// A value of `4 * WORDS` bytes that one party writes and all may read.
#[repr(C)]
pub struct Latest<const WORDS: usize> {
    /// Odd while a write is going on.
    sequence: AtomicU32,
    words: [AtomicU32; WORDS],
}

/// A reader meets a write at most this often before it gives up.
const TRIES: usize = if cfg!(loom) { 1 } else { 64 };

impl<const WORDS: usize> Latest<WORDS> {
    /// All zeros.
    pub fn new() -> Self {
        Latest { sequence: AtomicU32::new(0), words: std::array::from_fn(|_| AtomicU32::new(0)) }
    }

    /// Puts a new value in the place of the old one. Only one party may write
    /// at a time; after its death another may go on. Real-time safe.
    ///
    /// # Panics
    /// Where the value is not `4 * WORDS` bytes long.
    pub fn write<T: NoUninit>(&self, value: &T) {
        let words: &[u32] = bytemuck::cast_slice(std::slice::from_ref(value));
        assert_eq!(words.len(), WORDS);
        // A writer that died half-way left an odd number.
        let begun = self.sequence.load(Ordering::Relaxed) | 1;
        self.sequence.store(begun, Ordering::Relaxed);
        // Release: whoever reads one of the new words below, and then fences
        // in `read`, also sees that a write has begun.
        fence(Ordering::Release);
        for (cell, word) in self.words.iter().zip(words) {
            cell.store(*word, Ordering::Relaxed);
        }
        // Release: hands the words to the Acquire in `read`.
        self.sequence.store(begun.wrapping_add(1), Ordering::Release);
    }

    /// The newest value, whole. `None` where a writer died while writing, or
    /// writes faster than it can be read. Real-time safe.
    ///
    /// # Panics
    /// Where `T` is not `4 * WORDS` bytes long.
    pub fn read<T: AnyBitPattern + NoUninit>(&self) -> Option<T> {
        let mut value = T::zeroed();
        let words: &mut [u32] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut value));
        assert_eq!(words.len(), WORDS);
        for _ in 0..TRIES {
            // Acquire: takes the words from the Release at the end of `write`.
            let before = self.sequence.load(Ordering::Acquire);
            if before & 1 == 1 {
                pause();
                continue;
            }
            for (word, cell) in words.iter_mut().zip(&self.words) {
                *word = cell.load(Ordering::Relaxed);
            }
            // Acquire: with the Release fence in `write`.
            fence(Ordering::Acquire);
            if self.sequence.load(Ordering::Relaxed) == before {
                return Some(value);
            }
        }
        None
    }
}

impl<const WORDS: usize> Default for Latest<WORDS> {
    fn default() -> Self {
        Latest::new()
    }
}

fn pause() {
    #[cfg(not(loom))]
    std::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_last_is_read() {
        let latest = Latest::<2>::new();
        assert_eq!(latest.read(), Some([0u32, 0]));
        latest.write(&[1u32, 2]);
        latest.write(&3.5f64);
        assert_eq!(latest.read(), Some(3.5f64));
    }

    #[test]
    fn a_reader_never_sees_half_a_value() {
        let latest = Latest::<8>::new();
        let rounds = if cfg!(miri) { 50 } else { 200_000u32 };
        std::thread::scope(|scope| {
            scope.spawn(|| (1..rounds).for_each(|n| latest.write(&[n; 8])));
            let mut newest = 0;
            while newest < rounds / 2 {
                let Some(value) = latest.read::<[u32; 8]>() else { continue };
                assert_eq!(value, [value[0]; 8]);
                assert!(value[0] >= newest);
                newest = value[0];
                if cfg!(miri) && newest > 0 {
                    break;
                }
            }
        });
    }

    #[test]
    fn a_writer_that_died_half_way_blocks_nobody() {
        let latest = Latest::<1>::new();
        latest.sequence.store(1, Ordering::Relaxed);
        assert_eq!(latest.read::<u32>(), None);
        latest.write(&7u32);
        assert_eq!(latest.read(), Some(7u32));
    }
}
