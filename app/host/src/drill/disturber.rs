//! Kills workers, and worse, at random instants.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use sostenuto_dsp::random::Random;

use super::saboteur::Saboteur;
use super::{Disturbances, Storms};
use crate::player::Player;
use crate::pool::supervisor::Seat;

/// How long a worker that is stopped stays so.
const STOPPED: Duration = Duration::from_secs(2);

/// Of so many disturbances one is a stop, and one a hang, where they are
/// wanted.
const ONE_IN: u64 = 8;

/// How much of a victim's job may pass before it is killed, in seconds. Mostly
/// far less does, or the job would be over.
const INTO_A_JOB_SECS: f32 = 300e-6;

/// Between two looks whether a victim is inside a job.
const LOOK: Duration = Duration::from_micros(10);

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    pub kills: u64,
    pub stops: u64,
    pub stops_inside_a_job: u64,
    pub card_kills: u64,
}

/// Worse than one worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storm {
    All,
    Newborn,
    Spares,
    Crash,
    Card,
}

pub struct Disturber<'a> {
    player: &'a mut Player,
    wanted: Disturbances,
    block: Duration,
    random: Random,
    saboteur: Option<Saboteur>,
    /// Those that are to go on, and when.
    stopped: Vec<(Instant, usize)>,
    count: u64,
    done: Done,
}

impl<'a> Disturber<'a> {
    pub fn new(
        player: &'a mut Player,
        wanted: Disturbances,
        block: Duration,
        saboteur: Option<Saboteur>,
    ) -> Disturber<'a> {
        let random = Random::new(wanted.seed);
        let (stopped, done) = (Vec::new(), Done::default());
        Disturber { player, wanted, block, random, saboteur, stopped, count: 0, done }
    }

    /// Until then, or until there is something to receive: `None`.
    pub fn run(&mut self, until: Instant, stop: &Receiver<()>) -> Option<Done> {
        let mut next = Instant::now() + self.interval();
        loop {
            let due = self.stopped.first().map_or(until, |&(due, _)| due);
            if !wait_until(next.min(due).min(until), stop) {
                return None;
            }
            self.let_go(Instant::now());
            if Instant::now() >= until {
                self.let_go(until + STOPPED);
                return Some(self.done);
            }
            if Instant::now() >= next {
                self.disturb();
                // Not from when it was due: what a stall has held up does not come at once.
                next = Instant::now() + self.interval();
            }
        }
    }

    /// Exponentially distributed: a kill is as likely at any instant, however
    /// long the last one is ago.
    fn interval(&mut self) -> Duration {
        let mean_secs = 1.0 / self.wanted.per_second;
        Duration::from_secs_f64(-mean_secs * f64::from(1.0 - self.random.unipolar()).ln())
    }

    fn disturb(&mut self) {
        self.count += 1;
        match self.count % ONE_IN {
            3 if self.wanted.stops => self.stop(),
            7 if self.saboteur.is_some() => self.hang(),
            _ => match self.storm() {
                Some(storm) => self.let_loose(storm),
                None => self.kill(),
            },
        }
    }

    /// A storm that is wanted, if any is: each as often as the others, and as a kill.
    fn storm(&mut self) -> Option<Storm> {
        let Storms { all, newborn, spares, crashes, card } = self.wanted.storms;
        let storms = [
            (all, Storm::All),
            (newborn, Storm::Newborn),
            (spares, Storm::Spares),
            (crashes, Storm::Crash),
            (card, Storm::Card),
        ];
        let wanted: Vec<Storm> = storms
            .into_iter()
            .filter_map(|(is_wanted, storm)| is_wanted.then_some(storm))
            .collect();
        let pick = self.random.bits() as usize % (wanted.len() + 1);
        wanted.get(pick).copied()
    }

    fn let_loose(&mut self, storm: Storm) {
        let is_hit = |seat: Seat| match storm {
            Storm::All => matches!(seat, Seat::Holds(_) | Seat::Spare | Seat::Warming),
            Storm::Newborn => seat == Seat::Warming,
            Storm::Spares => seat == Seat::Spare,
            Storm::Crash | Storm::Card => false,
        };
        let seats = self.player.pool().seats();
        let hit = seats.into_iter().enumerate().filter(|&(_, seat)| is_hit(seat));
        let kills = hit.filter(|&(seat, _)| self.player.pool().kill(seat)).count();
        self.done.kills += kills as u64;
        match storm {
            Storm::Crash => self.crash(),
            Storm::Card => {
                self.player.kill_card();
                self.done.card_kills += 1;
            }
            Storm::All | Storm::Newborn | Storm::Spares => {}
        }
    }

    #[cfg(unix)]
    fn crash(&mut self) {
        let Some((seat, is_working)) = self.victim() else { return };
        if is_working {
            self.wait_until_inside_a_job(seat);
        }
        self.done.kills += u64::from(self.player.pool().crash(seat));
    }

    #[cfg(not(unix))]
    fn crash(&mut self) {}

    fn kill(&mut self) {
        let Some((seat, is_working)) = self.victim() else { return };
        if is_working && self.random.bits().is_multiple_of(2) {
            self.wait_until_inside_a_job(seat);
        }
        self.done.kills += u64::from(self.player.pool().kill(seat));
    }

    /// Three in four have work; the others may be any, spares too.
    fn victim(&mut self) -> Option<(usize, bool)> {
        let busy = self.player.busy_slots();
        let has_work = |seat: Seat| matches!(seat, Seat::Holds(slot) if busy >> slot & 1 == 1);
        let wants_work = !self.random.bits().is_multiple_of(4);
        let seats = self.player.pool().seats();
        let is_there = |seat: Seat| matches!(seat, Seat::Holds(_) | Seat::Spare);
        let seats = seats.into_iter().enumerate();
        let seats: Vec<(usize, bool)> = seats
            .filter(|&(_, seat)| if wants_work { has_work(seat) } else { is_there(seat) })
            .map(|(index, seat)| (index, has_work(seat)))
            .collect();
        seats.get(self.random.bits() as usize % seats.len().max(1)).copied()
    }

    /// At most a block, and then somewhat into it.
    fn wait_until_inside_a_job(&mut self, seat: usize) {
        let end = Instant::now() + self.block;
        while Instant::now() < end && !self.player.pool().is_inside_a_job(seat) {
            std::thread::sleep(LOOK);
        }
        let into_secs = INTO_A_JOB_SECS * self.random.unipolar().powi(3);
        std::thread::sleep(Duration::from_secs_f32(into_secs));
    }

    #[cfg(unix)]
    fn stop(&mut self) {
        let Some((seat, _)) = self.victim() else { return };
        let pool = self.player.pool();
        if !pool.hold(seat, true) {
            return;
        }
        self.stopped.push((Instant::now() + STOPPED, seat));
        self.done.stops += 1;
        // The signal takes effect a moment later; what it says stands still then.
        std::thread::sleep(Duration::from_millis(1));
        self.done.stops_inside_a_job += u64::from(pool.is_inside_a_job(seat));
    }

    #[cfg(not(unix))]
    fn stop(&mut self) {}

    fn let_go(&mut self, now: Instant) {
        while self.stopped.first().is_some_and(|&(due, _)| due <= now) {
            let (_, _seat) = self.stopped.remove(0);
            #[cfg(unix)]
            self.player.pool().hold(_seat, false);
        }
    }

    fn hang(&mut self) {
        let Some(saboteur) = &self.saboteur else { return };
        saboteur.hang_once(self.player);
    }
}

impl Drop for Disturber<'_> {
    fn drop(&mut self) {
        self.let_go(Instant::now() + STOPPED);
    }
}

/// False where there was something to receive before.
pub fn wait_until(end: Instant, stop: &Receiver<()>) -> bool {
    let rest = end.saturating_duration_since(Instant::now());
    match stop.recv_timeout(rest) {
        Ok(()) => false,
        Err(RecvTimeoutError::Timeout) => true,
        Err(RecvTimeoutError::Disconnected) => {
            std::thread::sleep(end.saturating_duration_since(Instant::now()));
            true
        }
    }
}
