//! \[rt\] Building blocks that modules share, each with its source.

pub mod blep;
mod const_math;
mod exp2;
pub mod phase;
pub mod random;
pub mod schmitt;
pub mod sine;
pub mod mask;
pub mod oversample;
pub mod random;
pub mod schmitt;
mod tan;

pub use exp2::exp2;
pub use tan::tan_fraction;
