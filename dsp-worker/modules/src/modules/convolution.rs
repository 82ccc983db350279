//! Convolution: a space, or anything else that a click can be played through.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::one_pole::{OnePole, coefficient};
use sostenuto_dsp::rate_change::RateChange;
use sostenuto_dsp::resample::read_at;
use sostenuto_dsp::space::{Maker, Space};
use sostenuto_dsp::units::{MAX_BLOCK_FRAMES, QUANTUM};
use sostenuto_dsp::{dry_wet, exp2, hush};

use crate::Module;
use crate::clip::{Clip, Text};
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::convolver::{self, Convolver, LARGE, SMALL};
use crate::parts::mix::mix;
use crate::parts::recording::Recording;
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;

const SPACE: usize = 0;
const DECAY: usize = 1;
const HIGHPASS: usize = 2;
const LOWPASS: usize = 3;
const GAIN: usize = 4;
const MIX: usize = 5;

/// The choice of a space that is the module's own sound.
const SOUND: usize = 4;

/// Where the filters are open.
const LOWEST_HZ: f32 = 10.0;
const HIGHEST_HZ: f32 = 20_000.0;

/// Of a response, as long as it is heard.
const LONGEST_SECS: f32 = 5.0;

/// The tapes of the convolver, and after them those of a response in the
/// making.
const MAKING: usize = convolver::TAPES;
const MAKING_FRAMES: usize = 1 << 15;

/// Peaks of the response that it shows.
const PEAKS: usize = 128;

/// Frames of a response that are made in one quantum.
const MADE_IN_QUANTUM: usize = 128;

/// No response is made for so long after it could be heard: a block that is
/// repeated then finds the old one.
const PAUSE_QUANTA: u32 = (MAX_BLOCK_FRAMES / QUANTUM) as u32 + 1;
/// What the large parts sound like is not known until two of them have come in.
const SETTLE_QUANTA: u32 = (2 * LARGE / QUANTUM) as u32;
const FADE_SECS: f32 = 0.02;

/// Where it is on its way to the response that is wanted.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Convolution {
    recording: Recording,
    /// What is wanted, and what is heard or being made; see [`Wish::number`].
    wanted: u64,
    made: u64,
    maker: Maker,
    convolver: Convolver,
    highpass: [OnePole; 2],
    lowpass: [OnePole; 2],
    /// The energy of the response.
    energy: f32,
    /// Frames of the response that are made, and all.
    made_frames: u32,
    all_frames: u32,
    /// Quanta until the making begins, or until what is made is heard.
    pause_quanta: u32,
    /// How loud the response is heard, 0 to 1.
    level: f32,
    /// Of the part of the response that is shown next.
    peak: f32,
}

impl Module for Convolution {
    const ABOUT: &'static About = &About {
        name: "convolution",
        title: "Convolution",
        short: "Convolve",
        summary: "Places a sound in a hall, plate, room or spring, or in a response of your own",
        aliases: &["impulse response", "ir", "cabinet", "hall", "spring"],
        tags: &[Tag::Effect],
        inputs: &[stereo_in::LEFT, stereo_in::RIGHT],
        outputs: &[
            port("left", "Left signal with its reverb"),
            port("right", "Right signal with its reverb"),
        ],
        params: &[
            Param::choice(
                "space",
                &["hall", "plate", "room", "spring", "sound"],
                0,
                "The impulse response: a built-in one, or the sound file of the module",
            ),
            Param::linear(
                "decay",
                0.05..=1.0,
                1.0,
                Unit::Fraction,
                "Shortens the decay of the response",
            ),
            Param::log(
                "highpass",
                LOWEST_HZ..=1000.0,
                20.0,
                Unit::Hz,
                "Removes low frequencies from the reverb; off at the bottom",
            ),
            Param::log(
                "lowpass",
                500.0..=HIGHEST_HZ,
                HIGHEST_HZ,
                Unit::Hz,
                "Removes high frequencies from the reverb; off at the top",
            ),
            Param::linear(
                "gain",
                -24.0..=24.0,
                0.0,
                Unit::Db,
                "Level of the reverb; at 0 dB, noise keeps its level with any response",
            ),
            mix(0.35),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        // How long the response is, in seconds, then the peaks of its parts.
        display: 1 + PEAKS,
        screen: Some(Screen::Curve(Curve::Response)),
        text: Some(Text::Sound),
        ..About::BLANK
    };

    fn tapes(sample_rate_hz: f32) -> Vec<usize> {
        let mut frames = convolver::tapes((LONGEST_SECS * sample_rate_hz) as usize).to_vec();
        frames.extend([MAKING_FRAMES - MAX_BLOCK_FRAMES - QUANTUM - 2; 2]);
        frames
    }

    fn change_rate(&mut self, _change: &RateChange) {
        // The response is made once more, at the new rate.
        self.made = 0;
        self.level = 0.0;
        self.pause_quanta = PAUSE_QUANTA;
        self.convolver.listen_to(0);
    }

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.highpass = Zeroable::zeroed();
            self.lowpass = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        if self.recording.follow(block) {
            self.level = 0.0;
        }
        let known_frames = self.recording.frames(block);
        if block.starts_quantum() {
            self.make(block);
            self.convolver.start_quantum(block, known_frames);
        }
        let input = StereoIn::new(block, LEFT, RIGHT);
        let mut volts = [[0.0; QUANTUM]; 2];
        for (side, volts) in volts.iter_mut().enumerate() {
            for frame in block.frames() {
                volts[frame] = hush(input.at(side, frame));
            }
        }
        let heard = self.convolver.convolve(block, &volts);

        let step = 1.0 / (FADE_SECS * block.sample_rate_hz);
        let is_heard = self.made == self.wanted
            && self.convolver.response_frames() > 0
            && self.pause_quanta == 0
            && known_frames >= 2 * LARGE;
        let step = if is_heard { step } else { -step };
        let [gain, mix] = [GAIN, MIX].map(|param| block.ramp(param));
        let (lowest_hz, highest_hz) = (block.param(HIGHPASS), block.param(LOWPASS));
        let is_open = highest_hz >= HIGHEST_HZ;
        let low = if is_open { 1.0 } else { coefficient(highest_hz, block.sample_rate_hz) };
        let is_open = lowest_hz <= LOWEST_HZ;
        let high = if is_open { 0.0 } else { coefficient(lowest_hz, block.sample_rate_hz) };
        let evening = 1.0 / self.energy.max(1e-12).sqrt();
        for frame in block.frames() {
            self.level = (self.level + step).clamp(0.0, 1.0);
            let (dry, wet) = dry_wet(mix.at(frame));
            // 6.0206 dB double.
            let wet = wet * self.level * evening * exp2(gain.at(frame) * 0.166_096_4);
            for side in [LEFT, RIGHT] {
                let dull = self.lowpass[side].lowpass(wet * heard[side][frame], low);
                let thin = self.highpass[side].highpass(dull, high);
                block.output(side).put(0, frame, dry * volts[side][frame] + thin);
            }
        }
    }
}

/// The response that is wanted.
struct Wish<'a> {
    space: usize,
    decay: f32,
    clip: Clip<'a>,
}

impl<'a> Wish<'a> {
    #[inline(always)]
    fn new(block: &Block<'a>) -> Wish<'a> {
        Wish { space: block.choice(SPACE), decay: block.goal(DECAY), clip: block.clip() }
    }

    /// How many frames it has.
    #[inline(always)]
    fn frames(&self, sample_rate_hz: f32) -> usize {
        let frames = match self.built_in() {
            Some(space) => space.frames(sample_rate_hz),
            None => {
                let frames = self.clip.frames() as f64 / self.speed(sample_rate_hz).max(1e-3);
                frames.ceil() as usize
            }
        };
        frames.min((LONGEST_SECS * sample_rate_hz) as usize)
    }

    #[inline(always)]
    fn built_in(&self) -> Option<Space> {
        [Space::Hall, Space::Plate, Space::Room, Space::Spring].get(self.space).copied()
    }

    /// A number that is another one where the response would be. A clip is told
    /// from another by a few of its samples.
    #[inline(always)]
    fn number(&self) -> u64 {
        // FNV-1a, and never 0.
        let add =
            |hash: u64, number: u32| (hash ^ u64::from(number)).wrapping_mul(0x0100_0000_01b3) | 1;
        let mut hash = add(add(0xcbf2_9ce4_8422_2325, self.space as u32), self.decay.to_bits());
        if self.space == SOUND {
            let samples = self.clip.samples;
            hash = add(add(hash, samples.len() as u32), self.clip.channels as u32);
            hash = add(hash, self.clip.sample_rate_hz.to_bits());
            let step = (samples.len() / 31).max(1);
            hash =
                samples.iter().step_by(step).fold(hash, |hash, volts| add(hash, volts.to_bits()));
        }
        hash
    }

    /// A frame of the sound, at this sample rate.
    #[inline(always)]
    fn sound(&self, frame: usize, sample_rate_hz: f32) -> [f32; 2] {
        let speed = self.speed(sample_rate_hz);
        let sides = [LEFT, RIGHT].map(|side| self.clip.channel(side));
        read_at(sides, frame as f64 * speed, speed, |side, n| {
            let index = usize::try_from(n).unwrap_or(usize::MAX);
            sides[side % 2].get(index).copied().unwrap_or(0.0)
        })
    }

    /// Frames of the sound in one of ours.
    #[inline(always)]
    fn speed(&self, sample_rate_hz: f32) -> f64 {
        f64::from(self.clip.sample_rate_hz) / f64::from(sample_rate_hz)
    }
}

impl Convolution {
    /// Goes on with what has to be done for the response that is wanted: lets
    /// the old one fade, waits until no repeated block could need it, and makes
    /// the new one, part after part.
    #[inline(always)]
    fn make(&mut self, block: &mut Block) {
        let wish = Wish::new(block);
        let number = wish.number();
        if number != self.wanted {
            self.wanted = number;
            // Also so that a turning knob does not begin again and again.
            self.pause_quanta = PAUSE_QUANTA;
        }
        if self.made == self.wanted {
            self.make_more(block, &wish);
        } else if self.level == 0.0 {
            self.convolver.listen_to(0);
            self.made = 0;
            self.pause_quanta -= 1;
            if self.pause_quanta == 0 {
                self.made = self.wanted;
                self.made_frames = 0;
                self.all_frames = wish.frames(block.sample_rate_hz) as u32;
                self.energy = 0.0;
                self.maker = Maker::new(wish.built_in().unwrap_or(Space::Hall));
            }
        }
    }

    /// Shows the peaks of what was made, from frame `first` on, of a response of so
    /// many `frames`.
    #[inline(always)]
    fn show(
        &mut self,
        block: &Block,
        first: usize,
        made: &[[f32; MADE_IN_QUANTUM]; 2],
        frames: usize,
    ) {
        let part = |frame: usize| frame * PEAKS / frames;
        for offset in 0..MADE_IN_QUANTUM.min(frames.saturating_sub(first)) {
            let frame = first + offset;
            let peak = made[LEFT][offset].abs().max(made[RIGHT][offset].abs());
            let is_new = frame == 0 || part(frame) != part(frame - 1);
            self.peak = if is_new { peak } else { self.peak.max(peak) };
            block.show(1 + part(frame), self.peak);
        }
        block.show(0, frames as f32 / block.sample_rate_hz);
    }

    #[inline(always)]
    fn make_more(&mut self, block: &mut Block, wish: &Wish) {
        if self.made_frames >= self.all_frames {
            self.pause_quanta = self.pause_quanta.saturating_sub(1);
            return;
        }
        let first = self.made_frames as usize;
        let mut made = [[0.0; MADE_IN_QUANTUM]; 2];
        for offset in 0..MADE_IN_QUANTUM {
            let frame = self.frame_of(wish, first + offset, block.sample_rate_hz);
            for side in [LEFT, RIGHT] {
                made[side][offset] = frame[side];
                self.energy += 0.5 * frame[side] * frame[side];
            }
        }
        self.show(block, first, &made, wish.frames(block.sample_rate_hz));
        for (side, made) in made.iter().enumerate() {
            block.tapes.keep(MAKING + side, first, made);
        }
        let end = first + MADE_IN_QUANTUM;
        self.made_frames = end as u32;
        if end.is_multiple_of(SMALL) {
            let part = self.part::<SMALL>(block, end - SMALL);
            Convolver::take_small(&mut block.tapes, end - SMALL, &part);
        }
        let is_whole = end >= self.all_frames as usize;
        if end.is_multiple_of(LARGE) {
            let part = self.part::<LARGE>(block, end - LARGE);
            Convolver::take_large(&mut block.tapes, end - LARGE, &part);
            if is_whole {
                self.convolver.listen_to(end);
                self.pause_quanta = SETTLE_QUANTA;
            }
        } else if is_whole {
            // To the end of the last part, with silence.
            self.all_frames = end.next_multiple_of(LARGE) as u32;
        }
    }

    /// The next frame of the response, or silence past its end.
    #[inline(always)]
    fn frame_of(&mut self, wish: &Wish, frame: usize, sample_rate_hz: f32) -> [f32; 2] {
        let frames = wish.frames(sample_rate_hz);
        if frame >= frames {
            return [0.0; 2];
        }
        let volts = match wish.built_in() {
            Some(space) => self.maker.next(space, frame, sample_rate_hz),
            None => wish.sound(frame, sample_rate_hz),
        };
        let way = frame as f32 / frames as f32;
        // 60 dB more by its end for a half of the decay.
        let sooner = exp2(-9.965_784 * way * (1.0 / wish.decay - 1.0));
        volts.map(|volts| volts * sooner)
    }

    #[inline(always)]
    fn part<const N: usize>(&self, block: &Block, first: usize) -> [[f32; N]; 2] {
        let mut part = [[0.0; N]; 2];
        for (side, part) in part.iter_mut().enumerate() {
            let kept = block.tapes.kept(MAKING + side, first, N);
            part[..kept.len()].copy_from_slice(kept);
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::random::Random;

    const RATE_HZ: f32 = 48_000.0;

    fn rms(volts: &[f32]) -> f64 {
        (volts.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / volts.len() as f64).sqrt()
    }

    fn wet(space: &str) -> Rig {
        let mut rig = Rig::new::<Convolution>(RATE_HZ);
        rig.set("mix", 1.0).set("highpass", 10.0).choose("space", space);
        rig
    }

    /// Two channels of noise that fade.
    fn sound(frames: usize) -> Vec<f32> {
        let mut random = Random::new(9);
        let fade = |frame: usize| 1.0 - (frame % frames) as f32 / frames as f32;
        (0..2 * frames).map(|frame| fade(frame) * random.bipolar()).collect()
    }

    /// Until the longest response is made.
    fn wait(rig: &mut Rig) -> &mut Rig {
        rig.run(96_000);
        rig
    }

    #[test]
    fn a_click_is_answered_by_the_sound_to_the_frame() {
        for frames in [1, 300, 5000, 30_000] {
            let samples = sound(frames);
            let mut rig = wet("sound");
            rig.clip(samples.clone(), 2, RATE_HZ);
            wait(&mut rig).feed("left", |_, frame| if frame == 96_123 { 1.0 } else { 0.0 });
            let out = rig.run(123 + frames + 5000);
            for (side, response) in ["left", "right"].into_iter().zip(samples.chunks(frames)) {
                let heard = &out.channel(side, 0)[123..];
                // Scaled to the energy of 1.
                let energy = samples.iter().map(|v| v * v).sum::<f32>() / 2.0;
                let scale = 1.0 / energy.sqrt();
                for (frame, &heard) in heard.iter().enumerate() {
                    let ideal = response.get(frame).map_or(0.0, |volts| volts * scale);
                    assert!(
                        (heard - ideal).abs() < 1e-5,
                        "{frames} {side} {frame}: {heard}, {ideal}"
                    );
                }
            }
        }
    }

    #[test]
    fn noise_is_as_loud_in_every_space() {
        for space in ["hall", "plate", "room", "spring"] {
            let mut rig = wet(space);
            let mut random = [1, 2].map(Random::new);
            rig.feed("left", move |_, _| 5.0 * random[0].bipolar());
            wait(&mut rig);
            let out = rig.run(192_000);
            for side in ["left", "right"] {
                let level_db =
                    20.0 * (rms(&out.channel(side, 0)[96_000..]) * 3f64.sqrt() / 5.0).log10();
                assert!(level_db.abs() < 1.5, "{space} {side}: {level_db} dB");
            }
        }
    }

    #[test]
    fn it_dies_away_as_the_space_and_the_decay_say_and_then_is_silent() {
        let falls_db = |decay: f32| {
            let mut rig = wet("plate");
            rig.set("decay", decay);
            wait(&mut rig).feed("left", |_, frame| if frame < 96_100 { 5.0 } else { 0.0 });
            let first = rms(rig.run(24_000).main());
            let second = rms(rig.run(24_000).main());
            rig.run(120_000);
            assert!(rig.run(4800).main().iter().all(|volts| volts.abs() < 1e-7));
            20.0 * (second / first).log10()
        };
        // 60 dB in 1.9 s are 15.8 dB in half a second, high tones sooner.
        assert!((-19.0..-15.0).contains(&falls_db(1.0)), "{}", falls_db(1.0));
        // And 60 dB more over 2.4 s.
        assert!((-32.0..-27.0).contains(&falls_db(0.5)), "{}", falls_db(0.5));
    }

    #[test]
    fn another_space_is_heard_without_a_click() {
        let mut rig = wet("plate");
        rig.feed("left", |_, frame| (frame as f32 * 0.0131).sin());
        wait(&mut rig);
        let out = rig.choose("space", "room").run(96_000);
        let steepest = |volts: &[f32]| {
            volts.windows(3).map(|w| (w[2] - 2.0 * w[1] + w[0]).abs()).fold(0.0, f32::max)
        };
        assert!(steepest(out.main()) < 0.02, "{}", steepest(out.main()));
        assert!(rms(&out.main()[48_000..]) > 0.05);
    }

    #[test]
    fn what_was_heard_before_a_bypass_is_not_heard_after_it() {
        let mut rig = wet("hall");
        rig.feed("left", |_, frame| if frame < 96_000 { 5.0 } else { 0.0 });
        wait(&mut rig).skip(97);
        let out = rig.run(96_000);
        assert!(out.main().iter().all(|volts| volts.abs() < 1e-6));
    }

    #[test]
    fn without_a_sound_there_is_only_the_signal() {
        let mut rig = wet("sound");
        rig.set("mix", 0.5).feed("left", |_, _| 2.0);
        assert!(rig.run(96_000).main().iter().all(|&volts| volts == 2.0));
    }

    #[test]
    fn any_cut_gives_the_same_samples() {
        let render = |is_cut: bool| {
            let mut rig = wet("room");
            let mut random = Random::new(3);
            rig.feed("left", move |_, _| random.bipolar());
            if is_cut {
                rig.frame_by_frame();
            }
            rig.run(48_000).main().to_vec()
        };
        assert!(render(false) == render(true));
    }
}
