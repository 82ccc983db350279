//! How much one module may have.

/// Inputs, and outputs.
pub const MAX_PORTS: usize = 32;
/// Params.
pub const MAX_PARAMS: usize = 64;
