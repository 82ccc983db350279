//! The clips of a patch: made of its modules' texts, and kept in the arena as
//! long as a plan names them.

use std::collections::{BTreeMap, BTreeSet};

use shm_ring::region::{Access, Region};
use sostenuto_modules::clip::{ClipSpan, Text};
use sostenuto_patch::{Patch, PatchModule};

use crate::plan::memory::{ModuleMemory, NoMemory};
use crate::plan::{Key, Plan, keys};

mod code;
mod make;
mod sound_facts;
mod sound_file;
mod tuning_file;

pub use make::{ClipError, Made, Source, check, make};

/// What the texts of a patch stand for, where they lie, and what is missing.
#[derive(Default)]
pub struct Clips {
    taken: BTreeMap<Source, ClipSpan>,
    /// What cannot be had. It is tried again once no module names it any more.
    bad: BTreeSet<Source>,
    /// Sounds and tunings that somebody else is to read.
    unread: BTreeSet<Source>,
    /// Whether somebody else reads files.
    is_read_by_others: bool,
    complaints: Vec<Complaint>,
}

/// What is to be told of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// A sound that a module names cannot be played.
    Sound(String),
    /// Another text cannot be used.
    Text(String),
    /// It is played, but not all of it.
    Part(String),
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Complaint::Sound(sentence) | Complaint::Text(sentence) | Complaint::Part(sentence)) =
            self;
        f.write_str(sentence)
    }
}

/// A clip that lies in the arena, and what is to be told of it; or why there is none.
pub type Put = Result<(ClipSpan, Vec<String>), String>;

impl Clips {
    /// From now on somebody else reads what takes long: see
    /// [`Clips::take_unread`].
    pub fn read_by_others(&mut self) {
        self.is_read_by_others = true;
    }

    /// What is to be read and given to [`Clips::keep`]. Until then a module has
    /// the clip that it had.
    pub fn take_unread(&mut self) -> BTreeSet<Source> {
        std::mem::take(&mut self.unread)
    }

    /// What is to be told of texts that could not be read, or only in part.
    pub fn take_complaints(&mut self) -> Vec<Complaint> {
        std::mem::take(&mut self.complaints)
    }

    /// Makes every clip of a patch that is not there, or says that it is to be
    /// read.
    pub fn prepare(&mut self, arena: &Region, memory: &mut ModuleMemory, patch: &Patch) {
        let sources: BTreeSet<Source> = patch.modules.values().filter_map(source).collect();
        for source in sources {
            if self.taken.contains_key(&source) || self.bad.contains(&source) {
                continue;
            }
            if self.is_read_by_others && source.0.takes_long(&source.1) {
                self.unread.insert(source);
                continue;
            }
            let made = make(&source);
            let put = made.map_err(|error| error.to_string()).and_then(|made| {
                let span = reserve(memory, arena, &made).map_err(too_large)?;
                write(arena, &span, &made).map_err(too_large)?;
                Ok((span, made.notices(&source.1)))
            });
            self.keep(source, put);
        }
    }

    /// Keeps a clip that lies there now; or why there is none.
    pub fn keep(&mut self, source: Source, put: Put) {
        match put {
            Ok((span, notices)) => {
                self.complaints.extend(notices.into_iter().map(Complaint::Part));
                self.taken.insert(source, span);
            }
            Err(sentence) => {
                let is_sound = source.0.is_sound();
                let complaint = if is_sound { Complaint::Sound } else { Complaint::Text };
                self.complaints.push(complaint(sentence));
                self.bad.insert(source);
            }
        }
    }

    /// The clip of each module of a plan: its text's, or, where that is not
    /// there, the one that it has in the plan that plays.
    pub fn spans(&self, now: Option<&Plan>, next: &Patch) -> BTreeMap<Key, ClipSpan> {
        let old = |plan: &Plan, key: &Key| Some(plan.tables.modules[*plan.modules.get(key)?].clip);
        let mut spans = BTreeMap::new();
        if let Some(plan) = now {
            let all = plan.modules.keys();
            spans.extend(all.filter_map(|key| Some((key.clone(), old(plan, key)?))));
        }
        for (key, module) in keys(next) {
            match source(module).map(|source| self.taken.get(&source)) {
                None => drop(spans.remove(&key)),
                Some(Some(&span)) => drop(spans.insert(key, span)),
                Some(None) => {}
            }
        }
        spans.retain(|_, span| span.samples > 0);
        spans
    }

    /// Takes back the memory of every clip that the plan that plays does not
    /// have, and its patch does not name.
    pub fn keep_only(&mut self, memory: &mut ModuleMemory, plan: &Plan, patch: &Patch) {
        if self.taken.is_empty() && self.bad.is_empty() {
            return;
        }
        let named: BTreeSet<Source> = patch.modules.values().filter_map(source).collect();
        let played: BTreeSet<u64> =
            plan.tables.modules.iter().map(|module| module.clip.memory).collect();
        let is_needed = |source: &Source, span: &ClipSpan| {
            named.contains(source) || (span.samples > 0 && played.contains(&span.memory))
        };
        let gone = self.taken.extract_if(.., |source, span| !is_needed(source, span));
        gone.for_each(|(_, span)| memory.free_clip(&span));
        self.bad.retain(|source| named.contains(source));
    }
}

/// What a module's clip is made of. `None` where it has none.
fn source(module: &PatchModule) -> Option<Source> {
    let form = module.text_form().filter(|form| *form != Text::Words && !module.text.is_empty())?;
    Some((form, module.text.clone()))
}

/// Memory for a clip, in which nothing lies yet.
///
/// # Errors
/// Where there is none left.
pub fn reserve(
    memory: &mut ModuleMemory,
    arena: &Region,
    made: &Made,
) -> Result<ClipSpan, NoMemory> {
    let span = ClipSpan {
        samples: made.samples.len() as u32,
        channels: made.channels,
        sample_rate_hz: made.sample_rate_hz,
        loop_part: made.loop_part,
        root_cents: made.root_cents,
        ..ClipSpan::default()
    };
    if span.samples == 0 { Ok(span) } else { memory.take_clip(arena, span) }
}

/// Puts a clip into its memory, which no plan may name yet.
///
/// # Errors
/// Where the system has no memory left.
pub fn write(arena: &Region, span: &ClipSpan, made: &Made) -> Result<(), NoMemory> {
    let start = span.memory as usize;
    arena.populate(start..start + span.bytes(), Access::Write)?;
    arena.store_words(start, &made.samples).expect("it lies in the arena");
    Ok(())
}

/// As a musician reads it.
pub fn too_large(error: NoMemory) -> String {
    format!("The sound does not fit: {error}.")
}
