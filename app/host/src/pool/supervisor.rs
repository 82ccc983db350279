//! A worker's life, decided. Pure: `pool.rs` does what this says.
//!
//! | state of a seat | event    | next   | to do                                     |
//! |-----------------|----------|--------|-------------------------------------------|
//! | Empty           |          | Warming| spawn, as long as there are too few       |
//! | Warming         | Warmed   | Holds  | give the slot that has nobody, if one has |
//! | Warming         | Warmed   | Spare  | nothing                                   |
//! | Holds           | Died     | Empty  | give the slot to another; spawn           |
//! | Holds           | Fell     | Leaving| give the slot to another; spawn           |
//! | Holds           | Missed   | Away   | give the slot to another; spawn           |
//! | Spare           | Missed   | Away   | spawn                                     |
//! | Away            | Returned | Spare  | give it the slot that has nobody          |
//! | Spare           |          | Leaving| let it go, where there are too many       |
//! | any other       | Died     | Empty  | spawn                                     |
//!
//! *Another* is a spare, or else the worker of a slot that has no jobs. There are
//! never more workers than twice those that are wanted, those that are away included:
//! a machine that runs nobody is not helped by more of them.

/// Where a worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// There is none.
    Empty,
    /// It has been started.
    Warming,
    /// It waits to take over.
    Spare,
    /// It computes that slot.
    Holds(usize),
    /// It lives, but did not come when it was rung: the machine does not run
    /// it. Its slot is another's.
    Away,
    /// It was let go or can compute no more, and its process has not ended yet.
    Leaving,
}

/// What happened to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It can compute now.
    Warmed(usize),
    /// It computes no more.
    Fell(usize),
    /// It is no more.
    Died(usize),
    /// It does not come, and its slot was taken from it.
    Missed(usize),
    /// It has come after all.
    Returned(usize),
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Give the slot to the worker in that seat.
    Give {
        /// The slot.
        slot: usize,
        /// The seat.
        seat: usize,
    },
    /// Start a worker in that seat.
    Spawn(usize),
    /// Let the worker in that seat go.
    Dismiss(usize),
}

/// Who sits where.
#[derive(Clone, Debug)]
pub struct Supervisor {
    seats: Vec<Seat>,
    slots: usize,
    busy: usize,
    wanted: usize,
}

impl Supervisor {
    /// Nobody sits anywhere. The first `busy` of the slots may have jobs;
    /// `wanted` workers are to be there, spares included.
    pub fn new(seats: usize, slots: usize, busy: usize, wanted: usize) -> Supervisor {
        Supervisor { seats: vec![Seat::Empty; seats], slots, busy, wanted: wanted.min(seats) }
    }

    /// Who sits where now.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// The seat of the worker that has a slot.
    pub fn holder(&self, slot: usize) -> Option<usize> {
        self.seats.iter().position(|&seat| seat == Seat::Holds(slot))
    }

    /// Workers to start so that there are enough.
    pub fn fill(&mut self) -> Vec<Action> {
        let living = self.seats.iter().filter(|seat| **seat != Seat::Empty).count();
        let room = (2 * self.wanted).saturating_sub(living);
        let missing = self.wanted.saturating_sub(self.there()).min(room);
        let empty = self.seats.iter_mut().enumerate().filter(|(_, seat)| **seat == Seat::Empty);
        let spawn = |(index, seat): (usize, &mut Seat)| {
            *seat = Seat::Warming;
            Action::Spawn(index)
        };
        empty.take(missing).map(spawn).collect()
    }

    /// Workers that compute, or can, or soon will.
    fn there(&self) -> usize {
        let is_there = |seat: &&Seat| !matches!(seat, Seat::Empty | Seat::Away | Seat::Leaving);
        self.seats.iter().filter(is_there).count()
    }

    /// From now on nobody is replaced.
    pub fn close(&mut self) {
        self.wanted = 0;
        self.slots = 0;
    }

    /// Decides.
    pub fn next(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Warmed(seat) => self.welcome(seat, Seat::Warming),
            Event::Returned(seat) => self.welcome(seat, Seat::Away),
            Event::Fell(seat) => match self.seats[seat] {
                Seat::Holds(_) => self.leave(seat, Seat::Leaving),
                _ => Vec::new(),
            },
            Event::Died(seat) => self.leave(seat, Seat::Empty),
            Event::Missed(seat) => match self.seats[seat] {
                Seat::Holds(_) | Seat::Spare => self.leave(seat, Seat::Away),
                _ => Vec::new(),
            },
        }
    }

    fn welcome(&mut self, seat: usize, from: Seat) -> Vec<Action> {
        if self.seats[seat] != from {
            return Vec::new();
        }
        self.seats[seat] = Seat::Spare;
        let given = self.orphan().and_then(|slot| self.give(slot));
        given.into_iter().chain(self.dismiss()).collect()
    }

    /// Lets a spare go where there are too many.
    fn dismiss(&mut self) -> Option<Action> {
        let is_spare = |&seat: &Seat| seat == Seat::Spare;
        let is_surplus = self.wanted > 0 && self.there() > self.wanted;
        let seat = self.seats.iter().rposition(is_spare).filter(|_| is_surplus)?;
        self.seats[seat] = Seat::Leaving;
        Some(Action::Dismiss(seat))
    }

    fn leave(&mut self, seat: usize, to: Seat) -> Vec<Action> {
        let was = std::mem::replace(&mut self.seats[seat], to);
        let slot = if let Seat::Holds(slot) = was { Some(slot) } else { None };
        let given = slot.filter(|&slot| slot < self.slots).and_then(|slot| self.give(slot));
        given.into_iter().chain(self.fill()).collect()
    }

    fn orphan(&self) -> Option<usize> {
        (0..self.slots).find(|&slot| self.holder(slot).is_none())
    }

    fn give(&mut self, slot: usize) -> Option<Action> {
        let spare = |&seat: &Seat| seat == Seat::Spare;
        let idle = |&seat: &Seat| matches!(seat, Seat::Holds(other) if other >= self.busy);
        let seat = self.seats.iter().position(spare);
        let seat = seat
            .or_else(|| (slot < self.busy).then(|| self.seats.iter().rposition(idle)).flatten())?;
        self.seats[seat] = Seat::Holds(slot);
        Some(Action::Give { slot, seat })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_house() -> Supervisor {
        let mut supervisor = Supervisor::new(4, 2, 2, 3);
        assert_eq!(supervisor.fill(), [0, 1, 2].map(Action::Spawn));
        assert_eq!(supervisor.next(Event::Warmed(1)), [Action::Give { slot: 0, seat: 1 }]);
        assert_eq!(supervisor.next(Event::Warmed(0)), [Action::Give { slot: 1, seat: 0 }]);
        assert_eq!(supervisor.next(Event::Warmed(2)), []);
        supervisor
    }

    #[test]
    fn a_worker_that_dies_is_replaced_before_another_is_started() {
        let mut supervisor = full_house();
        let actions = supervisor.next(Event::Died(0));
        assert_eq!(actions, [Action::Give { slot: 1, seat: 2 }, Action::Spawn(0)]);
    }

    #[test]
    fn the_seat_of_one_that_falls_is_free_when_its_process_has_ended() {
        let mut supervisor = full_house();
        let actions = supervisor.next(Event::Fell(0));
        assert_eq!(actions, [Action::Give { slot: 1, seat: 2 }, Action::Spawn(3)]);
        assert_eq!(supervisor.next(Event::Fell(0)), [], "no news");
        assert_eq!(supervisor.seats()[0], Seat::Leaving);
        supervisor.next(Event::Warmed(3));
        assert_eq!(supervisor.next(Event::Died(0)), [], "another is there");
        assert_eq!(supervisor.seats()[0], Seat::Empty);
    }

    #[test]
    fn a_slot_without_a_spare_is_given_to_the_next_who_is_warm() {
        let mut supervisor = full_house();
        supervisor.next(Event::Died(2));
        assert_eq!(supervisor.next(Event::Died(1)), [Action::Spawn(1)]);
        assert_eq!(supervisor.next(Event::Warmed(2)), [Action::Give { slot: 0, seat: 2 }]);
        assert_eq!(supervisor.next(Event::Warmed(1)), []);
        assert_eq!(supervisor.seats()[..3], [Seat::Holds(1), Seat::Spare, Seat::Holds(0)]);
    }

    #[test]
    fn without_spares_the_worker_of_a_slot_without_jobs_helps_out() {
        let mut supervisor = Supervisor::new(4, 3, 1, 3);
        supervisor.fill();
        (0..3).for_each(|seat| drop(supervisor.next(Event::Warmed(seat))));
        let actions = supervisor.next(Event::Died(0));
        assert_eq!(actions, [Action::Give { slot: 0, seat: 2 }, Action::Spawn(0)]);
        assert_eq!(supervisor.next(Event::Died(1)), [Action::Spawn(1)], "nothing is lost with it");
        assert_eq!(supervisor.next(Event::Warmed(0)), [Action::Give { slot: 1, seat: 0 }]);
        assert_eq!(supervisor.next(Event::Warmed(1)), [Action::Give { slot: 2, seat: 1 }]);
    }

    #[test]
    fn one_who_does_not_come_is_replaced_and_is_a_spare_when_it_returns() {
        let mut supervisor = full_house();
        let actions = supervisor.next(Event::Missed(1));
        assert_eq!(actions, [Action::Give { slot: 0, seat: 2 }, Action::Spawn(3)]);
        assert_eq!(supervisor.next(Event::Missed(1)), []);
        supervisor.next(Event::Warmed(3));
        assert_eq!(supervisor.next(Event::Returned(1)), [Action::Dismiss(3)], "one too many");
        assert_eq!(supervisor.seats()[1], Seat::Spare);
        assert_eq!(supervisor.next(Event::Died(3)), [], "there are enough");
    }

    proptest::proptest! {
        /// Whatever happens to them, in whatever order: never too many, and exactly
        /// as many as wanted once everybody has warmed, returned and left.
        #[test]
        fn there_are_as_many_as_wanted_after_any_storm(
            storm in proptest::collection::vec((0usize..5, 0usize..64), 0..400)
        ) {
            let (wanted, slots) = (10, 8);
            let mut supervisor = Supervisor::new(64, slots, 2, wanted);
            supervisor.fill();
            let happen = |supervisor: &mut Supervisor, what: usize, seat: usize| {
                match (what, supervisor.seats()[seat]) {
                    (0, Seat::Warming) => drop(supervisor.next(Event::Warmed(seat))),
                    (1, was) if was != Seat::Empty => drop(supervisor.next(Event::Died(seat))),
                    (2, Seat::Holds(_) | Seat::Spare) => drop(supervisor.next(Event::Missed(seat))),
                    (3, Seat::Away) => drop(supervisor.next(Event::Returned(seat))),
                    (4, Seat::Holds(_)) => drop(supervisor.next(Event::Fell(seat))),
                    _ => {}
                }
            };
            for (what, seat) in storm {
                happen(&mut supervisor, what, seat);
                let living = supervisor.seats().iter().filter(|seat| **seat != Seat::Empty).count();
                proptest::prop_assert!(living <= 2 * wanted, "{living}");
            }
            // The weather clears.
            for _ in 0..3 {
                for seat in 0..64 {
                    happen(&mut supervisor, 3, seat);
                    happen(&mut supervisor, 0, seat);
                    if supervisor.seats()[seat] == Seat::Leaving {
                        happen(&mut supervisor, 1, seat);
                    }
                }
            }
            let count = |is: fn(&Seat) -> bool| supervisor.seats().iter().filter(|s| is(s)).count();
            proptest::prop_assert_eq!(count(|seat| matches!(seat, Seat::Holds(_))), slots);
            proptest::prop_assert_eq!(count(|seat| *seat == Seat::Spare), wanted - slots);
            proptest::prop_assert_eq!(count(|seat| *seat != Seat::Empty), wanted);
        }
    }

    #[test]
    fn after_closing_time_nobody_is_replaced() {
        let mut supervisor = full_house();
        supervisor.close();
        assert!((0..3).all(|seat| supervisor.next(Event::Died(seat)).is_empty()));
        assert_eq!(supervisor.seats(), [Seat::Empty; 4]);
    }

    #[test]
    fn news_of_the_dead_is_no_news() {
        let mut supervisor = full_house();
        supervisor.next(Event::Died(2));
        supervisor.next(Event::Died(2));
        assert_eq!(supervisor.next(Event::Warmed(3)), []);
        assert_eq!(supervisor.seats()[3], Seat::Empty);
    }
}
