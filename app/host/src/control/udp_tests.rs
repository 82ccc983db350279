//! Controllers at the UDP port, and what a host answers them.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use rosc::{OscMessage, OscPacket, decoder, encoder};
use sostenuto_osc::testing::example;
use sostenuto_osc::udp::{LOOPBACK, UdpServer};
use sostenuto_osc::unreadable::MAX_SUBSCRIBERS;
use sostenuto_patch::testing::ring;

use super::tests::{Scribe, Told};
use super::{Control, SharedControl};

struct Rig {
    control: Arc<SharedControl<Scribe>>,
    server: UdpServer,
    socket: UdpSocket,
}

impl Rig {
    fn new() -> Rig {
        let control = Control::new(ring(), Scribe::default()).unwrap();
        let control = SharedControl::new(control);
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
    let told = rig.control.lock().sound().0.clone();
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
    assert_eq!(*rig.control.lock().patch(), ring());
}

#[test]
fn a_subscriber_hears_where_knobs_stand_and_what_is_turned() {
    let rig = Rig::new();
    rig.send("/feedback");
    rig.send("/sync 1");
    assert_eq!(rig.recv(), example("/synced 1"));
    rig.control.lock().report();
    let all: Vec<OscMessage> = (0..6).map(|_| rig.recv()).collect();
    assert!(all.contains(&example("/a/gain 1.0")) && all.contains(&example("/c/offset 0.0")));
    // Turned by itself, and in the window.
    rig.send("/b/offset \"-1 V\"");
    rig.send("/sync 2");
    assert_eq!(rig.recv(), example("/synced 2"));
    rig.control.lock().report();
    assert_eq!(rig.recv(), example("/b/offset -1.0"));
    let edit = |value| sostenuto_patch::Edit::SetParam {
        module: "a".parse().unwrap(),
        param: "gain".into(),
        value,
    };
    for value in [0.5, 0.25] {
        rig.control.lock().edit(edit(value), None).unwrap();
    }
    rig.control.lock().report();
    assert_eq!(rig.recv(), example("/a/gain 0.25"));
    // Once more, from the start; then no more.
    rig.send("/reports/subscribe params");
    rig.send("/sync 3");
    assert_eq!(rig.recv(), example("/synced 3"));
    rig.control.lock().report();
    assert_eq!((0..6).map(|_| rig.recv()).filter(|m| *m == example("/a/gain 0.25")).count(), 1);
    rig.send("/feedback/end");
    rig.send("/sync 4");
    assert_eq!(rig.recv(), example("/synced 4"));
    rig.control.lock().edit(edit(1.0), None).unwrap();
    rig.control.lock().report();
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
    rig.control.lock().report();
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
