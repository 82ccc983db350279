//! The words on the wire, both ways: OSC 1.0 packets.

pub mod address;
pub mod ask;
pub mod client;
pub mod endpoint;
pub mod mirror;
pub mod outbox;
pub mod packet;
pub mod reply;
pub mod request;
pub mod service;
pub mod sound;
pub mod status;
pub mod stream;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod udp;
pub mod view;
