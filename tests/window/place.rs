//! A host in a process of its own, in a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use rosc::{OscMessage, OscType};
use sostenuto_editor::session::StartHost;
use sostenuto_osc::client::Client;
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::mirror::Mirror;
use sostenuto_patch::{Patch, file};

/// The program of a host.
const PROGRAM: &str = env!("CARGO_BIN_EXE_test-sostenuto");
/// That of its workers.
const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// How long something may take that takes no time on a quiet machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A folder for a host's socket and journal, and for patches.
pub struct Place {
    folder: tempfile::TempDir,
    host: Option<(Child, BufReader<ChildStderr>)>,
}

impl Place {
    /// With no host yet.
    pub fn empty() -> Place {
        Place { folder: tempfile::tempdir().expect("a folder"), host: None }
    }

    /// With a host that plays a patch.
    pub fn playing(patch: &Patch) -> Place {
        Place::playing_in(patch, &[])
    }

    /// With a host that plays a patch in another way.
    pub fn playing_in(patch: &Patch, more: &[&str]) -> Place {
        let mut place = Place::empty();
        place.keep("first.sostenuto", &file::write(patch));
        place.start(&[more, &["first.sostenuto"]].concat());
        place
    }

    /// With a host that plays nothing.
    pub fn silent() -> Place {
        let mut place = Place::empty();
        place.start(&[]);
        place
    }

    /// Starts a host, and waits until it plays and listens.
    pub fn start(&mut self, more: &[&str]) {
        let line = "host --silent --workers 2 --journal journal --socket host.sock";
        let mut child = Command::new(PROGRAM)
            .args(line.split_whitespace())
            .args(more)
            .current_dir(self.folder.path())
            .env("SOSTENUTO_WORKER", WORKER)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the host starts");
        let mut err = BufReader::new(child.stderr.take().expect("it was asked for"));
        let mut said = String::new();
        let all = ["Editors find this host at", "The patch runs on the silent clock"];
        while !all.iter().all(|words| said.contains(words)) {
            assert!(err.read_line(&mut said).expect("it prints text") > 0, "it ended: {said}");
        }
        self.host = Some((child, err));
    }

    /// Ends the host at once, without a chance to say or write anything.
    pub fn kill(&mut self) {
        let (mut child, _) = self.host.take().expect("it was started");
        child.kill().expect("it lives");
        child.wait().expect("it ends");
    }

    /// How a window starts a host here: the programs lie side by side, as they
    /// are installed.
    pub fn start_host(&self) -> StartHost {
        let [program, worker] = ["sostenuto", "dsp-worker"]
            .map(|name| self.path(&format!("{name}{}", std::env::consts::EXE_SUFFIX)));
        for (from, to) in [(PROGRAM, &program), (WORKER, &worker)] {
            if fs::hard_link(from, to).is_err() {
                fs::copy(from, to).expect("room for a program");
            }
        }
        let journal = self.path("journal").display().to_string();
        let arguments = ["--silent", "--workers", "2", "--journal", journal.as_str()];
        let log = Some(self.path("host.log"));
        StartHost { program, arguments: arguments.map(str::to_owned).into(), log }
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in it.
    pub fn keep(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).expect("room on the disk");
        self.path(name)
    }

    /// Where its host is found.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::at(self.path("host.sock"))
    }

    /// Another who listens to the host, and asks it things.
    pub fn listener(&self) -> Listener {
        let client = Client::connect(&self.endpoint()).expect("the host listens");
        // Named pipes have none.
        #[cfg(unix)]
        client.set_timeout(Some(PATIENCE)).expect("a socket");
        Listener { client, mirror: Mirror::default() }
    }

    /// The patch, as the host has it.
    pub fn patch(&self) -> Patch {
        let mut listener = self.listener();
        listener.ask(message("/patch/get", []));
        listener.mirror.patch().clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // In order: one that is killed leaves its shared memory to the next that starts.
        let has_ended = self.quit();
        if let Some((mut child, _)) = self.host.take() {
            if !has_ended {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
    }
}

impl Place {
    /// Ends the host, which may be a window's that has let go of it. Whether it did.
    fn quit(&self) -> bool {
        let Ok(mut client) = Client::connect(&self.endpoint()) else { return false };
        #[cfg(unix)]
        let _ = client.set_timeout(Some(PATIENCE));
        let _ = client.send(message("/host/quit", [])).and_then(|()| client.flush());
        loop {
            if let Err(error) = client.recv() {
                return !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            }
        }
    }
}

/// Another who listens to the host, and asks it things.
pub struct Listener {
    client: Client,
    mirror: Mirror,
}

impl Listener {
    /// Asks, and returns what was said until it was done.
    #[track_caller]
    pub fn ask(&mut self, asked: OscMessage) -> Vec<OscMessage> {
        self.client.send(asked).expect("the host listens");
        self.client.send(message("/sync", [OscType::Int(77)])).expect("the host listens");
        let mut said = Vec::new();
        loop {
            let next = self.hear();
            assert_ne!(next.addr, "/error", "{next:?}");
            if next.addr == "/synced" {
                return said;
            }
            said.push(next);
        }
    }

    /// Asks, and waits until it hears that.
    #[track_caller]
    pub fn ask_until(&mut self, asked: OscMessage, addr: &str) {
        self.client.send(asked).expect("the host listens");
        self.client.flush().expect("the host listens");
        loop {
            let next = self.hear();
            assert_ne!(next.addr, "/error", "{next:?}");
            if next.addr == addr {
                return;
            }
        }
    }

    /// How many blocks the host has computed.
    pub fn blocks(&mut self) -> i64 {
        let said = self.ask(message("/query/status", []));
        let status = said.iter().find(|message| message.addr == "/status").expect("it was asked");
        status.args[6].clone().long().expect("a count")
    }

    fn hear(&mut self) -> OscMessage {
        let message = self.client.recv().expect("the host answers");
        self.mirror.hear(message.clone());
        message
    }
}

/// A message.
pub fn message<const N: usize>(addr: &str, args: [OscType; N]) -> OscMessage {
    OscMessage { addr: addr.to_owned(), args: args.into() }
}

/// A text in a message.
pub fn word(text: impl AsRef<Path>) -> OscType {
    OscType::String(text.as_ref().display().to_string())
}
