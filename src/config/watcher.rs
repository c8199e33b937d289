//! Tells when the configuration, or a file in the user's folder of filters, was saved.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Saving is several events, and several files may be saved together: they have been when so long
/// nothing more comes.
const QUIET: Duration = Duration::from_millis(200);

/// A watch over the files that settings were read from.
#[derive(Debug)]
pub struct ConfigWatcher {
    signal: Arc<Notify>,
    /// There was a sign, and it is not quiet before this.
    quiet_at: Option<Instant>,
    /// Watches as long as it is there; none where there is nothing to be watched.
    _watcher: Option<RecommendedWatcher>,
}

impl ConfigWatcher {
    /// Watches the file `config` and the files in the folder `filters`, and what symbolic links
    /// in their place lead to. Editors put a new file in the place of the old one, so that it is
    /// the folders that are watched. That one of filters is made is told; what is in it then, by the
    /// next watch.
    pub fn watch(config: Option<&Path>, filters: Option<&Path>) -> Self {
        let signal = Arc::new(Notify::new());
        let files: Vec<_> =
            config.into_iter().filter(|file| may_be_saved(file)).flat_map(with_target).collect();
        let folders: Vec<_> = filters.into_iter().flat_map(with_target).collect();
        let watched = watcher(files, folders, Arc::clone(&signal));
        if let Err(error) = &watched {
            tracing::info!(%error, "the configuration is not watched; SIGHUP reads it again");
        }
        Self { signal, quiet_at: None, _watcher: watched.ok() }
    }

    /// Waits until something was saved. Cancel-safe: who has other things to do in between is not
    /// told later for it.
    pub async fn changed(&mut self) {
        loop {
            let sign = self.signal.notified();
            match self.quiet_at {
                None => sign.await,
                Some(quiet_at) if timeout_at(quiet_at, sign).await.is_err() => break,
                Some(_) => {}
            }
            self.quiet_at = Some(Instant::now() + QUIET);
        }
        self.quiet_at = None;
    }
}

/// Whether `file` is a file, or nothing yet. Who names `/dev/null` has no configuration, and would
/// be woken by all that is written there.
fn may_be_saved(file: &Path) -> bool {
    file.metadata().map_or(true, |metadata| metadata.is_file())
}

/// `path`, and where it leads if it is a symbolic link.
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

/// Whether `event` changed what is in one of `files`, or in a file of one of `folders`.
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
        let is_filter = path.extension().is_some_and(|it| it == "toml")
            && folders.iter().any(|folder| path.parent() == Some(folder));
        // By name: a relative path is watched in the folder ".".
        is_filter || folders.contains(path) || files.iter().any(|file| file.file_name() == name)
    };
    is_change && (event.need_rescan() || event.paths.iter().any(is_ours))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::{sleep, timeout};

    use super::*;

    /// Waits for the sign of a save that was made; a test that hangs here has failed.
    async fn told(saved: &mut ConfigWatcher) {
        timeout(Duration::from_secs(20), saved.changed()).await.expect("the change is told");
    }

    #[tokio::test]
    async fn what_is_saved_is_told_however_it_is_saved() {
        let home = tempfile::tempdir().unwrap();
        let (config, filters) = (home.path().join("config.toml"), home.path().join("filters"));
        fs::write(&config, "rate = 200").unwrap();
        fs::create_dir(&filters).unwrap();
        let mut saved = ConfigWatcher::watch(Some(&config), Some(&filters));
        fs::write(&config, "rate = 210").unwrap();
        told(&mut saved).await;
        let new = home.path().join("config.toml.new");
        fs::write(&new, "rate = 220").unwrap();
        fs::rename(&new, &config).unwrap();
        told(&mut saved).await;
        fs::write(filters.join("mine.toml"), "").unwrap();
        told(&mut saved).await;
        fs::remove_file(&config).unwrap();
        told(&mut saved).await;
    }

    #[tokio::test]
    async fn it_is_told_while_one_line_after_the_other_comes() {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config.toml");
        fs::write(&config, "rate = 200").unwrap();
        let mut saved = ConfigWatcher::watch(Some(&config), None);
        fs::write(&config, "rate = 210").unwrap();
        let told = async {
            loop {
                tokio::select! {
                    () = saved.changed() => return,
                    () = sleep(QUIET / 20) => {}
                }
            }
        };
        timeout(Duration::from_secs(20), told).await.expect("the change is told");
    }

    #[tokio::test]
    async fn what_a_link_leads_to_is_watched() {
        let home = tempfile::tempdir().unwrap();
        let dotfiles = tempfile::tempdir().unwrap();
        let (config, target) = (home.path().join("config.toml"), dotfiles.path().join("speak"));
        fs::write(&target, "rate = 200").unwrap();
        std::os::unix::fs::symlink(&target, &config).unwrap();
        let mut saved = ConfigWatcher::watch(Some(&config), None);
        fs::write(&target, "rate = 210").unwrap();
        told(&mut saved).await;
    }

    #[test]
    fn a_device_is_never_saved() {
        for (file, may) in [("/dev/null", false), ("/", false), ("/nowhere/config.toml", true)] {
            assert_eq!(may_be_saved(Path::new(file)), may, "{file}");
        }
    }

    #[test]
    fn other_files_and_readers_mean_nothing() {
        let files = [PathBuf::from("/c/config.toml")];
        let folders = [PathBuf::from("/c/filters")];
        let modified = EventKind::Modify(notify::event::ModifyKind::Any);
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        for (kind, path, means) in [
            (modified, "/c/config.toml", true),
            (opened, "/c/config.toml", false),
            (modified, "/c/config.toml~", false),
            (modified, "/c/filters/mine.toml", true),
            (modified, "/c/filters", true),
            (modified, "/c/filters/.mine.toml.swp", false),
            (modified, "/c/other.toml", false),
        ] {
            let event = Event::new(kind).add_path(path.into());
            assert_eq!(is_saving(&event, &files, &folders), means, "{kind:?} {path}");
        }
    }

    #[tokio::test]
    async fn where_there_is_nothing_to_watch_nothing_is_told() {
        let mut saved = ConfigWatcher::watch(Some(Path::new("/nowhere/at/all/config.toml")), None);
        assert!(timeout(Duration::from_millis(50), saved.changed()).await.is_err());
    }
}
