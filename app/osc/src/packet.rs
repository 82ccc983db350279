//! Packets: bytes to messages and back, with a length in front on a stream.

use std::io::{self, Read};

use rosc::{OscMessage, OscPacket};
use thiserror::Error;

/// The longest packet that the host takes.
pub const MAX_PACKET_BYTES: usize = 4 * 1024 * 1024;

/// Bundles within bundles, arguments of a message and messages of a packet
/// that are taken: far more than anyone needs, and no danger to memory.
const MAX_DEPTH: usize = 8;
const MAX_ARGS: usize = 4096;
const MAX_MESSAGES: usize = 65_536;

const FIRST_BUFFER_BYTES: usize = 64 * 1024;
const BUNDLE: &[u8] = b"#bundle\0";

/// Why bytes are no packet.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "every variant says its sentence")]
pub enum BadPacket {
    #[error("Not an OSC packet. Nothing has changed.")]
    Malformed,
    #[error("This OSC packet nests too many bundles. Nothing has changed.")]
    TooDeep,
    #[error("This OSC packet has too many messages or arguments. Nothing has changed.")]
    TooMany,
    #[error("This OSC message contains an array, which no address takes. Nothing has changed.")]
    Array,
    #[error(
        "This OSC message has arguments but no type tags. Send it with type tags. Nothing has changed."
    )]
    NoTags,
    #[error("This OSC packet is longer than {} MiB. The connection is closed.", MAX_PACKET_BYTES >> 20)]
    TooLong,
}

/// The messages of a packet, in order: all of them, or none.
pub fn decode(packet: &[u8]) -> Result<Vec<OscMessage>, BadPacket> {
    let mut messages = Vec::new();
    unpack(packet, 0, &mut messages)?;
    Ok(messages)
}

/// Bundles are opened here and not by `rosc`, which would go as deep as the
/// packet says, and stop without a word at a part that is broken.
fn unpack(bytes: &[u8], depth: usize, messages: &mut Vec<OscMessage>) -> Result<(), BadPacket> {
    let Some(mut rest) = bytes.strip_prefix(BUNDLE) else {
        messages.push(decode_message(bytes)?);
        return if messages.len() > MAX_MESSAGES { Err(BadPacket::TooMany) } else { Ok(()) };
    };
    if depth >= MAX_DEPTH {
        return Err(BadPacket::TooDeep);
    }
    // The time at which it is to be done: at once.
    rest = rest.get(8..).ok_or(BadPacket::Malformed)?;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk().ok_or(BadPacket::Malformed)?;
        let length = u32::from_be_bytes(*length) as usize;
        let part = behind.get(..length).ok_or(BadPacket::Malformed)?;
        unpack(part, depth + 1, messages)?;
        rest = &behind[length..];
    }
    Ok(())
}

fn decode_message(bytes: &[u8]) -> Result<OscMessage, BadPacket> {
    if let Some(address) = bare_address(bytes) {
        return Ok(OscMessage { addr: address.to_owned(), args: Vec::new() });
    }
    check_tags(bytes)?;
    match rosc::decoder::decode_udp(bytes) {
        Ok(([], OscPacket::Message(message))) => Ok(message),
        _ => Err(BadPacket::Malformed),
    }
}

/// The address of a message that has nothing else, not even type tags: older
/// senders leave them out (OSC 1.0, "OSC Type Tag String").
fn bare_address(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    let (address, rest) = bytes.split_at(end);
    let is_bare = address.starts_with(b"/") && rest.iter().all(|&byte| byte == 0);
    std::str::from_utf8(address).ok().filter(|_| is_bare)
}

/// Looks at the type tags first: arrays in arrays would overflow the stack
/// when they are dropped, and a tag without data costs memory for nothing.
fn check_tags(bytes: &[u8]) -> Result<(), BadPacket> {
    let address = bytes.iter().position(|&byte| byte == 0).ok_or(BadPacket::Malformed)?;
    let behind = bytes.get((address + 4) & !3..).ok_or(BadPacket::Malformed)?;
    let no_tags = if bytes.starts_with(b"/") { BadPacket::NoTags } else { BadPacket::Malformed };
    let tags = behind.strip_prefix(b",").ok_or(no_tags)?;
    let end = tags.iter().position(|&byte| byte == 0).ok_or(BadPacket::Malformed)?;
    if end > MAX_ARGS {
        return Err(BadPacket::TooMany);
    }
    let has_array = tags[..end].iter().any(|tag| matches!(tag, b'[' | b']'));
    if has_array { Err(BadPacket::Array) } else { Ok(()) }
}

/// Appends a message to what is to be sent on a stream.
pub fn append(message: OscMessage, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.extend([0; 4]);
    let Ok(length) = rosc::encoder::encode_into(&OscPacket::Message(message), &mut Tail(bytes));
    bytes[start..start + 4].copy_from_slice(&(length as u32).to_be_bytes());
}

/// Writes behind what is there.
struct Tail<'a>(&'a mut Vec<u8>);

impl rosc::encoder::Output for Tail<'_> {
    type Err = std::convert::Infallible;
    type Mark = usize;

    fn mark(&mut self, size: usize) -> Result<usize, Self::Err> {
        let mark = self.0.len();
        self.0.resize(mark + size, 0);
        Ok(mark)
    }

    fn place(&mut self, mark: usize, bytes: &[u8]) -> Result<(), Self::Err> {
        self.0[mark..mark + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, Self::Err> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }
}

/// The packets of what was sent on a stream, or is to be.
pub fn split(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, behind) = bytes.split_first_chunk()?;
        let (packet, rest) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bytes = rest;
        Some(packet)
    })
}

/// Packets as they come in: many in one read, or one in many reads.
#[derive(Debug)]
pub struct Frames {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    max_bytes: usize,
}

impl Frames {
    /// For packets of at most so many bytes.
    pub fn new(max_bytes: usize) -> Frames {
        Frames { buffer: vec![0; FIRST_BUFFER_BYTES], start: 0, end: 0, max_bytes }
    }

    /// The next packet that is here as a whole.
    pub fn next_packet(&mut self) -> Result<Option<&[u8]>, BadPacket> {
        let Some(length) = self.next_length() else { return Ok(None) };
        if length > self.max_bytes {
            return Err(BadPacket::TooLong);
        }
        let start = self.start + 4;
        if self.end < start + length {
            return Ok(None);
        }
        self.start = start + length;
        Ok(Some(&self.buffer[start..start + length]))
    }

    fn next_length(&self) -> Option<usize> {
        let length = self.buffer[self.start..self.end].first_chunk()?;
        Some(u32::from_be_bytes(*length) as usize)
    }

    /// Waits for more bytes. 0 where the other side has closed.
    pub fn fill(&mut self, mut from: impl Read) -> io::Result<usize> {
        self.make_room();
        let bytes = loop {
            match from.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.end += bytes;
        Ok(bytes)
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            // Grows with what has come, not with what is promised.
            self.buffer.resize(self.buffer.len() * 2, 0);
        } else if self.end < FIRST_BUFFER_BYTES / 2 && self.buffer.len() > 4 * FIRST_BUFFER_BYTES {
            self.buffer.truncate(FIRST_BUFFER_BYTES);
            self.buffer.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rosc::{OscBundle, OscTime, OscType};

    use super::*;

    fn message(args: Vec<OscType>) -> OscMessage {
        OscMessage { addr: "/param/set".into(), args }
    }

    fn bundle(content: Vec<OscPacket>) -> OscPacket {
        OscPacket::Bundle(OscBundle { timetag: OscTime::from((0, 1)), content })
    }

    fn bytes(packet: &OscPacket) -> Vec<u8> {
        rosc::encoder::encode(packet).unwrap()
    }

    #[test]
    fn a_bundle_is_its_messages_in_order() {
        let [a, b, c] = [1, 2, 3].map(|n| OscPacket::Message(message(vec![OscType::Int(n)])));
        let messages = decode(&bytes(&bundle(vec![a, bundle(vec![b]), c]))).unwrap();
        assert_eq!(messages, [1, 2, 3].map(|n| message(vec![OscType::Int(n)])));
        assert_eq!(decode(&bytes(&bundle(vec![]))), Ok(vec![]));
    }

    #[test]
    fn a_bundle_with_a_broken_part_is_no_bundle() {
        let whole = bytes(&bundle(vec![
            OscPacket::Message(message(vec![])),
            OscPacket::Message(message(vec![OscType::Int(1)])),
        ]));
        assert_eq!(decode(&whole[..whole.len() - 4]), Err(BadPacket::Malformed));
    }

    #[test]
    fn a_bundle_of_bundles_of_bundles_is_refused() {
        let mut packet = bundle(vec![]);
        for _ in 0..8 {
            packet = bundle(vec![packet]);
        }
        assert_eq!(decode(&bytes(&packet)), Err(BadPacket::TooDeep));
        // 200,000 deep: the lengths are wrong, but nobody gets that far.
        let bomb = b"#bundle\0\0\0\0\0\0\0\0\x01\x7f\xff\xff\xf0".repeat(200_000);
        assert!(decode(&bomb).is_err());
    }

    #[test]
    fn arrays_and_endless_tags_are_refused() {
        let tags = |tags: &str| {
            let mut packet = b"/a\0\0,".to_vec();
            packet.extend(tags.bytes());
            packet.resize((packet.len() + 4) & !3, 0);
            packet
        };
        assert_eq!(decode(&tags(&"[".repeat(2000))), Err(BadPacket::Array));
        assert_eq!(decode(&tags(&"T".repeat(1_000_000))), Err(BadPacket::TooMany));
        assert_eq!(decode(&tags("TTF")).unwrap()[0].args.len(), 3);
    }

    #[test]
    fn what_is_no_packet_is_malformed() {
        for bytes in
            [&b""[..], b"\0", b"/a", b"a\0\0\0", b"a\0\0\0,\0\0\0", b"/a\0\0,i\0\0", b"#bundle\0"]
        {
            assert_eq!(decode(bytes), Err(BadPacket::Malformed), "{bytes:?}");
        }
    }

    #[test]
    fn a_message_without_type_tags_has_no_arguments() {
        let bare = |addr: &str| OscMessage { addr: addr.into(), args: vec![] };
        // Padded to four bytes, to less and to more.
        for zeros in 1..9 {
            for address in ["/undo", "/a", "/abc", "/note/all-off"] {
                let bytes = [address.as_bytes(), &vec![0; zeros]].concat();
                assert_eq!(decode(&bytes), Ok(vec![bare(address)]), "{address}, {zeros} zeros");
            }
        }
        let part = b"\0\0\0\x08/undo\0\0\0";
        let packet = [&b"#bundle\0\0\0\0\0\0\0\0\x01"[..], part, part].concat();
        assert_eq!(decode(&packet), Ok(vec![bare("/undo"); 2]));
        // Where something follows, nobody can tell what it is.
        assert_eq!(decode(b"/undo\0\0\0\0\0\0\x01"), Err(BadPacket::NoTags));
    }

    /// A stream that gives one byte at a read.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            self.0 = rest;
            buffer[0] = *first;
            Ok(1)
        }
    }

    #[test]
    fn packets_come_whole_however_the_stream_cuts_them() {
        let messages: Vec<_> =
            [0, 3, 70_000, 5].map(|size| message(vec![OscType::Blob(vec![7; size])])).into();
        let mut wire = Vec::new();
        messages.iter().cloned().for_each(|message| append(message, &mut wire));
        let mut streams: [Box<dyn Read>; 2] = [Box::new(&wire[..]), Box::new(Drip(&wire))];
        for stream in &mut streams {
            let (mut frames, mut read) = (Frames::new(100_000), Vec::new());
            while frames.fill(&mut *stream).unwrap() > 0 {
                while let Some(packet) = frames.next_packet().unwrap() {
                    read.extend(decode(packet).unwrap());
                }
            }
            assert_eq!(read, messages);
        }
        assert_eq!(split(&wire).count(), 4);
    }

    #[test]
    fn a_length_past_the_limit_is_refused_before_its_bytes_come() {
        let mut frames = Frames::new(1000);
        frames.fill(&b"\0\0\x03\xe9"[..]).unwrap();
        assert_eq!(frames.next_packet(), Err(BadPacket::TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_messages_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_packet_with_a_few_bytes_changed_is_messages_or_an_error(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)
        ) {
            let args = vec![OscType::String("vcf".into()), OscType::Float(1.0), OscType::Blob(vec![1; 9])];
            let mut packet = bytes(&bundle(vec![OscPacket::Message(message(args))]));
            for (at, byte) in changes {
                let at = at.index(packet.len());
                packet[at] = byte;
            }
            let _ = decode(&packet);
        }
    }
}
