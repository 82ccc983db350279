//! A worker's process, as the host sees it: started, timed, killed, and known
//! by how it ended.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use shared_child::SharedChild;

#[cfg(target_os = "linux")]
#[path = "process/linux.rs"]
mod os;
#[cfg(target_os = "macos")]
#[path = "process/macos.rs"]
mod os;
#[cfg(windows)]
#[path = "process/windows.rs"]
mod os;

use crate::pool::ladder::Cause;

/// A worker's process: the system's, or a simulation's.
pub(crate) trait Process: Send + Sync {
    /// The number that the system gave it.
    fn id(&self) -> u32;

    /// Processor time that it has used, in nanoseconds. `None` where it is gone.
    fn cpu_nanos(&self) -> Option<u64>;

    /// Ends it, as `kill -9` does.
    ///
    /// # Errors
    /// What the system says.
    fn kill(&self) -> io::Result<()>;

    /// Sends it a signal.
    ///
    /// # Errors
    /// What the system says.
    #[cfg(unix)]
    fn signal(&self, number: i32) -> io::Result<()>;
}

impl Process for SharedChild {
    fn id(&self) -> u32 {
        SharedChild::id(self)
    }

    fn cpu_nanos(&self) -> Option<u64> {
        cpu_nanos(SharedChild::id(self))
    }

    fn kill(&self) -> io::Result<()> {
        SharedChild::kill(self)
    }

    #[cfg(unix)]
    fn signal(&self, number: i32) -> io::Result<()> {
        shared_child::unix::SharedChildExt::send_signal(self, number)
    }
}

/// Starts a worker. Its orders are its standard input; it leaves at their end.
///
/// # Errors
/// What the system says.
pub fn start(program: &Path, args: &[&str]) -> std::io::Result<SharedChild> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::null());
    spare_ctrl_c(&mut command);
    SharedChild::spawn(&mut command)
}

/// Ctrl-C in a terminal goes to every process of a group. The host hears it,
/// and its workers play until it has let them go.
pub fn spare_ctrl_c(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    // CREATE_NEW_PROCESS_GROUP
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(command, 0x200);
}

/// Processor time that a process has used, in nanoseconds. It stands still while
/// the machine does not run the process. `None` where the process is gone.
pub fn cpu_nanos(pid: u32) -> Option<u64> {
    os::cpu_nanos(pid)
}

/// Lets the machine run everything else before this thread. Where it will not,
/// the thread is one like any other.
pub fn step_back() {
    os::step_back();
}

/// Why a process that nobody here has killed came to its end.
pub fn cause(status: &ExitStatus) -> Cause {
    if os::was_killed(status) { Cause::Outside } else { Cause::Crash }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn the_clock_of_a_process_that_works_moves() {
        let own = std::process::id();
        let before = cpu_nanos(own).expect("this process lives");
        let began = Instant::now();
        // On a busy machine this may take longer than it says.
        while cpu_nanos(own).expect("it still lives") < before + 20_000_000 {
            assert!(began.elapsed() < Duration::from_secs(60));
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_clock_of_a_process_that_sleeps_stands_still_and_its_killing_is_seen() {
        let child = start(Path::new("/bin/cat"), &[]).expect("cat is everywhere");
        let mut before = None;
        // It may take a while to start.
        while before != cpu_nanos(child.id()) || before == Some(0) {
            before = cpu_nanos(child.id());
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(cpu_nanos(child.id()), before);
        child.kill().expect("a child may be killed");
        assert_eq!(cause(&child.wait().expect("and waited for")), Cause::Outside);
        assert_eq!(cpu_nanos(child.id()), None);
    }

    #[cfg(unix)]
    #[test]
    fn one_that_ends_by_itself_was_not_killed() {
        let child = start(Path::new("/bin/false"), &[]).expect("false is everywhere");
        assert_eq!(cause(&child.wait().expect("it ends")), Cause::Crash);
    }
}
