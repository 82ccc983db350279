//! A cable that carries 0 V changes nothing, wherever it is plugged in: every
//! sample of every output is the same without it.

use std::collections::BTreeMap;

use dsp_worker::protocol::ModuleLayout;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::signal::{SIGNAL_WORDS, SILENCE, Signal};
use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::catalog::{CATALOG, Entry, well_behaved};
use sostenuto_modules::param::Param;
use sostenuto_patch::{Cable, Edit, InputRef, ModuleId, OutputRef, PatchModule, apply, file};

use super::*;

const BLOCK: u32 = 64;

/// What comes out of each output, block after block: channels and volts.
type Heard = BTreeMap<String, Vec<f32>>;

impl Render {
    /// Adds what the modules of a patch have put out in the last block.
    fn hear(&self, patch: &Patch, heard: &mut Heard) {
        let plan = self.conductor.plan().expect("it plays");
        for (id, module) in &patch.modules {
            let index = plan.modules[&(id.clone(), module.kind.clone())];
            let module = &plan.tables.modules[index];
            let entry = &CATALOG[module.kind as usize];
            let first = module.memory as usize + ModuleLayout::of(entry).outputs;
            let outputs = entry.about.outputs.len();
            let mut signal = SILENCE;
            for index in 0..BLOCK as usize / QUANTUM * outputs {
                let at = first + index * size_of::<Signal>();
                signal.copy_from(self.shared.arena.records(at, SIGNAL_WORDS).expect("it is there"));
                let name = format!("{id}.{}", entry.about.outputs[index % outputs].name);
                let volts = heard.entry(name).or_default();
                volts.push(signal.channels() as f32);
                for frame in 0..QUANTUM {
                    volts.extend((0..signal.channels()).map(|c| signal.at(c, frame)));
                }
            }
        }
    }

    fn play(&mut self, blocks: usize, patch: &Patch, heard: &mut Heard) {
        for _ in 0..blocks {
            self.block();
            self.hear(patch, heard);
        }
    }

    /// Goes over to a patch as a player does.
    fn follow(&mut self, next: &Patch, heard: &mut Heard) {
        self.conductor.lead(next).expect("it fits");
        loop {
            while !self.conductor.is_taken_up() {
                self.play(1, next, heard);
            }
            self.conductor.settle();
            if !self.conductor.is_passing() {
                return;
            }
            self.conductor.arrive().expect("it fits");
        }
    }
}

fn render(patch: &Patch) -> Render {
    let settings = Settings {
        sample_rate_hz: 48_000,
        block_frames: BLOCK,
        computed_by: ComputedBy::InProcess,
    };
    Render::new(patch, &settings).expect("it fits")
}

fn pick<T: Copy>(random: &mut Random, from: &[T]) -> T {
    from[random.bits() as usize % from.len()]
}

fn id(name: &str) -> ModuleId {
    name.parse().expect("a name")
}

/// A place for a knob: somewhere, or at one of its ends.
fn anywhere(param: &Param, random: &mut Random) -> f32 {
    let (low, high) = (*param.range.start(), *param.range.end());
    let place = 2.0 * random.unipolar() - 0.5;
    param.legal(low + (high - low) * place.clamp(0.0, 1.0))
}

/// Modules of any kinds with any cables between them, plugged in one after
/// another; and two attenuverters that stand at 0, of which `zero` hears one of
/// the modules and `still` hears none.
fn any_patch(random: &mut Random) -> Patch {
    let kinds: Vec<&'static Entry> = well_behaved().collect();
    let mut patch = Patch::default();
    let mut modules = Vec::new();
    for number in 0..3 + random.bits() % 4 {
        let about = pick(random, &kinds).about;
        let mut module = PatchModule::new(about.name, 0.0, 0.0);
        for param in about.params {
            let value = anywhere(param, random);
            if random.bits().is_multiple_of(2) {
                module.params.insert(param.name.into(), value);
            }
        }
        let name = format!("m{number}");
        apply(&mut patch, Edit::AddModule { id: id(&name), module }).expect("a new name");
        modules.push((name, about));
    }
    for name in ["zero", "still"] {
        let mut module = PatchModule::new("attenuverter", 0.0, 0.0);
        module.params.insert("gain".into(), 0.0);
        apply(&mut patch, Edit::AddModule { id: id(name), module }).expect("a new name");
    }
    for _ in 0..2 * modules.len() {
        let cable = any_cable(random, &modules);
        // It may be there already.
        let _ = cable.map(|cable| apply(&mut patch, Edit::Connect(cable)));
    }
    let from = modules.iter().find_map(|(name, about)| Some((name, about.outputs.first()?.name)));
    if let Some((name, port)) = from {
        let cable = format!("{name}.{port} -> zero.in").parse().expect("a cable");
        apply(&mut patch, Edit::Connect(cable)).expect("a new cable");
    }
    patch
}

fn any_cable(
    random: &mut Random,
    modules: &[(String, &'static sostenuto_modules::module::About)],
) -> Option<Cable> {
    let index = |random: &mut Random, count: usize| (random.bits() as usize).checked_rem(count);
    let (from, to) =
        (&modules[index(random, modules.len())?], &modules[index(random, modules.len())?]);
    let output = from.1.outputs[index(random, from.1.outputs.len())?].name.into();
    let input = to.1.inputs[index(random, to.1.inputs.len())?].name.into();
    Some(Cable {
        from: OutputRef { module: id(&from.0), port: output },
        to: InputRef { module: id(&to.0), port: input },
    })
}

fn with(patch: &Patch, cable: &Cable) -> Patch {
    let mut patch = patch.clone();
    apply(&mut patch, Edit::Connect(cable.clone())).expect("a new cable");
    patch
}

/// The first output that is other, and where.
fn difference(is: &Heard, should_be: &Heard) -> Option<String> {
    assert_eq!(is.len(), should_be.len());
    is.iter().zip(should_be).find_map(|((name, is), (_, should_be))| {
        let at = is.iter().zip(should_be).position(|(a, b)| a != b)?;
        Some(format!("{name} at {at} of {}: {} is not {}", is.len(), is[at], should_be[at]))
    })
}

/// What is heard of a patch from its beginning.
fn fresh(patch: &Patch, blocks: usize) -> Heard {
    let mut heard = Heard::new();
    render(patch).play(blocks, patch, &mut heard);
    heard
}

/// What is heard while one patch becomes another.
fn live(patch: &Patch, next: &Patch) -> Heard {
    let (mut render, mut heard) = (render(patch), Heard::new());
    render.play(6, patch, &mut heard);
    render.follow(next, &mut heard);
    render.play(6, next, &mut heard);
    heard
}

#[test]
fn a_cable_of_0_volts_that_closes_a_loop_changes_no_sample() {
    const BLOCKS: usize = 20;
    let (mut looped, mut like_nothing, mut wrong) = (0, 0, Vec::new());
    for seed in 0..120 {
        let mut random = Random::new(seed);
        let patch = any_patch(&mut random);
        let calm = fresh(&patch, BLOCKS);
        // A cable with more channels is heard: it makes more voices.
        if calm["zero.out"][0] > 1.0 || calm["zero.out"].iter().any(|volts| *volts > 1.0) {
            continue;
        }
        let inputs = patch.modules.iter().filter(|(id, _)| id.as_str().starts_with('m'));
        let inputs: Vec<(&ModuleId, &str)> = inputs
            .flat_map(|(id, module)| {
                module.about().expect("a kind").inputs.iter().map(move |port| (id, port.name))
            })
            .collect();
        if inputs.is_empty() {
            continue;
        }
        let (module, port) = pick(&mut random, &inputs);
        let cable = |from: &str| format!("{from}.out -> {module}.{port}").parse().expect("a cable");
        let silent = with(&patch, &cable("zero"));
        looped += usize::from(silent.delayed.len() > patch.delayed.len());
        // The same from where there is no loop. It is heard only where the input
        // has something of its own that a cable replaces.
        let apart = with(&patch, &cable("still"));
        let kind = &patch.modules[module].kind;
        let mut tell = |how: &str, is: &Heard, should_be: &Heard| {
            if let Some(what) = difference(is, should_be) {
                wrong.push(format!("seed {seed}, into {kind}.{port} {how}: {what}"));
            }
        };
        let heard = fresh(&apart, BLOCKS);
        tell("at first", &fresh(&silent, BLOCKS), &heard);
        let saved = file::read(file::write(&silent).as_bytes()).expect("what was written");
        assert_eq!(saved, silent);
        tell("while it plays", &live(&patch, &silent), &live(&patch, &apart));
        if difference(&heard, &calm).is_none() {
            like_nothing += 1;
            tell("live and not at all", &live(&patch, &silent), &live(&patch, &patch));
        } else {
            eprintln!("{kind}.{port} has a normal");
        }
    }
    eprintln!("{looped} closed a loop, {like_nothing} went into an input without a normal");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looped > 20 && like_nothing > 40, "{looped}, {like_nothing}");
}
