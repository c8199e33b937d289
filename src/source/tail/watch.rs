//! Wakes a follower when its file may have changed: at once by the system's file events, and by
//! the clock as well, because events get lost (by a full queue, on network file systems).
#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use notify::ErrorKind;
use tokio::time::sleep_until;

use super::change::FileKey;
use super::hub::{self, Signal};
use crate::clock;

/// How often to look where file events tell of every change: for what is written through a memory
/// map, or on a mount that does not say it is another machine's.
const SAFETY: Duration = Duration::from_secs(5);

/// How often to look for a directory that is not there.
const ABSENT: Duration = Duration::from_secs(1);

/// How often to look where events do not tell.
const POLL: Duration = Duration::from_millis(250);

/// Looks are at whole multiples of their intervals since then: hundreds of files wake the program
/// once, not hundreds of times.
static BEGINNING: LazyLock<Instant> = LazyLock::new(clock::now);

/// That there are no events is told once, not for each file.
static IS_TOLD: AtomicBool = AtomicBool::new(false);

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
    /// Events are not to be had, or not wanted.
    blind: bool,
    interval: Duration,
}

/// The directories to watch and the names in them that matter: of the file, and of what a
/// symbolic link leads to.
#[derive(Clone, Default, PartialEq, Eq)]
struct Aim {
    directories: Vec<(PathBuf, FileKey)>,
    names: Vec<OsString>,
}

impl Watch {
    /// Watches `path`, which need not be there yet; by the clock alone with `poll`.
    pub(super) fn new(path: &Path, poll: bool) -> Self {
        let mut watch = Self {
            path: path.to_path_buf(),
            signal: Arc::default(),
            aim: Aim::default(),
            blind: poll,
            interval: if poll { POLL } else { ABSENT },
        };
        watch.aim();
        watch
    }

    /// Watches what has to be watched by now: directories come, go and are linked elsewhere.
    pub(super) fn aim(&mut self) {
        if self.blind {
            return;
        }
        let aim = Aim::at(&self.path);
        if aim == self.aim {
            return;
        }
        let remote = aim.directories.iter().any(|(directory, _)| is_remote(directory));
        self.interval = match (remote, aim.directories.is_empty()) {
            (true, _) => POLL,
            (false, true) => ABSENT,
            (false, false) => SAFETY,
        };
        hub::leave(&self.aim.directories, &self.signal);
        let others = self.signal.others.load(Ordering::Relaxed);
        self.signal = Signal::new(aim.names.clone());
        self.mind_others(others);
        let joined = hub::join(&aim.directories, &self.signal);
        self.aim = aim;
        let Err(error) = joined else {
            // What came between the look and the watch told nobody.
            return self.signal.wake.notify_one();
        };
        hub::leave(&self.aim.directories, &self.signal);
        self.aim = Aim::default();
        if is_scarce(&error) {
            (self.blind, self.interval) = (true, POLL);
            if !IS_TOLD.swap(true, Ordering::Relaxed) {
                tracing::warn!(path = ?self.path, %error, "no file events; looking 4 times a second");
            }
        } else {
            // A directory went between the look and the watch; the next look will tell.
            tracing::debug!(path = ?self.path, %error, "not watched");
            self.interval = ABSENT;
        }
    }

    /// Whether other files in the directories matter too: what was rotated has another name.
    pub(super) fn mind_others(&self, others: bool) {
        self.signal.others.store(others, Ordering::Relaxed);
    }

    /// Waits until the file may have changed, at most until `deadline`. Cancel-safe.
    pub(super) async fn changed(&mut self, deadline: Option<Instant>) {
        let look = next_look(clock::now(), self.interval);
        let until = deadline.map_or(look, |deadline| deadline.min(look));
        tokio::select! {
            () = self.signal.wake.notified() => {}
            () = sleep_until(until.into()) => self.aim(),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        hub::leave(&self.aim.directories, &self.signal);
    }
}

/// The next time after `now` that is whole `interval`s from the beginning.
fn next_look(now: Instant, interval: Duration) -> Instant {
    let since = now.saturating_duration_since(*BEGINNING).as_nanos();
    let rest = interval.as_nanos() - since % interval.as_nanos();
    now + Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
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

    use super::*;

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
