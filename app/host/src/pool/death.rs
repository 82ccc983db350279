//! The end of a worker: waited for, looked into, told.

#![allow(unsafe_code, reason = "what a dead worker left lies in shared memory")]

use super::*;

/// What happens within this time is told at once.
const MOMENT: Duration = Duration::from_millis(50);

/// What the two threads that hear of a worker's end tell each other.
#[derive(Default)]
pub(super) enum News {
    /// It lives.
    #[default]
    None,
    /// It computes no more, and its slot is another's.
    Fell(Box<Fall>),
    /// Its process has ended.
    Ended,
}

/// A worker that computes no more.
#[derive(Default)]
pub(super) struct Fall {
    /// What it worked on, where that may have killed it.
    evidence: Option<Evidence>,
    /// The module that it died in, by its number, and in which block.
    at: Option<(u32, u32)>,
    /// What is done with that module.
    rung: Option<Rung>,
    /// What there is to tell of it.
    trouble: Option<(u32, Case)>,
    /// Whether it was known why it died.
    is_blamed: bool,
}

impl Inner {
    /// The thread in a worker that computes has ended, which some systems tell of long
    /// before the process has: has another take its place. A block waits for that, so
    /// it is done before all that is not sound.
    pub(super) fn fell(self: &Arc<Inner>, seat: usize, child: &dyn Process, news: &Mutex<News>) {
        let began = now_nanos();
        // Held to the end: who waits for the process goes on from there.
        let mut news = news.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.lock();
        let is_news = matches!(*news, News::None) && state.is_there(seat, child);
        let Seat::Holds(slot) = state.supervisor.seats()[seat] else { return };
        let said = || self.shared.last_words(seat).read(child.id()).map(|_| Cause::Crash);
        let cause = state.workers[seat].cause_so_far().or_else(said);
        if !is_news || state.is_closing || !self.is_clear(&state, (slot, seat), cause) {
            return;
        }
        let died_nanos = state.workers[seat].killed_nanos.unwrap_or(began);
        let open = Open { pid: child.id(), slot, died_nanos, news_nanos: began, given: None };
        let mut fall = self.fall(&mut state, (slot, seat), cause, open);
        self.count_death(seat);
        let actions = state.supervisor.next(Event::Fell(seat));
        self.act(state, actions, began);
        if let Some(evidence) = &mut fall.evidence {
            crash::finish(&self.shared, evidence);
        }
        *news = News::Fell(Box::new(fall));
    }

    /// How long the burial of a worker that has ended is put off: it died before it was
    /// warm, as one before it in its seat did.
    pub(super) fn pause(&self, seat: usize) -> Option<Duration> {
        let mut state = self.lock();
        if state.supervisor.seats()[seat] != Seat::Warming || state.is_closing {
            return None;
        }
        state.workers[seat].orders = None;
        state.cold_deaths[seat] += 1;
        // The first may have had bad luck, and a slot may wait for the next.
        (state.cold_deaths[seat] > 1).then_some(PAUSE)
    }

    /// A worker's process has ended: has another take its place where none has yet.
    pub(super) fn ended(
        self: &Arc<Inner>,
        seat: usize,
        child: &dyn Process,
        news: &Mutex<News>,
        result: io::Result<ExitStatus>,
    ) {
        let began = now_nanos();
        let mut news = news.lock().unwrap_or_else(PoisonError::into_inner);
        let fell = match std::mem::replace(&mut *news, News::Ended) {
            News::Fell(fall) => Some(*fall),
            News::None | News::Ended => None,
        };
        drop(news);
        let mut state = self.lock();
        // To close what it had takes a while, and nobody is to wait for that.
        let worker = std::mem::take(&mut state.workers[seat]);
        let seat_is = state.supervisor.seats()[seat];
        if (state.is_closing || seat_is == Seat::Leaving) && fell.is_none() {
            // As it was told to.
            let actions = state.supervisor.next(Event::Died(seat));
            return self.act(state, actions, began);
        }
        let cause = worker.cause(result.as_ref().ok());
        let is_late = fell.is_some();
        let mut fall = fell.unwrap_or_else(|| {
            let Seat::Holds(slot) = seat_is else { return Fall::default() };
            let died_nanos = worker.killed_nanos.unwrap_or(began);
            let open = Open { pid: child.id(), slot, died_nanos, news_nanos: began, given: None };
            self.fall(&mut state, (slot, seat), Some(cause), open)
        });
        self.blame(&mut state, &mut fall, cause);
        if !is_late {
            self.count_death(seat);
        }
        // What it said last stands there until the seat has another.
        let said =
            fall.evidence.as_ref().and_then(|_| self.shared.last_words(seat).read(child.id()));
        let actions = state.supervisor.next(Event::Died(seat));
        self.act(state, actions, began);
        if let Some(evidence) = fall.evidence.as_mut().filter(|_| !is_late) {
            crash::finish(&self.shared, evidence);
        }
        let ending = result.map_or_else(|error| error.to_string(), |status| status.to_string());
        tracing::info!("worker {seat} died ({ending})");
        let Some((module, case)) = fall.trouble else { return };
        let crash = fall
            .evidence
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

    /// Whether it is clear what is to be done with the module that a worker died in,
    /// also where it is not known yet why it died.
    fn is_clear(&self, state: &State, (slot, seat): (usize, usize), cause: Option<Cause>) -> bool {
        if cause.is_some() || !self.has_work(slot) {
            return true;
        }
        let Some((module, block)) = self.died_in(slot, seat) else { return true };
        let is_first = !state.unblamed.contains(&(module, block));
        is_first && state.ladder.without_a_cause(module, block, self.now_secs()).is_some()
    }

    /// A worker that had a slot computes no more; nobody else has its slot yet. Keeps
    /// what there is to keep of that, and decides what is done with its module.
    fn fall(
        &self,
        state: &mut State,
        (slot, seat): (usize, usize),
        cause: Option<Cause>,
        open: Open,
    ) -> Fall {
        state.restarts[slot] += 1;
        state.recoveries.collect(&self.shared);
        state.recoveries.open.retain(|open| open.slot != slot);
        // What it says of itself may else be of a block long ago.
        if !self.has_work(slot) {
            return Fall::default();
        }
        state.recoveries.open.push(open);
        let may_have_crashed = matches!(cause, None | Some(Cause::Crash));
        // SAFETY: the system has said that it can run no more, its slot is still its
        // own, and the lock of the state keeps plans from being written (see `now`).
        let evidence = || unsafe { crash::capture(&self.shared, seat) };
        let is_kept = may_have_crashed && self.tell.get().is_some();
        let evidence = is_kept.then(evidence).flatten();
        let mut fall = Fall { evidence, at: self.died_in(slot, seat), ..Fall::default() };
        match (cause, fall.at) {
            (Some(cause), _) => self.blame(state, &mut fall, cause),
            (None, Some((module, block))) => {
                state.unblamed.push((module, block));
                fall.rung = state.ladder.without_a_cause(module, block, self.now_secs());
                fall.rung.into_iter().for_each(|rung| self.apply(module, rung, block));
            }
            (None, None) => {}
        }
        fall
    }

    /// Of a worker whose seat nobody else has yet.
    fn count_death(&self, seat: usize) {
        self.deaths_inside_a_job.fetch_add(u64::from(self.is_inside_a_job(seat)), Relaxed);
        self.deaths.fetch_add(1, Relaxed);
    }

    /// The number of the module that a worker died in, and the block. It had a slot
    /// with work to do.
    fn died_in(&self, slot: usize, seat: usize) -> Option<(u32, u32)> {
        let (start, plan) = self.now_of(slot)?;
        let at = self.shared.worker_record(seat).module.load(Ordering::Relaxed);
        let module = plan.modules.get(at as usize).filter(|m| m.slot as usize == slot)?;
        Some((module.number, start.block))
    }

    /// It is known why a worker died: decides what is done with its module, where that
    /// has not been done, and what there is to tell.
    fn blame(&self, state: &mut State, fall: &mut Fall, cause: Cause) {
        if std::mem::replace(&mut fall.is_blamed, true) {
            return;
        }
        if cause != Cause::Crash {
            fall.evidence = None;
        }
        let Some((module, block)) = fall.at else { return };
        // Only where it was left open; another fall may have left the same open.
        let is_open = |at: &(u32, u32)| fall.rung.is_some() && *at == (module, block);
        if let Some(index) = state.unblamed.iter().position(is_open) {
            state.unblamed.swap_remove(index);
        }
        let rung = state.ladder.died(module, block, cause, self.now_secs());
        if fall.rung != Some(rung) {
            self.apply(module, rung, block);
        }
        fall.rung = Some(rung);
        let mut cases = state.ladder.cases();
        let case = cases.find(|(number, _)| *number == module).map(|(_, case)| case.clone());
        fall.trouble = case.filter(|_| cause != Cause::Outside).map(|case| (module, case));
    }
}
