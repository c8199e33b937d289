//! Shortcodes: `:tada:`, as GitHub, Slack and Discord have them, and as bridges pass them on.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::OnceLock;

use super::names::lines;

/// The codes and their emoji.
const TABLE: &str = include_str!("codes.tsv");

/// The longest code: what is longer is text.
const MAX_CODE: usize = 80;

/// What a shortcode stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Code<'a> {
    /// An emoji.
    Emoji(&'static str),
    /// A picture of one server's own, by its name.
    Custom(&'a str),
}

type Codes = HashMap<&'static str, &'static str>;

fn codes() -> &'static Codes {
    static CODES: OnceLock<Codes> = OnceLock::new();
    CODES.get_or_init(|| lines(TABLE).filter_map(|line| line.split_once('\t')).collect())
}

/// Where the shortcode begins whose first colon is at `colon`; none where the colon belongs to the
/// word before it, as in "10:30:15" and `std::io::Read`.
pub(super) fn start(text: &str, colon: usize) -> Option<usize> {
    let before = &text[..colon];
    let start = ["<", "<a"].iter().find(|&&open| before.ends_with(open));
    if let Some(open) = start {
        return Some(colon - open.len());
    }
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, ':' | '/' | '\\' | '_');
    (!before.ends_with(is_word)).then_some(colon)
}

/// The shortcode that `text` begins with, and its bytes.
pub(super) fn first(text: &str) -> Option<(Code<'_>, usize)> {
    if text.starts_with('<') { custom(text) } else { plain(text) }
}

/// `<:name:1234>`, or `<a:name:1234>` for a moving picture: Discord's, for who is not there.
fn custom(text: &str) -> Option<(Code<'_>, usize)> {
    let inner = text.strip_prefix("<:").or_else(|| text.strip_prefix("<a:"))?;
    let (name, rest) = inner.split_once(':')?;
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'~' || b == b'-';
    if name.len() > MAX_CODE || !name.bytes().all(is_name) || !has_letter(name) {
        return None;
    }
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = after.strip_prefix('>').filter(|_| after.len() < rest.len())?;
    Some((Code::Custom(name), text.len() - rest.len()))
}

/// `:name:`, with a skin tone after it or in it, which is left out.
fn plain(text: &str) -> Option<(Code<'_>, usize)> {
    let (code, mut rest) = name(text)?;
    while let Some((_, after)) = name(rest).filter(|(code, _)| code.starts_with("skin-tone-")) {
        rest = after;
    }
    let joins_word = rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if joins_word || rest.starts_with(':') && name(rest).is_none() {
        return None;
    }
    let emoji = codes().get(code).or_else(|| codes().get(without_tone(code)));
    let what = emoji.map_or(Code::Custom(code), |emoji| Code::Emoji(emoji));
    Some((what, text.len() - rest.len()))
}

/// The code between the colon that `text` begins with and the next, and what follows.
fn name(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(':')?;
    let is_code =
        |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'+' | b'-');
    let len = inner.bytes().take(MAX_CODE).take_while(is_code).count();
    let (code, rest) = inner.split_at(len);
    let rest = rest.strip_prefix(':')?;
    (has_letter(code) || codes().contains_key(code)).then_some((code, rest))
}

/// `thumbsup` for `thumbsup_tone3` and `thumbsup_medium_skin_tone`.
fn without_tone(code: &str) -> &str {
    if let Some(code) = code.strip_suffix("_skin_tone") {
        let end = ["_medium_light", "_medium_dark", "_light", "_medium", "_dark"];
        return end.iter().find_map(|tone| code.strip_suffix(tone)).unwrap_or(code);
    }
    match code.rsplit_once("_tone") {
        Some((name, "1" | "2" | "3" | "4" | "5")) => name,
        Some(_) | None => code,
    }
}

fn has_letter(code: &str) -> bool {
    code.bytes().any(|b| b.is_ascii_alphabetic())
}

/// The words of a code that has no emoji: "foo bar" for `foo_bar`.
pub(super) fn words(code: &str) -> String {
    let words = code.split(['_', '-', '~']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::names::Language;
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_emoji_have_names() {
        let mut last = "";
        for line in lines(TABLE) {
            let (code, emoji) = line.split_once('\t').expect("a code and its emoji");
            assert!(last < code, "{last} before {code}");
            assert!(code.len() <= MAX_CODE);
            assert!(Language::English.name(emoji).is_some(), "{code} has no name");
            last = code;
        }
        assert!(codes().len() > 3000);
    }

    #[test]
    fn codes_end_where_their_last_colon_is() {
        for (text, code, rest) in [
            (":tada: yes", Code::Emoji("🎉"), " yes"),
            (":+1:", Code::Emoji("👍"), ""),
            (":100:", Code::Emoji("💯"), ""),
            (":+1::skin-tone-3:!", Code::Emoji("👍"), "!"),
            (":thumbsup_tone3:", Code::Emoji("👍"), ""),
            (":wave_medium_light_skin_tone:", Code::Emoji("👋"), ""),
            (":tada::fire:", Code::Emoji("🎉"), ":fire:"),
            (":foo_bar:", Code::Custom("foo_bar"), ""),
            ("<:pepe_Laugh:123>.", Code::Custom("pepe_Laugh"), "."),
            ("<a:dance:123>", Code::Custom("dance"), ""),
        ] {
            let (found, len) = first(text).expect("a code");
            assert_eq!((found, &text[len..]), (code, rest), "text: {text}");
        }
        for text in [
            ":tada", ":30:", "::", ":a b:", ":Foo:", ":tada:s", ":a::b", "<:a:>", "<:a:1",
            "<b:a:1>", ":-:", "<:1:2>",
        ] {
            assert_eq!(first(text), None, "text: {text}");
        }
    }
}
