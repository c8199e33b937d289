//! Wakes a follower when its file may have changed: at once by the system's file events, and by
//! the clock as well, because events get lost (by a full queue, on network file systems).
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::change::FileKey;
use crate::clock;

/// How often to look where file events tell of every change.
const SAFETY: Duration = Duration::from_secs(1);

/// How often to look where they do not.
const POLL: Duration = Duration::from_millis(250);

/// File systems whose files change without an event here, by `statfs`: NFS, SMB, CIFS, SMB2,
/// FUSE, 9P, Ceph, AFS, Coda.
const REMOTE: [u64; 9] = [
    0x6969,
    0x517b,
    0xff53_4d42,
    0xfe53_4d42,
    0x6573_5546,
    0x0102_1997,
    0x00c3_6400,
    0x5346_414f,
    0x7375_7245,
];

/// The watch over one file.
pub(super) struct Watch {
    path: PathBuf,
    signal: Arc<Signal>,
    /// What is watched, as long as it is.
    aim: Aim,
    /// `None`: there is nothing to watch yet, or events are not to be had.
    watcher: Option<RecommendedWatcher>,
    /// Events are not to be had; this was told.
    blind: bool,
    interval: Duration,
}

/// What the watcher's thread and the follower's task share.
#[derive(Default)]
struct Signal {
    wake: Notify,
    /// Other files in the directories matter too.
    others: AtomicBool,
}

/// The directories to watch and the names in them that matter: of the file, and of what a
/// symbolic link leads to.
#[derive(Clone, Default, PartialEq, Eq)]
struct Aim {
    directories: Vec<(PathBuf, FileKey)>,
    names: Vec<OsString>,
}

impl Watch {
    /// Watches `path`, which need not be there yet.
    pub(super) fn new(path: &Path) -> Self {
        let mut watch = Self {
            path: path.to_path_buf(),
            signal: Arc::default(),
            aim: Aim::default(),
            watcher: None,
            blind: false,
            interval: SAFETY,
        };
        watch.aim();
        watch
    }

    /// Watches what has to be watched by now: directories come, go and are linked elsewhere.
    pub(super) fn aim(&mut self) {
        let aim = Aim::at(&self.path);
        if self.blind || aim == self.aim {
            return;
        }
        let remote = aim.directories.iter().any(|(directory, _)| is_remote(directory));
        self.interval = if remote { POLL } else { SAFETY };
        self.watcher = None; // before the next one: there are few to be had
        match watcher(&aim, &self.signal) {
            Ok(watcher) => (self.watcher, self.aim) = (Some(watcher), aim),
            Err(error) if is_scarce(&error) => {
                tracing::warn!(path = ?self.path, %error, "no file events; looking 4 times a second");
                (self.blind, self.interval) = (true, POLL);
            }
            // A directory went between the look and the watch; the next look will tell.
            Err(error) => {
                tracing::debug!(path = ?self.path, %error, "not watched");
                self.aim = Aim::default();
            }
        }
    }

    /// Whether other files in the directories matter too: what was rotated has another name.
    pub(super) fn mind_others(&self, others: bool) {
        self.signal.others.store(others, Ordering::Relaxed);
    }

    /// Waits until the file may have changed, at most until `deadline`. Cancel-safe.
    pub(super) async fn changed(&mut self, deadline: Option<Instant>) {
        let look = clock::now() + self.interval;
        let until = deadline.map_or(look, |deadline| deadline.min(look));
        tokio::select! {
            () = self.signal.wake.notified() => {}
            () = sleep_until(until.into()) => self.aim(),
        }
    }
}

impl Aim {
    fn at(path: &Path) -> Self {
        let mut aim = Self::default();
        aim.add(path);
        if let Ok(target) = path.canonicalize() {
            aim.add(&target);
        }
        aim
    }

    fn add(&mut self, path: &Path) {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = parent.unwrap_or(Path::new("."));
        let Ok(metadata) = fs::metadata(directory) else { return };
        let key = FileKey::from(&metadata);
        if self.directories.iter().all(|(_, known)| *known != key) {
            self.directories.push((directory.to_path_buf(), key));
        }
        self.names.extend(path.file_name().map(ToOwned::to_owned));
    }

    /// Whether `event` may be about the file.
    fn means(&self, event: &Event, others: bool) -> bool {
        let written = AccessKind::Close(AccessMode::Write);
        if matches!(event.kind, EventKind::Access(kind) if kind != written) {
            return false; // somebody read, as we do
        }
        let named = |path: &PathBuf| self.names.iter().any(|name| path.file_name() == Some(name));
        let lost = |path: &PathBuf| self.directories.iter().any(|(known, _)| known == path);
        others
            || event.need_rescan()
            || event.paths.is_empty()
            || event.paths.iter().any(|path| named(path) || lost(path))
    }
}

/// A watcher that gives `signal` when something in `aim` may have changed. It does so from its own
/// thread, the moment the system tells.
fn watcher(aim: &Aim, signal: &Arc<Signal>) -> notify::Result<RecommendedWatcher> {
    let (signal, filter) = (Arc::clone(signal), aim.clone());
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let others = signal.others.load(Ordering::Relaxed);
        // An error means that events may be missing.
        if event.map_or(true, |event| filter.means(&event, others)) {
            signal.wake.notify_one();
        }
    })?;
    for (directory, _) in &aim.directories {
        watcher.watch(directory, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Whether the system has no watch left to give.
fn is_scarce(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::MaxFilesWatch => true,
        ErrorKind::Io(error) => {
            matches!(
                error.raw_os_error(),
                Some(libc::ENOSPC | libc::EMFILE | libc::ENFILE | libc::ENOSYS)
            )
        }
        ErrorKind::Generic(_)
        | ErrorKind::PathNotFound
        | ErrorKind::WatchNotFound
        | ErrorKind::InvalidConfig(_) => false,
    }
}

/// Whether the files of `directory` may be written to by another machine.
fn is_remote(directory: &Path) -> bool {
    rustix::fs::statfs(directory)
        .is_ok_and(|system| u64::try_from(system.f_type).is_ok_and(|kind| REMOTE.contains(&kind)))
}

#[cfg(test)]
mod tests {
    use std::io;

    use notify::event::{CreateKind, DataChange, Flag, ModifyKind};

    use super::*;

    #[test]
    fn events_of_other_files_and_of_readers_are_not_minded() {
        let directory = tempfile::tempdir().unwrap();
        let aim = Aim::at(&directory.path().join("log"));
        let modified = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        for (kind, name, others, minded) in [
            (modified, "log", false, true),
            (closed, "log", false, true),
            (opened, "log", true, false),
            (modified, "log.1", false, false),
            (modified, "log.1", true, true),
            (EventKind::Create(CreateKind::File), "log", false, true),
            (EventKind::Create(CreateKind::File), "other", false, false),
        ] {
            let event = Event::new(kind).add_path(directory.path().join(name));
            assert_eq!(aim.means(&event, others), minded, "{kind:?} {name} {others}");
        }
        assert!(aim.means(&Event::new(EventKind::Other).set_flag(Flag::Rescan), false));
        assert!(aim.means(&Event::new(modified).add_path(directory.path().into()), false));
    }

    #[test]
    fn only_a_lack_of_watches_is_for_good() {
        let io = |code| notify::Error::io(io::Error::from_raw_os_error(code));
        for (error, scarce) in [
            (notify::Error::new(ErrorKind::MaxFilesWatch), true),
            (io(libc::EMFILE), true),
            (io(libc::ENOSPC), true),
            (io(libc::EACCES), false),
            (notify::Error::path_not_found(), false),
        ] {
            assert_eq!(is_scarce(&error), scarce, "{error}");
        }
    }
}
