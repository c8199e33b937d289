//! The supervisor's state of the voice process, and of an utterance in flight.
#![forbid(unsafe_code)]

use std::time::Instant;

use crate::message::UtteranceId;
use crate::wire::SpeakRequest;

/// The state of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// Not running; to be started at that time.
    Down { until: Instant },
    /// Started then, and not ready yet.
    Starting { since: Instant },
    /// Takes requests; the last heartbeat or other report came then.
    Up { last_heartbeat: Instant },
    /// Finished its work.
    Ended,
}

/// The engine of this process, or of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    First,
    Fallback,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It crashed: the text it was working on may be the cause.
    Crashed,
    /// It was killed, from here or from outside, or ended in order: no text is the cause.
    Killed,
}

/// An utterance in flight: accepted, and without an outcome.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) speech: SpeakRequest,
    /// The number of its request, which reports name: a report that crosses a stop must not count
    /// for the same utterance, requested again from another place.
    pub(super) request: UtteranceId,
    /// Its first sample went out in this process.
    pub(super) has_started: bool,
    /// This process's engine has finished it.
    pub(super) is_made: bool,
    /// An engine crashed on it.
    pub(super) was_retried: bool,
    /// Processes that ended before more of it was heard.
    pub(super) n_attempts: u32,
    /// Where this process began.
    from: Place,
    /// Words it has reached since, and when they are heard.
    words: Vec<(Instant, Place)>,
}

/// A place in an utterance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    /// Characters of the text before it.
    n_before: usize,
    /// How long those sound, in milliseconds.
    ms: u32,
}

impl InFlight {
    pub(super) fn new(speech: SpeakRequest, request: UtteranceId) -> Self {
        Self {
            speech,
            request,
            has_started: false,
            is_made: false,
            was_retried: false,
            n_attempts: 0,
            from: Place::default(),
            words: Vec::new(),
        }
    }

    /// What to speak: all of it, or the rest.
    pub(super) fn rest(&self) -> SpeakRequest {
        let speech = self.speech.clone();
        let Some((at, _)) = speech.text.char_indices().nth(self.from.n_before) else {
            return SpeakRequest { id: self.request, ..speech };
        };
        let earcon = speech.earcon.filter(|_| at == 0);
        let text = speech.text[at..].to_owned();
        let head_len = if at == 0 { speech.head_len } else { 0 };
        SpeakRequest { id: self.request, text, head_len, earcon, ..speech }
    }

    /// This process has reached the word at character `start` of its request, after `ms` of sound,
    /// which is heard at `heard`. Returns the word's place in the whole text.
    pub(super) fn reached(&mut self, start: usize, ms: u32, heard: Instant) -> usize {
        let n_before = self.from.n_before.saturating_add(start);
        self.words.push((heard, Place { n_before, ms: self.whole_ms(ms) }));
        n_before
    }

    /// How long the utterance has sounded in all processes, when this one has played `ms` of it.
    pub(super) fn whole_ms(&self, ms: u32) -> u32 {
        self.from.ms.saturating_add(ms)
    }

    /// The process is gone, and its sound ended at `silent`: the next one resumes at the word that
    /// was heard then, or, where no word was reported, where this one began.
    pub(super) fn interrupted(&mut self, silent: Instant) {
        let heard = self.words.drain(..).take_while(|(heard, _)| *heard <= silent).last();
        let reached = heard.map_or(self.from, |(_, place)| self.word_at(place));
        self.n_attempts = if reached.n_before > self.from.n_before { 0 } else { self.n_attempts };
        self.from = reached;
        (self.has_started, self.is_made) = (false, false);
    }

    /// `place`, or the word before it if the word there begins with a hyphen: no text for an engine
    /// does. If nothing is left from there on, the place where this process began.
    fn word_at(&self, place: Place) -> Place {
        let text: Vec<char> = self.speech.text.chars().collect();
        let first = self.from.n_before;
        let mut at = place.n_before;
        if text.get(at..).is_none_or(|rest| rest.iter().all(|c| c.is_whitespace())) {
            return self.from;
        }
        while at > first && text[at] == '-' {
            let is_word = |at: &usize| !text[*at].is_whitespace();
            let last = (first..at).rev().find(is_word).unwrap_or(first);
            at = (first..=last).rev().take_while(is_word).last().unwrap_or(first);
        }
        Place { n_before: at, ..place }
    }
}

#[test]
fn the_rest_begins_with_the_word_that_was_heard_last() {
    use crate::wire::SpeakRequest;
    let start = crate::clock::test_now();
    let after = |ms| start + std::time::Duration::from_millis(ms);
    // The text, its words (first character, milliseconds), when sound ended, the rest.
    for (text, words, silent, left) in [
        ("one two three", &[(0, 0), (4, 300), (8, 600)][..], 599, "two three"),
        ("one two three", &[(0, 0), (4, 300), (8, 600)], 600, "three"),
        ("one two three", &[(4, 300)], 200, "one two three"),
        ("one two three", &[], 900, "one two three"),
        ("é ü ж end", &[(0, 0), (4, 300)], 400, "ж end"),
        ("see -x and --y", &[(0, 0), (11, 500)], 600, "and --y"),
        ("see-x", &[(0, 0), (3, 200)], 400, "see-x"),
        ("one  ", &[(0, 0), (3, 200)], 400, "one  "),
    ] {
        let mut taken = InFlight::new(SpeakRequest::of(text), UtteranceId(1));
        for &(at, ms) in words {
            assert_eq!(taken.reached(at, 0, after(ms)), at);
        }
        taken.interrupted(after(silent));
        let speech = taken.rest();
        assert_eq!(speech.text, left, "{text:?} {words:?} {silent}");
    }
}

#[test]
fn places_and_lengths_are_those_of_the_whole_text() {
    let start = crate::clock::test_now();
    let mut taken = InFlight::new(SpeakRequest::of("one two three four"), UtteranceId(1));
    taken.reached(8, 700, start);
    taken.interrupted(start);
    assert_eq!(taken.reached(6, 300, start), 14, "in \"three four\"");
    assert_eq!(taken.whole_ms(500), 1_200);
    taken.n_attempts = 3;
    taken.interrupted(start);
    assert_eq!(taken.whole_ms(200), 1_200);
    assert_eq!(taken.n_attempts, 0, "some of it was heard");
}
