//! Follows log files.
//!
//! [`Follower`] handles one file and everything that happens to it, without a clock; `watch` wakes
//! it; [`run`] drives the two. A line is sent as soon as the system reports the write: there is no
//! batching and no delay.
#![forbid(unsafe_code)]

mod bookmark;
mod bookmark_writer;
mod change;
mod error;
mod fifo;
mod file_set;
#[cfg(test)]
mod file_set_tests;
mod follow;
#[cfg(test)]
mod model;
mod open;
mod pattern;
mod reading;
mod rest;
mod resume;
mod rotation;
#[cfg(test)]
mod scenarios;
mod seats;
mod shared_watcher;
#[cfg(test)]
mod tests;
mod watch;

use std::cell::RefCell;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::{Closed, Inbox, Input};
use crate::clock;
use crate::diagnostics::quoted;
use bookmark::Bookmark;
use bookmark_writer::BookmarkWriter;
pub use error::TailError;
pub(super) use error::reason;
use follow::{BUFFER, Follower, Turn};
use pattern::Pattern;
use reading::Given;
use rest::Rest;
use seats::Seat;
use watch::Watch;

/// A log to follow.
#[derive(Clone, Debug)]
pub struct TailSpec {
    /// A file, a pattern or a directory.
    pub path: PathBuf,
    /// How many of the existing lines are sent first, as in `tail -n`; [`u64::MAX`] for all.
    pub lines: u64,
    /// Continue at the end of the file; otherwise the source ends there.
    pub follow: bool,
    /// Wait for a file that does not exist yet, instead of failing; only when following.
    pub retry: bool,
    /// Poll, where the system's file events do not report every write.
    pub poll: bool,
    /// The folder of the bookmarks, to resume where the log was last heard instead of at its last
    /// lines.
    pub bookmarks: Option<PathBuf>,
}

impl TailSpec {
    /// Checks the syntax of `path`; the error says what is wrong.
    pub fn check(path: &Path) -> Result<(), String> {
        Pattern::of(path).map(|_| ())
    }
}

/// Sends the lines of `spec` until `stop`.
pub async fn run(spec: TailSpec, inbox: Inbox, stop: CancellationToken) -> Result<(), TailError> {
    if let Ok(Some(pattern)) = Pattern::of(&spec.path) {
        return file_set::run(pattern, &spec, &inbox, &stop).await;
    }
    // An invalid pattern may be the name of a file.
    seats::count(1);
    run_one(spec, inbox, stop, Age::Old).await
}

/// Whether a file existed when listening began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// It did: its existing lines are not live.
    Old,
    /// It appeared later.
    New,
}

/// Sends the lines of the one file of `spec` until `stop`, after a sample of the lines before them.
/// It fails only at the start: later errors are retried.
async fn run_one(
    spec: TailSpec,
    inbox: Inbox,
    stop: CancellationToken,
    age: Age,
) -> Result<(), TailError> {
    if spec.path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return tokio::select! {
            result = fifo::run(&spec, &inbox) => result,
            () = stop.cancelled() => Ok(()),
        };
    }
    let seat = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        seat = seats::take() => seat,
    };
    let file = spec.bookmarks.as_ref().map(|folder| bookmark::file_for(folder, &spec.path));
    let (mut follower, sample) = match file.as_deref().and_then(known) {
        Some(bookmark) => Follower::resume(&spec, inbox.source(), &bookmark, clock::now())?,
        None => Follower::start(&spec, inbox.source(), clock::now())?,
    };
    let mut output = Output { inbox, bookmark_writer: None, age };
    if let Some(file) = file {
        let (writer, ack) = BookmarkWriter::start(file, follower.bookmark());
        output.bookmark_writer = Some(writer);
        if output.inbox.send(Input::Counted(output.inbox.source(), ack)).await.is_err() {
            return Ok(());
        }
    }
    if let Some(sample) = sample
        && output.inbox.send(Input::Sample(sample)).await.is_err()
    {
        return Ok(());
    }
    let ended = if spec.follow {
        follow(follower, seat, &spec, &output, &stop).await
    } else {
        read(follower, &output, &stop).await
    };
    if ended.is_err() {
        tracing::debug!(path = ?spec.path, "the listener has ended");
    }
    Ok(())
}

/// The bookmark in `file`, if there is one.
fn known(file: &Path) -> Option<Bookmark> {
    bookmark::load(file).unwrap_or_else(|error| {
        let why = reason(&error);
        tracing::warn!("the bookmark {} cannot be read: {why}", quoted(file));
        None
    })
}

/// Where lines go: to the listener, and their positions to the bookmark writer.
struct Output {
    inbox: Inbox,
    bookmark_writer: Option<BookmarkWriter>,
    age: Age,
}

impl Output {
    /// The bookmark from before a read, where one is written.
    fn before(&self, follower: &mut Follower) -> Option<Arc<Bookmark>> {
        self.bookmark_writer.as_ref().map(|_| follower.bookmark())
    }

    /// Reports, once, that not all logs are held open.
    async fn report_seats(&self) -> Result<(), Closed> {
        let Some(notice) = seats::notice() else { return Ok(()) };
        self.inbox.send(Input::Notice(self.inbox.source(), notice)).await
    }

    /// Sends lines; `is_caught_up` if all that the file held at the start was sent before.
    async fn send(
        &self,
        given: Given,
        before: Option<Arc<Bookmark>>,
        is_caught_up: bool,
    ) -> Result<(), Closed> {
        let lines = match (&self.bookmark_writer, before) {
            (Some(writer), Some(before)) => writer.note(given, before),
            _ => given.lines,
        };
        let is_live = is_caught_up || self.age == Age::New;
        self.inbox.send(Input::Lines(lines.live(is_live))).await
    }
}

thread_local! {
    /// The buffer of every turn: a turn does not wait, so hundreds of files share one.
    static SHARED_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

fn turn(follower: &mut Follower) -> Turn {
    SHARED_BUFFER.with_borrow_mut(|buffer| follower.turn(buffer, clock::now()))
}

/// Sends what `follower` finds, until `stop` or the end of the listener.
async fn follow(
    mut follower: Follower,
    mut seat: Seat,
    spec: &TailSpec,
    output: &Output,
    stop: &CancellationToken,
) -> Result<(), Closed> {
    let mut watch: Option<Watch> = None;
    while !stop.is_cancelled() {
        let before = output.before(&mut follower);
        match (turn(&mut follower), &mut watch) {
            (Turn::Lines(given), _) => {
                output.send(given, before, watch.is_some()).await?;
                yield_now().await; // so that a flooding log does not starve the others
            }
            (Turn::Again, _) => yield_now().await,
            (Turn::Switched, Some(watch)) => watch.update(),
            // The last lines are sent before the watch is set; another turn finds what was written
            // in between.
            (Turn::Switched | Turn::Idle, None) => watch = Some(Watch::new(&spec.path, spec.poll)),
            (Turn::Idle, Some(watch)) => {
                if seat.is_shared {
                    match follower.rest(spec, clock::now()) {
                        Rest::Awake(awake) => follower = *awake,
                        Rest::Resting(resting) => {
                            drop(seat);
                            output.report_seats().await?;
                            let Some(next) = resting.until_changed(watch, stop).await else {
                                return Ok(());
                            };
                            (follower, seat) = next;
                            continue;
                        }
                    }
                }
                watch.watch_others(follower.has_retired());
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = watch.changed(follower.deadline()) => {}
                }
            }
        }
    }
    Ok(())
}

/// Sends what the file holds, to its end.
async fn read(
    mut follower: Follower,
    output: &Output,
    stop: &CancellationToken,
) -> Result<(), Closed> {
    while !stop.is_cancelled() {
        let before = output.before(&mut follower);
        match turn(&mut follower) {
            Turn::Lines(given) => output.send(given, before, false).await?,
            Turn::Again | Turn::Switched => {}
            Turn::Idle => break,
        }
        yield_now().await;
    }
    let before = output.before(&mut follower);
    for given in follower.finish() {
        output.send(given, before.clone(), false).await?;
    }
    Ok(())
}
