//! A playback head that is moved along the tape: a delay whose time may change
//! without a click.

use bytemuck::{Pod, Zeroable};

use crate::rate_change::RateChange;
use crate::tape::Tapes;
use crate::{hush, lagrange};

/// A delay never runs away from the sound by more than this share of the tape's
/// speed: it lowers the pitch by three octaves while the time grows.
const AWAY: f64 = 0.875;
/// Nor does it come back faster: an octave up while the time shrinks.
const BACK: f64 = 1.0;
/// How quickly it settles, in seconds.
const SETTLE_SECS: f64 = 0.01;
/// How long it takes to cross over to another place, in seconds.
const CROSS_SECS: f64 = 0.03;

/// The shortest delay, in frames: the head reads before the tape is written,
/// and looks one frame ahead.
pub const SHORTEST_FRAMES: f64 = 2.0;

/// Where one head stands: how many frames behind the recording. In f64, because
/// seconds of delay leave f32 too few bits for the fraction.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct TapeHead {
    delay_frames: f64,
    /// Where it stood before it crossed over.
    before_frames: f64,
    /// How much of that is still heard, 0 to 1.
    before: f64,
    /// The coefficient of its all-pass, where it stands still; else 2.
    allpass: f32,
    /// What it heard last of two tapes.
    heard: [f32; 2],
    _unused: u32,
}

/// For [`TapeHead::allpass`]: on its way.
const MOVES: f32 = 2.0;

impl TapeHead {
    /// Goes on at another sample rate.
    pub fn change_rate(&mut self, change: &RateChange) {
        change.all_frames([&mut self.delay_frames, &mut self.before_frames]);
    }

    /// Takes the next frame on the way to that delay, and at least
    /// [`SHORTEST_FRAMES`]. A new head is there at once.
    #[inline(always)]
    pub fn glide(&mut self, goal_frames: f64, sample_rate_hz: f32) {
        self.before = (self.before - 1.0 / (CROSS_SECS * f64::from(sample_rate_hz))).max(0.0);
        let goal_frames = goal_frames.max(SHORTEST_FRAMES);
        let way = goal_frames - self.delay_frames;
        if self.delay_frames == 0.0 || way.abs() < 1e-6 {
            self.delay_frames = goal_frames;
            if !self.crosses() && (way != 0.0 || self.allpass == MOVES) {
                let fraction = self.fraction() as f32;
                self.allpass = (1.0 - fraction) / (1.0 + fraction);
            }
        } else {
            let settle = 1.0 / (SETTLE_SECS * f64::from(sample_rate_hz));
            self.delay_frames += (way * settle).clamp(-BACK, AWAY);
            self.allpass = MOVES;
        }
    }

    /// Takes the next frame, and crosses over to that delay: the pitch does not
    /// bend. Not to be called while it [crosses](Self::crosses).
    #[inline(always)]
    pub fn cross(&mut self, goal_frames: f64) {
        if self.delay_frames != 0.0 {
            self.before_frames = self.delay_frames;
            self.before = 1.0;
            self.allpass = MOVES;
        }
        self.delay_frames = goal_frames.max(SHORTEST_FRAMES);
    }

    /// Whether it is still crossing over.
    #[inline(always)]
    pub fn crosses(&self) -> bool {
        self.before > 0.0
    }

    /// Where it stands now.
    #[inline(always)]
    pub fn delay_frames(&self) -> f64 {
        self.delay_frames
    }

    /// Where it listens, the same for every tape that it plays.
    #[inline(always)]
    pub fn place(&self) -> Place {
        Place::far(self.delay_frames)
    }

    /// What it hears of a tape, whose side is 0 or 1.
    ///
    /// Where the head stands still, an all-pass makes up for the fraction of a
    /// frame (Jaffe and Smith, "Extensions of the Karplus-Strong plucked-string
    /// algorithm", CMJ 7(2), 1983): nothing is lost at any frequency, and a loop
    /// may go round it for ever.
    #[inline(always)]
    pub fn hear(&mut self, tapes: &Tapes, tape: usize, side: usize, frame: usize) -> f32 {
        let heard = if self.allpass == MOVES {
            self.hear_between(tapes, tape, frame)
        } else {
            let whole = (self.delay_frames - 0.5) as usize;
            let newer = tapes.read(tape, frame, whole) - self.heard[side % 2];
            hush(self.allpass * newer + tapes.read(tape, frame, whole + 1))
        };
        self.heard[side % 2] = heard;
        heard
    }

    /// What it hears on its way, or while it crosses over.
    #[inline(always)]
    fn hear_between(&self, tapes: &Tapes, tape: usize, frame: usize) -> f32 {
        let heard = self.place().read(tapes, tape, frame);
        if !self.crosses() {
            return heard;
        }
        let before = self.before as f32;
        let share = before * before * (3.0 - 2.0 * before);
        heard + share * (Place::far(self.before_frames).read(tapes, tape, frame) - heard)
    }

    /// What the all-pass delays by: 0.5 to 1.5 frames.
    #[inline(always)]
    fn fraction(&self) -> f64 {
        self.delay_frames - f64::from((self.delay_frames - 0.5) as u32)
    }
}

/// A place on a tape, between frames.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    newest_frames: usize,
    weights: [f32; 4],
}

impl Place {
    /// That many frames behind the recording; at least 1.
    #[inline(always)]
    pub fn new(delay_frames: f32) -> Place {
        let whole = delay_frames.max(1.0) as u32;
        Place { newest_frames: whole as usize - 1, weights: lagrange(delay_frames - whole as f32) }
    }

    /// The same, where seconds leave f32 too few bits for the fraction.
    #[inline(always)]
    pub fn far(delay_frames: f64) -> Place {
        let whole = (delay_frames as u32).max(1);
        let fraction = (delay_frames - f64::from(whole)) as f32;
        Place { newest_frames: whole as usize - 1, weights: lagrange(fraction) }
    }

    /// What is heard there.
    #[inline(always)]
    pub fn read(&self, tapes: &Tapes, tape: usize, frame: usize) -> f32 {
        let [newest, newer, older, oldest] = self.weights;
        let [d, c, b, a] = tapes.read_row(tape, frame, self.newest_frames);
        newest * a + newer * b + older * c + oldest * d
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::lay_out;

    #[test]
    fn a_loop_through_a_head_that_stands_still_loses_nothing() {
        for delay_frames in [2.0, 2.49, 2.5, 37.3, 480.000_01, 480.999_9, 481.5] {
            let spans = lay_out(&[1000]);
            let mut memory = vec![0.0; spans[0].end()];
            let mut head = TapeHead::default();
            let mut energies = Vec::new();
            let mut energy = 0.0;
            for frame in 0..400_000u64 {
                let mut tapes = Tapes::new(frame, &mut memory, &spans);
                head.glide(delay_frames, 48_000.0);
                let heard = head.hear(&tapes, 0, 0, 0);
                let sent = if frame < 400 { ((frame * frame) % 23) as f32 - 11.0 } else { heard };
                tapes.write(0, 0, sent);
                energy += f64::from(heard).powi(2);
                if frame % 48_000 == 47_999 {
                    energies.push(std::mem::take(&mut energy));
                }
            }
            let left_db = 10.0 * (energies[7] / energies[1]).log10();
            assert!(left_db.abs() < 0.02, "{delay_frames}: {left_db} dB");
        }
    }

    #[test]
    fn it_reads_between_frames_and_never_jumps() {
        let spans = lay_out(&[1000]);
        let mut memory = vec![0.0; spans[0].end()];
        let mut head = TapeHead::default();
        let mut last = 0.0;
        for frame in 0..40_000u64 {
            let mut tapes = Tapes::new(frame, &mut memory, &spans);
            let goal = if frame < 5000 { 10.25 } else { 900.5 };
            head.glide(goal, 48_000.0);
            let heard = head.place().read(&tapes, 0, 0);
            tapes.write(0, 0, frame as f32);
            if frame > 1000 {
                assert!((-0.01..1.2).contains(&(heard - last)), "{frame}: {last} to {heard}");
            }
            if frame == 4999 {
                assert!((heard - (4999.0 - 10.25)).abs() < 1e-2, "{heard}");
            }
            last = heard;
        }
        assert!((last - (39_999.0 - 900.5)).abs() < 1e-2, "{last}");
    }

    #[test]
    fn it_crosses_over_without_a_glide() {
        let spans = lay_out(&[10_000]);
        let mut memory = vec![0.0; spans[0].end()];
        let mut head = TapeHead::default();
        let mut heard = Vec::new();
        for frame in 0..12_000u64 {
            let mut tapes = Tapes::new(frame, &mut memory, &spans);
            if frame == 6000 {
                head.cross(5000.0);
            } else {
                head.glide(if frame < 6000 { 1000.0 } else { 5000.0 }, 48_000.0);
            }
            heard.push(head.hear(&tapes, 0, 0, 0));
            tapes.write(0, 0, (frame % 2) as f32);
        }
        let is_whole = |frame: usize| (heard[frame] - (frame % 2) as f32).abs() < 1e-3;
        assert!((5500..12_000).all(is_whole), "both places play the same");
        assert!(head.delay_frames() == 5000.0 && !head.crosses());
    }
}
