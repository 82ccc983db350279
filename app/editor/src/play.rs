//! What is played by hand: keys, a pad, a strip.

pub(crate) mod hands;
pub(crate) mod keys;
pub(crate) mod piano;
pub(crate) mod ribbon;
pub(crate) mod scale;
pub(crate) mod xy_pad;
