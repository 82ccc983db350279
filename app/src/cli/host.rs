//! `sostenuto host`: plays a patch, and listens to editors and controllers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use sostenuto_host::control::{Control, GLIDE_EVERY, SharedControl};
use sostenuto_host::journal::recovery::Beginning;
use sostenuto_host::journal::{Journal, folder_of_this_user};
use sostenuto_host::notice::{Notice, Tell};
use sostenuto_host::permits::Permits;
use sostenuto_host::player::{Keeping, Player};
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::stream::Server;
use sostenuto_osc::udp::UdpServer;
use sostenuto_patch::Patch;

use super::options::{Computing, Heard, load};
use super::play::on_stop;

/// Plays a patch and listens to editors (local stream) and controllers (UDP)
#[derive(Args)]
pub struct Host {
    /// The patch to begin with; else the one of a session that ended unexpectedly, else an empty one
    #[arg(value_name = "PATCH")]
    path: Option<PathBuf>,

    #[command(flatten)]
    computing: Computing,

    #[command(flatten)]
    heard: Heard,

    /// Listens to OSC controllers there, for example 127.0.0.1:9000
    #[arg(long, value_name = "ADDRESS:PORT")]
    udp: Option<SocketAddr>,

    /// The socket for editors, instead of this user's own place
    #[arg(long, value_name = "FILE")]
    socket: Option<PathBuf>,

    /// Where the session is kept, should it end unexpectedly, instead of this user's own place
    #[arg(long, value_name = "FOLDER")]
    journal: Option<PathBuf>,

    /// How much of what was heard can be saved afterwards; 0: nothing
    #[arg(long, value_name = "MINUTES", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(0..=60))]
    remember: u64,

    /// How much memory undo may take; the oldest steps are forgotten first
    #[arg(long, value_name = "MIB", default_value_t = 256,
          value_parser = clap::value_parser!(u32).range(1..=65536))]
    undo_memory: u32,

    /// Keeps nothing: what is not saved is lost if the host ends unexpectedly
    #[arg(long, conflicts_with = "journal")]
    no_journal: bool,
}

/// How often subscribers hear of status and meters.
const REPORT_EVERY: Duration = Duration::from_millis(33);

impl Host {
    /// Plays and listens, until Ctrl-C or `/host/quit`.
    pub fn run(&self) -> anyhow::Result<()> {
        let given = self.path.as_deref().map(load).transpose()?;
        let mut settings = self.heard.settings(&self.computing)?;
        let endpoint = match &self.socket {
            Some(path) => Endpoint::at(path),
            None => Endpoint::of_this_user()?,
        };
        let stop = on_stop()?;
        let (tell, told) = to_stderr_and_editors();
        let (journal, Beginning { patch, snapshot, quarantined, .. }) =
            self.begin(given, settings.sample_rate_hz, &tell);
        if let Some(sentence) = patch.about_placeholders() {
            tell(Notice::Placeholders { sentence });
        }
        settings.quarantined = quarantined;
        let remembered = Some(Duration::from_secs(60 * self.remember));
        let recordings = Some(self.heard.recordings());
        let keeping = Keeping { snapshot, journal: journal.clone(), remembered, recordings };
        let player = Player::resume(&patch, settings, keeping, move |notice| tell(notice))?;
        player.listen_to(self.heard.input());
        let mut control = Control::new(patch, player)?;
        control.set_undo_memory((self.undo_memory as usize) << 20);
        if let Some(path) = &self.path {
            control.begin_with_file(std::path::absolute(path)?);
        }
        control.set_permits(
            self.journal_folder().as_deref().map(Permits::kept_in).unwrap_or_default(),
        );
        if self.heard.allow {
            control.allow_outside();
        }
        let control = SharedControl::new(control);
        if let Some(journal) = &journal {
            answer_syncs_of(journal, &control);
        }
        let server = Server::start(&endpoint, Arc::clone(&control))?;
        eprintln!("Editors find this host at {}.", endpoint.path().display());
        let udp = self.udp.map(|address| listen(address, &control)).transpose()?;
        let mut pause = REPORT_EVERY;
        let mut reported_at = Instant::now();
        while stop.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let mut control = control.lock();
            pause = if control.glide() { GLIDE_EVERY } else { REPORT_EVERY };
            if reported_at.elapsed() < REPORT_EVERY {
                continue;
            }
            reported_at = Instant::now();
            told.try_iter().for_each(|notice| control.notice(&notice));
            control.report();
            if control.is_quitting() {
                break;
            }
        }
        drop((server, udp));
        control.lock().stop_recording();
        if let Some(journal) = journal {
            // The last turns of a knob.
            control.lock().keep();
            journal.when_kept(None);
            journal.end();
        }
        Ok(())
    }

    fn journal_folder(&self) -> Option<PathBuf> {
        let folder = || self.journal.clone().or_else(folder_of_this_user);
        (!self.no_journal).then(folder).flatten()
    }

    /// What the last session left, and where this one is kept.
    fn begin(
        &self,
        given: Option<Patch>,
        sample_rate_hz: u32,
        tell: &Tell,
    ) -> (Option<Arc<Journal>>, Beginning) {
        match self.journal_folder() {
            Some(folder) => Journal::open(&folder, given, sample_rate_hz, tell),
            None => (None, Beginning { patch: given.unwrap_or_default(), ..Beginning::default() }),
        }
    }
}

/// Tells notices on standard error at once, and keeps them for editors: one may
/// come while the patch is locked.
fn to_stderr_and_editors() -> (Tell, Receiver<Notice>) {
    let (telling, told) = channel();
    let repeated = Mutex::new(Repeated::default());
    let tell = move |notice: Notice| {
        let line =
            repeated.lock().unwrap_or_else(PoisonError::into_inner).line(&notice.to_string());
        line.into_iter().for_each(|line| eprintln!("{line}"));
        // Nobody listens any more where the host is ending already.
        let _ = telling.send(notice);
    };
    (Arc::new(tell), told)
}

/// Counts a sentence that is said again and again.
#[derive(Debug, Default)]
struct Repeated {
    sentence: String,
    count: u32,
}

impl Repeated {
    /// What to write now: of a sentence that repeats itself only the 2nd, 4th, 8th time
    /// and so on.
    fn line(&mut self, sentence: &str) -> Option<String> {
        if self.sentence != sentence {
            *self = Repeated { sentence: sentence.to_owned(), count: 1 };
            return Some(sentence.to_owned());
        }
        self.count = self.count.saturating_add(1);
        self.count.is_power_of_two().then(|| format!("{sentence} ({} times by now)", self.count))
    }
}

/// `/sync` is answered once the journal is on the disk.
fn answer_syncs_of(journal: &Journal, control: &Arc<SharedControl<Player>>) {
    let waiting = Arc::downgrade(control);
    let answer = move || {
        if let Some(control) = waiting.upgrade() {
            control.lock().answer_syncs();
        }
    };
    journal.when_kept(Some(Box::new(answer)));
}

fn listen(address: SocketAddr, control: &Arc<SharedControl<Player>>) -> anyhow::Result<UdpServer> {
    let udp = UdpServer::start(address, Arc::clone(control))
        .with_context(|| format!("controllers cannot be listened to at {address}"))?;
    eprintln!("Controllers find it at {} (UDP).", udp.address());
    Ok(udp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_again_and_again_is_counted() {
        let mut repeated = Repeated::default();
        let lines: Vec<String> = (0..9).filter_map(|_| repeated.line("Late.")).collect();
        let counted = [2, 4, 8].map(|count| format!("Late. ({count} times by now)"));
        assert_eq!(lines, [&["Late.".to_owned()], &counted[..]].concat());
        assert_eq!(repeated.line("Back."), Some("Back.".to_owned()));
        assert_eq!(repeated.line("Late."), Some("Late.".to_owned()));
    }
}
