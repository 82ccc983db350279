//! By signal handlers.

#![allow(unsafe_code, reason = "signals are handled here")]

use std::io::Write as _;

use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS};
use libc::{c_int, c_void, siginfo_t, ucontext_t};
use shm_ring::last_words::Fault;

pub const NAMES: [(u32, &str); 6] = [
    (SIGSEGV as u32, "SIGSEGV, memory that is not to be touched"),
    (SIGBUS as u32, "SIGBUS, memory that is not there"),
    (SIGILL as u32, "SIGILL, an illegal instruction"),
    (SIGFPE as u32, "SIGFPE, an impossible division"),
    (SIGABRT as u32, "SIGABRT, it gave up by itself"),
    (SIGSYS as u32, "SIGSYS, a call to the system that no module may make"),
];

/// Nearer than this to the top of its stack, memory that may not be touched is
/// the stack's own end.
const STACK_END_BYTES: u64 = 64 << 10;

/// Where this program lies in memory.
pub fn program() -> u64 {
    // SAFETY: all of it is addresses, for which zeros do.
    let mut place: libc::Dl_info = unsafe { std::mem::zeroed() };
    let own = program as fn() -> u64 as *const c_void;
    // SAFETY: it writes `place`, and takes any address.
    unsafe { libc::dladdr(own, &raw mut place) };
    place.dli_fbase as u64
}

/// The handler has a stack of its own, where the standard library has made one
/// for its thread, as it does for all that it starts.
pub fn catch_faults() {
    for (signal, _) in NAMES {
        // SAFETY: all of it is numbers and a set of signals, for which zeros do.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = on_fault as extern "C" fn(_, _, _) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: `on_fault` has the type that SA_SIGINFO asks for, and does
        // only what a handler may.
        unsafe { libc::sigaction(signal as c_int, &raw const action, std::ptr::null_mut()) };
    }
}

extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the system hands both over, for the time of this call.
    let (code, address, place) =
        unsafe { ((*info).si_code, (*info).si_addr() as u64, place(&*context.cast())) };
    // Sent by somebody, it has no address; 0 and below is who sent it.
    let address = if code > 0 { address } else { 0 };
    let fault = Fault { signal: signal as u32, code, address, instruction: place.instruction };
    let is_stack_full = signal == SIGSEGV && code > 0;
    let is_stack_full = is_stack_full && address.abs_diff(place.stack) < STACK_END_BYTES;
    let mut room = [0; 32];
    let text = match signal {
        _ if is_stack_full => super::STACK_FULL,
        // SAFETY: as above.
        SIGSYS if code > 0 => unsafe { call_as_text(info, &mut room) },
        _ => "",
    };
    super::struck(fault, text);
    // SAFETY: both may be called in a handler. The signal waits until this one
    // returns, and then does what it does by default: it ends the process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

/// What follows the first four numbers of a `siginfo_t` of SIGSYS.
#[repr(C)]
struct Refused {
    head: [c_int; 4],
    address: *const c_void,
    call: c_int,
}

/// Which call it was. Only Linux sends this signal with that.
///
/// # Safety
/// The system has handed it over with a SIGSYS of its own.
unsafe fn call_as_text(info: *const siginfo_t, room: &mut [u8; 32]) -> &str {
    if !cfg!(target_os = "linux") {
        return "";
    }
    // SAFETY: the caller's promise.
    let call = unsafe { (*info.cast::<Refused>()).call };
    let mut rest = &mut room[..];
    // Without a heap; there is room for any number.
    let _ = write!(rest, "It was call {call}.");
    let length = 32 - rest.len();
    std::str::from_utf8(&room[..length]).unwrap_or_default()
}

/// Where a thread was when it was struck.
struct Place {
    instruction: u64,
    stack: u64,
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn place(context: &ucontext_t) -> Place {
    let register = |index: c_int| context.uc_mcontext.gregs[index as usize] as u64;
    Place { instruction: register(libc::REG_RIP), stack: register(libc::REG_RSP) }
}

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
fn place(context: &ucontext_t) -> Place {
    Place { instruction: context.uc_mcontext.pc, stack: context.uc_mcontext.sp }
}

#[cfg(all(target_os = "macos", target_arch = "x86_64"))]
fn place(context: &ucontext_t) -> Place {
    // SAFETY: the system hands it over with the context.
    let thread = unsafe { (*context.uc_mcontext).__ss };
    Place { instruction: thread.__rip, stack: thread.__rsp }
}

#[cfg(all(target_os = "macos", target_arch = "aarch64"))]
fn place(context: &ucontext_t) -> Place {
    // SAFETY: the system hands it over with the context.
    let thread = unsafe { (*context.uc_mcontext).__ss };
    Place { instruction: thread.__pc, stack: thread.__sp }
}
