//! Checks in a separate process that the engine has the voices, and the sound system the device,
//! that a configuration names. The voice process is not asked: it may be busy speaking.
#![forbid(unsafe_code)]

use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::time::timeout;

use super::{SUBCOMMAND, cookie};
use crate::executable;
use crate::wire::{Check, Checked, First, line};

/// How long the answer may take: the sound server may be slow, and the client of a reload waits
/// for five seconds.
const LIMIT: Duration = Duration::from_secs(4);

/// The result of `check`; none where there is no answer.
pub(crate) async fn ask(check: &Check) -> Option<Checked> {
    match timeout(LIMIT, answer(check)).await {
        Ok(Ok(checked)) => Some(checked),
        Ok(Err(error)) => {
            tracing::warn!(%error, "voices and device are not checked");
            None
        }
        Err(_) => {
            tracing::warn!("voices and device are not checked: no answer within {LIMIT:?}");
            None
        }
    }
}

async fn answer(check: &Check) -> io::Result<Checked> {
    let mut command = Command::new(executable::own()?);
    command.arg(SUBCOMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true);
    if let Some(cookie) = cookie::needed() {
        command.env("PULSE_COOKIE", cookie);
    }
    let mut child = command.spawn()?;
    let missing = || io::Error::other("a pipe is missing");
    let (mut stdin, mut stdout) =
        (child.stdin.take().ok_or_else(missing)?, child.stdout.take().ok_or_else(missing)?);
    stdin.write_all(&line(&First::Check(check.clone()))).await?;
    drop(stdin);
    let mut answer = Vec::new();
    stdout.read_to_end(&mut answer).await?;
    serde_json::from_slice(&answer).map_err(io::Error::other)
}
