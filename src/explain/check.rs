//! Runs the tests in files of rules and formats: each line is judged by the rules of its file only.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;

use crate::clock;
use crate::config::file;
use crate::diagnostics::ConfigError;
use crate::diagnostics::escaped;
use crate::error::Error;
use crate::filter::cases::{Case, CaseFile, Spoken};
use crate::filter::library::File;
use crate::filter::{Effect, Filter, Library};
use crate::format::{Grammars, Reader};
use crate::message::{Kind, SourceId};
use crate::phrase::{Naming, Phrasing};
use crate::pipeline::{Outcome, Pipeline};
use crate::source::lines::Lines;

/// The results of the tests.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) n_files: usize,
    n_tests: usize,
    /// The tests that failed, with what is wrong.
    failed: Vec<Vec<ConfigError>>,
}

impl Tally {
    pub(super) fn add(&mut self, failures: Vec<ConfigError>) {
        self.n_tests += 1;
        if !failures.is_empty() {
            self.failed.push(failures);
        }
    }

    /// Prints the failures, and how many tests there are; an error if one failed.
    pub(super) fn print(self) -> Result<(), Error> {
        let Self { n_files, n_tests, failed } = self;
        let mut stdout = io::stdout().lock();
        for failure in failed.iter().flatten() {
            writeln!(stdout, "{failure}").map_err(Error::stdout)?;
        }
        let result = match failed.len() {
            0 => "all pass".to_owned(),
            n => format!("{n} failed"),
        };
        writeln!(stdout, "files: {n_files}, tests: {n_tests}, {result}").map_err(Error::stdout)?;
        if failed.is_empty() { Ok(()) } else { Err(Error::TestsFailed) }
    }

    /// Runs the tests in `file`, of rules or of a format.
    fn run(&mut self, file: &File, grammars: &Arc<Grammars>) -> Result<(), ConfigError> {
        self.n_files += 1;
        if file.has_rules() {
            let file = file.cases()?;
            for case in &file.cases {
                self.add(failures(&file, case, grammars)?);
            }
        } else {
            let file = file.format_cases()?;
            for case in &file.cases {
                self.add(file.failures(case, clock::now())?);
            }
        }
        Ok(())
    }
}

/// `irc-speak filters check`: the tests of `files`, or of all files of rules and formats that are
/// known.
pub(crate) fn run(files: &[PathBuf]) -> Result<(), Error> {
    let library = Library::load(file::filters_folder().as_deref())?;
    let files = if files.is_empty() {
        library.rule_files().cloned().chain(library.format_files()).collect()
    } else {
        files.iter().cloned().map(File::read).collect::<Result<Vec<_>, _>>()?
    };
    let mut tally = Tally::default();
    for file in &files {
        tally.run(file, &library.grammars())?;
    }
    tally.print()
}
/// The outcome of a test's line.
struct TestResult {
    kind: Kind,
    highlight: bool,
    rule: Option<String>,
    words: Option<String>,
}

impl TestResult {
    /// As part of a message.
    fn shown(&self) -> String {
        match (&self.words, &self.rule) {
            (Some(words), _) => format!("it is spoken as \"{}\"", escaped(words)),
            (None, Some(rule)) => format!("it is dropped by {}", escaped(rule)),
            (None, None) => "it is dropped".to_owned(),
        }
    }
}

/// What is not as `case` expects it: one message each.
fn failures(
    file: &CaseFile,
    case: &Case,
    grammars: &Arc<Grammars>,
) -> Result<Vec<ConfigError>, ConfigError> {
    let outcome = outcome(file, case, grammars)?;
    let mut wrong: Vec<_> = spoken_otherwise(file, case, &outcome).into_iter().collect();
    let mut compare = |what: &str, expected: Option<&Spanned<String>>, found: &str| {
        if let Some(at) = expected.filter(|expected| expected.get_ref() != found) {
            let (expected, found) = (escaped(at.get_ref()), escaped(found));
            let problem = format!("expected the {what} \"{expected}\"; it is \"{found}\"");
            wrong.push(file.error(at, problem));
        }
    };
    compare("rule", case.rule.as_ref(), outcome.rule.as_deref().unwrap_or("none"));
    compare("kind", case.kind.as_ref(), outcome.kind.name());
    if let Some(at) = case.highlight.as_ref().filter(|it| *it.get_ref() != outcome.highlight) {
        let problem = match at.get_ref() {
            true => "expected to be highlighted; no rule does",
            false => "expected not to be highlighted; a rule does",
        };
        wrong.push(file.error(at, problem));
    }
    Ok(wrong)
}

/// The failure where something else is spoken than `case` expects.
fn spoken_otherwise(file: &CaseFile, case: &Case, outcome: &TestResult) -> Option<ConfigError> {
    let (words, shown) = (outcome.words.as_ref(), outcome.shown());
    let Some(spoken) = &case.spoken else {
        return words.map(|_| file.error(&case.line, format!("expected to be dropped; {shown}")));
    };
    let expected = match spoken.get_ref() {
        Spoken::Words(expected) if words == Some(expected) => return None,
        Spoken::Words(expected) => format!("\"{}\"", escaped(expected)),
        Spoken::Any(is_spoken) if *is_spoken == words.is_some() => return None,
        Spoken::Any(true) => "to be spoken".to_owned(),
        Spoken::Any(false) => "to be dropped".to_owned(),
    };
    Some(file.error(spoken, format!("expected {expected}; {shown}")))
}

/// Runs the line of `case` through the pipeline.
fn outcome(
    file: &CaseFile,
    case: &Case,
    grammars: &Arc<Grammars>,
) -> Result<TestResult, ConfigError> {
    let format = case.format.as_ref();
    if let Some(name) = format {
        Reader::named(Arc::clone(grammars), name.get_ref())
            .map_err(|error| file.error(name, error.to_string()))?;
    }
    let filter = Filter::new(vec![file.set.clone()]);
    let labels: Vec<_> = filter.rules().map(|rule| rule.label().to_owned()).collect();
    let format = format.map(|name| name.get_ref().as_str());
    let name = "test".to_owned();
    let mut pipeline =
        Pipeline::new([name], grammars, format, filter, Phrasing::english(Naming::Change));
    let bytes = case.line.get_ref().clone().into_bytes();
    let lines = Lines::new(SourceId(0), bytes, clock::now());
    let Some(line) = lines.iter().next() else {
        return Err(file.error(&case.line, "the line is empty; it takes one of a log"));
    };
    Ok(pipeline.explain(line, |explained| {
        let decided = explained.effects.iter().find_map(|&(number, effect)| {
            matches!(effect, Effect::Kept | Effect::Dropped).then(|| labels.get(number).cloned())?
        });
        let (rule, words) = match explained.outcome {
            Outcome::Words(words, ..) => (decided, Some(words.to_owned())),
            Outcome::Dropped(rule) => (Some(rule.to_owned()), None),
        };
        let highlight = |&(_, effect): &(usize, Effect)| effect == Effect::Highlighted;
        let highlight = explained.effects.iter().any(highlight);
        TestResult { kind: explained.message.kind, highlight, rule, words }
    }))
}
