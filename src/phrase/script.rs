//! What a voice cannot read. Names: Cyrillic and Greek ones in Latin letters, as their owners would
//! write them. Of all other text in another script, the number of characters.
//!
//! The letters follow the BGN/PCGN tables for Russian, and the UN's for Greek, without accents.
#![forbid(unsafe_code)]

use super::lexicon::Lexicon;
use super::piece::{Piece, Token};
use crate::language::{Language, Script, describe, n_visible, script_runs};

const CYRILLIC: [(char, &str); 38] = [
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "yo"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "y"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
    ('і', "i"),
    ('ї', "yi"),
    ('є', "ye"),
    ('ґ', "g"),
    ('ў', "u"),
];

const GREEK: [(char, &str); 34] = [
    ('α', "a"),
    ('β', "v"),
    ('γ', "g"),
    ('δ', "d"),
    ('ε', "e"),
    ('ζ', "z"),
    ('η', "i"),
    ('θ', "th"),
    ('ι', "i"),
    ('κ', "k"),
    ('λ', "l"),
    ('μ', "m"),
    ('ν', "n"),
    ('ξ', "x"),
    ('ο', "o"),
    ('π', "p"),
    ('ρ', "r"),
    ('σ', "s"),
    ('ς', "s"),
    ('τ', "t"),
    ('υ', "y"),
    ('φ', "f"),
    ('χ', "ch"),
    ('ψ', "ps"),
    ('ω', "o"),
    ('ά', "a"),
    ('έ', "e"),
    ('ή', "i"),
    ('ί', "i"),
    ('ό', "o"),
    ('ύ', "y"),
    ('ώ', "o"),
    ('ϊ', "i"),
    ('ϋ', "y"),
];

/// The Latin letters for `c`; none where it is no Cyrillic or Greek letter.
fn letters(c: char) -> Option<&'static str> {
    let table: &[(char, &str)] = match c {
        '\u{370}'..='\u{3ff}' => &GREEK,
        '\u{400}'..='\u{4ff}' => &CYRILLIC,
        _ => return None,
    };
    let lower = c.to_lowercase().next().unwrap_or(c);
    table.iter().find(|(letter, _)| *letter == lower).map(|(_, letters)| *letters)
}

/// `name` in Latin letters where its letters are Cyrillic or Greek.
pub(super) fn in_latin(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match letters(c) {
            Some(latin) if c.is_uppercase() => {
                let mut latin = latin.chars();
                out.extend(latin.next().map(|first| first.to_ascii_uppercase()));
                out.extend(latin);
            }
            Some(latin) => out.push_str(latin),
            None => out.push(c),
        }
    }
    out
}

/// `name` as a voice of `language` can say it.
pub(super) fn readable(name: &str, language: Language) -> String {
    if name.is_ascii() {
        return name.to_owned();
    }
    let name = if language.uses(Script::Latin) { in_latin(name) } else { name.to_owned() };
    let mut out = String::with_capacity(name.len());
    for (range, script) in script_runs(&name) {
        let run = &name[range];
        if reads(language, script) || matches!(script, Script::Cyrillic | Script::Greek) {
            out.push_str(run);
        } else {
            if out.ends_with(char::is_alphanumeric) {
                out.push(' ');
            }
            out.push_str(&describe(n_visible(run), script, language));
        }
    }
    out
}

/// Whether a voice of `language` can read a script: every voice knows Latin letters.
fn reads(language: Language, script: Script) -> bool {
    matches!(script, Script::Common | Script::Inherited | Script::Unknown | Script::Latin)
        || language.uses(script)
}

/// The next run in `text`, from byte `from` on, that a voice of `language` cannot read. A line in
/// Cyrillic or Greek alone stays: eSpeak NG changes to another dictionary for it.
pub(super) fn find<'a>(
    text: &'a str,
    from: usize,
    is_mixed: bool,
    language: Language,
    lexicon: &Lexicon,
) -> Option<Token<'a>> {
    if text.is_ascii() {
        return None;
    }
    for (range, script) in script_runs(&text[from..]) {
        let stays = matches!(script, Script::Cyrillic | Script::Greek) && !is_mixed;
        if reads(language, script) || stays {
            continue;
        }
        let run = &text[from + range.start..from + range.end];
        let letters = run.trim_matches(|c: char| !c.is_alphanumeric() && !is_mark_of_a_script(c));
        if letters.is_empty() {
            continue;
        }
        let start = from + range.start + run.find(letters).unwrap_or_default();
        let range = start..start + letters.len();
        let words = lexicon
            .letter(letters)
            .map_or_else(|| describe(n_visible(letters), script, language), str::to_owned);
        return Some(Token { pieces: vec![Piece::said(letters, words, "script")], range });
    }
    None
}

/// Vowel signs and the like, which belong to the letters of their script.
fn is_mark_of_a_script(c: char) -> bool {
    c >= '\u{300}'
        && !c.is_whitespace()
        && !matches!(c, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}')
}

/// Whether a line has Latin letters.
pub(super) fn has_latin(line: &str) -> bool {
    line.chars().any(|c| c.is_alphabetic() && (c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cyrillic_and_greek_names_are_in_latin_letters() {
        for (name, latin) in [
            ("Алиса", "Alisa"),
            ("Дмитрий", "Dmitriy"),
            ("Щука", "Shchuka"),
            ("Γιώργος", "Giorgos"),
            ("Ελένη", "Eleni"),
            ("kim", "kim"),
        ] {
            assert_eq!(in_latin(name), latin);
        }
    }
}
