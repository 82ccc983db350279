//! What can be asked of a host.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use rosc::{OscMessage, OscType};
use sostenuto_dsp::units::{GATE_VOLTS, MAX_BLOCK_FRAMES, MIN_BLOCK_FRAMES, QUANTUM};
use sostenuto_modules::module::Event;
use sostenuto_modules::module::OSC_VALUES;
use sostenuto_modules::param::{Param, Unit};
use sostenuto_patch::edit::Move;
use sostenuto_patch::entry::{self, EntryError};
use sostenuto_patch::file::Over;
use sostenuto_patch::problem::{Problem, did_you_mean};
use sostenuto_patch::{Cable, Comment, Edit, ModuleId, Name, PatchModule};
use sostenuto_patch::{check_value, find_kind, find_param, nearest, read_value};
use thiserror::Error;

use crate::address::{self, Address, Arg, Form, Way};
use crate::packet::BadPacket;
use crate::sound::{SoundChange, WavFormat};

/// Controllers that reports are sent to at a time.
pub const MAX_SUBSCRIBERS: usize = 16;

/// A request, and the address that it came under.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// As on the wire.
    pub path: Cow<'static, str>,
    /// Whether controllers may ask it over UDP.
    pub is_for_controllers: bool,
    /// What is asked.
    pub request: Request,
}

/// What can be asked of a host.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is said in the table of addresses")]
pub enum Request {
    Edit(Edit),
    SetParam { module: ModuleId, param: Name, value: Value, gesture: i32 },
    Note { module: ModuleId, event: Event },
    SetValue { module: ModuleId, event: Event },
    AllNotesOff,
    Panic,
    Nothing,
    TryAgain(ModuleId),
    BeginGesture,
    EndGesture,
    Load(PathBuf),
    Save { path: PathBuf, over: Over },
    Put(Vec<u8>),
    Get,
    Undo,
    Redo,
    GetHistory { first: u32, count: u32 },
    GoTo(u32),
    QueryHost,
    QueryModule(ModuleId),
    QueryStatus,
    Subscribe(Reports),
    Unsubscribe(Reports),
    Feedback { port: Option<u16> },
    EndFeedback { port: Option<u16> },
    Sync(i32),
    StartRecording { path: PathBuf, format: WavFormat },
    StopRecording,
    SaveLast { path: PathBuf, format: WavFormat, secs: Option<f64> },
    SetSound(SoundChange),
    QuerySound,
    QueryDevices,
    Kill(Option<u32>),
    Quit,
}

/// Where a param is set.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// In its unit.
    Number(f32),
    /// As a choice's word, or as it is typed.
    Word(String),
}

/// What a connection wants reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Every change of the patch.
    pub patch: bool,
    /// What modules show on their faces.
    pub meters: bool,
    /// How host and workers are doing.
    pub health: bool,
    /// What the host tells the musician.
    pub notices: bool,
    /// Where modules lie in shared memory.
    pub view: bool,
    /// What the recorder does.
    pub recorder: bool,
    /// Where knobs stand.
    pub params: bool,
}

impl Reports {
    /// These, and those that are named as `is_wanted` says.
    pub fn with(self, named: Reports, is_wanted: bool) -> Reports {
        let set = |is_on, is_named| if is_named { is_wanted } else { is_on };
        Reports {
            patch: set(self.patch, named.patch),
            meters: set(self.meters, named.meters),
            health: set(self.health, named.health),
            notices: set(self.notices, named.notices),
            view: set(self.view, named.view),
            recorder: set(self.recorder, named.recorder),
            params: set(self.params, named.params),
        }
    }

    /// Whether one of them is wanted that is for editors alone: it fits into no
    /// datagram, or tells of this machine's memory.
    pub fn is_for_editors(self) -> bool {
        self.patch || self.view
    }
}

/// A request that could not be read, and the address that it came under.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// As on the wire; empty where there was none.
    pub address: String,
    /// Why.
    pub why: Unreadable,
}

/// Why a request could not be read.
#[derive(Clone, Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "every variant says its sentence, and its fields are in it")]
pub enum Unreadable {
    #[error("{0}")]
    Packet(#[from] BadPacket),
    #[error("There is no such address.{}", did_you_mean(*near))]
    NoAddress { near: Option<&'static str> },
    #[error("This is what a host says; it can not be asked for.")]
    NoRequest,
    #[error("`{name}` is missing: {help}.")]
    Missing { name: &'static str, help: &'static str },
    #[error("`{name}` must be {wanted}: {help}.")]
    Wrong { name: &'static str, wanted: &'static str, help: &'static str },
    #[error("`{name}` must be in its range: {range}.")]
    OutOfRange { name: &'static str, range: &'static str },
    #[error("There are more arguments than this address takes.")]
    TooMany,
    #[error(
        "{MAX_SUBSCRIBERS} controllers are told of knobs already. End one with /feedback/end, or wait for a minute after it was switched off."
    )]
    TooManySubscribers,
    #[error("Give the whole path of the file, from the root.")]
    HalfPath,
    #[error("`{name}`: {error}")]
    Entry { name: &'static str, error: EntryError },
    #[error("{0}")]
    Problem(#[from] Problem),
}

impl Call {
    /// Reads a message by the table of addresses.
    pub fn read(message: OscMessage) -> Result<Call, Refusal> {
        let OscMessage { addr, args } = message;
        let read = match short(&addr, args.len()) {
            Some((path, before)) => read(path, before.into_iter().chain(args).collect()),
            None => read(&addr, args),
        };
        match read {
            Ok(call) if call.path == addr => Ok(call),
            Ok(call) => Ok(Call { path: addr.into(), ..call }),
            Err(why) => Err(Refusal { address: addr, why }),
        }
    }
}

/// Where the first arguments stand in the address: which address is meant, and
/// these arguments. For controllers that know one number to an address.
fn short(address: &str, args: usize) -> Option<(&'static str, [OscType; 2])> {
    if address::find(address).is_some() {
        return None;
    }
    let text = |word: &str| OscType::String(word.to_owned());
    let number = |word: &str| word.parse().ok().map(OscType::Int);
    let words: Vec<&str> = address.strip_prefix('/')?.split('/').collect();
    match words[..] {
        ["in", module, value] => Some(("/module/in", [text(module), number(value)?])),
        ["key", module, key] => Some(("/note/on", [text(module), number(key)?])),
        ["param", module, param] => Some(("/param/set", [text(module), text(param)])),
        [module, param] if args == 1 && !address::is_reserved(module) => {
            Some(("/param/set", [text(module), text(param)]))
        }
        _ => None,
    }
}

fn read(path: &str, args: Vec<OscType>) -> Result<Call, Unreadable> {
    let Some(address) = address::find(path) else {
        let requests = address::ADDRESSES.iter().filter(|a| a.ways.contains(&Way::Request));
        return Err(Unreadable::NoAddress { near: nearest(path, requests.map(|a| a.path)) });
    };
    if !address.ways.contains(&Way::Request) {
        return Err(Unreadable::NoRequest);
    }
    let mut args = Args::new(address, args);
    let request = request(address.path, &mut args)?;
    args.end()?;
    let Address { path, is_for_controllers, .. } = *address;
    Ok(Call { path: path.into(), is_for_controllers, request })
}

fn request(path: &str, args: &mut Args) -> Result<Request, Unreadable> {
    Ok(match path {
        "/param/set" => Request::SetParam {
            module: args.id()?,
            param: args.text()?.into(),
            value: args.value()?,
            gesture: if args.is_empty() { 0 } else { args.int()? },
        },
        "/note/on" => note_on(args)?,
        "/note/off" => {
            let module = args.id()?;
            Request::Note { module, event: Event::NoteOff { key: args.count()? } }
        }
        "/module/in" => {
            let module = args.id()?;
            let value = args.count()?;
            let index = value.checked_sub(1).filter(|&index| index < OSC_VALUES as u32);
            let index = index.ok_or_else(|| args.out_of_range())?;
            let volts = args.amount(&VOLTS, GATE_VOLTS)?;
            Request::SetValue { module, event: Event::Value { index, volts } }
        }
        "/note/all-off" if args.is_empty() => Request::AllNotesOff,
        "/note/all-off" => Request::Note { module: args.id()?, event: Event::AllNotesOff },
        "/gesture/begin" => Request::BeginGesture,
        "/gesture/end" => Request::EndGesture,
        "/patch/load" => Request::Load(args.path()?),
        "/patch/save" => Request::Save { path: args.path()?, over: over(args)? },
        "/patch/put" => Request::Put(args.blob()?),
        "/patch/get" => Request::Get,
        "/module/retry" => Request::TryAgain(args.id()?),
        "/panic" => pressed(args, Request::Panic)?,
        "/undo" => pressed(args, Request::Undo)?,
        "/redo" => pressed(args, Request::Redo)?,
        "/history/get" => Request::GetHistory {
            first: args.count()?,
            count: if args.is_empty() { u32::MAX } else { args.count()? },
        },
        "/history/go" => Request::GoTo(args.count()?),
        "/query/host" => Request::QueryHost,
        "/query/module" => Request::QueryModule(args.id()?),
        "/query/status" => Request::QueryStatus,
        "/reports/subscribe" => Request::Subscribe(reports(args)?),
        "/reports/unsubscribe" => Request::Unsubscribe(reports(args)?),
        "/feedback" => Request::Feedback { port: feedback_port(args)? },
        "/feedback/end" => Request::EndFeedback { port: feedback_port(args)? },
        "/sync" => Request::Sync(args.int()?),
        "/record/start" => Request::StartRecording { path: args.path()?, format: format(args)? },
        "/record/stop" => Request::StopRecording,
        "/record/save-last" => Request::SaveLast {
            path: args.path()?,
            format: format(args)?,
            secs: if args.is_empty() { None } else { Some(secs(args)?) },
        },
        "/sound/set" => Request::SetSound(sound_change(args)?),
        "/query/sound" => Request::QuerySound,
        "/query/devices" => Request::QueryDevices,
        "/drill/kill" if args.is_empty() => Request::Kill(None),
        "/drill/kill" => Request::Kill(Some(args.count()?)),
        "/host/quit" => Request::Quit,
        _ => Request::Edit(edit(path, args)?),
    })
}

fn edit(path: &str, args: &mut Args) -> Result<Edit, Unreadable> {
    Ok(match path {
        "/module/add" => add(args)?,
        "/placeholder/add" => add_placeholder(args)?,
        "/module/remove" => Edit::RemoveModule { id: args.id()? },
        "/module/move" => {
            Edit::MoveModules(args.all(|args| {
                Ok(Move { module: args.id()?, x: args.number()?, y: args.number()? })
            })?)
        }
        "/module/rename" => Edit::RenameModule { id: args.id()?, new_id: args.id()? },
        "/module/bypass" => Edit::SetBypass { module: args.id()?, is_bypassed: args.flag()? },
        "/module/text" => Edit::SetText { module: args.id()?, text: args.text()?.into() },
        "/cable/connect" => Edit::Connect(cable(args)?),
        "/cable/disconnect" => Edit::Disconnect(cable(args)?),
        "/cable/delay" => Edit::SetDelay { cable: cable(args)?, is_delayed: args.flag()? },
        "/comment/set" => set_comment(args)?,
        "/comment/remove" => Edit::SetComment { id: args.text()?.parse()?, comment: None },
        "/patch/title" => Edit::SetTitle(args.text()?),
        "/patch/description" => Edit::SetDescription(args.text()?),
        "/patch/new" => Edit::Replace(Box::default()),
        _ => return Err(Unreadable::NoAddress { near: None }),
    })
}

fn add(args: &mut Args) -> Result<Edit, Unreadable> {
    let id = args.id()?;
    let mut module = PatchModule::new(&args.text()?, args.number()?, args.number()?);
    let about = find_kind(&module.kind)?;
    while !args.is_empty() {
        let (_, param) = find_param(about, id.as_str(), &args.text()?)?;
        let value = match args.value()? {
            Value::Number(number) => check_value(id.as_str(), param, number)?,
            Value::Word(word) => read_value(id.as_str(), param, &word, param.default)?,
        };
        module.params.insert(param.name.into(), value);
    }
    Ok(Edit::AddModule { id, module })
}

fn add_placeholder(args: &mut Args) -> Result<Edit, Unreadable> {
    let id = args.id()?;
    let mut module = PatchModule::new(&args.text()?, args.number()?, args.number()?);
    module.is_placeholder = true;
    while !args.is_empty() {
        let name: Name = args.text()?.into();
        match args.value()? {
            Value::Number(number) => drop(module.params.insert(name, number)),
            Value::Word(word) => drop(module.words.insert(name, word.into())),
        }
    }
    Ok(Edit::AddModule { id, module })
}

fn set_comment(args: &mut Args) -> Result<Edit, Unreadable> {
    let id = args.text()?.parse()?;
    let (x, y, width, height) = (args.number()?, args.number()?, args.number()?, args.number()?);
    let colour = args.int()?.try_into().map_err(|_| args.out_of_range())?;
    let comment = Comment { x, y, width, height, colour, text: args.text()? };
    Ok(Edit::SetComment { id, comment: Some(comment) })
}

fn cable(args: &mut Args) -> Result<Cable, Unreadable> {
    Ok(Cable { from: args.text()?.parse()?, to: args.text()?.parse()? })
}

fn over(args: &mut Args) -> Result<Over, Unreadable> {
    let is_anything = !args.is_empty() && args.flag()?;
    Ok(if is_anything { Over::Anything } else { Over::Patches })
}

fn format(args: &mut Args) -> Result<WavFormat, Unreadable> {
    let word = args.text()?;
    let format = WavFormat::ALL.into_iter().find(|format| format.word() == word);
    format.ok_or_else(|| args.out_of_range())
}

fn secs(args: &mut Args) -> Result<f64, Unreadable> {
    Ok(f64::from(args.number_within(f32::MIN_POSITIVE, 3600.0)?))
}

fn sound_change(args: &mut Args) -> Result<SoundChange, Unreadable> {
    let mut change = SoundChange::default();
    for setting in args.all(|args| Ok((args.text()?, args.value()?)))? {
        let out_of_range = |name, range| Unreadable::OutOfRange { name, range };
        let whole = |number: f32, range: RangeInclusive<u32>| {
            let int = whole(f64::from(number)).and_then(|int| u32::try_from(int).ok());
            int.filter(|int| range.contains(int))
        };
        match (setting.0.as_str(), setting.1) {
            ("device", Value::Word(id)) => change.device = Some(id),
            ("input", Value::Word(id)) => change.input = Some(id),
            ("sample_rate", Value::Number(rate)) => {
                let rate = whole(rate, RATES_HZ);
                change.sample_rate_hz =
                    Some(rate.ok_or_else(|| out_of_range("sample_rate", "8000 to 384000 Hz"))?);
            }
            ("block", Value::Number(frames)) => {
                let frames = whole(frames, MIN_BLOCK_FRAMES as u32..=MAX_BLOCK_FRAMES as u32);
                let frames = frames.filter(|frames| frames.is_multiple_of(QUANTUM as u32));
                let range = "a multiple of 32, from 32 to 2048";
                change.block_frames = Some(frames.ok_or_else(|| out_of_range("block", range))?);
            }
            ("ahead", Value::Number(blocks)) => {
                let blocks = whole(blocks, 0..=16);
                change.ahead = Some(blocks.ok_or_else(|| out_of_range("ahead", "0 to 16"))?);
            }
            _ => return Err(out_of_range("setting", "device, sample_rate, block, ahead, input")),
        }
    }
    Ok(change)
}

/// What a sound card may be asked for.
const RATES_HZ: RangeInclusive<u32> = 8_000..=384_000;

/// Volts of an OSC In.
const VOLTS: Param =
    Param::linear("volts", -GATE_VOLTS..=GATE_VOLTS, 0.0, Unit::Volts, "To what it is set");

const VELOCITY: Param = Param::linear("velocity", 0.0..=1.0, 1.0, Unit::Fraction, "How hard");

const VOCT: Param = Param::linear("voct", -10.0..=10.0, 0.0, Unit::Octaves, "The pitch of a key");

/// What a button asks for, which may send how far it is down.
fn pressed(args: &mut Args, request: Request) -> Result<Request, Unreadable> {
    let is_down = args.is_empty() || args.number()? != 0.0;
    Ok(if is_down { request } else { Request::Nothing })
}

/// Where a controller listens. A button that can send nothing but 0 and 1 means
/// the port that it sends from.
fn feedback_port(args: &mut Args) -> Result<Option<u16>, Unreadable> {
    if args.is_empty() {
        return Ok(None);
    }
    match args.int()? {
        0 | 1 => Ok(None),
        port @ 1024..=65_535 => Ok(Some(port as u16)),
        _ => Err(args.out_of_range()),
    }
}

fn note_on(args: &mut Args) -> Result<Request, Unreadable> {
    let module = args.id()?;
    let key = args.count()?;
    let velocity = args.amount(&VELOCITY, 1.0)?;
    let voct = match args.is_empty() {
        true => (key as f32 - 60.0) / 12.0,
        false => args.amount(&VOCT, 1.0)?,
    };
    if !(-10.0..=10.0).contains(&voct) {
        return Err(Unreadable::OutOfRange { name: "key", range: "0 to 180, without a voct" });
    }
    // As on MIDI, where many keyboards have no other word for it.
    let event = match velocity {
        0.0 => Event::NoteOff { key },
        velocity => Event::NoteOn { key, voct, velocity },
    };
    Ok(Request::Note { module, event })
}

fn reports(args: &mut Args) -> Result<Reports, Unreadable> {
    let mut reports = Reports::default();
    for kind in args.all(Args::text)? {
        match kind.as_str() {
            "patch" => reports.patch = true,
            "meters" => reports.meters = true,
            "health" => reports.health = true,
            "notices" => reports.notices = true,
            "view" => reports.view = true,
            "recorder" => reports.recorder = true,
            "params" => reports.params = true,
            _ => return Err(args.out_of_range()),
        }
    }
    Ok(reports)
}

/// The arguments of a message, taken one by one.
struct Args {
    address: &'static Address,
    values: std::vec::IntoIter<OscType>,
    taken: usize,
}

impl Args {
    fn new(address: &'static Address, values: Vec<OscType>) -> Args {
        Args { address, values: values.into_iter(), taken: 0 }
    }

    fn is_empty(&self) -> bool {
        self.values.len() == 0
    }

    fn end(&self) -> Result<(), Unreadable> {
        if self.is_empty() { Ok(()) } else { Err(Unreadable::TooMany) }
    }

    /// What the table says of the argument before the last that was taken:
    /// of the one that is being looked at.
    fn arg(&self) -> &'static Arg {
        let Address { args, repeated, .. } = self.address;
        let index = self.taken.saturating_sub(1);
        let again = || &repeated[(index - args.len()) % repeated.len()];
        args.get(index).unwrap_or_else(again)
    }

    fn next(&mut self) -> Result<OscType, Unreadable> {
        self.taken += 1;
        let Arg { name, help, .. } = *self.arg();
        self.values.next().ok_or(Unreadable::Missing { name, help })
    }

    fn wrong(&self, form: Form) -> Unreadable {
        let Arg { name, help, .. } = *self.arg();
        Unreadable::Wrong { name, wanted: form.wanted(), help }
    }

    fn out_of_range(&self) -> Unreadable {
        let Arg { name, range, .. } = *self.arg();
        Unreadable::OutOfRange { name, range }
    }

    /// One group of arguments, and then as many as follow.
    fn all<T>(
        &mut self,
        mut one: impl FnMut(&mut Args) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, Unreadable> {
        let mut all = vec![one(self)?];
        while !self.is_empty() {
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn text(&mut self) -> Result<String, Unreadable> {
        match self.next()? {
            OscType::String(text) => Ok(text),
            _ => Err(self.wrong(Form::Text)),
        }
    }

    fn id(&mut self) -> Result<ModuleId, Unreadable> {
        Ok(self.text()?.parse()?)
    }

    fn path(&mut self) -> Result<PathBuf, Unreadable> {
        let path = PathBuf::from(self.text()?);
        // Not `is_absolute`: on Windows that asks for a drive too.
        if path.has_root() { Ok(path) } else { Err(Unreadable::HalfPath) }
    }

    fn number(&mut self) -> Result<f32, Unreadable> {
        let value = self.next()?;
        number(&value).ok_or_else(|| self.wrong(Form::Number))
    }

    fn number_within(&mut self, low: f32, high: f32) -> Result<f32, Unreadable> {
        let number = self.number()?;
        if (low..=high).contains(&number) { Ok(number) } else { Err(self.out_of_range()) }
    }

    /// A number in a param's unit, or as a musician types it. True stands for
    /// `on`.
    fn amount(&mut self, param: &Param, on: f32) -> Result<f32, Unreadable> {
        let amount = match self.next()? {
            OscType::String(text) => entry::read(&text, param, param.default)
                .map_err(|error| Unreadable::Entry { name: self.arg().name, error })?,
            OscType::Bool(is_on) => f32::from(u8::from(is_on)) * on,
            value => number(&value).ok_or_else(|| self.wrong(Form::Value))?,
        };
        if param.range.contains(&amount) { Ok(amount) } else { Err(self.out_of_range()) }
    }

    fn value(&mut self) -> Result<Value, Unreadable> {
        match self.next()? {
            OscType::String(word) => Ok(Value::Word(word)),
            value => match number(&value) {
                Some(number) => Ok(Value::Number(number)),
                None => Err(self.wrong(Form::Value)),
            },
        }
    }

    fn int(&mut self) -> Result<i32, Unreadable> {
        let int = match self.next()? {
            OscType::Int(int) => Some(int),
            OscType::Long(long) => long.try_into().ok(),
            OscType::Bool(flag) => Some(flag.into()),
            OscType::Float(number) => whole(f64::from(number)),
            OscType::Double(number) => whole(number),
            _ => None,
        };
        int.ok_or_else(|| self.wrong(Form::Int))
    }

    fn count(&mut self) -> Result<u32, Unreadable> {
        self.int()?.try_into().map_err(|_| self.out_of_range())
    }

    fn flag(&mut self) -> Result<bool, Unreadable> {
        match number(&self.next()?) {
            Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            _ => Err(self.wrong(Form::Flag)),
        }
    }

    fn blob(&mut self) -> Result<Vec<u8>, Unreadable> {
        match self.next()? {
            OscType::Blob(bytes) => Ok(bytes),
            _ => Err(self.wrong(Form::Blob)),
        }
    }
}

fn number(value: &OscType) -> Option<f32> {
    match *value {
        OscType::Float(number) => Some(number),
        OscType::Double(number) => Some(number as f32),
        OscType::Int(number) => Some(number as f32),
        OscType::Long(number) => Some(number as f32),
        OscType::Bool(flag) => Some(f32::from(u8::from(flag))),
        _ => None,
    }
}

fn whole(number: f64) -> Option<i32> {
    let int = number as i32;
    (f64::from(int) == number).then_some(int)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::address::ADDRESSES;
    use crate::testing::example;

    fn refused(text: &str) -> String {
        Call::read(example(text)).unwrap_err().why.to_string()
    }

    fn read(text: &str) -> Request {
        Call::read(example(text)).unwrap().request
    }

    #[test]
    fn every_example_of_a_request_is_read_and_of_an_answer_is_not() {
        for address in ADDRESSES {
            let call = Call::read(example(address.example));
            if address.ways.contains(&Way::Request) {
                assert_eq!(call.unwrap().path, address.path);
            } else {
                assert_eq!(call.unwrap_err().why, Unreadable::NoRequest, "{}", address.path);
            }
        }
    }

    #[test]
    fn every_request_without_its_last_argument_or_with_one_more_is_refused() {
        for address in ADDRESSES.iter().filter(|a| a.ways.contains(&Way::Request)) {
            let mut message = example(address.example);
            let args = message.args.len();
            message.args.push(OscType::Nil);
            assert!(Call::read(message.clone()).is_err(), "{}", address.path);
            message.args.truncate(args);
            let needed = address.args.len() - address.optional;
            if message.args.pop().is_some() && needed.max(address.repeated.len()) == args {
                assert!(Call::read(message).is_err(), "{}", address.path);
            }
        }
    }

    #[test]
    fn every_argument_of_the_wrong_type_is_named() {
        for address in ADDRESSES.iter().filter(|a| a.ways.contains(&Way::Request)) {
            let args = address.args.iter().chain(address.repeated);
            for (index, arg) in args.enumerate().take(example(address.example).args.len()) {
                let mut message = example(address.example);
                message.args[index] = OscType::Inf;
                let why = Call::read(message).unwrap_err().why;
                let is_named = matches!(why, Unreadable::Wrong { name, .. } if name == arg.name);
                assert!(is_named, "{}: {why}", address.path);
            }
        }
    }

    #[test]
    fn a_key_without_a_voct_has_the_pitch_of_its_key() {
        let event = |text| match read(text) {
            Request::Note { event, .. } => event,
            _ => panic!("a note"),
        };
        let note = |voct| Event::NoteOn { key: 72, voct, velocity: 0.5 };
        assert_eq!(event("/note/on keys 72 0.5"), note(1.0));
        assert_eq!(event("/note/on keys 72 0.5 0.25"), note(0.25));
        assert_eq!(event("/note/on keys 72.0 0.5"), note(1.0));
        assert_eq!(event("/note/on keys 72 0"), Event::NoteOff { key: 72 });
    }

    #[test]
    fn a_value_of_osc_in_is_set_by_its_address() {
        let Request::SetValue { module, event } = read("/in/pad-2/8 -2.5") else {
            panic!("a value")
        };
        assert_eq!((module.as_str(), event), ("pad-2", Event::Value { index: 7, volts: -2.5 }));
        assert_eq!(read("/in/pad-2/8 -2.5"), read("/module/in pad-2 8 -2.5"));
        assert!(refused("/in/pad/9 1").contains("1 to 8"));
        assert!(refused("/in/pad/0 1").contains("1 to 8"));
        assert!(refused("/in/pad/1 11").contains("-10 to 10"));
        assert!(refused("/in/pad/1").contains("`volts` is missing"));
        assert!(refused("/in/pad 1").contains("no such address"));
        assert!(refused("/in/Pad/1 1").contains("`Pad`"));
    }

    #[test]
    fn every_knob_has_an_address_of_its_own() {
        let set = read("/param/set vcf cutoff 440.0");
        assert_eq!(read("/vcf/cutoff 440.0"), set);
        assert_eq!(read("/param/vcf/cutoff 440.0"), set);
        assert_eq!(read("/param/sound/cutoff 1"), read("/param/set sound cutoff 1"));
        assert_eq!(read("/mix/mute-1 true"), read("/param/set mix mute-1 1"));
        assert_eq!(read("/mix/mute-1 false"), read("/param/set mix mute-1 0.0"));
        assert_eq!(read("/vcf/cutoff \"1.5 kHz\""), read("/param/set vcf cutoff \"1.5 kHz\""));
        let call = Call::read(example("/vcf/cutoff 440.0")).unwrap();
        assert_eq!((&*call.path, call.is_for_controllers), ("/vcf/cutoff", true));
        assert!(refused("/vcf/cutoff").contains("no such address"));
        assert!(refused("/vcf/cutoff 1 2").contains("no such address"));
        assert!(refused("/sound/cutoff 1").contains("no such address"));
        assert!(refused("/Vcf/cutoff 1").contains("`Vcf`"));
    }

    #[test]
    fn a_key_and_a_button_of_a_tablet_send_one_number() {
        assert_eq!(read("/key/keys/72 0.5"), read("/note/on keys 72 0.5"));
        assert_eq!(read("/key/keys/72 true"), read("/note/on keys 72 1.0"));
        assert_eq!(read("/key/keys/72 false"), read("/note/off keys 72"));
        assert_eq!(read("/note/on keys 69 \"50 %\" A4"), read("/note/on keys 69 0.5 0.75"));
        for path in ["/undo", "/redo", "/panic"] {
            let request = read(path);
            for down in ["1", "1.0", "true", "0.3", "127"] {
                assert_eq!(read(&format!("{path} {down}")), request);
            }
            for up in ["0", "0.0", "false"] {
                assert_eq!(read(&format!("{path} {up}")), Request::Nothing);
            }
        }
        assert_eq!(read("/feedback 9001.0"), Request::Feedback { port: Some(9001) });
        assert_eq!(read("/feedback 1.0"), Request::Feedback { port: None });
        assert!(refused("/feedback 80").contains("1024 to 65535"));
    }

    #[test]
    fn a_gate_is_sent_as_true_or_as_volts() {
        for (volts, text) in [(10.0, "true"), (0.0, "false"), (2.5, "\"2.5 V\""), (1.0, "C5")] {
            let event = Event::Value { index: 0, volts };
            let Request::SetValue { event: is, .. } = read(&format!("/in/pad/1 {text}")) else {
                panic!("a value")
            };
            assert_eq!(is, event, "{text}");
        }
        assert!(refused("/in/pad/1 loud").contains("`volts`: `loud` can not be read"));
        assert!(refused("/in/pad/1 \"11 V\"").contains("out of reach"));
    }

    proptest! {
        #[test]
        fn any_message_is_read_or_refused_in_a_sentence(
            words in prop::collection::vec("[a-z]{0,6}|in|key|param|set|module|vcf|60|1", 0..5),
            args in prop::collection::vec(prop_oneof![
                any::<f32>().prop_map(OscType::Float),
                any::<f64>().prop_map(OscType::Double),
                any::<i32>().prop_map(OscType::Int),
                any::<i64>().prop_map(OscType::Long),
                any::<bool>().prop_map(OscType::Bool),
                "\\PC{0,20}".prop_map(OscType::String),
                Just(OscType::Nil),
                Just(OscType::Inf),
                prop::collection::vec(any::<u8>(), 0..9).prop_map(OscType::Blob),
            ], 0..4)
        ) {
            let addr = format!("/{}", words.join("/"));
            if let Err(refusal) = Call::read(OscMessage { addr: addr.clone(), args }) {
                prop_assert_eq!(refusal.address, addr);
                prop_assert!(!refusal.why.to_string().is_empty());
            }
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused_with_its_range() {
        assert!(refused("/note/on keys -1 0.5").contains("0 or more"));
        assert!(refused("/note/on keys 60 1.5").contains("0 to 1"));
        assert!(refused("/note/on keys 60 0.5 11.0").contains("-10 to 10"));
        assert!(refused("/note/on keys 60 NaN").contains("0 to 1"));
        assert!(refused("/note/on keys 100000 1").contains("0 to 180"));
        assert!(refused("/note/on keys 60.5 1").contains("whole number"));
        assert!(refused("/reports/subscribe patch weather").contains("patch, meters, health"));
        assert!(refused("/module/bypass lead 2").contains("true or false"));
        assert!(refused("/patch/save lead.sostenuto").contains("whole path"));
    }

    #[test]
    fn the_sound_is_set_by_names_and_what_is_not_named_stays() {
        let Request::SetSound(change) = read("/sound/set block 64 device silent") else {
            panic!("a setting")
        };
        let device = Some("silent".into());
        assert_eq!(
            change,
            SoundChange { device, block_frames: Some(64), ..SoundChange::default() }
        );
        assert!(refused("/sound/set block 65").contains("a multiple of 32"));
        assert!(refused("/sound/set block 4096").contains("to 2048"));
        assert!(refused("/sound/set ahead 17").contains("0 to 16"));
        assert!(refused("/sound/set sample_rate 1").contains("8000 to"));
        assert!(refused("/sound/set volume 1").contains("device, sample_rate"));
        assert!(refused("/sound/set block").contains("`value` is missing"));
        assert!(refused("/record/start /tmp/a.wav mp3").contains("f32, s24, s16"));
        assert!(refused("/record/save-last /tmp/a.wav s24 0").contains("3600"));
        assert!(refused("/drill/kill -1").contains("0 or more"));
    }

    #[test]
    fn an_address_that_is_not_there_is_answered_with_its_neighbour() {
        assert!(refused("/param/ste a gain 1").contains("`/param/set`"));
        assert!(refused("/").contains("no such address"));
    }

    #[test]
    fn a_placeholder_is_added_with_whatever_it_has() {
        let Request::Edit(Edit::AddModule { module, .. }) =
            read("/placeholder/add cloud grains 1 2.5 density 3 window \"hann 2\"")
        else {
            panic!("an edit")
        };
        assert!(module.is_placeholder);
        assert_eq!((module.params["density"], &*module.words["window"]), (3.0, "hann 2"));
    }

    #[test]
    fn a_module_is_added_with_its_params() {
        let Request::Edit(Edit::AddModule { id, module }) =
            read("/module/add lead attenuverter 1 2.5 gain 0.5 offset \"-3 V\"")
        else {
            panic!("an edit")
        };
        assert_eq!((id.as_str(), module.x, module.y), ("lead", 1.0, 2.5));
        assert_eq!((module.params["gain"], module.params["offset"]), (0.5, -3.0));
        assert!(refused("/module/add lead atenuverter 0 0").contains("`attenuverter`"));
        assert!(refused("/module/add lead attenuverter 0 0 gain").contains("`value` is missing"));
        assert!(refused("/module/add lead attenuverter 0 0 gain 9").contains("from -2 to 2"));
    }
}
