//! What a volt at an input does to a knob.

use serde::Serialize;
use sostenuto_dsp::units::SCHMITT_HIGH_VOLTS;

use crate::param::{Param, Unit};

/// How an input moves a param, as if a hand turned its knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Moves {
    /// The param that is moved.
    pub param: &'static str,
    /// The param that says how much of the voltage counts. Without one, all
    /// of it does.
    pub amount: Option<&'static str>,
    /// How far a volt goes.
    pub by: By,
}

/// How far a volt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Each volt doubles it, or adds an octave where it counts semitones.
    OctavePerVolt,
    /// Each volt adds 0.1: 10 V go from 0 to 1.
    TenthPerVolt,
    /// At 10 V it is where it was set, at 0 V at its bottom. An amount below 1
    /// lets less be taken off.
    ShareOfTenVolts,
    /// Above 1 V it is on, wherever the switch is.
    OnAboveOneVolt,
    /// Only above 1 V is it on, and only where the switch is on too.
    OffBelowOneVolt,
}

impl Moves {
    /// Where the param is, in effect and within its range, while it was set to
    /// `set` and the input is at `volts`. `amount` is where the param of that
    /// name stands, or 1.
    ///
    /// For a gate, what lies between 0.1 V and 1 V is taken for off.
    pub fn moved(&self, param: &Param, set: f32, amount: f32, volts: f32) -> f32 {
        let is_on = volts > SCHMITT_HIGH_VOLTS;
        let (bottom, top) = (*param.range.start(), *param.range.end());
        param.legal(match self.by {
            By::OctavePerVolt => octaves_up(param.unit, set, amount * volts),
            By::TenthPerVolt => set + 0.1 * amount * volts,
            By::ShareOfTenVolts => {
                let closed = (1.0 - 0.1 * volts).clamp(0.0, 1.0);
                set - amount * closed * (set - bottom)
            }
            By::OnAboveOneVolt => {
                if is_on {
                    top
                } else {
                    set
                }
            }
            By::OffBelowOneVolt => {
                if is_on {
                    set
                } else {
                    bottom
                }
            }
        })
    }
}

fn octaves_up(unit: Unit, set: f32, octaves: f32) -> f32 {
    match unit {
        Unit::Octaves => set + octaves,
        Unit::Semitones => set + 12.0 * octaves,
        Unit::Cents => set + 1200.0 * octaves,
        _ => set * octaves.exp2(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{CATALOG, Entry};
    use crate::clip::Text;
    use crate::module::Port;
    use crate::param::Taper;
    use crate::rig::Rig;

    fn moves(by: By) -> Moves {
        Moves { param: "it", amount: None, by }
    }

    #[test]
    fn a_volt_is_an_octave_a_tenth_or_a_share() {
        let cutoff = Param::log("it", 20.0..=20_000.0, 1000.0, Unit::Hz, "");
        let octave = moves(By::OctavePerVolt);
        assert_eq!(octave.moved(&cutoff, 1000.0, 1.0, 2.0), 4000.0);
        assert_eq!(octave.moved(&cutoff, 1000.0, -0.5, 2.0), 500.0);
        assert_eq!(octave.moved(&cutoff, 1000.0, 1.0, 300.0), 20_000.0);
        let tune = Param::linear("it", -12.0..=12.0, 0.0, Unit::Semitones, "");
        assert_eq!(octave.moved(&tune, 3.0, 0.5, 1.0), 9.0);
        let level = Param::linear("it", 0.0..=1.0, 0.5, Unit::Fraction, "");
        assert_eq!(moves(By::TenthPerVolt).moved(&level, 0.25, 1.0, 5.0), 0.75);
        assert_eq!(moves(By::ShareOfTenVolts).moved(&level, 0.5, 1.0, 5.0), 0.25);
        assert_eq!(moves(By::ShareOfTenVolts).moved(&level, 0.5, 0.5, 0.0), 0.25);
        assert_eq!(moves(By::ShareOfTenVolts).moved(&level, 0.5, 1.0, 20.0), 0.5);
        let switch = Param::switch("it", false, "");
        assert_eq!(
            [0.5, 1.5].map(|v| moves(By::OnAboveOneVolt).moved(&switch, 0.0, 1.0, v)),
            [0.0, 1.0]
        );
        assert_eq!(
            [0.5, 1.5].map(|v| moves(By::OffBelowOneVolt).moved(&switch, 1.0, 1.0, v)),
            [0.0, 1.0]
        );
        assert_eq!(moves(By::TenthPerVolt).moved(&level, 0.5, 1.0, f32::NAN), level.default);
    }

    fn declared() -> impl Iterator<Item = (&'static Entry, &'static Port, Moves)> {
        let of = |entry: &'static Entry| {
            entry.about.inputs.iter().filter_map(move |port| Some((entry, port, port.moves?)))
        };
        CATALOG.iter().flat_map(of)
    }

    #[test]
    fn an_input_moves_params_that_the_module_has() {
        for (entry, port, moves) in declared() {
            let name = format!("{}.{}", entry.about.name, port.name);
            let param = &entry.about.params[entry.about.param(moves.param).expect(&name)];
            if let Some(amount) = moves.amount {
                let amount = &entry.about.params[entry.about.param(amount).expect(&name)];
                assert!(amount.range.contains(&1.0) && amount.range.contains(&0.0), "{name}");
            }
            let is_gate = matches!(moves.by, By::OnAboveOneVolt | By::OffBelowOneVolt);
            assert_eq!(is_gate, param.jumps(), "{name}");
        }
        for entry in CATALOG {
            assert!(entry.about.outputs.iter().all(|port| port.moves.is_none()));
        }
    }

    /// What comes out of every output, while the other inputs are fed with
    /// something to work on.
    fn render(entry: &Entry, port: &Port, volts: f32, params: &[(&str, f32)]) -> Vec<f32> {
        let mut rig = Rig::named(entry.about.name, 48_000.0);
        for &(param, value) in params {
            rig.set(param, value);
        }
        if entry.about.text == Some(Text::Sound) {
            let sound: Vec<f32> = (0..48_000).map(|n| (n % 437) as f32 / 43.7 - 5.0).collect();
            rig.clip(sound, 1, 48_000.0);
        }
        for (index, input) in entry.about.inputs.iter().enumerate() {
            let is_treated = entry.about.bypass.iter().any(|&(from, _)| from == index);
            // What is struck has time to ring.
            let is_struck = ["trigger", "gate", "closed", "open", "ping"].contains(&input.name);
            let is_fed = index == 0 || is_treated || is_struck;
            if is_fed && input.name != port.name && input.moves.is_none() {
                let place = move |frame: u64| (frame + 100 * index as u64) % 437;
                rig.feed(input.name, move |_, frame| match is_struck {
                    // One after the other: a closed hat chokes an open one.
                    true if (frame + 12_000 * index as u64) % 24_000 < 48 => 10.0,
                    true => 0.0,
                    false => place(frame) as f32 / 43.7 - 5.0,
                });
            }
        }
        rig.feed(port.name, move |_, _| volts);
        // What remembers for long is heard late.
        let longest = (entry.tapes)(48_000.0).into_iter().max().unwrap_or(0);
        let out = rig.run(longest.clamp(48_000, 240_000));
        let outputs = entry.about.outputs.iter();
        outputs.flat_map(|output| out.channel(output.name, 0).to_vec()).collect()
    }

    fn distance(a: &[f32], b: &[f32]) -> f64 {
        let square = |(a, b): (&f32, &f32)| f64::from(a - b).powi(2);
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).map(square).sum::<f64>().sqrt()
    }

    #[test]
    fn a_volt_at_an_input_sounds_as_its_param_turned_by_hand() {
        let mut problems = Vec::new();
        for (entry, port, moves) in declared() {
            let param = &entry.about.params[entry.about.param(moves.param).unwrap()];
            let (low, high) = (*param.range.start(), *param.range.end());
            let (rest_volts, volts) = match moves.by {
                By::OctavePerVolt | By::TenthPerVolt => (0.0, 1.0),
                By::ShareOfTenVolts => (10.0, 5.0),
                By::OnAboveOneVolt => (0.0, 2.0),
                By::OffBelowOneVolt => (10.0, 0.05),
            };
            let set = match (moves.by, param.taper) {
                (By::OnAboveOneVolt, _) => 0.0,
                (By::OffBelowOneVolt, _) => 1.0,
                (_, Taper::Log) => (low * high).sqrt(),
                _ => low + 0.4 * (high - low),
            };
            let amount = if moves.amount.is_some() { 0.5 } else { 1.0 };
            let moved = moves.moved(param, set, amount, volts);
            let all = |value: f32| {
                let knobs = [(moves.param, value)].into_iter();
                knobs.chain(moves.amount.map(|name| (name, amount))).collect::<Vec<_>>()
            };
            let at_rest = render(entry, port, rest_volts, &all(set));
            let by_volts = render(entry, port, volts, &all(set));
            let by_hand = render(entry, port, rest_volts, &all(moved));
            let way = distance(&at_rest, &by_volts);
            let error = distance(&by_volts, &by_hand);
            let name = format!("{}.{}", entry.about.name, port.name);
            if way <= 1.0 {
                problems.push(format!("{name} moves nothing"));
            } else if error >= 0.02 * way {
                problems.push(format!("{name}: {error} of {way}"));
            }
        }
        assert!(problems.is_empty(), "{problems:#?}");
    }
}
