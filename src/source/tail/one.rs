//! Follows one file: passes what its [`Follower`] finds to the listener, and waits for its
//! [`Watch`].
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::OpenOptions;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::bookmark::{self, Bookmark, BookmarkWriter, Part};
use super::follow::{BUFFER, Follower, Turn};
use super::reading::Given;
use super::rest::{self, Rest, Seat};
use super::spec::{Age, TailError, TailSpec};
use super::watch::Watch;
use crate::clock;
use crate::diagnostics::{quoted, reason};
use crate::source::inbox::{Ack, Closed, Inbox, Input};
use crate::source::lines::{Gatherer, Lines};

/// Sends the lines of the one file of `spec` until `stop`, after a sample of the lines before them.
/// It fails only at the start: later errors are retried.
pub(super) async fn run(
    spec: TailSpec,
    inbox: Inbox,
    stop: CancellationToken,
    age: Age,
) -> Result<(), TailError> {
    if spec.path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return tokio::select! {
            result = read_pipe(&spec, &inbox) => result,
            () = stop.cancelled() => Ok(()),
        };
    }
    let seat = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        seat = rest::take() => seat,
    };
    let file = spec.bookmarks.as_ref().map(|folder| bookmark::file_for(folder, &spec.path));
    let (mut follower, sample) = match file.as_deref().and_then(known) {
        Some(bookmark) => Follower::resume(&spec, inbox.source(), &bookmark, clock::now())?,
        None => Follower::start(&spec, inbox.source(), clock::now())?,
    };
    let writer = file.map(|file| BookmarkWriter::start(file, follower.bookmark()));
    let (bookmark_writer, ack) = writer.unzip();
    let output = Output { inbox, bookmark_writer, age };
    let send = async {
        output.begin(ack, sample).await?;
        if spec.follow {
            follow(follower, seat, &spec, &output, &stop).await
        } else {
            read(follower, &output, &stop).await
        }
    };
    if send.await.is_err() {
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

/// Where lines go: to the listener, and the reads that brought them to the bookmark writer.
struct Output {
    inbox: Inbox,
    bookmark_writer: Option<BookmarkWriter>,
    age: Age,
}

impl Output {
    /// Sends what comes before the first line.
    async fn begin(&self, ack: Option<Ack>, sample: Option<Lines>) -> Result<(), Closed> {
        if let Some(ack) = ack {
            self.inbox.send(Input::Resumable(self.inbox.source(), ack)).await?;
        }
        match sample {
            Some(sample) => self.inbox.send(Input::Sample(sample)).await,
            None => Ok(()),
        }
    }

    /// The bookmark from before a read, where one is written.
    fn before(&self, follower: &mut Follower) -> Option<Arc<Bookmark>> {
        self.bookmark_writer.as_ref().map(|_| follower.bookmark())
    }

    /// Reports, once, that not all logs are held open.
    async fn report_seats(&self) -> Result<(), Closed> {
        let Some(notice) = rest::notice() else { return Ok(()) };
        self.inbox.send(Input::Notice(self.inbox.source(), notice)).await
    }

    /// Sends lines; `is_caught_up` if all that the file held at the start was sent before.
    async fn send(
        &self,
        given: Given,
        before: Option<Arc<Bookmark>>,
        is_caught_up: bool,
    ) -> Result<(), Closed> {
        if let (Some(writer), Some(read), Some(before)) =
            (&self.bookmark_writer, given.read, before)
        {
            writer.note(Part { read, before });
        }
        let is_live = is_caught_up || self.age == Age::New;
        self.inbox.send(Input::Lines(given.lines.live(is_live))).await
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
                let next = wait(follower, seat, spec, watch, output, stop).await?;
                let Some(next) = next else { return Ok(()) };
                (follower, seat) = next;
            }
        }
    }
    Ok(())
}

/// Waits until there may be more to read; none after `stop`. Others may have a shared seat
/// meanwhile, if the follower can rest.
async fn wait(
    mut follower: Follower,
    seat: Seat,
    spec: &TailSpec,
    watch: &mut Watch,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Option<(Follower, Seat)>, Closed> {
    if seat.is_shared {
        match follower.rest(spec, clock::now()) {
            Rest::Awake(awake) => follower = *awake,
            Rest::Resting(resting) => {
                drop(seat);
                output.report_seats().await?;
                return Ok(resting.until_changed(watch, stop).await);
            }
        }
    }
    watch.watch_others(follower.has_retired());
    tokio::select! {
        () = stop.cancelled() => Ok(None),
        () = watch.changed(follower.deadline()) => Ok(Some((follower, seat))),
    }
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

/// The capacity of a pipe.
const READ: usize = 64 * 1024;

/// Sends the lines that are written to the pipe, until the listener ends or, without `follow`,
/// until the pipe's end.
async fn read_pipe(spec: &TailSpec, inbox: &Inbox) -> Result<(), TailError> {
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
            () = clock::at(quiet) => None,
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
