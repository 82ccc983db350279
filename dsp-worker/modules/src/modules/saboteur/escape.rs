//! What code would try that wants out of its process. Where nobody refuses it, none
//! of it does harm, and each returns.

#![allow(unsafe_code, reason = "the system is asked for what no module may have")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::path::PathBuf;

/// Tries what a word of the param names; nothing, where this system has no such thing.
pub fn attempt(escape: &str) {
    match escape {
        "open-file" => drop(File::open(own_program())),
        "connect" => drop(TcpStream::connect((Ipv4Addr::LOCALHOST, DISCARD))),
        "send-udp" => send_udp(),
        "exec" => os::exec(),
        "fork" => os::fork(),
        "trace-host" => os::trace_host(),
        "signal-host" => os::signal_host(),
        "read-host" => os::read_host(),
        "raise-limits" => os::raise_limits(),
        "open-journal" => open_journal(),
        "fill-disk" => fill_disk(),
        _ => {}
    }
}

/// The port of whoever throws away what comes; mostly nobody.
const DISCARD: u16 = 9;

fn own_program() -> PathBuf {
    std::env::args_os().next().unwrap_or_default().into()
}

/// To itself.
fn send_udp() {
    let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) else { return };
    if let Ok(own) = socket.local_addr() {
        let _ = socket.send_to(b"out", own);
    }
}

/// Opens what the host's journal consists of for writing, and writes nothing.
fn open_journal() {
    let own =
        if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(own));
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
    let folder = state.unwrap_or_default().join("sostenuto/journal");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        drop(OpenOptions::new().append(true).open(entry.path()));
    }
}

/// With a megabyte, which is removed again.
fn fill_disk() {
    let path = std::env::temp_dir().join(format!("sostenuto-saboteur-{}", std::process::id()));
    let Ok(mut file) = File::create_new(&path) else { return };
    let _ = file.write_all(&[1; 1 << 20]);
    drop(file);
    let _ = fs::remove_file(path);
}

#[cfg(unix)]
mod os {
    use std::ptr::{null, null_mut};

    /// There is no such program: where it may be started, this one goes on.
    pub fn exec() {
        let arguments = [c"nothing".as_ptr(), null()];
        // SAFETY: both lists end with a null, and their strings are constants.
        unsafe { libc::execve(c"/nothing".as_ptr(), arguments.as_ptr(), arguments[1..].as_ptr()) };
    }

    /// The child leaves at once.
    pub fn fork() {
        // SAFETY: the child does only what the child of a program with threads may.
        match unsafe { libc::fork() } {
            // SAFETY: it touches nothing.
            0 => unsafe { libc::_exit(0) },
            child => {
                // SAFETY: the child is this function's own; where there is none, the
                // call only refuses.
                unsafe { libc::waitpid(child, null_mut(), 0) };
            }
        }
    }

    /// With what changes nothing for a process that runs.
    pub fn signal_host() {
        // SAFETY: it touches no memory of this process.
        unsafe { libc::kill(libc::getppid(), libc::SIGCONT) };
    }

    /// Where it works, they are set back.
    pub fn raise_limits() {
        let mut own = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        let none = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: they read and write these two, and change no memory.
        unsafe {
            libc::getrlimit(libc::RLIMIT_DATA, &raw mut own);
            if libc::setrlimit(libc::RLIMIT_DATA, &raw const none) == 0 {
                libc::setrlimit(libc::RLIMIT_DATA, &raw const own);
            }
        }
    }

    #[cfg(target_os = "linux")]
    pub fn trace_host() {
        let nothing = null_mut::<libc::c_void>();
        // SAFETY: they touch no memory of this process. Of the host's they change
        // none: it stands still for an instant, as it can be let go only then.
        unsafe {
            let host = libc::getppid();
            if libc::ptrace(libc::PTRACE_SEIZE, host, nothing, nothing) == 0 {
                libc::ptrace(libc::PTRACE_INTERRUPT, host, nothing, nothing);
                libc::waitpid(host, null_mut(), libc::__WALL);
                libc::ptrace(libc::PTRACE_DETACH, host, nothing, nothing);
            }
        }
    }

    /// A word of it, if there is one at this address.
    #[cfg(target_os = "linux")]
    pub fn read_host() {
        let mut word = 0u64;
        let into = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: size_of::<u64>() };
        let from = libc::iovec { iov_base: read_host as fn() as *mut libc::c_void, ..into };
        // SAFETY: of this process it writes `word` alone.
        unsafe {
            libc::process_vm_readv(libc::getppid(), &raw const into, 1, &raw const from, 1, 0);
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn trace_host() {}

    #[cfg(not(target_os = "linux"))]
    pub fn read_host() {}
}

#[cfg(not(unix))]
mod os {
    /// A program that does nothing.
    pub fn exec() {
        drop(std::process::Command::new("cmd").args(["/C", "exit"]).status());
    }

    pub fn fork() {}

    pub fn trace_host() {}

    pub fn signal_host() {}

    pub fn read_host() {}

    pub fn raise_limits() {}
}
