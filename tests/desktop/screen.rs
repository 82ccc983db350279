//! A desktop that nobody sees, and its mouse and keys.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sostenuto_editor::places::{Place, Places};

use super::Inside;

/// How long something may take that takes no time on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// Between the clicks of a double click.
const CLICK_MILLIS: &str = "60";

/// Looks until something is there.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "there is no {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// An X server of its own, and a window manager.
pub struct Screen {
    server: Child,
    manager: Child,
    display: String,
}

impl Screen {
    pub fn start() -> Screen {
        // Without -noreset it begins anew when the last client leaves, and throws out
        // one that is just coming.
        let mut server = Command::new("Xvfb")
            .args("-displayfd 1 -screen 0 1600x1000x24 -nolisten tcp -noreset".split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb, of xvfb");
        let mut number = String::new();
        let mut said = BufReader::new(server.stdout.take().expect("it was asked for"));
        said.read_line(&mut number).expect("it prints text");
        let display = format!(":{}", number.trim());
        let manager = Command::new("openbox")
            .arg("--sm-disable")
            .env("DISPLAY", &display)
            .stderr(Stdio::null())
            .spawn()
            .expect("openbox");
        let screen = Screen { server, manager, display };
        wait_for("window manager", || {
            let root = screen.tell("xprop", &["-root", "_NET_SUPPORTING_WM_CHECK"]);
            root.contains("window id").then_some(())
        });
        screen
    }

    pub fn display(&self) -> &str {
        &self.display
    }

    /// All of the screen, into a file.
    pub fn picture(&self, path: &Path) {
        let path = path.to_str().expect("a name");
        self.tell("import", &["-window", "root", path]);
    }

    /// Runs a program on this screen, and returns what it prints.
    fn tell(&self, program: &str, arguments: &[&str]) -> String {
        tell(&self.display, program, arguments)
    }
}

fn tell(display: &str, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).env("DISPLAY", display).stderr(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in [&mut self.manager, &mut self.server] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A window of the program, and where everything is in it.
pub struct WindowOnScreen {
    display: String,
    pid: u32,
    places: PathBuf,
}

impl WindowOnScreen {
    pub fn new(screen: &Screen, pid: u32, places: PathBuf) -> WindowOnScreen {
        WindowOnScreen { display: screen.display.clone(), pid, places }
    }

    /// Until there is one.
    pub fn wait(&self) {
        wait_for("window", || self.places().map(drop));
    }

    /// As of the last frame; nothing before the first.
    fn places(&self) -> Option<Places> {
        let text = std::fs::read(&self.places).ok()?;
        Some(serde_json::from_slice(&text).expect("what the window wrote"))
    }

    /// What has this name, once it has come to rest.
    #[track_caller]
    pub fn place(&self, name: &str) -> Place {
        // A menu shows the keys behind the name.
        let has_name = |place: &Place| {
            place
                .name
                .strip_prefix(name)
                .is_some_and(|keys| keys.is_empty() || keys.starts_with(' '))
        };
        self.place_that(name, has_name)
    }

    /// What `is_it` is true of, once it has come to rest.
    #[track_caller]
    pub fn place_that(&self, what: &str, is_it: impl Fn(&Place) -> bool) -> Place {
        let mut before: Option<(u64, Place)> = None;
        wait_for(&format!("“{what}” in the window"), || {
            let places = self.places()?;
            let found = places.places.into_iter().find(&is_it);
            let is_still = before
                .as_ref()
                .zip(found.as_ref())
                .is_some_and(|((frame, was), is)| places.frame > *frame && was.edges == is.edges);
            if before.as_ref().is_none_or(|(frame, _)| places.frame > *frame) {
                before = found.clone().map(|found| (places.frame, found));
            }
            found.filter(|_| is_still)
        })
    }

    /// Until nothing has this name.
    #[track_caller]
    pub fn vanished(&self, name: &str) {
        wait_for(&format!("end of “{name}”"), || {
            let places = self.places()?.places;
            places.iter().all(|place| place.name != name).then_some(())
        });
    }

    /// Until it has drawn what happened before.
    fn drawn(&self) {
        let frame = |window: &WindowOnScreen| window.places().map_or(0, |places| places.frame);
        let now = frame(self);
        // The next one may have begun before.
        wait_for("frame", || (frame(self) >= now + 2).then_some(()));
    }

    /// The mouse and the keys, in this window.
    pub fn mouse(&self) -> Mouse<'_> {
        let pid = self.pid.to_string();
        let id = wait_for("window on the screen", || {
            let found = tell(&self.display, "xdotool", &["search", "--onlyvisible", "--pid", &pid]);
            found.lines().last().map(str::to_owned)
        });
        Mouse { window: self, id }
    }
}

/// The mouse and the keys.
pub struct Mouse<'a> {
    window: &'a WindowOnScreen,
    id: String,
}

impl Mouse<'_> {
    /// What xdotool is told, in words; and the window draws it.
    fn does(&self, words: &str) {
        self.begins(words);
        self.window.drawn();
    }

    fn begins(&self, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        tell(&self.window.display, "xdotool", &words);
    }

    fn goes_to(&self, [x, y]: [f32; 2]) {
        self.does(&format!("mousemove --sync --window {} {x:.0} {y:.0}", self.id));
    }

    /// What has this name.
    #[track_caller]
    pub fn click(&self, name: &str) {
        self.click_at(self.window.place(name).middle());
    }

    /// What has this name, and closes the window.
    #[track_caller]
    pub fn click_last(&self, name: &str) {
        self.goes_to(self.window.place(name).middle());
        self.begins("click 1");
    }

    pub fn click_at(&self, at: [f32; 2]) {
        self.goes_to(at);
        self.does("click 1");
    }

    pub fn double_click(&self, at: [f32; 2]) {
        self.goes_to(at);
        self.does(&format!("click --repeat 2 --delay {CLICK_MILLIS} 1"));
    }

    pub fn drag(&self, from: [f32; 2], to: [f32; 2]) {
        self.drag_with(from, to, || {});
    }

    /// From here to there; `before_end` happens before the button is let go.
    pub fn drag_with(&self, from: [f32; 2], to: [f32; 2], before_end: impl FnOnce()) {
        self.goes_to(from);
        self.does("mousedown 1");
        for part in [0.3, 0.7, 1.0] {
            self.goes_to([0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * part));
        }
        before_end();
        self.does("mouseup 1");
    }

    pub fn types(&self, text: &str) {
        tell(&self.window.display, "xdotool", &["type", "--delay", "30", text]);
        self.window.drawn();
    }

    pub fn press(&self, key: &str) {
        self.does(&format!("key {key}"));
    }
}
