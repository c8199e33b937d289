//! Removes what is meant for the eye or the terminal only: formatting codes of IRC
//! (<https://modern.ircdocs.horse/formatting>) and of irssi's logs, escape sequences, zero-width
//! characters. Patterns match what a reader sees.
#![forbid(unsafe_code)]

use crate::text::is_invisible;

use std::borrow::Cow;

/// Marks a CTCP message at both ends; the one control character that is part of the grammar.
pub(crate) const CTCP: char = '\u{1}';

/// Removes an invisible character, and the code it begins, from the beginning of `text`.
type Taker = fn(&str) -> &str;

/// `text` without codes and invisible characters; borrowed when it has none.
pub fn strip(text: Cow<'_, str>) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if is_printable(bytes) || is_surely_clean(bytes) || !text.contains(begins_code) {
        return text;
    }
    Cow::Owned(stripped(&text))
}

/// Whether every byte is a printable ASCII character. It has no early exit, so that the compiler
/// vectorises the loop.
pub(crate) fn is_printable(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |odd, &b| odd | u8::from(b.wrapping_sub(b' ') > b'~' - b' ')) == 0
}

/// Whether no byte can belong to what [`begins_code`]: true for printable ASCII and for most text
/// in Latin, Greek, Cyrillic and Hebrew letters.
fn is_surely_clean(bytes: &[u8]) -> bool {
    let is = u8::from;
    let odd = |b: u8| {
        let control = is(b < b' ') & is(b != b'\t') & is(b != 1) | is(b == 0x7f);
        // First bytes of the characters that is_invisible knows, and of those behind them.
        let lead = is(b == 0xc2) | is(b == 0xcd) | is(b == 0xd8) | is(b.wrapping_sub(0xe1) < 3);
        control | lead | is(b >= 0xee)
    };
    bytes.iter().fold(0, |any, &b| any | odd(b)) == 0
}

fn stripped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(begins_code) {
        out.push_str(&rest[..at]);
        let joiner = joiner(out.chars().next_back(), &rest[at..]);
        out.extend(joiner);
        rest = after_code(&rest[at..]);
    }
    out.push_str(rest);
    out
}

/// The first character of `rest` if it makes one picture of two, or names a flag's region.
fn joiner(before: Option<char>, rest: &str) -> Option<char> {
    let mut chars = rest.chars();
    let (c, is_picture) = (chars.next()?, |c: char| c >= '\u{2190}' && !c.is_alphanumeric());
    let before = before.filter(|&c| is_picture(c))?;
    let rest = chars.as_str();
    match c {
        '\u{200d}' if rest.starts_with(is_picture) => Some(c),
        '\u{e0020}'..='\u{e007f}' => {
            let is_flag = matches!(before, '\u{1f3f4}' | '\u{e0020}'..='\u{e007f}');
            is_flag.then_some(c)
        }
        _ => None,
    }
}

/// Whether `c` is invisible, or begins a code.
fn begins_code(c: char) -> bool {
    if matches!(c, ' '..='~') {
        return false;
    }
    (c.is_control() && c != '\t' && c != CTCP) || is_invisible(c)
}

/// What follows the code that `text` begins with.
fn after_code(text: &str) -> &str {
    let mut chars = text.chars();
    let taker: Taker = match chars.next() {
        Some('\u{3}') => after_colours,
        Some('\u{4}') => after_irssi,
        Some('\u{1b}') => after_escape,
        Some('\u{9b}') => after_csi,
        Some('\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}') => after_string,
        _ => |rest| rest,
    };
    taker(chars.as_str())
}

/// mIRC's colours: up to two digits, and up to two more behind a comma.
fn after_colours(text: &str) -> &str {
    let rest = after_digits(text, 2, u8::is_ascii_digit);
    if rest.len() == text.len() { rest } else { after_background(rest, 2, u8::is_ascii_digit) }
}

/// Colours by six hexadecimal digits, or irssi's own: one small letter, or two other characters.
fn after_irssi(text: &str) -> &str {
    let rest = after_digits(text, 6, u8::is_ascii_hexdigit);
    if text.len() - rest.len() == 6 {
        return after_background(rest, 6, u8::is_ascii_hexdigit);
    }
    let mut chars = text.chars();
    if !chars.next().is_some_and(|c| c.is_ascii_lowercase()) {
        chars.next();
    }
    chars.as_str()
}

fn after_background(text: &str, most: usize, is_digit: fn(&u8) -> bool) -> &str {
    match text.strip_prefix(',') {
        Some(digits) if digits.bytes().next().is_some_and(|b| is_digit(&b)) => {
            after_digits(digits, most, is_digit)
        }
        _ => text,
    }
}

fn after_digits(text: &str, most: usize, is_digit: fn(&u8) -> bool) -> &str {
    &text[text.bytes().take(most).take_while(is_digit).count()..]
}

/// A terminal's escape sequence, without the escape.
fn after_escape(text: &str) -> &str {
    let mut chars = text.chars();
    match chars.next() {
        Some('[') => after_csi(chars.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => after_string(chars.as_str()),
        Some(' '..='/') => {
            let rest = chars.as_str().trim_start_matches(|c| matches!(c, ' '..='/'));
            rest.strip_prefix(|c| matches!(c, '0'..='~')).unwrap_or(rest)
        }
        Some('0'..='~') => chars.as_str(),
        Some(_) | None => text,
    }
}

/// Parameters, and the one character that ends them.
fn after_csi(text: &str) -> &str {
    let rest = text.trim_start_matches(|c| matches!(c, ' '..='?'));
    rest.strip_prefix(|c| matches!(c, '@'..='~')).unwrap_or(rest)
}

/// A string for the terminal, up to its end; all the rest where it has none.
fn after_string(text: &str) -> &str {
    for (at, c) in text.char_indices() {
        match c {
            '\u{7}' | '\u{9c}' => return &text[at + c.len_utf8()..],
            '\u{1b}' if text[at + 1..].starts_with('\\') => return &text[at + 2..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_removed_whole() {
        for (line, seen) in [
            ("plain\ttabbed \u{1}ACTION\u{1}", "plain\ttabbed \u{1}ACTION\u{1}"),
            ("naïve — 日本", "naïve — 日本"),
            (
                "\x02bold\x02 \x1ditalic\x1d \x1funder\x1f \x16r\x16 \x11m\x11 \x1es\x1e\x0f",
                "bold italic under r m s",
            ),
            ("\x0304red\x03 off", "red off"),
            ("\x034,12red on blue", "red on blue"),
            ("\x03,5 is text", ",5 is text"),
            ("\x033,hello", ",hello"),
            ("\x03123 apples", "3 apples"), // two digits at most
            ("\x04ff0000,00ff00hex", "hex"),
            ("\x04gplain\x048/grey", "plaingrey"),
            ("\x1b[32mINFO\x1b[0m ok \x1b[?1003h", "INFO ok "),
            ("\x1b]0;title\x07text", "text"),
            ("\x1bPq###\x1b\\text", "text"),
            ("\x1bPnever ended", ""),
            ("\x1b(Btext\x1b7", "text"),
            ("\u{9b}2Jtext\u{9d}0;t\u{9c}!", "text!"),
            ("p\u{200b}ass\u{ad}word\u{202e}", "password"),
            ("hi\u{e0069}\u{e006e}", "hi"),
            ("x\u{ffff}\u{1ffff}\u{fdd0}y\u{e000}", "xy"),
            ("\x1b", ""),
            ("\x1b\u{e9}", "\u{e9}"),
        ] {
            assert_eq!(strip(Cow::Borrowed(line)), seen, "line: {line:?}");
        }
    }

    #[test]
    fn what_is_surely_clean_is() {
        for c in ('\0'..='\u{1ffff}').filter(|&c| begins_code(c)) {
            assert!(!is_surely_clean(c.to_string().as_bytes()), "{c:?}");
        }
        assert!(is_surely_clean("plain\t\u{1} naïve Ωμ привет שלום".as_bytes()));
    }

    proptest::proptest! {
        #[test]
        fn nothing_unseen_is_left(line in ".*|[\u{0}-\u{20}\\[\\]0-9a-f;,\\\\]*") {
            let seen = strip(Cow::Borrowed(&line));
            proptest::prop_assert!(!seen.contains(begins_code), "{:?}", seen);
        }
    }
}
