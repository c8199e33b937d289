//! The gold file: lines of chat and logs, and what is spoken for them. One row in `tests/gold` is
//! one JSON object; the files' names are languages.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use irc_speak::clock;
use irc_speak::filter::Library;
use irc_speak::format::Reader;
use irc_speak::message::{Line, SourceId};
use irc_speak::phrase::{Chain, Naming, Options, Phraser, Phrasing};

#[derive(serde::Deserialize)]
struct Row {
    kind: String,
    format: String,
    line: String,
    expect: String,
}

fn rows(path: &Path) -> Vec<Row> {
    let text = fs::read_to_string(path).expect("the gold file");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

/// What is spoken for the line by a voice of `language`.
fn spoken(library: &Library, chain: &Arc<Chain>, language: &str, row: &Row) -> String {
    let mut reader = Reader::named(library.grammars(), &row.format).expect("a format");
    let phrasing = Phrasing {
        naming: Naming::Always,
        chain: Arc::clone(chain),
        language: language.to_owned(),
    };
    let received = clock::now();
    let line =
        Line { source: SourceId(0), text: row.line.as_str().into(), received, continued: false };
    let mut out = String::new();
    Phraser::new(phrasing).phrase(&reader.read(line), &mut out);
    out
}

/// The rows that are spoken otherwise, and how many there are.
fn wrong(path: &Path, language: &str) -> (String, usize, usize) {
    let library = Library::load(None).expect("embedded files");
    let chain = Arc::new(
        Chain::new(
            Options { folder: std::env::var_os("LEXICONS").map(Into::into), ..Options::default() },
            language,
        )
        .expect("embedded lexicons"),
    );
    let rows = rows(path);
    let (mut text, mut n_wrong) = (String::new(), 0);
    for row in &rows {
        let spoken = spoken(&library, &chain, language, row);
        if spoken != row.expect {
            n_wrong += 1;
            let Row { kind, line, expect, .. } = row;
            writeln!(text, "{kind}: {line}\n  wanted {expect}\n  spoken {spoken}")
                .expect("a string");
        }
    }
    (text, n_wrong, rows.len())
}

#[test]
fn every_gold_line_is_spoken_as_a_listener_wants() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gold");
    let mut failures = String::new();
    for language in ["en", "de", "fr", "es"] {
        let path = folder.join(format!("{language}.jsonl"));
        if !path.exists() {
            continue;
        }
        let (text, n_wrong, n) = wrong(&path, language);
        println!("{language}: {} of {n} lines", n - n_wrong);
        if n_wrong > 0 {
            writeln!(failures, "{language}: {n_wrong} of {n}\n{text}").expect("a string");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
