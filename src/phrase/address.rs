//! Whom a line is said to: "alice: yes" is said to alice.
#![forbid(unsafe_code)]

use super::lexicon::Lexicon;

/// The longest nick, in bytes.
const LONGEST: usize = 32;

/// The most people that one line is said to.
const MOST: usize = 4;

/// The nicks at the beginning of `text`, and the rest; none where what stands there is no nick.
pub(super) fn split<'a>(text: &'a str, lexicon: &Lexicon) -> Option<(Vec<&'a str>, &'a str)> {
    let colon = memchr::memchr(b':', text.as_bytes())?;
    if !text[colon + 1..].starts_with(' ') {
        return None; // nicks have no colons
    }
    let (head, rest) = (text[..colon].trim_end(), text[colon + 1..].trim_start());
    if rest.is_empty() || head.len() > MOST * LONGEST {
        return None;
    }
    let nicks: Vec<_> =
        head.split(", ").map(|nick| nick.strip_prefix('@').unwrap_or(nick)).collect();
    let is_one = |nick: &&str| is_nick(nick) && !lexicon.is_label(nick);
    (nicks.len() <= MOST && nicks.iter().all(is_one)).then_some((nicks, rest))
}

fn is_nick(word: &str) -> bool {
    let may_hold = |c: char| c.is_alphanumeric() || "_-[]\\`^{}|.".contains(c);
    (2..=LONGEST).contains(&word.len())
        && word.chars().all(may_hold)
        && word.chars().any(char::is_alphabetic)
        && !word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && !is_file(word)
        && !["Error", "Exception", "Warning"].iter().any(|end| word.ends_with(end))
}

/// Whether a word is a file, a version or an abbreviation: "main.rs", "v1.2", "e.g.".
fn is_file(word: &str) -> bool {
    word.rsplit_once('.').is_some_and(|(_, end)| end.len() <= 4)
}

#[cfg(test)]
mod tests {
    use super::super::chain::Chain;
    use super::*;
    use crate::language::Language;

    #[test]
    fn addressees_are_nicks() {
        let chain = Chain::embedded();
        for (text, nicks, rest) in [
            ("alice: yes", vec!["alice"], "yes"),
            ("serge__:  yes", vec!["serge__"], "yes"),
            ("alice, bob: ping", vec!["alice", "bob"], "ping"),
            ("@alice: yes", vec!["alice"], "yes"),
            ("alice: :)", vec!["alice"], ":)"),
            ("alice : yes", vec!["alice"], "yes"),
        ] {
            assert_eq!(
                split(text, chain.lexicon(Language::ENGLISH)),
                Some((nicks, rest)),
                "{text}"
            );
        }
        for text in [
            "note: x",
            "Todo: x",
            "alice, yes",
            "at 10: x",
            "two words: x",
            "alice:",
            "a: b",
            "TypeError: x",
            "main.rs: x",
        ] {
            assert_eq!(split(text, chain.lexicon(Language::ENGLISH)), None, "{text}");
        }
    }
}
