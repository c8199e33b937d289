//! Follows one file through all that happens to a log: growth, rotation, truncation, deletion.
//!
//! A [`Follower`] does not wait and has no clock: each [`turn`](Follower::turn) does at most one
//! read. Who drives it looks again when the file may have changed, and at its
//! [`deadline`](Follower::deadline).
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::TailSpec;
use super::change::{FileKey, Found, MARKER, Sight, Step, decide, kind, sight};
use super::error::{TailError, reason};
use super::open;
use crate::message::SourceId;
use crate::source::lines::{Gatherer, Lines};

/// How long a file is read after its rotation: its writer may not have noticed yet.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How many rotated files are read at most; with more, the oldest is given up early.
const MAX_RETIRED: usize = 16;

/// The size of the buffer to hand to [`Follower::turn`]: 256 KiB of news, after the bytes before.
pub(super) const BUFFER: usize = 256 * 1024 + MARKER;

/// What one turn brought.
#[derive(Debug)]
pub(super) enum Turn {
    /// Lines; there may be more at once.
    Lines(Lines),
    /// No lines, but there may be some at once.
    Again,
    /// No lines, and another file is followed now.
    Switched,
    /// Nothing, until something changes or the deadline comes.
    Idle,
}

/// One log, under its name.
#[derive(Debug)]
pub(super) struct Follower {
    path: PathBuf,
    source: SourceId,
    current: Option<Reading>,
    /// The files that had the name before, oldest first, and when each is given up.
    retired: VecDeque<(Reading, Instant)>,
    /// Why the file cannot be read just now, as it was told.
    trouble: Option<String>,
}

impl Follower {
    /// Opens the file, and places the reader before its last lines. The second part is the sample
    /// of the lines before them, if there are any.
    pub(super) fn start(
        spec: &TailSpec,
        source: SourceId,
        now: Instant,
    ) -> Result<(Self, Option<Lines>), TailError> {
        let mut follower = Self {
            path: spec.path.clone(),
            source,
            current: None,
            retired: VecDeque::new(),
            trouble: None,
        };
        let failed = |error: io::Error| TailError::opening(&spec.path, &error, spec.follow);
        let (file, metadata) = match open::open(&spec.path) {
            Err(error) if spec.retry && spec.follow && error.kind() == ErrorKind::NotFound => {
                return Ok((follower, None));
            }
            opened => opened.map_err(failed)?,
        };
        if let Some(kind) = kind(&metadata) {
            return Err(TailError::unfit(&spec.path, kind));
        }
        let (offset, sample) = open::place(&file, metadata.size(), spec.lines).map_err(failed)?;
        let marker = sample[sample.len().saturating_sub(MARKER)..].to_vec();
        follower.current =
            Some(Reading::new(file, FileKey::from(&metadata), source).at(offset, marker));
        let sample = (!sample.is_empty()).then(|| Lines::new(source, sample, now));
        Ok((follower, sample))
    }

    /// Looks once for what is new, at `now`; `buffer` is [`BUFFER`] bytes to work in.
    pub(super) fn turn(&mut self, buffer: &mut [u8], now: Instant) -> Turn {
        self.turn_retired(buffer, now)
            .or_else(|| self.turn_current(buffer, now))
            .unwrap_or_else(|| self.look(now))
    }

    /// When to look again, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let current = self.current.iter().filter_map(Reading::deadline);
        let retired = self
            .retired
            .iter()
            .flat_map(|(reading, until)| [Some(*until), reading.deadline()])
            .flatten();
        current.chain(retired).min()
    }

    /// Whether files are read that have another name by now.
    pub(super) fn has_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    /// The unfinished lines, when nobody waits for their ends.
    pub(super) fn finish(self) -> impl Iterator<Item = Lines> {
        let retired = self.retired.into_iter().map(|(reading, _)| reading);
        retired.chain(self.current).filter_map(|mut reading| reading.lines.flush())
    }

    /// What the rotated files have to say still; `None` for nothing.
    fn turn_retired(&mut self, buffer: &mut [u8], now: Instant) -> Option<Turn> {
        for place in 0..self.retired.len() {
            let (reading, until) = &mut self.retired[place];
            let over = now >= *until;
            match reading.read(buffer, now) {
                Ok(Progress::Lines(lines)) => return Some(Turn::Lines(lines)),
                Ok(Progress::Partial) => return Some(Turn::Again),
                Ok(Progress::End) if over => {}
                Ok(Progress::End) => match reading.flush_due(now) {
                    Some(lines) => return Some(Turn::Lines(lines)),
                    None => continue,
                },
                // Emptied after its rotation, or not to be read any more.
                Ok(Progress::Rewritten) | Err(_) => {}
            }
            let last = reading.lines.flush();
            self.retired.remove(place);
            return Some(last.map_or(Turn::Again, Turn::Lines));
        }
        None
    }

    /// What the file has to say; `None` for nothing.
    fn turn_current(&mut self, buffer: &mut [u8], now: Instant) -> Option<Turn> {
        let reading = self.current.as_mut()?;
        match reading.read(buffer, now) {
            Ok(Progress::Lines(lines)) => Some(Turn::Lines(lines)),
            Ok(Progress::Partial) => Some(Turn::Again),
            Ok(Progress::End) => reading.flush_due(now).map(Turn::Lines),
            Ok(Progress::Rewritten) => {
                tracing::info!(path = ?self.path, read = reading.offset, "rewritten");
                let last = reading.lines.flush();
                reading.restart(self.source);
                Some(last.map_or(Turn::Again, Turn::Lines))
            }
            Err(error) => {
                self.warn(reason(&error));
                None
            }
        }
    }

    /// Looks whether the name means another file by now.
    fn look(&mut self, now: Instant) -> Turn {
        let found = match self.path.metadata() {
            Ok(metadata) => Found::from(&metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => Found::Nothing,
            Err(error) => {
                self.warn(reason(&error));
                Found::Hidden
            }
        };
        if let Found::Other(kind) = &found {
            self.warn(format!("it is {kind}"));
        }
        let held = self.current.as_ref().map(|reading| reading.key);
        let linked = self.current.as_ref().is_none_or(Reading::is_linked);
        match decide(held, linked, &found) {
            Step::Stay => Turn::Idle,
            Step::Open | Step::Rotate => self.switch(now),
            Step::Retire => {
                self.retire(now);
                Turn::Again
            }
        }
    }

    /// Goes on with the file that has the name now.
    fn switch(&mut self, now: Instant) -> Turn {
        match open::open(&self.path) {
            Ok((_, metadata)) if kind(&metadata).is_some() => Turn::Idle,
            Ok((file, metadata)) => {
                self.retire(now);
                tracing::info!(path = ?self.path, "another file");
                self.current = Some(Reading::new(file, FileKey::from(&metadata), self.source));
                self.trouble = None;
                Turn::Switched
            }
            Err(error) => {
                self.warn(reason(&error));
                Turn::Idle
            }
        }
    }

    /// Reads the file, if there is one, for a while only.
    fn retire(&mut self, now: Instant) {
        self.retired.extend(self.current.take().map(|reading| (reading, now + GRACE)));
        let excess = self.retired.len().saturating_sub(MAX_RETIRED);
        for (_, until) in self.retired.iter_mut().take(excess) {
            *until = now;
        }
    }

    /// Tells why the file cannot be read just now, once.
    fn warn(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            tracing::warn!(path = ?self.path, why, "cannot be read for now");
            self.trouble = Some(why);
        }
    }
}

/// What one read brought.
enum Progress {
    Lines(Lines),
    /// Bytes that ended no line.
    Partial,
    End,
    Rewritten,
}

/// A file, and how far it is read.
#[derive(Debug)]
struct Reading {
    file: File,
    key: FileKey,
    offset: u64,
    /// The last bytes before the offset.
    marker: Vec<u8>,
    lines: Gatherer,
}

impl Reading {
    /// `file`, from its beginning.
    fn new(file: File, key: FileKey, source: SourceId) -> Self {
        Self { file, key, offset: 0, marker: Vec::new(), lines: Gatherer::new(source) }
    }

    /// From `offset`, before which stands `marker`.
    fn at(self, offset: u64, marker: Vec<u8>) -> Self {
        Self { offset, marker, ..self }
    }

    /// From the beginning.
    fn restart(&mut self, source: SourceId) {
        (self.offset, self.lines) = (0, Gatherer::new(source));
        self.marker.clear();
    }

    /// Reads once. The same read sees the news and whether the text before them is still the
    /// same: nothing can happen in between.
    fn read(&mut self, buffer: &mut [u8], now: Instant) -> io::Result<Progress> {
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
        self.offset += news.len() as u64;
        self.marker.clear();
        self.marker.extend_from_slice(&window[n.saturating_sub(MARKER)..]);
        Ok(lines.map_or(Progress::Partial, Progress::Lines))
    }

    /// When its unfinished line has waited long enough.
    fn deadline(&self) -> Option<Instant> {
        self.lines.deadline()
    }

    /// The unfinished line, when it has waited long enough.
    fn flush_due(&mut self, now: Instant) -> Option<Lines> {
        self.deadline().filter(|&deadline| deadline <= now)?;
        self.lines.flush()
    }

    /// Whether the file has a name still, whichever.
    fn is_linked(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
    }
}
