//! Sound cards, there and back: what plays is popped from the engine's ring, what
//! they hear is pushed into its intake.

pub mod device;
pub mod ear;
