//! Patch → plan: which modules form loops, in which order jobs run, and in
//! which slot. Pure: the same patch gives the same plan.

pub mod clips;
pub(crate) mod memory;
pub mod snapshot;
pub mod stages;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dsp_worker::protocol::{APPEARING, LEAVING, PlanCable, PlanModule, STEADY, Tables};
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use sostenuto_dsp::fnv::fnv1a;
use sostenuto_dsp::tape::TapeSpan;
use sostenuto_modules::catalog::{self, Entry};
use sostenuto_modules::clip::ClipSpan;
use sostenuto_modules::module::{About, Role};
use sostenuto_patch::loops::Paths;
use sostenuto_patch::{Cable, InputRef, ModuleId, Name, OutputRef, Patch, PatchModule};

/// A module as far as its memory goes: the same name with another kind is
/// another module.
pub type Key = (ModuleId, Name);

/// What a plan is made from.
pub struct PlanRequest<'a> {
    /// What plays until now; its cables and modules that are not in `next`
    /// fade out. `None`: nothing plays.
    pub now: Option<&'a Patch>,
    /// What is to play.
    pub next: &'a Patch,
    /// Whether these are two patches that have nothing to do with each other: then
    /// each sounds by itself, and only what is heard of it fades.
    pub is_crossing: bool,
    /// Counts plans.
    pub generation: u32,
    /// How many slots to share the jobs over.
    pub slots: usize,
    /// Over so many of them as stages instead: no slot reads from one after it, and
    /// blocks can be in flight.
    pub stages: Option<usize>,
    /// Whether outputs without a cable need not be computed: no cable is to come, and
    /// nobody looks at them.
    pub skips_unheard: bool,
    /// Where each module's memory lies.
    pub memory: &'a BTreeMap<Key, Memory>,
    /// What the text of each module stands for, where it has one.
    pub clips: &'a BTreeMap<Key, ClipSpan>,
    /// What a module's block has cost until now, in nanoseconds, where known.
    pub costs: &'a HashMap<Key, u32>,
}

/// Where a module's memory lies in the arena.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// In bytes from the arena's start.
    pub offset: u64,
    /// Which [`ModuleControl`](shm_ring::layout::ModuleControl) is about it.
    pub number: u32,
    /// Its tapes, laid out.
    pub tapes: Vec<TapeSpan>,
}

/// A plan, and what the host needs to know of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// As workers read it.
    pub tables: Tables,
    /// The index of each module in it, but of those that are leaving as their whole
    /// patch does.
    pub modules: BTreeMap<Key, usize>,
    /// The modules that are heard, and whether they appear, leave or stay.
    pub outs: Vec<(usize, u32)>,
    /// How many Recorders there are.
    pub recorders: usize,
    /// Whether something fades: then a plan without it is to follow.
    pub is_passing: bool,
    /// Whether it crosses from one patch to another.
    pub is_crossing: bool,
    /// Whether its slots are stages.
    pub is_staged: bool,
}

impl Plan {
    /// The index of a param in the plan's params.
    pub fn param(&self, key: &Key, param: usize) -> Option<usize> {
        let module = &self.tables.modules[*self.modules.get(key)?];
        Some(module.first_param as usize + param)
    }

    /// The slots that have work, as a mask.
    pub fn busy(&self) -> u32 {
        let slots = self.tables.slots.iter().enumerate();
        slots.filter(|(_, jobs)| jobs.count > 0).fold(0, |mask, (slot, _)| mask | 1 << slot)
    }
}

/// What a module's block costs where nobody has measured it, in nanoseconds.
const UNKNOWN_COST_NANOS: u32 = 20_000;

/// What it costs to wait for a stamp from another slot, in nanoseconds: a wake
/// across processes.
const WAKE_NANOS: u64 = 10_000;

/// A module of the old patch, the new one, or both.
struct Member<'a> {
    key: Key,
    module: &'a PatchModule,
    entry: &'static Entry,
    kind: usize,
    fade: u32,
}

/// Makes the plan.
///
/// # Panics
/// Where a module has no memory, or the patch does not pass its own check.
pub fn plan(request: &PlanRequest) -> Plan {
    let members = members(request);
    let index: BTreeMap<Key, usize> =
        members.iter().enumerate().map(|(index, member)| (member.key.clone(), index)).collect();
    let cables = cables(request, &members, &index);
    let jobs = jobs(&members, &cables);
    let job_of = job_of(&jobs, members.len());
    let place_of = place_of(&jobs, members.len());
    let costs = costs(request, &members, &jobs);
    let slot_of_job = match request.stages {
        Some(stages) => stages::stages(&costs, stages.min(request.slots)),
        None => share_out(request.slots, &costs, &cables, &job_of),
    };

    let mut tables = Tables { generation: request.generation, ..Tables::default() };
    for (job, modules) in jobs.iter().enumerate() {
        let is_loop = is_loop(modules, &cables);
        let slot = slot_of_job[job] as u32;
        tables.push_job(slot, is_loop, modules.iter().map(|&module| module as u32));
    }
    for slot in 0..request.slots {
        let first = tables.slot_jobs.len();
        let own = (0..jobs.len()).filter(|&job| slot_of_job[job] == slot);
        tables.slot_jobs.extend(own.map(|job| job as u32));
        tables.slots.push((first..tables.slot_jobs.len()).into());
    }
    for (index, member) in members.iter().enumerate() {
        let slot = slot_of_job[job_of[index]];
        let listeners = cables
            .iter()
            .filter(|cable| cable.from == index)
            .map(|cable| slot_of_job[job_of[cable.to]])
            .filter(|&listener| listener != slot)
            .fold(0u64, |mask, listener| mask | 1 << listener);
        let plan_cable = |cable: &Link| PlanCable {
            module: cable.from as u32,
            output: cable.output as u32,
            // A loop without a delayed cable is none that a patch may have.
            is_delayed: (cable.is_delayed || place_of[cable.from] >= place_of[cable.to]) as u32,
            fade: cable.fade,
        };
        let cables = &cables;
        let inputs = (0..member.entry.room.inputs.len()).map(|port| {
            let own = cables.iter().filter(move |cable| cable.to == index && cable.input == port);
            own.map(plan_cable)
        });
        let memory = &request.memory[&member.key];
        let module = PlanModule {
            memory: memory.offset,
            listeners,
            seed: seed(&member.key),
            kind: member.kind as u32,
            is_bypassed: member.module.is_bypassed as u32,
            slot: slot as u32,
            number: memory.number,
            clip: request.clips.get(&member.key).copied().unwrap_or_default(),
            ..PlanModule::default()
        };
        tables.push_module(module, &memory.tapes, &params(member.module, member.entry), inputs);
    }
    if request.skips_unheard {
        tables.note_unheard();
        for (member, module) in members.iter().zip(&mut tables.modules) {
            // The host reads these itself.
            if matches!(member.entry.about.role, Some(Role::AudioOut | Role::Recorder)) {
                module.unheard = 0;
            }
        }
    }
    let is_out = |member: &Member| member.entry.about.role == Some(Role::AudioOut);
    let is_recorder = |member: &&Member| member.entry.about.role == Some(Role::Recorder);
    let outs = members.iter().enumerate().filter(|(_, member)| is_out(member));
    Plan {
        outs: outs.map(|(index, member)| (index, member.fade)).collect(),
        recorders: members.iter().filter(is_recorder).count(),
        is_passing: members.iter().any(|member| member.fade != STEADY)
            || cables.iter().any(|cable| cable.fade != STEADY),
        is_crossing: request.is_crossing,
        is_staged: request.stages.is_some(),
        modules: index.into_iter().filter(|(key, _)| !key.0.is_leaving()).collect(),
        tables,
    }
}

/// Where every param of a module stands.
pub fn params(module: &PatchModule, entry: &Entry) -> Vec<f32> {
    // A module of one's own has as many as its text says, where the catalogue has room for
    // the most.
    let about = module.about().unwrap_or(entry.about);
    let own = about.params.iter().map(|param| module.param(param.name).unwrap_or(param.default));
    let room = entry.room.params.iter().map(|param| param.default);
    own.chain(room.skip(about.params.len())).collect()
}

/// Different for each module of a patch, and the same whenever it is opened.
pub fn seed(key: &Key) -> u64 {
    fnv1a(key.0.own_name().bytes())
}

fn key(id: &ModuleId, module: &PatchModule) -> Key {
    (id.clone(), module.kind.clone())
}

/// The keys of all modules of a patch that are computed: all but placeholders.
pub fn keys(patch: &Patch) -> impl Iterator<Item = (Key, &PatchModule)> {
    let known = patch.modules.iter().filter(|(_, module)| !module.is_placeholder);
    known.map(|(id, module)| (key(id, module), module))
}

fn members<'a>(request: &PlanRequest<'a>) -> Vec<Member<'a>> {
    let now = request.now.map(|patch| keys(patch).collect()).unwrap_or_default();
    let now: BTreeMap<Key, &PatchModule> = now;
    let next: BTreeMap<Key, &PatchModule> = keys(request.next).collect();
    let leaving = now.iter().filter(|(key, _)| !next.contains_key(key));
    let all = next.iter().chain(leaving).map(|(key, &module)| {
        let (kind, entry) = catalog::find(&key.1).expect("the patch has been checked");
        let fade = match (now.contains_key(key) || request.now.is_none(), next.contains_key(key)) {
            (true, true) => STEADY,
            (false, _) => APPEARING,
            (_, false) => LEAVING,
        };
        Member { key: key.clone(), module, entry, kind, fade }
    });
    let mut members: Vec<Member> = all.collect();
    members.sort_by(|a, b| a.key.cmp(&b.key));
    members
}

/// A cable between two members.
struct Link {
    from: usize,
    output: usize,
    to: usize,
    input: usize,
    is_delayed: bool,
    fade: u32,
}

/// A cable by the modules' keys, so that a cable to a module replaced by another
/// kind counts as another cable. So does one that is delayed and was not.
type CableKey = (Key, Name, Key, Name, bool);

fn cable_keys(patch: &Patch) -> impl Iterator<Item = CableKey> {
    let end = |id: &ModuleId| key(id, &patch.modules[id]);
    let live = patch.cables.iter().filter(|cable| !patch.is_dead(cable));
    live.map(move |cable| {
        let Cable { from, to } = cable;
        let ends = (end(&from.module), from.port.clone(), end(&to.module), to.port.clone());
        (ends.0, ends.1, ends.2, ends.3, patch.is_delayed(cable))
    })
}

fn cables(request: &PlanRequest, members: &[Member], index: &BTreeMap<Key, usize>) -> Vec<Link> {
    let all = |patch: &Patch| -> BTreeSet<CableKey> { cable_keys(patch).collect() };
    let next = all(request.next);
    let now = request.now.map_or_else(|| next.clone(), all);
    // A module of one's own has the ports that its text says, or said.
    let own = |key: &Key, has: &dyn Fn(&About) -> Option<usize>| {
        let patches = [Some(request.next), request.now].into_iter().flatten();
        let modules = patches.filter_map(|patch| patch.modules.get(&key.0));
        let mut modules = modules.filter(|module| module.kind == key.1);
        modules.find_map(|module| has(module.about().ok()?))
    };
    let links = now.union(&next).filter_map(|cable| {
        let (from, to) = (index[&cable.0], index[&cable.2]);
        let fade = match (now.contains(cable), next.contains(cable)) {
            (true, true) => STEADY,
            (false, _) => APPEARING,
            (_, false) => LEAVING,
        };
        // Within one of two patches that cross, nothing fades.
        let [source, target] = [from, to].map(|end| members[end].fade);
        let is_within = request.is_crossing && source == fade && target == fade;
        let fade = if is_within { STEADY } else { fade };
        let output = members[from].entry.about.output(&cable.1);
        let input = members[to].entry.about.input(&cable.3);
        Some(Link {
            from,
            output: output.or_else(|| own(&cable.0, &|about| about.output(&cable.1)))?,
            to,
            input: input.or_else(|| own(&cable.2, &|about| about.input(&cable.3)))?,
            is_delayed: cable.4,
            fade,
        })
    });
    links.collect()
}

/// The marks that `next` plays with until the plan after it: its own, and what
/// else must be delayed while it fades in over `now`, because cables of both
/// together would make a loop that is in neither.
pub fn marks_on_the_way(now: &Patch, next: &Patch) -> BTreeSet<Cable> {
    let prompt = |patch| cable_keys(patch).filter(|cable| !cable.4);
    let (now, all): (BTreeSet<_>, BTreeSet<_>) = (prompt(now).collect(), prompt(next).collect());
    let mut paths = Paths::of(now.iter().map(|cable| (&cable.0, &cable.2)));
    let mut marks = next.delayed.clone();
    for cable in all.difference(&now) {
        if paths.are_closed_by(&cable.0, &cable.2) {
            let from = OutputRef { module: cable.0.0.clone(), port: cable.1.clone() };
            let to = InputRef { module: cable.2.0.clone(), port: cable.3.clone() };
            marks.insert(Cable { from, to });
        } else {
            paths.add(&cable.0, &cable.2);
        }
    }
    marks
}

/// Strongly connected modules, each after those it reads from. Within one they
/// are ordered by the cables that are not delayed.
fn jobs(members: &[Member], cables: &[Link]) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), ()>::new();
    let nodes: Vec<NodeIndex> = members.iter().map(|_| graph.add_node(())).collect();
    for cable in cables {
        graph.add_edge(nodes[cable.from], nodes[cable.to], ());
        if cable.is_delayed {
            // The sample before is known within a job alone. While a loop fades
            // out, a delayed cable may not be part of one any more.
            graph.add_edge(nodes[cable.to], nodes[cable.from], ());
        }
    }
    // Tarjan finds the last of the order first.
    let mut jobs: Vec<Vec<usize>> =
        tarjan_scc(&graph).into_iter().map(|job| job.iter().map(|n| n.index()).collect()).collect();
    jobs.reverse();
    jobs.iter_mut().for_each(|job| sort_by_cables(job, cables));
    jobs
}

/// Each module after those it reads from by cables that are not delayed. Where
/// these make a loop, which no patch has, it begins anywhere.
fn sort_by_cables(job: &mut Vec<usize>, cables: &[Link]) {
    let mut left: BTreeSet<usize> = std::mem::take(job).into_iter().collect();
    let is_within = |cable: &&Link| left.contains(&cable.from) && left.contains(&cable.to);
    let within: Vec<&Link> =
        cables.iter().filter(|cable| !cable.is_delayed).filter(is_within).collect();
    let mut sources: BTreeMap<usize, usize> = left.iter().map(|&module| (module, 0)).collect();
    let mut targets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for cable in within {
        *sources.entry(cable.to).or_default() += 1;
        targets.entry(cable.from).or_default().push(cable.to);
    }
    let mut ready: BTreeSet<usize> =
        left.iter().copied().filter(|module| sources[module] == 0).collect();
    while let Some(next) = ready.pop_first().or_else(|| left.first().copied()) {
        if !left.remove(&next) {
            continue;
        }
        job.push(next);
        for &target in targets.get(&next).into_iter().flatten() {
            let waits_for = sources.get_mut(&target).expect("a module of the job");
            *waits_for -= 1;
            if *waits_for == 0 {
                ready.insert(target);
            }
        }
    }
}

/// When each module is computed, where all are computed one after another.
fn place_of(jobs: &[Vec<usize>], modules: usize) -> Vec<usize> {
    let mut place_of = vec![0; modules];
    jobs.iter().flatten().enumerate().for_each(|(place, &module)| place_of[module] = place);
    place_of
}

fn job_of(jobs: &[Vec<usize>], modules: usize) -> Vec<usize> {
    let mut job_of = vec![0; modules];
    for (job, modules) in jobs.iter().enumerate() {
        modules.iter().for_each(|&module| job_of[module] = job);
    }
    job_of
}

fn is_loop(modules: &[usize], cables: &[Link]) -> bool {
    let is_own = |cable: &Link| cable.from == modules[0] && cable.to == modules[0];
    modules.len() > 1 || cables.iter().any(is_own)
}

/// What each job costs, in nanoseconds a block.
fn costs(request: &PlanRequest, members: &[Member], jobs: &[Vec<usize>]) -> Vec<u64> {
    let cost = |module: &usize| {
        let known = request.costs.get(&members[*module].key).copied();
        u64::from(known.unwrap_or(UNKNOWN_COST_NANOS))
    };
    jobs.iter().map(|modules| modules.iter().map(cost).sum()).collect()
}

/// Gives each job the slot in which it is done first: list scheduling by
/// earliest finish time (Topcuoglu, Hariri & Wu 2002, "HEFT"), with the wake
/// between slots as the price of distance. Where that brings little, all stay in one
/// slot: every other one is woken in every block.
fn share_out(slots: usize, costs: &[u64], cables: &[Link], job_of: &[usize]) -> Vec<usize> {
    let mut slot_of_job = vec![0; costs.len()];
    let mut done_nanos = vec![0; costs.len()];
    let mut free_nanos = vec![0; slots];
    for (job, cost) in costs.iter().enumerate() {
        let sources = cables
            .iter()
            .filter(|cable| job_of[cable.to] == job && job_of[cable.from] != job)
            .map(|cable| job_of[cable.from]);
        let sources: BTreeSet<usize> = sources.collect();
        let start = |slot: usize| {
            let ready = sources.iter().map(|&source| {
                let wake = if slot_of_job[source] == slot { 0 } else { WAKE_NANOS };
                done_nanos[source] + wake
            });
            ready.chain([free_nanos[slot]]).max().unwrap_or(0)
        };
        let slot = (0..slots).min_by_key(|&slot| start(slot)).unwrap_or(0);
        done_nanos[job] = start(slot) + cost;
        free_nanos[slot] = done_nanos[job];
        slot_of_job[job] = slot;
    }
    let (all, shared) = (costs.iter().sum::<u64>(), done_nanos.iter().copied().max().unwrap_or(0));
    if all < shared + 2 * WAKE_NANOS || all < shared + all / 8 {
        slot_of_job.fill(0);
    }
    slot_of_job
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use sostenuto_patch::{Edit, apply, file};

    /// A patch of mixers, and a cable for each pair of numbers.
    fn mixers(count: usize, cables: &[(usize, usize, usize)]) -> Patch {
        let module = |n: usize| {
            format!(r#"{{"id": "m-{n}", "kind": "mixer", "x": 0, "y": 0, "params": {{}}}}"#)
        };
        let modules: Vec<String> = (0..count).map(module).collect();
        let cable = |&(from, to, input): &(usize, usize, usize)| {
            format!("\"m-{}.out -> m-{}.in-{}\"", from % count, to % count, input % 6 + 1)
        };
        let cables: BTreeSet<String> = cables.iter().map(cable).collect();
        let cables: Vec<String> = cables.into_iter().collect();
        let text = format!(
            r#"{{"sostenuto": 2, "title": "", "description": "", "modules": [{}], "cables": [{}]}}"#,
            modules.join(","),
            cables.join(",")
        );
        file::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn planned(now: Option<&Patch>, next: &Patch, slots: usize) -> Plan {
        let both = now.into_iter().chain([next]);
        let memory = both.flat_map(keys).enumerate().map(|(index, (key, _))| {
            (key, Memory { offset: (index << 20) as u64, number: index as u32, tapes: Vec::new() })
        });
        let memory = memory.collect();
        let (costs, clips) = (HashMap::new(), BTreeMap::new());
        let memory = &memory;
        plan(&PlanRequest {
            now,
            next,
            is_crossing: false,
            generation: 1,
            slots,
            stages: None,
            skips_unheard: false,
            memory,
            clips: &clips,
            costs: &costs,
        })
    }

    /// The job of each module.
    fn job_of_modules(plan: &Plan) -> Vec<usize> {
        let mut jobs = vec![usize::MAX; plan.tables.modules.len()];
        for (index, job) in plan.tables.jobs.iter().enumerate() {
            for &module in &plan.tables.job_modules[job.modules.range()] {
                assert_eq!(jobs[module as usize], usize::MAX, "a module has one job");
                jobs[module as usize] = index;
            }
        }
        jobs
    }

    proptest! {
        #[test]
        fn every_job_comes_after_those_it_reads_from_and_its_slot_is_told(
            count in 1usize..24,
            cables in prop::collection::vec((0usize..24, 0usize..24, 0usize..6), 0..60),
            slots in 1usize..9,
        ) {
            let plan = planned(None, &mixers(count, &cables), slots);
            let tables = &plan.tables;
            let job_of = job_of_modules(&plan);
            prop_assert!(job_of.iter().all(|&job| job != usize::MAX));
            for (module, facts) in tables.modules.iter().enumerate() {
                prop_assert_eq!(facts.slot, tables.jobs[job_of[module]].slot);
                for input in &tables.inputs[facts.first_input as usize..][..6] {
                    for cable in &tables.cables[input.range()] {
                        let source = cable.module as usize;
                        prop_assert!(job_of[source] <= job_of[module]);
                        // In the order of the plan what is not delayed is there.
                        let place = |module| {
                            tables.job_modules.iter().position(|&at| at as usize == module)
                        };
                        prop_assert!(cable.is_delayed == 1 || place(source) < place(module));
                        prop_assert!(cable.is_delayed == 0 || job_of[source] == job_of[module]);
                        let from = tables.modules[source];
                        let is_told = from.listeners >> facts.slot & 1 == 1;
                        prop_assert_eq!(is_told, from.slot != facts.slot);
                    }
                }
            }
            for (slot, jobs) in tables.slots.iter().enumerate() {
                let jobs = &tables.slot_jobs[jobs.range()];
                prop_assert!(jobs.is_sorted());
                prop_assert!(jobs.iter().all(|&job| tables.jobs[job as usize].slot == slot as u32));
            }
            prop_assert_eq!(tables.slot_jobs.len(), tables.jobs.len());
        }
    }

    #[test]
    fn modules_in_a_circle_are_one_job_and_the_rest_are_jobs_of_their_own() {
        let plan =
            planned(None, &mixers(5, &[(0, 1, 0), (1, 2, 0), (2, 0, 0), (2, 3, 0), (4, 4, 0)]), 2);
        let mut sizes: Vec<(u32, u32)> =
            plan.tables.jobs.iter().map(|job| (job.modules.count, job.is_loop)).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [(1, 0), (1, 1), (3, 1)]);
    }

    #[test]
    fn a_module_is_computed_where_its_source_is_rather_than_after_a_wake() {
        for sources in 2..6 {
            for source in 0..sources {
                let reader = sources;
                let plan = planned(None, &mixers(sources + 1, &[(source, reader, 0)]), sources);
                let slot = |module: usize| plan.tables.modules[plan.modules[&mixer(module)]].slot;
                assert_eq!(slot(reader), slot(source), "{source} of {sources}");
                let slots: BTreeSet<u32> = (0..sources).map(slot).collect();
                assert_eq!(slots.len(), sources, "each source has a slot of its own");
            }
        }
    }

    fn mixer(number: usize) -> Key {
        (format!("m-{number}").parse().unwrap(), "mixer".into())
    }

    /// The cables of a plan that are delayed, by the modules' numbers.
    fn delayed(plan: &Plan) -> BTreeSet<(u32, u32)> {
        let modules = plan.tables.modules.iter().enumerate();
        let cables = modules.flat_map(|(index, module)| {
            let inputs = &plan.tables.inputs[module.first_input as usize..][..6];
            let cables = inputs.iter().flat_map(|input| &plan.tables.cables[input.range()]);
            cables.map(move |cable| (cable, index as u32))
        });
        let cables = cables.filter(|(cable, _)| cable.is_delayed == 1);
        cables.map(|(cable, to)| (cable.module, to)).collect()
    }

    #[test]
    fn only_the_delayed_cable_of_a_loop_is_delayed_and_a_mark_without_a_loop_still_is() {
        let mut ring = mixers(3, &[(0, 1, 0), (1, 2, 0), (2, 0, 0)]);
        assert_eq!(delayed(&planned(None, &ring, 2)), [(2, 0)].into());
        ring.delayed = ["m-1.out -> m-2.in-1".parse().unwrap()].into();
        assert_eq!(delayed(&planned(None, &ring, 2)), [(1, 2)].into());
        // As it is while a loop fades out.
        let mut chain = mixers(3, &[(0, 1, 0), (1, 2, 0)]);
        chain.delayed.clone_from(&ring.delayed);
        assert_eq!(delayed(&planned(None, &chain, 2)), [(1, 2)].into());
    }

    #[test]
    fn a_delay_that_moves_is_on_both_cables_on_the_way() {
        let before = mixers(2, &[(0, 1, 0), (1, 0, 0)]);
        let mut after = before.clone();
        after.delayed = ["m-0.out -> m-1.in-1".parse().unwrap()].into();
        let way = marks_on_the_way(&before, &after);
        assert_eq!(way, before.delayed.union(&after.delayed).cloned().collect());
        let between = Patch { delayed: way, ..after.clone() };
        assert_eq!(marks_on_the_way(&between, &after), after.delayed, "and then it is there");
        for (now, next) in [(&before, &between), (&between, &after)] {
            assert!(planned(Some(now), next, 2).is_passing);
        }
    }

    proptest! {
        #[test]
        fn on_the_way_between_any_patches_nothing_is_delayed_but_what_is_marked(
            count in 1usize..8,
            before in prop::collection::vec((0usize..8, 0usize..8, 0usize..2), 0..16),
            after in prop::collection::vec((0usize..8, 0usize..8, 0usize..2), 0..16),
            marks in prop::collection::vec(0usize..16, 0..4),
        ) {
            let (before, mut after) = (mixers(count, &before), mixers(count, &after));
            for mark in marks {
                let cable = after.cables.iter().nth(mark).cloned();
                let edit = cable.map(|cable| Edit::SetDelay { cable, is_delayed: true });
                let _ = edit.map(|edit| apply(&mut after, edit));
            }
            let between = Patch { delayed: marks_on_the_way(&before, &after), ..after.clone() };
            prop_assert_eq!(&marks_on_the_way(&between, &after), &after.delayed);
            for (now, next) in [(&before, &between), (&between, &after)] {
                let plan = planned(Some(now), next, 2);
                let number = |id: &ModuleId| plan.modules[&(id.clone(), "mixer".into())] as u32;
                let marked = now.delayed.iter().chain(&next.delayed);
                let marked = marked.map(|c| (number(&c.from.module), number(&c.to.module)));
                let marked: BTreeSet<(u32, u32)> = marked.collect();
                prop_assert!(delayed(&plan).is_subset(&marked));
                prop_assert!(plan.is_passing || now.delayed == next.delayed);
            }
        }
    }

    #[test]
    fn a_chain_stays_together_and_equal_voices_are_shared_out() {
        let chain = planned(None, &mixers(4, &[(0, 1, 0), (1, 2, 0), (2, 3, 0)]), 4);
        assert_eq!(chain.busy(), 1);
        let voices = planned(None, &mixers(8, &[]), 8);
        assert_eq!(voices.busy(), 0xff);
    }

    #[test]
    fn what_is_cheap_is_not_worth_a_second_wake() {
        let job_of: Vec<usize> = (0..8).collect();
        assert_eq!(share_out(2, &[2_000; 8], &[], &job_of), [0; 8]);
        let slots: BTreeSet<usize> = share_out(2, &[50_000; 8], &[], &job_of).into_iter().collect();
        assert_eq!(slots, [0, 1].into());
    }

    #[test]
    fn placeholders_and_their_cables_are_left_out() {
        let known = mixers(3, &[(0, 1, 0), (2, 2, 0)]);
        let mut mixed = known.clone();
        let mut grains = PatchModule::new("grains", 0.0, 0.0);
        grains.is_placeholder = true;
        mixed.modules.insert("a".parse().unwrap(), grains.clone());
        mixed.modules.insert("m-1-b".parse().unwrap(), grains);
        for cable in ["m-1.out -> a.in", "a.left -> m-0.in-1", "a.x -> m-1-b.y"] {
            apply(&mut mixed, Edit::Connect(cable.parse().unwrap())).unwrap();
        }
        mixed.check().unwrap();
        assert_eq!(planned(None, &mixed, 2), planned(None, &known, 2));
        assert_eq!(planned(Some(&known), &mixed, 2), planned(Some(&known), &known, 2));
    }

    #[test]
    fn what_appears_and_what_leaves_fades_and_what_stays_does_not() {
        let before = mixers(3, &[(0, 1, 0), (1, 2, 0)]);
        let mut after = mixers(2, &[(0, 1, 0), (0, 1, 1)]);
        after.title = "a title is not heard".to_owned();
        let plan = planned(Some(&before), &after, 2);
        let mut fades: Vec<(u32, u32)> =
            plan.tables.cables.iter().map(|cable| (cable.module, cable.fade)).collect();
        fades.sort_unstable();
        assert_eq!(fades, [(0, STEADY), (0, APPEARING), (1, LEAVING)]);
        assert!(plan.is_passing);
        assert!(!planned(Some(&after), &after, 2).is_passing);
    }
}
