//! What crosses a process border in Sostenuto, and nothing else. No music here.
//!
//! [`region`] makes the memory, [`layout`] says who writes what in it,
//! [`doorbell`] wakes who waits for a word of it, and [`ring`] and [`latest`]
//! carry values over it. Nothing in here can be blocked by the death of a
//! process, at whatever instruction it strikes.

pub mod doorbell;
pub mod latest;
pub mod layout;
pub mod protocol;
pub mod region;
pub mod ring;
pub mod sync;
