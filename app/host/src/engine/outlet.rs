//! \[rt\] Where the engine's frames go: one link at a time, which changes while it
//! plays.

#![allow(unsafe_code, reason = "it makes the ends that push")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::engine::Frame;
use crate::engine::link::{OUT_FRAMES, OutLink, Pusher};

/// Hands the engine another link.
pub struct Outlet {
    next: Mutex<Next>,
}

struct Next {
    /// The link to come; or, once the engine has it, the one before.
    end: Option<End>,
    is_new: bool,
    /// The last that was handed over.
    link: Arc<OutLink>,
}

struct End {
    link: Arc<OutLink>,
    frames: Pusher<Frame, OUT_FRAMES>,
}

/// The engine's end.
pub struct Feed {
    outlet: Arc<Outlet>,
    end: End,
    seen_xruns: u32,
}

impl Outlet {
    /// Into that link to begin with. Not real-time.
    pub fn new(link: &Arc<OutLink>) -> (Arc<Outlet>, Feed) {
        let next = Next { end: None, is_new: false, link: Arc::clone(link) };
        let outlet = Arc::new(Outlet { next: Mutex::new(next) });
        let feed = Feed { outlet: Arc::clone(&outlet), end: End::of(link), seen_xruns: 0 };
        (outlet, feed)
    }

    /// Into that link from the next block on. What still lies in the last one is
    /// not heard. Not real-time.
    pub fn hand(&self, link: &Arc<OutLink>) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = next.end.replace(End::of(link));
        next.is_new = true;
        let last = std::mem::replace(&mut next.link, Arc::clone(link));
        drop(next);
        // The engine may sleep on it.
        last.wake();
        drop(gone);
    }
}

impl End {
    fn of(link: &Arc<OutLink>) -> End {
        // SAFETY: every pusher of an output's link is made here, and only the
        // engine's `Feed` pushes, by one at a time.
        let frames = unsafe { link.pusher_again() };
        End { link: Arc::clone(link), frames }
    }
}

impl Feed {
    /// Goes over to the link that was handed over, if one was. Real-time safe:
    /// where somebody is just handing one over, it is for the next time.
    pub fn follow(&mut self) {
        let Ok(mut next) = self.outlet.next.try_lock() else { return };
        if !std::mem::take(&mut next.is_new) {
            return;
        }
        if let Some(end) = &mut next.end {
            // The old one is let go of by whoever hands over the next.
            std::mem::swap(end, &mut self.end);
            self.seen_xruns = self.end.link.xruns();
        }
    }

    /// Frames that wait to be played. Real-time safe.
    pub fn filled(&self) -> usize {
        OUT_FRAMES - self.end.frames.room()
    }

    /// Pushes a block. Real-time safe.
    pub fn push(&mut self, block: &[Frame]) {
        self.end.frames.push(block);
    }

    /// Frames that the card takes at once; 0 while it has not asked. Real-time
    /// safe.
    pub fn at_once_frames(&self) -> u32 {
        self.end.link.at_once_frames()
    }

    /// Times that the card found no frames since this was asked last. It is a
    /// stranger's word, and so counts for little at a time. Real-time safe.
    pub fn new_xruns(&mut self) -> u32 {
        let xruns = self.end.link.xruns();
        xruns.wrapping_sub(std::mem::replace(&mut self.seen_xruns, xruns)).min(100)
    }

    /// How often the card has asked, wrapping. Real-time safe.
    pub fn turns(&self) -> u32 {
        self.end.link.turns()
    }

    /// Sleeps until the card has asked more often than that, or the time is over.
    /// Real-time safe.
    pub fn wait(&self, seen: u32, timeout: Duration) {
        self.end.link.wait(seen, timeout);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_go_to_the_link_that_was_handed_over_last() {
        let links = [(); 3].map(|()| OutLink::create().unwrap());
        let [first, second, third] = &links;
        let (outlet, mut feed) = Outlet::new(first);
        feed.push(&[[0.1; 2]; 10]);
        let (mut popped, mut last) = (first.popper(), third.popper());
        assert_eq!((feed.filled(), popped.filled()), (10, 10));
        outlet.hand(second);
        outlet.hand(third);
        feed.follow();
        feed.push(&[[0.3; 2]; 5]);
        let mut out = [[0.0; 2]; 16];
        assert_eq!((popped.pop(&mut out), last.pop(&mut out)), (10, 5));
        assert_eq!(out[4], [0.3; 2]);
        third.note_xrun();
        assert_eq!((feed.new_xruns(), feed.new_xruns()), (1, 0));
        // Back to one that it had before: it goes on there.
        outlet.hand(first);
        feed.follow();
        feed.push(&[[0.1; 2]; 3]);
        assert_eq!(popped.pop(&mut out), 3);
    }

    #[test]
    fn handing_over_wakes_an_engine_that_sleeps() {
        let link = OutLink::create().unwrap();
        let (outlet, mut feed) = Outlet::new(&link);
        let seen = feed.turns();
        std::thread::scope(|scope| {
            let woken = scope.spawn(|| {
                while feed.turns() == seen {
                    feed.wait(seen, Duration::from_secs(60));
                }
                feed.follow();
                feed.turns()
            });
            outlet.hand(&OutLink::create().unwrap());
            assert_eq!(woken.join().unwrap(), 0, "it is at the new link");
        });
    }
}
