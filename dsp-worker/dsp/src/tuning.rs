//! Tunings: which pitches there are, and which of them each key sounds. A host reads
//! them from [Scala files](scala), and makes the numbers of a clip from them.

use crate::fnv::fnv1a_32;
use crate::units::C4_HZ;

pub mod scala;

use scala::{Mapping, Scale};

/// Keys that a tuning has a pitch for, by their MIDI numbers.
pub const KEYS: usize = 128;

/// The key of 0 V where nothing else is said: C4.
pub const C4_KEY: i32 = 60;

/// What a key that is not mapped has for a pitch.
const SILENT: f32 = f32::INFINITY;

/// Pitches closer than this are one and the same.
const SAME_CENTS: f64 = 1e-3;

/// A scale repeats after a cent at least, or there would be no end of steps.
const LEAST_PERIOD_CENTS: f64 = 1.0;

/// How far from C4 the root may be, and the pitch of a key: 20 octaves.
const REACH_CENTS: f64 = 24_000.0;

/// Numbers before the pitch of the first key.
const HEAD: usize = 3;

/// A tuning that lies in a clip. Its steps are counted from the root, upwards, through
/// all the periods.
#[derive(Clone, Copy, Debug)]
pub struct Tuning<'a> {
    period_volts: f32,
    root_volts: f32,
    fingerprint: f32,
    keys: &'a [f32; KEYS],
    /// Of one period, rising from the root: how far above it, in volts, and which note
    /// of its file it is.
    degrees: &'a [[f32; 2]],
}

impl<'a> Tuning<'a> {
    /// The tuning in the samples of a clip. `None` where there is none. Real-time safe.
    #[inline(always)]
    pub fn of(samples: &'a [f32]) -> Option<Tuning<'a>> {
        let (&[period_volts, root_volts, fingerprint], rest) =
            samples.split_first_chunk::<HEAD>()?;
        let (keys, rest) = rest.split_first_chunk::<KEYS>()?;
        let degrees = rest.as_chunks().0;
        let least_volts = 0.5 * LEAST_PERIOD_CENTS as f32 / 1200.0;
        let is_one = !degrees.is_empty() && period_volts > least_volts;
        is_one.then_some(Tuning { period_volts, root_volts, fingerprint, keys, degrees })
    }

    /// A number that another tuning does not have, but by accident; below 2^24. Real-time safe.
    #[inline(always)]
    pub fn fingerprint(&self) -> u32 {
        self.fingerprint as u32
    }

    /// What sounds for a key that plays `voct` on an untuned keyboard; a pitch between
    /// two keys stays as far beside its key. `None` where the key is not mapped. Real-time safe.
    #[inline(always)]
    pub fn sounding(&self, voct: f32) -> Option<f32> {
        let semitones = 12.0 * voct;
        let nearest = (semitones + 0.5).floor();
        let key = nearest + C4_KEY as f32;
        let volts = if key >= 0.0 { *self.keys.get(key as usize)? } else { SILENT };
        volts.is_finite().then_some(volts + (semitones - nearest) / 12.0)
    }

    /// The step nearest to a pitch within ±100 V; in the middle, the lower. Real-time safe.
    #[inline(always)]
    pub fn nearest(&self, volts: f32) -> i32 {
        let above = volts - self.root_volts;
        let periods = (above / self.period_volts).floor();
        let within = above - periods * self.period_volts;
        let passed = self.degrees.partition_point(|degree| degree[0] <= within);
        let step = periods as i32 * self.degrees.len() as i32 + passed as i32 - 1;
        if volts - self.volts(step) <= self.volts(step + 1) - volts { step } else { step + 1 }
    }

    /// The pitch of a step. Real-time safe.
    #[inline(always)]
    pub fn volts(&self, step: i32) -> f32 {
        let [volts, _] = self.degree(step);
        self.root_volts + self.period(step) as f32 * self.period_volts + volts
    }

    /// Which note of its file a step is, from 0 for the root. Real-time safe.
    #[inline(always)]
    pub fn number(&self, step: i32) -> u32 {
        self.degree(step)[1] as u32
    }

    /// How many periods above the root's a step is. Real-time safe.
    #[inline(always)]
    pub fn period(&self, step: i32) -> i32 {
        step.div_euclid(self.degrees.len() as i32)
    }

    #[inline(always)]
    fn degree(&self, step: i32) -> [f32; 2] {
        self.degrees[step.rem_euclid(self.degrees.len() as i32) as usize]
    }
}

/// The clip of a scale on a keyboard.
///
/// # Errors
/// Where the key whose pitch the mapping gives is not mapped, or has the root out of reach.
pub fn compile(scale: &Scale, mapping: &Mapping) -> Result<Vec<f32>, &'static str> {
    let reference = mapping.degree(mapping.reference_key);
    let reference = reference.ok_or("the key whose frequency it gives has no note")?;
    let reference_cents = 1200.0 * (mapping.reference_hz / f64::from(C4_HZ)).log2();
    let root_cents = reference_cents - scale.cents(reference);
    if root_cents.abs() > REACH_CENTS {
        return Err("it puts the first note of the scale more than 20 octaves from C4");
    }
    let period_cents = scale.period_cents().abs();
    let mut degrees: Vec<(f64, usize)> = (0..scale.notes())
        .map(|number| (scale.cents(number as i32).rem_euclid(period_cents), number))
        .map(|(cents, number)| {
            let is_root = period_cents - cents < SAME_CENTS;
            (if is_root { 0.0 } else { cents }, number)
        })
        .collect();
    degrees.sort_by(|one, other| one.0.total_cmp(&other.0));
    degrees.dedup_by(|next, kept| next.0 - kept.0 < SAME_CENTS);

    let volts = |cents: f64| (cents / 1200.0) as f32;
    let key = |key: i32| {
        let cents = mapping.degree(key).map(|degree| root_cents + scale.cents(degree));
        cents.filter(|cents| cents.abs() <= REACH_CENTS).map_or(SILENT, volts)
    };
    let mut table = vec![volts(period_cents), volts(root_cents), 0.0];
    table.extend((0..KEYS as i32).map(key));
    table.extend(degrees.iter().flat_map(|&(cents, number)| [volts(cents), number as f32]));
    let bytes = table.iter().flat_map(|number| number.to_le_bytes());
    table[HEAD - 1] = (fnv1a_32(bytes) >> 8) as f32;
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(scale: &str, mapping: Option<&str>) -> Vec<f32> {
        let mapping = mapping.map_or(Mapping::LINEAR, |text| Mapping::read(text).unwrap());
        compile(&Scale::read(scale).unwrap(), &mapping).unwrap()
    }

    fn close(one: f32, other: f64) -> bool {
        (f64::from(one) - other).abs() < 1e-6
    }

    const PENTATONIC: &str = "Five\n5\n9/8\n5/4\n3/2\n5/3\n2/1\n";

    #[test]
    fn a_pitch_becomes_the_nearest_step_in_any_period() {
        let table = table(PENTATONIC, None);
        let tuning = Tuning::of(&table).unwrap();
        for (step, ratio) in
            [(0, 1.0), (1, 1.125), (3, 1.5), (5, 2.0), (7, 2.5), (-1, 5.0 / 6.0), (-5, 0.5)]
        {
            let volts = f64::log2(ratio);
            assert!(close(tuning.volts(step), volts), "{step}");
            for near in [-0.03, 0.0, 0.03] {
                assert_eq!(tuning.nearest(volts as f32 + near), step, "{ratio} and {near} V");
            }
        }
        assert_eq!((tuning.number(7), tuning.period(7)), (2, 1));
        assert_eq!((tuning.number(-1), tuning.period(-1)), (4, -1));
    }

    #[test]
    fn without_a_mapping_each_key_is_a_step_and_c4_is_the_root() {
        let table = table(PENTATONIC, None);
        let tuning = Tuning::of(&table).unwrap();
        for key in 0..128 {
            let voct = (key - 60) as f32 / 12.0;
            let sounding = tuning.sounding(voct).unwrap();
            assert!(close(sounding, tuning.volts(key - 60).into()), "{key}: {sounding}");
        }
        let bent = tuning.sounding(1.25 / 12.0).unwrap();
        assert!(close(bent, f64::log2(1.125) + 0.25 / 12.0), "a quarter tone beside its key");
        for beyond in [6.0, -5.1, 1e30, -1e30] {
            assert_eq!(tuning.sounding(beyond), None);
        }
    }

    #[test]
    fn a_mapping_says_which_key_sounds_what_and_which_is_silent() {
        // White keys from C3 on play the five; A4 is 440 Hz, on the fifth of them.
        let mapping = "! white\n12\n48\n83\n48\n69\n440.0\n5\n0\nx\n1\nx\n2\nx\nx\n3\nx\n4\nx\nx\n";
        let table = table(PENTATONIC, Some(mapping));
        let tuning = Tuning::of(&table).unwrap();
        let of_key = |key: i32| tuning.sounding((key - 60) as f32 / 12.0);
        let a4 = 9.0 / 12.0;
        assert!(close(of_key(69).unwrap(), a4));
        assert!(close(of_key(60).unwrap(), a4 - f64::log2(5.0 / 3.0)));
        assert!(close(of_key(48).unwrap(), a4 - f64::log2(5.0 / 3.0) - 1.0));
        for silent in [47, 49, 53, 71, 84] {
            assert_eq!(of_key(silent), None, "{silent}");
        }
        let unmapped = Mapping::read(&mapping.replace("69", "70")).unwrap();
        assert!(compile(&Scale::read(PENTATONIC).unwrap(), &unmapped).is_err());
    }

    #[test]
    fn a_scale_may_fall_be_out_of_order_and_have_a_pitch_twice() {
        let falling = table("Down\n3\n-200.0\n-700.0\n-1200.0", None);
        let falling = Tuning::of(&falling).unwrap();
        let steps = [0, 1, 2, 3].map(|step| (1200.0 * falling.volts(step)).round() as i32);
        assert_eq!(steps, [0, 500, 1000, 1200]);
        assert_eq!([0, 1, 2].map(|step| falling.number(step)), [0, 2, 1]);
        assert!(close(falling.sounding(1.0 / 12.0).unwrap(), -1.0 / 6.0), "the next key is lower");
        let mixed = table("Mixed\n5\n700.0\n100.0\n3/2\n1300.0\n2/1", None);
        let mixed = Tuning::of(&mixed).unwrap();
        let steps = [0, 1, 2, 3, 4].map(|step| (1200.0 * mixed.volts(step)).round() as i32);
        assert_eq!(steps, [0, 100, 700, 702, 1200]);
    }

    #[test]
    fn what_is_no_table_is_no_tuning() {
        assert!(Tuning::of(&[]).is_none());
        assert!(Tuning::of(&[1.0; HEAD + KEYS + 1]).is_none());
        assert!(Tuning::of(&[0.0; HEAD + KEYS + 2]).is_none());
        assert!(Tuning::of(&[f32::NAN; HEAD + KEYS + 2]).is_none());
    }

    #[test]
    fn tunings_differ_by_their_fingerprints() {
        let [one, other] = ["3/2", "4/3"].map(|note| table(&format!("A\n2\n{note}\n2/1"), None));
        let [one, other] = [&one, &other].map(|table| Tuning::of(table).unwrap().fingerprint());
        assert_ne!(one, other);
        assert!(one.max(other) < 1 << 24);
    }
}
