//! A worker's life, decided. Pure: `pool.rs` does what this says.
//!
//! | state of a seat | event  | next   | to do                                     |
//! |-----------------|--------|--------|-------------------------------------------|
//! | Empty           |        | Warming| spawn, as long as there are too few       |
//! | Warming         | Warmed | Holds  | give the slot that has nobody, if one has |
//! | Warming         | Warmed | Spare  | nothing                                   |
//! | Holds           | Died   | Empty  | give the slot to a spare; spawn           |
//! | Spare, Warming  | Died   | Empty  | spawn                                     |

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
}

/// What happened to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It can compute now.
    Warmed(usize),
    /// It is no more.
    Died(usize),
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
}

/// Who sits where.
#[derive(Clone, Debug)]
pub struct Supervisor {
    seats: Vec<Seat>,
    slots: usize,
    wanted: usize,
}

impl Supervisor {
    /// Nobody sits anywhere. `wanted` workers are to live, spares included.
    pub fn new(seats: usize, slots: usize, wanted: usize) -> Supervisor {
        Supervisor { seats: vec![Seat::Empty; seats], slots, wanted: wanted.min(seats) }
    }

    /// Who sits where now.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// Workers to start so that there are enough.
    pub fn fill(&mut self) -> Vec<Action> {
        let living = self.seats.iter().filter(|&&seat| seat != Seat::Empty).count();
        let empty = self.seats.iter_mut().enumerate().filter(|(_, seat)| **seat == Seat::Empty);
        let spawn = |(index, seat): (usize, &mut Seat)| {
            *seat = Seat::Warming;
            Action::Spawn(index)
        };
        empty.take(self.wanted.saturating_sub(living)).map(spawn).collect()
    }

    /// From now on nobody is replaced.
    pub fn close(&mut self) {
        self.wanted = 0;
        self.slots = 0;
    }

    /// Decides.
    pub fn next(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Warmed(seat) => {
                if self.seats[seat] != Seat::Warming {
                    return Vec::new();
                }
                self.seats[seat] = Seat::Spare;
                self.orphan().and_then(|slot| self.give(slot)).into_iter().collect()
            }
            Event::Died(seat) => {
                let was = std::mem::replace(&mut self.seats[seat], Seat::Empty);
                let slot = if let Seat::Holds(slot) = was { Some(slot) } else { None };
                let given = slot.filter(|&slot| slot < self.slots).and_then(|slot| self.give(slot));
                given.into_iter().chain(self.fill()).collect()
            }
        }
    }

    fn orphan(&self) -> Option<usize> {
        (0..self.slots).find(|&slot| !self.seats.contains(&Seat::Holds(slot)))
    }

    fn give(&mut self, slot: usize) -> Option<Action> {
        let seat = self.seats.iter().position(|&seat| seat == Seat::Spare)?;
        self.seats[seat] = Seat::Holds(slot);
        Some(Action::Give { slot, seat })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full_house() -> Supervisor {
        let mut supervisor = Supervisor::new(4, 2, 3);
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
    fn a_slot_without_a_spare_is_given_to_the_next_who_is_warm() {
        let mut supervisor = full_house();
        supervisor.next(Event::Died(2));
        assert_eq!(supervisor.next(Event::Died(1)), [Action::Spawn(1)]);
        assert_eq!(supervisor.next(Event::Warmed(2)), [Action::Give { slot: 0, seat: 2 }]);
        assert_eq!(supervisor.next(Event::Warmed(1)), []);
        assert_eq!(supervisor.seats()[..3], [Seat::Holds(1), Seat::Spare, Seat::Holds(0)]);
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
