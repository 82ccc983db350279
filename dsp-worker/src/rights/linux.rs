//! By seccomp: the kernel keeps a list of calls, and ends a worker that makes another
//! with SIGSYS. Landlock beside it, without a single path, takes files, networks and
//! other processes away also where there is no seccomp.

#![allow(unsafe_code, reason = "rights are given up by the system's own calls")]

use std::ops::Range;

use landlock::{
    ABI, Access, AccessFs, AccessNet, RestrictSelfAttr, Ruleset, RulesetAttr, RulesetError, Scope,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, sock_filter,
};

/// A call's number, and when it is meant: always where there are no rules, else where
/// one of them holds.
type Call = (libc::c_long, Vec<SeccompRule>);

/// Heaps but the first look into a file when they shrink. So there is one for all
/// threads; nobody waits for it, as the thread that computes takes no memory.
pub fn prepare() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a number of the allocator's.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

pub fn give_up(arena: Range<usize>) -> bool {
    // An older kernel may have none of it, and the filter does without.
    let _ = leave_all_paths();
    let calls = calls_of_a_worker(&arena);
    let filter = calls.and_then(|calls| filter(calls, SeccompAction::Trap, SeccompAction::Allow));
    filter.map(allow_at_once).is_ok_and(install)
}

pub fn keep_what_compiling_needs() -> bool {
    let _ = leave_all_paths();
    let filter = calls_of_a_compiler()
        .and_then(|calls| filter(calls, SeccompAction::Trap, SeccompAction::Allow));
    filter.map(allow_at_once).is_ok_and(install)
}

pub fn keep_what_sound_cards_need() -> bool {
    let calls = CALLS_OF_NO_DRIVER.iter().map(|&call| (call, Vec::new())).collect();
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    filter(calls, SeccompAction::Allow, refused).is_ok_and(install)
}

fn leave_all_paths() -> Result<(), RulesetError> {
    let newest = ABI::V10;
    Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?
        .all_threads(true)?
        .restrict_self()?;
    Ok(())
}

/// Its pipes, and memory for code, which it tries.
fn calls_of_a_compiler() -> Result<Vec<Call>, BackendError> {
    const OF_NO_FILE: SeccompCmpOp = SeccompCmpOp::MaskedEq(libc::MAP_ANONYMOUS as u64);
    let orders = rule([number(0, libc::STDIN_FILENO)?])?;
    let answers = rule([number(0, libc::STDOUT_FILENO)?])?;
    let itself = rule([number(0, std::process::id() as libc::c_int)?])?;
    let map = rule([when(3, OF_NO_FILE, libc::MAP_ANONYMOUS as u64)?])?;
    Ok(vec![
        (libc::SYS_read, vec![orders]),
        (libc::SYS_write, vec![answers]),
        (libc::SYS_tgkill, vec![itself]),
        (libc::SYS_mmap, vec![map]),
        (libc::SYS_mprotect, Vec::new()),
    ])
}

/// What it may do with these arguments only.
fn calls_of_a_worker(arena: &Range<usize>) -> Result<Vec<Call>, BackendError> {
    const NO_CODE: SeccompCmpOp = SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64);
    const NO_WRITE: SeccompCmpOp =
        SeccompCmpOp::MaskedEq((libc::PROT_EXEC | libc::PROT_WRITE) as u64);
    const OF_NO_FILE: SeccompCmpOp = SeccompCmpOp::MaskedEq(libc::MAP_ANONYMOUS as u64);
    let orders = rule([number(0, libc::STDIN_FILENO)?])?;
    let errors = rule([number(0, libc::STDERR_FILENO)?])?;
    let itself = rule([number(0, std::process::id() as libc::c_int)?])?;
    let map = rule([when(2, NO_CODE, 0)?, when(3, OF_NO_FILE, libc::MAP_ANONYMOUS as u64)?])?;
    let close = rule([when(2, NO_WRITE, 0)?])?;
    // Modules of a musician's own: what can be run cannot be written, and is none of the
    // memory that others write.
    const CODE: u64 = (libc::PROT_READ | libc::PROT_EXEC) as u64;
    let code = |where_to, than| rule([when(2, SeccompCmpOp::Eq, CODE)?, when(0, where_to, than)?]);
    let below = code(SeccompCmpOp::Lt, arena.start as u64)?;
    let above = code(SeccompCmpOp::Ge, arena.end as u64)?;
    let open = rule([
        when(2, NO_CODE, 0)?,
        when(0, SeccompCmpOp::Ge, arena.start as u64)?,
        when(0, SeccompCmpOp::Lt, arena.end as u64)?,
    ])?;
    Ok(vec![
        (libc::SYS_read, vec![orders]),
        (libc::SYS_write, vec![errors.clone()]),
        (libc::SYS_writev, vec![errors]),
        // To end by a signal.
        (libc::SYS_tgkill, vec![itself]),
        (libc::SYS_mmap, vec![map]),
        (libc::SYS_mprotect, vec![close, open, below, above]),
    ])
}

/// What it may do in any way. The kernel keeps a table of these, so the filter itself is
/// not run for them.
const CALLS_OF_ANY_KIND: [libc::c_long; 22] = [
    // To sleep, and to wake others.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    // What was interrupted when the process was stopped goes on by this.
    libc::SYS_restart_syscall,
    // Where the clock cannot be read without a call.
    libc::SYS_clock_gettime,
    libc::SYS_gettimeofday,
    // The allocator, and what is shared.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_sched_getaffinity,
    // A random number each time, as of the Saboteur's chance.
    libc::SYS_getrandom,
    // To end, with last words or without.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_gettid,
    // It tells nobody anything new.
    libc::SYS_getppid,
];

/// All that looks into other processes, or changes the machine. A driver may start a
/// sound server, so programs may be started.
const CALLS_OF_NO_DRIVER: [libc::c_long; 36] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
];

fn rule<const N: usize>(conditions: [SeccompCondition; N]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into())
}

/// An argument compared as a whole.
fn when(argument: u8, is: SeccompCmpOp, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, is, value)
}

/// An argument of which the kernel reads the lower half.
fn number(argument: u8, value: libc::c_int) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value as u64)
}

/// What the kernel does at `calls`, and at all others.
fn filter(
    calls: Vec<Call>,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    let machine = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(calls.into_iter().collect(), others, these, machine)?.try_into()
}

/// Where a filter of seccompiler's with calls has looked at the machine, and has the
/// call's number.
const HEAD: usize = 4;

/// Allows a worker's calls of any kind at the head of a filter: a step each, where
/// seccompiler takes three. The kernel tries each new filter with every number there is,
/// so a worker is warm the sooner.
fn allow_at_once(mut program: BpfProgram) -> BpfProgram {
    let count = CALLS_OF_ANY_KIND.len();
    let step =
        |how: u32, jt: usize, k: u32| sock_filter { code: how as u16, jt: jt as u8, jf: 0, k };
    let is_it = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let calls = CALLS_OF_ANY_KIND.iter().enumerate();
    // Over those that follow, and over the way to the rest.
    let steps = calls.map(|(index, &call)| step(is_it, count - index, call as u32));
    let end = [
        step(libc::BPF_JMP | libc::BPF_JA, 0, 1),
        step(libc::BPF_RET | libc::BPF_K, 0, SeccompAction::Allow.into()),
    ];
    program.splice(HEAD..HEAD, steps.chain(end));
    program
}

/// For all threads of this process. Kernels before 5.16 would also switch off a part of
/// the processor's speculation for it, which costs some percent, unless told not to.
fn install(mut program: BpfProgram) -> bool {
    let flags = libc::SECCOMP_FILTER_FLAG_TSYNC | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    let filter = program.as_mut_ptr().cast::<libc::sock_filter>();
    let program = libc::sock_fprog { len: program.len() as libc::c_ushort, filter };
    // SAFETY: both calls only read what they are given, which outlives them;
    // seccompiler's statements are laid out as the kernel's.
    unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const program,
            ) == 0
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus};

    use shm_ring::region::{Access, PAGE, Region};
    use sostenuto_modules::rig::Rig;

    use super::super::{give_up, keep_what_sound_cards_need};

    const WORD: &str = "RIGHTS_DEED";

    /// Where this kernel has no such filter, there is nothing to see.
    pub fn has_filters() -> bool {
        let actions = std::fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
        actions.is_ok_and(|actions| actions.split_whitespace().any(|action| action == "trap"))
    }

    #[test]
    #[ignore = "the next tests start it, as a process of its own"]
    fn confined_in_a_child() {
        let deed = std::env::var(WORD).expect("the parent sets it");
        crate::limits::limit_this_process();
        let arena = Region::create(4 * PAGE).expect("shared memory");
        let control = Region::create(PAGE).expect("shared memory");
        arena.forget_name();
        control.forget_name();
        if deed == "driver" {
            assert!(keep_what_sound_cards_need());
        } else {
            assert!(give_up(&arena));
        }
        match deed.as_str() {
            "driver" => act_as_a_driver(),
            "arena" => {
                arena.protect(PAGE..2 * PAGE, Access::Read).expect("it is the arena");
                arena.protect(PAGE..2 * PAGE, Access::Write).expect("it is the arena");
                arena.populate(0..4 * PAGE, Access::Write).expect("there is room");
                control.protect(0..PAGE, Access::Read).expect("it is less than before");
            }
            "control" => drop(control.protect(0..PAGE, Access::Write)),
            "memory" => (0..20).for_each(|bits| drop(black_box(vec![1u8; 1 << bits]))),
            "print" => eprintln!("heard"),
            // The harness would keep what `println` prints.
            "print-elsewhere" => drop(std::io::stdout().write_all(b"heard\n")),
            "abort" => std::process::abort(),
            "thread" => drop(std::thread::Builder::new().spawn(|| ())),
            escape => {
                let trigger = |_, frame| if frame == 5 { 10.0 } else { 0.0 };
                let mut rig = Rig::named("saboteur", 48_000.0);
                rig.choose("fault", escape).feed("trigger", trigger).run(32);
            }
        }
        // What the test's harness has not printed yet must not be.
        // SAFETY: it ends the process.
        unsafe { libc::_exit(SURVIVED) };
    }

    const SURVIVED: i32 = 77;

    fn act_as_a_driver() {
        // SAFETY: a null list of words is refused, or is no call at all.
        let refused = |call| unsafe { libc::syscall(call, -1, 0, 0, 0, 0) } == -1
            && std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM);
        assert!(refused(libc::SYS_ptrace) && refused(libc::SYS_unshare));
        let program = Command::new("true").status().expect("a driver may start a program");
        assert!(program.success());
        assert!(std::net::UdpSocket::bind("127.0.0.1:0").is_ok());
    }

    fn child(deed: &str) -> ExitStatus {
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        child.args(["--ignored", "--exact", "rights::os::tests::confined_in_a_child"]);
        // What `prepare` does for a worker: the harness has threads.
        child.env("MALLOC_ARENA_MAX", "1").env(WORD, deed);
        child.output().expect("it starts").status
    }

    #[test]
    fn a_worker_without_rights_does_all_that_a_worker_does() {
        if !has_filters() {
            return;
        }
        for deed in ["arena", "memory", "print", "nothing", "denormal", "driver"] {
            let status = child(deed);
            assert_eq!(status.code(), Some(SURVIVED), "{deed}: {status}");
        }
        assert_eq!(child("abort").signal(), Some(libc::SIGABRT));
        assert_eq!(child("crash").signal(), Some(libc::SIGSEGV));
        assert_eq!(child("exit").code(), Some(0));
    }

    #[test]
    fn every_escape_ends_it_and_so_does_writing_where_it_may_not() {
        if !has_filters() {
            return;
        }
        let escapes = [
            "open-file",
            "connect",
            "send-udp",
            "exec",
            "fork",
            "trace-host",
            "signal-host",
            "read-host",
            "raise-limits",
            "open-journal",
            "fill-disk",
        ];
        for deed in escapes.into_iter().chain(["control", "print-elsewhere", "thread"]) {
            let status = child(deed);
            assert_eq!(status.signal(), Some(libc::SIGSYS), "{deed}: {status}");
        }
    }
}
