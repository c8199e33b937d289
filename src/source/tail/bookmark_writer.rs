//! Writes a log's bookmark as lines are acknowledged, in a task of its own, so that the follower
//! does not wait for a disk.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::sleep_until;

use super::bookmark::{AckTracker, Bookmark, Part, save};
use super::error::reason;
use super::reading::Given;
use crate::clock;
use crate::diagnostics::quoted;
use crate::source::inbox::Ack;
use crate::source::lines::Lines;

/// The time between two writes: shorter than the shortest utterance, so that at most one is
/// repeated after a kill; a flood writes ten times a second.
const APART: Duration = Duration::from_millis(100);

/// The follower's handle to the task that writes the bookmark.
pub(super) struct BookmarkWriter {
    parts: mpsc::UnboundedSender<Part>,
}

impl BookmarkWriter {
    /// Writes `bookmark` to `file`, and advances it as lines are acknowledged.
    pub(super) fn start(file: PathBuf, bookmark: Arc<Bookmark>) -> (Self, Ack) {
        let (parts, sent) = mpsc::unbounded_channel();
        let (acknowledge, n_heard) = watch::channel(0);
        let writing =
            Writing { file, tracker: AckTracker::new(bookmark), sent, n_heard, trouble: None };
        (Self { parts }, Ack::new(acknowledge, tokio::spawn(writing.run())))
    }

    /// Records the place of the `given` lines; `before` is the bookmark from before they were read.
    pub(super) fn note(&self, given: Given, before: Arc<Bookmark>) -> Lines {
        let Given { lines, place } = given;
        if self.parts.send(Part { n_lines: lines.n_lines(), place, before }).is_err() {
            tracing::debug!("the bookmark writer has ended");
        }
        lines
    }
}

struct Writing {
    file: PathBuf,
    tracker: AckTracker,
    sent: mpsc::UnboundedReceiver<Part>,
    n_heard: watch::Receiver<u64>,
    /// Why it cannot be written, as last logged.
    trouble: Option<String>,
}

impl Writing {
    /// Runs until the listener has ended.
    async fn run(mut self) {
        let mut written = clock::now();
        let mut due = Some(written);
        loop {
            tokio::select! {
                Some(part) = self.sent.recv() => self.tracker.push(part),
                changed = self.n_heard.changed() => {
                    self.acknowledge();
                    if changed.is_err() {
                        break;
                    }
                    due = due.or(Some(written + APART));
                }
                () = at(due), if due.is_some() => {
                    self.write().await;
                    (written, due) = (clock::now(), None);
                }
            }
        }
        self.write().await;
    }

    fn acknowledge(&mut self) {
        while let Ok(part) = self.sent.try_recv() {
            self.tracker.push(part); // lines are sent before they are heard
        }
        self.tracker.acknowledge(*self.n_heard.borrow_and_update());
    }

    async fn write(&mut self) {
        let (file, bookmark) = (self.file.clone(), self.tracker.bookmark());
        let written = tokio::task::spawn_blocking(move || save(&file, &bookmark)).await;
        let why = written.ok().and_then(Result::err).map(|error| reason(&error));
        if let Some(why) = why.as_ref().filter(|why| self.trouble.as_ref() != Some(*why)) {
            tracing::warn!("the bookmark {} cannot be written: {why}", quoted(&self.file));
        }
        self.trouble = why;
    }
}

async fn at(due: Option<Instant>) {
    sleep_until(due.unwrap_or_else(clock::now).into()).await;
}
