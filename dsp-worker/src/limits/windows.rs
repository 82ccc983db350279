//! By a job object, in which this process is alone.

#![allow(unsafe_code, reason = "the system's own calls set limits")]

use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_PROCESS_MEMORY,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation,
    SetInformationJobObject,
};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// Without a window that says so, and waits for somebody to close it.
pub fn die_without_a_dump() -> bool {
    // SAFETY: it sets a flag of this process.
    unsafe { SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX) };
    true
}

/// The limit counts what is committed, and no memory of files, which is what
/// the shared memory is. The job lives as long as the process in it.
pub fn bound_memory(growth_bytes: u64) -> bool {
    let bytes = size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
    let mut counts = PROCESS_MEMORY_COUNTERS { cb: bytes, ..Default::default() };
    // SAFETY: it writes `counts`, whose length it is told.
    if unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), &raw mut counts, bytes) } == 0 {
        return false;
    }
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_PROCESS_MEMORY;
    limits.ProcessMemoryLimit = counts.PagefileUsage + growth_bytes as usize;
    let bytes = size_of_val(&limits) as u32;
    // SAFETY: the job is this function's own until it is left to the process,
    // and `limits` is of the kind and length that the call is told.
    unsafe {
        let job = CreateJobObjectW(std::ptr::null(), std::ptr::null());
        let kind = JobObjectExtendedLimitInformation;
        SetInformationJobObject(job, kind, (&raw const limits).cast(), bytes) != 0
            && AssignProcessToJobObject(job, GetCurrentProcess()) != 0
    }
}
