//! Where the meeting stands, and what it came to.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::Listener;
use crate::control::Reply;
use crate::meeting::{Meetings, Minutes, is_mine};
use crate::message::SourceId;
use crate::source::notice::{Notice, Wording};

/// So many of the user's actions are named at a meeting's end.
const NAMED: usize = 3;

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
    fn digest(&self, minutes: &Minutes) -> Notice {
        let [topics, agreements, actions] = minutes.counts();
        let mine = minutes.actions(&self.nicks).into_iter();
        let mine: Vec<_> = mine.filter(|action| is_mine(action, &self.nicks)).collect();
        let named: Vec<&str> = mine.iter().take(NAMED).map(|action| action.text.as_str()).collect();
        let wording = if mine.is_empty() { Wording::DIGEST } else { Wording::DIGEST_MINE };
        Notice::new(wording)
            .with("topics", counted(topics, TOPICS))
            .with("agreements", counted(agreements, AGREEMENTS))
            .with("actions", counted(actions, ACTIONS))
            .with("mine", mine.len().to_string())
            .with("what", named.join("; "))
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

/// How none, one and several of something are worded.
type Counted = [&'static Wording; 3];

const TOPICS: Counted = [Wording::NO_TOPICS, Wording::ONE_TOPIC, Wording::TOPICS];
const AGREEMENTS: Counted = [Wording::NO_AGREEMENTS, Wording::ONE_AGREEMENT, Wording::AGREEMENTS];
const ACTIONS: Counted = [Wording::NO_ACTIONS, Wording::ONE_ACTION, Wording::ACTIONS];

fn counted(n: usize, wordings: Counted) -> Notice {
    Notice::new(wordings[n.min(2)]).with("n", n.to_string())
}

impl Listener {
    /// The reply to `ctl where`.
    pub(super) fn whereabouts(&self, now: Instant) -> Reply {
        Reply::Where { text: self.watched.whereabouts(now) }
    }

    /// Announces what a meeting came to that has just ended.
    pub(super) fn meeting_over(&mut self, source: SourceId, minutes: &Minutes, now: Instant) {
        let digest = self.watched.digest(minutes);
        let notice = Notice::new(Wording::MEETING_OVER).with("digest", digest);
        self.announce(source, &notice, now);
    }
}

#[test]
fn announcements_are_worded_by_every_lexicon_and_in_english_as_they_are_printed() {
    let chain = crate::phrase::Chain::embedded();
    let places = |text: &str| {
        let mut places: Vec<_> = text.split('{').skip(1).map(|it| it.split('}').next()).collect();
        places.sort_unstable();
        format!("{places:?}")
    };
    for code in ["en", "de", "fr", "es"] {
        let language = crate::language::Language::from_code(code).expect("a language");
        for Wording(name, english) in Wording::ALL {
            let said = chain.phrase(name, language);
            assert_eq!(places(said), places(english), "{code}: {name}");
            assert!(code != "en" || said == *english, "{name}");
        }
    }
}
