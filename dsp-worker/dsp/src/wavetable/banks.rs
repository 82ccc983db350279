//! The tables that come with the program, as formulas. Part of the build script
//! alone; [`super::NAMES`] names them in the same order.

use super::chain::{CHAIN, Complex, HARMONICS, chain, harmonics};
use super::sin;

/// Cycles of one bank.
pub const CYCLES: usize = 8;
/// Points at which a formula is looked at.
const POINTS: usize = 8192;
/// Root mean square of every cycle: a full saw's is 0.577.
const RMS: f64 = 0.5;

/// All banks: cycle after cycle, each a chain.
pub fn banks() -> Vec<f32> {
    let banks: [fn(f64) -> Vec<Complex>; 8] = [classic, pulse, sync, vowel, organ, peak, fold, fm];
    let mut samples = Vec::with_capacity(banks.len() * CYCLES * CHAIN);
    for bank in banks {
        for cycle in 0..CYCLES {
            let harmonics = level(bank(cycle as f64 / (CYCLES - 1) as f64));
            samples.extend(chain(&harmonics));
        }
    }
    samples
}

fn level(mut harmonics: Vec<Complex>) -> Vec<Complex> {
    let power: f64 = harmonics.iter().map(|[cos, sin]| 0.5 * (cos * cos + sin * sin)).sum();
    let gain = RMS / power.sqrt();
    harmonics.iter_mut().flatten().for_each(|part| *part *= gain);
    harmonics
}

/// The harmonics of a formula over the phase, 0 to 1.
fn drawn(volts: impl Fn(f64) -> f64) -> Vec<Complex> {
    let cycle: Vec<f64> = (0..POINTS).map(|n| volts(n as f64 / POINTS as f64)).collect();
    harmonics(&cycle)
}

/// The harmonics of levels alone. They start so that their crests do not meet
/// (Schroeder, IEEE Trans. Information Theory 16, 1970).
fn spread(level: impl Fn(f64) -> f64) -> Vec<Complex> {
    (1..=HARMONICS)
        .map(|n| {
            let n = n as f64;
            let turns = (n * n / 64.0) % 1.0;
            [level(n) * sin(turns), level(n) * sin(0.25 - turns)]
        })
        .collect()
}

/// From one of these to the next, evenly.
fn between(place: f64, stops: &[Vec<Complex>]) -> Vec<Complex> {
    let at = place * (stops.len() - 1) as f64;
    let from = (at as usize).min(stops.len() - 2);
    let way = at - from as f64;
    let mix = |(a, b): (&Complex, &Complex)| [0, 1].map(|part| a[part] + way * (b[part] - a[part]));
    stops[from].iter().zip(&stops[from + 1]).map(mix).collect()
}

/// A series of sines.
fn series(level: impl Fn(usize) -> f64) -> Vec<Complex> {
    (1..=HARMONICS).map(|n| [0.0, level(n)]).collect()
}

fn is_odd(n: usize) -> bool {
    n % 2 == 1
}

/// Sine, triangle, saw, square and a pulse; and what is half way between.
fn classic(place: f64) -> Vec<Complex> {
    let sine = series(|n| f64::from(u8::from(n == 1)));
    let triangle = series(|n| {
        let sign = if n % 4 == 1 { 1.0 } else { -1.0 };
        if is_odd(n) { 0.8 * sign / (n * n) as f64 } else { 0.0 }
    });
    let saw = series(|n| 0.6 * if is_odd(n) { 1.0 } else { -1.0 } / n as f64);
    let square = series(|n| if is_odd(n) { 0.9 / n as f64 } else { 0.0 });
    let half = |a: &[Complex], b: &[Complex]| between(0.5, &[a.to_vec(), b.to_vec()]);
    let between_all = [half(&sine, &triangle), half(&triangle, &saw), half(&saw, &square)];
    let [first, second, third] = between_all;
    between(place, &[sine, first, triangle, second, saw, third, square, pulse(0.55)])
}

/// Pulses, from half a cycle wide to a fortieth.
fn pulse(place: f64) -> Vec<Complex> {
    let width = 0.5 - 0.475 * place;
    (1..=HARMONICS).map(|n| [sin(0.5 * n as f64 * width) / n as f64, 0.0]).collect()
}

/// A saw that another one, up to seven times as slow, starts anew.
fn sync(place: f64) -> Vec<Complex> {
    let ratio = 1.0 + 6.0 * place * (0.6 + 0.4 * place);
    drawn(|phase| {
        let own = (phase * ratio) % 1.0;
        // Softer towards the cycle's end, as if it were blown.
        (2.0 * own - 1.0) * (1.0 - 0.35 * phase)
    })
}

/// a, e, i, o, u of a tenor, at 120 Hz.
fn vowel(place: f64) -> Vec<Complex> {
    const HZ: f64 = 120.0;
    let formants = super::formants::vowel(1, place as f32);
    spread(|n| {
        let throat = 1.0 / (1.0 + (n / 40.0) * (n / 40.0));
        let one = |formant: &super::formants::Formant| {
            let away = (n * HZ - f64::from(formant.hz)) / (2.0 * f64::from(formant.width_hz));
            gain_from_db(f64::from(formant.level_db)) / (1.0 + away * away)
        };
        throat * (0.003 + formants.iter().map(one).sum::<f64>())
    })
}

/// By the series of e^x: the same on every machine.
fn gain_from_db(level_db: f64) -> f64 {
    let x = level_db * std::f64::consts::LN_10 / 20.0 / 64.0;
    let mut gain = 1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x / 24.0)));
    for _ in 0..6 {
        gain *= gain;
    }
    gain
}

/// Drawbars, from flute to full organ.
fn organ(place: f64) -> Vec<Complex> {
    const BARS: [usize; 9] = [1, 2, 3, 4, 6, 8, 10, 12, 16];
    const STOPS: [[f64; 9]; 5] = [
        [8.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [8.0, 4.0, 8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [8.0, 8.0, 8.0, 3.0, 0.0, 2.0, 0.0, 0.0, 1.0],
        [6.0, 8.0, 4.0, 6.0, 5.0, 6.0, 3.0, 3.0, 4.0],
        [8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0],
    ];
    let stops = STOPS.map(|bars| {
        let mut harmonics = vec![[0.0; 2]; HARMONICS];
        for (n, bar) in BARS.into_iter().zip(bars) {
            let turns = (n * n) as f64 / 32.0 % 1.0;
            harmonics[n - 1] = [bar * sin(turns), bar * sin(0.25 - turns)];
        }
        harmonics
    });
    between(place, &stops)
}

/// A resonance that climbs from the first harmonic to the thirty-second.
fn peak(place: f64) -> Vec<Complex> {
    let centre = 1.0 + 31.0 * place * place;
    spread(|n| {
        let away = (n - centre) / (0.6 + 0.12 * centre);
        0.25 / n + 1.0 / (1.0 + away * away * away * away)
    })
}

/// A sine folded by a sine, once to six times.
fn fold(place: f64) -> Vec<Complex> {
    let turns = 0.2 + 1.3 * place;
    drawn(|phase| sin(turns * sin(phase) + 0.03 * place))
}

/// A sine bent by one of twice, and one of five times its pitch.
fn fm(place: f64) -> Vec<Complex> {
    drawn(|phase| {
        let bend = 0.55 * place * sin(2.0 * phase) + 0.3 * place * place * sin(5.0 * phase);
        sin(phase + bend)
    })
}
