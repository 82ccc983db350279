//! What a cable carries for one quantum: up to sixteen channels of volts.

use std::sync::atomic::{AtomicU32, Ordering};

use bytemuck::{Pod, Zeroable};

use crate::lane::{LANES, Lane, Lanes};
use crate::units::{CHANNELS, QUANTUM};

/// One output port's voltages for one [`QUANTUM`] of frames.
///
/// One channel lies as `samples[frame]`. Two and more lie in groups of
/// [`LANES`] channels, so that a group's frame is one SIMD load:
/// `samples[(group * QUANTUM + frame) * LANES + lane]`.
///
/// It lives in shared memory, and its reader distrusts it: every index is
/// masked or checked.
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
pub struct Signal {
    channels: u32,
    _unused: [u32; 15],
    samples: [f32; QUANTUM * CHANNELS],
}

const _: () = assert!(size_of::<Signal>() == 64 + 4 * QUANTUM * CHANNELS);

/// A signal's length, in words of shared memory.
pub const SIGNAL_WORDS: usize = size_of::<Signal>() / 4;

/// What an unpatched input reads: no channels, 0 V.
pub static SILENCE: Signal =
    Signal { channels: 0, _unused: [0; 15], samples: [0.0; QUANTUM * CHANNELS] };

/// No sound is that loud. Below it, cables can be added up without end.
const ABSURD_VOLTS: f32 = 1e6;

/// How many SIMD groups that many channels take.
#[inline(always)]
pub const fn groups(channels: usize) -> usize {
    channels.div_ceil(LANES)
}

impl Signal {
    /// 0 to 16. 0: nothing is patched here.
    #[inline(always)]
    pub fn channels(&self) -> usize {
        (self.channels as usize).min(CHANNELS)
    }

    /// Whether a cable ends here.
    #[inline(always)]
    pub fn is_patched(&self) -> bool {
        self.channels != 0
    }

    /// Changes the number of channels, 1 to 16. The samples are to be written
    /// afterwards: their order depends on it.
    #[inline(always)]
    pub fn set_channels(&mut self, channels: usize) {
        self.channels = channels.clamp(1, CHANNELS) as u32;
    }

    /// The volts of one frame, for one channel or for a group of [`LANES`].
    ///
    /// One channel is copied to every lane; in a group past the last channel
    /// there is 0 V. As `f32` it is the first channel, whatever the group.
    #[inline(always)]
    pub fn get<L: Lane>(&self, group: usize, frame: usize) -> L {
        let frame = frame % QUANTUM;
        if self.channels <= 1 {
            L::splat(self.samples[frame])
        } else if group * LANES >= self.channels as usize {
            L::splat(0.0)
        } else {
            L::from_lanes(self.samples.as_chunks().0[(group % 2) * QUANTUM + frame])
        }
    }

    /// Whether [`Signal::get`] is the same at all of these frames, to the bit.
    #[inline(always)]
    pub fn is_steady<L: Lane>(&self, group: usize, frames: std::ops::Range<usize>) -> bool {
        if self.channels <= 1 {
            let volts = &self.samples[frames];
            let first = volts.first().map_or(0, |volts| volts.to_bits());
            return volts.iter().fold(0, |all, volts| all | (volts.to_bits() ^ first)) == 0;
        }
        let first = self.get::<L>(group, frames.start).to_lanes();
        let mut differing = [0; LANES];
        for frame in frames {
            let volts = self.get::<L>(group, frame).to_lanes();
            for lane in 0..L::WIDTH {
                differing[lane] |= volts[lane].to_bits() ^ first[lane].to_bits();
            }
        }
        differing == [0; LANES]
    }

    /// [`Signal::at`] for some frames of the quantum: quicker than one by one.
    #[inline(always)]
    pub fn channel(&self, channel: usize, frames: std::ops::Range<usize>) -> [f32; QUANTUM] {
        let mut volts = [0.0; QUANTUM];
        if self.channels <= 1 {
            volts[frames.clone()].copy_from_slice(&self.samples[frames]);
        } else if channel < self.channels() {
            let first = channel / LANES % 2 * QUANTUM;
            let lanes = &self.samples.as_chunks::<LANES>().0[first..first + QUANTUM];
            for frame in frames {
                volts[frame] = lanes[frame][channel % LANES];
            }
        }
        volts
    }

    /// [`Signal::set`] for some frames of the quantum: quicker than one by one.
    #[inline(always)]
    pub fn put_channel(
        &mut self,
        channel: usize,
        frames: std::ops::Range<usize>,
        volts: &[f32; QUANTUM],
    ) {
        if self.channels <= 1 {
            self.samples[frames.clone()].copy_from_slice(&volts[frames]);
            return;
        }
        let first = channel / LANES % 2 * QUANTUM;
        let lanes = &mut self.samples.as_chunks_mut::<LANES>().0[first..first + QUANTUM];
        for frame in frames {
            lanes[frame][channel % LANES] = volts[frame];
        }
    }

    /// Writes the volts of one frame. `L` is `f32` where this signal has one
    /// channel, and [`Lanes`] where it has more.
    #[inline(always)]
    pub fn put<L: Lane>(&mut self, group: usize, frame: usize, volts: L) {
        let frame = frame % QUANTUM;
        if L::WIDTH == 1 {
            self.samples[frame] = volts.first();
        } else {
            self.samples.as_chunks_mut().0[(group % 2) * QUANTUM + frame] = volts.to_lanes();
        }
    }

    /// One channel's volts. One channel alone is copied to every channel; past
    /// the last of several there is 0 V.
    #[inline(always)]
    pub fn at(&self, channel: usize, frame: usize) -> f32 {
        if self.channels <= 1 {
            self.samples[frame % QUANTUM]
        } else if channel < self.channels() {
            self.samples[index(channel, frame)]
        } else {
            // A group that no channel is in keeps what it had when one was.
            0.0
        }
    }

    /// Writes one channel of one frame, slowly: for modules that go channel by
    /// channel. The number of channels must have been set.
    #[inline(always)]
    pub fn set(&mut self, channel: usize, frame: usize, volts: f32) {
        if self.channels <= 1 {
            self.samples[frame % QUANTUM] = volts;
        } else {
            self.samples[index(channel, frame)] = volts;
        }
    }

    /// Copies what lies in these [`SIGNAL_WORDS`]. A worker may be writing them:
    /// then some samples are of the block before.
    pub fn copy_from(&mut self, words: &[AtomicU32]) {
        let own: &mut [u32] = bytemuck::cast_slice_mut(std::slice::from_mut(self));
        own[0] = words.first().map_or(0, |word| word.load(Ordering::Relaxed));
        let head = SIGNAL_WORDS - QUANTUM * CHANNELS;
        let samples = match own[0] as usize {
            0 | 1 => QUANTUM,
            channels => groups(channels.min(CHANNELS)) * LANES * QUANTUM,
        };
        for (own, word) in own.iter_mut().zip(words).skip(head).take(samples) {
            *own = word.load(Ordering::Relaxed);
        }
    }

    /// Some frames of another signal, with all its channels; of one that is not
    /// patched, one channel of 0 V.
    #[inline(always)]
    pub fn copy_frames(&mut self, other: &Signal, frames: std::ops::Range<usize>) {
        self.set_channels(other.channels());
        if self.channels == 1 {
            self.samples[frames.clone()].copy_from_slice(&other.samples[frames]);
            return;
        }
        for group in 0..groups(self.channels()) {
            let lanes =
                (group * QUANTUM + frames.start) * LANES..(group * QUANTUM + frames.end) * LANES;
            self.samples[lanes.clone()].copy_from_slice(&other.samples[lanes]);
        }
    }

    /// All channels of one frame together: what a mono module hears.
    #[inline(always)]
    pub fn sum(&self, frame: usize) -> f32 {
        if self.channels <= 1 {
            return self.samples[frame % QUANTUM];
        }
        let channels = self.channels();
        let lanes = self.samples.as_chunks::<LANES>().0;
        // What leaves every first channel as it is.
        let mut sum = -0.0;
        for group in 0..groups(channels) {
            let lanes = &lanes[(group % 2) * QUANTUM + frame % QUANTUM];
            if channels >= (group + 1) * LANES {
                lanes.iter().for_each(|volts| sum += volts);
            } else {
                lanes[..channels % LANES].iter().for_each(|volts| sum += volts);
            }
        }
        sum
    }

    /// 0 V on every channel of some frames.
    #[inline(always)]
    pub fn clear(&mut self, frames: std::ops::Range<usize>) {
        if self.channels <= 1 {
            self.samples[frames].fill(0.0);
            return;
        }
        for group in 0..groups(self.channels()) {
            let first = group * QUANTUM;
            let lanes = self.samples.as_chunks_mut::<LANES>().0;
            lanes[first + frames.start..first + frames.end].as_flattened_mut().fill(0.0);
        }
    }

    /// Adds another signal's frames, scaled frame by frame, as two cables in
    /// one input do. `self` keeps its number of channels, which is not less
    /// than the other's: one channel adds to every channel.
    #[inline(always)]
    pub fn add(
        &mut self,
        other: &Signal,
        frames: std::ops::Range<usize>,
        gain: impl Fn(usize) -> f32,
    ) {
        if self.channels <= 1 {
            for frame in frames {
                self.samples[frame] += gain(frame) * other.at(0, frame);
            }
            return;
        }
        for group in 0..groups(self.channels()) {
            let used = (self.channels() - group * LANES).min(LANES);
            for frame in frames.clone() {
                let mut sum = self.get::<Lanes>(group, frame)
                    + Lanes::splat(gain(frame)) * other.get::<Lanes>(group, frame);
                if used < LANES {
                    // One channel was copied past the last, too.
                    let mut lanes = sum.to_lanes();
                    lanes[used..].fill(0.0);
                    sum = Lanes::from_lanes(lanes);
                }
                self.put(group, frame, sum);
            }
        }
    }

    /// Makes the signal fit to leave its module: 0 V instead of what is not a
    /// finite number, and in lanes past the last channel. Returns how many
    /// samples were not finite.
    #[inline(always)]
    pub fn clean(&mut self, frames: std::ops::Range<usize>) -> u32 {
        let channels = self.channels();
        if channels <= 1 {
            return stop_at_border(&mut self.samples[frames]);
        }
        let mut broken = 0;
        for group in 0..groups(channels) {
            let used = (channels - group * LANES).min(LANES);
            let first = group * QUANTUM;
            let lanes = self.samples.as_chunks_mut::<LANES>().0;
            let lanes = &mut lanes[first + frames.start..first + frames.end];
            if used < LANES {
                lanes.iter_mut().for_each(|lanes| lanes[used..].fill(0.0));
            }
            broken += stop_at_border(lanes.as_flattened_mut());
        }
        broken
    }
}

/// 0 V in the place of whatever is no voltage. Returns how often.
#[inline(always)]
fn stop_at_border(samples: &mut [f32]) -> u32 {
    // As integers, numbers that are too large, infinities and what is no number
    // all come after ABSURD_VOLTS.
    let is_absurd = |volts: f32| (volts.to_bits() & !SIGN) as i32 >= ABSURD_VOLTS.to_bits() as i32;
    // All are looked at together: SIMD, and usually there is none.
    let mut any = false;
    for &volts in &*samples {
        any |= is_absurd(volts);
    }
    if !any {
        return 0;
    }
    let broken = samples.iter_mut().filter(|volts| is_absurd(**volts));
    broken.map(|volts| *volts = 0.0).count() as u32
}

/// The bit of a float that says whether it is below zero.
const SIGN: u32 = 1 << 31;

#[inline(always)]
fn index(channel: usize, frame: usize) -> usize {
    let channel = channel % CHANNELS;
    ((channel / LANES) * QUANTUM + frame % QUANTUM) * LANES + channel % LANES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::Lanes;

    #[test]
    fn one_channel_is_copied_to_all() {
        let mut signal = SILENCE;
        signal.set_channels(1);
        signal.put(0, 3, 2.5f32);
        assert_eq!(signal.at(7, 3), 2.5);
        assert_eq!(signal.get::<Lanes>(1, 3), Lanes::splat(2.5));
    }

    #[test]
    fn channels_and_lanes_are_the_same_memory() {
        let mut signal = SILENCE;
        signal.set_channels(11);
        for channel in 0..11 {
            signal.set(channel, 5, channel as f32);
        }
        signal.set_channels(4);
        assert_eq!(signal.get::<Lanes>(1, 5), Lanes::splat(0.0));
        signal.set_channels(11);
        assert_eq!(signal.get::<Lanes>(1, 5).to_lanes(), [8.0, 9.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(signal.sum(5), 55.0);
    }

    #[test]
    fn a_copy_has_what_its_original_has_and_no_more_channels_than_there_are() {
        for channels in [1, 2, 9, 16] {
            let mut signal = SILENCE;
            signal.set_channels(channels);
            for (channel, frame) in (0..channels).flat_map(|c| (0..QUANTUM).map(move |f| (c, f))) {
                signal.set(channel, frame, (channel * QUANTUM + frame) as f32);
            }
            let words: &[u32] = bytemuck::cast_slice(std::slice::from_ref(&signal));
            let words: Vec<AtomicU32> = words.iter().map(|&word| AtomicU32::new(word)).collect();
            let mut copy = SILENCE;
            copy.copy_from(&words);
            assert_eq!(copy.channels(), channels);
            assert!((0..channels).all(|c| (0..QUANTUM).all(|f| copy.at(c, f) == signal.at(c, f))));
            words[0].store(1 << 30, Ordering::Relaxed);
            copy.copy_from(&words);
            assert_eq!(copy.channels(), CHANNELS);
        }
    }

    #[test]
    fn a_cable_that_lost_channels_adds_nothing_in_their_place() {
        let mut signal = SILENCE;
        signal.set_channels(16);
        signal.set(12, 3, 5.0);
        signal.set_channels(4);
        signal.clean(3..4);
        let mut sum = SILENCE;
        sum.set_channels(16);
        sum.add(&signal, 3..4, |_| 1.0);
        assert_eq!(sum.at(12, 3), 0.0);
    }

    #[test]
    fn what_is_not_a_number_stops_at_the_border() {
        let mut signal = SILENCE;
        signal.set_channels(3);
        signal.put(
            0,
            0,
            Lanes::from_lanes([f32::NAN, 1.0, f32::INFINITY, 7.0, 7.0, 7.0, 7.0, 7.0]),
        );
        assert_eq!(signal.clean(0..1), 2);
        assert_eq!(signal.get::<Lanes>(0, 0).to_lanes(), [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let edge = f32::from_bits(ABSURD_VOLTS.to_bits() - 1);
        for (volts, passes) in [
            (edge, true),
            (-edge, true),
            (-0.0, true),
            (1e-45, true),
            (ABSURD_VOLTS, false),
            (-ABSURD_VOLTS, false),
            (f32::NEG_INFINITY, false),
            (-f32::NAN, false),
        ] {
            signal.set_channels(1);
            signal.put(0, 31, volts);
            assert_eq!(signal.clean(0..QUANTUM), u32::from(!passes), "{volts}");
            let left: f32 = signal.get(0, 31);
            assert_eq!(left.to_bits(), if passes { volts.to_bits() } else { 0 });
        }
    }
}
