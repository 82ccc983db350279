//! The test program starts itself again as another process, which runs one test
//! only: the life of a peer.

use std::process::{Child, Command, Stdio};

const WHAT: &str = "SHM_RING_PEER";

/// What this process was told, where it is a peer.
pub fn told() -> Option<String> {
    std::env::var(WHAT).ok()
}

/// Another process, that is killed at the latest when this value is dropped.
pub struct Peer(pub Child);

impl Peer {
    /// A process that runs the test of that name and finds `told` there.
    pub fn start(test: &str, told: &str) -> Peer {
        let mut command =
            Command::new(std::env::current_exe().expect("the test program's own path"));
        command.args([test, "--exact", "--include-ignored", "--nocapture", "--test-threads=1"]);
        command.env(WHAT, told).stdin(Stdio::null()).stdout(Stdio::piped());
        Peer(command.spawn().expect("the test program starts again"))
    }

    /// Kills it outright, as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        self.0.kill().expect("a child may be killed");
        self.0.wait().expect("a child can be waited for");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
