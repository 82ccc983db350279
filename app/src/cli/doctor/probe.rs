//! What is found out about this machine. Each probe ends by itself: whoever may hang is
//! asked in another process, for a limited time.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use shared_child::SharedChild;
use sostenuto_host::pool::PoolError;
use sostenuto_host::pool::trial::{Grants, TrialError, try_a_worker};

use crate::cli::window;

/// How long a window may take to open: on some machines a graphics driver compiles
/// first.
const OPENING: Duration = Duration::from_secs(10);

/// How long the system has to end a process that was killed. One that hangs in a
/// driver of the kernel's is left to it.
const BURIAL: Duration = Duration::from_secs(1);

/// Reads a variable of the environment; an empty one is none.
type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// One of this process's own environment.
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// How it went with a worker.
#[derive(Debug)]
pub enum Workers {
    /// There is no shared memory to work in: why.
    NoMemory(String),
    /// Their program is not where it should be.
    NoProgram(PathBuf),
    /// They do not get warm: why.
    NoStart(String),
    /// They work, and the system grants them that.
    Work(Grants),
}

impl Workers {
    /// What the system grants them, where that is known.
    pub fn grants(&self) -> Option<Grants> {
        if let Workers::Work(grants) = self { Some(*grants) } else { None }
    }
}

/// Starts a worker.
pub fn workers(program: Result<PathBuf, PoolError>) -> Workers {
    let tried = program.map_err(TrialError::from).and_then(try_a_worker);
    match tried {
        Ok(grants) => Workers::Work(grants),
        Err(TrialError::Memory(error)) => Workers::NoMemory(error.to_string()),
        Err(TrialError::Pool(PoolError::NoProgram(path))) => Workers::NoProgram(path),
        Err(TrialError::Pool(error)) => Workers::NoStart(error.to_string()),
    }
}

/// The sound server that runs for this user, where it shows itself as on Linux.
pub fn sound_server(env: Env) -> Option<&'static str> {
    if env("PULSE_SERVER").is_some() {
        return Some("PulseAudio");
    }
    let runtime = PathBuf::from(env("XDG_RUNTIME_DIR")?);
    let sockets = [("pipewire-0", "PipeWire"), ("pulse/native", "PulseAudio")];
    sockets.iter().find(|(socket, _)| runtime.join(socket).exists()).map(|&(_, server)| server)
}

/// How it went with a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// There is nothing to open it on.
    NoDisplay,
    /// It does not open.
    Fails,
    /// It neither opens nor fails.
    Hangs,
    /// It opens.
    Opens {
        /// This user can reach a graphics card to draw it.
        has_graphics: bool,
    },
}

/// Opens a window, in a process of its own.
pub fn window(env: Env) -> Window {
    if !window::has_display(|name| env(name).is_some()) {
        return Window::NoDisplay;
    }
    let Ok(program) = std::env::current_exe() else { return Window::Fails };
    let mut command = Command::new(program);
    command.arg("try-window");
    match ends_well(&mut command, OPENING) {
        Some(true) => Window::Opens { has_graphics: has_graphics(Path::new("/dev/dri")) },
        Some(false) => Window::Fails,
        None => Window::Hangs,
    }
}

/// Whether a command ends with 0. `None` where it does not end in time; then it is
/// killed.
fn ends_well(command: &mut Command, patience: Duration) -> Option<bool> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = SharedChild::spawn(command) else { return Some(false) };
    match child.wait_timeout(patience) {
        Ok(Some(status)) => Some(status.success()),
        Ok(None) => {
            let _ = child.kill();
            let _ = child.wait_timeout(BURIAL);
            None
        }
        Err(_) => Some(false),
    }
}

/// Whether one of the graphics cards in that folder can be used. Only Linux has such a
/// folder; elsewhere windows are drawn by the card.
fn has_graphics(folder: &Path) -> bool {
    let is_card = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with("renderD");
    let opens = |path: PathBuf| OpenOptions::new().read(true).write(true).open(path).is_ok();
    let cards = || fs::read_dir(folder).into_iter().flatten().flatten().filter(is_card);
    cfg!(not(target_os = "linux")) || cards().any(|card| opens(card.path()))
}

/// Who asks for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialogs {
    /// The system itself.
    System,
    /// The portal of a Linux desktop.
    Portal,
    /// A program that stands in for it.
    Zenity,
    /// Nobody.
    Nobody,
}

/// Looks for them, and opens none.
pub fn dialogs(env: Env) -> Dialogs {
    if cfg!(target_os = "linux") { linux_dialogs(env) } else { Dialogs::System }
}

fn linux_dialogs(env: Env) -> Dialogs {
    let in_folders = |folders: OsString, path: &str| {
        std::env::split_paths(&folders).any(|folder| folder.join(path).is_file())
    };
    let own_bus = || Path::new(&env("XDG_RUNTIME_DIR")?).join("bus").exists().then_some(());
    let has_bus = env("DBUS_SESSION_BUS_ADDRESS").is_some() || own_bus().is_some();
    let data = env("XDG_DATA_DIRS").unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    if has_bus && in_folders(data, "dbus-1/services/org.freedesktop.portal.Desktop.service") {
        Dialogs::Portal
    } else if env("PATH").is_some_and(|path| in_folders(path, "zenity")) {
        Dialogs::Zenity
    } else {
        Dialogs::Nobody
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An environment in which these variables alone are set.
    fn env<'a>(set: &'a [(&'a str, &'a Path)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| {
            let set = set.iter().find(|(there, _)| *there == name);
            set.map(|(_, value)| value.as_os_str().to_owned())
        }
    }

    fn touch(folder: &Path, path: &str) {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn a_worker_that_is_not_there_or_does_not_start_is_told_apart() {
        let path = PathBuf::from("/no/such/worker");
        let missing = workers(Err(PoolError::NoProgram(path.clone())));
        assert!(matches!(&missing, Workers::NoProgram(there) if *there == path), "{missing:?}");
        let broken = workers(Ok(path));
        assert!(matches!(broken, Workers::NoStart(_)), "{broken:?}");
        assert_eq!(broken.grants(), None);
    }

    #[test]
    fn a_sound_server_is_known_by_its_socket() {
        let runtime = tempfile::tempdir().unwrap();
        let set = [("XDG_RUNTIME_DIR", runtime.path())];
        assert_eq!(sound_server(&env(&[])), None);
        assert_eq!(sound_server(&env(&set)), None);
        touch(runtime.path(), "pulse/native");
        assert_eq!(sound_server(&env(&set)), Some("PulseAudio"));
        touch(runtime.path(), "pipewire-0");
        assert_eq!(sound_server(&env(&set)), Some("PipeWire"));
        let elsewhere = [("PULSE_SERVER", Path::new("tcp:studio"))];
        assert_eq!(sound_server(&env(&elsewhere)), Some("PulseAudio"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_a_display_no_window_is_tried() {
        assert_eq!(window(&env(&[])), Window::NoDisplay);
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_never_ends_is_given_up() {
        let sh = |script| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(ends_well(&mut sh("exit 0"), OPENING), Some(true));
        assert_eq!(ends_well(&mut sh("exit 1"), OPENING), Some(false));
        assert_eq!(ends_well(&mut sh("exec sleep 1000"), Duration::from_millis(10)), None);
        assert_eq!(ends_well(&mut Command::new("/no/such/program"), OPENING), Some(false));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_graphics_card_is_one_that_opens() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!has_graphics(&folder.path().join("dri")));
        touch(folder.path(), "dri/card0");
        assert!(!has_graphics(&folder.path().join("dri")));
        touch(folder.path(), "dri/renderD128");
        assert!(has_graphics(&folder.path().join("dri")));
    }

    #[test]
    fn dialogs_are_the_portals_else_zenitys_else_nobodys() {
        let place = tempfile::tempdir().unwrap();
        let [bin, run, share] = ["bin", "run", "share"].map(|name| place.path().join(name));
        let set = [("PATH", &*bin), ("XDG_RUNTIME_DIR", &*run), ("XDG_DATA_DIRS", &*share)];
        let found = || linux_dialogs(&env(&set));
        assert_eq!(linux_dialogs(&env(&[])), Dialogs::Nobody);
        assert_eq!(found(), Dialogs::Nobody);
        touch(&bin, "zenity");
        assert_eq!(found(), Dialogs::Zenity);
        touch(&share, "dbus-1/services/org.freedesktop.portal.Desktop.service");
        assert_eq!(found(), Dialogs::Zenity, "there is no bus to ask it by");
        touch(&run, "bus");
        assert_eq!(found(), Dialogs::Portal);
    }
}
