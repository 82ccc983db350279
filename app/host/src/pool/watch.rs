//! The watchdog: who is late, and why. It sleeps until the engine says that a
//! block is.

use super::*;

/// How often the watchdog looks while a block is late.
const LOOK: Duration = Duration::from_micros(500);

/// How often it looks whether one who was away has come back.
const LOOK_AFTER: Duration = Duration::from_millis(20);

/// How long the watchdog sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nap {
    /// So long at most.
    For(Duration),
    /// Until a block is late.
    UntilRung,
}

impl Inner {
    /// Looks at what is late, until the pool closes. Parked while nothing is.
    pub(super) fn keep_watch(self: &Arc<Inner>) {
        self.ask_for_real_time();
        while let Some(nap) = self.watch_once() {
            match nap {
                Nap::For(nap) => std::thread::park_timeout(nap),
                Nap::UntilRung => std::thread::park(),
            }
        }
    }

    /// Does what there is to do, and returns how long the watchdog may sleep then.
    /// `None` where the pool closes.
    pub(super) fn watch_once(self: &Arc<Inner>) -> Option<Nap> {
        let mut state = self.lock();
        if state.is_closing {
            return None;
        }
        for module in state.ladder.rested(self.now_secs()) {
            self.apply(module, Rung::Again, 0);
        }
        let next_secs = state.ladder.next_secs();
        let is_somebody_away = state.supervisor.seats().contains(&Seat::Away);
        drop(state);
        if is_somebody_away {
            self.greet();
        }
        let is_late = self.look();
        let rest =
            next_secs.map(|secs| Duration::from_secs_f64((secs - self.now_secs()).max(1e-3)));
        let naps = [is_late.then_some(LOOK), is_somebody_away.then_some(LOOK_AFTER), rest];
        Some(naps.into_iter().flatten().min().map_or(Nap::UntilRung, Nap::For))
    }

    /// One look at every worker that the engine waits for. Whether it does.
    fn look(self: &Arc<Inner>) -> bool {
        let mut is_late = false;
        for slot in 0..self.crew.busy {
            let state = self.lock();
            let Some((start, plan)) = self.now() else { return false };
            if !self.shared.alarm.is_late(start.block) {
                return false;
            }
            let next = next_job(&self.shared.arena, start.block, &plan, slot);
            let is_done = || {
                let done = self.shared.slot_record(slot).done.load(Ordering::Relaxed);
                is_reached(done, start.block)
                    || plan.slots.get(slot).is_none_or(|jobs| jobs.count == 0)
            };
            if next.is_none() && is_done() {
                continue;
            }
            is_late = true;
            match state.supervisor.holder(slot) {
                Some(seat) => {
                    let (job, is_ready) = next.unwrap_or((NONE, true));
                    let usual_nanos = usual_nanos(&self.shared.arena, &plan, job);
                    self.judge(state, (slot, seat), start.block, is_ready, usual_nanos);
                }
                None => self.look_after_orphan(state, slot),
            }
        }
        is_late
    }

    fn judge(
        self: &Arc<Inner>,
        mut state: MutexGuard<State>,
        (slot, seat): (usize, usize),
        block: u32,
        is_ready: bool,
        usual_nanos: u64,
    ) {
        let began = now_nanos();
        let record = self.shared.worker_record(seat);
        let worker = &mut state.workers[seat];
        let Some(child) = worker.child.clone() else { return };
        let Some(cpu_nanos) = child.cpu_nanos() else { return };
        let sight = Sight {
            block,
            // Acquire: what it has done before it left is seen too.
            job: record.job.load(Ordering::Acquire),
            jobs_begun: record.jobs_begun.load(Ordering::Relaxed),
            is_ready,
            cpu_nanos,
            usual_nanos,
            now_nanos: now_nanos(),
        };
        match worker.watch.look(sight, &self.patience()) {
            Verdict::Wait => {}
            Verdict::Hangs if worker.is_hung => {}
            Verdict::Hangs => {
                worker.is_hung = true;
                worker.killed_nanos = Some(now_nanos());
                // Where it has just died, its thread knows.
                let _ = child.kill();
            }
            Verdict::IsAway => {
                worker.watch = Watch::default();
                if revoke(&self.shared.slots()[slot], record) {
                    tracing::info!("worker {seat} does not come; another has its slot");
                    let actions = state.supervisor.next(Event::Missed(seat));
                    self.act(state, actions, began);
                } else {
                    // It has come at this very moment.
                    let (slots, workers) = (self.shared.slots(), self.shared.workers());
                    give_slot(&self.shared.doorbell, slots, workers, slot, seat);
                }
            }
        }
    }

    fn look_after_orphan(&self, mut state: MutexGuard<State>, slot: usize) {
        let now = now_nanos();
        let since = *state.orphaned[slot].get_or_insert(now);
        let is_orphan = self.shared.alarm.orphans() >> slot & 1 == 1;
        // What the slot's modules hold is worth the wait for one who is coming.
        let is_somebody_coming = state.supervisor.seats().contains(&Seat::Warming);
        let patience = match is_somebody_coming {
            true => self.patience().orphan.max(PATIENCE),
            false => self.patience().orphan,
        };
        if !is_orphan && now - since >= patience.as_nanos() as u64 {
            tracing::warn!("nobody can take slot {slot}: signals pass its modules by");
            self.shared.alarm.orphan(slot);
        }
    }

    /// Takes those for spares who were away and answer again.
    fn greet(self: &Arc<Inner>) {
        for seat in 0..WORKERS {
            let mut state = self.lock();
            if state.supervisor.seats()[seat] != Seat::Away {
                continue;
            }
            let bell = self.shared.workers()[seat].bell.load(Ordering::Relaxed);
            if self.shared.worker_record(seat).heard.load(Ordering::Acquire) != bell {
                continue;
            }
            let began = now_nanos();
            let order = state.order.map(|order| order.line());
            if let (Some(pipe), Some(line)) = (&mut state.workers[seat].orders, order) {
                let _ = writeln!(pipe, "{line}");
            }
            tracing::info!("worker {seat} has come back");
            let actions = state.supervisor.next(Event::Returned(seat));
            self.act(state, actions, began);
        }
    }

    /// A spare has not answered.
    pub(super) fn miss_spare(self: &Arc<Inner>, seat: usize) {
        let mut state = self.lock();
        if state.supervisor.seats()[seat] == Seat::Spare {
            let actions = state.supervisor.next(Event::Missed(seat));
            // Its answer to this is what it is waited for.
            ring_worker(&self.shared.doorbell, self.shared.workers(), seat as u32);
            self.act(state, actions, now_nanos());
        }
    }
}
