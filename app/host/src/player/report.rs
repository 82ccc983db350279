//! How the sound is doing: numbers and words for editors.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering::Relaxed;

use shm_ring::layout::ModuleRecord;
use shm_ring::sync::{AtomicU32, Ordering};
use sostenuto_modules::catalog::CATALOG;
use sostenuto_osc::message::status::{FaultState, ModuleFault, Status, WorkerState, WorkerStatus};
use sostenuto_osc::message::view::{Seen, View};
use sostenuto_patch::ModuleId;

use super::{Inner, Player, lock};
use crate::control::sound::ReportSound;
use crate::notice::{self, Notice};
use crate::plan::Key;
use crate::pool::Trouble;
use crate::pool::ladder::Case;
use crate::pool::supervisor::Seat;
use crate::sound_card::device::{OutputState, SILENT_CLOCK};

/// Modules that are named where a patch is too much.
const HEAVIEST: usize = 3;

impl Inner {
    /// What there is to tell of modules in trouble.
    pub(super) fn failures(&self, troubles: Vec<Trouble>) -> Vec<Notice> {
        let keys: HashMap<u32, Key> = {
            let score = lock(&self.score);
            score.conductor.numbers().map(|(key, number)| (number, key.clone())).collect()
        };
        notice::failures(troubles, &keys, self.settings.crashes.as_deref())
    }

    /// Every module that has given trouble.
    fn faults(&self) -> Vec<ModuleFault> {
        let cases: BTreeMap<u32, Case> = self.pool.cases().into_iter().collect();
        let score = lock(&self.score);
        let Some(plan) = score.conductor.plan() else { return Vec::new() };
        let faults = plan.modules.iter().filter_map(|(key, &index)| {
            let module = &plan.tables.modules[index];
            let record: &ModuleRecord = self.shared.arena.record(module.memory as usize)?;
            let not_finite = record.not_finite.load(Ordering::Relaxed);
            let case = cases.get(&module.number).filter(|case| case.has_trouble());
            (not_finite > 0 || case.is_some()).then(|| ModuleFault {
                module: key.0.to_string(),
                state: case.map_or(FaultState::Runs, |case| case.rung.into()),
                crashes: case.map_or(0, |case| case.crashes),
                not_finite,
            })
        });
        faults.collect()
    }
}

impl ReportSound for Player {
    fn status(&self) -> Status {
        let inner = &self.inner;
        let rate = inner.pace.sample_rate_hz() as f32;
        let frames = inner.pace.block_frames();
        let block_secs = frames as f32 / rate;
        let (load, xruns) = self.load();
        let device = match &lock(&inner.device).0 {
            OutputState::Playing(card) => card.clone(),
            OutputState::Silent(_) => SILENT_CLOCK.to_owned(),
        };
        let jobs = lock(&inner.score).conductor.plan().map(|plan| plan.tables.slots.clone());
        let jobs = jobs.unwrap_or_default();
        let restarts = inner.pool.restarts();
        let worker = |(pid, seat): (u32, Seat)| {
            let slot = if let Seat::Holds(slot) = seat { Some(slot) } else { None };
            let busy = slot.map_or(0, |slot| {
                inner.shared.slot_record(slot).busy_nanos.load(Ordering::Relaxed)
            });
            WorkerStatus {
                slot: slot.map_or(u32::MAX, |slot| slot as u32),
                pid,
                state: match seat {
                    Seat::Holds(_) => WorkerState::Working,
                    Seat::Spare => WorkerState::Spare,
                    Seat::Away | Seat::Leaving => WorkerState::Away,
                    Seat::Warming | Seat::Empty => WorkerState::WarmingUp,
                },
                jobs: slot.and_then(|slot| jobs.get(slot)).map_or(0, |jobs| jobs.count),
                load: busy as f32 * 1e-9 / block_secs,
                restarts: slot.and_then(|slot| restarts.get(slot)).copied().unwrap_or(0),
            }
        };
        Status {
            sample_rate_hz: rate,
            block_frames: frames,
            device,
            load,
            latency_secs: inner.latency_secs(),
            xruns,
            blocks: inner.status.blocks.load(Relaxed),
            workers: inner.pool.workers().into_iter().map(worker).collect(),
            faults: inner.faults(),
        }
    }

    fn meters(&self) -> Vec<(ModuleId, Vec<f32>)> {
        let score = lock(&self.inner.score);
        let Some(plan) = score.conductor.plan() else { return Vec::new() };
        let shown = plan.modules.iter().filter_map(|(key, &index)| {
            let module = &plan.tables.modules[index];
            let count = CATALOG[module.kind as usize].about.display;
            let offset = module.memory as usize + self.inner.layouts[module.kind as usize].display;
            let cells: &[AtomicU32] = self.inner.shared.arena.records(offset, count)?;
            let numbers = cells.iter().map(|cell| f32::from_bits(cell.load(Ordering::Relaxed)));
            (count > 0).then(|| (key.0.clone(), numbers.collect()))
        });
        shown.collect()
    }

    fn load(&self) -> (f32, u64) {
        let (status, block) = (&self.inner.status, self.inner.pace.block());
        let load = status.block_nanos.load(Relaxed) as f32 * 1e-9 / block.as_secs_f32();
        (load, status.xruns.load(Relaxed))
    }

    fn heaviest(&self) -> Vec<(ModuleId, f32)> {
        let block_nanos = self.inner.pace.block().as_nanos() as f32;
        let score = lock(&self.inner.score);
        let Some(plan) = score.conductor.plan() else { return Vec::new() };
        let loads = plan.modules.iter().filter_map(|(key, &index)| {
            let memory = plan.tables.modules[index].memory as usize;
            let record: &ModuleRecord = self.inner.shared.arena.record(memory)?;
            let nanos = record.busy_nanos.load(Ordering::Relaxed);
            Some((key.0.clone(), nanos as f32 / block_nanos))
        });
        let mut loads: Vec<(ModuleId, f32)> = loads.collect();
        loads.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        loads.truncate(HEAVIEST);
        loads
    }

    fn view_number(&self) -> u32 {
        lock(&self.inner.score).conductor.plan().map_or(0, |plan| plan.tables.generation)
    }

    fn view(&self) -> Option<View> {
        let (inner, score) = (&self.inner, lock(&self.inner.score));
        let plan = score.conductor.plan()?;
        let seen = |(key, &index): (&Key, &usize)| {
            let module = &plan.tables.modules[index];
            let (id, kind) = key.clone();
            Seen { id, kind, memory: module.memory, slot: module.slot }
        };
        Some(View {
            control: inner.shared.control.name().to_owned(),
            arena: inner.shared.arena.name().to_owned(),
            sample_rate_hz: inner.pace.sample_rate_hz() as f32,
            block_frames: inner.pace.block_frames(),
            modules: plan.modules.iter().map(seen).collect(),
        })
    }
}
