//! Faces in brackets that no table has: `(ﾉ>▽<)ﾉ`. There are thousands, made anew each day.
#![forbid(unsafe_code)]

use std::ops::Range;

/// What eyes, mouths and cheeks are made of, beside ASCII; letters of living scripts only where
/// chat has them in faces.
const FACE: &str = "•◕°ºωДдツノﾉヮ▽∀‿ᴗ◡ᴥಠಥ﹏︿╥益皿´｀˘˙ˊˋ・･。｡ﾟ゜゚≧≦￣＾＿⌒⊙◉¬⌐▿ᵔᵕ╭╮╯╰✧✿❀´¯ˆ˃˂☉ʘ◔౪ლʖ゙͜͡₃³ㅅㅂㅇ\
    一口ロ△∇；＞＜～〜ー‸ˇ⇀↼◞◟◠▰┳┻";

/// Shapes that faces have, but progress bars and ratings, too.
const SHAPES: &str = "●○◎■□×♥♡☆★♪←→";

/// ASCII that faces have, too.
const PLAIN: &str = "^_-.,;'`\"~*=<>|\\/oO0TQxXuvwn ";

/// What is beside a face: arms, and what they hold.
const ARMS: &str = "ヽヾノﾉ۶٩づっつシ╯╰┛┏┗┓︵┻━┳┬─彡ლᕙᕗᕕᕦᕤ凸ง୧૭و✧☆★♡♥♪♫〜～ゞ丿ﾟ･｡*\\/⊃⊂੭ﻭ☞☜＼／";

/// The most characters between the brackets.
const MAX_FACE: usize = 16;

/// The face whose bracket is at `at` in `text`, with its arms.
pub(super) fn at(text: &str, at: usize) -> Option<Range<usize>> {
    let close = match text[at..].chars().next()? {
        '(' | '（' => [')', '）'],
        'ʕ' => ['ʔ'; 2],
        '༼' => ['༽'; 2],
        _ => return None,
    };
    let mut inner = text[at..].char_indices().skip(1).take(MAX_FACE);
    let (len, bracket) = inner.find(|(_, c)| close.contains(c))?;
    let face = text[at..at + len].trim_start_matches(['(', '（', 'ʕ', '༼']);
    if !is_face(face) {
        return None;
    }
    let is_arm = |c: char| ARMS.contains(c);
    let start = text[..at].trim_end_matches(is_arm).len();
    let rest = text[at + len + bracket.len_utf8()..].trim_start_matches(is_arm);
    Some(start..text.len() - rest.len())
}

/// Whether the text between brackets is a face: at least two eyes and a mouth, and nothing else.
fn is_face(inner: &str) -> bool {
    let parts: Vec<char> = inner.chars().filter(|&c| c != ' ' && !is_mark(c)).collect();
    let [first, .., last] = parts[..] else { return false };
    let is_even = first == last && parts.iter().any(|&c| c != first);
    let is_sign = |&c: &char| FACE.contains(c) || is_even && SHAPES.contains(c);
    parts.len() >= 3
        && parts.iter().any(is_sign)
        && parts.iter().all(|c| is_sign(c) || PLAIN.contains(*c) || SHAPES.contains(*c))
}

/// Whether `c` is put on the character before it.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}'..='\u{309a}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_are_found_with_their_arms() {
        for (text, face) in [
            ("yes (◕▿◕) no", "(◕▿◕)"),
            ("(●‿●)", "(●‿●)"),
            ("(★ω★)", "(★ω★)"),
            ("(●__●)", "(●__●)"),
            ("(⌒ω⌒)ﾉ", "(⌒ω⌒)ﾉ"),
            ("ヾ(≧▽≦*)o", "ヾ(≧▽≦*)"),
            ("(・`ω´・)", "(・`ω´・)"),
            ("ʕ•̀o•́ʔ", "ʕ•̀o•́ʔ"),
        ] {
            let bracket = text.find(['(', 'ʕ']).expect("a bracket");
            assert_eq!(at(text, bracket).map(|range| &text[range]), Some(face), "text: {text}");
        }
        for text in [
            "(笑)",
            "()",
            "(:",
            "(oTo)",
            "(×)",
            "(5 × 3)",
            "(a → b)",
            "(…)",
            "(日本語)",
            "(★★★)",
            "(■■□□)",
        ] {
            assert_eq!(at(text, 0), None, "text: {text}");
        }
    }
}
