//! Limits how many logs hold their files open. The followers of the others rest: they keep a
//! bookmark in memory, and open the file only when its metadata has changed.
//!
//! A third of the files that the process may open are seats for logs: half of them are permanent,
//! the others are shared in turn. Another third is for a rotated file of each log with a seat, and
//! the last third for the rotated files of logs that gave up their seats.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::bookmark::Bookmark;
use super::change::{self, Found};
use super::follow::Follower;
use super::reading::Reading;
use super::rotation::{self, Identity, RotatedFiles, TICK};
use super::spec::TailSpec;
use super::watch::Watch;
use crate::clock;
use crate::limits;
use crate::message::SourceId;
use crate::source::notice::{Notice, Wording};

/// The metadata of a file, read without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sight {
    identity: Identity,
    size: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
}

impl From<&Metadata> for Sight {
    fn from(metadata: &Metadata) -> Self {
        Self {
            identity: Identity::from(metadata),
            size: metadata.size(),
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Sight {
    fn of(path: &Path) -> Option<Self> {
        path.metadata().ok().map(|metadata| Self::from(&metadata))
    }

    /// Whether another write may leave it unchanged.
    fn is_recent(&self) -> bool {
        self.modified.is_none_or(|it| it.elapsed().is_ok_and(|age| age < TICK))
    }
}

/// A follower whose file is closed.
#[derive(Debug)]
pub(super) struct Resting {
    spec: TailSpec,
    source: SourceId,
    generation: Option<u32>,
    trouble: Option<String>,
    pub(super) bookmark: Arc<Bookmark>,
    /// What was seen under the log's name, and under the name that its file was renamed to.
    seen: Vec<(PathBuf, Option<Sight>)>,
    is_recent: bool,
    /// The rotated files that are still read for a while: they stay open.
    retired: VecDeque<(Reading, Instant)>,
    _permit: Option<OwnedSemaphorePermit>,
}

/// The result of [`Follower::rest`].
pub(super) enum Rest {
    Resting(Resting),
    /// It still has something to read, and keeps its file open.
    Awake(Box<Follower>),
}

impl Follower {
    /// Closes the file, if all of it is read and it can be found again.
    pub(super) fn rest(mut self, spec: &TailSpec, now: Instant) -> Rest {
        let readings = self.retired.iter().map(|(reading, _)| reading).chain(&self.current);
        let has_line = readings.into_iter().any(|reading| reading.deadline().is_some());
        let permit = (self.retired.len() == 1).then(take_rotated).flatten();
        if has_line || self.retired.len() > usize::from(permit.is_some()) {
            return Rest::Awake(Box::new(self));
        }
        let Some(seen) = self.seen(now) else { return Rest::Awake(Box::new(self)) };
        let retired = std::mem::take(&mut self.retired);
        let is_recent = seen.iter().flat_map(|(_, sight)| sight).any(Sight::is_recent);
        Rest::Resting(Resting {
            spec: spec.clone(),
            source: self.source,
            generation: self.generation(),
            bookmark: self.fresh_bookmark(),
            trouble: self.trouble.take(),
            seen,
            is_recent,
            retired,
            _permit: permit,
        })
    }

    /// What is seen under the names by which the file can be found again; none if there is no such
    /// name, or more to read. A file that cannot be found again is retired like a deleted one.
    fn seen(&mut self, now: Instant) -> Option<Vec<(PathBuf, Option<Sight>)>> {
        let named = Sight::of(&self.path);
        let mut seen = vec![(self.path.clone(), named)];
        let Some(reading) = &self.current else { return Some(seen) };
        let held = Sight::from(&reading.metadata().ok()?);
        if held.size != reading.offset {
            return None;
        }
        if named.is_some_and(|it| it.identity == held.identity) {
            return Some(seen);
        }
        match (rotation::named(&self.path, held.identity), Found::at(&self.path)) {
            (Some(other), _) => {
                seen.push((other, Some(held)));
                Some(seen)
            }
            (None, Found::Nothing | Found::Other(_)) => {
                self.retire(now);
                None
            }
            (None, Found::File(_) | Found::Hidden) => None,
        }
    }
}

impl Resting {
    /// Whether a followed file was renamed, so that events of other names matter.
    fn is_renamed(&self) -> bool {
        self.seen.len() > 1 || !self.retired.is_empty()
    }

    /// When the first rotated file is closed.
    fn deadline(&self) -> Option<Instant> {
        self.retired.iter().map(|(_, until)| *until).min()
    }

    /// Whether the file, or one that had its name, may have changed.
    pub(super) fn has_changed(&self, now: Instant) -> bool {
        self.is_recent
            || self.deadline().is_some_and(|deadline| deadline <= now)
            || self.retired.iter().any(|(reading, _)| !reading.is_at_its_end())
            || self.seen.iter().any(|(path, sight)| Sight::of(path) != *sight)
    }

    /// Waits until the file may have changed, and for a seat; none after `stop`.
    pub(super) async fn until_changed(
        self,
        watch: &mut Watch,
        stop: &CancellationToken,
    ) -> Option<(Follower, Seat)> {
        watch.watch_others(self.is_renamed());
        let waiting = async {
            loop {
                watch.changed(self.deadline()).await;
                if self.has_changed(clock::now()) {
                    return take().await;
                }
            }
        };
        let seat = tokio::select! {
            () = stop.cancelled() => return None,
            seat = waiting => seat,
        };
        Some((self.wake(clock::now()), seat))
    }

    /// Opens the file again. Changes since are handled as after a restart.
    pub(super) fn wake(self, now: Instant) -> Follower {
        let mut follower = Follower::of(&self.spec, self.source).after(self.generation);
        follower.trouble = self.trouble;
        follower.retired = self.retired;
        if let [entry] = self.bookmark.files.as_slice()
            && self.bookmark.has_current
            && let Ok((file, metadata)) = change::open(&self.spec.path)
            && Identity::from(&metadata) == entry.identity
            && entry.position.offset > 0 // an empty file may have been filled, copied and emptied
            && entry.position.is_in(&file)
        {
            follower.rotated = RotatedFiles::knowing(&self.bookmark.known);
            let reading = follower.reading(file, entry.identity.key).resumed_at(&entry.position);
            follower.current = Some(reading);
            return follower;
        }
        let renamed = self.bookmark.files.iter().filter_map(|entry| {
            let is_named =
                Sight::of(&self.spec.path).is_some_and(|it| it.identity == entry.identity);
            (!is_named).then(|| rotation::named(&self.spec.path, entry.identity)).flatten()
        });
        follower.resume_from(&self.bookmark, renamed.collect(), now);
        follower
    }
}

/// The process's seats. A static, because the limit is per process.
static SEATS: LazyLock<Seats> = LazyLock::new(|| Seats::of(limits::raise_files()));

/// Files reserved for other uses: sockets, pipes, watches, short reads.
const OTHERS: usize = 64;

/// The maximal number of shared seats.
const SHARED: usize = 512;

struct Seats {
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    rotated: Arc<Semaphore>,
    /// How many files may be open.
    n_files: usize,
    n_logs: AtomicUsize,
    is_reported: AtomicBool,
}

impl Seats {
    /// The seats of a process that may open `n_files`.
    fn of(n_files: usize) -> Self {
        let all = (n_files.saturating_sub(OTHERS) / 3).min(Semaphore::MAX_PERMITS);
        let shared = (all / 2).clamp(1, SHARED);
        Self {
            own: Arc::new(Semaphore::new(all.saturating_sub(shared))),
            shared: Arc::new(Semaphore::new(shared)),
            rotated: Arc::new(Semaphore::new(all)),
            n_files,
            n_logs: AtomicUsize::new(0),
            is_reported: AtomicBool::new(false),
        }
    }
}

/// The right to hold a log's file open, until it is dropped.
pub(super) struct Seat {
    _permit: OwnedSemaphorePermit,
    /// Others may wait for it: do not keep it without need.
    pub(super) is_shared: bool,
}

/// Waits for a seat; first come, first served. Cancel-safe.
pub(super) async fn take() -> Seat {
    if let Ok(permit) = Arc::clone(&SEATS.own).try_acquire_owned() {
        return Seat { _permit: permit, is_shared: false };
    }
    match Arc::clone(&SEATS.shared).acquire_owned().await {
        Ok(permit) => Seat { _permit: permit, is_shared: true },
        Err(_) => std::future::pending().await, // nobody closes it
    }
}

/// The right to hold a rotated file open without a seat, until it is dropped; none if too many are
/// open.
pub(super) fn take_rotated() -> Option<OwnedSemaphorePermit> {
    Arc::clone(&SEATS.rotated).try_acquire_owned().ok()
}

/// Counts `n_logs` more followed logs.
pub(super) fn count(n_logs: usize) {
    SEATS.n_logs.fetch_add(n_logs, Ordering::Relaxed);
}

/// The notice that not all logs are held open; only the first time.
pub(super) fn notice() -> Option<Notice> {
    let is_reported = SEATS.is_reported.swap(true, Ordering::Relaxed);
    let (n_logs, n_files) = (SEATS.n_logs.load(Ordering::Relaxed), SEATS.n_files);
    (!is_reported).then(|| {
        let notice = Notice::new(Wording::LOGS_CLOSED).with("logs", n_logs.to_string());
        notice.with("files", n_files.to_string())
    })
}

#[test]
fn a_third_of_the_files_are_seats_for_logs() {
    for (n_files, own, shared) in
        [(1_024, 160, 160), (20_000, 6_133, 512), (24, 0, 1), (73, 2, 1), (256, 32, 32)]
    {
        let seats = Seats::of(n_files);
        let n = (seats.own.available_permits(), seats.shared.available_permits());
        assert_eq!(n, (own, shared), "of {n_files}");
    }
    Seats::of(usize::MAX);
}
