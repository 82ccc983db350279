//! By setrlimit. Checked by the compiler, and not run.

#![allow(unsafe_code, reason = "the system's own calls set limits")]

/// None at all.
pub fn die_without_a_dump() -> bool {
    set(libc::RLIMIT_CORE, 0)
}

/// The one limit on memory that this system holds to counts all that is mapped,
/// of which a process has gigabytes from its start.
pub fn bound_memory(growth_bytes: u64) -> bool {
    mapped_bytes().is_some_and(|bytes| set(libc::RLIMIT_AS, bytes + growth_bytes))
}

fn mapped_bytes() -> Option<u64> {
    // SAFETY: all of it is numbers, for which zeros do.
    let mut counts: libc::mach_task_basic_info = unsafe { std::mem::zeroed() };
    let mut length = libc::MACH_TASK_BASIC_INFO_COUNT;
    let place = (&raw mut counts).cast();
    #[expect(deprecated, reason = "for this one number another crate would be too much")]
    // SAFETY: it writes no more than `length` numbers, which is as many as
    // `counts` has, and the port is this process's own.
    let result = unsafe {
        libc::task_info(libc::mach_task_self(), libc::MACH_TASK_BASIC_INFO, place, &raw mut length)
    };
    (result == libc::KERN_SUCCESS).then_some(counts.virtual_size)
}

fn set(resource: libc::c_int, bytes: u64) -> bool {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: it reads `limit`, and changes no memory.
    unsafe { libc::setrlimit(resource, &raw const limit) == 0 }
}
