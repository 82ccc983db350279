//! \[rt\] Building blocks that modules share, each with its source.

mod dry_wet;
mod exp2;
mod hush;
mod lagrange;
mod log2;
pub mod one_pole;
pub mod pulse;
pub mod random;
pub mod schmitt;
mod soft_clip;
mod stereo_in;
pub mod tape_head;

pub use dry_wet::dry_wet;
pub use exp2::exp2;
pub use hush::hush;
pub use lagrange::lagrange;
pub use log2::log2;
pub use soft_clip::soft_clip;
pub use stereo_in::StereoIn;
