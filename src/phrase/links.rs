//! Links: by what they lead to where that is known, else by their host. A whole address is hard to
//! listen to.
#![forbid(unsafe_code)]

use std::ops::Range;

use super::lexicon::Lexicon;
use super::piece::{Piece, Token};
use super::words;

/// What is said for a link that is nothing known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkMode {
    /// "link to" and its host.
    #[default]
    Host,
    /// The same, and the readable words of its path.
    Path,
    /// All of it.
    Full,
    /// Nothing.
    Silent,
}

impl LinkMode {
    /// Every mode, by its name in the configuration.
    pub const ALL: [(&str, Self); 4] = [
        ("host", Self::Host),
        ("path", Self::Path),
        ("full", Self::Full),
        ("silent", Self::Silent),
    ];
}

/// A link in a text.
#[derive(Debug, PartialEq, Eq)]
struct Link<'a> {
    /// Where it is.
    range: Range<usize>,
    /// What stands before `://`, if anything does.
    scheme: &'a str,
    /// What follows `://`.
    address: &'a str,
    /// Its host, without `www.`, account and port; empty where there is none.
    host: &'a str,
}

/// Room for what is said before a host.
const LINK: usize = 16;

/// The most words of a path that are said.
const PATH_WORDS: usize = 6;

/// What is said for the next link in `text` from byte `from` on.
pub(super) fn find<'a>(
    text: &'a str,
    from: usize,
    lexicon: &'a Lexicon,
    mode: LinkMode,
) -> Option<Token<'a>> {
    let link = next(text, from)?;
    let said = match mode {
        LinkMode::Silent => (String::new(), "link"),
        LinkMode::Full => (full(link.address), "link"),
        LinkMode::Host | LinkMode::Path => {
            known(&link, lexicon).unwrap_or_else(|| (by_host(&link, lexicon, mode), "link"))
        }
    };
    let pieces = vec![Piece::said(&text[link.range.clone()], said.0, said.1)];
    Some(Token { range: link.range, pieces })
}

/// A pull request, a bug, a paste.
fn known<'a>(link: &Link<'a>, lexicon: &'a Lexicon) -> Option<(String, &'a str)> {
    let address = link.address.strip_prefix("www.").unwrap_or(link.address);
    lexicon.links_for(address).find_map(|pattern| {
        let captures = pattern.reads(address)?;
        Some((pattern.fill(address, &captures, &lexicon.tables), pattern.name()))
    })
}

fn by_host(link: &Link<'_>, lexicon: &Lexicon, mode: LinkMode) -> String {
    let host = link.host;
    if host.is_empty() {
        let name = if link.scheme == "file" { "file-link" } else { "a-link" };
        return lexicon.phrase(name).to_owned();
    }
    if is_local(host) {
        return lexicon.phrase("local-link").to_owned();
    }
    if host.starts_with('[') {
        return lexicon.phrase("ipv6-link").to_owned();
    }
    let mut said = String::with_capacity(LINK + host.len());
    said.push_str(lexicon.phrase("link-to"));
    said.push(' ');
    said.extend(host.chars().map(|c| c.to_ascii_lowercase()));
    if mode == LinkMode::Path {
        for word in path_words(link.address).take(PATH_WORDS) {
            said.push_str(if said.contains(',') { " " } else { ", " });
            said.push_str(&word);
        }
    }
    said
}

fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "[::1]" | "0.0.0.0")
        || host.starts_with("127.")
        || host.ends_with(".localhost")
}

/// The parts of a path that are words: no numbers, no codes.
fn path_words(address: &str) -> impl Iterator<Item = String> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let parts = path.split('/').skip(1).flat_map(|part| part.split(['-', '_', '.', '+']));
    let is_word = |part: &&str| part.len() > 1 && part.chars().all(char::is_alphabetic);
    parts.filter(is_word).map(str::to_owned)
}

/// All of an address, its signs as blanks.
fn full(address: &str) -> String {
    let parts = address.split(['/', '?', '&', '=', '#', '_', '-', '%']);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).map(words::clipped).collect();
    parts.join(" ")
}

/// The next link: `scheme://…`, `www.…`, or a host with a path.
fn next(text: &str, from: usize) -> Option<Link<'_>> {
    let may_have = |text: &str| text.contains('/') || text.contains("www.");
    let mut at = if may_have(&text[from..]) { from } else { text.len() };
    while at < text.len() {
        let rest = &text[at..];
        let skipped = rest.len() - rest.trim_start_matches(' ').len();
        let start = at + skipped;
        let word = text[start..].split(' ').next().unwrap_or_default();
        if word.len() > 4
            && let Some((begin, authority)) = beginning(word)
        {
            return Some(link(text, start, begin, authority, word));
        }
        at = start + word.len().max(1);
    }
    None
}

fn link<'a>(
    text: &'a str,
    start: usize,
    begin: usize,
    authority: usize,
    word: &'a str,
) -> Link<'a> {
    let end = authority + end_of(&word[authority..]);
    let address = &text[start + authority..start + end];
    let host = address.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // All before the last "@" is an account, however much it looks like a host.
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = match host.find(']') {
        Some(close) if host.starts_with('[') => &host[..=close],
        _ => host.split([':', '>', ')', '"', '<', '|', ',']).next().unwrap_or_default(),
    };
    let host = host.strip_prefix("www.").unwrap_or(host);
    let (mut from, mut to) = (start + begin, start + end);
    if text[..from].ends_with('<') && text[to..].starts_with('>') {
        (from, to) = (from - 1, to + 1);
    }
    Link { range: from..to, scheme: word[begin..authority].trim_end_matches("://"), address, host }
}

/// Where an address ends: before closing brackets that it did not open, quotes, and punctuation.
fn end_of(rest: &str) -> usize {
    let mut depth = 0_i32;
    let stop = rest.char_indices().find(|&(_, c)| match c {
        '(' => {
            depth += 1;
            false
        }
        ')' => {
            depth -= 1;
            depth < 0
        }
        '<' | '>' | '"' | '|' | '`' => true,
        _ => false,
    });
    let cut = &rest[..stop.map_or(rest.len(), |(at, _)| at)];
    cut.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '}', '\u{2019}']).len()
}

/// Where a link begins in `word`, and where its host does.
fn beginning(word: &str) -> Option<(usize, usize)> {
    if word.contains('/')
        && let Some(colon) = word.find("://")
    {
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
        let start = word[..colon].trim_end_matches(is_scheme).len();
        return (start < colon).then_some((start, colon + 3));
    }
    let start = word.find(|c: char| c.is_ascii_alphanumeric())?;
    let rest = &word[start..];
    let is_www = rest.strip_prefix("www.").is_some_and(|rest| rest.contains('.'));
    (is_www || has_path(rest)).then_some((start, start))
}

/// Whether a word is a host with a path, such as `docs.example.org/setup`, and no path of a file.
fn has_path(word: &str) -> bool {
    let Some((host, _)) = word.split_once('/') else { return false };
    let Some((name, domain)) = host.rsplit_once('.') else { return false };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    !name.is_empty() && name.chars().all(is_host) && domain.len() >= 2 && DOMAINS.contains(&domain)
}

/// What a bare host ends in. Words with a full stop and a slash in them are common in code.
const DOMAINS: [&str; 52] = [
    "rs", "is", "to", "fi", "dk", "no", "pt", "gr", "hu", "ro", "sk", "xyz", "site", "online",
    "cloud", "blog", "ai", "chat", "org", "com", "net", "edu", "gov", "info", "io", "dev", "app",
    "de", "fr", "es", "uk", "eu", "ch", "at", "nl", "it", "se", "pl", "ru", "cz", "us", "ca", "au",
    "jp", "br", "me", "tv", "be", "gg", "ly", "cc", "example",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found() {
        for (text, found, host) in [
            ("https://example.org/a/b?c#d", "https://example.org/a/b?c#d", "example.org"),
            ("(http://www.example.org:80/),", "http://www.example.org:80/", "example.org"),
            (
                "<https://good.example@evil.example/>",
                "<https://good.example@evil.example/>",
                "evil.example",
            ),
            ("see:https://example.org.", "https://example.org", "example.org"),
            ("go to www.example.org/x now", "www.example.org/x", "example.org"),
            ("file:///etc/passwd", "file:///etc/passwd", ""),
            ("https://[::1]:80/x", "https://[::1]:80/x", "[::1]"),
            ("https://en.example.org/a_(b)", "https://en.example.org/a_(b)", "en.example.org"),
            ("at docs.example.org/setup.", "docs.example.org/setup", "docs.example.org"),
        ] {
            let link = next(text, 0).expect(text);
            assert_eq!((&text[link.range], link.host), (found, host), "{text}");
        }
        for text in ["//comment", "://", "www.", "wwwhat", "a/b/c", "example.org", "src/a.rs/x"] {
            assert_eq!(next(text, 0), None, "{text}");
        }
    }
}
