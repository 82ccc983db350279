#![allow(unsafe_code, reason = "the times of another process are a bare call")]

use std::process::ExitStatus;

use windows_sys::Win32::Foundation::{CloseHandle, FILETIME};
use windows_sys::Win32::System::Threading::{
    GetCurrentThread, GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
    SetThreadPriority, THREAD_PRIORITY_LOWEST,
};

pub fn cpu_nanos(pid: u32) -> Option<u64> {
    let zero = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let [mut born, mut ended, mut kernel, mut user] = [zero; 4];
    // SAFETY: the system writes four times that are borrowed for the call, and
    // the handle is this function's own.
    let is_there = unsafe {
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid);
        if process.is_null() {
            return None;
        }
        let times = [&raw mut born, &raw mut ended, &raw mut kernel, &raw mut user];
        let result = GetProcessTimes(process, times[0], times[1], times[2], times[3]);
        CloseHandle(process);
        result != 0
    };
    // Counted in 100 ns; the system moves them on every 15.6 ms.
    let nanos = |time: FILETIME| {
        100 * (u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime))
    };
    is_there.then(|| nanos(kernel) + nanos(user))
}

pub fn step_back() {
    // SAFETY: the handle means the calling thread, and is not to be closed.
    unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_LOWEST) };
}

/// `TerminateProcess` leaves what its caller chose: 1 from the task manager and
/// from the standard library. A module that crashes leaves an exception.
pub fn was_killed(status: &ExitStatus) -> bool {
    status.code() == Some(1)
}
