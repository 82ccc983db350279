//! UDP, for controllers, tablets and scripts. Off until asked for.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::osc::outbox::Outbox;
use crate::osc::packet::split;
use crate::osc::request::{Call, Refusal, Request, Unreadable};
use crate::osc::service::{ClientId, Rights, Service, read};

/// Where controllers send to, if nothing else is asked for: this machine only.
pub const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9000);

/// How often a silent port looks whether it is to close.
const LOOK: Duration = Duration::from_millis(200);

/// Controllers that reports are sent to at a time.
pub const MAX_SUBSCRIBERS: usize = 16;

/// So long after the last packet from its machine a controller is taken to be
/// gone.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest packet that UDP can carry.
const MAX_DATAGRAM_BYTES: usize = 65_535;

/// Listens for controllers until it is dropped.
#[derive(Debug)]
pub struct UdpServer {
    address: SocketAddr,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UdpServer {
    /// Opens a port; the system chooses one where it is 0.
    pub fn start<S: Service>(address: SocketAddr, service: Arc<S>) -> io::Result<UdpServer> {
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(LOOK))?;
        let address = socket.local_addr()?;
        let is_stopping = Arc::new(AtomicBool::new(false));
        let stopping = is_stopping.clone();
        let thread = thread::Builder::new().name("controllers".to_owned()).spawn(move || {
            let outbox = Arc::new(Outbox::default());
            let client = service.connect(outbox.clone(), Rights::Controller);
            let socket = Arc::new(socket);
            let mut port = Port { service, socket, outbox, client, subscribers: Vec::new() };
            let mut packet = vec![0; MAX_DATAGRAM_BYTES];
            while !stopping.load(Ordering::Acquire) {
                port.serve_next(&mut packet);
            }
        })?;
        Ok(UdpServer { address, is_stopping, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for UdpServer {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Port<S: Service> {
    service: Arc<S>,
    socket: Arc<UdpSocket>,
    outbox: Arc<Outbox>,
    client: ClientId,
    subscribers: Vec<Subscriber>,
}

/// Where reports are sent to.
struct Subscriber {
    to: SocketAddr,
    client: ClientId,
    outbox: Arc<Outbox>,
    /// When its machine last sent something.
    heard: Instant,
    writer: Option<JoinHandle<io::Result<()>>>,
}

/// Sends each packet as a datagram.
struct Datagrams {
    socket: Arc<UdpSocket>,
    to: SocketAddr,
}

impl io::Write for Datagrams {
    fn write(&mut self, framed: &[u8]) -> io::Result<usize> {
        for packet in split(framed) {
            // Who does not get it hears the next one: so it is with UDP.
            let _ = self.socket.send_to(packet, self.to);
        }
        Ok(framed.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Service> Port<S> {
    fn serve_next(&mut self, packet: &mut [u8]) {
        let received = self.socket.recv_from(packet);
        self.forget_silent(Instant::now());
        let (length, from) = match received {
            Ok(received) => received,
            // Also what an earlier reply came to: a controller that is gone.
            Err(error) => return rest(&error),
        };
        let of_sender = self.subscribers.iter_mut().filter(|one| one.to.ip() == from.ip());
        of_sender.for_each(|one| one.heard = Instant::now());
        let mut calls = Vec::new();
        for call in read(&packet[..length]) {
            match call {
                Ok(Call { request: Request::Feedback { port }, .. }) => {
                    self.serve(from, std::mem::take(&mut calls));
                    self.subscribe(from, at_port(from, port), call);
                }
                Ok(Call { request: Request::Subscribe(_), .. }) => {
                    self.serve(from, std::mem::take(&mut calls));
                    self.subscribe(from, from, call);
                }
                Ok(Call { request: Request::Unsubscribe(_), .. }) => {
                    self.serve(from, std::mem::take(&mut calls));
                    self.report(from, call);
                }
                Ok(Call { request: Request::EndFeedback { port }, .. }) => {
                    self.serve(from, std::mem::take(&mut calls));
                    self.report(at_port(from, port), call);
                }
                call => calls.push(call),
            }
        }
        self.serve(from, calls);
    }

    /// Does what a controller asks, and answers it.
    fn serve(&self, from: SocketAddr, calls: Vec<Result<Call, Refusal>>) {
        let mut calls = calls.into_iter();
        while calls.len() > 0 {
            self.service.serve(self.client, &self.outbox, &mut calls);
            for reply in split(&self.outbox.take()) {
                // Who does not get it asks again: so it is with UDP.
                let _ = self.socket.send_to(reply, from);
            }
        }
    }

    /// A controller wants reports.
    fn subscribe(&mut self, from: SocketAddr, to: SocketAddr, call: Result<Call, Refusal>) {
        if !self.subscribers.iter().any(|one| one.to == to) {
            if self.subscribers.len() == MAX_SUBSCRIBERS {
                let why =
                    Refusal { address: address_of(&call), why: Unreadable::TooManySubscribers };
                return self.serve(from, vec![Err(why)]);
            }
            match self.seat(to) {
                Ok(subscriber) => self.subscribers.push(subscriber),
                Err(error) => return tracing::warn!("no thread for a subscriber: {error}"),
            }
        }
        self.report(to, call);
    }

    fn seat(&self, to: SocketAddr) -> io::Result<Subscriber> {
        let outbox = Arc::new(Outbox::default());
        let (news, socket) = (outbox.clone(), self.socket.clone());
        let writer = thread::Builder::new().name("feedback".to_owned());
        let writer = writer.spawn(move || news.write_when_woken(Datagrams { socket, to }))?;
        let client = self.service.connect(outbox.clone(), Rights::Controller);
        Ok(Subscriber { to, client, outbox, heard: Instant::now(), writer: Some(writer) })
    }

    /// Changes what is reported to a subscriber, where there is one.
    fn report(&self, to: SocketAddr, call: Result<Call, Refusal>) {
        let Some(subscriber) = self.subscribers.iter().find(|one| one.to == to) else { return };
        let mut calls = vec![call].into_iter();
        self.service.serve(subscriber.client, &subscriber.outbox, &mut calls);
        subscriber.outbox.wake();
    }

    /// Ends the reports to machines from which nothing comes any more.
    fn forget_silent(&mut self, now: Instant) {
        let is_silent = |one: &mut Subscriber| now.duration_since(one.heard) > SILENCE;
        for subscriber in self.subscribers.extract_if(.., is_silent) {
            subscriber.end(&*self.service);
        }
    }
}

impl<S: Service> Drop for Port<S> {
    fn drop(&mut self) {
        self.subscribers.drain(..).for_each(|subscriber| subscriber.end(&*self.service));
        self.service.disconnect(self.client);
    }
}

impl Subscriber {
    fn end(mut self, service: &impl Service) {
        service.disconnect(self.client);
        self.outbox.close();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn at_port(from: SocketAddr, port: Option<u16>) -> SocketAddr {
    SocketAddr::new(from.ip(), port.unwrap_or(from.port()))
}

fn address_of(call: &Result<Call, Refusal>) -> String {
    match call {
        Ok(call) => call.path.to_string(),
        Err(refusal) => refusal.address.clone(),
    }
}

fn rest(error: &io::Error) {
    let is_quiet = matches!(
        error.kind(),
        io::ErrorKind::WouldBlock
            | io::ErrorKind::TimedOut
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    );
    if !is_quiet {
        tracing::warn!("no message from a controller could be read: {error}");
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rosc::{OscMessage, OscPacket, decoder, encoder};

    use super::*;
    use crate::host::control::tests::{Scribe, Told};
    use crate::host::control::{Control, lock};
    use crate::osc::address::tests::example;
    use crate::patch::edit::tests::ring;

    struct Rig {
        control: Arc<Mutex<Control<Scribe>>>,
        server: UdpServer,
        socket: UdpSocket,
    }

    impl Rig {
        fn new() -> Rig {
            let control = Control::new(ring(), Scribe::default()).unwrap();
            let control = Arc::new(Mutex::new(control));
            let server = UdpServer::start(SocketAddr::new(LOOPBACK.ip(), 0), control.clone());
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            Rig { control, server: server.unwrap(), socket }
        }

        fn send(&self, text: &str) {
            let packet = encoder::encode(&OscPacket::Message(example(text))).unwrap();
            self.socket.send_to(&packet, self.server.address()).unwrap();
        }

        fn recv(&self) -> OscMessage {
            let mut packet = [0; 65_535];
            let length = self.socket.recv(&mut packet).unwrap();
            match decoder::decode_udp(&packet[..length]).unwrap() {
                (_, OscPacket::Message(message)) => message,
                (_, OscPacket::Bundle(_)) => panic!("a reply is a message"),
            }
        }
    }

    #[test]
    fn a_controller_turns_a_knob_and_hears_when_it_is_done() {
        let rig = Rig::new();
        rig.send("/param/set a gain 0.5");
        rig.send("/sync 3");
        assert_eq!(rig.recv(), example("/synced 3"));
        let told = lock(&rig.control).sound().0.clone();
        assert_eq!(told.last(), Some(&Told::Param("a".into(), 0, 0.5)));
        rig.send("/undo");
        rig.send("/query/module a");
        assert_eq!(rig.recv(), example("/module a attenuverter 0.0 0.0 false gain 1.0 offset 0.0"));
    }

    #[test]
    fn a_controller_reaches_no_file_and_no_cable() {
        let rig = Rig::new();
        for text in ["/patch/load /etc/passwd", "/patch/save /tmp/x", "/module/remove a"] {
            rig.send(text);
            let reply = rig.recv();
            assert_eq!(reply.addr, "/error");
            assert!(format!("{:?}", reply.args).contains("over UDP"), "{reply:?}");
        }
        assert_eq!(*lock(&rig.control).patch(), ring());
    }

    #[test]
    fn a_subscriber_hears_where_knobs_stand_and_what_is_turned() {
        let rig = Rig::new();
        rig.send("/feedback");
        rig.send("/sync 1");
        assert_eq!(rig.recv(), example("/synced 1"));
        lock(&rig.control).report();
        let all: Vec<OscMessage> = (0..6).map(|_| rig.recv()).collect();
        assert!(all.contains(&example("/a/gain 1.0")) && all.contains(&example("/c/offset 0.0")));
        // Turned by itself, and in the window.
        rig.send("/b/offset \"-1 V\"");
        rig.send("/sync 2");
        assert_eq!(rig.recv(), example("/synced 2"));
        lock(&rig.control).report();
        assert_eq!(rig.recv(), example("/b/offset -1.0"));
        let edit = |value| crate::patch::Edit::SetParam {
            module: "a".parse().unwrap(),
            param: "gain".into(),
            value,
        };
        for value in [0.5, 0.25] {
            lock(&rig.control).edit(edit(value), None).unwrap();
        }
        lock(&rig.control).report();
        assert_eq!(rig.recv(), example("/a/gain 0.25"));
        // Once more, from the start; then no more.
        rig.send("/reports/subscribe params");
        rig.send("/sync 3");
        assert_eq!(rig.recv(), example("/synced 3"));
        lock(&rig.control).report();
        assert_eq!((0..6).map(|_| rig.recv()).filter(|m| *m == example("/a/gain 0.25")).count(), 1);
        rig.send("/feedback/end");
        rig.send("/sync 4");
        assert_eq!(rig.recv(), example("/synced 4"));
        lock(&rig.control).edit(edit(1.0), None).unwrap();
        lock(&rig.control).report();
        rig.send("/sync 5");
        assert_eq!(rig.recv(), example("/synced 5"), "nothing came before");
    }

    #[test]
    fn a_subscriber_can_listen_at_another_port_and_there_are_not_too_many() {
        let rig = Rig::new();
        let listener = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        rig.send(&format!("/feedback {}", listener.local_addr().unwrap().port()));
        rig.send("/sync 1");
        assert_eq!(rig.recv(), example("/synced 1"));
        lock(&rig.control).report();
        let mut packet = [0; 1000];
        let length = listener.recv(&mut packet).unwrap();
        assert!(packet[..length].starts_with(b"/a/gain\0"));
        for port in 2000..2000 + MAX_SUBSCRIBERS - 1 {
            rig.send(&format!("/feedback {port}"));
        }
        rig.send("/feedback");
        let refused = rig.recv();
        assert_eq!(refused.args[0], "/feedback".into());
        assert!(format!("{refused:?}").contains("16 controllers"), "{refused:?}");
        for text in ["/feedback 80", "/feedback 70000", "/feedback here"] {
            rig.send(text);
            assert_eq!(rig.recv().addr, "/error");
        }
        rig.send("/reports/subscribe patch");
        assert_eq!(rig.recv().addr, "/error");
    }

    #[test]
    fn a_machine_from_which_nothing_comes_is_told_nothing_more() {
        let rig = Rig::new();
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let outbox = Arc::new(Outbox::default());
        let client = Service::connect(&*rig.control, outbox.clone(), Rights::Controller);
        let service = rig.control.clone();
        let mut port = Port { service, socket, outbox, client, subscribers: Vec::new() };
        let from = rig.socket.local_addr().unwrap();
        port.subscribe(from, from, Call::read(example("/feedback")));
        let heard = port.subscribers[0].heard;
        port.forget_silent(heard + SILENCE);
        assert_eq!(port.subscribers.len(), 1);
        port.forget_silent(heard + SILENCE + LOOK);
        assert!(port.subscribers.is_empty());
    }

    #[test]
    fn a_controller_finds_the_host_over_ipv6() {
        // Not every machine has it.
        let Ok(socket) = UdpSocket::bind((std::net::Ipv6Addr::LOCALHOST, 0)) else { return };
        let mut rig = Rig::new();
        let at: SocketAddr = "[::1]:0".parse().unwrap();
        rig.server = UdpServer::start(at, rig.control.clone()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        rig.socket = socket;
        rig.send("/sync 3");
        assert_eq!(rig.recv(), example("/synced 3"));
    }

    #[test]
    fn junk_is_answered_with_a_sentence() {
        let rig = Rig::new();
        for junk in [&b"hello"[..], b"", &[0; 1000], &[b'#'; 60_000]] {
            rig.socket.send_to(junk, rig.server.address()).unwrap();
            assert_eq!(rig.recv().addr, "/error");
        }
    }
}
