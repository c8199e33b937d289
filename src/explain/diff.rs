//! What a changed configuration, or a changed rule set, would change.
#![forbid(unsafe_code)]

use std::fmt;
use std::path::Path;

use super::row::{Fate, Row};
use super::rule_stats::lines;
use crate::cli::Listening;
use crate::config::settings::{self, Settings};
use crate::diagnostics::{ConfigError, quoted, reason};
use crate::filter::RuleSet;

/// The settings for the log `name` with the changes of `other`, and a notice that describes them.
///
/// A file with the key `about` is a rule set, and any other a configuration.
pub(super) fn settings(
    other: &Path,
    options: &Listening,
    name: &Path,
) -> Result<(Settings, String), ConfigError> {
    let source = std::fs::read_to_string(other)
        .map_err(|error| ConfigError::Unreadable { path: other.to_owned(), why: reason(&error) })?;
    let is_set = source.parse::<toml::Table>().is_ok_and(|table| table.contains_key("about"));
    if !is_set {
        let changed = Listening { config: Some(other.to_owned()), ..options.clone() };
        let settings = Settings::for_log(&changed, name)?;
        let old = settings::path(options).filter(|path| path.exists());
        let place =
            old.map_or_else(|| "of the defaults".to_owned(), |old| format!("of {}", quoted(&old)));
        return Ok((
            settings,
            format!("{} is a configuration, in the place {place}", quoted(other)),
        ));
    }
    let stem = other.file_stem().unwrap_or_default().to_string_lossy();
    let set = RuleSet::parse(&stem, other, &source)?;
    let mut settings = Settings::for_log(options, name)?;
    let place = if settings.filter.put(set) {
        "in the place of the one of that name"
    } else {
        "behind those in use, of which none has its name"
    };
    Ok((settings, format!("{} is a rule set, {place}", quoted(other))))
}

/// How many lines have another outcome.
#[derive(Debug, Default)]
pub(super) struct Difference {
    n_lines: u64,
    n_dropped: u64,
    n_spoken: u64,
    n_words: u64,
    n_rule: u64,
}

impl Difference {
    /// Counts a line; true where its outcome differs.
    pub(super) fn count(&mut self, before: &Row<'_>, after: &Row<'_>) -> bool {
        self.n_lines += 1;
        if !before.differs(after) {
            return false;
        }
        let count = match (before.fate, after.fate) {
            (Fate::Spoken, Fate::Dropped) => &mut self.n_dropped,
            (Fate::Dropped, Fate::Spoken) => &mut self.n_spoken,
            _ if before.spoken != after.spoken => &mut self.n_words,
            _ => &mut self.n_rule,
        };
        *count += 1;
        true
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n_lines, n_dropped, n_spoken, n_words, n_rule } = *self;
        let same = n_lines - n_dropped - n_spoken - n_words - n_rule;
        writeln!(
            f,
            "{}: {n_dropped} now dropped, {n_spoken} now spoken, {n_words} in other words, \
             {n_rule} by another rule, {same} as before",
            lines(n_lines)
        )
    }
}
