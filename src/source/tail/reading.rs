//! One file, and how far it is read.
#![forbid(unsafe_code)]

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Instant;

use super::change::{FileKey, MARKER, Sight, kind, sight};
use super::open;
use crate::message::SourceId;
use crate::source::lines::{Gatherer, Lines};

/// What one read brought.
pub(super) enum Progress {
    Lines(Lines),
    /// Bytes that ended no line.
    Partial,
    End,
    Rewritten,
}

/// A file, and how far it is read.
#[derive(Debug)]
pub(super) struct Reading {
    file: File,
    pub(super) key: FileKey,
    pub(super) offset: u64,
    /// The first bytes, a marker's length at most: by them a copy is known.
    head: Vec<u8>,
    /// The last bytes before the offset.
    marker: Vec<u8>,
    pub(super) lines: Gatherer,
}

impl Reading {
    /// `file`, from its beginning.
    pub(super) fn new(file: File, key: FileKey, source: SourceId) -> Self {
        let lines = Gatherer::new(source);
        Self { file, key, offset: 0, head: Vec::new(), marker: Vec::new(), lines }
    }

    /// From `offset`, before which stands `marker`.
    pub(super) fn at(self, offset: u64, marker: Vec<u8>) -> Self {
        let head = bytes_at(&self.file, 0, offset.min(MARKER as u64)).unwrap_or_default();
        Self { offset, head, marker, ..self }
    }

    /// What `file` is to this text, which may stand in this file no more.
    pub(super) fn kinship(&self, file: &File) -> Kinship {
        let before = self.offset - self.marker.len() as u64;
        let holds = |offset, bytes: &[u8]| {
            bytes_at(file, offset, bytes.len() as u64).is_ok_and(|found| found == bytes)
        };
        match () {
            () if !self.marker.is_empty() && holds(before, &self.marker) => Kinship::Copy,
            () if self.head.len() == MARKER && holds(0, &self.head) => Kinship::Snapshot,
            () => Kinship::Other,
        }
    }

    /// Goes on in `file`, a copy, where the reading of this text ended, and begins anew here.
    pub(super) fn move_to(&mut self, file: File, key: FileKey, source: SourceId) -> Self {
        let lines = std::mem::replace(&mut self.lines, Gatherer::new(source));
        let (head, marker) = (self.head.clone(), self.marker.clone());
        let copy = Self { file, key, offset: self.offset, head, marker, lines };
        self.restart(source);
        copy
    }

    /// From the beginning.
    pub(super) fn restart(&mut self, source: SourceId) {
        (self.offset, self.lines) = (0, Gatherer::new(source));
        self.marker.clear();
        self.head.clear();
    }

    /// Reads once. The same read sees the news and whether the text before them is still the
    /// same: nothing can happen in between.
    pub(super) fn read(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<Progress> {
        let n = match self.file.read_at(buffer, self.offset - self.marker.len() as u64) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Progress::Partial),
            read => read?,
        };
        let window = &buffer[..n];
        let news = match sight(&self.marker, window) {
            Sight::Goes([]) => return Ok(Progress::End),
            Sight::Goes(news) => news,
            Sight::Rewritten => return Ok(Progress::Rewritten),
        };
        let lines = if memchr::memchr(0, news).is_some() {
            // What a writer that kept its place leaves after a truncation may be longer than a
            // line is allowed to be.
            let text: Vec<u8> = news.iter().copied().filter(|&byte| byte != 0).collect();
            self.lines.push(&text, now)
        } else {
            self.lines.push(news, now)
        };
        if self.offset == self.head.len() as u64 {
            let room = MARKER - self.head.len();
            self.head.extend_from_slice(&news[..news.len().min(room)]);
        }
        self.offset += news.len() as u64;
        self.marker.clear();
        self.marker.extend_from_slice(&window[n.saturating_sub(MARKER)..]);
        Ok(lines.map_or(Progress::Partial, Progress::Lines))
    }

    /// Reads on in the file `path`, where this one cannot be read any more. Whether the text is the
    /// same, the next read sees.
    pub(super) fn reopen(&mut self, path: &Path) -> io::Result<()> {
        let (file, metadata) = open::open(path)?;
        if kind(&metadata).is_none() {
            (self.file, self.key) = (file, FileKey::from(&metadata));
        }
        Ok(())
    }

    /// When its unfinished line has waited long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lines.deadline()
    }

    /// The unfinished line, when it has waited long enough.
    pub(super) fn flush_due(&mut self, now: Instant) -> Option<Lines> {
        self.deadline().filter(|&deadline| deadline <= now)?;
        self.lines.flush()
    }

    /// Whether the file may have a name still, whichever.
    pub(super) fn is_linked(&self) -> bool {
        self.metadata().map_or(true, |metadata| metadata.nlink() > 0)
    }

    /// What the system tells of the file.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }
}

/// What a file is to a text that was read in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kinship {
    /// A copy of it, at least as far as it was read.
    Copy,
    /// A copy of its beginning.
    Snapshot,
    /// Another text.
    Other,
}

/// `n` bytes of `file` that begin at `offset`.
fn bytes_at(file: &File, offset: u64, n: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(n).unwrap_or(0)];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::change::is_lost;
    use super::*;

    #[test]
    fn a_handle_that_is_lost_is_replaced_and_the_text_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let (log, now) = (directory.path().join("log"), crate::clock::test_now());
        fs::write(&log, "one\n").unwrap();
        let (file, metadata) = open::open(&log).unwrap();
        let mut reading = Reading::new(file, FileKey::from(&metadata), SourceId(0));
        let mut buffer = [0; 256];
        assert!(matches!(reading.read(&mut buffer, now), Ok(Progress::Lines(_))));
        let mut lose = |text: &str| {
            // A read at its beginning fails as one of a lost file does.
            reading.file = File::open("/proc/self/mem").unwrap();
            assert!(reading.read(&mut buffer, now).is_err_and(|error| is_lost(&error)));
            fs::write(&log, text).unwrap();
            reading.reopen(&log).unwrap();
            match reading.read(&mut buffer, now) {
                Ok(Progress::Lines(lines)) => lines.iter().map(|it| it.text.into_owned()).collect(),
                Ok(Progress::Rewritten) => vec!["rewritten".to_owned()],
                other => panic!("{:?}", other.map(|_| "no lines")),
            }
        };
        assert_eq!(lose("one\ntwo\n"), ["two"]);
        assert_eq!(lose("another\n"), ["rewritten"]);
    }
}
