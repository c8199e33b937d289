//! What is true of any text: which characters show nothing, a hash, and places that are filled.
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
    hash_of(bytes.iter().copied())
}

/// The same of bytes that are made one by one.
pub(crate) fn hash_of(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The same as what a map of short texts finds its keys by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShortHasher(u64);

impl Default for ShortHasher {
    fn default() -> Self {
        Self(hash(&[]))
    }
}

impl std::hash::Hasher for ShortHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// `template` with each `{name}` replaced by the part of that name; what is filled in is left as it
/// is.
pub(crate) fn filled(template: &str, parts: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        rest = &rest[open..];
        let close = rest.find('}').map_or(rest.len(), |close| close + 1);
        let name = rest[1..close].strip_suffix('}');
        let part = parts.iter().find(|(known, _)| Some(*known) == name);
        out.push_str(part.map_or(&rest[..close], |(_, part)| part));
        rest = &rest[close..];
    }
    out + rest
}

#[test]
fn places_are_filled_once() {
    for (template, text) in [
        ("and {n} more lines by {who}", "and 3 more lines by {n}"),
        ("{n}", "3"),
        ("{x} {n", "{x} {n"),
        ("none", "none"),
    ] {
        assert_eq!(filled(template, &[("n", "3"), ("who", "{n}")]), text);
    }
}

/// Eight blanks.
const BLANKS: u64 = u64::from_ne_bytes([b' '; 8]);

/// The length of the first word of `text`, up to a blank, and its first eight bytes: the lowest byte
/// is the first. What follows the word is among them; behind the end there are blanks.
pub(crate) fn first_word(text: &[u8]) -> (usize, u64) {
    let head = text.first_chunk().map_or_else(
        || text.iter().rev().fold(BLANKS, |head, b| (head << 8) | u64::from(*b)),
        |head| u64::from_le_bytes(*head),
    );
    // A byte that is 0 borrows, and becomes negative; the lowest one is surely right.
    let others = head ^ BLANKS;
    let blanks = others.wrapping_sub(0x0101_0101_0101_0101) & !others & 0x8080_8080_8080_8080;
    if blanks != 0 {
        return (blanks.trailing_zeros() as usize / 8, head);
    }
    (memchr::memchr(b' ', &text[8..]).map_or(text.len(), |at| 8 + at), head)
}

#[test]
fn the_first_word_is_found() {
    for (text, length, head) in [
        ("", 0, "        "),
        ("a", 1, "a       "),
        ("ab cdefghi", 2, "ab cdefg"),
        ("abcdefgh", 8, "abcdefgh"),
        ("abcdefg h", 7, "abcdefg "),
        ("abcdefghi", 9, "abcdefgh"),
        ("abcdefghi jk", 9, "abcdefgh"),
        (" a", 0, " a      "),
        ("!\u{a1}!! x", 5, "!\u{a1}!! x "),
    ] {
        let (found, bytes) = first_word(text.as_bytes());
        assert_eq!((found, &bytes.to_le_bytes()[..]), (length, head.as_bytes()), "{text}");
    }
}

#[test]
fn the_hash_is_the_published_one() {
    for (text, wanted) in [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c)] {
        assert_eq!(hash(text.as_bytes()), wanted, "{text}");
    }
}
