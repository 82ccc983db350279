//! The sound card's input: opened while a patch hears it, lost, opened again.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, SampleFormat, SizedSample, Stream, StreamConfig};
use sostenuto_osc::message::device::Card;

use crate::engine::intake::InputFeed;
use crate::sound_card::device::{QuietAlsa, name};

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

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
enum Deaf {
    #[error("no input answers")]
    NoCard,
    #[error("there is no input {0}; `sostenuto devices` lists all inputs")]
    NoSuchCard(String),
    #[error("{card} cannot record at {sample_rate_hz} Hz: {cause}")]
    Refused { card: String, sample_rate_hz: u32, cause: cpal::Error },
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
    /// That stream is gone.
    Lost(u64, String),
    Stop,
}

/// Listens, on a thread of its own, until it is dropped.
pub struct Ear {
    orders: Sender<Order>,
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
        let (orders, mailbox) = channel();
        let listener = Listener { orders: orders.clone(), mailbox, input_feed, streams: 0 };
        let thread = std::thread::Builder::new().name("ear".to_owned());
        let thread = thread.spawn(move || listener.run(tell))?;
        Ok(Ear { orders, thread: Some(thread) })
    }

    /// Listens in that way from now on, or no longer.
    pub fn listen(&self, wanted: Option<Wanted>) {
        let _ = self.orders.send(Order::Listen(wanted));
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// How long a card that is not there is waited for, before it is looked for
/// again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Before a lost card is opened again.
const PAUSE: Duration = Duration::from_millis(200);

struct Listener {
    orders: Sender<Order>,
    mailbox: Receiver<Order>,
    input_feed: InputFeed,
    /// Streams opened so far: what an older one says is no news.
    streams: u64,
}

impl Listener {
    fn run(mut self, mut tell: impl FnMut(InputState)) {
        let (mut wanted, mut told) = (None, InputState::Resting);
        loop {
            let (stream, news) = match &wanted {
                None => (None, InputState::Resting),
                Some(wanted) => match self.open(wanted) {
                    Ok((name, stream)) => (Some(stream), InputState::Listening(name)),
                    Err(error) => (None, InputState::Deaf(error.to_string())),
                },
            };
            let patience = matches!(news, InputState::Deaf(_)).then_some(LOOK_AGAIN);
            if news != told {
                told = news.clone();
                tell(news);
            }
            let order = self.next_order(patience);
            drop(stream);
            self.input_feed.close();
            match order {
                None => {}
                Some(Order::Stop) => return,
                Some(Order::Listen(next)) => wanted = next,
                Some(Order::Lost(_, error)) => {
                    tracing::warn!("the input is gone: {error}");
                    // One that fails at once would be opened again without end.
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    /// The next order, or the news that this very stream is lost. `None` where
    /// neither came in time.
    fn next_order(&self, patience: Option<Duration>) -> Option<Order> {
        loop {
            let order = match patience {
                Some(patience) => self.mailbox.recv_timeout(patience),
                None => self.mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match order {
                Ok(Order::Lost(stream, _)) if stream != self.streams => {}
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(Order::Stop),
            }
        }
    }

    fn open(&mut self, wanted: &Wanted) -> Result<(String, Stream), Deaf> {
        let _quiet = QuietAlsa::new();
        self.streams += 1;
        let card = find(&wanted.input)?;
        let name = name(&card);
        let sample_rate_hz = wanted.sample_rate_hz;
        let refused = |cause| Deaf::Refused { card: name.clone(), sample_rate_hz, cause };
        let default = match card.default_input_config() {
            Ok(default) => default,
            // ALSA names a default card also where there is none.
            Err(_) if wanted.input == Input::Default => return Err(Deaf::NoCard),
            Err(cause) => return Err(refused(cause)),
        };
        let config = StreamConfig {
            channels: default.channels().max(1),
            sample_rate: sample_rate_hz,
            buffer_size: BufferSize::Fixed(wanted.block_frames),
        };
        let format = default.sample_format();
        // Not every card takes our block; then it chooses.
        let stream = self
            .stream(&card, config, format)
            .or_else(|_| {
                let config = StreamConfig { buffer_size: BufferSize::Default, ..config };
                self.stream(&card, config, format)
            })
            .and_then(|stream| stream.play().map(|()| stream));
        stream.map(|stream| (name.clone(), stream)).map_err(refused)
    }

    fn stream(
        &self,
        card: &cpal::Device,
        config: StreamConfig,
        format: SampleFormat,
    ) -> Result<Stream, cpal::Error> {
        match format {
            SampleFormat::I8 => self.stream_of::<i8>(card, config),
            SampleFormat::I16 => self.stream_of::<i16>(card, config),
            SampleFormat::I32 => self.stream_of::<i32>(card, config),
            SampleFormat::U8 => self.stream_of::<u8>(card, config),
            SampleFormat::U16 => self.stream_of::<u16>(card, config),
            SampleFormat::F64 => self.stream_of::<f64>(card, config),
            _ => self.stream_of::<f32>(card, config),
        }
    }

    fn stream_of<T: SizedSample>(
        &self,
        card: &cpal::Device,
        config: StreamConfig,
    ) -> Result<Stream, cpal::Error>
    where
        f32: cpal::FromSample<T>,
    {
        let channels = usize::from(config.channels);
        let input_feed = self.input_feed.clone();
        let (orders, number) = (self.orders.clone(), self.streams);
        card.build_input_stream(
            config,
            move |heard: &[T], _| {
                input_feed.push(heard.iter().map(|&sample| sample.to_sample::<f32>()), channels);
            },
            move |error: cpal::Error| match error.kind() {
                // These do not end the stream; some servers send hundreds.
                ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
                ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated => {
                    let _ = orders.send(Order::Lost(number, error.to_string()));
                }
                _ => tracing::debug!("input: {error}"),
            },
            None,
        )
    }
}

fn find(input: &Input) -> Result<cpal::Device, Deaf> {
    let Input::Device(id) = input else {
        return cpal::default_host().default_input_device().ok_or(Deaf::NoCard);
    };
    let missing = || Deaf::NoSuchCard(id.clone());
    let id: cpal::DeviceId = id.parse().map_err(|_| missing())?;
    let host = cpal::host_from_id(id.host()).map_err(|_| missing())?;
    host.device_by_id(&id).ok_or_else(missing)
}

/// Every sound card that can be listened to, by all of the system's sound
/// servers.
pub fn list() -> Vec<Card> {
    let _quiet = QuietAlsa::new();
    let default = cpal::default_host().default_input_device().and_then(|card| card.id().ok());
    let mut cards = Vec::new();
    for host in cpal::available_hosts().into_iter().filter_map(|id| cpal::host_from_id(id).ok()) {
        for card in host.input_devices().into_iter().flatten() {
            // A card that does not say what it records does not record.
            let (Ok(id), Ok(_)) = (card.id(), card.default_input_config()) else { continue };
            let (name, is_default) = (name(&card), default.as_ref() == Some(&id));
            if id.id() != "null" {
                cards.push(Card { name, is_default, id: id.to_string() });
            }
        }
    }
    cards
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::intake::intake;

    #[test]
    fn a_card_that_is_not_there_is_told_of_once_and_no_longer_wanted_is_rest() {
        let (telling, told) = channel();
        let (input_feed, _intake) = intake();
        let ear = Ear::start(input_feed, move |news| telling.send(news).unwrap()).unwrap();
        let input = Input::of("alsa:no-such-card");
        let wanted = Wanted { input, sample_rate_hz: 48_000, block_frames: 256 };
        ear.listen(Some(wanted.clone()));
        let InputState::Deaf(error) = told.recv().unwrap() else { panic!("there is such a card") };
        assert!(error.contains("alsa:no-such-card"), "{error}");
        ear.listen(Some(wanted));
        ear.listen(None);
        assert_eq!(told.recv().unwrap(), InputState::Resting);
        drop(ear);
        assert!(told.recv().is_err());
    }

    #[test]
    fn an_input_is_named_as_settings_name_it() {
        for id in ["default", "none", "alsa:hw:1"] {
            assert_eq!(Input::of(id).id(), id);
        }
    }
}
