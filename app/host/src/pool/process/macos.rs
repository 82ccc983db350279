#![allow(unsafe_code, reason = "the clock of another process is a bare call")]

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

pub fn cpu_nanos(pid: u32) -> Option<u64> {
    // SAFETY: all its fields are numbers.
    let mut usage: libc::rusage_info_v2 = unsafe { std::mem::zeroed() };
    let place: *mut libc::rusage_info_v2 = &raw mut usage;
    // SAFETY: the system writes a record of the version that it is told, which
    // is borrowed for the whole call.
    let result =
        unsafe { libc::proc_pid_rusage(pid as libc::c_int, libc::RUSAGE_INFO_V2, place.cast()) };
    // In ticks of the machine's clock.
    (result == 0).then(|| nanos(usage.ri_user_time + usage.ri_system_time))
}

#[expect(deprecated, reason = "another crate only for these two numbers")]
fn nanos(ticks: u64) -> u64 {
    let mut base = libc::mach_timebase_info { numer: 0, denom: 0 };
    // SAFETY: the system writes a record that is borrowed for the whole call.
    unsafe { libc::mach_timebase_info(&raw mut base) };
    (u128::from(ticks) * u128::from(base.numer) / u128::from(base.denom.max(1))) as u64
}

pub fn step_back() {
    let class = libc::qos_class_t::QOS_CLASS_UTILITY;
    // SAFETY: it touches no memory of this program, only the calling thread's
    // class.
    unsafe { libc::pthread_set_qos_class_self_np(class, 0) };
}

pub fn was_killed(status: &ExitStatus) -> bool {
    matches!(status.signal(), Some(libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP))
}
