//! What holds for every module that has a clock: whatever the clock does.

use std::collections::BTreeMap;

use sostenuto_dsp::measure::{cents, frequency_hz};
use sostenuto_dsp::notes::compile;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::units::{SCHMITT_HIGH_VOLTS, SCHMITT_LOW_VOLTS};

use super::*;
use crate::rig::{Render, Rig};

const RATE_HZ: f32 = 48_000.0;
const MS: u32 = 48;

/// Frames at which clocks come. A clock is on for 5 ms.
#[derive(Clone)]
struct Clocks {
    name: String,
    at: Vec<u32>,
}

impl Clocks {
    fn new(name: &str, intervals: impl IntoIterator<Item = u32>) -> Clocks {
        let mut at = vec![100];
        at.extend(intervals.into_iter().scan(100, |frame, interval| {
            *frame += interval;
            Some(*frame)
        }));
        Clocks { name: name.to_owned(), at }
    }

    /// The second of two is late by the swing, and each is late by chance.
    fn swung(period: u32, swing: f32, late: u32, random: &mut Random) -> Clocks {
        let mut at = |n: u32| {
            let lean = (n % 2) as f32 * (2.0 * swing - 1.0) * period as f32;
            100 + n * period + lean as u32 + (late as f32 * random.unipolar()) as u32
        };
        let at: Vec<u32> = (0..24).map(&mut at).collect();
        Clocks { name: format!("{period} frames, swing {swing}, {late} late"), at }
    }

    fn volts(&self) -> impl FnMut(usize, u64) -> f32 + 'static {
        let at = self.at.clone();
        move |_, frame| {
            let before = at.partition_point(|&clock| u64::from(clock) <= frame);
            let is_on = before > 0 && frame < u64::from(at[before - 1] + 5 * MS);
            if is_on { 10.0 } else { 0.0 }
        }
    }

    /// Until some time after the last clock.
    fn frames(&self) -> usize {
        (self.at.last().unwrap() + 16_000) as usize
    }
}

/// Swing, jitter, other tempos at once, clocks that come early or not at all,
/// and pauses.
fn uneven() -> Vec<Clocks> {
    let mut random = Random::new(5);
    let mut all = Vec::new();
    for (period, late, swings) in [
        (6000, 0, [0.5, 0.527, 0.556, 0.58, 0.62, 0.667, 0.75].as_slice()),
        (6000, 288, &[0.5, 0.58]),
        (2400, 288, &[0.5, 0.667, 0.75]),
    ] {
        for &swing in swings {
            all.push(Clocks::swung(period, swing, late, &mut random));
        }
    }
    let beats = |parts: &[(u32, usize)]| -> Vec<u32> {
        parts.iter().flat_map(|&(interval, count)| vec![interval; count]).collect()
    };
    for (name, parts) in [
        ("twice as fast", [(6000, 8), (3000, 8), (0, 0)]),
        ("half as fast", [(6000, 8), (12_000, 8), (0, 0)]),
        ("faster and back", [(6000, 7), (3000, 7), (6000, 7)]),
        ("one early", [(6000, 8), (3300, 1), (6000, 8)]),
        ("one very early", [(6000, 8), (600, 1), (6000, 8)]),
        ("one early, in time", [(6000, 8), (1500, 1), (10_500, 1)]),
        ("one fails", [(6000, 8), (12_000, 1), (6000, 8)]),
        ("a pause", [(6000, 8), (100_000, 1), (6000, 8)]),
        ("a pause first", [(50_000, 1), (6000, 8), (6000, 8)]),
    ] {
        all.push(Clocks::new(name, beats(&parts)));
    }
    for n in 0..6 {
        let chance = |random: &mut Random| 700 + (11_000.0 * random.unipolar()) as u32;
        let intervals: Vec<u32> = (0..24).map(|_| chance(&mut random)).collect();
        all.push(Clocks::new(&format!("any {n}"), intervals));
    }
    all
}

/// Frames at which a gate input hears a gate begin.
fn begins(volts: &[f32]) -> Vec<u32> {
    let mut is_on = false;
    let mut begins = Vec::new();
    for (frame, &volts) in volts.iter().enumerate() {
        let was_on = is_on;
        is_on = volts > if was_on { SCHMITT_LOW_VOLTS } else { SCHMITT_HIGH_VOLTS };
        if is_on && !was_on {
            begins.push(frame as u32);
        }
    }
    begins
}

/// A way to play a module so that every clock is a gate at each of the outputs.
struct Play {
    module: &'static str,
    outputs: &'static [&'static str],
    settings: Vec<(&'static str, f32)>,
    notes: Option<&'static str>,
}

impl Play {
    fn rig(&self, clocks: &Clocks) -> Rig {
        let mut rig = Rig::named(self.module, RATE_HZ);
        for &(param, value) in &self.settings {
            rig.set(param, value);
        }
        if let Some(notes) = self.notes {
            rig.clip(compile(notes).unwrap(), 1, 0.0);
        }
        if self.module == "arpeggiator" {
            rig.feed("gate", |_, _| 10.0);
        }
        rig.feed("clock", clocks.volts());
        rig
    }
}

/// Every module with a clock and gates, in many ways. What has a clock and no
/// gates is named, so that a new module cannot be forgotten.
fn plays() -> Vec<Play> {
    let mut all = Vec::new();
    for entry in well_behaved().filter(|entry| entry.about.input("clock").is_some()) {
        let mut play = |outputs, settings: &[(&'static str, f32)]| {
            let settings = settings.to_vec();
            all.push(Play { module: entry.about.name, outputs, settings, notes: None });
        };
        match entry.about.name {
            "sequencer" => {
                for length in [0.0, 0.05, 0.5, 0.8, 1.0] {
                    play(&["gate", "trigger"], &[("gate-length", length)]);
                }
            }
            "arpeggiator" => {
                play(&["trigger"], &[("length", 1.0)]);
                for length in [0.05, 0.5, 0.8, 0.99] {
                    play(&["gate", "trigger", "end-of-cycle"], &[("length", length)]);
                }
            }
            "divider" => {
                for width in [0.05, 0.5, 0.8, 0.95] {
                    play(&["out-1"], &[("ratio-1", 13.0), ("width", width)]);
                }
            }
            "swing" => {
                for (swing, humanise) in [(0.5, 0.0), (0.75, 0.0), (0.6, 1.0)] {
                    play(&["clock"], &[("swing", swing), ("humanise", humanise)]);
                }
            }
            "drum-grid" => {
                for swing in [0.5, 0.75] {
                    play(
                        &["track-1", "track-8"],
                        &[("track-1", 65_535.0), ("track-8", 65_535.0), ("swing", swing)],
                    );
                }
            }
            "euclid" => play(&["gate", "trigger"], &[("fill", 8.0)]),
            "gated-random" => play(&["t2"], &[]),
            "random" => play(&["trigger"], &[]),
            "piano-roll" => {
                for length in ["0.25", "0.1"] {
                    let note = |n: usize| format!("{} {length} C4", n as f32 * 0.25);
                    let notes: Vec<String> = (0..4).map(note).collect();
                    let notes = Box::leak(notes.join("; ").into_boxed_str());
                    for voices in [1.0, 4.0] {
                        all.push(Play {
                            module: "piano-roll",
                            outputs: &["gate"],
                            settings: vec![("length", 1.0), ("voices", voices)],
                            notes: Some(notes),
                        });
                    }
                }
            }
            "automation" | "lfo" | "wavetable-lfo" | "shift-register" | "switch-1-to-8"
            | "switch-8-to-1" | "delay" | "tape-delay" => {}
            other => panic!("say in which way {other} plays a gate for every clock"),
        }
    }
    all
}

/// Gates of all channels of an output.
fn count(out: &Render, output: &str) -> usize {
    (0..out.channels(output)).map(|channel| begins(out.channel(output, channel)).len()).sum()
}

#[test]
fn every_step_has_a_gate_of_its_own_whatever_the_clock_does() {
    for clocks in uneven() {
        for play in plays() {
            let out = play.rig(&clocks).run(clocks.frames());
            for output in play.outputs {
                assert_eq!(
                    count(&out, output),
                    clocks.at.len(),
                    "{}.{output} {:?} {:?}: {}",
                    play.module,
                    play.settings,
                    play.notes,
                    clocks.name
                );
            }
        }
    }
}

#[test]
fn a_gate_begins_on_its_clocks_own_frame_wherever_the_one_before_could_end() {
    for (swing, clocks) in [0.5, 0.58, 0.667, 0.75]
        .map(|swing| (swing, Clocks::swung(6000, swing, 0, &mut Random::new(1))))
    {
        for play in plays() {
            let is_late = matches!(play.module, "swing" | "drum-grid");
            if is_late && play.settings.iter().any(|&(param, to)| param == "swing" && to > 0.5) {
                continue;
            }
            let out = play.rig(&clocks).run(clocks.frames());
            for output in play.outputs {
                let mut found: Vec<u32> = (0..out.channels(output))
                    .flat_map(|channel| begins(out.channel(output, channel)))
                    .collect();
                found.sort_unstable();
                let settled = found.iter().zip(&clocks.at).skip(4);
                let latest = settled.map(|(gate, clock)| gate - clock).max().unwrap();
                // One that comes right after another is off for 1 ms first.
                let most = if play.module == "piano-roll" { MS } else { 0 };
                assert!(latest <= most, "{}.{output} {swing}: {latest}", play.module);
            }
        }
    }
}

#[test]
fn notes_between_clocks_are_never_lost() {
    let notes = "0.125 0.02 C4; 0.19 0.02 C4; 0.22 0.01 D4; 0.375 0.1 E4; 0.625 0.125 F4; \
                 0.875 0.1 G4; 0.99 0.01 A4";
    for clocks in uneven().into_iter().filter(|clocks| !clocks.name.contains("any")) {
        // Until the last clock that ends a loop.
        let loops = (clocks.at.len() - 1) / 4;
        for voices in [1.0, 3.0] {
            let settings = vec![("length", 1.0), ("voices", voices)];
            let play = Play { module: "piano-roll", outputs: &[], settings, notes: Some(notes) };
            // The last notes of a loop may come a few milliseconds after it.
            let end = clocks.at[4 * loops] as usize;
            let out = play.rig(&clocks).run(end + 480);
            assert_eq!(count(&out, "gate"), 7 * loops, "{}, {voices} voices", clocks.name);
        }
    }
}

#[test]
fn ratchets_and_multiples_are_whole_under_swing_and_after_a_pause() {
    let steady = Clocks::new("steady", [6000; 12]);
    let swung = Clocks::swung(6000, 0.667, 0, &mut Random::new(1));
    let late = Clocks::swung(6000, 0.5, 288, &mut Random::new(1));
    let mut all = vec![(steady, 2), (swung, 4), (late, 2)];
    for pause in [12_000, 13_579, 120_000] {
        let intervals = [[6000; 8].as_slice(), &[pause], &[6000; 8]].concat();
        all.push((Clocks::new(&format!("a pause of {pause}"), intervals), 2));
    }
    for (clocks, settled) in &all {
        for strikes in 2..=4u32 {
            let step: Vec<String> = (1..=8).map(|step| format!("ratchet-{step}")).collect();
            let mut sequencer = Rig::named("sequencer", RATE_HZ);
            step.iter().for_each(|param| {
                sequencer.set(param, strikes as f32);
            });
            let mut arpeggiator = Rig::named("arpeggiator", RATE_HZ);
            arpeggiator.set("ratchet", strikes as f32).feed("gate", |_, _| 10.0);
            let mut divider = Rig::named("divider", RATE_HZ);
            divider.choose("ratio-1", &format!("×{strikes}"));
            for (rig, outputs) in [
                (&mut sequencer, vec!["gate", "trigger"]),
                (&mut arpeggiator, vec!["gate", "trigger"]),
                (&mut divider, vec!["out-1"]),
            ] {
                let out = rig.feed("clock", clocks.volts()).run(clocks.frames());
                for output in outputs {
                    let found = begins(out.channel(output, 0));
                    let per_clock = |n: usize| {
                        let end = clocks.at.get(n + 1).map_or(u32::MAX, |&clock| clock);
                        found.iter().filter(|&&at| (clocks.at[n]..end).contains(&at)).count()
                    };
                    for n in *settled..clocks.at.len() {
                        assert_eq!(per_clock(n) as u32, strikes, "{output} {n} {}", clocks.name);
                    }
                }
            }
        }
    }
}

#[test]
fn after_a_pause_beats_are_as_before_it() {
    for pause in [12_000, 30_011, 120_000] {
        let intervals = [[6000; 16].as_slice(), &[pause], &[6000; 8]].concat();
        let clocks = Clocks::new("a pause", intervals);
        for play in plays() {
            // Chance does not repeat itself.
            if play.module.contains("random") || play.settings.contains(&("humanise", 1.0)) {
                continue;
            }
            let out = play.rig(&clocks).run(clocks.frames());
            for output in play.outputs {
                // Both begin with the same step of eight, and of four.
                let part = |clock: usize| {
                    let start = clocks.at[clock] as usize;
                    (0..out.channels(output))
                        .flat_map(|channel| {
                            out.channel(output, channel)[start..][..36_000].to_vec()
                        })
                        .collect::<Vec<f32>>()
                };
                let (before, after) = (part(9), part(17));
                let same = before.iter().zip(&after).position(|(a, b)| a != b);
                assert_eq!(same, None, "{}.{output} {:?} {pause}", play.module, play.settings);
            }
        }
    }
}

#[test]
fn an_lfo_makes_whole_turns_after_a_pause() {
    for name in ["lfo", "wavetable-lfo"] {
        for pause in [12_000, 15_555, 120_000] {
            let intervals = [[6000; 8].as_slice(), &[pause], &[6000; 8]].concat();
            let clocks = Clocks::new("a pause", intervals);
            let mut rig = Rig::named(name, RATE_HZ);
            let first = clocks.at[1];
            rig.feed("reset", move |_, frame| if frame == u64::from(first) { 10.0 } else { 0.0 });
            let out = rig.feed("clock", clocks.volts()).run(clocks.frames());
            let (before, after) = (clocks.at[4] as usize, clocks.at[9] as usize);
            let volts = out.main();
            for frame in 0..24_000 {
                let (before, after) = (volts[before + frame], volts[after + frame]);
                assert!((before - after).abs() < 0.01, "{name} {pause} {frame}: {before} {after}");
            }
        }
    }
}

/// When each module with a clock and a reset plays its first step of eight.
fn first_steps(clocks: &Clocks, resets: &[u32]) -> BTreeMap<&'static str, Vec<u32>> {
    let mut all = BTreeMap::new();
    let names = well_behaved()
        .map(|entry| entry.about)
        .filter(|about| about.input("clock").is_some() && about.input("reset").is_some());
    for about in names {
        let mut rig = Rig::named(about.name, RATE_HZ);
        let resets = resets.to_vec();
        rig.feed("clock", clocks.volts()).feed("reset", move |_, frame| {
            let is_on = |reset: &u32| (u64::from(*reset)..u64::from(reset + 900)).contains(&frame);
            if resets.iter().any(is_on) { 10.0 } else { 0.0 }
        });
        let output = match about.name {
            "sequencer" => {
                for step in 2..=8 {
                    rig.choose(&format!("gate-{step}"), "off");
                }
                "trigger"
            }
            "piano-roll" => {
                rig.clip(compile("0 0.125 C4").unwrap(), 1, 0.0)
                    .set("length", 2.0)
                    .set("voices", 1.0);
                "gate"
            }
            "drum-grid" => {
                rig.set("track-1", 1.0).set("length", 8.0);
                "track-1"
            }
            "divider" => {
                rig.choose("ratio-1", "÷8").set("width", 0.05);
                "out-1"
            }
            "swing" => {
                rig.set("swing", 0.5);
                "on-beat"
            }
            "euclid" => {
                rig.set("fill", 1.0);
                "trigger"
            }
            "arpeggiator" => {
                rig.feed_channels("gate", 2, |_, _| 10.0).set("octaves", 4.0);
                "end-of-cycle"
            }
            "gated-random" => {
                // Below, by what it shows.
                "t2"
            }
            "shift-register" => {
                rig.feed("in", |_, _| 10.0);
                "out-8"
            }
            "switch-1-to-8" => {
                rig.feed("in", |_, _| 10.0).set("fade", 0.0);
                "out-8"
            }
            "switch-8-to-1" => {
                rig.feed("in-8", |_, _| 10.0).set("fade", 0.0);
                "out"
            }
            // They begin their cycle with the reset, not with a clock; and it has no steps.
            "lfo" | "wavetable-lfo" | "automation" => continue,
            other => panic!("say how the first step of {other} is heard"),
        };
        let out = rig.run(clocks.frames());
        let found = begins(out.channel(output, 0));
        // What is heard on the eighth step is seven clocks late.
        let is_eighth = output == "out-8" || about.name == "switch-8-to-1";
        let first = |frame: u32| {
            let clock = clocks.at.partition_point(|&clock| clock <= frame).max(1) - 1;
            if is_eighth { clocks.at[clock.saturating_sub(7)] } else { frame }
        };
        all.insert(about.name, found.into_iter().map(first).collect());
    }
    all
}

#[test]
fn after_a_reset_at_any_instant_the_next_clock_plays_step_one_everywhere() {
    let mut random = Random::new(11);
    let clocks = Clocks::new("steady", [2400; 40]);
    for n in 0..25 {
        let at = match n {
            // With a clock, and up to 1 ms before and after it.
            0..=2 => clocks.at[13] + [0, MS, 20][n],
            3..=4 => clocks.at[13] - [MS, 1][n - 3],
            _ => clocks.at[8] + (14_400.0 * random.unipolar()) as u32,
        };
        let since = (at - clocks.at[0]) % 2400;
        let clock = clocks.at.partition_point(|&clock| clock < at);
        // A clock that came up to 1 ms before belongs to the reset.
        let clock = if (1..=MS).contains(&since) { clock - 1 } else { clock };
        for (module, steps) in first_steps(&clocks, &[at]) {
            let round = match module {
                "swing" => 2,
                "gated-random" => 1,
                // It stays full.
                "shift-register" => usize::MAX,
                _ => 8,
            };
            // Those that go on as before are known by the step after the reset.
            let is_first = |frame: u32| {
                (clock..clocks.at.len())
                    .step_by(round)
                    .any(|clock| frame.wrapping_sub(clocks.at[clock]) <= 2 * MS)
            };
            let after: Vec<u32> =
                steps.iter().copied().filter(|&frame| frame >= at.min(clocks.at[clock])).collect();
            let context = format!("{module}, reset {since} frames after a clock: {after:?}");
            assert!(!after.is_empty() && after.iter().all(|&frame| is_first(frame)), "{context}");
            // What shows its eighth step may have been emptied on the way.
            assert!(is_first(after[0]) && after[0] <= clocks.at[clock] + 2 * MS, "{context}");
            assert!(after.len() + 1 >= (clocks.at.len() - clock).div_ceil(round), "{context}");
        }
    }
}

#[test]
fn between_a_reset_and_the_next_clock_nothing_is_played() {
    let clocks = Clocks::new("steady", [6000; 20]);
    for play in plays() {
        // A beat that is late by chance may be what the reset ends.
        if play.settings.contains(&("humanise", 1.0)) {
            continue;
        }
        if well_behaved()
            .any(|entry| entry.about.name == play.module && entry.about.input("reset").is_none())
        {
            continue;
        }
        let mut rig = play.rig(&clocks);
        let at = u64::from(clocks.at[8] + 1000);
        rig.feed("reset", move |_, frame| if frame == at { 10.0 } else { 0.0 });
        let out = rig.run(clocks.frames());
        for output in play.outputs {
            for channel in 0..out.channels(output) {
                let begins = begins(out.channel(output, channel));
                let between = at as u32..clocks.at[9];
                assert!(!begins.iter().any(|frame| between.contains(frame)), "{}", play.module);
            }
            // The clock after it, and every other, has its gate.
            assert_eq!(count(&out, output), clocks.at.len(), "{}.{output}", play.module);
        }
    }
}

/// The lowest and the highest pitch of what comes back of 440 Hz, in cents.
fn off_pitch(name: &str, division: &str, clocks: &Clocks, from: u32) -> (f64, f64) {
    let mut rig = Rig::named(name, RATE_HZ);
    rig.set("mix", 1.0).set("feedback", 0.0).choose("division", division);
    if name == "tape-delay" {
        rig.set("wow", 0.0).set("flutter", 0.0).set("drive", 0.0);
    }
    rig.feed("left", |_, frame| {
        (frame as f64 * (440.0 * std::f64::consts::TAU / 48e3)).sin() as f32
    });
    let out = rig.feed("clock", clocks.volts()).run(*clocks.at.last().unwrap() as usize);
    let parts = out.channel("left", 0)[from as usize..].chunks_exact(4800);
    let cents: Vec<f64> =
        parts.map(|part| cents(frequency_hz(part, 48e3, Some(440.0)), 440.0)).collect();
    let fold = |f: fn(f64, f64) -> f64| cents.iter().copied().reduce(f).unwrap();
    (fold(f64::min), fold(f64::max))
}

#[test]
fn a_clocked_delay_keeps_its_pitch_while_the_tempo_is_steady() {
    let mut random = Random::new(2);
    let pause = [[12_000; 8].as_slice(), &[96_000], &[12_000; 6]].concat();
    let mut all = vec![(Clocks::new("a pause", pause), 8 * 12_000)];
    for (period, swing, late) in
        [(6000, 0.58, 0), (24_000, 0.5, 288), (6000, 0.5, 288), (6000, 0.667, 288)]
    {
        all.push((Clocks::swung(period, swing, late, &mut random), 8 * period + 8000));
    }
    for (clocks, from) in all {
        for (name, division) in
            [("delay", "1"), ("delay", "4"), ("tape-delay", "1"), ("tape-delay", "3/4")]
        {
            let settled = from + 30_000;
            let (low, high) = off_pitch(name, division, &clocks, settled);
            assert!(low > -3.0 && high < 3.0, "{name} {division} {}: {low} {high}", clocks.name);
        }
    }
}

#[test]
fn a_clocked_delay_is_at_another_tempo_within_a_beat() {
    for name in ["delay", "tape-delay"] {
        for next in [12_000, 18_000, 22_000, 27_000, 48_000] {
            let intervals = [[24_000; 8].as_slice(), &[next; 8]].concat();
            let clocks = Clocks::new("another tempo", intervals);
            let mut rig = Rig::named(name, RATE_HZ);
            rig.set("mix", 1.0).set("feedback", 0.0);
            // An impulse with each of the last four clocks.
            let hits: Vec<u64> = clocks.at[11..15].iter().map(|&clock| u64::from(clock)).collect();
            let heard = hits.clone();
            rig.feed("left", move |_, n| if heard.contains(&n) { 5.0 } else { 0.0 });
            let out = rig.feed("clock", clocks.volts()).run(clocks.frames());
            let left = out.channel("left", 0);
            for hit in hits {
                let due = (hit + u64::from(next)) as usize;
                let peak = (due - 400..due + 400).map(|n| left[n].abs()).fold(0.0, f32::max);
                assert!(peak > 0.5, "{name} {next}: nothing comes back of {hit}");
            }
        }
    }
}

#[test]
fn any_cut_and_any_takeover_gives_the_same_samples_under_an_uneven_clock() {
    let clocks = Clocks::swung(2400, 0.62, 288, &mut Random::new(9));
    for play in plays() {
        let render = |is_cut: bool| {
            let mut rig = play.rig(&clocks);
            if is_cut {
                rig.frame_by_frame();
            }
            rig.run(6400);
            let committed = rig.committed();
            if is_cut {
                rig.run(3200);
                rig.take_over(&committed);
            }
            let out = rig.run(24_000);
            play.outputs.iter().map(|output| out.channel(output, 0).to_vec()).collect::<Vec<_>>()
        };
        assert!(render(false) == render(true), "{}", play.module);
    }
}
