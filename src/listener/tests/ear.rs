//! Records what was heard, and checks it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use super::script::{Case, LineSpec, Step};
use crate::control::Command;
use crate::message::{Fate, UtteranceId};
use crate::units::Wpm;
use crate::wire::SpeakRequest;

/// A word that is like no other: the line's number, and the word's in it.
type Word = (u64, usize);

/// The text of such a word, with multi-byte characters.
pub(super) fn word(line: u64, n: usize) -> String {
    format!("é{line}w{n}ß")
}

fn word_of(token: &str) -> Option<Word> {
    let token = token.trim_end_matches(';').strip_prefix('é')?.strip_suffix('ß')?;
    let (line, n) = token.split_once('w')?;
    Some((line.parse().ok()?, n.parse().ok()?))
}

/// How the speaking of something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Finished,
    Failed,
    /// It was silenced.
    Stopped,
    /// The process died.
    Died,
}

/// One time that an utterance was spoken.
#[derive(Debug)]
struct Performance {
    id: UtteranceId,
    heard: Vec<Word>,
    /// The words that were reported to the queue.
    reported: Vec<Word>,
    end: Option<End>,
    is_start_reported: bool,
    is_end_reported: bool,
}

impl Performance {
    /// Whether that word of it may be heard again: the one that was interrupted, or one that was
    /// not reported yet; all where the process died.
    fn owes(&self, word: Word) -> bool {
        let is_open = self.reported.last() == Some(&word) || !self.reported.contains(&word);
        match self.end {
            Some(End::Died) => true,
            Some(End::Stopped) => is_open,
            Some(End::Finished) => is_open && !self.is_end_reported,
            Some(End::Failed) | None => false,
        }
    }
}

#[derive(Debug)]
struct Given {
    text: String,
    is_replay: bool,
}

#[derive(Debug)]
struct Came {
    /// The utterance that it became, unless it was dropped.
    id: Option<UtteranceId>,
    /// The number of its source and its sender.
    sender: (usize, usize),
    n_words: usize,
    expires: Option<Instant>,
    fate: Option<Fate>,
}

#[derive(Debug, Default)]
pub(super) struct Ear {
    /// By their numbers among the lines of all sources.
    lines: BTreeMap<u64, Came>,
    /// The lines that became utterances.
    utterances: HashMap<UtteranceId, u64>,
    given: HashMap<UtteranceId, Given>,
    performances: Vec<Performance>,
    /// The utterances by order number.
    orders: HashMap<UtteranceId, UtteranceId>,
}

impl Ear {
    /// A source sends a line.
    pub(super) fn came(&mut self, number: u64, source: usize, line: &LineSpec, now: Instant) {
        let came = Came {
            id: None,
            sender: (source, line.sender),
            n_words: line.n_words(),
            expires: line.expires_after().map(|seconds| now + Duration::from_secs(seconds)),
            fate: None,
        };
        self.lines.insert(number, came);
    }

    /// A line became an utterance.
    pub(super) fn queued(&mut self, id: UtteranceId, number: u64) {
        self.utterances.insert(id, number);
        let came = self.lines.get_mut(&number).expect("it came");
        assert_eq!(came.id.replace(id), None, "line {number} became an utterance before");
    }

    /// The listener gave the utterance to the voice.
    pub(super) fn given(&mut self, speech: &SpeakRequest, now: Instant) {
        let id = speech.id;
        let line = self.utterances.get(&id).map(|number| &self.lines[number]);
        if let Some(expires) = line.and_then(|it| it.expires) {
            let mut before = self.performances.iter().filter(|it| it.id == id);
            let has_begun = before.any(|it| it.is_start_reported || !it.reported.is_empty());
            assert!(has_begun || now <= expires, "{id:?} is begun after its expiry");
        }
        let text = speech.text.clone();
        self.given.insert(id, Given { text, is_replay: line.is_none() });
    }

    pub(super) fn ordered(&mut self, number: UtteranceId, id: UtteranceId) {
        self.orders.insert(number, id);
    }

    /// The process begins that order.
    pub(super) fn begin(&mut self, number: UtteranceId) -> usize {
        self.performances.push(Performance {
            id: self.orders[&number],
            heard: Vec::new(),
            reported: Vec::new(),
            end: None,
            is_start_reported: false,
            is_end_reported: false,
        });
        self.performances.len() - 1
    }

    pub(super) fn hear(&mut self, performance: usize, token: &str) {
        self.performances[performance].heard.extend(word_of(token));
    }

    pub(super) fn end(&mut self, performance: usize, end: End) {
        self.performances[performance].end = Some(end);
    }

    fn last(&mut self, id: UtteranceId) -> Option<&mut Performance> {
        self.performances.iter_mut().rev().find(|performance| performance.id == id)
    }

    pub(super) fn reported_start(&mut self, id: UtteranceId) {
        self.last(id).expect("it was begun").is_start_reported = true;
    }

    pub(super) fn reported_word(&mut self, id: UtteranceId, start: usize) {
        let text: String = self.given[&id].text.chars().skip(start).collect();
        let word = text.split(' ').next().and_then(word_of);
        self.last(id).expect("it was begun").reported.extend(word);
    }

    pub(super) fn reported_end(&mut self, id: UtteranceId, fate: &Fate) {
        if let (Fate::Spoken { .. }, Some(performance)) = (fate, self.last(id)) {
            performance.is_end_reported = true;
        }
    }

    /// A line has its outcome.
    pub(super) fn ended(&mut self, id: Option<UtteranceId>, number: u64, fate: Fate) {
        let came = self.lines.get_mut(&number).expect("it came");
        assert_eq!(came.id, id, "line {number}");
        let before = came.fate.replace(fate);
        assert_eq!(before, None, "line {number} has ended before");
    }

    /// The outcome of the utterance that a line became part of, and whether it only counted it.
    fn end_of(&self, came: &Came) -> (Fate, bool) {
        let mut fate = came.fate.clone().expect("each line has a fate");
        let (mut was_counted, mut n_steps) = (false, 0);
        while let Fate::Merged { into, is_counted } = fate {
            n_steps += 1;
            assert!(n_steps < 1_000, "merged into itself");
            was_counted |= is_counted;
            // The queue may count lines in an utterance of its own.
            let Some(line) = self.utterances.get(&into) else {
                assert!(is_counted, "it is no line, and says none");
                return (Fate::Spoken { rate: Wpm(0), ms: 0 }, true);
            };
            fate = self.lines[line].fate.clone().expect("each line has a fate");
        }
        (fate, was_counted)
    }

    /// The times that a line, or a part of it, was spoken, without replays.
    fn performances_of(&self, line: u64) -> Vec<(&Performance, Vec<usize>)> {
        let new = self.performances.iter().filter(|it| !self.given[&it.id].is_replay);
        let words = new.map(|it| {
            let words = it.heard.iter().filter(|(other, _)| *other == line).map(|(_, n)| *n);
            (it, words.collect::<Vec<_>>())
        });
        words.filter(|(_, words)| !words.is_empty()).collect()
    }

    pub(super) fn check(&self, case: &Case) {
        let is_any = |wanted: fn(&Step) -> bool| case.steps.iter().any(wanted);
        let may_skip = is_any(|it| matches!(it, Step::Control(Command::Skip | Command::Live)));
        let may_fail =
            is_any(|it| matches!(it, Step::Crash | Step::Hang | Step::Fail | Step::Lose));
        let may_repeat = is_any(|it| {
            matches!(
                it,
                Step::Control(
                    Command::Repeat { .. } | Command::Back | Command::Highlight | Command::More
                )
            )
        });
        let may_drop =
            is_any(|it| matches!(it, Step::Control(Command::Mute { .. } | Command::Reload)));
        for (line, came) in &self.lines {
            let is_whole = self.check_line(*line, came);
            let (end, was_counted) = self.end_of(came);
            // The voice may have been stopped just as it began: then nobody knows that it did.
            let was_begun = self.performances_of(*line).iter().any(|(it, _)| it.is_start_reported);
            assert!(!was_counted || !was_begun, "line {line} was heard");
            match end {
                Fate::Spoken { .. } if was_counted => {}
                Fate::Spoken { .. } => assert!(is_whole, "line {line} was not heard to its end"),
                Fate::Expired { .. } => {
                    let mut its = self.performances.iter().filter(|it| Some(it.id) == came.id);
                    assert!(
                        came.expires.is_some() && !its.any(|it| it.is_start_reported),
                        "line {line}"
                    );
                }
                Fate::Skipped => assert!(may_skip, "nobody skipped line {line}"),
                Fate::Failed { .. } => assert!(may_fail, "line {line} failed without a reason"),
                Fate::Dropped { rule } => {
                    assert!(may_drop && came.id.is_none(), "line {line} was dropped by {rule}");
                }
                Fate::Merged { .. } => unreachable!("that is no end"),
            }
        }
        assert!(
            may_repeat || self.given.values().all(|it| !it.is_replay || is_warning(&it.text)),
            "nobody asked for a replay"
        );
        self.check_order();
    }

    /// Whether all of a line was heard. There must be no gap, and only repeats that are allowed.
    fn check_line(&self, line: u64, came: &Came) -> bool {
        let performances = self.performances_of(line);
        let mut n_heard = 0;
        for (at, (_, words)) in performances.iter().enumerate() {
            assert!(words[0] <= n_heard, "line {line}: a gap before word {}", words[0]);
            assert!(words.windows(2).all(|two| two[1] == two[0] + 1), "line {line}: {words:?}");
            for &n in words.iter().filter(|&&n| n < n_heard) {
                for (before, _) in performances[..at].iter().filter(|(_, its)| its.contains(&n)) {
                    assert!(before.owes((line, n)), "line {line}: word {n} again\n{before:?}");
                }
            }
            n_heard = n_heard.max(words.last().map_or(0, |last| last + 1));
        }
        n_heard == came.n_words
    }

    /// The lines of each sender were begun in the order in which they came.
    fn check_order(&self) {
        let mut begun: Vec<u64> = Vec::new();
        for performance in self.performances.iter().filter(|it| !self.given[&it.id].is_replay) {
            for (line, _) in &performance.heard {
                if !begun.contains(line) {
                    begun.push(*line);
                }
            }
        }
        let senders: BTreeSet<_> = self.lines.values().map(|it| it.sender).collect();
        for sender in senders {
            let its = begun.iter().filter(|line| self.lines[line].sender == sender);
            assert!(its.is_sorted(), "{sender:?} in {begun:?}");
        }
    }
}

/// Whether that is the queue's own: its warning that the lag target is missed, or lines counted.
fn is_warning(text: &str) -> bool {
    (text.ends_with("now") || text.ends_with("ASCII art") || text.ends_with("more lines"))
        && !text.contains('é')
}
