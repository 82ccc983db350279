//! What a musician reads, on each system.

use std::path::PathBuf;

use super::*;

const ALL: [System; 3] = [System::Linux, System::MacOs, System::Windows];

/// Asserts how it is, and that the lines have these words in them.
#[track_caller]
fn says(line: &Line, health: Health, words: &[&str]) {
    let text = line.to_string();
    assert_eq!(line.health, health, "{text}");
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    let lines = if line.to_do.is_some() { 2 } else { 1 };
    assert_eq!(text.lines().count(), lines, "{text}");
    // As in `gcc  gcc` where a line of code was broken carelessly.
    assert!(text.lines().all(|line| !line[20..].trim_start().contains("  ")), "{text}");
}

const GRANTED: Grants = Grants { real_time: true, memory_lock: true, confinement: true };

fn work() -> Workers {
    Workers::Work(GRANTED)
}

fn card(id: &str, is_default: bool) -> Card {
    Card { id: id.to_owned(), name: format!("The {id}"), is_default }
}

#[test]
fn a_line_begins_with_a_mark_and_what_to_do_is_on_the_next() {
    assert_eq!(cores(4).to_string(), "ok    Cores          4; workers compute on all of them.\n");
    let missing = Line::missing("Sound card", "none.", "Connect one.");
    let text = "NO    Sound card     none.\n                     → Connect one.\n";
    assert_eq!(missing.to_string(), text);
    let poor = Line::poor("Window", "slow.", "Wait.");
    assert!(poor.to_string().starts_with("poor  Window         slow.\n"));
}

#[test]
fn one_core_is_poor() {
    says(&cores(1), Health::Poor, &["one", "--block 512"]);
    says(&cores(2), Health::Good, &["2"]);
}

#[test]
fn without_workers_nothing_is_heard() {
    says(&workers(&work()), Health::Good, &["they start"]);
    let missing = Workers::NoProgram(PathBuf::from("/opt/dsp-worker"));
    says(&workers(&missing), Health::Missing, &["/opt/dsp-worker", "one folder"]);
    let broken = Workers::NoStart("not for this processor".to_owned());
    says(&workers(&broken), Health::Missing, &["not for this processor", "virus scanner"]);
    says(&workers(&Workers::NoMemory("full".to_owned())), Health::Missing, &["next line"]);
}

#[test]
fn little_shared_memory_is_poor_and_none_is_the_end() {
    let mib = |mib: u64| Some(mib << 20);
    says(&shared_memory(&work(), mib(4096), System::Linux), Health::Good, &["4096 MiB"]);
    says(&shared_memory(&work(), mib(128), System::Linux), Health::Good, &["128 MiB"]);
    let words = ["63 MiB are left", "--shm-size", "remount"];
    says(&shared_memory(&work(), mib(63), System::Linux), Health::Poor, &words);
    says(&shared_memory(&work(), None, System::Windows), Health::Good, &["no limit"]);
    for system in ALL {
        let full = Workers::NoMemory("it is full".to_owned());
        says(&shared_memory(&full, None, system), Health::Missing, &["it is full"]);
    }
}

#[test]
fn what_is_not_granted_is_poor_and_names_who_grants_it() {
    for system in ALL {
        says(&real_time(Some(true), system), Health::Good, &["granted"]);
        says(&confinement(Some(true), system), Health::Good, &["no files"]);
        says(&confinement(Some(false), system), Health::Poor, &["keep your rights"]);
        let unknown =
            [real_time(None, system), memory_lock(None, system), confinement(None, system)];
        unknown.iter().for_each(|line| says(line, Health::Poor, &["no worker starts"]));
    }
    says(&real_time(Some(false), System::Linux), Health::Poor, &["rtprio 95", "log in again"]);
    says(&real_time(Some(false), System::MacOs), Health::Poor, &["Restart"]);
    says(&real_time(Some(false), System::Windows), Health::Poor, &["Multimedia Class Scheduler"]);
    let lock = |grants| memory_lock(Some(grants), System::Linux);
    says(&lock(GRANTED), Health::Good, &["never swapped"]);
    let unlocked = Grants { memory_lock: false, ..GRANTED };
    says(&lock(unlocked), Health::Poor, &["memlock unlimited"]);
    let neither = Grants { real_time: false, ..unlocked };
    says(&lock(neither), Health::Poor, &["What grants real time"]);
    says(&memory_lock(Some(unlocked), System::Windows), Health::Good, &["needs none"]);
}

#[test]
fn the_limits_are_those_of_the_file_that_comes_along() {
    let file = include_str!("../../../../../packaging/linux/95-sostenuto.conf");
    let limits: Vec<&str> = file.lines().filter(|line| line.starts_with('@')).collect();
    assert_eq!(limits.len(), 2);
    assert!(limits.iter().all(|limit| LIMITS.contains(limit)), "{LIMITS}");
}

#[test]
fn a_card_that_is_not_heard_is_told_with_its_server() {
    let both = [card("hw", false), card("usb", true)];
    says(&sound(&both, Some("PipeWire"), System::Linux), Health::Good, &["The usb", "of 2"]);
    says(&sound(&both[..1], None, System::Linux), Health::Poor, &["--device hw"]);
    let none = |server, system| sound(&[], server, system);
    says(&none(Some("PipeWire"), System::Linux), Health::Missing, &["pipewire-alsa"]);
    says(&none(Some("PulseAudio"), System::Linux), Health::Missing, &["libasound2-plugins"]);
    says(&none(None, System::Linux), Health::Missing, &["silently", "group audio"]);
    says(&none(None, System::Windows), Health::Missing, &["sound settings"]);
}

#[test]
fn a_window_that_does_not_open_stops_no_sound() {
    for system in ALL {
        let line = |tried| window(tried, system);
        says(&line(Window::Opens { has_graphics: true }), Health::Good, &["opens."]);
        says(&line(Window::Hangs), Health::Poor, &["ten seconds"]);
        says(&line(Window::Fails), Health::Poor, &["does not open"]);
    }
    let line = |tried| window(tried, System::Linux);
    says(&line(Window::Opens { has_graphics: false }), Health::Poor, &["driver", "render"]);
    says(&line(Window::NoDisplay), Health::Poor, &["sostenuto play", "ssh -X"]);
    says(&line(Window::Fails), Health::Poor, &["libxkbcommon-x11-0"]);
    says(&line(Window::Hangs), Health::Poor, &["LIBGL_ALWAYS_SOFTWARE=1"]);
}

#[test]
fn without_dialogs_there_is_another_way() {
    for found in [Dialogs::System, Dialogs::Portal, Dialogs::Zenity] {
        says(&dialogs(found), Health::Good, &["File dialogs"]);
    }
    says(&dialogs(Dialogs::Nobody), Health::Poor, &["xdg-desktop-portal-gtk", "drop patches"]);
}
