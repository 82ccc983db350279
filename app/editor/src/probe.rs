//! What an editor sees of the sound without asking: it looks into the host's
//! shared memory, and can change nothing there.
//!
//! A module's memory may become another's at any moment, and whoever writes
//! there may die while writing. So every index is checked, and what is no
//! number is left out.

use dsp_worker::protocol::ModuleLayout;
use shm_ring::layout::{BlockStart, Clock, Header, ModuleRecord, arena, control};
use shm_ring::region::{Region, RegionError};
use shm_ring::sync::{AtomicU32, Ordering, fence};
use sostenuto_dsp::signal::{SIGNAL_WORDS, SILENCE, Signal};
use sostenuto_dsp::units::{MAX_BLOCK_FRAMES, QUANTUM};
use sostenuto_modules::catalog::{self, CATALOG};
use sostenuto_osc::message::view::{Seen, View};
use thiserror::Error;

/// Why the sound cannot be looked at.
#[derive(Debug, Error)]
pub enum NoView {
    /// The host is gone, or on another machine.
    #[error("Meters and scopes are frozen: {0}.")]
    Memory(#[from] RegionError),
    /// It is another version's.
    #[error("Meters and scopes are frozen: {0}.")]
    Foreign(String),
}

/// Looks into a host's memory.
pub struct Probe {
    control: Region,
    arena: Region,
    layouts: Box<[ModuleLayout]>,
}

/// The block that is being computed, or was last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// Counts blocks, and wraps.
    pub block: u32,
    /// Frames since the sound began, up to the block's first.
    pub frame: u64,
    /// How many it has.
    pub frames: usize,
    /// In Hz.
    pub sample_rate_hz: f32,
}

/// What went through an output in a block, in short.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// How many channels it has.
    pub channels: usize,
    /// The first channel's last sample.
    pub last_volts: f32,
    /// How far any channel was from 0 V at most.
    pub peak_volts: f32,
    /// The lowest sample of all channels.
    pub min_volts: f32,
    /// The highest sample of all channels.
    pub max_volts: f32,
}

/// What lies in a buffer after [`Face::copy`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Copied {
    /// How many channels there are, one after another.
    pub channels: usize,
    /// When they were made.
    pub now: Now,
    /// False where they were being written meanwhile, and are of two blocks.
    pub is_whole: bool,
}

impl Probe {
    /// Maps what a view names, for reading only.
    ///
    /// # Errors
    /// Where it is not there, or of a program that this one does not
    /// understand.
    pub fn open(view: &View) -> Result<Probe, NoView> {
        let (control, arena) = (Region::open(&view.control)?, Region::open(&view.arena)?);
        let header = Header::read(&control);
        let header = header.ok_or_else(|| NoView::Foreign("the memory is too short".into()))?;
        let fingerprint = catalog::fingerprint();
        header.check(control.len(), arena.len(), fingerprint).map_err(NoView::Foreign)?;
        if control.len() < control::REST || arena.len() < arena::REST {
            return Err(NoView::Foreign("the memory is too short".into()));
        }
        Ok(Probe { control, arena, layouts: ModuleLayout::all() })
    }

    /// What the clock says. `None` before the first block.
    pub fn now(&self) -> Option<Now> {
        let clock: &Clock = self.control.record(control::CLOCK)?;
        let start = clock.read::<BlockStart>().filter(|start| start.block != 0)?;
        Some(Now {
            block: start.block,
            frame: start.frame,
            frames: (start.frames as usize).min(MAX_BLOCK_FRAMES),
            sample_rate_hz: start.sample_rate_hz,
        })
    }

    /// A module's face. `None` where no module of that kind can lie there.
    pub fn face(&self, module: &Seen) -> Option<Face<'_>> {
        let (kind, _) = catalog::find(&module.kind)?;
        let memory = usize::try_from(module.memory).ok().filter(|&at| at >= arena::REST)?;
        let record = self.arena.record(memory)?;
        Some(Face { probe: self, kind, memory, record })
    }
}

/// What can be seen of one module.
#[derive(Clone, Copy)]
pub struct Face<'a> {
    probe: &'a Probe,
    kind: usize,
    memory: usize,
    record: &'a ModuleRecord,
}

impl Face<'_> {
    /// Time spent on its last block, in nanoseconds.
    pub fn busy_nanos(&self) -> u32 {
        self.record.busy_nanos.load(Ordering::Relaxed)
    }

    /// Samples that were no numbers, ever.
    pub fn not_finite(&self) -> u32 {
        self.record.not_finite.load(Ordering::Relaxed)
    }

    /// The numbers that it shows.
    pub fn display(&self) -> impl Iterator<Item = f32> {
        let offset = self.memory.checked_add(self.probe.layouts[self.kind].display);
        let count = CATALOG[self.kind].room.display;
        let cells = offset.and_then(|at| self.probe.arena.records::<AtomicU32>(at, count));
        let cells = cells.unwrap_or_default().iter();
        cells.map(|cell| finite(f32::from_bits(cell.load(Ordering::Relaxed))))
    }

    /// An output's last block, in short. `None` where there is no such output.
    pub fn peek(&self, output: usize) -> Option<Level> {
        let now = self.probe.now()?;
        let mut level: Option<Level> = None;
        self.quanta(output, now.frames, |signal, _| {
            let channels = signal.channels();
            let level = level.get_or_insert(Level {
                min_volts: f32::INFINITY,
                max_volts: f32::NEG_INFINITY,
                ..Level::default()
            });
            for channel in 0..channels.max(1) {
                for volts in (0..QUANTUM).map(|frame| finite(signal.at(channel, frame))) {
                    level.min_volts = level.min_volts.min(volts);
                    level.max_volts = level.max_volts.max(volts);
                }
            }
            level.channels = channels;
            level.last_volts = finite(signal.at(0, QUANTUM - 1));
        })?;
        let mut level = level?;
        level.peak_volts = level.max_volts.max(-level.min_volts);
        Some(level)
    }

    /// Copies an output's last block into a buffer, channel after channel, each
    /// as long as the block. `None` where there is no such output.
    pub fn copy(&self, output: usize, into: &mut Vec<f32>) -> Option<Copied> {
        let now = self.probe.now()?;
        // Acquire: what was written before the stamp is seen.
        let was_done = self.record.stamp.load(Ordering::Acquire) == now.block;
        into.clear();
        let mut channels = 0;
        self.quanta(output, now.frames, |signal, quantum| {
            if quantum == 0 {
                channels = signal.channels().max(1);
                into.resize(channels * now.frames, 0.0);
            }
            for channel in 0..channels {
                let at = channel * now.frames + quantum * QUANTUM;
                let volts = (0..QUANTUM).map(|frame| finite(signal.at(channel, frame)));
                into[at..at + QUANTUM].iter_mut().zip(volts).for_each(|(to, volts)| *to = volts);
            }
        })?;
        // Acquire: this keeps the look behind the reads. Nobody writes there
        // before the next block is on the clock.
        fence(Ordering::Acquire);
        let is_whole = was_done && self.probe.now().is_some_and(|then| then.block == now.block);
        Some(Copied { channels, now, is_whole })
    }

    /// Reads an output quantum by quantum.
    fn quanta(
        &self,
        output: usize,
        frames: usize,
        mut each: impl FnMut(&Signal, usize),
    ) -> Option<()> {
        let outputs = CATALOG[self.kind].room.outputs.len();
        let first = self.memory.checked_add(self.probe.layouts[self.kind].outputs)?;
        let mut signal = SILENCE;
        for quantum in 0..(frames / QUANTUM).min(MAX_BLOCK_FRAMES / QUANTUM) {
            let index = (output < outputs).then_some(quantum * outputs + output)?;
            let at = first.checked_add(index * size_of::<Signal>())?;
            signal.copy_from(self.probe.arena.records(at, SIGNAL_WORDS)?);
            each(&signal, quantum);
        }
        Some(())
    }
}

/// What is no number is 0.
fn finite(volts: f32) -> f32 {
    if volts.is_finite() { volts } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let seen = |id: &str, memory| Seen {
            id: id.parse().unwrap(),
            kind: "vco".into(),
            memory,
            slot: 2,
        };
        View {
            control: "/a".into(),
            arena: "/b".into(),
            sample_rate_hz: 48_000.0,
            block_frames: 256,
            modules: vec![seen("lead", 1 << 21), seen("bass", 1 << 22)],
        }
    }

    #[test]
    fn memory_that_is_not_there_or_not_a_hosts_is_refused_with_a_sentence() {
        let refused = |view: &View| Probe::open(view).err().unwrap().to_string();
        assert!(refused(&view()).contains("cannot be opened"));
        let [control, arena] = [(); 2].map(|()| Region::create(1 << 21).unwrap());
        let names = (control.name().to_owned(), arena.name().to_owned());
        let view = View { control: names.0, arena: names.1, ..view() };
        assert!(refused(&view).contains("not Sostenuto's"));
    }
}
