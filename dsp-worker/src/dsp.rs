//! \[rt\] Building blocks that modules share, each with its source.

pub mod blep;
mod const_math;
mod exp2;
pub mod half_band;
pub mod phase;
pub mod random;
pub mod rise;
pub mod schmitt;
pub mod sine;

pub use exp2::exp2;
