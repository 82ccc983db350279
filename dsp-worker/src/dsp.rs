//! \[rt\] Building blocks that modules share, each with its source.

pub mod blep;
mod const_math;
pub mod detent;
mod dry_wet;
mod exp2;
pub mod fade;
pub mod fader;
pub mod formula;
pub mod gates;
pub mod half_band;
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
#[cfg(test)]
pub(crate) mod response;
pub mod rise;
pub mod scale;
pub mod schmitt;
pub mod selector;
pub mod sine;
mod soft_clip;
pub mod steps;
mod stereo_in;
pub mod svf;
mod tan;
pub mod tape_head;

pub use dry_wet::dry_wet;
pub use exp2::exp2;
pub use hush::hush;
pub use lag::lag;
pub use lagrange::lagrange;
pub use log2::log2;
pub use soft_clip::soft_clip;
pub use stereo_in::StereoIn;
pub use tan::tan_fraction;
