//! The program ends by signals: Ctrl-C, a closed terminal, a kill.

#![allow(unsafe_code, reason = "processes are sent signals")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Stdio};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use sostenuto_host::pool::process::cpu_nanos;

use super::{Place, Said, module, patch_text, shared_memory_of};

/// How long something may take that takes no time on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program while it plays, its workers, and what it says.
struct Playing {
    child: Child,
    err: BufReader<ChildStderr>,
}

impl Playing {
    /// Starts it in a process group of its own, as a shell does.
    fn start(place: &Place, line: &str, until: &str) -> Playing {
        let mut command = place.command(line);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.stdout(Stdio::null()).spawn().expect("the program starts");
        let err = BufReader::new(child.stderr.take().expect("it was asked for"));
        let mut playing = Playing { child, err };
        let mut said = String::new();
        while !said.contains(until) {
            let count = playing.err.read_line(&mut said).expect("it prints text");
            assert!(count > 0, "it ended: {said}");
        }
        playing
    }

    /// As Ctrl-C does: to everyone in the terminal.
    fn signal_group(&self, signal: i32) {
        send(-(self.child.id() as i32), signal);
    }

    fn end(mut self) -> Said {
        let pid = self.child.id();
        let mut err = String::new();
        self.err.read_to_string(&mut err).expect("it prints text");
        let code = self.child.wait().expect("it ends").code();
        assert_eq!(shared_memory_of(pid), Vec::<String>::new(), "{code:?} {err}");
        Said { code, out: String::new(), err }
    }
}

impl Drop for Playing {
    /// Where a test fails, it ends too.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that this test started, or to its group.
fn send(pid: i32, signal: i32) {
    // SAFETY: it touches no memory; the child has not been waited for, so its
    // number is nobody else's.
    let result = unsafe { libc::kill(pid, signal) };
    assert_eq!(result, 0, "the process is there");
}

#[test]
fn ctrl_c_ends_a_patch_and_a_host_cleanly() {
    let place = Place::new();
    let play = "play tone.sostenuto --silent --workers 4";
    let host = "host tone.sostenuto --no-journal --silent --workers 4 --socket host.sock";
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        let playing = Playing::start(&place, play, "playing until Ctrl-C.");
        playing.signal_group(signal);
        let said = playing.end();
        let (last, before) = said.err.trim_end().rsplit_once('\n').unwrap_or((&said.err, ""));
        assert_eq!(said.code, Some(0), "{}", said.err);
        assert!(last.contains("Stopped.") || before.contains("Stopped."), "{}", said.err);
        assert!(said.err.contains(" 0 workers replaced."), "{}", said.err);

        let playing = Playing::start(&place, host, "Editors find this host at");
        playing.signal_group(signal);
        assert_eq!(playing.end().code, Some(0));
        assert!(!place.path("host.sock").exists());
    }
}

#[test]
fn ctrl_c_ends_a_render_that_watches_and_nothing_went_wrong() {
    let place = Place::new();
    let line = "render tone.sostenuto --seconds 0.1 --workers 2 -o tone.wav --watch";
    let playing = Playing::start(&place, line, "Waiting for a change");
    playing.signal_group(libc::SIGINT);
    playing.end().done();
    assert_eq!(place.names(), ["tone.sostenuto", "tone.wav"]);
    place.refuses("render nowhere.sostenuto --seconds 1 -o out.wav --watch", &["nowhere"]);
}

#[test]
fn ctrl_c_ends_a_render_and_leaves_what_was_there() {
    let place = Place::new();
    place.write("old.wav", "precious");
    let before = place.names();
    let line = "render tone.sostenuto --seconds 3600 --workers 2 -o old.wav --force";
    let mut child = place.command(line).spawn().expect("the program starts");
    // It is under way once its unfinished file is there.
    until("the render has begun", || place.names().len() > before.len());
    send(child.id() as i32, libc::SIGINT);
    let mut err = String::new();
    let stderr = child.stderr.as_mut().expect("it was asked for");
    stderr.read_to_string(&mut err).expect("it prints text");
    let code = child.wait().expect("it ends").code();
    Said { code, out: String::new(), err }.refused(&["stopped", "old.wav"]);
    assert_eq!(shared_memory_of(child.id()), Vec::<String>::new());
    assert_eq!(place.names(), before);
    assert_eq!(std::fs::read_to_string(place.path("old.wav")).expect("it is there"), "precious");
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_ends_a_render_also_in_the_middle_of_a_long_block() {
    let place = Place::new();
    // Each takes a second, so a block takes far longer than anybody waits here.
    let params = r#""fault": "slow", "when": "always", "slow-ms": 1000"#;
    let slow: Vec<String> =
        (0..100).map(|n| module(&format!("slow-{n}"), "saboteur", params)).collect();
    place.write("slow.sostenuto", &patch_text(1, &slow.join(", "), ""));
    for how in ["--in-process", "--workers 1"] {
        let before = place.names();
        let line = format!("render slow.sostenuto --seconds 1 --block 32 -o slow.wav {how}");
        let mut child = place.command(&line).spawn().expect("the program starts");
        let pid = child.id();
        let computes = |pid| cpu_nanos(pid).is_some_and(|nanos| nanos > 1_000_000_000);
        until("the block has begun", || {
            computes(pid) || children_of(pid).into_iter().any(computes)
        });
        let began = Instant::now();
        send(child.id() as i32, libc::SIGINT);
        let mut err = String::new();
        let stderr = child.stderr.as_mut().expect("it was asked for");
        stderr.read_to_string(&mut err).expect("it prints text");
        let code = child.wait().expect("it ends").code();
        assert!(began.elapsed() < PATIENCE, "{how}");
        Said { code, out: String::new(), err }.refused(&["stopped", "slow.wav"]);
        assert_eq!(shared_memory_of(child.id()), Vec::<String>::new());
        assert_eq!(place.names(), before);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_killed_program_takes_its_workers_along_and_the_next_start_tidies_up() {
    let place = Place::new();
    let line = "play tone.sostenuto --silent --workers 3";
    let mut playing = Playing::start(&place, line, "playing until Ctrl-C.");
    let pid = playing.child.id();
    // What plans and modules are in, and the way to the silent clock.
    assert_eq!(shared_memory_of(pid).len(), 3);
    let workers = children_of(pid);
    assert!(workers.len() >= 3, "{workers:?}");
    playing.child.kill().expect("it still plays");
    // Buried, or its number would still be somebody's.
    playing.child.wait().expect("it was killed");
    until("its workers have left", || workers.iter().all(|&worker| !is_alive(worker)));
    place.run("render tone.sostenuto --seconds 0.1 --workers 1 -o next.wav").done();
    assert_eq!(shared_memory_of(pid), Vec::<String>::new());
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// State and parent of a process.
#[cfg(target_os = "linux")]
fn stat(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before may have anything in it, brackets too.
    let mut words = stat.rsplit_once(')')?.1.split_whitespace();
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

#[cfg(target_os = "linux")]
fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("the list of processes").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| stat(pid).is_some_and(|(_, its)| its == parent)).collect()
}

/// Not buried yet is dead all the same.
#[cfg(target_os = "linux")]
fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z')
}
