//! What a process makes once, before it plays: FFT plans and their scratch.

use std::sync::Arc;

use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};
use sostenuto_dsp::signal::{SILENCE, Signal};

use crate::limits::MAX_PORTS;

/// Frames in one spectrum.
pub const SPECTRUM_FRAMES: usize = 2048;

/// Bins in one spectrum.
pub const SPECTRUM_BINS: usize = SPECTRUM_FRAMES / 2 + 1;

/// FFT plans and scratch memory. Each process (or thread) that computes
/// modules has its own.
pub struct Tools {
    plan: Arc<dyn RealToComplex<f32>>,
    frames: Box<[f32]>,
    bins: Box<[Complex32]>,
    scratch: Box<[Complex32]>,
    /// Outputs of a module that are not heard as they are: one for each port.
    pub(crate) aside: Vec<Signal>,
}

impl Tools {
    /// Plans every FFT. Allocates; not real-time.
    pub fn new() -> Tools {
        let plan = RealFftPlanner::new().plan_fft_forward(SPECTRUM_FRAMES);
        Tools {
            frames: plan.make_input_vec().into(),
            bins: plan.make_output_vec().into(),
            scratch: plan.make_scratch_vec().into(),
            plan,
            aside: vec![SILENCE; MAX_PORTS],
        }
    }

    /// Where to put the windowed frames for [`Tools::spectrum`].
    pub fn spectrum_frames(&mut self) -> &mut [f32] {
        &mut self.frames
    }

    /// The spectrum of the frames put there: [`SPECTRUM_BINS`] complex bins,
    /// not scaled. Real-time safe.
    pub fn spectrum(&mut self) -> &[Complex32] {
        // It fails only where a length is wrong; all come from the plan.
        let _ = self.plan.process_with_scratch(&mut self.frames, &mut self.bins, &mut self.scratch);
        &self.bins
    }
}

impl Default for Tools {
    fn default() -> Tools {
        Tools::new()
    }
}
