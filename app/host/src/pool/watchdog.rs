//! Whether a worker that is late hangs, or is only not run by the machine.
//! Pure: `pool.rs` looks, and does what this says.
//!
//! A worker that is inside a job and burns processor time on it, more than the
//! job can need, hangs: it is killed. One that is outside, although all that it
//! waits for is there, is not run by the machine: its slot is given to another,
//! and it is left alone. One that is inside and does not burn any is waited for:
//! to take the slot from it would let it write, some day, into the middle of
//! another's work, and to kill it would make a busy machine busier.

use std::time::Duration;

use shm_ring::layout::NONE;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A block, before anybody looks why.
    pub late: Duration,
    /// One job, in processor time, where it is not known to need more.
    pub hang: Duration,
    /// A worker to come when it is rung.
    pub away: Duration,
    /// A slot to get a worker, before the engine looks after it itself.
    pub orphan: Duration,
}

impl Patience {
    /// While somebody listens: all of it, and the job once more, fits into the
    /// two blocks that are computed ahead.
    pub fn live(block: Duration) -> Patience {
        // Windows counts processor time in steps of 15.6 ms.
        let least = Duration::from_millis(if cfg!(windows) { 32 } else { 3 });
        Patience {
            late: (block / 2).max(Duration::from_millis(1)),
            hang: (block / 2).max(least),
            away: (block / 2).max(Duration::from_millis(2)),
            orphan: Duration::from_millis(300),
        }
    }

    /// While nobody waits: a patch may take as long as it takes.
    pub const OFFLINE: Patience = Patience {
        late: Duration::from_millis(100),
        hang: Duration::from_secs(2),
        away: Duration::from_millis(500),
        orphan: Duration::from_secs(10),
    };
}

/// A worker whose slot is not done yet, at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// The block.
    pub block: u32,
    /// The job that it is inside of, or [`NONE`].
    pub job: u32,
    /// Jobs that it has begun.
    pub jobs_begun: u32,
    /// Whether everything is there that its next job reads.
    pub is_ready: bool,
    /// Processor time that it has used.
    pub cpu_nanos: u64,
    /// What the job took in the block before.
    pub usual_nanos: u64,
    /// Now.
    pub now_nanos: u64,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing yet.
    Wait,
    /// Kill it.
    Hangs,
    /// Take the slot from it.
    IsAway,
}

/// Watches one worker from look to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watch {
    first: Option<Sight>,
}

impl Watch {
    /// One more look at the worker.
    pub fn look(&mut self, sight: Sight, patience: &Patience) -> Verdict {
        let state = |s: &Sight| (s.block, s.job, s.jobs_begun, s.is_ready);
        let first = match self.first {
            Some(first) if state(&first) == state(&sight) => first,
            _ => *self.first.insert(sight),
        };
        let nanos = |duration: Duration| duration.as_nanos() as u64;
        if sight.job != NONE {
            // What takes more than a block is too slow to play, however usual it
            // is. Of what has not run yet nobody knows.
            let hang = nanos(patience.hang);
            let may_take = match sight.usual_nanos {
                0 => 2 * hang,
                usual => (2 * usual).clamp(hang, 2 * hang),
            };
            let burned = sight.cpu_nanos.saturating_sub(first.cpu_nanos);
            return if burned >= may_take { Verdict::Hangs } else { Verdict::Wait };
        }
        let waited = sight.now_nanos.saturating_sub(first.now_nanos);
        if sight.is_ready && waited >= nanos(patience.away) {
            return Verdict::IsAway;
        }
        Verdict::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const INSIDE: Sight = Sight {
        block: 9,
        job: 4,
        jobs_begun: 70,
        is_ready: true,
        cpu_nanos: 50 * MS,
        usual_nanos: MS,
        now_nanos: 1000 * MS,
    };

    /// What is found after that many milliseconds, with so many of them used.
    fn after(sight: Sight, passed: u64, used: u64, change: fn(&mut Sight)) -> Verdict {
        let patience = Patience::live(Duration::from_millis(8));
        let mut watch = Watch::default();
        assert_eq!(watch.look(sight, &patience), Verdict::Wait);
        let (cpu_nanos, now_nanos) = (sight.cpu_nanos + used * MS, sight.now_nanos + passed * MS);
        let mut later = Sight { cpu_nanos, now_nanos, ..sight };
        change(&mut later);
        watch.look(later, &patience)
    }

    #[test]
    fn burning_time_on_one_job_is_hanging() {
        assert_eq!(after(INSIDE, 4, 3, |_| {}), Verdict::Wait);
        assert_eq!(after(INSIDE, 5, 4, |_| {}), Verdict::Hangs);
        assert_eq!(after(INSIDE, 5, 4, |now| now.jobs_begun += 1), Verdict::Wait);
    }

    #[test]
    fn a_job_that_always_takes_long_may_and_so_may_one_that_is_new() {
        let slow = Sight { usual_nanos: 3 * MS, ..INSIDE };
        assert_eq!(after(slow, 5, 5, |_| {}), Verdict::Wait);
        assert_eq!(after(slow, 7, 6, |_| {}), Verdict::Hangs);
        let new = Sight { usual_nanos: 0, ..INSIDE };
        assert_eq!(after(new, 7, 7, |_| {}), Verdict::Wait);
        assert_eq!(after(new, 8, 8, |_| {}), Verdict::Hangs);
    }

    #[test]
    fn not_being_run_is_not_hanging_however_long_it_takes() {
        assert_eq!(after(INSIDE, 100_000, 1, |_| {}), Verdict::Wait);
    }

    #[test]
    fn one_who_could_begin_and_does_not_is_away() {
        let outside = Sight { job: NONE, ..INSIDE };
        assert_eq!(after(outside, 3, 0, |_| {}), Verdict::Wait);
        assert_eq!(after(outside, 4, 0, |_| {}), Verdict::IsAway);
        let waits = Sight { is_ready: false, ..outside };
        assert_eq!(after(waits, 100_000, 0, |_| {}), Verdict::Wait);
        assert_eq!(after(waits, 100_000, 0, |now| now.is_ready = true), Verdict::Wait);
    }
}
