//! A program that says on standard error what happens.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long something may take that takes seconds on a quiet machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// It runs until this is dropped.
pub struct Talking {
    /// The program.
    pub child: Child,
    said: Receiver<String>,
}

impl Talking {
    /// Starts it.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(command: &mut Command) -> Talking {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let (saying, said) = channel();
        let err = BufReader::new(child.stderr.take().expect("it was asked for"));
        std::thread::spawn(move || {
            err.lines().map_while(Result::ok).try_for_each(|line| saying.send(line))
        });
        Talking { child, said }
    }

    /// Waits for the next notice about the sound card.
    ///
    /// # Panics
    /// Where none comes.
    #[track_caller]
    pub fn next_about_card(&self) -> String {
        loop {
            let line = self.said.recv_timeout(PATIENCE).expect("it says something");
            if line.starts_with("Playing through") || line.starts_with(NOTHING) {
                return line;
            }
        }
    }

    /// What it has said meanwhile of there being no sound.
    pub fn more_silence(&self) -> Option<String> {
        self.said.try_iter().find(|line| line.starts_with(NOTHING))
    }
}

const NOTHING: &str = "You hear nothing";

impl Drop for Talking {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
