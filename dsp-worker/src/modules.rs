//! \[rt\] One module a file, named as on the panel.

pub mod attenuverter;
pub mod lfo;
pub mod noise;
pub mod vco;
