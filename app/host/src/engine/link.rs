//! \[rt\] The memory between the host and the process of one sound card: a ring of
//! frames, and three numbers about how the card fares.
//!
//! Each process has a link of its own. What a dead one has left in it, and what one
//! that cannot be killed still does to it, nobody reads.

#![allow(unsafe_code, reason = "the two ends of a ring lie in two processes")]

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytemuck::AnyBitPattern;
use shm_ring::doorbell::{BELLS_BYTES, Doorbell, Listener};
use shm_ring::region::{Access, PAGE, Region, RegionError};
use shm_ring::ring::{Consumer, Producer, Ring};
use shm_ring::sync::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::engine::Frame;
use crate::engine::intake::{HEARD_FRAMES, Heard};

/// Frames that fit between engine and sound card.
pub const OUT_FRAMES: usize = 16_384;

/// Between the engine, which pushes, and a card that plays.
pub type OutLink = Link<Frame, OUT_FRAMES>;

/// Between a card that listens, which pushes, and the host.
pub type HeardLink = Link<Heard, HEARD_FRAMES>;

// Each number has a cache line of its own.
const TURNS: usize = 0;
const AT_ONCE: usize = 64;
const XRUNS: usize = 128;
const BELLS: usize = 192;
const RING: usize = (BELLS + BELLS_BYTES).next_multiple_of(PAGE);

/// Who sleeps until the card has had its turn: the host.
const HOST: Listener = Listener(0);

/// What host and card share, as one of them holds it.
pub struct Link<T, const N: usize> {
    region: Region,
    bells: Doorbell,
    /// Whether this process has taken its end of the ring.
    is_taken: AtomicBool,
    values: PhantomData<fn() -> T>,
}

/// The ring in a link.
pub struct LinkRing<T, const N: usize>(Arc<Link<T, N>>);

/// The end that pushes, and the link that it pushes to.
pub type Pusher<T, const N: usize> = Producer<LinkRing<T, N>>;

/// The end that pops.
pub type Popper<T, const N: usize> = Consumer<LinkRing<T, N>>;

impl<T: Copy + Default + AnyBitPattern, const N: usize> Deref for LinkRing<T, N> {
    type Target = Ring<T, N>;

    fn deref(&self) -> &Ring<T, N> {
        self.0.region.record(RING).expect(FITS)
    }
}

impl<T: Copy + Default + AnyBitPattern, const N: usize> Link<T, N> {
    /// The host makes it. Not real-time.
    ///
    /// # Errors
    /// Where there is no shared memory left.
    pub fn create() -> Result<Arc<Link<T, N>>, RegionError> {
        let region = Region::create(RING + size_of::<Ring<T, N>>())?;
        region.populate(0..region.len(), Access::Write)?;
        // SAFETY: no other process knows the name of this region yet.
        let area = unsafe { region.values_mut(BELLS, BELLS_BYTES) };
        let bells = Doorbell::create(area.expect(FITS));
        let bells = bells.map_err(|cause| RegionError::Populate { bytes: 0, cause })?;
        Ok(Arc::new(Link::of(region, bells)))
    }

    /// The card's process finds it by its name. Not real-time.
    ///
    /// # Errors
    /// Where there is none, or one of another size.
    pub fn open(name: &str) -> Result<Arc<Link<T, N>>, RegionError> {
        let region = Region::open(name)?;
        let refused = |cause: std::io::Error| RegionError::Populate { bytes: RING, cause };
        if region.len() < RING + size_of::<Ring<T, N>>() {
            return Err(refused(std::io::ErrorKind::InvalidData.into()));
        }
        region.protect(0..region.len(), Access::Write).map_err(refused)?;
        region.populate(0..region.len(), Access::Write)?;
        // SAFETY: the host wrote them before it told anybody the name.
        let area = unsafe { region.values(BELLS, BELLS_BYTES) };
        let bells = Doorbell::attach(area.expect(FITS)).map_err(refused)?;
        Ok(Arc::new(Link::of(region, bells)))
    }

    fn of(region: Region, bells: Doorbell) -> Link<T, N> {
        Link { region, bells, is_taken: AtomicBool::new(false), values: PhantomData }
    }

    /// What [`Link::open`] needs in the card's process.
    pub fn name(&self) -> &str {
        self.region.name()
    }

    /// The end that pushes: one process has it, and takes it once.
    ///
    /// # Panics
    /// Where this process has taken an end already.
    pub fn pusher(self: &Arc<Self>) -> Pusher<T, N> {
        self.take();
        // SAFETY: it was taken once. The region began as zeros.
        unsafe { Producer::new(LinkRing(Arc::clone(self))) }
    }

    /// The end that pops: the other process has it, and takes it once.
    ///
    /// # Panics
    /// Where this process has taken an end already.
    pub fn popper(self: &Arc<Self>) -> Popper<T, N> {
        self.take();
        // SAFETY: it was taken once. Any bytes are frames.
        unsafe { Consumer::new(LinkRing(Arc::clone(self))) }
    }

    /// The end that pushes, once more: it goes on where the one before was.
    ///
    /// # Safety
    /// Nobody pushes by another one, in any process, as long as this one is used.
    pub(crate) unsafe fn pusher_again(self: &Arc<Self>) -> Pusher<T, N> {
        // SAFETY: the caller's promise. The region began as zeros.
        unsafe { Producer::new(LinkRing(Arc::clone(self))) }
    }

    fn take(&self) {
        assert!(!self.is_taken.swap(true, Relaxed), "a link's end is taken once");
    }

    /// The card has popped or pushed: it takes or brings so many frames at once.
    /// Wakes the host. Real-time safe.
    pub fn turn(&self, at_once_frames: u32) {
        self.word(AT_ONCE).store(at_once_frames, Relaxed);
        self.wake();
    }

    /// How often the card has had its turn, wrapping. It stands still where the
    /// card does. Real-time safe.
    pub fn turns(&self) -> u32 {
        self.word(TURNS).load(Acquire)
    }

    /// Sleeps until there are more turns than those seen, or the time is over. May
    /// return for no reason. Real-time safe.
    pub fn wait(&self, seen: u32, timeout: Duration) {
        self.bells.wait(HOST, self.word(TURNS), seen, Some(timeout));
    }

    /// Wakes the host out of [`Link::wait`]. Real-time safe.
    pub fn wake(&self) {
        let turns = self.word(TURNS);
        // Release: with the Acquire in `turns`.
        turns.fetch_add(1, Release);
        self.bells.ring_one(turns, HOST);
    }

    /// Frames that the card takes or brings at once; a stranger's word, so at most
    /// as many as the ring has room for. Real-time safe.
    pub fn at_once_frames(&self) -> u32 {
        self.word(AT_ONCE).load(Relaxed).min(N as u32)
    }

    /// Some frames were not there in time. Real-time safe.
    pub fn note_xrun(&self) {
        self.word(XRUNS).fetch_add(1, Relaxed);
    }

    /// How often some were not, wrapping. Real-time safe.
    pub fn xruns(&self) -> u32 {
        self.word(XRUNS).load(Relaxed)
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        self.region.record(offset).expect(FITS)
    }
}

const FITS: &str = "a link is as long as its layout";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_at_one_end_is_popped_at_the_other_and_counted() {
        let host = OutLink::create().unwrap();
        let card = OutLink::open(host.name()).unwrap();
        let (mut pusher, mut popper) = (host.pusher(), card.popper());
        assert_eq!(pusher.push(&[[0.25, -0.5]; 300]), 300);
        let mut out = [[0.0; 2]; 256];
        assert_eq!(popper.pop(&mut out), 256);
        assert_eq!(out[255], [0.25, -0.5]);
        let seen = host.turns();
        card.turn(256);
        card.note_xrun();
        host.wait(seen, Duration::from_secs(60));
        assert_eq!((host.turns(), host.at_once_frames(), host.xruns()), (1, 256, 1));
    }

    #[test]
    fn what_a_broken_card_says_is_not_believed() {
        let host = OutLink::create().unwrap();
        host.turn(u32::MAX);
        assert_eq!(host.at_once_frames(), OUT_FRAMES as u32);
    }
}
