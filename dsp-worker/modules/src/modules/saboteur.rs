//! Saboteur: a module that breaks on purpose, to see the rest play on.

#![allow(unsafe_code, reason = "it touches memory that is not its own: that is what it is for")]

mod escape;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::hint::black_box;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::schmitt::Schmitt;

use crate::Module;
use crate::module::{About, Block, Role, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const TRIGGER: usize = 1;
const OUT: usize = 0;
const FAULT: usize = 0;
const WHEN: usize = 1;
const CHANCE: usize = 2;
const SLOW_MS: usize = 3;
const ALWAYS: usize = 1;

/// What it can do, by the words of its param. From `open-file` on, it tries to get
/// out of its process.
const FAULTS: [&str; 26] = [
    "nothing",
    "crash",
    "panic",
    "abort",
    "exit",
    "stack-overflow",
    "hang",
    "slow",
    "nan",
    "infinity",
    "denormal",
    "loud",
    "wild-write",
    "memory-bomb",
    "open-file",
    "connect",
    "send-udp",
    "exec",
    "fork",
    "trace-host",
    "signal-host",
    "read-host",
    "write-slot",
    "raise-limits",
    "open-journal",
    "fill-disk",
];

/// How often it was triggered, and what it does to this quantum's output.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Saboteur {
    trigger: Schmitt,
    triggers: u32,
    /// 1 from a strike to the end of the quantum: the output is spoilt.
    is_spoilt: u32,
    spoilt_volts: f32,
}

impl Module for Saboteur {
    const ABOUT: &'static About = &About {
        name: "saboteur",
        title: "Saboteur",
        summary: "Crashes, hangs or makes noise on purpose, to show that everything else plays on",
        tags: &[Tag::Test],
        inputs: &[
            port("in", "Signal input"),
            port("trigger", "Triggers the fault: a rising edge above 1 V"),
        ],
        outputs: &[port("out", "The input, unless it is broken")],
        params: &[
            Param::choice(
                "fault",
                &FAULTS,
                0,
                "The kind of fault. From open-file on, it tries what no module may do",
            ),
            Param::choice(
                "when",
                &["trigger", "always"],
                0,
                "Trigger: at each trigger. Always: once in every 32 frames",
            ),
            Param::linear(
                "chance",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "The probability of the fault each time; drawn again if a block is repeated",
            ),
            Param::linear(
                "slow-ms",
                0.0..=1000.0,
                10.0,
                Unit::None,
                "Extra work of the fault slow, in milliseconds",
            ),
        ],
        bypass: &[(IN, OUT)],
        display: 1,
        role: Some(Role::Saboteur),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN]);
        if block.starts_quantum() {
            self.is_spoilt = 0;
        }
        for frame in block.frames() {
            let rises = self.trigger.rises(block.input(TRIGGER).at(0, frame));
            self.triggers = self.triggers.wrapping_add(rises as u32);
            let is_due = if block.choice(WHEN) == ALWAYS { frame == 0 } else { rises };
            if is_due && block.choice(FAULT) != 0 && is_drawn(block.param(CHANCE)) {
                self.strike(block);
            }
            each_group!(channels, |L, group| self.pass::<L>(block, group, frame));
        }
        block.show(0, self.triggers as f32);
    }
}

impl Saboteur {
    #[inline(always)]
    fn pass<L: Lane>(&self, block: &mut Block, group: usize, frame: usize) {
        let volts = block.input(IN).get::<L>(group, frame);
        let volts = if self.is_spoilt != 0 { L::splat(self.spoilt_volts) } else { volts };
        block.output(OUT).put(group, frame, volts);
    }

    #[cold]
    #[inline(never)]
    fn strike(&mut self, block: &mut Block) {
        match FAULTS.get(block.choice(FAULT)).copied().unwrap_or_default() {
            "crash" => write_to_nowhere(),
            "panic" => panic!("the Saboteur was told to panic, and did so"),
            "abort" => std::process::abort(),
            "exit" => std::process::exit(0),
            "stack-overflow" => drop(black_box(fall(0))),
            "hang" => hang(),
            "slow" => work_for(Duration::from_secs_f32(block.param(SLOW_MS) * 1e-3)),
            "nan" => self.spoil(f32::NAN),
            "infinity" => self.spoil(f32::INFINITY),
            "denormal" => self.spoil(1e-40),
            "loud" => self.spoil(1e20),
            "wild-write" => {
                let read = std::ptr::from_ref(block.input(IN)).cast();
                write_to_neighbours(read, std::ptr::from_ref(block.output(OUT)).cast());
            }
            "memory-bomb" => take_all_memory(),
            "write-slot" => write_to_other_slots(std::ptr::from_ref(block.output(OUT)).cast()),
            escape => escape::attempt(escape),
        }
    }

    fn spoil(&mut self, volts: f32) {
        (self.is_spoilt, self.spoilt_volts) = (1, volts);
    }
}

/// Not from the module's state: the same block tried again may end otherwise.
fn is_drawn(chance: f32) -> bool {
    let unipolar =
        || (RandomState::new().build_hasher().finish() >> 40) as f32 / (1u32 << 24) as f32;
    chance >= 1.0 || unipolar() < chance
}

fn write_to_nowhere() {
    let nowhere = black_box(16) as *mut u8;
    // SAFETY: nothing lies there on any of our systems. A volatile write to
    // memory that is not Rust's may trap, and this one is to.
    unsafe { nowhere.write_volatile(1) };
}

/// Writes where the signal comes from that it reads: another module's memory.
/// Where that does not end it, because both are one worker's, it goes on from
/// its own memory down through the arena, to pages that are another's for sure.
/// It adds 0 to each byte: what no protection stops stays whole.
fn write_to_neighbours(read: *const u8, own: *const u8) {
    write_nothing(read);
    let mut page = own;
    loop {
        page = page.wrapping_sub(4096);
        write_nothing(page);
    }
}

/// From its own memory up through the arena, past all that is its slot's. It adds 0
/// to a byte of each page. Where all of them may be written, it ends some time.
fn write_to_other_slots(own: *const u8) {
    for page in 1..1024 {
        write_nothing(own.wrapping_add(page * 4096));
    }
}

fn write_nothing(address: *const u8) {
    // SAFETY: whatever lies there keeps its value, under a neighbour's hand
    // too. Where nothing does, or it is protected, the process ends: that is
    // what is asked for.
    let byte = unsafe { AtomicU8::from_ptr(address.cast_mut()) };
    // A 0 that the compiler knew would be no write at all.
    byte.fetch_add(black_box(0), Relaxed);
}

#[inline(never)]
fn fall(depth: u64) -> u64 {
    let room = black_box([depth; 256]);
    if black_box(depth) == u64::MAX { 0 } else { fall(depth + 1) + room[255] }
}

fn hang() {
    loop {
        std::hint::spin_loop();
    }
}

fn work_for(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn take_all_memory() {
    const BYTES: usize = 16 << 20;
    loop {
        // Not zeros: those the system would only promise.
        black_box(vec![1u8; BYTES].leak());
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, ExitStatus};

    use super::*;
    use crate::rig::Rig;

    fn noisy(channel: usize, frame: u64) -> f32 {
        f32::from_bits((frame as u32).wrapping_mul(0x9e37_79b9) & 0xbfff_ffff) + channel as f32
    }

    fn once(_: usize, frame: u64) -> f32 {
        if frame == 40 { 10.0 } else { 0.0 }
    }

    #[test]
    fn told_to_do_nothing_it_passes_every_bit() {
        for channels in [1, 3, 16] {
            let mut rig = Rig::new::<Saboteur>(48_000.0);
            rig.feed_channels("in", channels, noisy).feed("trigger", once);
            let out = rig.run(96);
            for channel in 0..channels {
                for (frame, volts) in out.channel("out", channel).iter().enumerate() {
                    assert_eq!(volts.to_bits(), noisy(channel, frame as u64).to_bits());
                }
            }
            assert_eq!(rig.display(), [1.0]);
        }
    }

    #[test]
    fn it_spoils_the_quantum_from_its_trigger_on() {
        for (fault, volts, not_finite) in
            [("nan", 0.0, 24), ("infinity", 0.0, 24), ("denormal", 1e-40, 0), ("loud", 0.0, 24)]
        {
            for is_cut in [false, true] {
                let mut rig = Rig::new::<Saboteur>(48_000.0);
                rig.choose("fault", fault).feed("in", |_, _| 1.0).feed("trigger", once);
                if is_cut {
                    rig.frame_by_frame();
                }
                let out = rig.run(96).main().to_vec();
                assert_eq!(out[..40], [1.0; 40], "{fault}");
                assert_eq!(out[40..64], [volts; 24], "{fault}");
                assert_eq!(out[64..], [1.0; 32], "{fault}");
                assert_eq!(rig.not_finite(), not_finite, "{fault}");
            }
        }
    }

    #[test]
    fn a_chance_is_drawn_anew_each_time() {
        let struck = || {
            let mut rig = Rig::new::<Saboteur>(48_000.0);
            rig.choose("fault", "denormal").choose("when", "always").set("chance", 0.5);
            let out = rig.run(32 * 1000).main().to_vec();
            out.chunks(32).map(|quantum| quantum[0] > 0.0).collect::<Vec<_>>()
        };
        let (first, second) = (struck(), struck());
        assert_ne!(first, second);
        let count = first.iter().filter(|&&is_struck| is_struck).count();
        assert!((400..600).contains(&count), "{count} of 1000");
    }

    #[test]
    fn slow_is_as_slow_as_it_was_set() {
        let mut rig = Rig::new::<Saboteur>(48_000.0);
        rig.choose("fault", "slow").choose("when", "always").set("slow-ms", 2.0);
        let began = Instant::now();
        rig.run(5 * 32);
        assert!(began.elapsed() >= Duration::from_millis(10));
    }

    const SURVIVED: i32 = 77;

    #[test]
    #[ignore = "the next test starts it, as a process of its own"]
    fn struck_in_a_child() {
        let Some(fault) = std::env::var_os("SABOTEUR_FAULT") else { return };
        let mut rig = Rig::new::<Saboteur>(48_000.0);
        rig.choose("fault", fault.to_str().expect("a word")).feed("trigger", once).run(96);
        std::process::exit(SURVIVED);
    }

    fn strike_in_a_child(fault: &str) -> ExitStatus {
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        child.args(["--ignored", "--exact", "modules::saboteur::tests::struck_in_a_child"]);
        child.env("SABOTEUR_FAULT", fault).output().expect("it starts").status
    }

    #[test]
    fn an_escape_that_nobody_refuses_does_no_harm() {
        let first = FAULTS.iter().position(|fault| *fault == "open-file").expect("a fault");
        // How far the heap goes, nobody knows.
        for fault in FAULTS[first..].iter().filter(|fault| **fault != "write-slot") {
            assert_eq!(strike_in_a_child(fault).code(), Some(SURVIVED), "{fault}");
        }
    }

    #[test]
    fn every_deadly_fault_is_deadly() {
        for fault in ["crash", "panic", "abort", "exit", "stack-overflow", "wild-write"] {
            let status = strike_in_a_child(fault);
            assert_ne!(status.code(), Some(SURVIVED), "{fault}");
            assert_eq!(status.code() == Some(0), fault == "exit", "{fault}: {status}");
            #[cfg(unix)]
            {
                let signal = std::os::unix::process::ExitStatusExt::signal(&status);
                let expected = match fault {
                    "crash" | "wild-write" => Some(libc::SIGSEGV),
                    "abort" | "stack-overflow" => Some(libc::SIGABRT),
                    _ => None,
                };
                assert_eq!(signal, expected, "{fault}: {status}");
            }
        }
    }
}
