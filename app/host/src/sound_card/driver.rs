//! Inside the process of a sound card: opens it, plays or listens, and says how it
//! fares. All drivers run here, without the rights that none of them needs. It leaves
//! when its standard input ends.
//!
//! What it says are lines of JSON on standard output, one [`Said`] each.

use std::io::{Read, Write};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, ErrorKind, FromSample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedStreamConfig,
};
use dsp_worker::rights::keep_what_sound_cards_need;
use serde::{Deserialize, Serialize};

use crate::engine::callback::Callback;
use crate::engine::intake::{HEARD_FRAMES, Heard, heard};
use crate::engine::link::{HeardLink, Link, OutLink, Pusher};
use crate::sound_card::device::Output;
use crate::sound_card::ear::Input;

/// What a card's process says to the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// The card of that name is open.
    Opened {
        /// What a musician calls it.
        card: String,
    },
    /// It cannot be opened, or is no longer there: why, in words that follow "You
    /// hear nothing:".
    Failed {
        /// A clause without a full stop.
        reason: String,
    },
    /// What there is: id, name, and whether it is the system's choice.
    Cards {
        /// Those that can play.
        outputs: Vec<(String, String, bool)>,
        /// Those that can be listened to.
        inputs: Vec<(String, String, bool)>,
    },
    /// The process has ended. The host says this to itself.
    Gone {
        /// As the system puts it.
        how: String,
    },
}

/// How a card is opened.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The name of the link's memory.
    pub link: String,
    /// The card: what [`Output::id`] or [`Input::id`] says.
    pub id: String,
    /// In Hz.
    pub sample_rate_hz: u32,
    /// Frames in a block.
    pub block_frames: u32,
}

/// Why a card does not open.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("no {0} answers")]
    NoCard(&'static str),
    #[error("there is no {kind} {id}; `sostenuto devices` lists all of them")]
    NoSuchCard { kind: &'static str, id: String },
    #[error("the {kind} {card} cannot run at {sample_rate_hz} Hz: {cause}")]
    Card { kind: &'static str, card: String, sample_rate_hz: u32, cause: cpal::Error },
    #[error("the memory that it shares with the host is missing ({0})")]
    Link(#[from] shm_ring::region::RegionError),
}

/// Plays until standard input ends, or the card is gone.
pub fn play(opening: &Opening) {
    keep_what_sound_cards_need();
    serve(|lost| {
        let link = OutLink::open(&opening.link)?;
        // The callback outlives an attempt that fails.
        let callback = Arc::new(Mutex::new(Callback::new(&link, opening.sample_rate_hz)));
        let card = find(&opening.id, "sound card", Output::Default.id(), |host| {
            host.default_output_device()
        })?;
        open(opening, &card, "sound card", card.default_output_config(), |config, format| {
            with_samples(format, OutStream { card: &card, config, callback: &callback, lost })
        })
    });
}

/// Listens until standard input ends, or the card is gone.
pub fn listen(opening: &Opening) {
    keep_what_sound_cards_need();
    serve(|lost| {
        let link = HeardLink::open(&opening.link)?;
        let mouth = Arc::new(Mutex::new((link.pusher(), link)));
        let card =
            find(&opening.id, "input", Input::Default.id(), |host| host.default_input_device())?;
        open(opening, &card, "input", card.default_input_config(), |config, format| {
            with_samples(format, InStream { card: &card, config, mouth: &mouth, lost })
        })
    });
}

/// Says which cards there are: every one that can play, and every one that can be
/// listened to, by all of the system's sound servers.
pub fn list() {
    keep_what_sound_cards_need();
    let _quiet = QuietAlsa::new();
    let system = cpal::default_host();
    let [default_out, default_in] = [system.default_output_device(), system.default_input_device()]
        .map(|card| card.and_then(|card| card.id().ok()));
    let facts = |card: &cpal::Device, default: &Option<cpal::DeviceId>| {
        let id = card.id().ok()?;
        // ALSA's wastebasket plays everything, to nobody.
        (id.id() != "null").then(|| (id.to_string(), name(card), default.as_ref() == Some(&id)))
    };
    let (mut outputs, mut inputs) = (Vec::new(), Vec::new());
    for host in cpal::available_hosts().into_iter().filter_map(|id| cpal::host_from_id(id).ok()) {
        // A card that does not say how it runs does not run.
        let plays = host.output_devices().into_iter().flatten();
        let plays = plays.filter(|card| card.default_output_config().is_ok());
        outputs.extend(plays.filter_map(|card| facts(&card, &default_out)));
        let hears = host.input_devices().into_iter().flatten();
        let hears = hears.filter(|card| card.default_input_config().is_ok());
        inputs.extend(hears.filter_map(|card| facts(&card, &default_in)));
    }
    say(&Said::Cards { outputs, inputs });
}

/// Opens, says so, and waits for the end.
fn serve(open: impl FnOnce(&Sender<Option<String>>) -> Result<(String, Stream), Refused>) {
    let (lost, end) = channel();
    leave_with_the_host(lost.clone());
    let _quiet = QuietAlsa::new();
    match open(&lost) {
        Ok((card, stream)) => {
            say(&Said::Opened { card });
            if let Ok(Some(reason)) = end.recv() {
                say(&Said::Failed { reason });
            }
            drop(stream);
        }
        Err(refused) => say(&Said::Failed { reason: refused.to_string() }),
    }
}

fn say(said: &Said) {
    let line = serde_json::to_string(said).expect("it has words and numbers only");
    // Where the host is gone, this process is going too.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Ends this process soon after standard input has: at once where it waits for the
/// end, and by force where a driver keeps it.
fn leave_with_the_host(lost: Sender<Option<String>>) {
    std::thread::spawn(move || {
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        let _ = lost.send(None);
        std::thread::sleep(Duration::from_millis(200));
        std::process::exit(0);
    });
}

fn find(
    id: &str,
    kind: &'static str,
    default_id: &str,
    default: impl FnOnce(&cpal::Host) -> Option<cpal::Device>,
) -> Result<cpal::Device, Refused> {
    if id == default_id {
        return default(&cpal::default_host()).ok_or(Refused::NoCard(kind));
    }
    let missing = || Refused::NoSuchCard { kind, id: id.to_owned() };
    let id: cpal::DeviceId = id.parse().map_err(|_| missing())?;
    let host = cpal::host_from_id(id.host()).map_err(|_| missing())?;
    host.device_by_id(&id).ok_or_else(missing)
}

fn open(
    opening: &Opening,
    card: &cpal::Device,
    kind: &'static str,
    usual: Result<SupportedStreamConfig, cpal::Error>,
    stream: impl Fn(StreamConfig, SampleFormat) -> Result<Stream, cpal::Error>,
) -> Result<(String, Stream), Refused> {
    let (name, sample_rate_hz) = (name(card), opening.sample_rate_hz);
    let refused = |cause| Refused::Card { kind, card: name.clone(), sample_rate_hz, cause };
    let usual = match usual {
        Ok(usual) => usual,
        // ALSA names a default card also where there is none.
        Err(_) if opening.id == Output::Default.id() => return Err(Refused::NoCard(kind)),
        Err(cause) => return Err(refused(cause)),
    };
    let config = StreamConfig {
        channels: usual.channels().max(1),
        sample_rate: sample_rate_hz,
        buffer_size: BufferSize::Fixed(opening.block_frames),
    };
    let format = usual.sample_format();
    // Not every card takes our block; then it chooses.
    let opened = stream(config, format)
        .or_else(|_| stream(StreamConfig { buffer_size: BufferSize::Default, ..config }, format))
        .and_then(|stream| stream.play().map(|()| stream));
    opened.map(|stream| (name.clone(), stream)).map_err(refused)
}

/// A stream of samples of some type.
trait OfSamples {
    fn build<T>(self) -> Result<Stream, cpal::Error>
    where
        T: SizedSample + FromSample<f32>,
        f32: FromSample<T>;
}

fn with_samples(format: SampleFormat, stream: impl OfSamples) -> Result<Stream, cpal::Error> {
    match format {
        SampleFormat::I8 => stream.build::<i8>(),
        SampleFormat::I16 => stream.build::<i16>(),
        SampleFormat::I32 => stream.build::<i32>(),
        SampleFormat::U8 => stream.build::<u8>(),
        SampleFormat::U16 => stream.build::<u16>(),
        SampleFormat::F64 => stream.build::<f64>(),
        _ => stream.build::<f32>(),
    }
}

struct OutStream<'a> {
    card: &'a cpal::Device,
    config: StreamConfig,
    callback: &'a Arc<Mutex<Callback>>,
    lost: &'a Sender<Option<String>>,
}

impl OfSamples for OutStream<'_> {
    fn build<T: SizedSample + FromSample<f32>>(self) -> Result<Stream, cpal::Error> {
        let (callback, channels) = (Arc::clone(self.callback), usize::from(self.config.channels));
        let fill = move |out: &mut [T], _: &cpal::OutputCallbackInfo| match callback.try_lock() {
            Ok(mut callback) => callback.fill(out, channels),
            // A stream that is just being given up for another.
            Err(_) => out.fill(T::EQUILIBRIUM),
        };
        self.card.build_output_stream(self.config, fill, watch(self.lost), None)
    }
}

struct InStream<'a> {
    card: &'a cpal::Device,
    config: StreamConfig,
    mouth: &'a Arc<Mutex<Mouth>>,
    lost: &'a Sender<Option<String>>,
}

type Mouth = (Pusher<Heard, HEARD_FRAMES>, Arc<Link<Heard, HEARD_FRAMES>>);

impl OfSamples for InStream<'_> {
    fn build<T>(self) -> Result<Stream, cpal::Error>
    where
        T: SizedSample,
        f32: FromSample<T>,
    {
        let (mouth, channels) = (Arc::clone(self.mouth), usize::from(self.config.channels));
        let mut most = 0;
        let push = move |samples: &[T], _: &cpal::InputCallbackInfo| {
            let Ok(mut mouth) = mouth.try_lock() else { return };
            most = most.max(samples.len() / channels.max(1));
            let samples = samples.iter().map(|&sample| sample.to_sample::<f32>());
            // Where nobody hears it, it is lost.
            for frame in heard(samples, channels) {
                mouth.0.push(&[frame]);
            }
            mouth.1.turn(most as u32);
        };
        self.card.build_input_stream(self.config, push, watch(self.lost), None)
    }
}

/// What becomes of a stream.
fn watch(lost: &Sender<Option<String>>) -> impl FnMut(cpal::Error) + Send + 'static {
    let lost = lost.clone();
    move |error: cpal::Error| match error.kind() {
        // These do not end the stream; some servers send hundreds.
        ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
        ErrorKind::DeviceNotAvailable | ErrorKind::StreamInvalidated => {
            let _ = lost.send(Some(format!("the sound card is gone ({error})")));
        }
        _ => tracing::debug!("sound card: {error}"),
    }
}

/// While it lives, what ALSA has to say to this thread is not printed: it writes
/// dozens of lines where a single card is missing.
struct QuietAlsa {
    #[cfg(target_os = "linux")]
    _messages: Option<std::rc::Rc<std::cell::RefCell<alsa::Output>>>,
}

impl QuietAlsa {
    fn new() -> QuietAlsa {
        QuietAlsa {
            #[cfg(target_os = "linux")]
            _messages: alsa::Output::local_error_handler().ok(),
        }
    }
}

fn name(card: &cpal::Device) -> String {
    card.description().map_or_else(|_| "sound card".to_owned(), |it| it.name().to_owned())
}
