//! Modules of a musician's own, in WebAssembly: what such a module may be, how it is
//! compiled, and what runs it. `docs/sdk.md` is its contract, for those who write one.
//!
//! [`check`] reads a module and refuses what breaks the contract. [`compile`] makes it a
//! clip: machine code, in numbers that lie in shared memory. [`Runner`](run::Runner) plays
//! clips, and keeps what they remember in a module's committed state.

pub mod check;
mod clip;
pub mod compile;
mod engine;
mod facts;
pub mod io;
pub mod language;
mod machine;
pub mod project;
pub mod run;
pub mod text;
pub mod trial;

#[cfg(test)]
mod tests;
