//! The tank of a plate reverb, after Dattorro.
//!
//! J. Dattorro, "Effect Design, Part 1: Reverberator and Other Filters",
//! J. Audio Eng. Soc. 45(9), 1997, figure 1 and tables 1 and 2. Its delays are
//! in samples at 29 761 Hz and are scaled to the sample rate.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::ramp::Ramp;
use sostenuto_dsp::tape::Tapes;
use sostenuto_dsp::tape_head::Place;
use sostenuto_dsp::units::QUANTUM;
use sostenuto_dsp::{exp2, hush, soft_clip};

use crate::module::Block;
use crate::parts::recording::Recording;

const LEFT: usize = 0;
const RIGHT: usize = 1;

const PAPER_HZ: f32 = 29_761.0;
/// The largest plate, where the paper's is 1.
pub const LARGEST_SIZE: f32 = 1.5;

/// Tapes of a tank.
pub const TAPES: usize = 12;
/// The first tape of the loop, after the diffusers.
const LOOP: usize = 4;
/// Tapes of one half of the loop.
const HALF: usize = 4;

/// The tapes' lengths in the paper: four diffusers, then each half of the loop
/// with its modulated allpass, delay, allpass, delay.
const LENGTHS: [f32; TAPES] =
    [142.0, 107.0, 379.0, 277.0, 672.0, 4453.0, 1800.0, 3720.0, 908.0, 4217.0, 2656.0, 3163.0];

/// Where the outputs listen: tape, place, sign. The paper's table 2.
const TAPS: [[(usize, f32, f32); 7]; 2] = [
    [
        (9, 266.0, 1.0),
        (9, 2974.0, 1.0),
        (10, 1913.0, -1.0),
        (11, 1996.0, 1.0),
        (5, 1990.0, -1.0),
        (6, 187.0, -1.0),
        (7, 1066.0, -1.0),
    ],
    [
        (5, 353.0, 1.0),
        (5, 3627.0, 1.0),
        (6, 1228.0, -1.0),
        (7, 2673.0, 1.0),
        (9, 2111.0, -1.0),
        (10, 335.0, -1.0),
        (11, 121.0, -1.0),
    ],
];
const TAP_GAIN: f32 = 0.6;

/// The longest way of a modulated allpass from its middle.
const EXCURSION: f32 = 16.0;
/// The paper asks for about 1 Hz. Two rates, so that the halves never move in
/// step for long.
const MODULATION_HZ: [f32; 2] = [1.0, 0.83];

/// The tank is transparent up to here, and bounded above.
const KNEE_VOLTS: f32 = 12.0;
const LIMIT_VOLTS: f32 = 24.0;

/// How quickly the tank closes to its input when it is frozen, in seconds.
const CLOSE_SECS: f32 = 5e-3;

/// Quanta in which the sound dips to silence while the size changes.
const DIP_QUANTA: u32 = 8;

/// A quantum of one wire inside the plate. No tape of it is shorter than a
/// quantum, so each stage can do all its frames before the next stage begins.
pub type Wire = [f32; QUANTUM];

/// What a tank is to be like in a quantum.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long it takes to fall by 60 dB.
    pub decay_secs: f32,
    /// How much sooner high tones die away, 0 to 1.
    pub damping: f32,
    /// How much each echo is smeared, 0 to 1.
    pub diffusion: f32,
    /// How far the echoes wander, 0 to 1.
    pub modulation: f32,
}

/// The longest delays of a tank's tapes, in frames.
pub fn tapes(sample_rate_hz: f32) -> [usize; TAPES] {
    let scale = LARGEST_SIZE * sample_rate_hz / PAPER_HZ;
    LENGTHS.map(|length| ((length + 2.0 * EXCURSION) * scale) as usize + 1)
}

/// What a tank remembers that is not on tape.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Tank {
    recording: Recording,
    damping: [OnePole; 2],
    /// How far the tank is closed to its input, 0 to 1.
    closed: f32,
    /// The size that the tapes are read at. 0: new.
    size: f32,
    /// Quanta left of a change of size.
    dip_quanta: u32,
    _unused: u32,
}

impl Tank {
    /// Clears what lies in its filters; the tapes are faded by [`Recording`].
    pub fn forget(&mut self) {
        self.damping = Zeroable::zeroed();
    }

    /// To be called first at every call of `process`. `size` is 1 for the
    /// paper's plate.
    ///
    /// The size may only change while nothing is heard of the tapes: every
    /// reading is faded out, moved, and faded in again.
    #[inline(always)]
    pub fn follow(&mut self, block: &Block, size: Ramp) {
        if self.recording.follow(block) {
            // What comes in now begins softly.
            self.closed = 1.0;
        }
        if !block.starts_quantum() {
            return;
        }
        let is_moving = size.at(0) != size.end();
        if self.size == 0.0 {
            self.size = size.end();
        } else if self.dip_quanta > 0 {
            self.dip_quanta -= 1;
            if self.dip_quanta == DIP_QUANTA {
                self.size = size.end();
            }
        } else if size.end() != self.size && !is_moving {
            self.dip_quanta = 2 * DIP_QUANTA;
        }
    }

    /// How far the tank is closed to its input and to every loss.
    #[inline(always)]
    pub fn close(
        &mut self,
        sample_rate_hz: f32,
        frames: Range<usize>,
        mut is_frozen: impl FnMut(usize) -> bool,
    ) -> Wire {
        let step = 1.0 / (CLOSE_SECS * sample_rate_hz);
        let mut closed = [0.0; QUANTUM];
        for frame in frames {
            let step = if is_frozen(frame) { step } else { -step };
            self.closed = (self.closed + step).clamp(0.0, 1.0);
            closed[frame] = self.closed;
        }
        closed
    }

    /// Sends `input` around. The tank's tapes begin at `first_tape`. Returns
    /// what is heard on the left and on the right.
    #[inline(always)]
    pub fn reverberate(
        &mut self,
        block: &mut Block,
        first_tape: usize,
        frames: Range<usize>,
        settings: &Settings,
        mut input: Wire,
        closed: &Wire,
    ) -> [Wire; 2] {
        let plate = Plate::new(block, self, first_tape, settings);
        let tapes = &mut block.tapes;
        for frame in frames.clone() {
            input[frame] *= 1.0 - closed[frame];
        }
        plate.diffuse(tapes, frames.clone(), &mut input);
        self.circulate(&plate, tapes, frames.clone(), &input, closed);
        // Not by `map`, which is compiled by itself, for slower machines.
        let left = plate.listen(tapes, frames.clone(), &TAPS[LEFT]);
        [left, plate.listen(tapes, frames, &TAPS[RIGHT])]
    }

    /// How much softer a loop around the tank has to be the longer the tank
    /// decays: what it loses in one round.
    #[inline(always)]
    pub fn evening(&self, settings: &Settings) -> f32 {
        let gain = decay_gain(settings.decay_secs, self.size);
        1.0 - gain * gain * gain * gain
    }

    /// The loop: two halves, each of which feeds the other.
    #[inline(always)]
    fn circulate(
        &mut self,
        plate: &Plate,
        tapes: &mut Tapes,
        frames: Range<usize>,
        input: &Wire,
        closed: &Wire,
    ) {
        let lossless = |loss: f32, frame: usize| loss + (1.0 - loss) * closed[frame];
        let ends = [
            plate.read(tapes, LOOP + 3, frames.clone()),
            plate.read(tapes, LOOP + HALF + 3, frames.clone()),
        ];
        for side in [LEFT, RIGHT] {
            let tape = LOOP + side * HALF;
            let mut wire = [0.0; QUANTUM];
            for frame in frames.clone() {
                let returned = lossless(plate.decay, frame) * ends[1 - side][frame];
                wire[frame] = input[frame] + soft_clip(returned, KNEE_VOLTS, LIMIT_VOLTS);
            }
            let late = plate.read_wandering(tapes, side, frames.clone(), closed);
            plate.allpass(tapes, tape, frames.clone(), &late, &mut wire, -plate.diffusion_1);
            plate.write(tapes, tape + 1, frames.clone(), &wire);

            let late = plate.read(tapes, tape + 1, frames.clone());
            for frame in frames.clone() {
                let damping = lossless(plate.damping, frame);
                let damped = self.damping[side].lowpass(late[frame], damping);
                wire[frame] = lossless(plate.decay, frame) * damped;
            }
            let late = plate.read(tapes, tape + 2, frames.clone());
            plate.allpass(tapes, tape + 2, frames.clone(), &late, &mut wire, plate.diffusion_2);
            plate.write(tapes, tape + 3, frames.clone(), &wire);
        }
    }
}

/// The plate for one call: its lengths, its gains.
struct Plate {
    first_tape: usize,
    /// Frames of this plate for one of the paper's.
    scale: f32,
    /// How far back the tapes are the tank's own, in frames.
    recorded_frames: usize,
    wander: [Ramp; 2],
    /// The level of every reading of the tapes.
    fade: Wire,
    decay: f32,
    damping: f32,
    input_diffusion: [f32; 2],
    diffusion_1: f32,
    diffusion_2: f32,
}

impl Plate {
    #[inline(always)]
    fn new(block: &Block, tank: &Tank, first_tape: usize, settings: &Settings) -> Plate {
        let scale = tank.size * block.sample_rate_hz / PAPER_HZ;
        let decay = decay_gain(settings.decay_secs, tank.size);
        let Settings { diffusion, modulation, .. } = *settings;
        let excursion = EXCURSION * modulation * block.sample_rate_hz / PAPER_HZ;
        let wander = |side: usize| {
            let middle = LENGTHS[LOOP + side * HALF] * scale;
            let at = |frame| middle + excursion * lfo(frame, MODULATION_HZ[side], block);
            Ramp::new(at(block.frame), at(block.frame + QUANTUM as u64))
        };
        Plate {
            first_tape,
            scale,
            recorded_frames: tank.recording.frames(block),
            wander: [wander(LEFT), wander(RIGHT)],
            fade: fade(tank.dip_quanta),
            decay,
            damping: damping(settings.damping, block.sample_rate_hz),
            input_diffusion: [0.75 * diffusion, 0.625 * diffusion],
            diffusion_1: 0.7 * diffusion,
            // The paper ties it to the decay.
            diffusion_2: diffusion * (decay + 0.15).clamp(0.25, 0.5),
        }
    }

    /// Four allpasses in a row make a cloud of a click.
    #[inline(always)]
    fn diffuse(&self, tapes: &mut Tapes, frames: Range<usize>, wire: &mut Wire) {
        for stage in 0..LOOP {
            let late = self.read(tapes, stage, frames.clone());
            let gain = self.input_diffusion[stage / 2];
            self.allpass(tapes, stage, frames.clone(), &late, wire, gain);
        }
    }

    /// The end of a tape.
    #[inline(always)]
    fn read(&self, tapes: &Tapes, tape: usize, frames: Range<usize>) -> Wire {
        let mut wire = self.read_at(tapes, tape, frames.clone(), LENGTHS[tape]);
        for frame in frames {
            wire[frame] *= self.fade[frame];
        }
        wire
    }

    /// A place on a tape, in frames of the paper.
    #[inline(always)]
    fn read_at(&self, tapes: &Tapes, tape: usize, frames: Range<usize>, place: f32) -> Wire {
        let delay_frames = ((place * self.scale) as u32 as usize).max(QUANTUM);
        if delay_frames > self.recorded_frames {
            return [0.0; QUANTUM];
        }
        tapes.read_run(self.first_tape + tape, frames, delay_frames)
    }

    /// The end of the modulated allpass of one half. Closed, it stands still, on
    /// a whole frame: what is between two frames is a little softer each time.
    #[inline(always)]
    fn read_wandering(
        &self,
        tapes: &Tapes,
        side: usize,
        frames: Range<usize>,
        closed: &Wire,
    ) -> Wire {
        let still = self.read(tapes, LOOP + side * HALF, frames.clone());
        let mut wire = still;
        let tape = self.first_tape + LOOP + side * HALF;
        for frame in frames {
            let delay_frames = self.wander[side].at(frame).max((QUANTUM + 2) as f32);
            let is_known = delay_frames as usize + 2 < self.recorded_frames;
            if closed[frame] < 1.0 {
                let place = Place::new(delay_frames);
                let heard = if is_known { place.read(tapes, tape, frame) } else { 0.0 };
                let heard = self.fade[frame] * heard;
                wire[frame] = heard + closed[frame] * (still[frame] - heard);
            }
        }
        wire
    }

    /// One output: its taps together.
    #[inline(always)]
    fn listen(&self, tapes: &Tapes, frames: Range<usize>, taps: &[(usize, f32, f32); 7]) -> Wire {
        let mut wire = [0.0; QUANTUM];
        for &(tape, place, sign) in taps {
            let heard = self.read_at(tapes, tape, frames.clone(), place);
            for frame in frames.clone() {
                wire[frame] += sign * heard[frame];
            }
        }
        for frame in frames {
            wire[frame] *= TAP_GAIN * self.fade[frame];
        }
        wire
    }

    #[inline(always)]
    fn write(&self, tapes: &mut Tapes, tape: usize, frames: Range<usize>, wire: &Wire) {
        tapes.write_run(self.first_tape + tape, frames, wire);
    }

    /// Schroeder's allpass, around the tape whose end is `late`.
    #[inline(always)]
    fn allpass(
        &self,
        tapes: &mut Tapes,
        tape: usize,
        frames: Range<usize>,
        late: &Wire,
        wire: &mut Wire,
        gain: f32,
    ) {
        let mut fed = [0.0; QUANTUM];
        for frame in frames.clone() {
            fed[frame] = hush(wire[frame] - gain * late[frame]);
            wire[frame] = late[frame] + gain * fed[frame];
        }
        self.write(tapes, tape, frames, &fed);
    }
}

/// The level of the tapes through one quantum of a change of size.
#[inline(always)]
fn fade(dip_quanta: u32) -> Wire {
    if dip_quanta == 0 {
        return [1.0; QUANTUM];
    }
    let level = |quanta: u32| quanta.abs_diff(DIP_QUANTA) as f32 / DIP_QUANTA as f32;
    let ramp = Ramp::new(level(dip_quanta), level(dip_quanta - 1));
    let mut fade = [0.0; QUANTUM];
    for (frame, fade) in fade.iter_mut().enumerate() {
        // Without a corner at either end.
        *fade = ramp.at(frame) * ramp.at(frame) * (3.0 - 2.0 * ramp.at(frame));
    }
    fade
}

/// The loop multiplies by it four times in one round, so that the round trips
/// of the decay lose 60 dB together.
#[inline(always)]
fn decay_gain(decay_secs: f32, size: f32) -> f32 {
    const ROUND: f32 = 672.0 + 4453.0 + 1800.0 + 3720.0 + 908.0 + 4217.0 + 2656.0 + 3163.0;
    // log2(1000) octaves are 60 dB.
    exp2(-9.965_784 * size * (ROUND / 4.0 / PAPER_HZ) / decay_secs)
}

/// The coefficient of the loop's lowpass: from open to 200 Hz.
#[inline(always)]
fn damping(damping: f32, sample_rate_hz: f32) -> f32 {
    coefficient(48_000.0 * exp2(-7.9 * damping), sample_rate_hz)
}

/// A parabola's idea of a sine, from the clock alone.
#[inline(always)]
fn lfo(frame: u64, hz: f32, block: &Block) -> f32 {
    const TURN: f64 = 18_446_744_073_709_551_616.0;
    let step = (f64::from(hz) / f64::from(block.sample_rate_hz) * TURN) as u64;
    let phase = (frame.wrapping_mul(step) >> 32) as i32 as f32 * (1.0 / 2_147_483_648.0);
    4.0 * phase * (1.0 - phase.abs())
}
