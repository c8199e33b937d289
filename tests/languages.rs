//! The languages of chat lines: `tests/gold/languages.tsv` has 30 lines of each of ten languages,
//! and a few of others, written for this.
#![forbid(unsafe_code)]

use irc_speak::clock::now;
use irc_speak::language::{Detector, Language};

const LINES: &str = include_str!("gold/languages.tsv");

/// The languages of 30 lines each.
const TEN: &str = "en de fr es it pt nl pl sv ru";

/// How many lines of a language are read in it, in another, and in English though they are not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    right: u32,
    wrong: u32,
    undecided: u32,
}

fn languages(codes: &str) -> Vec<Language> {
    codes.split(' ').filter_map(Language::from_code).collect()
}

fn lines() -> impl Iterator<Item = (Language, &'static str)> {
    LINES.lines().map(|line| {
        let (code, text) = line.split_once('\t').expect("a code and a text");
        (Language::from_code(code).expect(code), text)
    })
}

/// Detects each line alone, without what was written before.
fn found(voices: &[Language], lines: impl Iterator<Item = (Language, &'static str)>) -> Found {
    let mut detector = Detector::new(voices, Language::ENGLISH);
    let mut all = Found::default();
    for (language, text) in lines {
        let found = detector.detect(text, None, None, now()).language;
        let count = match found {
            _ if found == language => &mut all.right,
            Language::ENGLISH => &mut all.undecided,
            _ => &mut all.wrong,
        };
        *count += 1;
        if found != language {
            println!("{language:?} as {found:?}: {text}");
        }
    }
    all
}

#[test]
fn lines_of_ten_languages_are_told_apart() {
    let ten = languages(TEN);
    let of_ten = || lines().filter(|(language, _)| ten.contains(language));
    assert_eq!(of_ten().count(), 300);
    for &language in &ten {
        let found = found(&ten, of_ten().filter(|it| it.0 == language));
        assert!(found.right >= 25, "{language:?}: {found:?}");
        assert!(language != Language::ENGLISH || found.right == 30, "{found:?}");
    }
    let found = found(&ten, of_ten());
    assert!(found.right >= 280 && found.wrong <= 3, "{found:?}");
}

#[test]
fn lines_are_told_apart_among_all_languages_too() {
    let all: Vec<_> = Language::all().collect();
    let english = found(&all, lines().filter(|it| it.0 == Language::ENGLISH));
    assert_eq!(english, Found { right: 30, ..Found::default() });
    let found = found(&all, lines());
    assert!(found.right >= 310 && found.wrong <= 4, "{found:?}");
}

#[test]
fn a_conversation_is_told_better_than_its_lines_alone() {
    for language in languages(TEN) {
        let mut detector = Detector::new(&languages(TEN), Language::ENGLISH);
        let lines: Vec<_> = lines().filter(|it| it.0 == language).collect();
        let is_right = |(_, text): &&(Language, &str)| {
            detector.detect(text, Some("kim"), None, now()).language == language
        };
        let right = lines.iter().filter(is_right).count();
        println!("{language:?}: {right} of {}", lines.len());
        assert!(right >= 27, "{language:?}: {right}");
    }
}
