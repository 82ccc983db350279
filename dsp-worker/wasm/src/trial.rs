//! Plays a module as patches do, to find what it breaks before a musician does; and tells
//! what it costs.

use std::time::Instant;

use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::own::{Code, OWN_PARAMS, OWN_PORTS};
use sostenuto_modules::rig::Rig;

use crate::clip::Compiled;
use crate::run::alone;

/// How many frames are played for each property.
const FRAMES: usize = 300 * QUANTUM;

/// Louder than anything in a patch.
const ABSURD_VOLTS: f32 = 1e4;

/// What every module keeps to, and whether this one does. The clip is one that
/// [`compile`](crate::compile::compile) made.
pub fn properties(clip: &[f32]) -> Vec<(&'static str, Result<(), String>)> {
    vec![
        ("Finite, whatever comes in", is_finite(clip)),
        ("The same frame by frame, as in a loop", is_same_by_frames(clip)),
        ("The same when it goes on in another process", is_same_after_takeover(clip)),
        ("The same whenever it is played", is_same_again(clip)),
        ("Each channel by itself", has_channels_apart(clip)),
    ]
}

/// What a frame costs, in nanoseconds, with so many channels at every input: the best of
/// some runs.
pub fn bench(clip: &[f32], channels: usize) -> f64 {
    let mut rig = played(clip, channels, 5.0);
    rig.run(64 * QUANTUM);
    rig.hold();
    let nanos = (0..20).map(|_| {
        let began = Instant::now();
        (0..200).for_each(|_| rig.quantum());
        began.elapsed().as_nanos() as f64 / (200 * QUANTUM) as f64
    });
    nanos.reduce(f64::min).unwrap_or_default()
}

/// A number between -1 and 1 that no two places share, and that is the same every time.
fn chance(input: usize, channel: usize, frame: u64) -> f32 {
    let mut bits = (input as u64) << 40 ^ (channel as u64) << 32 ^ frame;
    for _ in 0..3 {
        bits = (bits ^ bits >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (bits >> 40) as f32 / 8_388_608.0 - 1.0
}

/// With something else at every input and every knob.
fn played(clip: &[f32], channels: usize, volts: f32) -> Rig {
    let mut rig = Rig::named(Code::NAME, 48_000.0);
    rig.clip(clip, 1, 0.0).runs(Box::new(alone()));
    let shape = Compiled::read(clip).map(|compiled| compiled.shape).unwrap_or_default();
    for input in 0..(shape.inputs as usize).min(OWN_PORTS) {
        let feed = move |channel, frame| volts * chance(input, channel, frame);
        rig.feed_channels(&format!("in-{}", input + 1), channels, feed);
    }
    for param in 0..(shape.params as usize).min(OWN_PARAMS) {
        rig.set(&format!("knob-{}", param + 1), chance(99, param, 0).abs());
    }
    rig
}

/// The samples of all outputs and channels.
fn heard(rig: &mut Rig, frames: usize) -> Vec<Vec<f32>> {
    let out = rig.run(frames);
    let ports = (1..=OWN_PORTS).map(|port| format!("out-{port}"));
    let channels = ports.flat_map(|port| {
        let channels = 0..out.channels(&port);
        channels.map(|channel| out.channel(&port, channel).to_vec()).collect::<Vec<_>>()
    });
    channels.collect()
}

fn is_same(one: &[Vec<f32>], other: &[Vec<f32>]) -> Result<(), String> {
    if one.len() != other.len() {
        return Err(format!("{} channels come out, and {}", one.len(), other.len()));
    }
    for (one, other) in one.iter().zip(other) {
        let differs = |(a, b): (&f32, &f32)| a.to_bits() != b.to_bits();
        if let Some(frame) = one.iter().zip(other).position(differs) {
            let (a, b) = (one[frame], other[frame]);
            return Err(format!("frame {frame} is {a} V, and {b} V"));
        }
    }
    Ok(())
}

fn is_finite(clip: &[f32]) -> Result<(), String> {
    for volts in [0.0, 10.0, 1e6] {
        let mut rig = played(clip, 3, volts);
        let heard = heard(&mut rig, FRAMES);
        if rig.not_finite() > 0 {
            return Err(format!("with {volts} V at its inputs it stops, or is no number"));
        }
        let peak = heard.iter().flatten().fold(0.0f32, |peak, volts| peak.max(volts.abs()));
        if volts <= 10.0 && peak > ABSURD_VOLTS {
            return Err(format!("with {volts} V at its inputs it gives {peak} V"));
        }
    }
    Ok(())
}

fn is_same_by_frames(clip: &[f32]) -> Result<(), String> {
    let whole = heard(&mut played(clip, 3, 5.0), FRAMES);
    let mut by_frames = played(clip, 3, 5.0);
    by_frames.frame_by_frame();
    is_same(&whole, &heard(&mut by_frames, FRAMES))
}

fn is_same_after_takeover(clip: &[f32]) -> Result<(), String> {
    let mut rig = played(clip, 3, 5.0);
    rig.run(FRAMES);
    let committed = rig.committed();
    let lost = heard(&mut rig, FRAMES);
    rig.take_over(&committed).runs(Box::new(alone()));
    is_same(&lost, &heard(&mut rig, FRAMES))
}

fn is_same_again(clip: &[f32]) -> Result<(), String> {
    let [one, other] = [(); 2].map(|()| heard(&mut played(clip, 16, 5.0), FRAMES));
    is_same(&one, &other)
}

fn has_channels_apart(clip: &[f32]) -> Result<(), String> {
    let few = heard(&mut played(clip, 2, 5.0), FRAMES);
    let many = heard(&mut played(clip, 11, 5.0), FRAMES);
    let ports = few.len() / 2;
    if ports == 0 || !few.len().is_multiple_of(2) || many.len() != 11 * ports {
        // It chooses how many channels come out.
        return Ok(());
    }
    (0..ports)
        .try_for_each(|port| is_same(&few[2 * port..2 * port + 2], &many[11 * port..11 * port + 2]))
}
