//! A host and its editors: what is asked for over OSC is heard, seen by all,
//! and refused in a sentence where it cannot be.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use rosc::{OscBundle, OscMessage, OscPacket, OscTime, OscType};
use sostenuto_dsp::units::CHANNELS;
use sostenuto_osc::client::Client;
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::mirror::Mirror;
use sostenuto_patch::{Patch, file};

/// How long something may take that takes no time on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// `sostenuto host`, silent, in a process of its own.
struct Host {
    child: Child,
    err: BufReader<ChildStderr>,
    udp: SocketAddr,
    folder: tempfile::TempDir,
}

impl Host {
    fn start() -> Host {
        Host::start_with("--block 128 --udp 127.0.0.1:0")
    }

    fn start_with(more: &str) -> Host {
        let folder = tempfile::tempdir().expect("a folder");
        let line = "host --no-journal --silent --workers 3 --input none";
        let mut child = Command::new(env!("CARGO_BIN_EXE_test-sostenuto"))
            .args(line.split_whitespace().chain(more.split_whitespace()))
            .arg("--socket")
            .arg(folder.path().join("host.sock"))
            .env("SOSTENUTO_WORKER", env!("CARGO_BIN_EXE_test-worker"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the host starts");
        let mut err = BufReader::new(child.stderr.take().expect("it was asked for"));
        let (mut said, mut udp) = (String::new(), None);
        // Two threads say these two, in any order.
        while udp.is_none() || !said.contains("The patch runs on the silent clock") {
            assert!(err.read_line(&mut said).expect("it prints text") > 0, "it ended: {said}");
            let last = said.lines().last().and_then(|line| line.strip_suffix(" (UDP)."));
            let address = last.and_then(|line| line.strip_prefix("Controllers find it at "));
            udp = address.map(|address| address.parse().expect("an address")).or(udp);
        }
        let udp = udp.expect("the loop saw it");
        Host { child, err, udp, folder }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::at(self.path("host.sock"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn editor(&self) -> Editor {
        let client = Client::connect(&self.endpoint()).expect("the host listens");
        // Named pipes have none.
        #[cfg(unix)]
        client.set_timeout(Some(PATIENCE)).expect("a socket");
        Editor { client, mirror: Mirror::default() }
    }

    fn controller(&self) -> Controller {
        let socket = match self.udp.is_ipv6() {
            true => UdpSocket::bind("[::1]:0"),
            false => UdpSocket::bind("127.0.0.1:0"),
        };
        let socket = socket.expect("a port");
        socket.connect(self.udp).expect("the host's port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Controller(socket)
    }

    /// Waits for its end, and returns its exit code and what else it said.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.err.read_to_string(&mut said).expect("it prints text");
        let code = self.child.wait().expect("it ends").code();
        assert!(!self.path("host.sock").exists());
        (code, said)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A message as one would type it: words, whole numbers, numbers with a point.
fn message(line: &str) -> OscMessage {
    let mut words = line.split_whitespace();
    let addr = words.next().expect("an address").to_owned();
    let args = words.map(|word| {
        if let Ok(int) = word.parse() {
            OscType::Int(int)
        } else if let Ok(float) = word.parse() {
            OscType::Float(float)
        } else {
            match word {
                "true" => OscType::Bool(true),
                "false" => OscType::Bool(false),
                _ => OscType::String(word.to_owned()),
            }
        }
    });
    OscMessage { addr, args: args.collect() }
}

/// An editor, with the patch as it knows it.
struct Editor {
    client: Client,
    mirror: Mirror,
}

impl Editor {
    /// Asks for all these, and returns what the host has said until they were
    /// done, reports and all.
    fn ask(&mut self, lines: &[&str]) -> Vec<OscMessage> {
        for line in lines {
            self.client.send(message(line)).expect("the host listens");
        }
        self.sync()
    }

    fn sync(&mut self) -> Vec<OscMessage> {
        self.client.send(message("/sync 77")).expect("the host listens");
        let mut said = Vec::new();
        loop {
            let next = self.hear();
            if next == message("/synced 77") {
                return said;
            }
            said.push(next);
        }
    }

    fn hear(&mut self) -> OscMessage {
        let message = self.client.recv().expect("the host answers");
        self.mirror.hear(message.clone());
        message
    }

    /// Asks for all these, and none may be refused.
    #[track_caller]
    fn done(&mut self, lines: &[&str]) {
        let said = self.ask(lines);
        let error = said.iter().find(|message| message.addr == "/error");
        assert_eq!(error, None);
    }

    /// Asks for this, which is refused: returns the sentence.
    #[track_caller]
    fn refused(&mut self, line: &str) -> String {
        let said = self.ask(&[line]);
        let errors: Vec<&OscMessage> = said.iter().filter(|m| m.addr == "/error").collect();
        let [error] = errors[..] else { panic!("{line}: {said:?}") };
        sentence(error, line.split_whitespace().next().expect("an address"))
    }

    /// The host's patch as it is now.
    fn patch(&mut self) -> Patch {
        self.ask(&["/patch/get"]);
        self.mirror.patch().clone()
    }

    /// How many blocks the host has computed.
    fn blocks(&mut self) -> i64 {
        let said = self.ask(&["/query/status"]);
        let status = said.iter().find(|message| message.addr == "/status").expect("it is asked");
        status.args[6].clone().long().expect("a count")
    }

    /// Hears meters until a module's numbers are as wanted.
    #[track_caller]
    fn until_meters(&mut self, module: &str, are_so: impl Fn(&[f32]) -> bool) {
        let (began, mut last) = (Instant::now(), Vec::new());
        while last.is_empty() || !are_so(&last) {
            assert!(began.elapsed() < PATIENCE, "{module} shows {last:?}");
            let OscMessage { addr, args } = self.hear();
            if addr == "/meters" && args[0] == OscType::String(module.into()) {
                last = args[1..].iter().filter_map(|arg| arg.clone().float()).collect();
            }
        }
    }
}

/// The sentence of an `/error` about that address.
#[track_caller]
fn sentence(error: &OscMessage, address: &str) -> String {
    assert_eq!(error.addr, "/error", "{error:?}");
    let [OscType::String(about), OscType::String(sentence)] = &error.args[..] else {
        panic!("{error:?}")
    };
    assert_eq!(about, address, "{sentence}");
    assert!(sentence.ends_with(['.', '?', '`']) || sentence.contains(": /"), "{sentence}");
    sentence.clone()
}

/// A controller on the UDP port.
struct Controller(UdpSocket);

impl Controller {
    fn send(&self, bytes: &[u8]) {
        self.0.send(bytes).expect("the host's port");
    }

    /// Asks for this; the host says something back.
    fn ask(&self, line: &str) -> OscMessage {
        let packet = OscPacket::Message(message(line));
        self.send(&rosc::encoder::encode(&packet).expect("a message"));
        self.hear()
    }

    fn hear(&self) -> OscMessage {
        let mut bytes = [0; 65_536];
        let length = self.0.recv(&mut bytes).expect("the host answers");
        match rosc::decoder::decode_udp(&bytes[..length]) {
            Ok((_, OscPacket::Message(message))) => message,
            other => panic!("{other:?}"),
        }
    }
}

/// Messages in one packet.
fn bundle(lines: &[&str]) -> Vec<u8> {
    let content = lines.iter().map(|line| OscPacket::Message(message(line))).collect();
    let bundle = OscBundle { timetag: OscTime { seconds: 0, fractional: 1 }, content };
    rosc::encoder::encode(&OscPacket::Bundle(bundle)).expect("a bundle")
}

/// What was heard in the last minute.
fn heard(host: &Host, editor: &mut Editor) -> Vec<[f32; 2]> {
    let path = host.path("heard.wav");
    let _ = std::fs::remove_file(&path);
    editor.done(&["/reports/subscribe recorder"]);
    let save = format!("/record/save-last {} f32 60.0", path.display());
    let mut said = editor.ask(&[&save]);
    while said.iter().all(|message| message.addr != "/recorded") {
        assert!(said.iter().all(|message| message.addr != "/error"), "{said:?}");
        said = vec![editor.hear()];
    }
    editor.done(&["/reports/unsubscribe recorder"]);
    let mut wav = hound::WavReader::open(&path).expect("it is whole");
    let samples: Vec<f32> = wav.samples().map(|sample| sample.expect("a sample")).collect();
    samples.chunks_exact(2).map(|frame| [frame[0], frame[1]]).collect()
}

/// A tone, from nothing.
const A_TONE: [&str; 4] = [
    "/module/add vco vco 0.0 0.0 octave 1",
    "/module/add out audio-out 200.0 0.0",
    "/cable/connect vco.sine out.left",
    "/param/set out level -6.0",
];

#[test]
fn what_is_patched_is_heard_and_what_is_pulled_out_is_not() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&["/reports/subscribe meters", "/module/add out audio-out 200.0 0.0"]);
    editor.until_meters("out", |volts| volts == [0.0, 0.0]);
    editor.done(&["/module/add vco vco 0.0 0.0 octave 1", "/cable/connect vco.sine out.left"]);
    // Unpatched, right is what left is.
    editor.until_meters("out", |volts| volts.iter().all(|&v| v > 4.5));
    editor.done(&["/param/set out level -12.0"]);
    editor.until_meters("out", |volts| volts.iter().all(|&v| v < 1.5));
    editor.done(&["/param/set out level 0"]);
    editor.until_meters("out", |volts| volts.iter().all(|&v| v > 4.5));
    editor.done(&["/cable/disconnect vco.sine out.left"]);
    editor.until_meters("out", |volts| volts.iter().all(|&v| v < 0.5));
}

#[test]
fn a_key_is_heard_while_it_is_down() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    editor.done(&[
        "/module/add keys keyboard 0.0 0.0 voices 2",
        "/module/add vca vca 0.0 0.0",
        "/cable/disconnect vco.sine out.left",
        "/cable/connect vco.sine vca.in",
        "/cable/connect keys.gate vca.cv",
        "/cable/connect vca.out out.left",
        "/reports/subscribe meters",
    ]);
    editor.until_meters("out", |volts| volts.iter().all(|&v| v < 0.1));
    editor.done(&["/note/on keys 69 0.8"]);
    editor.until_meters("keys", |gates| {
        gates[..CHANNELS].iter().filter(|&&gate| gate == 10.0).count() == 1
    });
    editor.until_meters("out", |volts| volts[0] > 0.5);
    editor.done(&["/note/off keys 69"]);
    editor.until_meters("keys", |gates| gates[..CHANNELS].iter().all(|&gate| gate == 0.0));
    editor.until_meters("out", |volts| volts[0] < 0.1);
    editor.done(&["/note/on keys 60 1.0", "/note/on keys 64 1.0"]);
    editor.until_meters("keys", |gates| {
        gates[..CHANNELS].iter().filter(|&&gate| gate == 10.0).count() == 2
    });
    editor.done(&["/note/all-off"]);
    editor.until_meters("keys", |gates| gates[..CHANNELS].iter().all(|&gate| gate == 0.0));
    assert!(editor.refused("/note/on vco 69 0.8").contains("(VCO) takes no notes"));
}

#[test]
fn every_step_can_be_undone_and_made_again() {
    let host = Host::start();
    let mut editor = host.editor();
    let mut patches = vec![editor.patch()];
    for line in A_TONE {
        editor.done(&[line]);
        patches.push(editor.patch());
    }
    for patch in patches.iter().rev().skip(1) {
        editor.done(&["/undo"]);
        assert_eq!(editor.patch(), *patch);
    }
    assert_eq!(editor.refused("/undo"), "There is nothing to undo.");
    for patch in patches.iter().skip(1) {
        editor.done(&["/redo"]);
        assert_eq!(editor.patch(), *patch);
    }
    assert_eq!(editor.refused("/redo"), "There is nothing to redo.");
    // A gesture is one step, however much is in it.
    editor.done(&["/gesture/begin"]);
    for level in 1..50 {
        editor.done(&[&format!("/param/set out level -{level}.5")]);
    }
    editor.done(&["/module/remove vco", "/gesture/end", "/undo"]);
    assert_eq!(Some(&editor.patch()), patches.last());
}

#[test]
fn the_cable_that_closes_a_loop_is_delayed_until_another_is() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    editor.done(&["/module/add vca vca 0.0 0.0", "/cable/connect vco.sine vca.in"]);
    let open = editor.patch();
    assert!(open.delayed.is_empty());
    editor.done(&["/cable/connect vca.out vco.fm"]);
    let closed = editor.patch();
    let [closing, other] =
        ["vca.out -> vco.fm", "vco.sine -> vca.in"].map(|text| text.parse().expect("a cable"));
    assert_eq!(closed.delayed, [closing].into());
    assert!(editor.refused("/cable/delay vca.out vco.fm false").contains("another cable"));
    editor.done(&["/gesture/begin", "/cable/delay vco.sine vca.in true"]);
    editor.done(&["/cable/delay vca.out vco.fm false", "/gesture/end"]);
    assert_eq!(editor.patch().delayed, [other].into());
    editor.done(&["/undo"]);
    assert_eq!(editor.patch(), closed);
    editor.done(&["/redo", "/cable/disconnect vca.out vco.fm"]);
    assert_eq!(editor.patch(), open);
}

#[test]
fn a_knob_of_a_module_that_is_only_just_there_is_turned() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    for _ in 0..10 {
        // Quicker than plans are made: what plays is still a VCA when the knobs
        // of a sequencer are turned, and it has fewer.
        editor.done(&["/module/add x vca 0.0 0.0"]);
        editor.done(&["/param/set x level 0.5"]);
        editor.done(&["/module/remove x"]);
        editor.done(&["/module/add x sequencer 0.0 0.0"]);
        editor.done(&["/param/set x chance-8 0.5"]);
        assert_eq!(editor.patch().modules["x"].param("chance-8"), Some(0.5));
        editor.done(&["/module/remove x"]);
        let now = editor.blocks();
        while editor.blocks() < now + 20 {}
    }
    assert_eq!(editor.patch().modules["vco"].param("octave"), Some(1.0));
    editor.done(&["/reports/subscribe meters", "/param/set out level 0"]);
    editor.until_meters("out", |volts| volts.iter().all(|&v| v > 4.9 && v < 5.1));
}

#[test]
fn a_host_says_what_it_is_and_how_it_is_doing() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    let said = editor.ask(&["/query/host"]);
    assert_eq!(said[0].args[2], OscType::Int(host.child.id() as i32));
    let said = editor.ask(&["/query/module vco"]);
    assert_eq!(said[0].addr, "/module");
    let octave = said[0].args.iter().position(|arg| *arg == OscType::String("octave".into()));
    assert_eq!(said[0].args[octave.expect("it is named") + 1], OscType::Float(1.0));
    let said = editor.ask(&["/query/status"]);
    let [status, workers @ ..] = &said[..] else { panic!("{said:?}") };
    assert_eq!(status.args[..2], [OscType::Float(48_000.0), OscType::Int(128)]);
    assert_eq!(status.args[2], OscType::String("silent clock".into()));
    assert!(workers.iter().all(|worker| worker.addr == "/worker"));
    assert_eq!(status.args[7], OscType::Int(workers.len() as i32));
    let state = |word: &str| {
        let word = OscType::String(word.into());
        workers.iter().filter(|worker| worker.args[2] == word).count()
    };
    assert_eq!(state("working"), 3);
    assert!(editor.refused("/query/module vca").contains("`vca`"));
}

#[test]
fn health_is_reported_to_who_subscribed_until_they_have_enough() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&["/reports/subscribe health"]);
    let blocks = |editor: &mut Editor| loop {
        let OscMessage { addr, args } = editor.hear();
        if addr == "/status" {
            return args[6].clone().long().expect("a count");
        }
    };
    let (first, second) = (blocks(&mut editor), blocks(&mut editor));
    assert!(second > first, "time goes on: {first}, {second}");
    editor.done(&["/reports/unsubscribe health"]);
    assert_eq!(editor.ask(&["/query/host"]).len(), 1);
}

#[test]
fn two_editors_see_the_same_patch() {
    let host = Host::start();
    let mut editors = [host.editor(), host.editor()];
    for editor in &mut editors {
        editor.done(&["/reports/subscribe patch", "/patch/get"]);
    }
    let [ada, bob] = &mut editors;
    ada.done(&A_TONE);
    bob.sync();
    bob.done(&["/module/add lfo lfo 0.0 0.0", "/cable/connect lfo.sine vco.fm", "/undo"]);
    ada.sync();
    ada.done(&["/module/rename vco lead", "/module/bypass lead true", "/module/move out 1.0 2.0"]);
    bob.sync();
    bob.done(&["/patch/title Duet", "/patch/new", "/undo", "/param/set lead fm-mode linear"]);
    ada.sync();
    let [ada, bob] = editors.map(|mut editor| {
        assert!(editor.mirror.is_in_step());
        let seen = editor.mirror.patch().clone();
        assert_eq!(seen, editor.patch(), "what was reported is what the host has");
        seen
    });
    assert_eq!(ada, bob);
    assert_eq!((ada.title.as_str(), ada.modules.len(), ada.cables.len()), ("Duet", 3, 1));
    assert_eq!(ada.modules["lead"].param("fm-mode"), Some(1.0));
}

#[test]
fn the_sound_is_set_recorded_and_disturbed_over_the_wire() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    let setup = |editor: &mut Editor| editor.ask(&["/query/sound"]).remove(0).args;
    let before = setup(&mut editor);
    assert_eq!(before[..4], message("/sound silent 48000 128 1").args);
    assert_eq!(before[5], OscType::Bool(false));
    editor.done(&["/sound/set block 64 ahead 3"]);
    let began = Instant::now();
    while setup(&mut editor)[2] != OscType::Int(64) {
        assert!(began.elapsed() < PATIENCE, "{:?}", setup(&mut editor));
    }
    assert_eq!(setup(&mut editor)[3], OscType::Int(3));
    let devices = editor.ask(&["/query/devices"]);
    let cards = devices.iter().filter(|message| message.addr == "/device").count();
    assert_eq!(devices[0].args, [OscType::Int(cards as i32)]);

    editor.done(&["/reports/subscribe recorder health view"]);
    let path = host.path("tone.wav");
    editor.done(&[&format!("/record/start {} s24", path.display())]);
    let until = |editor: &mut Editor, addr: &str| {
        let began = Instant::now();
        loop {
            assert!(began.elapsed() < PATIENCE, "no {addr}");
            let heard = editor.hear();
            if heard.addr == addr {
                return heard.args;
            }
        }
    };
    while until(&mut editor, "/recorder")[0] != OscType::Bool(true) {}
    editor.done(&["/drill/kill"]);
    let killed = until(&mut editor, "/drill/killed");
    assert!(matches!(killed[..], [OscType::Int(_), OscType::Int(0..3), ..]), "{killed:?}");
    editor.done(&["/record/stop"]);
    let recorded = until(&mut editor, "/recorded");
    assert_eq!(recorded[0], OscType::String(path.display().to_string()));
    let peak = recorded[2].clone().float().expect("a number");
    // 5 V, 6 dB less, of 10 V.
    assert!((peak - 0.2506).abs() < 0.01, "{peak}");
    assert_eq!(editor.refused("/record/stop"), "Nothing is being recorded.");
    assert!(editor.refused(&format!("/record/start {} s24", path.display())).contains("another"));
    assert!(editor.refused("/drill/kill 31").contains("No worker"));
}

#[test]
fn a_patch_is_saved_and_loaded_again() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    let patch = editor.patch();
    let path = host.path("tone.sostenuto");
    let (save, load) =
        (format!("/patch/save {}", path.display()), format!("/patch/load {}", path.display()));
    editor.done(&[&save]);
    assert_eq!(file::load(&path).expect("it was saved"), patch);
    editor.done(&["/patch/new"]);
    assert_eq!(editor.patch(), Patch::default());
    editor.done(&[&load]);
    assert_eq!(editor.patch(), patch);
    // What is no patch is neither loaded nor written over.
    std::fs::write(&path, "Dear diary").expect("room");
    assert!(editor.refused(&load).contains("was not changed"));
    assert!(editor.refused(&save).contains("was not overwritten"));
    assert!(editor.refused("/patch/load tone.sostenuto").contains("full path"));
    assert!(editor.refused("/patch/load /no/where.sostenuto").contains("cannot be opened"));
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "Dear diary");
    assert_eq!(editor.patch(), patch);
}

#[test]
fn what_cannot_be_done_is_a_sentence_and_changes_nothing() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    let before = editor.patch();
    for (line, word) in [
        ("/module/add lead vcoo 0.0 0.0", "`vco`"),
        ("/module/add vco vco 0.0 0.0", "`vco`"),
        ("/module/add Lead vco 0.0 0.0", "`Lead`"),
        ("/module/add lead vco here there", "a number"),
        ("/module/add lead vco", "is missing"),
        ("/module/add lead vco 0.0 inf", "must be finite"),
        ("/module/remove lead", "`lead`"),
        ("/module/rename vco out", "`out`"),
        ("/cable/connect vco.sow out.left", "`saw`"),
        ("/cable/connect vco.sine out.left", "already"),
        ("/cable/connect vco out.left", "MODULE.PORT"),
        ("/cable/disconnect vco.saw out.left", "no cable"),
        ("/cable/delay vco.saw out.left true", "no cable"),
        ("/cable/delay vco.sine out.left true", "not part of a loop"),
        ("/cable/delay vco.sine out.left later", "true or false"),
        ("/param/set out level 100.0", "-60 dB"),
        ("/param/set out level NaN", "`out.level`"),
        ("/param/set out level loud", "`loud`"),
        ("/param/set out lever 1.0", "`level`"),
        ("/param/set out level", "is missing"),
        ("/param/set out level 1.0 1 1", "Too many arguments"),
        ("/param/set 1 level 1.0", "a string"),
        ("/note/on out 60 0.5", "takes no notes"),
        ("/reports/subscribe weather", "patch, meters, health"),
        ("/gesture/end", "No gesture"),
        ("/sync soon", "a whole number"),
        ("/parm/set out level 1.0", "`/param/set`"),
        ("/status", "not a request"),
        ("/", "no such address"),
    ] {
        let sentence = editor.refused(line);
        assert!(sentence.contains(word), "{line}: {sentence}");
        assert_eq!(editor.patch(), before, "{line}");
    }
}

#[test]
#[cfg(unix)]
fn bytes_that_are_no_message_are_answered_and_change_nothing() {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    let before = editor.patch();
    let framed = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    let answer = |stream: &mut UnixStream| {
        let mut length = [0; 4];
        stream.read_exact(&mut length).expect("the host answers");
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut bytes).expect("the host answers");
        match rosc::decoder::decode_udp(&bytes) {
            Ok((_, OscPacket::Message(message))) => message,
            other => panic!("{other:?}"),
        }
    };
    let connect = || {
        let stream = UnixStream::connect(host.path("host.sock")).expect("the host listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream
    };
    let remove = OscPacket::Message(message("/module/remove vco"));
    let remove = rosc::encoder::encode(&remove).expect("a message");

    // One after another on one connection, which goes on.
    let mut stream = connect();
    // A bundle that begins well and ends in nothing is done whole or not at all.
    let torn = [b"#bundle\0\0\0\0\0\0\0\0\x01", &framed(&remove)[..], b"\0\0\0\x10/und"].concat();
    for junk in [&b""[..], b"hello, world", b"/undo", b"/undo\0\0\0\0\0\0\x01", &[0xff; 64], &torn]
    {
        stream.write_all(&framed(junk)).expect("the host reads");
        assert!(sentence(&answer(&mut stream), "").contains("Nothing has changed."));
    }
    // A type that the tag promises and the bytes do not hold.
    stream.write_all(&framed(b"/undo\0\0\0,b\0\0\x7f\xff\xff\xff")).expect("the host reads");
    sentence(&answer(&mut stream), "");

    // A length that nobody means ends the connection, with a word.
    stream.write_all(&[0xff; 4]).expect("the host reads");
    assert!(sentence(&answer(&mut stream), "").contains("longer than"));
    assert_eq!(stream.read(&mut [0]).expect("the host hangs up"), 0);

    // Half a message, and then nothing more.
    for half in [2, 4, 8, remove.len() + 3] {
        connect().write_all(&framed(&remove)[..half]).expect("the host reads");
    }
    assert_eq!(editor.patch(), before);
}

#[test]
fn a_controller_turns_knobs_and_plays_but_loads_nothing() {
    let host = Host::start();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    let controller = host.controller();
    let packet = OscPacket::Message(message("/param/set out level -24.0"));
    controller.send(&rosc::encoder::encode(&packet).expect("a message"));
    assert_eq!(controller.ask("/sync 3"), message("/synced 3"));
    let before = editor.patch();
    assert_eq!(before.modules["out"].param("level"), Some(-24.0));

    for line in [
        "/patch/load /etc/hosts",
        "/patch/save /tmp/over.sostenuto",
        "/patch/new",
        "/module/remove vco",
        "/cable/disconnect vco.sine out.left",
        "/host/quit",
    ] {
        let address = line.split_whitespace().next().expect("an address");
        assert!(sentence(&controller.ask(line), address).contains("over UDP"), "{line}");
    }
    for junk in [&b"junk"[..], b"/undo", b"#bundle\0", &[0xff; 2000]] {
        controller.send(junk);
        assert!(sentence(&controller.hear(), "").contains("Nothing has changed."));
    }
    assert!(sentence(&controller.ask("/param/set out level 99.0"), "/param/set").contains("dB"));
    assert_eq!(editor.patch(), before);
}

#[test]
fn every_press_in_one_packet_is_heard_by_udp_and_stream_at_any_block_and_rate() {
    const TAPS: usize = 20;
    for (block, rate) in [(32, 44_100), (256, 48_000), (2048, 96_000)] {
        let more = format!("--block {block} --sample-rate {rate}");
        let host = Host::start_with(&format!("{more} --udp 127.0.0.1:0"));
        let (mut editor, controller) = (host.editor(), host.controller());
        editor.done(&["/module/add out audio-out 0.0 0.0 dc-block off"]);
        let pressed = [
            ("buttons", "gate-3", ["/buttons/button-3 1", "/buttons/button-3 0"]),
            ("xy-pad", "gate", ["/param/set xy-pad touch true", "/param/set xy-pad touch false"]),
            ("ribbon", "gate", ["/ribbon/touch on", "/ribbon/touch off"]),
            ("osc-in", "value-2", ["/in/osc-in/2 true", "/in/osc-in/2 false"]),
            ("keyboard", "gate", ["/key/keyboard/60 1.0", "/key/keyboard/60 0"]),
        ];
        for (kind, port, _) in pressed {
            let param = if kind == "osc-in" { "smoothing 0" } else { "" };
            editor.done(&[&format!("/module/add {kind} {kind} 0.0 0.0 {param}")]);
            editor.done(&[&format!("/cable/connect {kind}.{port} out.left")]);
        }
        // The cables have faded in.
        let began = editor.blocks();
        while editor.blocks() < began + 20 {}
        for (kind, _, press) in pressed {
            for tap in 0..TAPS {
                if tap % 2 == 1 {
                    editor.done(&press);
                    continue;
                }
                controller.send(&bundle(&press));
                assert_eq!(controller.ask("/sync 1"), message("/synced 1"), "{kind}");
            }
            // 20 presses of 2.7 ms take 54 ms.
            let began = editor.blocks();
            while editor.blocks() < began + 4 + rate / 10 / block {}
        }
        let frames = heard(&host, &mut editor);
        let is_on: Vec<bool> = frames.iter().map(|frame| frame[0] > 0.05).collect();
        let stretches: Vec<&[bool]> = is_on.chunk_by(|a, b| a == b).collect();
        let heard = stretches.iter().filter(|stretch| stretch[0]).count();
        assert_eq!(heard, TAPS * pressed.len(), "{more}");
        let between = &stretches[1..stretches.len() - 1];
        let shortest = between.iter().map(|stretch| stretch.len()).min().expect("some");
        assert!(shortest >= rate as usize / 1000, "{more}: {shortest} frames");
    }
}

#[test]
fn what_a_tablet_sends_is_taken() {
    let host = Host::start();
    let (mut editor, controller) = (host.editor(), host.controller());
    editor.done(&A_TONE);
    editor.done(&[
        "/module/add mix mixer 0.0 0.0",
        "/module/add lp svf 0.0 0.0",
        "/module/add in osc-in 0.0 0.0 smoothing 0",
        "/module/add note vca 0.0 0.0",
        "/reports/subscribe meters",
    ]);
    let param = |editor: &mut Editor, module: &str, param: &str| {
        editor.patch().modules[module].param(param).expect("it is there")
    };
    let send = |packet: OscMessage| {
        controller.send(&rosc::encoder::encode(&OscPacket::Message(packet)).expect("a message"));
        assert_eq!(controller.ask("/sync 9"), message("/synced 9"), "it was taken");
    };
    let with = |addr: &str, arg: OscType| OscMessage { addr: addr.into(), args: vec![arg] };
    // Every number there is, true and false, and what the window reads.
    let text = |text: &str| OscType::String(text.into());
    for (addr, arg, module, name, value) in [
        ("/mix/mute-1", OscType::Bool(true), "mix", "mute-1", 1.0),
        ("/mix/mute-1", OscType::Bool(false), "mix", "mute-1", 0.0),
        ("/mix/mute-2", OscType::Int(1), "mix", "mute-2", 1.0),
        ("/mix/mute-2", OscType::Long(0), "mix", "mute-2", 0.0),
        ("/mix/mute-3", OscType::Float(1.0), "mix", "mute-3", 1.0),
        ("/mix/mute-4", OscType::Double(1.0), "mix", "mute-4", 1.0),
        ("/mix/mute-5", text("on"), "mix", "mute-5", 1.0),
        ("/lp/cutoff", text("1.5 kHz"), "lp", "cutoff", 1500.0),
        ("/lp/cutoff", text("A4"), "lp", "cutoff", 440.0),
        ("/lp/cutoff", text("*2"), "lp", "cutoff", 880.0),
        ("/lp/cutoff", OscType::Double(500.0), "lp", "cutoff", 500.0),
        ("/out/level", text("-6 dB"), "out", "level", -6.0),
        ("/out/level", OscType::Long(-12), "out", "level", -12.0),
        ("/param/note/level", text("50 %"), "note", "level", 0.5),
        ("/param/out/level", OscType::Int(-20), "out", "level", -20.0),
    ] {
        send(with(addr, arg.clone()));
        let is = param(&mut editor, module, name);
        assert!((is - value).abs() <= 1e-3 * value.abs(), "{addr} {arg:?}: {is}");
    }
    for (arg, volts) in [
        (OscType::Bool(true), 10.0),
        (OscType::Bool(false), 0.0),
        (text("2.5 V"), 2.5),
        (OscType::Int(-3), -3.0),
        (OscType::Double(4.0), 4.0),
    ] {
        send(with("/in/in/1", arg));
        editor.until_meters("in", |shown| shown[0] == volts);
    }
    // A button without a number, with one, and as it comes up.
    editor.done(&["/param/set out level -12.0", "/param/set out level -20.0"]);
    for (packet, level) in [
        (&b"/undo\0\0\0"[..], -12.0),
        (b"/redo\0\0\0,\0\0\0", -20.0),
        (b"/undo\0\0\0,f\0\0\0\0\0\0", -20.0),
        (b"/undo\0\0\0,f\0\0\x3f\x80\0\0", -12.0),
        (b"/redo\0\0\0,T\0\0", -20.0),
        (b"/note/all-off\0\0\0", -20.0),
    ] {
        controller.send(packet);
        assert_eq!(controller.ask("/sync 9"), message("/synced 9"), "{packet:?}");
        assert_eq!(param(&mut editor, "out", "level"), level, "{packet:?}");
    }
    let before = editor.patch();
    for (line, word) in [
        ("/lp/cutof 1.0", "`cutoff`"),
        ("/lpp/cutoff 1.0", "`lp`"),
        ("/lp/cutoff loud", "`loud`"),
        ("/lp/cutoff 1.0 2.0", "no such address"),
        ("/note/level 1.0", "no such address"),
        ("/in/in/1 loud", "`loud`"),
        ("/in/in/1 11", "-10 to 10"),
        ("/undo now", "a number"),
    ] {
        let address = line.split_whitespace().next().expect("an address");
        assert!(sentence(&controller.ask(line), address).contains(word), "{line}");
    }
    assert_eq!(editor.patch(), before);
}

#[test]
fn a_controller_that_subscribes_is_told_of_every_knob_that_is_turned() {
    let host = Host::start_with("--block 128 --udp [::1]:0");
    let (mut editor, controller) = (host.editor(), host.controller());
    editor.done(&A_TONE);
    controller.send(b"/feedback\0\0\0");
    let until = |what: &str| {
        let began = Instant::now();
        while controller.hear() != message(what) {
            assert!(began.elapsed() < PATIENCE, "no {what}");
        }
    };
    // Where knobs stand already, and what is done in a window, by undo, by a
    // load, and by another controller.
    until("/out/level -6.0");
    editor.done(&["/param/set out level -12"]);
    until("/out/level -12.0");
    editor.done(&["/undo"]);
    until("/out/level -6.0");
    host.controller().ask("/out/level nonsense");
    editor.done(&["/module/add lp svf 0.0 0.0 cutoff 500.0"]);
    until("/lp/cutoff 500.0");
    editor.done(&["/module/rename lp sound"]);
    until("/param/sound/cutoff 500.0");
    // Many turns in a row end where the knob stands.
    let turns: Vec<String> = (0..500).map(|n| format!("/out/level -{n}e-1")).collect();
    editor.done(&turns.iter().map(String::as_str).collect::<Vec<_>>());
    until("/out/level -49.9");
}

/// The largest step from frame to frame.
fn steps(frames: &[[f32; 2]]) -> f32 {
    let pairs = frames.windows(2).map(|pair| (pair[1][0] - pair[0][0]).abs());
    pairs.fold(0.0, f32::max)
}

#[test]
fn a_panic_lets_everything_go_cuts_what_rings_and_lets_clocks_play_on() {
    let host = Host::start();
    let (mut editor, controller) = (host.editor(), host.controller());
    editor.done(&A_TONE);
    editor.done(&[
        "/cable/disconnect vco.sine out.left",
        "/param/set vco octave -1",
        "/module/add keys keyboard 0.0 0.0 voices 4",
        "/module/add buttons buttons 0.0 0.0 keys latched",
        "/module/add pad xy-pad 0.0 0.0",
        "/module/add ribbon ribbon 0.0 0.0",
        "/module/add in osc-in 0.0 0.0 smoothing 0",
        "/module/add env adsr 0.0 0.0 release 20.0 attack 0.05",
        "/module/add vca vca 0.0 0.0",
        "/module/add echo delay 0.0 0.0 feedback 1.0 mix 0.5",
        "/module/add clock clock 0.0 0.0",
        "/cable/connect keys.gate env.gate",
        "/cable/connect env.env vca.cv",
        "/cable/connect vco.sine vca.in",
        "/cable/connect vca.out echo.left",
        "/cable/connect echo.left out.left",
        "/reports/subscribe meters notices",
        "/note/on keys 60 1.0",
        "/note/on buttons 61 1.0",
        "/note/off buttons 61",
        "/buttons/button-1 1",
        "/pad/touch 1",
        "/ribbon/touch 1",
        "/in/in/4 10.0",
    ]);
    editor.until_meters("out", |volts| volts[0] > 1.0);
    editor.until_meters("buttons", |gates| gates[..2] == [10.0, 10.0]);
    editor.until_meters("in", |volts| volts[3] == 10.0);
    editor.until_meters("clock", |shown| shown[0] > 0.5);
    // Some echoes.
    let began = editor.blocks();
    while editor.blocks() < began + 400 {}
    controller.send(b"/panic\0\0");
    assert_eq!(controller.ask("/sync 1"), message("/synced 1"));
    editor.until_meters("keys", |gates| gates[..CHANNELS].iter().all(|&gate| gate == 0.0));
    editor.until_meters("buttons", |gates| gates.iter().all(|&gate| gate == 0.0));
    editor.until_meters("in", |volts| volts[3] == 0.0);
    let patch = editor.patch();
    for (module, param) in [("buttons", "button-1"), ("pad", "touch"), ("ribbon", "touch")] {
        assert_eq!(patch.modules[module].param(param), Some(0.0), "{module}");
    }
    // Clocks go on.
    editor.until_meters("clock", |shown| shown[0] > 0.5);
    editor.until_meters("clock", |shown| shown[0] < 0.5);
    let began = editor.blocks();
    while editor.blocks() < began + 400 {}
    let frames = heard(&host, &mut editor);
    let last = frames.iter().rposition(|frame| frame[0].abs() > 1e-4).expect("it was heard");
    assert!(frames.len() - last > 24_000, "it rings on");
    // From frame to frame, a low sine moves by 2 % of its peak: a cut would be a step.
    let peak = frames.iter().map(|frame| frame[0].abs()).fold(0.0, f32::max);
    assert!(steps(&frames) < 0.1 * peak, "{} of {peak}", steps(&frames));
    // A key plays again.
    editor.done(&["/note/on keys 60 1.0"]);
    editor.until_meters("out", |volts| volts[0] > 1.0);
    // A button that sends a number, as it comes up.
    editor.done(&["/panic 0.0"]);
    editor.until_meters("keys", |gates| gates[..CHANNELS].contains(&10.0));
}

#[test]
fn a_host_that_is_told_to_quit_ends_and_leaves_nothing() {
    let host = Host::start();
    let pid = host.child.id();
    let mut editor = host.editor();
    editor.done(&A_TONE);
    editor.client.send(message("/host/quit")).expect("the host listens");
    editor.client.flush().expect("the host listens");
    // All that still comes is the end.
    assert!(editor.client.recv().is_err());
    assert_eq!(host.end(), (Some(0), String::new()));
    let regions = std::fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let mut names = regions.map(|region| region.file_name().to_string_lossy().into_owned());
    assert_eq!(names.find(|name| name.starts_with(&format!("sostenuto-{pid}-"))), None);
}
