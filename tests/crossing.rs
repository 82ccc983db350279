//! Loading a patch, a new patch, and undoing either: the sound crosses, without a
//! step and without a peak that neither patch has.

use shm_ring::layout::MODULES;
use sostenuto_dsp::random::Random;
use sostenuto_host::engine::Frame;
use sostenuto_host::plan::snapshot::Snapshot;
use sostenuto_host::render::{ComputedBy, Render, Settings};
use sostenuto_patch::Patch;
use sostenuto_tests::{RATE_HZ, factory_patches, leave, module, patch, ready};

const BLOCK: u32 = 64;

/// Seconds from the start of a crossing to well behind its end.
const AFTER_SECS: f32 = 0.12;

/// What rounding may add to a step or a peak of full scale.
const ROUNDING: f32 = 1e-6;

fn frames(secs: f32) -> usize {
    (secs * RATE_HZ as f32) as usize
}

/// The largest step from one frame to the next, and the largest peak.
#[derive(Clone, Copy, Debug, Default)]
struct Extremes {
    step: f32,
    peak: f32,
}

impl Extremes {
    fn of(heard: &[Frame]) -> Extremes {
        let steps =
            heard.windows(2).flat_map(|p| [0, 1].map(|side| (p[1][side] - p[0][side]).abs()));
        let peaks = heard.as_flattened().iter().map(|sample| sample.abs());
        Extremes { step: steps.fold(0.0, f32::max), peak: peaks.fold(0.0, f32::max) }
    }

    fn max(self, other: Extremes) -> Extremes {
        Extremes { step: self.step.max(other.step), peak: self.peak.max(other.peak) }
    }
}

fn play(render: &mut Render, blocks: usize) -> Vec<Frame> {
    (0..blocks).flat_map(|_| render.block().to_vec()).collect()
}

/// Goes over to another patch as a player does, and returns what is heard until
/// nothing of the old one is left.
fn cross(render: &mut Render, to: &Patch) -> Vec<Frame> {
    render.conductor().begin_other(to).expect("both fit").wait();
    render.conductor().commit();
    let mut heard = Vec::new();
    loop {
        while !render.conductor().is_taken_up() {
            heard.extend_from_slice(render.block());
        }
        render.conductor().settle();
        if !render.conductor().is_passing() {
            return heard;
        }
        render.conductor().arrive().expect("it fits");
    }
}

/// Crosses from one patch to the other after so many blocks. What was heard of the
/// crossing, what there is to hear of the first alone all the time, and what of the
/// second alone.
fn crossing(from: &Patch, to: &Patch, blocks: usize) -> [Vec<Frame>; 3] {
    let in_process = |patch: &Patch| ready(patch, BLOCK, ComputedBy::InProcess);
    let after = frames(AFTER_SECS) / BLOCK as usize;
    let mut old = in_process(from);
    let alone = play(&mut old, blocks + after);
    let mut crosses = in_process(from);
    let mut heard = play(&mut crosses, blocks);
    let begin = heard.len() - 1;
    heard.extend(cross(&mut crosses, to));
    let missing = (blocks + after).saturating_sub(heard.len() / BLOCK as usize);
    heard.extend(play(&mut crosses, missing));
    let heard = heard[begin..].to_vec();
    // Slow movements of reverbs follow the clock: alone, too, it begins then.
    let frame = blocks as u64 * u64::from(BLOCK);
    let settings = Settings {
        sample_rate_hz: RATE_HZ,
        block_frames: BLOCK,
        computed_by: ComputedBy::InProcess,
    };
    let then = Snapshot { frame, sample_rate_hz: RATE_HZ, ..Snapshot::default() };
    let new = Render::resume(to, &settings, Some(then));
    let mut new = new.unwrap_or_else(|error| panic!("{error}"));
    [heard, alone, play(&mut new, after)]
}

/// Crosses between these, and tells which crossings stepped or peaked.
fn fails(patches: &[(String, Patch)], pairs: impl IntoIterator<Item = (usize, usize)>) -> String {
    let (mut random, mut said) = (Random::new(18), String::new());
    let mut largest = Extremes::default();
    for (from, to) in pairs {
        let blocks = 1 + random.bits() as usize % (frames(1.0) / BLOCK as usize);
        let (from, to) = (&patches[from], &patches[to]);
        let [heard, old, new] = crossing(&from.1, &to.1, blocks);
        let is = Extremes::of(&heard);
        let most = Extremes::of(&old).max(Extremes::of(&new));
        let name = format!("{} to {} after {blocks} blocks", from.0, to.0);
        largest.step = largest.step.max(is.step / most.step.max(1e-9));
        largest.peak = largest.peak.max(is.peak / most.peak.max(1e-9));
        if is.step > most.step + ROUNDING || is.peak > most.peak + ROUNDING {
            said += &format!("{name}: {is:?}, alone {most:?}\n");
            leave(&std::env::temp_dir().join(format!("{name}.wav")), &heard);
        }
    }
    eprintln!("against what is heard of either patch alone, at most: {largest:?}");
    said
}

#[test]
fn some_factory_patches_cross_without_a_step_or_a_peak_of_their_own() {
    let patches = factory_patches();
    let mut random = Random::new(600);
    let pairs: Vec<(usize, usize)> = (0..16)
        .map(|_| {
            let from = random.bits() as usize % patches.len();
            let on = 1 + random.bits() as usize % (patches.len() - 1);
            (from, (from + on) % patches.len())
        })
        .collect();
    let fails = fails(&patches, pairs);
    assert!(fails.is_empty(), "\n{fails}");
}

#[test]
#[ignore = "takes half an hour: every factory patch to every other"]
fn every_factory_patch_crosses_to_every_other_without_a_step_or_a_peak_of_its_own() {
    let patches = factory_patches();
    let count = patches.len();
    let all = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
    let fails = fails(&patches, all.filter(|(from, to)| from != to));
    assert!(fails.is_empty(), "\n{fails}");
}

/// A sine of that many octaves above C4.
fn sine(octave: i32) -> Patch {
    let modules = [
        module("vco", "vco", &format!(r#""octave": {octave}"#)),
        module("out", "audio-out", r#""dc-block": 0"#),
    ];
    patch(&modules.join(", "), &["vco.sine -> out.left"])
}

#[test]
fn modules_of_one_name_in_two_patches_are_not_one_module() {
    let [heard, _, new] = crossing(&sine(-1), &sine(2), 41);
    // The first frame is the last of the old patch alone. Once that has left, the new
    // one is as it is alone, from its own first frame on.
    let gone = frames(0.051);
    assert_eq!(heard[1 + gone..], new[gone..heard.len() - 1]);
}

#[test]
fn from_nothing_and_to_nothing_it_is_a_fade() {
    for (from, to) in [(sine(-2), Patch::default()), (Patch::default(), sine(-2))] {
        let [heard, old, new] = crossing(&from, &to, 30);
        let (is, most) = (Extremes::of(&heard), Extremes::of(&old).max(Extremes::of(&new)));
        assert!(is.step <= most.step + ROUNDING && is.peak <= most.peak + ROUNDING, "{is:?}");
        let end = heard.last().expect("something was heard");
        assert_eq!(to.modules.is_empty(), *end == [0.0; 2]);
    }
}

#[test]
fn a_second_patch_may_come_before_the_first_has_arrived() {
    let patches = [sine(-2), sine(-1), sine(0)];
    let mut render = ready(&patches[0], BLOCK, ComputedBy::InProcess);
    let mut heard = play(&mut render, 20);
    for turn in 1..12 {
        let conductor = render.conductor();
        conductor.begin_other(&patches[turn % 3]).expect("both fit").wait();
        conductor.commit();
        while !render.conductor().is_taken_up() {
            heard.extend_from_slice(render.block());
        }
        // What has left gives its memory back; the plan without it never comes.
        render.conductor().settle();
    }
    heard.extend(cross(&mut render, &Patch::default()));
    let (is, alone) = (
        Extremes::of(&heard),
        Extremes::of(&play(&mut ready(&patches[2], BLOCK, ComputedBy::InProcess), 50)),
    );
    assert!(is.step <= alone.step + ROUNDING, "{is:?}, alone {alone:?}");
    assert_eq!(render.conductor().numbers().count(), 0, "all memory is given back");
}

#[test]
fn what_does_not_fit_beside_the_old_patch_is_refused_and_the_old_one_plays_on() {
    // Each needs more than half of all modules that there can be.
    let large = |name: &str| {
        let count = MODULES / 2 + 10;
        let modules = (0..count).map(|n| module(&format!("{name}-{n}"), "attenuverter", ""));
        let sine = [module("vco", "vco", ""), module("out", "audio-out", "")];
        let modules: Vec<String> = modules.chain(sine).collect();
        patch(&modules.join(", "), &["vco.sine -> out.left"])
    };
    let (old, new) = (large("old"), large("new"));
    let mut render = ready(&old, BLOCK, ComputedBy::InProcess);
    let mut alone = ready(&old, BLOCK, ComputedBy::InProcess);
    play(&mut render, 3);
    play(&mut alone, 3);
    assert!(render.conductor().begin_other(&new).is_err(), "there is room for both");
    assert_eq!(render.conductor().numbers().count(), old.modules.len());
    assert_eq!(play(&mut render, 5), play(&mut alone, 5));
    cross(&mut render, &sine(0));
    assert!(render.conductor().begin_other(&new).is_ok());
}
