//! What a worker may take of the machine before it is ended: so that a module
//! that goes wild ends its own process, and nothing else, and ends it soon.

#[cfg_attr(target_os = "linux", path = "limits/linux.rs")]
#[cfg_attr(target_os = "macos", path = "limits/macos.rs")]
#[cfg_attr(windows, path = "limits/windows.rs")]
mod os;

/// How much memory a worker may take beyond what it has when it starts. Modules
/// take none while they play: their memory is shared, and does not count.
pub const GROWTH_BYTES: u64 = 512 << 20;

/// Bounds the memory of this process, and has it die without a dump of its
/// memory, which would hold up the news of its death. Whether the system agreed
/// to all of it; where it did not, sound is played all the same. To be called
/// when all that is shared is mapped, before there are other threads.
pub fn limit_this_process() -> bool {
    let is_quick = os::die_without_a_dump();
    bound_memory() && is_quick
}

/// Bounds the memory of this process alone.
pub fn bound_memory() -> bool {
    os::bound_memory(GROWTH_BYTES)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;
    use sostenuto_modules::rig::Rig;

    #[test]
    #[ignore = "the next test starts it, as a process of its own"]
    fn bombed_in_a_child() {
        assert!(limit_this_process());
        let trigger = |_, frame| if frame == 5 { 10.0 } else { 0.0 };
        Rig::named("saboteur", 48_000.0)
            .choose("fault", "memory-bomb")
            .feed("trigger", trigger)
            .run(32);
    }

    #[test]
    fn a_memory_bomb_ends_its_own_process_and_leaves_no_dump() {
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        child.args(["--ignored", "--exact", "limits::tests::bombed_in_a_child"]);
        let output = child.output().expect("it starts");
        // Not SIGKILL, which is how a system that is out of memory would end it.
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{}", output.status);
        assert!(!output.status.core_dumped());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("memory allocation of"), "{said}");
    }
}
