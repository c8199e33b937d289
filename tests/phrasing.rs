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
use irc_speak::phrase::{Chain, Naming, Options, Phraser, Phrasing};

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
