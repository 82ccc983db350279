//! A sound and the same a quarter of a cycle later, at every frequency at once.

use crate::lane::Lane;
use crate::units::CHANNELS;

/// All-passes in each of the two chains.
const STAGES: usize = 8;

/// An elliptic half-band filter turned by a quarter of the sample rate: the Hilbert
/// transformer of Valenzuela and Constantinides (IEE Proceedings 130 part G, 1983).
/// From 20 Hz to 20 Hz below half of 48 kHz it is a quarter of a cycle within
/// 0.003 degrees; both shift with the sample rate.
const GAINS: [[f32; STAGES]; 2] = [
    [
        0.047_780_078,
        0.339_519_63,
        0.647_011_9,
        0.836_596_2,
        0.929_373,
        0.970_516_9,
        0.988_223_7,
        0.996_252_95,
    ],
    [
        0.174_087_35,
        0.505_160_5,
        0.756_895_6,
        0.891_966_05,
        0.954_202_65,
        0.981_197_7,
        0.992_936_3,
        0.998_827_7,
    ],
];

/// What the chains remember, for every channel: the last two frames of what went
/// into each all-pass and of what came out last; and the sound one frame ago.
pub type QuadratureState = [[[[f32; CHANNELS]; 2]; STAGES + 1]; 2];

/// One channel or one group on its way through both chains.
#[derive(Clone, Copy)]
pub struct Quadrature<L> {
    chains: [[[L; 2]; STAGES + 1]; 2],
}

impl<L: Lane> Quadrature<L> {
    /// Takes up where [`Quadrature::store`] left off.
    #[inline(always)]
    pub fn load(state: &QuadratureState, group: usize) -> Quadrature<L> {
        let stage = |stage: &[[f32; CHANNELS]; 2]| stage.each_ref().map(|at| L::load(at, group));
        Quadrature { chains: state.each_ref().map(|chain| chain.each_ref().map(stage)) }
    }

    /// Keeps the memory for the next call.
    #[inline(always)]
    pub fn store(&self, state: &mut QuadratureState, group: usize) {
        let (chains, states) = (self.chains.as_flattened(), state.as_flattened_mut());
        for (frame, kept) in chains.as_flattened().iter().zip(states.as_flattened_mut()) {
            frame.store(kept, group);
        }
    }

    /// The next frame: the sound, at a phase that turns with the frequency, and the
    /// same a quarter of a cycle behind.
    #[inline(always)]
    pub fn next(&mut self, volts: L) -> [L; 2] {
        let [direct, late] = &mut self.chains;
        // The second chain hears the sound one frame late.
        let before = direct[0][0];
        [pass(direct, &GAINS[0], volts), pass(late, &GAINS[1], before)]
    }
}

/// A chain of all-passes in z⁻². Each one's last outputs are the next one's last
/// inputs, so they share their memory.
#[inline(always)]
fn pass<L: Lane>(memory: &mut [[L; 2]; STAGES + 1], gains: &[f32; STAGES], input: L) -> L {
    let mut signal = input;
    for stage in 0..STAGES {
        let passed = (signal + memory[stage + 1][1]) * L::splat(gains[stage]) - memory[stage][1];
        memory[stage] = [signal, memory[stage][0]];
        signal = passed;
    }
    memory[STAGES] = [signal, memory[STAGES][0]];
    signal
}
