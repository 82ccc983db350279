//! How the host is doing: plain numbers and sentences, for whoever shows them.

/// How the host is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Of the sound card.
    pub sample_rate_hz: f32,
    /// Computed in one go.
    pub block_frames: u32,
    /// The sound card, or "silent clock".
    pub device: String,
    /// Share of its time that a block takes: above 1 it is late.
    pub load: f32,
    /// From an event to its sound.
    pub latency_secs: f32,
    /// Blocks that were not ready, since the host started.
    pub xruns: u64,
    /// Blocks since the host started.
    pub blocks: u64,
    /// Every worker, by its slot.
    pub workers: Vec<WorkerStatus>,
    /// Every module that has given trouble.
    pub faults: Vec<ModuleFault>,
}

/// What has gone wrong with a module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModuleFault {
    /// Its name in the patch.
    pub module: String,
    /// What is done with it, in a word; empty where it simply runs.
    pub state: String,
    /// How often its worker has died in it.
    pub crashes: u32,
    /// Samples that were no numbers, or absurdly large: 0 V was heard instead.
    pub not_finite: u32,
}

/// How one worker is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkerStatus {
    /// Its place in the pool.
    pub slot: u32,
    /// Its process.
    pub pid: u32,
    /// What it is doing, in a word.
    pub state: String,
    /// Modules and loops that it computes.
    pub jobs: u32,
    /// Share of a block's time that it takes.
    pub load: f32,
    /// How often it was replaced.
    pub restarts: u32,
}

/// What the host tells the musician.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether something went wrong.
    pub kind: NoticeKind,
    /// What happened, what is heard now, what can be done.
    pub sentence: String,
}

/// Whether something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// No.
    Info,
    /// Yes.
    Trouble,
}

impl NoticeKind {
    /// As on the wire.
    pub fn word(self) -> &'static str {
        match self {
            NoticeKind::Info => "info",
            NoticeKind::Trouble => "trouble",
        }
    }
}
