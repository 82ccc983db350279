//! What crosses a process border in Sostenuto, and nothing else. No music here.
//!
//! [`region`] makes the memory, [`layout`] says who writes what in it,
//! [`doorbell`] wakes who waits for a word of it, [`ring`] and [`latest`] carry
//! values over it, and [`robust`] hears of a death. Nothing in here can be blocked by
//! the death of a process, at whatever instruction it strikes. [`protocol`] has the
//! moves in their order, [`flight`] lets a block begin before the last one is over;
//! [`world`] says what time it is.
//!
//! What one process reads while another may be writing it is read as atomic words:
//! records of atomics by their fields, [`latest`] by its sequence lock, and all
//! else by [`Region::copy_words`](region::Region::copy_words), with a check
//! afterwards. Everything else is read only while nobody writes it: the protocol
//! says when. A module writes its own memory as plain numbers; so what is copied
//! while it computes is torn at worst, and the reader throws it away.
//!
//! What is proved, and where:
//!
//! - `tests/loom.rs`: the orderings, over all interleavings (see there).
//! - `tests/kill.rs`: a session whose workers are killed by the thousand.
//! - `tests/region.rs`: who may write where, and what the dead leave behind.
//! - `tests/posix_event.rs`: why the doorbell is what it is.
//! - the tests beside the code, also under Miri, as they need one process only; a
//!   region is a block of the heap there: `packaging/miri`.

pub mod doorbell;
pub mod flight;
pub mod last_words;
pub mod latest;
pub mod layout;
pub mod monotonic;
pub mod protocol;
pub mod region;
pub mod ring;
#[cfg(not(loom))]
pub mod robust;
pub mod sync;
pub mod world;
