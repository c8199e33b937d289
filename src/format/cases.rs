//! The `[[test]]` tables of a format's file: lines, and what must be found in them. Only read to
//! run the tests.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use toml::Spanned;

use super::{Grammar, Grammars, Reader};
use crate::diagnostics::ConfigError;
use crate::diagnostics::escaped;
use crate::message::{Message, SourceId};
use crate::source::lines::Lines;
use crate::toml_file;

/// A format's file with its tests.
#[derive(Debug)]
pub struct CaseFile {
    path: PathBuf,
    source: String,
    name: String,
    grammars: Arc<Grammars>,
    /// The tests, in order.
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
struct RawCases {
    #[serde(default)]
    test: Vec<Case>,
}

/// One test: a line, and what is expected of it. A missing key is not checked; an empty text
/// expects that the part is missing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The line as a log has it.
    line: Spanned<String>,
    /// What kind it is; plain where no pattern matches.
    #[serde(default)]
    kind: Option<Spanned<String>>,
    #[serde(default)]
    sender: Option<Spanned<String>>,
    #[serde(default)]
    channel: Option<Spanned<String>>,
    #[serde(default)]
    text: Option<Spanned<String>>,
    /// The stamp as it is written.
    #[serde(default)]
    time: Option<Spanned<String>>,
}

impl CaseFile {
    /// Reads `source`, the text of the file `path`, as the format `name` and its tests.
    pub fn parse(name: &str, path: &Path, source: &str) -> Result<Self, ConfigError> {
        let grammars = Grammars::new(vec![Grammar::parse(name, path, source)?]);
        let RawCases { test } = toml_file::parse(path, source)?;
        Ok(Self {
            path: path.to_owned(),
            source: source.to_owned(),
            name: name.to_owned(),
            grammars: Arc::new(grammars),
            cases: test,
        })
    }

    /// What is not as `case` expects it when the format reads its line, at any time `received`:
    /// one message each.
    pub fn failures(
        &self,
        case: &Case,
        received: Instant,
    ) -> Result<Vec<ConfigError>, ConfigError> {
        let mut reader = Reader::named(Arc::clone(&self.grammars), &self.name)?;
        let bytes = case.line.get_ref().clone().into_bytes();
        let lines = Lines::new(SourceId(0), bytes, received);
        let Some(line) = lines.iter().next() else {
            return Err(self.error(&case.line, "the line is empty; it takes one of a log"));
        };
        Ok(self.wrong(case, &reader.read(line)))
    }

    fn wrong(&self, case: &Case, found: &Message<'_>) -> Vec<ConfigError> {
        let part = |part: &Option<Cow<'_, str>>| part.as_deref().unwrap_or_default().to_owned();
        let compared = [
            ("kind", &case.kind, found.kind.name().to_owned()),
            ("sender", &case.sender, part(&found.sender)),
            ("channel", &case.channel, part(&found.channel)),
            ("text", &case.text, found.text.to_string()),
            ("time", &case.time, part(&found.stamp)),
        ];
        let differs = |(what, expected, found): (&str, &Option<Spanned<String>>, String)| {
            let at = expected.as_ref().filter(|expected| *expected.get_ref() != found)?;
            let (expected, found) = (escaped(at.get_ref()), escaped(&found));
            Some(self.error(at, format!("expected the {what} \"{expected}\"; it is \"{found}\"")))
        };
        compared.into_iter().filter_map(differs).collect()
    }

    fn error(&self, at: &Spanned<String>, problem: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.path, &self.source, at.span().start, problem)
    }
}
