//! Sample & Hold: a voltage caught and kept; with nothing patched in, chance.

use bytemuck::{Pod, Zeroable};

use crate::Module;
use crate::dsp::exp2;
use crate::dsp::mask::Mask;
use crate::dsp::random::Random;
use crate::lane::{LANES, Lane, Lanes};
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::signal::groups;
use crate::units::{AUDIO_VOLTS, SCHMITT_HIGH_VOLTS, SCHMITT_LOW_VOLTS};

const IN: usize = 0;
const TRIGGER: usize = 1;
const OUT: usize = 0;
const MODE: usize = 0;
const SLEW: usize = 1;
const TRACK: usize = 1;

/// What sixteen of them hold. Yes is 1 and no is 0.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SampleHold {
    noise: Random,
    is_on: [f32; 16],
    held: [f32; 16],
    out: [f32; 16],
}

impl Module for SampleHold {
    const ABOUT: &'static About = &About {
        name: "sample-hold",
        title: "Sample & Hold",
        summary: "Catches a voltage at every trigger and keeps it; with nothing patched in, random steps",
        tags: &[Tag::Modulator, Tag::Random, Tag::Polyphonic],
        inputs: &[
            port("in", "What is caught. Unpatched: white noise, ±5 V, of its own in every channel"),
            port("trigger", "When to catch: as it rises above 1 V. In track mode, while it is on"),
        ],
        outputs: &[port("out", "The voltage caught last")],
        params: &[
            Param::choice(
                "mode",
                &["sample", "track"],
                0,
                "Sample: catch at the trigger. Track: follow while it is on, keep when it ends",
            ),
            Param::linear(
                "slew",
                0.0..=5.0,
                0.0,
                Unit::Secs,
                "The time to glide to within 1 % of each new voltage",
            ),
        ],
        bypass: &[(IN, OUT)],
        display: 0,
    };

    fn start(&mut self, seed: u64) {
        self.noise = Random::new(seed);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN, TRIGGER]);
        let lag = lag(block.param(SLEW), block.sample_rate_hz);
        // Frame by frame through all channels, so that however the frames are
        // cut the noise is dealt out alike.
        for frame in block.frames() {
            if channels == 1 {
                self.catch::<f32>(block, 0, frame, lag);
            } else {
                for group in 0..groups(channels) {
                    self.catch::<Lanes>(block, group, frame, lag);
                }
            }
        }
    }
}

impl SampleHold {
    #[inline(always)]
    fn catch<L: Lane>(&mut self, block: &mut Block, group: usize, frame: usize, lag: f32) {
        let volts = block.input(TRIGGER).get::<L>(group, frame);
        let was_on = Mask::<L>::load(&self.is_on, group);
        let is_on = Mask::above(volts, was_on.pick_const(SCHMITT_LOW_VOLTS, SCHMITT_HIGH_VOLTS));
        is_on.store(&mut self.is_on, group);

        let catches = if block.choice(MODE) == TRACK { is_on } else { is_on.and_not(was_on) };
        let mut held = L::load(&self.held, group);
        if catches.any() {
            let input = block.input(IN);
            let found = if input.is_patched() { input.get(group, frame) } else { self.hiss::<L>() };
            held = catches.pick(found, held);
            held.store(&mut self.held, group);
        }
        let out = held - (held - L::load(&self.out, group)) * L::splat(lag);
        out.store(&mut self.out, group);
        block.output(OUT).put(group, frame, out);
    }

    #[inline(always)]
    fn hiss<L: Lane>(&mut self) -> L {
        let mut lanes = [0.0; LANES];
        for lane in &mut lanes[..L::WIDTH] {
            *lane = AUDIO_VOLTS * self.noise.bipolar();
        }
        L::from_lanes(lanes)
    }
}

/// What is left of a step after one frame, if 1 % is left after `secs`.
#[inline(always)]
fn lag(secs: f32, sample_rate_hz: f32) -> f32 {
    const OCTAVES: f32 = 6.643_856; // log2(100)
    let frames = secs * sample_rate_hz;
    if frames < OCTAVES / 100.0 { 0.0 } else { exp2(-OCTAVES / frames) }
}
