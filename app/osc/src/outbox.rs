//! What a connection is still to be told.

use std::io::{self, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rosc::OscMessage;

use crate::message::Message;
use crate::message::reports::Lost;
use crate::packet::append;

/// A slow reader has this much waiting before changes of the patch are left out.
const FULL_BYTES: usize = 4 * 1024 * 1024;
/// Meters are left out much sooner: the next ones are better.
const BUSY_BYTES: usize = 64 * 1024;
/// What is kept of a buffer that was once long.
const KEPT_BYTES: usize = 1024 * 1024;

/// A queue of replies and reports to one connection, in order. Whoever fills
/// it never waits for the connection.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: Mutex<Queue>,
    woken: Condvar,
    /// Held while writing, so that what is written stays in order.
    written: Mutex<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Changes of the patch are left out until the whole patch is asked for.
    is_lost: bool,
    is_due: bool,
    is_closed: bool,
}

/// What becomes of a report that finds the queue full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// It and all after it are left out, and the connection is told so.
    Tell,
    /// It is left out: the next one says more.
    Skip,
    /// It is left out, and nothing else is.
    Drop,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked left whole bytes behind: nothing here is half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Outbox {
    /// Queues a reply. Who asks without reading is not read from, so replies
    /// need no limit.
    pub fn reply(&self, message: OscMessage) {
        append(message, &mut lock(&self.queue).bytes);
    }

    /// Queues the whole patch. From here on changes can be followed again.
    pub fn reply_whole(&self, message: OscMessage) {
        let mut queue = lock(&self.queue);
        queue.is_lost = false;
        append(message, &mut queue.bytes);
    }

    /// Queues a report, with its length in front, unless the queue is full.
    /// Whether it did.
    pub fn report(&self, framed: &[u8], missed: Missed) -> bool {
        let mut queue = lock(&self.queue);
        let waiting = queue.bytes.len();
        let has_room = match missed {
            Missed::Skip => waiting < BUSY_BYTES,
            Missed::Drop => waiting < FULL_BYTES,
            Missed::Tell if queue.is_lost => return false,
            Missed::Tell => waiting == 0 || waiting + framed.len() <= FULL_BYTES,
        };
        if has_room {
            queue.bytes.extend_from_slice(framed);
        } else if missed == Missed::Tell {
            queue.is_lost = true;
            append(Lost {}.encode(), &mut queue.bytes);
        }
        has_room
    }

    /// How much is waiting.
    pub fn waiting_bytes(&self) -> usize {
        lock(&self.queue).bytes.len()
    }

    /// Has the thread in [`Outbox::write_when_woken`] write what is waiting.
    pub fn wake(&self) {
        lock(&self.queue).is_due = true;
        self.woken.notify_one();
    }

    /// Ends [`Outbox::write_when_woken`].
    pub fn close(&self) {
        lock(&self.queue).is_closed = true;
        self.woken.notify_all();
    }

    /// Takes what is waiting.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut lock(&self.queue).bytes)
    }

    /// Writes what is waiting. Waits for a slow reader.
    pub fn flush(&self, mut to: impl Write) -> io::Result<()> {
        let mut written = lock(&self.written);
        written.clear();
        written.shrink_to(KEPT_BYTES);
        std::mem::swap(&mut lock(&self.queue).bytes, &mut *written);
        if written.is_empty() { Ok(()) } else { to.write_all(&written) }
    }

    /// Writes whenever it is woken, until it is closed or nobody reads.
    pub fn write_when_woken(&self, mut to: impl Write) -> io::Result<()> {
        loop {
            let queue = lock(&self.queue);
            let sleeps = |queue: &mut Queue| !queue.is_due && !queue.is_closed;
            let queue = self.woken.wait_while(queue, sleeps);
            let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
            if queue.is_closed {
                return Ok(());
            }
            queue.is_due = false;
            drop(queue);
            self.flush(&mut to)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::history::History;
    use crate::message::host::{Refused, Synced};
    use crate::message::patch::Whole;
    use crate::packet::{decode, split};

    fn framed(message: OscMessage) -> Vec<u8> {
        let mut bytes = Vec::new();
        append(message, &mut bytes);
        bytes
    }

    fn addresses(outbox: &Outbox) -> Vec<String> {
        let mut wire = Vec::new();
        outbox.flush(&mut wire).unwrap();
        split(&wire).map(|packet| decode(packet).unwrap().remove(0).addr).collect()
    }

    #[test]
    fn who_reads_too_slowly_is_told_once_and_gets_the_rest_after_the_whole_patch() {
        let outbox = Outbox::default();
        let report = framed(Refused::new(&"x".repeat(500), &"y".repeat(500)).encode());
        for _ in 0..10_000 {
            outbox.report(&report, Missed::Tell);
        }
        assert!(outbox.waiting_bytes() <= FULL_BYTES + 100);
        let told = addresses(&outbox);
        assert_eq!(told.iter().filter(|addr| *addr == "/reports/lost").count(), 1);
        assert_eq!(told.last().unwrap(), "/reports/lost");
        outbox.report(&report, Missed::Tell);
        assert!(addresses(&outbox).is_empty(), "nothing more is reported");
        outbox.reply_whole(Whole::of(&sostenuto_patch::Patch::default()).encode());
        outbox.report(&report, Missed::Tell);
        assert_eq!(addresses(&outbox), ["/patch", "/error"]);
    }

    #[test]
    fn meters_are_left_out_without_a_word() {
        let outbox = Outbox::default();
        let report = framed(Refused::new("", &"y".repeat(500)).encode());
        for _ in 0..1000 {
            outbox.report(&report, Missed::Skip);
        }
        assert!(outbox.waiting_bytes() < BUSY_BYTES + report.len());
        assert!(addresses(&outbox).iter().all(|addr| addr == "/error"));
    }

    #[test]
    fn what_is_told_once_only_is_not_left_out_for_a_large_patch() {
        let outbox = Outbox::default();
        let patch = framed(Refused::new("", &"y".repeat(500)).encode()).repeat(1000);
        outbox.report(&patch, Missed::Tell);
        let notice = framed(Synced { id: 1 }.encode());
        outbox.report(&notice, Missed::Skip);
        outbox.report(&notice, Missed::Drop);
        assert_eq!(outbox.waiting_bytes(), patch.len() + notice.len());
        while outbox.waiting_bytes() < FULL_BYTES {
            outbox.report(&patch, Missed::Drop);
        }
        let full = outbox.waiting_bytes();
        outbox.report(&notice, Missed::Drop);
        assert_eq!(outbox.waiting_bytes(), full);
    }

    #[test]
    fn replies_and_reports_stay_in_order() {
        let outbox = Outbox::default();
        outbox.reply(Synced { id: 1 }.encode());
        outbox.report(&framed(Lost {}.encode()), Missed::Tell);
        outbox.reply(History::default().encode());
        assert_eq!(addresses(&outbox), ["/synced", "/reports/lost", "/history"]);
    }
}
