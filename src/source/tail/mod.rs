//! Follows log files.
//!
//! [`Follower`] knows one file and what happens to it, but neither the clock nor what wakes it;
//! `watch` wakes it; [`run`] drives the two. A line is on its way as soon as the system tells of
//! the write: nothing is gathered, nothing waits.
#![forbid(unsafe_code)]

mod bookmark;
mod change;
mod error;
mod fifo;
mod follow;
mod hub;
mod kin;
#[cfg(test)]
mod model;
mod open;
mod reading;
mod resume;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod tests;
mod watch;

use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;

use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::{Inbox, Input};
use crate::clock;
pub use error::TailError;
pub(super) use error::reason;
use follow::{BUFFER, Follower, Turn};
use watch::Watch;

/// A log to follow.
#[derive(Clone, Debug)]
pub struct TailSpec {
    /// The file.
    pub path: PathBuf,
    /// How many of the lines that are there already are given first, as in `tail -n`;
    /// [`u64::MAX`] for all of them.
    pub lines: u64,
    /// Go on when the end is reached; otherwise the source ends there.
    pub follow: bool,
    /// Wait for a file that is not there yet, instead of failing; only when following.
    pub retry: bool,
    /// Look by the clock alone, where the system's file events do not tell of every write.
    pub poll: bool,
    /// The folder of the bookmarks, to go on where the log was last heard, and not with its last
    /// lines.
    pub bookmarks: Option<PathBuf>,
}

/// Gives the lines of `spec` until `stop`, after a sample of those that stand before them. It
/// fails only at the start: what happens to the file later is waited out.
pub async fn run(spec: TailSpec, inbox: Inbox, stop: CancellationToken) -> Result<(), TailError> {
    if spec.path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return tokio::select! {
            result = fifo::run(&spec, &inbox) => result,
            () = stop.cancelled() => Ok(()),
        };
    }
    let (follower, sample) = Follower::start(&spec, inbox.source(), clock::now())?;
    if let Some(sample) = sample
        && inbox.send(Input::Sample(sample)).await.is_err()
    {
        return Ok(());
    }
    if spec.follow {
        follow(follower, &spec, &inbox, &stop).await;
    } else {
        read(follower, &inbox, &stop).await;
    }
    Ok(())
}

/// Hands on what `follower` finds, until `stop` or the end of the listener.
async fn follow(mut follower: Follower, spec: &TailSpec, inbox: &Inbox, stop: &CancellationToken) {
    let mut buffer = vec![0; BUFFER];
    let mut watch: Option<Watch> = None;
    while !stop.is_cancelled() {
        match (follower.turn(&mut buffer, clock::now()), &mut watch) {
            (Turn::Lines(given), _) => {
                if inbox.send(Input::Lines(given.lines)).await.is_err() {
                    return;
                }
                yield_now().await; // a log that floods leaves the others their turn
            }
            (Turn::Again, _) => yield_now().await,
            (Turn::Switched, Some(watch)) => watch.aim(),
            // The last lines are on their way before the watch is set; what came meanwhile is
            // found by another turn.
            (Turn::Switched | Turn::Idle, None) => watch = Some(Watch::new(&spec.path, spec.poll)),
            (Turn::Idle, Some(watch)) => {
                watch.mind_others(follower.has_retired());
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = watch.changed(follower.deadline()) => {}
                }
            }
        }
    }
}

/// Hands on what the file holds, to its end.
async fn read(mut follower: Follower, inbox: &Inbox, stop: &CancellationToken) {
    let mut buffer = vec![0; BUFFER];
    while !stop.is_cancelled() {
        match follower.turn(&mut buffer, clock::now()) {
            Turn::Lines(given) => {
                if inbox.send(Input::Lines(given.lines)).await.is_err() {
                    return;
                }
            }
            Turn::Again | Turn::Switched => {}
            Turn::Idle => break,
        }
        yield_now().await;
    }
    for given in follower.finish() {
        if inbox.send(Input::Lines(given.lines)).await.is_err() {
            return;
        }
    }
}
