//! A tiny scope for the cable under the pointer: as much of the past as fits.

use std::collections::VecDeque;

use sostenuto_patch::OutputRef;

use crate::model::Level;

/// How many frames of the window are remembered.
const FRAMES: usize = 120;

/// What an output carried while it was looked at.
#[derive(Debug, Default)]
pub struct Trace {
    of: Option<OutputRef>,
    /// The lowest and the highest volts of each frame of the window.
    pub spans: VecDeque<(f32, f32)>,
}

impl Trace {
    /// Another frame of the window; another output begins anew.
    pub fn look(&mut self, output: &OutputRef, level: &Level) {
        if self.of.as_ref() != Some(output) {
            *self = Trace { of: Some(output.clone()), spans: VecDeque::new() };
        }
        if self.spans.len() == FRAMES {
            self.spans.pop_front();
        }
        self.spans.push_back((level.min_volts, level.max_volts));
    }

    /// The volts that fill the tiny scope: at least 1.
    pub fn range_volts(&self) -> f32 {
        let largest = |&(low, high): &(f32, f32)| high.abs().max(low.abs());
        self.spans.iter().map(largest).fold(1.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_one_output_and_not_for_ever() {
        let mut trace = Trace::default();
        let level = Level { channels: 1, volts: 0.0, min_volts: -3.0, max_volts: 2.0 };
        let output: OutputRef = "vco.saw".parse().unwrap();
        (0..500).for_each(|_| trace.look(&output, &level));
        assert_eq!(trace.spans.len(), FRAMES);
        assert_eq!(trace.range_volts(), 3.0);
        trace.look(&"vco.sine".parse().unwrap(), &Level::default());
        assert_eq!(trace.spans.len(), 1);
    }
}
