//! Editors at the local stream, and what a host answers them.

#[cfg(unix)]
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rosc::OscMessage;
use sostenuto_osc::client::Client;
use sostenuto_osc::endpoint::{Endpoint, StreamError};
use sostenuto_osc::mirror::Mirror;
use sostenuto_osc::packet::MAX_PACKET_BYTES;
use sostenuto_osc::stream::{MAX_CONNECTIONS, Server};
use sostenuto_osc::testing::example;
use sostenuto_patch::testing::ring;

use super::tests::Scribe;
use super::{Control, SharedControl};

struct Host {
    server: Option<Server>,
    endpoint: Endpoint,
    control: Arc<SharedControl<Scribe>>,
    // Last: it is removed when the host has ended.
    _folder: tempfile::TempDir,
}

impl Host {
    fn start() -> Host {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::at(folder.path().join("host.sock"));
        let control = Control::new(ring(), Scribe::default()).unwrap();
        let control = SharedControl::new(control);
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
    assert_eq!(host.control.lock().patch().modules["d"].param("gain"), Some(0.25));
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
    assert_eq!(*host.control.lock().patch(), ring());
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
        assert_eq!(mirror.patch(), host.control.lock().patch());
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
    assert_eq!(mirror.patch(), host.control.lock().patch());
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
