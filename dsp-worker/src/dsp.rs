//! \[rt\] Building blocks that modules share, each with its source.

mod exp2;
pub mod mask;
pub mod oversample;
pub mod random;
#[cfg(test)]
pub(crate) mod response;
pub mod schmitt;
mod tan;

pub use exp2::exp2;
pub use tan::tan_fraction;
