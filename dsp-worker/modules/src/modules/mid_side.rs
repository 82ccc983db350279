//! Mid/Side: a stereo sound as its middle and its width, and back.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::lane::Lane;
use sostenuto_dsp::signal::Signal;

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::stereo_in;

const LEFT: usize = 0;
const RIGHT: usize = 1;
const MID: usize = 2;
const SIDE: usize = 3;
const WIDTH_IN: usize = 4;
const WIDTH: usize = 0;

/// The widest: all side, twice.
const WIDEST: f32 = 2.0;

/// Remembers nothing: its param glides by itself.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct MidSide {}

impl Module for MidSide {
    const ABOUT: &'static About = &About {
        name: "mid-side",
        title: "Mid/Side",
        summary: "Widens or narrows a stereo sound, and lets its mid and side be processed separately",
        aliases: &["width", "stereo"],
        tags: &[Tag::Utility, Tag::Polyphonic],
        inputs: &[
            port("left", "Left input"),
            stereo_in::RIGHT,
            port("mid", "Return of the processed mid. Unpatched: the mid output"),
            port("side", "Return of the processed side. Unpatched: the side output"),
            port("width", "Width CV: 10 V adds 1").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("left", "mid + side × width"),
            port("right", "mid - side × width"),
            port("mid", "What left and right share: (left + right) / 2"),
            port("side", "How left and right differ: (left - right) / 2"),
        ],
        params: &[Param::linear(
            "width",
            0.0..=WIDEST,
            1.0,
            Unit::Fraction,
            "0 is mono, 1 is unchanged, 2 is twice as wide",
        )],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = (LEFT..=WIDTH_IN).map(|port| block.input(port).channels());
        let channels = channels.fold(1, usize::max);
        block.set_channels(channels);
        each_group!(channels, |L, group| widen::<L>(block, group));
    }
}

#[inline(always)]
fn widen<L: Lane>(block: &mut Block, group: usize) {
    let widths = block.ramp(WIDTH).frames();
    let left = block.input(LEFT);
    let right = if block.input(RIGHT).is_patched() { block.input(RIGHT) } else { left };
    let (mid_in, side_in) = (block.input(MID), block.input(SIDE));
    let width_in = block.input(WIDTH_IN);
    let returned = |cable: &Signal, sent: L, frame: usize| {
        if cable.is_patched() { cable.get::<L>(group, frame) } else { sent }
    };
    let frames = block.frames();
    let [left_out, right_out, mid_out, side_out] = block.outputs();
    for frame in frames {
        let (left, right) = (left.get::<L>(group, frame), right.get::<L>(group, frame));
        let mid = (left + right) * L::splat(0.5);
        let side = (left - right) * L::splat(0.5);
        mid_out.put(group, frame, mid);
        side_out.put(group, frame, side);
        let width = width_in.get::<L>(group, frame) * L::splat(0.1) + L::splat(widths[frame]);
        let mid = returned(mid_in, mid, frame);
        let side = returned(side_in, side, frame) * width.clamp(0.0, WIDEST);
        left_out.put(group, frame, mid + side);
        right_out.put(group, frame, mid - side);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    fn out(set: impl Fn(&mut Rig)) -> [f32; 4] {
        let mut rig = Rig::new::<MidSide>(48_000.0);
        rig.feed("left", |_, _| 5.0).feed("right", |_, _| 1.0);
        set(&mut rig);
        let out = rig.run(1);
        ["left", "right", "mid", "side"].map(|port| out.channel(port, 0)[0])
    }

    fn width(width: f32) -> impl Fn(&mut Rig) {
        move |rig| {
            rig.set("width", width);
        }
    }

    #[test]
    fn width_goes_from_mono_to_twice_the_difference() {
        assert_eq!(out(width(1.0)), [5.0, 1.0, 3.0, 2.0]);
        assert_eq!(out(width(0.0)), [3.0, 3.0, 3.0, 2.0]);
        assert_eq!(out(width(2.0)), [7.0, -1.0, 3.0, 2.0]);
    }

    #[test]
    fn what_was_treated_comes_back_in_its_place() {
        let back = out(|rig| {
            rig.feed("side", |_, _| -2.0).feed("mid", |_, _| 10.0);
        });
        assert_eq!(back, [8.0, 12.0, 3.0, 2.0]);
    }
}
