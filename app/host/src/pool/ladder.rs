//! What is done with a module whose worker died in it, decided. Pure: `pool.rs`
//! does what this says.
//!
//! | its worker died                                | the module              |
//! |------------------------------------------------|-------------------------|
//! | once in a block                                | runs again, as it was   |
//! | twice in the same block                        | runs again, afresh      |
//! | three times, or in `OFTEN` blocks in a while   | rests: signals pass it  |
//! | again, soon after its second rest              | stays in quarantine     |
//!
//! Where it took too long, twice in a block is enough to rest: a third time would
//! be heard for certain.
//!
//! A worker that was killed from outside is nobody's fault: only where that
//! happens `PATIENT` times in one block does it count. A module that rests
//! tries again after a while. One in quarantine tries again when it is told to.

use std::collections::BTreeMap;

use sostenuto_osc::message::status::FaultState;

/// Blocks with deaths, within [`A_WHILE_SECS`], that are too many.
const OFTEN: usize = 4;

const A_WHILE_SECS: f64 = 2.0;

/// Deaths from outside in one block that are too many.
const PATIENT: u32 = 8;

/// How long the first and the second rest take, in seconds.
const RESTS_SECS: [f64; 2] = [1.0, 4.0];

/// A module that ran so long without its worker dying is as good as new, in
/// seconds.
const GOOD_SECS: f64 = 30.0;

/// Why a worker died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Somebody killed it.
    Outside,
    /// It crashed, or ended.
    Crash,
    /// It took too long, and was killed for that.
    Hang,
}

/// What is done with a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// It runs from where it was.
    Again,
    /// It runs from a fresh state.
    Afresh,
    /// Signals pass it by, until it tries again.
    Rests,
    /// Signals pass it by, until it is told to try again.
    Quarantine,
}

impl From<Rung> for FaultState {
    fn from(rung: Rung) -> FaultState {
        match rung {
            Rung::Again => FaultState::Replaced,
            Rung::Afresh => FaultState::BeganAfresh,
            Rung::Rests => FaultState::Rests,
            Rung::Quarantine => FaultState::Quarantine,
        }
    }
}

/// A module that has given trouble.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What is done with it now.
    pub rung: Rung,
    /// How often its worker has died in it, from whatever cause but from
    /// outside.
    pub crashes: u32,
    /// Why it last did.
    pub cause: Cause,
    block: u32,
    deaths_in_block: u32,
    killed_in_block: u32,
    /// When there was a death: one entry a block, in seconds.
    lately: Vec<f64>,
    rests: usize,
    until_secs: f64,
}

/// All modules that have given trouble, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    cases: BTreeMap<u32, Case>,
}

impl Ladder {
    /// A worker died in that module, in that block. `now_secs` is any clock that
    /// runs steadily.
    pub fn died(&mut self, module: u32, block: u32, cause: Cause, now_secs: f64) -> Rung {
        let case = self.cases.entry(module).or_insert_with(|| Case::new(cause));
        if case.is_good(now_secs) {
            *case = Case { crashes: case.crashes, ..Case::new(cause) };
        }
        if matches!(case.rung, Rung::Rests | Rung::Quarantine) {
            // Its code is left alone: it cannot have been.
            return case.rung;
        }
        if case.block != block {
            (case.block, case.deaths_in_block, case.killed_in_block) = (block, 0, 0);
            if case.rung == Rung::Afresh {
                case.rung = Rung::Again;
            }
        }
        if cause == Cause::Outside {
            case.killed_in_block += 1;
            if case.killed_in_block < PATIENT {
                return case.rung;
            }
        } else {
            case.crashes += 1;
        }
        case.cause = cause;
        case.deaths_in_block += 1;
        if case.deaths_in_block == 1 {
            case.lately.retain(|&secs| now_secs - secs < A_WHILE_SECS);
            case.lately.push(now_secs);
        }
        case.until_secs = now_secs + GOOD_SECS;
        case.rung = match (case.deaths_in_block, case.lately.len() >= OFTEN) {
            (1, false) => Rung::Again,
            (2, false) if cause != Cause::Hang => Rung::Afresh,
            _ => case.rest(now_secs),
        };
        case.rung
    }

    /// What [`Ladder::died`] would say, where that is the same whatever the cause.
    pub fn without_a_cause(&self, module: u32, block: u32, now_secs: f64) -> Option<Rung> {
        let rung = |cause| {
            let case = self.cases.get(&module).map(|case| (module, case.clone()));
            Ladder { cases: case.into_iter().collect() }.died(module, block, cause, now_secs)
        };
        let first = rung(Cause::Outside);
        [Cause::Crash, Cause::Hang].into_iter().all(|cause| rung(cause) == first).then_some(first)
    }

    /// The modules whose rest is over: they are to run, from a fresh state.
    pub fn rested(&mut self, now_secs: f64) -> Vec<u32> {
        let is_due = |case: &&mut Case| case.rung == Rung::Rests && now_secs >= case.until_secs;
        let due = self.cases.iter_mut().map(|(&module, case)| (module, case));
        let due = due.filter(|(_, case)| is_due(case));
        due.map(|(module, case)| {
            case.rung = Rung::Afresh;
            case.until_secs = now_secs + GOOD_SECS;
            module
        })
        .collect()
    }

    /// When [`Ladder::rested`] is to be asked next, in seconds.
    pub fn next_secs(&self) -> Option<f64> {
        let resting = self.cases.values().filter(|case| case.rung == Rung::Rests);
        resting.map(|case| case.until_secs).min_by(f64::total_cmp)
    }

    /// Puts a module into quarantine: it did harm before this program started.
    pub fn quarantine(&mut self, module: u32) {
        let case = Case { rung: Rung::Quarantine, ..Case::new(Cause::Crash) };
        self.cases.insert(module, case);
    }

    /// A musician wants the module tried again, or it is gone. Whether there was
    /// anything.
    pub fn forget(&mut self, module: u32) -> bool {
        self.cases.remove(&module).is_some()
    }

    /// Every module that has given trouble.
    pub fn cases(&self) -> impl Iterator<Item = (u32, &Case)> {
        self.cases.iter().map(|(&module, case)| (module, case))
    }
}

impl Case {
    fn new(cause: Cause) -> Case {
        Case {
            rung: Rung::Again,
            crashes: 0,
            cause,
            block: 0,
            deaths_in_block: 0,
            killed_in_block: 0,
            lately: Vec::new(),
            rests: 0,
            until_secs: f64::INFINITY,
        }
    }

    /// Whether anything has happened that was not done to it from outside.
    pub fn has_trouble(&self) -> bool {
        self.crashes > 0 || matches!(self.rung, Rung::Rests | Rung::Quarantine)
    }

    /// Whether its last trouble is long ago.
    fn is_good(&self, now_secs: f64) -> bool {
        matches!(self.rung, Rung::Again | Rung::Afresh) && now_secs > self.until_secs
    }

    fn rest(&mut self, now_secs: f64) -> Rung {
        let Some(rest_secs) = RESTS_SECS.get(self.rests) else { return Rung::Quarantine };
        self.rests += 1;
        self.lately.clear();
        self.until_secs = now_secs + rest_secs;
        Rung::Rests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crash_until_it_rests(ladder: &mut Ladder) -> Rung {
        [0; 3].map(|_| ladder.died(7, 1, Cause::Crash, 0.0))[2]
    }

    #[test]
    fn the_same_job_dying_again_steps_down() {
        let mut ladder = Ladder::default();
        let rungs = [0; 3].map(|_| ladder.died(7, 1, Cause::Crash, 0.0));
        assert_eq!(rungs, [Rung::Again, Rung::Afresh, Rung::Rests]);
        assert!(ladder.rested(0.5).is_empty());
        assert_eq!(ladder.rested(1.0), [7]);
        let rungs = [0; 3].map(|_| ladder.died(7, 2, Cause::Crash, 1.5));
        assert_eq!(rungs, [Rung::Again, Rung::Afresh, Rung::Rests]);
        assert_eq!(ladder.next_secs(), Some(5.5));
        assert_eq!(ladder.rested(5.5), [7]);
        let rungs = [0; 2].map(|_| ladder.died(7, 3, Cause::Hang, 6.0));
        assert_eq!(rungs, [Rung::Again, Rung::Quarantine]);
        assert!(ladder.rested(1e9).is_empty());
        assert!(ladder.forget(7));
        assert_eq!(ladder.died(7, 4, Cause::Crash, 7.0), Rung::Again);
    }

    #[test]
    fn one_crash_in_a_block_costs_nothing_unless_it_happens_often() {
        let mut ladder = Ladder::default();
        for block in 0..100 {
            let rung = ladder.died(7, block, Cause::Crash, f64::from(block));
            assert_eq!(rung, Rung::Again, "{block}");
        }
        let mut ladder = Ladder::default();
        let rungs = [1, 2, 3, 4].map(|block| ladder.died(7, block, Cause::Hang, 0.1));
        assert_eq!(rungs[..3], [Rung::Again; 3]);
        assert_eq!(rungs[3], Rung::Rests);
    }

    #[test]
    fn who_is_killed_from_outside_is_not_to_blame() {
        let mut ladder = Ladder::default();
        for block in 0..10_000 {
            assert_eq!(ladder.died(7, block, Cause::Outside, 0.0), Rung::Again);
        }
        let last = (0..20).map(|_| ladder.died(7, 1, Cause::Outside, 0.0)).last();
        assert_eq!(last, Some(Rung::Rests), "but somebody seems to mean it");
    }

    #[test]
    fn a_first_death_needs_no_cause_and_a_second_one_in_a_block_does() {
        let mut ladder = Ladder::default();
        assert_eq!(ladder.without_a_cause(7, 1, 0.0), Some(Rung::Again));
        assert_eq!(ladder.cases().count(), 0, "it was only asked");
        ladder.died(7, 1, Cause::Crash, 0.0);
        assert_eq!(ladder.without_a_cause(7, 1, 0.0), None);
        assert_eq!(ladder.without_a_cause(7, 2, 0.0), Some(Rung::Again));
        crash_until_it_rests(&mut ladder);
        assert_eq!(ladder.without_a_cause(7, 1, 0.0), Some(Rung::Rests));
    }

    #[test]
    fn being_killed_does_not_end_a_rest() {
        let mut ladder = Ladder::default();
        assert_eq!(crash_until_it_rests(&mut ladder), Rung::Rests);
        assert_eq!(ladder.died(7, 1, Cause::Outside, 0.1), Rung::Rests);
    }

    #[test]
    fn trouble_long_ago_is_forgotten() {
        let mut ladder = Ladder::default();
        assert_eq!(crash_until_it_rests(&mut ladder), Rung::Rests);
        ladder.rested(1.0);
        let rungs = [0; 3].map(|_| ladder.died(7, 9, Cause::Crash, 100.0));
        assert_eq!(rungs, [Rung::Again, Rung::Afresh, Rung::Rests]);
        assert_eq!(ladder.next_secs(), Some(101.0), "a first rest");
    }

    proptest::proptest! {
        #[test]
        fn attempts_are_bounded_however_a_module_dies(
            deaths in proptest::collection::vec((0u32..3, 0.0f64..0.01, 0u32..3), 1..2000)
        ) {
            let mut ladder = Ladder::default();
            let (mut now_secs, mut block, mut runs) = (0.0, 1, 0);
            for (blocks, secs, cause) in deaths {
                now_secs += secs;
                block += blocks;
                let cause = [Cause::Outside, Cause::Crash, Cause::Hang][cause as usize];
                ladder.rested(now_secs);
                let was = ladder.cases().next().map(|(_, case)| case.rung);
                if matches!(was, Some(Rung::Rests | Rung::Quarantine)) {
                    continue; // Its code is left alone.
                }
                ladder.died(1, block, cause, now_secs);
                runs += u32::from(cause != Cause::Outside);
            }
            // Two rests and a quarantine, each after a handful.
            proptest::prop_assert!(runs <= 3 * (3 * OFTEN as u32) + 10 * now_secs as u32);
        }
    }
}
