//! Sends what OSC Out modules show over UDP. It runs beside the sound, and looks
//! a few hundred times a second.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use rosc::{OscMessage, OscPacket, OscType};
use sostenuto_modules::module::OSC_VALUES as VALUES;
use sostenuto_patch::Name;

use crate::notice::Notice;

/// Numbers that an OSC Out shows: values, rises, gates, and how often to send.
pub const SHOWN: usize = 3 * VALUES + 1;

/// A change that is too small to be sent, in volts.
const SMALL_VOLTS: f32 = 1e-4;

/// How long a name that is not found is not asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// A gate that is on, in volts, where it is off again already.
const GATE_VOLTS: f32 = 10.0;

/// Where one OSC Out sends to, and what it has sent.
#[derive(Debug)]
pub struct Post {
    text: Name,
    to: Option<SocketAddr>,
    asked: Option<Instant>,
    values: [Value; VALUES],
}

#[derive(Clone, Copy, Debug, Default)]
struct Value {
    sent: Option<(f32, Instant)>,
    rises: f32,
    is_on: bool,
}

/// `HOST:PORT`, and the prefix with its slash.
fn parts(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (host, prefix) = text.split_at(text.find('/').unwrap_or(text.len()));
    (host, prefix.trim_end_matches('/'))
}

impl Post {
    /// Sends to `HOST:PORT/PREFIX`.
    pub fn new(text: Name) -> Post {
        Post { text, to: None, asked: None, values: [Value::default(); VALUES] }
    }

    /// Where it sends to, as it is written.
    pub fn text(&self) -> &Name {
        &self.text
    }

    /// Sends what is new. Asks for the host's address where it has none; that
    /// may take long. The error is to be told, once.
    ///
    /// # Errors
    /// Where nobody can be sent to.
    pub fn send(
        &mut self,
        sockets: &Sockets,
        shown: &[f32; SHOWN],
        now: Instant,
    ) -> Result<(), Notice> {
        if self.text.trim().is_empty() {
            return Ok(());
        }
        let Some(to) = self.address(now)? else { return Ok(()) };
        for (value, volts) in self.due(shown, now) {
            let addr = format!("{}/{}", parts(&self.text).1, value + 1);
            let message = OscMessage { addr, args: vec![OscType::Float(volts)] };
            if let Ok(packet) = rosc::encoder::encode(&OscPacket::Message(message)) {
                sockets.send(&packet, to);
            }
        }
        Ok(())
    }

    fn address(&mut self, now: Instant) -> Result<Option<SocketAddr>, Notice> {
        let has_asked = self.asked.is_some_and(|asked| now < asked + ASK_AGAIN);
        if self.to.is_some() || has_asked {
            return Ok(self.to);
        }
        let is_first = self.asked.replace(now).is_none();
        let found = parts(&self.text).0.to_socket_addrs().into_iter().flatten();
        // Most that receive OSC listen on IPv4 where they have both.
        self.to = found.min_by_key(SocketAddr::is_ipv6);
        if self.to.is_none() && is_first {
            return Err(Notice::OscOutAddress { text: self.text.to_string() });
        }
        Ok(self.to)
    }

    /// What is to be sent by now, in order. A gate goes at once, also one that
    /// is over already; other values not more often than they may.
    fn due(&mut self, shown: &[f32; SHOWN], now: Instant) -> Vec<(usize, f32)> {
        let rate_hz = f64::from(shown[3 * VALUES].clamp(1.0, 1000.0));
        let pause = Duration::from_secs_f64(1.0 / rate_hz);
        let mut due = Vec::new();
        for (index, value) in self.values.iter_mut().enumerate() {
            let volts = shown[index];
            let (rises, is_on) = (shown[VALUES + index], shown[2 * VALUES + index] > 0.0);
            let has_risen = rises != value.rises && value.sent.is_some();
            let has_fallen = value.is_on && !is_on;
            let may = value.sent.is_none_or(|(_, at)| now >= at + pause);
            let is_new = value.sent.is_none_or(|(sent, _)| (sent - volts).abs() > SMALL_VOLTS);
            (value.rises, value.is_on) = (rises, is_on);
            if has_risen && !is_on {
                due.push((index, GATE_VOLTS));
            }
            if has_risen || has_fallen || (may && is_new) {
                due.push((index, volts));
                value.sent = Some((volts, now));
            }
        }
        due
    }
}

/// What is sent from.
#[derive(Debug)]
pub struct Sockets {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
}

impl Sockets {
    /// One for IPv4 and one for IPv6, as far as the system has them.
    ///
    /// # Errors
    /// Where it has neither.
    pub fn open() -> std::io::Result<Sockets> {
        let v4 = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
        let v6 = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).ok();
        match (v4, v6) {
            (Err(error), None) => Err(error),
            (v4, v6) => Ok(Sockets { v4: v4.ok(), v6 }),
        }
    }

    fn send(&self, packet: &[u8], to: SocketAddr) {
        let socket = if to.is_ipv4() { &self.v4 } else { &self.v6 };
        // Who does not get it hears the next one: so it is with UDP.
        let _ = socket.as_ref().map(|socket| socket.send_to(packet, to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(volts: f32, rises: u32, is_on: bool) -> [f32; SHOWN] {
        let mut shown = [0.0; SHOWN];
        shown[0] = volts;
        shown[VALUES] = rises as f32;
        shown[2 * VALUES] = if is_on { 10.0 } else { 0.0 };
        shown[3 * VALUES] = 10.0;
        shown
    }

    fn post() -> (Post, Instant) {
        let (mut post, now) = (Post::new("127.0.0.1:1/x".into()), Instant::now());
        assert_eq!(post.due(&shown(0.0, 0, false), now).len(), VALUES, "all are told at first");
        (post, now)
    }

    #[test]
    fn a_value_is_sent_when_it_changes_and_not_too_often() {
        let (mut post, start) = post();
        let mut sent = Vec::new();
        for millis in 1..=1000 {
            let now = start + Duration::from_millis(millis);
            sent.extend(post.due(&shown(millis as f32 / 1000.0, 0, false), now));
        }
        assert_eq!(sent.len(), 10);
        assert_eq!(sent[9], (0, 1.0));
        let later = start + Duration::from_secs(9);
        assert_eq!(post.due(&shown(1.0, 0, false), later), [], "it stands still");
    }

    #[test]
    fn a_gate_is_sent_at_once_also_one_that_is_over() {
        let (mut post, now) = post();
        assert_eq!(post.due(&shown(8.0, 1, true), now), [(0, 8.0)]);
        assert_eq!(post.due(&shown(0.0, 1, false), now), [(0, 0.0)]);
        assert_eq!(post.due(&shown(0.5, 3, false), now), [(0, 10.0), (0, 0.5)]);
        assert_eq!(post.due(&shown(0.9, 3, false), now), []);
    }

    #[test]
    fn it_arrives_under_its_prefix_over_ipv4_and_ipv6() {
        arrives(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        // Not every machine has it.
        let _ = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).map(arrives);
    }

    #[test]
    fn a_name_is_sent_to_over_ipv4_where_it_has_both() {
        let mut post = Post::new("localhost:9/x".into());
        if let Some(to) = post.address(Instant::now()).unwrap() {
            let all = "localhost:9".to_socket_addrs().unwrap();
            assert_eq!(to.is_ipv4(), all.into_iter().any(|to| to.is_ipv4()));
        }
    }

    fn arrives(receiver: UdpSocket) {
        receiver.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let text = format!("{}/synth/", receiver.local_addr().unwrap());
        let mut post = Post::new(text.as_str().into());
        let mut values = shown(2.5, 0, false);
        values[7] = -1.0;
        post.send(&Sockets::open().unwrap(), &values, Instant::now()).unwrap();
        let mut heard = Vec::new();
        let mut packet = [0; 1000];
        for _ in 0..VALUES {
            let length = receiver.recv(&mut packet).unwrap();
            let (_, OscPacket::Message(message)) =
                rosc::decoder::decode_udp(&packet[..length]).unwrap()
            else {
                panic!("a message")
            };
            heard.push((message.addr, message.args));
        }
        assert_eq!(heard[0], ("/synth/1".to_owned(), vec![OscType::Float(2.5)]));
        assert_eq!(heard[7], ("/synth/8".to_owned(), vec![OscType::Float(-1.0)]));
    }

    #[test]
    fn nobody_to_send_to_is_told_once() {
        let (sockets, now) = (Sockets::open().unwrap(), Instant::now());
        let mut post = Post::new("nonsense".into());
        let error = post.send(&sockets, &shown(0.0, 0, false), now).unwrap_err();
        assert_eq!(error, Notice::OscOutAddress { text: "nonsense".to_owned() });
        assert_eq!(post.send(&sockets, &shown(1.0, 0, false), now), Ok(()));
        assert_eq!(Post::new("".into()).send(&sockets, &shown(0.0, 0, false), now), Ok(()));
        assert_eq!(parts(" localhost:9/a/b/ "), ("localhost:9", "/a/b"));
        assert_eq!(parts("localhost:9"), ("localhost:9", ""));
    }
}
