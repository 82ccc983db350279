//! Jobs shared out as stages, one after another: the first slot has the first jobs
//! of the plan's order, the next slot those after them, and so on. None then waits
//! for one after it, so a slot may be blocks ahead of the next, and the rate is
//! that of the dearest stage, not of the longest way through the patch.

/// The stage of each job, by what each costs: as many as `most`, so that the dearest
/// is as cheap as it can be. No more than needed for that.
pub fn stages(costs: &[u64], most: usize) -> Vec<usize> {
    let dearest_job = costs.iter().copied().max().unwrap_or(0);
    let all: u64 = costs.iter().sum();
    // The least that the dearest stage can cost is where `most` of them just hold all.
    let (mut too_little, mut enough) = (dearest_job.saturating_sub(1), all.max(dearest_job));
    while too_little + 1 < enough {
        let middle = too_little + (enough - too_little) / 2;
        match fill(costs, middle).last() {
            Some(&last) if last >= most.max(1) => too_little = middle,
            _ => enough = middle,
        }
    }
    fill(costs, enough)
}

/// As many jobs into each stage as cost no more than that.
fn fill(costs: &[u64], limit: u64) -> Vec<usize> {
    let (mut stage, mut filled) = (0, 0);
    let place = |&cost: &u64| {
        if filled > 0 && filled + cost > limit {
            (stage, filled) = (stage + 1, 0);
        }
        filled += cost;
        stage
    };
    costs.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dearest(costs: &[u64], stages: &[usize]) -> u64 {
        let of = |stage| costs.iter().zip(stages).filter(move |(_, s)| **s == stage);
        let loads = (0..costs.len()).map(|stage| of(stage).map(|(cost, _)| cost).sum());
        loads.max().unwrap_or(0)
    }

    #[test]
    fn equal_jobs_are_shared_equally() {
        assert_eq!(stages(&[10; 8], 2), [0, 0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(stages(&[10; 8], 8), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(stages(&[90, 5, 5], 3), [0, 1, 1], "a third would not help");
        assert_eq!(stages(&[1, 2, 3], 1), [0, 0, 0]);
        assert_eq!(stages(&[], 4), [] as [usize; 0]);
        assert_eq!(stages(&[0, 0], 2), [0, 0]);
    }

    proptest! {
        /// No way to cut is better than the one that is found.
        #[test]
        fn no_cut_is_better(costs in prop::collection::vec(0u64..50, 1..9), most in 1usize..4) {
            let found = stages(&costs, most);
            prop_assert!(found.windows(2).all(|two| two[1] == two[0] || two[1] == two[0] + 1));
            prop_assert!(found[0] == 0 && *found.last().unwrap() < most);
            let mut best = u64::MAX;
            for cuts in 0u32..1 << (costs.len() - 1) {
                if cuts.count_ones() < most as u32 {
                    let stage = |job: usize| (cuts & ((1 << job) - 1)).count_ones() as usize;
                    let other: Vec<usize> = (0..costs.len()).map(stage).collect();
                    best = best.min(dearest(&costs, &other));
                }
            }
            prop_assert_eq!(dearest(&costs, &found), best);
        }
    }
}
