//! From WebAssembly to machine code: in a process that is thrown away, as neither the
//! module nor the compiler is to be trusted.

#[cfg(feature = "compiler")]
mod compiler;

#[cfg(feature = "compiler")]
pub use compiler::{compile, serve};

const COMPILED: u8 = 1;
const REFUSED: u8 = 0;

/// What the compiler's process has answered: a clip, or why there is none. `None` where it did not come
/// to an end.
pub fn read_answer(answer: &[u8]) -> Option<Result<Vec<f32>, String>> {
    let (&kind, answer) = answer.split_first()?;
    match kind {
        COMPILED if answer.len().is_multiple_of(4) => {
            let words = answer.as_chunks::<4>().0.iter();
            Some(Ok(words.map(|word| f32::from_bits(u32::from_ne_bytes(*word))).collect()))
        }
        REFUSED => Some(Err(String::from_utf8_lossy(answer).into_owned())),
        _ => None,
    }
}
