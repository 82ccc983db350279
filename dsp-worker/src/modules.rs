//! \[rt\] One module a file, named as on the panel.

pub mod adsr;
pub mod attenuverter;
pub mod audio_out;
pub mod clock;
pub mod delay;
pub mod keyboard;
pub mod ladder;
pub mod lfo;
pub mod mixer;
pub mod noise;
pub mod quantizer;
pub mod reverb;
pub mod saboteur;
pub mod sample_hold;
pub mod scope;
pub mod sequencer;
pub mod spectrum;
pub mod svf;
pub mod vca;
pub mod vco;
