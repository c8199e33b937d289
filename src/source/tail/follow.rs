//! Follows one file through growth, rotation, truncation and deletion.
//!
//! A [`Follower`] does not wait and has no clock: each [`turn`](Follower::turn) does at most one
//! read. Its driver calls again when the file may have changed, and at the
//! [`deadline`](Follower::deadline).
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bookmark::{Bookmark, Entry};
use super::change::{FileKey, Found, MARKER, Step, decide, is_lost, kind, open};
use super::reading::{self, ContentMatch, Given, Progress, Reading};
use super::rotation::{Identity, RotatedFile, RotatedFiles, target};
use super::spec::{TailError, TailSpec};
use crate::diagnostics::reason;
use crate::message::SourceId;
use crate::source::lines::Lines;

/// How long a file is read after its rotation: its writer may not have noticed yet.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// How many rotated files are read at most; with more, the oldest is closed early.
const MAX_RETIRED: usize = 16;

/// The size of the buffer for [`Follower::turn`]: the marker and 256 KiB of new bytes.
pub(super) const BUFFER: usize = 256 * 1024 + MARKER;

/// The result of one turn.
#[derive(Debug)]
pub(super) enum Turn {
    /// Lines; there may be more immediately.
    Lines(Given),
    /// No lines, but there may be some immediately.
    Again,
    /// No lines; another file is followed now.
    Switched,
    /// Nothing until something changes, or until the deadline.
    Idle,
}

/// One log, under its name.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) path: PathBuf,
    pub(super) source: SourceId,
    pub(super) current: Option<Reading>,
    /// The files that had the name before, oldest first, and until when each is read.
    pub(super) retired: VecDeque<(Reading, Instant)>,
    /// The rotated files in its directory.
    pub(super) rotated: RotatedFiles,
    /// Why the file cannot be read now, as last logged.
    pub(super) trouble: Option<String>,
    /// The last generation, if a bookmark is kept.
    generation: Option<u32>,
    /// The current bookmark; none after a change of files.
    bookmark: Option<Arc<Bookmark>>,
}

impl Follower {
    /// Opens the file, and starts at its last lines. The second part is the sample of the lines
    /// before them, if there are any.
    pub(super) fn start(
        spec: &TailSpec,
        source: SourceId,
        now: Instant,
    ) -> Result<(Self, Option<Lines>), TailError> {
        let mut follower = Self::of(spec, source);
        let keeps = spec.follow || spec.bookmarks.is_some();
        follower.rotated =
            if keeps { RotatedFiles::beside(&spec.path) } else { RotatedFiles::default() };
        let failed = |error: io::Error| TailError::opening(&spec.path, &error, spec.follow);
        let (file, metadata) = match open(&spec.path) {
            Err(error) if spec.retry && spec.follow && error.kind() == ErrorKind::NotFound => {
                return Ok((follower, None));
            }
            opened => opened.map_err(failed)?,
        };
        if let Some(kind) = kind(&metadata) {
            return Err(TailError::unfit(&spec.path, kind));
        }
        let (offset, sample) =
            reading::place(&file, metadata.size(), spec.lines).map_err(failed)?;
        let marker = sample[sample.len().saturating_sub(MARKER)..].to_vec();
        follower.current =
            Some(follower.reading(file, FileKey::from(&metadata)).at(offset, marker));
        let sample = (!sample.is_empty()).then(|| Lines::new(source, sample, now));
        Ok((follower, sample))
    }

    /// A follower without an open file.
    pub(super) fn of(spec: &TailSpec, source: SourceId) -> Self {
        Self {
            path: spec.path.clone(),
            source,
            current: None,
            retired: VecDeque::new(),
            rotated: RotatedFiles::default(),
            trouble: None,
            generation: spec.bookmarks.is_some().then_some(0),
            bookmark: None,
        }
    }

    /// Reads `file` from its beginning.
    pub(super) fn reading(&mut self, file: File, key: FileKey) -> Reading {
        Reading::new(file, key, self.source).of_generation(self.next_generation())
    }

    /// The same, after that `generation`.
    pub(super) fn after(self, generation: Option<u32>) -> Self {
        Self { generation, ..self }
    }

    /// The last generation, if a bookmark is kept.
    pub(super) fn generation(&self) -> Option<u32> {
        self.generation
    }

    /// The next generation, if a bookmark is kept.
    fn next_generation(&mut self) -> Option<u32> {
        self.generation = self.generation.map(|n| n + 1);
        self.bookmark = None; // another generation changes it
        self.generation
    }

    /// The current bookmark, by which another follower finds all that this one has yet to read.
    pub(super) fn bookmark(&mut self) -> Arc<Bookmark> {
        let files = self.retired.iter().map(|(reading, _)| reading).chain(&self.current);
        let make = || {
            Arc::new(Bookmark {
                path: self.path.to_string_lossy().into_owned(),
                target: target(&self.path).map(|it| it.to_string_lossy().into_owned()),
                files: files.map(Reading::entry).collect(),
                has_current: self.current.is_some(),
                known: self.rotated.known(),
            })
        };
        Arc::clone(self.bookmark.get_or_insert_with(make))
    }

    /// The same, with the offsets up to which each file is read now.
    pub(super) fn fresh_bookmark(&mut self) -> Arc<Bookmark> {
        self.bookmark = None;
        self.bookmark()
    }

    /// Checks once for new lines, at `now`; `buffer` has [`BUFFER`] bytes.
    pub(super) fn turn(&mut self, buffer: &mut [u8], now: Instant) -> Turn {
        self.turn_retired(buffer, now)
            .or_else(|| self.turn_current(buffer, now))
            .unwrap_or_else(|| self.look(now))
    }

    /// When to call [`turn`](Self::turn) again, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let current = self.current.iter().filter_map(Reading::deadline);
        let retired = self
            .retired
            .iter()
            .flat_map(|(reading, until)| [Some(*until), reading.deadline()])
            .flatten();
        current.chain(retired).min()
    }

    /// Whether the file of `metadata` is open and read in part: then its lines cannot be lost, and
    /// a truncation is noticed.
    #[cfg(test)]
    pub(super) fn holds(&self, metadata: &std::fs::Metadata) -> bool {
        self.current.as_ref().is_some_and(|it| {
            it.key == FileKey::from(metadata) && (it.offset > 0 || metadata.size() == 0)
        })
    }

    /// Whether rotated files are still read.
    pub(super) fn has_retired(&self) -> bool {
        !self.retired.is_empty()
    }

    /// The unfinished lines, at the end of the source.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = Given> {
        let retired = self.retired.iter_mut().map(|(reading, _)| reading);
        retired.chain(&mut self.current).filter_map(Reading::flush)
    }

    /// Reads the rotated files; `None` if they have nothing new.
    fn turn_retired(&mut self, buffer: &mut [u8], now: Instant) -> Option<Turn> {
        for place in 0..self.retired.len() {
            let (reading, until) = &mut self.retired[place];
            let over = now >= *until;
            match reading.read(buffer, now) {
                Ok(Progress::Lines(given)) => return Some(Turn::Lines(given)),
                Ok(Progress::Partial) => return Some(Turn::Again),
                Ok(Progress::End) if over => {}
                Ok(Progress::End) => match reading.flush_due(now) {
                    Some(given) => return Some(Turn::Lines(given)),
                    None => continue,
                },
                // Emptied after its rotation, or unreadable.
                Ok(Progress::Rewritten) | Err(_) => {}
            }
            let last = reading.flush();
            self.retired.remove(place);
            self.bookmark = None;
            return Some(last.map_or(Turn::Again, Turn::Lines));
        }
        None
    }

    /// Reads the current file; `None` if it has nothing new.
    fn turn_current(&mut self, buffer: &mut [u8], now: Instant) -> Option<Turn> {
        let reading = self.current.as_mut()?;
        let mut read = reading.read(buffer, now);
        // Reopened by name, which may lead to the same content, as after a network remount.
        if read.as_ref().is_err_and(is_lost) && reading.reopen(&self.path).is_ok() {
            read = reading.read(buffer, now);
            self.bookmark = None; // it may be another file
            if read.is_ok() {
                tracing::info!(path = ?self.path, "reopened");
                self.trouble = None;
            }
        }
        match read {
            Ok(Progress::Lines(given)) => Some(Turn::Lines(given)),
            Ok(Progress::Partial) => Some(Turn::Again),
            Ok(Progress::End) => reading.flush_due(now).map(Turn::Lines),
            Ok(Progress::Rewritten) => Some(self.restart(now)),
            Err(error) => {
                let last = reading.flush_due(now).map(Turn::Lines);
                self.warn(reason(&error));
                // A lost file cannot be compared with what is found under the name.
                last.or(is_lost(&error).then_some(Turn::Idle))
            }
        }
    }

    /// Restarts after the file was rewritten. The unread rest of the old content may be in a copy.
    fn restart(&mut self, now: Instant) -> Turn {
        let Some(mut reading) = self.current.take() else { return Turn::Again };
        tracing::info!(path = ?self.path, read = reading.offset, "rewritten");
        let mut last = None;
        let mut moved = false;
        let named = self.path.metadata().map_or(reading.key, |it| FileKey::from(&it));
        for RotatedFile { file, key, .. } in self.new_rotations(&[reading.key, named]) {
            let found = match reading.content_match(&file) {
                ContentMatch::Copy if !moved => {
                    moved = true;
                    reading.move_to(file, key, self.source, self.next_generation())
                }
                ContentMatch::Copy | ContentMatch::Snapshot => continue,
                // Rotated after this one: the next switch reads it, in order.
                ContentMatch::Other if named != reading.key => {
                    self.rotated.forget(key);
                    continue;
                }
                ContentMatch::Other => self.reading(file, key),
            };
            self.retired.push_back((found, now + GRACE));
        }
        if !moved {
            last = reading.flush();
            reading.restart(self.source, self.next_generation());
        }
        self.current = Some(reading);
        last.map_or(Turn::Again, Turn::Lines)
    }

    /// The files that had the name since the last look, oldest first, without `others` and those
    /// that are being read.
    pub(super) fn new_rotations(&mut self, others: &[FileKey]) -> Vec<RotatedFile> {
        let mut new_rotations = self.rotated.new_rotations(&self.path);
        new_rotations.retain(|it| {
            !others.contains(&it.key) && self.retired.iter().all(|(old, _)| old.key != it.key)
        });
        new_rotations
    }

    /// Checks whether the name leads to another file now.
    fn look(&mut self, now: Instant) -> Turn {
        let (found, hidden) = Found::at_with_error(&self.path);
        if let Some(error) = hidden {
            self.warn(reason(&error));
        }
        if let Found::Other(kind) = &found {
            self.warn(format!("it is {kind}"));
        }
        let held = self.current.as_ref().map(|reading| reading.key);
        let linked = || self.current.as_ref().is_none_or(Reading::is_linked);
        let linked = matches!(found, Found::File(_)) || linked(); // asked only if it matters
        match decide(held, linked, &found) {
            Step::Stay => Turn::Idle,
            Step::Open | Step::Rotate => self.switch(now),
            Step::Retire => {
                self.retire_with_new_rotations(None, now);
                Turn::Again
            }
        }
    }

    /// Switches to the file that has the name now.
    fn switch(&mut self, now: Instant) -> Turn {
        match open(&self.path) {
            Ok((_, metadata)) if kind(&metadata).is_some() => Turn::Idle,
            Ok((file, metadata)) => {
                let key = FileKey::from(&metadata);
                // Only after opening the next file: a rotation from here on is that of this file.
                if !self.retire_with_new_rotations(Some(key), now) {
                    // Another file has the name now, or none.
                    self.retire_with_new_rotations(None, now);
                    return Turn::Again;
                }
                tracing::info!(path = ?self.path, "switched to another file");
                self.current = Some(self.reading(file, key));
                self.trouble = None;
                Turn::Switched
            }
            Err(error) => {
                self.warn(reason(&error));
                Turn::Idle
            }
        }
    }

    /// Retires the current file, and reads the files that had the name between it and `next`, the
    /// file that has it now; none if there is none. Returns whether it did: if another file has the
    /// name meanwhile, those found may be younger than `next`, and are left for the next look.
    fn retire_with_new_rotations(&mut self, next: Option<FileKey>, now: Instant) -> bool {
        let held = self.current.as_ref().map(|reading| reading.key);
        let others: Vec<_> = held.into_iter().chain(next).collect();
        let mut new_rotations = self.new_rotations(&others);
        let named = || self.path.metadata().ok().map(|it| FileKey::from(&it));
        if !new_rotations.is_empty() && named() != next {
            let found = new_rotations.iter().map(|it| it.key).chain(next);
            found.for_each(|key| self.rotated.forget(key));
            return false;
        }
        if let Some(reading) = &self.current {
            new_rotations.retain(|it| reading.content_match(&it.file) == ContentMatch::Other);
        }
        self.retire(now);
        for RotatedFile { file, key, .. } in new_rotations {
            let reading = self.reading(file, key);
            self.retired.push_back((reading, now + GRACE));
        }
        true
    }

    /// Retires the current file, if there is one: it is read for [`GRACE`] only.
    pub(super) fn retire(&mut self, now: Instant) {
        if let Some(metadata) = self.current.as_ref().and_then(|it| it.metadata().ok()) {
            self.rotated.know(&metadata);
        }
        self.retired.extend(self.current.take().map(|reading| (reading, now + GRACE)));
        self.bookmark = None;
        let excess = self.retired.len().saturating_sub(MAX_RETIRED);
        for (_, until) in self.retired.iter_mut().take(excess) {
            *until = now;
        }
    }

    /// Logs why the file cannot be read now, once per reason.
    fn warn(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            tracing::warn!(path = ?self.path, why, "cannot be read for now");
            self.trouble = Some(why);
        }
    }
}

/// Resuming from a bookmark.
impl Follower {
    /// A follower that continues at `bookmark`. The second part is the sample of the lines before,
    /// if there are any.
    pub(super) fn resume(
        spec: &TailSpec,
        source: SourceId,
        bookmark: &Bookmark,
        now: Instant,
    ) -> Result<(Self, Option<Lines>), TailError> {
        let mut follower = Self::of(spec, source);
        let sample = follower.resume_from(bookmark, Vec::new(), now);
        if follower.current.is_none() {
            is_there(spec)?;
        }
        Ok((follower, (!sample.is_empty()).then(|| Lines::new(source, sample, now))))
    }

    /// The same for this follower, which has not begun; `others` are files that had the log's name.
    /// Returns the sample.
    pub(super) fn resume_from(
        &mut self,
        bookmark: &Bookmark,
        mut others: Vec<PathBuf>,
        now: Instant,
    ) -> Vec<u8> {
        let mut sample = Vec::new();
        self.rotated = RotatedFiles::knowing(&bookmark.known);
        others.extend(bookmark.target.as_ref().map(PathBuf::from));
        let mut there = RotatedFile::all(&self.path, &others);
        for (at, entry) in bookmark.files.iter().enumerate() {
            let is_current = bookmark.has_current && at + 1 == bookmark.files.len();
            let Some(found) = find(&there, entry, is_current) else { continue };
            let RotatedFile { file, key, .. } = there.remove(found);
            sample = reading::sample(&file, entry.position.offset).unwrap_or_default();
            let reading = self.reading(file, key).resumed_at(&entry.position);
            if is_current {
                self.current = Some(reading);
            } else {
                self.retired.push_back((reading, now + GRACE));
            }
        }
        if self.current.as_ref().is_some_and(|reading| reading.offset == 0) {
            self.retire_copies(now);
        }
        sample
    }

    /// Reads the copies that were made of the file before anything in it was heard: a truncation
    /// since then leaves no trace in the file.
    fn retire_copies(&mut self, now: Instant) {
        let Some(current) = self.current.take() else { return };
        if self.path.metadata().is_ok_and(|it| FileKey::from(&it) == current.key) {
            for RotatedFile { file, key, .. } in self.new_rotations(&[current.key]) {
                if !head(&file).is_ok_and(|head| current.begins_with(&head)) {
                    let copy = self.reading(file, key);
                    self.retired.push_back((copy, now + GRACE));
                }
            }
        }
        self.current = Some(current);
    }
}

/// The first bytes of `file`.
fn head(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; MARKER];
    let n = file.read_at(&mut head, 0)?;
    head.truncate(n);
    Ok(head)
}

/// Which of the files `there` has the content of `entry`: preferably the same file, or a copy. The
/// current file may also be the same file with other content, after it was rewritten.
fn find(there: &[RotatedFile], entry: &Entry, is_current: bool) -> Option<usize> {
    let is_same = |it: &RotatedFile| {
        it.file.metadata().is_ok_and(|metadata| Identity::from(&metadata) == entry.identity)
    };
    let has_text = |it: &RotatedFile| entry.position.is_in(&it.file);
    let has_copy = |it: &RotatedFile| !entry.position.marker.is_empty() && has_text(it);
    there
        .iter()
        .position(|it| is_same(it) && has_text(it))
        .or_else(|| there.iter().position(has_copy))
        .or_else(|| there.iter().position(is_same).filter(|_| is_current))
}

/// Whether the log of `spec` can be followed, or waited for.
fn is_there(spec: &TailSpec) -> Result<(), TailError> {
    match open(&spec.path) {
        Ok((_, metadata)) => match kind(&metadata) {
            Some(kind) => Err(TailError::unfit(&spec.path, kind)),
            None => Ok(()),
        },
        Err(error) if spec.retry && spec.follow && error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(TailError::opening(&spec.path, &error, spec.follow)),
    }
}
