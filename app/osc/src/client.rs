//! An editor's end of the local stream.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Stream as _;
use rosc::OscMessage;
use sostenuto_patch::file::MAX_FILE_BYTES;

use crate::endpoint::{Endpoint, StreamError};
use crate::packet::{Frames, MAX_PACKET_BYTES, append, decode};

/// A patch is sent whole, so what a host says may be as long as a file.
const MAX_ANSWER_BYTES: usize = MAX_FILE_BYTES as usize + MAX_PACKET_BYTES;

/// A client that sends without flushing is flushed at this.
const SENT_BYTES: usize = 64 * 1024;

/// An editor's end of the stream.
///
/// Whoever sends much must also receive: the host does not read from who does
/// not read its answers. [`Client::split`] it for two threads.
#[derive(Debug)]
pub struct Client {
    sender: Sender,
    receiver: Receiver,
}

/// The sending half of a [`Client`].
#[derive(Debug)]
pub struct Sender {
    stream: Arc<Stream>,
    unsent: Vec<u8>,
}

/// The receiving half of a [`Client`].
#[derive(Debug)]
pub struct Receiver {
    stream: Arc<Stream>,
    frames: Frames,
    unread: VecDeque<OscMessage>,
}

impl Client {
    /// Connects to a running host.
    pub fn connect(endpoint: &Endpoint) -> Result<Client, StreamError> {
        let stream = endpoint.connect();
        let failed = |what| StreamError::Connect { path: endpoint.path().to_owned(), what };
        let stream = Arc::new(stream.map_err(failed)?);
        let sender = Sender { stream: stream.clone(), unsent: Vec::new() };
        let frames = Frames::new(MAX_ANSWER_BYTES);
        Ok(Client { sender, receiver: Receiver { stream, frames, unread: VecDeque::new() } })
    }

    /// Sends with the next [`Client::flush`] or [`Client::recv`].
    pub fn send(&mut self, message: OscMessage) -> io::Result<()> {
        self.sender.send(message)
    }

    /// Sends what is not sent yet.
    pub fn flush(&mut self) -> io::Result<()> {
        self.sender.flush()
    }

    /// Sends what is not sent yet, and waits for the next message.
    pub fn recv(&mut self) -> io::Result<OscMessage> {
        self.sender.flush()?;
        self.receiver.recv()
    }

    /// Sends, and waits for the next message, which is the answer where
    /// nothing else was asked for.
    pub fn request(&mut self, message: OscMessage) -> io::Result<OscMessage> {
        self.send(message)?;
        self.recv()
    }

    /// How long [`Client::recv`] waits at most; forever, if not said. Named
    /// pipes refuse it: on Windows, receive in a thread of its own.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.receiver.stream.set_recv_timeout(timeout)
    }

    /// Bytes that need not be a packet, for tests of what a host does then.
    ///
    /// # Errors
    /// Where the host is gone.
    #[cfg(any(test, feature = "testing"))]
    pub fn write_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.sender.stream).write_all(bytes)
    }

    /// Both halves, for two threads.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }
}

impl Sender {
    /// Sends with the next [`Sender::flush`].
    pub fn send(&mut self, message: OscMessage) -> io::Result<()> {
        append(message, &mut self.unsent);
        if self.unsent.len() < SENT_BYTES { Ok(()) } else { self.flush() }
    }

    /// Sends what is not sent yet.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.unsent.is_empty() {
            (&*self.stream).write_all(&self.unsent)?;
            self.unsent.clear();
        }
        Ok(())
    }
}

impl Receiver {
    /// Waits for the next message.
    pub fn recv(&mut self) -> io::Result<OscMessage> {
        loop {
            if let Some(message) = self.unread.pop_front() {
                return Ok(message);
            }
            if let Some(packet) = self.frames.next_packet().map_err(io::Error::other)? {
                self.unread.extend(decode(packet).map_err(io::Error::other)?);
            } else if self.frames.fill(&*self.stream)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}
