//! \[rt\] Building blocks that modules share, each with its source.

mod atan;
pub mod blep;
pub mod bodies;
mod const_math;
mod dry_wet;
mod exp2;
pub mod formula;
pub mod half_band;
pub mod hiss;
mod hush;
mod lag;
mod lagrange;
mod log2;
pub mod mask;
pub mod notes;
pub mod one_pole;
pub mod oversample;
pub mod phase;
pub mod pulse;
pub mod random;
pub mod resample;
#[cfg(test)]
pub(crate) mod response;
pub mod rise;
pub mod schmitt;
pub mod sine;
mod soft_clip;
pub mod spin;
mod stereo_in;
pub mod strike;
pub mod svf;
mod tan;
pub mod tape_head;

pub use atan::atan;
pub use dry_wet::dry_wet;
pub use exp2::exp2;
pub use hush::hush;
pub use lag::lag;
pub use lagrange::{lagrange, lagrange_of_six};
pub use log2::log2;
pub use soft_clip::soft_clip;
pub use stereo_in::StereoIn;
pub use tan::tan_fraction;
