//! Where an emoji begins and ends: one character, or several that are shown as one picture.
//! Grammar: <https://www.unicode.org/reports/tr51/#EBNF_and_Regex>.
#![forbid(unsafe_code)]

use super::names::{Language, Name};

/// The characters of the longest emoji, without those that are not looked up.
pub(super) const MAX_KEY: usize = 12;

const JOINER: char = '\u{200d}';
const KEYCAP: char = '\u{20e3}';

/// Whether `c` only changes how the emoji before it looks: a skin tone, or a variation selector.
pub(super) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Whether an emoji or a named symbol may begin with `c`, or, if it begins with ASCII, have it next.
pub(super) fn is_hint(c: char) -> bool {
    match c {
        '\0'..='\u{a6}' => false,
        '\u{a7}'..='\u{f7}' => matches!(c, '§' | '©' | '¬' | '®' | '°' | '±' | '¶' | '×' | '÷'),
        '\u{2020}'..='\u{2bff}' | '\u{3030}'..='\u{303d}' | '\u{3297}'..='\u{3299}' => true,
        '\u{1f000}'..='\u{1faff}' => !is_unseen(c),
        _ => c == '\u{fe0f}',
    }
}

/// Where the emoji begins of which the hint at `at` is part: a key's digit is before it.
pub(super) fn start(text: &str, at: usize) -> usize {
    let is_digit = |b: &u8| b.is_ascii_digit() || matches!(b, b'#' | b'*');
    let has_digit = text.as_bytes()[..at].last().is_some_and(is_digit);
    if has_digit && text[at..].starts_with(['\u{fe0f}', KEYCAP]) { at - 1 } else { at }
}

/// The name of the emoji that `text` begins with, and its bytes: the longest that has a name.
pub(super) fn first(text: &str, language: Language) -> Option<(Name, usize)> {
    let mut key = String::new();
    let mut longest = None;
    for (at, c) in text.char_indices().take(MAX_KEY * 3) {
        let end = at + c.len_utf8();
        if is_unseen(c) && at > 0 {
            continue;
        }
        if !(key.is_empty() || continues(&key, c)) {
            break;
        }
        key.push(c);
        if let Some(name) = language.name(&key) {
            longest = Some((name, end));
        }
    }
    let (name, end) = longest?;
    let rest = text[end..].trim_start_matches(|c| is_unseen(c) || c == JOINER || is_tag(c));
    Some((name, text.len() - rest.len()))
}

/// Whether `c` belongs to the same emoji as the characters before it.
fn continues(key: &str, c: char) -> bool {
    let mut chars = key.chars();
    let (last, before) = (chars.next_back(), chars.next_back());
    let is_pair = before.is_none() && last.is_some_and(is_region) && is_region(c);
    c == JOINER || c == KEYCAP || is_tag(c) || is_pair || last == Some(JOINER)
}

/// A letter of a flag: two make a country.
fn is_region(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// An invisible letter of a flag: those after a black flag make a part of a country.
fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0020}'..='\u{e007f}')
}

/// The letter of a flag that `text` begins with, where it makes no flag: people write words so.
pub(super) fn letter(text: &str) -> Option<(char, usize)> {
    let c = text.chars().next().filter(|&c| is_region(c))?;
    let letter = char::from_u32(c as u32 - 0x1f1e6 + u32::from('A'))?;
    Some((letter, c.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_wins() {
        for (text, name, rest) in [
            ("👩", "woman", ""),
            ("👩‍💻x", "woman technologist", "x"),
            ("👩🏽‍💻", "woman technologist", ""),
            ("👩🏽", "woman", ""),
            ("👩‍🔥", "woman", "🔥"), // no such emoji
            ("❤️‍🔥", "heart on fire", ""),
            ("❤‍🔥", "heart on fire", ""),
            ("❤️🔥", "red heart", "🔥"),
            ("🇩🇪🇯🇵", "Germany", "🇯🇵"),
            ("🏴󠁧󠁢󠁳󠁣󠁴󠁿!", "Scotland", "!"),
            ("🏴󠁵󠁳󠁴󠁸󠁿!", "black flag", "!"), // Texas, which is none of Unicode's
            ("1️⃣2", "1", "2"),
            ("#⃣", "#", ""),
        ] {
            let (found, len) = first(text, Language::English).expect("an emoji");
            assert_eq!((found.text, &text[len..]), (name, rest), "text: {text}");
        }
        for text in ["", "1", "a", "🇦", "🏽", "\u{200d}", "\u{fe0f}", "é"] {
            assert_eq!(first(text, Language::English), None, "text: {text:?}");
        }
    }
}
