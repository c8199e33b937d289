//! Tells when the configuration was saved: the file, and the user's folder of formats and rule sets.
//! By the system's file events alone: a listener at rest does nothing.
#![forbid(unsafe_code)]

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::settings::Watched;

/// An editor saves in several steps: it is done when this long nothing happened.
const SETTLED: Duration = Duration::from_millis(200);

/// What never comes to rest is looked at after so long.
const RESTLESS: Duration = Duration::from_secs(2);

/// What a file was when it was looked at: a file that was replaced, written or touched differs.
type Stamp = (PathBuf, u64, u64, i64, i64);

/// Tells `saved` of each save until `stop`; returns at once where there are no file events.
pub(super) async fn run(watched: Watched, saved: mpsc::Sender<()>, stop: CancellationToken) {
    if stop.run_until_cancelled(watch(&watched, &saved)).await.is_none() {
        tracing::debug!("the configuration is no longer watched");
    }
}

async fn watch(watched: &Watched, saved: &mpsc::Sender<()>) {
    let wake = Arc::new(Notify::new());
    let mut stamps = stamps(watched);
    let mut folders = folders(watched);
    let mut events = watcher(watched, &folders, &wake);
    wake.notify_one(); // something may have happened before
    loop {
        if events.is_none() {
            return tracing::debug!("changes of the configuration are not seen");
        }
        wake.notified().await;
        let rest = async { while timeout(SETTLED, wake.notified()).await.is_ok() {} };
        if timeout(RESTLESS, rest).await.is_err() {
            tracing::debug!("the configuration is written all the time");
        }
        // The folder of rule sets may be new, or a link lead elsewhere.
        let now = self::folders(watched);
        if now != folders {
            folders = now;
            drop(events.take()); // before the next one: there are few to be had
            events = watcher(watched, &folders, &wake);
        }
        let now = self::stamps(watched);
        if now != stamps {
            stamps = now;
            if saved.send(()).await.is_err() {
                return;
            }
            sleep(SETTLED).await; // a folder full of saves is no flood of work
        }
    }
}

/// The folders in which something may happen: the file's, that of what a link leads to, that of
/// rule sets, and the one which that would come to be in. Those that are not there are left out.
fn folders(watched: &Watched) -> Vec<PathBuf> {
    let parent = |path: &Path| {
        let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    };
    let mut folders: Vec<_> = watched.file.iter().map(|it| parent(it)).collect();
    let target = watched.file.as_ref().and_then(|it| it.canonicalize().ok());
    folders.extend(target.iter().map(|it| parent(it)));
    folders.extend(watched.folder.iter().flat_map(|it| [parent(it), it.clone()]));
    folders.retain(|it| it.is_dir());
    folders.sort();
    folders.dedup();
    folders
}

fn watcher(
    watched: &Watched,
    folders: &[PathBuf],
    wake: &Arc<Notify>,
) -> Option<RecommendedWatcher> {
    let (watched, wake) = (watched.clone(), Arc::clone(wake));
    let target = watched.file.as_ref().and_then(|it| it.canonicalize().ok());
    let mut events = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error means that events may be missing.
        if event.map_or(true, |event| means(&watched, target.as_deref(), &event)) {
            wake.notify_one();
        }
    })
    .ok()?;
    for folder in folders {
        if let Err(error) = events.watch(folder, RecursiveMode::NonRecursive) {
            tracing::debug!(?folder, %error, "not watched");
        }
    }
    Some(events)
}

/// Whether `event` may be about the configuration.
fn means(watched: &Watched, target: Option<&Path>, event: &Event) -> bool {
    let written = AccessKind::Close(AccessMode::Write);
    if matches!(event.kind, EventKind::Access(kind) if kind != written) {
        return false; // somebody read, as we do
    }
    let is_meant = |path: &PathBuf| {
        let is = |known: Option<&Path>| known.is_some_and(|it| it.file_name() == path.file_name());
        is(watched.file.as_deref())
            || is(target)
            || is(watched.folder.as_deref())
            || path.extension().is_some_and(|it| it == "toml")
    };
    event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(is_meant)
}

/// What the configuration is made of; names alone where they cannot be looked at.
fn stamps(watched: &Watched) -> Vec<Stamp> {
    let rule_sets = watched.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
    let rule_sets = rule_sets.into_iter().flatten().filter_map(|it| Some(it.ok()?.path()));
    let rule_sets = rule_sets.filter(|it| it.extension().is_some_and(|it| it == "toml"));
    let mut stamps: Vec<_> = watched.file.iter().cloned().chain(rule_sets).map(stamp).collect();
    stamps.sort();
    stamps
}

fn stamp(path: PathBuf) -> Stamp {
    let of = |it: &Metadata| (it.ino(), it.len(), it.mtime(), it.mtime_nsec());
    let (inode, length, seconds, nanoseconds) =
        fs::metadata(&path).as_ref().map(of).unwrap_or_default();
    (path, inode, length, seconds, nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long anything may take.
    const DEADLINE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn saves_are_told_once_however_an_editor_saves() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, rules) = (folder.path().join("config.toml"), folder.path().join("filters"));
        let watched = Watched { file: Some(file.clone()), folder: Some(rules.clone()) };
        let (sender, mut saved) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(watched, sender, stop.clone()));
        let write = |path: &Path, text: &str| fs::write(path, text).expect("a file");
        let beside = folder.path().join("4913");
        let steps: [(&str, &dyn Fn()); 6] = [
            ("a new file", &|| write(&file, "rate = 200")),
            ("written in place", &|| {
                write(&file, "");
                write(&file, "rate = 240");
            }),
            ("another renamed into its place", &|| {
                write(&beside, "rate = 250");
                fs::rename(&beside, &file).expect("renamed");
            }),
            ("a new folder with a rule set", &|| {
                fs::create_dir(&rules).expect("a folder");
                write(&rules.join("mine.toml"), "about = \"x\"");
            }),
            ("a rule set that changes", &|| write(&rules.join("mine.toml"), "about = \"xy\"")),
            ("a rule set that goes", &|| {
                fs::remove_file(rules.join("mine.toml")).expect("removed");
            }),
        ];
        // The watch begins with the first turn of its task.
        sleep(SETTLED).await;
        for (what, step) in steps {
            step();
            let told = timeout(DEADLINE, saved.recv()).await;
            assert_eq!(told.expect(what), Some(()), "{what}");
            write(&folder.path().join("notes.txt"), what);
            assert!(timeout(2 * SETTLED, saved.recv()).await.is_err(), "{what}: told again");
        }
        stop.cancel();
        task.await.expect("no panic");
    }
}
