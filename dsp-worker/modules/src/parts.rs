//! \[rt\] Parts that several modules share and that need their
//! [`Block`](crate::module::Block): tapes, clips and clocks of modules.

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
