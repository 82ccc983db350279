//! Finer steps, for a curve that bends a wave sharply.
//!
//! A wave that is oversampled already is divided further, each step into `K`: what
//! lies between by Lagrange's interpolation to the fifth power, which is exact to
//! the last bits where the wave is slow for its rate. Each of these steps takes
//! the mean of the curve ([`crate::mean`]); then boxes of one step (a
//! cascaded integrator-comb filter: Hogenauer, "An economical class of digital
//! filters for decimation and interpolation", IEEE Trans. ASSP 29, 1981) lead back
//! to the rate that came. Two suffice for two steps; three, for eight, leave
//! nothing to fold.
//!
//! One channel has its steps computed side by side, as eight channels have theirs:
//! the same numbers, to the bit.

use bytemuck::{Pod, Zeroable};

use crate::lane::{LANES, Lane, Lanes};
use crate::units::CHANNELS;

/// Frames that the interpolation looks at: three before the step and three after.
const NEAR: usize = 6;
/// The most steps that one is divided into.
const MOST: usize = 8;
/// Frames that one step's curve reaches: it is felt in so many of those after.
const PARTS: usize = 3;

/// What a curve makes of a wave.
pub trait Curve<L> {
    /// The mean of the curve over each line from a point to the next. There is
    /// one point more than there are means.
    fn means(&self, points: &[L], means: &mut [L]);
}

/// What is remembered of every channel.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct FinerState {
    near: [[f32; CHANNELS]; NEAR - 1],
    parts: [[f32; CHANNELS]; PARTS],
}

/// One channel, or eight, at work.
#[derive(Clone, Copy)]
pub struct Finer<L> {
    near: [L; NEAR - 1],
    /// What the last steps add to what comes: to the next frame the first two, to
    /// the one after the third.
    parts: [L; PARTS],
}

impl<L: Lane> Finer<L> {
    /// Takes up where [`Finer::store`] left off.
    #[inline(always)]
    pub fn load(state: &FinerState, group: usize) -> Finer<L> {
        let mut finer = Finer { near: [L::default(); NEAR - 1], parts: [L::default(); PARTS] };
        for n in 0..NEAR - 1 {
            finer.near[n] = L::load(&state.near[n], group);
        }
        for n in 0..PARTS {
            finer.parts[n] = L::load(&state.parts[n], group);
        }
        finer
    }

    /// Keeps the memory for the next call.
    #[inline(always)]
    pub fn store(&self, state: &mut FinerState, group: usize) {
        for n in 0..NEAR - 1 {
            self.near[n].store(&mut state.near[n], group);
        }
        for n in 0..PARTS {
            self.parts[n].store(&mut state.parts[n], group);
        }
    }

    /// Bends the frames, each step divided into `K`. `wide` is the same curve
    /// for eight lanes.
    #[inline(always)]
    pub fn bend<const K: usize, const STEPS: usize>(
        &mut self,
        frames: [L; STEPS],
        curve: &impl Curve<L>,
        wide: &impl Curve<Lanes>,
    ) -> [L; STEPS] {
        if L::WIDTH > 1 {
            return self.bend_channels::<K, STEPS>(frames, curve);
        }
        let mut row = [0.0; STEPS];
        for n in 0..STEPS {
            row[n] = frames[n].first();
        }
        let mut one = Finer { near: [0.0; NEAR - 1], parts: [0.0; PARTS] };
        for n in 0..NEAR - 1 {
            one.near[n] = self.near[n].first();
        }
        for n in 0..PARTS {
            one.parts[n] = self.parts[n].first();
        }
        let mut rows = [one];
        let [bent] = bend_rows::<1, STEPS, K>(&mut rows, [row], wide);
        let mut out = frames;
        for n in 0..STEPS {
            out[n] = L::splat(bent[n]);
        }
        for n in 0..NEAR - 1 {
            self.near[n] = L::splat(rows[0].near[n]);
        }
        for n in 0..PARTS {
            self.parts[n] = L::splat(rows[0].parts[n]);
        }
        out
    }

    #[inline(always)]
    fn bend_channels<const K: usize, const STEPS: usize>(
        &mut self,
        frames: [L; STEPS],
        curve: &impl Curve<L>,
    ) -> [L; STEPS] {
        let mut bent = frames;
        for n in 0..STEPS {
            let [a, b, c, d, e] = self.near;
            let [now, next, last] = step::<L, K>([a, b, c, d, e, frames[n]], curve);
            bent[n] = now + self.parts[0] + self.parts[2];
            self.parts = [next, last, self.parts[1]];
            self.near = [b, c, d, e, frames[n]];
        }
        bent
    }
}

/// Bends rows that make one group of lanes together: one of eight frames, or two
/// of four.
#[inline(always)]
pub fn bend_rows<const ROWS: usize, const STEPS: usize, const K: usize>(
    rows: &mut [Finer<f32>; ROWS],
    frames: [[f32; STEPS]; ROWS],
    curve: &impl Curve<Lanes>,
) -> [[f32; STEPS]; ROWS] {
    const { assert!(ROWS * STEPS == LANES) };
    // Each row's frames before, and then these.
    let mut tracks = [[0.0; LANES + NEAR]; ROWS];
    for row in 0..ROWS {
        tracks[row][..NEAR - 1].copy_from_slice(&rows[row].near);
        tracks[row][NEAR - 1..NEAR - 1 + STEPS].copy_from_slice(&frames[row]);
    }
    let mut near = [Lanes::default(); NEAR];
    for n in 0..NEAR {
        let mut lanes = [0.0; LANES];
        for row in 0..ROWS {
            lanes[row * STEPS..(row + 1) * STEPS].copy_from_slice(&tracks[row][n..n + STEPS]);
        }
        near[n] = Lanes::from_lanes(lanes);
    }
    let parts = step::<Lanes, K>(near, curve);
    let [now, next, last] = [parts[0].to_lanes(), parts[1].to_lanes(), parts[2].to_lanes()];
    let mut bent = frames;
    for row in 0..ROWS {
        let lane = row * STEPS;
        let Finer { near, parts } = &mut rows[row];
        let mut nexts = [parts[0]; LANES + 1];
        nexts[1..=STEPS].copy_from_slice(&next[lane..lane + STEPS]);
        let mut lasts = [parts[2]; LANES + 2];
        lasts[1] = parts[1];
        lasts[2..2 + STEPS].copy_from_slice(&last[lane..lane + STEPS]);
        for n in 0..STEPS {
            bent[row][n] = now[lane + n] + nexts[n] + lasts[n];
        }
        *parts = [nexts[STEPS], lasts[STEPS + 1], lasts[STEPS]];
        near.copy_from_slice(&tracks[row][STEPS..STEPS + NEAR - 1]);
    }
    bent
}

/// What the step in the middle adds to the frame at its end and to the two after.
#[inline(always)]
fn step<L: Lane, const K: usize>(near: [L; NEAR], curve: &impl Curve<L>) -> [L; PARTS] {
    let mut points = [near[2]; MOST + 1];
    for k in 1..K {
        let weights = &Steps::<K>::BETWEEN[k];
        let mut sum = near[0] * L::splat(weights[0]);
        for n in 1..NEAR {
            sum += near[n] * L::splat(weights[n]);
        }
        points[k] = sum;
    }
    points[K] = near[3];
    let mut means = [L::default(); MOST];
    curve.means(&points[..=K], &mut means[..K]);
    let mut parts = [L::default(); PARTS];
    for part in 0..Steps::<K>::BOXES {
        let weights = &Steps::<K>::PARTS[part];
        let mut sum = means[0] * L::splat(weights[0]);
        for k in 1..K {
            sum += means[k] * L::splat(weights[k]);
        }
        parts[part] = sum;
    }
    parts
}

/// The numbers of a division into `K`.
struct Steps<const K: usize>;

impl<const K: usize> Steps<K> {
    /// Boxes that lead back.
    const BOXES: usize = if K > 2 { 3 } else { 2 };

    /// For each place in the step, the weights of the frames near it.
    const BETWEEN: [[f32; NEAR]; MOST] = {
        let mut weights = [[0.0; NEAR]; MOST];
        let mut k = 0;
        while k < K {
            let mut n = 0;
            while n < NEAR {
                let mut weight = 1.0;
                let mut other = 0;
                while other < NEAR {
                    if other != n {
                        let place = 2.0 + k as f64 / K as f64;
                        weight *= (place - other as f64) / (n as f64 - other as f64);
                    }
                    other += 1;
                }
                weights[k][n] = weight as f32;
                n += 1;
            }
            k += 1;
        }
        weights
    };

    /// How much of each mean goes into the frame at the step's end and into the
    /// two after: boxes, one after the other.
    const PARTS: [[f32; MOST]; PARTS] = {
        let mut response = [0.0; PARTS * MOST];
        response[0] = 1.0;
        let mut done = 0;
        while done < Self::BOXES {
            let mut summed = [0.0; PARTS * MOST];
            let mut n = 0;
            while n < PARTS * MOST {
                let mut back = 0;
                while back < K && back <= n {
                    summed[n] += response[n - back] / K as f64;
                    back += 1;
                }
                n += 1;
            }
            response = summed;
            done += 1;
        }
        let mut parts = [[0.0; MOST]; PARTS];
        let mut part = 0;
        while part < PARTS {
            let mut k = 0;
            while k < K {
                parts[part][k] = response[(part + 1) * K - 1 - k] as f32;
                k += 1;
            }
            part += 1;
        }
        parts
    };

    /// How late the lows come, in frames of the rate that came.
    const LATE: f64 = { 2.0 + (0.5 + 0.5 * Self::BOXES as f64 * (K as f64 - 1.0)) / K as f64 };
}

/// How late the lows come from [`Finer`], in frames of the rate that came.
pub const fn late_frames<const K: usize>() -> f64 {
    Steps::<K>::LATE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mean::soft;

    struct Straight;

    impl<L: Lane> Curve<L> for Straight {
        #[inline(always)]
        fn means(&self, points: &[L], means: &mut [L]) {
            for (pair, mean) in points.windows(2).zip(means) {
                *mean = (pair[0] + pair[1]) * L::splat(0.5);
            }
        }
    }

    struct Soft;

    impl<L: Lane> Curve<L> for Soft {
        #[inline(always)]
        fn means(&self, points: &[L], means: &mut [L]) {
            for (pair, mean) in points.windows(2).zip(means) {
                *mean = soft(pair[0], pair[1]);
            }
        }
    }

    fn sine(n: usize) -> f32 {
        3.0 * (n as f32 * 0.05).sin()
    }

    #[test]
    fn what_is_not_bent_is_only_late() {
        fn check<const K: usize>() {
            let mut finer = Finer::<f32>::load(&FinerState::zeroed(), 0);
            for n in 0..40 {
                let frames = std::array::from_fn::<f32, 8, _>(|step| sine(8 * n + step));
                let out = finer.bend::<K, 8>(frames, &Straight, &Straight);
                for (step, volts) in out.into_iter().enumerate().filter(|_| n > 1) {
                    let place = (8 * n + step) as f64 - late_frames::<K>();
                    let ideal = 3.0 * (place * 0.05).sin();
                    assert!((f64::from(volts) - ideal).abs() < 3e-3, "{K} {n}: {volts} {ideal}");
                }
            }
        }
        check::<2>();
        check::<8>();
    }

    #[test]
    fn one_channel_two_rows_and_eight_lanes_are_the_same_to_the_bit() {
        let mut one = Finer::<f32>::load(&FinerState::zeroed(), 0);
        let mut eight = Finer::<Lanes>::load(&FinerState::zeroed(), 0);
        let mut rows = [one; 2];
        for n in 0..40 {
            let frames = std::array::from_fn::<f32, 8, _>(|step| sine(8 * n + step));
            let alone = one.bend::<2, 8>(frames, &Soft, &Soft);
            let wide = eight.bend::<2, 8>(frames.map(Lanes::splat), &Soft, &Soft);
            assert_eq!(alone, wide.map(|lanes| lanes.to_lanes()[5]));
            for half in 0..2 {
                let four = std::array::from_fn::<f32, 4, _>(|step| frames[4 * half + step]);
                let two = bend_rows::<2, 4, 2>(&mut rows, [four, four], &Soft);
                assert_eq!(two, [[0, 1, 2, 3].map(|step| alone[4 * half + step]); 2]);
            }
        }
    }
}
