//! \[rt\] A clock that all processes of one machine read alike.

#![allow(unsafe_code, reason = "the system's clock is a bare call")]

/// Nanoseconds since some instant that is the same for every process, and
/// never less than before. Real-time safe.
pub fn now_nanos() -> u64 {
    match crate::world::simulated() {
        Some(world) => world.now_nanos(),
        None => system_nanos(),
    }
}

#[cfg(unix)]
fn system_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes a time that is borrowed for the whole call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(windows)]
fn system_nanos() -> u64 {
    use windows_sys::Win32::System::Performance::{
        QueryPerformanceCounter, QueryPerformanceFrequency,
    };
    let (mut ticks, mut ticks_per_second) = (0i64, 1i64);
    // SAFETY: the system writes two numbers that are borrowed for the calls.
    unsafe {
        QueryPerformanceCounter(&raw mut ticks);
        QueryPerformanceFrequency(&raw mut ticks_per_second);
    }
    (ticks as u128 * 1_000_000_000 / ticks_per_second.max(1) as u128) as u64
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn it_counts_nanoseconds() {
        let (began, instant) = (now_nanos(), Instant::now());
        while instant.elapsed() < Duration::from_millis(5) {
            std::hint::spin_loop();
        }
        let (least, counted) = (instant.elapsed(), now_nanos() - began);
        assert!(counted >= 5_000_000, "{counted}");
        assert!(counted <= instant.elapsed().as_nanos() as u64 + least.as_nanos() as u64);
    }
}
