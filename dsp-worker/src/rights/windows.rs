//! By a job that allows no second process, and a token without privileges that nothing
//! in the system trusts: what is open stays open.

#![allow(unsafe_code, reason = "rights are given up by the system's own calls")]

use std::ffi::c_void;
use std::ops::Range;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE};
use windows_sys::Win32::Security::{
    AdjustTokenPrivileges, CreateWellKnownSid, GetTokenInformation, LUID_AND_ATTRIBUTES,
    SE_PRIVILEGE_REMOVED, SID_AND_ATTRIBUTES, SetTokenInformation, TOKEN_ADJUST_DEFAULT,
    TOKEN_ADJUST_PRIVILEGES, TOKEN_MANDATORY_LABEL, TOKEN_QUERY, TokenIntegrityLevel,
    TokenPrivileges, WinUntrustedLabelSid,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
    JOBOBJECT_BASIC_LIMIT_INFORMATION, JobObjectBasicLimitInformation, SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// `SE_GROUP_INTEGRITY`.
const IS_A_LEVEL: u32 = 0x20;

/// `TOKEN_PRIVILEGES`, with room for more than there are.
#[repr(C)]
struct Privileges {
    count: u32,
    each: [LUID_AND_ATTRIBUTES; 64],
}

pub fn prepare() {}

pub fn give_up(_: Range<usize>) -> bool {
    let is_alone = stay_alone();
    let mut token: HANDLE = null_mut();
    let access = TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES | TOKEN_ADJUST_DEFAULT;
    // SAFETY: it writes `token`.
    if unsafe { OpenProcessToken(GetCurrentProcess(), access, &raw mut token) } == 0 {
        return false;
    }
    // In this order: whoever is trusted with nothing may not change its token.
    let is_done = remove_privileges(token) && trust_nothing(token);
    // SAFETY: the token is this function's own.
    unsafe { CloseHandle(token) };
    is_alone && is_done
}

pub fn keep_what_compiling_needs() -> bool {
    give_up(0..0)
}

/// There is nothing that all of them can do without.
pub fn keep_what_sound_cards_need() -> bool {
    false
}

/// In a job within the one of its limits.
fn stay_alone() -> bool {
    let limits = JOBOBJECT_BASIC_LIMIT_INFORMATION {
        LimitFlags: JOB_OBJECT_LIMIT_ACTIVE_PROCESS,
        ActiveProcessLimit: 1,
        ..Default::default()
    };
    // SAFETY: the job is this function's own until it is left to the process, and
    // `limits` is of the kind and length that the call is told.
    unsafe {
        let job = CreateJobObjectW(null(), null());
        let kind = JobObjectBasicLimitInformation;
        SetInformationJobObject(job, kind, (&raw const limits).cast(), size_of_val(&limits) as u32)
            != 0
            && AssignProcessToJobObject(job, GetCurrentProcess()) != 0
    }
}

fn remove_privileges(token: HANDLE) -> bool {
    let mut privileges = Privileges { count: 0, each: [LUID_AND_ATTRIBUTES::default(); 64] };
    let (bytes, mut needed) = (size_of_val(&privileges) as u32, 0);
    let place: *mut c_void = (&raw mut privileges).cast();
    // SAFETY: it writes no more than `bytes` at `place`.
    if unsafe { GetTokenInformation(token, TokenPrivileges, place, bytes, &raw mut needed) } == 0 {
        return false;
    }
    privileges.each.iter_mut().for_each(|privilege| privilege.Attributes = SE_PRIVILEGE_REMOVED);
    // SAFETY: it reads as many as `count` says, which the system has written.
    unsafe {
        AdjustTokenPrivileges(token, 0, (&raw const privileges).cast(), 0, null_mut(), null_mut())
            != 0
    }
}

fn trust_nothing(token: HANDLE) -> bool {
    // `SECURITY_MAX_SID_SIZE` is 68.
    let mut level = [0u32; 17];
    let mut bytes = size_of_val(&level) as u32;
    let sid: *mut c_void = level.as_mut_ptr().cast();
    let label =
        TOKEN_MANDATORY_LABEL { Label: SID_AND_ATTRIBUTES { Sid: sid, Attributes: IS_A_LEVEL } };
    let length = size_of_val(&label) as u32;
    // SAFETY: the first writes no more than `bytes` into `level`; the second reads
    // `label`, and `level` by it.
    unsafe {
        CreateWellKnownSid(WinUntrustedLabelSid, null_mut(), sid, &raw mut bytes) != 0
            && SetTokenInformation(token, TokenIntegrityLevel, (&raw const label).cast(), length)
                != 0
    }
}
