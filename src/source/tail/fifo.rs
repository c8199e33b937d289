//! Reads a named pipe as a stream.
#![forbid(unsafe_code)]

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::OpenOptions;
use tokio::time::sleep_until;

use super::error::TailError;
use super::spec::TailSpec;
use crate::clock;
use crate::source::inbox::{Inbox, Input};
use crate::source::lines::Gatherer;

/// The capacity of a pipe.
const READ: usize = 64 * 1024;

/// Sends the lines that are written to the pipe, until the listener ends or, without `follow`,
/// until the pipe's end.
pub(super) async fn run(spec: &TailSpec, inbox: &Inbox) -> Result<(), TailError> {
    let failed = |error: io::Error| TailError::opening(&spec.path, &error, false);
    // Opened for writing too, it does not end when a writer closes it.
    let pipe = OpenOptions::new().read_write(spec.follow).open_receiver(&spec.path);
    let mut pipe = pipe.map_err(failed)?;
    let mut lines = Gatherer::new(inbox.source());
    let mut buffer = Vec::with_capacity(READ);
    loop {
        buffer.clear();
        let quiet = lines.deadline();
        let read = tokio::select! {
            biased;
            read = pipe.read_buf(&mut buffer) => Some(read.map_err(failed)?),
            () = sleep_until(quiet.unwrap_or_else(clock::now).into()), if quiet.is_some() => None,
        };
        let whole = match read {
            Some(0) | None => lines.flush(),
            Some(_) => lines.push(&buffer, clock::now()),
        };
        if let Some(whole) = whole
            && inbox.send(Input::Lines(whole)).await.is_err()
        {
            return Ok(());
        }
        if read == Some(0) {
            return Ok(());
        }
    }
}
