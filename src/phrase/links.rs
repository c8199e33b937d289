//! Of a link only the host is spoken: a whole address is hard to listen to.
#![forbid(unsafe_code)]

/// A link inside a word.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link<'a> {
    /// The text before it, such as a bracket.
    pub(super) before: &'a str,
    /// Its host, without `www.`, account and port; empty where there is none.
    pub(super) host: &'a str,
    /// The punctuation after it.
    pub(super) after: &'a str,
}

/// The first link in `word`, if there is one: `scheme://…` or `www.…`.
pub(super) fn find(word: &str) -> Option<Link<'_>> {
    let (start, authority) = beginning(word)?;
    let address = word[authority..].trim_end_matches(is_closing);
    let end = authority + address.len();
    let host = address.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // All before the last "@" is an account, however much it looks like a host.
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split([':', '>', ')', '"', '<', '|', ',']).next().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    Some(Link { before: &word[..start], host, after: &word[end..] })
}

/// Where a link begins, and where its host does.
fn beginning(word: &str) -> Option<(usize, usize)> {
    if let Some(colon) = word.find("://") {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
        let start = word[..colon].trim_end_matches(is_scheme).len();
        return (start < colon).then_some((start, colon + 3));
    }
    let start = word.find(|c: char| c.is_ascii_alphanumeric())?;
    let rest = word[start..].strip_prefix("www.")?;
    rest.contains('.').then_some((start, start))
}

fn is_closing(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '>' | '\'' | '"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found() {
        for (word, before, host, after) in [
            ("https://example.org/a/b?c#d", "", "example.org", ""),
            ("(http://www.example.org:80/),", "(", "example.org", "),"),
            ("<https://good.example@evil.example/>", "<", "evil.example", ">"),
            ("see:https://example.org.", "see:", "example.org", "."),
            ("www.example.org/x", "", "example.org", ""),
            ("file:///etc/passwd", "", "", ""),
            ("https://[::1]/", "", "[", ""),
        ] {
            assert_eq!(find(word), Some(Link { before, host, after }), "word: {word}");
        }
        for word in ["//comment", "://", "www.", "wwwhat", "a/b/c", "example.org"] {
            assert_eq!(find(word), None, "word: {word}");
        }
    }
}
