//! Stages of a render that take turns on some cores: what `scaling` computes.

use shm_ring::flight::MAX_IN_FLIGHT;

/// What is computed in each block.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// What each stage takes, in seconds.
    pub stages_secs: Vec<f64>,
    /// What the engine takes for a block that all stages have done, in seconds.
    pub engine_secs: f64,
}

/// What it is computed by.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// How many run at a time.
    pub cores: usize,
    /// How long it takes until one who sleeps runs, in seconds.
    pub wake_secs: f64,
}

/// Blocks that are simulated, and those before anything is measured.
const BLOCKS: usize = 600;
const WARM_UP: usize = 100;

impl Pipeline {
    /// What a block takes in the mean, in seconds. Each stage goes through the blocks in
    /// order, each after the stage before it; the engine comes last, and lets more
    /// blocks begin when half of those in flight are over. Whoever is ready first gets
    /// a core first, and keeps it to the end of the block.
    pub fn secs_per_block(&self, machine: Machine) -> f64 {
        let half = MAX_IN_FLIGHT as usize / 2;
        let engine = self.stages_secs.len();
        let mut costs = self.stages_secs.clone();
        costs.push(self.engine_secs);
        let mut cores = vec![0.0f64; machine.cores.max(1)];
        // When each stage has done its last block, and which is its next.
        let (mut free, mut next) = (vec![0.0f64; costs.len()], vec![0; costs.len()]);
        let mut done = vec![vec![0.0f64; BLOCKS]; costs.len()];
        while next[engine] < BLOCKS {
            let ready = |stage: usize| {
                let block = Some(next[stage]).filter(|block| *block < BLOCKS)?;
                let may = match stage {
                    // The engine hands on the first half of those in flight.
                    0 => (block / half).checked_sub(1).map(|batch| (engine, batch * half)),
                    _ => Some((stage - 1, block)),
                };
                let is_there = may.is_none_or(|(of, block)| next[of] > block);
                let at = may.map_or(0.0, |(of, block)| done[of][block]);
                is_there.then_some((stage, at))
            };
            let begins = |&(stage, at): &(usize, f64)| {
                // It sleeps where it has to wait.
                if at > free[stage] { at + machine.wake_secs } else { free[stage] }
            };
            let all = (0..costs.len()).filter_map(ready);
            let first = all.min_by(|a, b| begins(a).total_cmp(&begins(b)));
            let Some(chosen) = first else { break };
            let core = cores.iter_mut().min_by(|a, b| a.total_cmp(b)).expect("one at least");
            let stage = chosen.0;
            *core = begins(&chosen).max(*core) + costs[stage];
            (free[stage], done[stage][next[stage]]) = (*core, *core);
            next[stage] += 1;
        }
        let over = |block: usize| done[engine][block];
        (over(BLOCKS - 1) - over(WARM_UP)) / (BLOCKS - 1 - WARM_UP) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(stages: &[f64], engine_secs: f64, cores: usize, wake_secs: f64) -> f64 {
        let pipeline = Pipeline { stages_secs: stages.to_vec(), engine_secs };
        pipeline.secs_per_block(Machine { cores, wake_secs })
    }

    #[test]
    fn the_rate_is_that_of_the_dearest_stage_or_of_all_work_on_all_cores() {
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 0.02, "{a} {b}");
        close(secs(&[4.0], 0.0, 4, 0.0), 4.0);
        close(secs(&[1.0; 8], 0.0, 1, 0.0), 8.0);
        close(secs(&[1.0; 8], 0.0, 2, 0.0), 4.0);
        close(secs(&[1.0, 3.0, 1.0], 0.0, 3, 0.0), 3.0);
        close(secs(&[1.0, 1.0], 0.5, 3, 0.0), 1.0);
    }

    #[test]
    fn more_cores_never_cost_and_wakes_do() {
        let stages = [3.0, 1.0, 2.0, 2.5];
        let by_cores = [1, 2, 4, 8].map(|cores| secs(&stages, 0.3, cores, 0.0));
        assert!(by_cores.windows(2).all(|two| two[1] <= two[0] * 1.001), "{by_cores:?}");
        assert!(secs(&stages, 0.3, 4, 1.0) >= by_cores[2]);
    }
}
