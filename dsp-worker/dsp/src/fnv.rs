//! FNV-1a (Fowler, Noll and Vo; RFC 9923): a number for some bytes, the same in
//! every process, session and system. It finds accidents, not attacks.

/// Of 64 bits.
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Of 32 bits: another number, and not a part of the one above.
pub fn fnv1a_32(bytes: impl IntoIterator<Item = u8>) -> u32 {
    bytes
        .into_iter()
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_of_the_rfc() {
        assert_eq!((fnv1a([]), fnv1a_32([])), (0xcbf2_9ce4_8422_2325, 0x811c_9dc5));
        assert_eq!((fnv1a(*b"a"), fnv1a_32(*b"a")), (0xaf63_dc4c_8601_ec8c, 0xe40c_292c));
        assert_eq!((fnv1a(*b"foobar"), fnv1a_32(*b"foobar")), (0x8594_4171_f739_67e8, 0xbf9c_f968));
    }
}
