//! Faults at named points of a worker's work, each of them once: a script that
//! lies beside the worker's program.

#![allow(unsafe_code, reason = "processes are stopped and killed")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use dsp_worker::faults::{FaultPoints, Step};

/// All steps, by the words of a script.
pub const STEPS: [(&str, Step); 6] = [
    ("idle", Step::Idle),
    ("before-claim", Step::BeforeClaim),
    ("mid-write", Step::MidWrite),
    ("before-stamp", Step::BeforeStamp),
    ("after-stamp", Step::AfterStamp),
    ("after-done", Step::AfterDone),
];

/// What a worker does when it comes to a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is killed, as by `kill -9`.
    Dies,
    /// It is stopped, until somebody lets it go on.
    Stops,
}

/// The first worker that comes there does that.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// An index of [`STEPS`].
    pub step: usize,
    /// From 1.
    pub block: u32,
    /// Which job; else any.
    pub job: Option<u32>,
    /// What happens.
    pub how: How,
}

/// A worker's program with faults, in a folder of its own.
pub struct Script {
    folder: tempfile::TempDir,
    count: usize,
}

impl Script {
    /// `worker` is this package's test worker.
    ///
    /// # Panics
    /// Where there is no room for it.
    pub fn new(worker: &str, faults: &[Fault]) -> Script {
        let folder = tempfile::tempdir().expect("a folder");
        let lines = faults.iter().map(|fault| {
            let job = fault.job.map_or("any".to_owned(), |job| job.to_string());
            let how = if fault.how == How::Dies { "dies" } else { "stops" };
            format!("{} {} {job} {how}\n", STEPS[fault.step].0, fault.block)
        });
        fs::write(folder.path().join(SCRIPT), lines.collect::<String>()).expect("room for it");
        #[cfg(unix)]
        std::os::unix::fs::symlink(worker, folder.path().join(PROGRAM)).expect("a link");
        #[cfg(not(unix))]
        drop(fs::copy(worker, folder.path().join(PROGRAM)).expect("room for it"));
        Script { folder, count: faults.len() }
    }

    /// The program.
    pub fn program(&self) -> PathBuf {
        self.folder.path().join(PROGRAM)
    }

    /// The pids of the workers that came to a point, in the order of the script.
    pub fn struck(&self) -> Vec<u32> {
        let pid = |index| fs::read_to_string(struck(self.folder.path(), index)).ok()?.parse().ok();
        (0..self.count).filter_map(pid).collect()
    }
}

const SCRIPT: &str = "faults";
const PROGRAM: &str = if cfg!(windows) { "worker.exe" } else { "worker" };

fn struck(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("struck-{index}"))
}

/// The faults of the script beside this program; none where there is no script.
pub struct Scripted {
    folder: PathBuf,
    faults: Vec<(Step, u32, Option<u32>, How)>,
}

impl Scripted {
    /// Reads the script.
    pub fn beside_this_program() -> Scripted {
        let program = PathBuf::from(std::env::args_os().next().unwrap_or_default());
        let folder = program.parent().map(Path::to_owned).unwrap_or_default();
        let script = fs::read_to_string(folder.join(SCRIPT)).unwrap_or_default();
        let faults = script.lines().filter_map(fault).collect();
        Scripted { folder, faults }
    }
}

fn fault(line: &str) -> Option<(Step, u32, Option<u32>, How)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [step, block, job, how] = words[..] else { return None };
    let step = STEPS.iter().find(|(word, _)| *word == step)?.1;
    let how = if how == "dies" { How::Dies } else { How::Stops };
    Some((step, block.parse().ok()?, job.parse().ok(), how))
}

impl FaultPoints for Scripted {
    /// It writes down whom it struck, and stops.
    fn needs_rights(&self) -> bool {
        !self.faults.is_empty()
    }

    fn reach(&self, step: Step, block: u32, job: u32) {
        for (index, fault) in self.faults.iter().enumerate() {
            let is_here = fault.0 == step && fault.1 == block;
            if !is_here || fault.2.is_some_and(|wanted| wanted != job) {
                continue;
            }
            // Whoever makes the file is the one whom it strikes.
            let Ok(mut file) = File::create_new(struck(&self.folder, index)) else { continue };
            write!(file, "{}", std::process::id()).expect("room for a number");
            drop(file);
            match fault.3 {
                How::Dies => die(),
                How::Stops => stop(),
            }
        }
    }
}

fn die() {
    signal(std::process::id(), Signal::Kill);
    // It comes at once, but not before the system has looked.
    loop {
        std::thread::park();
    }
}

fn stop() {
    signal(std::process::id(), Signal::Stop);
}

/// What can be sent to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It ends.
    Kill,
    /// The system runs it no more. Not on Windows.
    Stop,
    /// The system runs it again. Not on Windows.
    Continue,
}

/// Sends a signal to a worker of a test's own pool; where it has ended meanwhile,
/// its number is not given again so soon.
#[cfg(unix)]
pub fn signal(pid: u32, signal: Signal) {
    let signal = match signal {
        Signal::Kill => libc::SIGKILL,
        Signal::Stop => libc::SIGSTOP,
        Signal::Continue => libc::SIGCONT,
    };
    // SAFETY: it touches no memory of this process.
    unsafe {
        libc::kill(pid as libc::pid_t, signal);
    }
}

/// Ends a worker of a test's own pool; where it has ended meanwhile, its number
/// is not given again so soon.
#[cfg(windows)]
pub fn signal(pid: u32, signal: Signal) {
    use windows_sys::Win32::Foundation::CloseHandle;
    use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_TERMINATE, TerminateProcess};
    assert_eq!(signal, Signal::Kill, "Windows cannot stop a process");
    // SAFETY: the handle is this function's own, and closed once. Where the
    // worker has died there is none, which the calls only refuse.
    unsafe {
        let process = OpenProcess(PROCESS_TERMINATE, 0, pid);
        TerminateProcess(process, 1);
        CloseHandle(process);
    }
}
