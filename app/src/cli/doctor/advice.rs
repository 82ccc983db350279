//! The sentences: what was found, what a musician hears of it, and what to do.

use std::fmt;

use sostenuto_host::pool::trial::Grants;
use sostenuto_osc::message::device::Card;

use super::probe::{Dialogs, Window, Workers};
use crate::cli::window::PACKAGES;

/// Of shared memory, a large patch and the next one, which fades in beside it.
const ENOUGH_BYTES: u64 = 128 << 20;

/// Whose machine it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Any distribution.
    Linux,
    /// A Mac.
    MacOs,
    /// A PC.
    Windows,
}

impl System {
    /// This one.
    pub const HERE: System = if cfg!(windows) {
        System::Windows
    } else if cfg!(target_os = "macos") {
        System::MacOs
    } else {
        System::Linux
    };
}

/// How it is with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing is to be done.
    Good,
    /// A patch can be heard, but something is less good than it could be.
    Poor,
    /// Without it, nothing is heard.
    Missing,
}

/// What is said of one thing.
#[derive(Debug)]
pub struct Line {
    /// How it is.
    pub health: Health,
    about: &'static str,
    found: String,
    to_do: Option<String>,
}

impl Line {
    fn good(about: &'static str, found: impl Into<String>) -> Line {
        Line { health: Health::Good, about, found: found.into(), to_do: None }
    }

    fn poor(about: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Line {
        Line { health: Health::Poor, about, found: found.into(), to_do: Some(to_do.into()) }
    }

    fn missing(about: &'static str, found: impl Into<String>, to_do: impl Into<String>) -> Line {
        Line { health: Health::Missing, ..Line::poor(about, found, to_do) }
    }

    /// Of a grant that nobody could ask for.
    fn unknown(about: &'static str) -> Line {
        Line { to_do: None, ..Line::poor(about, "not known, as no worker starts.", "") }
    }
}

impl fmt::Display for Line {
    /// A line, and one more with what to do. Both can be copied from a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.health {
            Health::Good => "ok",
            Health::Poor => "poor",
            Health::Missing => "NO",
        };
        writeln!(f, "{mark:5} {:14} {}", self.about, self.found)?;
        self.to_do.as_ref().map_or(Ok(()), |to_do| writeln!(f, "{:20} → {to_do}", ""))
    }
}

/// Of the processor.
pub fn cores(count: usize) -> Line {
    match count {
        0 | 1 => Line::poor(
            "Cores",
            "one, which computes sound and does everything else, too.",
            "If sound is late, choose longer blocks (--block 512) or more of them ahead (--ahead 2).",
        ),
        _ => Line::good("Cores", format!("{count}; workers compute on all of them.")),
    }
}

/// Of the worker processes.
pub fn workers(tried: &Workers) -> Line {
    const ABOUT: &str = "Workers";
    match tried {
        Workers::Work(_) => Line::good(ABOUT, "their program is there, and they start."),
        Workers::NoMemory(_) => Line::missing(
            ABOUT,
            "cannot be tried without shared memory.",
            "Look at the next line first.",
        ),
        Workers::NoProgram(path) => Line::missing(
            ABOUT,
            format!("their program is missing: {}.", path.display()),
            "Install or unpack Sostenuto again: both programs must lie in one folder. From source, \
             run: cargo build --release -p sostenuto -p dsp-worker.",
        ),
        Workers::NoStart(reason) => Line::missing(
            ABOUT,
            format!("do not start: {reason}."),
            "Install Sostenuto again. If a virus scanner holds dsp-worker back, allow it there.",
        ),
    }
}

/// Of the memory that the processes share, of which so many bytes are left.
pub fn shared_memory(tried: &Workers, left: Option<u64>, system: System) -> Line {
    const ABOUT: &str = "Shared memory";
    let more = match system {
        System::Linux => {
            "Give it more: sudo mount -o remount,size=1G /dev/shm. For a container: docker run \
             --shm-size=1g."
        }
        System::MacOs | System::Windows => "Close other programs, or restart the machine.",
    };
    match (tried, left.map(|bytes| (bytes, bytes >> 20))) {
        (Workers::NoMemory(reason), _) => {
            Line::missing(ABOUT, format!("cannot be had: {reason}."), more)
        }
        (_, Some((bytes, mib))) if bytes < ENOUGH_BYTES => {
            let enough = ENOUGH_BYTES >> 20;
            let found = format!("{mib} MiB are left. Large patches need up to {enough} MiB.");
            Line::poor(ABOUT, found, more)
        }
        (_, Some((_, mib))) => Line::good(ABOUT, format!("{mib} MiB are left.")),
        (_, None) => Line::good(ABOUT, "there is some; the system shows no limit."),
    }
}

/// How Linux grants both real time and locked memory.
const LIMITS: &str = "Run: printf '@audio - rtprio 95\\n@audio - memlock unlimited\\n' | sudo tee \
                      /etc/security/limits.d/95-sostenuto.conf && sudo usermod -aG audio \"$USER\". \
                      Then log in again.";

/// Of being run before everything that is not sound.
pub fn real_time(is_granted: Option<bool>, system: System) -> Line {
    const ABOUT: &str = "Real time";
    let to_do = match system {
        System::Linux => LIMITS,
        System::MacOs => "Restart the Mac. Every program may have it there, so please tell us.",
        System::Windows => {
            "Start the service “Multimedia Class Scheduler”, which grants it (services.msc)."
        }
    };
    match is_granted {
        None => Line::unknown(ABOUT),
        Some(true) => Line::good(ABOUT, "granted: the sound is computed before everything else."),
        Some(false) => {
            Line::poor(ABOUT, "not granted: other programs may make the sound late.", to_do)
        }
    }
}

/// Of memory that is never swapped out.
pub fn memory_lock(grants: Option<Grants>, system: System) -> Line {
    const ABOUT: &str = "Memory lock";
    let Some(grants) = grants else { return Line::unknown(ABOUT) };
    match system {
        _ if grants.memory_lock => Line::good(ABOUT, "granted: what sounds is never swapped out."),
        System::Linux => Line::poor(
            ABOUT,
            "not granted: if memory runs short, sound may be late.",
            if grants.real_time { LIMITS } else { "What grants real time grants this, too." },
        ),
        _ => Line::good(ABOUT, "this system has none, and needs none."),
    }
}

/// Of workers that can do nothing but compute.
pub fn confinement(is_granted: Option<bool>, system: System) -> Line {
    const ABOUT: &str = "Confinement";
    let to_do = match system {
        System::Linux => {
            "Use a kernel with seccomp. A container needs --security-opt no-new-privileges and a \
             seccomp profile that allows seccomp itself."
        }
        System::MacOs | System::Windows => "Play patches only from people you trust, and tell us.",
    };
    match is_granted {
        None => Line::unknown(ABOUT),
        Some(true) => Line::good(ABOUT, "workers reach no files, networks or other programs."),
        Some(false) => {
            Line::poor(ABOUT, "workers keep your rights. They play all the same.", to_do)
        }
    }
}

/// Of the sound cards, and of the server that has them on Linux.
pub fn sound(cards: &[Card], server: Option<&str>, system: System) -> Line {
    const ABOUT: &str = "Sound card";
    let through = server.map(|server| format!(" {server} runs.")).unwrap_or_default();
    if let Some(card) = cards.iter().find(|card| card.is_default) {
        let found = format!("{}, the system's choice, of {}.{through}", card.name, cards.len());
        return Line::good(ABOUT, found);
    }
    if let Some(card) = cards.first() {
        let found = format!("the system's choice does not answer, others do.{through}");
        return Line::poor(ABOUT, found, format!("Choose one, such as --device {}.", card.id));
    }
    let to_do = match (server, system) {
        (Some("PipeWire"), _) => "Install the way to it: sudo apt install pipewire-alsa.",
        (Some(_), _) => "Install the way to it: sudo apt install libasound2-plugins.",
        (None, System::Linux) => {
            "Connect a sound card. If there is one, your user must be in the group audio, or a sound \
             server must run (PipeWire or PulseAudio)."
        }
        (None, _) => "Connect a sound card, and switch it on in the system's sound settings.",
    };
    Line::missing(ABOUT, format!("none answers: patches run silently.{through}"), to_do)
}

/// Of the display, and of OpenGL on it.
pub fn window(tried: Window, system: System) -> Line {
    const ABOUT: &str = "Window";
    let is_linux = system == System::Linux;
    match tried {
        Window::Opens { has_graphics: true } => Line::good(ABOUT, "opens."),
        Window::Opens { has_graphics: false } => Line::poor(
            ABOUT,
            "opens, but no graphics card draws it: that takes time from the sound.",
            "Install the graphics card's driver. If there is one, add yourself to the group render.",
        ),
        Window::NoDisplay => Line::poor(
            ABOUT,
            "there is no display to open it on.",
            "Without one, `sostenuto play PATCH` and `sostenuto host` play. Over SSH, use ssh -X.",
        ),
        Window::Fails if is_linux => Line::poor(
            ABOUT,
            "does not open, although there is a display.",
            format!("Run: sudo apt install {PACKAGES}. If it still fails, `sostenuto` says why."),
        ),
        Window::Fails => Line::poor(
            ABOUT,
            "does not open.",
            "Update the graphics driver: OpenGL 2.1 or newer is needed. `sostenuto` says why it fails.",
        ),
        Window::Hangs => Line::poor(
            ABOUT,
            "does not open within ten seconds.",
            if is_linux {
                "Try without the graphics card: LIBGL_ALWAYS_SOFTWARE=1 sostenuto."
            } else {
                "Update the graphics driver, and restart the machine."
            },
        ),
    }
}

/// Of who asks for files.
pub fn dialogs(found: Dialogs) -> Line {
    const ABOUT: &str = "File dialogs";
    match found {
        Dialogs::System => Line::good(ABOUT, "the system's own."),
        Dialogs::Portal => Line::good(ABOUT, "the desktop's own, through its portal."),
        Dialogs::Zenity => Line::good(ABOUT, "zenity's, as there is no portal."),
        Dialogs::Nobody => Line::poor(
            ABOUT,
            "none: Open and Save As have nobody to ask.",
            "Run: sudo apt install xdg-desktop-portal-gtk, and log in again; or install zenity. \
             Until then drop patches on the window.",
        ),
    }
}

#[cfg(test)]
mod tests;
