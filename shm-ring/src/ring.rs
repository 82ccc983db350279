//! \[rt\] A ring for one producer and one consumer.
//!
//! It is one block of plain memory, so it lies in shared memory as well as on
//! the heap. Neither side can make the other wait, not even by dying: a push
//! or pop that was cut short never happened.

#![allow(unsafe_code, reason = "one side writes what the other side reads")]

use std::ops::Deref;
use std::sync::Arc;

use crate::sync::{AtomicU32, Ordering, UnsafeCell};

/// Room for `N` values, a power of two.
#[repr(C)]
pub struct Ring<T, const N: usize> {
    /// The producer writes: values pushed so far, wrapping.
    pushed: Line,
    /// The consumer writes: values popped so far, wrapping.
    popped: Line,
    slots: [UnsafeCell<T>; N],
}

/// A counter with a cache line of its own, so that the two sides do not slow
/// each other down.
#[repr(C, align(64))]
struct Line(AtomicU32);

// SAFETY: a slot is touched by the producer before the Release store of
// `pushed` that hands it over, and by the consumer before the Release store of
// `popped` that gives it back; `split` and `new` see to it that there is only
// one of each.
unsafe impl<T: Send, const N: usize> Sync for Ring<T, N> {}

impl<T: Copy + Default, const N: usize> Ring<T, N> {
    const MASK: u32 = {
        assert!(N.is_power_of_two() && N <= 1 << 31);
        N as u32 - 1
    };

    /// An empty ring on the heap, and its two ends.
    pub fn split() -> (Producer<Arc<Self>>, Consumer<Arc<Self>>) {
        // In its place at once: a ring may be larger than a thread's stack.
        let mut ring = Arc::<Self>::new_uninit();
        let place = Arc::get_mut(&mut ring).expect("nobody else has it").as_mut_ptr();
        // SAFETY: `place` is memory for a ring that nobody else knows of yet, and
        // every field and slot of it is written before it is taken for one.
        let ring = unsafe {
            (&raw mut (*place).pushed).write(Line(AtomicU32::new(0)));
            (&raw mut (*place).popped).write(Line(AtomicU32::new(0)));
            let slots = (&raw mut (*place).slots).cast::<UnsafeCell<T>>();
            (0..N).for_each(|slot| slots.add(slot).write(UnsafeCell::new(T::default())));
            ring.assume_init()
        };
        (Producer { ring: Arc::clone(&ring) }, Consumer { ring })
    }

    /// How many values lie in it. A number that no ring can hold, which only a
    /// broken process can write, counts as empty.
    fn filled(&self, pushed: u32, popped: u32) -> u32 {
        let filled = pushed.wrapping_sub(popped);
        if filled > N as u32 { 0 } else { filled }
    }
}

/// The end that pushes.
pub struct Producer<R> {
    ring: R,
}

/// The end that pops.
pub struct Consumer<R> {
    ring: R,
}

impl<T: Copy + Default, const N: usize, R: Deref<Target = Ring<T, N>>> Producer<R> {
    /// The producer of a ring that lies in shared memory.
    ///
    /// # Safety
    /// Nobody else pushes to this ring as long as the producer lives, in any
    /// process. All zeros is an empty ring.
    pub unsafe fn new(ring: R) -> Self {
        Producer { ring }
    }

    /// How many values were ever pushed, wrapping, by this producer and those
    /// before it: where the successor of a dead one goes on.
    pub fn pushed(&self) -> u32 {
        // Relaxed: only this producer writes `pushed`.
        self.ring.pushed.0.load(Ordering::Relaxed)
    }

    /// How many values fit in right now.
    pub fn room(&self) -> usize {
        let ring = &*self.ring;
        // Acquire: takes the slots back from the Release in `Consumer::pop`.
        let popped = ring.popped.0.load(Ordering::Acquire);
        N - ring.filled(self.pushed(), popped) as usize
    }

    /// Pushes as many of the values as fit, and says how many. Real-time safe.
    pub fn push(&mut self, values: &[T]) -> usize {
        let count = values.len().min(self.room());
        let (ring, pushed) = (&*self.ring, self.pushed());
        for (offset, value) in values[..count].iter().enumerate() {
            let slot = pushed.wrapping_add(offset as u32) & Ring::<T, N>::MASK;
            ring.slots[slot as usize].with_mut(|slot| {
                // SAFETY: the slot is masked into the ring and is one of the
                // `room` that the consumer has given back; there is no other
                // producer (`new`).
                unsafe { slot.write(*value) }
            });
        }
        // Release: hands the slots to the Acquire in `Consumer::pop`.
        ring.pushed.0.store(pushed.wrapping_add(count as u32), Ordering::Release);
        count
    }
}

impl<T: Copy + Default, const N: usize, R: Deref<Target = Ring<T, N>>> Consumer<R> {
    /// The consumer of a ring that lies in shared memory.
    ///
    /// # Safety
    /// Nobody else pops from this ring as long as the consumer lives, in any
    /// process. Any bytes that a dead producer left are values of `T`.
    pub unsafe fn new(ring: R) -> Self {
        Consumer { ring }
    }

    /// How many values were ever popped, wrapping, by this consumer and those
    /// before it: where the successor of a dead one goes on.
    pub fn popped(&self) -> u32 {
        // Relaxed: only this consumer writes `popped`.
        self.ring.popped.0.load(Ordering::Relaxed)
    }

    /// How many values wait to be popped.
    pub fn filled(&self) -> usize {
        let ring = &*self.ring;
        // Acquire: takes the slots from the Release in `Producer::push`.
        let pushed = ring.pushed.0.load(Ordering::Acquire);
        ring.filled(pushed, self.popped()) as usize
    }

    /// Pops as many values as there are and as fit in `values`, and says how
    /// many. Real-time safe.
    pub fn pop(&mut self, values: &mut [T]) -> usize {
        let count = values.len().min(self.filled());
        let (ring, popped) = (&*self.ring, self.popped());
        for (offset, value) in values[..count].iter_mut().enumerate() {
            let slot = popped.wrapping_add(offset as u32) & Ring::<T, N>::MASK;
            *value = ring.slots[slot as usize].with(|slot| {
                // SAFETY: the slot is masked into the ring and is one of the
                // `filled` that the producer has handed over; there is no
                // other consumer (`new`).
                unsafe { slot.read() }
            });
        }
        // Release: gives the slots back to the Acquire in `Producer::push`.
        ring.popped.0.store(popped.wrapping_add(count as u32), Ordering::Release);
        count
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::VecDeque;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_first_in_first_out_and_never_overfull() {
        let (mut producer, mut consumer) = Ring::<u32, 4>::split();
        let mut out = [0; 8];
        assert_eq!(producer.push(&[1, 2, 3]), 3);
        assert_eq!(consumer.pop(&mut out[..2]), 2);
        assert_eq!(producer.push(&[4, 5, 6, 7]), 3);
        assert_eq!(producer.push(&[8]), 0);
        assert_eq!(consumer.pop(&mut out[2..]), 4);
        assert_eq!(out, [1, 2, 3, 4, 5, 6, 0, 0]);
        assert_eq!(consumer.pop(&mut out), 0);
    }

    #[test]
    fn two_threads_hand_over_every_value_in_order() {
        const COUNT: u32 = if cfg!(miri) { 300 } else { 1_000_000 };
        let (mut producer, mut consumer) = Ring::<u32, 64>::split();
        let pushing = std::thread::spawn(move || {
            let mut next = 0;
            while next < COUNT {
                next += producer.push(&[next]) as u32;
                std::hint::spin_loop();
            }
        });
        let (mut next, mut values) = (0, [0; 16]);
        while next < COUNT {
            let count = consumer.pop(&mut values);
            for &value in &values[..count] {
                assert_eq!(value, next);
                next += 1;
            }
        }
        pushing.join().unwrap();
    }

    /// What may happen to a ring.
    #[derive(Clone, Debug)]
    enum Move {
        Push(Vec<u32>),
        Pop(usize),
        /// Either end dies, and its successor goes on.
        Succeed,
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let some = prop_oneof![
            4 => vec(any::<u32>(), 0..12).prop_map(Move::Push),
            4 => (0usize..12).prop_map(Move::Pop),
            1 => Just(Move::Succeed),
        ];
        vec(some, 0..64)
    }

    proptest! {
        // Miri has neither the time nor a disk.
        #![proptest_config(ProptestConfig {
            cases: if cfg!(miri) { 8 } else { 2000 },
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// From any count on, so that the counters wrap as well.
        #[test]
        fn it_is_a_queue_of_eight(start in any::<u32>(), moves in moves()) {
            let (mut producer, mut consumer) = Ring::<u32, 8>::split();
            producer.ring.pushed.0.store(start, Ordering::Relaxed);
            producer.ring.popped.0.store(start, Ordering::Relaxed);
            let mut queue = VecDeque::new();
            for step in moves {
                match step {
                    Move::Push(values) => {
                        let count = producer.push(&values);
                        prop_assert_eq!(count, values.len().min(8 - queue.len()));
                        queue.extend(&values[..count]);
                    }
                    Move::Pop(most) => {
                        let mut values = vec![0; most];
                        let count = consumer.pop(&mut values);
                        prop_assert_eq!(count, most.min(queue.len()));
                        prop_assert_eq!(&values[..count], queue.drain(..count).collect::<Vec<_>>());
                    }
                    Move::Succeed => {
                        producer = Producer { ring: producer.ring };
                        consumer = Consumer { ring: consumer.ring };
                    }
                }
                prop_assert_eq!(consumer.filled(), queue.len());
                prop_assert_eq!(producer.room(), 8 - queue.len());
                prop_assert_eq!(producer.pushed().wrapping_sub(consumer.popped()), queue.len() as u32);
            }
        }
    }

    #[test]
    fn a_count_that_cannot_be_is_an_empty_ring() {
        let (producer, consumer) = Ring::<u32, 4>::split();
        producer.ring.pushed.0.store(77, Ordering::Relaxed);
        assert_eq!(consumer.filled(), 0);
    }
}
