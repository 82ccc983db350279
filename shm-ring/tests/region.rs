//! Regions, with the processes that own them, read them and die with them.

#![cfg(not(loom))]
#![allow(unsafe_code, reason = "memory is written here that may not be written")]

mod common;

use std::io::{BufRead, BufReader, Write};

use common::{Peer, told};
use shm_ring::region::{Access, PAGE, Region, remove_leftovers};

/// Where the system shows its shared memory as files, or what stands for it.
fn file(region: &str) -> std::path::PathBuf {
    let folder = match std::env::consts::OS {
        "linux" => "/dev/shm".into(),
        "windows" => std::env::temp_dir().join("shared_memory-rs"),
        _ => std::env::temp_dir(),
    };
    folder.join(region.trim_start_matches('/'))
}

fn byte(region: &Region, offset: usize) -> u8 {
    // SAFETY: nobody writes any more; the peer has ended.
    unsafe { region.values::<u8>(offset, 1).unwrap()[0] }
}

#[test]
fn names_are_random_and_memory_is_zero() {
    let [one, two] = [(); 2].map(|()| Region::create(4 * PAGE).unwrap());
    let random = |region: &Region| region.name().rsplit('-').next().unwrap().to_owned();
    assert_eq!(random(&one).len(), 12);
    assert_ne!(random(&one), random(&two));
    assert!(one.name().len() <= 31, "macOS takes no longer names than {}", one.name());
    assert_eq!(byte(&one, 0) | byte(&one, 4 * PAGE - 1), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn only_this_user_may_open_it() {
    use std::os::unix::fs::PermissionsExt;
    let region = Region::create(PAGE).unwrap();
    let mode = std::fs::metadata(file(region.name())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Anybody may put those there.
#[test]
#[cfg(target_os = "linux")]
fn a_pipe_or_a_link_by_the_name_of_a_leftover_is_left_alone() {
    let precious = tempfile_in_tmp("precious");
    let names = ["sostenuto-999999-0a1b2c3d4e5f", "sostenuto-999999-1a1b2c3d4e5f"];
    let [pipe, link] = names.map(file);
    for path in [&pipe, &link] {
        let _ = std::fs::remove_file(path);
    }
    let name = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
    // SAFETY: the name ends in a zero byte.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o666) }, 0);
    std::os::unix::fs::symlink(&precious, &link).unwrap();
    remove_leftovers();
    assert!(pipe.exists() && link.exists() && precious.exists());
    for path in [pipe, link, precious] {
        std::fs::remove_file(path).unwrap();
    }
}

#[cfg(target_os = "linux")]
fn tempfile_in_tmp(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    std::fs::write(&path, "").unwrap();
    path
}

#[test]
fn it_is_gone_when_its_owner_drops_it() {
    let region = Region::create(PAGE).unwrap();
    let name = region.name().to_owned();
    let reader = Region::open(&name).unwrap();
    assert!(file(&name).exists());
    drop(region);
    assert!(!file(&name).exists());
    assert!(Region::open(&name).is_err());
    drop(reader);
    remove_leftovers();
    let random = name.rsplit('-').next().unwrap();
    let left = file(&name).parent().unwrap().read_dir().unwrap().flatten();
    let mut names = left.map(|entry| entry.file_name().into_string().unwrap());
    assert_eq!(names.find(|name| name.contains(random)), None);
}

#[test]
fn memory_can_be_had_beforehand_and_ranges_are_checked() {
    let region = Region::create(4 * PAGE).unwrap();
    region.populate(0..4 * PAGE, Access::Write).unwrap();
    region.protect(PAGE..2 * PAGE, Access::Read).unwrap();
    region.populate(PAGE..2 * PAGE, Access::Read).unwrap();
    assert!(region.populate(0..4 * PAGE + 1, Access::Read).is_err());
    assert!(region.protect(1..PAGE, Access::Read).is_err());
    assert!(region.protect(0..5 * PAGE, Access::Read).is_err());
    assert!(!region.lock(0..5 * PAGE));
    assert!(region.record::<shm_ring::sync::AtomicU32>(4 * PAGE - 2).is_none());
    assert!(region.record::<shm_ring::sync::AtomicU32>(4 * PAGE).is_none());
    assert!(region.record::<shm_ring::sync::AtomicU32>(usize::MAX - 3).is_none());
}

/// The peer's life: it opens a region, may write to the second page, and writes
/// to the page that it is told.
#[test]
fn a_peer_writes() {
    let Some(told) = told() else { return };
    let (name, page) = told.split_once(' ').unwrap();
    let region = Region::open(name).unwrap();
    region.protect(PAGE..2 * PAGE, Access::Write).unwrap();
    let page: usize = page.parse().unwrap();
    // SAFETY: nobody else touches the region. Whether it may be written is what
    // the test is about: it ends the process.
    unsafe { region.values_mut::<u8>(page * PAGE, 1).unwrap()[0] = 7 };
}

#[test]
fn a_worker_writes_where_it_was_let_and_dies_elsewhere() {
    for page in 0..3 {
        let region = Region::create(3 * PAGE).unwrap();
        let mut peer = Peer::start("a_peer_writes", &format!("{} {page}", region.name()));
        let status = peer.0.wait().unwrap();
        let is_let = page == 1;
        assert_eq!(status.success(), is_let, "page {page}: {status}");
        assert_eq!(byte(&region, page * PAGE), if is_let { 7 } else { 0 });
        #[cfg(target_os = "linux")]
        if !is_let {
            use std::os::unix::process::ExitStatusExt;
            assert_eq!(status.signal(), Some(libc::SIGSEGV));
        }
    }
}

/// The peer's life: it owns a region, says its name, and waits to be killed.
#[test]
fn a_peer_owns() {
    if told().is_none() {
        return;
    }
    let region = Region::create(PAGE).unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\nregion {}", region.name()).unwrap();
    out.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(60));
}

/// An owner in another process, and the name of its region.
fn owner() -> (Peer, String) {
    let mut peer = Peer::start("a_peer_owns", "own");
    let lines = BufReader::new(peer.0.stdout.take().unwrap()).lines();
    let mut said = lines.map_while(Result::ok);
    let name = said.find_map(|line| line.strip_prefix("region ").map(str::to_owned));
    (peer, name.expect("the peer names its region"))
}

#[test]
fn leftovers_of_the_killed_are_removed_and_those_of_the_living_are_not() {
    let (mut dead, dead_region) = owner();
    let (mut living, living_region) = owner();
    let mine = Region::create(PAGE).unwrap();
    assert!(file(&dead_region).exists());
    dead.kill();
    assert!(file(&dead_region).exists(), "nobody was left to remove it");
    remove_leftovers();
    assert!(!file(&dead_region).exists());
    assert!(file(&living_region).exists() && file(mine.name()).exists());
    living.kill();
    remove_leftovers();
    assert!(!file(&living_region).exists());
}
