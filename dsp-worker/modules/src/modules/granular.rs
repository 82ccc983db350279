//! Granular: clouds of small pieces of what was just heard.
//!
//! What comes in goes on a tape, one for each side; up to thirty-two grains read
//! it somewhere behind (Roads, *Microsound*, chapter 3). Frozen, the tape goes
//! round: each frame is written again as long after as the tape is.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::tape_head::{Place, SHORTEST_FRAMES};
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, QUANTUM};
use sostenuto_dsp::{dry_wet, exp2, hush};

use crate::Module;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::mix::mix;
use crate::parts::recording::Recording;
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const TRIGGER: usize = 2;
const VOCT: usize = 3;
const POSITION_CV: usize = 4;
const SIZE_CV: usize = 5;
const DENSITY_CV: usize = 6;
const FREEZE_CV: usize = 7;
const POSITION: usize = 0;
const SCATTER: usize = 1;
const SIZE: usize = 2;
const DENSITY: usize = 3;
const JITTER: usize = 4;
const PITCH: usize = 5;
const REVERSE: usize = 6;
const SHAPE: usize = 7;
const SPREAD: usize = 8;
const FREEZE: usize = 9;
const MIX: usize = 10;

const GRAINS: usize = 32;
const LONGEST_SECS: f32 = 10.0;
/// Peaks of the tape that it shows, and how many quanta there are from one to the
/// next: all of them are new within a third of a second.
const PEAKS: usize = 128;
const QUANTA_PER_PEAK: u64 = 4;
/// Frames that are looked at for a peak. More would not be seen, and cost.
const LOOKS: usize = 24;
/// How long the tape takes from recording to going round, in seconds.
const FREEZE_SECS: f32 = 5e-3;

/// The grains. What they play is on the tapes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Granular {
    recording: Recording,
    random: Random,
    grains: [Grain; GRAINS],
    trigger: Schmitt,
    freeze: Schmitt,
    /// The way to the next grain, 0 to 1, and how long it is this time.
    way: f32,
    way_length: f32,
    /// How far the tape is frozen, 0 to 1.
    frozen: f32,
    /// How far it has gone round since.
    turned_frames: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Grain {
    /// How far behind the recording it reads.
    delay_frames: f64,
    /// How fast it reads: 1 forwards at its own pitch, -1 backwards.
    speed: f32,
    /// The way through its window, 0 to 1, and a frame's part of it; 0 where
    /// there is no grain.
    way: f32,
    step: f32,
    left: f32,
    right: f32,
    /// How flat its window is, from 1 for a bell.
    flatness: f32,
}

impl Module for Granular {
    const ABOUT: &'static About = &About {
        name: "granular",
        title: "Granular",
        summary: "Records the input and plays clouds of up to 32 short grains of it",
        aliases: &[
            "clouds",
            "grains",
            "looper",
            "pitch shift",
            "pitch shifter",
            "harmonizer",
            "time stretch",
        ],
        tags: &[Tag::Effect, Tag::Random],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port("trigger", "While patched, each rising edge plays a grain, instead of density"),
            port("voct", "Pitch CV, 1 V/octave, read as a grain begins").moves(
                "pitch",
                None,
                By::OctavePerVolt,
            ),
            port("position", "Position CV: each volt is one second").moves_own(By::TenthPerVolt),
            port("size", "Size CV: each volt doubles the size").moves_own(By::OctavePerVolt),
            port("density", "Density CV: each volt doubles the density")
                .moves_own(By::OctavePerVolt),
            port("freeze", "While on (above 1 V), the recording is frozen")
                .moves_own(By::OnAboveOneVolt),
        ],
        outputs: &[
            port("left", "Left input mixed with the cloud"),
            port("right", "Right input mixed with the cloud"),
        ],
        params: &[
            Param::linear(
                "position",
                0.0..=1.0,
                0.05,
                Unit::Fraction,
                "Where grains start: 0 is now, 1 is 10 s ago",
            ),
            Param::linear(
                "scatter",
                0.0..=1.0,
                0.03,
                Unit::Fraction,
                "Random variation of the position",
            ),
            Param::log("size", 0.005..=2.0, 0.12, Unit::Secs, "The length of a grain"),
            Param::log("density", 0.2..=400.0, 25.0, Unit::Hz, "Grains per second"),
            Param::linear(
                "jitter",
                0.0..=1.0,
                0.7,
                Unit::Fraction,
                "From evenly timed grains, 0, to randomly timed ones, 1",
            ),
            Param::linear("pitch", -36.0..=36.0, 0.0, Unit::Semitones, "Transposes the grains"),
            Param::linear(
                "reverse",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "The share of grains that play backwards",
            ),
            Param::linear(
                "shape",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "The envelope of a grain: from a soft bell to a hard gate",
            ),
            Param::linear("spread", 0.0..=1.0, 0.6, Unit::Fraction, "Random panning of the grains"),
            Param::switch("freeze", false, "Keeps the last 10 s and stops recording").steady(),
            mix(1.0),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // The peaks of the tape, the newest first, then where each grain reads it, as
        // `position` counts; -1 where there is no grain.
        display: PEAKS + GRAINS,
        screen: Some(Screen::Curve(Curve::Grains)),
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        vec![longest_frames(sample_rate_hz) as usize; 2]
    }

    fn start(&mut self, seed: u64) {
        self.random = Random::new(seed);
        self.way = 1.0;
    }

    fn change_rate(&mut self, change: &RateChange) {
        for grain in &mut self.grains {
            change.frames(&mut grain.delay_frames);
            change.step(&mut grain.step);
        }
        change.frames(&mut self.turned_frames);
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.grains = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        self.recording.follow(block);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let trigger = block.input(TRIGGER);
        let mix = block.ramp(MIX);
        for frame in block.frames() {
            let inputs = [LEFT, RIGHT].map(|side| input.at(side, frame));
            self.record(block, inputs, frame);
            let is_triggered = self.trigger.rises(trigger.at(0, frame));
            let is_due = self.is_due(block, frame);
            let begins = if trigger.is_patched() { is_triggered } else { is_due };
            if begins {
                self.begin(block, frame);
            }
            let cloud = self.play(block, frame);
            let (dry, wet) = dry_wet(mix.at(frame));
            for side in [LEFT, RIGHT] {
                block.output(side).put(0, frame, dry * inputs[side] + wet * cloud[side]);
            }
        }
        if block.starts_quantum() {
            self.show_peak(block);
            self.show_grains(block);
        }
    }
}

impl Granular {
    /// Shows the peak of the next part of the tape.
    #[inline(always)]
    fn show_peak(&self, block: &Block) {
        let quantum = block.frame / QUANTUM as u64;
        if !quantum.is_multiple_of(QUANTA_PER_PEAK) {
            return;
        }
        let part = (quantum / QUANTA_PER_PEAK % PEAKS as u64) as usize;
        let turn_frames = longest_frames(block.sample_rate_hz) as usize;
        let [first, end] = [part, part + 1].map(|part| part * turn_frames / PEAKS);
        let mut peak: f32 = 0.0;
        for ago in (first..end).step_by(((end - first) / LOOKS).max(1)) {
            // What is frozen lies a turn further on, at most.
            let delay = (ago + self.turned_frames as usize) % turn_frames.max(1) + 1;
            let level = self.recording.level(block.frame, delay as f32);
            peak = peak.max((level * block.tapes.read(LEFT, 0, delay)).abs());
        }
        block.show(part, peak * (1.0 / FULL_SCALE_VOLTS));
    }

    /// Shows where grains read.
    #[inline(always)]
    fn show_grains(&self, block: &Block) {
        let per_frame = 1.0 / longest_frames(block.sample_rate_hz) as f32;
        for (index, grain) in self.grains.iter().enumerate() {
            let ago = (grain.delay_frames as f32 - self.turned_frames as f32) * per_frame;
            let place = if ago < 0.0 { ago + 1.0 } else { ago };
            block.show(PEAKS + index, if grain.step > 0.0 { place } else { -1.0 });
        }
    }

    /// Writes the tapes: what comes in, or what was there one turn ago. It fades
    /// between them, so that neither seam clicks.
    #[inline(always)]
    fn record(&mut self, block: &mut Block, inputs: [f32; 2], frame: usize) {
        let volts = block.input(FREEZE_CV).at(0, frame);
        let is_frozen = self.freeze.follow(volts) || block.is_on(FREEZE);
        let step = 1.0 / (FREEZE_SECS * block.sample_rate_hz);
        self.frozen = (self.frozen + if is_frozen { step } else { -step }).clamp(0.0, 1.0);
        let turn_frames = longest_frames(block.sample_rate_hz);
        self.turned_frames = match self.turned_frames + 1 {
            turned if is_frozen && turned < turn_frames => turned,
            _ => 0,
        };
        for side in [LEFT, RIGHT] {
            let before = block.tapes.read(side, frame, turn_frames as usize)
                * self.recording.level(block.frame + frame as u64, turn_frames as f32);
            let kept = inputs[side] + self.frozen * (before - inputs[side]);
            block.tapes.write(side, frame, hush(kept));
        }
    }

    /// Whether the next grain begins, by the density.
    #[inline(always)]
    fn is_due(&mut self, block: &Block, frame: usize) -> bool {
        let octaves = block.input(DENSITY_CV).at(0, frame).clamp(-20.0, 20.0);
        let density_hz = (exp2(octaves) * block.ramp(DENSITY).at(frame)).clamp(0.2, 400.0);
        self.way += density_hz / block.sample_rate_hz;
        if self.way < self.way_length {
            return false;
        }
        self.way = 0.0;
        self.way_length = 1.0 + block.param(JITTER) * self.random.bipolar();
        true
    }

    /// Begins a grain where there is room for one.
    #[inline(always)]
    fn begin(&mut self, block: &Block, frame: usize) {
        let [place, turns_back, pan] = [(); 3].map(|()| self.random.unipolar());
        let Some(grain) = self.grains.iter_mut().find(|grain| grain.step == 0.0) else { return };
        let volts = |port: usize| block.input(port).at(0, frame).clamp(-20.0, 20.0);
        let rate_hz = block.sample_rate_hz;
        let octaves = volts(VOCT) + block.param(PITCH) * (1.0 / 12.0);
        let speed = exp2(octaves.clamp(-5.0, 3.0));
        let size_secs = (exp2(volts(SIZE_CV)) * block.param(SIZE)).clamp(0.005, 2.0);
        let size_frames = f64::from(size_secs * rate_hz);

        let position = (block.param(POSITION) + 0.1 * volts(POSITION_CV)).clamp(0.0, 1.0);
        let scattered = position + block.param(SCATTER) * (2.0 * place - 1.0);
        let turn_frames = f64::from(longest_frames(rate_hz));
        let is_back = turns_back < block.param(REVERSE);
        let speed = if is_back { -speed } else { speed };
        // It must neither overtake the recording nor fall off the tape's end.
        let gains = (f64::from(speed) - 1.0) * size_frames;
        let nearest = SHORTEST_FRAMES + gains.max(0.0);
        let furthest = turn_frames - 2.0 - (-gains).max(0.0);
        let delay = (f64::from(scattered) * turn_frames).min(furthest).max(nearest);
        let delay = delay + f64::from(self.turned_frames);
        // Played backwards it comes to what is older.
        let oldest = delay - f64::from(speed.min(0.0)) * size_frames;
        let level = self.recording.level(block.frame + frame as u64, oldest as f32);

        let side = block.param(SPREAD) * (2.0 * pan - 1.0);
        let octaves = volts(DENSITY_CV);
        let density_hz = (exp2(octaves) * block.param(DENSITY)).clamp(0.2, 400.0);
        let overlap = (density_hz * size_secs).clamp(1.0, GRAINS as f32);
        // Who triggers grains says how many there are.
        let share = if block.input(TRIGGER).is_patched() { 1.0 } else { 1.0 / overlap.sqrt() };
        let gain = level * share;
        *grain = Grain {
            delay_frames: delay,
            speed,
            way: 0.0,
            step: (1.0 / size_frames) as f32,
            left: gain * (1.0 - side).min(1.0),
            right: gain * (1.0 + side).min(1.0),
            flatness: exp2(5.0 * block.param(SHAPE)),
        };
    }

    /// All grains together, at this frame.
    #[inline(always)]
    fn play(&mut self, block: &Block, frame: usize) -> [f32; 2] {
        let turn_frames = f64::from(longest_frames(block.sample_rate_hz));
        let mut cloud = [0.0; 2];
        for grain in self.grains.iter_mut().filter(|grain| grain.step > 0.0) {
            // A frozen tape has the same a turn further on.
            if grain.delay_frames > turn_frames {
                grain.delay_frames -= turn_frames;
            } else if grain.delay_frames < SHORTEST_FRAMES {
                grain.delay_frames += turn_frames - SHORTEST_FRAMES;
            }
            let place = Place::far(grain.delay_frames);
            let arch = sine_of_triangle(1.0 - (2.0 * grain.way - 1.0).abs());
            let window = (arch * arch * grain.flatness).min(1.0);
            cloud[LEFT] += grain.left * window * place.read(&block.tapes, LEFT, frame);
            cloud[RIGHT] += grain.right * window * place.read(&block.tapes, RIGHT, frame);
            grain.delay_frames += 1.0 - f64::from(grain.speed);
            grain.way += grain.step;
            if grain.way >= 1.0 {
                grain.step = 0.0;
            }
        }
        cloud
    }
}

#[inline(always)]
fn longest_frames(sample_rate_hz: f32) -> u32 {
    (LONGEST_SECS * sample_rate_hz) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{cents, frequency_hz};

    /// A tape of 10 000 frames.
    const RATE_HZ: f32 = 1000.0;

    fn rms(sound: &[f32]) -> f32 {
        (sound.iter().map(|v| v * v).sum::<f32>() / sound.len() as f32).sqrt()
    }

    fn sine(frame: u64, turns: f64) -> f32 {
        5.0 * (std::f64::consts::TAU * (frame as f64 * turns).fract()).sin() as f32
    }

    #[test]
    fn a_triggered_grain_is_what_was_heard_then_under_its_window() {
        let mut rig = Rig::new::<Granular>(RATE_HZ);
        rig.set("position", 0.1).set("scatter", 0.0).set("size", 0.1).set("spread", 0.0);
        rig.feed("left", |_, frame| frame as f32 * 1e-3);
        rig.feed("trigger", |_, frame| if frame == 2000 { 10.0 } else { 0.0 });
        let out = rig.run(2200);
        let cloud = out.main();
        assert!(cloud[..2001].iter().all(|&volts| volts == 0.0));
        // 1000 frames ago, at the middle of the window.
        assert!((cloud[2050] - 1.05).abs() < 1e-3, "{}", cloud[2050]);
        assert!((cloud[2025] - 0.5 * 1.025).abs() < 1e-2, "{}", cloud[2025]);
        assert!(cloud[2101..].iter().all(|&volts| volts == 0.0));
    }

    #[test]
    fn a_volt_transposes_by_an_octave() {
        let mut rig = Rig::new::<Granular>(48_000.0);
        rig.set("position", 0.5).set("scatter", 0.0).set("size", 2.0).set("shape", 1.0);
        rig.feed("left", |_, frame| sine(frame, 0.01)).feed("voct", |_, _| 1.0);
        rig.feed("trigger", |_, frame| if frame == 240_000 { 10.0 } else { 0.0 });
        rig.run(250_000);
        let found_hz = frequency_hz(rig.run(70_000).main(), 48_000.0, None);
        assert!(cents(found_hz, 960.0).abs() < 0.01, "{found_hz}");
    }

    #[test]
    fn frozen_it_plays_the_same_place_for_ever() {
        let mut rig = Rig::new::<Granular>(RATE_HZ);
        rig.set("position", 0.3).set("scatter", 0.0).set("size", 0.1).set("spread", 0.0);
        rig.feed("left", |_, frame| if frame < 12_000 { frame as f32 * 1e-3 } else { -3.0 });
        rig.feed("freeze", |_, frame| if frame >= 12_000 { 10.0 } else { 0.0 });
        rig.feed("trigger", |_, frame| if frame % 1000 == 500 { 10.0 } else { 0.0 });
        rig.run(12_000);
        let cloud = rig.run(64_000).main().to_vec();
        for second in 0..64 {
            let middle = cloud[1000 * second + 550];
            assert!((middle - 9.05).abs() < 0.01, "{second}: {middle}");
        }
    }

    #[test]
    fn a_cloud_is_about_as_loud_as_the_sound_however_dense() {
        for density in [20.0, 100.0, 400.0] {
            let mut rig = Rig::new::<Granular>(48_000.0);
            let mut random = Random::new(7);
            rig.set("density", density).set("size", 0.06).set("scatter", 0.2);
            rig.set("position", 0.3).set("spread", 0.0);
            rig.feed("left", move |_, _| 5.0 * random.bipolar());
            rig.run(300_000);
            let ratio = rms(rig.run(96_000).main()) / 2.887;
            assert!((0.4..1.1).contains(&ratio), "{density}: {ratio}");
        }
    }

    #[test]
    fn grains_come_as_often_as_the_density_says() {
        let mut rig = Rig::new::<Granular>(48_000.0);
        rig.set("density", 10.0).set("size", 0.005).set("scatter", 0.0).set("jitter", 0.0);
        rig.feed("left", |_, _| 5.0).set("position", 0.001);
        rig.run(4800);
        let cloud = rig.run(480_000).main().to_vec();
        let begins = cloud.windows(2).filter(|pair| pair[0] == 0.0 && pair[1] > 0.0).count();
        assert!((99..=101).contains(&begins), "{begins}");
    }

    #[test]
    fn silence_in_is_silence_out_after_the_tape() {
        let mut rig = Rig::new::<Granular>(RATE_HZ);
        rig.set("scatter", 1.0).feed("left", |_, frame| if frame < 500 { 5.0 } else { 0.0 });
        rig.run(13_000);
        assert!(rig.run(10_000).main().iter().all(|&volts| volts == 0.0));
    }
}
