//! UDP, for controllers, tablets and scripts. Off until asked for.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::call::{Call, Refusal};
use crate::message::Request;
use crate::message::reports::{EndFeedback, Feedback};
use crate::outbox::Outbox;
use crate::packet::split;
use crate::service::{ClientId, Rights, Service, read};
use crate::unreadable::{MAX_SUBSCRIBERS, Unreadable};

/// Where controllers send to, if nothing else is asked for: this machine only.
pub const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9000);

/// How often a silent port looks whether it is to close.
const LOOK: Duration = Duration::from_millis(200);

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
                Ok(Call { request: Request::Feedback(Feedback { port }), .. }) => {
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
                Ok(Call { request: Request::EndFeedback(EndFeedback { port }), .. }) => {
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
                let error = Unreadable::TooManySubscribers;
                let refusal = Refusal { address: address_of(&call), error };
                return self.serve(from, vec![Err(refusal)]);
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
    use super::*;
    use crate::service::Calls;
    use crate::testing::example;

    /// A host that answers nothing.
    struct Deaf;

    impl Service for Deaf {
        fn connect(&self, _: Arc<Outbox>, _: Rights) -> ClientId {
            ClientId(1)
        }

        fn serve(&self, _: ClientId, _: &Outbox, _: &mut Calls) {}

        fn disconnect(&self, _: ClientId) {}
    }

    #[test]
    fn a_machine_from_which_nothing_comes_is_told_nothing_more() {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let from = socket.local_addr().unwrap();
        let mut port = Port {
            service: Arc::new(Deaf),
            socket,
            outbox: Arc::default(),
            client: ClientId(1),
            subscribers: Vec::new(),
        };
        port.subscribe(from, from, Call::read(example("/feedback")));
        let heard = port.subscribers[0].heard;
        port.forget_silent(heard + SILENCE);
        assert_eq!(port.subscribers.len(), 1);
        port.forget_silent(heard + SILENCE + LOOK);
        assert!(port.subscribers.is_empty());
    }
}
