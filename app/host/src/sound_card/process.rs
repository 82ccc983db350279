//! The process of one sound card, as the host sees it: started, heard, ended.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use shared_child::SharedChild;
use sostenuto_osc::message::device::Card;

use crate::pool::process::spare_ctrl_c;
use crate::sound_card::driver::Said;
use crate::vital;

/// How long a card's process has to end by itself; then it is killed.
const FAREWELL: Duration = Duration::from_millis(300);

/// How long the system has to end one that was killed. One that hangs in a driver
/// of the kernel's is left to it.
const BURIAL: Duration = Duration::from_secs(1);

/// How long a card may take to open. Some headphones take seconds.
pub const OPENING: Duration = Duration::from_secs(6);

/// How long a list of cards may take.
const LISTING: Duration = Duration::from_secs(8);

/// Before a card that failed is opened again.
pub const AGAIN: Duration = Duration::from_secs(1);

/// How long a card that has played may be silent before it is given up.
const STILL: Duration = Duration::from_millis(500);

/// The same for one that has just been opened: some servers fill their own buffer,
/// and then wait until that is half played.
const STILL_AT_FIRST: Duration = Duration::from_secs(3);

/// So long is at first.
const AT_FIRST: Duration = Duration::from_secs(5);

/// What comes to the thread that looks after a card.
pub enum Letter<O> {
    /// It is told to do something.
    Order(O),
    /// The process of that number says something.
    Card(u64, Said),
}

/// How it went with a card.
pub enum Ended<O> {
    /// It cannot be opened, or is gone: why.
    Failed(String),
    /// Something else is wanted.
    Order(O),
}

impl<O> Letter<O> {
    /// How it went, where this is the end.
    pub fn end(self) -> Option<Ended<O>> {
        match self {
            Letter::Order(order) => Some(Ended::Order(order)),
            Letter::Card(_, Said::Failed { reason }) => Some(Ended::Failed(reason)),
            Letter::Card(_, Said::Gone { how }) => {
                Some(Ended::Failed(format!("the sound card's driver ended ({how})")))
            }
            Letter::Card(..) => None,
        }
    }
}

/// A card's process that runs, or is just ending.
pub struct CardProcess {
    child: Arc<SharedChild>,
    /// It leaves at its end.
    orders: Option<ChildStdin>,
}

impl CardProcess {
    /// Kills it, as `kill -9` does. Whoever looks after it hears of it as of any end.
    pub fn kill(&self) -> std::io::Result<()> {
        self.child.kill()
    }
}

/// The mailbox of the thread that looks after a card. There is one process at a
/// time; what an older one says is no news.
pub struct Post<O> {
    sender: Sender<Letter<O>>,
    mailbox: Receiver<Letter<O>>,
    /// Orders that came while something else was waited for.
    waiting: VecDeque<O>,
    number: u64,
}

/// The program of card processes: this one, unless another is set. On Linux also
/// where its file was replaced since: both sides of a link must be of one version.
fn program() -> std::io::Result<PathBuf> {
    match std::env::var_os("SOSTENUTO_CARD") {
        Some(program) => Ok(program.into()),
        None if cfg!(target_os = "linux") => Ok("/proc/self/exe".into()),
        None => std::env::current_exe(),
    }
}

impl<O: Send + 'static> Post<O> {
    /// Empty.
    pub fn new() -> Post<O> {
        let (sender, mailbox) = channel();
        Post { sender, mailbox, waiting: VecDeque::new(), number: 0 }
    }

    /// Where orders are sent to.
    pub fn sender(&self) -> Sender<Letter<O>> {
        self.sender.clone()
    }

    /// Starts a process with these arguments; see [`driver`](super::driver).
    ///
    /// # Errors
    /// Why there is none, in words.
    pub fn start(&mut self, arguments: &[&str]) -> Result<CardProcess, String> {
        self.number += 1;
        let (number, sender) = (self.number, self.sender.clone());
        start(arguments, move |said| {
            // Nobody reads it where the host is ending.
            let _ = sender.send(Letter::Card(number, said));
        })
        .map_err(|error| format!("the process of the sound card cannot be started: {error}"))
    }

    /// What comes next, unless nothing does for so long.
    pub fn next(&mut self, patience: Option<Duration>) -> Option<Letter<O>> {
        if let Some(order) = self.waiting.pop_front() {
            return Some(Letter::Order(order));
        }
        self.next_letter(patience)
    }

    /// The next order, unless none comes for so long.
    pub fn order(&mut self, patience: Option<Duration>) -> Option<O> {
        let until = patience.map(|patience| Instant::now() + patience);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            match self.next(left) {
                Some(Letter::Order(order)) => return Some(order),
                Some(Letter::Card(..)) => {}
                None => return None,
            }
        }
    }

    /// Ends a process, also one that does not want to.
    pub fn end(&mut self, mut process: CardProcess) {
        drop(process.orders.take());
        if !self.is_gone_within(FAREWELL) {
            let _ = process.child.kill();
            if !self.is_gone_within(BURIAL) {
                tracing::warn!("process {} of a sound card cannot be killed", process.child.id());
            }
        }
    }

    /// Whether it ends within that time. Orders wait.
    fn is_gone_within(&mut self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.next_letter(Some(left)) {
                Some(Letter::Card(_, Said::Gone { .. })) => return true,
                Some(Letter::Card(..)) => {}
                Some(Letter::Order(order)) => self.waiting.push_back(order),
                None => return false,
            }
        }
    }

    fn next_letter(&self, patience: Option<Duration>) -> Option<Letter<O>> {
        loop {
            let letter = match patience {
                Some(patience) => self.mailbox.recv_timeout(patience),
                // Whoever gives orders gives a last one.
                None => self.mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match letter {
                Ok(Letter::Card(number, _)) if number != self.number => {}
                letter => return letter.ok(),
            }
        }
    }
}

fn start(arguments: &[&str], hear: impl Fn(Said) + Send + 'static) -> std::io::Result<CardProcess> {
    let mut command = Command::new(program()?);
    command.arg("card").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    spare_ctrl_c(&mut command);
    let child = Arc::new(SharedChild::spawn(&mut command)?);
    let orders = child.take_stdin();
    let sayings = child.take_stdout();
    let dying = Arc::clone(&child);
    let listen = move || {
        // To the end: a process that closes its output is as good as gone.
        let lines = sayings.into_iter().flat_map(|sayings| BufReader::new(sayings).lines());
        for line in lines.map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(said) => hear(said),
                Err(_) => tracing::debug!("a sound card's process printed: {line}"),
            }
        }
        let _ = dying.kill();
        let how = dying.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        hear(Said::Gone { how });
    };
    vital::spawn("card's ear", listen)?;
    Ok(CardProcess { child, orders })
}

/// Every card that can play, and every one that can be listened to, as another
/// process finds them. None where that fails.
pub fn list() -> (Vec<Card>, Vec<Card>) {
    let mut post = Post::<()>::new();
    let Ok(process) = post.start(&["list"]) else { return Default::default() };
    let until = Instant::now() + LISTING;
    let cards = loop {
        match post.next(Some(until.saturating_duration_since(Instant::now()))) {
            Some(Letter::Card(_, Said::Cards { outputs, inputs })) => break (outputs, inputs),
            Some(Letter::Card(_, Said::Gone { .. })) | None => {
                tracing::warn!("the sound cards could not be listed");
                break Default::default();
            }
            Some(_) => {}
        }
    };
    post.end(process);
    let cards_of = |list: Vec<(String, String, bool)>| {
        list.into_iter().map(|(id, name, is_default)| Card { id, name, is_default }).collect()
    };
    (cards_of(cards.0), cards_of(cards.1))
}

/// Sees whether a card still has its turns. It may wait in between, or be stopped
/// for good: only time tells.
pub struct Pulse {
    turns: u32,
    moved_at: Instant,
    opened_at: Instant,
}

impl Pulse {
    /// Of a card that was just opened.
    pub fn new(turns: u32) -> Pulse {
        let now = Instant::now();
        Pulse { turns, moved_at: now, opened_at: now }
    }

    /// Whether it has stood still for too long, now that it has had so many turns.
    pub fn has_stopped(&mut self, turns: u32) -> bool {
        let now = Instant::now();
        if turns != self.turns {
            (self.turns, self.moved_at) = (turns, now);
        }
        let is_new = self.moved_at < self.opened_at + AT_FIRST;
        now - self.moved_at > if is_new { STILL_AT_FIRST } else { STILL }
    }
}

/// How often the pulse is felt.
pub const PULSE: Duration = Duration::from_millis(100);
