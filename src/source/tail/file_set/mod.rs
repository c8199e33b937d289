//! Follows all files that match a [`Pattern`], including those that appear later, each as a source
//! of its own.
#![forbid(unsafe_code)]

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::source::inbox::{Closed, Inbox};
use crate::source::tail::bookmark;
use crate::source::tail::one;
use crate::source::tail::pattern::{Dated, Digits, Found, Match, Pattern};
use crate::source::tail::rest;
use crate::source::tail::rotation::{self, Identity};
use crate::source::tail::spec::{Age, TailError, TailSpec};
use crate::source::tail::watch::Watch;

/// A file that was not written to for this long is followed from its end: its lines are no news.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a file is still followed after it is gone, or its series has a newer one.
const OVER: Duration = Duration::from_secs(10 * 60);

/// The first bookmarks are written within this time, on an idle machine.
const SOON: Duration = Duration::from_secs(1);

/// The files of a pattern.
struct FileSet<'a> {
    spec: &'a TailSpec,
    inbox: &'a Inbox,
    stop: &'a CancellationToken,
    members: HashMap<PathBuf, FollowedFile>,
    /// How many logs were counted in [`rest`].
    n_counted: usize,
    /// The files that matched at the last look.
    known: HashSet<Identity>,
    /// The latest date of each series, up to the last look.
    youngest: HashMap<Vec<u8>, Digits>,
    tasks: JoinSet<()>,
    is_marked: bool,
}

/// A file that is followed.
struct FollowedFile {
    stop: CancellationToken,
    /// Since when it has been gone, or old.
    over: Option<Instant>,
}

/// Sends the lines of the files that match `pattern`, until `stop`. It fails when there is none and
/// `spec` does not wait for one.
pub(super) async fn run(
    pattern: Pattern,
    spec: &TailSpec,
    inbox: &Inbox,
    stop: &CancellationToken,
) -> Result<(), TailError> {
    let pattern = Arc::new(pattern);
    let found = look(&pattern).await;
    if found.files.is_empty() && !(spec.follow && spec.retry) {
        return Err(TailError::unmatched(&spec.path, spec.follow));
    }
    let mut file_set = FileSet {
        spec,
        inbox,
        stop,
        members: HashMap::new(),
        n_counted: 0,
        known: HashSet::new(),
        youngest: HashMap::new(),
        tasks: JoinSet::new(),
        is_marked: false,
    };
    let ended = if spec.follow {
        file_set.follow(pattern, found).await
    } else {
        file_set.read(found).await
    };
    if ended.is_err() {
        tracing::debug!(path = ?spec.path, "the listener has ended");
    }
    Ok(())
}

/// Whether the new files of a look may have existed before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// They may have: they start where the user said.
    First,
    /// They appeared since the look before: they are read from their beginning.
    Later,
}

impl FileSet<'_> {
    /// Reads the files one after the other, to their ends.
    async fn read(&mut self, found: Found) -> Result<(), Closed> {
        for Match { path, .. } in found.files {
            let inbox = self.inbox.open(name(&path)).await?;
            let spec = self.member(path, self.spec.lines);
            log_error(one::run(spec, inbox, self.stop.clone(), Age::Old).await);
        }
        Ok(())
    }

    /// Follows the files, and looks for others.
    async fn follow(&mut self, pattern: Arc<Pattern>, mut found: Found) -> Result<(), Closed> {
        let mut when = self.first_look(&found.files);
        let mut watch = Watch::over(std::mem::take(&mut found.directories), self.spec.poll);
        loop {
            self.adopt(found.files, when).await?;
            let soon = (!self.is_marked()).then(|| clock::now() + SOON);
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = watch.changed(soon) => {}
            }
            (found, when) = (look(&pattern).await, Look::Later);
            watch.set_directories(std::mem::take(&mut found.directories));
        }
        while self.tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// When a pattern is resumed, a file without a bookmark of its own is new; an older one of a
    /// series was skipped.
    fn first_look(&mut self, found: &[Match]) -> Look {
        let was_here = self.bookmark(&self.spec.path).is_some_and(|mark| mark.exists());
        let counts = |it: &&Match| {
            !was_here || self.bookmark(&it.path).is_some_and(|bookmark| bookmark.exists())
        };
        let counted: Vec<_> = found.iter().filter(counts).cloned().collect();
        self.date(&counted);
        if was_here { Look::Later } else { Look::First }
    }

    /// The bookmark file of a path, if bookmarks are kept; for the pattern's path, the mark that it
    /// was followed.
    fn bookmark(&self, path: &Path) -> Option<PathBuf> {
        Some(bookmark::file_for(self.spec.bookmarks.as_ref()?, path))
    }

    /// Marks that the pattern was followed, as soon as each file has its bookmark. Returns whether
    /// nothing is left to mark.
    fn is_marked(&mut self) -> bool {
        let Some(mark) = self.bookmark(&self.spec.path) else { return true };
        let has_bookmark = |path| self.bookmark(path).is_some_and(|file| file.exists());
        if !self.is_marked && self.members.keys().all(|path| has_bookmark(path)) {
            self.is_marked = true;
            if let Err(error) = bookmark::mark(&mark, &self.spec.path) {
                tracing::warn!(path = ?self.spec.path, %error, "cannot write the pattern's mark");
            }
        }
        self.is_marked
    }

    /// Starts to follow new files in `found`, and stops following those that are over.
    async fn adopt(&mut self, found: Vec<Match>, look: Look) -> Result<(), Closed> {
        let now = clock::now();
        let paths: BTreeSet<PathBuf> = found.iter().map(|it| it.path.clone()).collect();
        rest::count(found.len().saturating_sub(self.n_counted));
        self.n_counted = self.n_counted.max(found.len());
        // Followed files first: a file created since the last look may also have a name other than
        // the one it is followed by.
        let is_followed = |it: &&Match| self.members.contains_key(&it.path);
        let identity = |it: &Match| it.path.metadata().map(|it| Identity::from(&it)).ok();
        let mut seen: HashSet<_> = found.iter().filter(is_followed).filter_map(identity).collect();
        for Match { path, dated } in &found {
            let Ok(metadata) = path.metadata() else { continue };
            let identity = Identity::from(&metadata);
            let is_known = !seen.insert(identity) || self.known.contains(&identity);
            let is_old = dated.as_ref().is_some_and(|dated| self.is_old(dated));
            // A log may be missing for a moment, between its rotation and its next line.
            let is_log = |log: &Path| paths.contains(log) || self.members.contains_key(log);
            let is_rotated = rotation::is_rotated(path, is_log);
            if let Some(member) = self.members.get_mut(path) {
                member.over = is_old.then(|| member.over.unwrap_or(now));
            } else if !is_old && !is_known && !is_rotated {
                let lines = if look == Look::Later { u64::MAX } else { self.lines(&metadata) };
                let age = if look == Look::Later { Age::New } else { Age::Old };
                self.join(path.clone(), lines, age).await?;
            }
        }
        self.known = seen;
        self.date(&found);
        self.leave(&paths, now);
        Ok(())
    }

    /// How many lines of an existing file are sent.
    fn lines(&self, metadata: &Metadata) -> u64 {
        let age = metadata.modified().ok().and_then(|it| it.elapsed().ok());
        if age.is_some_and(|age| age > STALE) { 0 } else { self.spec.lines }
    }

    /// Updates the latest dates.
    fn date(&mut self, found: &[Match]) {
        for Dated { series, date } in found.iter().flat_map(|it| &it.dated) {
            let youngest = self.youngest.entry(series.clone()).or_default();
            if *youngest < *date {
                youngest.clone_from(date);
            }
        }
    }

    fn is_old(&self, dated: &Dated) -> bool {
        self.youngest.get(&dated.series).is_some_and(|youngest| dated.date < *youngest)
    }

    /// Starts to follow a file, at its last `lines` lines.
    async fn join(&mut self, path: PathBuf, lines: u64, age: Age) -> Result<(), Closed> {
        let inbox = self.inbox.open(name(&path)).await?;
        let stop = self.stop.child_token();
        let (spec, token) = (self.member(path.clone(), lines), stop.clone());
        self.tasks.spawn(async move { log_error(one::run(spec, inbox, token, age).await) });
        self.members.insert(path, FollowedFile { stop, over: None });
        Ok(())
    }

    /// Stops following the files that have been old, or not in `paths`, for [`OVER`].
    fn leave(&mut self, paths: &BTreeSet<PathBuf>, now: Instant) {
        self.members.retain(|path, member| {
            if !paths.contains(path) {
                member.over.get_or_insert(now);
            }
            let is_over = member.over.is_some_and(|since| now >= since + OVER);
            if is_over {
                member.stop.cancel();
            }
            !is_over
        });
        while self.tasks.try_join_next().is_some() {}
    }

    fn member(&self, path: PathBuf, lines: u64) -> TailSpec {
        TailSpec { path, lines, retry: true, ..self.spec.clone() }
    }
}

/// Finds the files in a blocking task: a tree may be large, or on a slow mount.
async fn look(pattern: &Arc<Pattern>) -> Found {
    let pattern = Arc::clone(pattern);
    tokio::task::spawn_blocking(move || pattern.find()).await.unwrap_or_default()
}

/// The name of a source.
fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Logs the error of one file, which does not end the others.
fn log_error(ended: Result<(), TailError>) {
    if let Err(error) = ended {
        tracing::warn!("{error}");
    }
}

#[cfg(test)]
mod tests;
