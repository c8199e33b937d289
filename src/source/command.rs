//! The output of a command.
#![forbid(unsafe_code)]
use super::Inbox;
use std::ffi::OsString;
use tokio_util::sync::CancellationToken;

/// Why a command's output cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {}

/// Runs `command` (program and arguments) and gives the lines it prints, until it ends or `stop`.
pub async fn run(
    command: Vec<OsString>,
    inbox: Inbox,
    stop: CancellationToken,
) -> Result<(), CommandError> {
    let _ = (command, inbox, stop);
    Ok(())
}
