//! The follower against a model: any sequence of writes, rotations and truncations, with real
//! files and a clock that is set by hand.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use super::follow::{BUFFER, Follower, GRACE, Turn};
use super::tests::{append, spec, texts};
use crate::message::SourceId;
use crate::source::lines::PAUSE;

/// What happens to a log.
#[derive(Clone, Debug)]
enum Action {
    /// So many whole lines are written.
    Lines(u8),
    /// The beginning of a line is written, or more of it.
    Partial,
    /// The file is renamed and created anew.
    Rotate,
    /// It is deleted and created anew.
    Recreate,
    /// It is copied and truncated, when all of it was read.
    CopyTruncate,
    /// The writer of the file before this one writes a line.
    Late,
    /// The follower looks so often.
    Turns(u8),
    /// Nothing happens, for so many tenths of a second.
    Pause(u8),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        4 => (1..5_u8).prop_map(Action::Lines),
        3 => Just(Action::Partial),
        2 => Just(Action::Rotate),
        1 => Just(Action::Recreate),
        2 => Just(Action::CopyTruncate),
        2 => Just(Action::Late),
        4 => (1..4_u8).prop_map(Action::Turns),
        2 => (1..15_u8).prop_map(Action::Pause),
    ];
    prop::collection::vec(action, 1..40)
}

/// One of the files that have had the log's name.
struct Writer {
    file: File,
    /// Which file it is, counted from the first; a truncated one counts as another.
    number: u32,
    /// The line that has no end yet.
    unfinished: String,
}

/// A log's writers, the follower, and what they wrote and said. Every piece that is written is
/// told apart by its number; a line is the pieces up to a line end.
struct Model {
    directory: TempDir,
    writer: Writer,
    before: Option<Writer>,
    rotated: Instant,
    /// The lines of each file, by its number.
    written: Vec<(u32, String)>,
    pieces: u32,
    follower: Follower,
    buffer: Vec<u8>,
    now: Instant,
    heard: Vec<String>,
}

impl Model {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let writer = Writer { file: append(&path), number: 0, unfinished: String::new() };
        let now = crate::clock::test_now();
        let (follower, _) = Follower::start(&spec(&path), SourceId(0), now).unwrap();
        Self {
            directory,
            writer,
            before: None,
            rotated: now,
            written: Vec::new(),
            pieces: 0,
            follower,
            buffer: vec![0; BUFFER],
            now,
            heard: Vec::new(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Writes what no other piece is, and `end`: a line end or nothing.
    fn write(&mut self, late: bool, end: &str) {
        let Some(writer) = (if late { self.before.as_mut() } else { Some(&mut self.writer) })
        else {
            return;
        };
        self.pieces += 1;
        let piece = format!("<{}>", self.pieces);
        writer.file.write_all(format!("{piece}{end}").as_bytes()).unwrap();
        writer.unfinished += &piece;
        if !end.is_empty() {
            self.written.push((writer.number, std::mem::take(&mut writer.unfinished)));
        }
    }

    fn create(&mut self) {
        let file = append(&self.path());
        let new = Writer { file, number: self.writer.number + 1, unfinished: String::new() };
        let writer = std::mem::replace(&mut self.writer, new);
        let before = self.before.replace(writer);
        give_up(before, &mut self.written);
        self.rotated = self.now;
        // A file that comes and goes unseen is lost; no other is.
        while !matches!(self.turn(), Turn::Switched) {}
    }

    fn truncate(&mut self) {
        self.drain();
        let file = self.writer.file.try_clone().unwrap();
        file.set_len(0).unwrap();
        let new = Writer { file, number: self.writer.number + 1, unfinished: String::new() };
        let writer = std::mem::replace(&mut self.writer, new);
        give_up(Some(writer), &mut self.written);
    }

    fn act(&mut self, action: &Action) {
        match action {
            Action::Lines(n) => (0..*n).for_each(|_| self.write(false, "\n")),
            Action::Partial => self.write(false, ""),
            Action::Rotate => {
                let name = format!("log.{}", self.writer.number);
                fs::rename(self.path(), self.directory.path().join(name)).unwrap();
                self.create();
            }
            Action::Recreate => {
                fs::remove_file(self.path()).unwrap();
                self.create();
            }
            Action::CopyTruncate => self.truncate(),
            // Not as late that the file may have been given up.
            Action::Late if self.now < self.rotated + GRACE => self.write(true, "\n"),
            Action::Late => {}
            Action::Turns(n) => (0..*n).for_each(|_| drop(self.turn())),
            Action::Pause(tenths) => {
                self.drain();
                self.now += Duration::from_millis(100) * u32::from(*tenths);
            }
        }
    }

    fn turn(&mut self) -> Turn {
        let turn = self.follower.turn(&mut self.buffer, self.now);
        if let Turn::Lines(lines) = &turn {
            self.heard.extend(texts(lines));
        }
        turn
    }

    fn drain(&mut self) {
        while !matches!(self.turn(), Turn::Idle) {}
    }

    /// Looks on until nothing more is to come, and compares what was written and heard.
    fn end(mut self) -> Result<(), TestCaseError> {
        self.drain();
        self.now += GRACE + PAUSE;
        self.drain();
        prop_assert!(!self.follower.has_retired());
        prop_assert_eq!(self.follower.deadline(), None);
        for writer in [self.before.take(), Some(self.writer)] {
            give_up(writer, &mut self.written);
        }
        compare(&self.written, &self.heard)
    }
}

/// Counts a line that will get no end any more.
fn give_up(writer: Option<Writer>, written: &mut Vec<(u32, String)>) {
    if let Some(Writer { number, unfinished, .. }) = writer
        && !unfinished.is_empty()
    {
        written.push((number, unfinished));
    }
}

/// Whether all that was `written` was `heard`, once, each file's lines in their order. A line that
/// was given in parts begins with its first, and the others continue it.
fn compare(written: &[(u32, String)], heard: &[String]) -> Result<(), TestCaseError> {
    let mut places = HashMap::new();
    let mut said = vec![false; heard.len()];
    for (number, line) in written {
        let mut rest = line.as_str();
        while !rest.is_empty() {
            let text = |part: &String| part.trim_start_matches('+').to_owned();
            let place = heard.iter().position(|part| rest.starts_with(&text(part)));
            let place = place.ok_or_else(|| TestCaseError::fail(format!("lost: {rest}")))?;
            let before = places.insert(*number, place);
            prop_assert!(before.is_none_or(|before| before < place), "order: {}", line);
            prop_assert!(!std::mem::replace(&mut said[place], true), "twice: {}", line);
            prop_assert_eq!(heard[place].starts_with('+'), rest != line, "part of {}", line);
            rest = &rest[text(&heard[place]).len()..];
        }
    }
    prop_assert!(said.iter().all(|&said| said), "heard what was not written: {:?}", heard);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_nothing_is_said_twice(actions in actions()) {
        let mut model = Model::new();
        for action in &actions {
            model.act(action);
        }
        model.end()?;
    }
}
