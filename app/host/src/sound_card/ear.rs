//! The sound card's input: opened while a patch hears it, lost, opened again.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sostenuto_modules::card::CARD_CHANNELS;

use crate::engine::intake::{HEARD_FRAMES, InputFeed};
use crate::engine::link::HeardLink;
use crate::sound_card::driver::Said;
use crate::sound_card::process::{AGAIN, Ended, Letter, OPENING, PULSE, Post, Pulse};
use crate::vital;

/// What a host listens to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Input {
    /// The system's default.
    #[default]
    Default,
    /// The card of that id.
    Device(String),
    /// Nothing.
    Nothing,
}

impl Input {
    /// As settings name it: a card's id, `default` or `none`.
    pub fn id(&self) -> &str {
        match self {
            Input::Default => "default",
            Input::Device(id) => id,
            Input::Nothing => "none",
        }
    }

    /// What settings name so.
    pub fn of(id: &str) -> Input {
        match id {
            "default" => Input::Default,
            "none" => Input::Nothing,
            id => Input::Device(id.to_owned()),
        }
    }
}

/// What becomes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InputState {
    /// No patch hears it.
    #[default]
    Resting,
    /// The card of that name is heard.
    Listening(String),
    /// Nothing is; this is why.
    Deaf(String),
}

/// How it is listened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// To what.
    pub input: Input,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// Frames in a block.
    pub block_frames: u32,
}

enum Order {
    Listen(Option<Wanted>),
    Stop,
}

/// Listens, on a thread of its own, until it is dropped.
pub struct Ear {
    orders: Sender<Letter<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    /// Listens to nothing yet. What is heard goes into `input_feed`; `tell` hears
    /// what becomes of it.
    ///
    /// # Errors
    /// Where there is no thread for it.
    pub fn start(
        input_feed: InputFeed,
        tell: impl FnMut(InputState) + Send + 'static,
    ) -> std::io::Result<Ear> {
        let post = Post::new();
        let orders = post.sender();
        let listener = Listener {
            post,
            wanted: None,
            input_feed,
            told: InputState::Resting,
            is_asked_anew: true,
            tell: Box::new(tell),
        };
        let thread = vital::spawn("ear", move || listener.run())?;
        Ok(Ear { orders, thread: Some(thread) })
    }

    /// Listens in that way from now on, or no longer.
    pub fn listen(&self, wanted: Option<Wanted>) {
        let _ = self.orders.send(Letter::Order(Order::Listen(wanted)));
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _ = self.orders.send(Letter::Order(Order::Stop));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Listener {
    post: Post<Order>,
    wanted: Option<Wanted>,
    input_feed: InputFeed,
    told: InputState,
    /// Something else is wanted since: another reason is news.
    is_asked_anew: bool,
    tell: Box<dyn FnMut(InputState) + Send>,
}

impl Listener {
    fn run(mut self) {
        loop {
            let order = match self.wanted.clone() {
                None => {
                    self.tell(InputState::Resting);
                    self.post.order(None)
                }
                Some(wanted) => match self.listen(&wanted) {
                    Ended::Order(order) => Some(order),
                    Ended::Failed(reason) => {
                        self.tell(InputState::Deaf(reason));
                        self.post.order(Some(AGAIN))
                    }
                },
            };
            match order {
                None => {}
                Some(Order::Stop) => return,
                Some(Order::Listen(wanted)) => {
                    (self.wanted, self.is_asked_anew) = (wanted, true);
                }
            }
        }
    }

    /// Opens the card and listens, for as long as it is there.
    fn listen(&mut self, wanted: &Wanted) -> Ended<Order> {
        let link = match HeardLink::create() {
            Ok(link) => link,
            Err(error) => return Ended::Failed(error.to_string()),
        };
        let numbers = [wanted.sample_rate_hz, wanted.block_frames].map(|n| n.to_string());
        let arguments = ["listen", link.name(), wanted.input.id(), &numbers[0], &numbers[1]];
        let process = match self.post.start(&arguments) {
            Ok(process) => process,
            Err(reason) => return Ended::Failed(reason),
        };
        let ended = match self.open() {
            Err(ended) => ended,
            Ok(name) => {
                self.tell(InputState::Listening(name));
                self.pass_on(&link)
            }
        };
        self.input_feed.close();
        self.post.end(process);
        ended
    }

    /// Waits until the card is open. Returns its name.
    fn open(&mut self) -> Result<String, Ended<Order>> {
        let began = Instant::now();
        loop {
            match self.post.next(Some(OPENING.saturating_sub(began.elapsed()))) {
                Some(Letter::Card(_, Said::Opened { card })) => return Ok(card),
                Some(letter) => {
                    if let Some(ended) = letter.end() {
                        return Err(ended);
                    }
                }
                None => return Err(Ended::Failed("the input does not open".to_owned())),
            }
        }
    }

    /// Passes on what it hears, until it is gone or stands still, or something else
    /// is wanted.
    fn pass_on(&mut self, link: &Arc<HeardLink>) -> Ended<Order> {
        let (mut pulse, mut heard) = (Pulse::new(link.turns()), link.popper());
        let mut room = vec![[0.0; CARD_CHANNELS]; HEARD_FRAMES];
        loop {
            let seen = link.turns();
            let count = heard.pop(&mut room);
            if count > 0 {
                let frames = room[..count].iter().copied();
                self.input_feed.push_frames(frames, link.at_once_frames() as usize);
            }
            if let Some(ended) = self.post.next(Some(Duration::ZERO)).and_then(Letter::end) {
                return ended;
            }
            if pulse.has_stopped(seen) {
                return Ended::Failed("it has stopped sending sound".to_owned());
            }
            link.wait(seen, PULSE);
        }
    }

    fn tell(&mut self, news: InputState) {
        let is_deaf = |state: &InputState| matches!(state, InputState::Deaf(_));
        let is_new = std::mem::take(&mut self.is_asked_anew);
        // One reason is enough, also where the next attempt fails in another way.
        let is_known = !is_new && is_deaf(&self.told) && is_deaf(&news);
        if self.told != news && !is_known {
            self.told = news.clone();
            (self.tell)(news);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_named_as_settings_name_it() {
        for id in ["default", "none", "alsa:hw:1"] {
            assert_eq!(Input::of(id).id(), id);
        }
    }
}
