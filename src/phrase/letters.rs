//! Letter forms: the plain letters behind composed, full-width, mathematical, squared, raised and
//! heaped ones. An engine spells them, or is silent.
//!
//! Decompositions are Unicode's (UAX 15); small capitals and squared letters have none, and have a
//! table here.
#![forbid(unsafe_code)]

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_compatible;

use super::glyphs::{is_blank, is_mark};
use crate::text::is_invisible;

/// More marks than these on one letter are no writing.
const MOST_MARKS: usize = 2;

/// `text` in plain letters, composed (NFC), with ordinary blanks, without invisible characters.
/// Signs that join emoji stay.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| matches!(b, b' '..0x7f)) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for letter in flat(text).chars() {
        push(letter, &mut out);
    }
    one_script(out).into()
}

/// `text` composed, without the marks of letters that carry too many, and without strokes.
fn flat(text: &str) -> String {
    let letters: Vec<char> = text.nfc().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let marks = letters[at + 1..].iter().take_while(|c| is_mark(**c)).count();
        let marks = &letters[at + 1..=at + marks];
        at += 1 + marks.len();
        if is_mark(letter) {
            continue; // it has no letter
        }
        let own =
            if letter.is_alphabetic() { std::iter::once(letter).nfd().count() - 1 } else { 0 };
        if own + marks.len() > MOST_MARKS {
            out.extend(std::iter::once(letter).nfd().next());
        } else {
            out.push(letter);
            out.extend(marks.iter().filter(|c| !is_stroke(**c)));
        }
    }
    out
}

fn is_stroke(c: char) -> bool {
    matches!(
        c,
        '\u{305}' | '\u{332}'..='\u{338}' | '\u{489}' | '\u{20d2}' | '\u{20d3}' | '\u{20e5}'
    )
}

/// `text` with the Cyrillic and Greek letters of Latin words in Latin: "аdmin" with a Cyrillic "а"
/// looks like "admin", and is read so.
fn one_script(text: String) -> String {
    if !text.split(' ').any(is_mixed) {
        return text;
    }
    let words = text.split(' ').map(|word| -> String {
        if is_mixed(word)
            && word.chars().all(|c| !c.is_alphabetic() || c.is_ascii() || latin(c).is_some())
        {
            word.chars().map(|c| latin(c).unwrap_or(c)).collect()
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a word has Latin letters, and others that look like some.
fn is_mixed(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_alphabetic()) && word.chars().any(|c| latin(c).is_some())
}

/// The same of any word of `name`: it looks like another name, and is not.
pub(super) fn are_mixed(name: &str) -> bool {
    !name.is_ascii() && name.split(|c: char| !c.is_alphabetic()).any(is_mixed)
}

/// The Latin letter that a Cyrillic or Greek one looks like.
pub(super) fn latin(c: char) -> Option<char> {
    const ALIKE: &str = "аaвBеeкkмMнHоoрpсcтTуyхxіiјjѕsԁdһhԛqѡwАAВBЕEКKМMНHОOРPСCТTУYХXІIЅSЈJοoαaνvρpΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧX";
    let mut letters = ALIKE.chars();
    std::iter::from_fn(|| Some((letters.next()?, letters.next()?)))
        .find(|it| it.0 == c)
        .map(|it| it.1)
}

/// Appends what is plain for `c`.
fn push(c: char, out: &mut String) {
    if is_blank(c) {
        return out.push(' ');
    }
    if c < '\u{80}' || joins_emoji(c) {
        return out.push(c);
    }
    if is_invisible(c) {
        return;
    }
    if let Some(letter) = small_capital(c).or_else(|| squared(c)) {
        return out.push(letter);
    }
    if c == '\u{207b}' && out.ends_with(|last: char| last.is_alphanumeric()) {
        return out.push_str("^-");
    }
    if let Some(digit) = raised_digit(c) {
        if out.ends_with(|last: char| last.is_alphanumeric()) && !out.ends_with_power() {
            out.push('^');
        }
        return out.push(digit);
    }
    match c as u32 {
        // Circled and bracketed numbers are numbers of their own, also side by side.
        0x2460..=0x249b | 0x24ea..=0x24ff | 0x2776..=0x2793 => {
            if out.ends_with(|last: char| last.is_alphanumeric()) {
                out.push(' ');
            }
            decomposed(c, out);
        }
        _ if is_fancy(c) => decomposed(c, out),
        _ => out.push(c),
    }
}

/// Whether it is a form of plain letters: a ligature, a letter of mathematics, of full width.
fn is_fancy(c: char) -> bool {
    let has_form = matches!(
        c as u32,
        0x2100..=0x214f
            | 0x2160..=0x217f
            | 0x24b6..=0x24e9
            | 0x1d2c..=0x1d6a
            | 0x02b0..=0x02b8
            | 0x02e0..=0x02e4
            | 0x2070..=0x209c
            | 0x3300..=0x33ff
            | 0xfb00..=0xfb06
            | 0xff01..=0xff5e
            | 0x1_d400..=0x1_d7ff
            | 0x017f
    );
    has_form && !matches!(c, '\u{2116}' | '\u{2122}' | '\u{2139}')
}

trait EndsWithPower {
    fn ends_with_power(&self) -> bool;
}

impl EndsWithPower for String {
    /// Whether its last number is raised already.
    fn ends_with_power(&self) -> bool {
        self.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-').ends_with('^')
    }
}

fn decomposed(c: char, out: &mut String) {
    if let Some(n) = circled(c) {
        return out.push_str(&n.to_string());
    }
    let is_enclosed = matches!(c as u32, 0x2460..=0x249b);
    decompose_compatible(c, |part| {
        // The dot after an enclosed number, the brackets around it.
        if !(is_enclosed && matches!(part, '.' | '(' | ')')) {
            out.push(part);
        }
    });
}

/// Numbers in circles that have no decomposition.
fn circled(c: char) -> Option<u32> {
    let code = c as u32;
    Some(match code {
        0x24eb..=0x24f4 => code - 0x24eb + 11,
        0x24f5..=0x24fe => code - 0x24f5 + 1,
        0x24ff => 0,
        0x2776..=0x2793 => (code - 0x2776) % 10 + 1,
        _ => return None,
    })
}

/// Selectors, joiners and tags are part of emoji; what is left of them is removed at the end.
fn joins_emoji(c: char) -> bool {
    matches!(c, '\u{200d}' | '\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
}

fn raised_digit(c: char) -> Option<char> {
    Some(match c {
        '\u{b9}' => '1',
        '\u{b2}' => '2',
        '\u{b3}' => '3',
        '\u{2070}' | '\u{2074}'..='\u{2079}' => {
            char::from_digit(c as u32 - 0x2070, 10).unwrap_or(c)
        }
        _ => return None,
    })
}

/// Letters in squares and dark circles, of which some are emoji as well.
fn squared(c: char) -> Option<char> {
    let code = c as u32;
    let start =
        [0x1_f130, 0x1_f150, 0x1_f170].into_iter().find(|it| (*it..it + 26).contains(&code))?;
    u8::try_from(code - start).ok().map(|offset| char::from(b'A' + offset))
}

const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡ\0ʏᴢ";

fn small_capital(c: char) -> Option<char> {
    if c < '\u{1eb}' {
        return None;
    }
    let at = SMALL_CAPITALS.chars().position(|it| it == c)?;
    u8::try_from(at).ok().map(|at| char::from(b'a' + at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_become_plain() {
        for (written, letters) in [
            ("plain text", "plain text"),
            ("𝐩𝐚𝐬𝐬 𝟙𝟚", "pass 12"),
            ("Ⓐⓓⓜⓘⓝ", "Admin"),
            ("ｈｉ！", "hi!"),
            ("é日", "é日"),
            ("fu\u{308}r", "für"),
            ("🅷🅴🅻🅿 me", "HELP me"),
            ("ˢᵘᵖᵉʳ", "super"),
            ("①②③", "1 2 3"),
            ("step ⑩", "step 10"),
            ("❶ first ❷ second", "1 first 2 second"),
            ("u̲n̲d̲e̲r̲", "under"),
            ("（a）", "(a)"),
            ("ℝ and ℤ", "R and Z"),
            ("ʜᴇʟʟᴏ", "hello"),
            ("ﬁne oﬀer", "fine offer"),
            ("x² + y³", "x^2 + y^3"),
            ("10¹²", "10^12"),
            ("10⁻⁶", "10^-6"),
            ("h\u{301}\u{489}\u{336}\u{301}\u{301}e", "he"),
            ("s\u{336}o", "so"),
            ("аdmin", "admin"),
            ("да", "да"),
            ("a\u{200b}b\u{a0}c", "ab c"),
            ("👨\u{200d}👩", "👨\u{200d}👩"),
            ("™", "™"),
            ("½", "½"),
        ] {
            assert_eq!(plain(written), letters, "{written:?}");
        }
    }
}
