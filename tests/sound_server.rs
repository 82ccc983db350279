//! Through cpal and a sound server to a sound card that is not there, and back
//! as a recording: what was played is in it, and nothing is missing.

#![allow(unsafe_code, reason = "the environment is set")]
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "the test tells what it measured")]

use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sostenuto_host::control::sound::ReportSound;
use sostenuto_host::notice::Notice;
use sostenuto_host::player::{Player, Settings};
use sostenuto_host::pool::Crew;
use sostenuto_host::sound_card::device::{Output, SILENT_CLOCK};
use sostenuto_patch::Patch;
use sostenuto_tests::spectrum::{lines, rms};
use sostenuto_tests::{RATE_HZ, module, patch};

/// What PulseAudio keeps for a client, in milliseconds. It is asked for by both
/// clients: where the player's buffer of two blocks runs dry because the machine
/// is busy, a null sink is silent for as long as it works ahead, which may be
/// two seconds, and the host has no part in that.
const SERVER_MILLIS: &str = "300";

/// An idle null sink lets a stream wait for its latency before it runs.
const STALL: Duration = Duration::from_millis(2500);
const RECORDED: Duration = Duration::from_secs(5);
/// What is looked at: the end of the recording, 2.7 s of it.
const FFT_FRAMES: usize = 1 << 17;
/// Anything longer would be heard as a gap.
const WINDOW_FRAMES: usize = RATE_HZ as usize / 20;

/// C4 and G4 to the left, E4 and C5 to the right.
const NOTES_HZ: [[f32; 2]; 2] = [[261.626, 391.995], [329.628, 523.251]];

fn a_chord() -> Patch {
    let modules = [
        module("c4", "vco", ""),
        module("e4", "vco", r#""tune": 4"#),
        module("g4", "vco", r#""tune": 7"#),
        module("c5", "vco", r#""octave": 1"#),
        module("out", "audio-out", r#""level": -6"#),
    ];
    let cables = [
        "c4.sine -> out.left",
        "g4.sine -> out.left",
        "e4.sine -> out.right",
        "c5.sine -> out.right",
    ];
    patch(&modules.join(", "), &cables)
}

#[test]
#[ignore = "needs a sound server: packaging/test starts one"]
fn a_chord_is_heard_through_a_sound_server_whole_and_in_tune() {
    // SAFETY: this is the only test of its program, and what runs beside it waits
    // for it: nobody else reads or writes the environment now.
    unsafe {
        std::env::set_var("PULSE_LATENCY_MSEC", SERVER_MILLIS);
        std::env::set_var("SOSTENUTO_CARD", env!("CARGO_BIN_EXE_test-sostenuto"));
    }
    let sentences = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&sentences);
    let settings = Settings {
        sample_rate_hz: RATE_HZ,
        block_frames: 256,
        ahead: 4,
        crashes: None,
        crew: Crew::of(2),
        program: env!("CARGO_BIN_EXE_test-worker").into(),
        output: Output::Default,
        quarantined: Vec::new(),
    };
    let tell = move |notice: Notice| heard.lock().expect("whole").push(notice.to_string());
    let player = Player::start(&a_chord(), settings, tell).expect("it plays");
    let began = Instant::now();
    while player.status().device == SILENT_CLOCK {
        assert!(began.elapsed() < STALL, "{:?}", sentences.lock().expect("whole"));
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(STALL);
    let xruns_at_start = player.xruns();
    // Left there, to be listened to where this fails.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts");
    std::fs::create_dir_all(&folder).expect("a folder for artefacts");
    let path = folder.join("sound-server.wav");
    let recorder = Recorder::start(&path);
    std::thread::sleep(RECORDED);
    recorder.stop();
    let xruns = player.xruns() - xruns_at_start;
    let deaths = player.pool().deaths();
    println!("{}: {}", player.status().device, sentences.lock().expect("whole").join(" "));
    println!("{xruns} xruns in {} s, {xruns_at_start} before", RECORDED.as_secs());
    drop(player);

    let sides = read(&path);
    for (side, notes_hz) in sides.iter().zip(NOTES_HZ) {
        assert!(side.len() >= 3 * RATE_HZ as usize, "{} frames are missing", side.len());
        let last = &side[side.len() - 3 * RATE_HZ as usize..];
        let windows: Vec<f32> = last.chunks_exact(WINDOW_FRAMES).map(rms).collect();
        let quietest = windows.iter().copied().fold(f32::INFINITY, f32::min);
        // Two sines of half of 5 V each, of 10: 0.25 when they beat at random.
        println!("the quietest 50 ms: {quietest}");
        assert!(quietest > 0.2, "a gap: {windows:.2?}, in {}", path.display());
        let lines = lines(&last[last.len() - FFT_FRAMES..], RATE_HZ);
        println!("the loudest lines (Hz, dB): {:.2?}", &lines[..3]);
        let mut loudest_hz = [lines[0].0, lines[1].0];
        loudest_hz.sort_by(f32::total_cmp);
        for (hz, note_hz) in loudest_hz.into_iter().zip(notes_hz) {
            assert!((hz - note_hz).abs() < 1.0, "{hz} Hz for {note_hz} Hz");
        }
        assert!(lines[1].1 > -1.0, "both are as loud: {lines:?}");
        assert!(lines[2].1 < -60.0, "something else is heard: {lines:?}");
    }
    assert_eq!((xruns, deaths), (0, 0), "xruns, and workers that died");
}

/// Records what the null sink plays.
struct Recorder(Child);

impl Recorder {
    fn start(path: &Path) -> Recorder {
        let mut command = Command::new("parecord");
        command.args("-d test.monitor --rate=48000 --channels=2".split_whitespace());
        command.args(["--format=s16le", "--file-format=wav"]);
        command.arg(format!("--latency-msec={SERVER_MILLIS}")).arg(path);
        Recorder(command.spawn().expect("parecord, of pulseaudio-utils"))
    }

    /// At SIGINT it writes what it has, and a header that fits.
    fn stop(mut self) {
        // SAFETY: it touches no memory; the child has not been waited for, so
        // its number is nobody else's.
        unsafe {
            libc::kill(self.0.id() as libc::pid_t, libc::SIGINT);
        }
        self.0.wait().expect("it ends");
    }
}

impl Drop for Recorder {
    /// Where a test fails, it ends too.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Left and right of a recording, at a full scale of 1.
fn read(path: &Path) -> [Vec<f32>; 2] {
    let mut wav = hound::WavReader::open(path).expect("a recording");
    assert_eq!((wav.spec().channels, wav.spec().sample_rate), (2, RATE_HZ));
    let samples = wav.samples::<i16>().map(|sample| f32::from(sample.expect("a whole file")));
    let samples: Vec<f32> = samples.map(|sample| sample / 32_768.0).collect();
    [0, 1].map(|side| samples.iter().skip(side).step_by(2).copied().collect())
}
