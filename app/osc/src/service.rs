//! Who answers: what the stream and the UDP port need of a host.

use std::sync::Arc;
use std::vec::IntoIter;

use crate::call::{Call, Refusal};
use crate::outbox::Outbox;
use crate::packet::decode;

/// A connection, for as long as it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u32);

/// What a connection may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Everything: an editor of the same user.
    Editor,
    /// What is declared as for controllers.
    Controller,
}

/// The requests of a packet, or why they could not be read.
pub type Calls = IntoIter<Result<Call, Refusal>>;

/// Does what connections ask.
pub trait Service: Send + Sync + 'static {
    /// A new connection. What it is told comes into `outbox`.
    fn connect(&self, outbox: Arc<Outbox>, rights: Rights) -> ClientId;

    /// Does what one connection asks, in order, as long as it reads the
    /// answers. What is left in `calls` is to be asked again when they are
    /// written.
    fn serve(&self, from: ClientId, outbox: &Outbox, calls: &mut Calls);

    /// A connection has ended.
    fn disconnect(&self, id: ClientId);
}

/// The requests of a packet.
pub(crate) fn read(packet: &[u8]) -> Calls {
    let calls: Vec<_> = match decode(packet) {
        Ok(messages) => messages.into_iter().map(Call::read).collect(),
        Err(error) => vec![Err(Refusal { address: String::new(), error: error.into() })],
    };
    calls.into_iter()
}
