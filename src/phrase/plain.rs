//! The fast path: texts that no step changes, as most are. Words of letters with ordinary
//! punctuation, of which none is known to a step.
#![forbid(unsafe_code)]

use super::clean::{self, Window};
use super::runs;
use crate::text::first_word;

/// What most texts are made of, beside letters.
const SIGNS: &[u8] = b" ,.'?!";

/// The characters of plain text.
pub(super) const CHARACTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ,.'?!";

/// Words that steps may change, with any punctuation around them. A set by the first eight bytes, in
/// lower case, and the length: it holds more than was put in, but hardly ever a word that matters.
#[derive(Debug)]
pub(super) struct Triggers {
    /// Keys of words, each at the place of its hash or after it; 0 is free.
    slots: Vec<u64>,
    /// Patterns may match what is made of other words.
    is_open: bool,
}

impl Default for Triggers {
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl Triggers {
    /// A set of no words, in which `most` have room.
    pub(super) fn with_room(most: usize) -> Self {
        // A word has up to two keys.
        let slots = vec![0; (6 * most.max(8)).next_power_of_two()];
        Self { slots, is_open: false }
    }

    /// Patterns may match any words: no text is plain.
    pub(super) fn open(&mut self) {
        self.is_open = true;
    }

    /// Adds a word, as it is and without the signs around it.
    pub(super) fn add(&mut self, word: &str) {
        self.insert(key(word.as_bytes()));
        self.insert(key(core(word.as_bytes())));
    }

    /// Adds a word that something is said for where a full stop follows it.
    pub(super) fn add_before_stop(&mut self, word: &str) {
        self.insert(key(format!("{word}.").as_bytes()));
    }

    /// Whether it may be one of the words.
    pub(super) fn may_be(&self, word: &str) -> bool {
        !word.is_ascii() || self.has(key(word.as_bytes()))
    }

    fn insert(&mut self, key: u64) {
        let place = self.place(key);
        self.slots[place] = key;
    }

    fn has(&self, key: u64) -> bool {
        self.slots[self.place(key)] != 0
    }

    /// Where that key is, or would be: the set is never full.
    fn place(&self, key: u64) -> usize {
        let mask = self.slots.len() - 1;
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = (hash >> 40) as usize & mask;
        while self.slots[at] != key && self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        at
    }
}

/// Whether no step changes `text`, whatever stands beside it.
pub(super) fn is_plain(text: &str, triggers: &Triggers) -> bool {
    is_even(text, has_plain_bytes::<false>, triggers)
}

/// The same of a text in which there may be words of digits as well, for which patterns may have
/// something to say.
pub(super) fn is_plain_or_numbers(text: &str, triggers: &Triggers) -> bool {
    is_even(text, has_plain_bytes::<true>, triggers)
}

fn is_even(text: &str, has_plain_bytes: impl Fn(&Window) -> bool, triggers: &Triggers) -> bool {
    let bytes = text.as_bytes();
    !triggers.is_open
        && clean::every_window(bytes, *b",.", has_plain_bytes)
        && has_plain_words(bytes, triggers)
}

/// Whether there are no other bytes than [`SIGNS`] and letters, or also `DIGITS`, no capital after a
/// small letter, no digit beside a letter, no letter or digit after punctuation, no two blanks or
/// quotes, and nothing four times. A loop of fixed length without an early exit, which the compiler
/// vectorises.
fn has_plain_bytes<const DIGITS: bool>(window: &Window) -> bool {
    let is = u8::from;
    let letter = |b: u8| is((b | 0x20).wrapping_sub(b'a') < 26);
    let digit = |b: u8| is(DIGITS) & is(b.wrapping_sub(b'0') < 10);
    let mut any = [0; clean::BLOCK];
    for (at, any) in any.iter_mut().enumerate() {
        let [a, b, c, d] = [window[at], window[at + 1], window[at + 2], window[at + 3]];
        let is_stop = is(a == b',') | is(a == b'.') | is(a == b'?') | is(a == b'!');
        let is_odd = 1 ^ (letter(a) | digit(a) | is_stop | is(a == b' ') | is(a == b'\''));
        let is_hump = is(a >= b'a') & is(b.wrapping_sub(b'A') < 26);
        let is_mixed = letter(a) & digit(b) | digit(a) & (letter(b) | is(b == b'\''));
        let is_glued = is_stop & (letter(b) | digit(b) | is(b == b'\''));
        let is_run = is(a == b) & (is(a == b' ') | is(a == b'\'') | is(b == c) & is(c == d));
        *any = is_odd | is_hump | is_mixed | is_glued | is_run;
    }
    any == [0; clean::BLOCK]
}

/// Whether no word of `text` is a trigger, or stands where steps look for such words.
fn has_plain_words(text: &[u8], triggers: &Triggers) -> bool {
    let (mut last, mut n_equal) = (0, 0);
    let mut rest = text;
    while !rest.is_empty() {
        let (length, head) = first_word(rest);
        let (word, after) = rest.split_at(length);
        rest = after.get(1..).unwrap_or_default();
        let (Some(begin), Some(end)) = (word.first(), word.last()) else { continue };
        // Most words are short, and have no signs around them.
        let (bare, key) = match short_key(head, length) {
            Some(key) => (word, key),
            None if *begin != b'\'' && end.is_ascii_alphanumeric() => (word, key_of(head, length)),
            None => {
                let bare = core(word);
                if is_trigger_with_signs(word, bare, triggers) {
                    return false;
                }
                (bare, key(bare))
            }
        };
        n_equal = if key == last { n_equal + 1 } else { 0 };
        if triggers.has(key) || n_equal == 3 || is_roman(bare) || is_long_run(bare) {
            return false;
        }
        last = key;
    }
    true
}

/// Whether a word is too long, or a syllable that is repeated.
fn is_long_run(word: &[u8]) -> bool {
    word.len() >= 8 && (word.len() > clean::MAX_WORD || runs::has_syllables(word))
}

/// Whether `word`, which is `bare` without signs, is a trigger with them, or a letter with a full
/// stop.
fn is_trigger_with_signs(word: &[u8], bare: &[u8], triggers: &Triggers) -> bool {
    let whole = word;
    let n_quotes = word.iter().take_while(|b| **b == b'\'').count();
    let word = &word[n_quotes.min(word.len() - bare.len())..];
    match word.get(bare.len()) {
        _ if bare.is_empty() => triggers.has(key(word)) || triggers.has(key(whole)),
        Some(b'.') => bare.len() == 1 || triggers.has(key(&word[..=bare.len()])),
        _ => false,
    }
}

/// Whether it is a Roman number. "I" is who speaks, also after words such as "section".
fn is_roman(word: &[u8]) -> bool {
    matches!(word, [b'I' | b'V' | b'X', ..])
        && word != b"I"
        && word.iter().all(|b| matches!(b, b'I' | b'V' | b'X'))
}

/// Eight blanks.
const BLANKS: u64 = u64::from_ne_bytes([b' '; 8]);

/// The key of a word of this length that begins with these bytes. Blanks, quotes and stops are not
/// changed by what makes letters small.
fn key_of(head: u64, length: usize) -> u64 {
    let small = head | BLANKS;
    match length {
        0..8 => small & ((1 << (8 * length)) - 1),
        _ => small ^ ((length as u64) << 56),
    }
}

/// The same of a word of less than eight letters and nothing else, as which most are known at once:
/// letters alone have this bit.
fn short_key(head: u64, length: usize) -> Option<u64> {
    const LETTER: u64 = u64::from_ne_bytes([0x40; 8]);
    let mask = (1_u64 << (8 * length.min(7))) - 1;
    (length < 8 && !head & LETTER & mask == 0).then_some((head | BLANKS) & mask)
}

fn key(word: &[u8]) -> u64 {
    let head = word.iter().take(8).rev().fold(0, |head, b| (head << 8) | u64::from(*b));
    key_of(head, word.len())
}

/// A word without the signs around it.
fn core(word: &[u8]) -> &[u8] {
    let start = word.iter().position(|b| *b != b'\'').unwrap_or(word.len());
    let end = word.iter().rposition(|b| !SIGNS.contains(b)).map_or(start, |at| at + 1);
    &word[start.min(end)..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::chain::Chain;
    use super::super::sources::OURS;
    use super::*;
    use crate::language::Language;

    /// The patterns that may match what has plain bytes are those that the fast path looks for: who
    /// adds one must look here.
    #[test]
    fn the_fast_path_knows_the_patterns_of_letters() {
        let chain = Chain::embedded();
        for (code, _) in OURS {
            let language = Language::from_code(code).expect(code);
            let names = chain.lexicon(language).patterns_of_letters();
            let known = [
                "dot-net",           // no letter follows a full stop
                "web-token",         // the same
                "hash-range",        // the same
                "wiki-bold",         // no quote follows a quote
                "camel",             // no capital follows a small letter
                "pascal",            // the same
                "roman",             // `is_roman`
                "short-form",        // a trigger
                "short-form-at-end", // a trigger
                "small-form",        // a trigger
                "mister",            // a letter with a full stop
            ];
            let unknown: Vec<_> = names.iter().filter(|it| !known.contains(it)).collect();
            assert!(unknown.is_empty(), "{code}: {unknown:?}");
        }
    }

    /// Plain text, and words and signs that make text less plain.
    fn text() -> impl Strategy<Value = String> {
        let words = "the of a A II IV type part World War btw imo vs TIL til getIt OK It XD xd owo \
                     uwu orz no, no ha hahahahaha nooooo etc bzw. z M. Dr p No. Mon May don't 'tis \
                     rock'n'roll dogs' ... ? ! ' .NET a.b www xx aaa Part Phase M Max PR e.g";
        let words: Vec<_> = words.split_ascii_whitespace().collect();
        let word = prop_oneof![
            4 => prop::sample::select(words).prop_map(str::to_owned),
            4 => "[a-z]{1,10}[,.?!]?",
            1 => "[ -~]{0,3}",
            1 => "[A-HJ-Za-z ,.'?!]{0,6}",
        ];
        prop::collection::vec(word, 0..8).prop_map(|words| words.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn no_step_changes_what_is_plain(text in text()) {
            static CHAIN: std::sync::LazyLock<Chain> = std::sync::LazyLock::new(Chain::embedded);
            // There it may be who speaks, or a number: the step takes it for a number.
            prop_assume!(!text.contains(" I"));
            for (code, _) in OURS {
                let language = Language::from_code(code).expect(code);
                let pieces = CHAIN.pieces(&text, language);
                if is_plain(&text, CHAIN.lexicon(language).triggers()) {
                    prop_assert!(pieces.iter().all(|it| it.said.is_none()), "{}: {:?}", code, pieces);
                }
                if CHAIN.leaves_numbers(&text, language) {
                    prop_assert!(pieces.iter().all(|it| it.said.is_none()), "{}: {:?}", code, pieces);
                }
                if CHAIN.leaves(&text, language) {
                    let [mut said, mut whole, mut cleaned] = [const { String::new() }; 3];
                    CHAIN.say(&text, language, &mut said);
                    clean::text(&said, &mut cleaned);
                    clean::text(&text, &mut whole);
                    prop_assert_eq!(&cleaned, &whole, "{}", code);
                    if clean::leaves_plain(&text) {
                        prop_assert_eq!(&cleaned, &text, "{}", code);
                    }
                }
            }
        }

        /// What is said for plain words and links without the other steps is said with them.
        #[test]
        fn links_among_plain_words_need_no_other_step(
            before in "([a-z]{1,9}[,.?!]? ){0,3}", first in link(), after in text(), second in link()
        ) {
            static CHAIN: std::sync::LazyLock<Chain> = std::sync::LazyLock::new(Chain::embedded);
            let text = format!("{before}{first} {after} {second}, then");
            for (code, _) in OURS {
                let language = Language::from_code(code).expect(code);
                if let Some(pieces) = CHAIN.linked(&text, language) {
                    let [mut said, mut wanted] = [const { String::new() }; 2];
                    super::super::chain::join(&pieces, &mut said);
                    super::super::chain::join(&CHAIN.pieces(&text, language), &mut wanted);
                    prop_assert_eq!(&said, &wanted, "{}: {}", code, text);
                }
            }
        }
    }

    fn link() -> impl Strategy<Value = String> {
        let host = "(example|[a-z]{1,6}[0-9]?|docs|github|bugs\\.debian)\\.(org|com|de)";
        (0..2_usize, host, "(/[a-zA-Z0-9.-]{0,8}){0,5}", "[.,)?!:]?")
            .prop_map(|(tls, host, path, end)| format!("http{}://{host}{path}{end}", &"s"[tls..]))
    }
}
