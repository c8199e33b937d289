//! What is spoken for lines of chat and logs: the gold files in `tests/gold`, whose names are
//! languages, and the public cases and logs beside the project, where they are.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use irc_speak::clock;
use irc_speak::filter::Library;
use irc_speak::format::Reader;
use irc_speak::language::Language;
use irc_speak::message::{Line, SourceId};
use irc_speak::phrase::{Chain, Naming, Options, Phraser, Phrasing, Piece};
use irc_speak::source::lines::Lines;

/// A line in a format, and its spoken text.
#[derive(serde::Deserialize)]
struct Row {
    kind: String,
    format: String,
    line: String,
    expect: String,
}

fn rows(path: &Path) -> Vec<Row> {
    let text = fs::read_to_string(path).expect("a file of rows");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn phrasing(language: Language) -> Phrasing {
    let folder = std::env::var_os("LEXICONS").map(Into::into);
    let options = Options { folder, ..Options::default() };
    let chain = Arc::new(Chain::new(options, language).expect("embedded lexicons"));
    Phrasing { language, chain, ..Phrasing::english(Naming::Always) }
}

/// What is spoken for the line.
fn spoken(library: &Library, phrasing: &Phrasing, row: &Row) -> String {
    let mut reader = Reader::named(library.grammars(), &row.format).expect("a format");
    let (text, received) = (row.line.as_str().into(), clock::now());
    let line = Line { source: SourceId(0), text, received, continued: false };
    let mut out = String::new();
    Phraser::new(phrasing.clone()).phrase(&reader.read(line), &mut out);
    out
}

#[test]
fn every_gold_line_is_spoken_as_a_listener_wants() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gold");
    let library = Library::load(None).expect("embedded files");
    let (mut wrong, mut n_rows) = (String::new(), 0);
    for code in ["en", "de", "fr", "es"] {
        let phrasing = phrasing(Language::from_code(code).expect("a code"));
        let rows = rows(&folder.join(format!("{code}.jsonl")));
        let before = wrong.matches("wanted").count();
        for row in &rows {
            let spoken = spoken(&library, &phrasing, row);
            let Row { kind, line, expect, .. } = row;
            if spoken != *expect {
                writeln!(wrong, "{code}, {kind}: {line}\n  wanted {expect}\n  spoken {spoken}")
                    .expect("a string grows");
            }
        }
        let n_wrong = wrong.matches("wanted").count() - before;
        println!("{code}: {} of {} lines", rows.len() - n_wrong, rows.len());
        n_rows += rows.len();
    }
    assert!(n_rows >= 700, "{n_rows} lines");
    assert!(wrong.is_empty(), "{wrong}");
}

/// A file or folder beside the project; says so where it is not there.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("there is no {}: not tested", path.display());
    None
}

/// Whether a spoken text is what was wanted. In parentheses stands a description: "(in a Greek
/// voice: text)", "(in a Chinese voice, or:) text".
fn is_as_wanted(spoken: &str, expect: &str) -> bool {
    let of_a_voice = expect.strip_prefix("(in a ").and_then(|it| it.split_once("voice"));
    match of_a_voice {
        Some((_, rest)) => {
            let text = rest.trim_start_matches([',', ':', ')', ' ']).trim_start_matches("or:)");
            spoken == text.trim().trim_end_matches(')')
        }
        None => spoken == expect.replace(['(', ')'], "") || spoken == expect,
    }
}

#[test]
fn the_public_cases_are_spoken_as_wanted() {
    let Some(path) = shared("cases/phrasing.jsonl") else { return };
    let library = Library::load(None).expect("embedded files");
    let phrasing = phrasing(Language::ENGLISH);
    let (mut wrong, mut table) = (String::new(), BTreeMap::<String, [usize; 2]>::new());
    let rows = rows(&path);
    for row in &rows {
        let spoken = spoken(&library, &phrasing, row);
        let is_right = is_as_wanted(&spoken, &row.expect);
        let [right, all] = table.entry(row.kind.clone()).or_default();
        *all += 1;
        *right += usize::from(is_right);
        if !is_right {
            let Row { kind, line, expect, .. } = row;
            writeln!(wrong, "{kind}: {line}\n  wanted {expect}\n  spoken {spoken}")
                .expect("a string grows");
        }
    }
    for (kind, [right, all]) in &table {
        println!("{kind:14} {right:3} of {all:3}");
    }
    let right: usize = table.values().map(|it| it[0]).sum();
    println!("{:14} {right:3} of {:3}\n{wrong}", "all", rows.len());
    assert!(right * 100 >= rows.len() * 95, "{right} of {}\n{wrong}", rows.len());
}

/// Tokens of these kinds may be silent: what they say is to the eye.
const SILENT: [&str; 19] = [
    "document-type",
    "footnote",
    "tag-pair",
    "tag-with-values",
    "meeting-link",
    "smiley",
    "ruler",
    "run",
    "tag",
    "entity",
    "progress-bar",
    "bold",
    "italic",
    "code-span",
    "emoji",
    "link",
    "word",
    "markdown-local-link",
    "markdown-link-url",
];

/// Every message of the logs beside the project.
fn messages(folder: &Path, mut take: impl FnMut(&str)) {
    let library = Library::load(None).expect("embedded files");
    let mut logs: Vec<_> = files(folder);
    logs.sort();
    for log in logs {
        let lines = Lines::new(SourceId(0), fs::read(&log).expect("a log"), clock::now());
        let mut reader = Reader::recognising(library.grammars());
        reader.sample(&lines);
        lines.iter().for_each(|line| take(&reader.read(line).text));
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    folders.iter().flat_map(|folder| self::files(folder)).chain(files).collect()
}

/// Every word is spoken, or belongs to a token for which something else is said.
#[test]
fn no_word_of_the_corpus_is_lost() {
    let Some(folder) = shared("corpus") else { return };
    let english = phrasing(Language::ENGLISH);
    let (mut n_lines, mut n_words, mut n_tagged) = (0, 0, BTreeMap::<String, usize>::new());
    let (mut silent, mut lost) = (BTreeMap::<String, String>::new(), Vec::new());
    messages(&folder, |text| {
        let plain = Chain::plain(text);
        let pieces = english.chain.pieces(&plain, Language::ENGLISH);
        let sources: String = pieces.iter().map(|piece| piece.source).collect();
        assert_eq!(sources, plain, "the pieces are the line");
        let mut spoken = String::new();
        english.chain.say(text, Language::ENGLISH, &mut spoken);
        let mut rest = spoken.as_str();
        for (at, piece) in pieces.iter().enumerate() {
            let words = match &piece.said {
                None => piece.source,
                Some(said) => {
                    *n_tagged.entry(said.tag.to_owned()).or_default() += 1;
                    let has_word = piece.source.chars().any(char::is_alphanumeric);
                    let may_be = !has_word || SILENT.contains(&said.tag);
                    // A token may be several pieces, of which others are spoken.
                    let around = &pieces[at.saturating_sub(2)..pieces.len().min(at + 3)];
                    let is_of_it = |it: &&Piece<'_>| match &it.said {
                        Some(other) => other.tag == said.tag && !other.words.trim().is_empty(),
                        None => false,
                    };
                    let is_silent = !around.iter().any(|it| is_of_it(&it));
                    if is_silent && !may_be {
                        silent
                            .entry(said.tag.to_owned())
                            .or_insert_with(|| piece.source.to_owned());
                    }
                    &said.words
                }
            };
            for word in words.split_whitespace().filter(|it| it.contains(char::is_alphanumeric)) {
                match rest.find(word) {
                    Some(at) => rest = &rest[at + word.len()..],
                    None => lost.push(format!("{word:?} of {text:?}")),
                }
                n_words += 1;
            }
        }
        n_lines += 1;
    });
    let mut tags: Vec<_> = n_tagged.into_iter().collect();
    tags.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    println!(
        "{n_lines} lines, {n_words} words, all spoken; tokens for which something else is said:"
    );
    for (tag, n) in &tags {
        println!("{n:8} {tag}");
    }
    assert!(lost.is_empty(), "{} words are lost: {:#?}", lost.len(), &lost[..lost.len().min(20)]);
    assert!(silent.is_empty(), "silent tokens, by tag: {silent:?}");
    assert!(n_lines > 10_000, "{n_lines} lines");
}
