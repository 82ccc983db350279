//! UDP, for controllers, tablets and scripts. Off until asked for.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::osc::outbox::Outbox;
use crate::osc::packet::split;
use crate::osc::service::{ClientId, Rights, Service, read};

/// Where controllers send to, if nothing else is asked for: this machine only.
pub const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9000);

/// How often a silent port looks whether it is to close.
const LOOK: Duration = Duration::from_millis(200);

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
            let port = Port { socket, outbox, client };
            let mut packet = vec![0; MAX_DATAGRAM_BYTES];
            while !stopping.load(Ordering::Acquire) {
                port.serve_next(&*service, &mut packet);
            }
            service.disconnect(client);
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

struct Port {
    socket: UdpSocket,
    outbox: Arc<Outbox>,
    client: ClientId,
}

impl Port {
    fn serve_next<S: Service>(&self, service: &S, packet: &mut [u8]) {
        let (length, from) = match self.socket.recv_from(packet) {
            Ok(received) => received,
            // Also what an earlier reply came to: a controller that is gone.
            Err(error) => return self.rest(&error),
        };
        let mut calls = read(&packet[..length]);
        while calls.len() > 0 {
            service.serve(self.client, &self.outbox, &mut calls);
            for reply in split(&self.outbox.take()) {
                // Who does not get it asks again: so it is with UDP.
                let _ = self.socket.send_to(reply, from);
            }
        }
    }

    fn rest(&self, error: &io::Error) {
        let is_quiet = matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::ConnectionReset
        );
        if !is_quiet {
            tracing::warn!("no message from a controller could be read: {error}");
            thread::sleep(LOOK);
        }
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
    fn junk_is_answered_with_a_sentence() {
        let rig = Rig::new();
        for junk in [&b"hello"[..], b"", &[0; 1000], &[b'#'; 60_000]] {
            rig.socket.send_to(junk, rig.server.address()).unwrap();
            assert_eq!(rig.recv().addr, "/error");
        }
    }
}
