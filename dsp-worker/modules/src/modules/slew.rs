//! Slew: a voltage that may not jump. Glide for pitch, soft edges for gates.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::forget::clear;
use sostenuto_dsp::gates::volts;
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::mask::Mask;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::signal::Signal;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::sweep;

const IN: usize = 0;
const RISE_IN: usize = 1;
const FALL_IN: usize = 2;

const OUT: usize = 0;
const RISING: usize = 1;
const FALLING: usize = 2;

const RISE: usize = 0;
const FALL: usize = 1;
const SHAPE: usize = 2;
const RISE_AMOUNT: usize = 3;
const FALL_AMOUNT: usize = 4;

/// What the times are told for.
const SPAN_VOLTS: f32 = 10.0;
/// Wholly curved, a hundredth of the way is left after the time: ln(100).
const DECAY: f32 = 4.605_17;
/// Nearer than this it has arrived.
const NEAR_VOLTS: f32 = 0.01;
/// Beyond any time that is of use, in octaves.
const MAX_OCTAVES: f32 = 20.0;

/// Sixteen voltages on their way.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Slew {
    out: [f32; 16],
    /// What rounding took off it.
    lost: [f32; 16],
    /// Yes (1) where the next frame is there at once.
    jumps: [f32; 16],
}

impl Module for Slew {
    const ABOUT: &'static About = &About {
        name: "slew",
        title: "Slew",
        summary: "Limits how fast a voltage changes: glide for pitch, soft edges for gates",
        aliases: &["portamento", "glide", "lag"],
        tags: &[Tag::Modulator, Tag::Utility, Tag::Polyphonic],
        inputs: &[port("in", "Signal input"), sweep::RISE, sweep::FALL],
        outputs: &[
            port("out", "The slewed signal"),
            port("rising", "10 V while the output is more than 10 mV below the input"),
            port("falling", "10 V while the output is more than 10 mV above the input"),
        ],
        params: &[
            Param::log("rise", 0.0002..=20.0, 0.1, Unit::Secs, "The time to rise by 10 V"),
            Param::log("fall", 0.0002..=20.0, 0.1, Unit::Secs, "The time to fall by 10 V"),
            Param::linear(
                "shape",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "0 is linear, shorter for small changes; 1 is exponential, within 1 % in the set \
                 time for any change",
            ),
            sweep::RISE_AMOUNT,
            sweep::FALL_AMOUNT,
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        clear(&mut self.lost, &channels);
        self.jumps[channels].fill(1.0);
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[IN]);
        each_group!(channels, |L, group| self.glide::<L>(block, group));
    }
}

impl Slew {
    #[inline(always)]
    fn glide<L: Lane>(&mut self, block: &mut Block, group: usize) {
        let c = L::splat;
        let frame_secs = 1.0 / block.sample_rate_hz;
        let rise = Time::new(block, RISE, RISE_IN, RISE_AMOUNT);
        let fall = Time::new(block, FALL, FALL_IN, FALL_AMOUNT);
        let shape = block.ramp(SHAPE);
        let input = block.input(IN);
        let frames = block.frames();
        let outputs = block.outputs::<3>();
        let (mut out, mut lost) = (L::load(&self.out, group), L::load(&self.lost, group));
        if Mask::<L>::load(&self.jumps, group).any() {
            let goal = Lane::clamp(input.get::<L>(group, frames.start), -1e5, 1e5);
            out = Mask::load(&self.jumps, group).pick(goal, out);
            c(0.0).store(&mut self.jumps, group);
        }
        for frame in frames {
            let way = Lane::clamp(input.get::<L>(group, frame), -1e5, 1e5) - out;
            let rises = Mask::above(way, c(0.0));
            let secs = rises.pick(rise.at(group, frame), fall.at(group, frame));
            let part = (c(frame_secs) / secs).min(c(1.0));

            // The distance d shrinks by a + b·d a second. Over a frame that is
            // d - (d + a/b)·e^-b + a/b, with Padé's approximation of e^-b.
            let bent = shape.at(frame);
            let b = part * c(bent * DECAY);
            let slower = c(1.0) + b * (c(0.5) + b * c(1.0 / 12.0));
            let speed = (part * c((1.0 - bent) * SPAN_VOLTS) + way.abs() * b) / slower;
            let step = way.min(speed).max(-speed);

            // Kahan's sum: a frame of 20 s is too little for f32.
            let is_under_way = Mask::above(way.abs(), speed);
            let step = is_under_way.pick(step + lost, step);
            let next = out + step;
            lost = is_under_way.keep(step - (next - out));
            out = next;
            let left = way - step;
            outputs[OUT].put(group, frame, out);
            outputs[RISING].put(group, frame, volts(Mask::above(left, c(NEAR_VOLTS))));
            outputs[FALLING].put(group, frame, volts(Mask::above(-left, c(NEAR_VOLTS))));
        }
        out.store(&mut self.out, group);
        lost.store(&mut self.lost, group);
    }
}

/// A time that a voltage makes longer.
struct Time<'a> {
    secs: Ramp,
    octaves: &'a Signal,
    amount: Ramp,
}

impl<'a> Time<'a> {
    #[inline(always)]
    fn new(block: &Block<'a>, secs: usize, octaves: usize, amount: usize) -> Time<'a> {
        Time { secs: block.ramp(secs), octaves: block.input(octaves), amount: block.ramp(amount) }
    }

    #[inline(always)]
    fn at<L: Lane>(&self, group: usize, frame: usize) -> L {
        let secs = L::splat(self.secs.at(frame));
        if !self.octaves.is_patched() {
            return secs;
        }
        let octaves = self.octaves.get::<L>(group, frame) * L::splat(self.amount.at(frame));
        secs * exp2(Lane::clamp(octaves, -MAX_OCTAVES, MAX_OCTAVES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn step(_: usize, frame: u64) -> f32 {
        if frame < 100_000 { 10.0 } else { 0.0 }
    }

    #[test]
    fn ten_volts_rise_in_the_set_time() {
        let mut rig = Rig::new::<Slew>(4.0);
        let out = rig.set("rise", 1.0).feed("in", |_, _| 10.0).run(6);
        assert_eq!(out.main(), [2.5, 5.0, 7.5, 10.0, 10.0, 10.0]);
        assert_eq!(out.channel("rising", 0), [10.0, 10.0, 10.0, 0.0, 0.0, 0.0]);
        let mut rig = Rig::new::<Slew>(48_000.0);
        rig.set("rise", 2.0).set("fall", 1.0).feed("in", step);
        let out = rig.run(160_000).main().to_vec();
        let top = out.iter().position(|&volts| volts >= 10.0).unwrap();
        assert!(top.abs_diff(95_999) <= 1, "{top}");
        let bottom = out.iter().rposition(|&volts| volts > 0.0).unwrap();
        assert!(bottom.abs_diff(147_999) <= 1, "{bottom}");
    }

    #[test]
    fn a_curve_leaves_a_hundredth_in_the_set_time_and_goes_straight_in_part() {
        let mut rig = Rig::new::<Slew>(48_000.0);
        let out = rig.set("rise", 0.5).set("shape", 1.0).feed("in", |_, _| 2.0).run(24_000);
        assert!((out.main()[23_999] - 1.98).abs() < 1e-4, "{}", out.main()[23_999]);
        // Half and half, 10 V take ln(1 + ln 100) / (0.5 ln 100) of the time.
        let mut rig = Rig::new::<Slew>(48_000.0);
        let out = rig.set("rise", 0.5).set("shape", 0.5).feed("in", |_, _| 10.0).run(24_000);
        let top = out.main().iter().position(|&volts| volts >= 9.999_99).unwrap() as f32;
        let ideal = (1.0 + DECAY).ln() / (0.5 * DECAY) * 24_000.0;
        assert!((top - ideal).abs() < 10.0, "{top} not {ideal}");
    }

    #[test]
    fn a_volt_doubles_the_rise_alone() {
        let mut rig = Rig::new::<Slew>(4.0);
        rig.set("rise", 1.0).set("fall", 1.0).feed("rise", |_, _| 1.0);
        rig.feed("in", |_, frame| if frame < 4 { 10.0 } else { 0.0 });
        assert_eq!(rig.run(7).main(), [1.25, 2.5, 3.75, 5.0, 2.5, 0.0, 0.0]);
    }

    #[test]
    fn sixteen_channels_are_sixteen_monos() {
        let wave = |channel: usize, frame: u64| ((frame / 50 * (channel as u64 + 3)) % 11) as f32;
        let set = |rig: &mut Rig| {
            rig.set("shape", 0.3).set("rise", 0.01).set("fall", 0.003);
        };
        let mut poly = Rig::new::<Slew>(48_000.0);
        set(&mut poly);
        let poly = poly.feed_channels("in", 16, wave).run(1000);
        for channel in 0..16 {
            let mut rig = Rig::new::<Slew>(48_000.0);
            set(&mut rig);
            let mono = rig.frame_by_frame().feed("in", move |_, n| wave(channel, n)).run(1000);
            assert_eq!(poly.channel("out", channel), mono.main());
            assert_eq!(poly.channel("falling", channel), mono.channel("falling", 0));
        }
    }
}
