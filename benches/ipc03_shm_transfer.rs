//! 256 frames from one process to another: written as a module writes its
//! output, stamped, and read to the last sample by the other. Both do it in
//! turn, so half a round trip is one way.
//!
//! Told apart: the transfer itself, where the reader is awake on another core
//! and looks at the stamp all the time; a wake alone, which carries nothing; and
//! both. A wake costs much more where it has to fetch a core out of its idle
//! state than on the writer's own core, so both are shown.

#![allow(unsafe_code, reason = "signals lie in shared memory")]

use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use dsp_worker::thread::ask_for_real_time;
use shm_ring::doorbell::{BELLS_BYTES, Doorbell, Listener};
use shm_ring::protocol::{publish, wait_for};
use shm_ring::region::{Access, PAGE, Region};
use shm_ring::sync::{AtomicU32, Ordering};
use sostenuto_benches::rigs::RATE_HZ;
use sostenuto_benches::samples::{Samples, timed};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_dsp::signal::{SILENCE, Signal};
use sostenuto_dsp::units::QUANTUM;

const PROTOTYPE_MS: f64 = 0.042;
const TARGET_MS: f64 = 0.002;
const FRAMES: usize = 256;
const QUANTA: usize = FRAMES / QUANTUM;

/// What each side has to itself: its stamp, and its signals behind it.
const SIDE_BYTES: usize = 4 * PAGE;
const SIGNALS: usize = 64;
const BELLS: usize = 2 * SIDE_BYTES;

/// What goes from side to side.
#[derive(Clone, Copy)]
struct Load {
    channels: usize,
    reader: Reader,
}

/// Where the reader waits, and how.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    Awake,
    AsleepElsewhere,
    AsleepHere,
}
use Reader::{AsleepElsewhere, AsleepHere, Awake};

const LOADS: [(&str, Load); 7] = [
    ("256 frames, reader awake: the transfer itself", Load::of(1, Awake)),
    ("256 frames of 16 channels, reader awake", Load::of(16, Awake)),
    ("a stamp alone, reader awake", Load::of(0, Awake)),
    ("256 frames and a wake, on this core", Load::of(1, AsleepHere)),
    ("a wake alone, on this core", Load::of(0, AsleepHere)),
    ("256 frames and a wake, of an idle core", Load::of(1, AsleepElsewhere)),
    ("a wake alone, of an idle core", Load::of(0, AsleepElsewhere)),
];

impl Load {
    const fn of(channels: usize, reader: Reader) -> Load {
        Load { channels, reader }
    }

    fn is_asleep(self) -> bool {
        self.reader != Awake
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if let [_, verb, name, load, rounds] = &words[..]
        && verb == "answer"
    {
        let load = LOADS[load.parse::<usize>().expect("a number")].1;
        answer(name, load, rounds.parse().expect("a number"));
        return ExitCode::SUCCESS;
    }
    let table = Table::begin("ipc03_shm_transfer");
    for (index, (what, load)) in LOADS.iter().enumerate() {
        let samples = measure(index, *load);
        let row = Row::with_p99(what, "ms", &samples);
        let is_claim = load.channels == 1;
        let row = if is_claim { row.prototype(PROTOTYPE_MS) } else { row };
        let is_bare = is_claim && !load.is_asleep();
        let target = if is_bare { TARGET_MS } else { PROTOTYPE_MS };
        table.row(&if is_claim { row.target(Target::Below(target)) } else { row });
    }
    ExitCode::SUCCESS
}

/// Half a round trip, in milliseconds, many times.
fn measure(index: usize, load: Load) -> Samples {
    let rounds = times(20_000, 500) as u32;
    let region = Region::create(2 * SIDE_BYTES + BELLS_BYTES.next_multiple_of(PAGE));
    let region = region.unwrap_or_else(|error| panic!("{error}"));
    // SAFETY: nobody else knows of this region yet.
    let bells = unsafe { region.values_mut::<u8>(BELLS, BELLS_BYTES) };
    let doorbell = Doorbell::create(bells.expect("room for bells")).expect("bells");
    let mut peer = peer(&region, index, rounds);
    let _core = OnCore::of(0);
    ask_for_real_time(FRAMES as u32, RATE_HZ);
    let mut side = Side::new(&region, doorbell, 0, load);
    let mut samples = Samples::default();
    for round in 1..=rounds {
        let (time, ()) = timed(|| {
            side.say(round);
            side.hear(round);
        });
        if round > rounds / 10 {
            samples.push(time.as_secs_f64() * 1e3 / 2.0);
        }
    }
    assert!(peer.wait().is_ok_and(|status| status.success()), "the other side failed");
    samples
}

fn peer(region: &Region, load: usize, rounds: u32) -> Child {
    let program = std::env::current_exe().expect("this program has a path");
    let words = ["answer", region.name(), &load.to_string(), &rounds.to_string()];
    Command::new(program).args(words).spawn().expect("the other side starts")
}

/// The other side.
fn answer(name: &str, load: Load, rounds: u32) {
    let _core = OnCore::of(if load.reader == AsleepHere { 0 } else { 1 });
    ask_for_real_time(FRAMES as u32, RATE_HZ);
    let region = Region::open(name).unwrap_or_else(|error| panic!("{error}"));
    region.protect(SIDE_BYTES..2 * SIDE_BYTES, Access::Write).expect("its own side is its own");
    // SAFETY: the bells were made before this process.
    let bells = unsafe { region.values::<u8>(BELLS, BELLS_BYTES) };
    let doorbell = Doorbell::attach(bells.expect("room for bells")).expect("bells");
    let mut side = Side::new(&region, doorbell, 1, load);
    for round in 1..=rounds {
        side.hear(round);
        side.say(round);
    }
}

/// One of the two processes.
struct Side<'a> {
    region: &'a Region,
    doorbell: Doorbell,
    index: usize,
    load: Load,
    heard: f32,
}

impl<'a> Side<'a> {
    fn new(region: &'a Region, doorbell: Doorbell, index: usize, load: Load) -> Side<'a> {
        Side { region, doorbell, index, load, heard: 0.0 }
    }

    fn stamp(&self, side: usize) -> &'a AtomicU32 {
        self.region.record(side * SIDE_BYTES).expect("it fits")
    }

    /// Writes the frames, then the stamp.
    fn say(&mut self, round: u32) {
        if self.load.channels > 0 {
            let at = self.index * SIDE_BYTES + SIGNALS;
            // SAFETY: until the stamp of this round the other side does not
            // look at these.
            let signals = unsafe { self.region.values_mut::<Signal>(at, QUANTA) };
            signals.expect("they fit").iter_mut().for_each(|signal| self.write(signal, round));
        }
        let stamp = self.stamp(self.index);
        if self.load.is_asleep() {
            publish(&self.doorbell, stamp, round, 1 << (1 - self.index));
        } else {
            stamp.store(round, Ordering::Release);
        }
    }

    fn write(&self, signal: &mut Signal, round: u32) {
        signal.set_channels(self.load.channels);
        for channel in 0..self.load.channels {
            for frame in 0..QUANTUM {
                signal.set(channel, frame, (round % 64) as f32 + frame as f32);
            }
        }
    }

    /// Waits for the other side's stamp, then reads its frames.
    fn hear(&mut self, round: u32) {
        let stamp = self.stamp(1 - self.index);
        if self.load.is_asleep() {
            let me = Listener(self.index as u32);
            let patience = Some(Duration::from_secs(10));
            assert!(wait_for(&self.doorbell, me, stamp, round, patience), "nobody answers");
        } else {
            watch(stamp, round);
        }
        if self.load.channels == 0 {
            return;
        }
        let at = (1 - self.index) * SIDE_BYTES + SIGNALS;
        // SAFETY: the other side writes these again only after this side's
        // next stamp.
        let signals = unsafe { self.region.values::<Signal>(at, QUANTA) };
        let signals = signals.expect("they fit").iter();
        let sum: f32 = signals.flat_map(|signal| (0..QUANTUM).map(|frame| signal.sum(frame))).sum();
        self.heard = std::hint::black_box(self.heard + sum);
    }
}

/// Looks at a stamp until it is `round`. Where both sides have one core it
/// lets the other go on now and then.
fn watch(stamp: &AtomicU32, round: u32) {
    for look in 1u32.. {
        if stamp.load(Ordering::Acquire) == round {
            return;
        }
        std::hint::spin_loop();
        if look.is_multiple_of(4096) {
            std::thread::yield_now();
        }
    }
}

/// Keeps this thread on one core until it is dropped.
struct OnCore {
    #[cfg(target_os = "linux")]
    all: libc::cpu_set_t,
}

impl OnCore {
    /// The core of that index among those that this thread may use. Where the
    /// system has no such thing, or no such core, it stays where it likes.
    #[cfg(target_os = "linux")]
    fn of(index: usize) -> OnCore {
        // SAFETY: sets of cores are plain masks, zeros included, and the kernel
        // is told how long they are.
        unsafe {
            let mut all: libc::cpu_set_t = std::mem::zeroed();
            let mut one = all;
            libc::sched_getaffinity(0, size_of_val(&all), &mut all);
            let mut cores = (0..libc::CPU_SETSIZE as usize).filter(|&c| libc::CPU_ISSET(c, &all));
            libc::CPU_SET(cores.nth(index).unwrap_or(0), &mut one);
            libc::sched_setaffinity(0, size_of_val(&one), &one);
            OnCore { all }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn of(_: usize) -> OnCore {
        OnCore {}
    }
}

impl Drop for OnCore {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        // SAFETY: as above.
        unsafe {
            libc::sched_setaffinity(0, size_of_val(&self.all), &self.all);
        }
    }
}

const _: () = assert!(SIGNALS + QUANTA * size_of_val(&SILENCE) <= SIDE_BYTES);
