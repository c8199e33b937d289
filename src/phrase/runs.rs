//! Rulers, and runs of one letter or one word: what is repeated says nothing more.
#![forbid(unsafe_code)]

use std::ops::Range;

use super::clean;
use super::piece::{Piece, Place, Token};

/// This many signs without a letter are a ruler, or four where they are not those that rulers are
/// drawn with.
const RULER: usize = 3;

/// A ruler is made of at most so many different signs.
const SIGNS: usize = 3;

/// A run of more than three letters is cut to two.
const LETTERS: usize = 3;
const LETTERS_KEPT: usize = 2;

/// A run of more than three words is cut to three.
const WORDS: usize = 3;

/// The next ruler in `text` from byte `from` on. One that is the whole line is called `ruler`; one
/// at an end of a line with words is silent.
pub(super) fn find_ruler<'a>(
    text: &'a str,
    place: Place,
    from: usize,
    ruler: impl Fn() -> &'a str,
) -> Option<Token<'a>> {
    if from == 0 && place.is_first && place.is_last && is_ruler(text) {
        let pieces = vec![Piece::said(text, ruler(), "ruler")];
        return Some(Token { range: 0..text.len(), pieces });
    }
    let line = text.trim();
    let first = line.split(' ').next().unwrap_or_default();
    let last = line.rsplit(' ').next().unwrap_or_default();
    let begin = text.len() - text.trim_start().len();
    let ends = [begin..begin + first.len(), begin + line.len() - last.len()..begin + line.len()];
    let ruler = ends.into_iter().find(|it| it.start >= from && is_ruler(&text[it.clone()]))?;
    Some(token(text, ruler, ""))
}

/// The next run of letters or words in `text` from byte `from` on, or the next word that is too long
/// to be said whole; `more` says how many other characters it has, as "and {n} more characters".
pub(super) fn find<'a, 'm>(
    text: &'a str,
    from: usize,
    more: impl Fn() -> &'m str,
) -> Option<Token<'a>> {
    let mut words = Words { text, at: from };
    let mut run: Option<(Range<usize>, usize)> = None;
    while let Some(word) = words.next() {
        let written = &text[word.clone()];
        let cut = clean::beginning(written)
            .map(|(head, n)| format!("{head} {}", more().replace("{n}", &n.to_string())));
        if let Some(cut) = cut.or_else(|| without_runs(written)) {
            let pieces = vec![Piece::said(&text[word.clone()], cut, "run")];
            return Some(Token { range: word, pieces });
        }
        match &mut run {
            Some((first, n)) if bare(&text[first.clone()]).eq_ignore_ascii_case(bare(written)) => {
                *n += 1;
                if *n > WORDS {
                    let end = words.last_equal(written, word.end);
                    let has_comma = text[..end].ends_with(',');
                    let before = text[..word.start].trim_end_matches(' ');
                    let before = if has_comma { before } else { before.trim_end_matches(',') };
                    let start = before.len();
                    return Some(token(text, start..end, ""));
                }
            }
            _ => run = Some((word, 1)),
        }
    }
    None
}

/// A word without the punctuation that may part it from the next.
fn bare(word: &str) -> &str {
    word.trim_end_matches([',', '!', '.', '?'])
}

fn token<'a>(text: &'a str, range: Range<usize>, words: &'a str) -> Token<'a> {
    Token { pieces: vec![Piece::said(&text[range.clone()], words, "run")], range }
}

/// The words between blanks, by their places.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..];
        let start = self.at + (rest.len() - rest.trim_start_matches(' ').len());
        if start == self.text.len() {
            return None;
        }
        let end = self.text[start..].find(' ').map_or(self.text.len(), |length| start + length);
        self.at = end;
        Some(start..end)
    }

    /// Where the last of the equal words ends.
    fn last_equal(&mut self, word: &str, mut end: usize) -> usize {
        while let Some(next) = self.next() {
            if !bare(&self.text[next.clone()]).eq_ignore_ascii_case(bare(word)) {
                break;
            }
            end = next.end;
        }
        end
    }
}

/// Whether `text` is nothing but a few signs, many times.
fn is_ruler(text: &str) -> bool {
    let mut signs = [' '; SIGNS];
    let (mut n_signs, mut n) = (0, 0);
    for c in text.chars().filter(|c| *c != ' ') {
        if c.is_alphanumeric() || !is_sign(c) {
            return false;
        }
        n += 1;
        // Blocks of any height are one sign.
        let c = if matches!(c, '\u{2580}'..='\u{259f}') { '\u{2588}' } else { c };
        if !signs[..n_signs].contains(&c) {
            if n_signs == SIGNS {
                return false;
            }
            signs[n_signs] = c;
            n_signs += 1;
        }
    }
    let signs = &signs[..n_signs];
    let is_drawn =
        |c: &char| matches!(c, '-' | '=' | '*' | '_' | '~' | '#' | '+') || *c >= '\u{7f}';
    let is_ending =
        |c: &char| matches!(c, '.' | '!' | '?' | ',' | ';' | '(' | ')' | '{' | '}' | '[' | ']');
    n >= RULER && signs.iter().all(is_drawn)
        || n > RULER && !signs.iter().any(is_ending) && n_signs < SIGNS
        || n > RULER
            && n_signs > 1
            && signs.iter().any(is_drawn)
            && signs.iter().all(|c| is_drawn(c) || *c == '.')
        || n > RULER && n_signs == 1 && matches!(signs[0], ',' | ';')
}

fn is_sign(c: char) -> bool {
    c.is_ascii_punctuation() || matches!(c as u32, 0x2010..=0x2022 | 0x2500..=0x259f | 0xb7 | 0xaf)
}

/// `word` with runs of more than [`LETTERS`] equal letters cut; none where it has no such run.
fn without_runs(word: &str) -> Option<String> {
    let has_any = !word.is_ascii() || has_run(word.as_bytes());
    let may_have_syllables = word.len() > 3 * SYLLABLE;
    if !has_any && !may_have_syllables || is_placeholder(word) {
        return None;
    }
    if let Some(short) = without_syllables(word) {
        return Some(short);
    }
    if !has_any {
        return None;
    }
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    let mut is_cut = false;
    while let Some(c) = rest.chars().next() {
        let after = rest.trim_start_matches(c);
        let n = (rest.len() - after.len()) / c.len_utf8();
        let kept = match c {
            _ if n <= LETTERS || c.is_ascii_digit() || c >= '\u{2e80}' => n,
            '.' | '!' | '?' => LETTERS,
            _ if is_sign(c) => 0,
            _ => LETTERS_KEPT,
        };
        is_cut |= kept < n;
        out.extend(std::iter::repeat_n(c, kept));
        rest = after;
    }
    is_cut.then_some(out)
}

/// Whether a word shows how a date or a time is written: "YYYY-MM-DD", "hh:mm".
fn is_placeholder(word: &str) -> bool {
    let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
    if matches!(word, "AAAA" | "IIII" | "ffff" | "ffffff") {
        return true; // a record of the domain name system, a four, a colour
    }
    let is_field = |part: &str| {
        let first = part.chars().next();
        (2..=4).contains(&part.len())
            && part.chars().all(|c| Some(c) == first && c.is_ascii_alphabetic())
    };
    word.contains(['-', '/', '.', ':']) && word.split(['-', '/', '.', ':']).all(is_field)
}

/// Whether more than [`LETTERS`] equal bytes, which are no digits, stand side by side.
pub(super) fn has_run(bytes: &[u8]) -> bool {
    let is_run = |it: &[u8]| !it[0].is_ascii_digit() && it.iter().all(|b| *b == it[0]);
    bytes.windows(LETTERS + 1).any(is_run)
}

/// A syllable of two letters is said at most three times: "hahahahaha" is "hahaha".
const SYLLABLE: usize = 2;

/// `word` with a repeated syllable cut; none where it has none.
fn without_syllables(word: &str) -> Option<String> {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_punctuation());
    let bytes = letters.as_bytes();
    if !has_syllables(bytes) || !letters.is_ascii() {
        return None;
    }
    let kept = 3 * SYLLABLE + letters.len() % SYLLABLE;
    Some(format!("{}{}", &letters[..kept], &word[letters.len()..]))
}

/// Whether a word is one syllable of two letters, more than three times.
pub(super) fn has_syllables(word: &[u8]) -> bool {
    word.len() > 3 * SYLLABLE + 1
        && word[0] != word[1]
        && word.iter().zip(&word[SYLLABLE..]).all(|(a, b)| a.eq_ignore_ascii_case(b))
        && word.iter().all(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::super::piece::split;
    use super::*;

    #[test]
    fn runs_are_cut() {
        for (text, said) in [
            ("HEYYYYYYYYYY guys", "HEYY guys"),
            ("nooooo", "noo"),
            ("coool", "coool"),
            ("=-=-=-=-=-=-=", "a ruler"),
            ("----------", "a ruler"),
            ("* * * * *", "a ruler"),
            ("===== news =====", " news "),
            ("LUL LUL LUL LUL LUL LUL", "LUL LUL LUL"),
            ("no no no", "no no no"),
            ("a a a a b b b b c", "a a a b b b c"),
            ("wow!!!!!!", "wow!!!"),
            ("well.....", "well..."),
            ("10000000", "10000000"),
            ("---", "a ruler"),
            ("no, no, no, no, no", "no, no, no"),
            ("hahahahahaha!", "hahaha!"),
            ("a --- b", "a --- b"),
            ("});", "});"),
            ("YYYY-MM-DD", "YYYY-MM-DD"),
            ("an AAAA record", "an AAAA record"),
            ("lolololol", "lololol"),
            ("????", "???"),
        ] {
            let pieces = split(vec![Piece::text(text)], |text, place, from| {
                find_ruler(text, place, from, || "a ruler")
            });
            let pieces = split(pieces, |text, _, from| find(text, from, || "and {n} more"));
            let sources: String = pieces.iter().map(|it| it.source).collect();
            assert_eq!(sources, text);
            let words = |it: &Piece<'_>| {
                it.said.as_ref().map_or(it.source.to_owned(), |said| said.words.to_string())
            };
            assert_eq!(pieces.iter().map(words).collect::<String>(), said, "{text}");
        }
    }
}
