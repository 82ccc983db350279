//! A host that is killed: the next one plays on, and nothing is lost.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rosc::{OscMessage, OscType};
use sostenuto_dsp::random::Random;
use sostenuto_host::plan::snapshot::Snapshot;
use sostenuto_host::render::{ComputedBy, Render, Settings};
use sostenuto_modules::catalog;
use sostenuto_osc::client::Client;
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::message::edit;
use sostenuto_osc::mirror::Mirror;
use sostenuto_patch::edit::Move;
use sostenuto_patch::{Edit, ModuleId, Patch, PatchModule, apply, file};
use sostenuto_tests::{RATE_HZ, assert_same, factory_patches, module, patch, ready, workers};

const WORKER: &str = env!("CARGO_BIN_EXE_test-worker");

/// How long something may take that takes no time on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What every sentence about an unexpected end begins with.
const UNEXPECTED: &str = "The last session ended unexpectedly.";

/// A folder for journal, socket and patches.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn journal(&self, name: &str) -> PathBuf {
        self.path("journal").join(name)
    }

    fn save(&self, name: &str, patch: &Patch) {
        fs::write(self.path(name), file::write(patch)).expect("room on the disk");
    }

    fn start(&self, more: &[&str]) -> Host {
        self.start_with("journal", "host.sock", more)
    }

    /// Starts a host, and waits until it plays and listens.
    fn start_with(&self, journal: &str, socket: &str, more: &[&str]) -> Host {
        let line = "host --silent --workers 2 --block 128 --socket";
        let mut child = Command::new(env!("CARGO_BIN_EXE_test-sostenuto"))
            .args(line.split_whitespace())
            .args([socket, "--journal", journal])
            .args(more)
            .current_dir(self.0.path())
            .env("SOSTENUTO_WORKER", WORKER)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the host starts");
        let err = BufReader::new(child.stderr.take().expect("it was asked for"));
        let mut host = Host { child, err, said: String::new(), socket: self.path(socket) };
        host.hear("Editors find this host at");
        host.hear("The patch runs on the silent clock");
        host
    }

    /// Waits until the journal's newest snapshot is of that frame or later.
    fn wait_for_snapshot(&self, frame: u64) -> Snapshot {
        until("a snapshot", || {
            let bytes = fs::read(self.journal("states.snapshot")).ok()?;
            Some(Snapshot::read(&bytes).expect("whole")).filter(|found| found.frame >= frame)
        })
    }

    /// Waits until the journal says that this patch has played for some time.
    fn wait_until_played(&self, patch: &Patch) {
        until("a patch that has played", || {
            let played = file::load(&self.journal("played.sostenuto")).ok()?;
            (played.modules.keys().eq(patch.modules.keys())).then_some(())
        });
    }
}

#[track_caller]
fn until<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what} does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `sostenuto host` in a process of its own.
struct Host {
    child: Child,
    err: BufReader<ChildStderr>,
    said: String,
    socket: PathBuf,
}

impl Host {
    /// Waits until it has said that.
    #[track_caller]
    fn hear(&mut self, words: &str) {
        while !self.said.contains(words) {
            let length = self.err.read_line(&mut self.said).expect("it prints text");
            assert!(length > 0, "it ended without saying `{words}`: {}", self.said);
        }
    }

    fn editor(&self) -> Editor {
        let client = Client::connect(&Endpoint::at(&self.socket)).expect("the host listens");
        // Named pipes have none.
        #[cfg(unix)]
        client.set_timeout(Some(PATIENCE)).expect("a socket");
        Editor { client, mirror: Mirror::default(), has_bad_disk: false, unkept: 0 }
    }

    /// Ends at once, without a chance to say or write anything. Returns what it
    /// had said.
    fn kill(mut self) -> String {
        self.child.kill().expect("it lives");
        self.finish()
    }

    /// Ends as it is asked to.
    fn quit(self) -> String {
        let mut editor = self.editor();
        editor.client.send(message("/host/quit", [])).expect("the host listens");
        editor.client.flush().expect("the host listens");
        self.finish()
    }

    fn finish(mut self) -> String {
        self.child.wait().expect("it ends");
        self.err.read_to_string(&mut self.said).expect("it prints text");
        std::mem::take(&mut self.said)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn message<const N: usize>(addr: &str, args: [OscType; N]) -> OscMessage {
    OscMessage { addr: addr.to_owned(), args: args.into() }
}

fn word(text: &str) -> OscType {
    OscType::String(text.to_owned())
}

struct Editor {
    client: Client,
    mirror: Mirror,
    /// Whether the disk may refuse what is done.
    has_bad_disk: bool,
    /// How often it has.
    unkept: u32,
}

impl Editor {
    /// Asks, and returns what was said until it was done, and kept.
    fn ask(&mut self, messages: Vec<OscMessage>) -> Vec<OscMessage> {
        self.try_ask(messages).expect("the host answers")
    }

    fn try_ask(&mut self, messages: Vec<OscMessage>) -> std::io::Result<Vec<OscMessage>> {
        for message in messages {
            self.client.send(message)?;
        }
        self.client.send(message("/sync", [OscType::Int(77)]))?;
        let mut said = Vec::new();
        loop {
            let next = self.client.recv()?;
            if self.has_bad_disk && next.addr == "/error" && next.args[0] == word("/sync") {
                self.unkept += 1;
                return Ok(said);
            }
            assert_ne!(next.addr, "/error", "{next:?}");
            if next.addr == "/synced" {
                return Ok(said);
            }
            self.mirror.hear(next.clone());
            said.push(next);
        }
    }

    fn edit(&mut self, edit: &Edit) {
        self.ask(edit::report(edit));
    }

    fn patch(&mut self) -> Patch {
        self.ask(vec![message("/patch/get", [])]);
        self.mirror.patch().clone()
    }

    /// The processes of all workers.
    fn workers(&mut self) -> Vec<u32> {
        let said = self.ask(vec![message("/query/status", [])]);
        let workers = said.iter().filter(|message| message.addr == "/worker");
        let pids = workers.map(|worker| worker.args[1].clone().int().expect("a number"));
        pids.filter(|&pid| pid > 0).map(|pid| pid as u32).collect()
    }

    /// Hears meters until a module's numbers are as wanted.
    #[track_caller]
    fn until_meters(&mut self, module: &str, are_so: impl Fn(&[f32]) -> bool) {
        self.ask(vec![message("/reports/subscribe", [word("meters")])]);
        let (began, mut last) = (Instant::now(), Vec::new());
        while last.is_empty() || !are_so(&last) {
            if began.elapsed() > PATIENCE {
                let status = self.ask(vec![message("/query/status", [])]);
                panic!("{module} shows {last:?}, and the host says {status:?}");
            }
            let OscMessage { addr, args } = self.client.recv().expect("the host answers");
            if addr == "/meters" && args[0] == word(module) {
                last = args[1..].iter().filter_map(|arg| arg.clone().float()).collect();
            }
        }
    }

    /// The next meters of a module, whatever they are.
    fn meters(&mut self, module: &str) -> Vec<f32> {
        let found = std::cell::RefCell::new(Vec::new());
        self.until_meters(module, |numbers| {
            *found.borrow_mut() = numbers.to_vec();
            true
        });
        found.into_inner()
    }
}

fn id(name: &str) -> ModuleId {
    name.parse().expect("a name")
}

fn add(name: &str, kind: &str) -> Edit {
    Edit::AddModule { id: id(name), module: PatchModule::new(kind, 0.0, 0.0) }
}

fn a_tone() -> Patch {
    let modules = [module("vco", "vco", r#""octave": 1"#), module("out", "audio-out", "")];
    patch(&modules.join(", "), &["vco.sine -> out.left"])
}

/// An edit that can be made after those before it, of every reach.
fn storm(count: usize) -> Vec<Edit> {
    let edit = |n: usize| {
        let name = format!("m-{}", n / 5 * 5);
        match n % 5 {
            0 => add(&name, "attenuverter"),
            1 => {
                let value = (n % 64) as f32 / 64.0;
                Edit::SetParam { module: id(&name), param: "offset".into(), value }
            }
            2 => Edit::Connect(format!("{name}.out -> {name}.in").parse().expect("a cable")),
            3 => Edit::MoveModules(vec![Move { module: id(&name), x: n as f32, y: 1.0 }]),
            _ if n % 10 == 9 => Edit::RemoveModule { id: id(&name) },
            _ => Edit::SetTitle(format!("Storm {n}")),
        }
    };
    (0..count).map(edit).collect()
}

#[cfg(target_os = "linux")]
fn shared_memory_of(pid: u32) -> Vec<String> {
    let prefix = format!("sostenuto-{pid}-");
    let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with(&prefix)).collect()
}

/// Whether a process computes no more. Who has inherited it may not have taken
/// notice yet.
#[cfg(target_os = "linux")]
fn is_gone(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
    let state = stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next());
    matches!(state, Some('Z' | 'X') | None)
}

#[test]
fn keys_that_nobody_can_let_go_any_more_are_up_in_the_next_host() {
    let place = Place::new();
    let modules = [
        module("keys", "keyboard", r#""voices": 4"#),
        module("buttons", "buttons", ""),
        module("pad", "xy-pad", ""),
        module("out", "audio-out", ""),
    ];
    let played = patch(&modules.join(", "), &["keys.voct -> out.left"]);
    place.save("held.sostenuto", &played);
    let host = place.start(&["held.sostenuto"]);
    let mut editor = host.editor();
    let note = |module: &str, key| {
        message("/note/on", [word(module), OscType::Int(key), OscType::Float(1.0)])
    };
    let touch = message("/pad/touch", [OscType::Int(1)]);
    editor.ask(vec![note("keys", 60), note("keys", 67), note("buttons", 63), touch]);
    let are_down =
        |gates: &[f32], count| gates.iter().filter(|&&gate| gate == 10.0).count() == count;
    editor.until_meters("keys", |shown| are_down(&shown[..16], 2));
    editor.until_meters("buttons", |shown| are_down(shown, 1));
    let now = place.wait_for_snapshot(1).frame;
    place.wait_for_snapshot(now + 2 * u64::from(RATE_HZ));
    // Else its modules may be what ended the host, and are left alone.
    place.wait_until_played(&played);
    host.kill();

    let host = place.start(&[]);
    assert!(host.said.contains("keys are up"), "{}", host.said);
    let mut editor = host.editor();
    editor.until_meters("keys", |shown| are_down(&shown[..16], 0));
    editor.until_meters("buttons", |shown| are_down(shown, 0));
    assert_eq!(editor.patch().modules["pad"].param("touch"), Some(0.0));
    // They are not lost: a key plays again.
    editor.ask(vec![note("keys", 60)]);
    editor.until_meters("keys", |shown| are_down(&shown[..16], 1));
}

#[test]
fn whenever_a_host_is_killed_the_next_has_every_edit_that_was_acknowledged() {
    let edits = storm(2000);
    let mut patches = vec![Patch::default()];
    for edit in &edits {
        let mut next = patches.last().expect("one").clone();
        apply(&mut next, edit.clone()).expect("it can be made");
        patches.push(next);
    }
    let (mut random, mut all_acknowledged) = (Random::new(7), 0);
    for round in 0..6u32 {
        let place = Place::new();
        let mut host = place.start(&[]);
        let mut editor = host.editor();
        // Each time at another pace: a sync after every edit, or after many.
        let pace = 1 + (random.bits() % 12) as usize;
        let pause = Duration::from_micros(u64::from(random.bits() % 400_000));
        let acknowledged = std::thread::scope(|scope| {
            let storm = scope.spawn(|| {
                let mut acknowledged = 0;
                for edits in edits.chunks(pace) {
                    let messages = edits.iter().flat_map(edit::report).collect();
                    if editor.try_ask(messages).is_err() {
                        break;
                    }
                    acknowledged += edits.len();
                }
                acknowledged
            });
            // The instant is to be random, nothing waits for it.
            std::thread::sleep(pause);
            host.child.kill().expect("it lives");
            storm.join().expect("it was answered")
        });
        host.finish();
        all_acknowledged += acknowledged;

        let host = place.start(&[]);
        let recovered = host.editor().patch();
        // The last of those that are alike: what was added and removed again.
        let at = patches.iter().rposition(|patch| *patch == recovered);
        let at = at.unwrap_or_else(|| panic!("round {round}: a patch that never was"));
        assert!(at >= acknowledged, "round {round}: {at} of {acknowledged} edits");
        assert_eq!(host.said.contains(UNEXPECTED), recovered != Patch::default(), "{}", host.said);
        host.quit();
    }
    assert!(all_acknowledged > 0, "every host was killed before anything was asked");
}

#[test]
#[cfg(target_os = "linux")]
fn of_a_killed_host_nothing_is_left() {
    let place = Place::new();
    place.save("tone.sostenuto", &a_tone());
    let host = place.start(&["tone.sostenuto"]);
    let (pid, workers) = (host.child.id(), host.editor().workers());
    assert!(workers.len() >= 2 && !shared_memory_of(pid).is_empty());
    host.kill();
    until("the end of all workers", || workers.iter().all(|&pid| is_gone(pid)).then_some(()));
    let host = place.start(&[]);
    assert_eq!(shared_memory_of(pid), Vec::<String>::new());
    let pid = host.child.id();
    host.quit();
    assert_eq!(shared_memory_of(pid), Vec::<String>::new());
}

#[test]
fn a_key_that_was_down_is_let_go_and_the_clock_goes_on() {
    let place = Place::new();
    let modules = [module("keys", "keyboard", ""), module("out", "audio-out", "")];
    let played = patch(&modules.join(", "), &["keys.gate -> out.left"]);
    place.save("keys.sostenuto", &played);
    let host = place.start(&["keys.sostenuto"]);
    let mut editor = host.editor();
    let key = [word("keys"), OscType::Int(69), OscType::Float(0.8)];
    editor.ask(vec![message("/note/on", key)]);
    editor.until_meters("keys", |gates| gates.contains(&10.0));
    let frame = place.wait_for_snapshot(0).frame;
    let last = place.wait_for_snapshot(frame + 1);
    place.wait_until_played(&played);
    host.kill();

    let host = place.start(&[]);
    assert!(host.said.contains(UNEXPECTED), "{}", host.said);
    assert!(host.said.contains("from about a second before"), "{}", host.said);
    let mut editor = host.editor();
    editor.until_meters("keys", |gates| !gates[..16].contains(&10.0));
    let next = until("a snapshot of its own", || {
        Some(place.wait_for_snapshot(0)).filter(|next| next.frame != last.frame)
    });
    assert!(next.frame > last.frame, "the clock goes on from where it was");
    host.quit();
}

/// Tapes begin anew, so modules with tapes would be heard; so would the limiter,
/// if it had anything to do.
fn without_what_begins_anew(mut patch: Patch) -> Patch {
    for module in patch.modules.values_mut() {
        let (_, entry) = catalog::find(&module.kind).expect("it is in the catalogue");
        module.is_bypassed |= !(entry.tapes)(RATE_HZ as f32).is_empty();
        if &*module.kind == "audio-out" {
            module.params.insert("level".into(), -40.0);
        }
    }
    patch
}

fn settings(computed_by: ComputedBy) -> Settings {
    Settings { sample_rate_hz: RATE_HZ, block_frames: 256, computed_by }
}

#[test]
fn what_is_copied_while_blocks_are_made_is_of_one_block() {
    let patches = factory_patches().into_iter();
    let (_, patch) = patches.max_by_key(|(_, patch)| patch.modules.len()).expect("there are some");
    let patch = without_what_begins_anew(patch);
    let blocks = 1500;
    let mut render = ready(&patch, 256, workers(2, WORKER));
    let copy = render.copier();
    let is_over = AtomicBool::new(false);
    let (whole, mut snapshots) = std::thread::scope(|scope| {
        let copier = scope.spawn(|| {
            let mut snapshots = Vec::new();
            while !is_over.load(Relaxed) {
                snapshots.extend(copy());
            }
            snapshots
        });
        let whole = render.frames((blocks + 10) * 256);
        is_over.store(true, Relaxed);
        (whole, copier.join().expect("it copies"))
    });
    snapshots.retain(|snapshot: &Snapshot| snapshot.frame < blocks as u64 * 256);
    snapshots.dedup_by_key(|snapshot| snapshot.frame);
    assert!(snapshots.len() > 3, "only {} blocks were copied", snapshots.len());
    let some = snapshots.len().div_ceil(40);
    for snapshot in snapshots.into_iter().step_by(some) {
        let frame = snapshot.frame as usize;
        let in_process = settings(ComputedBy::InProcess);
        let mut resumed = Render::resume(&patch, &in_process, Some(snapshot)).expect("it fits");
        assert_same("copied", &resumed.frames(10 * 256), &whole[frame..frame + 10 * 256]);
    }
}

#[test]
fn what_is_resumed_sounds_the_same_to_the_bit() {
    for (name, patch) in factory_patches() {
        let patch = without_what_begins_anew(patch);
        let in_process = settings(ComputedBy::InProcess);
        let mut whole = ready(&patch, 256, workers(2, WORKER));
        whole.frames(60 * 256);
        let snapshot = whole.copier()().expect("nobody disturbs it");
        // The snapshot is from the start of the last block.
        assert_eq!(snapshot.frame, 59 * 256);
        let snapshot = Snapshot::read(&snapshot.write()).expect("it is whole");
        let should_be = whole.frames(100 * 256);
        for settings in [in_process, settings(workers(2, WORKER))] {
            let mut resumed =
                Render::resume(&patch, &settings, Some(snapshot.clone())).expect("it fits");
            resumed.block();
            let is = resumed.frames(100 * 256);
            assert_same(&format!("{name}-resumed"), &is, &should_be);
        }
    }
}

#[test]
fn another_patch_plays_where_it_was_asked_for_and_the_old_one_is_kept() {
    let place = Place::new();
    place.save("tone.sostenuto", &a_tone());
    let host = place.start(&[]);
    host.editor().edit(&add("mine", "mixer"));
    let mine = host.editor().patch();
    host.kill();
    let host = place.start(&["tone.sostenuto"]);
    assert!(host.said.contains(UNEXPECTED), "{}", host.said);
    assert!(host.said.contains("recovered-1.sostenuto"), "{}", host.said);
    assert_eq!(host.editor().patch(), a_tone());
    assert_eq!(file::load(&place.journal("recovered-1.sostenuto")).expect("a patch"), mine);
    host.quit();
}

#[test]
fn after_a_proper_end_a_host_begins_empty_and_the_patch_is_kept() {
    let place = Place::new();
    let host = place.start(&[]);
    host.editor().edit(&add("mine", "mixer"));
    // A knob's last turn is kept too, though nobody waits for it.
    let (module, param) = (id("mine"), "level-1".into());
    let turn = Edit::SetParam { module, param, value: 0.25 };
    let mut editor = host.editor();
    edit::report(&turn).into_iter().for_each(|m| editor.client.send(m).expect("it listens"));
    editor.client.send(message("/host/quit", [])).expect("it listens");
    editor.client.flush().expect("it listens");
    host.finish();
    let host = place.start(&[]);
    assert!(!host.said.contains(UNEXPECTED), "{}", host.said);
    assert!(host.said.contains("last-1.sostenuto"), "{}", host.said);
    assert_eq!(host.editor().patch(), Patch::default());
    let kept = file::load(&place.journal("last-1.sostenuto")).expect("a patch");
    assert_eq!(kept.modules["mine"].param("level-1"), Some(0.25));
    host.quit();
}

#[test]
fn a_module_that_had_not_played_for_long_is_not_computed_until_it_is_tried_again() {
    let place = Place::new();
    place.save("tone.sostenuto", &a_tone());
    // Killed before anything can have played for long.
    let host = place.start(&["tone.sostenuto"]);
    host.kill();
    // A machine that was slow may have played it for long by then.
    let _ = fs::remove_file(place.journal("played.sostenuto"));
    let host = place.start(&[]);
    assert!(host.said.contains("`vco` had not played for long"), "{}", host.said);
    let mut editor = host.editor();
    assert_eq!(editor.patch(), a_tone(), "the patch is what it was");
    let blocks = place.wait_for_snapshot(1).frame;
    place.wait_for_snapshot(blocks + 1);
    assert!(editor.meters("out")[0] < 0.5, "the VCO is not computed");
    editor.ask(vec![message("/module/retry", [word("vco")])]);
    editor.until_meters("out", |volts| volts[0] > 4.5);
    host.quit();
}

#[test]
fn a_patch_that_ends_the_program_again_and_again_is_opened_without_computing_it() {
    let place = Place::new();
    place.save("tone.sostenuto", &a_tone());
    let mut host = place.start(&["tone.sostenuto"]);
    for _ in 0..3 {
        assert!(!host.said.contains("in a row"), "{}", host.said);
        host.kill();
        host = place.start(&[]);
    }
    assert!(host.said.contains("3 times in a row"), "{}", host.said);
    assert_eq!(host.editor().patch(), a_tone());
    // Who names the same patch is as safe.
    host.kill();
    let host = place.start(&["tone.sostenuto"]);
    assert!(host.said.contains("4 times in a row"), "{}", host.said);
    host.quit();
    let host = place.start(&["tone.sostenuto"]);
    assert!(!host.said.contains("in a row"), "{}", host.said);
    host.editor().until_meters("out", |volts| volts[0] > 4.5);
    host.quit();
}

#[test]
fn a_second_host_plays_without_a_journal() {
    let place = Place::new();
    let first = place.start(&[]);
    let second = place.start_with("journal", "second.sock", &[]);
    assert!(second.said.contains("Another host keeps the journal"), "{}", second.said);
    second.editor().edit(&add("theirs", "mixer"));
    first.editor().edit(&add("mine", "mixer"));
    second.quit();
    first.kill();
    let host = place.start(&[]);
    let recovered = host.editor().patch();
    assert!(recovered.modules.contains_key("mine") && !recovered.modules.contains_key("theirs"));
    host.quit();
}

#[test]
fn without_a_disk_to_write_to_it_plays_on_and_says_so_once() {
    let place = Place::new();
    // No folder can be made inside a file.
    fs::write(place.path("file"), "precious").expect("room on the disk");
    let host = place.start_with("file/journal", "host.sock", &[]);
    assert!(host.said.contains("The journal cannot be kept"), "{}", host.said);
    host.editor().edit(&add("mine", "mixer"));
    host.quit();
    assert_eq!(fs::read_to_string(place.path("file")).expect("it is there"), "precious");
}

// Elsewhere a folder with an open file in it cannot be removed.
#[test]
#[cfg(unix)]
fn a_disk_that_fails_while_it_plays_is_told_once() {
    let place = Place::new();
    let mut host = place.start(&[]);
    fs::remove_dir_all(place.path("journal")).expect("it was there");
    let mut editor = host.editor();
    editor.has_bad_disk = true;
    for edit in storm(40) {
        editor.edit(&edit);
    }
    host.hear("The journal cannot be written");
    editor.edit(&add("out", "audio-out"));
    assert!(editor.unkept > 0, "nobody is told that it is kept");
    assert!(editor.patch().modules.contains_key("out"));
    let said = host.quit();
    assert_eq!(said.matches("The journal cannot be").count(), 1, "{said}");
}

#[test]
fn a_journal_of_rubbish_is_renamed_and_told_of_and_the_host_plays() {
    for (name, aside) in [
        ("patch.sostenuto", "unreadable-1.sostenuto"),
        ("session.json", "unreadable-1.json"),
        ("states.snapshot", "unreadable-1.snapshot"),
    ] {
        let place = Place::new();
        let host = place.start(&[]);
        host.editor().edit(&add("mine", "mixer"));
        place.wait_for_snapshot(0);
        host.kill();
        fs::write(place.journal(name), "Dear Ada,").expect("room on the disk");
        let host = place.start(&[]);
        assert!(host.said.contains(aside), "{}", host.said);
        assert!(host.said.contains("renamed, not changed"), "{}", host.said);
        let has_patch = host.editor().patch().modules.contains_key("mine");
        assert_eq!(has_patch, name != "patch.sostenuto", "{name}");
        host.quit();
        let text = fs::read_to_string(place.journal(aside)).expect("it is there");
        assert_eq!(text, "Dear Ada,");
    }
}

#[test]
fn a_start_that_fails_leaves_the_journal_as_it_was() {
    let place = Place::new();
    let host = place.start(&[]);
    host.editor().edit(&add("mine", "mixer"));
    host.kill();
    let facts = fs::read(place.journal("session.json")).expect("it is there");
    let status = Command::new(env!("CARGO_BIN_EXE_test-sostenuto"))
        .args(["host", "--silent", "--socket", "host.sock", "--journal", "journal"])
        .current_dir(place.path(""))
        .env("SOSTENUTO_WORKER", Path::new("/no/such/worker"))
        .stderr(Stdio::null())
        .status();
    assert!(!status.expect("it ends").success());
    assert_eq!(fs::read(place.journal("session.json")).expect("it is there"), facts);
    let host = place.start(&[]);
    assert!(host.editor().patch().modules.contains_key("mine"));
    host.quit();
}
