//! Follows log files.
#![forbid(unsafe_code)]
use super::Inbox;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// A log to follow.
#[derive(Clone, Debug)]
pub struct TailSpec {
    /// The file.
    pub path: PathBuf,
    /// How many of the lines that are there already are given first, as in `tail -n`.
    pub lines: u64,
    /// Go on when the end is reached; otherwise the source ends there.
    pub follow: bool,
    /// Wait for a file that is not there yet, instead of failing.
    pub retry: bool,
}

/// Why a log cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum TailError {}

/// Gives the lines of `spec` until `stop`.
pub async fn run(spec: TailSpec, inbox: Inbox, stop: CancellationToken) -> Result<(), TailError> {
    let _ = (spec, inbox, stop);
    Ok(())
}
