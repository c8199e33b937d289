//! Smileys and kaomoji, by `smileys.tsv`: `:)`, `o/`, `¯\_(ツ)_/¯`.
//!
//! A smiley that only colours a sentence is not said in it, but where it is all there is.
#![forbid(unsafe_code)]

use std::ops::Range;
use std::sync::OnceLock;

use super::found::Found;
use super::kaomoji;
use super::names::{Language, lines};

const ROWS: &str = include_str!("smileys.tsv");

/// What is said for a kaomoji that the table does not have.
const OTHER: &str = "kaomoji";

/// Smileys that may follow a word without a blank ("great:)"); others are too much like code.
const GLUED: &[&str] = &[":)", ":-)", ";)", ";-)", ":(", ":-(", ":'("];

/// Where a smiley is found and said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Said only on a line of nothing but smileys.
    Quiet,
    /// Said everywhere.
    Said,
    /// Found only where it is the whole line: a drive's letter or a list's number else.
    Line,
}

/// A row of the table.
struct Smiley {
    text: &'static str,
    place: Place,
    /// In the order of [`Language`].
    names: [&'static str; 4],
}

/// The first smiley or kaomoji in `text`, with those after it that are the same.
///
/// `alone` means that the line has nothing else, by [`is_only_smileys`]: its name is said then.
/// Inside a sentence what is said is empty for those that are a mood, such as `:)`. Smileys of
/// ASCII are whole words, but for punctuation after them.
pub(crate) fn smiley(text: &str, lang: &str, alone: bool) -> Option<Found> {
    let language = Language::of(lang);
    let mut before = b' ';
    for (at, byte) in text.bytes().enumerate() {
        let is_hint = is_hint(byte, before);
        before = byte;
        if !is_hint {
            continue;
        }
        if let Some((end, smiley)) = listed(text, at) {
            let is_said = alone || smiley.place != Place::Quiet;
            let name = smiley.names[language as usize];
            let spoken = if is_said { name.to_owned() } else { String::new() };
            return Some(Found { range: at..end, spoken });
        }
        if let Some(range) = kaomoji::at(text, at) {
            let spoken = if alone { OTHER.to_owned() } else { String::new() };
            return Some(Found { range, spoken });
        }
    }
    None
}

/// The smileys that are words of letters, such as "xD".
pub(crate) fn of_letters() -> impl Iterator<Item = &'static str> {
    let texts = Table::get().smileys.iter().map(|smiley| smiley.text);
    texts.filter(|text| text.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// Whether `text` has smileys, and beside them nothing but blanks and punctuation.
pub(crate) fn is_only_smileys(text: &str) -> bool {
    let mut rest = text.trim();
    let mut any = false;
    while let Some(Range { start: 0, end }) = smiley(rest, "", true).map(|found| found.range) {
        any = true;
        rest = rest[end..].trim_start_matches(|c: char| c.is_whitespace() || is_punctuation(c));
    }
    any && rest.is_empty()
}

/// Whether a smiley may begin with `byte` after `before`. Cheap, as it is asked for each byte.
fn is_hint(byte: u8, before: u8) -> bool {
    match HINTS[usize::from(byte)] {
        Hint::None => false,
        Hint::Word => before == b' ' || before == b'\t',
        Hint::Anywhere => true,
    }
}

/// Where a smiley may begin with a byte.
#[derive(Clone, Copy)]
enum Hint {
    None,
    Word,
    Anywhere,
}

/// By the first byte of UTF-8. Brackets, boxes and half-wide kana begin what touches words.
const HINTS: [Hint; 256] = {
    let anywhere = b":;(\xc2\xca\xe2\xef";
    let word = b"%),-./038<=>?@BDOQTUX\\^_dmntuovwx~*}\xc3\xce\xd9\xe0\xe1\xe3\xe4\xe5\xeb";
    let mut hints = [Hint::None; 256];
    let mut i = 0;
    while i < word.len() {
        hints[word[i] as usize] = Hint::Word;
        i += 1;
    }
    i = 0;
    while i < anywhere.len() {
        hints[anywhere[i] as usize] = Hint::Anywhere;
        i += 1;
    }
    hints
};

/// The smiley of the table that begins at `at`, the longest, and where its run ends.
fn listed(text: &str, at: usize) -> Option<(usize, &'static Smiley)> {
    let table = Table::get();
    let (before, rest) = text.as_bytes().split_at(at);
    if !table.may_have(rest) || may_be_glued(before) && !may_glue(rest) {
        return None;
    }
    let mut candidates = table.beginning_with(text[at..].chars().next()?);
    let smiley = candidates.find(|smiley| smiley.is_at(text, at))?;
    let end_at = |at: usize| {
        let after = &text[at + smiley.text.len()..];
        text.len() - without_more(smiley.text, &text[..at], after).len()
    };
    let mut end = end_at(at);
    loop {
        let next = text.len() - text[end..].trim_start().len();
        if !smiley.is_at(text, next) {
            return Some((end, smiley));
        }
        end = end_at(next);
    }
}

/// `after`, what follows a smiley, without more of its mouth: ":))))" is ":)". A bracket that was
/// opened before it stays.
fn without_more<'a>(smiley: &str, before: &str, after: &'a str) -> &'a str {
    let n = |c: char| before.matches(c).count();
    match smiley.chars().next_back() {
        Some(')') if n('(') > n(')') => {
            let rest = after.trim_start_matches(')');
            if rest.len() < after.len() { &after[after.len() - rest.len() - 1..] } else { after }
        }
        Some(mouth @ (')' | '(' | 'D' | 'P')) => after.trim_start_matches(mouth),
        _ => after,
    }
}

/// Whether a smiley after `before` would follow a word without a blank.
fn may_be_glued(before: &[u8]) -> bool {
    before.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a smiley that `rest` begins with may follow a word without a blank: one of [`GLUED`], or a
/// kaomoji.
fn may_glue(rest: &[u8]) -> bool {
    !matches!(rest, [b':' | b';', second, ..] if !matches!(second, b')' | b'-' | b'(' | b'\''))
}

/// All smileys.
struct Table {
    /// By their first character, the longest first.
    smileys: Vec<Smiley>,
    /// By the first byte, a bit for each second byte that any has: most words fail here.
    seconds: [u128; 256],
}

impl Table {
    fn get() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let mut smileys: Vec<_> = lines(ROWS).filter_map(Smiley::parse).collect();
        smileys.sort_by_key(|smiley| (smiley.first(), usize::MAX - smiley.text.len()));
        let mut seconds = [0; 256];
        for smiley in &smileys {
            if let [first, second, ..] = smiley.text.as_bytes() {
                seconds[usize::from(*first)] |= 1 << (second % 128);
            }
        }
        Self { smileys, seconds }
    }

    /// Whether any smiley has the first two bytes of `text`.
    fn may_have(&self, text: &[u8]) -> bool {
        let [first, second, ..] = text else { return false };
        self.seconds[usize::from(*first)] >> (second % 128) & 1 == 1
    }

    /// Those with this first character.
    fn beginning_with(&self, first: char) -> impl Iterator<Item = &Smiley> {
        let start = self.smileys.partition_point(|smiley| smiley.first() < first);
        self.smileys[start..].iter().take_while(move |smiley| smiley.first() == first)
    }
}

impl Smiley {
    fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let text = fields.next().filter(|text| !text.is_empty())?;
        let place = match fields.next()? {
            "quiet" => Place::Quiet,
            "said" => Place::Said,
            "line" => Place::Line,
            _ => return None,
        };
        let names = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
        Some(Self { text, place, names })
    }

    fn first(&self) -> char {
        self.text.chars().next().unwrap_or_default()
    }

    /// Whether it is at `at` in `text`, and not a part of something else.
    fn is_at(&self, text: &str, at: usize) -> bool {
        let Some(after) = text[at..].strip_prefix(self.text) else { return false };
        let after = without_more(self.text, &text[..at], after);
        let before = &text[..at];
        match self.place {
            Place::Line => text.trim() == self.text,
            Place::Quiet | Place::Said => {
                self.is_unmistakable() || (ends_word(after) && self.may_follow(before))
            }
        }
    }

    /// Whether no text has it by chance: a kaomoji, which may touch words.
    fn is_unmistakable(&self) -> bool {
        let first = self.first();
        let has_sign = !first.is_ascii() && (first > '\u{24f}' || matches!(first, '¯' | '¬'));
        has_sign || (first == '(' && !self.text.is_ascii())
    }

    fn may_follow(&self, before: &str) -> bool {
        before.is_empty()
            || before.ends_with(char::is_whitespace)
            || GLUED.contains(&self.text)
                && before.ends_with(char::is_alphabetic)
                && before.matches('(').count() <= before.matches(')').count()
    }
}

/// Whether a word ends before `after`, but for punctuation.
fn ends_word(after: &str) -> bool {
    let rest = after.trim_start_matches(is_punctuation);
    rest.is_empty() || rest.starts_with(char::is_whitespace)
}

fn is_punctuation(c: char) -> bool {
    matches!(c, '.' | ',' | '!' | '?' | ';' | ')' | '"' | '…')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_complete() {
        let mut last = "";
        for line in lines(ROWS) {
            let smiley = Smiley::parse(line).expect("a row of six fields");
            assert!(last < smiley.text, "{last} before {}", smiley.text);
            assert_eq!(smiley.text.trim(), smiley.text);
            assert!(smiley.names.iter().all(|name| !name.is_empty()), "line: {line}");
            last = smiley.text;
        }
    }

    #[test]
    fn each_smiley_is_found_alone_and_none_hides_another() {
        for listed in &Table::get().smileys {
            let found = smiley(listed.text, "en", true).expect("a smiley");
            assert_eq!(found.range, 0..listed.text.len(), "smiley: {}", listed.text);
            assert_eq!(found.spoken, listed.names[0], "smiley: {}", listed.text);
            assert!(is_only_smileys(listed.text), "smiley: {}", listed.text);
        }
    }

    /// `text` with what is said for its smileys.
    fn said(text: &str, lang: &str) -> String {
        let alone = is_only_smileys(text);
        let mut out = Vec::new();
        let mut rest = text;
        while let Some(found) = smiley(rest, lang, alone) {
            out.extend([rest[..found.range.start].trim().to_owned(), found.spoken]);
            rest = &rest[found.range.end..];
        }
        out.push(rest.trim().to_owned());
        out.retain(|part| !part.is_empty());
        out.join(" ")
    }

    #[test]
    fn moods_are_silent_in_a_sentence() {
        for (line, heard) in [
            ("hmm :/ not sure", "hmm not sure"),
            ("thanks :D", "thanks"),
            ("thanks :D !", "thanks !"),
            ("great:)", "great"),
            (":) hello", "hello"),
            ("no XD really", "no really"),
            ("hi o/", "hi waves"),
            ("done \\o/", "done hooray"),
            ("I <3 Rust", "I heart Rust"),
            ("so </3", "so broken heart"),
            ("^^ this", "this"),
            ("no idea ¯\\_(ツ)_/¯ sorry", "no idea shrugs sorry"),
            ("gah(╯°□°)╯︵ ┻━┻", "gah flips a table"),
            ("calm ┬─┬ノ( º _ ºノ) down", "calm puts the table back down"),
            ("ಠ_ಠ really", "disapproves really"),
            ("look ( ͡° ͜ʖ ͡°)", "look smirks"),
            ("yay (ﾉ>▽<)ﾉ yay", "yay yay"),
        ] {
            assert_eq!(said(line, "en"), heard, "line: {line}");
        }
    }

    #[test]
    fn a_line_of_smileys_is_said() {
        for (line, lang, heard) in [
            (":)", "en", "smiles"),
            (":-D", "en", "laughs"),
            (":))))))", "en", "smiles happily"),
            ("XDDDD", "en", "laughs"),
            (":( !", "en", "is sad !"),
            (";)", "en", "winks"),
            (":P", "en", "sticks out the tongue"),
            (":/", "en", "is unsure"),
            (":D :D :D", "en", "laughs"),
            (":) ;)", "en", "smiles winks"),
            ("D:", "en", "is horrified"),
            ("o/", "en", "waves"),
            ("o7", "en", "salutes"),
            ("<3 <3", "en", "heart"),
            ("¯\\_(ツ)_/¯", "en", "shrugs"),
            ("(╯°□°)╯︵ ┻━┻", "en", "flips a table"),
            ("ʕ•ᴥ•ʔ", "en", "bear"),
            ("(づ｡◕‿‿◕｡)づ", "en", "hugs"),
            ("(ﾉ>▽<)ﾉ", "en", "kaomoji"),
            (":)", "de", "lächelt"),
            ("¯\\_(ツ)_/¯", "de", "zuckt mit den Schultern"),
            ("^^", "fr", "sourit"),
            ("o/", "fr", "salue"),
            ("<3", "es", "corazón"),
            (";)", "es", "guiña un ojo"),
            (":)", "ru", "smiles"),
        ] {
            assert_eq!(said(line, lang), heard, "line: {line}");
        }
    }

    #[test]
    fn text_that_looks_like_a_smiley_is_none() {
        for line in [
            "",
            "8) eighth",
            "(8)",
            "drive C: and D: too",
            "D:\\path",
            "std::D",
            "`:D`",
            "10:30",
            "a:b",
            "http://example.org/o/",
            "(see below:)",
            "foo(a:)",
            "x=):",
            "1) 2) 3)",
            "f(x) = (x ≥ 0)",
            "(°C)",
            "日本(東京)です",
            "(笑)",
            "und/oder",
            "key:Din",
            "über (größer als 3) öfter",
        ] {
            assert_eq!(smiley(line, "en", false), None, "line: {line}");
        }
    }
}
