//! A VCO whose phase nothing turns around: a quantum at a time, wave by wave.

use sostenuto_dsp::lane::{LANES, Lane};
use sostenuto_dsp::phase::{self, Phases};
use sostenuto_dsp::signal::Signal;
use sostenuto_dsp::units::{AUDIO_VOLTS, QUANTUM};

use super::edges::{Edges, Way};
use super::knobs::{Inputs, Knobs};
use super::{SAW, SINE, SQUARE, TRIANGLE, Vco, WAVES};
use crate::module::Block;

impl Vco {
    /// A whole quantum whose phase nothing turns around: wave by wave.
    #[inline(always)]
    pub(super) fn run_simple<L: Lane, const N: usize>(
        &mut self,
        block: &mut Block,
        group: usize,
        knobs: &Knobs,
    ) {
        let inputs = Inputs::of(block);
        let outputs = block.outputs::<WAVES>();
        let keeps_pitch = inputs.keep_pitch::<L>(group, 0..QUANTUM, knobs);
        let [pitch, fm] = inputs.pitch::<L>(group, 0, knobs);
        let start = phase::load(&self.phase, group);
        let step = knobs.step::<L, N>(0, pitch, fm, 1.0);
        let mut turns = Turns { start, step, steps: None };
        if !keeps_pitch {
            let mut steps = [step; QUANTUM];
            for frame in 1..QUANTUM {
                let [pitch, fm] = inputs.pitch::<L>(group, frame, knobs);
                steps[frame] = knobs.step::<L, N>(frame, pitch, fm, 1.0);
            }
            turns.steps = Some(steps);
        }
        phase::store(turns.end(), &mut self.phase, group);
        if knobs.hears[SAW] {
            self.wave::<L, N, SAW>(&turns, &[], &mut outputs[SAW], group);
        }
        if knobs.hears[SQUARE] {
            let widths = self.quantum_of_widths::<L, N>(&inputs, group, knobs);
            self.wave::<L, N, SQUARE>(&turns, &widths, &mut outputs[SQUARE], group);
        }
        if knobs.hears[TRIANGLE] {
            self.wave::<L, N, TRIANGLE>(&turns, &[], &mut outputs[TRIANGLE], group);
        }
        if knobs.hears[SINE] {
            self.wave::<L, N, SINE>(&turns, &[], &mut outputs[SINE], group);
        }
    }

    /// The last three pulse widths before this quantum, and all of its own.
    #[inline(always)]
    fn quantum_of_widths<L: Lane, const N: usize>(
        &mut self,
        inputs: &Inputs,
        group: usize,
        knobs: &Knobs,
    ) -> [Phases<N>; QUANTUM + 3] {
        let keeps_width = inputs.keep_width::<L>(group, 0..QUANTUM, knobs);
        let first = phase::from_unipolar_turns(inputs.width::<L>(group, 0, knobs));
        let mut widths = [first; QUANTUM + 3];
        if !keeps_width {
            for frame in 1..QUANTUM {
                let width = inputs.width::<L>(group, frame, knobs);
                widths[frame + 3] = phase::from_unipolar_turns(width);
            }
        }
        if std::mem::take(&mut self.has_old_widths[group % 2]) == 0 {
            for past in 0..3 {
                widths[past] = phase::load(&self.widths[past], group);
            }
        }
        for past in 0..3 {
            phase::store(widths[QUANTUM + past], &mut self.widths[past], group);
        }
        widths
    }

    /// One wave of a quantum.
    #[inline(always)]
    fn wave<L: Lane, const N: usize, const WAVE: usize>(
        &mut self,
        turns: &Turns<N>,
        widths: &[Phases<N>],
        output: &mut Signal,
        group: usize,
    ) {
        self.waves[WAVE].start_count(group);
        let mut to = turns.start;
        for frame in 0..QUANTUM {
            let (from, step) = (to, turns.step(frame));
            to = phase::add(from, step);
            let mut last_widths = [[0; N]; 4];
            if WAVE == SQUARE {
                last_widths.copy_from_slice(&widths[frame..frame + 4]);
            }
            let mut edges = [0; N];
            for lane in 0..N {
                let turned = from[lane] ^ to[lane];
                edges[lane] = match WAVE {
                    SAW => turned & (to[lane] ^ step[lane]),
                    SQUARE => {
                        let was_high = phase::is_less(from[lane], last_widths[1][lane]);
                        let is_high = phase::is_less(to[lane], last_widths[2][lane]);
                        turned | -i32::from(was_high != is_high)
                    }
                    TRIANGLE => turned | turned << 1,
                    _ => 0,
                };
            }
            if WAVE != SINE && edges.iter().fold(0, |any, &here| any | here) < 0 {
                for lane in 0..N {
                    if edges[lane] < 0 {
                        let widths = last_widths.map(|widths| widths[lane]);
                        let way = Way::of([from[lane], step[lane]], widths);
                        self.pass_one::<WAVE>(way, [group, lane, frame]);
                    }
                }
            }
            let sample = match WAVE {
                SAW => phase::saw::<L, N>(to),
                SQUARE => phase::where_less::<L, N>(to, last_widths[2], 1.0, -1.0),
                TRIANGLE => phase::triangle::<L, N>(to),
                _ => phase::sine::<L, N>(to),
            };
            let volts = self.waves[WAVE].pass(group, frame, sample) * AUDIO_VOLTS.into();
            output.put(group, frame, volts);
        }
    }

    /// The edges of one wave on one channel's way through a frame.
    #[inline(always)]
    fn pass_one<const WAVE: usize>(&mut self, way: Way, [group, lane, frame]: [usize; 3]) {
        let mut hears = [false; WAVES];
        hears[WAVE] = true;
        let (waves, sub) = (&mut self.waves, &mut self.sub);
        let turns = &mut self.turns[group * LANES + lane];
        Edges { waves, hears, sub, sub_bit: 0, turns, group, lane, frame }.pass(way);
    }
}

/// Where the phase goes in a quantum.
struct Turns<const N: usize> {
    /// Before the first frame.
    start: Phases<N>,
    step: Phases<N>,
    /// Where they are not all the same.
    steps: Option<[Phases<N>; QUANTUM]>,
}

impl<const N: usize> Turns<N> {
    #[inline(always)]
    fn step(&self, frame: usize) -> Phases<N> {
        match &self.steps {
            Some(steps) => steps[frame],
            None => self.step,
        }
    }

    /// The phase at the last frame.
    #[inline(always)]
    fn end(&self) -> Phases<N> {
        let mut phase = self.start;
        for frame in 0..QUANTUM {
            phase = phase::add(phase, self.step(frame));
        }
        phase
    }
}
