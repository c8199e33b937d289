//! Why a source cannot go on.
#![forbid(unsafe_code)]

use super::command::error::CommandError;
use super::irc::error::IrcError;
use super::tail::spec::TailError;

/// A source that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A log that cannot be followed.
    #[error(transparent)]
    Tail(#[from] TailError),
    /// An IRC server that cannot be reached, or refuses.
    #[error(transparent)]
    Irc(#[from] IrcError),
    /// A command that does not start, or failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// Standard input that cannot be read.
    #[error("cannot read standard input: {0}")]
    Stdin(#[source] std::io::Error),
}
