//! VCA: how loud, by a voltage.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::swell;
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const IN: usize = 0;
const CV: usize = 1;
const OUT: usize = 0;
const LEVEL: usize = 0;
const CV_AMOUNT: usize = 1;
const RESPONSE: usize = 2;

/// How much of the way to the other response is gone in one quantum.
const FADE: f32 = 0.125;

/// Between the two responses, so that the choice does not click.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Vca {
    has_started: u32,
    /// 0 is linear, 1 exponential: at the start of this quantum, and at its end.
    from: f32,
    to: f32,
}

impl Module for Vca {
    const ABOUT: &'static About = &About {
        name: "vca",
        title: "VCA",
        summary: "Controls the level of a signal by a voltage, such as an envelope",
        aliases: &["amplifier", "volume", "amp", "gain", "level"],
        tags: &[Tag::Dynamics, Tag::Polyphonic],
        inputs: &[
            port("in", "Signal input, audio or CV"),
            port("cv", "0 V is silence and 10 V is fully open. Unpatched: fully open").moves(
                "level",
                Some("cv-amount"),
                By::ShareOfTenVolts,
            ),
        ],
        outputs: &[port("out", "The signal at its new level")],
        params: &[
            Param::linear("level", 0.0..=1.0, 1.0, Unit::Fraction, "The gain when fully open")
                .steady(),
            Param::linear(
                "cv-amount",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "Depth of the CV: at 1, 0 V is silence; at 0, the CV has no effect",
            ),
            Param::choice(
                "response",
                &["linear", "exponential"],
                0,
                "How the gain follows the CV: linear, or exponential over 60 dB",
            ),
        ],
        bypass: &[(IN, OUT)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        if block.starts_quantum() {
            let response = block.choice(RESPONSE) as f32;
            self.from = if self.has_started == 0 { response } else { self.to };
            let way = response - self.from;
            self.to = if way.abs() < 1e-3 { response } else { self.from + way * FADE };
            self.has_started = 1;
        }
        let channels = block.channels(&[IN, CV]);
        let knobs = Knobs {
            level: block.ramp(LEVEL).frames(),
            amount: block.ramp(CV_AMOUNT).frames(),
            blend: Ramp::new(self.from, self.to).frames(),
            is_bent: self.from != 0.0 || self.to != 0.0,
            has_cv: block.input(CV).is_patched(),
        };
        each_group!(channels, |L, group| amplify::<L>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    level: [f32; QUANTUM],
    amount: [f32; QUANTUM],
    /// From the linear response to the exponential.
    blend: [f32; QUANTUM],
    is_bent: bool,
    has_cv: bool,
}

impl Knobs {
    #[inline(always)]
    fn amplify<L: Lane>(&self, frame: usize, volts: L, cv: L) -> L {
        let c = L::splat;
        let level = c(self.level[frame]);
        if !self.has_cv {
            return volts * level;
        }
        let closed = c(1.0) - cv * c(0.1);
        let mut gain = c(1.0) - closed.clamp(0.0, 1.0) * c(self.amount[frame]);
        if self.is_bent {
            gain = swell(gain, c(self.blend[frame]));
        }
        volts * gain * level
    }
}

#[inline(always)]
fn amplify<L: Lane>(block: &mut Block, group: usize, knobs: &Knobs) {
    let (input, cv) = (block.input(IN), block.input(CV));
    let frames = block.frames();
    let output = block.output(OUT);
    if L::WIDTH == 1 && frames == (0..QUANTUM) {
        let (volts, cv) = (input.channel(0, 0..QUANTUM), cv.channel(0, 0..QUANTUM));
        let mut out = [0.0; QUANTUM];
        for frame in 0..QUANTUM {
            out[frame] = knobs.amplify(frame, volts[frame], cv[frame]);
        }
        return output.put_channel(0, 0..QUANTUM, &out);
    }
    for frame in frames {
        let (volts, cv) = (input.get::<L>(group, frame), cv.get(group, frame));
        output.put(group, frame, knobs.amplify(frame, volts, cv));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn out(set: impl Fn(&mut Rig)) -> f32 {
        let mut rig = Rig::new::<Vca>(48_000.0);
        rig.feed("in", |_, _| 4.0);
        set(&mut rig);
        rig.run(1).main()[0]
    }

    fn with_cv(volts: f32) -> impl Fn(&mut Rig) {
        move |rig| {
            rig.feed("cv", move |_, _| volts);
        }
    }

    #[test]
    fn the_cv_opens_it_volt_by_volt() {
        assert_eq!(out(|_| ()), 4.0);
        let closed_half_open_and_beyond = [-3.0, 0.0, 5.0, 10.0, 12.0].map(|cv| out(with_cv(cv)));
        assert_eq!(closed_half_open_and_beyond, [0.0, 0.0, 2.0, 4.0, 4.0]);
        let half = |rig: &mut Rig| {
            rig.set("cv-amount", 0.5).set("level", 0.5).feed("cv", |_, _| 0.0);
        };
        assert_eq!(out(half), 1.0);
    }

    #[test]
    fn the_exponential_response_is_6_db_a_volt() {
        let at = |cv: f32| {
            out(|rig| {
                rig.choose("response", "exponential").feed("cv", move |_, _| cv);
            })
        };
        assert_eq!(at(0.0), 0.0);
        assert!((at(10.0) - 4.0).abs() < 1e-5);
        assert!((at(9.0) - 4.0 * 511.0 / 1023.0).abs() < 1e-5);
    }

    #[test]
    fn no_knob_clicks() {
        let mut rig = Rig::new::<Vca>(48_000.0);
        rig.feed("in", |_, _| 5.0).feed("cv", |_, _| 5.0);
        let mut sound = rig.run(100).main().to_vec();
        sound.extend(rig.choose("response", "exponential").run(2000).main());
        sound.extend(rig.set("level", 0.2).run(2000).main());
        sound.extend(rig.set("cv-amount", 0.0).choose("response", "linear").run(2000).main());
        let step = sound.windows(2).fold(0.0, |step: f32, w| step.max((w[1] - w[0]).abs()));
        assert!(step < 0.05, "{step} V");
        assert!((sound[sound.len() - 1] - 1.0).abs() < 1e-3);
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<Vca>(48_000.0);
            rig.choose("response", "exponential");
            rig.feed_channels("in", channels, move |channel, frame| {
                (frame as f32 * 0.1).sin() * (channel + first) as f32
            });
            rig.feed_channels("cv", channels, move |channel, frame| {
                (frame % (10 + (channel + first) as u64)) as f32
            });
            rig
        };
        let run = |rig: &mut Rig| {
            let before = rig.run(100);
            let after = rig.choose("response", "linear").run(300);
            (0..before.channels("out"))
                .map(|channel| {
                    [before.channel("out", channel), after.channel("out", channel)].concat()
                })
                .collect::<Vec<_>>()
        };
        let together = run(&mut rig(16, 0));
        assert_eq!(together, run(rig(16, 0).frame_by_frame()));
        for (channel, volts) in together.iter().enumerate() {
            assert_eq!(*volts, run(&mut rig(1, channel))[0]);
        }
    }
}
