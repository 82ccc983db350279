//! What comes out of the sound server, as it comes.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sostenuto_tests::{RATE_HZ, leave, spectrum};

use super::screen::wait_for;

/// Above this, something is heard: 80 dB below full scale.
const AUDIBLE: f32 = 1e-4;

/// All that was heard so far.
#[derive(Default)]
struct Heard {
    frames: Vec<[f32; 2]>,
    first_sound: Option<Instant>,
}

/// Hears what the null sink plays.
pub struct Ear {
    recorder: Child,
    heard: Arc<Mutex<Heard>>,
}

impl Ear {
    /// Hears from now on.
    pub fn open() -> Ear {
        let line =
            "-d test.monitor --rate=48000 --channels=2 --format=float32le --raw --latency-msec=20";
        let mut recorder = Command::new("parec")
            .args(line.split(' '))
            .stdout(Stdio::piped())
            .spawn()
            .expect("parec, of pulseaudio-utils");
        let mut sound = recorder.stdout.take().expect("it was asked for");
        let heard = Arc::<Mutex<Heard>>::default();
        let ear = Arc::clone(&heard);
        std::thread::spawn(move || {
            let (mut bytes, mut rest) = ([0; 4096], Vec::new());
            while let Ok(count @ 1..) = sound.read(&mut bytes) {
                rest.extend_from_slice(&bytes[..count]);
                let whole = rest.len() / 8 * 8;
                let mut heard = ear.lock().expect("whole");
                for frame in rest[..whole].chunks_exact(8) {
                    let sample =
                        |at: usize| f32::from_le_bytes([0, 1, 2, 3].map(|n| frame[at + n]));
                    let frame = [sample(0), sample(4)];
                    if heard.first_sound.is_none() && frame.iter().any(|s| s.abs() > AUDIBLE) {
                        heard.first_sound = Some(Instant::now());
                    }
                    heard.frames.push(frame);
                }
                drop(heard);
                rest.drain(..whole);
            }
        });
        let ear = Ear { recorder, heard };
        ear.listen(Duration::from_millis(100));
        ear
    }

    /// When the first sound came.
    pub fn wait_for_sound(&self) -> Instant {
        wait_for("sound", || self.heard.lock().expect("whole").first_sound)
    }

    /// Until so much more has been heard.
    pub fn listen(&self, time: Duration) {
        let count = || self.heard.lock().expect("whole").frames.len();
        let until = count() + (time.as_secs_f64() * f64::from(RATE_HZ)) as usize;
        wait_for("more to hear", || (count() >= until).then_some(()));
    }

    /// How loud the next so long is, at a full scale of 1.
    pub fn rms(&self, time: Duration) -> f32 {
        self.listen(time);
        let count = (time.as_secs_f64() * f64::from(RATE_HZ)) as usize;
        spectrum::rms(&self.last_frames(count))
    }

    /// The left of what was heard last.
    pub fn last_frames(&self, count: usize) -> Vec<f32> {
        let heard = self.heard.lock().expect("whole");
        let from = heard.frames.len().saturating_sub(count);
        heard.frames[from..].iter().map(|frame| frame[0]).collect()
    }

    /// All of it, to be listened to.
    pub fn keep(&self, path: &Path) {
        leave(path, &self.heard.lock().expect("whole").frames);
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _ = self.recorder.kill();
        let _ = self.recorder.wait();
    }
}
