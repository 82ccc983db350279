//! Parametric EQ: shapes the balance of a sound, with the curves of an analog one.
//!
//! Six bands in a row, at twice the sample rate: see [`sostenuto_dsp::matched`].

use std::ops::Range;

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::gain_from_db;
use sostenuto_dsp::half_band::{HalfBand, HalfBandState, STEEP};
use sostenuto_dsp::lane::{LANES, Lane, Lanes, each};
use sostenuto_dsp::matched::{Band, Kind, band};
use sostenuto_dsp::svf::{Cutoff, Svf, SvfState};
use sostenuto_dsp::units::QUANTUM;

use crate::Module;
use crate::face::Part;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::param::{Param, Unit};
use crate::parts::stereo_in::{self, StereoIn};

const LEFT: usize = 0;
const RIGHT: usize = 1;

const BANDS: usize = 6;
/// The params of each band: its frequency, its gain and its resonance.
const PER_BAND: usize = 3;
const LEVEL: usize = BANDS * PER_BAND;

const KINDS: [Kind; BANDS] =
    [Kind::LowShelf, Kind::Peak, Kind::Peak, Kind::Peak, Kind::Peak, Kind::HighShelf];

/// What both channels remember, in the first two lanes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct Equalizer {
    has_started: u32,
    /// At the start of this quantum, and at its end.
    from: [Band; BANDS],
    to: [Band; BANDS],
    filters: [SvfState; BANDS],
    up: HalfBandState<STEEP>,
    down: HalfBandState<STEEP>,
}

const fn frequency(name: &'static str, hz: f32) -> Param {
    Param::log(
        name,
        20.0..=20_000.0,
        hz,
        Unit::Hz,
        "Centre of the band, or of the slope of the shelf",
    )
    .labelled("freq")
}

const fn gain(name: &'static str) -> Param {
    Param::linear(name, -18.0..=18.0, 0.0, Unit::Db, "Boost or cut of the band").labelled("gain")
}

const fn resonance(name: &'static str) -> Param {
    let help = "Q of the band: 0.3 is three octaves wide, 10 a seventh of an octave. Boost and cut \
                are equally wide";
    Param::log(name, 0.2..=10.0, 0.7, Unit::None, help).labelled("Q")
}

const fn slope(name: &'static str) -> Param {
    let help = "Q of the shelf; 0.7 is the steepest slope without a bump";
    Param::log(name, 0.4..=1.0, 0.7, Unit::None, help).labelled("Q")
}

impl Module for Equalizer {
    const ABOUT: &'static About = &About {
        name: "equalizer",
        title: "Parametric EQ",
        short: "EQ",
        summary: "Two shelves and four peaks that shape the tone of a stereo sound",
        aliases: &["eq", "parametric"],
        tags: &[Tag::Filter, Tag::Effect],
        inputs: &[stereo_in::LEFT, stereo_in::RIGHT],
        outputs: &[
            port("left", "Left signal, equalized"),
            port("right", "Right signal, equalized"),
        ],
        params: &[
            frequency("low-frequency", 100.0),
            gain("low-gain"),
            slope("low-resonance"),
            frequency("peak-1-frequency", 250.0),
            gain("peak-1-gain"),
            resonance("peak-1-resonance"),
            frequency("peak-2-frequency", 800.0),
            gain("peak-2-gain"),
            resonance("peak-2-resonance"),
            frequency("peak-3-frequency", 2500.0),
            gain("peak-3-gain"),
            resonance("peak-3-resonance"),
            frequency("peak-4-frequency", 6000.0),
            gain("peak-4-gain"),
            resonance("peak-4-resonance"),
            frequency("high-frequency", 10_000.0),
            gain("high-gain"),
            slope("high-resonance"),
            Param::linear("level", -24.0..=24.0, 0.0, Unit::Db, "Output level"),
        ],
        bypass: &[(LEFT, LEFT), (RIGHT, RIGHT)],
        screen: Some(Screen::Curve(Curve::Bands)),
        face: &[
            Part::Screen,
            Part::Row(&[
                Part::Column(
                    "low",
                    &[
                        Part::Small("low-gain"),
                        Part::Small("low-frequency"),
                        Part::Small("low-resonance"),
                    ],
                ),
                Part::Strips(
                    4,
                    &[
                        Part::Small("peak-#-gain"),
                        Part::Small("peak-#-frequency"),
                        Part::Small("peak-#-resonance"),
                    ],
                ),
                Part::Column(
                    "high",
                    &[
                        Part::Small("high-gain"),
                        Part::Small("high-frequency"),
                        Part::Small("high-resonance"),
                    ],
                ),
                Part::Param("level"),
            ]),
        ],
        ..About::BLANK
    };

    fn forget(&mut self, channels: Range<usize>) {
        if channels.contains(&0) {
            self.filters = Zeroable::zeroed();
            self.up = Zeroable::zeroed();
            self.down = Zeroable::zeroed();
        }
    }

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        block.set_channels(1);
        if block.starts_quantum() {
            self.turn(block);
        }
        let input = StereoIn::new(block, LEFT, RIGHT);
        let level_db = block.ramp(LEVEL);
        let mut up = HalfBand::<Lanes, STEEP>::load(&self.up, 0);
        let mut down = HalfBand::<Lanes, STEEP>::load(&self.down, 0);
        let mut filters = self.filters.each_ref().map(|state| Svf::<Lanes>::load(state, 0));
        for frame in block.frames() {
            let mut both = [0.0; LANES];
            both[..2].copy_from_slice(&[input.at(LEFT, frame), input.at(RIGHT, frame)]);
            let mut halves = up.up(Lanes::from_lanes(both));
            for (index, filter) in filters.iter_mut().enumerate() {
                let band = self.at(index, frame);
                let cutoff = Cutoff::from_gain(Lanes::splat(band.gain));
                for half in &mut halves {
                    let heard = filter.next(*half, &cutoff, Lanes::splat(band.damping));
                    let [low, middle, high] = band.parts.map(Lanes::splat);
                    *half = heard.low * low + heard.band * middle + heard.high * high;
                }
            }
            let level = Lanes::splat(gain_from_db(level_db.at(frame)));
            let volts = (down.down(halves) * level).to_lanes();
            for side in [LEFT, RIGHT] {
                block.output(side).put(0, frame, volts[side]);
            }
        }
        up.store(&mut self.up, 0);
        down.store(&mut self.down, 0);
        for (filter, state) in filters.iter().zip(&mut self.filters) {
            filter.store(state, 0);
        }
    }
}

impl Equalizer {
    /// Works out where each band is to be at the end of this quantum.
    #[inline(always)]
    fn turn(&mut self, block: &Block) {
        self.from = self.to;
        for (index, &kind) in KINDS.iter().enumerate() {
            let param = |offset: usize| block.param(PER_BAND * index + offset);
            let turns = (0.5 * param(0) / block.sample_rate_hz).min(0.24);
            self.to[index] = band(kind, turns, gain_from_db(param(1)), param(2));
        }
        if self.has_started == 0 {
            (self.has_started, self.from) = (1, self.to);
        }
    }

    /// A band at a frame of the quantum, on the straight way between both ends.
    #[inline(always)]
    fn at(&self, index: usize, frame: usize) -> Band {
        let (from, to) = (&self.from[index], &self.to[index]);
        let way = (frame + 1) as f32 * (1.0 / QUANTUM as f32);
        let between = |from: f32, to: f32| from + (to - from) * way;
        Band {
            gain: between(from.gain, to.gain),
            damping: between(from.damping, to.damping),
            parts: each(|part| between(from.parts[part], to.parts[part])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::response::gain_at;

    const RATE_HZ: f32 = 48_000.0;

    fn response_db(knobs: &[(&str, f32)], hz: f64) -> f64 {
        let mut rig = Rig::new::<Equalizer>(RATE_HZ);
        knobs.iter().for_each(|&(param, value)| _ = rig.set(param, value));
        rig.feed("left", |_, frame| f32::from(u8::from(frame == 0)));
        20.0 * gain_at(rig.run(24_000).main(), hz, f64::from(RATE_HZ)).log10()
    }

    #[test]
    fn with_every_gain_at_0_it_changes_no_level() {
        for hz in [20.0, 1000.0, 10_000.0, 20_000.0] {
            assert!(response_db(&[], hz).abs() < 0.01, "{hz} Hz: {}", response_db(&[], hz));
        }
    }

    #[test]
    fn a_peak_near_the_top_is_as_wide_as_an_analog_one() {
        // 16 kHz, 12 dB, Q = 1, so A = 2: an octave down, at s = j/2, it is
        // |3/4 + j| over |3/4 + j/4|.
        let knobs =
            [("peak-4-frequency", 16_000.0), ("peak-4-gain", 12.0412), ("peak-4-resonance", 1.0)];
        assert!((response_db(&knobs, 16_000.0) - 12.0412).abs() < 0.1);
        let octave_down_db = 10.0 * ((0.5625 + 1.0) / (0.5625 + 0.0625f64)).log10();
        let found_db = response_db(&knobs, 8000.0);
        assert!((found_db - octave_down_db).abs() < 0.1, "{found_db} not {octave_down_db} dB");
    }

    #[test]
    fn shelves_lift_one_end_and_bands_add_up() {
        let knobs = [("low-gain", 9.0), ("low-frequency", 200.0), ("high-gain", -6.0)];
        assert!((response_db(&knobs, 25.0) - 9.0).abs() < 0.2, "{}", response_db(&knobs, 25.0));
        assert!((response_db(&knobs, 200.0) - 4.5).abs() < 0.1);
        assert!(response_db(&knobs, 1500.0).abs() < 0.2);
        assert!((response_db(&knobs, 10_000.0) + 3.0).abs() < 0.1);
        let two = [("peak-1-gain", 6.0), ("peak-2-gain", -6.0), ("peak-2-frequency", 250.0)];
        assert!(response_db(&two, 400.0).abs() < 0.01, "{}", response_db(&two, 400.0));
    }

    #[test]
    fn turning_a_band_does_not_click() {
        let mut rig = Rig::new::<Equalizer>(RATE_HZ);
        rig.set("peak-2-gain", 12.0).set("peak-2-frequency", 300.0).set("peak-2-resonance", 4.0);
        rig.feed("left", |_, frame| {
            (5.0 * (std::f64::consts::TAU * (frame as f64 / 480.0).fract()).sin()) as f32
        });
        rig.run(9600);
        let mut sound = rig.run(480).main().to_vec();
        sound.extend(rig.set("peak-2-frequency", 3000.0).set("low-gain", 12.0).run(4800).main());
        sound.extend(rig.set("low-frequency", 20.0).set("high-gain", -18.0).run(4800).main());
        // A sine of 20 V and 100 Hz bends by 0.0034 V from frame to frame.
        let bends = sound.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs());
        let bend = bends.fold(0.0, f32::max);
        assert!(bend < 0.05, "{bend} V");
    }

    #[test]
    fn each_side_is_equalized_for_itself() {
        let mut rig = Rig::new::<Equalizer>(RATE_HZ);
        rig.set("peak-2-gain", 12.0);
        rig.feed("left", |_, frame| (frame % 100) as f32 * 0.1).feed("right", |_, _| 0.0);
        let out = rig.run(2000);
        assert!(out.channel("right", 0).iter().all(|&volts| volts == 0.0));
        assert!(out.channel("left", 0)[1999].abs() > 1.0);
    }
}
