//! The whole of it, as a musician meets it: a desktop with a sound card, a mouse
//! and a keyboard, and nothing else. What is done is done by the mouse and the
//! keys of a real X server; what is heard is recorded from a real sound server.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "the test tells what it measured")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rosc::{OscMessage, OscType};
use sostenuto_editor::places::Place;
use sostenuto_osc::client::Client;
use sostenuto_osc::endpoint::Endpoint;
use sostenuto_osc::mirror::Mirror;
use sostenuto_patch::Patch;
use sostenuto_tests::spectrum::lines;

use self::ear::Ear;
use self::screen::{Mouse, Screen, WindowOnScreen, wait_for};

#[path = "desktop/ear.rs"]
mod ear;
#[path = "desktop/screen.rs"]
mod screen;
#[path = "desktop/whole.rs"]
mod whole;

/// The saw of C4 at an octave of 0.
const C4_HZ: f64 = 261.625_565_3;
/// How often a worker is killed while it is recorded.
const KILLS: usize = 3;

#[test]
#[ignore = "needs a sound server and an X server: packaging/test starts both"]
fn a_first_patch_is_made_by_mouse_played_through_deaths_recorded_and_found_again() {
    let mut studio = Studio::open();
    studio.hears_the_first_sound();
    let hz = studio.makes_a_patch();
    let recording = studio.records_while_workers_die();
    whole::assert_whole(&recording, hz);
    studio.outlives_its_window();
    studio.ends();
}

/// All that stands around the window.
struct Studio {
    screen: Screen,
    ear: Ear,
    window: Sostenuto,
    home: tempfile::TempDir,
    artefacts: PathBuf,
    host: u32,
}

impl Studio {
    /// Opens the window for somebody who has never opened it before.
    fn open() -> Studio {
        let artefacts = artefacts();
        let screen = Screen::start();
        let ear = Ear::open();
        let home = tempfile::tempdir().expect("a folder");
        let window = Sostenuto::open(&screen, home.path());
        Studio { screen, ear, window, home, artefacts, host: 0 }
    }

    fn hears_the_first_sound(&mut self) {
        let window = self.window.wait();
        println!("first frame after {:.2} s", self.window.age_secs());
        wait_for("the first patch", || (!self.patch().modules.is_empty()).then_some(()));
        let heard = self.ear.wait_for_sound();
        println!("first sound after {:.2} s", (heard - self.window.began).as_secs_f64());
        self.host = self.host_pid();
        window.place("Canvas");
        let loud = self.ear.rms(Duration::from_secs(3));
        println!("First Sound: {:.1} dB", 20.0 * loud.log10());
        assert!(loud > 0.003, "First Sound is heard: {loud}");
        self.picture("1-first-sound");
        self.mouse().click("Skip");
        window.vanished("Skip");
    }

    /// A saw into the left of Audio Out, and its pitch in Hz.
    fn makes_a_patch(&self) -> f64 {
        let window = self.window.wait();
        let mouse = self.mouse();
        mouse.click("Patch");
        mouse.click("New");
        wait_for("an empty patch", || self.patch().modules.is_empty().then_some(()));
        self.picture("2-new");
        for (name, across) in [("vco", 0.3), ("audio out", 0.75)] {
            let canvas = window.place("Canvas");
            mouse.double_click([canvas.across(across), canvas.down(0.5)]);
            window.place("Search modules");
            mouse.types(name);
            if name == "vco" {
                window.place_that("vco is typed", |place| place.value == "vco");
                self.picture("3-browser");
            }
            mouse.press("Return");
            let id = name.replace(' ', "-");
            wait_for(name, || self.patch().modules.contains_key(&*id).then_some(()));
        }
        let (saw, left) = ("output saw of vco", "input left of audio-out");
        let jack = |name, side| {
            let port = window.place(name);
            [port.across(side), port.down(0.5)]
        };
        // The jack is at the end of what can be grabbed.
        mouse.drag_with(jack(saw, 0.9), jack(left, 0.1), || self.picture("4-cable"));
        wait_for("a cable", || (self.patch().cables.len() == 1).then_some(()));
        // The arrow that points to the right.
        let octave = window.place("octave of vco");
        mouse.click_at([octave.across(0.9), octave.down(0.3)]);
        self.is_set("octave", 1.0);
        let tune = window.place("tune of vco").middle();
        mouse.drag([tune[0], tune[1]], [tune[0], tune[1] - 25.0]);
        let patch = self.patch();
        let param = |name| f64::from(patch.modules["vco"].param(name).expect("a param"));
        assert!(param("tune") > 0.5, "the tune was turned");
        self.picture("5-patch");
        let hz = C4_HZ * (param("octave") + param("tune") / 12.0 + param("fine") / 1200.0).exp2();
        println!("octave {}, tune {:.3}: {hz:.2} Hz", param("octave"), param("tune"));
        hz
    }

    /// Records by the button, kills workers by the other, and returns the file.
    fn records_while_workers_die(&self) -> PathBuf {
        let window = self.window.wait();
        let mouse = self.mouse();
        mouse.click("Panels");
        mouse.click("Health");
        window.place("Kill a worker while you listen");
        mouse.click("Record");
        window.place("Stop recording");
        self.ear.listen(Duration::from_secs(2));
        for killed in 1..=KILLS {
            mouse.click("Kill a worker while you listen");
            let said =
                format!("replaced {killed} times").replace("replaced 1 times", "replaced once");
            window.place_that(&said, |place| place.name.contains(&said));
            let sentence =
                window.place_that("a sentence", |place| place.name.contains("was killed."));
            println!("{}", sentence.name);
            self.ear.listen(Duration::from_secs(1));
        }
        self.picture("6-health");
        self.ear.listen(Duration::from_secs(2));
        mouse.click("Stop recording");
        window.place("Record");
        let recorded = wait_for("a recording", || {
            let files = std::fs::read_dir(self.home.path().join("recordings")).ok()?;
            let mut paths = files.map(|file| file.expect("a file").path());
            paths.find(|path| {
                let name = path.to_string_lossy();
                name.ends_with(".wav") && !name.contains("unfinished")
            })
        });
        let kept = self.artefacts.join("recorded.wav");
        std::fs::copy(&recorded, &kept).expect("room for it");
        kept
    }

    /// The window is killed; another finds the same patch, still playing.
    fn outlives_its_window(&mut self) {
        let before = self.patch();
        self.window.kill();
        let loud = self.ear.rms(Duration::from_secs(3));
        println!("without a window: {:.1} dB", 20.0 * loud.log10());
        assert!(loud > 0.01, "the sound goes on: {loud}");
        let heard = self.ear.last_frames(1 << 17);
        println!("heard: {:.2?}", &lines(&heard, 48_000)[..2]);
        self.window = Sostenuto::open(&self.screen, self.home.path());
        let window = self.window.wait();
        for name in ["VCO, module vco", "Audio Out, module audio-out"] {
            window.place(name);
        }
        assert_eq!(window.place("octave of vco").value, "1");
        assert_eq!(self.host_pid(), self.host, "it is the same host");
        assert_eq!(self.patch(), before);
        self.picture("7-again");
    }

    /// The last entry of the menu stops all of it, and leaves nothing.
    fn ends(mut self) {
        let mouse = self.mouse();
        mouse.click("Patch");
        mouse.click("Stop the sound and quit");
        // It is not saved.
        mouse.click_last("Discard");
        self.window.ended();
        let host = Path::new("/proc").join(self.host.to_string());
        wait_for("the host's end", || (!host.exists()).then_some(()));
        let left = std::fs::read_dir("/dev/shm").expect("a folder");
        let mine = format!("sostenuto-{}-", self.host);
        let left: Vec<String> = left
            .map(|file| file.expect("a name").file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with(&mine))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        self.ear.keep(&self.artefacts.join("heard.wav"));
    }

    fn mouse(&self) -> Mouse<'_> {
        self.window.wait().mouse()
    }

    fn picture(&self, name: &str) {
        self.screen.picture(&self.artefacts.join(format!("{name}.png")));
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::at(self.home.path().join("host.sock"))
    }

    fn ask(&self, addr: &str) -> Option<OscMessage> {
        let mut client = Client::connect(&self.endpoint()).ok()?;
        client.request(OscMessage { addr: addr.to_owned(), args: Vec::new() }).ok()
    }

    /// The host's patch; an empty one where there is no host yet.
    fn patch(&self) -> Patch {
        let mut mirror = Mirror::default();
        self.ask("/patch/get").map(|message| mirror.hear(message));
        mirror.patch().clone()
    }

    fn host_pid(&self) -> u32 {
        let answer = self.ask("/query/host").expect("the host answers");
        match answer.args[..] {
            [_, _, OscType::Int(pid)] => pid.cast_unsigned(),
            _ => panic!("{answer:?}"),
        }
    }

    fn is_set(&self, param: &str, value: f32) {
        wait_for(param, || {
            let patch = self.patch();
            (patch.modules["vco"].param(param) == Some(value)).then_some(())
        });
    }
}

/// Where pictures and sounds are left.
fn artefacts() -> PathBuf {
    let folder = std::env::var_os("SOSTENUTO_ARTEFACTS").map(PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/desktop"));
    std::fs::create_dir_all(&folder).expect("a folder for artefacts");
    folder
}

/// The program, as `packaging/run` starts it, but in a home of its own.
struct Sostenuto {
    child: Child,
    began: Instant,
    window: WindowOnScreen,
}

impl Sostenuto {
    fn open(screen: &Screen, home: &Path) -> Sostenuto {
        let preferences = home.join("preferences.json");
        if !preferences.exists() {
            let recordings = serde_json::json!({ "recordings": home.join("recordings") });
            std::fs::write(&preferences, recordings.to_string()).expect("room for it");
        }
        let places = home.join("places.json");
        let _ = std::fs::remove_file(&places);
        // Another build of the same program may be tried.
        let program = std::env::var_os("SOSTENUTO_PROGRAM");
        let mut command =
            Command::new(program.clone().unwrap_or(env!("CARGO_BIN_EXE_test-sostenuto").into()));
        if program.is_none() {
            command.env("SOSTENUTO_WORKER", env!("CARGO_BIN_EXE_test-worker"));
        }
        for (option, file) in [("--socket", "host.sock"), ("--journal", "journal")] {
            command.arg(option).arg(home.join(file));
        }
        command.arg("--preferences").arg(&preferences).arg("--places").arg(&places);
        command.env("DISPLAY", screen.display()).env_remove("WAYLAND_DISPLAY");
        let began = Instant::now();
        let child = command.stdin(Stdio::null()).spawn().expect("the program starts");
        let window = WindowOnScreen::new(screen, child.id(), places);
        Sostenuto { child, began, window }
    }

    /// The window, once it is there.
    fn wait(&self) -> &WindowOnScreen {
        self.window.wait();
        &self.window
    }

    fn age_secs(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// As by `kill -9`.
    fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    fn ended(&mut self) {
        let status = wait_for("the window's end", || self.child.try_wait().expect("a child"));
        assert!(status.success(), "{status}");
    }
}

impl Drop for Studio {
    /// Where a test fails, the host ends too.
    fn drop(&mut self) {
        let _ = self.window.child.kill();
        let _ = self.window.child.wait();
        let _ = self.ask("/host/quit");
    }
}

/// A place's middle, and what lies between its edges.
trait Inside {
    fn across(&self, part: f32) -> f32;
    fn down(&self, part: f32) -> f32;
    fn middle(&self) -> [f32; 2] {
        [self.across(0.5), self.down(0.5)]
    }
}

impl Inside for Place {
    fn across(&self, part: f32) -> f32 {
        let [left, _, right, _] = self.edges;
        left + (right - left) * part
    }

    fn down(&self, part: f32) -> f32 {
        let [_, top, _, bottom] = self.edges;
        top + (bottom - top) * part
    }
}
