//! Crossfade: from one signal to another, by hand or by a voltage.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::sine::sine_of_triangle;
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;

const A: usize = 0;
const B: usize = 1;
const POSITION_IN: usize = 2;
const OUT: usize = 0;
const POSITION: usize = 0;
const POSITION_AMOUNT: usize = 1;
const LAW: usize = 2;

/// How much of the way to the other law is gone in one quantum.
const FADE: f32 = 0.125;

/// Between the two laws, so that the choice does not click.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Crossfade {
    has_started: u32,
    /// 0 is equal power, 1 linear: at the start of this quantum, and at its end.
    from: f32,
    to: f32,
}

impl Module for Crossfade {
    const ABOUT: &'static About = &About {
        name: "crossfade",
        title: "Crossfade",
        summary: "Fades from one signal to another, by knob or CV; or pans one signal",
        aliases: &["crossfader", "xfade"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("a", "The signal heard at 0"),
            port("b", "The signal heard at 1"),
            port("position", "Position CV: 10 V moves from a to b").moves(
                "position",
                Some("position-amount"),
                By::TenthPerVolt,
            ),
        ],
        outputs: &[
            port("out", "The crossfade from a to b"),
            port("other", "The crossfade from b to a. With only a patched, the outputs pan it"),
        ],
        params: &[
            Param::linear(
                "position",
                0.0..=1.0,
                0.5,
                Unit::Fraction,
                "From a alone, 0, to b alone, 1",
            ),
            Param::linear(
                "position-amount",
                -1.0..=1.0,
                1.0,
                Unit::None,
                "Depth of the position CV: at 1, 10 V moves from a to b",
            )
            .labelled("pos amt"),
            Param::choice(
                "law",
                &["equal-power", "linear"],
                0,
                "Equal power keeps the loudness of different sounds; linear suits similar sounds \
                 and CV",
            ),
        ],
        bypass: &[(A, OUT), (B, 1)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        if block.starts_quantum() {
            let law = block.choice(LAW) as f32;
            self.from = if self.has_started == 0 { law } else { self.to };
            let way = law - self.from;
            self.to = if way.abs() < 1e-3 { law } else { self.from + way * FADE };
            self.has_started = 1;
        }
        let [a, b] = [A, B].map(|port| block.input(port).channels());
        let channels = a.max(b).max(block.input(POSITION_IN).channels()).max(1);
        block.set_channels(channels);
        let knobs = Knobs {
            position: block.ramp(POSITION).frames(),
            amount: block.ramp(POSITION_AMOUNT).frames(),
            law: Ramp::new(self.from, self.to).frames(),
        };
        each_group!(channels, |L, group| fade::<L>(block, group, &knobs));
    }
}

/// What all channels share, frame by frame.
struct Knobs {
    position: [f32; QUANTUM],
    amount: [f32; QUANTUM],
    /// From equal power to linear.
    law: [f32; QUANTUM],
}

#[inline(always)]
fn fade<L: Lane>(block: &mut Block, group: usize, knobs: &Knobs) {
    let c = L::splat;
    let (a, b, position_in) = (block.input(A), block.input(B), block.input(POSITION_IN));
    let frames = block.frames();
    let [out, other] = block.outputs();
    for frame in frames {
        let moved = position_in.get::<L>(group, frame) * c(0.1 * knobs.amount[frame]);
        let near_b = (moved + c(knobs.position[frame])).clamp(0.0, 1.0);
        let near_a = c(1.0) - near_b;
        let mut gains = [near_a, near_b];
        for gain in &mut gains {
            let equal_power = sine_of_triangle(*gain);
            *gain = equal_power + (*gain - equal_power) * c(knobs.law[frame]);
        }
        let [gain_a, gain_b] = gains;
        let (a, b) = (a.get::<L>(group, frame), b.get::<L>(group, frame));
        out.put(group, frame, a * gain_a + b * gain_b);
        other.put(group, frame, a * gain_b + b * gain_a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn rig(law: &str) -> Rig {
        let mut rig = Rig::new::<Crossfade>(48_000.0);
        rig.choose("law", law).feed("a", |_, _| 4.0).feed("b", |_, _| 2.0);
        rig
    }

    fn both(rig: &mut Rig) -> [f32; 2] {
        let out = rig.run(1);
        [out.channel("out", 0)[0], out.channel("other", 0)[0]]
    }

    #[test]
    fn at_its_ends_there_is_one_signal_alone() {
        for law in ["equal-power", "linear"] {
            for (position, ends) in [(0.0, [4.0, 2.0]), (1.0, [2.0, 4.0])] {
                let found = both(rig(law).set("position", position));
                assert!((found[0] - ends[0]).abs() < 1e-5, "{law}: {found:?}");
                assert!((found[1] - ends[1]).abs() < 1e-5, "{law}: {found:?}");
            }
        }
    }

    #[test]
    fn the_middle_is_3_db_down_or_6() {
        let half_power = 0.5f32.sqrt();
        let found = both(&mut rig("equal-power"));
        assert!((found[0] - 6.0 * half_power).abs() < 1e-5, "{found:?}");
        assert_eq!(both(&mut rig("linear")), [3.0, 3.0]);
    }

    #[test]
    fn anywhere_the_two_gains_have_the_power_of_one() {
        for step in 0..=10u8 {
            let mut rig = Rig::new::<Crossfade>(48_000.0);
            rig.feed("a", |_, _| 1.0).set("position", 0.0);
            rig.feed("position", move |_, _| f32::from(step));
            let [out, other] = both(&mut rig);
            assert!((out * out + other * other - 1.0).abs() < 1e-5, "{step} V: {out} {other}");
        }
    }

    #[test]
    fn each_voice_has_its_own_place() {
        let mut rig = rig("linear");
        rig.set("position", 0.0);
        rig.feed_channels("position", 11, |channel, _| channel as f32);
        let out = rig.run(1);
        let volts: Vec<f32> = (0..11).map(|channel| out.channel("out", channel)[0]).collect();
        assert!(volts.iter().zip(0u8..).all(|(v, n)| (v - 4.0 + 0.2 * f32::from(n)).abs() < 1e-5));
    }
}
