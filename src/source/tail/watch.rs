//! Wakes a follower when its file may have changed: immediately by the system's file events, and
//! also by the clock, because events get lost (by a full queue, on network file systems).
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
use super::shared_watcher::{self, Signal};
use crate::clock;

/// How often to poll where file events report every change: for writes through a memory map, or on
/// a mount that does not say it is another machine's.
const SAFETY: Duration = Duration::from_secs(30);

/// How often to poll for a missing file: it may appear with a mount, which causes no event.
const MISSING: Duration = Duration::from_secs(5);

/// How often to poll for a missing directory.
const ABSENT: Duration = Duration::from_secs(1);

/// How often to poll where there are no events.
const POLL: Duration = Duration::from_millis(250);

/// Files are polled at whole multiples of their intervals since then: hundreds of files wake the
/// program once, not hundreds of times.
static BEGINNING: LazyLock<Instant> = LazyLock::new(clock::now);

/// The warning that there are no events is logged once, not for each file.
static IS_WARNED: AtomicBool = AtomicBool::new(false);

/// File systems whose files change without an event here, by `statfs`: those that coreutils names
/// remote in `src/stat.c`, except overlays, whose directories report all events; and `/proc`, whose
/// files are made when they are read.
const REMOTE: [u64; 26] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB2
    0x6573_5546, // FUSE
    0x0102_1997, // 9P
    0x00c3_6400, // Ceph
    0x5346_414f, // AFS
    0x6b41_4653, // kAFS
    0x7375_7245, // Coda
    0x564c,      // NCP
    0x6163_6673, // ACFS
    0x6175_6673, // aufs
    0x1983_0326, // BeeGFS
    0x0116_1970, // GFS
    0x4750_4653, // GPFS
    0x0131_11a8, // IBRIX
    0x0bd0_0bd0, // Lustre
    0x7461_636f, // OCFS2
    0xaad7_aaea, // PanFS
    0x7c7c_6673, // Parallels
    0xbeef_dead, // SNFS
    0xbacb_acbc, // VMware
    0x786f_4256, // VirtualBox
    0xa501_fcf5, // VxFS
    0x9fa0,      // proc
];

/// How many symbolic links may lead to a file: the system's own limit.
const MAX_LINKS: usize = 40;

/// The watch over one file, or over the entries of some directories.
pub(super) struct Watch {
    goal: Goal,
    signal: Arc<Signal>,
    /// What is watched now; empty if nothing is.
    watched: WatchSet,
    /// File events are unavailable, or not wanted.
    polls: bool,
    interval: Duration,
}

/// What to watch for.
enum Goal {
    /// Changes of the file of this name.
    File(PathBuf),
    /// Entries that are created in these directories, or removed.
    Entries(Vec<PathBuf>),
}

/// The directories to watch, and the names of interest in them: those of the file and of the
/// symbolic links on the way to it.
#[derive(Clone, Default, PartialEq, Eq)]
struct WatchSet {
    directories: Vec<(PathBuf, FileKey)>,
    names: Vec<OsString>,
    /// A directory on the way is missing.
    is_short: bool,
}

impl Watch {
    /// Watches `path`, which need not exist yet; without file events if `poll`.
    pub(super) fn new(path: &Path, poll: bool) -> Self {
        Self::with(Goal::File(path.to_path_buf()), poll)
    }

    /// Watches the entries of `directories`.
    pub(super) fn over(directories: Vec<PathBuf>, poll: bool) -> Self {
        Self::with(Goal::Entries(directories), poll)
    }

    fn with(goal: Goal, poll: bool) -> Self {
        let mut watch = Self {
            goal,
            signal: Arc::default(),
            watched: WatchSet::default(),
            polls: poll,
            interval: if poll { POLL } else { ABSENT },
        };
        watch.update();
        watch
    }

    /// Watches the entries of `directories` from now on.
    pub(super) fn set_directories(&mut self, directories: Vec<PathBuf>) {
        self.goal = Goal::Entries(directories);
        self.update();
    }

    /// Updates the watched set: directories are created, removed and linked elsewhere.
    pub(super) fn update(&mut self) {
        if self.polls {
            return;
        }
        self.signal.stale.store(false, Ordering::Relaxed);
        let wanted = WatchSet::at(&self.goal);
        self.interval = self.interval_of(&wanted);
        if wanted == self.watched && shared_watcher::holds(&wanted.directories, &self.signal) {
            return;
        }
        let signal = match self.goal {
            Goal::File(_) => Signal::new(wanted.names.clone()),
            Goal::Entries(_) => Signal::of_entries(),
        };
        // Joined before leaving the old one, so that what both watch stays watched.
        let joined = shared_watcher::join(&wanted.directories, &signal);
        shared_watcher::leave(&self.signal);
        let others = self.signal.others.load(Ordering::Relaxed);
        (self.signal, self.watched) = (signal, wanted);
        self.watch_others(others);
        let Err(error) = joined else {
            // Changes between the look and the watch caused no event.
            return self.signal.wake.notify_one();
        };
        shared_watcher::leave(&self.signal);
        self.watched = WatchSet::default();
        if is_scarce(&error) {
            (self.polls, self.interval) = (true, POLL);
            if !IS_WARNED.swap(true, Ordering::Relaxed) {
                let path = self.goal.path();
                tracing::warn!(?path, %error, "no file events; polling 4 times a second");
            }
        } else {
            // A directory was removed between the look and the watch; the next look handles it.
            tracing::debug!(path = ?self.goal.path(), %error, "not watched");
            self.interval = ABSENT;
        }
    }

    /// How often to poll when `set` is watched.
    fn interval_of(&self, set: &WatchSet) -> Duration {
        match &self.goal {
            _ if set.directories.iter().any(|(directory, _)| is_remote(directory)) => POLL,
            _ if set.is_short => ABSENT,
            Goal::File(path) if !path.exists() => MISSING,
            Goal::File(_) | Goal::Entries(_) => SAFETY,
        }
    }

    /// Whether to wake for other files in the directories too: a rotated file has another name.
    pub(super) fn watch_others(&self, others: bool) {
        self.signal.others.store(others, Ordering::Relaxed);
    }

    /// Waits until the file may have changed, at most until `deadline`. Cancel-safe.
    pub(super) async fn changed(&mut self, deadline: Option<Instant>) {
        let look = next_look(clock::now(), self.interval);
        let until = deadline.map_or(look, |deadline| deadline.min(look));
        tokio::select! {
            () = self.signal.wake.notified() => {}
            () = sleep_until(until.into()) => {}
        }
        let is_stale = self.signal.stale.load(Ordering::Relaxed);
        if is_stale || (clock::now() >= look && !self.watched.is_valid()) {
            self.update();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        shared_watcher::leave(&self.signal);
    }
}

/// The next time after `now` that is a multiple of `interval` from [`BEGINNING`].
fn next_look(now: Instant, interval: Duration) -> Instant {
    let since = now.saturating_duration_since(*BEGINNING).as_nanos();
    let rest = interval.as_nanos() - since % interval.as_nanos();
    now + Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
}

impl Goal {
    /// The file, or the first directory.
    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Entries(directories) => directories.first().map_or(Path::new("."), |it| it),
        }
    }
}

impl WatchSet {
    fn at(goal: &Goal) -> Self {
        let mut set = Self::default();
        match goal {
            Goal::File(path) => set.add_file(path),
            Goal::Entries(directories) => directories.iter().for_each(|it| set.add_directory(it)),
        }
        set
    }

    /// Adds a file's directory, and those of the links on the way to it.
    fn add_file(&mut self, path: &Path) {
        let mut path = path.to_path_buf();
        for _ in 0..MAX_LINKS {
            let place = |place: &Path| Some((place.to_path_buf(), fs::read_link(place).ok()?));
            let Some((link, target)) = path.ancestors().filter_map(place).last() else { break };
            self.add(&link);
            let rest = path.strip_prefix(&link).unwrap_or(Path::new(""));
            let target = link.with_file_name("").join(target);
            path = if rest.as_os_str().is_empty() { target } else { target.join(rest) };
        }
        self.add(&path);
    }

    fn add(&mut self, path: &Path) {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        self.names.extend(path.file_name().map(ToOwned::to_owned));
        self.add_directory(parent.unwrap_or(Path::new(".")));
    }

    fn add_directory(&mut self, directory: &Path) {
        let Ok(metadata) = fs::metadata(directory) else {
            self.is_short = true;
            return;
        };
        let key = FileKey::from(&metadata);
        if self.directories.iter().all(|(_, known)| *known != key) {
            // Events report absolute paths.
            let whole = std::path::absolute(directory);
            self.directories.push((whole.unwrap_or_else(|_| directory.to_path_buf()), key));
        }
    }

    /// Whether the paths still lead to the same directories.
    fn is_valid(&self) -> bool {
        let is_there = |(path, key): &(PathBuf, FileKey)| {
            fs::metadata(path).is_ok_and(|metadata| FileKey::from(&metadata) == *key)
        };
        !self.is_short && !self.directories.is_empty() && self.directories.iter().all(is_there)
    }
}

/// Whether the system has no watches left.
fn is_scarce(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::MaxFilesWatch => true,
        ErrorKind::Io(error) => {
            matches!(
                error.raw_os_error(),
                Some(libc::ENOSPC | libc::EMFILE | libc::ENFILE | libc::ENOSYS | libc::EAGAIN)
            )
        }
        ErrorKind::Generic(_)
        | ErrorKind::PathNotFound
        | ErrorKind::WatchNotFound
        | ErrorKind::InvalidConfig(_) => false,
    }
}

/// Whether another machine may write to the files of `directory`.
fn is_remote(directory: &Path) -> bool {
    rustix::fs::statfs(directory)
        .is_ok_and(|system| u64::try_from(system.f_type).is_ok_and(|kind| REMOTE.contains(&kind)))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_on_the_way_are_watched_where_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        for name in ["logs", "old", "links"] {
            fs::create_dir(place(name)).unwrap();
        }
        fs::write(place("old/log"), "").unwrap();
        symlink("../old", place("logs/current")).unwrap();
        symlink(place("logs/current/log"), place("links/log")).unwrap();
        symlink("gone/log", place("links/dangling")).unwrap();
        symlink("loop", place("links/loop")).unwrap();
        for (path, directories, names, is_short) in [
            ("old/log", &["old"][..], &["log"][..], false),
            ("old/none", &["old"], &["none"], false),
            ("none/log", &[], &["log"], true),
            ("logs/current/log", &["logs", "old"], &["current", "log"], false),
            ("links/log", &["links", "logs", "old"], &["log", "current", "log"], false),
            ("links/dangling", &["links"], &["dangling", "log"], true),
            ("links/loop", &["links"], &["loop"; MAX_LINKS + 1], false),
        ] {
            let set = WatchSet::at(&Goal::File(place(path)));
            let key = |name: &&str| FileKey::from(&place(name).metadata().unwrap());
            let keys: Vec<_> = set.directories.iter().map(|(_, key)| *key).collect();
            assert_eq!(keys, directories.iter().map(key).collect::<Vec<_>>(), "{path}");
            assert_eq!(
                (&*set.names, set.is_short),
                (&*names.to_vec().iter().map(Into::into).collect::<Vec<OsString>>(), is_short),
                "{path}"
            );
        }
    }

    #[test]
    fn only_a_lack_of_watches_is_permanent() {
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
