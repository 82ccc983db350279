//! How a render is shared over workers: by what its modules cost here and now, and
//! only where that is faster than what it had before.
//!
//! It begins in one slot. From time to time a plan with as many stages as may be is
//! tried, by the costs measured so far, for as many blocks as the one before was
//! measured for; the faster of the two stays. Nobody hears any of it.

use std::collections::HashMap;
use std::time::Instant;

use crate::conductor::{Conductor, PlanError};
use crate::plan::Key;

/// Blocks over which a plan is measured. Before them, some are for the caches.
const MEASURED: u64 = 24;
const WARM_UP: u64 = 8;

/// When plans are compared for the first time, in blocks; then after four times as
/// many, as notes begin and end.
const FIRST: u64 = WARM_UP + MEASURED;
const LATER: u64 = 4;

/// How much faster a plan must be to take the other's place: measured times vary by
/// that much.
const GAIN: f64 = 0.98;

/// A way to share.
#[derive(Clone, Debug)]
struct Way {
    stages: usize,
    costs: HashMap<Key, u32>,
}

/// What is tried, and what it is compared with.
pub(super) struct Sharing {
    slots: usize,
    block: u64,
    /// When the present measurement ends, and what is compared then.
    until: u64,
    /// When the next comparison begins.
    next: u64,
    now: Way,
    /// What there was before, and what [`MEASURED`] blocks took then, in seconds.
    before: Option<(Way, f64)>,
    began: Option<Instant>,
    /// Workers have not closed yet what they lost by the newest plan.
    is_new: bool,
    /// Of every module, what its last blocks took, in nanoseconds.
    samples: HashMap<Key, Vec<u32>>,
}

impl Sharing {
    /// Shares over at most so many slots.
    pub fn new(slots: usize) -> Sharing {
        Sharing {
            slots,
            block: 0,
            until: FIRST,
            next: LATER * FIRST,
            now: Way { stages: 1, costs: HashMap::new() },
            before: None,
            began: None,
            is_new: true,
            samples: HashMap::new(),
        }
    }

    /// The plan to begin with.
    pub fn begin(&self, conductor: &mut Conductor) -> Result<(), PlanError> {
        conductor.set_stages(self.now.stages, HashMap::new())
    }

    /// A block is done: looks what it took, and shares anew where it is time to.
    pub fn follow(&mut self, conductor: &mut Conductor) -> Result<(), PlanError> {
        self.block += 1;
        if self.is_new && conductor.is_taken_up() {
            self.is_new = false;
            conductor.settle();
        }
        if self.slots < 2 || self.block + MEASURED < self.until {
            return Ok(());
        }
        if self.block < self.until {
            self.began.get_or_insert_with(Instant::now);
            for (key, nanos) in conductor.costs() {
                self.samples.entry(key).or_default().push(nanos);
            }
            return Ok(());
        }
        let began = self.began.take();
        let secs = began.map_or(f64::INFINITY, |began| began.elapsed().as_secs_f64());
        let samples = std::mem::take(&mut self.samples);
        match self.before.take() {
            None => {
                let costs = samples.into_iter().map(|(key, all)| (key, median(all))).collect();
                let before = std::mem::replace(&mut self.now, Way { stages: self.slots, costs });
                self.before = Some((before, secs));
                self.until = self.block + FIRST;
            }
            Some((before, secs_before)) => {
                self.until = self.next;
                self.next *= LATER;
                if secs < secs_before * GAIN {
                    return Ok(());
                }
                self.now = before;
            }
        }
        self.lead(conductor)
    }

    fn lead(&mut self, conductor: &mut Conductor) -> Result<(), PlanError> {
        let Some(patch) = conductor.patch() else { return Ok(()) };
        self.is_new = true;
        conductor.set_stages(self.now.stages, self.now.costs.clone())?;
        conductor.lead(&patch)
    }
}

fn median(mut all: Vec<u32>) -> u32 {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}
