//! Keeps a log's bookmark where the listener is, beside the lines' way: who follows the log does
//! not wait for a disk.
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
use crate::config::error::quoted;
use crate::source::Ack;
use crate::source::lines::Lines;

/// How long after one writing the next may follow: shorter than the shortest sentence, so that no
/// second one is heard again after a kill; a flood writes ten times a second.
const APART: Duration = Duration::from_millis(100);

/// The way to where the bookmark is kept.
pub(super) struct BookmarkWriter {
    parts: mpsc::UnboundedSender<Part>,
}

impl BookmarkWriter {
    /// Keeps `bookmark` in `file`, and moves it on as far as the other end says that it heard.
    pub(super) fn start(file: PathBuf, bookmark: Arc<Bookmark>) -> (Self, Ack) {
        let (parts, given) = mpsc::unbounded_channel();
        let (settled, heard) = watch::channel(0);
        let keeping =
            Writing { file, ledger: AckTracker::new(bookmark), given, heard, trouble: None };
        (Self { parts }, Ack::new(settled, tokio::spawn(keeping.run())))
    }

    /// Takes down where what was `given` stood; `before` is the bookmark from before it was read.
    pub(super) fn note(&self, given: Given, before: Arc<Bookmark>) -> Lines {
        let Given { lines, place } = given;
        if self.parts.send(Part { n_lines: lines.n_lines(), place, before }).is_err() {
            tracing::debug!("the bookmark is kept no more");
        }
        lines
    }
}

struct Writing {
    file: PathBuf,
    ledger: AckTracker,
    given: mpsc::UnboundedReceiver<Part>,
    /// How many lines were heard.
    heard: watch::Receiver<u64>,
    /// Why it cannot be written, as it was told.
    trouble: Option<String>,
}

impl Writing {
    /// Until the listener has ended.
    async fn run(mut self) {
        let mut written = clock::now();
        let mut due = Some(written);
        loop {
            tokio::select! {
                Some(part) = self.given.recv() => self.ledger.push(part),
                changed = self.heard.changed() => {
                    self.settle();
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

    fn settle(&mut self) {
        while let Ok(part) = self.given.try_recv() {
            self.ledger.push(part); // what was heard was given before
        }
        self.ledger.settle(*self.heard.borrow_and_update());
    }

    async fn write(&mut self) {
        let (file, bookmark) = (self.file.clone(), self.ledger.bookmark());
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
