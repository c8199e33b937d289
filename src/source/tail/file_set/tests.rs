//! Patterns and directories, with real files and the system's events.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;
use crate::diagnostics::quoted;
use crate::source::tail::tests::{Tail, write};

/// A source that follows `pattern` in a directory with `files`: each a name and a text.
fn file_set(
    pattern: &str,
    files: &[(&str, &str)],
    change: impl FnOnce(TailSpec) -> TailSpec,
) -> Tail {
    Tail::of(None, |spec| {
        for (name, text) in files {
            let path = spec.path.with_file_name(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            write(&path, text);
        }
        change(TailSpec { path: spec.path.with_file_name(pattern), ..spec })
    })
}

#[tokio::test]
async fn what_appears_later_is_read_from_its_beginning() {
    for poll in [false, true] {
        let files = [("a.log", "one\ntwo\nthree\n"), ("b.txt", "no\n")];
        let mut tail = file_set("*.log", &files, |spec| TailSpec { poll, ..spec });
        tail.expect(&["sample: one", "two", "three"]).await;
        write(&tail.beside("b.log"), "four\nfive\nsix\n");
        tail.expect(&["four", "five", "six"]).await;
        write(&tail.beside("a.log"), "seven\n");
        tail.expect(&["seven"]).await;
        write(&tail.beside("b.log"), "eight\n");
        tail.expect(&["eight"]).await;
    }
}

#[tokio::test]
async fn a_rotated_file_is_no_source_of_its_own() {
    let files = [("log", "one\n"), ("log.1", "old\n"), ("log-20260307", "older\n")];
    let mut tail = file_set("", &files, |spec| spec);
    tail.expect(&["one"]).await;
    for round in 0..10 {
        let [first, second] = [format!("first {round}"), format!("second {round}")];
        write(&tail.beside("log"), &format!("{first}\n"));
        tail.expect(&[&first]).await;
        if round % 2 == 0 {
            fs::rename(tail.beside("log"), tail.beside("log.1")).unwrap();
        } else {
            fs::copy(tail.beside("log"), tail.beside("log.2")).unwrap();
            fs::File::options().write(true).truncate(true).open(tail.beside("log")).unwrap();
        }
        write(&tail.beside("log"), &format!("{second}\n"));
        tail.expect(&[&second]).await;
    }
    symlink("log", tail.beside("latest")).unwrap();
    write(&tail.beside("other"), "end\n");
    tail.expect(&["end"]).await;
}

#[tokio::test]
async fn directories_appear_later_too() {
    for (pattern, there, place) in [
        ("*/*.log", "here/c.log", "net/c.log"),
        ("logs/**/c.log", "logs/c.log", "logs/2026/net/c.log"),
    ] {
        let mut tail = file_set(pattern, &[(there, "it has looked\n")], |spec| spec);
        tail.expect(&["it has looked"]).await;
        let log = tail.beside(place);
        fs::create_dir_all(log.parent().unwrap()).unwrap();
        write(&log, "one\ntwo\nthree\n");
        tail.expect(&["one", "two", "three"]).await;
    }
}

#[tokio::test]
async fn only_the_latest_date_is_followed_at_first() {
    let files = [("a.2026-11-22", "no\n"), ("a.2026-11-23", "one\n"), ("b.2026-11-22", "two\n")];
    let mut tail = file_set("*.{date}", &files, |spec| spec);
    tail.expect(&["one", "two"]).await;
    write(&tail.beside("a.2026-11-24"), "three\nfour\nfive\n");
    tail.expect(&["three", "four", "five"]).await;
    write(&tail.beside("a.2026-11-21"), "an old one is no news\n");
    write(&tail.beside("a.2026-11-23"), "late\n");
    tail.expect(&["late"]).await;
    write(&tail.beside("b.2026-11-24"), "six\n");
    tail.expect(&["six"]).await;
}

#[tokio::test]
async fn a_file_that_nobody_wrote_to_for_a_day_begins_at_its_end() {
    let mut tail = file_set("*.log", &[("b.log", "two\n")], |spec| {
        let old = spec.path.with_file_name("a.log");
        write(&old, "old\n");
        let file = fs::File::options().write(true).open(&old).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written - Duration::from_secs(30 * 60 * 60)).unwrap();
        spec
    });
    tail.expect(&["sample: old", "two"]).await;
    write(&tail.beside("a.log"), "new\n");
    tail.expect(&["new"]).await;
}

#[tokio::test]
async fn files_that_appear_between_runs_are_read_from_their_beginnings() {
    let state = tempfile::tempdir().unwrap();
    let bookmarks = Some(state.path().to_owned());
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let resumed = || {
        let (path, bookmarks) = (place("*.{date}"), bookmarks.clone());
        Tail::of(None, |spec| TailSpec { path, bookmarks, ..spec })
    };
    write(&place("a.2026-11-22"), "passed over\n");
    write(&place("a.2026-11-23"), "one\ntwo\nthree\n");
    let mut tail = resumed();
    tail.expect(&["sample: one", "two", "three"]).await;
    // The file's bookmark, and the mark that the pattern was followed.
    let is_whole = |path: PathBuf| path.extension().is_some_and(|it| it == "json");
    let n_whole = || {
        let entries = fs::read_dir(state.path()).unwrap().flatten();
        entries.filter(|entry| is_whole(entry.path())).count()
    };
    while n_whole() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(tail);
    for name in ["a.2026-11-24", "a.2026-11-25"] {
        write(&place(name), "four\nfive\nsix\n");
    }
    // The first two lines were not acknowledged.
    let news = ["four", "five", "six", "four", "five", "six"];
    let mut tail = resumed();
    tail.expect(&["sample: one", "two", "three"]).await;
    tail.expect(&news).await;
}

#[tokio::test]
async fn a_pattern_without_a_match_fails_with_a_message() {
    for (follow, hint) in [(true, "; --retry waits for one"), (false, "")] {
        let tail = file_set("*.log", &[], |spec| TailSpec { follow, ..spec });
        let name = quoted(&tail.beside("*.log"));
        let message = format!("cannot read {name}: no log matches{hint}");
        assert_eq!(tail.end().await, (vec![], message));
    }
    let tail = file_set("", &[("net/#c.log", "one\n")], |spec| spec);
    let [name, below] = ["", "**"].map(|name| quoted(&tail.beside(name)));
    let message = format!(
        "cannot read {name}: there is no log in it, only folders; use {below} for the logs below \
         it; --retry waits for one"
    );
    assert_eq!(tail.end().await, (vec![], message));
}
