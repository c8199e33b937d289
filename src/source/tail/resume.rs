//! Resumes a follower from a bookmark.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Instant;

use super::bookmark::{Bookmark, Entry};
use super::change::{FileKey, MARKER, kind};
use super::error::TailError;
use super::follow::{Follower, GRACE};
use super::open;
use super::rotation::{Identity, RotatedFile, RotatedFiles};
use super::spec::TailSpec;
use crate::message::SourceId;
use crate::source::lines::Lines;

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
            sample = open::sample(&file, entry.position.offset).unwrap_or_default();
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
    match open::open(&spec.path) {
        Ok((_, metadata)) => match kind(&metadata) {
            Some(kind) => Err(TailError::unfit(&spec.path, kind)),
            None => Ok(()),
        },
        Err(error) if spec.retry && spec.follow && error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(TailError::opening(&spec.path, &error, spec.follow)),
    }
}
