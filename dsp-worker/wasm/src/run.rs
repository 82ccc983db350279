//! Plays clips: a [`Loader`] makes them ready, on a thread that may take its time, and the
//! thread that computes takes them over.

#![allow(unsafe_code, reason = "machine code comes from shared memory")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use sostenuto_modules::module::{Block, Runs};
use sostenuto_modules::own::{Code, OWN_PORTS};
use wasmtime::{Engine, Module};

use crate::clip::Compiled;
use crate::machine::Machine;

/// Instances that are kept at most: those that have not played for longest go.
const MOST_MACHINES: usize = 64;

/// Made where the first module is loaded, as most patches have none.
type Shared = Arc<OnceLock<Engine>>;

/// The part of the thread that computes.
pub struct Runner {
    engine: Shared,
    /// Those that have played last stand last.
    #[expect(clippy::vec_box, reason = "they are handed from thread to thread as they lie")]
    machines: Vec<Box<Machine>>,
    ready: Receiver<Box<Machine>>,
    old: SyncSender<Box<Machine>>,
}

/// The part of a thread that need not be in time.
pub struct Loader {
    engine: Shared,
    modules: BTreeMap<u64, Module>,
    /// What the runner has, by code and module.
    given: BTreeSet<(u64, u64)>,
    ready: SyncSender<Box<Machine>>,
    old: Receiver<Box<Machine>>,
}

/// Takes for this thread what it needs once it runs modules, by calls to the system that a
/// worker may not make later.
pub fn prepare_this_thread() {
    Engine::tls_eager_initialize();
}

/// Both parts.
pub fn pair() -> (Runner, Loader) {
    let engine = Shared::default();
    let (ready, taken) = sync_channel(MOST_MACHINES);
    let (old, thrown) = sync_channel(2 * MOST_MACHINES);
    let machines = Vec::with_capacity(MOST_MACHINES + 1);
    let runner = Runner { engine: Arc::clone(&engine), machines, ready: taken, old };
    let loader =
        Loader { engine, modules: BTreeMap::new(), given: BTreeSet::new(), ready, old: thrown };
    (runner, loader)
}

/// The same for a thread that may take its time itself.
pub fn alone() -> Runner {
    pair().0
}

fn load(engine: &Shared, compiled: &Compiled) -> wasmtime::Result<Module> {
    let engine = match engine.get() {
        Some(engine) => engine,
        None => {
            let new = crate::engine::engine()?;
            engine.get_or_init(|| new)
        }
    };
    let gone = || wasmtime::Error::msg("its memory holds something else by now");
    let code = compiled.code().ok_or_else(gone)?;
    // SAFETY: this is what the host has had made by a compiler of this program's own: it
    // lay where no worker can write, and is whole.
    unsafe { Module::deserialize(engine, code) }
}

impl Loader {
    /// Makes the clip of a module ready, if it is code, and not yet. `seed` is the
    /// module's. Not real-time.
    pub fn load(&mut self, clip: &[f32], seed: u64) {
        for machine in self.old.try_iter() {
            self.given.remove(&(machine.name, machine.seed));
        }
        let Some(compiled) = Compiled::read(clip) else { return };
        let key = (compiled.name, seed);
        if self.given.contains(&key) {
            return;
        }
        // What cannot be made ready is tried again where it is to play, and is silent there.
        let Some(machine) = self.machine(&compiled, seed) else { return };
        if self.ready.try_send(machine).is_ok() {
            self.given.insert(key);
        }
    }

    /// Forgets the code of modules that are in no plan any more, by their clips.
    pub fn keep_only<'a>(&mut self, clips: impl Iterator<Item = &'a [f32]>) {
        if self.modules.is_empty() {
            return;
        }
        let names: BTreeSet<u64> =
            clips.filter_map(Compiled::read).map(|compiled| compiled.name).collect();
        self.modules.retain(|name, _| names.contains(name));
    }

    fn machine(&mut self, compiled: &Compiled, seed: u64) -> Option<Box<Machine>> {
        let module = match self.modules.get(&compiled.name) {
            Some(module) => module.clone(),
            None => {
                let module = load(&self.engine, compiled).ok()?;
                self.modules.insert(compiled.name, module.clone());
                module
            }
        };
        Machine::new(self.engine.get()?, &module, compiled, seed).ok().map(Box::new)
    }
}

impl Runner {
    /// The instance for a module's code, moved to the end. Where nobody has made it ready,
    /// it is made now: a worker may be given a slot before it has heard of the plan.
    fn machine(&mut self, compiled: &Compiled, seed: u64) -> Option<&mut Box<Machine>> {
        while let Ok(machine) = self.ready.try_recv() {
            self.keep(machine);
        }
        let mut machines = self.machines.iter();
        match machines.rposition(|there| there.name == compiled.name && there.seed == seed) {
            Some(last) if last + 1 == self.machines.len() => {}
            Some(place) => self.machines[place..].rotate_left(1),
            None => {
                let module = load(&self.engine, compiled).ok()?;
                let machine = Machine::new(self.engine.get()?, &module, compiled, seed).ok()?;
                self.keep(Box::new(machine));
            }
        }
        self.machines.last_mut()
    }

    fn keep(&mut self, machine: Box<Machine>) {
        if self.machines.len() == MOST_MACHINES {
            // Where nobody throws it away elsewhere, it is done here.
            let _ = self.old.try_send(self.machines.remove(0));
        }
        self.machines.push(machine);
    }
}

impl Runs for Runner {
    fn run(&mut self, state: &mut [u8], block: &mut Block) {
        let code: &mut Code = bytemuck::from_bytes_mut(state);
        let compiled = Compiled::read(block.clip().samples);
        let machine = compiled.as_ref().and_then(|compiled| self.machine(compiled, code.seed));
        match machine {
            Some(machine) => {
                if machine.run(code, block).is_err() {
                    break_off(block);
                }
            }
            None => silence(block),
        }
    }
}

/// 0 V on one channel of every output.
pub(crate) fn silence(block: &mut Block) {
    block.set_channels(1);
    (0..OWN_PORTS).for_each(|port| block.mute(port));
}

/// What tells the caller that the module has failed: an output that is no number.
fn break_off(block: &mut Block) {
    block.set_channels(1);
    (1..OWN_PORTS).for_each(|port| block.mute(port));
    for frame in block.frames() {
        block.output(0).put::<f32>(0, frame, f32::NAN);
    }
}
