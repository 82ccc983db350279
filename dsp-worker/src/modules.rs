//! \[rt\] One module a file, named as on the panel.

pub mod adsr;
pub mod attenuverter;
pub mod audio_out;
pub mod clock;
pub mod delay;
pub mod drum_grid;
pub mod keyboard;
pub mod ladder;
pub mod level_meter;
pub mod lfo;
pub mod macros;
pub mod mixer;
pub mod noise;
pub mod quantizer;
pub mod reverb;
pub mod ribbon;
pub mod saboteur;
pub mod sample_hold;
pub mod scope;
pub mod sequencer;
pub mod spectrum;
pub mod svf;
pub mod tuner;
pub mod vca;
pub mod vco;
pub mod xy_pad;
