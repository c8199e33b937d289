//! What is said for emoji, symbols, shortcodes and smileys, which engines spell or leave out.
//!
//! Emoji have CLDR's names in the voice's language, but for those in `own.tsv`; skin tones are left
//! out. Shortcodes are named by their emoji. Knows nothing of the text around: whoever calls
//! [`smiley`], then [`find`], joins what is said with the rest.
//!
//! The tables are made by `scripts/emoji-data.py` of the CLDR (Unicode licence) and of emojibase
//! (MIT); `own.tsv` and `smileys.tsv` are written by hand.
#![forbid(unsafe_code)]

mod codes;
mod found;
mod kaomoji;
mod names;
mod plural;
mod sequence;
mod smileys;

use codes::Code;
pub(crate) use found::Found;
use names::{Language, Name, Run};
pub(crate) use smileys::{is_only_smileys, of_letters as smileys_of_letters, smiley};

/// The first emoji, symbol or shortcode in `text`, with those after it that are the same.
///
/// `lang` is a language code such as "de"; those without a table have English names. Of a run, one
/// blank between each two included:
/// - faces, hands, people and flags are said once: "😂😂😂" is as much one laugh as "hahaha";
/// - things and symbols are counted, in English in the plural: "🔥🔥🔥" is "3 fires", "3 mal Feuer";
/// - digits on keys are not a run: "1️⃣1️⃣" is found twice.
///
/// Smileys come first: [`smiley`] must have had the text before, as they contain symbols.
pub(crate) fn find(text: &str, lang: &str) -> Option<Found> {
    let bytes = text.as_bytes();
    if text.is_ascii() && !bytes.contains(&b':') {
        return None;
    }
    let language = Language::of(lang);
    // The place of each character that may belong to one: all others are passed at little cost.
    let mut hints = text.char_indices().filter(|&(_, c)| c == ':' || sequence::is_hint(c));
    hints.find_map(|(at, c)| {
        let start = match c {
            ':' => codes::start(text, at)?,
            _ => sequence::start(text, at),
        };
        let first = Unit::at(text, start, language)?;
        let (end, count) = first.run(text, language);
        Some(Found { range: start..end, spoken: first.what.spoken(count, language) })
    })
}

/// One emoji, symbol or shortcode.
struct Unit<'a> {
    what: What<'a>,
    end: usize,
}

/// What it stands for.
#[derive(PartialEq, Eq)]
enum What<'a> {
    /// It has a name.
    Named(Name),
    /// A code of one server's own, which is its name.
    Custom(&'a str),
    /// A regional indicator without its pair: a letter.
    Letter(char),
}

impl<'a> Unit<'a> {
    /// The one that begins at `start`.
    fn at(text: &'a str, start: usize, language: Language) -> Option<Self> {
        let rest = &text[start..];
        let (what, len) = if rest.starts_with([':', '<']) {
            let (code, len) = codes::first(rest)?;
            let what = match code {
                Code::Emoji(emoji) => What::Named(language.name(emoji)?),
                Code::Custom(name) => What::Custom(name),
            };
            (what, len)
        } else if let Some((name, len)) = sequence::first(rest, language) {
            (What::Named(name), len)
        } else {
            let (letter, len) = sequence::letter(rest)?;
            (What::Letter(letter), len)
        };
        Some(Self { what, end: start + len })
    }

    /// Where the run of equal ones ends that begins with this, and how many there are.
    fn run(&self, text: &'a str, language: Language) -> (usize, usize) {
        let (mut end, mut count) = (self.end, 1);
        if self.what.is_single() {
            return (end, count);
        }
        loop {
            let blank = usize::from(text[end..].starts_with(' '));
            match Self::at(text, end + blank, language) {
                Some(next) if next.what == self.what => (end, count) = (next.end, count + 1),
                Some(_) | None => return (end, count),
            }
        }
    }
}

impl What<'_> {
    /// Whether each is said for itself.
    fn is_single(&self) -> bool {
        match self {
            Self::Named(name) => name.run == Run::Each,
            Self::Letter(_) => true,
            Self::Custom(_) => false,
        }
    }

    fn spoken(&self, count: usize, language: Language) -> String {
        match self {
            Self::Named(name) if name.run == Run::Counted && count > 1 => {
                language.count(count, name.text)
            }
            Self::Named(name) => name.text.to_owned(),
            Self::Custom(code) => codes::words(code),
            Self::Letter(letter) => letter.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
