//! A sound server that is ended, killed, stopped and started again, loses its sink,
//! and a card's process that is killed: the patch runs on, one notice says so, and
//! the sound is back.
//!
//! `SOSTENUTO_ROUNDS` says how often; `SOSTENUTO_STOP_SECS` how long it is stopped.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "processes are stopped and killed")]
#![allow(clippy::print_stdout, reason = "the test tells what it measured")]

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sostenuto_tests::talking::{PATIENCE, Talking};

/// A private sound server, with a sink that plays to nobody.
struct Server {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

const SINK: &str = "sink_name=test rate=48000 channels=2 format=float32le";

impl Server {
    fn start() -> Server {
        let mut server = Server { folder: tempfile::tempdir().expect("a folder"), child: None };
        let to_pulse = "pcm.!default { type pulse }\nctl.!default { type pulse }\n";
        std::fs::write(server.folder.path().join(".asoundrc"), to_pulse).expect("a file");
        server.run();
        server
    }

    fn run(&mut self) {
        let arguments = ["-n", "--daemonize=no", "--exit-idle-time=-1"];
        let child = self
            .command("pulseaudio")
            .args(arguments)
            .args(["-L", "module-native-protocol-unix", "-L"])
            .arg(format!("module-null-sink {SINK}"))
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("pulseaudio is there: packaging/test installs it"));
        let began = Instant::now();
        while !self.does("pactl", &["info"]) {
            assert!(began.elapsed() < PATIENCE, "the sound server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("XDG_RUNTIME_DIR", self.folder.path()).env("HOME", self.folder.path());
        // Nothing of the user's own sound server.
        command.env_remove("PULSE_SERVER").env_remove("XDG_CONFIG_HOME");
        command
    }

    fn does(&self, program: &str, arguments: &[&str]) -> bool {
        let quiet =
            |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        quiet(self.command(program).args(arguments)).is_ok_and(|status| status.success())
    }

    fn signal(&self, signal: i32) {
        let child = self.child.as_ref().expect("it runs");
        // SAFETY: a signal to a child that was not waited for.
        unsafe { libc::kill(child.id() as libc::pid_t, signal) };
    }

    fn end(&mut self, signal: i32) {
        self.signal(signal);
        let _ = self.child.take().expect("it runs").wait();
    }

    /// Whether its sink plays something loud within a while.
    fn is_loud(&self) -> bool {
        let mut recorder = self
            .command("parecord")
            .args(["-d", "test.monitor", "--raw", "--format=s16le", "--latency-msec=50"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("parecord is there");
        let mut heard = recorder.stdout.take().expect("it was asked for");
        // Five seconds of sound.
        let mut room = vec![0; 5 * 44_100 * 4];
        let mut filled = 0;
        let is_loud = |bytes: &[u8]| {
            bytes.chunks_exact(2).any(|two| i16::from_le_bytes([two[0], two[1]]).abs() > 300)
        };
        while filled < room.len() && !is_loud(&room[..filled]) {
            match heard.read(&mut room[filled..]) {
                Ok(0) | Err(_) => break,
                Ok(count) => filled += count,
            }
        }
        let _ = recorder.kill();
        let _ = recorder.wait();
        is_loud(&room[..filled])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

struct Host(Talking);

impl Host {
    fn on(server: &Server) -> Host {
        let mut command = server.command(env!("CARGO_BIN_EXE_test-sostenuto"));
        command
            .args(["host", "--no-journal", "--workers", "1", "--remember", "0", "--socket"])
            .arg(server.folder.path().join("host.sock"))
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/patches/paper-lantern.sostenuto"))
            .env("SOSTENUTO_WORKER", env!("CARGO_BIN_EXE_test-worker"));
        Host(Talking::start(&mut command))
    }

    #[track_caller]
    fn next(&self) -> String {
        self.0.next_about_card()
    }

    /// Kills the process that has the card.
    fn kill_card(&self) {
        let parent = format!("PPid:\t{}", self.0.child.id());
        for entry in std::fs::read_dir("/proc").expect("it is Linux").flatten() {
            let read = |name: &str| std::fs::read_to_string(entry.path().join(name));
            let is_child = read("status").is_ok_and(|text| text.contains(&parent));
            if is_child && read("cmdline").is_ok_and(|line| line.contains("\0card\0play\0")) {
                let pid = entry.file_name().to_string_lossy().parse().expect("a process");
                // SAFETY: a signal to a process of this test.
                unsafe { libc::kill(pid, libc::SIGKILL) };
                return;
            }
        }
        panic!("no process has the card");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // SAFETY: a signal to a child that was not waited for.
        unsafe { libc::kill(self.0.child.id() as libc::pid_t, libc::SIGTERM) };
        let _ = self.0.child.wait();
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
#[ignore = "needs PulseAudio: packaging/test installs it"]
fn sound_comes_back_whatever_becomes_of_the_sound_server() {
    let mut server = Server::start();
    let host = Host::on(&server);
    assert!(host.next().starts_with("Playing through"), "it is heard at first");
    assert!(server.is_loud(), "it is heard at first");
    let stop = Duration::from_secs(number("SOSTENUTO_STOP_SECS", 2));
    let mut took_secs = Vec::new();
    for round in 0..number("SOSTENUTO_ROUNDS", 5) {
        let what = ["ended", "killed", "stopped", "its sink removed", "card's process killed"];
        let what = what[(round % 5) as usize];
        let silent = |host: &Host| {
            let said = host.next();
            assert!(said.starts_with("You hear nothing"), "{what}: {said}");
        };
        let back = match what {
            "stopped" => {
                server.signal(libc::SIGSTOP);
                silent(&host);
                std::thread::sleep(stop);
                server.signal(libc::SIGCONT);
                Instant::now()
            }
            "its sink removed" => {
                assert!(server.does("pactl", &["unload-module", "module-null-sink"]));
                silent(&host);
                let mut load = vec!["load-module", "module-null-sink"];
                load.extend(SINK.split(' '));
                assert!(server.does("pactl", &load));
                Instant::now()
            }
            "card's process killed" => {
                host.kill_card();
                silent(&host);
                Instant::now()
            }
            what => {
                server.end(if what == "ended" { libc::SIGTERM } else { libc::SIGKILL });
                silent(&host);
                server.run();
                Instant::now()
            }
        };
        let said = host.next();
        assert!(said.starts_with("Playing through"), "{what}: {said}");
        took_secs.push(back.elapsed().as_secs_f64());
        assert!(server.is_loud(), "{what}, in round {round}: nothing is heard");
        assert_eq!(host.0.more_silence(), None, "{what}: one notice is enough");
    }
    took_secs.sort_by(f64::total_cmp);
    let (median, most) = (took_secs[took_secs.len() / 2], took_secs[took_secs.len() - 1]);
    println!("{} times, back after {median:.2} s (median), {most:.2} s (most)", took_secs.len());
}
