//! Convolution with a long impulse response, in stereo, without delay.
//!
//! In parts of three sizes (Gardner, "Efficient convolution without input-output
//! delay", J. Audio Eng. Soc. 43(3), 1995): the first frames of the response
//! are multiplied out frame by frame; the next thousands in spectra of small
//! parts, at once; and the long rest in spectra of large parts, a little in
//! every quantum of the time that there is until they are heard.
//!
//! Everything lies on tapes. Spectra of what came in are kept by the clock, and
//! those of the response by their place in it.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::fft;
use sostenuto_dsp::hush;
use sostenuto_dsp::lane::each;
use sostenuto_dsp::tape::Tapes;
use sostenuto_dsp::units::QUANTUM;

use crate::module::Block;

/// Frames of the response that are multiplied out, and of each small part.
pub const SMALL: usize = 256;
/// Frames of each large part.
pub const LARGE: usize = 2048;
/// The first frame of the response that is in a large part: those before are
/// heard before a large part can be computed.
const LARGE_FROM: usize = 2 * LARGE;

/// Bins that are multiplied in one quantum, and so the quanta that it takes.
const BINS: usize = 64;
const MULTIPLYING: usize = LARGE / BINS;
/// The quantum, from one large part to the next, in which the rest is made
/// sound. No small part is due in it.
const SOUNDING: usize = MULTIPLYING + 9;

/// Tapes, each for the left and then for the right.
const IN: usize = 0;
/// What the parts sound like.
const SMALL_OUT: usize = 2;
const LARGE_OUT: usize = 4;
/// The first frames of the response, the last of them first.
const DIRECT: usize = 6;
/// Spectra, with four tapes each: for left and right, real and imaginary parts.
const SMALL_IN: usize = 8;
const LARGE_IN: usize = 12;
const SMALL_RESPONSE: usize = 16;
const LARGE_RESPONSE: usize = 20;
const PRODUCT: usize = 24;
/// Tapes that a convolver needs.
pub const TAPES: usize = 28;

/// The longest delays of its tapes, in frames, for responses of that length.
pub fn tapes(longest_frames: usize) -> [usize; TAPES] {
    let longest_frames = longest_frames.max(LARGE_FROM);
    each(|tape| match tape {
        IN..SMALL_OUT => LARGE_FROM,
        SMALL_OUT..LARGE_OUT => SMALL,
        LARGE_OUT..DIRECT => LARGE,
        DIRECT..SMALL_IN => SMALL,
        SMALL_IN..LARGE_IN | SMALL_RESPONSE..LARGE_RESPONSE => LARGE_FROM + SMALL,
        PRODUCT.. => 2 * LARGE,
        _ => longest_frames + LARGE,
    })
}

/// A convolver remembers no more than how much of its tapes is true.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Convolver {
    /// Frames of the response that are there.
    response_frames: u32,
    _unused: u32,
}

const _: () = assert!(LARGE.is_multiple_of(SMALL) && SMALL.is_multiple_of(QUANTUM));
const _: () = assert!(SOUNDING < LARGE / QUANTUM && !SOUNDING.is_multiple_of(SMALL / QUANTUM));

/// Left and right of a stretch of sound.
pub type Sides<const N: usize> = [[f32; N]; 2];

impl Convolver {
    /// Says how many frames of a response have been taken. 0: none is heard.
    pub fn listen_to(&mut self, response_frames: usize) {
        self.response_frames = response_frames as u32;
    }

    /// How many frames of the response are there, and heard.
    pub fn response_frames(&self) -> usize {
        self.response_frames as usize
    }

    /// Takes the next small part of a response, whose first frame is `first`.
    /// Nothing may be heard of the response, nor have been in this block.
    #[inline(always)]
    pub fn take_small(tapes: &mut Tapes, first: usize, part: &Sides<SMALL>) {
        if first == 0 {
            for (side, part) in part.iter().enumerate() {
                let mut reversed = *part;
                reversed.reverse();
                tapes.keep(DIRECT + side, 0, &reversed);
            }
        } else if first < LARGE_FROM {
            let mut both = [[0.0; 2 * SMALL]; 2];
            for (both, part) in both.iter_mut().zip(part) {
                both[..SMALL].copy_from_slice(part);
            }
            let spectra = spectra::<{ 2 * SMALL }, SMALL>(&mut both);
            for (index, spectrum) in spectra.iter().enumerate() {
                tapes.keep(SMALL_RESPONSE + index, first, spectrum);
            }
        }
    }

    /// Takes the next large part of a response. Under the same condition.
    #[inline(always)]
    pub fn take_large(tapes: &mut Tapes, first: usize, part: &Sides<LARGE>) {
        if first >= LARGE_FROM {
            let mut both = [[0.0; 2 * LARGE]; 2];
            for (both, part) in both.iter_mut().zip(part) {
                both[..LARGE].copy_from_slice(part);
            }
            let spectra = spectra::<{ 2 * LARGE }, LARGE>(&mut both);
            for (index, spectrum) in spectra.iter().enumerate() {
                tapes.keep(LARGE_RESPONSE + index, first, spectrum);
            }
        }
    }

    /// To be called where a quantum starts, before what comes in is recorded.
    /// `known_frames` is how far back the tapes are true.
    #[inline(always)]
    pub fn start_quantum(&self, block: &mut Block, known_frames: usize) {
        let now = block.frame as usize;
        if now.is_multiple_of(SMALL) {
            let mut before = [[0.0; 2 * SMALL]; 2];
            look_back(&block.tapes, known_frames, &mut before);
            let spectra = spectra::<{ 2 * SMALL }, SMALL>(&mut before);
            for (index, spectrum) in spectra.iter().enumerate() {
                block.tapes.keep(SMALL_IN + index, now, spectrum);
            }
            self.multiply_small(&mut block.tapes, now, known_frames);
        }
        let start = now - now % LARGE;
        match (now - start) / QUANTUM {
            0 => {
                let mut before = [[0.0; 2 * LARGE]; 2];
                look_back(&block.tapes, known_frames, &mut before);
                let spectra = spectra::<{ 2 * LARGE }, LARGE>(&mut before);
                for (index, spectrum) in spectra.iter().enumerate() {
                    block.tapes.keep(LARGE_IN + index, now, spectrum);
                }
            }
            turn @ 1..=MULTIPLYING => {
                let known_frames = known_frames.saturating_sub(now - start);
                self.multiply_large(&mut block.tapes, start, (turn - 1) * BINS, known_frames);
            }
            SOUNDING => {
                let product = [0, 1, 2, 3]
                    .map(|index| whole::<LARGE>(block.tapes.kept(PRODUCT + index, start, LARGE)));
                let sound = sound::<{ 2 * LARGE }, LARGE>(&product);
                for (side, sound) in sound.iter().enumerate() {
                    block.tapes.keep(LARGE_OUT + side, start + LARGE, sound);
                }
            }
            _ => {}
        }
    }

    /// What is to be heard at frames of the quantum. `inputs` are recorded.
    #[inline(always)]
    pub fn convolve(&self, block: &mut Block, inputs: &Sides<QUANTUM>) -> Sides<QUANTUM> {
        let frames = block.frames();
        for (side, volts) in inputs.iter().enumerate() {
            block.tapes.write_run(IN + side, frames.clone(), volts);
        }
        let mut heard = [[0.0; QUANTUM]; 2];
        if self.response_frames == 0 {
            return heard;
        }
        for (side, heard) in heard.iter_mut().enumerate() {
            // From as long before the first frame as the response goes.
            let mut before = [0.0; SMALL + QUANTUM];
            block.tapes.read_slice(IN + side, SMALL, &mut before[..SMALL + frames.end]);
            let direct: &[f32; SMALL] = &whole(block.tapes.kept(DIRECT + side, 0, SMALL));
            let small = block.tapes.read_run(SMALL_OUT + side, frames.clone(), 0);
            let large = block.tapes.read_run(LARGE_OUT + side, frames.clone(), 0);
            let direct = multiply_out(direct, &before, frames.clone());
            for frame in frames.clone() {
                heard[frame] = direct[frame] + (small[frame] + large[frame]);
            }
        }
        heard
    }

    #[inline(always)]
    fn multiply_small(&self, tapes: &mut Tapes, now: usize, known_frames: usize) {
        let end = self.response_frames().min(LARGE_FROM);
        let mut product = [[0.0; SMALL]; 4];
        for first in (SMALL..end).step_by(SMALL) {
            let ago = first - SMALL;
            if ago <= known_frames {
                let input = spectrum_at(tapes, SMALL_IN, now.wrapping_sub(ago), SMALL);
                let response = spectrum_at(tapes, SMALL_RESPONSE, first, SMALL);
                multiply(&mut product, input, response, true);
            }
        }
        let sound = sound::<{ 2 * SMALL }, SMALL>(&product);
        for (side, sound) in sound.iter().enumerate() {
            tapes.keep(SMALL_OUT + side, now, sound);
        }
    }

    /// Multiplies some bins of the large parts.
    #[inline(always)]
    fn multiply_large(&self, tapes: &mut Tapes, start: usize, bin: usize, known_frames: usize) {
        let mut product = [[0.0; BINS]; 4];
        for first in (LARGE_FROM..self.response_frames()).step_by(LARGE) {
            let ago = first - LARGE_FROM;
            if ago <= known_frames {
                let at = start.wrapping_sub(ago) + bin;
                let input = spectrum_at(tapes, LARGE_IN, at, BINS);
                let response = spectrum_at(tapes, LARGE_RESPONSE, first + bin, BINS);
                multiply(&mut product, input, response, bin == 0);
            }
        }
        for (index, product) in product.iter().enumerate() {
            tapes.keep(PRODUCT + index, start + bin, product);
        }
    }
}

/// The sound before now: two parts, of which the older is the overlap.
#[inline(always)]
fn look_back<const TWO: usize>(tapes: &Tapes, known_frames: usize, before: &mut Sides<TWO>) {
    let known = known_frames.min(TWO);
    for (side, before) in before.iter_mut().enumerate() {
        tapes.read_slice(IN + side, known, &mut before[TWO - known..]);
    }
}

/// Real and imaginary parts on the left, and on the right.
type Spectra<'a> = [&'a [f32]; 4];

#[inline(always)]
fn spectrum_at<'a>(tapes: &'a Tapes, tape: usize, place: usize, bins: usize) -> Spectra<'a> {
    [0, 1, 2, 3].map(|index| tapes.kept(tape + index, place, bins))
}

#[inline(always)]
fn whole<const N: usize>(kept: &[f32]) -> [f32; N] {
    let mut all = [0.0; N];
    // All are as long, for places are multiples of their lengths.
    let frames = kept.len().min(N);
    all[..frames].copy_from_slice(&kept[..frames]);
    all
}

/// Adds the product of two spectra. The first bin of a whole spectrum is two
/// real ones: the lowest and, as its imaginary part, the highest.
#[inline(always)]
fn multiply<const N: usize>(product: &mut [[f32; N]; 4], a: Spectra, b: Spectra, has_lowest: bool) {
    for side in 0..2 {
        let [real, imaginary] = &mut product[2 * side..2 * side + 2] else { return };
        let parts = [a[2 * side], a[2 * side + 1], b[2 * side], b[2 * side + 1]];
        let [a_re, a_im, b_re, b_im] = parts.map(|part| part.first_chunk::<N>());
        let (Some(a_re), Some(a_im), Some(b_re), Some(b_im)) = (a_re, a_im, b_re, b_im) else {
            return;
        };
        let lowest = real[0] + a_re[0] * b_re[0];
        let highest = imaginary[0] + a_im[0] * b_im[0];
        for bin in 0..N {
            real[bin] += a_re[bin] * b_re[bin] - a_im[bin] * b_im[bin];
            imaginary[bin] += a_re[bin] * b_im[bin] + a_im[bin] * b_re[bin];
        }
        if has_lowest {
            (real[0], imaginary[0]) = (lowest, highest);
        }
    }
}

/// The spectra of left and right, by one transform: left is its real part,
/// right its imaginary one.
#[inline(always)]
fn spectra<const TWO: usize, const ONE: usize>(sides: &mut Sides<TWO>) -> [[f32; ONE]; 4] {
    let [real, imaginary] = sides;
    fft::forward(real, imaginary);
    let mut spectra = [[0.0; ONE]; 4];
    let highest = fft::place(ONE, TWO);
    (spectra[0][0], spectra[2][0]) = (real[0], imaginary[0]);
    (spectra[1][0], spectra[3][0]) = (real[highest], imaginary[highest]);
    for bin in 1..ONE {
        let (above, below) = (fft::place(bin, TWO), fft::place(TWO - bin, TWO));
        spectra[0][bin] = 0.5 * (real[above] + real[below]);
        spectra[1][bin] = 0.5 * (imaginary[above] - imaginary[below]);
        spectra[2][bin] = 0.5 * (imaginary[above] + imaginary[below]);
        spectra[3][bin] = 0.5 * (real[below] - real[above]);
    }
    spectra
}

/// What spectra sound like, without the overlap: the newer half.
#[inline(always)]
fn sound<const TWO: usize, const ONE: usize>(spectra: &[[f32; ONE]; 4]) -> Sides<ONE> {
    let (mut real, mut imaginary) = ([0.0; TWO], [0.0; TWO]);
    let highest = fft::place(ONE, TWO);
    (real[0], imaginary[0]) = (spectra[0][0], spectra[2][0]);
    (real[highest], imaginary[highest]) = (spectra[1][0], spectra[3][0]);
    for bin in 1..ONE {
        let (above, below) = (fft::place(bin, TWO), fft::place(TWO - bin, TWO));
        let [left_re, left_im, right_re, right_im] = [0, 1, 2, 3].map(|part| spectra[part][bin]);
        (real[above], imaginary[above]) = (left_re - right_im, left_im + right_re);
        (real[below], imaginary[below]) = (left_re + right_im, right_re - left_im);
    }
    fft::inverse(&mut real, &mut imaginary);
    let scale = 1.0 / TWO as f32;
    let mut sound = [[0.0; ONE]; 2];
    for (sound, all) in sound.iter_mut().zip([&real, &imaginary]) {
        for (volts, whole) in sound.iter_mut().zip(&all[ONE..]) {
            *volts = hush(whole * scale);
        }
    }
    sound
}

/// The first frames of the response, multiplied out: `response` backwards, and
/// what came in from as many frames before the first as it is long.
#[inline(always)]
fn multiply_out(
    response: &[f32; SMALL],
    before: &[f32; SMALL + QUANTUM],
    frames: Range<usize>,
) -> [f32; QUANTUM] {
    let mut sums = [0.0; QUANTUM];
    if frames == (0..QUANTUM) {
        // All frames at once: SIMD, and the same sums.
        for (&weight, volts) in response.iter().zip(before[1..].windows(QUANTUM)) {
            for frame in 0..QUANTUM {
                sums[frame] += weight * volts[frame];
            }
        }
    } else {
        for frame in frames {
            for (&weight, &volts) in response.iter().zip(&before[frame + 1..]) {
                sums[frame] += weight * volts;
            }
        }
    }
    sums
}
