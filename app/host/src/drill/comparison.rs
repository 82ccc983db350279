//! What the engine makes beside what it should make: the same patch, computed
//! once more in this process, block by block, in the machine's spare time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::engine::Frame;
use crate::engine::tap::{Tap, TappedBlock};
use crate::pool::process::step_back;
use crate::render::Render;

/// How often the tap is emptied. It holds far more.
const NAP: Duration = Duration::from_millis(10);

/// What there was to compare.
#[derive(Default)]
pub struct Compared {
    /// Every block, in order.
    pub blocks: Vec<TappedBlock>,
    /// How many of them are not the same to the bit.
    pub different: u64,
    /// The first frame of the first of these.
    pub first_different: Option<u64>,
    /// Blocks that the tap lost.
    pub lost: u64,
}

/// Two threads that compare until they are told that it is over.
pub struct Comparison {
    is_over: Arc<AtomicBool>,
    reader: Option<JoinHandle<Compared>>,
    judge: Option<JoinHandle<Verdict>>,
}

#[derive(Default)]
struct Verdict {
    different: u64,
    first_different: Option<u64>,
}

impl Comparison {
    /// Compares what comes from the tap with a render that has not begun.
    ///
    /// # Errors
    /// Where there are no threads for it.
    pub fn start(tap: Tap, reference: Render) -> std::io::Result<Comparison> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (to_judge, pairs) = channel();
        let over = Arc::clone(&is_over);
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let judge = named("reference").spawn(move || judge(reference, &pairs))?;
        let reader = named("tap").spawn(move || read(tap, &to_judge, &over))?;
        Ok(Comparison { is_over, reader: Some(reader), judge: Some(judge) })
    }

    /// Compares what is there still, and says what was found.
    pub fn finish(mut self) -> Compared {
        self.is_over.store(true, Relaxed);
        let read = self.reader.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let verdict = self.judge.take().and_then(|thread| thread.join().ok());
        // Nothing was compared where the judge has panicked.
        let unheard = Verdict { different: read.blocks.len() as u64, first_different: None };
        let Verdict { different, first_different } = verdict.unwrap_or(unheard);
        Compared { different, first_different, ..read }
    }
}

impl Drop for Comparison {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        self.reader.take().map(JoinHandle::join);
        self.judge.take().map(JoinHandle::join);
    }
}

/// A thread of its own: the tap is to be emptied in time, and comparing has
/// time.
fn read(mut tap: Tap, judge: &Sender<(u64, Vec<Frame>)>, is_over: &AtomicBool) -> Compared {
    let mut compared = Compared::default();
    let mut frames = Vec::new();
    loop {
        let is_last = is_over.load(Relaxed);
        while let Some(block) = tap.read(&mut frames) {
            compared.blocks.push(block);
            let _ = judge.send((block.frame, std::mem::take(&mut frames)));
        }
        if is_last {
            compared.lost = tap.lost();
            return compared;
        }
        std::thread::sleep(NAP);
    }
}

fn judge(mut reference: Render, blocks: &Receiver<(u64, Vec<Frame>)>) -> Verdict {
    step_back();
    let mut verdict = Verdict::default();
    let mut next = 0;
    for (frame, is) in blocks {
        // What was made before the tap was opened, or lost, is only passed over.
        let mut should_be = reference.block();
        next += should_be.len() as u64;
        while next <= frame {
            should_be = reference.block();
            next += should_be.len() as u64;
        }
        if !are_same(&is, should_be) {
            verdict.different += 1;
            verdict.first_different.get_or_insert(frame);
        }
    }
    verdict
}

fn are_same(a: &[Frame], b: &[Frame]) -> bool {
    let bits = |frame: &Frame| frame.map(f32::to_bits);
    a.iter().map(bits).eq(b.iter().map(bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tap::Pipe;
    use crate::render::{ComputedBy, Settings};
    use sostenuto_patch::{Patch, file};

    fn reference() -> Render {
        let text = r#"{"sostenuto": 1, "modules": [
            {"id": "vco", "kind": "vco", "x": 0, "y": 0},
            {"id": "out", "kind": "audio-out", "x": 0, "y": 0}],
            "cables": ["vco.saw -> out.left"]}"#;
        let patch: Patch = file::read(text.as_bytes()).expect("a patch");
        let computed_by = ComputedBy::InProcess;
        let settings = Settings { sample_rate_hz: 48_000, block_frames: 64, computed_by };
        Render::new(&patch, &settings).expect("it is small")
    }

    #[test]
    fn a_single_bit_is_found_and_blocks_that_were_passed_over_are_not_missed() {
        let (mut sender, pipe) = Pipe::new();
        let tap = pipe.open().expect("nobody reads");
        let mut made = reference();
        for block in 0..40u64 {
            let mut frames = made.block().to_vec();
            if block == 30 {
                frames[63][1] = f32::from_bits(frames[63][1].to_bits() ^ 1);
            }
            if !(10..15).contains(&block) {
                sender.push(64 * block, 48_000, 5, &frames);
            }
        }
        let compared = Comparison::start(tap, reference()).expect("two threads").finish();
        assert_eq!(compared.blocks.len(), 35);
        assert_eq!((compared.different, compared.first_different), (1, Some(64 * 30)));
        assert_eq!(compared.lost, 0);
    }
}
