//! The normaliser: text from outside into words that every engine can speak.
//!
//! Of a word longer than [`MAX_WORD`], the beginning and the number of other characters are spoken;
//! of a ruler ("=====") the length; of a link the host. Pictures and invisible characters are not
//! spoken.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt::Write as _;

use super::glyphs::{is_blank, is_mark, is_pictograph, name_of_many, plain};
use crate::format::codes;
use crate::text::is_invisible;

/// The characters of the longest word that is spoken whole.
pub const MAX_WORD: usize = 64;

/// The bytes of text after which no further word is added.
const MAX_TEXT: usize = 16 * 1024;

/// What is spoken of a longer word.
const HEAD_OF_WORD: usize = 20;

/// The longest nick.
const MAX_NICK: usize = 32;

/// This many of one symbol side by side are counted.
const MANY: usize = 4;

/// The most of one letter that stay side by side.
const MAX_LETTERS: usize = 8;

/// How often a word may follow itself: long repetitions mean nothing and upset engines.
const MAX_REPEATS: usize = 8;

/// Appends `text` as it is to be spoken; whether there was anything to speak.
pub fn text(text: &str, out: &mut String) -> bool {
    if is_simple(text.as_bytes()) {
        let any = sounds(text);
        out.push_str(if any { text } else { "" });
        return any;
    }
    let text = codes::strip(Cow::Borrowed(text));
    let start = out.len();
    let mut words = Words::new(out);
    if is_periodic(text.as_bytes()) {
        words.one_by_one(&text);
    } else {
        words.by_halves(&text);
    }
    let any = words.any() && sounds(&out[start..]);
    if !any {
        out.truncate(start);
    }
    any
}

/// `text` as it is to be spoken; empty where there is nothing to speak.
pub(super) fn cleaned(text: String) -> String {
    if is_simple(text.as_bytes()) && sounds(&text) {
        return text;
    }
    let mut out = String::new();
    self::text(&text, &mut out);
    out
}

/// Whether anything of `text` can be heard. Punctuation, quotes, brackets and box drawing cannot:
/// no voice of eSpeak NG says anything for them, whatever is beside them. Others that some voice
/// says (`^`, `*`, an arrow) count as audible.
pub(super) fn sounds(text: &str) -> bool {
    text.chars().any(|c| !is_silent(c))
}

fn is_silent(c: char) -> bool {
    matches!(c, ' ' | '\'' | '"' | '(' | ')' | ',' | '-' | '.' | ';' | '[' | ']' | '_' | '`' | '{'
        | '|' | '}' | '\u{ab}' | '\u{bb}' | '\u{2010}'..='\u{2027}' | '\u{2500}'..='\u{259f}')
}

/// Appends a name: at most [`MAX_NICK`] characters that can be spoken, with single blanks; "unknown"
/// where there are none.
pub fn nick(nick: &str, out: &mut String) {
    let start = out.len();
    let seen = codes::strip(Cow::Borrowed(nick));
    let visible = visible(&seen);
    for c in visible.chars().take(MAX_NICK) {
        let c = if is_blank(c) { ' ' } else { c };
        let is_first = out.len() == start;
        if !(is_first && matches!(c, ' ' | '-') || c == ' ' && out.ends_with(' ')) {
            push(c, out);
        }
    }
    out.truncate(start + out[start..].trim_end().len());
    if out.len() == start {
        out.push_str("unknown");
    }
}

/// Whether `text` is spoken unchanged, as most lines are: this is the fast path.
fn is_simple(text: &[u8]) -> bool {
    let (Some(first), Some(last)) = (text.first(), text.last()) else { return true };
    !matches!(first, b' ' | b'-')
        && *last != b' '
        && is_even(text)
        && has_short_words(text)
        && !is_periodic(text)
}

/// Whether a byte belongs to a control code, or may belong to a mark, a blank or a picture: not to
/// printable ASCII, nor to a Latin, Greek, Cyrillic, Armenian or Hebrew letter. A number, so that
/// the loops over many bytes vectorise.
fn odd(b: u8) -> u8 {
    let is = u8::from;
    let odd_lead = is(b == 0xc2) | is(b == 0xcc) | is(b == 0xcd) | is(b == 0xd2);
    is(b < b' ') | is(b == 0x7f) | odd_lead | is(b >= 0xd8)
}

/// How many bytes are checked at once: a vector of the processor.
pub(super) const BLOCK: usize = 16;

/// A block, and what its last byte is compared with.
pub(super) type Window = [u8; BLOCK + MANY - 1];

/// Whether a text of plain words, none of which is long or often repeated, is spoken unchanged.
pub(super) fn leaves_plain(text: &str) -> bool {
    !text.starts_with(' ') && !text.ends_with(' ') && !is_periodic(text.as_bytes())
}

/// Whether no byte of `text` is odd, and there is no `[[`, `//`, beginning of `www.`, two blanks, or
/// [`MANY`] of anything.
fn is_even(text: &[u8]) -> bool {
    every_window(text, *b"}~", is_even_block)
}

/// Whether every block of `text` is good. Two bytes that are good behind any others, in turn, fill
/// the last one.
pub(super) fn every_window(text: &[u8], fill: [u8; 2], is_good: impl Fn(&Window) -> bool) -> bool {
    let mut at = 0;
    while let Some(window) = text[at..].first_chunk() {
        if !is_good(window) {
            return false;
        }
        at += BLOCK;
    }
    let rest = &text[at..];
    let mut padded = [fill[1]; 2 * BLOCK + MANY - 1];
    padded.iter_mut().step_by(2).for_each(|b| *b = fill[0]);
    padded[..rest.len()].copy_from_slice(rest);
    [&padded[..], &padded[BLOCK..]].iter().all(|part| part.first_chunk().is_some_and(&is_good))
}

/// A loop of fixed length without an early exit, which the compiler vectorises.
fn is_even_block(window: &Window) -> bool {
    let is = u8::from;
    let mut any = [0; BLOCK];
    for (at, any) in any.iter_mut().enumerate() {
        let [a, b, c, d] = [window[at], window[at + 1], window[at + 2], window[at + 3]];
        let in_pair = is(a == b'[') | is(a == b'/') | is(a == b'w') | is(a == b' ');
        *any = odd(a) | is(a == b) & (in_pair | is(b == c) & is(c == d));
    }
    any == [0; BLOCK]
}

/// Whether no word is longer than [`MAX_WORD`].
fn has_short_words(mut text: &[u8]) -> bool {
    while text.len() > MAX_WORD {
        let Some(blank) = memchr::memrchr(b' ', &text[..=MAX_WORD]) else { return false };
        text = &text[blank + 1..];
    }
    true
}

/// Whether the same few characters repeat for 64 bytes or more (or for half as many, depending on
/// their alignment).
fn is_periodic(text: &[u8]) -> bool {
    const CHUNK: usize = 32;
    const MOST: usize = 6;
    let starts = (0..text.len()).step_by(CHUNK);
    let mut chunks = starts.filter_map(|at| text.get(at..at + CHUNK + MOST));
    chunks.any(|chunk| {
        // Comparing eight bytes almost always rules it out.
        let eight = |at: usize| chunk[at..].first_chunk().map(|&eight| u64::from_ne_bytes(eight));
        (1..=MOST).any(|by| eight(0) == eight(by) && chunk[..CHUNK] == chunk[by..by + CHUNK])
    })
}

/// `word` without pictures and heaps of marks, its fancy letters plain.
fn visible(word: &str) -> Cow<'_, str> {
    let changes = |c: char| {
        c >= '\u{300}' && (is_mark(c) || is_pictograph(c) || is_invisible(c) || plain(c) != c)
    };
    if !word.contains(changes) {
        return word.into();
    }
    let mut out = String::with_capacity(word.len());
    let mut marks = 0;
    for c in word.chars().map(plain).filter(|&c| !is_pictograph(c) && !is_invisible(c)) {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks == 0 || (marks <= 2 && !out.is_empty()) {
            out.push(c);
        }
    }
    out.into()
}

/// Appends `c`, kept apart from another `[`: eSpeak reads `[[…]]` as phonemes, and so does Piper.
fn push(c: char, out: &mut String) {
    if c == '[' && out.ends_with('[') {
        out.push(' ');
    }
    out.push(c);
}

/// Joins words.
struct Words<'o> {
    out: &'o mut String,
    start: usize,
    /// The word before, and how often it came in a row.
    last: String,
    repeats: usize,
}

impl<'o> Words<'o> {
    fn new(out: &'o mut String) -> Self {
        let start = out.len();
        Self { out, start, last: String::new(), repeats: 0 }
    }

    fn any(&self) -> bool {
        self.out.len() > self.start
    }

    /// Adds all words of `text`. Most often only one word in it is odd: the text before and after
    /// it is copied.
    fn by_halves(&mut self, text: &str) {
        let text = text.trim_matches(' ');
        let bytes = text.as_bytes();
        if text.is_empty() || self.is_full() {
            return;
        }
        if is_simple(bytes) {
            self.blank();
            self.out.push_str(text);
            return self.last.clear();
        }
        let (left, right) = bytes.split_at(bytes.len() / 2);
        let behind = || memchr::memchr(b' ', right).map(|blank| left.len() + blank);
        match memchr::memrchr(b' ', left).or_else(behind) {
            Some(blank) => {
                self.by_halves(&text[..blank]);
                self.by_halves(&text[blank..]);
            }
            None => self.one_by_one(text),
        }
    }

    fn one_by_one(&mut self, text: &str) {
        text.split(is_blank).for_each(|word| self.add(&visible(word)));
    }

    fn is_full(&self) -> bool {
        self.out.len() > self.start + MAX_TEXT
    }

    fn add(&mut self, word: &str) {
        let word = if self.any() { word.into() } else { without_dash(word) };
        if word.is_empty() || self.is_full() {
            return;
        }
        if word == self.last {
            self.repeats += 1;
            if self.repeats >= MAX_REPEATS {
                return;
            }
        } else {
            self.repeats = 0;
            self.last.clear();
            self.last.push_str(&word);
        }
        self.blank();
        self.counted(&word);
    }

    /// A blank before the next word, except the first.
    fn blank(&mut self) {
        if self.any() && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }

    /// Writes `word` with runs of one character shortened.
    fn counted(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        let mut short = String::with_capacity(word.len());
        let mut rest = word;
        while let Some(c) = rest.chars().next() {
            let after = rest.trim_start_matches(c);
            let n = (rest.len() - after.len()) / c.len_utf8();
            shorten(c, n, &mut short);
            rest = after;
        }
        for (i, piece) in short.split_ascii_whitespace().enumerate() {
            if i > 0 {
                self.blank();
            }
            self.bounded(piece);
        }
    }

    /// Writes `word`, with blanks where it is long.
    fn bounded(&mut self, word: &str) {
        for (i, c) in word.chars().enumerate() {
            if i > 0 && i % MAX_WORD == 0 {
                self.out.push(' ');
            }
            push(c, self.out);
        }
    }
}

/// The beginning of a word that is too long to be spoken whole, and how many other characters it
/// has. Thai, Chinese and Japanese have no blanks between words: these are no long words.
pub(super) fn beginning(word: &str) -> Option<(&str, usize)> {
    if word.len() <= MAX_WORD {
        return None;
    }
    let n_chars = word.chars().count();
    let is_spaceless = word.chars().filter(|&c| c >= '\u{e00}').count() * 2 > n_chars;
    let end = word.char_indices().nth(HEAD_OF_WORD)?.0;
    (n_chars > MAX_WORD && !is_spaceless).then(|| (&word[..end], n_chars - HEAD_OF_WORD))
}

/// Appends `n` times `c`, or what is said instead.
fn shorten(c: char, n: usize, out: &mut String) {
    let kept = match name_of_many(c) {
        Some(name) if n >= MANY => {
            let _ = write!(out, " {n} {name} "); // cannot fail
            return;
        }
        _ if c.is_ascii_punctuation() => n.min(MANY - 1),
        _ if c.is_ascii_digit() => n,
        _ => n.min(MAX_LETTERS),
    };
    out.extend(std::iter::repeat_n(c, kept));
}

/// A text's first word without the dashes that would make it an option; a minus stays.
fn without_dash(word: &str) -> Cow<'_, str> {
    let rest = word.trim_start_matches('-');
    match word.len() - rest.len() {
        1 if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("minus {rest}").into(),
        0 | MANY.. => word.into(), // many are counted
        _ => rest.into(),
    }
}
