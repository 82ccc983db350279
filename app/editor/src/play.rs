//! What is played by hand: keys, a pad, a strip.

pub mod hands;
pub mod keys;
pub mod piano;
pub mod ribbon;
pub mod scale;
pub mod xy_pad;
