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

use crate::osc::endpoint::{Endpoint, StreamError};
use crate::osc::outbox::Outbox;
use crate::osc::packet::{BadPacket, Frames, MAX_PACKET_BYTES};
use crate::osc::reply;
use crate::osc::service::{ClientId, Rights, Service, read};

/// Connections at a time: more are some program's mistake.
const MAX_CONNECTIONS: usize = 64;

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
/// once can not both find the socket dead and replace it.
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
    let mut options = fs::File::options();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.create(true).truncate(false).write(true).open(path).map_err(failed)?;
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
    outbox.reply(reply::error("", sentence));
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
        self.outbox.reply(reply::error("", &bad.to_string()));
        self.outbox.flush(self.stream)
    }
}

#[cfg(test)]
mod tests {
    use rosc::OscMessage;

    use super::*;
    use crate::host::control::tests::Scribe;
    use crate::host::control::{Control, lock};
    use crate::osc::address::tests::example;
    use crate::osc::client::Client;
    use crate::osc::mirror::Mirror;
    use crate::patch::edit::tests::ring;

    struct Host {
        server: Option<Server>,
        endpoint: Endpoint,
        control: Arc<Mutex<Control<Scribe>>>,
        // Last: it is removed when the host has ended.
        _folder: tempfile::TempDir,
    }

    impl Host {
        fn start() -> Host {
            let folder = tempfile::tempdir().unwrap();
            let endpoint = Endpoint::at(folder.path().join("host.sock"));
            let control = Control::new(ring(), Scribe::default()).unwrap();
            let control = Arc::new(Mutex::new(control));
            let server = Some(Server::start(&endpoint, control.clone()).unwrap());
            Host { server, endpoint, control, _folder: folder }
        }

        fn client(&self) -> Client {
            let client = Client::connect(&self.endpoint).unwrap();
            // Named pipes have none.
            #[cfg(unix)]
            client.set_timeout(Some(Duration::from_secs(20))).unwrap();
            client
        }
    }

    fn raw(client: &mut Client, bytes: &[u8]) {
        client.flush().unwrap();
        client.write_raw(bytes).unwrap();
    }

    #[test]
    fn requests_are_done_in_order_and_sync_says_when() {
        let host = Host::start();
        let mut client = host.client();
        client.send(example("/module/add d attenuverter 0 0")).unwrap();
        client.send(example("/param/set d gain 0.25")).unwrap();
        assert_eq!(client.request(example("/sync 7")).unwrap(), example("/synced 7"));
        assert_eq!(lock(&host.control).patch().modules["d"].param("gain"), Some(0.25));
    }

    #[test]
    fn what_is_no_packet_is_answered_and_the_connection_goes_on() {
        let host = Host::start();
        let mut client = host.client();
        for junk in [&b""[..], b"abcd", b"/a\0\0", b"#bundle\0", &[0xff; 1000]] {
            let length = u32::try_from(junk.len()).unwrap().to_be_bytes();
            raw(&mut client, &[&length, junk].concat());
            assert_eq!(client.recv().unwrap().addr, "/error");
        }
        assert_eq!(client.request(example("/sync 1")).unwrap(), example("/synced 1"));
        assert_eq!(*lock(&host.control).patch(), ring());
    }

    #[test]
    fn a_packet_that_is_too_long_ends_its_connection_only() {
        let host = Host::start();
        let (mut bad, mut good) = (host.client(), host.client());
        raw(&mut bad, &(MAX_PACKET_BYTES as u32 + 4).to_be_bytes());
        assert_eq!(bad.recv().unwrap().addr, "/error");
        assert_eq!(bad.recv().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(good.request(example("/sync 1")).unwrap(), example("/synced 1"));
    }

    #[test]
    fn a_client_that_dies_in_the_middle_of_a_packet_harms_nobody() {
        let host = Host::start();
        let mut dying = host.client();
        raw(&mut dying, b"\0\0\0\x10/sy");
        drop(dying);
        assert_eq!(host.client().request(example("/sync 1")).unwrap(), example("/synced 1"));
    }

    #[test]
    fn a_living_hosts_socket_is_kept_and_a_dead_ones_is_replaced() {
        let mut host = Host::start();
        let again = Server::start(&host.endpoint, host.control.clone());
        assert!(matches!(again, Err(StreamError::AlreadyRunning(_))));
        host.client().request(example("/sync 1")).unwrap();
        host.server = None;
        assert!(!host.endpoint.path().exists(), "nothing is left of it");
        // A socket that nobody listens at, as after a kill.
        #[cfg(unix)]
        drop(std::os::unix::net::UnixListener::bind(host.endpoint.path()).unwrap());
        assert!(Client::connect(&host.endpoint).is_err());
        host.server = Some(Server::start(&host.endpoint, host.control.clone()).unwrap());
        host.client().request(example("/sync 1")).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn who_is_connected_hears_that_the_host_ended() {
        let mut host = Host::start();
        let mut client = host.client();
        client.request(example("/sync 1")).unwrap();
        host.server = None;
        assert!(client.recv().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_host_whose_socket_was_removed_still_ends() {
        let mut host = Host::start();
        fs::remove_file(host.endpoint.path()).unwrap();
        host.server = None;
    }

    #[cfg(unix)]
    #[test]
    fn the_socket_is_its_users_alone() {
        use std::os::unix::fs::PermissionsExt;
        let host = Host::start();
        let mode = fs::metadata(host.endpoint.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_host_that_is_not_there_is_a_sentence() {
        let endpoint = Endpoint::at("/no/where/host.sock");
        let sentence = Client::connect(&endpoint).unwrap_err().to_string();
        assert!(sentence.contains("sostenuto host"), "{sentence}");
    }

    #[test]
    fn two_editors_stay_in_step() {
        let host = Host::start();
        let mut editors = [host.client(), host.client()];
        let mut mirrors = [Mirror::default(), Mirror::default()];
        for editor in &mut editors {
            editor.send(example("/reports/subscribe patch")).unwrap();
            editor.send(example("/patch/get")).unwrap();
        }
        for n in 0..200 {
            let text = match n % 4 {
                0 => format!("/module/add m-{n} attenuverter {n} 0"),
                1 => format!("/cable/connect m-{}.out a.in", n - 1),
                2 => format!("/param/set m-{} gain 0.{n}", n - 2),
                _ => "/undo".to_owned(),
            };
            // Each after the other has heard of the last.
            editors[n % 2].send(example(&text)).unwrap();
            editors[n % 2].send(example("/sync 0")).unwrap();
            while editors[n % 2]
                .recv()
                .map(|message| {
                    let is_synced = message.addr == "/synced";
                    mirrors[n % 2].hear(message);
                    !is_synced
                })
                .unwrap()
            {}
        }
        for (editor, mirror) in editors.iter_mut().zip(&mut mirrors) {
            editor.send(example("/sync 1")).unwrap();
            while editor
                .recv()
                .map(|message| {
                    let is_synced = message == example("/synced 1");
                    mirror.hear(message);
                    !is_synced
                })
                .unwrap()
            {}
            assert_eq!(mirror.patch(), lock(&host.control).patch());
        }
    }

    #[test]
    fn a_subscriber_that_does_not_read_blocks_nobody_and_is_told() {
        let host = Host::start();
        let (mut slow, mut quick) = (host.client(), host.client());
        slow.send(example("/reports/subscribe patch")).unwrap();
        assert_eq!(slow.request(example("/sync 1")).unwrap(), example("/synced 1"));
        for n in 0..400 {
            let title = format!("{n}{}", "x".repeat(50_000));
            let args = vec![title.into()];
            quick.send(OscMessage { addr: "/patch/title".into(), args }).unwrap();
        }
        assert_eq!(quick.request(example("/sync 2")).unwrap(), example("/synced 2"));
        while slow.recv().unwrap().addr != "/reports/lost" {}
        slow.send(example("/patch/get")).unwrap();
        let mut mirror = Mirror::default();
        while slow.recv().map(|message| mirror.hear(message)).is_ok() && !mirror.is_in_step() {}
        assert_eq!(mirror.patch(), lock(&host.control).patch());
        quick.send(example("/param/set a gain 0.5")).unwrap();
        quick.flush().unwrap();
        while slow.recv().unwrap().addr != "/param/set" {}
    }

    #[test]
    fn one_editor_too_many_is_told_so_and_the_others_go_on() {
        let host = Host::start();
        let mut clients: Vec<_> = (0..MAX_CONNECTIONS).map(|_| host.client()).collect();
        for client in &mut clients {
            assert_eq!(client.request(example("/sync 1")).unwrap(), example("/synced 1"));
        }
        assert_eq!(host.client().recv().unwrap().addr, "/error");
        assert_eq!(clients[0].request(example("/sync 2")).unwrap(), example("/synced 2"));
    }

    #[test]
    fn many_editors_come_and_go() {
        let host = Host::start();
        for _ in 0..300 {
            let mut client = host.client();
            // Turned away while those before it are still being seen out.
            while client.request(example("/sync 1")).map_or(true, |reply| reply.addr == "/error") {
                client = host.client();
            }
        }
    }
}
