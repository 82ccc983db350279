//! \[rt\] The moves by which host and workers pass a block around: who stores
//! what, in which order, before whom they ring.
//!
//! ```text
//! engine      start_block   Clock, fence, then the bell of every slot's worker
//! worker      wait_for_news its bell; then look at the Clock and at its slot
//! worker      publish       stamp or done, then ring who reads it
//! any         wait_for_block a stamp, or done
//! supervisor  give_slot     slot → worker, fence, then that worker's bell
//! worker      enter, leave  around everything that it writes of a slot
//! supervisor  revoke        takes a slot from a worker that is not inside
//! ```
//!
//! Three promises, all checked over all interleavings by loom (see the tests):
//! whoever sleeps on a word is woken once it is what they wait for, and then
//! sees all that was written before it; a block that begins while a slot
//! changes hands reaches the worker that had the slot or the one that gets it;
//! and a worker from whom a slot was taken while it slept writes nothing of it.
//!
//! A party may die between a store and the ring that belongs to it. Then
//! nobody is told; so whoever takes over a slot calls [`ring_again`] for
//! what it finds done.

use std::time::Duration;

use bytemuck::NoUninit;

use crate::doorbell::{Doorbell, Listener, Listeners};
use crate::flight::is_reached;
use crate::latest::Latest;
use crate::layout::{NONE, SLOTS, SlotControl, WorkerControl, WorkerRecord, worker_listener};
use crate::monotonic::now_nanos;
use crate::sync::{AtomicU32, Ordering, fence};

/// Begins a block, and wakes the worker of every slot in `busy`: slot `n` is
/// bit `n`. Only the engine calls it. Real-time safe.
///
/// `start` is a [`BlockStart`](crate::layout::BlockStart), `clock` the
/// [`Clock`](crate::layout::Clock); loom takes smaller ones.
pub fn start_block<const WORDS: usize>(
    doorbell: &Doorbell,
    clock: &Latest<WORDS>,
    slots: &[SlotControl],
    workers: &[WorkerControl],
    start: &impl NoUninit,
    busy: u32,
) {
    clock.write(start);
    // SeqCst: one of two fences, the other is in `give_slot`. Here a store to
    // the clock comes before a load of `worker`; there a store to `worker`
    // comes before the new worker's load of the clock. Release and Acquire let
    // both loads miss both stores, and then nobody computes the block. With a
    // fence between in both places one comes first, and who comes second sees.
    fence(Ordering::SeqCst);
    for (slot, control) in slots.iter().enumerate().take(SLOTS) {
        if busy >> slot & 1 == 1 {
            // Relaxed: the fence above is all the order there has to be.
            ring_worker(doorbell, workers, control.worker.load(Ordering::Relaxed));
        }
    }
}

/// Gives a slot to a worker that has none, in the middle of a block or not, and
/// returns the slot's new epoch. The worker that had it is dead, or will find
/// the slot's epoch changed. Only the supervisor calls it. Real-time safe.
///
/// # Panics
/// Where there is no such slot or worker.
pub fn give_slot(
    doorbell: &Doorbell,
    slots: &[SlotControl],
    workers: &[WorkerControl],
    slot: usize,
    worker: usize,
) -> u32 {
    let (control, receiver) = (&slots[slot], &workers[worker]);
    // Relaxed: only the supervisor writes epochs. 0 is nobody's.
    let epoch = control.epoch.load(Ordering::Relaxed).wrapping_add(1).max(1);
    // Relaxed: the Release in `ring_worker` hands all three to the Acquire in
    // `wait_for_news`. A worker that looks earlier sees a slot and an epoch
    // that do not belong together, leaves the slot alone and is rung again.
    control.epoch.store(epoch, Ordering::Relaxed);
    receiver.epoch.store(epoch, Ordering::Relaxed);
    receiver.slot.store(slot as u32, Ordering::Relaxed);
    control.worker.store(worker as u32, Ordering::Relaxed);
    // SeqCst: the partner of the fence in `start_block`, which says why. What
    // the new worker loads once it is rung counts as loaded after it.
    fence(Ordering::SeqCst);
    ring_worker(doorbell, workers, worker as u32);
    epoch
}

/// Tells one worker that there is news for it: a block, a slot, the end. Engine
/// and supervisor call it. [`NONE`]
/// is nobody. Real-time safe.
pub fn ring_worker(doorbell: &Doorbell, workers: &[WorkerControl], worker: u32) {
    let Some(control) = workers.get(worker as usize) else { return };
    // Release: hands the news to the Acquire in `wait_for_news`. An addition,
    // so that of two who ring at the same time neither hides the other's.
    control.bell.fetch_add(1, Ordering::Release);
    doorbell.ring_one(&control.bell, worker_listener(worker as usize));
}

/// Sleeps until more news came for a worker than the `seen` that it has looked
/// at (0 at its start), or the time is over; returns the count of now. After
/// this look at the slot, and then at the clock: a block that was read before
/// the slot was given may be long over by then. Real-time safe.
pub fn wait_for_news(
    doorbell: &Doorbell,
    worker: usize,
    control: &WorkerControl,
    seen: u32,
    timeout: Option<Duration>,
) -> u32 {
    wait_until(doorbell, worker_listener(worker), &control.bell, |bell| bell != seen, timeout)
}

/// The slot that a worker has, with the epoch in which it got it. `None` where
/// it has none, or not any more. Real-time safe.
pub fn slot_of(control: &WorkerControl, slots: &[SlotControl]) -> Option<(usize, u32)> {
    let slot = control.slot.load(Ordering::Relaxed) as usize;
    let epoch = control.epoch.load(Ordering::Relaxed);
    slots.get(slot).filter(|slot| epoch != 0 && is_newest(slot, epoch)).map(|_| (slot, epoch))
}

/// Whether a slot still belongs to the worker that got it in this epoch. To be
/// asked before a stamp is set. Real-time safe.
pub fn is_newest(slot: &SlotControl, epoch: u32) -> bool {
    // Relaxed: nothing is read on the strength of it.
    slot.epoch.load(Ordering::Relaxed) == epoch
}

/// Enters a job: from now on this worker may write what belongs to its slot,
/// until it [`leave`]s. False where the slot is not its own any more; then it
/// is not inside. Real-time safe.
pub fn enter(worker: &WorkerRecord, slot: &SlotControl, epoch: u32, job: u32) -> bool {
    worker.job.store(job, Ordering::Relaxed);
    // SeqCst: one of two fences, the other is in `revoke`. Here a store to
    // `job` comes before a load of the epoch, there a store to the epoch before
    // a load of `job`: not both can miss the other's.
    fence(Ordering::SeqCst);
    let is_mine = is_newest(slot, epoch);
    if !is_mine {
        leave(worker);
    }
    is_mine
}

/// Leaves a job. Real-time safe.
pub fn leave(worker: &WorkerRecord) {
    // Release: whoever sees, with the Acquire in `revoke`, that this worker is
    // outside sees all that it wrote inside.
    worker.job.store(NONE, Ordering::Release);
}

/// Takes a slot from a worker that lives but does not come. Whether that worker
/// is outside: then it writes nothing of the slot any more, however late it
/// wakes up, and the slot can be given to another. Where it is inside it
/// finishes its job and then finds the slot's epoch changed: give the slot to
/// it again. Only the supervisor calls it. Real-time safe.
pub fn revoke(slot: &SlotControl, worker: &WorkerRecord) -> bool {
    // Relaxed: only the supervisor writes epochs.
    let epoch = slot.epoch.load(Ordering::Relaxed).wrapping_add(1).max(1);
    slot.epoch.store(epoch, Ordering::Relaxed);
    // SeqCst: the partner of the fence in `enter`, which says why.
    fence(Ordering::SeqCst);
    // Acquire: with the Release in `leave`.
    worker.job.load(Ordering::Acquire) == NONE
}

/// Sets a stamp, or `done`, and wakes who among `listeners` sleeps on it.
/// Whatever was written before is seen by everybody who sees the stamp.
/// Real-time safe.
pub fn publish(doorbell: &Doorbell, word: &AtomicU32, value: u32, listeners: Listeners) {
    publish_with(doorbell, word, value, listeners, || {});
}

/// As [`publish`]; `between` happens after the store and before the ring, where
/// a death is the hardest.
#[inline]
pub fn publish_with(
    doorbell: &Doorbell,
    word: &AtomicU32,
    value: u32,
    listeners: Listeners,
    between: impl FnOnce(),
) {
    // Release: hands what was written before to the Acquire in `wait_until`.
    word.store(value, Ordering::Release);
    between();
    doorbell.ring(word, listeners);
}

/// Wakes the readers of a word that was found set already: whoever set it may
/// have died before ringing. Real-time safe.
pub fn ring_again(doorbell: &Doorbell, word: &AtomicU32, listeners: Listeners) {
    doorbell.ring(word, listeners);
}

/// Sleeps until a word is `wanted`, or the time is over. Whether it is. Then
/// all that was written before the word was set can be read. Real-time safe.
pub fn wait_for(
    doorbell: &Doorbell,
    me: Listener,
    word: &AtomicU32,
    wanted: u32,
    timeout: Option<Duration>,
) -> bool {
    wait_until(doorbell, me, word, |value| value == wanted, timeout) == wanted
}

/// As [`wait_for`], until a stamp or `done` says that a block is over. Real-time safe.
pub fn wait_for_block(
    doorbell: &Doorbell,
    me: Listener,
    word: &AtomicU32,
    block: u32,
    timeout: Option<Duration>,
) -> bool {
    let is_over = |value| is_reached(value, block);
    is_over(wait_until(doorbell, me, word, is_over, timeout))
}

/// Sleeps until a word is as it should be, or the time is over; returns it.
fn wait_until(
    doorbell: &Doorbell,
    me: Listener,
    word: &AtomicU32,
    is_wanted: impl Fn(u32) -> bool,
    timeout: Option<Duration>,
) -> u32 {
    let mut end: Option<u64> = None;
    loop {
        // Acquire: takes what the Release in `publish` or `ring_worker` hands
        // over.
        let value = word.load(Ordering::Acquire);
        if is_wanted(value) {
            return value;
        }
        // The clock is read only by those who have to wait.
        let mut left = timeout;
        if let Some(timeout) = timeout {
            let now = now_nanos();
            let end = *end.get_or_insert_with(|| now + timeout.min(A_DAY).as_nanos() as u64);
            left = Some(Duration::from_nanos(end.saturating_sub(now)));
            if left == Some(Duration::ZERO) {
                return value;
            }
        }
        doorbell.wait(me, word, value, left);
    }
}

/// A longer wait ends after this.
const A_DAY: Duration = Duration::from_secs(24 * 3600);

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::doorbell::BELLS_BYTES;

    fn doorbell() -> Doorbell {
        Doorbell::create(&mut [0; BELLS_BYTES]).unwrap()
    }

    fn session() -> ([SlotControl; 3], [WorkerControl; 3]) {
        let word = AtomicU32::new;
        let slot = |_| SlotControl { worker: word(NONE), epoch: word(0) };
        let worker = |_| WorkerControl { bell: word(0), slot: word(NONE), epoch: word(0) };
        (std::array::from_fn(slot), std::array::from_fn(worker))
    }

    fn rings(workers: &[WorkerControl; 3]) -> [u32; 3] {
        std::array::from_fn(|worker| workers[worker].bell.load(Ordering::Relaxed))
    }

    const ME: Listener = Listener(1);

    #[test]
    fn a_wait_ends_when_its_time_is_over() {
        let (word, timeout) = (AtomicU32::new(1), Duration::from_millis(30));
        let begun = Instant::now();
        assert!(!wait_for(&doorbell(), ME, &word, 2, Some(timeout)));
        assert!(begun.elapsed() >= timeout);
        assert!(!wait_for(&doorbell(), ME, &word, 2, Some(Duration::ZERO)));
        assert!(wait_for(&doorbell(), ME, &word, 1, Some(Duration::ZERO)));
    }

    #[test]
    fn a_wait_of_an_age_is_no_error_and_really_sleeps() {
        let (word, doorbell) = (AtomicU32::new(0), doorbell());
        std::thread::scope(|scope| {
            let asleep = scope.spawn(|| doorbell.wait(ME, &word, 0, Some(Duration::MAX)));
            std::thread::sleep(Duration::from_millis(30));
            assert!(!asleep.is_finished());
            publish(&doorbell, &word, 1, 1 << ME.0);
        });
    }

    #[test]
    fn a_wait_ends_when_the_word_is_as_wanted_and_not_before() {
        let (word, doorbell) = (AtomicU32::new(0), doorbell());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait_for(&doorbell, ME, &word, 3, Some(Duration::MAX)));
            for value in 1..=3 {
                assert!(!waiting.is_finished());
                publish(&doorbell, &word, value, 1 << ME.0);
            }
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn a_block_rings_the_workers_of_its_slots_and_nobody_else() {
        let (doorbell, clock, (slots, workers)) = (doorbell(), Latest::<1>::new(), session());
        slots[0].worker.store(2, Ordering::Relaxed);
        slots[1].worker.store(0, Ordering::Relaxed);
        start_block(&doorbell, &clock, &slots, &workers, &7u32, 0b101);
        assert_eq!(rings(&workers), [0, 0, 1]);
        start_block(&doorbell, &clock, &slots, &workers, &8u32, 0b111);
        assert_eq!(rings(&workers), [1, 0, 2]);
        assert_eq!(clock.read(), Some(8u32));
    }

    #[test]
    fn a_slot_has_one_worker_and_the_one_before_finds_out() {
        let (doorbell, (slots, workers)) = (doorbell(), session());
        assert_eq!(slot_of(&workers[0], &slots), None);
        assert_eq!(give_slot(&doorbell, &slots, &workers, 2, 0), 1);
        assert_eq!(slot_of(&workers[0], &slots), Some((2, 1)));
        assert_eq!(give_slot(&doorbell, &slots, &workers, 2, 1), 2);
        assert_eq!(slot_of(&workers[0], &slots), None);
        assert_eq!(slot_of(&workers[1], &slots), Some((2, 2)));
        assert!(!is_newest(&slots[2], 1));
        assert_eq!(rings(&workers), [1, 1, 0]);
        assert_eq!(wait_for_news(&doorbell, 1, &workers[1], 0, None), 1);
    }

    #[test]
    fn an_epoch_is_new_and_never_nobodys_also_when_it_wraps() {
        let (doorbell, (slots, workers), worker) = (doorbell(), session(), WorkerRecord::default());
        for before in [0, 1, u32::MAX - 1, u32::MAX] {
            slots[1].epoch.store(before, Ordering::Relaxed);
            let epoch = give_slot(&doorbell, &slots, &workers, 1, 0);
            assert!(epoch != 0 && epoch != before, "{before} → {epoch}");
            assert_eq!(slot_of(&workers[0], &slots), Some((1, epoch)));
            slots[1].epoch.store(before, Ordering::Relaxed);
            revoke(&slots[1], &worker);
            let epoch = slots[1].epoch.load(Ordering::Relaxed);
            assert!(epoch != 0 && epoch != before, "{before} → {epoch}");
        }
    }

    #[test]
    fn a_slot_is_taken_only_from_a_worker_that_is_outside() {
        let (doorbell, (slots, workers)) = (doorbell(), session());
        let worker = WorkerRecord::default();
        let epoch = give_slot(&doorbell, &slots, &workers, 1, 0);
        assert!(enter(&worker, &slots[1], epoch, 5));
        assert!(!revoke(&slots[1], &worker), "it is inside");
        let epoch = give_slot(&doorbell, &slots, &workers, 1, 0);
        leave(&worker);
        assert!(enter(&worker, &slots[1], epoch, 6), "it goes on");
        leave(&worker);
        assert!(revoke(&slots[1], &worker));
        assert!(!enter(&worker, &slots[1], epoch, 7));
        assert_eq!(worker.job.load(Ordering::Relaxed), NONE);
        assert_eq!(slot_of(&workers[0], &slots), None);
    }
}
