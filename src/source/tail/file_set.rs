//! Follows all files that a [`Pattern`] stands for, also those that appear later, each as a source
//! of its own.
#![forbid(unsafe_code)]

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::bookmark;
use super::pattern::{Dated, Digits, Found, Match, Pattern};
use super::rotation::{self, Identity};
use super::seats;
use super::watch::Watch;
use super::{Age, TailError, TailSpec, run_one};
use crate::clock;
use crate::source::{Closed, Inbox};

/// A file that nobody wrote to for so long begins at its end: what it has is no news.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a file is followed that is gone, or whose series has a younger one.
const OVER: Duration = Duration::from_secs(10 * 60);

/// How long the first bookmarks take at most, on a quiet machine.
const SOON: Duration = Duration::from_secs(1);

/// The files of a pattern.
struct FileSet<'a> {
    spec: &'a TailSpec,
    inbox: &'a Inbox,
    stop: &'a CancellationToken,
    members: HashMap<PathBuf, FollowedFile>,
    /// How many logs the seats know of.
    n_counted: usize,
    /// The files that had one of the names at the last look.
    known: HashSet<Identity>,
    /// The youngest date of each series, up to the last look.
    youngest: HashMap<Vec<u8>, Digits>,
    tasks: JoinSet<()>,
    is_marked: bool,
}

/// A file that is followed.
struct FollowedFile {
    stop: CancellationToken,
    /// Since when it is gone, or old.
    over: Option<Instant>,
}

/// Gives the lines of the files that `pattern` stands for, until `stop`. It fails when there is none
/// and nobody waits for one.
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
    let mut family = FileSet {
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
    let ended =
        if spec.follow { family.follow(pattern, found).await } else { family.read(found).await };
    if ended.is_err() {
        tracing::debug!(path = ?spec.path, "nobody listens any more");
    }
    Ok(())
}

/// Whether the files that are new at a look were there before it, as far as one knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// They may have been: they are begun as the user said.
    First,
    /// They came since: they are begun at their beginning.
    Later,
}

impl FileSet<'_> {
    /// Reads them one after the other, to their ends.
    async fn read(&mut self, found: Found) -> Result<(), Closed> {
        for Match { path, .. } in found.files {
            let inbox = self.inbox.open(name(&path)).await?;
            let spec = self.member(path, self.spec.lines);
            tell(run_one(spec, inbox, self.stop.clone(), Age::Old).await);
        }
        Ok(())
    }

    /// Follows them, and looks for others.
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
            watch.look_over(std::mem::take(&mut found.directories));
        }
        while self.tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Where the pattern was followed before, and is to go on, a file without a bookmark of its own
    /// came since; an older one of a series was passed over.
    fn first_look(&mut self, found: &[Match]) -> Look {
        let was_here = self.bookmark(&self.spec.path).is_some_and(|mark| mark.exists());
        let counts = |it: &&Match| {
            !was_here || self.bookmark(&it.path).is_some_and(|bookmark| bookmark.exists())
        };
        let counted: Vec<_> = found.iter().filter(counts).cloned().collect();
        self.date(&counted);
        if was_here { Look::Later } else { Look::First }
    }

    /// The file of a path's bookmark, where they are kept; of the pattern's path, the mark that it
    /// was followed.
    fn bookmark(&self, path: &Path) -> Option<PathBuf> {
        Some(bookmark::file_for(self.spec.bookmarks.as_ref()?, path))
    }

    /// Marks that the pattern was followed, as soon as each file has its bookmark; whether there is
    /// nothing to mark any more.
    fn is_marked(&mut self) -> bool {
        let Some(mark) = self.bookmark(&self.spec.path) else { return true };
        let has_bookmark = |path| self.bookmark(path).is_some_and(|file| file.exists());
        if !self.is_marked && self.members.keys().all(|path| has_bookmark(path)) {
            self.is_marked = true;
            if let Err(error) = bookmark::mark(&mark, &self.spec.path) {
                tracing::warn!(path = ?self.spec.path, %error, "that it is followed cannot be noted");
            }
        }
        self.is_marked
    }

    /// Follows what is new among `found`, and gives up what is over.
    async fn adopt(&mut self, found: Vec<Match>, look: Look) -> Result<(), Closed> {
        let now = clock::now();
        let paths: BTreeSet<PathBuf> = found.iter().map(|it| it.path.clone()).collect();
        seats::count(found.len().saturating_sub(self.n_counted));
        self.n_counted = self.n_counted.max(found.len());
        // What is followed already goes first: a file that was made since the last look may have
        // another name beside the one it is followed by.
        let is_followed = |it: &&Match| self.members.contains_key(&it.path);
        let identity = |it: &Match| it.path.metadata().map(|it| Identity::from(&it)).ok();
        let mut seen: HashSet<_> = found.iter().filter(is_followed).filter_map(identity).collect();
        for Match { path, dated } in &found {
            let Ok(metadata) = path.metadata() else { continue };
            let identity = Identity::from(&metadata);
            let is_known = !seen.insert(identity) || self.known.contains(&identity);
            let is_old = dated.as_ref().is_some_and(|dated| self.is_old(dated));
            // A log may be away for a moment, between its rotation and its next line.
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

    /// How many lines of a file that is there already are given.
    fn lines(&self, metadata: &Metadata) -> u64 {
        let age = metadata.modified().ok().and_then(|it| it.elapsed().ok());
        if age.is_some_and(|age| age > STALE) { 0 } else { self.spec.lines }
    }

    /// Notes the youngest dates.
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

    /// Follows a file, from its last `lines` lines on.
    async fn join(&mut self, path: PathBuf, lines: u64, age: Age) -> Result<(), Closed> {
        let inbox = self.inbox.open(name(&path)).await?;
        let stop = self.stop.child_token();
        let (spec, token) = (self.member(path.clone(), lines), stop.clone());
        self.tasks.spawn(async move { tell(run_one(spec, inbox, token, age).await) });
        self.members.insert(path, FollowedFile { stop, over: None });
        Ok(())
    }

    /// Gives up the files that have been old, or not among `paths`, for long.
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

/// Looks for the files beside the other tasks: a tree may be large, or on a slow mount.
async fn look(pattern: &Arc<Pattern>) -> Found {
    let pattern = Arc::clone(pattern);
    tokio::task::spawn_blocking(move || pattern.find()).await.unwrap_or_default()
}

/// The name of a source.
fn name(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// One file that cannot be followed does not end the others.
fn tell(ended: Result<(), TailError>) {
    if let Err(error) = ended {
        tracing::warn!("{error}");
    }
}
