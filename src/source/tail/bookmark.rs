//! How far a log was heard, kept from one run to the next.
//!
//! A bookmark is what a follower knew when it read the last line that was heard: the files it read,
//! how far each was heard, and which rotated files it knew. A follower that resumes from it
//! handles what happened since as it handles what happens between two checks. It is written as lines
//! are acknowledged, in a task of its own, so that the follower does not wait for a disk.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use super::change::MARKER;
use super::rotation::Identity;
use crate::clock;
use crate::diagnostics::{quoted, reason};
use crate::message::FilePosition;
use crate::source::inbox::Ack;
use crate::text::hash;

/// How far a log was heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Bookmark {
    /// The log's name, for a user who opens the file.
    pub(super) path: String,
    /// The target of the name, if it is a link.
    pub(super) target: Option<String>,
    /// The files that were read, oldest first.
    pub(super) files: Vec<Entry>,
    /// Whether the last of them is the one that had the name.
    pub(super) has_current: bool,
    /// The rotated files that were known.
    pub(super) known: Vec<Identity>,
}

/// A file, and how far it was heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its generation, in the process that read it.
    #[serde(skip)]
    pub(super) generation: u32,
    #[serde(flatten)]
    pub(super) identity: Identity,
    #[serde(flatten)]
    pub(super) position: MarkedOffset,
}

/// An offset in a file, and how to recognize the file's content again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MarkedOffset {
    /// In bytes, from the beginning.
    pub(super) offset: u64,
    /// The last bytes before it, [`MARKER`] at most.
    pub(super) marker: Vec<u8>,
    /// The first bytes of the file, [`MARKER`] at most.
    pub(super) head: Vec<u8>,
}

impl MarkedOffset {
    /// Whether `file` has the content before the position.
    pub(super) fn is_in(&self, file: &File) -> bool {
        let before = self.offset - self.marker.len() as u64;
        holds(file, 0, &self.head) && holds(file, before, &self.marker)
    }
}

/// Whether `file` has `bytes` at `offset`.
pub(super) fn holds(file: &File, offset: u64, bytes: &[u8]) -> bool {
    let mut found = vec![0; bytes.len()];
    file.read_exact_at(&mut found, offset).is_ok() && found == bytes
}

/// The read that brought lines: where it was in the file, and what it saw there.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) generation: u32,
    /// Where in the file `window` begins: up to [`MARKER`] bytes before what is new.
    pub(super) base: u64,
    pub(super) window: Vec<u8>,
    /// Where the last of the lines ends.
    pub(super) end: u64,
    /// The first bytes of the file.
    pub(super) head: Vec<u8>,
}

impl Read {
    /// Whether the line that ends at `end` came with this read, or with one before it.
    fn reaches(&self, end: FilePosition) -> bool {
        self.generation == end.generation && end.offset <= self.end
    }

    /// How to recognize the file's content up to `offset`, which is in the window.
    fn marked(&self, offset: u64) -> MarkedOffset {
        let end = usize::try_from(offset - self.base).unwrap_or(usize::MAX).min(self.window.len());
        let marker = self.window[end.saturating_sub(MARKER)..end].to_vec();
        MarkedOffset { offset, marker, head: self.head.clone() }
    }
}

/// Lines that were sent and are not acknowledged yet.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) read: Read,
    /// The bookmark when they were read.
    pub(super) before: Arc<Bookmark>,
}

/// Turns the position up to which lines were heard into a bookmark.
#[derive(Debug)]
pub(super) struct AckTracker {
    parts: VecDeque<Part>,
    bookmark: Arc<Bookmark>,
    /// How far each generation was heard.
    heard: HashMap<u32, MarkedOffset>,
}

impl AckTracker {
    /// Nothing was sent yet.
    pub(super) fn new(bookmark: Arc<Bookmark>) -> Self {
        Self { parts: VecDeque::new(), bookmark, heard: HashMap::new() }
    }

    /// Lines were sent.
    pub(super) fn push(&mut self, part: Part) {
        self.parts.push_back(part);
    }

    /// Acknowledges all lines that were sent up to the one that ends at `end`: they will not be
    /// sent again.
    pub(super) fn acknowledge(&mut self, end: FilePosition) {
        let Some(last) = self.parts.iter().position(|part| part.read.reaches(end)) else { return };
        for _ in 0..last {
            self.hear_first(None);
        }
        self.hear_first(Some(end.offset));
    }

    /// The lines of the first part were heard up to `offset`; all of them, if none is given.
    fn hear_first(&mut self, offset: Option<u64>) {
        let Some(Part { read, before }) = self.parts.pop_front() else { return };
        if !Arc::ptr_eq(&self.bookmark, &before) {
            self.bookmark = Arc::clone(&before);
            let is_read = |generation| before.files.iter().any(|it| it.generation == generation);
            self.heard.retain(|generation, _| is_read(*generation));
        }
        let offset = offset.unwrap_or(read.end);
        self.heard.insert(read.generation, read.marked(offset));
        if offset < read.end {
            self.parts.push_front(Part { read, before });
        }
    }

    /// How far the log was heard.
    pub(super) fn bookmark(&self) -> Bookmark {
        let mut bookmark = Bookmark::clone(&self.bookmark);
        for entry in &mut bookmark.files {
            if let Some(marked) = self.heard.get(&entry.generation) {
                entry.position = marked.clone();
            }
        }
        bookmark
    }
}

/// The file in `folder` for the bookmark of the log `path`.
pub(super) fn file_for(folder: &Path, path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    folder.join(format!("{:016x}.json", hash(path.as_os_str().as_bytes())))
}

/// Reads a bookmark; there is none the first time. A damaged one is renamed to `.bad`.
pub(super) fn load(file: &Path) -> io::Result<Option<Bookmark>> {
    let text = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    if let Ok(bookmark) = serde_json::from_slice(&text) {
        return Ok(Some(bookmark));
    }
    fs::rename(file, file.with_extension("bad"))?;
    Err(io::Error::new(io::ErrorKind::InvalidData, "it was damaged, and put aside"))
}

/// Records in `file` that the logs of `pattern` were followed.
pub(super) fn mark(file: &Path, pattern: &Path) -> io::Result<()> {
    write(file, &serde_json::to_vec(&serde_json::json!({ "pattern": pattern.to_string_lossy() }))?)
}

/// Writes a bookmark atomically: a reader, even after a crash, finds this one or the one before.
/// Only the user may read it, because it holds a few words of the log.
pub(super) fn save(file: &Path, bookmark: &Bookmark) -> io::Result<()> {
    write(file, &serde_json::to_vec(bookmark)?)
}

fn write(file: &Path, text: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let new = file.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut writer = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writer.write_all(text)?;
    writer.sync_data()?;
    fs::rename(&new, file)
}

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
        let (acknowledge, heard) = watch::channel(None);
        let writing =
            Writing { file, tracker: AckTracker::new(bookmark), sent, heard, trouble: None };
        (Self { parts }, Ack::new(acknowledge, tokio::spawn(writing.run())))
    }

    /// Lines were sent.
    pub(super) fn note(&self, part: Part) {
        if self.parts.send(part).is_err() {
            tracing::debug!("the bookmark writer has ended");
        }
    }
}

struct Writing {
    file: PathBuf,
    tracker: AckTracker,
    sent: mpsc::UnboundedReceiver<Part>,
    /// Where the last line ends that was heard with all before it.
    heard: watch::Receiver<Option<FilePosition>>,
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
                changed = self.heard.changed() => {
                    self.acknowledge();
                    if changed.is_err() {
                        break;
                    }
                    due = due.or(Some(written + APART));
                }
                () = clock::at(due) => {
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
        if let Some(end) = *self.heard.borrow_and_update() {
            self.tracker.acknowledge(end);
        }
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
