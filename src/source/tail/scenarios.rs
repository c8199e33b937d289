//! What GNU coreutils tries its `tail -F` with, by events and by the clock.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::symlink;

use super::tests::{Tail, write};
use super::*;

/// Followers in both ways of a file that holds `text`, or is not there.
fn both(text: Option<&str>) -> [Tail; 2] {
    [false, true].map(|poll| Tail::of(text, |spec| TailSpec { poll, retry: true, ..spec }))
}

/// `tests/tail/inotify-rotate.sh`, and `F-vs-rename.sh`.
#[tokio::test]
async fn fifty_rotations_lose_no_line() {
    for mut tail in both(Some("one\n")) {
        tail.expect(&["one"]).await; // it is open
        for round in 0..50 {
            let (old, new) = (format!("old {round}"), format!("new {round}"));
            write(&tail.path, &format!("{old}\n"));
            fs::rename(&tail.path, tail.beside("sic.out.1")).unwrap();
            write(&tail.path, &format!("{new}\n"));
            tail.expect(&[&old, &new]).await;
        }
    }
}

/// `tests/tail/F-vs-missing.sh`, `retry.sh`, and `inotify-dir-recreate.sh`.
#[tokio::test]
async fn a_directory_that_goes_and_comes_is_waited_for() {
    for mut tail in both(Some("one\n")) {
        tail.expect(&["one"]).await;
        for text in ["two", "three"] {
            fs::remove_dir_all(tail.directory.path()).unwrap();
            yield_now().await;
            fs::create_dir(tail.directory.path()).unwrap();
            write(&tail.path, &format!("{text}\n"));
            tail.expect(&[text]).await;
        }
    }
    for mut tail in both(None) {
        yield_now().await;
        write(&tail.path, "one\n");
        tail.expect(&["one"]).await;
    }
}

/// `tests/tail/symlink.sh`, and `follow-symlink.sh`.
#[tokio::test]
async fn a_link_that_dangles_or_leads_elsewhere_is_followed() {
    for mut tail in both(None) {
        symlink("first", &tail.path).unwrap();
        yield_now().await;
        write(&tail.beside("first"), "one\n");
        tail.expect(&["one"]).await;
        write(&tail.beside("second"), "two\n");
        fs::remove_file(&tail.path).unwrap();
        symlink("second", &tail.path).unwrap();
        tail.expect(&["two"]).await;
        write(&tail.beside("second"), "three\n");
        tail.expect(&["three"]).await;
    }
}

/// `tests/tail/truncate.sh`: shorter, and as long as before.
#[tokio::test]
async fn a_truncated_file_is_begun_anew() {
    for mut tail in both(Some("one\n")) {
        tail.expect(&["one"]).await;
        for text in ["a", "b", "longer"] {
            fs::write(&tail.path, format!("{text}\n")).unwrap();
            tail.expect(&[text]).await;
        }
    }
}
