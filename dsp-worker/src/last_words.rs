//! A worker that dies by its own fault says first what happened, in shared
//! memory: the host reads it when the worker is dead.

#[cfg_attr(unix, path = "last_words/unix.rs")]
#[cfg_attr(windows, path = "last_words/windows.rs")]
mod os;

use std::fmt::Write as _;
use std::io::{Write as _, stderr};
use std::sync::OnceLock;

use shm_ring::last_words::{Fault, LastWords, Said, TEXT_BYTES};

static RECORD: OnceLock<&'static LastWords> = OnceLock::new();

/// From now on this process leaves its last words there: of a panic, and of
/// what the system would end it for. It dies of that all the same, in the way
/// that it would have. To be called once, before there are other threads.
pub fn leave_at(record: &'static LastWords) {
    record.begin(std::process::id(), os::program());
    if RECORD.set(record).is_err() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        // Without a heap: it may be what went wrong.
        let mut room = [0; TEXT_BYTES];
        let mut rest = &mut room[..];
        let _ = write!(rest, "{panic}");
        let length = TEXT_BYTES - rest.len();
        record.text(&room[..length]);
        // Not by the hook that was there: for its backtrace it opens files, which a
        // worker may not.
        let _ = stderr().write_all(&room[..length]).and_then(|()| stderr().write_all(b"\n"));
    }));
    os::catch_faults();
}

/// What is said of a stack overflow.
const STACK_FULL: &str = "The stack was full: a function called itself without end.";

/// Called by the system in the middle of any instruction. Where the text is empty, it
/// says nothing. Real-time safe.
fn struck(fault: Fault, text: &str) {
    let Some(record) = RECORD.get() else { return };
    record.fault(fault);
    record.text(text.as_bytes());
}

/// The system's name for a kind of fault.
pub fn name(signal: u32) -> &'static str {
    let known = os::NAMES.iter().find(|(number, _)| *number == signal);
    known.map_or("an unknown fault", |(_, name)| name)
}

/// Last words as a person reads them, in one line or several.
pub fn describe(said: &Said) -> String {
    let mut words = String::new();
    if let Some(fault) = said.fault {
        let Fault { signal, code, address, instruction } = fault;
        let offset = instruction.wrapping_sub(said.program);
        // A string takes all that is written to it.
        let _ = write!(
            words,
            "{} (code {code}) at address {address:#x}, by the instruction at {instruction:#x} \
             (program + {offset:#x})",
            name(signal)
        );
    }
    if !said.text.is_empty() {
        words.push_str(if words.is_empty() { "" } else { ": " });
        words.push_str(&said.text);
    }
    words
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use shm_ring::region::Region;

    use super::*;
    use sostenuto_modules::rig::Rig;

    #[test]
    #[ignore = "the next test starts it, as a process of its own"]
    fn struck_in_a_child() {
        let word = |name: &str| std::env::var(name).expect("the parent sets it");
        let region: &'static Region =
            Box::leak(Box::new(Region::open(&word("WORDS_REGION")).expect("it is there")));
        region
            .protect(0..region.len(), shm_ring::region::Access::Write)
            .expect("it can be written");
        leave_at(region.record(0).expect("it has room"));
        let trigger = |_, frame| if frame == 5 { 10.0 } else { 0.0 };
        let mut rig = Rig::named("saboteur", 48_000.0);
        rig.choose("fault", &word("WORDS_FAULT")).feed("trigger", trigger).run(32);
    }

    fn said(fault: &str) -> (std::process::ExitStatus, Option<Said>) {
        let region = Region::create(shm_ring::region::PAGE).expect("shared memory");
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        child.args(["--ignored", "--exact", "last_words::tests::struck_in_a_child"]);
        let child = child.env("WORDS_REGION", region.name()).env("WORDS_FAULT", fault);
        let child = child.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = child.spawn().expect("it starts");
        let status = child.wait().expect("it ends");
        (status, region.record::<LastWords>(0).expect("it has room").read(child.id()))
    }

    #[test]
    fn a_crash_names_its_address_and_a_panic_its_line() {
        let (status, words) = said("crash");
        let words = words.expect("a word");
        assert!(!status.success());
        let fault = words.fault.expect("a fault");
        assert_eq!(fault.address, 16, "{}", describe(&words));
        // Its instruction lies in this very program.
        assert!((1..1 << 30).contains(&(fault.instruction - words.program)), "{words:?}");

        let (status, words) = said("panic");
        let words = words.expect("a word");
        assert_eq!(status.code(), Some(101));
        assert_eq!(words.fault, None);
        assert!(words.text.contains("the Saboteur was told to panic"), "{}", words.text);
        assert!(words.text.contains("saboteur.rs:"), "{}", words.text);

        assert_eq!(said("exit").1, None);
        assert_eq!(said("nothing").1, None);
    }

    #[test]
    #[cfg(unix)]
    fn the_host_sees_the_true_signal() {
        use std::os::unix::process::ExitStatusExt;
        for (fault, signal) in [
            ("crash", libc::SIGSEGV),
            ("abort", libc::SIGABRT),
            ("stack-overflow", libc::SIGSEGV),
            ("wild-write", libc::SIGSEGV),
        ] {
            let (status, words) = said(fault);
            assert_eq!(status.signal(), Some(signal), "{fault}");
            let words = words.expect("a word");
            assert_eq!(words.fault.expect("a fault").signal, signal as u32, "{fault}");
            assert_eq!(words.text.contains("stack was full"), fault == "stack-overflow");
        }
    }
}
