//! \[rt\] Parts that several modules share: what needs their
//! [`Block`](crate::module::Block), such as tapes, clips and clocks, and ports and
//! params that are the same in each.

pub mod convolver;
pub mod each_group;
pub mod mix;
pub mod pitch;
pub mod plate;
pub mod recording;
pub mod rows;
pub mod selector;
pub mod stereo_in;
pub mod sweep;
pub mod tail;
