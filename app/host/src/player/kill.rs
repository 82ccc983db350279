//! Workers killed on request, in the middle of their work.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use sostenuto_osc::message::status::Killed;

use super::{Player, lock};
use crate::control::sound::KillWorkers;
use crate::pool::Aftermath;
use crate::pool::supervisor::Seat;

/// Between two looks whether a victim is inside a job.
const AIM: Duration = Duration::from_micros(10);

/// A worker that is being killed on request.
#[derive(Clone, Copy)]
pub(super) struct Victim {
    pid: u32,
    slot: usize,
    /// Blocks that were late before.
    xruns: u64,
}

impl KillWorkers for Player {
    fn kill(&mut self, slot: Option<usize>) -> bool {
        let busy = self.busy_slots();
        let is_wanted = |held: usize| slot.is_none_or(|slot| slot == held) && busy >> held & 1 == 1;
        let pool = &self.inner.pool;
        let (seats, workers) = (pool.seats(), pool.workers());
        let holds = |(seat, &is): (usize, &Seat)| match is {
            Seat::Holds(held) if is_wanted(held) => {
                let (pid, _) = workers.iter().find(|(_, seat)| *seat == Seat::Holds(held))?;
                Some((seat, held, *pid))
            }
            _ => None,
        };
        let all: Vec<(usize, usize, u32)> = seats.iter().enumerate().filter_map(holds).collect();
        let chosen = self.random.bits() as usize % all.len().max(1);
        let Some(&(seat, slot, pid)) = all.get(chosen) else { return false };
        let (pool, victims) = (Arc::clone(pool), Arc::clone(&self.victims));
        let victim = Victim { pid, slot, xruns: self.xruns() };
        let block = self.inner.pace.block();
        // Nobody is to wait for the right moment.
        let kill = move || {
            let end = Instant::now() + 4 * block;
            while Instant::now() < end && !pool.is_inside_a_job(seat) {
                std::thread::sleep(AIM);
            }
            if pool.kill(seat) {
                lock(&victims).push(victim);
            }
        };
        let killer = std::thread::Builder::new().name("killer".to_owned()).spawn(kill);
        self.threads.retain(|thread| !thread.is_finished());
        killer.map(|thread| self.threads.push(thread)).is_ok()
    }

    fn killed(&mut self) -> Vec<Killed> {
        let mut killed = Vec::new();
        lock(&self.victims).retain(|&Victim { pid, slot, xruns }| {
            let recovery_secs = match self.inner.pool.aftermath(pid) {
                Aftermath::Unknown => return true,
                Aftermath::Recovered(recovery) => recovery.stamp_nanos as f64 * 1e-9,
                Aftermath::NothingToDo => 0.0,
            };
            let xruns = self.inner.status.xruns.load(Relaxed) - xruns;
            killed.push(Killed { pid, slot: slot as u32, recovery_secs, xruns });
            false
        });
        killed
    }
}
