//! Wavetable VCO: cycles in a row, from one to the next under a knob or a
//! voltage. Eight banks come with it, and a sound makes another; see
//! [`sostenuto_dsp::wavetable`].

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::exp2;
use sostenuto_dsp::half_band::{HalfBandState, STEEP, halve};
use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::phase::{self, Phases, TURN};
use sostenuto_dsp::units::{AUDIO_VOLTS, C4_HZ, CHANNELS, QUANTUM};
use sostenuto_dsp::wavetable::{NAMES, Table};

use crate::Module;
use crate::clip::Text;
use crate::module::{About, Block, Curve, Screen, Tag, port};
use crate::moves::By;
use crate::param::{Param, Unit};
use crate::parts::each_group::each_group;
use crate::parts::pitch;

const VOCT: usize = 0;
const FM: usize = 1;
const POSITION_IN: usize = 2;

const BANK: usize = 0;
const POSITION: usize = 1;
const POSITION_AMOUNT: usize = 2;
const OCTAVE: usize = 3;
const TUNE: usize = 4;
const FINE: usize = 5;
const FM_AMOUNT: usize = 6;
const FM_MODE: usize = 7;

const LINEAR_FM: usize = 1;

/// Points of the cycle that it shows, one a quantum.
const SHOWN: usize = 96;

/// Far beyond hearing, in octaves from C4, and within what [`exp2`] takes.
const MAX_PITCH: f32 = 24.0;

/// All that a Wavetable VCO remembers.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub struct WavetableVco {
    phases: Phases<CHANNELS>,
    halver: HalfBandState<STEEP>,
    /// One more than the bank that plays, and than the one before: 0 at first.
    bank: u32,
    last_bank: u32,
}

impl Module for WavetableVco {
    const ABOUT: &'static About = &About {
        name: "wavetable-vco",
        title: "Wavetable VCO",
        short: "WT VCO",
        summary: "Oscillator that morphs through a table of single-cycle waves",
        aliases: &["oscillator"],
        tags: &[Tag::Source, Tag::Polyphonic],
        inputs: &[
            pitch::VOCT,
            pitch::FM,
            port("position", "Position CV, scaled by position-amount").moves(
                "position",
                Some("position-amount"),
                By::TenthPerVolt,
            ),
        ],
        outputs: &[port("out", "The wave, about ±5 V")],
        params: &[
            Param::choice(
                "bank",
                &NAMES,
                0,
                "The wavetable: classic waves, pulses, sync, vowels, organ, a resonant peak, \
                 folds, FM. A sound file of 2048-frame cycles replaces it",
            ),
            Param::linear(
                "position",
                0.0..=1.0,
                0.0,
                Unit::Fraction,
                "The position in the table, from the first cycle to the last, with everything in \
                 between",
            ),
            Param::linear(
                "position-amount",
                -1.0..=1.0,
                1.0,
                Unit::None,
                "Depth of the position CV: at 1, 10 V covers the whole table",
            )
            .labelled("pos amt"),
            pitch::OCTAVE,
            pitch::TUNE,
            pitch::FINE,
            pitch::FM_AMOUNT,
            pitch::FM_MODE,
        ],
        // One cycle, as it sounds now.
        display: SHOWN,
        screen: Some(Screen::Curve(Curve::Wave)),
        text: Some(Text::Wavetable),
        ..About::BLANK
    };

    #[inline(always)]
    fn process(&mut self, block: &mut Block) {
        let channels = block.channels(&[VOCT, FM, POSITION_IN]);
        if block.starts_quantum() {
            let bank = block.choice(BANK) as u32 + 1;
            self.last_bank = if self.bank == 0 { bank } else { self.bank };
            self.bank = bank;
        }
        let bank = |bank: u32| Table::bank((bank as usize).saturating_sub(1));
        let own = Table::of(block.clip().samples);
        let table = own.unwrap_or_else(|| bank(self.bank));
        // While a new bank fades in, for a quantum.
        let fades = own.is_none() && self.last_bank != self.bank;
        let last = fades.then(|| bank(self.last_bank));
        each_group!(channels, |L, group| self.run::<L, { L::WIDTH }>(block, group, table, last));
        show(block, table);
    }
}

/// Shows the next point of the cycle.
#[inline(always)]
fn show(block: &Block, table: Table) {
    if !block.starts_quantum() {
        return;
    }
    let point = (block.frame / QUANTUM as u64 % SHOWN as u64) as usize;
    let phase = (point as u32 * (u32::MAX / SHOWN as u32)) as i32;
    let position = 0.1 * block.param(POSITION_AMOUNT) * block.input(POSITION_IN).at(0, 0);
    let position = block.param(POSITION) + position;
    block.show(point, table.at::<f32, 1>([phase], 0.0, position));
}

impl WavetableVco {
    #[inline(always)]
    fn run<L: Lane, const N: usize>(
        &mut self,
        block: &mut Block,
        group: usize,
        table: Table,
        last: Option<Table>,
    ) {
        let c = L::splat;
        let (voct, fm) = (block.input(VOCT), block.input(FM));
        let position_in = block.input(POSITION_IN);
        let (octave, tune, fine) = (block.param(OCTAVE), block.ramp(TUNE), block.ramp(FINE));
        let (position_knob, position_amount) = (block.ramp(POSITION), block.ramp(POSITION_AMOUNT));
        let fm_amount = block.ramp(FM_AMOUNT);
        let is_linear_fm = block.choice(FM_MODE) == LINEAR_FM;
        let c4_turns = 0.5 * C4_HZ / block.sample_rate_hz;
        let frames = block.frames();
        let out = block.output(0);

        let keeps_pitch = !fm.is_patched()
            && tune.is_still()
            && fine.is_still()
            && voct.is_steady::<L>(group, frames.clone());
        let mut step = [0; N];
        for frame in frames.clone() {
            if frame == frames.start || !keeps_pitch {
                let gain = fm_amount.at(frame);
                let [linear, exponential] = if is_linear_fm { [gain, 0.0] } else { [0.0, gain] };
                let fm = fm.get::<L>(group, frame);
                let knobs =
                    octave + tune.at(frame) * (1.0 / 12.0) + fine.at(frame) * (1.0 / 1200.0);
                let pitch = voct.get::<L>(group, frame) + c(knobs) + fm * c(exponential);
                let turns = exp2(pitch.clamp(-MAX_PITCH, MAX_PITCH)) * c(c4_turns);
                step = phase::steps_per_frame::<L, N>(turns, fm, linear);
            }
            let position = position_in.get::<L>(group, frame) * c(0.1 * position_amount.at(frame));
            let position = position + c(position_knob.at(frame));

            let mut speeds = [0.0; LANES];
            for (speed, step) in speeds.iter_mut().zip(step) {
                *speed = step as f32 * (1.0 / TURN);
            }
            let speeds = L::from_lanes(speeds);
            let fade = (frame + 1) as f32 * (1.0 / QUANTUM as f32);
            let mut halves = [c(0.0); 2];
            for half in &mut halves {
                let phases = phase::add(phase::load::<N>(&self.phases, group), step);
                phase::store(phases, &mut self.phases, group);
                *half = table.at::<L, N>(phases, speeds, position);
                if let Some(last) = last {
                    let before = last.at::<L, N>(phases, speeds, position);
                    *half = before + (*half - before) * c(fade);
                }
            }
            out.put(group, frame, halve(&mut self.halver, group, halves) * c(AUDIO_VOLTS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;
    use sostenuto_dsp::measure::{Shape, alias, cents, coherent_hz, frequency_hz};
    use sostenuto_dsp::wavetable::table;

    const RATE_HZ: f64 = 48_000.0;

    fn vco_at(hz: f64, bank: &str, position: f32) -> Rig {
        let mut rig = Rig::new::<WavetableVco>(RATE_HZ as f32);
        let voct = (hz / f64::from(C4_HZ)).log2() as f32;
        rig.feed("voct", move |_, _| voct).choose("bank", bank).set("position", position);
        rig
    }

    #[test]
    fn every_bank_has_harmonics_and_nothing_else() {
        let mut problems = Vec::new();
        for bank in NAMES {
            let mut worst = -200.0f64;
            for near_hz in [110.0, 261.6, 1001.0, 2500.0, 4999.0, 10_001.0] {
                let hz = coherent_hz(near_hz, RATE_HZ);
                for position in [0.0, 0.43, 1.0] {
                    let out = vco_at(hz, bank, position).run(80_000);
                    let found = alias(out.main(), RATE_HZ, hz, 1, Shape::Any);
                    worst = worst.max(found.alias_20k_db);
                    if found.alias_20k_db > -90.0 {
                        problems.push(format!("{bank} {position} at {near_hz} Hz: {found:?}"));
                    }
                }
            }
            eprintln!("{bank}: {worst} dB");
        }
        assert!(problems.is_empty(), "{problems:#?}");
    }

    #[test]
    fn a_sound_of_ones_own_is_the_table() {
        // A naive saw, and a cycle of another length: a single one.
        let naive: Vec<f32> = (0..2 * 2048).map(|n| (n % 2048) as f32 / 204.8 - 5.0).collect();
        let short: Vec<f32> = (0..600).map(|n| if n < 300 { 5.0 } else { -5.0 }).collect();
        for (sound, shape) in [(naive, Shape::Saw), (short, Shape::Square)] {
            let table = table(&sound);
            for near_hz in [261.6, 2500.0] {
                let hz = coherent_hz(near_hz, RATE_HZ);
                let mut rig = vco_at(hz, "fold", 0.7);
                let found = alias(
                    rig.clip(table.clone(), 1, 0.0).run(80_000).main(),
                    RATE_HZ,
                    hz,
                    1,
                    shape,
                );
                assert!(found.alias_20k_db < -90.0, "{near_hz} Hz: {found:?}");
                // What 2048 steps of a cycle do to its 61st harmonic.
                assert!(found.harm_err_db < 0.3, "{near_hz} Hz: {found:?}");
            }
        }
    }

    #[test]
    fn classic_waves_have_their_ideal_harmonics() {
        for (position, shape) in
            [(2.0 / 7.0, Shape::Triangle), (4.0 / 7.0, Shape::Saw), (6.0 / 7.0, Shape::Square)]
        {
            for near_hz in [1001.0, 4999.0] {
                let hz = coherent_hz(near_hz, RATE_HZ);
                let out = vco_at(hz, "classic", position).run(80_000);
                let found = alias(out.main(), RATE_HZ, hz, 1, shape);
                assert!(found.harm_err_db < 0.05, "{position} at {near_hz} Hz: {found:?}");
            }
        }
    }

    #[test]
    fn a_glide_over_all_octaves_is_smooth() {
        // A sine's level is the same in every level of the chain.
        let mut rig = Rig::new::<WavetableVco>(RATE_HZ as f32);
        rig.feed("voct", |_, frame| frame as f32 / 48_000.0 - 5.0);
        let out = rig.run(480_000);
        for second in out.main().chunks_exact(48_000).skip(3).take(5) {
            let peak = second.iter().fold(0.0f32, |peak, volts| peak.max(volts.abs()));
            // Root mean square 2.5 V.
            assert!((peak / 3.5355 - 1.0).abs() < 2e-3, "{peak} V");
        }
    }

    #[test]
    fn linear_fm_runs_through_zero() {
        let hz = coherent_hz(1001.0, RATE_HZ);
        let mut rig = vco_at(hz, "classic", 0.0);
        rig.choose("fm-mode", "linear").set("fm-amount", 1.6);
        let step = std::f64::consts::TAU * hz / RATE_HZ;
        rig.feed("fm", move |_, frame| (5.0 * (step * frame as f64).sin()) as f32);
        let found = alias(rig.run(80_000).main(), RATE_HZ, hz, 1, Shape::Any);
        assert!(found.alias_20k_db < -80.0, "{found:?}");
    }

    #[test]
    fn it_is_in_tune() {
        for volts in [-4.0, 0.0, 5.0] {
            let hz = f64::from(C4_HZ) * f64::from(volts).exp2();
            let mut rig = Rig::new::<WavetableVco>(RATE_HZ as f32);
            rig.set("fine", 50.0).feed("voct", move |_, _| volts - 0.5 / 12.0);
            let out = rig.run(160_000);
            let found = frequency_hz(&out.main()[1000..], RATE_HZ, Some(hz));
            assert!(cents(found, hz).abs() < 2e-3, "{volts} V: {found} Hz");
        }
    }

    #[test]
    fn changing_banks_does_not_click() {
        let mut rig = vco_at(50.0, "classic", 0.0);
        let mut sound = rig.run(9600).main().to_vec();
        sound.extend_from_slice(rig.choose("bank", "organ").run(9600).main());
        let step = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.3, "{step} V");
    }

    #[test]
    fn frame_by_frame_and_channel_by_channel_it_is_the_same() {
        let rig = |channels: usize, first: usize| {
            let mut rig = Rig::new::<WavetableVco>(RATE_HZ as f32);
            rig.choose("bank", "sync").set("fm-amount", 0.3);
            rig.feed_channels("voct", channels, move |channel, frame| {
                (channel + first) as f32 * 0.4 - 3.0 + (frame % 70) as f32 * 0.01
            });
            rig.feed("fm", |_, frame| (frame % 31) as f32 * 0.1);
            rig.feed("position", |_, frame| (frame % 500) as f32 * 0.02);
            rig
        };
        let together = rig(16, 0).run(700);
        let one_by_one = rig(16, 0).frame_by_frame().run(700);
        for channel in 0..16 {
            let alone = rig(1, channel).run(700);
            assert_eq!(together.channel("out", channel), one_by_one.channel("out", channel));
            assert_eq!(together.channel("out", channel), alone.channel("out", 0));
        }
    }
}
