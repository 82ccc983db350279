//! There are none.

use std::time::Duration;

use crate::sync::AtomicU32;

pub fn hold(_: &'static AtomicU32) -> bool {
    false
}

pub fn wait(_: &AtomicU32, _: u32, timeout: Duration) -> bool {
    std::thread::sleep(timeout);
    false
}
