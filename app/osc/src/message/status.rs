//! How the host, its workers and its modules are doing.

use rosc::{OscMessage, OscType};

use crate::address::{ANSWER, Form, REPORT, REQUEST};
use crate::args::Args;
use crate::field::{Field, Following};
use crate::message::Message;
use crate::unreadable::Unreadable;

message! {
    /// Asks how the sound is doing: `/status`, then a `/worker` for each worker.
    Query("/query/status", REQUEST.over_udp()) {}
}

message! {
    /// How the sound is doing. Reported with `health`.
    #[derive(Default)]
    Status("/status", ANSWER, "48000.0 256 \"silent clock\" 0.21 0.0117 0h 48112h 8 0") {
        /// of the sound card
        sample_rate_hz as "sample_rate": f32 ["Hz", "44100 to 192000"],
        /// computed in one go
        block_frames as "block": u32 ["frames", "32 to 2048"],
        /// the sound card, or the silent clock
        device: String,
        /// share of its time that a block takes
        load: f32 ["of 1", "0 or more"],
        /// from an event to its sound
        latency_secs as "latency": f32 ["s", "0 or more"],
        /// blocks that were not ready, ever
        xruns: u64,
        /// blocks, ever
        blocks: u64,
        /// how many `/worker` messages follow
        workers: Vec<WorkerStatus> as Following,
        /// how many `/module/fault` messages follow
        faults: Vec<ModuleFault> as Following,
    }
}

message! {
    /// How one worker is doing. Follows `/status`.
    #[derive(Default)]
    WorkerStatus("/worker", ANSWER, "3 4712 working 5 0.12 0") {
        /// its place in the pool
        slot: u32,
        /// its process
        pid: u32 ["", ""],
        /// what it is doing
        state: WorkerState,
        /// modules and loops that it computes
        jobs: u32,
        /// share of a block's time that it takes
        load: f32 ["of 1", "0 or more"],
        /// how often it was replaced
        restarts: u32,
    }
}

message! {
    /// What has gone wrong with a module. Follows `/worker`.
    #[derive(Default)]
    ModuleFault("/module/fault", ANSWER, "lead quarantine 9 0") {
        /// a module's name in the patch
        module: String ["", "lower-case letters, digits, dashes"],
        /// what is done with it
        state: FaultState,
        /// workers that died in it, or took too long
        crashes: u32,
        /// that were no numbers, and became 0 V
        not_finite: u32 ["samples", "0 or more"],
    }
}

message! {
    /// Kills a worker in the middle of its work, as a crash would: nobody should hear it.
    /// `/drill/killed` says what came of it.
    Kill("/drill/kill", REQUEST, "0") {
        /// whose worker; without it, any that has work
        slot: Option<u32>,
    }
}

message! {
    /// A worker was killed by `/drill/kill`, and another does its work. Reported with `health`.
    #[derive(Copy)]
    Killed("/drill/killed", REPORT, "4712 0 0.0008 0h") {
        /// the process that was killed
        pid: u32 ["", ""],
        /// its share of the patch
        slot: u32,
        /// from its death to the first result of the other; 0: it had nothing to do
        recovery_secs as "recovery": f64 ["s", "0 or more"],
        /// blocks that were late meanwhile
        xruns: u64,
    }
}

/// What a worker is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkerState {
    /// It is started, and computes nothing yet.
    #[default]
    WarmingUp,
    /// It computes a share of the patch.
    Working,
    /// It waits for another to die.
    Spare,
    /// The system gives it no time.
    Away,
}

impl WorkerState {
    const ALL: [WorkerState; 4] =
        [WorkerState::WarmingUp, WorkerState::Working, WorkerState::Spare, WorkerState::Away];

    /// As on the wire, and for the musician.
    pub const fn word(self) -> &'static str {
        match self {
            WorkerState::WarmingUp => "warming up",
            WorkerState::Working => "working",
            WorkerState::Spare => "spare",
            WorkerState::Away => "not run by the machine",
        }
    }
}

impl Field for WorkerState {
    const FORM: Form = Form::Text;
    const RANGE: &'static str = "warming up, working, spare, not run by the machine";

    fn read(args: &mut Args) -> Result<WorkerState, Unreadable> {
        args.word(&WorkerState::ALL, WorkerState::word)
    }

    fn write(value: &WorkerState, args: &mut Vec<OscType>) {
        args.push(value.word().into());
    }
}

/// What is done with a module that gave trouble.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FaultState {
    /// Nothing: it runs.
    #[default]
    Runs,
    /// Another worker carries on from where it was.
    Replaced,
    /// It began from a fresh state.
    BeganAfresh,
    /// Signals pass it by, for a while.
    Rests,
    /// Signals pass it by, until it is tried again.
    Quarantine,
}

impl FaultState {
    const ALL: [FaultState; 5] = [
        FaultState::Runs,
        FaultState::Replaced,
        FaultState::BeganAfresh,
        FaultState::Rests,
        FaultState::Quarantine,
    ];

    /// As on the wire, and for the musician; empty where it runs.
    pub const fn word(self) -> &'static str {
        match self {
            FaultState::Runs => "",
            FaultState::Replaced => "replaced",
            FaultState::BeganAfresh => "began afresh",
            FaultState::Rests => "rests",
            FaultState::Quarantine => "quarantine",
        }
    }
}

impl Field for FaultState {
    const FORM: Form = Form::Text;
    const RANGE: &'static str = "replaced, began afresh, rests, quarantine or empty";

    fn read(args: &mut Args) -> Result<FaultState, Unreadable> {
        args.word(&FaultState::ALL, FaultState::word)
    }

    fn write(value: &FaultState, args: &mut Vec<OscType>) {
        args.push(value.word().into());
    }
}

impl Status {
    /// `/status`, and what follows it.
    pub fn messages(&self) -> Vec<OscMessage> {
        let workers = self.workers.iter().map(Message::encode);
        let faults = self.faults.iter().map(Message::encode);
        std::iter::once(self.encode()).chain(workers).chain(faults).collect()
    }
}
