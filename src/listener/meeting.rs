//! Where the meeting stands, and what it came to.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::Listener;
use crate::control::Reply;
use crate::meeting::{Meetings, Minutes, is_mine};
use crate::message::SourceId;

/// So many of the user's actions are told at a meeting's end.
const TOLD: usize = 3;

/// The meetings in the channels that are listened to.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) meetings: Meetings,
    /// The user's nicks.
    nicks: Vec<String>,
}

impl Watched {
    pub(super) fn new(nicks: Vec<String>) -> Self {
        Self { meetings: Meetings::behind_rules(), nicks }
    }

    /// What an ended meeting came to: `3 topics, 2 agreements, 4 actions, 1 for you: kim to sing`.
    fn digest(&self, minutes: &Minutes) -> String {
        let mut text = minutes.digest(&self.nicks);
        let mine = minutes.actions(&self.nicks).into_iter();
        let mine = mine.filter(|action| is_mine(action, &self.nicks)).take(TOLD);
        let mine: Vec<&str> = mine.map(|action| action.text.as_str()).collect();
        if !mine.is_empty() {
            text = format!("{text}: {}", mine.join("; "));
        }
        text
    }

    /// Where the meeting stands, in a sentence.
    pub(super) fn whereabouts(&self, now: Instant) -> String {
        match self.meetings.current() {
            None => "no meeting was heard".to_owned(),
            Some((minutes, true)) => minutes.whereabouts(now),
            Some((minutes, false)) => {
                format!("no meeting now; the last one had {}", self.digest(&minutes))
            }
        }
    }
}

impl Listener {
    /// The reply to `ctl where`.
    pub(super) fn whereabouts(&self, now: Instant) -> Reply {
        Reply::Where { text: self.watched.whereabouts(now) }
    }

    /// Tells what a meeting came to that has just ended.
    pub(super) fn meeting_over(&mut self, source: SourceId, minutes: &Minutes, now: Instant) {
        let digest = self.watched.digest(minutes);
        let text = format!("the meeting is over, with {digest}; ctl where repeats this");
        self.announce(source, &text, now);
    }
}
