//! The sound card that plays: opened, watched, given up where it stands still, and
//! opened again. Meanwhile the silent clock keeps the patch running.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::engine::callback::Callback;
use crate::engine::link::OutLink;
use crate::engine::outlet::Outlet;
use crate::sound_card::driver::Said;
pub use crate::sound_card::process::list;
use crate::sound_card::process::{AGAIN, CardProcess, Ended, Letter, OPENING, PULSE, Post, Pulse};
use crate::sound_card::silent_clock::SilentClock;
use crate::vital;

/// What the host plays through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The system's default sound card.
    Default,
    /// The card of that id, as [`list`] shows it.
    Device(String),
    /// Nothing is heard; time goes on.
    SilentClock,
}

/// The name of the [`Output::SilentClock`].
pub const SILENT_CLOCK: &str = "silent clock";

impl Output {
    /// As settings name it: a card's id, `default` or `silent`.
    pub fn id(&self) -> &str {
        match self {
            Output::Default => "default",
            Output::Device(id) => id,
            Output::SilentClock => "silent",
        }
    }

    /// What settings name so.
    pub fn of(id: &str) -> Output {
        match id {
            "default" => Output::Default,
            "silent" => Output::SilentClock,
            id => Output::Device(id.to_owned()),
        }
    }
}

/// What becomes of the sound, for whoever shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputState {
    /// It is played by the card of that name.
    Playing(String),
    /// It is played by nothing; this is why.
    Silent(String),
}

/// Plays, on a thread of its own, until it is told otherwise.
pub struct Device {
    orders: Sender<Letter<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// What is played through, and how.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Through what.
    pub output: Output,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// Frames in a block.
    pub block_frames: u32,
}

enum Order {
    Play(Setting),
    Kill,
    Stop,
}

impl Device {
    /// Starts to play what the engine puts out. So far it fills that link, whose
    /// beginning is heard where the card opens soon. `tell` hears what becomes of
    /// it; the flag says whether that is news to a musician.
    ///
    /// # Errors
    /// Where there is no thread for it.
    pub fn start(
        setting: Setting,
        outlet: Arc<Outlet>,
        link: Arc<OutLink>,
        tell: impl FnMut(OutputState, bool) + Send + 'static,
    ) -> std::io::Result<Device> {
        let post = Post::new();
        let orders = post.sender();
        let keeper = Keeper {
            post,
            setting,
            outlet,
            first: Some(link),
            clock: None,
            told: None,
            tell: Box::new(tell),
        };
        let thread = vital::spawn("sound card", move || keeper.run())?;
        Ok(Device { orders, thread: Some(thread) })
    }

    /// Plays in that way from now on. What becomes of it is told, also where it is
    /// as before.
    pub fn play(&self, setting: Setting) {
        let _ = self.orders.send(Letter::Order(Order::Play(setting)));
    }

    /// Kills the card's process, if one plays: what then happens is as after any
    /// crash of a driver.
    pub fn kill(&self) {
        let _ = self.orders.send(Letter::Order(Order::Kill));
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.orders.send(Letter::Order(Order::Stop));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// For so long a patch waits for a card that is just being opened: its beginning
/// is to be heard. Then it runs silently.
const HOLD: Duration = Duration::from_secs(1);

/// Looks after the card, on a thread of its own.
struct Keeper {
    post: Post<Order>,
    setting: Setting,
    outlet: Arc<Outlet>,
    /// The link that the engine fills before any card is open.
    first: Option<Arc<OutLink>>,
    clock: Option<SilentClock>,
    told: Option<OutputState>,
    tell: Box<dyn FnMut(OutputState, bool) + Send>,
}

impl Keeper {
    fn run(mut self) {
        loop {
            let order = if self.setting.output == Output::SilentClock {
                self.tick();
                self.tell(OutputState::Silent(SILENT_CLOCK.to_owned()));
                self.post.order(None)
            } else {
                match self.play() {
                    Ended::Order(order) => Some(order),
                    Ended::Failed(reason) => {
                        self.tick();
                        self.tell(OutputState::Silent(reason));
                        self.post.order(Some(AGAIN))
                    }
                }
            };
            match order {
                // No card plays that could be killed.
                None | Some(Order::Kill) => {}
                Some(Order::Stop) => return,
                Some(Order::Play(setting)) => {
                    (self.setting, self.told, self.clock) = (setting, None, None);
                }
            }
        }
    }

    /// Opens the card and looks after it, for as long as it plays.
    fn play(&mut self) -> Ended<Order> {
        // The first one the engine fills already.
        let link = match self.first.take().map_or_else(OutLink::create, Ok) {
            Ok(link) => link,
            Err(error) => return Ended::Failed(error.to_string()),
        };
        let Setting { output, sample_rate_hz, block_frames } = &self.setting;
        let numbers = [sample_rate_hz, block_frames].map(u32::to_string);
        let arguments = ["play", link.name(), output.id(), &numbers[0], &numbers[1]];
        let process = match self.post.start(&arguments) {
            Ok(process) => process,
            Err(reason) => return Ended::Failed(reason),
        };
        let ended = match self.open(&link) {
            Err(ended) => ended,
            Ok(name) => {
                self.tell(OutputState::Playing(name));
                self.watch(&link, &process)
            }
        };
        // Before its process ends: the patch does not wait for that.
        if let Ended::Failed(_) = ended {
            self.tick();
        }
        self.post.end(process);
        ended
    }

    /// Waits until the card is open, and hands it the sound. Returns its name.
    fn open(&mut self, link: &Arc<OutLink>) -> Result<String, Ended<Order>> {
        let began = Instant::now();
        if self.clock.is_none() {
            // The patch stands still: what is computed now is what is heard first.
            self.outlet.hand(link);
        }
        loop {
            let until = if self.clock.is_none() { HOLD } else { OPENING };
            match self.post.next(Some(until.saturating_sub(began.elapsed()))) {
                Some(Letter::Card(_, Said::Opened { card })) => {
                    // By its own link, the clock has had the sound so far.
                    if self.clock.is_some() {
                        self.outlet.hand(link);
                    }
                    self.clock = None;
                    return Ok(card);
                }
                Some(letter) => {
                    if let Some(ended) = letter.end() {
                        return Err(ended);
                    }
                }
                None if self.clock.is_none() => self.tick(),
                None => {
                    return Err(Ended::Failed("the sound card does not open".to_owned()));
                }
            }
        }
    }

    /// Until it is gone or stands still, or something else is wanted.
    fn watch(&mut self, link: &OutLink, process: &CardProcess) -> Ended<Order> {
        let mut pulse = Pulse::new(link.turns());
        loop {
            match self.post.next(Some(PULSE)).and_then(Letter::end) {
                // One that is gone already has ended anyway.
                Some(Ended::Order(Order::Kill)) => drop(process.kill()),
                Some(ended) => return ended,
                None => {}
            }
            if pulse.has_stopped(link.turns()) {
                return Ended::Failed("the sound card has stopped asking for sound".to_owned());
            }
        }
    }

    /// Has the silent clock run, if it does not.
    fn tick(&mut self) {
        if self.clock.is_some() {
            return;
        }
        let link = match self.first.take().map_or_else(OutLink::create, Ok) {
            Ok(link) => link,
            Err(error) => return tracing::error!("the patch stands still: {error}"),
        };
        let Setting { sample_rate_hz, block_frames, .. } = self.setting;
        let callback = Callback::new(&link, sample_rate_hz);
        match SilentClock::start(callback, sample_rate_hz, block_frames) {
            Ok(clock) => {
                self.outlet.hand(&link);
                self.clock = Some(clock);
            }
            Err(error) => tracing::error!("the patch stands still: {error}"),
        }
    }

    fn tell(&mut self, news: OutputState) {
        let is_silent = |state: &OutputState| matches!(state, OutputState::Silent(_));
        let is_known = match &self.told {
            // One reason is enough, also where the next attempt fails in another way.
            Some(told) => *told == news || is_silent(told) && is_silent(&news),
            None => false,
        };
        (self.tell)(news.clone(), !is_known);
        self.told = Some(news);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_named_as_settings_name_it() {
        for id in ["default", "silent", "alsa:hw:1"] {
            assert_eq!(Output::of(id).id(), id);
        }
    }
}
