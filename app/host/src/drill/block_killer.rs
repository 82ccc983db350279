//! Kills a worker in the middle of every so many blocks of a render.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::mpsc::{Receiver, RecvError, SendError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sostenuto_dsp::random::Random;

use crate::pool::Pool;
use crate::pool::supervisor::Seat;

/// How many blocks the usual length of one is the median of.
const BLOCKS: usize = 63;

/// Up to which part of a block it is drawn when to kill: the kill itself takes
/// some of the rest.
const REACH: f32 = 0.8;

/// As long as no block was measured.
const FIRST: Duration = Duration::from_micros(100);

/// How long new workers and the last deaths are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Workers killed.
    pub kills: u64,
    /// Those that were while the block they were meant for was being computed.
    pub inside_block: u64,
    /// Those that died inside a job.
    pub inside_job: u64,
    /// How often another went on with the unfinished work of a dead one.
    pub recoveries: u64,
}

/// The marksman's side of it. The render loop tells when a block begins and
/// when it ends.
pub struct BlockKiller {
    pool: Arc<Pool>,
    every: u64,
    busy: u32,
    random: Random,
    lengths: Lengths,
    block: u64,
    began: Instant,
    shared: Arc<Shared>,
    orders: Option<Sender<Order>>,
    obeyed: Receiver<()>,
    is_struck: bool,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The last block that is done.
    ended: AtomicU64,
    kills: AtomicU64,
    inside_block: AtomicU64,
}

enum Order {
    /// The next block is the one: to wake up takes longer than many a block.
    GetReady,
    /// Kill the worker in that seat in that block, at that instant.
    Strike { block: u64, at: Instant, seat: usize },
}

impl BlockKiller {
    /// Kills in every `every`-th block one of those workers that have one of the
    /// `busy` slots, a mask.
    ///
    /// # Errors
    /// Where there is no thread for it.
    pub fn start(pool: Arc<Pool>, every: u64, busy: u32, seed: u64) -> std::io::Result<Self> {
        let (orders, mailbox) = channel();
        let (answer, obeyed) = channel();
        let shared = Arc::<Shared>::default();
        let (its_pool, tally) = (Arc::clone(&pool), Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("killer".to_owned());
        let thread = thread.spawn(move || obey(&mailbox, &answer, &its_pool, &tally))?;
        let mut killer = BlockKiller {
            pool,
            every: every.max(1),
            busy,
            random: Random::new(seed),
            lengths: Lengths::default(),
            block: 0,
            began: Instant::now(),
            shared,
            orders: Some(orders),
            obeyed,
            is_struck: false,
            thread: Some(thread),
        };
        killer.get_ready();
        Ok(killer)
    }

    fn is_due(&self, block: u64) -> bool {
        block.is_multiple_of(self.every)
    }

    fn get_ready(&mut self) {
        if self.is_due(self.block + 1) {
            // Nobody listens, so there is time until enough can take over.
            self.pool.wait_until_full(PATIENCE);
            self.order(Order::GetReady);
        }
    }

    fn order(&self, order: Order) {
        // It listens until this is dropped, unless it has panicked: then nobody
        // is killed any more, and the tally says so.
        let _: Option<Result<(), SendError<Order>>> =
            self.orders.as_ref().map(|orders| orders.send(order));
    }

    /// A block begins.
    pub fn begin(&mut self) {
        self.block += 1;
        self.began = Instant::now();
        self.is_struck = false;
        if self.is_due(self.block)
            && let Some(seat) = self.victim()
        {
            let at = self.began + self.lengths.median().mul_f32(REACH * self.random.unipolar());
            self.order(Order::Strike { block: self.block, at, seat });
            self.is_struck = true;
        }
    }

    /// It is done.
    pub fn end(&mut self) {
        let took = self.began.elapsed();
        // Release: with the Acquire in `obey`.
        self.shared.ended.store(self.block, Release);
        if self.is_struck {
            // A kill that is late is not to be another block's.
            let _: Result<(), RecvError> = self.obeyed.recv();
        }
        if !self.is_due(self.block) || self.every == 1 {
            self.lengths.push(took);
        }
        self.get_ready();
    }

    fn victim(&mut self) -> Option<usize> {
        let seats = self.pool.seats();
        let is_busy = |seat: &Seat| matches!(seat, Seat::Holds(slot) if self.busy >> slot & 1 == 1);
        let busy = seats.iter().enumerate().filter(|(_, seat)| is_busy(seat));
        let busy: Vec<usize> = busy.map(|(index, _)| index).collect();
        busy.get(self.random.bits() as usize % busy.len().max(1)).copied()
    }

    /// Waits until the last one killed is dead, and counts.
    pub fn finish(mut self) -> Tally {
        self.stop();
        let kills = self.shared.kills.load(Relaxed);
        self.pool.wait_for_deaths(kills, PATIENCE);
        Tally {
            kills,
            inside_block: self.shared.inside_block.load(Relaxed),
            inside_job: self.pool.deaths_inside_a_job(),
            recoveries: self.pool.recoveries().len() as u64,
        }
    }

    fn stop(&mut self) {
        self.orders = None;
        self.thread.take().map(JoinHandle::join);
    }
}

impl Drop for BlockKiller {
    /// Its thread has the workers too, and they are to be gone in time.
    fn drop(&mut self) {
        self.stop();
    }
}

fn obey(orders: &Receiver<Order>, obeyed: &Sender<()>, pool: &Pool, tally: &Shared) {
    while let Ok(order) = orders.recv() {
        let mut order = Ok(order);
        while matches!(order, Ok(Order::GetReady) | Err(TryRecvError::Empty)) {
            std::hint::spin_loop();
            order = orders.try_recv();
        }
        let Ok(Order::Strike { block, at, seat }) = order else { return };
        while Instant::now() < at {
            std::hint::spin_loop();
        }
        if pool.kill(seat) {
            // Acquire: with the Release in `BlockKiller::end`.
            let is_inside = tally.ended.load(Acquire) < block;
            tally.inside_block.fetch_add(u64::from(is_inside), Relaxed);
            tally.kills.fetch_add(1, Relaxed);
        }
        let _: Result<(), SendError<()>> = obeyed.send(());
    }
}

/// How long blocks take that nobody disturbs.
#[derive(Default)]
struct Lengths(VecDeque<Duration>);

impl Lengths {
    fn push(&mut self, length: Duration) {
        if self.0.len() == BLOCKS {
            self.0.pop_front();
        }
        self.0.push_back(length);
    }

    fn median(&self) -> Duration {
        let mut sorted: Vec<Duration> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(FIRST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_length_follows_the_blocks_and_ignores_the_odd_one() {
        let mut lengths = Lengths::default();
        assert_eq!(lengths.median(), FIRST);
        let micros = Duration::from_micros;
        (1..=5).for_each(|length| lengths.push(micros(length)));
        assert_eq!(lengths.median(), micros(3));
        lengths.push(Duration::from_secs(1));
        lengths.push(Duration::from_secs(1));
        assert_eq!(lengths.median(), micros(4));
        (0..BLOCKS).for_each(|_| lengths.push(micros(9)));
        assert_eq!((lengths.median(), lengths.0.len()), (micros(9), BLOCKS));
    }
}
