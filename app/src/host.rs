//! The audio host: it owns the patch and says when.

pub mod conductor;
pub mod control;
pub mod engine;
pub mod limiter;
pub mod memory;
pub mod plan;
pub mod pool;
pub mod render;
pub mod shared;
pub mod supervisor;
