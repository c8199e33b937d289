//! Text on which eSpeak NG writes beyond its buffers, rewritten. The distribution's hardened build
//! turns that into an abort of the voice process, and after the second one the line is lost; these shapes are known
//! (Debian's 1.51 aborts on `s'` seventy times and on `a.` a hundred times; espeak-ng PR 2495 and
//! PR 2428), so they are split. Ordinary text is unchanged.
#![forbid(unsafe_code)]

use std::borrow::Cow;

/// How often a shape may be repeated before it is split: ordinary words have two or three
/// (`e.g.`, `U.S.A.`, `rock'n'roll's`).
const REPEATS: usize = 5;

/// The longest word that is left whole, in characters.
const WORD: usize = 100;

/// A safe text that sounds as `text` does wherever `text` is safe.
pub(crate) fn espeak(text: &str) -> Cow<'_, str> {
    if text.split(' ').all(is_safe) && !has_dotted_letters(text) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for word in text.split(' ') {
        if !safe.is_empty() {
            safe.push(' ');
        }
        rewrite(word, &mut safe);
    }
    if has_dotted_letters(&safe) {
        safe = safe.replace(" .", "");
    }
    Cow::Owned(safe)
}

/// Whether a word has none of the dangerous shapes.
fn is_safe(word: &str) -> bool {
    word.len() <= REPEATS
        || (n_joints(word, is_apostrophe) <= REPEATS
            && n_joints(word, |c| c == '.') <= REPEATS
            && n_joints(word, |c| c == '/') <= REPEATS
            && word.chars().count() <= WORD)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '`')
}

/// How many joints `word` has that are at most two characters after the one before: `s's's`,
/// `a.b.c`, `/a/b/c`.
fn n_joints(word: &str, is_joint: impl Fn(char) -> bool) -> usize {
    let (mut n_joints, mut since) = (0, 0);
    for c in word.chars() {
        if is_joint(c) {
            n_joints += usize::from(since <= 2);
            since = 0;
        } else {
            since += 1;
        }
    }
    n_joints
}

/// Whether letters and dots alternate, with blanks, more than [`REPEATS`] times: `e . e . e`.
fn has_dotted_letters(text: &str) -> bool {
    let mut n_dots = 0;
    for word in text.split(' ') {
        match word {
            "." => n_dots += 1,
            _ if word.chars().count() <= 1 => {}
            _ => n_dots = 0,
        }
        if n_dots > REPEATS {
            return true;
        }
    }
    false
}

/// Appends `word`; where it is not safe, cut into pieces, with blanks for its joints.
fn rewrite(word: &str, safe: &mut String) {
    if is_safe(word) {
        safe.push_str(word);
        return;
    }
    let mut n_since_blank = 0;
    for c in word.chars() {
        if is_apostrophe(c) || matches!(c, '.' | '/') || n_since_blank == WORD {
            safe.push(' ');
            n_since_blank = 0;
        }
        if !is_apostrophe(c) && !matches!(c, '.' | '/') {
            safe.push(c);
            n_since_blank += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_unchanged() {
        for text in [
            "",
            "hello everyone",
            "e.g. the U.S.A. isn't it",
            "rock'n'roll's",
            "see /usr/share/doc/espeak-ng/README.gz",
            "version 1.2.3.4",
            "wait . . . what",
        ] {
            assert!(matches!(espeak(text), Cow::Borrowed(_)), "{text:?}");
        }
    }

    #[test]
    fn the_shapes_are_split() {
        for (text, heard) in [
            ("s's's's's's's' ok".to_owned(), "s s s s s s s  ok"),
            ("a.b.c.d.e.f.g. ok".to_owned(), " a b c d e f g  ok"),
            ("x/a/a/a/a/a/a/a".to_owned(), "x a a a a a a a"),
            ("e . e . e . e . e . e . e".to_owned(), "e e e e e e e"),
        ] {
            assert_eq!(espeak(&text).trim(), heard.trim(), "{text}");
        }
        let long = espeak(&"z".repeat(250)).into_owned();
        assert_eq!(long.split(' ').map(str::len).collect::<Vec<_>>(), [100, 100, 50]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_with_a_shape_comes_out(text in "[a-z'./ é]{0,300}") {
            let safe = espeak(&text);
            proptest::prop_assert!(safe.split(' ').all(is_safe), "{safe}");
            proptest::prop_assert!(!has_dotted_letters(&safe), "{safe}");
        }
    }
}
