//! Where a module's code finds what comes in, and puts what goes out: in its own memory,
//! from the address that its function `io` gives.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::units::{CHANNELS, QUANTUM};
use sostenuto_modules::own::{OWN_PARAMS, OWN_PORTS};

use crate::clip::Shape;

/// What stands first.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct Head {
    /// In Hz.
    pub sample_rate_hz: f32,
    /// The first frame to compute, of the quantum's 32.
    pub first: u32,
    /// The frame after the last.
    pub end: u32,
    /// Channels of the first input that is patched, else 1.
    pub channels: u32,
    /// Frames from the start of the sound to the start of this quantum.
    pub frame: u64,
    /// Another number for each module of a patch.
    pub seed: u64,
    /// The outputs that something reads, bit by bit.
    pub heard: u32,
    /// Channels of every output, for the code to change: at first [`Head::channels`].
    pub out_channels: u32,
    /// Of nothing yet.
    pub unused: [u32; 2],
    /// Channels of each input; 0 where nothing is patched.
    pub in_channels: [u32; OWN_PORTS],
    /// Where each param was set, before it has glided there.
    pub goals: [f32; OWN_PARAMS],
}

const HEAD_BYTES: usize = size_of::<Head>();
const PARAM_BYTES: usize = 4 * QUANTUM;
const PORT_BYTES: usize = 4 * QUANTUM * CHANNELS;

const _: () = assert!(HEAD_BYTES == 144);

/// One param, frame by frame.
pub type ParamFrames = [f32; QUANTUM];

/// One port, frame by frame, channel beside channel.
pub type PortFrames = [[f32; CHANNELS]; QUANTUM];

/// A module's memory for what comes in and goes out.
pub struct Io<'a> {
    /// What stands first.
    pub head: &'a mut Head,
    /// Each param.
    pub params: &'a mut [ParamFrames],
    /// Each input.
    pub inputs: &'a mut [PortFrames],
    /// Each output.
    pub outputs: &'a mut [PortFrames],
}

/// How much memory it takes.
pub fn bytes(shape: &Shape) -> usize {
    let ports = (shape.inputs + shape.outputs) as usize;
    HEAD_BYTES + shape.params as usize * PARAM_BYTES + ports * PORT_BYTES
}

/// What lies there in a module's memory. `None` where it does not fit, or is not at a
/// multiple of 16. Real-time safe.
pub fn at<'a>(memory: &'a mut [u8], place: usize, shape: &Shape) -> Option<Io<'a>> {
    if !place.is_multiple_of(16) {
        return None;
    }
    let memory = memory.get_mut(place..)?.get_mut(..bytes(shape))?;
    let (head, rest) = memory.split_at_mut(HEAD_BYTES);
    let (params, rest) = rest.split_at_mut(shape.params as usize * PARAM_BYTES);
    let (inputs, outputs) = rest.split_at_mut(shape.inputs as usize * PORT_BYTES);
    Some(Io {
        head: bytemuck::try_from_bytes_mut(head).ok()?,
        params: bytemuck::try_cast_slice_mut(params).ok()?,
        inputs: bytemuck::try_cast_slice_mut(inputs).ok()?,
        outputs: bytemuck::try_cast_slice_mut(outputs).ok()?,
    })
}
