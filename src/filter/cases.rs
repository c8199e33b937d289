//! The `[[test]]` tables of a file of rules: lines, and what the rules must do with them. Only read
//! to run the tests.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::rules::RuleSet;
use crate::diagnostics::ConfigError;
use crate::toml_file;

/// A file of rules with its tests.
#[derive(Debug)]
pub struct CaseFile {
    path: PathBuf,
    source: String,
    /// The rules.
    pub set: RuleSet,
    /// The tests, in order.
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
struct RawCases {
    #[serde(default)]
    test: Vec<Case>,
}

/// One test: a line, and what is expected of it. A missing key is not checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The line as a log has it.
    pub line: Spanned<String>,
    /// The format to read it by; recognised where missing.
    #[serde(default)]
    pub format: Option<Spanned<String>>,
    /// Its spoken text; where missing, it must be dropped.
    #[serde(default)]
    pub spoken: Option<Spanned<Spoken>>,
    /// The label of the rule that decides.
    #[serde(default)]
    pub rule: Option<Spanned<String>>,
    /// The kind that it is read as.
    #[serde(default)]
    pub kind: Option<Spanned<String>>,
    /// Whether a rule highlights it.
    #[serde(default)]
    pub highlight: Option<Spanned<bool>>,
}

/// What is expected to be spoken.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected the words, or true or false")]
pub enum Spoken {
    /// These words.
    Words(String),
    /// Anything, or nothing.
    Any(bool),
}

impl CaseFile {
    /// Reads `source`, the text of the file `path`, as the rule set `name` and its tests.
    pub fn parse(name: &str, path: &Path, source: &str) -> Result<Self, ConfigError> {
        let set = RuleSet::parse(name, path, source)?;
        let RawCases { test } = toml_file::parse(path, source)?;
        Ok(Self { path: path.to_owned(), source: source.to_owned(), set, cases: test })
    }

    /// The error `problem` at the value `at`.
    pub fn error<T>(&self, at: &Spanned<T>, problem: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.path, &self.source, at.span().start, problem)
    }
}

#[test]
fn tests_are_read_only_to_run_them() {
    let rules = "about = \"a test\"\n[[rule]]\ndrop = \"x\"\n";
    let read = |tests: &str| {
        let source = format!("{rules}{tests}");
        // A wrong test does not prevent listening.
        RuleSet::parse("test", Path::new("test.toml"), &source).expect("rules");
        CaseFile::parse("test", Path::new("test.toml"), &source)
    };
    for (tests, spoken) in [
        ("[[test]]\nline = \"a\"\nspoken = \"a\"", Some(Spoken::Words("a".into()))),
        ("[[test]]\nline = \"a\"\nspoken = false", Some(Spoken::Any(false))),
        ("[[test]]\nline = \"a\"", None),
    ] {
        let file = read(tests).expect(tests);
        let found = file.cases.into_iter().map(|case| case.spoken.map(Spanned::into_inner));
        assert_eq!(found.collect::<Vec<_>>(), [spoken], "tests: {tests}");
    }
    for (tests, said) in [
        ("[[test]]\nlin = \"a\"", "5:1: unknown key \"lin\"; did you mean \"line\"?"),
        ("[[test]]\nline = \"a\"\nspoken = 3", "6:10: expected the words, or true or false"),
    ] {
        let error = read(tests).expect_err(tests).to_string();
        assert_eq!(error, format!("test.toml:{said}"), "tests: {tests}");
    }
}
