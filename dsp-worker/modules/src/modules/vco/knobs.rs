//! What the phase and the pulse of a VCO go by.

use std::ops::Range;

use sostenuto_dsp::exp2;
use sostenuto_dsp::lane::{Lane, each};
use sostenuto_dsp::phase::{self, Phases};
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::C4_HZ;

use super::{
    FINE, FM, FM_AMOUNT, FM_MODE, LINEAR_FM, MAX_PITCH, MIN_WIDTH, OCTAVE, OVERSAMPLE, PULSE_WIDTH,
    PW, PWM_AMOUNT, SOFT_SYNC, SUB, SUB_OUT, SYNC_MODE, TUNE, VOCT, WAVES,
};
use crate::module::Block;

/// What the phase and the pulse go by.
pub(super) struct Inputs<'a> {
    pub(super) voct: &'a Signal,
    pub(super) fm: &'a Signal,
    pub(super) pw: &'a Signal,
}

impl<'a> Inputs<'a> {
    #[inline(always)]
    pub(super) fn of(block: &Block<'a>) -> Inputs<'a> {
        Inputs { voct: block.input(VOCT), fm: block.input(FM), pw: block.input(PW) }
    }

    /// In octaves from C4, and what modulates it.
    #[inline(always)]
    pub(super) fn pitch<L: Lane>(&self, group: usize, frame: usize, knobs: &Knobs) -> [L; 2] {
        let pitch = self.voct.get::<L>(group, frame) + knobs.pitch(frame).into();
        [pitch, self.fm.get(group, frame)]
    }

    /// Whether the pitch is the same in all of these frames.
    #[inline(always)]
    pub(super) fn keep_pitch<L: Lane>(
        &self,
        group: usize,
        frames: Range<usize>,
        knobs: &Knobs,
    ) -> bool {
        !self.fm.is_patched()
            && knobs.tune.is_still()
            && knobs.fine.is_still()
            && self.voct.is_steady::<L>(group, frames)
    }

    /// The pulse width, in turns.
    #[inline(always)]
    pub(super) fn width<L: Lane>(&self, group: usize, frame: usize, knobs: &Knobs) -> L {
        let width = self.pw.get::<L>(group, frame) * (knobs.pwm_amount.at(frame) * 0.1).into()
            + knobs.pulse_width.at(frame).into();
        width.clamp(MIN_WIDTH, 1.0 - MIN_WIDTH)
    }

    /// Whether the pulse width is the same in all of these frames.
    #[inline(always)]
    pub(super) fn keep_width<L: Lane>(
        &self,
        group: usize,
        frames: Range<usize>,
        knobs: &Knobs,
    ) -> bool {
        knobs.pwm_amount.is_still()
            && knobs.pulse_width.is_still()
            && self.pw.is_steady::<L>(group, frames)
    }
}

/// What the params say, worked out as far as it is the same for all channels.
pub(super) struct Knobs {
    pub(super) c4_turns_per_frame: f32,
    pub(super) octave: f32,
    pub(super) tune: Ramp,
    pub(super) fine: Ramp,
    pub(super) fm_amount: Ramp,
    pub(super) is_linear_fm: bool,
    pub(super) pulse_width: Ramp,
    pub(super) pwm_amount: Ramp,
    pub(super) is_oversampled: bool,
    pub(super) is_soft_sync: bool,
    pub(super) hears: [bool; WAVES],
    /// Which bit of the turns the sub goes by; 0 where there is none, or nobody
    /// hears it.
    pub(super) sub_bit: i32,
}

impl Knobs {
    #[inline(always)]
    pub(super) fn of(block: &Block) -> Knobs {
        Knobs {
            c4_turns_per_frame: C4_HZ / block.sample_rate_hz,
            octave: block.param(OCTAVE),
            tune: block.ramp(TUNE),
            fine: block.ramp(FINE),
            fm_amount: block.ramp(FM_AMOUNT),
            is_linear_fm: block.choice(FM_MODE) == LINEAR_FM,
            pulse_width: block.ramp(PULSE_WIDTH),
            pwm_amount: block.ramp(PWM_AMOUNT),
            is_oversampled: block.is_on(OVERSAMPLE),
            is_soft_sync: block.choice(SYNC_MODE) == SOFT_SYNC,
            // 0, 1 or 2: just the bit.
            sub_bit: if block.is_heard(SUB_OUT) { block.choice(SUB) as i32 } else { 0 },
            hears: each(|wave| block.is_heard(wave)),
        }
    }

    /// Below zero where something happens on the way between two phases: a wave that
    /// is heard has an edge at that quarter.
    #[inline(always)]
    pub(super) fn edges<const N: usize>(&self, from: Phases<N>, to: Phases<N>) -> [i32; N] {
        let [hears_saw, hears_square, hears_triangle, _] = self.hears;
        let halves = -i32::from(hears_saw | hears_square | (self.sub_bit != 0));
        let quarters = -i32::from(hears_triangle);
        each(|lane| {
            let turned = from[lane] ^ to[lane];
            turned & halves | (turned | turned << 1) & quarters
        })
    }

    /// In octaves from C4.
    #[inline(always)]
    pub(super) fn pitch(&self, frame: usize) -> f32 {
        self.octave + self.tune.at(frame) * (1.0 / 12.0) + self.fine.at(frame) * (1.0 / 1200.0)
    }

    /// How far the phase goes in that many frames.
    #[inline(always)]
    pub(super) fn step<L: Lane, const N: usize>(
        &self,
        frame: usize,
        pitch: L,
        fm: L,
        frames: f32,
    ) -> Phases<N> {
        let gain = self.fm_amount.at(frame);
        let [linear, exponential] = if self.is_linear_fm { [gain, 0.0] } else { [0.0, gain] };
        let pitch = (pitch + fm * exponential.into()).clamp(-MAX_PITCH, MAX_PITCH);
        let turns = exp2(pitch) * (self.c4_turns_per_frame * frames).into();
        phase::steps_per_frame::<L, N>(turns, fm, linear)
    }
}
