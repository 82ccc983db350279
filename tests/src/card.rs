//! A sound card's process that misbehaves on purpose, once; or plays as it should.
//!
//! The id of the card is `WHAT:FOLDER`. It does that where the folder has no file of
//! that name yet, and puts it there; the next one plays steadily, and puts
//! `heard` there once it has heard something.

#![allow(unsafe_code, reason = "it closes a file as drivers do")]
#![allow(clippy::print_stdout, reason = "that is how it speaks")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use sostenuto_host::engine::callback::Callback;
use sostenuto_host::engine::link::OutLink;
use sostenuto_host::sound_card::driver::Said;

/// Turns before it misbehaves.
const TURNS: u64 = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ["card", "play", link, id, rate, frames] = arguments[..] else { return };
    let (what, folder) = id.split_once(':').expect("WHAT:FOLDER");
    let mark = Path::new(folder).join(what);
    let misbehaves = !mark.exists();
    fs::write(&mark, "").expect("a file");
    let turns = if misbehaves && what != "is-slow" { TURNS } else { u64::MAX };
    match what {
        "refuses" if misbehaves => {
            return say(&Said::Failed { reason: "the card is on holiday".to_owned() });
        }
        "is-stuck" if misbehaves => rest(),
        "is-slow" if misbehaves => std::thread::sleep(Duration::from_secs(2)),
        _ => {}
    }
    if turns == u64::MAX {
        std::thread::spawn(leave_with_the_host);
    }
    play(link, rate.parse().expect("a rate"), frames.parse().expect("frames"), turns, folder);
    match what {
        "crashes" => std::process::abort(),
        "leaves" => {}
        #[cfg(unix)]
        "closes" => {
            // SAFETY: nobody writes to standard output any more.
            unsafe { libc::close(1) };
            rest();
        }
        "spins" => loop {
            std::hint::spin_loop();
        },
        _ => rest(),
    }
}

/// As a card does that behaves.
fn leave_with_the_host() {
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    std::process::exit(0);
}

/// Until it is killed.
fn rest() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(60));
    }
}

fn say(said: &Said) {
    println!("{}", serde_json::to_string(said).expect("words"));
}

fn play(link: &str, rate: u32, frames: u32, turns: u64, folder: &str) {
    let link = OutLink::open(link).expect("the host made it");
    let mut callback = Callback::new(&link, rate);
    say(&Said::Opened { card: "test card".to_owned() });
    let mut out = vec![0.0f32; 2 * frames as usize];
    let began = Instant::now();
    let mut has_heard = false;
    for turn in 1..=turns {
        callback.fill(&mut out, 2);
        if turns == u64::MAX && !has_heard && out.iter().any(|sample| sample.abs() > 0.02) {
            has_heard = true;
            fs::write(Path::new(folder).join("heard"), "").expect("a file");
        }
        let due = Duration::from_secs_f64((turn * u64::from(frames)) as f64 / f64::from(rate));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
}
