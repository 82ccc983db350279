//! By a filter for exceptions that nobody handles. An abort of Rust's goes past
//! it, on this system: its exit code has to do.

#![allow(unsafe_code, reason = "exceptions are seen here")]

use shm_ring::last_words::Fault;
use windows_sys::Win32::Foundation::{
    EXCEPTION_ACCESS_VIOLATION, EXCEPTION_ILLEGAL_INSTRUCTION, EXCEPTION_IN_PAGE_ERROR,
    EXCEPTION_INT_DIVIDE_BY_ZERO, EXCEPTION_STACK_OVERFLOW,
};
use windows_sys::Win32::System::Diagnostics::Debug::{
    EXCEPTION_POINTERS, SetUnhandledExceptionFilter,
};
use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;

pub const NAMES: [(u32, &str); 5] = [
    (EXCEPTION_ACCESS_VIOLATION as u32, "an access violation, memory that is not to be touched"),
    (EXCEPTION_IN_PAGE_ERROR as u32, "an in-page error, memory that is not there"),
    (EXCEPTION_ILLEGAL_INSTRUCTION as u32, "an illegal instruction"),
    (EXCEPTION_INT_DIVIDE_BY_ZERO as u32, "an impossible division"),
    (EXCEPTION_STACK_OVERFLOW as u32, "a stack overflow"),
];

/// `EXCEPTION_CONTINUE_SEARCH`: it ends the process, as it would have.
const AS_BEFORE: i32 = 0;

/// Where this program lies in memory.
pub fn program() -> u64 {
    // SAFETY: without a name it is this program's own.
    unsafe { GetModuleHandleW(std::ptr::null()) as u64 }
}

pub fn catch_faults() {
    // SAFETY: `on_fault` has the type asked for, and is there for good.
    unsafe { SetUnhandledExceptionFilter(Some(on_fault)) };
}

unsafe extern "system" fn on_fault(exception: *const EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system hands it over, for the time of this call.
    let record = unsafe { &*(*exception).ExceptionRecord };
    let has_address =
        matches!(record.ExceptionCode, EXCEPTION_ACCESS_VIOLATION | EXCEPTION_IN_PAGE_ERROR);
    // The first says whether it was to be read or written.
    let [access, address, ..] = record.ExceptionInformation;
    let fault = Fault {
        signal: record.ExceptionCode as u32,
        code: if has_address { access as i32 } else { 0 },
        address: if has_address { address as u64 } else { 0 },
        instruction: record.ExceptionAddress as u64,
    };
    let is_stack_full = record.ExceptionCode == EXCEPTION_STACK_OVERFLOW;
    super::struck(fault, if is_stack_full { super::STACK_FULL } else { "" });
    AS_BEFORE
}
