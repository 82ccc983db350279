//! What the host makes of a module: its machine code, and what is to be known of it, as
//! numbers that lie in shared memory.

use bytemuck::{Pod, Zeroable};
use sostenuto_dsp::fnv::fnv1a;
use sostenuto_modules::own::Kept;

#[cfg(feature = "compiler")]
use crate::check::Checked;

const MAGIC: u32 = 0x534f_5301;

/// What a clip begins with; then [`Kept`] values, then the code.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
struct Head {
    magic: u32,
    shape: Shape,
    kept: u32,
    code_bytes: u32,
    name: [u32; 2],
    code_hash: [u32; 2],
}

/// How a module's memory is laid out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Shape {
    /// How many it has.
    pub inputs: u32,
    /// How many it has.
    pub outputs: u32,
    /// How many it has.
    pub params: u32,
    /// The params that jump, bit by bit.
    pub jumps: u32,
    /// How much of its memory it uses.
    pub used_bytes: u32,
    /// How many globals it has that change.
    pub globals: u32,
}

/// A module that was compiled.
#[derive(Clone, Copy)]
pub struct Compiled<'a> {
    pub shape: Shape,
    pub kept: &'a [Kept],
    /// Which code it is: another number for another module.
    pub name: u64,
    code: &'a [u8],
    code_hash: u64,
}

#[cfg(feature = "compiler")]
fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

fn whole([low, high]: [u32; 2]) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

const HEAD_WORDS: usize = size_of::<Head>() / 4;
const KEPT_WORDS: usize = size_of::<Kept>() / 4;

/// The clip of a module.
#[cfg(feature = "compiler")]
pub fn write(checked: &Checked, code: &[u8]) -> Vec<f32> {
    let own = checked.own;
    let shape = Shape {
        inputs: own.about.inputs.len() as u32,
        outputs: own.about.outputs.len() as u32,
        params: own.about.params.len() as u32,
        jumps: own.jumps,
        used_bytes: checked.used_bytes,
        globals: checked.globals as u32,
    };
    // 0 is no code.
    let name = fnv1a(checked.wasm.iter().copied().chain(checked.facts.bytes())).max(1);
    let head = Head {
        magic: MAGIC,
        shape,
        kept: own.kept.len() as u32,
        code_bytes: code.len() as u32,
        name: halves(name),
        code_hash: halves(fnv1a(code.iter().copied())),
    };
    let kept = own.kept.iter().zip(&checked.places);
    let kept: Vec<Kept> = kept
        .map(|(kept, &offset)| Kept { key: kept.key(), offset, bytes: kept.bytes() as u32 })
        .collect();
    let mut bytes = bytemuck::bytes_of(&head).to_vec();
    bytes.extend_from_slice(bytemuck::cast_slice(&kept));
    bytes.extend_from_slice(code);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let words = bytes.as_chunks::<4>().0.iter();
    words.map(|word| f32::from_bits(u32::from_ne_bytes(*word))).collect()
}

impl<'a> Compiled<'a> {
    /// What lies in a clip. `None` where it is none of these. Real-time safe.
    pub fn read(clip: &'a [f32]) -> Option<Compiled<'a>> {
        let (head, rest) = clip.split_at_checked(HEAD_WORDS)?;
        let head: Head = bytemuck::pod_read_unaligned(bytemuck::cast_slice(head));
        if head.magic != MAGIC {
            return None;
        }
        let (kept, rest) = rest.split_at_checked(head.kept as usize * KEPT_WORDS)?;
        let code: &[u8] = bytemuck::cast_slice(rest);
        Some(Compiled {
            shape: head.shape,
            kept: bytemuck::cast_slice(kept),
            name: whole(head.name),
            code: code.get(..head.code_bytes as usize)?,
            code_hash: whole(head.code_hash),
        })
    }

    /// A copy of the machine code, for `Module::deserialize`. `None` where its memory was
    /// given to something else meanwhile.
    pub fn code(&self) -> Option<Vec<u8>> {
        let code = self.code.to_vec();
        (fnv1a(code.iter().copied()) == self.code_hash).then_some(code)
    }
}
