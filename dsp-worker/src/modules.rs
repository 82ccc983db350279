//! \[rt\] One module a file, named as on the panel.

pub mod adsr;
pub mod attenuverter;
pub mod vco;
pub mod ladder;
pub mod mixer;
pub mod sample_hold;
pub mod svf;
pub mod vca;
