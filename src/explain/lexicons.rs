//! Runs the tests in files of lexicons.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use super::check::Tally;
use crate::config::file;
use crate::diagnostics::ConfigError;
use crate::error::Error;
use crate::language::Language;
use crate::phrase::{Chain, LexiconFile, Options, failures};

/// `irc-speak lexicons check`: the tests of `files`, or of all files that are known. The user's own
/// are tested together, ours and other ones each without them.
pub(crate) fn run(files: &[PathBuf]) -> Result<(), Error> {
    let own = LexiconFile::folder(file::lexicons_folder().as_deref())?;
    let mut tally = Tally::default();
    if files.is_empty() {
        tally.lexicons(&own, &own)?;
        tally.lexicons(&LexiconFile::ours()?, &[])?;
    }
    for path in files {
        let tested = [LexiconFile::read(path.clone())?];
        let is_own = own.iter().any(|it| is_same(it.path(), path));
        tally.lexicons(&tested, if is_own { &own } else { &tested })?;
    }
    tally.print()
}

impl Tally {
    /// Runs the tests of `files`, where the user's files are `own`.
    fn lexicons(&mut self, files: &[LexiconFile], own: &[LexiconFile]) -> Result<(), ConfigError> {
        let chain = Chain::with(Options::default(), Language::ENGLISH, own)?;
        for file in files {
            self.n_files += 1;
            for failure in failures(file, &chain)? {
                self.add(failure.into_iter().collect());
            }
        }
        Ok(())
    }
}

fn is_same(a: &Path, b: &Path) -> bool {
    a.canonicalize().ok().is_some_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}
