//! Spectral freeze: a moment of sound held for ever, or smeared through time.
//!
//! A short-time Fourier transform of 4096 frames, four to each frame: the
//! levels of all bins are held, smeared, tilted and gated, and sound again with
//! their own phases or with phases by chance, as far as they are smeared.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::fft::{self, MOST_POINTS};
use sostenuto_dsp::random::Random;
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::schmitt::Schmitt;
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, QUANTUM};
use sostenuto_dsp::{dry_wet, exp2, hush, lag, log2};

use crate::Module;
use crate::module::{About, Block, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::mix::mix;
use crate::parts::recording::Recording;
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;
const FREEZE_GATE: usize = 2;
const BLUR_CV: usize = 3;

const FREEZE: usize = 0;
const BLUR: usize = 1;
const TILT: usize = 2;
const THRESHOLD: usize = 3;
const WIDTH: usize = 4;
const MIX: usize = 5;

/// Frames of one spectrum, and from one to the next.
const POINTS: usize = 4096;
const HOP: usize = 1024;
const OVERLAP: usize = POINTS / HOP;
const BINS: usize = POINTS / 2;

/// Tapes, each for the left and then for the right: of what came in; of the
/// spectra's levels, the lower half of the bins and the upper; and of what the
/// spectra sound like, which each takes up the tape of the fourth before it.
const IN: usize = 0;
const LEVELS: usize = 2;
const OUT: usize = 6;
const TAPES: usize = OUT + 2 * OVERLAP;

/// How long the blur takes to forget all but 1 %, at most, in seconds.
const LONGEST_BLUR_SECS: f32 = 12.0;

/// The threshold at which nothing is gated.
const LOWEST_DB: f32 = -120.0;
/// Nothing is tilted below, so that the lowest bins do not rise to the sky.
const LOWEST_TILTED_HZ: f32 = 40.0;
const MIDDLE_HZ: f32 = 1000.0;

/// What is not on tape.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct SpectralFreeze {
    recording: Recording,
    seed: u64,
    /// The clock at the last spectrum. 0: none yet.
    spectrum_at: u64,
    freeze: Schmitt,
    _unused: u32,
}

impl Module for SpectralFreeze {
    const ABOUT: &'static About = &About {
        name: "spectral-freeze",
        title: "Spectral Freeze",
        short: "Freeze",
        summary: "Freezes or smears the spectrum of a sound: a chord from a moment, a haze from a voice",
        aliases: &["blur", "fft"],
        tags: &[Tag::Effect],
        inputs: &[
            stereo_in::LEFT,
            stereo_in::RIGHT,
            port("freeze", "While on (above 1 V), the spectrum is frozen")
                .moves_own(By::OnAboveOneVolt),
            port("blur", "Blur CV; 10 V covers the full range").moves_own(By::TenthPerVolt),
        ],
        outputs: &[
            port("left", "Left input mixed with its spectrum, which is delayed by 4096 frames"),
            port("right", "Right input mixed with its spectrum"),
        ],
        params: &[
            Param::switch("freeze", false, "Holds the current spectrum for ever").steady(),
            Param::linear(
                "blur",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "How long each tone lingers, up to 12 s; it also randomizes the phases",
            ),
            Param::linear(
                "tilt",
                -6.0..=6.0,
                0.0,
                Unit::Db,
                "Tilt per octave: negative is darker, positive is brighter",
            ),
            Param::linear(
                "threshold",
                LOWEST_DB..=0.0,
                LOWEST_DB,
                Unit::Db,
                "Silences tones below this level; 0 dB is a sine of 10 V",
            ),
            Param::linear(
                "width",
                0.0..=1.0,
                1.0,
                Unit::Fraction,
                "How much the random phases differ between left and right",
            ),
            mix(1.0),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        ..About::BLANK
    };

    fn tapes(_sample_rate_hz: f32) -> Vec<usize> {
        // Levels and sounds are written ahead, and take that much more.
        let frames = |tape: usize| if (LEVELS..OUT).contains(&tape) { 2 * HOP } else { POINTS };
        (0..TAPES).map(frames).collect()
    }

    fn start(&mut self, seed: u64) {
        self.seed = seed;
    }

    fn change_rate(&mut self, _change: &RateChange) {
        // The last spectrum was on the tapes.
        self.spectrum_at = 0;
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        self.recording.follow(block);
        let input = StereoIn::new(block, LEFT, RIGHT);
        let gate = block.input(FREEZE_GATE);
        for frame in block.frames() {
            self.freeze.follow(gate.at(0, frame));
            if frame == 0 && block.frame.is_multiple_of(HOP as u64) {
                self.take_spectrum(block);
            }
            for side in [LEFT, RIGHT] {
                block.tapes.write(IN + side, frame, hush(input.at(side, frame)));
            }
        }
        let mix = block.ramp(MIX);
        for side in [LEFT, RIGHT] {
            let sound = self.sound(block, side);
            for frame in block.frames() {
                let (dry, wet) = dry_wet(mix.at(frame));
                let volts = dry * input.at(side, frame) + wet * sound[frame];
                block.output(side).put(0, frame, volts);
            }
        }
    }
}

const _: () = assert!(HOP.is_multiple_of(QUANTUM) && POINTS <= MOST_POINTS);

/// What the hand wants of the spectra, at one of them.
struct Wish {
    is_frozen: bool,
    /// What is left of the level before.
    kept: f32,
    /// How far phases go astray, 0 to 1.
    astray: f32,
    width: f32,
    /// The softest level that is heard, squared.
    threshold: f32,
    tilt_octaves: f32,
    bin_hz: f32,
}

impl Wish {
    #[inline(always)]
    fn new(block: &Block, is_gated: bool) -> Wish {
        let blur = (block.param(BLUR) + 0.1 * block.input(BLUR_CV).at(0, 0)).clamp(0.0, 1.0);
        let is_frozen = is_gated || block.is_on(FREEZE);
        let hops_per_second = block.sample_rate_hz / HOP as f32;
        let threshold = FULL_SCALE_VOLTS * exp2(block.param(THRESHOLD) * 0.166_096_4);
        Wish {
            is_frozen,
            kept: lag(LONGEST_BLUR_SECS * blur * blur, hops_per_second),
            astray: if is_frozen { 1.0 } else { (3.0 * blur).min(1.0) },
            width: block.param(WIDTH),
            threshold: if block.param(THRESHOLD) > LOWEST_DB { threshold * threshold } else { 0.0 },
            tilt_octaves: block.param(TILT) * 0.166_096_4,
            bin_hz: block.sample_rate_hz / POINTS as f32,
        }
    }

    /// What is done to a bin whose level is that, apart from its phase.
    #[inline(always)]
    fn gain(&self, bin: usize, level: f32) -> f32 {
        let over = (1.0 - self.threshold / (level * level).max(1e-20)).max(0.0);
        if self.tilt_octaves == 0.0 {
            return over;
        }
        let hz = (bin as f32 * self.bin_hz).max(LOWEST_TILTED_HZ);
        over * exp2(self.tilt_octaves * log2(hz * (1.0 / MIDDLE_HZ)))
    }
}

/// Real and imaginary part, or left and right.
type Pair = [f32; 2];

impl SpectralFreeze {
    /// What the four spectra of this moment sound like together.
    #[inline(always)]
    fn sound(&self, block: &Block, side: usize) -> [f32; QUANTUM] {
        let mut sound = [0.0; QUANTUM];
        let hops = block.frame / HOP as u64;
        for age in 0..OVERLAP as u64 {
            // Not what an earlier spectrum left on the tape.
            let is_of_now = age * HOP as u64 + block.frame % HOP as u64;
            if age <= hops && is_of_now as usize <= self.recording.frames(block) {
                let tape = OUT + side * OVERLAP + ((hops - age) % OVERLAP as u64) as usize;
                let heard = block.tapes.read_run(tape, block.frames(), 0);
                for frame in block.frames() {
                    sound[frame] += heard[frame];
                }
            }
        }
        sound
    }

    /// Takes the spectrum of the last frames, and records what it is to sound
    /// like ahead.
    #[inline(always)]
    fn take_spectrum(&mut self, block: &mut Block) {
        let wish = Wish::new(block, self.freeze.is_on());
        // Left is real, right is imaginary: one transform does both.
        let mut sides = [[0.0; POINTS]; 2];
        let known = self.recording.frames(block).min(POINTS);
        for (side, frames) in sides.iter_mut().enumerate() {
            block.tapes.read_slice(IN + side, known, &mut frames[POINTS - known..]);
            for (n, volts) in frames.iter_mut().enumerate() {
                *volts *= window(n);
            }
        }
        let [real, imaginary] = &mut sides;
        fft::forward(real, imaginary);
        self.change(block, real, imaginary, &wish);
        fft::inverse(real, imaginary);

        // Four windows, squared, are 2 together. Phases by chance add up to
        // half of what their own do.
        let scale = 0.5 * (1.0 + wish.astray) / POINTS as f32;
        let turn = (block.frame / HOP as u64 % OVERLAP as u64) as usize;
        for (side, frames) in sides.iter_mut().enumerate() {
            for (n, volts) in frames.iter_mut().enumerate() {
                *volts = hush(*volts * window(n) * scale);
            }
            block.tapes.write_slice(OUT + side * OVERLAP + turn, frames);
        }
        self.spectrum_at = block.frame;
    }

    /// Turns the bins into what is to be heard.
    #[inline(always)]
    fn change(&self, block: &mut Block, real: &mut [f32], imaginary: &mut [f32], wish: &Wish) {
        let mut levels = self.levels_before(block);
        let mut random = Random::new(self.seed ^ block.frame);
        // A sine's level in volts: half of it is in the bins above zero, and the
        // window lets 2/π of it through.
        let volts = std::f32::consts::PI / POINTS as f32;
        let top = fft::place(BINS, POINTS);
        for at in [0, top] {
            (real[at], imaginary[at]) = (0.0, 0.0);
        }
        for bin in 1..BINS {
            let (above, below) = (fft::place(bin, POINTS), fft::place(POINTS - bin, POINTS));
            let chance: Pair = [random.unipolar(), random.unipolar()];
            let turns = [chance[LEFT], chance[LEFT] + wish.width * (chance[RIGHT] - 0.5)];
            let bins = [
                [real[above] + real[below], imaginary[above] - imaginary[below]],
                [imaginary[above] + imaginary[below], real[below] - real[above]],
            ];
            let mut heard = [[0.0; 2]; 2];
            for side in [LEFT, RIGHT] {
                let [re, im] = bins[side].map(|part| 0.5 * part);
                let size = (re * re + im * im).sqrt();
                let before = levels[side][bin];
                let level = if wish.is_frozen {
                    before
                } else {
                    hush(size * volts + wish.kept * (before - size * volts))
                };
                levels[side][bin] = level;
                let loud = level * wish.gain(bin, level) * (1.0 / volts);
                let own = if size > 1e-20 { [re / size, im / size] } else { [1.0, 0.0] };
                heard[side] = astray(own, wish.astray, turns[side]).map(|part| loud * part);
            }
            let [left, right] = heard;
            (real[above], imaginary[above]) = (left[0] - right[1], left[1] + right[0]);
            (real[below], imaginary[below]) = (left[0] + right[1], right[0] - left[1]);
        }
        for (side, levels) in levels.iter().enumerate() {
            block.tapes.write_slice(LEVELS + 2 * side, &levels[..HOP]);
            block.tapes.write_slice(LEVELS + 2 * side + 1, &levels[HOP..]);
        }
    }

    /// The levels of the last spectrum, however long ago it was.
    #[inline(always)]
    fn levels_before(&self, block: &Block) -> [[f32; BINS]; 2] {
        let mut levels = [[0.0; BINS]; 2];
        let ago = (block.frame - self.spectrum_at) as usize;
        for (side, levels) in levels.iter_mut().enumerate() {
            let (low, high) = levels.split_at_mut(HOP);
            block.tapes.read_slice(LEVELS + 2 * side, ago, low);
            block.tapes.read_slice(LEVELS + 2 * side + 1, ago, high);
        }
        levels
    }
}

const _: () = assert!(BINS == 2 * HOP, "a spectrum's levels fit on two tapes, one hop long");

/// A phase, turned by that part of `turns`; wholly by chance at 1.
#[inline(always)]
fn astray(own: Pair, share: f32, turns: f32) -> Pair {
    let points = (turns * share * MOST_POINTS as f32) as i32 as usize;
    let (cosine, sine) = fft::turn(points);
    let [re, im] = if share < 1.0 { own } else { [1.0, 0.0] };
    [re * cosine - im * sine, re * sine + im * cosine]
}

/// The root of Hann's window: half a sine.
#[inline(always)]
fn window(n: usize) -> f32 {
    fft::turn(n * (MOST_POINTS / 2 / POINTS)).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::power_spectrum;

    const RATE_HZ: f32 = 48_000.0;

    fn rms(volts: &[f32]) -> f64 {
        (volts.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / volts.len() as f64).sqrt()
    }

    fn noise(rig: &mut Rig) -> &mut Rig {
        let mut random = Random::new(3);
        rig.feed("left", move |_, _| 5.0 * random.bipolar())
    }

    fn sine(frame: u64, hz: f64) -> f32 {
        (std::f64::consts::TAU * hz * frame as f64 / 48_000.0).sin() as f32
    }

    /// The energy between two frequencies, over all of it.
    fn share(volts: &[f32], low_hz: f64, high_hz: f64) -> f64 {
        let powers = power_spectrum(&volts[..65_536], 8.0);
        let bin = |hz: f64| (hz * 65_536.0 / f64::from(RATE_HZ)) as usize;
        powers[bin(low_hz)..bin(high_hz)].iter().sum::<f64>() / powers.iter().sum::<f64>()
    }

    #[test]
    fn with_nothing_to_do_it_is_the_signal_4096_frames_late() {
        let volts = |frame: u64| 3.0 * sine(frame, 440.0) + 2.0 * sine(frame, 7777.7);
        let mut rig = Rig::new::<SpectralFreeze>(RATE_HZ);
        rig.feed("left", move |_, frame| volts(frame));
        rig.feed("right", move |_, frame| volts(frame + 99));
        let out = rig.run(40_000);
        for (side, ahead) in [("left", 0), ("right", 99)] {
            for frame in 10_000..40_000 {
                let (heard, given) =
                    (out.channel(side, 0)[frame], volts(frame as u64 - 4096 + ahead));
                assert!((heard - given).abs() < 2e-4, "{side} {frame}: {heard} V, {given} V");
            }
        }
    }

    #[test]
    fn frozen_it_is_as_loud_for_ever_and_hears_nothing_new() {
        let mut rig = Rig::new::<SpectralFreeze>(RATE_HZ);
        rig.feed("left", |_, frame| {
            if frame < 48_000 { 3.0 * sine(frame, 500.0) } else { 3.0 * sine(frame, 3000.0) }
        });
        rig.run(24_000);
        let before = rms(rig.run(12_000).main());
        rig.set("freeze", 1.0).run(480_000);
        let out = rig.run(96_000);
        let level_db = 20.0 * (rms(out.main()) / before).log10();
        assert!(level_db.abs() < 1.5, "{level_db} dB");
        assert!(share(out.main(), 450.0, 550.0) > 0.999);
        let sides = ["left", "right"].map(|side| out.channel(side, 0));
        let both: f64 = sides[0].iter().zip(sides[1]).map(|(&l, &r)| f64::from(l * r)).sum();
        let alike = both / 96_000.0 / rms(sides[0]) / rms(sides[1]);
        assert!(alike.abs() < 0.4, "{alike}");
    }

    #[test]
    fn frozen_it_holds_a_burst_of_noise_for_a_minute() {
        let mut rig = Rig::new::<SpectralFreeze>(RATE_HZ);
        crate::rig::held::assert_holds(&mut rig, 2.0, |rig| _ = rig.set("freeze", 1.0));
    }

    #[test]
    fn it_is_still_frozen_after_a_bypass() {
        let mut rig = Rig::new::<SpectralFreeze>(RATE_HZ);
        noise(&mut rig).run(24_000);
        rig.set("freeze", 1.0).run(24_000);
        let before = rms(rig.run(24_000).main());
        rig.skip(4567).feed("left", |_, _| 0.0).run(9600);
        let level_db = 20.0 * (rms(rig.run(24_000).main()) / before).log10();
        assert!(level_db.abs() < 0.5, "{level_db} dB");
    }

    #[test]
    fn blur_lingers_and_keeps_the_level_of_noise() {
        let mut rig = Rig::new::<SpectralFreeze>(RATE_HZ);
        noise(rig.set("blur", 0.5)).run(240_000);
        let loud = rms(rig.run(48_000).main());
        let given_db = 20.0 * (loud * 3f64.sqrt() / 5.0).log10();
        // The mean of a noisy level is 1 dB below the root of its square's mean.
        assert!((-1.8..-0.3).contains(&given_db), "{given_db} dB");
        // 3 s to 1 %: 13.3 dB a second.
        rig.feed("left", |_, _| 0.0).run(48_000 + 4096);
        let first = rms(rig.run(24_000).main());
        rig.run(24_000);
        let fell_db = 20.0 * (rms(rig.run(24_000).main()) / first).log10();
        assert!((-14.5..-12.0).contains(&fell_db), "{fell_db} dB");
    }

    #[test]
    fn the_threshold_parts_loud_tones_from_soft_ones_and_tilt_turns_octaves() {
        let two = |threshold: f32, tilt: f32| {
            let mut rig = Rig::new::<SpectralFreeze>(RATE_HZ);
            rig.set("threshold", threshold).set("tilt", tilt);
            rig.feed("left", |_, frame| sine(frame, 500.0) + 0.1 * sine(frame, 2000.0));
            rig.run(9600);
            let out = rig.run(65_536);
            let [low, high] = [500.0, 2000.0].map(|hz| share(out.main(), 0.9 * hz, 1.1 * hz));
            10.0 * (high / low).log10()
        };
        assert!((two(-120.0, 0.0) + 20.0).abs() < 0.1);
        assert!((two(-120.0, 3.0) + 14.0).abs() < 0.3, "{}", two(-120.0, 3.0));
        assert!((two(-120.0, -3.0) + 26.0).abs() < 0.3, "{}", two(-120.0, -3.0));
        // -20 dB and -40 dB.
        assert!(two(-32.0, 0.0) < -60.0, "{}", two(-32.0, 0.0));
    }

    #[test]
    fn silence_follows_silence() {
        let mut rig = Rig::new::<SpectralFreeze>(RATE_HZ);
        rig.feed("left", |_, frame| if frame < 4800 { sine(frame, 500.0) } else { 0.0 });
        rig.run(4800 + 3 * POINTS);
        assert!(rig.run(4800).main().iter().all(|&volts| volts == 0.0));
    }
}
