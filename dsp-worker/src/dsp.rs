//! \[rt\] Building blocks that modules share, each with its source.

mod exp2;
pub mod random;
pub mod schmitt;

pub use exp2::exp2;
