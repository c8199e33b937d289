//! Finds rotated files: those beside a log that had its name before, including all of several
//! rotations between two looks.
//!
//! Supports the names that the usual tools give: the log's own with a number or a date after it
//! (`log.1`, `log-20260307`) or before its extension (`meeting-20260307.log`), or `log.old`; in
//! the log's directory, or in that of the file a link leads to. Compressed ones are not read.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::change::{FileKey, kind, open};
use crate::clock;

/// A change may repeat within the same tick of the system's clock, and then goes unseen.
pub(super) const TICK: Duration = Duration::from_millis(50);

/// How often a folder is listed, at most, while its files are being renamed.
const LOOKS: usize = 3;

/// Identifies a file even after it was deleted: its inode is soon reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Identity {
    #[serde(flatten)]
    pub(super) key: FileKey,
    pub(super) born: Option<SystemTime>,
}

impl From<&Metadata> for Identity {
    fn from(metadata: &Metadata) -> Self {
        Self { key: FileKey::from(metadata), born: metadata.created().ok() }
    }
}

/// A file that had the log's name, open.
#[derive(Debug)]
pub(super) struct RotatedFile {
    pub(super) file: File,
    pub(super) key: FileKey,
    /// The sort key, oldest first: the time of birth, if the file system has it, then the rank in
    /// the name, because two files may be born in the same tick of the system's clock.
    age: (Option<SystemTime>, i64),
}

impl RotatedFile {
    /// All files that have or had the name `path`, oldest first; `others` are more that had it.
    pub(super) fn all(path: &Path, others: &[PathBuf]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let mut add = |path: &Path, rank| {
            let Ok((file, metadata)) = open(path) else { return };
            let key = FileKey::from(&metadata);
            if kind(&metadata).is_none() && all.iter().all(|it| it.key != key) {
                let age = (metadata.created().or_else(|_| metadata.modified()).ok(), rank);
                all.push(Self { file, key, age });
            }
        };
        each(path, |path, rank, _| add(path, rank));
        std::iter::once(path)
            .chain(others.iter().map(PathBuf::as_path))
            .for_each(|path| add(path, i64::MAX));
        all.sort_by_key(|it| it.age);
        all
    }
}

/// The known rotated files.
#[derive(Debug, Default)]
pub(super) struct RotatedFiles {
    known: HashSet<Identity>,
}

impl RotatedFiles {
    /// Knows all existing rotated files of `path`.
    pub(super) fn beside(path: &Path) -> Self {
        let mut rotated = Self::default();
        each_of(path, known_names, |_, _, metadata| rotated.know(metadata));
        rotated
    }

    /// Knows the files of a bookmark.
    pub(super) fn knowing(known: &[Identity]) -> Self {
        Self { known: known.iter().copied().collect() }
    }

    /// The known files, in no order.
    pub(super) fn known(&self) -> Vec<Identity> {
        self.known.iter().copied().collect()
    }

    /// Adds the file of `metadata`, whatever name it will have.
    pub(super) fn know(&mut self, metadata: &Metadata) {
        self.known.insert(Identity::from(metadata));
    }

    /// Forgets the file `key`: it will be new again.
    pub(super) fn forget(&mut self, key: FileKey) {
        self.known.retain(|it| it.key != key);
    }

    /// The rotated files that were not known yet, oldest first.
    pub(super) fn new_rotations(&mut self, path: &Path) -> Vec<RotatedFile> {
        let (mut seen, mut new_rotations) = (HashSet::new(), Vec::new());
        // A file renamed during a look (`log.1` to `log.2`) has a name that the look has passed.
        for _ in 0..LOOKS {
            seen.clear();
            let is_whole = each(path, |path, rank, metadata| {
                seen.insert(Identity::from(metadata));
                if self.known.contains(&Identity::from(metadata)) {
                    return;
                }
                let Ok((file, metadata)) = open(path) else { return };
                if kind(&metadata).is_none() && self.known.insert(Identity::from(&metadata)) {
                    seen.insert(Identity::from(&metadata));
                    let age = (metadata.created().or_else(|_| metadata.modified()).ok(), rank);
                    new_rotations.push(RotatedFile { file, key: FileKey::from(&metadata), age });
                }
            });
            if is_whole {
                break;
            }
        }
        self.known = seen; // those that are gone are forgotten
        new_rotations.sort_by_key(|it| it.age);
        new_rotations
    }
}

/// The path of the file `identity` in the directory of `path`, or in that of its link target.
pub(super) fn named(path: &Path, identity: Identity) -> Option<PathBuf> {
    let target = target(path);
    let mut folders = [Some(path), target.as_deref()].into_iter().flatten().map(|path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    });
    folders.find_map(|folder| {
        let entries = fs::read_dir(folder).ok()?;
        entries.flatten().find_map(|entry| {
            let is_it = entry.ino() == identity.key.inode()
                && entry.metadata().is_ok_and(|it| Identity::from(&it) == identity);
            is_it.then(|| entry.path())
        })
    })
}

/// The target of `path`, if it is a link.
pub(super) fn target(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|target| target != path)
}

/// Calls `take` for each file with a rotated name beside `path`, and beside its link target, with
/// its path, its rank and its metadata. Returns whether each name still was there when its turn
/// came.
fn each(path: &Path, take: impl FnMut(&Path, i64, &Metadata)) -> bool {
    each_of(path, |folder| names(folder).map(Rc::new), take)
}

/// The same, with `names` to list a folder.
fn each_of(
    path: &Path,
    names: impl Fn(&Path) -> io::Result<Rc<Vec<OsString>>>,
    mut take: impl FnMut(&Path, i64, &Metadata),
) -> bool {
    let mut is_whole = true;
    let target = target(path);
    for path in [Some(path), target.as_deref()].into_iter().flatten() {
        let Some(name) = path.file_name() else { continue };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new("."));
        let Ok(names) = names(folder) else { continue };
        let extension = path.extension().map_or(0, |it| it.len() + 1);
        let stem = &name.as_bytes()[..name.len() - extension];
        // In a folder of many logs, this cheap test rejects most of the names.
        for other in names.iter().filter(|it| it.as_bytes().starts_with(stem)) {
            let Some(rank) = rank(other, name) else { continue };
            let entry = folder.join(other);
            match entry.symlink_metadata() {
                Ok(metadata) if metadata.is_file() => take(&entry, rank, &metadata),
                Ok(_) => {}
                Err(_) => is_whole = false,
            }
        }
    }
    is_whole
}

/// The names in `folder`.
fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    Ok(fs::read_dir(folder)?.flatten().map(|entry| entry.file_name()).collect())
}

/// A cached listing of a folder.
struct LastLines {
    folder: PathBuf,
    read: Instant,
    changed: (FileKey, i64, i64),
    names: Rc<Vec<OsString>>,
}

/// How old a listing may be, in case the folder's change is not visible in its metadata.
const FRESH: Duration = Duration::from_secs(1);

/// The names in `folder`, cached: thousands of logs that start together read them once.
fn known_names(folder: &Path) -> io::Result<Rc<Vec<OsString>>> {
    thread_local! {
        static LAST: RefCell<Option<LastLines>> = const { RefCell::new(None) };
    }
    let metadata = fs::metadata(folder)?;
    let changed = (FileKey::from(&metadata), metadata.ctime(), metadata.ctime_nsec());
    let now = clock::now();
    LAST.with_borrow_mut(|last| {
        if let Some(last) = last
            && last.folder == folder
            && last.changed == changed
            && now.saturating_duration_since(last.read) < FRESH
        {
            return Ok(Rc::clone(&last.names));
        }
        let names = Rc::new(names(folder)?);
        let is_stable =
            metadata.modified().is_ok_and(|it| it.elapsed().is_ok_and(|age| age >= TICK));
        let listing =
            LastLines { folder: folder.to_owned(), read: now, changed, names: Rc::clone(&names) };
        *last = is_stable.then_some(listing);
        Ok(names)
    })
}

/// Whether `path` has the name of a rotated file of a log beside it, as decided by `is_log`.
pub(super) fn is_rotated(path: &Path, is_log: impl Fn(&Path) -> bool) -> bool {
    let Some(name) = path.file_name() else { return false };
    let bytes = name.as_bytes();
    let extension = path.extension().map_or(bytes.len(), |it| bytes.len() - it.len() - 1);
    let cuts = (1..bytes.len()).filter(|&at| b".-_".contains(&bytes[at]));
    // The log's name, with and without the extension at the end.
    let logs = cuts.flat_map(|at| {
        [bytes[..at].to_vec(), [&bytes[..at], &bytes[extension.max(at)..]].concat()]
    });
    logs.into_iter().any(|log| {
        let log = OsStr::from_bytes(&log);
        log != name && rank(name, log).is_some() && is_log(&path.with_file_name(log))
    })
}

/// The rank of `name` among the rotated files of `log`, higher for younger ones; `None` if it is no
/// rotated file's name. Numbers grow with age (`log.2` is older than `log.1`), dates shrink.
fn rank(name: &OsStr, log: &OsStr) -> Option<i64> {
    let extension = Path::new(log).extension().map_or(0, |it| it.len() + 1);
    let (stem, extension) = log.as_bytes().split_at(log.len() - extension);
    let middle = |name: &[u8]| {
        let middle = name.strip_prefix(stem)?.strip_suffix(extension)?.to_vec();
        is_number(&middle).then_some(middle)
    };
    let name = name.as_bytes();
    let after = name.strip_prefix(log.as_bytes()).map(<[u8]>::to_vec);
    let part = after.filter(|it| is_number(it) || it == b".old").or_else(|| middle(name))?;
    let digits = part.iter().filter(|byte| byte.is_ascii_digit());
    let number =
        digits.fold(0_i64, |n, digit| n.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some(if number < 1_000 { -number } else { number })
}

/// Whether `part` of a name is a number or a date, with its separator.
fn is_number(part: &[u8]) -> bool {
    part.first().is_some_and(|first| b".-_".contains(first))
        && part.iter().any(u8::is_ascii_digit)
        && part.iter().all(|byte| byte.is_ascii_digit() || b".-_:T".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_names_are_ranked_by_age() {
        for (name, log, age) in [
            ("log.1", "log", Some(-1)),
            ("log.12", "log", Some(-12)),
            ("log.old", "log", Some(0)),
            ("log-20260307", "log", Some(20_260_307)),
            ("log-2026-03-07", "log", Some(20_260_307)),
            ("meeting-20260307.log", "meeting.log", Some(20_260_307)),
            ("meeting.log.1", "meeting.log", Some(-1)),
            ("meeting.1.log", "meeting.log", Some(-1)),
            ("log", "log", None),
            ("log.1.gz", "log", None),
            ("log.bak", "log", None),
            ("log~", "log", None),
            ("logs.1", "log", None),
            ("log1", "log", None),
            ("other.1", "log", None),
        ] {
            assert_eq!(rank(OsStr::new(name), OsStr::new(log)), age, "{name}");
        }
    }

    #[test]
    fn a_rotated_file_is_recognized_by_its_log() {
        for (name, log, rotated) in [
            ("log.1", "log", true),
            ("log-20260307", "log", true),
            ("meeting-2026-03-07.log", "meeting.log", true),
            ("meeting.log.old", "meeting.log", true),
            ("meeting.log", "meeting.log", false),
            ("2026-03-07.log", "2026-03-06.log", false),
            ("meeting.log", "meeting", false),
        ] {
            let is_log = |path: &Path| path == Path::new("logs").join(log);
            assert_eq!(is_rotated(&Path::new("logs").join(name), is_log), rotated, "{name}");
        }
    }

    #[test]
    fn only_rotations_since_the_last_look_are_new() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let write = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        write("log.1");
        let mut rotated = RotatedFiles::beside(&log);
        assert_eq!(rotated.new_rotations(&log).len(), 0);
        fs::rename(folder.path().join("log.1"), folder.path().join("log.2")).unwrap();
        write("log.1");
        write("log.1.gz");
        assert_eq!(rotated.new_rotations(&log).len(), 1);
        assert_eq!(rotated.new_rotations(&log).len(), 0);
    }
}
