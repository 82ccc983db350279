//! Whether the machine keeps up with the patch. Pure: it is told how things are, some
//! times a second, and says when that changes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What is looked at.
const LOOKS: Duration = Duration::from_secs(1);

/// Late blocks within that time that are no bad luck.
const MANY: u64 = 5;

/// Above this share of a block's time it is the patch that is too much.
const FULL: f32 = 0.85;

/// It is over once no block has been late for so long.
const CALM: Duration = Duration::from_secs(5);

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// The patch is too much for this machine: a block takes that share of its time.
    TooMuch(f32),
    /// Blocks are late, although they take only that share of their time: something
    /// else uses the machine.
    Busy(f32),
    /// It keeps up again.
    KeepsUp,
}

/// Watches.
#[derive(Debug, Default)]
pub struct Overload {
    /// When, late blocks so far, and what the last block took.
    looks: VecDeque<(Instant, u64, f32)>,
    is_told: bool,
    late_at: Option<Instant>,
}

impl Overload {
    /// So many blocks were late until now, and the last one took that share of its time.
    pub fn look(&mut self, now: Instant, xruns: u64, load: f32) -> Option<Change> {
        if self.looks.back().is_some_and(|&(_, before, _)| xruns > before) {
            self.late_at = Some(now);
        }
        self.looks.push_back((now, xruns, load));
        // One that is older stays, so that there is always a whole second.
        while self.looks.get(1).is_some_and(|&(at, ..)| now - at >= LOOKS) {
            self.looks.pop_front();
        }
        let late = xruns.saturating_sub(self.looks[0].1);
        if !self.is_told && late >= MANY {
            self.is_told = true;
            let load = self.looks.iter().map(|look| look.2).sum::<f32>() / self.looks.len() as f32;
            return Some(if load >= FULL { Change::TooMuch(load) } else { Change::Busy(load) });
        }
        if self.is_told && self.late_at.is_none_or(|at| now - at >= CALM) {
            self.is_told = false;
            return Some(Change::KeepsUp);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks 30 times a second; so many late blocks a second.
    fn watch(
        overload: &mut Overload,
        from: &mut (Instant, u64),
        secs: u64,
        late: f64,
        load: f32,
    ) -> Vec<Change> {
        let (began, before) = *from;
        let looks = (1..=secs * 30).filter_map(|look| {
            let now = began + Duration::from_secs_f64(look as f64 / 30.0);
            *from = (now, before + (late * look as f64 / 30.0) as u64);
            overload.look(now, from.1, load)
        });
        looks.collect()
    }

    #[test]
    fn too_much_is_told_within_a_second_once_and_so_is_its_end() {
        let (mut overload, mut at) = (Overload::default(), (Instant::now(), 7));
        assert_eq!(watch(&mut overload, &mut at, 10, 0.0, 0.7), []);
        assert_eq!(watch(&mut overload, &mut at, 1, 60.0, 1.5).len(), 1);
        assert_eq!(watch(&mut overload, &mut at, 600, 60.0, 1.5), []);
        assert_eq!(watch(&mut overload, &mut at, 4, 0.0, 0.7), []);
        assert_eq!(watch(&mut overload, &mut at, 2, 0.0, 0.7), [Change::KeepsUp]);
        assert_eq!(watch(&mut overload, &mut at, 60, 0.0, 0.7), []);
    }

    #[test]
    fn who_is_to_blame_is_told_apart_and_a_late_block_now_and_then_is_nobodys_fault() {
        let (mut overload, mut at) = (Overload::default(), (Instant::now(), 0));
        assert_eq!(watch(&mut overload, &mut at, 600, 2.0, 0.5), []);
        let told = watch(&mut overload, &mut at, 5, 20.0, 0.5);
        assert!(matches!(told[..], [Change::Busy(load)] if (load - 0.5).abs() < 0.01), "{told:?}");
        let (mut overload, mut at) = (Overload::default(), (Instant::now(), 0));
        let told = watch(&mut overload, &mut at, 5, 20.0, 1.1);
        assert!(matches!(told[..], [Change::TooMuch(_)]), "{told:?}");
    }
}
