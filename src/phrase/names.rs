//! How names are spoken: nicks without the decoration that keeps them apart on a screen.
#![forbid(unsafe_code)]

use super::chain::Chain;
use super::glyphs::{is_blank, is_pictograph};
use super::letters;
use super::script;
use crate::language::Language;
use crate::text::hash;

/// The longest name, in characters.
const MAX_NAME: usize = 32;

/// What clients and people append to a nick to say what they do.
const STATES: [&str; 11] =
    ["away", "afk", "brb", "busy", "gone", "lunch", "zzz", "sleep", "work", "mobile", "off"];

/// The places for names.
const PLACES: usize = 256;

/// Names as they are spoken, for the nicks that were there lately. Nicks come from outside: any
/// number of them takes the same memory.
#[derive(Debug)]
pub(super) struct Known(Vec<Option<Name>>);

#[derive(Debug)]
struct Name {
    nick: String,
    language: Language,
    spoken: String,
}

impl Default for Known {
    fn default() -> Self {
        Self(std::iter::repeat_with(|| None).take(PLACES).collect())
    }
}

impl Known {
    /// How `nick` is spoken, which `find` finds where it is not known.
    pub(super) fn get(
        &mut self,
        nick: &str,
        language: Language,
        find: impl FnOnce() -> String,
    ) -> &str {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash do")]
        let place = &mut self.0[hash(end_of(nick)) as usize % PLACES];
        if place.as_ref().is_none_or(|it| it.nick != nick || it.language != language) {
            *place = None;
        }
        let new = || Name { nick: nick.to_owned(), language, spoken: find() };
        &place.get_or_insert_with(new).spoken
    }
}

/// The last bytes of a nick, by which it is found.
fn end_of(nick: &str) -> &[u8] {
    let bytes = nick.as_bytes();
    bytes.last_chunk::<6>().map_or(bytes, |end| end)
}

/// How the name `nick` is spoken by a voice of `language`.
pub(super) fn spoken(nick: &str, chain: &Chain, language: Language) -> String {
    let lexicon = chain.lexicon(language);
    let seen = crate::format::codes::strip(nick.into());
    let letters = letters::plain(&seen);
    let bare = bare(&letters);
    let mut name = String::with_capacity(bare.len());
    for c in bare.chars() {
        match c {
            '_' | '.' | '/' => name.push(' '),
            '[' | ']' | '{' | '}' | '(' | ')' | '\\' | '`' | '|' | '^' => {}
            _ if is_blank(c) => name.push(' '),
            _ if is_pictograph(c) => {}
            _ => name.push(c),
        }
    }
    let name: Vec<_> = name.split_ascii_whitespace().collect();
    let name = name.join(" ");
    let name = script::readable(name.trim_matches('-'), language);
    let mut name: String = name.chars().take(MAX_NAME).collect();
    if name.chars().any(char::is_alphanumeric) {
        if letters::are_mixed(&seen) {
            name = name + " " + lexicon.phrase("lookalike");
        }
        return name;
    }
    // A name of emoji alone is called by theirs.
    let mut named = String::new();
    if letters.contains(is_pictograph) {
        chain.say(&letters, language, &mut named);
    }
    if named.chars().any(char::is_alphanumeric) {
        named
    } else {
        lexicon.phrase("unknown").to_owned()
    }
}

/// A nick without what is around the name.
fn bare(nick: &str) -> &str {
    let is_edge =
        |c: char| matches!(c, '_' | '`' | '^' | '-' | '|' | ' ' | '@' | '+' | '%' | '&' | '~');
    let mut name = nick.trim_matches(is_edge);
    if let Some(at) = name.find('|').filter(|at| *at > 0) {
        name = &name[..at];
    }
    loop {
        let before = name;
        name = without_group(name);
        name = without_state(name);
        name = without_frame(name).trim_matches(is_edge);
        if name == before {
            break;
        }
    }
    if name.is_empty() { nick } else { name }
}

/// Without a group in brackets at the end: "lena[m]".
fn without_group(name: &str) -> &str {
    let name = match name.find("[m]") {
        Some(at) if at > 0 && name[at + 3..].bytes().all(|b| b.is_ascii_digit()) => &name[..at],
        _ => name,
    };
    for (open, close) in [('[', ']'), ('{', '}'), ('(', ')')] {
        if name.ends_with(close)
            && let Some(at) = name.rfind(open)
            && name[..at].contains(char::is_alphanumeric)
        {
            return &name[..at];
        }
    }
    name
}

fn without_state(name: &str) -> &str {
    let Some(at) = name.rfind(['-', '_', '/']).filter(|at| *at > 0) else { return name };
    let state = &name[at + 1..];
    if STATES.iter().any(|it| state.eq_ignore_ascii_case(it)) { &name[..at] } else { name }
}

/// Without "xX" at both ends.
fn without_frame(name: &str) -> &str {
    let is_frame = |part: Option<&str>| part.is_some_and(|part| part.eq_ignore_ascii_case("xx"));
    let inner = name.len().checked_sub(2).and_then(|end| name.get(2..end));
    match inner {
        Some(inner)
            if inner.len() > 1
                && is_frame(name.get(..2))
                && is_frame(name.get(name.len() - 2..)) =>
        {
            inner
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_decoration() {
        let chain = Chain::embedded();
        for (nick, name) in [
            ("kim", "kim"),
            ("serge__", "serge"),
            ("su.per_k1llr420", "su per k1llr420"),
            ("xX_Dark_L0rd_99_Xx", "Dark L0rd 99"),
            ("kim|away", "kim"),
            ("kim_away", "kim"),
            ("lena[m]", "lena"),
            ("[kim]", "kim"),
            ("k[i]m", "kim"),
            ("jean-luc", "jean-luc"),
            ("Bea Long", "Bea Long"),
            ("ki\u{200b}m ", "kim"),
            ("Дмитрий", "Dmitriy"),
            ("Γιώργος", "Giorgos"),
            ("k\u{456}m", "kim in mixed letters"),
            ("Ольга_away", "Olga"),
            ("小林", "2 Chinese characters"),
            ("NightOwl42", "NightOwl42"),
            ("___", "unknown"),
            ("", "unknown"),
            ("xX", "xX"),
            ("x\x1b]0;t\x07", "x"),
        ] {
            assert_eq!(spoken(nick, &chain, Language::ENGLISH), name, "{nick:?}");
        }
    }
}
