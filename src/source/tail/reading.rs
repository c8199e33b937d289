//! An open file, and how far it is read.
#![forbid(unsafe_code)]

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Instant;

use super::bookmark::{Entry, MarkedOffset, Read, holds};
use super::change::{FileKey, MARKER, Sight, kind, open, sight};
use super::rotation::Identity;
use crate::message::SourceId;
use crate::source::lines::{Gatherer, Lines};

/// Lines; if a bookmark is kept they have their positions, and the read that brought them is kept.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) lines: Lines,
    pub(super) read: Option<Read>,
}

/// The result of one read.
pub(super) enum Progress {
    Lines(Given),
    /// Bytes without a complete line.
    Partial,
    End,
    Rewritten,
}

/// An open file, and how far it is read.
#[derive(Debug)]
pub(super) struct Reading {
    file: File,
    pub(super) key: FileKey,
    pub(super) offset: u64,
    /// The first bytes, [`MARKER`] at most: they identify a copy.
    head: Vec<u8>,
    /// The last bytes before the offset.
    marker: Vec<u8>,
    lines: Gatherer,
    /// How many of the bytes before the offset belong to a line that was not sent yet.
    unfinished: u64,
    /// Its generation, if a bookmark is kept.
    generation: Option<u32>,
}

impl Reading {
    /// Reads `file` from its beginning.
    pub(super) fn new(file: File, key: FileKey, source: SourceId) -> Self {
        Self {
            file,
            key,
            offset: 0,
            head: Vec::new(),
            marker: Vec::new(),
            lines: Gatherer::new(source),
            unfinished: 0,
            generation: None,
        }
    }

    /// The same, with its generation, if a bookmark is kept.
    pub(super) fn of_generation(self, generation: Option<u32>) -> Self {
        Self { generation, ..self }
    }

    /// The same, from `offset`; `marker` is what precedes it.
    pub(super) fn at(self, offset: u64, marker: Vec<u8>) -> Self {
        let head = bytes_at(&self.file, 0, offset.min(MARKER as u64)).unwrap_or_default();
        Self { offset, head, marker, ..self }
    }

    /// The same, from a bookmark's `position`, whether the file still has that content or not.
    pub(super) fn resumed_at(self, position: &MarkedOffset) -> Self {
        let MarkedOffset { offset, marker, head } = position.clone();
        let continues = marker.last().is_some_and(|&last| last != b'\n');
        Self { offset, head, marker, lines: self.lines.continuing(continues), ..self }
    }

    /// Its entry in a bookmark; the unfinished line counts as unread.
    pub(super) fn entry(&self) -> Entry {
        let offset = self.offset - self.unfinished;
        let before = offset.saturating_sub(MARKER as u64);
        let marker = bytes_at(&self.file, before, offset - before).unwrap_or_default();
        let position = MarkedOffset { offset, marker, head: self.head.clone() };
        let born = self.metadata().ok().and_then(|it| it.created().ok());
        let identity = Identity { key: self.key, born };
        Entry { generation: self.generation.unwrap_or_default(), identity, position }
    }

    /// Compares `file` with the content that was read here, which may be gone from this file.
    pub(super) fn content_match(&self, file: &File) -> ContentMatch {
        let before = self.offset - self.marker.len() as u64;
        match () {
            () if !self.marker.is_empty() && holds(file, before, &self.marker) => {
                ContentMatch::Copy
            }
            () if self.head.len() == MARKER && holds(file, 0, &self.head) => ContentMatch::Snapshot,
            () => ContentMatch::Other,
        }
    }

    /// Continues this reading in `file`, a copy, and restarts here with the next `generation`.
    pub(super) fn move_to(
        &mut self,
        file: File,
        key: FileKey,
        source: SourceId,
        generation: Option<u32>,
    ) -> Self {
        let copy = Self {
            file,
            key,
            offset: self.offset,
            head: self.head.clone(),
            marker: self.marker.clone(),
            lines: std::mem::replace(&mut self.lines, Gatherer::new(source)),
            unfinished: self.unfinished,
            generation: self.generation,
        };
        self.restart(source, generation);
        copy
    }

    /// Restarts at the beginning, with the next `generation`.
    pub(super) fn restart(&mut self, source: SourceId, generation: Option<u32>) {
        (self.offset, self.unfinished, self.generation) = (0, 0, generation);
        self.lines = Gatherer::new(source);
        self.marker.clear();
        self.head.clear();
    }

    /// Reads once. The same read returns the new bytes and the marker before them: nothing can
    /// change the file in between.
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
        let lines = if memchr::memmem::find(news, &HOLE).is_some() {
            self.lines.push(&without_holes(news), now)
        } else {
            self.lines.push(news, now)
        };
        if self.offset == self.head.len() as u64 {
            let room = MARKER - self.head.len();
            self.head.extend_from_slice(&news[..news.len().min(room)]);
        }
        let rest = memchr::memrchr(b'\n', news).map_or(news.len(), |end| news.len() - end - 1);
        self.unfinished = if rest < news.len() { 0 } else { self.unfinished } + rest as u64;
        let ends = memchr::memchr_iter(b'\n', news).map(|at| self.offset + at as u64 + 1);
        let given = lines.map(|lines| self.given(lines, ends, window));
        self.offset += news.len() as u64;
        self.marker.clear();
        self.marker.extend_from_slice(&window[n.saturating_sub(MARKER)..]);
        Ok(given.map_or(Progress::Partial, Progress::Lines))
    }

    /// The lines with these `ends`, which were read at the end of `window`; that begins a marker's
    /// length before the offset.
    fn given(&self, lines: Lines, ends: impl Iterator<Item = u64>, window: &[u8]) -> Given {
        let Some(generation) = self.generation else { return Given { lines, read: None } };
        let ends: Vec<u64> = ends.collect();
        let read = Read {
            generation,
            base: self.offset - self.marker.len() as u64,
            window: window.to_vec(),
            end: ends.last().copied().unwrap_or(self.offset),
            head: self.head.clone(),
        };
        Given { lines: lines.ending_at(generation, ends), read: Some(read) }
    }

    /// Replaces a lost file by the one at `path`. The next read checks whether the content is the
    /// same.
    pub(super) fn reopen(&mut self, path: &Path) -> io::Result<()> {
        let (file, metadata) = open(path)?;
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
    pub(super) fn flush_due(&mut self, now: Instant) -> Option<Given> {
        self.deadline().filter(|&deadline| deadline <= now)?;
        self.flush()
    }

    /// The unfinished line.
    pub(super) fn flush(&mut self) -> Option<Given> {
        let lines = self.lines.flush()?;
        self.unfinished = 0;
        Some(self.given(lines, std::iter::once(self.offset), &self.marker))
    }

    /// Whether the file begins with `head`.
    pub(super) fn begins_with(&self, head: &[u8]) -> bool {
        holds(&self.file, 0, head)
    }

    /// Whether the file may still have a name, whichever.
    pub(super) fn is_linked(&self) -> bool {
        self.metadata().map_or(true, |metadata| metadata.nlink() > 0)
    }

    /// Whether the file has nothing new, judged by its size.
    pub(super) fn is_at_its_end(&self) -> bool {
        self.metadata().is_ok_and(|metadata| metadata.size() == self.offset)
    }

    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }
}

/// More NUL bytes in a row than any text has, including UTF-16.
const HOLE: [u8; 4] = [0; 4];

/// `news` without holes: a writer that keeps its offset after a truncation leaves one, which may
/// exceed the longest line allowed.
fn without_holes(news: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(news.len());
    for run in news.chunk_by(|a, b| (*a == 0) == (*b == 0)) {
        if !run.starts_with(&HOLE) {
            text.extend_from_slice(run);
        }
    }
    text
}

/// How a file compares with content that was read in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentMatch {
    /// A copy of it, at least as far as it was read.
    Copy,
    /// A copy of its beginning.
    Snapshot,
    /// Other content.
    Other,
}

/// `n` bytes of `file` that begin at `offset`.
fn bytes_at(file: &File, offset: u64, n: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(n).unwrap_or(0)];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

/// How much is read at once, backwards.
const BLOCK: usize = 64 * 1024;

/// How many lines a sample for format detection has at most.
const SAMPLE_LINES: u64 = 200;

/// How many bytes a sample for format detection has at most.
const SAMPLE: u64 = 64 * 1024;

/// Where the last `lines` lines of the first `size` bytes of `file` begin, and the lines before
/// them as a sample for format detection.
pub(super) fn place(file: &File, size: u64, lines: u64) -> io::Result<(u64, Vec<u8>)> {
    let found = last_lines(file, size, lines)
        .and_then(|offset| sample(file, offset).map(|sample| (offset, sample)));
    match found {
        // Truncated just now: all of its content is new.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok((0, Vec::new())),
        found => found,
    }
}

/// Where the last `lines` lines of the first `size` bytes of `file` begin. An unfinished last
/// line is one of them.
fn last_lines(file: &File, size: u64, lines: u64) -> io::Result<u64> {
    if lines == 0 {
        return Ok(size);
    }
    if lines == u64::MAX {
        return Ok(0);
    }
    let mut block = vec![0; BLOCK];
    let (mut start, mut found) = (size, 0);
    while start > 0 {
        let end = start;
        start = end.saturating_sub(BLOCK as u64);
        let n = usize::try_from(end - start).unwrap_or(BLOCK);
        file.read_exact_at(&mut block[..n], start)?;
        for place in memchr::memrchr_iter(b'\n', &block[..n]) {
            let after = start + place as u64 + 1;
            found += u64::from(after < size); // the last line's own end begins no line
            if found == lines {
                return Ok(after);
            }
        }
    }
    Ok(0)
}

/// The lines before `end` that the format is detected from.
pub(super) fn sample(file: &File, end: u64) -> io::Result<Vec<u8>> {
    let floor = end.saturating_sub(SAMPLE);
    let start = last_lines(file, end, SAMPLE_LINES)?.max(floor);
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)?;
    if start == floor && start > 0 {
        let whole = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
        bytes.drain(..whole); // the first line is most likely cut
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::super::change::is_lost;
    use super::*;

    #[test]
    fn a_lost_handle_is_replaced_and_reading_continues() {
        let directory = tempfile::tempdir().unwrap();
        let (log, now) = (directory.path().join("log"), crate::clock::test_now());
        fs::write(&log, "one\n").unwrap();
        let (file, metadata) = open(&log).unwrap();
        let mut reading = Reading::new(file, FileKey::from(&metadata), SourceId(0));
        let mut buffer = [0; 256];
        assert!(matches!(reading.read(&mut buffer, now), Ok(Progress::Lines(_))));
        let mut lose = |text: &str| {
            // A read at its beginning fails like one of a lost file.
            reading.file = File::open("/proc/self/mem").unwrap();
            assert!(reading.read(&mut buffer, now).is_err_and(|error| is_lost(&error)));
            fs::write(&log, text).unwrap();
            reading.reopen(&log).unwrap();
            match reading.read(&mut buffer, now) {
                Ok(Progress::Lines(given)) => {
                    given.lines.iter().map(|it| it.text.into_owned()).collect()
                }
                Ok(Progress::Rewritten) => vec!["rewritten".to_owned()],
                other => panic!("{:?}", other.map(|_| "no lines")),
            }
        };
        assert_eq!(lose("one\ntwo\n"), ["two"]);
        assert_eq!(lose("another\n"), ["rewritten"]);
    }

    fn file(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    #[test]
    fn last_lines_are_counted_like_tail() {
        for (text, lines, rest) in [
            ("", 2, ""),
            ("one\n", 0, ""),
            ("one\n", 1, "one\n"),
            ("one\n", 9, "one\n"),
            ("one\ntwo\nthree\n", 2, "two\nthree\n"),
            ("one\ntwo\nthree", 2, "two\nthree"),
            ("one\ntwo\nthree\n", 3, "one\ntwo\nthree\n"),
            ("one\n\n\n", 2, "\n\n"),
            ("one\ntwo\n", u64::MAX, "one\ntwo\n"),
        ] {
            let start = last_lines(&file(text.as_bytes()), text.len() as u64, lines).unwrap();
            assert_eq!(&text[usize::try_from(start).unwrap()..], rest, "{lines} of {text:?}");
        }
    }

    #[test]
    fn a_file_truncated_during_the_read_is_all_new() {
        assert_eq!(place(&file(b"one\n"), 9, 2).unwrap(), (0, Vec::new()));
    }

    #[test]
    fn last_lines_reach_over_blocks() {
        let line = format!("{}\n", "x".repeat(999));
        let text = line.repeat(500);
        let start = last_lines(&file(text.as_bytes()), text.len() as u64, 300).unwrap();
        assert_eq!(start, 200_000);
    }

    #[test]
    fn a_sample_is_whole_lines_and_bounded() {
        for (text, end, sampled) in [
            ("one\ntwo\nthree\n".to_owned(), 8, "one\ntwo\n".to_owned()),
            ("one\n".to_owned(), 0, String::new()),
            ("x\n".repeat(1000), 2000, "x\n".repeat(200)),
            (format!("{}\n", "x".repeat(9_999)).repeat(10), 100_000, {
                format!("{}\n", "x".repeat(9_999)).repeat(6)
            }),
        ] {
            let bytes = sample(&file(text.as_bytes()), end).unwrap();
            assert!(bytes == sampled.as_bytes(), "{} bytes of {}", bytes.len(), text.len());
        }
    }
}
