//! One watcher for all followed files: the system grants a user 128 of them. Directories are
//! watched, each once, however many files in it are followed.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::change::FileKey;

/// The process's watcher. A static, because the limit that it keeps is one of processes.
static HUB: LazyLock<Hub> = LazyLock::new(Hub::default);

#[derive(Default)]
struct Hub {
    /// Held while the system is asked, which waits for the watcher's thread; that thread never
    /// takes it.
    watcher: Mutex<Option<RecommendedWatcher>>,
    /// Held for moments only, by the watcher's thread too; never while `watcher` is asked.
    directories: Arc<Mutex<Directories>>,
}

type Directories = HashMap<PathBuf, Directory>;

/// A watched directory, and who follows files in it.
struct Directory {
    key: FileKey,
    followers: Vec<Arc<Signal>>,
}

/// What the watcher's thread and a follower's task share.
#[derive(Default)]
pub(super) struct Signal {
    pub(super) wake: Notify,
    /// The names that matter.
    names: Vec<OsString>,
    /// Other files in the directories matter too.
    pub(super) others: AtomicBool,
}

impl Signal {
    pub(super) fn new(names: Vec<OsString>) -> Arc<Self> {
        Arc::new(Self { names, ..Self::default() })
    }

    /// Whether an event about `path` may be about the file.
    fn minds(&self, path: &Path) -> bool {
        let name = path.file_name();
        self.others.load(Ordering::Relaxed) || self.names.iter().any(|it| Some(&**it) == name)
    }
}

/// Gives `signal` when something in `directories` may have changed, until [`leave`].
pub(super) fn join(directories: &[(PathBuf, FileKey)], signal: &Arc<Signal>) -> notify::Result<()> {
    let mut watcher = lock(&HUB.watcher);
    if watcher.is_none() {
        let known = Arc::clone(&HUB.directories);
        *watcher = Some(notify::recommended_watcher(move |event| spread(&lock(&known), event))?);
    }
    let Some(watcher) = watcher.as_mut() else { return Ok(()) };
    for (path, key) in directories {
        let known = lock(&HUB.directories).get(path).map(|directory| directory.key);
        if known.is_some_and(|known| known != *key) && watcher.unwatch(path).is_err() {
            tracing::debug!(?path, "the watch went with the directory");
        }
        if known != Some(*key) {
            watcher.watch(path, RecursiveMode::NonRecursive)?;
        }
        let mut directories = lock(&HUB.directories);
        let empty = Directory { key: *key, followers: Vec::new() };
        let directory = directories.entry(path.clone()).or_insert(empty);
        directory.key = *key;
        directory.followers.push(Arc::clone(signal));
    }
    Ok(())
}

/// Undoes [`join`]; a directory that nobody follows files in is watched no more.
pub(super) fn leave(directories: &[(PathBuf, FileKey)], signal: &Arc<Signal>) {
    let mut watcher = lock(&HUB.watcher);
    for (path, _) in directories {
        let mut known = lock(&HUB.directories);
        let Some(directory) = known.get_mut(path) else { continue };
        directory.followers.retain(|it| !Arc::ptr_eq(it, signal));
        if !directory.followers.is_empty() {
            continue;
        }
        known.remove(path);
        drop(known);
        if watcher.as_mut().is_some_and(|it| it.unwatch(path).is_err()) {
            tracing::debug!(?path, "the watch went with the directory");
        }
    }
}

/// Wakes whom `event` may matter to. It runs in the watcher's thread, the moment the system tells.
fn spread(directories: &Directories, event: notify::Result<Event>) {
    let wake_all = |directory: &Directory| {
        directory.followers.iter().for_each(|it| it.wake.notify_one());
    };
    let event = match event {
        Ok(event) if event.need_rescan() || event.paths.is_empty() => {
            tracing::info!("more file events than the system keeps; every file is looked at");
            return directories.values().for_each(wake_all);
        }
        // An error means that events may be missing.
        Err(_) => return directories.values().for_each(wake_all),
        Ok(event) => event,
    };
    let written = AccessKind::Close(AccessMode::Write);
    if matches!(event.kind, EventKind::Access(kind) if kind != written) {
        return; // somebody read, as we do
    }
    for path in &event.paths {
        if let Some(directory) = directories.get(path) {
            wake_all(directory); // it came, or went
        }
        // What is watched as "." is told of as "./log".
        let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
        if let Some(directory) = directories.get(parent.unwrap_or(Path::new("."))) {
            let minded = directory.followers.iter().filter(|it| it.minds(path));
            minded.for_each(|it| it.wake.notify_one());
        }
    }
}

/// What is held is a table, whole after every step, also when a thread panicked beside it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use notify::event::{CreateKind, DataChange, Flag, ModifyKind};

    use super::*;

    #[test]
    fn events_of_other_files_and_of_readers_are_not_minded() {
        let folder = tempfile::tempdir().unwrap();
        let key = FileKey::from(&folder.path().metadata().unwrap());
        let signal = Signal::new(vec!["log".into()]);
        let directory = Directory { key, followers: vec![Arc::clone(&signal)] };
        let directories = HashMap::from([(folder.path().to_path_buf(), directory)]);
        let is_woken = |event| {
            spread(&directories, Ok(event));
            signal.wake.notified().now_or_never().is_some()
        };
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
            signal.others.store(others, Ordering::Relaxed);
            let event = Event::new(kind).add_path(folder.path().join(name));
            assert_eq!(is_woken(event), minded, "{kind:?} {name} {others}");
        }
        signal.others.store(false, Ordering::Relaxed);
        assert!(is_woken(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(is_woken(Event::new(modified).add_path(folder.path().into())));
    }
}
