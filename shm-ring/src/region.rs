//! Named shared memory: made by the host, mapped by all, written by whom the
//! host lets.

#![allow(unsafe_code, reason = "shared memory is mapped and protected here")]

// Miri knows no mapped files: there a block of the heap stands for the memory.
#[cfg_attr(miri, path = "region/heap.rs")]
mod os;

use std::ops::Range;

use bytemuck::{AnyBitPattern, NoUninit};
use shared_memory::ShmemError;

use crate::sync::{AtomicU32, Ordering, fence};

/// Every region's name begins with this.
const PREFIX: &str = "sostenuto-";

/// Memory pages are at most this long on the systems we run on, in bytes.
pub const PAGE: usize = 16 * 1024;

/// Why there is no shared memory.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// The system did not give any.
    #[error("no shared memory ({bytes} bytes): {cause}")]
    Create {
        /// How much was asked for.
        bytes: usize,
        /// What the system said.
        cause: ShmemError,
    },
    /// There is none by that name.
    #[error("the shared memory {name} cannot be opened: {cause}")]
    Open {
        /// The name asked for.
        name: String,
        /// What the system said.
        cause: ShmemError,
    },
    /// It is there, but full or locked up.
    #[error("{bytes} bytes of shared memory cannot be had: {cause}")]
    Populate {
        /// How much was asked for.
        bytes: usize,
        /// What the system said.
        cause: std::io::Error,
    },
}

/// A stretch of memory that several processes see.
pub struct Region {
    /// Of the mapping: found here without a call, as every access needs them.
    start: *mut u8,
    bytes: usize,
    mapping: os::Mapping,
    _claim: Option<os::Claim>,
}

// SAFETY: a Region hands out raw addresses and bytes only; who may touch which
// of them when is up to the layouts that are laid over it.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Makes a region of zeros, readable and writable by this user only, with a
    /// random name. It is removed when this value is dropped, or, where its
    /// owner is killed, by [`remove_leftovers`]. Pages cost memory only once
    /// they are touched.
    ///
    /// # Errors
    /// Where the system gives none.
    pub fn create(bytes: usize) -> Result<Region, RegionError> {
        let fail = |cause| RegionError::Create { bytes, cause };
        loop {
            // macOS takes names of 31 bytes, the slash in front included.
            let name = format!("{PREFIX}{}-{:012x}", std::process::id(), random() >> 16);
            match os::create(&name, bytes) {
                Ok(mapping) => {
                    // Without a claim it would be taken for a leftover.
                    let claim = os::claim(&name).ok_or_else(|| fail(ShmemError::UnknownOsError(0)));
                    return Ok(Region::of(mapping, Some(claim?)));
                }
                Err(ShmemError::MappingIdExists) => {}
                Err(cause) => return Err(fail(cause)),
            }
        }
    }

    /// Maps a region that another process made, read-only.
    ///
    /// # Errors
    /// Where there is none by that name, or it cannot be made read-only.
    pub fn open(name: &str) -> Result<Region, RegionError> {
        let fail = |cause| RegionError::Open { name: name.to_owned(), cause };
        let mapping = os::open(name).map_err(fail)?;
        let region = Region::of(mapping, None);
        region
            .protect(0..region.len(), Access::Read)
            .map_err(|_| fail(ShmemError::UnknownOsError(0)))?;
        Ok(region)
    }

    fn of(mapping: os::Mapping, claim: Option<os::Claim>) -> Region {
        Region { start: mapping.as_ptr(), bytes: mapping.len(), mapping, _claim: claim }
    }

    /// What [`Region::open`] needs in another process.
    pub fn name(&self) -> &str {
        self.mapping.get_os_id()
    }

    /// From now on nobody else can open it, and it is gone with this process,
    /// however that ends. On Windows it keeps its name, and is then a leftover.
    pub fn forget_name(&self) {
        os::forget_name(self.name());
    }

    /// Its length, in bytes.
    #[expect(clippy::len_without_is_empty, reason = "there is no empty region")]
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Changes what this process may do with these bytes, from page to page. A
    /// write where only reading is allowed ends the process.
    ///
    /// # Errors
    /// Where the range is not in the region or not on page borders, or the
    /// system refuses.
    pub fn protect(&self, bytes: Range<usize>, access: Access) -> std::io::Result<()> {
        if bytes.end > self.len() || bytes.start > bytes.end || !bytes.start.is_multiple_of(PAGE) {
            return Err(std::io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: the range lies in the mapping, as was just checked.
        unsafe { os::protect(self.at(bytes.start), bytes.len(), access) }
    }

    /// Sees to it that these bytes have memory behind them, mapped here for
    /// writing where this process may write, so that touching them later never
    /// faults.
    ///
    /// # Errors
    /// Where there is not so much shared memory left.
    pub fn populate(&self, bytes: Range<usize>, access: Access) -> Result<(), RegionError> {
        let fail = |cause| RegionError::Populate { bytes: bytes.len(), cause };
        if bytes.end > self.len() || bytes.start > bytes.end {
            return Err(fail(std::io::ErrorKind::InvalidInput.into()));
        }
        let start = bytes.start / PAGE * PAGE;
        // SAFETY: the range lies in the mapping, as was just checked.
        unsafe { os::populate(self.at(start), bytes.end - start, access) }.map_err(fail)
    }

    /// Tries to keep these bytes from being swapped out. Whether it is allowed.
    pub fn lock(&self, bytes: Range<usize>) -> bool {
        if bytes.end > self.len() || bytes.start > bytes.end {
            return false;
        }
        // SAFETY: the range lies in the mapping, as was just checked.
        unsafe { os::lock(self.at(bytes.start), bytes.len()) }
    }

    #[inline]
    fn at(&self, offset: usize) -> *mut u8 {
        self.start.wrapping_add(offset)
    }

    /// A record at an offset, as shared by all: its fields are atomics. `None`
    /// where it does not lie in the region, or not on its alignment.
    pub fn record<T: Shared>(&self, offset: usize) -> Option<&T> {
        self.records(offset, 1).map(|records| &records[0])
    }

    /// That many records, one after another.
    pub fn records<T: Shared>(&self, offset: usize, count: usize) -> Option<&[T]> {
        let address = self.checked::<T>(offset, count)?;
        // SAFETY: the bytes lie in the mapping and on T's alignment; T promises
        // that any bytes are a T and that other processes may change them at
        // any time.
        Some(unsafe { std::slice::from_raw_parts(address, count) })
    }

    /// Values at an offset, read as they stand.
    ///
    /// # Safety
    /// Nobody writes them while the slice lives: the protocol of the layout
    /// that they belong to says when that is so. Where it does not, use
    /// [`Region::copy_words`].
    pub unsafe fn values<T: AnyBitPattern>(&self, offset: usize, count: usize) -> Option<&[T]> {
        let address = self.checked::<T>(offset, count)?;
        // SAFETY: the bytes lie in the mapping and on T's alignment, and any
        // bytes are a T; the caller sees to it that they stand still.
        Some(unsafe { std::slice::from_raw_parts(address, count) })
    }

    /// Values at an offset, to be changed.
    ///
    /// # Safety
    /// Nobody else reads or writes them while the slice lives, and this process
    /// is allowed to write there.
    #[expect(
        clippy::mut_from_ref,
        reason = "the memory is shared; the caller has the exclusive right"
    )]
    pub unsafe fn values_mut<T: AnyBitPattern + NoUninit>(
        &self,
        offset: usize,
        count: usize,
    ) -> Option<&mut [T]> {
        let address = self.checked::<T>(offset, count)?;
        // SAFETY: as in `values`; the caller has the only right to them.
        Some(unsafe { std::slice::from_raw_parts_mut(address, count) })
    }

    /// Copies values that others may be writing: word by word, each word as it
    /// was at some moment. The words may be of different moments, so the caller
    /// checks afterwards whether the values are whole: whatever it looks at after
    /// this call is no older than what was copied. `None` where they do not lie in
    /// the region on whole words. Real-time safe.
    ///
    /// This is how to read what may be torn; [`Region::store_words`] writes it.
    pub fn copy_words<T: AnyBitPattern + NoUninit>(
        &self,
        offset: usize,
        into: &mut [T],
    ) -> Option<()> {
        let (into, rest) = bytemuck::cast_slice_mut::<T, u8>(into).as_chunks_mut();
        let words: &[AtomicU32] = self.records(offset, into.len())?;
        if !rest.is_empty() {
            return None;
        }
        for (into, word) in into.iter_mut().zip(words) {
            *into = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        // Acquire: keeps what the caller looks at next behind the loads above. The
        // partner is a Release before the stores: see who writes.
        fence(Ordering::Acquire);
        Some(())
    }

    /// Writes values that others may be reading by [`Region::copy_words`], word by
    /// word. `None` where they do not lie in the region on whole words. This
    /// process must be allowed to write there. Real-time safe.
    pub fn store_words<T: NoUninit>(&self, offset: usize, from: &[T]) -> Option<()> {
        let (from, rest) = bytemuck::cast_slice::<T, u8>(from).as_chunks();
        let words: &[AtomicU32] = self.records(offset, from.len())?;
        if !rest.is_empty() {
            return None;
        }
        for (word, from) in words.iter().zip(from) {
            word.store(u32::from_ne_bytes(*from), Ordering::Relaxed);
        }
        Some(())
    }

    #[inline]
    fn checked<T>(&self, offset: usize, count: usize) -> Option<*mut T> {
        let bytes = size_of::<T>().checked_mul(count)?;
        let fits = offset.checked_add(bytes)? <= self.len();
        let address = self.at(offset).cast::<T>();
        (fits && address.is_aligned()).then_some(address)
    }
}

/// A record of atomics that processes share.
///
/// # Safety
/// Any bytes are a value of it, and every field that anyone changes is an
/// atomic, or a cell that atomics hand from one party to another.
pub unsafe trait Shared {}

// SAFETY: a lone atomic.
unsafe impl Shared for crate::sync::AtomicU32 {}
// SAFETY: a lone atomic.
unsafe impl Shared for crate::sync::AtomicU64 {}
// SAFETY: atomics throughout.
unsafe impl<const WORDS: usize> Shared for crate::latest::Latest<WORDS> {}

// SAFETY: counters that are atomics, and cells of plain values that they hand
// over; a ring takes no count on trust that does not fit.
unsafe impl<T: AnyBitPattern, const N: usize> Shared for crate::ring::Ring<T, N> {}

/// What a process may do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look.
    Read,
    /// Look and change.
    Write,
}

/// Removes the regions of owners who were killed. Returns how many there were.
pub fn remove_leftovers() -> usize {
    os::remove_leftovers()
}

/// From the operating system's randomness, by way of the standard library.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_were_written_and_only_where_there_are_any() {
        let region = Region::create(PAGE).unwrap();
        region.store_words(8, &[1.5f64, -2.5]).unwrap();
        let mut read = [0.0f64; 2];
        region.copy_words(8, &mut read).unwrap();
        assert_eq!(read, [1.5, -2.5]);
        let mut bytes = [0u8; 8];
        region.copy_words(16, &mut bytes).unwrap();
        assert_eq!(bytes, (-2.5f64).to_ne_bytes());
        region.copy_words(PAGE - 8, &mut bytes).unwrap();
        for offset in [1, 2, PAGE - 4, PAGE, usize::MAX - 3] {
            assert_eq!(region.copy_words(offset, &mut bytes), None, "{offset}");
            assert_eq!(region.store_words(offset, &bytes), None, "{offset}");
        }
        assert_eq!(region.copy_words(0, &mut bytes[..7]), None);
        assert_eq!(region.store_words(0, &bytes[..7]), None);
    }

    #[test]
    fn what_is_read_after_a_copy_is_no_older_than_the_copy() {
        const ROUNDS: u32 = if cfg!(miri) { 30 } else { 20_000 };
        const WORDS: usize = 16;
        let region = Region::create(PAGE).unwrap();
        let begun: &AtomicU32 = region.record(0).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 1..=ROUNDS {
                    begun.store(round, Ordering::Relaxed);
                    // Release: with the Acquire at the end of `copy_words`.
                    fence(Ordering::Release);
                    region.store_words(64, &[round; WORDS]).unwrap();
                }
            });
            let mut read = [0u32; WORDS];
            while read[0] < ROUNDS {
                region.copy_words(64, &mut read).unwrap();
                let begun = begun.load(Ordering::Relaxed);
                assert!(read.iter().all(|&round| round <= begun), "{read:?} {begun}");
            }
        });
    }
}
