//! What a thread that computes sound asks of the machine.

#![allow(unsafe_code, reason = "the processor's rounding mode is set here")]

/// Runs `work` with the smallest numbers flushed to zero: a reverb's last
/// breath would otherwise cost a hundred times its beginning. Every thread that
/// computes modules does it, so that all compute the same.
pub fn flushing_denormals<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: Rust assumes nothing of these two flags but that results are
    // rounded; the code in `work` compares no denormals.
    unsafe { no_denormals::no_denormals(work) }
}

/// Asks the system to run this thread before all that is not sound. Whether it
/// agreed; where it did not, sound is played all the same.
pub fn ask_for_real_time(block_frames: u32, sample_rate_hz: u32) -> bool {
    // The handle only serves to go back.
    audio_thread_priority::promote_current_thread_to_real_time(block_frames, sample_rate_hz)
        .map(std::mem::forget)
        .is_ok()
}
