//! Which sources have ended, and how.
#![forbid(unsafe_code)]

use crate::error::Error;
use crate::source::SourceError;
use crate::source::notice::Notice;

/// The sources that have not ended.
pub(super) struct RunningSources {
    n_left: usize,
    /// Whether there was more than one at the start.
    are_many: bool,
    has_failed: bool,
}

/// What follows from the end of a source.
pub(super) enum SourceEnd {
    /// Nothing.
    Silently,
    /// This is to be spoken: a command among several failed.
    Announced(Notice),
    /// This is to be printed: another source failed, and others go on.
    Printed(String),
    /// The last source failed: that is the program's error.
    Failed(Error),
}

impl RunningSources {
    /// That many sources.
    pub(super) fn new(n: usize) -> Self {
        Self { n_left: n, are_many: n > 1, has_failed: false }
    }

    /// A source has ended.
    pub(super) fn ended(&mut self, ended: Result<(), SourceError>) -> SourceEnd {
        self.n_left -= 1;
        match ended {
            Ok(()) => SourceEnd::Silently,
            Err(SourceError::Command(error)) if self.are_many => {
                self.has_failed = true;
                SourceEnd::Announced(error.notice())
            }
            Err(error) if self.n_left == 0 && !self.has_failed => SourceEnd::Failed(error.into()),
            Err(error) => {
                self.has_failed = true;
                SourceEnd::Printed(error.to_string())
            }
        }
    }

    /// No source can send any more.
    pub(super) fn all_gone(&mut self) {
        self.n_left = 0;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n_left == 0
    }

    /// The result once all sources have ended.
    pub(super) fn result(&self) -> Result<(), Error> {
        if self.has_failed { Err(Error::SourcesFailed) } else { Ok(()) }
    }
}
