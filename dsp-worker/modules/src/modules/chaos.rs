//! Chaos: voltages that circle for ever and never come back to where they were,
//! from a slow drift to a growl.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::chaos::{Flow, henon, logistic};
use sostenuto_dsp::exp2;
use sostenuto_dsp::random::Random;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::units::{AUDIO_VOLTS, CHANNELS};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::sweep;

const RATE_IN: usize = 0;
const CHAOS_IN: usize = 1;
const RESET: usize = 2;

const RATE: usize = 0;
const RATE_AMOUNT: usize = 1;
const CHAOS: usize = 2;
const MODEL: usize = 3;

const LORENZ: usize = 0;
const ROSSLER: usize = 1;
const CHUA: usize = 2;
const HENON: usize = 3;

/// Steps in one frame at most: what is faster than that stays so fast.
const MOST_STEPS: usize = 4;
/// An orbit that comes so far out would not return.
const LOST: f64 = 1e3;
/// The highest peaks may pass 5 V by this.
const PEAK_VOLTS: f64 = 6.0;
const MAX_OCTAVES: f32 = 20.0;

/// Sixteen orbits.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Chaos {
    seed: u64,
    voices: [Voice; CHANNELS],
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Voice {
    at: [f64; 3],
    /// A map's way to its next step, 0 to 1, and the one before it.
    way: f64,
    before: f64,
    reset: Schmitt,
    /// The system that it follows, from 1; 0 for none yet.
    model: u32,
}

impl Module for Chaos {
    const ABOUT: &'static About = &About {
        name: "chaos",
        title: "Chaos",
        summary: "Five classic chaotic systems, from a slow drift to a growl",
        aliases: &["lorenz", "rossler", "attractor"],
        tags: &[Tag::Modulator, Tag::Random, Tag::Source, Tag::Polyphonic],
        inputs: &[
            sweep::RATE,
            port("chaos", "Chaos CV: each volt adds 10 %").moves_own(By::TenthPerVolt),
            port("reset", "A trigger restarts the orbit; every channel has its own starting point"),
        ],
        outputs: &[
            port("x", "First coordinate, about ±5 V. With maps: a new value per turn"),
            port("y", "Second coordinate, about ±5 V. With maps: the value before"),
            port(
                "z",
                "Third coordinate, about ±5 V. Rössler: an occasional peak. With maps: glides to x",
            ),
        ],
        params: &[
            Param::log(
                "rate",
                0.01..=2000.0,
                1.0,
                Unit::Hz,
                "Average turns per second; with maps, steps per second",
            ),
            sweep::RATE_AMOUNT,
            Param::linear(
                "chaos",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "From order (repeating cycles in all models but Lorenz) to wild orbits",
            ),
            Param::choice(
                "model",
                &["Lorenz", "Rössler", "Chua", "Hénon", "logistic"],
                LORENZ,
                "Lorenz switches between two sides, Rössler circles and flares up, Chua spirals \
                 out and jumps; Hénon and logistic are maps, which move in steps",
            ),
        ],
        keeps_time: true,
        ..About::BLANK
    };

    fn start(&mut self, seed: u64) {
        self.seed = seed;
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[RATE_IN, CHAOS_IN, RESET]);
        let (rate, amount) = (block.ramp(RATE), block.ramp(RATE_AMOUNT));
        let (chaos, model) = (block.ramp(CHAOS), block.choice(MODEL));
        let [rate_in, chaos_in, reset] = [RATE_IN, CHAOS_IN, RESET].map(|port| block.input(port));
        let frame_secs = 1.0 / block.sample_rate_hz;
        for (channel, voice) in self.voices[..channels].iter_mut().enumerate() {
            for frame in block.frames() {
                let is_reset = voice.reset.rises(reset.at(channel, frame));
                if is_reset || voice.model != model as u32 + 1 || voice.is_lost() {
                    voice.start(model, self.seed.wrapping_add(channel as u64));
                }
                let mut turns = rate.at(frame) * frame_secs;
                if rate_in.is_patched() {
                    let octaves = rate_in.at(channel, frame) * amount.at(frame);
                    turns *= exp2(octaves.clamp(-MAX_OCTAVES, MAX_OCTAVES));
                }
                let more = 0.1 * chaos_in.at(channel, frame);
                let chaos = f64::from((chaos.at(frame) + more).clamp(0.0, 1.0));
                let point = voice.next(model, f64::from(turns), chaos);
                for (port, part) in point.into_iter().enumerate() {
                    let volts = f64::from(AUDIO_VOLTS) * part;
                    let volts = volts.clamp(-PEAK_VOLTS, PEAK_VOLTS) as f32;
                    block.output(port).set(channel, frame, volts);
                }
            }
        }
    }
}

impl Voice {
    /// A hair beside the usual start, so that channels part.
    #[inline(always)]
    fn start(&mut self, model: usize, seed: u64) {
        let mut start = match model {
            LORENZ => Flow::Lorenz.start(),
            ROSSLER => Flow::Rossler.start(),
            CHUA => Flow::Chua.start(),
            _ => [0.3, 0.1, 0.0],
        };
        start[0] *= 1.0 + 0.1 * f64::from(Random::new(seed).bipolar());
        self.at = start;
        self.before = start[0];
        self.way = 0.0;
        self.model = model as u32 + 1;
    }

    #[inline(always)]
    fn is_lost(&self) -> bool {
        self.at.iter().any(|part| !(-LOST..LOST).contains(part))
    }

    /// Goes on by so many turns. Where it is, within ±1 but for rare peaks.
    #[inline(always)]
    fn next(&mut self, model: usize, turns: f64, chaos: f64) -> [f64; 3] {
        match model {
            LORENZ => self.flow(Flow::Lorenz, turns, chaos),
            ROSSLER => self.flow(Flow::Rossler, turns, chaos),
            CHUA => self.flow(Flow::Chua, turns, chaos),
            HENON => {
                let [x, y, z] = self.map(turns, |at| henon(at, 1.0 + 0.4 * chaos));
                [x / 1.3, y / 0.39, z / 1.3]
            }
            // In f64 the whole of 4 would sooner or later end at 0.
            _ => {
                let [x, y, z] = self.map(turns, |at| logistic(at, 3.0 + 0.9999 * chaos));
                [2.0 * x - 1.0, 2.0 * y - 1.0, 2.0 * z - 1.0]
            }
        }
    }

    #[inline(always)]
    fn flow(&mut self, flow: Flow, turns: f64, chaos: f64) -> [f64; 3] {
        let parameter = flow.parameter(chaos);
        let longest = flow.longest_step();
        let time = (turns * flow.turn(parameter)).min(longest * MOST_STEPS as f64);
        let steps = ((time / longest) as usize + 1).min(MOST_STEPS);
        for _ in 0..steps {
            self.at = flow.step(self.at, parameter, time / steps as f64);
        }
        flow.scaled(self.at, parameter)
    }

    #[inline(always)]
    fn map(&mut self, turns: f64, step: impl Fn([f64; 2]) -> [f64; 2]) -> [f64; 3] {
        self.way += turns.min(1.0);
        let [x, y, _] = self.at;
        if self.way >= 1.0 {
            self.way -= 1.0;
            self.before = x;
            let [x, y] = step([x, y]);
            self.at = [x, y, 0.0];
        }
        let [x, y, _] = self.at;
        [x, y, self.before + (x - self.before) * self.way]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    const MODELS: [&str; 5] = ["Lorenz", "Rössler", "Chua", "Hénon", "logistic"];

    #[test]
    fn it_keeps_to_5_volts_at_every_rate_and_never_stops() {
        for model in MODELS {
            for rate in [3.0, 440.0, 2000.0] {
                let mut rig = Rig::new::<Chaos>(48_000.0);
                rig.choose("model", model).set("rate", rate).set("chaos", 1.0);
                let out = rig.feed("rate", |_, frame| (frame / 4000) as f32 % 3.0).run(96_000);
                for output in ["x", "y", "z"] {
                    let late = &out.channel(output, 0)[48_000..];
                    let peak = late.iter().fold(0f32, |peak, volts| peak.max(volts.abs()));
                    assert!((1.0..6.0).contains(&peak), "{model} {output} {rate} Hz: {peak} V");
                }
            }
        }
    }

    #[test]
    fn it_turns_as_often_as_its_rate_says() {
        for (model, output) in [("Lorenz", "z"), ("Rössler", "x"), ("Chua", "z")] {
            let mut rig = Rig::new::<Chaos>(48_000.0);
            let out = rig.choose("model", model).set("rate", 100.0).run(480_000);
            let is_top = |three: &&[f32]| three[1] > three[0] && three[1] >= three[2];
            let turns = out.channel(output, 0).windows(3).filter(is_top).count();
            assert!((900..1100).contains(&turns), "{model}: {turns} in 10 s");
        }
    }

    #[test]
    fn order_repeats_and_chaos_does_not() {
        let values = |chaos: f32| {
            let mut rig = Rig::new::<Chaos>(1000.0);
            rig.choose("model", "logistic").set("rate", 100.0).set("chaos", chaos);
            let out = rig.run(20_000).main().to_vec();
            let mut values: Vec<i32> =
                out[10_000..].chunks(10).map(|step| (step[5] * 1e4) as i32).collect();
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        // r = 3.3 has a cycle of two, r = 3.5 of four.
        assert_eq!((values(0.3), values(0.5)), (2, 4));
        assert!(values(1.0) > 900);
    }

    #[test]
    fn a_reset_brings_the_same_orbit_again_and_channels_part() {
        let mut rig = Rig::new::<Chaos>(48_000.0);
        rig.set("rate", 50.0);
        rig.feed_channels("reset", 2, |_, frame| if frame == 20_000 { 10.0 } else { 0.0 });
        let out = rig.run(40_000);
        let x = out.channel("x", 0);
        assert_eq!(x[..20_000], x[20_000..]);
        let apart = x.iter().zip(out.channel("x", 1)).filter(|(a, b)| (*a - *b).abs() > 1.0);
        assert!(apart.count() > 10_000);
    }
}
