//! The window's line to the host: finds one or starts one, mirrors its patch,
//! sends what the musician asks for. No frame ever waits for it.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rosc::OscMessage;

use self::hear::hear;
use self::line::Line;
pub use self::line::StartHost;
use super::model::{Asks, Connection, Level, Model, ModuleSignals};
use crate::probe::Probe;
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::message::history::{BeginGesture, EndGesture};
use sostenuto_osc::message::reports::{Reports, Subscribe};
use sostenuto_osc::message::view::{View, ViewHearer};
use sostenuto_osc::message::{Message, Report, Request, host, patch, sound};
use sostenuto_patch::{Edit, ModuleId, Patch};

mod hear;
mod line;

/// What comes from the line.
#[derive(Debug)]
pub(super) enum Heard {
    /// There is a host. It may be another than before. Whether it was started
    /// by this window.
    Connected { is_own: bool },
    /// There is none. Why.
    Lost(String),
    /// It says something.
    Said(Box<Report>),
}

/// The window's line to the host.
pub struct Session {
    heard: Receiver<Heard>,
    out: Sender<Vec<OscMessage>>,
    view: View,
    hearer: ViewHearer,
    probe: Option<Probe>,
    is_own: bool,
    /// What the last host had, until the next has shown its patch.
    before: Option<Patch>,
    /// The host's first words were heard.
    is_greeted: bool,
    line: Option<JoinHandle<()>>,
}

/// What a frame has to know of what was heard since the last one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// Sentences of requests that were refused, with their addresses.
    pub errors: Vec<(String, String)>,
    /// A host that this window started has shown its patch for the first time.
    pub is_first_patch: bool,
    /// The patch that was shown before a whole one came.
    pub before: Option<Patch>,
    /// Something has happened: somebody else may be at it.
    pub is_eventful: bool,
}

impl Session {
    /// Looks for a host, and starts one where it may. `wake` is called when
    /// there is something for [`Session::pump`].
    pub fn start(
        endpoint: Endpoint,
        start_host: Option<StartHost>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Session {
        let (tell, heard) = channel();
        let (out, asked) = channel();
        let line = Line { endpoint, start_host, tell, wake: std::sync::Arc::new(wake) };
        let line = std::thread::spawn(move || line.run(&asked));
        Session {
            heard,
            out,
            view: View::default(),
            hearer: ViewHearer::default(),
            probe: None,
            is_own: false,
            before: None,
            is_greeted: false,
            line: Some(line),
        }
    }

    /// Takes in what was heard since the last frame. `now_secs` is the
    /// window's clock.
    pub fn pump(&mut self, model: &mut Model, now_secs: f64) -> News {
        let mut news = News::default();
        while let Ok(heard) = self.heard.try_recv() {
            match heard {
                Heard::Connected { is_own } => self.greet(model, is_own),
                Heard::Lost(error) => {
                    model.connection = Connection::Lost(error);
                    self.probe = None;
                }
                Heard::Said(report) => self.hear(model, *report, now_secs, &mut news),
            }
        }
        news
    }

    fn greet(&mut self, model: &mut Model, is_own: bool) {
        // Its process follows with its first answer.
        let connection = Connection::Connected { pid: 0 };
        let notices = std::mem::take(&mut model.notices);
        if !model.patch().modules.is_empty() {
            self.before = Some(model.patch().clone());
        }
        *model = Model { connection, notices, ..Model::default() };
        self.is_own = is_own;
        self.is_greeted = false;
        self.probe = None;
        let reports = Reports {
            patch: true,
            health: true,
            notices: true,
            view: true,
            recorder: true,
            meters: false,
            params: false,
        };
        let greetings = [
            Request::QueryHost(host::Query {}),
            Request::Subscribe(Subscribe { reports }),
            Request::QuerySound(sound::Query {}),
            Request::GetPatch(patch::Get {}),
        ];
        self.send_all(&greetings);
    }

    fn hear(&mut self, model: &mut Model, report: Report, now_secs: f64, news: &mut News) {
        news.is_eventful |= !line::is_usual(&report);
        if let Some(view) = self.hearer.hear(&report) {
            let is_other = (&view.control, &view.arena) != (&self.view.control, &self.view.arena);
            if is_other || self.probe.is_none() {
                self.probe = Probe::open(&view).inspect_err(|error| tracing::warn!("{error}")).ok();
            }
            self.view = view;
            return;
        }
        if let Report::Refused(host::Refused { address, sentence }) = report {
            news.errors.push((address, sentence));
            return;
        }
        let is_whole = matches!(report, Report::Patch(_));
        if is_whole && news.before.is_none() {
            let shown = || model.patch().clone();
            news.before = Some(self.before.take().unwrap_or_else(shown));
        }
        if hear(model, report, now_secs) {
            self.send_all(&[Request::GetPatch(patch::Get {})]);
        }
        if is_whole && !std::mem::replace(&mut self.is_greeted, true) {
            news.is_first_patch = self.is_own;
        }
    }

    /// Sends what was asked for in a frame.
    pub fn send(&mut self, asks: &mut Asks) {
        let requests = std::mem::take(&mut asks.requests);
        self.send_all(&requests);
    }

    fn send_all(&mut self, requests: &[Request]) {
        let mut messages = Vec::new();
        for request in requests {
            let said = request.messages();
            // Several changes that are one to the musician are one step.
            let is_one_step = said.len() > 1
                && matches!(request, Request::Edit(Edit::Several(_) | Edit::AddModule { .. }));
            if is_one_step {
                messages.push(BeginGesture {}.encode());
            }
            messages.extend(said);
            if is_one_step {
                messages.push(EndGesture {}.encode());
            }
        }
        if !messages.is_empty() {
            // Where the line has ended, the window is ending too.
            let _ = self.out.send(messages);
        }
    }

    /// Waits, a moment at most, until what was asked for last has left.
    pub fn finish(&mut self) {
        let (nobody, _) = channel();
        self.out = nobody;
        if let Some(line) = self.line.take() {
            let began = std::time::Instant::now();
            while !line.is_finished() && began.elapsed() < Duration::from_millis(500) {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    /// Reads what modules show and send, straight from the host's memory.
    pub fn look<'a>(&self, model: &mut Model, modules: impl IntoIterator<Item = &'a ModuleId>) {
        model.signals.modules.clear();
        let Some(probe) = &self.probe else { return };
        let Some(now) = probe.now() else { return };
        let block_nanos = now.frames as f32 / now.sample_rate_hz * 1e9;
        let wanted: BTreeSet<&ModuleId> = modules.into_iter().collect();
        for seen in self.view.modules.iter().filter(|seen| wanted.contains(&seen.id)) {
            let id = &seen.id;
            // One that is leaving may have the name of one that comes.
            if model.signals.modules.contains_key(id) {
                continue;
            }
            let Some(face) = probe.face(seen) else { continue };
            let outputs =
                model.mirror.patch().modules.get(id).and_then(|module| module.about().ok());
            let outputs = outputs.map_or(0, |about| about.outputs.len());
            let level = |output: usize| {
                let level = face.peek(output).unwrap_or_default();
                Level {
                    channels: level.channels as u32,
                    volts: level.last_volts,
                    min_volts: level.min_volts,
                    max_volts: level.max_volts,
                }
            };
            let signals = ModuleSignals {
                display: face.display().collect(),
                outputs: (0..outputs).map(level).collect(),
                load: face.busy_nanos() as f32 / block_nanos,
                slot: seen.slot,
            };
            model.signals.modules.insert(id.clone(), signals);
        }
    }
}
