//! Spectrum: which tones are in a sound, and how loud.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::log2;
use sostenuto_dsp::units::{FULL_SCALE_VOLTS, QUANTUM};

use crate::Module;
use crate::module::{About, Block, Screen, Tag, port};
use crate::tools::{SPECTRUM_BINS, SPECTRUM_FRAMES};

const IN: usize = 0;
const TAPE: usize = 0;

/// Frames from one spectrum to the next: neighbours overlap by half.
const HOP_FRAMES: u64 = SPECTRUM_FRAMES as u64 / 2;

/// Silence, in dB.
const FLOOR_DB: f32 = -160.0;

/// Remembers nothing: the sound is on its tape.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Spectrum {}

impl Module for Spectrum {
    const ABOUT: &'static About = &About {
        name: "spectrum",
        title: "Spectrum",
        summary: "Shows the frequencies in a sound; 0 dB is a sine of 10 V peak",
        aliases: &["analyzer", "fft", "analyser"],
        tags: &[Tag::Display],
        inputs: &[port("in", "Signal input. A polyphonic cable is summed")],
        display: SPECTRUM_BINS,
        screen: Some(Screen::Spectrum),
        ..About::BLANK
    };

    fn tapes(_sample_rate_hz: f32) -> Vec<usize> {
        vec![SPECTRUM_FRAMES]
    }

    /// The display holds a level in dB for every bin: bin n is at n × sample
    /// rate / 2048.
    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        if block.starts_quantum() && block.frame.is_multiple_of(HOP_FRAMES) {
            look_back(block);
        }
        let input = block.input(IN);
        for frame in block.frames() {
            block.tapes.write(TAPE, frame, input.sum(frame));
        }
    }
}

const _: () = assert!(HOP_FRAMES.is_multiple_of(QUANTUM as u64));

/// Shows the spectrum of the frames before this quantum.
#[inline(always)]
fn look_back(block: &mut Block) {
    let mut window = Window::new();
    for (n, windowed) in block.tools.spectrum_frames().iter_mut().enumerate() {
        *windowed = window.next() * block.tapes.read(TAPE, 0, SPECTRUM_FRAMES - n);
    }
    // A sine's energy lies half in the bins above zero, weakened by the window.
    let gain = 2.0 / (Window::MEAN * SPECTRUM_FRAMES as f32 * FULL_SCALE_VOLTS);
    let mut levels_db = [FLOOR_DB; SPECTRUM_BINS];
    for (level_db, bin) in levels_db.iter_mut().zip(block.tools.spectrum()) {
        *level_db = db_from_power(bin.norm_sqr() * gain * gain);
    }
    for (n, &level_db) in levels_db.iter().enumerate() {
        block.show(n, level_db);
    }
}

#[inline(always)]
fn db_from_power(power: f32) -> f32 {
    // 10 log10(2) dB an octave of power; 1e-16 is the floor.
    (3.010_3 * log2(power.max(1e-16))).max(FLOOR_DB)
}

/// The 4-term Blackman-Harris window: what is 92 dB below a neighbour is still
/// seen (F. J. Harris, "On the use of windows for harmonic analysis with the
/// discrete Fourier transform", Proc. IEEE 66(1), 1978, table 1).
struct Window {
    cosine: f64,
    sine: f64,
}

impl Window {
    const MEAN: f32 = 0.358_75;
    /// Cosine and sine of 2π / 2048.
    const TURN: (f64, f64) = (0.999_995_293_809_576_2, 0.003_067_956_762_965_976);

    #[inline(always)]
    fn new() -> Window {
        Window { cosine: 1.0, sine: 0.0 }
    }

    /// The next of its 2048 weights.
    #[inline(always)]
    fn next(&mut self) -> f32 {
        let one = self.cosine;
        let two = 2.0 * one * one - 1.0;
        let three = (4.0 * one * one - 3.0) * one;
        let (cosine, sine) = Window::TURN;
        (self.cosine, self.sine) =
            (one * cosine - self.sine * sine, one * sine + self.sine * cosine);
        (0.358_75 - 0.488_29 * one + 0.141_28 * two - 0.011_68 * three) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    /// A sine that fits bin `bin` exactly.
    fn sine(bin: f64, volts: f64) -> Rig {
        let mut rig = Rig::new::<Spectrum>(48_000.0);
        rig.feed("in", move |_, frame| {
            (volts * (std::f64::consts::TAU * bin * frame as f64 / 2048.0).sin()) as f32
        });
        rig
    }

    #[test]
    fn a_sine_of_10_v_is_0_db_in_its_bin() {
        let mut rig = sine(100.0, 10.0);
        rig.run(2048 + 32);
        let bins = rig.display();
        assert!(bins[100].abs() < 0.01, "{}", bins[100]);
        for (n, &level_db) in bins.iter().enumerate() {
            assert!(n.abs_diff(100) < 4 || level_db < -92.0, "bin {n}: {level_db} dB");
        }
    }

    #[test]
    fn a_sine_of_1_v_is_20_db_less_wherever_it_lies() {
        for bin in [50.0, 50.25, 50.5, 900.5] {
            let mut rig = sine(bin, 1.0);
            rig.run(4096 + 32);
            let loudest = rig.display().into_iter().fold(f32::MIN, f32::max);
            // Between two bins this window loses 0.83 dB.
            assert!((-20.84..-19.99).contains(&loudest), "bin {bin}: {loudest} dB");
        }
    }

    #[test]
    fn silence_is_at_the_floor() {
        let mut rig = Rig::new::<Spectrum>(48_000.0);
        rig.run(2080);
        assert!(rig.display().iter().all(|&level_db| level_db == FLOOR_DB));
    }

    #[test]
    fn it_looks_again_every_1024_frames_and_not_between() {
        let mut rig = sine(100.0, 10.0);
        rig.run(1024);
        assert_eq!(rig.display()[100], FLOOR_DB);
        rig.run(32);
        let early = rig.display();
        assert!(early[100] > -10.0);
        rig.run(992);
        assert_eq!(rig.display(), early);
        rig.run(32);
        assert_ne!(rig.display(), early);
    }

    #[test]
    fn any_cut_shows_the_same() {
        let mut rig = sine(33.3, 4.0);
        rig.run(5000);
        let whole = rig.display();
        let mut rig = sine(33.3, 4.0);
        rig.frame_by_frame().run(5000);
        assert_eq!(rig.display(), whole);
    }
}
