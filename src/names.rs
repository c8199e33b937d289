//! What a channel's name begins with, and which names are the same. Logs and bridges know nicks
//! that no server would take, so names are plain strings; only their rules are here.
#![forbid(unsafe_code)]

/// What a channel's name begins with (RFC 2811).
const CHANNEL_PREFIXES: [char; 4] = ['#', '&', '+', '!'];

/// Whether `name` is a channel's.
pub(crate) fn is_channel(name: &str) -> bool {
    name.starts_with(CHANNEL_PREFIXES)
}

/// A channel's name without the signs before it.
pub(crate) fn bare(channel: &str) -> &str {
    channel.trim_start_matches(CHANNEL_PREFIXES)
}

/// Whether two nicks or channels are the same by RFC 1459's case mapping, where `[]\~` are the
/// capitals of `{}|^`. A server that says `CASEMAPPING=ascii` lets two names that differ only
/// there exist side by side, which is rare enough.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    let fold = |byte: u8| match byte {
        b'[' | b'\\' | b']' => byte + 32,
        b'~' => b'^',
        byte => byte.to_ascii_lowercase(),
    };
    a.len() == b.len() && a.bytes().map(fold).eq(b.bytes().map(fold))
}

#[test]
fn names_are_compared_by_rfc_1459() {
    for (a, b, same) in [
        ("Kim", "kIM", true),
        ("k[]\\~", "K{}|^", true),
        ("kim", "kim_", false),
        ("zoë", "ZOë", true),
        ("#A", "#a", true),
    ] {
        assert_eq!(same_name(a, b), same, "{a} and {b}");
    }
}
