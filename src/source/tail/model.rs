//! Tests the follower against a model: any sequence of writes, rotations and truncations, with real
//! files and a clock that is set by hand.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tempfile::TempDir;

use super::bookmark::{self, AckTracker, Entry, Part};
use super::change::FileKey;
use super::follow::{BUFFER, Follower, GRACE, Turn};
use super::rest::{Rest, Resting};
use super::spec::TailSpec;
use super::tests::{append, spec, texts};
use crate::message::{FilePosition, SourceId};
use crate::source::lines::PAUSE;

/// What happens to a log.
#[derive(Clone, Debug)]
enum Action {
    /// Whole lines are written.
    Lines(u8),
    /// The beginning of a line is written, or more of it.
    Partial,
    /// The log is rotated, in the case's way, whether the follower looks or not.
    Rotate,
    /// It is deleted and created again, once it is open.
    Recreate,
    /// The writer of the previous file writes a line.
    Late,
    /// The follower takes turns.
    Turns(u8),
    /// Nothing happens, for tenths of a second.
    Pause(u8),
    /// The follower is killed before so many of its lines were heard; the next look resumes another
    /// one.
    Kill(u8),
}

/// How a log is rotated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// Renamed to `log.1`, the older ones to higher numbers; created again.
    Numbers,
    /// Renamed to `log-20260001`, then `log-20260002`; created again.
    Dates,
    /// The name is a symbolic link, which is changed to `log-20260002`.
    Links,
    /// Copied to `log.1`, the older ones to higher numbers; truncated.
    Copies,
    /// Numbers and copies in turn: each file's lines are in order, the files are not.
    Mixed,
}

fn ways() -> impl Strategy<Value = Way> {
    prop::sample::select(vec![Way::Numbers, Way::Dates, Way::Links, Way::Copies, Way::Mixed])
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        4 => (1..5_u8).prop_map(Action::Lines),
        3 => Just(Action::Partial),
        3 => Just(Action::Rotate),
        1 => Just(Action::Recreate),
        2 => Just(Action::Late),
        4 => (1..4_u8).prop_map(Action::Turns),
        2 => (1..15_u8).prop_map(Action::Pause),
        2 => (0..6_u8).prop_map(Action::Kill),
    ];
    prop::collection::vec(action, 1..40)
}

/// The writer of a file that has, or had, the log's name.
struct Writer {
    file: File,
    /// The number of the file, counted from the first; a truncated one counts as another.
    number: u32,
    /// The line without an end yet.
    unfinished: String,
}

/// A line that was written.
struct Written {
    /// The number of its file.
    number: u32,
    line: String,
    /// It may be heard after lines of younger files: it was written late, or never ended.
    late: bool,
}

/// A log's writers, the follower, and what they wrote and sent. Every written piece has a unique
/// number; a line is the pieces up to a line end.
struct Model {
    directory: TempDir,
    writer: Writer,
    before: Option<Writer>,
    rotated: Instant,
    way: Way,
    /// Whether copies and other files are mixed: then their order is unknown.
    is_mixed: bool,
    written: Vec<Written>,
    pieces: u32,
    /// None between a kill and the next look.
    follower: Option<Follower>,
    /// Whether the file is closed between two looks; and the follower, as long as it is.
    rests: bool,
    resting: Option<Resting>,
    tracker: AckTracker,
    /// Where the lines end that were sent since the follower began.
    sent: Vec<FilePosition>,
    /// A file was deleted: only a follower that holds it open can read it.
    has_deleted: bool,
    buffer: Vec<u8>,
    now: Instant,
    heard: Vec<String>,
}

impl Model {
    fn new(way: Way) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let file = create(&path, way, 0);
        let writer = Writer { file, number: 0, unfinished: String::new() };
        let now = crate::clock::test_now();
        let (mut follower, _) = Follower::start(&kept(&path), SourceId(0), now).unwrap();
        let tracker = AckTracker::new(follower.bookmark());
        Self {
            directory,
            writer,
            before: None,
            rotated: now,
            way,
            is_mixed: way == Way::Mixed,
            written: Vec::new(),
            pieces: 0,
            follower: Some(follower),
            rests: false,
            resting: None,
            tracker,
            sent: Vec::new(),
            has_deleted: false,
            buffer: vec![0; BUFFER],
            now,
            heard: Vec::new(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// Writes a unique piece, and `end`: a line end or nothing.
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
            let line = std::mem::take(&mut writer.unfinished);
            self.written.push(Written { number: writer.number, line, late });
        }
    }

    /// Sets the next file's writer, and returns the previous one.
    fn next(&mut self, file: File) -> Writer {
        let new = Writer { file, number: self.writer.number + 1, unfinished: String::new() };
        std::mem::replace(&mut self.writer, new)
    }

    fn create(&mut self) {
        let file = create(&self.path(), self.way, self.writer.number + 1);
        let writer = self.next(file);
        let before = self.before.replace(writer);
        give_up(before, &mut self.written);
        self.rotated = self.now;
    }

    fn rotate(&mut self) {
        let copies = self.way == Way::Mixed && self.writer.number.is_multiple_of(2);
        match self.way {
            Way::Numbers | Way::Mixed if !copies => {
                fs::rename(self.path(), self.free_first()).unwrap();
                self.create();
            }
            Way::Dates => {
                let date = format!("log-{}", 20_260_000 + self.writer.number);
                fs::rename(self.path(), self.directory.path().join(date)).unwrap();
                self.create();
            }
            Way::Links => self.create(),
            Way::Copies | Way::Numbers | Way::Mixed => {
                self.begin();
                fs::copy(self.path(), self.free_first()).unwrap();
                let file = self.writer.file.try_clone().unwrap();
                file.set_len(0).unwrap();
                let before = self.next(file);
                give_up(Some(before), &mut self.written);
            }
        }
    }

    /// Frees the name `log.1`, and returns it.
    fn free_first(&self) -> PathBuf {
        let name = |n: u32| self.directory.path().join(format!("log.{n}"));
        let n = (1..=u32::MAX).find(|&n| !name(n).exists()).unwrap();
        (1..n).rev().for_each(|n| fs::rename(name(n), name(n + 1)).unwrap());
        name(1)
    }

    /// Takes turns until the file is open and read in part: otherwise a deletion loses lines, and a
    /// truncation cannot be noticed.
    fn begin(&mut self) {
        let metadata = self.writer.file.metadata().unwrap();
        let has_read =
            |it: &Entry| it.identity.key == FileKey::from(&metadata) && it.position.offset > 0;
        if self.follower.is_none() && self.tracker.bookmark().files.last().is_some_and(has_read) {
            return;
        }
        while !self.follower.as_ref().is_some_and(|it| it.holds(&metadata)) {
            // A closed one has no open file, and recognizes another one by its content.
            if let Some(resting) = &self.resting {
                let is_begun = resting.bookmark.files.last().is_some_and(has_read);
                if is_begun || metadata.len() == 0 {
                    return;
                }
            }
            self.turn();
        }
    }

    fn apply(&mut self, action: &Action) {
        match action {
            Action::Lines(n) => (0..*n).for_each(|_| self.write(false, "\n")),
            Action::Partial => self.write(false, ""),
            Action::Rotate => self.rotate(),
            Action::Recreate => {
                self.is_mixed |= self.way == Way::Copies;
                self.drain(); // a file that is not open is lost with its name
                fs::remove_file(self.path().canonicalize().unwrap()).unwrap();
                self.has_deleted = true;
                self.create();
                if self.rests {
                    // Nobody has it open any more: nobody could read later lines.
                    give_up(self.before.take(), &mut self.written);
                }
            }
            // Not so late that the file may have been closed.
            Action::Late if self.now < self.rotated + GRACE => self.write(true, "\n"),
            Action::Late => {}
            Action::Turns(n) => (0..*n).for_each(|_| drop(self.turn())),
            Action::Pause(tenths) => {
                self.drain();
                self.now += Duration::from_millis(100) * u32::from(*tenths);
            }
            Action::Kill(n_unheard) => self.kill(usize::from(*n_unheard)),
        }
    }

    fn turn(&mut self) -> Turn {
        match self.resting.take() {
            Some(resting) if !resting.has_changed(self.now) => {
                self.resting = Some(resting);
                return Turn::Idle;
            }
            Some(resting) => self.follower = Some(resting.wake(self.now)),
            None if self.follower.is_none() => self.resume(),
            None => {}
        }
        let follower = self.follower.as_mut().unwrap();
        let before = follower.bookmark();
        let mut turn = follower.turn(&mut self.buffer, self.now);
        if let Turn::Lines(given) = &mut turn {
            let lines = texts(&given.lines);
            assert_eq!(given.lines.n_lines(), lines.len() as u64);
            self.sent.extend((0..lines.len()).map(|at| given.lines.end(at).unwrap()));
            let read = given.read.take().unwrap();
            self.tracker.push(Part { read, before });
            self.heard.extend(lines);
        }
        if self.rests && matches!(turn, Turn::Idle) {
            self.rest();
        }
        turn
    }

    /// The follower closes its file, if it may.
    fn rest(&mut self) {
        let Some(follower) = self.follower.take() else { return };
        match follower.rest(&kept(&self.path()), self.now) {
            Rest::Resting(resting) => self.resting = Some(resting),
            Rest::Awake(follower) => self.follower = Some(*follower),
        }
    }

    /// Ends the follower; the last `n_unheard` lines that it sent are not heard.
    fn kill(&mut self, n_unheard: usize) {
        let is_gone = std::mem::take(&mut self.has_deleted);
        if is_gone {
            // All of it is sent first, including its unfinished line, and nothing more is written.
            self.drain();
            self.now += GRACE + PAUSE;
            self.drain();
            give_up(self.before.take(), &mut self.written);
            // The next file may get its inode, but must not be born in the same tick of the clock.
            let born = || tempfile::tempfile().unwrap().metadata().unwrap().created().ok();
            let now = born();
            while now.is_some() && born() == now {}
        }
        let n_unheard = if is_gone { 0 } else { n_unheard.min(self.sent.len()) };
        let was_resting = self.resting.take().is_some();
        if self.follower.take().is_some() || was_resting {
            self.heard.truncate(self.heard.len() - n_unheard);
            self.sent.truncate(self.sent.len() - n_unheard);
            if let Some(end) = self.sent.last() {
                self.tracker.acknowledge(*end);
            }
        }
    }

    /// Another follower resumes from the bookmark.
    fn resume(&mut self) {
        let file = self.directory.path().join("bookmarks").join("bookmark");
        bookmark::save(&file, &self.tracker.bookmark()).unwrap();
        let bookmark = bookmark::load(&file).unwrap().unwrap();
        let spec = TailSpec { retry: true, ..kept(&self.path()) };
        let resumed = Follower::resume(&spec, SourceId(0), &bookmark, self.now);
        let (mut follower, _) = resumed.unwrap();
        self.tracker = AckTracker::new(follower.bookmark());
        (self.follower, self.sent) = (Some(follower), Vec::new());
    }

    fn drain(&mut self) {
        while !matches!(self.turn(), Turn::Idle) {}
    }

    /// Takes turns until nothing more follows, and compares what was written and heard.
    fn end(mut self) -> Result<(), TestCaseError> {
        self.drain();
        self.now += GRACE + PAUSE;
        self.drain();
        if self.resting.is_none() {
            let follower = self.follower.as_ref().unwrap();
            prop_assert!(!follower.has_retired());
            prop_assert_eq!(follower.deadline(), None);
        }
        for writer in [self.before.take(), Some(self.writer)] {
            give_up(writer, &mut self.written);
        }
        // Each file's lines in their order, the unfinished ones at the end.
        self.written.sort_by_key(|it| it.number);
        compare(&self.written, &self.heard, !self.is_mixed)
    }
}

/// A follower's log, whose bookmark is kept.
fn kept(path: &Path) -> TailSpec {
    TailSpec { bookmarks: Some(PathBuf::new()), ..spec(path) }
}

/// Creates the file `number` of the log, as `way` requires.
fn create(path: &Path, way: Way, number: u32) -> File {
    if way != Way::Links {
        return append(path);
    }
    let target = path.with_file_name(format!("log-{}", 20_260_000 + number));
    let file = append(&target);
    let link = path.with_file_name("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    fs::rename(link, path).unwrap();
    file
}

/// Counts a writer's unfinished line as written.
fn give_up(writer: Option<Writer>, written: &mut Vec<Written>) {
    if let Some(Writer { number, unfinished: line, .. }) = writer
        && !line.is_empty()
    {
        written.push(Written { number, line, late: true });
    }
}

/// Whether each `written` line was `heard` once, each file's lines in order and, if `in_order`, one
/// file after the other. A line that was sent in parts begins with the first, and the others
/// continue it.
fn compare(written: &[Written], heard: &[String], in_order: bool) -> Result<(), TestCaseError> {
    let mut places = HashMap::new();
    let mut last = 0;
    let mut said = vec![false; heard.len()];
    for Written { number, line, late } in written {
        let mut rest = line.as_str();
        while !rest.is_empty() {
            let text = |part: &String| part.trim_start_matches('+').to_owned();
            let place = heard.iter().position(|part| rest.starts_with(&text(part)));
            let place = place.ok_or_else(|| TestCaseError::fail(format!("lost: {rest}")))?;
            let before = places.insert(*number, place);
            prop_assert!(before.is_none_or(|before| before < place), "order: {}", line);
            prop_assert!(!std::mem::replace(&mut said[place], true), "twice: {}", line);
            prop_assert_eq!(heard[place].starts_with('+'), rest != line, "part of {}", line);
            if in_order && !late {
                prop_assert!(place >= last, "after younger files: {} in {:?}", line, heard);
                last = place;
            }
            rest = &rest[text(&heard[place]).len()..];
        }
    }
    prop_assert!(said.iter().all(|&said| said), "heard what was not written: {:?}", heard);
    Ok(())
}

/// How many cases are tried: `FOLLOW_CASES`, for a long run.
fn n_cases() -> u32 {
    std::env::var("FOLLOW_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: n_cases(), ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_lost_or_repeated(way in ways(), actions in actions()) {
        let mut model = Model::new(way);
        for action in &actions {
            model.apply(action);
        }
        model.end()?;
    }

    #[test]
    fn the_same_holds_if_the_file_is_closed_between_looks(way in ways(), actions in actions()) {
        let mut model = Model::new(way);
        model.rests = true;
        for action in &actions {
            model.apply(action);
        }
        prop_assert!(model.resting.is_none() || model.follower.is_none());
        model.end()?;
    }
}
