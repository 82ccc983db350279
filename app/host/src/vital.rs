//! Threads that the sound depends on.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Starts one. Where it panics, the process ends at once: without that thread a host would
/// seem to live and follow nobody. What starts it anew goes on from the journal.
///
/// # Errors
/// Where the system gives no thread.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(move || {
        let _vital = Vital;
        run();
    })
}

struct Vital;

impl Drop for Vital {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    #[ignore = "the next test starts it, as a process of its own"]
    fn panics_in_a_child() {
        if std::env::var_os("PANICS").is_some() {
            let thread = super::spawn("vital", || panic!("on purpose")).expect("a thread");
            let _ = thread.join();
        }
    }

    #[test]
    fn a_process_does_not_outlive_a_thread_that_it_depends_on() {
        let child = |panics: Option<&str>| {
            let mut child = Command::new(std::env::current_exe().expect("this test"));
            child.args(["--ignored", "--exact", "vital::tests::panics_in_a_child"]);
            child.envs(panics.map(|panics| ("PANICS", panics)));
            child.output().expect("it starts").status.success()
        };
        assert!(child(None));
        assert!(!child(Some("yes")));
    }
}
