//! Event to sound: from the moment a key is sent until the sound card asks for
//! the frame in which its gate is open (or shut: both are steps of 10 V).
//!
//! The card is simulated: it asks for a block whenever one would have been
//! played, and remembers when it did. What a real card holds beyond the block
//! that it asks for comes on top, and is the card's.
//!
//! Keys come at any time within a block. The engine takes them at the start of
//! the block that it computes next, half a block later in the mean; that block
//! waits in the ring behind `ahead` others and the one that the card is given
//! first. So 1.5 + `ahead` blocks are expected.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dsp_worker::thread::ask_for_real_time;
use rosc::OscType;
use sostenuto_benches::rigs::{Host, RATE_HZ, block_secs, message, patch, settings};
use sostenuto_benches::samples::{Samples, millis};
use sostenuto_benches::table::{Row, Table, Target};
use sostenuto_benches::times;
use sostenuto_host::control::SharedControl;
use sostenuto_host::control::sound::PlayPatch;
use sostenuto_host::engine::callback::Callback;
use sostenuto_host::player::Player;
use sostenuto_modules::module::Event;

const WORKER: &str = env!("CARGO_BIN_EXE_bench-worker");
const PROTOTYPE_MS: f64 = 5.9;

/// Who sends the key.
#[derive(Clone, Copy)]
enum By {
    Stream,
    Control,
}

fn main() {
    let table = Table::begin("rt01_latency");
    for ahead in [1, 0] {
        for frames in [32, 64, 128, 256, 512] {
            measure(&table, frames, ahead, By::Stream);
        }
    }
    measure(&table, 256, 1, By::Control);
}

fn measure(table: &Table, block_frames: u32, ahead: u32, by: By) {
    let patch = patch(&["keys keyboard", "out audio-out dc-block=0"], &["keys.gate -> out.left"]);
    let (player, callback) =
        Player::start_without_card(&patch, settings(block_frames, ahead, WORKER), |_| {})
            .unwrap_or_else(|error| panic!("{error}"));
    let mut host = Host::start(patch, player);
    let (card, steps) = Card::start(callback, block_frames);
    // Until plans and caches have settled.
    for turn in 0..8 {
        latency(&mut host, &steps, turn, block_frames, by);
    }
    let samples = (0..times(100, 6)).map(|turn| latency(&mut host, &steps, turn, block_frames, by));
    let samples: Samples = samples.map(millis).collect();
    drop(card);
    let xruns = host.control.lock().sound().xruns();
    let expected = (1.5 + f64::from(ahead)) * block_secs(block_frames) * 1e3;
    let way = match by {
        By::Stream => "stream",
        By::Control => "no stream",
    };
    let what = format!(
        "{block_frames} frames, {ahead} ahead, {way}; expected {expected:.1} ms, {xruns} xruns"
    );
    let row = Row::with_p99(&what, "ms", &samples).prototype(PROTOTYPE_MS);
    table.row(&row.target(Target::Below(PROTOTYPE_MS)));
}

/// Presses the key, or lets it go every other turn. The time until the card
/// asks for the step.
fn latency(
    host: &mut Host,
    steps: &Receiver<Instant>,
    turn: usize,
    block_frames: u32,
    by: By,
) -> Duration {
    // Every part of a block is as likely as any other.
    let phase = (turn as f64 * 0.618_034).fract();
    std::thread::sleep(Duration::from_secs_f64((1.0 + phase) * block_secs(block_frames)));
    let is_down = turn.is_multiple_of(2);
    let sent = Instant::now();
    match by {
        By::Stream => send(host, is_down),
        By::Control => press(&host.control, is_down),
    }
    let heard = steps.recv_timeout(Duration::from_secs(5)).expect("the key is heard");
    heard.saturating_duration_since(sent)
}

fn send(host: &mut Host, is_down: bool) {
    let keys = OscType::String("keys".to_owned());
    let message = if is_down {
        message("/note/on", [keys, OscType::Int(60), OscType::Float(1.0)])
    } else {
        message("/note/off", [keys, OscType::Int(60)])
    };
    host.client.send(message).and_then(|()| host.client.flush()).expect("the host listens");
}

fn press(control: &SharedControl<Player>, is_down: bool) {
    let event = match is_down {
        true => Event::NoteOn { key: 60, voct: 0.0, velocity: 1.0 },
        false => Event::NoteOff { key: 60 },
    };
    control.lock().sound_mut().event(&"keys".parse().expect("an id"), event);
}

/// A sound card that nobody hears, and that says when it asked for each step.
struct Card {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Card {
    fn start(callback: Callback, block_frames: u32) -> (Card, Receiver<Instant>) {
        let (steps, heard) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || run(callback, block_frames, &steps, &over));
        (Card { is_over, thread: Some(thread) }, heard)
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

fn run(mut callback: Callback, block_frames: u32, steps: &Sender<Instant>, is_over: &AtomicBool) {
    ask_for_real_time(block_frames, RATE_HZ);
    let mut out = vec![0.0f32; 2 * block_frames as usize];
    let mut was_loud = false;
    let began = Instant::now();
    for block in 0u64.. {
        if is_over.load(Relaxed) {
            return;
        }
        let due = Duration::from_secs_f64(block as f64 * block_secs(block_frames));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        let asked = Instant::now();
        callback.fill(&mut out, 2);
        for (frame, left) in out.iter().step_by(2).enumerate() {
            let is_loud = *left > 0.5;
            if is_loud != was_loud {
                let offset = Duration::from_secs_f64(frame as f64 / f64::from(RATE_HZ));
                let _ = steps.send(asked + offset);
            }
            was_loud = is_loud;
        }
    }
}
