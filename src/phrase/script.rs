//! Names in other scripts: Cyrillic and Greek ones in Latin letters, as their owners would write
//! them; of others the number of characters.
//!
//! The letters follow the BGN/PCGN tables for Russian, and the UN's for Greek, without accents.
#![forbid(unsafe_code)]

use super::lexicon::Lexicon;

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

/// `name` for a voice of a language in Latin letters.
pub(super) fn latin(name: &str, _lexicon: &Lexicon, language: &str) -> String {
    if name.is_ascii() || !reads_latin(language) { name.to_owned() } else { in_latin(name) }
}

/// Whether a voice of `language` reads Latin letters first.
fn reads_latin(language: &str) -> bool {
    let base = language.split(['-', '_']).next().unwrap_or(language);
    !matches!(
        base,
        "ru" | "uk" | "bg" | "be" | "sr" | "mk" | "kk" | "ky" | "mn" | "tt" | "ba" | "el" | "grc"
    )
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
