//! By setrlimit.

#![allow(unsafe_code, reason = "the system's own calls set limits")]

/// One byte, not none: where dumps go to a program instead of a file, none
/// would mean that it gets them all the same, and one that it does not.
pub fn die_without_a_dump() -> bool {
    set(libc::RLIMIT_CORE, 1)
}

/// The limit on data counts what is private and writable, and no shared memory.
pub fn bound_memory(growth_bytes: u64) -> bool {
    // SAFETY: it asks for a number.
    let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64;
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    // The sixth number: data and stack.
    let Some(pages) = pages.split_whitespace().nth(5).and_then(|word| word.parse::<u64>().ok())
    else {
        return false;
    };
    set(libc::RLIMIT_DATA, pages * page_bytes + growth_bytes)
}

fn set(resource: libc::__rlimit_resource_t, bytes: u64) -> bool {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: it reads `limit`, and changes no memory.
    unsafe { libc::setrlimit(resource, &raw const limit) == 0 }
}
