//! What a process may ask of the system, given up when it needs it no more: so that
//! what goes wild in it, or was made to, reaches nothing outside.

#![allow(unsafe_code, reason = "a variable of the environment is set before there are threads")]

#[cfg_attr(target_os = "linux", path = "rights/linux.rs")]
#[cfg_attr(target_os = "macos", path = "rights/macos.rs")]
#[cfg_attr(windows, path = "rights/windows.rs")]
mod os;

use shm_ring::region::Region;
use shm_ring::sync::AtomicU32;

/// Sees to it that [`give_up`] leaves nothing undone. To be called before there are
/// other threads.
pub fn prepare() {
    // To print a backtrace, files are opened, and what dies would seem to die of that.
    // SAFETY: no other thread looks: the caller's promise.
    unsafe { std::env::set_var("RUST_BACKTRACE", "0") };
    os::prepare();
}

/// Gives up for good what this process, a worker, needs no more: all but computing,
/// sleeping and waking others, taking memory, reading its orders, printing errors, and
/// ending. Of shared memory, it may make the arena alone writable. Whether the system
/// holds it to that; where it does not, sound is played all the same. On Linux, a call
/// that is not allowed ends the process; elsewhere it is refused. To be called when
/// all is opened, mapped and asked for.
pub fn give_up(arena: &Region) -> bool {
    let words: &[AtomicU32] = arena.records(0, arena.len() / size_of::<u32>()).unwrap_or_default();
    let range = words.as_ptr_range();
    os::give_up(range.start.addr()..range.end.addr())
}

/// Gives up all but taking memory, computing, and the pipes that are open. Whether the system
/// holds this process to it. To be called before there are other threads.
pub fn keep_what_compiling_needs() -> bool {
    os::keep_what_compiling_needs()
}

/// Gives up what no driver of a sound card needs, nor the sound servers that it may
/// start: to look into other processes, and to change the machine. Such a call is
/// refused. Whether the system holds this process to it. To be called before there are
/// other threads.
pub fn keep_what_sound_cards_need() -> bool {
    os::keep_what_sound_cards_need()
}
