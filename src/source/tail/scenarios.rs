//! The test scenarios of GNU coreutils for `tail -F`, as steps to test both the source alone and
//! the whole program.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The name of the file that is followed.
pub(crate) const LOG: &str = "sic.out";

/// A step in the directory of the log.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A line is appended to the file of this name, which is created where there is none.
    Write(&'static str, String),
    /// The file is truncated, and a line is written.
    Rewrite(&'static str, String),
    /// A file is renamed.
    Rename(&'static str, &'static str),
    Remove(&'static str),
    /// The first name becomes a symbolic link to the second.
    Link(&'static str, &'static str),
    /// The directory is removed with its content, and created again, empty.
    Recreate,
    /// The follower is given the time for a look.
    Look,
    /// These lines must follow, and no others before them.
    Expect(Vec<String>),
}

impl Step {
    /// Does what the step changes in `directory`, if anything.
    pub(crate) fn apply(&self, directory: &Path) {
        let place = |name| directory.join(name);
        let line = |mut file: File, text| writeln!(file, "{text}");
        let done = match self {
            Self::Write(name, text) => {
                let file = File::options().create(true).append(true).open(place(name));
                file.and_then(|file| line(file, text))
            }
            Self::Rewrite(name, text) => {
                File::create(place(name)).and_then(|file| line(file, text))
            }
            Self::Rename(from, to) => fs::rename(place(from), place(to)),
            Self::Remove(name) => fs::remove_file(place(name)),
            Self::Link(name, target) => symlink(target, place(name)),
            Self::Recreate => {
                fs::remove_dir_all(directory).and_then(|()| fs::create_dir(directory))
            }
            Self::Look | Self::Expect(_) => Ok(()),
        };
        done.unwrap_or_else(|error| panic!("{self:?}: {error}"));
    }
}

/// All scenarios, with their names.
pub(crate) fn all() -> [(&'static str, Vec<Step>); 5] {
    [
        ("rotations", rotate()),
        ("a missing file", missing()),
        ("a directory that goes", directory()),
        ("a symbolic link", link()),
        ("truncations", truncate()),
    ]
}

fn write(name: &'static str, text: &str) -> Step {
    Step::Write(name, text.to_owned())
}

fn expect(lines: &[&str]) -> Step {
    Step::Expect(lines.iter().map(|&line| line.to_owned()).collect())
}

/// An open log with the line "one", then `steps`.
fn opened(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    [write(LOG, "one"), expect(&["one"])].into_iter().chain(steps).collect()
}

/// `tests/tail/inotify-rotate.sh`, and `F-vs-rename.sh`: fifty rotations lose no line.
fn rotate() -> Vec<Step> {
    opened((0..50).flat_map(|round| {
        let (old, new) = (format!("old {round}"), format!("new {round}"));
        let expected = expect(&[&old, &new]);
        [write(LOG, &old), Step::Rename(LOG, "sic.out.1"), write(LOG, &new), expected]
    }))
}

/// `tests/tail/F-vs-missing.sh`, `retry.sh`: a file that does not exist yet, or any more.
fn missing() -> Vec<Step> {
    let coming = ["one", "two", "three"]
        .into_iter()
        .flat_map(|text| [Step::Look, write(LOG, text), expect(&[text]), Step::Remove(LOG)]);
    coming.collect()
}

/// `tests/tail/inotify-dir-recreate.sh`: the same for its directory.
fn directory() -> Vec<Step> {
    opened(
        ["two", "three"]
            .into_iter()
            .flat_map(|text| [Step::Recreate, Step::Look, write(LOG, text), expect(&[text])]),
    )
}

/// `tests/tail/symlink.sh`, and `follow-symlink.sh`: a dangling link, or one with a new target.
fn link() -> Vec<Step> {
    vec![
        Step::Link(LOG, "first"),
        Step::Look,
        write("first", "one"),
        expect(&["one"]),
        write("second", "two"),
        Step::Remove(LOG),
        Step::Link(LOG, "second"),
        expect(&["two"]),
        write("second", "three"),
        expect(&["three"]),
    ]
}

/// `tests/tail/truncate.sh`: shorter, as long as before, and longer.
fn truncate() -> Vec<Step> {
    opened(
        ["a", "b", "longer"]
            .into_iter()
            .flat_map(|text| [Step::Rewrite(LOG, text.to_owned()), expect(&[text])]),
    )
}
