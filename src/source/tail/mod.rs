//! Follows log files.
//!
//! [`Follower`] knows one file and what happens to it, but neither the clock nor what wakes it;
//! `watch` wakes it; [`run`] drives the two. A line is on its way as soon as the system tells of
//! the write: nothing is gathered, nothing waits.
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
use crate::config::error::quoted;
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
    /// The file; or what many are called, or their directory.
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

impl TailSpec {
    /// Whether `path` can be followed, as far as its spelling goes; the error tells what is wrong.
    pub fn check(path: &Path) -> Result<(), String> {
        Pattern::of(path).map(|_| ())
    }
}

/// Gives the lines of `spec` until `stop`.
pub async fn run(spec: TailSpec, inbox: Inbox, stop: CancellationToken) -> Result<(), TailError> {
    if let Ok(Some(pattern)) = Pattern::of(&spec.path) {
        return file_set::run(pattern, &spec, &inbox, &stop).await;
    }
    // What cannot be a pattern may be a name.
    seats::count(1);
    run_one(spec, inbox, stop, Age::Old).await
}

/// Whether a file was there when listening began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// It was: nobody waited for what it holds.
    Old,
    /// It appeared since.
    New,
}

/// Gives the lines of the one file of `spec` until `stop`, after a sample of those that stand before
/// them. It fails only at the start: what happens to the file later is waited out.
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
    let mut way = Way { inbox, keeper: None, age };
    if let Some(file) = file {
        let (keeper, settled) = BookmarkWriter::start(file, follower.bookmark());
        way.keeper = Some(keeper);
        if way.inbox.send(Input::Counted(way.inbox.source(), settled)).await.is_err() {
            return Ok(());
        }
    }
    if let Some(sample) = sample
        && way.inbox.send(Input::Sample(sample)).await.is_err()
    {
        return Ok(());
    }
    let ended = if spec.follow {
        follow(follower, seat, &spec, &way, &stop).await
    } else {
        read(follower, &way, &stop).await
    };
    if ended.is_err() {
        tracing::debug!(path = ?spec.path, "nobody listens any more");
    }
    Ok(())
}

/// What the bookmark in `file` says, where there is one.
fn known(file: &Path) -> Option<Bookmark> {
    bookmark::load(file).unwrap_or_else(|error| {
        let why = reason(&error);
        tracing::warn!("the bookmark {} cannot be read: {why}", quoted(file));
        None
    })
}

/// The way of lines to the listener, and of their places to where a bookmark is kept.
struct Way {
    inbox: Inbox,
    keeper: Option<BookmarkWriter>,
    age: Age,
}

impl Way {
    /// The bookmark from before a read, where one is kept.
    fn before(&self, follower: &mut Follower) -> Option<Arc<Bookmark>> {
        self.keeper.as_ref().map(|_| follower.bookmark())
    }

    /// Tells, once, that not all logs are held open.
    async fn tell_seats(&self) -> Result<(), Closed> {
        let Some(news) = seats::news() else { return Ok(()) };
        self.inbox.send(Input::Notice(self.inbox.source(), news)).await
    }

    /// Hands on lines; `is_caught_up` where all that the file held at the start was given before.
    async fn give(
        &self,
        given: Given,
        before: Option<Arc<Bookmark>>,
        is_caught_up: bool,
    ) -> Result<(), Closed> {
        let lines = match (&self.keeper, before) {
            (Some(keeper), Some(before)) => keeper.note(given, before),
            _ => given.lines,
        };
        let is_live = is_caught_up || self.age == Age::New;
        self.inbox.send(Input::Lines(lines.live(is_live))).await
    }
}

thread_local! {
    /// What every turn works in: it does not wait, so that hundreds of files have one.
    static ROOM: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

fn turn(follower: &mut Follower) -> Turn {
    ROOM.with_borrow_mut(|room| follower.turn(room, clock::now()))
}

/// Hands on what `follower` finds, until `stop` or the end of the listener.
async fn follow(
    mut follower: Follower,
    mut seat: Seat,
    spec: &TailSpec,
    way: &Way,
    stop: &CancellationToken,
) -> Result<(), Closed> {
    let mut watch: Option<Watch> = None;
    while !stop.is_cancelled() {
        let before = way.before(&mut follower);
        match (turn(&mut follower), &mut watch) {
            (Turn::Lines(given), _) => {
                way.give(given, before, watch.is_some()).await?;
                yield_now().await; // a log that floods leaves the others their turn
            }
            (Turn::Again, _) => yield_now().await,
            (Turn::Switched, Some(watch)) => watch.aim(),
            // The last lines are on their way before the watch is set; what came meanwhile is
            // found by another turn.
            (Turn::Switched | Turn::Idle, None) => watch = Some(Watch::new(&spec.path, spec.poll)),
            (Turn::Idle, Some(watch)) => {
                if seat.is_shared {
                    match follower.rest(spec, clock::now()) {
                        Rest::Awake(awake) => follower = *awake,
                        Rest::Resting(resting) => {
                            drop(seat);
                            way.tell_seats().await?;
                            let Some(next) = resting.until_news(watch, stop).await else {
                                return Ok(());
                            };
                            (follower, seat) = next;
                            continue;
                        }
                    }
                }
                watch.mind_others(follower.has_retired());
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = watch.changed(follower.deadline()) => {}
                }
            }
        }
    }
    Ok(())
}

/// Hands on what the file holds, to its end.
async fn read(mut follower: Follower, way: &Way, stop: &CancellationToken) -> Result<(), Closed> {
    while !stop.is_cancelled() {
        let before = way.before(&mut follower);
        match turn(&mut follower) {
            Turn::Lines(given) => way.give(given, before, false).await?,
            Turn::Again | Turn::Switched => {}
            Turn::Idle => break,
        }
        yield_now().await;
    }
    let before = way.before(&mut follower);
    for given in follower.finish() {
        way.give(given, before.clone(), false).await?;
    }
    Ok(())
}
