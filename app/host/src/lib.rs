//! The audio host: it owns the patch and says when.

mod alarm;
pub mod conductor;
pub mod control;
pub mod drill;
pub mod engine;
pub mod folders;
pub mod journal;
pub mod notice;
pub mod permits;
pub mod plan;
pub mod player;
pub mod pool;
pub mod recorder;
pub mod render;
pub mod shared;
pub mod sound_card;
pub mod sound_writer;
mod vital;
