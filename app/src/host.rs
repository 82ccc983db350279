//! The audio host: it owns the patch and says when.

pub mod control;
