//! Sound cards: list, open, lose, open again; and the silent clock that keeps
//! the patch running where there is none.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, SampleFormat, SizedSample, Stream, StreamConfig};
use dsp_worker::thread::ask_for_real_time;
use sostenuto_osc::message::device::Card;

use crate::engine::callback::Callback;

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

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum NoSound {
    /// There is no card, or none of that name.
    #[error("no sound card answers")]
    NoCard,
    /// `sostenuto devices` shows what there is.
    #[error("there is no sound card {0}; `sostenuto devices` lists all cards")]
    NoSuchCard(String),
    /// It does not take what we have.
    #[error("the sound card {card} cannot play at {sample_rate_hz} Hz: {cause}")]
    Refused {
        /// Its name.
        card: String,
        /// What was asked for.
        sample_rate_hz: u32,
        /// What the system said.
        cause: cpal::Error,
    },
}

/// While it lives, what ALSA has to say to this thread is not printed: it
/// writes dozens of lines where a single card is missing.
pub(super) struct QuietAlsa {
    #[cfg(target_os = "linux")]
    _messages: Option<std::rc::Rc<std::cell::RefCell<alsa::Output>>>,
}

impl QuietAlsa {
    pub(super) fn new() -> QuietAlsa {
        QuietAlsa {
            #[cfg(target_os = "linux")]
            _messages: alsa::Output::local_error_handler().ok(),
        }
    }
}

/// Every sound card that can play, by all of the system's sound servers.
pub fn list() -> Vec<Card> {
    let _quiet = QuietAlsa::new();
    let default = cpal::default_host().default_output_device().and_then(|card| card.id().ok());
    let mut cards = Vec::new();
    for host in cpal::available_hosts().into_iter().filter_map(|id| cpal::host_from_id(id).ok()) {
        for card in host.output_devices().into_iter().flatten() {
            // A card that does not say what it plays does not play; and ALSA's
            // wastebasket plays everything, to nobody.
            let (Ok(id), Ok(_)) = (card.id(), card.default_output_config()) else { continue };
            if id.id() == "null" {
                continue;
            }
            cards.push(Card {
                name: name(&card),
                is_default: default.as_ref() == Some(&id),
                id: id.to_string(),
            });
        }
    }
    cards
}

pub(super) fn name(card: &cpal::Device) -> String {
    card.description().map_or_else(|_| "sound card".to_owned(), |it| it.name().to_owned())
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
    orders: Sender<Order>,
    thread: Option<std::thread::JoinHandle<()>>,
}

enum Order {
    Play {
        output: Output,
        sample_rate_hz: u32,
        block_frames: u32,
    },
    /// A stream's callback came back, with an error or because it was dropped.
    Lost(u64, String),
    Stop,
}

impl Device {
    /// Starts to play. `tell` hears what becomes of it.
    pub fn start(
        output: Output,
        sample_rate_hz: u32,
        block_frames: u32,
        callback: Callback,
        tell: impl FnMut(OutputState) + Send + 'static,
    ) -> std::io::Result<Device> {
        let (orders, mailbox) = channel();
        let player = CardThread {
            orders: orders.clone(),
            mailbox,
            streams: 0,
            sample_rate_hz,
            block_frames,
            tell: Box::new(tell),
        };
        let thread = std::thread::Builder::new().name("sound card".to_owned());
        let thread = thread.spawn(move || player.run(output, callback))?;
        Ok(Device { orders, thread: Some(thread) })
    }

    /// Plays through that output and in that way from now on. What becomes of it
    /// is told, also where it is as before.
    pub fn play(&self, output: Output, sample_rate_hz: u32, block_frames: u32) {
        let _ = self.orders.send(Order::Play { output, sample_rate_hz, block_frames });
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Before a lost card is opened again.
const PAUSE: Duration = Duration::from_millis(200);

/// How long the silent clock runs before a lost card is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

struct CardThread {
    orders: Sender<Order>,
    mailbox: Receiver<Order>,
    /// Streams opened so far: what an older one says is no news.
    streams: u64,
    sample_rate_hz: u32,
    block_frames: u32,
    tell: Box<dyn FnMut(OutputState) + Send>,
}

impl CardThread {
    fn run(mut self, mut output: Output, mut callback: Callback) {
        let mut told = None;
        loop {
            let _quiet = QuietAlsa::new();
            self.streams += 1;
            let (give_back, home) = channel();
            let lent = Lent { callback: Some(callback), give_back: give_back.clone() };
            let opened = match &output {
                Output::SilentClock => Err(Box::new((NoSound::NoCard, Some(lent)))),
                output => self.open(output, lent),
            };
            let (news, order) = match opened {
                Ok((name, stream)) => {
                    let news = OutputState::Playing(name);
                    self.tell_once(&mut told, news.clone());
                    let order = self.next_order();
                    drop(stream);
                    (news, Some(order))
                }
                Err(silence) => {
                    let (error, lent) = *silence;
                    // A stream that failed late had taken it, and sent it home.
                    let lent =
                        lent.unwrap_or_else(|| Lent { callback: home.recv().ok(), give_back });
                    let wanted = output != Output::SilentClock;
                    let error = if wanted { error.to_string() } else { SILENT_CLOCK.to_owned() };
                    let news = OutputState::Silent(error);
                    self.tell_once(&mut told, news.clone());
                    (news, self.tick_in_real_time(lent, wanted))
                }
            };
            told = Some(news);
            callback = home.recv().expect("a stream gives its callback back");
            match order {
                Some(Order::Stop) => return,
                Some(Order::Play { output: next, sample_rate_hz, block_frames }) => {
                    (output, told) = (next, None);
                    (self.sample_rate_hz, self.block_frames) = (sample_rate_hz, block_frames);
                }
                Some(Order::Lost(_, error)) => {
                    tracing::warn!("the sound card is gone: {error}");
                    // One that fails at once would be opened again without end.
                    std::thread::sleep(PAUSE);
                }
                None => {}
            }
        }
    }

    /// The next order, or the news that this very stream is lost.
    fn next_order(&self) -> Order {
        loop {
            match self.mailbox.recv() {
                Ok(Order::Lost(stream, _)) if stream != self.streams => {}
                Ok(order) => return order,
                Err(_) => return Order::Stop,
            }
        }
    }

    fn tell_once(&mut self, told: &mut Option<OutputState>, news: OutputState) {
        if told.as_ref() != Some(&news) {
            (self.tell)(news.clone());
        }
        *told = Some(news);
    }

    fn open(&self, output: &Output, lent: Lent) -> Result<(String, Stream), Box<Silence>> {
        let card = match find(output) {
            Ok(card) => card,
            Err(error) => return Err(Box::new((error, Some(lent)))),
        };
        let name = name(&card);
        let refused = |cause| NoSound::Refused {
            card: name.clone(),
            sample_rate_hz: self.sample_rate_hz,
            cause,
        };
        let default = match card.default_output_config() {
            Ok(default) => default,
            // ALSA names a default card also where there is none.
            Err(_) if *output == Output::Default => {
                return Err(Box::new((NoSound::NoCard, Some(lent))));
            }
            Err(cause) => return Err(Box::new((refused(cause), Some(lent)))),
        };
        let config = StreamConfig {
            channels: default.channels().max(1),
            sample_rate: self.sample_rate_hz,
            buffer_size: BufferSize::Fixed(self.block_frames),
        };
        let shelf = Shelf::new(lent);
        // Not every card takes our block; then it chooses.
        let stream = self
            .stream(&card, config, default.sample_format(), &shelf)
            .or_else(|_| {
                let config = StreamConfig { buffer_size: BufferSize::Default, ..config };
                self.stream(&card, config, default.sample_format(), &shelf)
            })
            .and_then(|stream| stream.play().map(|()| stream));
        match stream {
            Ok(stream) => Ok((name, stream)),
            Err(cause) => Err(Box::new((refused(cause), shelf.take()))),
        }
    }

    fn stream(
        &self,
        card: &cpal::Device,
        config: StreamConfig,
        format: SampleFormat,
        shelf: &Shelf,
    ) -> Result<Stream, cpal::Error> {
        match format {
            SampleFormat::I8 => self.stream_of::<i8>(card, config, shelf),
            SampleFormat::I16 => self.stream_of::<i16>(card, config, shelf),
            SampleFormat::I32 => self.stream_of::<i32>(card, config, shelf),
            SampleFormat::U8 => self.stream_of::<u8>(card, config, shelf),
            SampleFormat::U16 => self.stream_of::<u16>(card, config, shelf),
            SampleFormat::F64 => self.stream_of::<f64>(card, config, shelf),
            _ => self.stream_of::<f32>(card, config, shelf),
        }
    }

    fn stream_of<T: SizedSample + cpal::FromSample<f32>>(
        &self,
        card: &cpal::Device,
        config: StreamConfig,
        shelf: &Shelf,
    ) -> Result<Stream, cpal::Error> {
        let channels = usize::from(config.channels);
        let (orders, number) = (self.orders.clone(), self.streams);
        let mut borrowed = Borrowed { shelf: shelf.clone(), lent: None };
        card.build_output_stream(
            config,
            move |out: &mut [T], _| match borrowed.callback() {
                Some(callback) => callback.fill(out, channels),
                None => out.fill(T::EQUILIBRIUM),
            },
            move |error: cpal::Error| match error.kind() {
                // These do not end the stream; some servers send hundreds.
                ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
                ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated => {
                    let _ = orders.send(Order::Lost(number, error.to_string()));
                }
                _ => tracing::debug!("sound card: {error}"),
            },
            None,
        )
    }

    /// The silent clock, as punctual as a sound card. On a thread of its own, as
    /// this one looks for cards and opens them, which has time.
    fn tick_in_real_time(&mut self, lent: Lent, looks_again: bool) -> Option<Order> {
        let tick = || {
            ask_for_real_time(self.block_frames, self.sample_rate_hz);
            self.tick(lent, looks_again)
        };
        std::thread::scope(|scope| scope.spawn(tick).join()).unwrap_or(Some(Order::Stop))
    }

    /// The silent clock: asks for a block whenever one would have been played.
    /// Returns at an order, or when it is time to look for a card again.
    fn tick(&mut self, mut lent: Lent, looks_again: bool) -> Option<Order> {
        let block = self.block_frames as usize;
        let mut out = vec![0.0f32; 2 * block];
        let began = Instant::now();
        for blocks in 1u64.. {
            if let Some(callback) = &mut lent.callback {
                callback.fill(&mut out, 2);
            }
            let frames = blocks * block as u64;
            let due = Duration::from_secs_f64(frames as f64 / f64::from(self.sample_rate_hz));
            let wait = due.saturating_sub(began.elapsed());
            match self.mailbox.recv_timeout(wait) {
                Ok(Order::Lost(..)) => {}
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Disconnected) => return Some(Order::Stop),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if looks_again && began.elapsed() > LOOK_AGAIN {
                return None;
            }
        }
        None
    }
}

/// Why nothing is heard, and the callback for whoever tries next.
type Silence = (NoSound, Option<Lent>);

fn find(output: &Output) -> Result<cpal::Device, NoSound> {
    let Output::Device(id) = output else {
        return cpal::default_host().default_output_device().ok_or(NoSound::NoCard);
    };
    let missing = || NoSound::NoSuchCard(id.clone());
    let id: cpal::DeviceId = id.parse().map_err(|_| missing())?;
    let host = cpal::host_from_id(id.host()).map_err(|_| missing())?;
    host.device_by_id(&id).ok_or_else(missing)
}

/// The callback, lent to a stream. Wherever the stream drops it, it goes home.
struct Lent {
    callback: Option<Callback>,
    give_back: Sender<Callback>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(callback) = self.callback.take() {
            let _ = self.give_back.send(callback);
        }
    }
}

/// Where the callback lies until a stream's first call takes it: a stream that
/// fails to open never takes it.
#[derive(Clone)]
struct Shelf(std::sync::Arc<std::sync::Mutex<Option<Lent>>>);

impl Shelf {
    fn new(lent: Lent) -> Shelf {
        Shelf(std::sync::Arc::new(std::sync::Mutex::new(Some(lent))))
    }

    fn take(&self) -> Option<Lent> {
        self.0.lock().ok()?.take()
    }
}

struct Borrowed {
    shelf: Shelf,
    lent: Option<Lent>,
}

impl Borrowed {
    /// The callback; taken from the shelf at the first call, without waiting.
    fn callback(&mut self) -> Option<&mut Callback> {
        if self.lent.is_none() {
            self.lent = self.shelf.0.try_lock().ok()?.take();
        }
        self.lent.as_mut()?.callback.as_mut()
    }
}
