//! What the benches share: samples, the table that they print, and rigs.
//!
//! `cargo bench -p sostenuto-benches` prints one table. `BENCH_QUICK=1` makes
//! every bench so short that it only shows that it works.

pub mod figures;
pub mod rigs;
pub mod samples;
pub mod simulation;
pub mod speed;
pub mod table;

/// Whether only to show that the benches work.
pub fn is_quick() -> bool {
    std::env::var_os("BENCH_QUICK").is_some_and(|value| !value.is_empty() && value != "0")
}

/// How often to do something: `full`, or `quick` where [`is_quick`].
pub fn times(full: usize, quick: usize) -> usize {
    if is_quick() { quick } else { full }
}
