//! A worker's life: attach, warm up, and compute whatever slot it is given,
//! until the host is gone.

#![allow(unsafe_code, reason = "plans and records lie in shared memory")]

use std::io::BufRead;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use shm_ring::doorbell::Doorbell;
use shm_ring::layout::{
    BlockStart, Clock, ENGINE, GRANTED_CONFINEMENT, GRANTED_LOCK, GRANTED_REAL_TIME, HOST, Header,
    SLOTS, SlotControl, SlotRecord, WARM, WORKERS, WorkerControl, WorkerRecord, arena, control,
};
use shm_ring::protocol::{publish, ring_again, slot_of, wait_for_news};
use shm_ring::region::{Access, PAGE, Region};
use shm_ring::robust;
use shm_ring::sync::Ordering;
use sostenuto_modules::catalog;
use sostenuto_modules::own::Code;
use sostenuto_wasm::run::{Loader, prepare_this_thread};

use crate::faults::FaultPoints;
use crate::last_words;
use crate::limits::limit_this_process;
use crate::protocol::{CONTROL_BYTES, ModuleLayout, ModuleMemories, Plan, jobs_of_slot};
use crate::rights;
use crate::run::{Holder, Runner, clip};
use crate::thread::{ask_for_real_time, flushing_denormals};
use crate::warm::{Grant, Memories, lock_memory, touch_every_module};

/// The program: `dsp-worker CONTROL ARENA SEAT`, the names of the host's two
/// regions and the number of this worker. It ends when its standard input does.
pub fn main() -> ExitCode {
    main_with(|_seat| ())
}

/// As [`main`], with points at which the worker in a seat dies.
pub fn main_with<F: FaultPoints>(faults: impl FnOnce(usize) -> F) -> ExitCode {
    let born = Instant::now();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [control, arena, seat] = &words[..] else {
        eprintln!("dsp-worker: started by the host of Sostenuto, not by hand");
        return ExitCode::from(2);
    };
    let session = match Session::attach(control, arena) {
        Ok(session) => session,
        Err(why) => {
            eprintln!("dsp-worker: {why}");
            return ExitCode::FAILURE;
        }
    };
    limit_this_process();
    rights::prepare();
    // Both threads use it until the process ends.
    let session: &'static Session = Box::leak(Box::new(session));
    let seat = seat.parse().unwrap_or(usize::MAX);
    if !session.take_seat(seat) {
        eprintln!("dsp-worker: there is no seat {seat}");
        return ExitCode::FAILURE;
    }
    session.leave_last_words(seat);
    let (runs, mut loader) = sostenuto_wasm::run::pair();
    let listening = std::thread::Builder::new().name("orders".to_owned()).spawn(move || {
        let listen = || session.listen(seat, std::io::stdin().lock(), &mut loader);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(listen));
        // The host is gone, and nobody hears this worker any more. Or an order
        // could not be understood: without this thread the worker would never
        // hear that the host is gone.
        std::process::exit(i32::from(result.is_err()));
    });
    if let Err(error) = listening {
        eprintln!("dsp-worker: no thread for the host's orders: {error}");
        return ExitCode::FAILURE;
    }
    session.work(seat, born, runs, faults(seat))
}

/// Compiles one module of a musician's own, from standard input to standard output, with
/// nothing but these two and a bound on its memory: a process of its own, for once.
#[cfg(feature = "compiler")]
pub fn compile() -> ExitCode {
    limit_this_process();
    rights::prepare();
    rights::keep_what_compiling_needs();
    let served = sostenuto_wasm::compile::serve(std::io::stdin().lock(), std::io::stdout().lock());
    ExitCode::from(u8::from(served.is_err()))
}

/// A session's shared memory, as a worker sees it.
pub struct Session {
    control: Arc<Region>,
    arena: Arc<Region>,
    doorbell: Arc<Doorbell>,
    layouts: Box<[ModuleLayout]>,
    /// The thread that listens has started.
    listens: OnceLock<()>,
}

impl Session {
    /// Maps the regions of a host.
    ///
    /// # Errors
    /// A sentence, where they are not there or not for this program.
    pub fn attach(control: &str, arena: &str) -> Result<Session, String> {
        let open = |name| Region::open(name).map_err(|error| error.to_string());
        // In this order: on Linux the second then lies below the first, so that no call
        // which begins in the arena and goes too far ends in what the host says.
        let (arena, control) = (Arc::new(open(arena)?), Arc::new(open(control)?));
        let header = Header::read(&control).ok_or("the region is too short")?;
        header.check(control.len(), arena.len(), catalog::fingerprint())?;
        if control.len() < CONTROL_BYTES || arena.len() < arena::REST {
            return Err("the shared memory is too short".to_owned());
        }
        // SAFETY: the bells are written once, before this process started.
        let bells = unsafe { control.values::<u8>(control::BELLS, control::REST - control::BELLS) };
        let doorbell = Doorbell::attach(bells.unwrap_or_default());
        let doorbell = doorbell.map_err(|error| format!("the doorbells are not there: {error}"))?;
        Ok(Session {
            control,
            arena,
            doorbell: Arc::new(doorbell),
            layouts: ModuleLayout::all(),
            listens: OnceLock::new(),
        })
    }

    fn clock(&self) -> &Clock {
        self.control.record(control::CLOCK).expect("checked in attach")
    }

    fn slots(&self) -> &[SlotControl] {
        self.control.records(control::SLOT_CONTROLS, SLOTS).expect("checked in attach")
    }

    fn workers(&self) -> &[WorkerControl] {
        self.control.records(control::WORKER_CONTROLS, WORKERS).expect("checked in attach")
    }

    fn grant(&self) -> Grant<'_> {
        Grant::new(&self.arena, &self.layouts)
    }

    /// Lets this process write the record of a seat. Whether there is such a
    /// seat. To be called before all else.
    pub fn take_seat(&self, seat: usize) -> bool {
        let place = arena::worker_record(seat);
        seat < WORKERS && self.arena.protect(place..place + PAGE, Access::Write).is_ok()
    }

    /// Has this process say why, where it dies by its own fault. After
    /// [`Session::take_seat`].
    pub fn leave_last_words(&'static self, seat: usize) {
        if let Some(record) = self.arena.record(arena::last_words(seat)) {
            last_words::leave_at(record);
        }
    }

    /// Lives the life of the worker in a seat that was taken.
    pub fn work<F: FaultPoints>(
        &'static self,
        seat: usize,
        born: Instant,
        runs: sostenuto_wasm::run::Runner,
        faults: F,
    ) -> ! {
        let record: &'static WorkerRecord =
            self.arena.record(arena::worker_record(seat)).expect("checked in attach");
        record.pid.store(std::process::id(), Ordering::Relaxed);
        // Where the system has no such thing, it tells of the process's end.
        robust::hold(&record.alive);
        prepare_this_thread();
        touch_every_module();
        let (control, arena) = (Arc::clone(&self.control), Arc::clone(&self.arena));
        let doorbell = Arc::clone(&self.doorbell);
        let needs_rights = faults.needs_rights();
        let mut runner = Runner::with_faults(control, arena, doorbell, runs, faults);
        let start = self.clock().read::<BlockStart>().unwrap_or_default();
        let (frames, rate) = (start.frames.max(1), start.sample_rate_hz.max(1.0) as u32);
        let mut granted = 0;
        if ask_for_real_time(frames, rate) {
            granted |= GRANTED_REAL_TIME;
        }
        if lock_memory() {
            granted |= GRANTED_LOCK;
        }
        if !needs_rights {
            // To start takes rights, and those who listen lose theirs, too.
            self.listens.wait();
            if rights::give_up(&self.arena) {
                granted |= GRANTED_CONFINEMENT;
            }
        }
        record.granted.store(granted, Ordering::Relaxed);
        record.warm_nanos.store(born.elapsed().as_nanos() as u64, Ordering::Relaxed);
        publish(&self.doorbell, &record.state, WARM, 1 << HOST.0);
        flushing_denormals(|| self.run(seat, record, &mut runner))
    }

    /// \[rt\] Waits for news, looks whether there is a block to compute, and
    /// computes it.
    fn run<F: FaultPoints>(&self, seat: usize, record: &WorkerRecord, runner: &mut Runner<F>) -> ! {
        let me = &self.workers()[seat];
        let mut seen = 0;
        let mut hands = Hands { slot: None, plan: (usize::MAX, 0) };
        loop {
            // The host looks for this answer of those whom it has missed.
            publish(&self.doorbell, &record.heard, seen, 0);
            seen = wait_for_news(&self.doorbell, seat, me, seen, None);
            let mut has_run = false;
            while self.run_block(me, record, runner, &mut hands) {
                has_run = true;
            }
            if let (false, Some(slot)) = (has_run, hands.slot) {
                // Who had the slot may have died before this ring.
                ring_again(&self.doorbell, &self.slot_record(slot).done, 1 << ENGINE.0);
            }
        }
    }

    /// \[rt\] Computes the next block of this worker's slot. False where there is none.
    fn run_block<F: FaultPoints>(
        &self,
        me: &WorkerControl,
        record: &WorkerRecord,
        runner: &mut Runner<F>,
        hands: &mut Hands,
    ) -> bool {
        // In this order: see `wait_for_news`.
        let Some((slot, epoch)) = slot_of(me, self.slots()) else { return false };
        if hands.slot != Some(slot) {
            let place = arena::slot_record(slot);
            let _ = self.arena.protect(place..place + PAGE, Access::Write);
            hands.slot = Some(slot);
        }
        let Some(start) = self.next_block(slot) else { return false };
        // The engine does not wait for a slot without work: there the block may
        // be over by now, and another plan be being written.
        let jobs = jobs_of_slot(&self.control, start.plan as usize, slot);
        let is_now = || self.next_block(slot).is_some_and(|now| now.block == start.block);
        if jobs.is_none_or(|count| count == 0) || !is_now() {
            return false;
        }
        // SAFETY: the clock names this plan, and the engine does not change it
        // before this slot has done this block.
        let plan = unsafe { Plan::read(&self.control, start.plan as usize) };
        let Some(plan) = plan else { return false };
        let prepared = record.prepared.load(Ordering::Acquire);
        let needed = (slot, plan.generation);
        if hands.plan != needed && prepared != prepared_word(Some(slot), plan.generation) {
            // A slot taken over in the middle of a block: its pages are
            // mapped already, only not for writing.
            let memories = Memories { modules: plan.modules, tapes: plan.tapes };
            self.grant().open(memories, slot);
        }
        hands.plan = needed;
        runner.idle(start.block);
        let control = &self.slots()[slot];
        runner.run_slot(&start, &plan, Holder { worker: record, slot, control, epoch });
        record.blocks.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// The block that the slot is to compute next. Two rings may tell of one block,
    /// the engine's and the one that gave the slot: where the slot has done it, the
    /// engine may be far ahead by now, with another plan, and modules of the old one
    /// elsewhere. Where it has not, the engine waits for this worker.
    fn next_block(&self, slot: usize) -> Option<BlockStart> {
        let now = self.clock().read::<BlockStart>().filter(|start| start.block != 0)?;
        now.following(self.slot_record(slot).done.load(Ordering::Relaxed))
    }

    fn slot_record(&self, slot: usize) -> &SlotRecord {
        self.arena.record(arena::slot_record(slot)).expect("checked in attach")
    }

    /// Listens to the host, on a thread that is not real-time, until it is
    /// gone. Each line is an [`Order`].
    pub fn listen(&self, seat: usize, orders: impl BufRead, loader: &mut Loader) {
        prepare_this_thread();
        self.load_what_plays(loader);
        let _ = self.listens.set(());
        let Some(record) = self.arena.record::<WorkerRecord>(arena::worker_record(seat)) else {
            return;
        };
        let mut mapped = Vec::new();
        for line in orders.lines().map_while(Result::ok) {
            let Some(order) = Order::parse(&line) else { continue };
            let slot = slot_of(&self.workers()[seat], self.slots()).map(|(slot, _)| slot);
            // The host does not wait for ever, so the plan may be another by now.
            let new = ModuleMemories::read(&self.control, order.new);
            let Some(new) = new.filter(|new| new.generation == order.generation) else { continue };
            if order.is_settled {
                let old = order.old.and_then(|place| ModuleMemories::read(&self.control, place));
                let old = old.filter(|old| old.generation != new.generation);
                if let (Some(old), Some(slot)) = (old, slot) {
                    self.grant().close(memories(&old), memories(&new), slot);
                }
            } else {
                if let Some(slot) = slot {
                    self.grant().open(memories(&new), slot);
                }
                self.grant().populate(memories(&new), slot, order.frames);
                self.grant().populate_clips(memories(&new), &mut mapped);
                self.load_code(memories(&new), loader);
                let prepared = prepared_word(slot, new.generation);
                publish(&self.doorbell, &record.prepared, prepared, 1 << HOST.0);
            }
        }
    }
}

impl Session {
    /// What is born may be given a slot before it hears of a plan.
    fn load_what_plays(&self, loader: &mut Loader) {
        let now = self.clock().read::<BlockStart>().filter(|start| start.block != 0);
        let plan = now.and_then(|start| ModuleMemories::read(&self.control, start.plan as usize));
        if let Some(plan) = plan {
            self.load_code(memories(&plan), loader);
        }
    }

    /// Makes modules of a musician's own ready to run, whoever runs them now.
    fn load_code(&self, plan: Memories, loader: &mut Loader) {
        let code = catalog::find(Code::NAME).map(|(kind, _)| kind as u32);
        let own = plan.modules.iter().filter(|module| Some(module.kind) == code);
        let own = own.map(|module| (clip(&self.arena, &module.clip).samples, module.seed));
        loader.keep_only(own.clone().map(|(clip, _)| clip));
        own.for_each(|(clip, seed)| loader.load(clip, seed));
    }
}

/// What a worker can write at present.
struct Hands {
    /// The slot whose record it is.
    slot: Option<usize>,
    /// The slot and the plan whose modules these are.
    plan: (usize, u32),
}

fn memories(copy: &ModuleMemories) -> Memories<'_> {
    Memories { modules: &copy.modules, tapes: &copy.tapes }
}

/// What the host asks of a worker on its standard input, a line each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// False: make `new` ready. True: `old` plays no more.
    pub is_settled: bool,
    /// The place of the plan to come.
    pub new: usize,
    /// The place of the plan before it.
    pub old: Option<usize>,
    /// Frames in a block.
    pub frames: usize,
    /// The generation of `new`.
    pub generation: u32,
}

impl Order {
    /// As a line, without its end.
    pub fn line(&self) -> String {
        let verb = if self.is_settled { "settle" } else { "prepare" };
        let old = self.old.map_or("-".to_owned(), |place| place.to_string());
        format!("{verb} {} {old} {} {}", self.new, self.frames, self.generation)
    }

    fn parse(line: &str) -> Option<Order> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [verb @ ("prepare" | "settle"), new, old, frames, generation] = words[..] else {
            return None;
        };
        Some(Order {
            is_settled: verb == "settle",
            new: new.parse().ok()?,
            old: old.parse().ok(),
            frames: frames.parse().ok()?,
            generation: generation.parse().ok()?,
        })
    }
}

/// What a worker answers when it is ready for a plan: which slot it had when it
/// made itself ready, and the plan's generation.
pub fn prepared_word(slot: Option<usize>, generation: u32) -> u32 {
    generation << 6 | slot.map_or(63, |slot| slot as u32 & 63)
}

/// Whether a worker's answer is about that plan.
pub fn is_prepared(answer: u32, generation: u32) -> bool {
    answer >> 6 == generation << 6 >> 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_its_plan_whatever_the_slot() {
        for generation in [1, 5, 1 << 26, u32::MAX] {
            for slot in [None, Some(0), Some(31)] {
                assert!(is_prepared(prepared_word(slot, generation), generation));
                assert!(!is_prepared(prepared_word(slot, generation), generation ^ 1));
            }
        }
    }

    #[test]
    fn an_order_is_read_as_it_was_written() {
        for is_settled in [false, true] {
            for old in [None, Some(2)] {
                let order = Order { is_settled, new: 1, old, frames: 256, generation: 9 };
                assert_eq!(Order::parse(&order.line()), Some(order));
            }
        }
        assert_eq!(Order::parse("prepare 1"), None);
        assert_eq!(Order::parse("explode 1 2 3"), None);
    }
}
