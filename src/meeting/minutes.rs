//! The minutes of one meeting: what was talked about, decided and taken on.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::mark::{Decision, Note};
use super::words::mentions;
use crate::names::same_name;

/// Whose conventions a meeting follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// MeetBot and its relatives: `#topic`.
    MeetBot,
    /// The W3C's scribes and bots: `topic:`.
    W3c,
}

/// What an entry of the minutes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A topic.
    Topic,
    /// A part of the topic.
    Subtopic,
    /// Somebody is to do it.
    Action,
    /// Agreed.
    Agreed,
    /// Accepted.
    Accepted,
    /// Rejected.
    Rejected,
    /// Resolved.
    Resolved,
    /// Something to know.
    Info,
    /// An idea.
    Idea,
    /// Somebody is wanted for it.
    Help,
    /// Something that was done.
    Done,
    /// A link.
    Link,
}

impl EntryKind {
    /// Whether it is a topic, or a part of one.
    pub fn is_topic(self) -> bool {
        matches!(self, Self::Topic | Self::Subtopic)
    }

    /// Whether it is a decision.
    pub fn is_decision(self) -> bool {
        matches!(self, Self::Agreed | Self::Accepted | Self::Rejected | Self::Resolved)
    }

    /// The word for it, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Subtopic => "subtopic",
            Self::Action => "action",
            Self::Agreed => "agreed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Resolved => "resolved",
            Self::Info => "info",
            Self::Idea => "idea",
            Self::Help => "help",
            Self::Done => "done",
            Self::Link => "link",
        }
    }
}

impl From<Decision> for EntryKind {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Agreed => Self::Agreed,
            Decision::Accepted => Self::Accepted,
            Decision::Rejected => Self::Rejected,
            Decision::Resolved => Self::Resolved,
        }
    }
}

impl From<Note> for EntryKind {
    fn from(note: Note) -> Self {
        match note {
            Note::Info => Self::Info,
            Note::Idea => Self::Idea,
            Note::Help => Self::Help,
            Note::Done => Self::Done,
        }
    }
}

/// An entry of the minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub by: String,
    /// The line's time stamp.
    pub stamp: Option<String>,
    /// When the line was received.
    pub at: Instant,
    /// Who is to do it, where it is an action that says so.
    pub who: Vec<String>,
    /// Its number in a tracker, and until when.
    pub filed: Option<(String, String)>,
}

/// A vote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vote {
    /// What it is on.
    pub question: String,
    /// Who has voted for what, the last time.
    pub ballots: Vec<(String, String)>,
    /// The numbers for, against and abstaining that the bot has counted.
    pub counted: Option<[u32; 3]>,
    /// What came of it, in words, where that is known.
    pub outcome: Option<String>,
}

impl Vote {
    /// Counts a ballot; the last one of each voter counts.
    pub(super) fn cast(&mut self, voter: &str, choice: &str) {
        self.ballots.retain(|(who, _)| !same_name(who, voter));
        self.ballots.push((voter.to_owned(), choice.to_owned()));
    }

    /// How many voted for each choice, in the order of the first ballots.
    pub fn counts(&self) -> Vec<(String, u32)> {
        if let Some([plus, minus, zero]) = self.counted {
            return vec![("+1".into(), plus), ("-1".into(), minus), ("0".into(), zero)];
        }
        let mut counts: Vec<(String, u32)> = Vec::new();
        for (_, choice) in &self.ballots {
            let choice = if matches!(choice.as_str(), "+0" | "-0") { "0" } else { choice };
            match counts.iter_mut().find(|(known, _)| known == choice) {
                Some((_, n)) => *n += 1,
                None => counts.push((choice.to_owned(), 1)),
            }
        }
        counts
    }
}

/// The minutes of one meeting.
#[derive(Clone, Debug)]
pub struct Minutes {
    /// Whose conventions it follows.
    pub style: Style,
    /// Its name.
    pub title: Option<String>,
    /// Where it was held.
    pub channel: Option<String>,
    /// The time stamp of its first line, and of its last.
    pub began: Option<String>,
    /// See [`Minutes::began`].
    pub ended: Option<String>,
    /// When its first line was received.
    pub at: Instant,
    /// Who chaired it.
    pub chairs: Vec<String>,
    /// Who took notes.
    pub scribes: Vec<String>,
    /// Who said to be there; where nobody did, who spoke.
    pub present: Vec<String>,
    /// Who had sent regrets.
    pub regrets: Vec<String>,
    /// Where the agenda is, and its points.
    pub agenda: Vec<String>,
    /// The entries, in order.
    pub entries: Vec<Entry>,
    /// The votes, in order.
    pub votes: Vec<Vote>,
}

impl Minutes {
    /// The entries of a kind, in order.
    pub fn of(&self, wanted: impl Fn(EntryKind) -> bool) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| wanted(entry.kind))
    }

    /// The actions, those of `nicks` first.
    pub fn actions(&self, nicks: &[String]) -> Vec<&Entry> {
        let mut actions: Vec<_> = self.of(|kind| kind == EntryKind::Action).collect();
        actions.sort_by_key(|action| !is_mine(action, nicks));
        actions
    }

    /// How many topics, agreements and actions there are.
    pub fn counts(&self) -> [usize; 3] {
        [
            self.of(|kind| kind == EntryKind::Topic).count(),
            self.of(EntryKind::is_decision).count(),
            self.of(|kind| kind == EntryKind::Action).count(),
        ]
    }

    /// In one sentence: `3 topics, 2 agreements, 4 actions, 1 for you`.
    pub fn digest(&self, nicks: &[String]) -> String {
        let count = |wanted: fn(EntryKind) -> bool, one: &str| {
            let n = self.of(wanted).count();
            let several = if n == 1 { "" } else { "s" };
            if n == 0 { format!("no {one}s") } else { format!("{n} {one}{several}") }
        };
        let mut text = count(|kind| kind == EntryKind::Topic, "topic");
        let _ = write!(text, ", {}", count(EntryKind::is_decision, "agreement"));
        let _ = write!(text, ", {}", count(|kind| kind == EntryKind::Action, "action"));
        let mine = self.actions(nicks).iter().filter(|action| is_mine(action, nicks)).count();
        if mine > 0 {
            let _ = write!(text, ", {mine} for you");
        }
        text
    }

    /// Where it stands: `topic: roses, for 12 minutes; last action: kim to water them`.
    pub fn whereabouts(&self, now: Instant) -> String {
        let topic = self.of(EntryKind::is_topic).last();
        let mut text = match topic {
            Some(topic) => format!("topic: {}, for {}", topic.text, age(topic.at, now)),
            None => format!("no topic yet, the meeting began {} ago", age(self.at, now)),
        };
        let action = self.of(|kind| kind == EntryKind::Action).last();
        match action {
            Some(action) => {
                let _ = write!(text, "; last action: {}", action.text);
            }
            None => text.push_str("; no action yet"),
        }
        text
    }
}

/// Whether an action is for one of `nicks`, or names one.
pub fn is_mine(action: &Entry, nicks: &[String]) -> bool {
    nicks.iter().any(|nick| {
        action.who.iter().any(|who| same_name(who, nick)) || mentions(&action.text, nick)
    })
}

fn age(then: Instant, now: Instant) -> String {
    duration(now.saturating_duration_since(then))
}

/// `12 minutes`, as one says it.
fn duration(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    let n = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    match (minutes / 60, minutes % 60) {
        (0, 0) => "less than a minute".to_owned(),
        (0, minutes) => n(minutes, "minute"),
        (hours, 0) => n(hours, "hour"),
        (hours, minutes) => format!("{} {}", n(hours, "hour"), n(minutes, "minute")),
    }
}
