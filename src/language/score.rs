//! How much of a line speaks for each language, by its common words and its letters.
#![forbid(unsafe_code)]

use super::words::{Set, Words, hash, hash_of_short};
use crate::text::first_word;

/// Points of a word that one, two, three ... languages have.
const POINTS: [u16; 6] = [0, 4, 3, 2, 2, 1];

/// Points of the default language that make reading on pointless while no other has a word of its
/// own: three words.
const ENOUGH: u16 = 12;

/// Points of a word that only the default language has.
const ONLY_DEFAULT: u16 = 4;

/// Bytes of a word that may decide a line of its own: `danke`. Shorter ones are in all languages.
const LONG: usize = 5;

/// The evidence of a line.
#[derive(Debug)]
pub(super) struct Score {
    /// Words in the line, without code, links, numbers and the nick that is addressed.
    pub n_words: u16,
    /// Points of each language.
    points: [u16; 64],
    /// Words that each language has.
    hits: [u16; 64],
    /// Points of words that the default language does not have.
    pub foreign: u16,
    /// The language of the last word that only one has, if it is too long to be that by chance.
    pub only: Option<Set>,
}

/// The points of the default language in a text that shows no other, as most do: its words in ASCII
/// are of that language, or of none. None where that is not so, or would take longer to find out.
pub(super) fn of_default_only(text: &str, words: &Words, default: Set) -> Option<u16> {
    let mut points = 0;
    let mut rest = text.as_bytes();
    if !text.is_ascii() || text.starts_with(' ') {
        return None;
    }
    while !rest.is_empty() && points < ENOUGH {
        let is_first = rest.len() == text.len();
        let (length, head) = first_word(rest);
        let (chunk, after) = rest.split_at(length);
        rest = after.get(1..).unwrap_or_default();
        let set = match small(head, length) {
            Some(word) => words.languages_of(hash_of_short(word, length)),
            None => whole_set(chunk, is_first, words)?,
        };
        if set != 0 {
            points += if set == default { ONLY_DEFAULT } else { 1 };
        }
        if set != 0 && set & default == 0 {
            return None;
        }
    }
    Some(points)
}

/// The first `length` bytes of `head`, if they are all small letters, and less than eight.
fn small(head: u64, length: usize) -> Option<u64> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    if length >= 8 {
        return None;
    }
    let mask = (1 << (8 * length)) - 1;
    let word = head & mask;
    // Each byte of ASCII has its highest bit from `a` on, and none up to `z`.
    let (from_a, behind_z) = (word + 0x1f * EACH, word + 0x05 * EACH);
    let high = (0x80 * EACH) & mask;
    (from_a & !behind_z & high == high).then_some(word)
}

/// The languages that have a chunk of ASCII as a word; none of them where it is no word. None where
/// its parts may be words.
fn whole_set(chunk: &[u8], is_first: bool, words: &Words) -> Option<Set> {
    let is_addressed = is_first && chunk.len() > 1 && chunk.ends_with(b":");
    if chunk.contains(&b'\t') {
        return None;
    }
    let word = trimmed(chunk);
    if is_addressed || word.is_empty() || !is_plain(chunk) {
        return Some(0);
    }
    let set = words.languages_of(hash(word));
    let has_parts = || word.iter().any(|b| matches!(b, b'\'' | b'-'));
    (set != 0 || !has_parts()).then_some(set)
}

impl Score {
    /// Reads `text`; `default` is the default language's set.
    pub(super) fn of(text: &str, words: &Words, default: Set) -> Self {
        let mut score = Self { n_words: 0, points: [0; 64], hits: [0; 64], foreign: 0, only: None };
        let mut lower = String::new();
        for chunk in plain_chunks(text) {
            if chunk.is_ascii() {
                score.add_chunk(chunk.as_bytes(), words, default);
            } else {
                lowercase(chunk, &mut lower);
                for part in lower.split(' ').filter(|it| !it.is_empty()) {
                    score.add_chunk(part.as_bytes(), words, default);
                    score.add_letters(part, words, default);
                }
            }
            if score.foreign == 0 && score.get(default) >= ENOUGH {
                break;
            }
        }
        score
    }

    fn add_chunk(&mut self, chunk: &[u8], words: &Words, default: Set) {
        let chunk = trimmed(chunk);
        if chunk.is_empty() {
            return;
        }
        self.n_words = self.n_words.saturating_add(1);
        let whole = words.languages_of(hash(chunk));
        if whole != 0 {
            self.add(whole, default);
            if whole.is_power_of_two() && chunk.len() >= LONG {
                self.only = Some(whole);
            }
            return;
        }
        // `l'ordinateur` is `l'` and `ordinateur`; `est-il` is `est` and `il`.
        let mut start = 0;
        for (at, &byte) in chunk.iter().enumerate() {
            let end = match byte {
                b'\'' => at + 1,
                b'-' => at,
                _ => continue,
            };
            self.add(words.languages_of(hash(&chunk[start..end])), default);
            start = at + 1;
        }
        if start > 0 {
            self.add(words.languages_of(hash(&chunk[start..])), default);
        }
    }

    /// Adds a word that `set` has.
    fn add(&mut self, set: Set, default: Set) {
        if set == 0 {
            return;
        }
        let many = (set.count_ones() as usize).min(POINTS.len() - 1);
        // A word that the default language has, too, says little for another.
        let (points, foreign) =
            if set & default == 0 { (POINTS[many], POINTS[many]) } else { (1, 0) };
        self.foreign += foreign;
        each(set, |at| {
            self.points[at] += points;
            self.hits[at] += 1;
        });
        if set & default != 0 {
            self.points[index(default)] += if set == default { ONLY_DEFAULT - 1 } else { 0 };
        }
    }

    /// Adds the evidence of a word's letters: the languages that have all of them.
    fn add_letters(&mut self, word: &str, words: &Words, default: Set) {
        let mut all = Set::MAX;
        for letter in word.chars().filter(|it| !it.is_ascii()) {
            match words.letter(letter) {
                0 => {}
                set => all &= set,
            }
        }
        if all == Set::MAX || all == 0 || all & default != 0 {
            return;
        }
        // Not `foreign`: names have such letters in English, too.
        let points = if all.count_ones() < 3 { 2 } else { 1 };
        each(all, |at| self.points[at] += points);
    }

    /// The points of the one language in `set`; 0 for an empty one.
    pub(super) fn get(&self, set: Set) -> u16 {
        if set == 0 { 0 } else { self.points[index(set)] }
    }

    /// The words that the one language in `set` has.
    pub(super) fn hits(&self, set: Set) -> u16 {
        if set == 0 { 0 } else { self.hits[index(set)] }
    }

    /// The language with the most points, among `set`; an empty set where none has any.
    pub(super) fn best(&self, set: Set) -> Set {
        let mut best = 0;
        each(set, |at| {
            if self.points[at] > self.get(best) {
                best = 1 << at;
            }
        });
        best
    }
}

fn index(set: Set) -> usize {
    set.trailing_zeros() as usize
}

/// Calls `with` for each place of a language in `set`.
fn each(mut set: Set, mut with: impl FnMut(usize)) {
    while set != 0 {
        with(index(set));
        set &= set - 1;
    }
}

/// The chunks of `text` between blanks that are words of a language: not links, paths, numbers,
/// names in code, nor the nick that a message begins with.
pub(super) fn plain_chunks(text: &str) -> impl Iterator<Item = &str> {
    let chunks = chunks(text).filter(|chunk| !chunk.is_empty());
    let is_addressed = |at, chunk: &str| at == 0 && chunk.len() > 1 && chunk.ends_with(':');
    chunks
        .enumerate()
        .filter(move |&(at, chunk)| !is_addressed(at, chunk) && is_plain(chunk.as_bytes()))
        .map(|(_, chunk)| chunk)
}

/// The parts of `text` between blanks, quickly for ASCII.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let is_ascii = text.is_ascii();
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let blank = if is_ascii {
            text.bytes().position(|b| matches!(b, b' ' | b'\t')).map(|at| (at, 1))
        } else {
            let is_blank = |c| matches!(c, ' ' | '\t' | '\u{a0}' | '\u{3000}');
            text.char_indices().find(|it| is_blank(it.1)).map(|(at, c)| (at, c.len_utf8()))
        };
        rest = blank.map(|(at, length)| &text[at + length..]);
        Some(&text[..blank.map_or(text.len(), |it| it.0)])
    })
}

/// What a byte is in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lower,
    Upper,
    /// May stand between words without a blank: `well,`, `(or`.
    Mark,
    /// Joins two parts of a word: `don't`, `e-mail`.
    Joint,
    /// Is in code and in links only.
    Code,
}

const fn kind(byte: u8) -> Kind {
    match byte {
        b'a'..=b'z' | 0x80.. => Kind::Lower,
        b'A'..=b'Z' => Kind::Upper,
        b'\'' | b'-' => Kind::Joint,
        b'.' | b',' | b';' | b':' | b'!' | b'?' | b'"' | b'(' | b')' | b'*' => Kind::Mark,
        _ => Kind::Code,
    }
}

static KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Code; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let at = byte as u8;
        kinds[byte] = kind(at);
        byte += 1;
    }
    kinds
};

/// Whether `chunk` is a word: no digit, slash or underscore, no capital after a small letter, and
/// no mark between two letters.
fn is_plain(chunk: &[u8]) -> bool {
    let mut last = Kind::Joint;
    let mut marked = false;
    for &byte in chunk {
        let kind = KINDS[usize::from(byte)];
        match kind {
            Kind::Code => return false,
            Kind::Upper if last == Kind::Lower => return false,
            Kind::Lower | Kind::Upper if marked => return false,
            Kind::Mark if matches!(last, Kind::Lower | Kind::Upper) => marked = true,
            Kind::Lower | Kind::Upper | Kind::Mark | Kind::Joint => {}
        }
        last = kind;
    }
    true
}

/// `chunk` without marks at its ends, and without hyphens there.
fn trimmed(chunk: &[u8]) -> &[u8] {
    let is_letter = |&byte: &u8| matches!(KINDS[usize::from(byte)], Kind::Lower | Kind::Upper);
    let Some(start) = chunk.iter().position(is_letter) else { return &[] };
    let end = chunk.iter().rposition(is_letter).map_or(start, |at| at + 1);
    &chunk[start..end]
}

/// Writes `chunk` in small letters; marks beyond ASCII become blanks, an apostrophe a plain one.
fn lowercase(chunk: &str, lower: &mut String) {
    lower.clear();
    for c in chunk.chars() {
        match c {
            '\u{2019}' | '\u{2bc}' => lower.push('\''),
            '\u{80}'..='\u{bf}'
            | '×'
            | '÷'
            | '،'
            | '؛'
            | '؟'
            | '।'
            | '\u{2000}'..='\u{206f}'
            | '\u{3000}'..='\u{303f}'
            | '\u{ff00}'..='\u{ff0f}'
            | '\u{ff1a}'..='\u{ff1f}' => lower.push(' '),
            c => lower.extend(c.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_links_numbers_and_nicks_are_no_words() {
        for (text, plain) in [
            ("kim: see https://example.org/de/ now", "see now"),
            ("call getNextToken() or next_token or Foo::bar", "call or or"),
            ("in ~/.config/irc-speak since v1.2, 12 times", "in since times"),
            ("well,what (or not) e-mail don't", "(or not) e-mail don't"),
            ("#channel @kim <b> a=b", ""),
            ("DANKE für NICHTS!", "DANKE für NICHTS!"),
            ("foo.bar.com file.txt end.", "end."),
        ] {
            assert_eq!(plain_chunks(text).collect::<Vec<_>>().join(" "), plain, "{text}");
        }
    }

    #[test]
    fn words_and_letters_are_points() {
        let words = Words::of(|it| ["en", "de", "fr"].contains(&it.code()));
        let set = |code| words.languages().iter().position(|it| it.code() == code);
        let [en, de, fr] = ["en", "de", "fr"].map(|code| 1 << set(code).expect(code));
        for (text, language) in [
            ("das ist nicht gut", de),
            ("Ich weiß", de),
            ("«où est-il»", fr),
            ("l’ordinateur", fr),
            ("I do not know that", en),
            ("größer", de),
            ("xyzzy", 0),
        ] {
            let score = Score::of(text, &words, en);
            assert_eq!(score.best(en | de | fr), language, "{text}: {score:?}");
        }
    }
}
