//! What a module costs: nanoseconds, and instructions, for each frame.
//!
//! Every module is [at work](Rig::at_work), from 21 ms after its gates have
//! opened, while its cables repeat their last quantum. Instructions are counted
//! by callgrind, in a process of their own: they are the same however busy the
//! machine is.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dsp_worker::thread::flushing_denormals;
use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::catalog::well_behaved;
use sostenuto_modules::rig::{Committed, Rig};

use crate::rigs::RATE_HZ;
use crate::samples::{Samples, timed};
use crate::times;

/// Where callgrind counts.
const COUNTED: &str = "sostenuto_benches::speed::counted";
/// Says to the process that it runs under callgrind.
const COUNTS: &str = "SOSTENUTO_COUNTS";
/// A VCO of which only the saw is heard.
const SAW_VCO: &str = "vco, saw alone";
/// Quanta before the clock starts, and while it runs.
const WARM_QUANTA: usize = 32;
const QUANTA: usize = 200;
/// Callgrind is fifty times slower, and always counts the same.
const COUNTED_QUANTA: usize = 20;

/// Modules that are computed one after another.
pub struct Job {
    /// A module's name, `vco, saw alone` or `voice`.
    pub name: &'static str,
    /// Channels of every cable.
    pub channels: usize,
    rigs: Vec<(Rig, Committed)>,
}

/// What a job costs for each frame.
pub struct Cost {
    /// A module's name, or `voice`.
    pub name: &'static str,
    /// Channels of every cable.
    pub channels: usize,
    /// Measured again and again.
    pub nanos: Samples,
    /// Where callgrind is installed.
    pub instructions: Option<f64>,
}

/// Every module, and the complete voice, with one channel and with sixteen.
pub fn costs() -> Vec<Cost> {
    let counts = counted_by_callgrind();
    let cost = |(index, mut job): (usize, Job)| {
        let nanos = (0..times(30, 2)).map(|_| job.nanos()).collect();
        let instructions = counts.get(index).copied();
        Cost { name: job.name, channels: job.channels, nanos, instructions }
    };
    jobs().enumerate().map(cost).collect()
}

fn jobs() -> impl Iterator<Item = Job> {
    let names = well_behaved().map(|entry| entry.about.name).chain([SAW_VCO, "voice"]);
    names.flat_map(|name| [1, 16].map(|channels| Job::new(name, channels)))
}

impl Job {
    fn new(name: &'static str, channels: usize) -> Job {
        let mut rigs = match name {
            "voice" => voice(channels),
            SAW_VCO => vec![saw_vco(channels)],
            _ => vec![at_work(name, channels)],
        };
        let committed: Vec<Committed> = rigs.iter_mut().map(Rig::committed).collect();
        Job { name, channels, rigs: rigs.into_iter().zip(committed).collect() }
    }

    fn begin_again(&mut self) {
        for (rig, committed) in &mut self.rigs {
            rig.take_over(committed);
        }
    }

    fn nanos(&mut self) -> f64 {
        self.begin_again();
        let (time, ()) = timed(|| flushing_denormals(|| counted(&mut self.rigs, QUANTA)));
        time.as_nanos() as f64 / (QUANTA * QUANTUM) as f64
    }
}

/// Callgrind counts what happens in here, and writes it down at the end.
#[inline(never)]
fn counted(rigs: &mut [(Rig, Committed)], quanta: usize) {
    for _ in 0..quanta {
        rigs.iter_mut().for_each(|(rig, _)| rig.quantum());
    }
}

fn warm(mut rig: Rig) -> Rig {
    rig.run(WARM_QUANTA * QUANTUM);
    rig.hold();
    rig
}

fn at_work(name: &str, channels: usize) -> Rig {
    warm(Rig::at_work(name, RATE_HZ as f32, channels))
}

/// Whose other outputs have no cable.
fn saw_vco(channels: usize) -> Rig {
    let mut vco = at_work("vco", channels);
    vco.hear(&["saw"]);
    vco
}

/// VCO, saw → ladder ← ADSR → VCA.
fn voice(channels: usize) -> Vec<Rig> {
    let (vco, mut adsr) = (saw_vco(channels), at_work("adsr", channels));
    adsr.hear(&["env"]);
    let mut ladder = Rig::named("ladder", RATE_HZ as f32);
    ladder.plug("in", &vco, "saw").plug("cutoff", &adsr, "env").set("cutoff-amount", 0.4);
    let ladder = warm(ladder);
    let mut vca = Rig::named("vca", RATE_HZ as f32);
    vca.plug("in", &ladder, "lowpass").plug("cv", &adsr, "env");
    vec![vco, adsr, ladder, warm(vca)]
}

/// To be called first in `main`: does the counting, where this process was
/// started for that, and leaves.
pub fn count_where_asked() {
    if std::env::var_os(COUNTS).is_none() {
        return;
    }
    for mut job in jobs() {
        job.begin_again();
        flushing_denormals(|| counted(&mut job.rigs, COUNTED_QUANTA));
    }
    std::process::exit(0);
}

/// Instructions for each frame of every job; none where there is no callgrind.
fn counted_by_callgrind() -> Vec<f64> {
    let Ok(folder) = tempfile::tempdir() else { return Vec::new() };
    let Ok(program) = std::env::current_exe() else { return Vec::new() };
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind");
    command.args(["--toggle-collect", "--dump-after"].map(|option| format!("{option}={COUNTED}")));
    command.arg(format!("--callgrind-out-file={}", folder.path().join("out").display()));
    command.arg(program).env(COUNTS, "1").stdout(Stdio::null()).stderr(Stdio::null());
    if !command.status().is_ok_and(|status| status.success()) {
        return Vec::new();
    }
    let dump = |number: usize| -> PathBuf { folder.path().join(format!("out.{number}")) };
    let counts = (1..).map_while(|number| instructions(&dump(number)));
    counts.map(|count| count / (COUNTED_QUANTA * QUANTUM) as f64).collect()
}

/// What a file of callgrind says that was counted.
fn instructions(path: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("summary:"));
    line?.split_whitespace().next()?.parse().ok()
}

/// What others cost, in instructions for each frame, measured by the same
/// method on one machine with AVX2: VCV Fundamental 2.6, SuperCollider 3.13,
/// fundsp 0.23 (a voice times sixteen where it has only one) and csound 6.18.
pub struct Peers {
    /// What ours must stay below.
    pub target: f64,
    /// Who, and how much.
    pub figures: &'static [(&'static str, f64)],
}

/// The figures of those that have what this job has.
pub fn peers(name: &str, channels: usize) -> Option<Peers> {
    let (target, figures): (f64, &'static [_]) = match (name, channels) {
        ("vco", 16) => (1500.0, &[("VCV", 1851.0), ("SuperCollider", 2945.0)]),
        ("ladder", 16) => (
            900.0,
            &[("VCV", 1863.0), ("SuperCollider", 1355.0), ("fundsp", 1920.0), ("csound", 1746.0)],
        ),
        ("svf", 16) => (500.0, &[("SuperCollider", 1568.0), ("fundsp", 576.0), ("csound", 2003.0)]),
        ("adsr", 16) => (
            130.0,
            &[("VCV", 377.0), ("SuperCollider", 133.0), ("fundsp", 112.0), ("csound", 514.0)],
        ),
        ("voice", 16) => (
            1750.0,
            &[("VCV", 4563.0), ("SuperCollider", 1761.0), ("fundsp", 4968.0), ("csound", 10677.0)],
        ),
        ("voice", 1) => (
            300.0,
            &[("VCV", 1330.0), ("SuperCollider", 108.0), ("fundsp", 306.0), ("csound", 646.0)],
        ),
        ("reverb", 1) => {
            (900.0, &[("SuperCollider FreeVerb", 523.0), ("fundsp", 1583.0), ("csound", 767.0)])
        }
        _ => return None,
    };
    Some(Peers { target, figures })
}
