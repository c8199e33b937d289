//! What a line is cut into on its way through the steps: text that is still as it was written, and
//! tokens for which something else is said.
#![forbid(unsafe_code)]

use super::glyphs::is_pictograph;
use std::borrow::Cow;
use std::ops::Range;

/// A part of a line. The sources of a line's pieces, one after another, are the line: nothing is
/// lost on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// As it was written.
    pub source: &'a str,
    /// What is said instead; none where it is spoken as it was written.
    pub said: Option<Said<'a>>,
}

/// What is said for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<'a> {
    /// The words; empty where the token is silent.
    pub words: Cow<'a, str>,
    /// What the token was taken for: the name of a pattern or a step.
    pub tag: &'a str,
}

impl<'a> Piece<'a> {
    /// Text that no step has read yet.
    pub(super) fn text(source: &'a str) -> Self {
        Self { source, said: None }
    }

    fn is_empty(&self) -> bool {
        self.source.is_empty() && self.said.as_ref().is_none_or(|said| said.words.is_empty())
    }

    /// A token.
    pub(super) fn said(source: &'a str, words: impl Into<Cow<'a, str>>, tag: &'a str) -> Self {
        Self { source, said: Some(Said { words: words.into(), tag }) }
    }
}

/// Where a text stands in its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// It begins the line.
    pub is_first: bool,
    /// It ends the line.
    pub is_last: bool,
}

/// A token that was found in a text, and the pieces that it becomes.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// Where it is, in bytes of the text.
    pub range: Range<usize>,
    /// What becomes of it; their sources are the token.
    pub pieces: Vec<Piece<'a>>,
}

/// Looks for tokens in every text among `pieces`. `find` gets a text, where it stands, and from
/// which byte on to look.
pub(super) fn split<'a>(
    pieces: Vec<Piece<'a>>,
    find: impl Fn(&'a str, Place, usize) -> Option<Token<'a>>,
) -> Vec<Piece<'a>> {
    let n = pieces.len();
    let place = |at| Place { is_first: at == 0, is_last: at + 1 == n };
    // Most often there is nothing to find, and nothing to copy.
    let first = pieces.iter().enumerate().filter(|(_, piece)| piece.said.is_none());
    let first = first.map(|(at, piece)| (at, find(piece.source, place(at), 0)));
    let Some((first, mut found)) = { first }.find(|it| it.1.is_some()) else {
        return pieces;
    };
    let mut out = Vec::with_capacity(n + 2);
    for (at, piece) in pieces.into_iter().enumerate() {
        if at < first || piece.said.is_some() {
            out.push(piece);
            continue;
        }
        let mut done = 0;
        while let Some(token) = found.take().or_else(|| find(piece.source, place(at), done)) {
            if token.range.start > done {
                out.push(Piece::text(&piece.source[done..token.range.start]));
            }
            let length = token.range.len();
            for piece in token.pieces.into_iter().filter(|it| !it.is_empty()) {
                // What stays text may hold further tokens.
                if piece.said.is_none() && piece.source.len() < length {
                    out.extend(split_inner(piece, &find, DEEPEST));
                } else {
                    out.push(piece);
                }
            }
            done = token.range.end;
        }
        if done < piece.source.len() {
            out.push(Piece::text(&piece.source[done..]));
        }
    }
    out
}

/// Tokens within tokens are looked for so deep.
const DEEPEST: usize = 8;

/// Looks for tokens in a text that is part of a token.
fn split_inner<'a>(
    piece: Piece<'a>,
    find: &impl Fn(&'a str, Place, usize) -> Option<Token<'a>>,
    depth: usize,
) -> Vec<Piece<'a>> {
    let place = Place { is_first: false, is_last: false };
    let Some(token) = find(piece.source, place, 0).filter(|_| depth > 0) else {
        return vec![piece];
    };
    let (start, end, text) = (token.range.start, token.range.end, piece.source);
    let mut out = vec![Piece::text(&text[..start])];
    for inner in token.pieces {
        if inner.said.is_none() && inner.source.len() < end - start {
            out.extend(split_inner(inner, find, depth - 1));
        } else {
            out.push(inner);
        }
    }
    out.extend(split_inner(Piece::text(&text[end..]), find, depth - 1));
    out.retain(|it| !it.is_empty());
    out
}

/// Whether nothing that belongs to a word stands before byte `at`.
pub(super) fn begins(text: &str, at: usize) -> bool {
    text[..at]
        .chars()
        .next_back()
        .is_none_or(|c| c.is_whitespace() || is_opening(c) || is_pictograph(c))
}

/// Whether nothing that belongs to a word stands at byte `at`.
pub(super) fn ends(text: &str, at: usize) -> bool {
    let mut after = text[at..].chars();
    match after.next() {
        None => true,
        Some(c) if c.is_whitespace() || is_closing(c) || is_pictograph(c) => true,
        // A full stop or a comma inside a token belongs to it, as in "1.2" or "a,b".
        Some(c) if is_punctuation(c) => {
            let rest = after.as_str().trim_start_matches(|c| is_punctuation(c) || is_closing(c));
            rest.chars().next().is_none_or(char::is_whitespace)
        }
        Some(_) => false,
    }
}

fn is_opening(c: char) -> bool {
    matches!(
        c,
        '(' | '['
            | '{'
            | '"'
            | '\''
            | '<'
            | '\u{201c}'
            | '\u{2018}'
            | '\u{ab}'
            | '\u{201e}'
            | '\u{bf}'
            | '\u{a1}'
            | '\u{2014}'
            | '\u{2013}'
    )
}

fn is_closing(c: char) -> bool {
    matches!(
        c,
        ')' | ']'
            | '}'
            | '"'
            | '\''
            | '>'
            | '\u{201d}'
            | '\u{2019}'
            | '\u{bb}'
            | '\u{201c}'
            | '\u{2014}'
            | '\u{2013}'
            | '\u{2026}'
    )
}

fn is_punctuation(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hold_the_whole_line() {
        let line = "ab12cd3";
        let digits = |text: &'static str, _: Place, from: usize| {
            let start = from + text[from..].find(|c: char| c.is_ascii_digit())?;
            let length = text[start..].find(|c: char| !c.is_ascii_digit());
            let end = length.map_or(text.len(), |length| start + length);
            let pieces = vec![Piece::said(&text[start..end], "n", "digits")];
            Some(Token { range: start..end, pieces })
        };
        let pieces = split(vec![Piece::text(line)], digits);
        let sources: Vec<_> = pieces.iter().map(|it| it.source).collect();
        assert_eq!(sources, ["ab", "12", "cd", "3"]);
        let said: Vec<_> = pieces.iter().map(|it| it.said.is_some()).collect();
        assert_eq!(said, [false, true, false, true]);
    }

    #[test]
    fn a_token_has_edges() {
        for (text, token, is_one) in [
            ("see abc, yes", "abc", true),
            ("(abc).", "abc", true),
            ("abc", "abc", true),
            ("xabc", "abc", false),
            ("abc.d", "abc", false),
            ("abc...", "abc", true),
            ("abc's", "abc", true),
            ("\"abc\"?", "abc", true),
            ("a-abc", "abc", false),
        ] {
            let at = text.find(token).expect("it is there");
            assert_eq!(begins(text, at) && ends(text, at + token.len()), is_one, "{text}");
        }
    }
}
