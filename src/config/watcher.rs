//! Notifies when the configuration, or a file in the user's folders of filters and lexicons, was
//! saved.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// A save causes several events, and several files may be saved together: a save is complete when
/// no event came for this long.
const QUIET: Duration = Duration::from_millis(200);

/// Watches the files that the settings were read from.
#[derive(Debug)]
pub(crate) struct ConfigWatcher {
    signal: Arc<Notify>,
    /// There was an event; the save is complete at this time unless there is another one.
    quiet_at: Option<Instant>,
    /// Watches until it is dropped; none if watching failed.
    _watcher: Option<RecommendedWatcher>,
}

impl ConfigWatcher {
    /// Watches the file `config` and the files in `folders`, and the targets of symbolic links in
    /// their place. The folders are watched, since editors replace the old file by a new one.
    /// Creating one of them is an event, too; its files are seen by the next watch.
    pub(crate) fn watch(config: Option<&Path>, folders: &[PathBuf]) -> Self {
        let signal = Arc::new(Notify::new());
        let files: Vec<_> =
            config.into_iter().filter(|file| may_be_saved(file)).flat_map(with_target).collect();
        let folders: Vec<_> = folders.iter().flat_map(|folder| with_target(folder)).collect();
        let watched = watcher(files, folders, Arc::clone(&signal));
        if let Err(error) = &watched {
            tracing::info!(%error, "the configuration is not watched; SIGHUP reloads it");
        }
        Self { signal, quiet_at: None, _watcher: watched.ok() }
    }

    /// Watches nothing.
    pub(crate) fn none() -> Self {
        Self { signal: Arc::default(), quiet_at: None, _watcher: None }
    }

    /// Acts as if something had been saved.
    pub(crate) fn notify(&self) {
        self.signal.notify_one();
    }

    /// Waits until something was saved. Cancel-safe, and being cancelled does not delay the
    /// notification.
    pub(crate) async fn changed(&mut self) {
        loop {
            let event = self.signal.notified();
            match self.quiet_at {
                None => event.await,
                Some(quiet_at) if timeout_at(quiet_at, event).await.is_err() => break,
                Some(_) => {}
            }
            self.quiet_at = Some(Instant::now() + QUIET);
        }
        self.quiet_at = None;
    }
}

/// Whether `file` is a file or does not exist. `/dev/null` is no configuration, and every write to
/// it would be an event.
fn may_be_saved(file: &Path) -> bool {
    file.metadata().map_or(true, |metadata| metadata.is_file())
}

/// `path`, and its target if it is a symbolic link.
fn with_target(path: &Path) -> Vec<PathBuf> {
    let target = path.canonicalize().ok().filter(|target| target != path);
    std::iter::once(path.to_owned()).chain(target).collect()
}

fn watcher(
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    signal: Arc<Notify>,
) -> notify::Result<RecommendedWatcher> {
    let parent = |file: &PathBuf| match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    let mut places: Vec<_> =
        files.iter().chain(&folders).map(parent).chain(folders.clone()).collect();
    places.sort();
    places.dedup();
    crate::limits::check_thread().map_err(notify::Error::io)?; // without one it panics
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error means that events may be missing.
        if event.map_or(true, |event| is_saving(&event, &files, &folders)) {
            signal.notify_one();
        }
    })?;
    for folder in places.iter().filter(|folder| folder.is_dir()) {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Whether `event` is a change of one of `files`, or of a file in one of `folders`.
fn is_saving(event: &Event, files: &[PathBuf], folders: &[PathBuf]) -> bool {
    let is_change = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    };
    let is_ours = |path: &PathBuf| {
        let name = path.file_name();
        let is_in_folder = path.extension().is_some_and(|it| it == "toml" || it == "pls")
            && folders.iter().any(|folder| path.parent() == Some(folder));
        // By name: a relative path is watched in the folder ".".
        is_in_folder || folders.contains(path) || files.iter().any(|file| file.file_name() == name)
    };
    is_change && (event.need_rescan() || event.paths.iter().any(is_ours))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::{sleep, timeout};

    use super::*;

    /// Waits for the notification of a save.
    async fn notified(saved: &mut ConfigWatcher) {
        timeout(Duration::from_secs(20), saved.changed()).await.expect("a notification");
    }

    #[tokio::test]
    async fn every_kind_of_save_is_noticed() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config.toml");
        let folders = ["filters", "lexicons"].map(|name| home.path().join(name));
        fs::write(&config, "rate = 200").unwrap();
        for folder in &folders {
            fs::create_dir(folder).unwrap();
        }
        let mut saved = ConfigWatcher::watch(Some(&config), &folders);
        fs::write(&config, "rate = 210").unwrap();
        notified(&mut saved).await;
        let new = home.path().join("config.toml.new");
        fs::write(&new, "rate = 220").unwrap();
        fs::rename(&new, &config).unwrap();
        notified(&mut saved).await;
        for (folder, name) in [(0, "mine.toml"), (1, "de.toml"), (1, "mine.pls")] {
            fs::write(folders[folder].join(name), "").unwrap();
            notified(&mut saved).await;
        }
        fs::remove_file(&config).unwrap();
        notified(&mut saved).await;
    }

    #[tokio::test]
    async fn a_save_is_noticed_while_lines_keep_coming() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config.toml");
        fs::write(&config, "rate = 200").unwrap();
        let mut saved = ConfigWatcher::watch(Some(&config), &[]);
        fs::write(&config, "rate = 210").unwrap();
        let notified = async {
            loop {
                tokio::select! {
                    () = saved.changed() => return,
                    () = sleep(QUIET / 20) => {}
                }
            }
        };
        timeout(Duration::from_secs(20), notified).await.expect("a notification");
    }

    #[tokio::test]
    async fn the_target_of_a_link_is_watched() {
        let home = tempfile::tempdir().unwrap();
        let dotfiles = tempfile::tempdir().unwrap();
        let (config, target) = (home.path().join("config.toml"), dotfiles.path().join("speak"));
        fs::write(&target, "rate = 200").unwrap();
        std::os::unix::fs::symlink(&target, &config).unwrap();
        let mut saved = ConfigWatcher::watch(Some(&config), &[]);
        fs::write(&target, "rate = 210").unwrap();
        notified(&mut saved).await;
    }

    #[test]
    fn a_device_is_never_saved() {
        for (file, may) in [("/dev/null", false), ("/", false), ("/nowhere/config.toml", true)] {
            assert_eq!(may_be_saved(Path::new(file)), may, "{file}");
        }
    }

    #[test]
    fn other_files_and_reads_are_ignored() {
        let files = [PathBuf::from("/c/config.toml")];
        let folders = [PathBuf::from("/c/filters")];
        let modified = EventKind::Modify(notify::event::ModifyKind::Any);
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        for (kind, path, expected) in [
            (modified, "/c/config.toml", true),
            (opened, "/c/config.toml", false),
            (modified, "/c/config.toml~", false),
            (modified, "/c/filters/mine.toml", true),
            (modified, "/c/filters", true),
            (modified, "/c/filters/.mine.toml.swp", false),
            (modified, "/c/other.toml", false),
        ] {
            let event = Event::new(kind).add_path(path.into());
            assert_eq!(is_saving(&event, &files, &folders), expected, "{kind:?} {path}");
        }
    }

    #[tokio::test]
    async fn without_a_file_to_watch_there_is_no_notification() {
        let mut saved = ConfigWatcher::watch(Some(Path::new("/nowhere/at/all/config.toml")), &[]);
        assert!(timeout(Duration::from_millis(50), saved.changed()).await.is_err());
    }
}
