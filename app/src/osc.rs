//! The words on the wire, both ways: OSC 1.0 packets.
