//! \[rt\] Building blocks that modules share, each with its source.

pub mod blep;
mod const_math;
pub mod crossfade;
mod decibels;
mod dry_wet;
mod exp2;
pub mod half_band;
mod hush;
mod lag;
mod lagrange;
mod log2;
pub mod mask;
pub mod matched;
pub mod mean;
pub mod one_pole;
pub mod oversample;
pub mod phase;
pub mod pulse;
pub mod quadrature;
pub mod random;
#[cfg(test)]
pub(crate) mod response;
pub mod rise;
pub mod schmitt;
pub mod sine;
mod soft_clip;
mod stereo_in;
pub mod svf;
mod swell;
mod tan;
pub mod tape_head;
pub mod true_peak;

pub use decibels::{db_from_gain, gain_from_db};
pub use dry_wet::dry_wet;
pub use exp2::exp2;
pub use hush::hush;
pub use lag::lag;
pub use lagrange::lagrange;
pub use log2::log2;
pub use soft_clip::soft_clip;
pub use stereo_in::StereoIn;
pub use swell::swell;
pub use tan::{atan_fraction, tan_fraction};
