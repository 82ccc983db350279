//! What modules remember, copied while they play, so that the next host can
//! give it back to them. Tapes are not in it: echoes and tails begin anew.
//!
//! The file is for this machine alone: a head in little endian, the states as
//! they lay in memory, and a sum of all bytes at the end.

use std::collections::BTreeMap;

use shm_ring::layout::BlockStart;
use sostenuto_dsp::fnv::fnv1a;
use sostenuto_dsp::units::QUANTUM;
use sostenuto_modules::catalog;

use crate::plan::Key;
use crate::shared::Shared;

/// The largest snapshot that is read.
pub const MAX_BYTES: usize = 256 * 1024 * 1024;

const MAGIC: [u8; 8] = *b"SOSTSNAP";
const VERSION: u32 = 1;

/// How often a copy is begun again because a new block came in between.
const TRIES: usize = 200;

/// The state of every module of a patch at one frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// In Hz.
    pub sample_rate_hz: u32,
    /// The clock, at the start of a block.
    pub frame: u64,
    /// One copy of each module's committed state.
    pub states: BTreeMap<Key, Box<[u8]>>,
}

/// Why a snapshot is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each says it by itself")]
pub enum SnapshotError {
    #[error("it is not a snapshot")]
    Foreign,
    #[error("it has version {0}, and this program reads version {VERSION}")]
    Version(u32),
    #[error("it comes from a program with other modules")]
    OtherModules,
    #[error("it is damaged")]
    Damaged,
}

/// Where a module's state lies in the arena.
#[derive(Clone, Debug)]
pub struct StateLocation {
    /// Whose.
    pub key: Key,
    /// The copy that even blocks read, and the one that odd blocks read.
    pub states: [usize; 2],
    /// Length of each: a multiple of four.
    pub bytes: usize,
}

/// Copies all these states as they are at the start of one block, the present
/// one. `None` where blocks followed each other too fast for that.
pub fn copy(shared: &Shared, places: &[StateLocation]) -> Option<Snapshot> {
    let mut bytes = vec![0; places.iter().map(|place| place.bytes).sum()];
    for _ in 0..TRIES {
        // Of blocks in flight, each module is at another.
        let alone = |start: &BlockStart| start.in_flight <= 1;
        let Some(start) = shared.clock().read().filter(alone) else { continue };
        let mut rest = &mut bytes[..];
        for place in places {
            let (own, others) = rest.split_at_mut(place.bytes);
            shared.arena.copy_words(place.states[start.block as usize % 2], own)?;
            rest = others;
        }
        // What was read stays as it is until the next block begins. A worker
        // writes there only after it has seen the next block on the clock; so
        // whoever has read something of that sees it there too, if it looks
        // afterwards.
        if shared.clock().read::<BlockStart>().is_some_and(|now| now.block == start.block) {
            return Some(Snapshot {
                sample_rate_hz: start.sample_rate_hz as u32,
                frame: start.frame,
                states: split(&bytes, places),
            });
        }
    }
    None
}

fn split(bytes: &[u8], places: &[StateLocation]) -> BTreeMap<Key, Box<[u8]>> {
    let mut rest = bytes;
    let state = |place: &StateLocation| {
        let (own, others) = rest.split_at(place.bytes);
        rest = others;
        (place.key.clone(), own.into())
    };
    places.iter().map(state).collect()
}

impl Snapshot {
    /// The bytes of a file.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.sample_rate_hz.to_le_bytes());
        bytes.extend(catalog::fingerprint().to_le_bytes());
        bytes.extend(self.frame.to_le_bytes());
        bytes.extend((self.states.len() as u32).to_le_bytes());
        for ((id, kind), state) in &self.states {
            for part in [id.as_str().as_bytes(), kind.as_bytes(), state] {
                bytes.extend((part.len() as u32).to_le_bytes());
                bytes.extend(part);
            }
        }
        bytes.extend(sum(&bytes).to_le_bytes());
        bytes
    }

    /// Reads the bytes of a file, whatever they are.
    ///
    /// # Errors
    /// Where they are not what [`Snapshot::write`] wrote, or of another build.
    pub fn read(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
        let mut rest = bytes.strip_prefix(&MAGIC).ok_or(SnapshotError::Foreign)?;
        let version = number(&mut rest).map(u32::from_le_bytes).ok_or(SnapshotError::Damaged)?;
        if version != VERSION {
            return Err(SnapshotError::Version(version));
        }
        let (body, end) = bytes.split_last_chunk().ok_or(SnapshotError::Damaged)?;
        if sum(body) != u64::from_le_bytes(*end) {
            return Err(SnapshotError::Damaged);
        }
        body_of(&mut &body[MAGIC.len() + 4..])?.ok_or(SnapshotError::Damaged)
    }
}

/// What follows the version. `None` where it ends too soon or too late.
fn body_of(rest: &mut &[u8]) -> Result<Option<Snapshot>, SnapshotError> {
    let mut head = || {
        let rate = number(rest).map(u32::from_le_bytes)?;
        let fingerprint = number(rest).map(u64::from_le_bytes)?;
        let frame = number(rest).map(u64::from_le_bytes)?;
        Some((rate, fingerprint, frame, number(rest).map(u32::from_le_bytes)?))
    };
    let Some((sample_rate_hz, fingerprint, frame, count)) = head() else { return Ok(None) };
    if fingerprint != catalog::fingerprint() {
        return Err(SnapshotError::OtherModules);
    }
    let mut states = BTreeMap::new();
    for _ in 0..count {
        let Some((key, state)) = state(rest) else { return Ok(None) };
        states.insert(key, state);
    }
    // A clock that began later than this could come to its end.
    let is_time = frame.is_multiple_of(QUANTUM as u64) && frame < 1 << 62;
    let is_whole = rest.is_empty() && is_time;
    Ok(is_whole.then_some(Snapshot { sample_rate_hz, frame, states }))
}

fn state(rest: &mut &[u8]) -> Option<(Key, Box<[u8]>)> {
    let id = std::str::from_utf8(part(rest)?).ok()?.parse().ok()?;
    let kind = std::str::from_utf8(part(rest)?).ok()?.into();
    Some(((id, kind), part(rest)?.into()))
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(number(rest)?) as usize;
    let (part, others) = rest.split_at_checked(length)?;
    *rest = others;
    Some(part)
}

fn number<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (number, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*number)
}

/// Finds what a disk or a person has changed.
fn sum(bytes: &[u8]) -> u64 {
    fnv1a(bytes.iter().copied())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn snapshot() -> Snapshot {
        let state = |id: &str, kind: &str, byte: u8| {
            ((id.parse().unwrap(), kind.into()), vec![byte; 128].into_boxed_slice())
        };
        let states = [state("lead", "vco", 7), state("lfo-2", "lfo", 9)].into();
        Snapshot { sample_rate_hz: 48_000, frame: 96_000, states }
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written() {
        assert_eq!(Snapshot::read(&snapshot().write()), Ok(snapshot()));
        assert_eq!(Snapshot::read(&Snapshot::default().write()), Ok(Snapshot::default()));
    }

    #[test]
    fn why_a_snapshot_is_not_used_is_known() {
        let of = |at: usize, byte: u8| {
            let mut bytes = snapshot().write();
            bytes[at] = byte;
            Snapshot::read(&bytes)
        };
        assert_eq!(Snapshot::read(b""), Err(SnapshotError::Foreign));
        assert_eq!(Snapshot::read(b"Dear Ada,"), Err(SnapshotError::Foreign));
        assert_eq!(of(8, 2), Err(SnapshotError::Version(2)));
        assert_eq!(of(100, 1), Err(SnapshotError::Damaged));
        let mut bytes = snapshot().write();
        bytes[16] ^= 1;
        let end = bytes.len() - 8;
        let sum = sum(&bytes[..end]).to_le_bytes();
        bytes[end..].copy_from_slice(&sum);
        assert_eq!(Snapshot::read(&bytes), Err(SnapshotError::OtherModules));
    }

    proptest! {
        #[test]
        fn whatever_happens_to_the_file_it_is_refused_or_whole(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            length in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
            more in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let whole = snapshot().write();
            let mut bytes = whole.clone();
            for (at, byte) in changes {
                *at.get_mut(&mut bytes) = byte;
            }
            if is_cut {
                bytes.truncate(length.index(whole.len()));
            }
            bytes.extend(more);
            match Snapshot::read(&bytes) {
                Ok(read) => prop_assert_eq!((bytes, read), (whole, snapshot())),
                Err(_) => prop_assert!(bytes != whole),
            }
        }

        #[test]
        fn any_bytes_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Snapshot::read(&bytes).is_err());
            // The same with an honest sum, so that what lies inside is looked at.
            let mut head = snapshot().write();
            head.truncate(32);
            head.append(&mut bytes);
            let sum = sum(&head).to_le_bytes();
            head.extend(sum);
            if let Ok(read) = Snapshot::read(&head) {
                prop_assert_eq!(read.write(), head);
            }
        }
    }
}
