//! Crashes, kept for those who can repair the module: a file for each, from
//! which `sostenuto replay` has the module die once more.
//!
//! In the order of a death: [`capture`] before anything is decided and anybody
//! else has the slot, [`finish`] after, and [`Crash::write`] on a thread that
//! nobody waits for. Not for a worker that was killed from outside.

#![allow(unsafe_code, reason = "what a dead worker left lies in shared memory")]

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sostenuto_patch::disk;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use dsp_worker::evidence::{Evidence, Garbled, Witness};
use dsp_worker::last_words;
use dsp_worker::protocol::Plan;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shm_ring::last_words::Said;
use shm_ring::layout::{BlockStart, SlotRecord, arena};
use shm_ring::sync::Ordering;
use sostenuto_modules::catalog::fingerprint;

use crate::folders::state_folder;
use crate::shared::Shared;

/// The version of the files that this program writes, and the newest it reads.
const VERSION: u64 = 3;

/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// How many files are kept: the newest.
const KEPT: usize = 20;

const ENDING: &str = "crash";

/// Where crashes of this user are kept. `None` where the system has no place.
pub fn folder() -> Option<PathBuf> {
    Some(state_folder()?.join("crashes"))
}

/// Keeps what the worker in a seat worked on when it died. `None` where it was
/// in no job. Takes microseconds.
///
/// # Safety
/// The worker is dead and had a slot, which has not been given to another yet;
/// and no plan is written meanwhile to the place of the one that plays.
pub unsafe fn capture(shared: &Shared, seat: usize) -> Option<Evidence> {
    let record = shared.worker_record(seat);
    let [job, module] = [&record.job, &record.module].map(|word| word.load(Ordering::Relaxed));
    let now: BlockStart = shared.clock().read()?;
    // SAFETY: the caller's promise: the block is not over, so its plan stands
    // still.
    let plan = unsafe { Plan::read(&shared.control, now.plan as usize) }?;
    let slot = plan.jobs.get(job as usize)?.slot as usize;
    let done = &shared.arena.record::<SlotRecord>(arena::slot_record(slot))?.done;
    let start = now.following(done.load(Ordering::Relaxed))?;
    Evidence::capture((&shared.control, &shared.arena), &plan, &start, job, module)
}

/// Keeps the rest, when the slot has been given to another. The sooner the
/// better: within a block it is certainly there.
pub fn finish(shared: &Shared, evidence: &mut Evidence) {
    evidence.finish(&shared.arena, || shared.clock().read());
}

/// A worker's death, and all that is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Crash {
    /// The module's name in the patch, where known.
    pub id: Option<String>,
    /// How the process ended, in the system's words.
    pub ending: String,
    /// What it said.
    pub said: Option<Said>,
    /// What it worked on.
    pub evidence: Evidence,
}

/// Why a file is not replayed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "every variant says its sentence")]
pub enum ReadError {
    #[error("The file cannot be opened ({0})")]
    Open(#[from] io::Error),
    #[error(
        "Not a Sostenuto crash file: it does not begin with {{\"sostenuto-crash\": {VERSION}, …}}."
    )]
    NoCrash,
    #[error("This crash was saved by a newer version of Sostenuto ({0}).")]
    Newer(String),
    #[error(
        "This crash is from another build of Sostenuto ({0}) with other modules. Replay it there."
    )]
    OtherBuild(String),
    #[error("This crash cannot be replayed: {0}.")]
    Garbled(#[from] Garbled),
}

/// What the file says first, whatever its version.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "sostenuto-crash")]
    version: u64,
    program: String,
}

/// A crash as it is written. All but the catalogue and the evidence is for
/// people.
#[derive(Serialize, Deserialize)]
struct CrashFile {
    #[serde(rename = "sostenuto-crash")]
    version: u64,
    program: String,
    system: String,
    date: String,
    module: Module,
    ending: String,
    last_words: Option<String>,
    block: u32,
    frame: u64,
    frames: u32,
    sample_rate_hz: f32,
    tapes_are_whole: bool,
    beside_it: Vec<Module>,
    catalogue: String,
    evidence: String,
}

#[derive(Serialize, Deserialize)]
struct Module {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_bypassed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_only_read: bool,
    params: Map<String, Value>,
}

impl Module {
    fn of(witness: &Witness) -> Module {
        let params = witness.entry.about.params.iter().zip(witness.params);
        Module {
            kind: witness.entry.about.name.to_owned(),
            id: None,
            is_bypassed: witness.is_bypassed,
            is_only_read: !witness.is_in_job,
            params: params.map(|(param, &at)| (param.name.into(), param.show(at).into())).collect(),
        }
    }
}

impl Crash {
    /// Writes a file for it in a folder that is made where it is not there, and
    /// removes the oldest where there are too many. Not real-time.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let date = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let module = self.evidence.witnesses()[self.evidence.culprit()].entry.about.name;
        let path = folder.join(format!("{}-{module}.{ENDING}", date.replace(':', "-")));
        let mut file = tempfile::Builder::new().prefix(".sostenuto-").tempfile_in(folder)?;
        serde_json::to_writer_pretty(&mut file, &self.file(date))?;
        writeln!(file)?;
        file.persist(&path).map_err(|error| error.error)?;
        keep_the_newest(folder)?;
        Ok(path)
    }

    fn file(&self, date: String) -> CrashFile {
        let (start, witnesses) = (self.evidence.start(), self.evidence.witnesses());
        let mut beside_it: Vec<Module> = witnesses.iter().map(Module::of).collect();
        let module = beside_it.remove(self.evidence.culprit());
        CrashFile {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            system: format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH),
            date,
            module: Module { id: self.id.clone(), ..module },
            ending: self.ending.clone(),
            last_words: self.said.as_ref().map(last_words::describe),
            block: start.block,
            frame: start.frame,
            frames: start.frames,
            sample_rate_hz: start.sample_rate_hz,
            tapes_are_whole: self.evidence.is_whole(),
            beside_it,
            catalogue: catalogue(),
            evidence: BASE64.encode(self.evidence.to_bytes()),
        }
    }
}

/// A crash that was read.
pub struct SavedCrash {
    file: CrashFile,
    /// What can be replayed.
    pub evidence: Evidence,
}

impl SavedCrash {
    /// Reads a file that [`Crash::write`] wrote.
    ///
    /// # Errors
    /// A sentence, where it is none, or none of this build.
    pub fn load(path: &Path) -> Result<SavedCrash, ReadError> {
        let mut bytes = Vec::new();
        if !fs::metadata(path)?.is_file() {
            return Err(ReadError::NoCrash);
        }
        disk::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
        SavedCrash::read(&bytes)
    }

    fn read(bytes: &[u8]) -> Result<SavedCrash, ReadError> {
        let head: Head = serde_json::from_slice(bytes).map_err(|_| ReadError::NoCrash)?;
        if head.version > VERSION {
            return Err(ReadError::Newer(head.program));
        }
        if head.version < VERSION {
            return Err(ReadError::OtherBuild(head.program));
        }
        let file: CrashFile = serde_json::from_slice(bytes).map_err(|_| Garbled)?;
        if file.catalogue != catalogue() {
            return Err(ReadError::OtherBuild(file.program));
        }
        let evidence = BASE64.decode(&file.evidence).map_err(|_| Garbled)?;
        Ok(SavedCrash { evidence: Evidence::from_bytes(&evidence)?, file })
    }

    /// All that a person wants to know of it, in lines.
    pub fn facts(&self) -> String {
        let file = &self.file;
        let mut lines = vec![
            format!("{} crashed on {}.", full_name(&file.module), file.date),
            format!("Sostenuto {} on {}.", file.program, file.system),
            format!("The worker ended with {}.", file.ending),
        ];
        lines.extend(file.last_words.clone());
        lines.push(format!(
            "In block {} of {} frames, at frame {}, at {} Hz.",
            file.block, file.frames, file.frame, file.sample_rate_hz
        ));
        for (name, value) in &file.module.params {
            lines.push(format!("  {name}: {}", value.as_str().unwrap_or("?")));
        }
        for module in &file.beside_it {
            let how = if module.is_only_read { "It read from" } else { "In a loop with it was" };
            lines.push(format!("{how} {}.", full_name(module)));
        }
        if !file.tapes_are_whole {
            lines.push("Its tapes had moved on: it may not crash again.".to_owned());
        }
        lines.join("\n")
    }
}

fn full_name(module: &Module) -> String {
    match &module.id {
        Some(id) => format!("{id} ({})", module.kind),
        None => module.kind.clone(),
    }
}

fn catalogue() -> String {
    format!("{:016x}", fingerprint())
}

fn keep_the_newest(folder: &Path) -> io::Result<()> {
    let entries = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let is_crash = |path: &PathBuf| path.extension().is_some_and(|ending| ending == ENDING);
    let mut paths: Vec<PathBuf> = entries.filter(is_crash).collect();
    // Their names begin with the date.
    paths.sort();
    let too_many = paths.len().saturating_sub(KEPT);
    paths[..too_many].iter().try_for_each(fs::remove_file)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dsp_worker::protocol::PLANS;
    use proptest::prelude::*;
    use shm_ring::last_words::Fault;

    use super::*;
    use crate::conductor::Conductor;
    use crate::engine::{Engine, Executor};
    use sostenuto_patch::file;

    const PATCH: &str = r#"{"sostenuto": 1, "title": "", "description": "", "modules": [
        {"id": "lfo", "kind": "lfo", "x": 0, "y": 0, "params": {"rate": 3.0}},
        {"id": "echo", "kind": "delay", "x": 0, "y": 0, "params": {"mix": 0.25}}
    ], "cables": ["lfo.sine -> echo.left"]}"#;

    /// A crash of the second module, in the first block.
    fn crash() -> Crash {
        let shared = Arc::new(Shared::create().unwrap());
        let (mut engine, commands, status) =
            Engine::new(Arc::clone(&shared), Executor::InProcess, 8000, 32);
        let mut conductor =
            Conductor::new(Arc::clone(&shared), None, 1, 8000, 32, (commands, status));
        conductor.lead(&file::read(PATCH.as_bytes()).unwrap()).unwrap();
        engine.block(&mut [[0.0; 2]; 32]);
        let start: BlockStart =
            BlockStart { block: 2, frame: 32, ..shared.clock().read().unwrap() };
        // SAFETY: the engine, which alone computes, does nothing any more.
        let plan = |place| unsafe { Plan::read(&shared.control, place) };
        let plan = (0..PLANS).filter_map(plan).find(|plan| plan.generation == 1).unwrap();
        let (regions, culprit) = ((&*shared.control, &*shared.arena), plan.job_modules[1]);
        let mut evidence = Evidence::capture(regions, &plan, &start, 1, culprit).unwrap();
        finish(&shared, &mut evidence);
        let fault = Fault { signal: 11, code: 1, address: 16, instruction: 1 << 20 };
        let said = Said { fault: Some(fault), program: 1 << 19, text: String::new() };
        let ending = "signal: 11".to_owned();
        Crash { id: Some("echo".to_owned()), ending, said: Some(said), evidence }
    }

    fn text() -> String {
        serde_json::to_string_pretty(&crash().file("today".to_owned())).unwrap()
    }

    #[test]
    fn a_crash_is_read_as_it_was_written() {
        let crash = crash();
        let place = tempfile::tempdir().unwrap();
        let path = crash.write(place.path()).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.ends_with("-delay.crash"), "{name}");
        let kept = SavedCrash::load(&path).unwrap();
        assert_eq!(kept.evidence.to_bytes(), crash.evidence.to_bytes());
        let facts = kept.facts();
        for fact in ["echo (delay) crashed", "mix: 0.25", "It read from lfo", "signal: 11", "0x10"]
        {
            assert!(facts.contains(fact), "{fact}: {facts}");
        }
    }

    #[test]
    fn whatever_is_in_a_file_the_answer_is_a_sentence() {
        let text = text();
        let answer = |bytes: &[u8]| match SavedCrash::read(bytes) {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        assert_eq!(answer(text.as_bytes()), None);
        let is_sentence = |answer: &str| {
            (answer.starts_with("This") || answer.starts_with("Not")) && answer.ends_with('.')
        };
        proptest!(ProptestConfig::with_cases(64), |(
            at in 0..text.len(), byte in any::<u8>(), noise in prop::collection::vec(any::<u8>(), 0..99)
        )| {
            prop_assert!(is_sentence(&answer(&text.as_bytes()[..at]).unwrap()));
            prop_assert!(is_sentence(&answer(&noise).unwrap()));
            let mut changed = text.clone().into_bytes();
            changed[at] = byte;
            if let Some(answer) = answer(&changed) {
                prop_assert!(is_sentence(&answer), "{}", answer);
            }
        });
    }
}
