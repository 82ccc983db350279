//! The local stream: a socket that only its user can open, for editors.

#[cfg(unix)]
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use interprocess::local_socket::traits::Listener as _;
use interprocess::local_socket::{Listener, ListenerOptions, Stream};

use crate::endpoint::{Endpoint, StreamError};
use crate::message::Message;
use crate::message::host::Refused;
use crate::outbox::Outbox;
use crate::packet::{BadPacket, Frames, MAX_PACKET_BYTES};
use crate::service::{ClientId, Rights, Service, read};

/// Connections at a time: more are some program's mistake.
pub const MAX_CONNECTIONS: usize = 64;

/// How long the end waits for connections to end: on Windows those stay whose
/// editors do.
const FAREWELL: Duration = Duration::from_secs(1);

/// Listens for editors until it is dropped.
#[derive(Debug)]
pub struct Server {
    endpoint: Endpoint,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    is_stopping: AtomicBool,
    connections: Mutex<usize>,
    ended: Condvar,
    streams: Mutex<Vec<Weak<Stream>>>,
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, usize> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Starts to listen. A socket that a dead host left is replaced; a living
    /// host's is not.
    pub fn start<S: Service>(endpoint: &Endpoint, service: Arc<S>) -> Result<Server, StreamError> {
        let claim = claim(endpoint)?;
        let failed = |what| StreamError::Listen { path: endpoint.path().to_owned(), what };
        let listener = listen(endpoint).map_err(failed)?;
        let shared = Arc::new(Shared::default());
        let here = shared.clone();
        let thread = named("editors").spawn(move || {
            accept(&listener, &service, &here);
            // The socket goes first, then the claim to its name.
            drop(listener);
            drop(claim);
        });
        let thread = Some(thread.map_err(failed)?);
        Ok(Server { endpoint: endpoint.clone(), shared, thread })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        // Whoever waits for a connection is given one. Where somebody removed
        // the socket's file, nobody can, and the thread ends with the process.
        if let (Ok(_), Some(thread)) = (self.endpoint.connect(), self.thread.take()) {
            let _ = thread.join();
        }
        let streams = self.shared.streams.lock().map(|mut streams| std::mem::take(&mut *streams));
        for stream in streams.unwrap_or_default().iter().filter_map(Weak::upgrade) {
            hang_up(&stream);
        }
        // Whoever serves a connection holds the service, which is to be free.
        let are_some = |connections: &mut usize| *connections > 0;
        let shared = &self.shared;
        drop(shared.ended.wait_timeout_while(shared.connections(), FAREWELL, are_some));
    }
}

/// Ends a connection whose thread waits in a read.
fn hang_up(stream: &Stream) {
    #[cfg(unix)]
    let Stream::UdSocket(stream) = stream;
    #[cfg(unix)]
    let _ = stream.inner().shutdown(std::net::Shutdown::Both);
    // A named pipe ends with the process.
    #[cfg(not(unix))]
    let _ = stream;
}

fn named(name: &str) -> thread::Builder {
    thread::Builder::new().name(name.to_owned())
}

/// The right to a socket's name: a locked file beside it, which the system
/// unlocks whenever and however its owner ends. So two hosts that start at
/// once cannot both find the socket dead and replace it.
#[cfg(unix)]
struct Claim {
    _locked: fs::File,
}

/// A named pipe goes with its last owner; only its first instance is a host.
#[cfg(not(unix))]
struct Claim {}

#[cfg(unix)]
fn claim(endpoint: &Endpoint) -> Result<Claim, StreamError> {
    let failed = |what| StreamError::Listen { path: endpoint.path().to_owned(), what };
    let path = endpoint.path().with_extension("lock");
    let file = sostenuto_patch::disk::open_lock(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            return Err(StreamError::AlreadyRunning(endpoint.path().to_owned()));
        }
        Err(fs::TryLockError::Error(what)) => return Err(failed(what)),
    }
    match fs::remove_file(endpoint.path()) {
        Err(what) if what.kind() != io::ErrorKind::NotFound => Err(failed(what)),
        _ => Ok(Claim { _locked: file }),
    }
}

#[cfg(not(unix))]
fn claim(endpoint: &Endpoint) -> Result<Claim, StreamError> {
    match endpoint.connect() {
        Ok(_) => Err(StreamError::AlreadyRunning(endpoint.path().to_owned())),
        Err(_) => Ok(Claim {}),
    }
}

fn listen(endpoint: &Endpoint) -> io::Result<Listener> {
    let options = ListenerOptions::new().name(endpoint.name()?);
    #[cfg(target_os = "linux")]
    let options = interprocess::os::unix::local_socket::ListenerOptionsExt::mode(options, 0o600);
    let listener = options.create_sync()?;
    // Elsewhere a socket gets its mode only now; until then its folder, which
    // is this user's alone, guards it.
    #[cfg(all(unix, not(target_os = "linux")))]
    fs::set_permissions(endpoint.path(), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

fn accept<S: Service>(listener: &Listener, service: &Arc<S>, shared: &Arc<Shared>) {
    loop {
        let stream = listener.accept();
        if shared.is_stopping.load(Ordering::Acquire) {
            return;
        }
        let welcomed = stream.and_then(|stream| welcome(stream, service, shared));
        if let Err(error) = welcomed {
            tracing::warn!("an editor could not connect: {error}");
            // Out of files or threads: it does not get better at once.
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn welcome<S: Service>(stream: Stream, service: &Arc<S>, shared: &Arc<Shared>) -> io::Result<()> {
    let Some(seat) = Seat::take(shared) else { return turn_away(&stream) };
    let stream = Arc::new(stream);
    let mut streams = shared.streams.lock().map_err(|_| io::Error::other("a thread panicked"))?;
    streams.retain(|stream| stream.strong_count() > 0);
    streams.push(Arc::downgrade(&stream));
    drop(streams);
    let outbox = Arc::new(Outbox::default());
    let (news, to) = (outbox.clone(), stream.clone());
    let writer = named("editor-news").spawn(move || {
        // Where nobody reads any more, the other thread sees it too.
        let _ = news.write_when_woken(&*to);
    })?;
    let service = service.clone();
    let connection = named("editor").spawn(move || {
        let client = service.connect(outbox.clone(), Rights::Editor);
        let connection = Connection { stream: &stream, outbox: &outbox, client };
        if let Err(error) = connection.run(&*service) {
            tracing::debug!("an editor went away: {error}");
        }
        service.disconnect(client);
        outbox.close();
        hang_up(&stream);
        let _ = writer.join();
        drop(service);
        drop(seat);
    });
    connection.map(drop)
}

/// Says why, in the little that a new socket takes without waiting.
fn turn_away(stream: &Stream) -> io::Result<()> {
    let outbox = Outbox::default();
    let sentence = "Too many editors are connected to this host. Close one and try again.";
    outbox.reply(Refused::new("", sentence).encode());
    outbox.flush(stream)
}

/// One of the places that there are for connections.
struct Seat(Arc<Shared>);

impl Seat {
    fn take(shared: &Arc<Shared>) -> Option<Seat> {
        let mut connections = shared.connections();
        if *connections == MAX_CONNECTIONS {
            return None;
        }
        *connections += 1;
        Some(Seat(shared.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        *self.0.connections() -= 1;
        self.0.ended.notify_all();
    }
}

struct Connection<'a> {
    stream: &'a Stream,
    outbox: &'a Outbox,
    client: ClientId,
}

impl Connection<'_> {
    /// Does what is asked until the other side hangs up. What is answered to
    /// the packets of one read is written at once.
    fn run<S: Service>(&self, service: &S) -> io::Result<()> {
        let mut frames = Frames::new(MAX_PACKET_BYTES);
        while frames.fill(self.stream)? > 0 {
            loop {
                match frames.next_packet() {
                    Ok(Some(packet)) => self.serve(service, packet)?,
                    Ok(None) => break,
                    Err(bad) => return self.hang_up(bad),
                }
            }
            self.outbox.flush(self.stream)?;
        }
        Ok(())
    }

    fn serve<S: Service>(&self, service: &S, packet: &[u8]) -> io::Result<()> {
        let mut calls = read(packet);
        loop {
            service.serve(self.client, self.outbox, &mut calls);
            if calls.len() == 0 {
                return Ok(());
            }
            self.outbox.flush(self.stream)?;
        }
    }

    fn hang_up(&self, bad: BadPacket) -> io::Result<()> {
        self.outbox.reply(Refused::new("", &bad.to_string()).encode());
        self.outbox.flush(self.stream)
    }
}
