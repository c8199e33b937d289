//! The whole source, with real files and the system's events.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::scenarios::{self, LOG, Step};
use super::*;
use crate::message::SourceId;
use crate::source::Input;
use crate::source::lines::Lines;

const DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn spec(path: &Path) -> TailSpec {
    TailSpec {
        path: path.to_path_buf(),
        lines: 2,
        follow: true,
        retry: false,
        poll: false,
        bookmarks: None,
    }
}

pub(super) fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

pub(super) fn write(path: &Path, text: &str) {
    append(path).write_all(text.as_bytes()).unwrap();
}

/// The texts of `lines`, with a plus before each continuation.
pub(super) fn texts(lines: &Lines) -> Vec<String> {
    let text = |line: crate::message::Line| {
        format!("{}{}", if line.continued { "+" } else { "" }, line.text)
    };
    lines.iter().map(text).collect()
}

/// A source that follows a file in a directory of its own.
pub(super) struct Tail {
    pub(super) directory: TempDir,
    pub(super) path: PathBuf,
    receiver: mpsc::Receiver<Input>,
    waiting: VecDeque<String>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), TailError>>,
}

impl Tail {
    /// Follows [`LOG`], which holds `text`, or does not exist.
    pub(super) fn of(text: Option<&str>, change: impl FnOnce(TailSpec) -> TailSpec) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(LOG);
        if let Some(text) = text {
            write(&path, text);
        }
        let spec = change(spec(&path));
        let path = spec.path.clone();
        let (sender, receiver) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(spec, Inbox::new(SourceId(0), sender), stop.clone()));
        Self { directory, path, receiver, waiting: VecDeque::new(), stop, task }
    }

    fn new(text: &str) -> Self {
        Self::of(Some(text), |spec| spec)
    }

    /// The next line within the deadline, one of a sample with "sample: "; `None` at the end.
    async fn line(&mut self) -> Option<String> {
        while self.waiting.is_empty() {
            match timeout(DEADLINE, self.receiver.recv()).await.expect("a line or an end")? {
                Input::Lines(lines) => self.waiting.extend(texts(&lines)),
                Input::Sample(lines) => {
                    self.waiting.extend(texts(&lines).iter().map(|line| format!("sample: {line}")));
                }
                Input::Opened(_, _, room) => room.lift(), // nobody gives it back here
                Input::Resumable(..) => {}
                other => panic!("lines, not {other:?}"),
            }
        }
        self.waiting.pop_front()
    }

    pub(super) async fn expect(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.line().await.as_deref(), Some(*line));
        }
    }

    /// All lines to the end, and the error message, or "ok".
    pub(super) async fn end(mut self) -> (Vec<String>, String) {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await {
            lines.push(line);
        }
        let result = timeout(DEADLINE, self.task).await.expect("an end").unwrap();
        (lines, result.map_or_else(|error| error.to_string(), |()| "ok".to_owned()))
    }

    /// The path of another file in the directory.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

#[tokio::test]
async fn the_last_lines_come_first_and_then_what_is_written() {
    let mut tail = Tail::new("one\ntwo\nthree\nfour\n");
    tail.expect(&["sample: one", "sample: two", "three", "four"]).await;
    write(&tail.path, "five\nsix\n");
    tail.expect(&["five", "six"]).await;
    tail.stop.cancel();
    assert_eq!(tail.end().await, (vec![], "ok".to_owned()));
}

#[tokio::test]
async fn a_file_is_read_to_its_end_when_it_is_not_followed() {
    for (text, lines, heard) in [
        ("one\ntwo\nthree", 2, &["sample: one", "two", "three"][..]),
        ("one\ntwo\n", u64::MAX, &["one", "two"]),
        ("", 2, &[]),
        ("one\n", 0, &["sample: one"]),
    ] {
        let tail = Tail::of(Some(text), |spec| TailSpec { follow: false, lines, ..spec });
        let (got, result) = tail.end().await;
        assert_eq!(
            (got.as_slice(), result.as_str()),
            (&*heard.iter().map(ToString::to_string).collect::<Vec<_>>(), "ok")
        );
    }
}

#[tokio::test]
async fn what_cannot_be_followed_fails_with_a_message() {
    let missing = Tail::of(None, |spec| spec);
    let name = crate::diagnostics::quoted(&missing.path);
    let message = format!("cannot read {name}: no such file; --retry waits for it");
    assert_eq!(missing.end().await, (vec![], message));

    let empty = tempfile::tempdir().unwrap();
    let directory = Tail::of(None, |spec| TailSpec { path: empty.path().into(), ..spec });
    let name = crate::diagnostics::quoted(empty.path());
    let message = format!("cannot read {name}: there is no log in it; --retry waits for one");
    assert_eq!(directory.end().await, (vec![], message));

    let device = Tail::of(None, |spec| TailSpec { path: "/dev/null".into(), ..spec });
    assert_eq!(
        device.end().await,
        (vec![], "cannot read \"/dev/null\": it is a device".to_owned())
    );
}

#[tokio::test]
async fn a_missing_file_is_waited_for_and_its_directory_too() {
    for place in ["sic.out", "not/there/sic.out"] {
        let mut tail = Tail::of(None, |spec| TailSpec {
            path: spec.path.with_file_name(place),
            retry: true,
            ..spec
        });
        yield_now().await; // it looks for the file now
        fs::create_dir_all(tail.path.parent().unwrap()).unwrap();
        write(&tail.path, "one\ntwo\nthree\n");
        tail.expect(&["one", "two", "three"]).await;
    }
}

#[tokio::test]
async fn a_rotated_file_is_read_on_for_its_late_writer() {
    let mut tail = Tail::new("");
    let mut late = append(&tail.path);
    write(&tail.path, "one\n");
    tail.expect(&["one"]).await;
    late.write_all(b"two\n").unwrap();
    fs::rename(&tail.path, tail.beside("sic.out.1")).unwrap();
    late.write_all(b"three\n").unwrap();
    write(&tail.path, "four\n");
    tail.expect(&["two", "three", "four"]).await;
    late.write_all(b"five\n").unwrap();
    tail.expect(&["five"]).await;
    write(&tail.path, "six\n");
    tail.expect(&["six"]).await;
}

#[tokio::test]
async fn a_truncated_or_rewritten_file_is_read_from_its_beginning() {
    let mut tail = Tail::new("one\n");
    tail.expect(&["one"]).await;
    for text in ["a\n", "bb\n", "cc\n", "more than before\n", ""] {
        fs::write(&tail.path, text).unwrap();
        tail.expect(&text.lines().collect::<Vec<_>>()).await;
    }
    write(&tail.path, "end\n");
    tail.expect(&["end"]).await;
}

#[tokio::test]
async fn the_hole_of_a_writer_that_keeps_its_offset_is_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut writer = File::create(&path).unwrap();
    writer.write_all("line\n".repeat(100_000).as_bytes()).unwrap();
    let mut tail = Tail::of(None, |spec| TailSpec { path: path.clone(), ..spec });
    while tail.line().await.unwrap() != "line" {} // the sample's lines have a prefix
    tail.expect(&["line"]).await;
    File::options().write(true).truncate(true).open(&path).unwrap();
    writer.write_all(b"new\n").unwrap();
    tail.expect(&["new"]).await;
}

#[tokio::test]
async fn a_deleted_file_may_be_created_again() {
    let mut tail = Tail::new("one\n");
    tail.expect(&["one"]).await;
    for text in ["two", "three", "four"] {
        fs::remove_file(&tail.path).unwrap();
        write(&tail.path, &format!("{text}\n"));
        tail.expect(&[text]).await;
    }
    fs::remove_dir_all(tail.directory.path()).unwrap();
    fs::create_dir(tail.directory.path()).unwrap();
    write(&tail.path, "five\n");
    tail.expect(&["five"]).await;
}

#[tokio::test]
async fn a_symbolic_link_is_followed_to_where_it_leads() {
    let elsewhere = tempfile::tempdir().unwrap();
    let (first, second) = (elsewhere.path().join("first"), elsewhere.path().join("second"));
    write(&first, "one\n");
    write(&second, "three\n");
    let link = elsewhere.path().join("links").join("log");
    fs::create_dir(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&first, &link).unwrap();

    let mut tail = Tail::of(None, |spec| TailSpec { path: link.clone(), ..spec });
    tail.expect(&["one"]).await;
    write(&first, "two\n");
    tail.expect(&["two"]).await;
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&second, &link).unwrap();
    tail.expect(&["three"]).await;
    write(&second, "four\n");
    tail.expect(&["four"]).await;
}

/// By events: the deadline is shorter than the polling interval.
#[tokio::test]
async fn a_directory_has_other_paths_and_its_link_may_lead_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for name in ["first", "second"] {
        fs::create_dir(place(name)).unwrap();
        write(&place(name).join("log"), "there\n");
    }
    std::os::unix::fs::symlink("first", place("current")).unwrap();
    let tail = |path: &str| Tail::of(None, |spec| TailSpec { path: place(path), ..spec });
    let mut tails = [tail("first/log"), tail("current/log"), tail("first/../first/log")];
    for tail in &mut tails {
        tail.expect(&["there"]).await;
    }
    for text in ["one", "two"] {
        yield_now().await;
        write(&place("first/log"), &format!("{text}\n"));
        for tail in &mut tails {
            tail.expect(&[text]).await;
        }
    }
    std::os::unix::fs::symlink("second", place("next")).unwrap();
    fs::rename(place("next"), place("current")).unwrap();
    let [_, current, _] = &mut tails;
    current.expect(&["there"]).await;
    write(&place("second/log"), "more\n");
    current.expect(&["more"]).await;
}

#[tokio::test]
async fn an_unfinished_line_is_sent_once_and_then_continued() {
    let mut tail = Tail::new("");
    write(&tail.path, "hel");
    tail.expect(&["hel"]).await;
    write(&tail.path, "lo\nnext\n");
    tail.expect(&["+lo", "next"]).await;
}

#[tokio::test]
async fn a_named_pipe_is_read_as_a_stream() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let mut tail = Tail::of(None, |spec| TailSpec { path: path.clone(), ..spec });
    for text in ["one", "two"] {
        let writing = path.clone();
        // Opening waits for the reader.
        tokio::task::spawn_blocking(move || fs::write(writing, format!("{text}\n")).unwrap());
        tail.expect(&[text]).await;
    }
}

/// Runs all scenarios, by events or by polling.
async fn run_scenarios(poll: bool) {
    for (name, steps) in scenarios::all() {
        let mut tail = Tail::of(None, |spec| TailSpec { poll, retry: true, ..spec });
        for step in steps {
            match step {
                Step::Look => yield_now().await,
                Step::Expect(lines) => {
                    for line in lines {
                        assert_eq!(tail.line().await, Some(line), "{name}, polling: {poll}");
                    }
                }
                done => done.apply(tail.directory.path()),
            }
        }
    }
}

#[tokio::test]
async fn scenarios_pass_by_events() {
    run_scenarios(false).await;
}

#[tokio::test]
async fn scenarios_pass_by_polling() {
    run_scenarios(true).await;
}
