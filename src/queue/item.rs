//! An utterance on its way to the voice and back, and how much of it is left to be spoken.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::estimate::Estimate;
use super::script::Parts;
use crate::message::{RequestId, Utterance};
use crate::units::Wpm;

/// Whether the voice process has measured how long an utterance sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measured {
    /// Not requested yet.
    No,
    /// Requested under that number.
    Asked(RequestId),
    /// Measured: the work is known.
    Yes,
    /// Cannot be measured: the estimate is used.
    Never,
}

/// A waiting utterance.
#[derive(Debug, Clone)]
pub(super) struct Queued {
    pub(super) utterance: Utterance,
    /// The byte of its text at which the rest begins.
    pub(super) from: usize,
    /// Some of it was spoken already.
    pub(super) has_begun: bool,
    /// How much is left to speak: as measured, or as estimated from its parts.
    pub(super) work: f64,
    pub(super) parts: Parts,
    pub(super) measured: Measured,
    /// How many equal lines it stands for.
    pub(super) times: usize,
    /// The bytes in front of its text that say so.
    pub(super) times_len: usize,
    /// Where what the sender says begins, without count and name.
    pub(super) said_at: usize,
    /// How many further lines of the same sender are counted at its end.
    pub(super) more: usize,
    /// The bytes at the end of its text that say so.
    pub(super) more_len: usize,
}

impl Queued {
    pub(super) fn new(utterance: Utterance, estimate: &Estimate) -> Self {
        let parts = Parts::of(&utterance.text);
        let work = estimate.work_of(&parts);
        let said_at = utterance.name_end;
        Self {
            utterance,
            from: 0,
            has_begun: false,
            work,
            parts,
            measured: Measured::No,
            times: 1,
            times_len: 0,
            said_at,
            more: 0,
            more_len: 0,
        }
    }

    /// Sets the byte to begin at, also after a change of the text; the rest is measured anew.
    pub(super) fn set_from(&mut self, from: usize, estimate: &Estimate) {
        self.from = from;
        self.parts = Parts::of(&self.utterance.text[from..]);
        self.work = estimate.work_of(&self.parts);
        self.measured = Measured::No;
    }

    /// What the sender says, without count and name.
    pub(super) fn said(&self) -> &str {
        &self.utterance.text[self.said_at..]
    }

    /// Replaces its text by one that counts lines: it has no name of its own then, and nothing else
    /// that could be counted.
    pub(super) fn count(&mut self, text: String, estimate: &Estimate) {
        (self.utterance.name_len, self.utterance.name_end) = (0, text.len());
        self.utterance.text = text;
        self.set_from(0, estimate);
    }

    /// Whether it has expired at `start`. An utterance that was begun is finished, and a replay was
    /// asked for: neither expires.
    pub(super) fn has_expired(&self, start: Instant) -> bool {
        let is_over = self.utterance.expiry.as_ref().is_some_and(|expiry| expiry.at < start);
        is_over && !self.has_begun && !self.utterance.is_replay
    }
}

/// An utterance that was given to the voice.
#[derive(Debug, Clone)]
pub(super) struct InFlight {
    pub(super) queued: Queued,
    pub(super) rate: Wpm,
    pub(super) started: Option<Instant>,
    /// The byte at which the word being spoken begins.
    pub(super) reached: usize,
}

impl InFlight {
    pub(super) fn new(queued: Queued, rate: Wpm) -> Self {
        Self { reached: queued.from, queued, rate, started: None }
    }
}

/// An utterance given to the voice and cancelled; the voice has not reported its end yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cancelled {
    pub(super) id: crate::message::UtteranceId,
    /// The byte of the text at which the voice began.
    pub(super) from: usize,
}

/// The byte of `text` to resume at, when the voice was given it from byte `from` on and has reached
/// the word that begins at `character` of that part; none where there is no such word.
///
/// Text for an engine never begins with a hyphen: where that word does, it is the word before it.
pub(super) fn place(text: &str, from: usize, character: usize) -> Option<usize> {
    let (offset, _) = text.get(from..)?.char_indices().nth(character)?;
    let mut at = from + offset;
    if text[at..].trim().is_empty() {
        return None;
    }
    while at > from && text[at..].starts_with('-') {
        let before = text[..at].trim_end().rfind(char::is_whitespace);
        let next = before.and_then(|blank| Some(blank + text[blank..].chars().next()?.len_utf8()));
        at = next.unwrap_or(0).max(from);
    }
    Some(at)
}

#[test]
fn a_place_is_a_word_of_the_text_and_never_within_a_character() {
    for (text, from, character, at) in [
        ("one two three", 0, 0, Some(0)),
        ("one two three", 0, 4, Some(4)),
        ("one two three", 4, 4, Some(8)),
        ("é ü ж end", 0, 4, Some(6)),
        ("é ü ж end", 3, 2, Some(6)),
        ("one", 0, 3, None),
        ("one ", 0, 3, None),
        ("one", 9, 0, None),
        ("see -x and --y", 0, 4, Some(0)),
        ("see -x and --y", 0, 11, Some(7)),
        ("see-x", 0, 3, Some(0)),
        ("x -a -b", 0, 5, Some(0)),
    ] {
        assert_eq!(place(text, from, character), at, "{text:?} {from} {character}");
    }
}
