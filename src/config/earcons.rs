//! Which earcons are played.
#![forbid(unsafe_code)]

use serde::Deserialize;

use crate::message::{Earcon, Kind, Message};

/// The earcons that are enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Earcons {
    /// Before a highlighted line.
    pub highlight: bool,
    /// Before a change of the topic.
    pub topic: bool,
    /// Instead of the words for a join.
    pub join: bool,
    /// Instead of the words for a part or quit.
    pub part: bool,
    /// When lines were skipped.
    pub skipped: bool,
    /// Before the announcement of how far behind speech is.
    pub behind: bool,
}

impl Default for Earcons {
    fn default() -> Self {
        Self { highlight: true, topic: true, join: false, part: false, skipped: true, behind: true }
    }
}

impl Earcons {
    /// The earcon for `message`, and whether its words are spoken, too.
    pub(crate) fn of(self, message: &Message<'_>) -> (Option<Earcon>, bool) {
        match message.kind {
            _ if message.highlight => (self.highlight.then_some(Earcon::Highlight), true),
            Kind::Topic => (self.topic.then_some(Earcon::Topic), true),
            Kind::Join if self.join => (Some(Earcon::Join), false),
            Kind::Part | Kind::Quit if self.part => (Some(Earcon::Part), false),
            Kind::Say
            | Kind::Action
            | Kind::Notice
            | Kind::Join
            | Kind::Part
            | Kind::Quit
            | Kind::Nick
            | Kind::Kick
            | Kind::Mode
            | Kind::Server
            | Kind::Plain => (None, true),
        }
    }
}

#[test]
fn words_follow_all_earcons_but_those_that_replace_them() {
    let all = Earcons { join: true, part: true, ..Earcons::default() };
    let now = crate::clock::test_now();
    let message = |kind, highlight| Message {
        kind,
        highlight,
        ..Message::plain(crate::message::SourceId(0), "x", now)
    };
    for (earcons, kind, highlight, expected) in [
        (all, Kind::Join, false, (Some(Earcon::Join), false)),
        (all, Kind::Quit, false, (Some(Earcon::Part), false)),
        (all, Kind::Join, true, (Some(Earcon::Highlight), true)),
        (all, Kind::Say, true, (Some(Earcon::Highlight), true)),
        (all, Kind::Topic, false, (Some(Earcon::Topic), true)),
        (all, Kind::Kick, false, (None, true)),
        (Earcons::default(), Kind::Join, false, (None, true)),
        (Earcons { highlight: false, ..all }, Kind::Say, true, (None, true)),
    ] {
        assert_eq!(earcons.of(&message(kind, highlight)), expected, "{kind} {highlight}");
    }
}
