//! How well the languages of chat lines are found, at which cost: `cargo bench --bench languages`.
//! A table of `tests/gold/languages.tsv`; then, of each file that is named, lines that are in
//! English, how many go to another voice. `--show` prints those.
//!
//! A file is text; if its name ends in `.tsv`, the fourth column is, where the second is `say`.
#![forbid(unsafe_code)]

use std::hint::black_box;
use std::time::Instant;

use irc_speak::clock::now;
use irc_speak::language::{Detector, Language};

const LINES: &str = include_str!("../tests/gold/languages.tsv");
const TEN: &str = "en de fr es it pt nl pl sv ru";
const RUNS: u32 = 9;

fn main() {
    let ten: Vec<_> = TEN.split(' ').filter_map(Language::from_code).collect();
    let all: Vec<_> = Language::all().collect();
    table("ten voices", &ten);
    table("all voices of eSpeak NG", &all);
    let arguments: Vec<_> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let show = arguments.iter().any(|it| it == "--show");
    let files: Vec<_> = arguments.iter().filter(|it| !it.starts_with("--")).collect();
    let english: Vec<_> = files.into_iter().flat_map(|it| lines_of(it)).collect();
    if !english.is_empty() {
        for (name, voices) in [("ten", &ten), ("all", &all)] {
            report_english(name, voices, &english, show);
        }
    }
}

/// Prints right, wrong and undecided lines of each language.
fn table(name: &str, voices: &[Language]) {
    let started = now();
    let mut detector = Detector::new(voices, Language::ENGLISH);
    let (made, size) = (started.elapsed(), detector.size());
    println!("\n{name}: {size} bytes, made in {made:?}");
    println!("{:14} {:>5} {:>5} {:>9} {:>8}", "language", "right", "wrong", "undecided", "us/line");
    let lines: Vec<_> = LINES.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut shown = Vec::new();
    for (code, _) in &lines {
        let Some(language) = Language::from_code(code).filter(|it| voices.contains(it)) else {
            continue;
        };
        if shown.contains(&language) {
            continue;
        }
        shown.push(language);
        let texts: Vec<_> = lines.iter().filter(|it| it.0 == *code).map(|it| it.1).collect();
        let mut counts = [0; 3];
        for text in &texts {
            let found = detector.detect(text, None, None, now()).language;
            let is_default = found == Language::ENGLISH;
            counts[if found == language {
                0
            } else if is_default {
                2
            } else {
                1
            }] += 1;
        }
        let us = microseconds(&mut detector, &texts);
        let [right, wrong, undecided] = counts;
        println!("{:14} {right:5} {wrong:5} {undecided:9} {us:8.2}", language.name());
    }
}

/// Prints how many lines, all of them in English, go to another voice.
fn report_english(name: &str, voices: &[Language], lines: &[String], show: bool) {
    let mut detector = Detector::new(voices, Language::ENGLISH);
    let mut n_flipped = 0;
    for line in lines {
        let found = detector.detect(line, None, None, now()).language;
        if found != Language::ENGLISH {
            n_flipped += 1;
            if show {
                println!("{found:?} {line}");
            }
        }
    }
    let texts: Vec<_> = lines.iter().map(String::as_str).collect();
    let us = microseconds(&mut detector, &texts);
    println!("\n{name} voices: {n_flipped} of {} lines to another voice, {us:.3} us", lines.len());
}

/// The time that a line takes, in the fastest of some runs.
fn microseconds(detector: &mut Detector, texts: &[&str]) -> f64 {
    let mut run = || {
        let started: Instant = now();
        for text in texts {
            black_box(detector.detect(black_box(text), None, None, started));
        }
        started.elapsed().as_secs_f64() * 1e6 / texts.len() as f64
    };
    (0..RUNS).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// The texts in a file.
fn lines_of(path: &str) -> Vec<String> {
    let bytes = std::fs::read(path).expect("a readable file");
    let text = String::from_utf8_lossy(&bytes);
    let said = |line: &str| match line.split('\t').collect::<Vec<_>>()[..] {
        [_, "say", _, text, ..] => Some(text.to_owned()),
        _ => None,
    };
    let is_table = std::path::Path::new(path).extension().is_some_and(|it| it == "tsv");
    text.lines()
        .filter_map(|line| if is_table { said(line) } else { Some(line.to_owned()) })
        .collect()
}
