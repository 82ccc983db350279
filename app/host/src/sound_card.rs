//! Sound cards, there and back. Their drivers are foreign code, which crashes,
//! hangs and spins: it runs in processes of its own, one for each card that is
//! open, and owns nothing. The engine's frames are in memory that both share.

pub mod device;
pub mod driver;
pub mod ear;
mod process;
mod silent_clock;
