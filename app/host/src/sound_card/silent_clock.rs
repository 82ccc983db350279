//! The silent clock: keeps the patch running where there is no sound card.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dsp_worker::thread::ask_for_real_time;

use crate::engine::callback::Callback;
use crate::vital;

/// Runs until it is dropped.
pub struct SilentClock {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SilentClock {
    /// Asks for a block whenever one would have been played, as punctual as a sound
    /// card.
    ///
    /// # Errors
    /// Where there is no thread for it.
    pub fn start(
        mut callback: Callback,
        sample_rate_hz: u32,
        block_frames: u32,
    ) -> std::io::Result<SilentClock> {
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let tick = move || {
            ask_for_real_time(block_frames, sample_rate_hz);
            let mut out = vec![0.0f32; 2 * block_frames as usize];
            let began = Instant::now();
            for blocks in 1u64.. {
                if seen.load(Relaxed) {
                    return;
                }
                callback.fill(&mut out, 2);
                let frames = blocks * u64::from(block_frames);
                let due = Duration::from_secs_f64(frames as f64 / f64::from(sample_rate_hz));
                std::thread::sleep(due.saturating_sub(began.elapsed()));
            }
        };
        let thread = vital::spawn("silent clock", tick)?;
        Ok(SilentClock { is_over, thread: Some(thread) })
    }
}

impl Drop for SilentClock {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        // At the end of its block.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
