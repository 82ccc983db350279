//! Steps and corners without aliasing.
//!
//! A waveform with edges is sampled as it is, and around each edge is added
//! what a band limit would have done to it (BLEP: Brandt, "Hard sync without
//! aliasing", ICMC 2001; for corners BLAMP: Esqueda, Välimäki and Bilbao,
//! "Rounding corners with BLAMP", DAFx 2016). The band limit is a linear-phase
//! sinc under a Kaiser window, so the sound comes [`LATENCY`] frames late.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use super::const_math::kaiser_sinc;
use crate::lane::{LANES, Lane, each};
use crate::units::QUANTUM;

/// Frames that an edge spreads over.
pub const TAPS: usize = 32;
/// Frames by which the sound is late.
pub const LATENCY: usize = TAPS / 2;

/// Rows of the table: places of an edge between two frames.
const PLACES: usize = 256;
/// Half amplitude, in cycles a frame: 23.1 kHz at 48 kHz. The window makes it
/// flat to 18 kHz, and 100 dB down from 28 kHz, whose alias is at 20 kHz.
const CUTOFF: f64 = 0.481;
const KAISER_BETA: f64 = 10.06;

/// How many derivatives may jump at an edge: of a sine, all do.
pub const ORDERS: usize = 6;

/// For each order and place, what is to be added at every tap.
type Tables = [[[f32; TAPS]; PLACES + 1]; ORDERS];

/// The band limit's impulse response, summed up once for a step, twice for a
/// corner and so on, less the step, the ramp and so on themselves.
static TABLES: Tables = tables();

#[allow(long_running_const_eval, reason = "two seconds")]
const fn tables() -> Tables {
    const MIDDLE: usize = TAPS * PLACES / 2;
    const GRID: f64 = 1.0 / PLACES as f64;
    // Up to the middle; the other half mirrors it.
    let mut sums = [[0.0; MIDDLE + 1]; ORDERS];
    let mut before = impulse(-(LATENCY as f64));
    let mut point = 0;
    while point < MIDDLE {
        let at = point as f64 * GRID - LATENCY as f64;
        let half_way = impulse(at + 0.5 * GRID);
        let after = impulse(at + GRID);
        // Simpson's rule, and then the trapezium with its first correction.
        sums[0][point + 1] = sums[0][point] + GRID / 6.0 * (before + 4.0 * half_way + after);
        let mut slopes = [before, after];
        let mut order = 1;
        while order < ORDERS {
            let [left, right] = [sums[order - 1][point], sums[order - 1][point + 1]];
            sums[order][point + 1] = sums[order][point]
                + GRID / 2.0 * (left + right)
                + GRID * GRID / 12.0 * (slopes[0] - slopes[1]);
            slopes = [left, right];
            order += 1;
        }
        before = after;
        point += 1;
    }

    // The second and fourth moment of the response, which are not quite 0, go
    // into the even sums; without them each order is 0 past its last tap.
    let gain = 0.5 / sums[0][MIDDLE];
    let second = 2.0 * gain * sums[2][MIDDLE];
    let fourth = 2.0 * gain * sums[4][MIDDLE];
    let mut tables = [[[0.0; TAPS]; PLACES + 1]; ORDERS];
    let mut place = 0;
    while place <= PLACES {
        let mut tap = 0;
        while tap < TAPS {
            let point = tap * PLACES + place;
            let is_late = tap >= LATENCY;
            let mirrored = if is_late { 2 * MIDDLE - point } else { point };
            let mut values = [0.0; ORDERS];
            let mut order = 0;
            while order < ORDERS {
                values[order] = gain * sums[order][mirrored];
                if order >= 2 {
                    values[order] -= second * values[order - 2];
                }
                if order >= 4 {
                    values[order] -= fourth * values[order - 4];
                }
                let sign = if is_late && order % 2 == 0 { -1.0 } else { 1.0 };
                tables[order][place][tap] = (sign * values[order]) as f32;
                order += 1;
            }
            tap += 1;
        }
        place += 1;
    }
    tables
}

const fn impulse(frames: f64) -> f64 {
    kaiser_sinc(frames, LATENCY, CUTOFF, KAISER_BETA)
}

/// One waveform on its way out, in all channels. It is given the waveform as
/// sampled, and its edges; what comes out is [`LATENCY`] frames late.
///
/// Frames are counted from the start of the quantum. The first half is what the
/// 32 frames of this count add up to, the second half what their edges put into
/// the next 32: so that an edge is written in one go.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Edged {
    groups: [[[f32; LANES]; 2 * TAPS]; 2],
}

const _: () = assert!(QUANTUM.is_multiple_of(TAPS));

impl Edged {
    /// Clears what is still to come of those channels' edges.
    pub fn forget(&mut self, channels: &Range<usize>) {
        for channel in channels.clone() {
            let frames = &mut self.groups[channel / LANES % 2];
            frames.iter_mut().for_each(|lanes| lanes[channel % LANES] = 0.0);
        }
    }

    /// To be called before every frame that is a multiple of [`TAPS`].
    #[inline(always)]
    pub fn start_count(&mut self, group: usize) {
        let (now, next) = self.groups[group % 2].split_at_mut(TAPS);
        now.copy_from_slice(next);
        next.fill([0.0; LANES]);
    }

    /// The waveform just stepped: it did so `late` frames ago, 0 to 1.
    #[inline(always)]
    pub fn step(&mut self, group: usize, lane: usize, frame: usize, late: f32, height: f32) {
        self.spread(group, lane, frame, &around(&TABLES[0], late, height));
    }

    /// Several waveforms just stepped at once, `late` frames ago: at the price of
    /// little more than one.
    #[inline(always)]
    pub fn step_together<const N: usize>(
        waves: &mut [Edged; N],
        group: usize,
        lane: usize,
        frame: usize,
        late: f32,
        heights: [f32; N],
    ) {
        let taps = around(&TABLES[0], late, 1.0);
        for (wave, height) in waves.iter_mut().zip(heights) {
            wave.spread(group, lane, frame, &each(|tap| height * taps[tap]));
        }
    }

    /// The waveform's slope just grew by that much a frame, `late` frames ago.
    #[inline(always)]
    pub fn corner(&mut self, group: usize, lane: usize, frame: usize, late: f32, bend: f32) {
        self.spread(group, lane, frame, &around(&TABLES[1], late, bend));
    }

    /// The waveform just jumped, `late` frames ago, and so did its derivatives.
    #[inline(always)]
    pub fn jump(
        &mut self,
        group: usize,
        lane: usize,
        frame: usize,
        late: f32,
        derivatives: [f32; ORDERS],
    ) {
        let mut taps = [0.0; TAPS];
        for (table, height) in TABLES.iter().zip(derivatives) {
            for (sum, tap) in taps.iter_mut().zip(around(table, late, height)) {
                *sum += tap;
            }
        }
        self.spread(group, lane, frame, &taps);
    }

    #[inline(always)]
    fn spread(&mut self, group: usize, lane: usize, frame: usize, taps: &[f32; TAPS]) {
        let frame = frame % TAPS;
        let places = &mut self.groups[group % 2][frame..frame + TAPS];
        for (place, tap) in places.iter_mut().zip(taps) {
            place[lane % LANES] += tap;
        }
    }

    /// Takes the waveform at a frame, after its edges since the frame before.
    /// Returns what comes out.
    #[inline(always)]
    pub fn pass<L: Lane>(&mut self, group: usize, frame: usize, sample: L) -> L {
        let places = &mut self.groups[group % 2];
        let frame = frame % TAPS;
        let centre = &mut places[frame + LATENCY];
        put(centre, L::from_lanes(*centre) + sample);
        L::from_lanes(places[frame])
    }
}

#[inline(always)]
fn put<L: Lane>(place: &mut [f32; LANES], sample: L) {
    if L::WIDTH == 1 {
        place[0] = sample.first();
    } else {
        *place = sample.to_lanes();
    }
}

/// A table's row for that lateness, between its two nearest.
#[inline(always)]
fn around(table: &[[f32; TAPS]; PLACES + 1], late: f32, scale: f32) -> [f32; TAPS] {
    // What is not a number becomes 0 too.
    let place = if late > 0.0 { late * PLACES as f32 } else { 0.0 };
    let row = (place as usize).min(PLACES - 1);
    let (next, here) = (place - row as f32, &table[row]);
    let after = &table[row + 1];
    each(|tap| scale * (here[tap] + next * (after[tap] - here[tap])))
}
