//! The end of a worker: waited for, looked into, told.

#![allow(unsafe_code, reason = "what a dead worker left lies in shared memory")]

use super::*;

/// What happens within this time is told at once.
const MOMENT: Duration = Duration::from_millis(50);

impl Inner {
    /// Waits for the end of a worker, and has another take its place. A block
    /// may wait for that, so it is done before all that is not sound.
    pub(super) fn watch(self: &Arc<Inner>, seat: usize, child: &SharedChild) {
        self.ask_for_real_time();
        let result = child.wait();
        let (began, news_nanos) = (Instant::now(), now_nanos());
        let mut state = self.lock();
        if state.supervisor.seats()[seat] == Seat::Warming && !state.is_closing {
            state.workers[seat].orders = None;
            state.cold_deaths[seat] += 1;
            // The first may have had bad luck, and a slot may wait for the next.
            if state.cold_deaths[seat] > 1 {
                drop(state);
                std::thread::sleep(PAUSE);
                state = self.lock();
            }
        }
        // To close what it had takes a while, and nobody is to wait for that.
        let worker = std::mem::take(&mut state.workers[seat]);
        if state.is_closing {
            state.supervisor.next(Event::Died(seat));
            self.changed.notify_all();
            return;
        }
        let seat_is = state.supervisor.seats()[seat];
        if seat_is == Seat::Leaving {
            // As it was told to.
            let actions = state.supervisor.next(Event::Died(seat));
            return self.act(state, actions, began);
        }
        let cause = worker.cause(result.as_ref().ok());
        let slot = if let Seat::Holds(slot) = seat_is { Some(slot) } else { None };
        // What it says of itself may else be of a block long ago.
        let unfinished = slot.filter(|&slot| self.has_work(slot));
        let mut evidence = unfinished.and_then(|_| self.evidence(seat, cause));
        let trouble = unfinished.and_then(|slot| self.blame(&mut state, (slot, seat), cause));
        if let Some(slot) = slot {
            state.restarts[slot] += 1;
            let died_nanos = worker.killed_nanos.unwrap_or(news_nanos);
            let pid = child.id();
            let open = Open { pid, slot, died_nanos, news_nanos, given: None };
            state.recoveries.collect(&self.shared);
            state.recoveries.open.retain(|open| open.slot != slot);
            state.recoveries.open.extend(unfinished.map(|_| open));
        }
        // What it said last stands there until the seat has another.
        let was_inside = self.is_inside_a_job(seat);
        let actions = state.supervisor.next(Event::Died(seat));
        self.deaths_inside_a_job.fetch_add(u64::from(was_inside), Relaxed);
        self.deaths.fetch_add(1, Relaxed);
        // A new worker begins anew there.
        let said = evidence.as_ref().and_then(|_| self.shared.last_words(seat).read(child.id()));
        self.act(state, actions, began);
        if let Some(evidence) = &mut evidence {
            crash::finish(&self.shared, evidence);
        }
        let ending = result.map_or_else(|error| error.to_string(), |status| status.to_string());
        let nanos = began.elapsed().as_nanos();
        tracing::info!("worker {seat} died ({ending}); replaced after {nanos} ns");
        let Some((module, case)) = trouble else { return };
        let crash = evidence
            .map(|evidence| Box::new(Crash { id: None, ending: ending.clone(), said, evidence }));
        // To a thread that is not real-time.
        let sender = self.lock().troubles.clone();
        sender.and_then(|sender| sender.send(Trouble { module, case, ending, crash }).ok());
    }

    pub(super) fn tell_of_troubles(&self, troubles: &Receiver<Trouble>) {
        while let Ok(first) = troubles.recv() {
            let mut moment = vec![first];
            while let Ok(next) = troubles.recv_timeout(MOMENT) {
                moment.push(next);
            }
            // Each comes from a thread of its own.
            moment.sort_by_key(|trouble| (trouble.module, trouble.case.crashes));
            if let Some(tell) = self.tell.get() {
                tell(moment);
            }
        }
    }

    /// What a worker that crashed worked on. It had a slot with work to do, which
    /// nobody else has yet; the state is locked.
    fn evidence(&self, seat: usize, cause: Cause) -> Option<Evidence> {
        if cause != Cause::Crash || self.tell.get().is_none() {
            return None;
        }
        // SAFETY: the system has said that it is dead, its slot is still its own,
        // and the lock of the state keeps plans from being written (see `now`).
        unsafe { crash::capture(&self.shared, seat) }
    }

    /// Finds the module that a worker died in, and decides what is done with it.
    /// It had a slot with work to do. Returns what there is to tell.
    fn blame(
        &self,
        state: &mut State,
        (slot, seat): (usize, usize),
        cause: Cause,
    ) -> Option<(u32, Case)> {
        let (start, plan) = self.now()?;
        let at = self.shared.worker_record(seat).module.load(Ordering::Relaxed);
        let module = plan.modules.get(at as usize).filter(|m| m.slot as usize == slot)?.number;
        let rung = state.ladder.died(module, start.block, cause, self.now_secs());
        self.apply(module, rung, start.block);
        let case = state.ladder.cases().find(|(number, _)| *number == module)?.1;
        (cause != Cause::Outside).then(|| (module, case.clone()))
    }
}
