//! The second opinion, by `whatlang`: it knows the trigrams of 69 languages, and takes 20 µs.
#![forbid(unsafe_code)]

use std::str::FromStr;

use whatlang::{Detector, Lang};

use super::code::Language;
use super::score::plain_chunks;

/// The language of `text` among `languages`, with whatlang's confidence in it, 0 to 1. None where
/// it does not know the first of them, nor another: it is always confident in an only one.
pub(super) fn opinion(
    text: &str,
    languages: impl Iterator<Item = Language>,
) -> Option<(Language, f64)> {
    let mut languages = languages.peekable();
    lang(*languages.peek()?)?;
    let known: Vec<_> = languages.filter_map(|it| Some((it, lang(it)?))).collect();
    if known.len() < 2 {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    for chunk in plain_chunks(text) {
        plain.push_str(chunk);
        plain.push(' ');
    }
    let info = Detector::with_allowlist(known.iter().map(|it| it.1).collect()).detect(&plain)?;
    let (language, _) = known.into_iter().find(|it| it.1 == info.lang())?;
    Some((language, info.confidence()))
}

/// The language by whatlang's name.
fn lang(language: Language) -> Option<Lang> {
    Lang::from_str(match language.code3() {
        "fas" => "pes",
        "zho" => "cmn",
        code => code,
    })
    .ok()
}

#[test]
fn the_second_opinion_is_among_those_that_are_asked_for() {
    let languages = |codes: &'static [&str]| codes.iter().filter_map(|it| Language::from_code(it));
    let text = "wir müssen die Dokumentation noch einmal überarbeiten";
    let (language, confidence) = opinion(text, languages(&["en", "de", "sv"])).expect("known");
    assert!(language.code() == "de" && confidence > 0.8, "{language:?} {confidence}");
    for unknown in [&["haw", "en", "de"][..], &["de", "haw"], &[]] {
        assert_eq!(opinion(text, languages(unknown)), None, "{unknown:?}");
    }
    let known = Language::all().filter(|&it| lang(it).is_some()).count();
    assert!(known > 55, "{known} of its 69 languages are known by their codes");
}
