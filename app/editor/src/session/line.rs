//! Two threads beside the window: one reads what the host says, one writes what
//! is asked. Where there is no host, one is started.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use rosc::OscMessage;
use sostenuto_osc::client::{Client, Receiver as FromHost, Sender as ToHost};
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::message::Report;

use super::Heard;

/// Between two looks for a host.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// How long a host may take to answer before another is started.
const PATIENCE: Duration = Duration::from_secs(10);
/// A host that ends sooner than this has failed.
const SHORT_LIFE: Duration = Duration::from_secs(5);
/// So many that fail in a row are enough.
const TRIES: u32 = 3;

/// How a host is started.
#[derive(Clone, Debug)]
pub struct StartHost {
    /// The program.
    pub program: PathBuf,
    /// What follows its name.
    pub arguments: Vec<String>,
    /// Where its own words go.
    pub log: Option<PathBuf>,
}

/// The line, before its threads run.
pub(super) struct Line {
    pub(super) endpoint: Endpoint,
    pub(super) start_host: Option<StartHost>,
    pub(super) tell: Sender<Heard>,
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
}

impl Line {
    /// Until the window is gone.
    pub(super) fn run(self, asked: &Receiver<Vec<OscMessage>>) {
        let mut hosts =
            Hosts { starts: self.start_host.clone(), child: None, failed: 0, is_own: false };
        let mut is_told = false;
        loop {
            match Client::connect(&self.endpoint) {
                Ok(client) => {
                    is_told = false;
                    // What was asked of no host is asked of nobody.
                    while asked.try_recv().is_ok() {}
                    let is_own = std::mem::take(&mut hosts.is_own);
                    if !self.say(Heard::Connected { is_own }) || !self.speak(client, asked) {
                        return;
                    }
                    if !self.say(Heard::Lost("Lost the host. Looking for it…".to_owned())) {
                        return;
                    }
                }
                Err(error) => {
                    if let Err(sentence) = hosts.look_after(&self.endpoint)
                        && !std::mem::replace(&mut is_told, true)
                        && !self.say(Heard::Lost(format!("{sentence} ({error})")))
                    {
                        return;
                    }
                    std::thread::sleep(LOOK_AGAIN);
                    if is_told && !self.is_wanted(asked) {
                        return;
                    }
                }
            }
        }
    }

    fn say(&self, heard: Heard) -> bool {
        let is_heard = self.tell.send(heard).is_ok();
        (self.wake)();
        is_heard
    }

    /// Whether the window is still there.
    fn is_wanted(&self, asked: &Receiver<Vec<OscMessage>>) -> bool {
        !matches!(
            asked.recv_timeout(Duration::from_millis(500)),
            Err(RecvTimeoutError::Disconnected)
        )
    }

    /// Until the host or the window is gone. Whether the window is still there.
    fn speak(&self, client: Client, asked: &Receiver<Vec<OscMessage>>) -> bool {
        let (to_host, from_host) = client.split();
        let (tell, wake) = (self.tell.clone(), Arc::clone(&self.wake));
        let reader = std::thread::spawn(move || listen(from_host, &tell, &*wake));
        let is_wanted = ask(to_host, asked, || reader.is_finished());
        // Without the sending half the reader hears of the end by itself, when
        // the host closes its own.
        if is_wanted {
            let _ = reader.join();
        }
        is_wanted
    }
}

/// Whether it is told several times a second, and so no reason to draw.
pub(super) fn is_usual(report: &Report) -> bool {
    matches!(
        report,
        Report::Status(_)
            | Report::Worker(_)
            | Report::Fault(_)
            | Report::Recorder(_)
            | Report::Sound(_)
            | Report::Input(_)
    )
}

/// What the host says, until it is gone.
fn listen(mut from_host: FromHost, tell: &Sender<Heard>, wake: &dyn Fn()) {
    while let Ok(message) = from_host.recv() {
        let report = match Report::read(message) {
            Ok(report) => report,
            Err(error) => {
                tracing::warn!("the host said what cannot be read: {error}");
                continue;
            }
        };
        let is_usual = is_usual(&report);
        if tell.send(Heard::Said(Box::new(report))).is_err() {
            return;
        }
        if !is_usual {
            wake();
        }
    }
}

/// Sends what is asked, until the host or the window is gone. Whether the
/// window is still there.
fn ask(mut to_host: ToHost, asked: &Receiver<Vec<OscMessage>>, is_over: impl Fn() -> bool) -> bool {
    loop {
        match asked.recv_timeout(Duration::from_millis(200)) {
            Ok(messages) => {
                let sent = messages.into_iter().try_for_each(|message| to_host.send(message));
                if sent.and_then(|()| to_host.flush()).is_err() {
                    return true;
                }
            }
            Err(RecvTimeoutError::Timeout) if is_over() => return true,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// The hosts that this window has started.
struct Hosts {
    starts: Option<StartHost>,
    child: Option<(Child, Instant)>,
    failed: u32,
    /// The one that answers next is ours, and new.
    is_own: bool,
}

impl Hosts {
    /// Starts a host where none is on its way.
    fn look_after(&mut self, endpoint: &Endpoint) -> Result<(), String> {
        let Some(start) = self.starts.clone() else {
            return Err("No host answers.".to_owned());
        };
        if let Some((child, began)) = &mut self.child {
            match child.try_wait() {
                Ok(None) if began.elapsed() < PATIENCE => return Ok(()),
                Ok(None) => return Err("The host does not answer.".to_owned()),
                _ => {
                    let is_short = began.elapsed() < SHORT_LIFE;
                    self.failed = if is_short { self.failed + 1 } else { 0 };
                    self.child = None;
                }
            }
        }
        if self.failed >= TRIES {
            let log = start.log.map(|log| format!(" Its log is {}.", log.display()));
            return Err(format!("The host ends right after its start.{}", log.unwrap_or_default()));
        }
        let child = spawn(&start, endpoint)
            .map_err(|error| format!("The host cannot be started: {error}."))?;
        self.child = Some((child, Instant::now()));
        self.is_own = true;
        Ok(())
    }
}

fn spawn(start: &StartHost, endpoint: &Endpoint) -> std::io::Result<Child> {
    let mut command = Command::new(&start.program);
    command.arg("host").arg("--socket").arg(endpoint.path()).args(&start.arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let log = start.log.as_ref().and_then(|path| {
        std::fs::create_dir_all(path.parent()?).ok()?;
        File::create(path).ok()
    });
    command.stderr(log.map_or_else(Stdio::null, Stdio::from));
    // The sound goes on when the window, or the terminal, is gone.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(
            &mut command,
            CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW,
        );
    }
    command.spawn()
}
