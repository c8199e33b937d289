//! One watcher for all followed files, because the system allows a user 128 of them. It watches
//! directories, each once, however many files in it are followed.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::change::FileKey;

/// The process's watcher. A static, so that the process has only one.
static WATCHER: LazyLock<SharedWatcher> = LazyLock::new(SharedWatcher::default);

#[derive(Default)]
struct SharedWatcher {
    /// Locked during calls to the watcher, which wait for its thread; that thread never locks it.
    watcher: Mutex<Option<RecommendedWatcher>>,
    /// Locked for moments only, by the watcher's thread too; never during a call to `watcher`.
    directories: Arc<Mutex<Directories>>,
}

type Directories = HashMap<PathBuf, Directory>;

/// A watched directory, and the followers of files in it.
struct Directory {
    key: FileKey,
    followers: Vec<Arc<Signal>>,
}

/// Shared by the watcher's thread and a follower's task.
#[derive(Default)]
pub(super) struct Signal {
    pub(super) wake: Notify,
    /// The names of interest.
    names: Vec<OsString>,
    /// Also wake for other files in the directories.
    pub(super) others: AtomicBool,
    /// Wake for all entries that are created in the directories, or removed.
    entries: bool,
    /// A name may lead elsewhere now, or a directory is no longer watched.
    pub(super) stale: AtomicBool,
}

impl Signal {
    pub(super) fn new(names: Vec<OsString>) -> Arc<Self> {
        Arc::new(Self { names, ..Self::default() })
    }

    pub(super) fn of_entries() -> Arc<Self> {
        Arc::new(Self { entries: true, ..Self::default() })
    }

    fn is_named(&self, path: &Path) -> bool {
        self.names.iter().any(|it| Some(&**it) == path.file_name())
    }

    /// Wakes the follower, which has to resolve its names again.
    fn mark_stale(&self) {
        self.stale.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }
}

/// Wakes `signal` when something in `directories` may have changed, until [`leave`].
pub(super) fn join(directories: &[(PathBuf, FileKey)], signal: &Arc<Signal>) -> notify::Result<()> {
    let mut watcher = lock(&WATCHER.watcher);
    if watcher.is_none() {
        crate::limits::check_thread().map_err(notify::Error::io)?; // without one it panics
        let known = Arc::clone(&WATCHER.directories);
        *watcher =
            Some(notify::recommended_watcher(move |event| dispatch(&mut lock(&known), event))?);
    }
    let Some(watcher) = watcher.as_mut() else { return Ok(()) };
    for (path, key) in directories {
        let mut known = lock(&WATCHER.directories);
        // The system has one watch for a directory, whatever the path to it, and the watcher
        // reports one path only.
        if let Some(directory) = known.values_mut().find(|it| it.key == *key) {
            directory.followers.push(Arc::clone(signal));
            continue;
        }
        for old in known.remove(path).iter().flat_map(|old| &old.followers) {
            old.mark_stale(); // another directory had the path
        }
        drop(known);
        unwatch(watcher, path);
        watcher.watch(path, RecursiveMode::NonRecursive)?;
        let directory = Directory { key: *key, followers: vec![Arc::clone(signal)] };
        lock(&WATCHER.directories).insert(path.clone(), directory);
    }
    Ok(())
}

/// Whether `signal` is still joined to each of `directories`.
pub(super) fn holds(directories: &[(PathBuf, FileKey)], signal: &Arc<Signal>) -> bool {
    let known = lock(&WATCHER.directories);
    directories.iter().all(|(_, key)| {
        let directory = known.values().find(|it| it.key == *key);
        directory.is_some_and(|it| it.followers.iter().any(|it| Arc::ptr_eq(it, signal)))
    })
}

/// Undoes [`join`], and ends the watches of directories without followers.
pub(super) fn leave(signal: &Arc<Signal>) {
    let mut watcher = lock(&WATCHER.watcher);
    let mut left = Vec::new();
    lock(&WATCHER.directories).retain(|path, directory| {
        directory.followers.retain(|it| !Arc::ptr_eq(it, signal));
        if directory.followers.is_empty() {
            left.push(path.clone());
        }
        !directory.followers.is_empty()
    });
    if let Some(watcher) = watcher.as_mut() {
        for path in &left {
            unwatch(watcher, path);
        }
    }
}

/// Ends the watch over `path`, if there is one.
fn unwatch(watcher: &mut RecommendedWatcher, path: &Path) {
    if watcher.unwatch(path).is_err() {
        tracing::trace!(?path, "no watch to remove, or the directory is gone");
    }
}

/// Wakes the followers that `event` may concern. Runs in the watcher's thread, as events arrive.
fn dispatch(directories: &mut Directories, event: notify::Result<Event>) {
    let all = |directory: &Directory| directory.followers.iter().for_each(|it| it.mark_stale());
    let event = match event {
        Ok(event) if event.need_rescan() || event.paths.is_empty() => {
            tracing::info!("more file events than the system keeps; checking every file");
            return directories.values().for_each(all);
        }
        // An error means that events may be missing.
        Err(_) => return directories.values().for_each(all),
        Ok(event) => event,
    };
    let written = AccessKind::Close(AccessMode::Write);
    let is_news = match event.kind {
        EventKind::Access(kind) if kind != written => return, // somebody read the file
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => {
            false
        }
        _ => true,
    };
    for path in &event.paths {
        // The directory was created, or removed with its watch: its inode may be reused.
        directories.remove(path).iter().for_each(all);
        let Some(directory) = path.parent().and_then(|it| directories.get(it)) else { continue };
        for follower in &directory.followers {
            let is_named = follower.is_named(path);
            if is_named && is_news {
                follower.mark_stale();
            } else if is_named
                || follower.others.load(Ordering::Relaxed)
                || (follower.entries && is_news)
            {
                follower.wake.notify_one();
            }
        }
    }
}

/// Locks despite poisoning: the data is consistent after every step, even if a thread panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use notify::event::{CreateKind, DataChange, Flag, RemoveKind};

    use super::*;

    #[test]
    fn events_of_other_files_and_of_readers_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let key = FileKey::from(&path.metadata().unwrap());
        let signal = Signal::new(vec!["log".into()]);
        let wake = |event| {
            let directory = Directory { key, followers: vec![Arc::clone(&signal)] };
            let mut directories = HashMap::from([(path.to_path_buf(), directory)]);
            dispatch(&mut directories, Ok(event));
            let is_woken = signal.wake.notified().now_or_never().is_some();
            (is_woken, signal.stale.swap(false, Ordering::Relaxed), directories.len())
        };
        let modified = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let created = EventKind::Create(CreateKind::File);
        let removed = EventKind::Remove(RemoveKind::Folder);
        for (kind, name, others, woken, stale, n_directories) in [
            (modified, "log", false, true, false, 1),
            (closed, "log", false, true, false, 1),
            (opened, "log", true, false, false, 1),
            (modified, "log.1", false, false, false, 1),
            (modified, "log.1", true, true, false, 1),
            (created, "log", false, true, true, 1),
            (created, "other", false, false, false, 1),
            (removed, "", false, true, true, 0),
        ] {
            signal.others.store(others, Ordering::Relaxed);
            let event = Event::new(kind).add_path(path.join(name));
            let wanted = (woken, stale, n_directories);
            assert_eq!(wake(event), wanted, "{kind:?} {name:?} {others}");
        }
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(wake(lost), (true, true, 1));
    }
}
