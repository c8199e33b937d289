//! How far a log was heard, kept from one run to the next.
//!
//! A bookmark is what a follower knew when it read the last line that was heard: the files it read,
//! how far each was heard, and which rotated files it knew. A follower that resumes from it
//! ([`super::resume`]) handles what happened since as it handles what happens between two checks.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::MARKER;
use super::rotation::Identity;
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
    /// The number of its reading, in the process that read it.
    #[serde(skip)]
    pub(super) reading: u32,
    #[serde(flatten)]
    pub(super) identity: Identity,
    #[serde(flatten)]
    pub(super) position: FilePosition,
}

/// A position in a file, and how to recognize the file's content again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FilePosition {
    /// In bytes, from the beginning.
    pub(super) offset: u64,
    /// The last bytes before it, [`MARKER`] at most.
    pub(super) marker: Vec<u8>,
    /// The first bytes of the file, [`MARKER`] at most.
    pub(super) head: Vec<u8>,
}

impl FilePosition {
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

/// The place of sent lines in their file.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) reading: u32,
    /// Where in the file `window` begins.
    pub(super) base: u64,
    /// How many bytes of `window` were read before.
    pub(super) n_before: usize,
    /// The bytes that were read.
    pub(super) window: Vec<u8>,
    /// The first bytes of the file.
    pub(super) head: Vec<u8>,
}

impl Place {
    /// The position after the first `n` of the `n_lines` lines that were sent.
    fn behind(&self, n: u64, n_lines: u64) -> FilePosition {
        let news = &self.window[self.n_before..];
        let n_ends = memchr::memchr_iter(b'\n', news).count();
        // The end of a line that was sent before may produce no line of its own.
        let n_silent = n_ends.saturating_sub(usize::try_from(n_lines).unwrap_or(usize::MAX));
        let nth = if n >= n_lines { n_ends } else { usize::try_from(n).unwrap_or(0) + n_silent };
        let end = nth.checked_sub(1).and_then(|nth| memchr::memchr_iter(b'\n', news).nth(nth));
        // Without a line end, the line is all of the window.
        let end = end.map_or(self.window.len(), |end| self.n_before + end + 1);
        let marker = self.window[end.saturating_sub(MARKER)..end].to_vec();
        FilePosition { offset: self.base + end as u64, marker, head: self.head.clone() }
    }
}

/// Lines that were sent and are not acknowledged yet.
#[derive(Debug)]
pub(super) struct Part {
    /// How many there are.
    pub(super) n_lines: u64,
    pub(super) place: Option<Place>,
    /// The bookmark when they were read.
    pub(super) before: Arc<Bookmark>,
}

/// Turns a count of lines that were heard into a bookmark.
#[derive(Debug)]
pub(super) struct AckTracker {
    parts: VecDeque<Part>,
    /// How many lines were sent before those of `parts`.
    n_gone: u64,
    bookmark: Arc<Bookmark>,
    /// How far the readings were heard, by their numbers.
    positions: HashMap<u32, FilePosition>,
}

impl AckTracker {
    /// Nothing was sent yet.
    pub(super) fn new(bookmark: Arc<Bookmark>) -> Self {
        Self { parts: VecDeque::new(), n_gone: 0, bookmark, positions: HashMap::new() }
    }

    /// Lines were sent.
    pub(super) fn push(&mut self, part: Part) {
        self.parts.push_back(part);
    }

    /// Acknowledges the first `n` of all sent lines: they will not be sent again.
    pub(super) fn acknowledge(&mut self, n: u64) {
        while let Some(part) = self.parts.front()
            && n > self.n_gone
        {
            let n_heard = (n - self.n_gone).min(part.n_lines);
            if !Arc::ptr_eq(&self.bookmark, &part.before) {
                self.bookmark = Arc::clone(&part.before);
                let files = &self.bookmark.files;
                self.positions.retain(|reading, _| files.iter().any(|it| it.reading == *reading));
            }
            if let Some(place) = &part.place {
                self.positions.insert(place.reading, place.behind(n_heard, part.n_lines));
            }
            if n_heard < part.n_lines {
                return;
            }
            self.n_gone += part.n_lines;
            self.parts.pop_front();
        }
    }

    /// How far the log was heard.
    pub(super) fn bookmark(&self) -> Bookmark {
        let mut bookmark = Bookmark::clone(&self.bookmark);
        for entry in &mut bookmark.files {
            if let Some(position) = self.positions.get(&entry.reading) {
                entry.position = position.clone();
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
