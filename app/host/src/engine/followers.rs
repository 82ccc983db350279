//! \[rt\] Knobs that follow scenes and automation, as modules say that lead them.
//!
//! What such a module has said at the end of a block is heard from the next one on. Each
//! knob follows who has taken it last: a module that recalled a scene or began its lanes, or
//! the hand that turned it. The patch knows nothing of it: where nobody leads a knob any
//! more, it goes back to where it stands there.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Mutex, PoisonError, TryLockError};

use dsp_worker::protocol::{Plan, PlanModule};
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::{GATE_VOLTS, QUANTUM, SCHMITT_HIGH_VOLTS};
use sostenuto_modules::module::{Role, SCENE_VOLTS};
use sostenuto_modules::param::Param;
use sostenuto_patch::automation::{self, Point};
use sostenuto_patch::scene::{MAX_SCENES, between};
use sostenuto_patch::{ModuleId, Patch, PatchModule};

/// Where a Scenes module says how long knobs take.
const GLIDE: &str = "glide";
/// Where an Automation module says how many beats its lanes have.
const LENGTH: &str = "length";

/// All knobs of a patch that are in scenes or lanes, and who leads them.
#[derive(Debug, Default)]
pub struct Followers {
    leaders: Vec<Leader>,
    /// In the order of their memories, then of their params.
    knobs: Vec<Knob>,
    /// Where knobs stand in scenes: those of each knob in the order of the scenes.
    kept: Vec<(u8, f32)>,
    /// The lanes of all leaders, those of one together.
    lanes: Vec<Lane>,
    points: Vec<Point>,
}

/// A module that leads knobs.
#[derive(Debug)]
struct Leader {
    memory: u64,
    /// Which of its params counts: seconds that knobs take to a scene, or beats of its lanes.
    param: usize,
    /// Where that stands.
    value: f32,
    /// Its lanes. `None`: it recalls scenes.
    lanes: Option<Range<usize>>,
    /// Its index in the plan that plays, if it is there.
    module: Option<usize>,
    said: Said,
    /// What knobs follow.
    done: Said,
    /// How far they have come to its scene, 0 to 1.
    way: f32,
    /// Whether they must be put where they belong, whatever it says.
    is_due: bool,
}

/// Where a knob stands, beat by beat.
#[derive(Debug)]
struct Lane {
    /// Its index.
    knob: usize,
    points: Range<usize>,
}

/// From the conductor to the engine: what follows from now on, and back what did.
#[derive(Debug, Default)]
pub struct Handover(Mutex<Offer>);

#[derive(Debug, Default)]
struct Offer {
    new: Option<Followers>,
    spent: Option<Followers>,
}

impl Handover {
    /// Lays it there for the engine. Not real-time.
    pub fn offer(&self, followers: Followers) {
        let mut offer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = (offer.new.replace(followers), offer.spent.take());
        drop(offer);
        drop(spent);
    }

    /// Goes on with what lies there, if anything does. False where it is being laid there
    /// right now. Frees nothing, and never waits. Real-time safe.
    pub fn take(&self, followers: &mut Followers) -> bool {
        let mut offer = match self.0.try_lock() {
            Ok(offer) => offer,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        if let Some(mut new) = offer.new.take() {
            new.go_on_from(followers);
            offer.spent = Some(std::mem::replace(followers, new));
        }
        true
    }
}

/// What a leader says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Said {
    /// It leads nobody.
    #[default]
    Nothing,
    /// A scene is recalled, and morphed so far to the one after it.
    Scene { scene: u8, toward: u8, morphed: f32 },
    /// The lanes are at that beat.
    Beat(f32),
}

impl Said {
    /// Whether its knobs are taken anew, also from a hand that has them.
    fn takes_after(self, before: Said) -> bool {
        match (self, before) {
            (Said::Nothing, _) => false,
            (Said::Scene { scene, toward, .. }, Said::Scene { scene: old, toward: next, .. }) => {
                (scene, toward) != (old, next)
            }
            (Said::Beat(now), Said::Beat(before)) => now < before,
            _ => true,
        }
    }
}

#[derive(Debug)]
struct Knob {
    memory: u64,
    param: usize,
    facts: &'static Param,
    kept: Range<usize>,
    /// Its index among the params of the plan that plays, if it is there.
    index: Option<usize>,
    /// Who leads it.
    leader: Option<usize>,
    /// Where it stands in the patch.
    home: f32,
    /// Where it stood when its scene was recalled.
    from: f32,
    /// Where it is.
    now: f32,
}

impl Followers {
    /// The knobs of this patch, whose modules lie there. Not real-time.
    pub fn of(patch: &Patch, memory: impl Fn(&ModuleId, &PatchModule) -> Option<u64>) -> Followers {
        let mut all = Followers::default();
        let mut written = Vec::new();
        for (id, module) in patch.modules.iter().filter(|(_, module)| module.is_leader()) {
            let (Ok(about), Some(memory)) = (module.about(), memory(id, module)) else { continue };
            let first = written.len();
            written.extend(module.lanes());
            let (param, lanes) = match about.role {
                Some(Role::Automation) => (LENGTH, Some(first..written.len())),
                _ => (GLIDE, None),
            };
            let param = about.param(param).unwrap_or_default();
            all.leaders.push(Leader { memory, param, lanes, ..Leader::NEW });
        }
        if all.leaders.is_empty() {
            return all;
        }
        let in_lanes: BTreeSet<(&ModuleId, &str)> =
            written.iter().map(|lane| (&lane.module, &*lane.param)).collect();
        for (id, module) in &patch.modules {
            let (Ok(about), Some(memory)) = (module.about(), memory(id, module)) else { continue };
            let is_free = |(_, facts): &(usize, &Param)| !module.locked.contains(facts.name);
            for (param, facts) in about.params.iter().enumerate().filter(is_free) {
                let first = all.kept.len();
                let kept = module.scenes.iter();
                all.kept.extend(kept.filter_map(|(&n, kept)| Some((n, *kept.get(facts.name)?))));
                let kept = first..all.kept.len();
                let is_led = !kept.is_empty() || in_lanes.contains(&(id, facts.name));
                let Some(home) = module.param(facts.name).filter(|_| is_led) else { continue };
                let (index, leader) = (None, None);
                let (from, now) = (home, home);
                all.knobs.push(Knob { memory, param, facts, kept, index, leader, home, from, now });
            }
        }
        all.knobs.sort_by_key(|knob| (knob.memory, knob.param));
        all.take_lanes(patch, &memory, &written);
        all
    }

    /// Lanes of knobs that are not there stay empty: they come with these.
    fn take_lanes(
        &mut self,
        patch: &Patch,
        memory: impl Fn(&ModuleId, &PatchModule) -> Option<u64>,
        written: &[automation::Lane],
    ) {
        for lane in written {
            let first = self.points.len();
            let module = patch.modules.get(&lane.module).filter(|module| !module.is_leader());
            let knob = module.and_then(|module| {
                let param = module.about().ok()?.param(&lane.param)?;
                self.place(memory(&lane.module, module)?, param).ok()
            });
            if let Some(knob) = knob {
                let facts = self.knobs[knob].facts;
                let legal = |point: &Point| Point { value: facts.legal(point.value), ..*point };
                self.points.extend(lane.points.iter().map(legal));
            }
            let points = first..self.points.len();
            self.lanes.push(Lane { knob: knob.unwrap_or_default(), points });
        }
    }

    /// Whether nobody follows anybody. Real-time safe.
    pub fn is_empty(&self) -> bool {
        self.leaders.is_empty()
    }

    /// Goes on where these, of the patch before, have come to. Real-time safe.
    pub fn go_on_from(&mut self, before: &Followers) {
        let leaders = &mut self.leaders;
        for leader in &mut *leaders {
            let old = before.leaders.iter().find(|old| old.memory == leader.memory);
            if let Some(old) = old {
                (leader.said, leader.done, leader.way) = (old.said, old.done, old.way);
                leader.is_due = true;
            }
        }
        for knob in &mut self.knobs {
            let Some(old) = before.find(knob.memory, knob.param) else { continue };
            // Elsewhere in the patch: a hand was there.
            let led = old.leader.filter(|_| old.home == knob.home);
            let memory = led.map(|leader| before.leaders[leader].memory);
            knob.leader = leaders.iter().position(|leader| Some(leader.memory) == memory);
            if knob.leader.is_some() {
                (knob.from, knob.now) = (old.from, old.now);
            }
        }
    }

    /// Finds everything in a plan that is to play, and puts the knobs there where they are.
    /// Real-time safe.
    pub fn find_in(&mut self, plan: &Plan, mut set: impl FnMut(usize, f32)) {
        let Followers { leaders, knobs, .. } = self;
        knobs.iter_mut().for_each(|knob| knob.index = None);
        leaders.iter_mut().for_each(|leader| leader.module = None);
        for (index, module) in plan.modules.iter().enumerate() {
            let leader = leaders.iter_mut().find(|leader| leader.memory == module.memory);
            if let Some(leader) = leader {
                leader.module = Some(index);
            }
            let first = knobs.partition_point(|knob| knob.memory < module.memory);
            for knob in knobs[first..].iter_mut().take_while(|it| it.memory == module.memory) {
                let index = module.first_param as usize + knob.param;
                knob.index = Some(index);
                if knob.leader.is_some() {
                    set(index, knob.now);
                }
            }
        }
    }

    /// Hears what each module says at the end of a block; `outputs` are those of its last
    /// quantum. Real-time safe.
    pub fn listen<'a>(
        &mut self,
        plan: &Plan,
        frames: usize,
        outputs: impl Fn(&PlanModule) -> &'a [Signal],
    ) {
        for leader in &mut self.leaders {
            let module = leader.module.and_then(|index| plan.modules.get(index));
            let Some(module) = module else { continue };
            let [first, second, third, ..] = outputs(module) else { continue };
            let param = plan.params.get(module.first_param as usize + leader.param);
            leader.value = param.copied().unwrap_or_default();
            let last = |signal: &Signal| signal.at(0, (frames - 1) % QUANTUM);
            let most = f32::from(MAX_SCENES);
            let number = |signal| (last(signal) / SCENE_VOLTS).round().clamp(0.0, most) as u8;
            let part = |signal| (last(signal) / GATE_VOLTS).clamp(0.0, 1.0);
            leader.said = match leader.lanes {
                Some(_) if last(second) > SCHMITT_HIGH_VOLTS => {
                    Said::Beat(part(first) * leader.value)
                }
                None if number(first) > 0 => Said::Scene {
                    scene: number(first),
                    toward: number(second),
                    morphed: part(third),
                },
                _ => Said::Nothing,
            };
        }
    }

    /// Moves the knobs on, before a block of so many seconds. Real-time safe.
    pub fn follow(&mut self, block_secs: f32, mut set: impl FnMut(usize, f32)) {
        let Followers { leaders, knobs, kept, lanes, points } = self;
        for (number, leader) in leaders.iter_mut().enumerate() {
            if leader.said.takes_after(leader.done) {
                leader.way = 0.0;
                let take = |knob: &mut Knob| (knob.leader, knob.from) = (Some(number), knob.now);
                match leader.said {
                    Said::Nothing => {}
                    Said::Scene { scene, .. } => {
                        let own = knobs.iter_mut().filter(|it| it.stands(kept, scene).is_some());
                        own.for_each(take);
                    }
                    Said::Beat(_) => {
                        let own = lanes[leader.lanes.clone().unwrap_or_default()].iter();
                        for lane in own.filter(|lane| !lane.points.is_empty()) {
                            take(&mut knobs[lane.knob]);
                        }
                    }
                }
            }
            if leader.done == leader.said && leader.way == 1.0 && !leader.is_due {
                continue;
            }
            let glide_secs = if leader.lanes.is_some() { 0.0 } else { leader.value };
            let step = if glide_secs > block_secs { block_secs / glide_secs } else { 1.0 };
            leader.way = (leader.way + step).min(1.0);
            (leader.done, leader.is_due) = (leader.said, false);
            let mut put = |knob: &mut Knob, value: f32| {
                knob.now = value;
                if let Some(index) = knob.index {
                    set(index, value);
                }
            };
            match leader.said {
                Said::Nothing => {
                    for knob in knobs.iter_mut().filter(|knob| knob.leader == Some(number)) {
                        knob.leader = None;
                        let home = knob.home;
                        put(knob, home);
                    }
                }
                Said::Scene { scene, toward, morphed } => {
                    for knob in knobs.iter_mut().filter(|knob| knob.leader == Some(number)) {
                        let value = knob.in_scene(kept, [scene, toward], morphed, leader.way);
                        put(knob, value);
                    }
                }
                Said::Beat(beat) => {
                    for lane in &lanes[leader.lanes.clone().unwrap_or_default()] {
                        let Some(knob) = knobs.get_mut(lane.knob) else { continue };
                        let value = automation::at(knob.facts, &points[lane.points.clone()], beat);
                        let value = value.filter(|_| knob.leader == Some(number));
                        if let Some(value) = value.filter(|value| *value != knob.now) {
                            put(knob, value);
                        }
                    }
                }
            }
        }
    }

    /// A hand turns a knob: it follows nobody, until a scene is recalled. Real-time safe.
    pub fn let_go(&mut self, memory: u64, param: usize, value: f32) {
        if let Ok(place) = self.place(memory, param) {
            let knob = &mut self.knobs[place];
            (knob.leader, knob.home, knob.now) = (None, value, value);
        }
    }

    fn place(&self, memory: u64, param: usize) -> Result<usize, usize> {
        self.knobs.binary_search_by_key(&(memory, param), |knob| (knob.memory, knob.param))
    }

    fn find(&self, memory: u64, param: usize) -> Option<&Knob> {
        self.place(memory, param).ok().map(|place| &self.knobs[place])
    }
}

impl Knob {
    /// Where it stands in a scene, if it is in that.
    fn stands(&self, kept: &[(u8, f32)], scene: u8) -> Option<f32> {
        let mut own = kept[self.kept.clone()].iter();
        own.find(|(number, _)| *number == scene).map(|(_, value)| *value)
    }

    /// Where it is to be now, between two scenes. What is not in the scene stays, and what is
    /// not in the one after it does not morph.
    fn in_scene(&self, kept: &[(u8, f32)], scenes: [u8; 2], morphed: f32, way: f32) -> f32 {
        let [scene, toward] = scenes.map(|scene| self.stands(kept, scene));
        let Some(first) = scene else { return self.now };
        let goal = between(self.facts, first, toward.unwrap_or(first), morphed);
        between(self.facts, self.from, goal, way)
    }
}

impl Leader {
    const NEW: Leader = Leader {
        memory: 0,
        param: 0,
        value: 0.0,
        lanes: None,
        module: None,
        said: Said::Nothing,
        done: Said::Nothing,
        way: 1.0,
        is_due: false,
    };
}

#[cfg(test)]
mod tests {
    use dsp_worker::protocol::Tables;
    use sostenuto_modules::catalog;
    use sostenuto_patch::{Edit, apply};

    use super::*;

    /// A scenes module and a filter, with three scenes of the filter, in a plan.
    struct Stage {
        patch: Patch,
        tables: Tables,
        followers: Followers,
        params: Vec<f32>,
    }

    const FILTER: u64 = 8;
    const SCENES: u64 = 4;

    fn id(name: &str) -> ModuleId {
        name.parse().unwrap()
    }

    fn memory(id: &ModuleId) -> Option<u64> {
        Some(if id.as_str() == "filter" { FILTER } else { SCENES })
    }

    fn cutoff() -> usize {
        catalog::find("ladder").unwrap().1.about.param("cutoff").unwrap()
    }

    fn stage() -> Stage {
        let mut patch = Patch::default();
        let mut tables = Tables::default();
        for (name, kind) in [("filter", "ladder"), ("scenes", "scenes")] {
            let module = PatchModule::new(kind, 0.0, 0.0);
            apply(&mut patch, Edit::AddModule { id: id(name), module }).unwrap();
            let (kind, entry) = catalog::find(kind).unwrap();
            let params: Vec<f32> = entry.about.params.iter().map(|it| it.default).collect();
            let (memory, kind) = (memory(&id(name)).unwrap(), kind as u32);
            let module = PlanModule { memory, kind, ..PlanModule::default() };
            tables.push_module(module, &[], &params, std::iter::empty::<Vec<_>>());
        }
        for (number, hz) in [(1, 100.0), (2, 1600.0), (3, 400.0)] {
            let scene = Edit::SetScene { number, title: Some(String::new()) };
            apply(&mut patch, scene).unwrap();
            let values = Some([("cutoff".into(), hz)].into());
            apply(&mut patch, Edit::KeepInScene { module: id("filter"), number, values }).unwrap();
        }
        let params = tables.params.clone();
        let mut stage = Stage { followers: Followers::default(), patch, tables, params };
        stage.plan_anew();
        stage
    }

    impl Stage {
        fn plan_anew(&mut self) {
            let before = std::mem::take(&mut self.followers);
            self.followers = Followers::of(&self.patch, |id, _| memory(id));
            self.followers.go_on_from(&before);
            let Stage { tables, params, followers, .. } = self;
            params.clone_from(&tables.params);
            let plan = plan_of(tables, &tables.params);
            followers.find_in(&plan, |index, value| params[index] = value);
        }

        /// An Automation in the place of the Scenes module.
        fn automate(&mut self, text: &str) {
            let mut module = PatchModule::new("automation", 0.0, 0.0);
            module.text = text.into();
            let edits = [
                Edit::RemoveModule { id: id("scenes") },
                Edit::AddModule { id: id("automation"), module },
            ];
            for edit in edits {
                apply(&mut self.patch, edit).unwrap();
            }
            let about = catalog::with_role(Role::Automation).1.about;
            let first = self.tables.modules[1].first_param as usize;
            self.tables.params.truncate(first);
            self.tables.params.extend(about.params.iter().map(|param| param.default));
            self.plan_anew();
        }

        /// A block in which a Scenes module says that. Returns where the filter stands.
        fn block(&mut self, scene: u8, toward: u8, morphed: f32) -> f32 {
            self.say([f32::from(scene) * 0.1, f32::from(toward) * 0.1, morphed * 10.0, 0.0])
        }

        /// A block that ends with these volts.
        fn say(&mut self, volts: [f32; 4]) -> f32 {
            let mut outputs: [Signal; 4] = bytemuck::Zeroable::zeroed();
            for (output, volts) in outputs.iter_mut().zip(volts) {
                output.set_channels(1);
                output.put(0, QUANTUM - 1, volts);
            }
            let Stage { tables, params, followers, .. } = self;
            followers.listen(&plan_of(tables, params), QUANTUM, |_| &outputs);
            followers.follow(0.1, |index, value| params[index] = value);
            params[cutoff()]
        }

        fn glide(&mut self, secs: f32) {
            let about = catalog::with_role(Role::Scenes).1.about;
            let index = self.tables.modules[1].first_param as usize + about.param(GLIDE).unwrap();
            self.tables.params[index] = secs;
            self.params[index] = secs;
        }
    }

    fn plan_of<'a>(tables: &'a Tables, params: &'a [f32]) -> Plan<'a> {
        Plan {
            generation: 1,
            slots: &[],
            jobs: &[],
            job_modules: &[],
            slot_jobs: &[],
            modules: &tables.modules,
            inputs: &[],
            cables: &[],
            tapes: &[],
            params,
            events: &[],
        }
    }

    fn near(found: f32, hz: f32) -> bool {
        (found / hz - 1.0).abs() < 1e-3
    }

    #[test]
    fn a_knob_follows_the_scene_and_morphs_on_its_own_scale() {
        let mut stage = stage();
        assert_eq!(stage.block(1, 2, 0.0), 100.0);
        assert!(near(stage.block(1, 2, 0.5), 400.0), "half of four octaves");
        assert_eq!(stage.block(2, 3, 0.0), 1600.0);
        assert_eq!(stage.block(7, 8, 0.0), 1600.0, "it is not in that scene");
    }

    #[test]
    fn a_hand_has_it_until_a_scene_is_recalled() {
        let mut stage = stage();
        stage.block(1, 2, 0.0);
        stage.followers.let_go(FILTER, cutoff(), 5000.0);
        stage.params[cutoff()] = 5000.0;
        assert_eq!(stage.block(1, 2, 0.3), 5000.0);
        assert_eq!(stage.block(3, 1, 0.0), 400.0);
    }

    #[test]
    fn it_glides_from_where_it_is_and_jumps_nowhere() {
        let mut stage = stage();
        stage.block(1, 2, 0.0);
        stage.glide(0.4);
        let way: Vec<f32> = (0..5).map(|_| stage.block(2, 3, 0.0)).collect();
        for (found, hz) in way.iter().zip([200.0, 400.0, 800.0, 1600.0, 1600.0]) {
            assert!(near(*found, hz), "{way:?}");
        }
        // Recalled on the way, from there.
        stage.block(1, 2, 0.0);
        assert!(near(stage.block(1, 2, 0.0), 400.0));
        let turned = stage.block(2, 3, 0.0);
        assert!(near(turned, 400.0 * 2f32.powf(0.5)), "{turned}");
    }

    #[test]
    fn a_new_plan_changes_nothing_and_a_knob_that_was_turned_meanwhile_is_the_hands() {
        let mut stage = stage();
        stage.glide(0.4);
        stage.block(1, 2, 0.0);
        for _ in 0..4 {
            stage.block(2, 3, 0.0);
        }
        stage.plan_anew();
        assert!(near(stage.params[cutoff()], 1600.0), "before its first block");
        assert!(near(stage.block(2, 3, 0.0), 1600.0));
        let turn = Edit::SetParam { module: id("filter"), param: "cutoff".into(), value: 50.0 };
        apply(&mut stage.patch, turn).unwrap();
        stage.tables.params[cutoff()] = 50.0;
        stage.plan_anew();
        assert_eq!(stage.block(2, 3, 0.0), 50.0);
    }

    #[test]
    fn a_scene_that_is_kept_anew_is_heard_at_once() {
        let mut stage = stage();
        stage.block(1, 2, 0.0);
        let values = Some([("cutoff".into(), 300.0)].into());
        let keep = Edit::KeepInScene { module: id("filter"), number: 1, values };
        apply(&mut stage.patch, keep).unwrap();
        stage.plan_anew();
        assert_eq!(stage.block(1, 2, 0.0), 300.0);
    }

    #[test]
    fn lanes_move_a_knob_beat_by_beat_until_a_hand_has_it_for_the_rest_of_the_pass() {
        let mut stage = stage();
        stage.automate("filter.cutoff 0 100 2 400\ngone.level 0 1\n");
        let at = |stage: &mut Stage, beat: f32| stage.say([beat / 16.0 * 10.0, 10.0, 0.0, 0.0]);
        assert_eq!(at(&mut stage, 0.0), 100.0);
        assert!(near(at(&mut stage, 1.0), 200.0), "half of two octaves");
        assert_eq!(at(&mut stage, 3.0), 400.0);
        stage.followers.let_go(FILTER, cutoff(), 50.0);
        stage.params[cutoff()] = 50.0;
        assert_eq!(at(&mut stage, 4.0), 50.0);
        assert!(near(at(&mut stage, 0.5), 141.4), "the next pass");
        assert_eq!(stage.say([0.0; 4]), 50.0, "it goes where the hand left it");
    }

    #[test]
    fn a_module_that_says_nothing_any_more_lets_its_knobs_go_home() {
        let mut stage = stage();
        stage.block(1, 2, 0.0);
        assert_eq!(stage.block(0, 0, 0.0), 1000.0);
        assert!(Followers::of(&Patch::default(), |id, _| memory(id)).is_empty());
    }
}
