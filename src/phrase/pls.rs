//! Lexicons of the W3C's Pronunciation Lexicon Specification 1.0
//! (<https://www.w3.org/TR/pronunciation-lexicon/>): the aliases of their graphemes. Phonemes are
//! not used: eSpeak NG takes its own ones only, and no text from outside may hold any.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::Path;

use roxmltree::{Document, Error, Node, ParsingOptions};
use toml::Spanned;

use crate::diagnostics::{ConfigError, escaped, lower, quoted};
use crate::language::Language;
use crate::toml_file;

/// The namespace of its elements.
const NAMESPACE: &str = "http://www.w3.org/2005/01/pronunciation-lexicon";

const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// The largest file, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The most elements, texts and comments.
const MOST_NODES: u32 = 1_000_000;

/// A file that was read.
#[derive(Debug)]
pub(super) struct Pls {
    /// Its text, which errors point into.
    pub text: String,
    /// The language of its words.
    pub language: Language,
    /// What is said for words.
    pub words: Words,
    /// How many words have only a phoneme.
    pub n_phonemes: usize,
}

/// Reads the file at `path`.
pub(super) fn read(path: &Path) -> Result<Pls, ConfigError> {
    let file = std::fs::metadata(path).map_err(|error| toml_file::unreadable(path, &error))?;
    if file.len() > LARGEST {
        let problem = format!("{} is larger than {} MiB", quoted(path), LARGEST >> 20);
        return Err(ConfigError::Wrong(problem));
    }
    parse(path, toml_file::read(path)?)
}

fn parse(path: &Path, text: String) -> Result<Pls, ConfigError> {
    let at = |at: usize, problem: &str| ConfigError::at(path, &text, at, problem);
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options)
        .map_err(|error| at(offset(&text, &error), &explained(&error)))?;
    let root = document.root_element();
    let start = root.range().start;
    if !is(root, "lexicon") {
        let problem = format!("it takes <lexicon xmlns=\"{NAMESPACE}\" xml:lang=\"en\">");
        return Err(at(start, &problem));
    }
    let code = root.attribute((XML, "lang")).unwrap_or_default();
    let language = Language::from_code(code).ok_or_else(|| {
        let code = escaped(code);
        at(start, &format!("xml:lang is \"{code}\"; it takes a language, such as \"de\""))
    })?;
    let (words, n_phonemes) = words(root).map_err(|(place, why)| at(place, why))?;
    drop(document);
    Ok(Pls { text, language, words, n_phonemes })
}

/// What is said for words, by their keys.
type Words = BTreeMap<String, Spanned<String>>;

/// The words of a lexicon, and how many have only a phoneme. An error has its place.
fn words(root: Node<'_, '_>) -> Result<(Words, usize), (usize, &'static str)> {
    let (mut words, mut n_phonemes) = (Words::new(), 0);
    for lexeme in root.children().filter(|it| is(*it, "lexeme")) {
        let graphemes: Vec<_> = lexeme.children().filter(|it| is(*it, "grapheme")).collect();
        if graphemes.is_empty() {
            return Err((lexeme.range().start, "a <lexeme> takes a <grapheme>"));
        }
        let mut aliases = lexeme.children().filter(|it| is(*it, "alias"));
        let first = aliases.clone().next();
        let preferred = aliases.find(|it| it.attribute("prefer") == Some("true"));
        let Some(alias) = preferred.or(first) else {
            n_phonemes += 1;
            continue;
        };
        for grapheme in graphemes {
            let written = content(grapheme);
            if written.is_empty() {
                return Err((grapheme.range().start, "a <grapheme> takes a word"));
            }
            // Of several lexemes for one word, the first counts.
            let said = Spanned::new(alias.range(), content(alias));
            words.entry(key(written)).or_insert(said);
        }
    }
    Ok((words, n_phonemes))
}

/// The key of a word: capitals count, but a word may stand at the beginning of a sentence.
fn key(written: String) -> String {
    let has_capitals = written.chars().any(char::is_uppercase);
    if has_capitals || written.starts_with('=') { format!("={written}") } else { written }
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.has_tag_name((NAMESPACE, name)) || node.has_tag_name(name)
}

/// The text in an element, with single blanks.
fn content(node: Node<'_, '_>) -> String {
    let text: String =
        node.descendants().filter_map(|it| it.text().filter(|_| it.is_text())).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The byte at which an error is.
fn offset(text: &str, error: &Error) -> usize {
    let place = error.pos();
    let n_lines = (place.row as usize).saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(n_lines).map(str::len).sum();
    let line = &text[start..];
    let column = (place.col as usize).saturating_sub(1);
    start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
}

fn explained(error: &Error) -> String {
    match error {
        Error::DtdDetected => "it has a document type, with which it is not read; remove \
                               <!DOCTYPE …>"
            .to_owned(),
        Error::NodesLimitReached => format!("it has more than {MOST_NODES} elements"),
        error => {
            // The place is said before the message.
            let message = error.to_string().replace(&format!(" at {}", error.pos()), "");
            format!("it is not XML: {}", escaped(&lower(&message)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Pls, ConfigError> {
        parse(Path::new("x.pls"), text.to_owned())
    }

    #[test]
    fn aliases_are_words_of_the_language() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon"
    alphabet="ipa" xml:lang="en-US">
  <meta name="author" content="kim"/>
  <lexeme><grapheme>LXD</grapheme><alias>lex dee</alias></lexeme>
  <lexeme><grapheme>colour</grapheme><grapheme>color</grapheme>
    <alias>first</alias><alias prefer="true">the <![CDATA[other]]>
      &amp; more</alias></lexeme>
  <lexeme><grapheme>LXD</grapheme><alias>later</alias></lexeme>
  <lexeme><grapheme>tea</grapheme><phoneme>tiː</phoneme></lexeme>
  <lexeme><grapheme>New  York</grapheme><phoneme>x</phoneme><alias>N Y</alias></lexeme>
</lexicon>"#;
        let pls = parsed(text).expect("a lexicon");
        assert_eq!((pls.language.code(), pls.n_phonemes), ("en", 1));
        let words = pls.words.iter();
        let words: Vec<_> =
            words.map(|(key, said)| (key.as_str(), said.get_ref().as_str())).collect();
        assert_eq!(
            words,
            [
                ("=LXD", "lex dee"),
                ("=New York", "N Y"),
                ("color", "the other & more"),
                ("colour", "the other & more"),
            ]
        );
    }

    #[test]
    fn an_error_has_its_place() {
        let open =
            "<lexicon xmlns='http://www.w3.org/2005/01/pronunciation-lexicon' xml:lang='de'>";
        for (text, said) in [
            ("<lexicon", "x.pls:1:1: it is not XML: "),
            ("", "x.pls:1:1: it is not XML: "),
            ("<html/>", "x.pls:1:1: it takes <lexicon xmlns="),
            ("<lexicon/>", "x.pls:1:1: xml:lang is \"\"; it takes a language, such as \"de\""),
            (&format!("{open}\n</lexikon>"), "x.pls:2:1: it is not XML: expected 'lexicon' tag"),
            (&format!("{open}\n <lexeme/></lexicon>"), "x.pls:2:2: a <lexeme> takes a <grapheme>"),
            (
                "<!DOCTYPE x [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>\n<lexicon>&b;</lexicon>",
                "x.pls:1:1: it has a document type, with which it is not read; remove",
            ),
            (&format!("{open}&unknown;</lexicon>"), "x.pls:1:80: it is not XML: "),
        ] {
            let error = parsed(text).map(|_| ()).expect_err(text).to_string();
            assert!(error.starts_with(said) && error.lines().count() == 1, "{text}: {error}");
            println!("{error}");
        }
    }

    #[test]
    fn deep_and_wide_files_are_read() {
        let deep = format!("{}{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        assert!(parsed(&deep).is_err());
    }
}
