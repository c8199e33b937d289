//! The text of a web page: tags removed, entities decoded.
#![forbid(unsafe_code)]

use std::borrow::Cow;

/// The entities that pages of logs are written with.
const ENTITIES: [(&str, char); 8] = [
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ndash", '–'),
    ("mdash", '—'),
];

/// The visible text of `source`.
pub(super) fn text(source: Cow<'_, str>) -> Cow<'_, str> {
    if !source.contains(['<', '&']) {
        return source;
    }
    let mut out = String::with_capacity(source.len());
    let mut rest = source.as_ref();
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(if rest.starts_with('<') { '>' } else { ';' });
        let Some(end) = end else { break };
        let inner = &rest[1..end];
        if rest.starts_with('<') {
            rest = &rest[end + 1..];
        } else if let Some(c) = entity(inner) {
            out.push(c);
            rest = &rest[end + 1..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?).filter(|c| !c.is_control());
    }
    ENTITIES.iter().find(|(known, _)| *known == name).map(|&(_, c)| c)
}

#[test]
fn what_a_page_shows_is_text() {
    for (source, shown) in [
        ("plain", "plain"),
        ("a &lt;b&gt; &amp;amp; &#39;c&#x27;", "a <b> &amp; 'c'"),
        ("see <a href=\"/x\">this</a>", "see this"),
        ("AT&T; a & b; &unknown; <open", "AT&T; a & b; &unknown; <open"),
    ] {
        assert_eq!(text(source.into()), shown, "{source:?}");
    }
}
