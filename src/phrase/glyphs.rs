//! How single characters are spoken.
#![forbid(unsafe_code)]

/// The plain character that `c` is a fancy form of: letters and digits of mathematics, full-width
/// and circled ones. An engine spells them, or is silent.
pub(super) fn plain(c: char) -> char {
    let code = c as u32;
    let from = |base: u8, offset: u32| {
        u8::try_from(offset).ok().and_then(|offset| base.checked_add(offset)).map_or(c, char::from)
    };
    match code {
        0x24b6..=0x24cf => from(b'A', code - 0x24b6),
        0x24d0..=0x24e9 => from(b'a', code - 0x24d0),
        0xff01..=0xff5e => from(b'!', code - 0xff01),
        0x1_d400..=0x1_d6a3 => match (code - 0x1_d400) % 52 {
            upper @ ..26 => from(b'A', upper),
            lower => from(b'a', lower - 26),
        },
        0x1_d7ce..=0x1_d7ff => from(b'0', (code - 0x1_d7ce) % 10),
        _ => c,
    }
}

/// Whether `c` is a picture, which is not spoken.
pub(super) fn is_pictograph(c: char) -> bool {
    match c as u32 {
        0x2713 | 0x2714 | 0x2717 | 0x2718 => false, // check marks and crosses: success, failure
        code => matches!(code, 0x231a..=0x231b | 0x23e9..=0x23fa | 0x2600..=0x27bf
            | 0x2b1b..=0x2b1c | 0x2b50 | 0x2b55 | 0x1_f000..=0x1_faff),
    }
}

/// Whether `c` is a mark on the letter before it, of those that can be heaped up.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c as u32, 0x300..=0x36f | 0x483..=0x489 | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff
        | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

/// Whether `c` separates words: blanks of all kinds, controls, the empty Braille pattern, and the
/// replacement character.
pub(super) fn is_blank(c: char) -> bool {
    c == ' ' || c.is_whitespace() || c.is_control() || matches!(c, '\u{2800}' | '\u{fffd}')
}

/// The name of a symbol of which many stand side by side, as in a ruler.
pub(super) fn name_of_many(c: char) -> Option<&'static str> {
    Some(match c {
        '=' => "equals",
        '-' => "dashes",
        '*' => "stars",
        '#' => "hashes",
        '_' => "underscores",
        '~' => "tildes",
        '+' => "pluses",
        '/' => "slashes",
        '\\' => "backslashes",
        '|' => "bars",
        '<' => "less than",
        '>' => "greater than",
        '^' => "carets",
        '%' => "percents",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fancy_letters_are_letters() {
        let plained = |text: &str| text.chars().map(plain).collect::<String>();
        for (fancy, letters) in
            [("𝐩𝐚𝐬𝐬 𝟙𝟚", "pass 12"), ("Ⓐⓓⓜⓘⓝ", "Admin"), ("ｈｉ！", "hi!"), ("é日", "é日")]
        {
            assert_eq!(plained(fancy), letters);
        }
    }
}
