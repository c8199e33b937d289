//! What is true of any text: which characters show nothing, and a hash.
#![forbid(unsafe_code)]

/// Whether `c` shows nothing, or only changes the text around it: zero-width, bidirectional, tags,
/// variation selectors, fillers, and noncharacters.
pub(crate) fn is_invisible(c: char) -> bool {
    match c as u32 {
        ..0xad => false,
        0xad
        | 0x34f
        | 0x61c
        | 0x115f..=0x1160
        | 0x17b4..=0x17b5
        | 0x180b..=0x180f
        | 0x200b..=0x200f
        | 0x202a..=0x202e
        | 0x2060..=0x206f
        | 0x3164
        | 0xe000..=0xf8ff
        | 0xfdd0..=0xfdef
        | 0xfe00..=0xfe0f
        | 0xfeff
        | 0xffa0
        | 0xfff0..=0xffff
        | 0x1_bca0..=0x1_bca3
        | 0x1_d173..=0x1_d17a => true,
        code => code >= 0xe_0000 || code & 0xfffe == 0xfffe,
    }
}

/// The 64-bit hash FNV-1a (Fowler, Noll, Vo): the same in every process and version of the program.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn the_hash_is_the_published_one() {
    for (text, wanted) in [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c)] {
        assert_eq!(hash(text.as_bytes()), wanted, "{text}");
    }
}
