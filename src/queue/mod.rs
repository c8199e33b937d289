//! What is spoken when, and how fast: a pure state machine (events and the time in, actions out).
//!
//! Order is kept, but for a flood that others' lines go before, and nothing is dropped: an utterance
//! ends as the voice settles it, or because the user skipped it, or because a rule of the user's let
//! it expire. The [`rate_control`] module has the lag rule, [`fair`] whose line is next, [`condense`] what is
//! saved, and in which order, where the rate alone does not do. Only when
//! that does not either is the promise broken, and that is said, once for each time.
//!
//! What a rule of the user's gives a time to expire is not begun after it. That is seen to whenever
//! something is about to be spoken, for all that waits, so that what has expired presses nobody. A
//! pause does not stop that time: news that is stale is as stale after one, and goes when speech is
//! resumed.
#![forbid(unsafe_code)]

mod condense;
pub mod estimate;
mod fair;
mod item;
mod measure;
pub mod rate_control;
mod recall;
mod script;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::message::{Earcon, Expiry, Fate, Message, RequestId, SourceId, Utterance, UtteranceId};
use estimate::Estimate;
use fair::Turns;
use item::{Cancelled, InFlight, Queued, place};
use rate_control::{Due, LagTarget, RateControl};

/// How long before the end of an utterance the next one is given to the voice, which makes it
/// while the other still sounds. The later, the more is known of what its rate must be.
const AHEAD: Duration = Duration::from_millis(400);

/// The gap between two utterances, at every rate: without it, of 100 words of a meeting a recogniser
/// gets 13 more wrong.
const GAP_MS: u32 = 100;
const GAP: Duration = Duration::from_millis(GAP_MS as u64);

/// Utterances that can be heard again.
const HISTORY: usize = 1_000;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Lines became words: all those of one read, so that the first is not spoken as if it were
    /// alone.
    Arrived(Vec<Utterance>),
    /// The voice has begun it.
    Started(UtteranceId),
    /// The voice has come to the word that begins at this character of what it was given.
    Reached(UtteranceId, usize),
    /// The voice has settled it.
    Ended(UtteranceId, Fate),
    /// What was asked under that number sounds for so many seconds at the base rate; none where the
    /// voice process cannot tell.
    Measured(RequestId, Option<f64>),
    /// The time that [`Queue::deadline`] gave has come.
    Tick,
    /// Be silent; what comes waits.
    Pause,
    /// Go on.
    Resume,
    /// Leave the utterance that is being spoken, or that is next.
    Skip,
    /// Leave all that there is.
    Live,
    /// Speak the last so many again.
    Repeat(usize),
    /// Speak the one before the one spoken last; again for the one before.
    Back,
    /// Speak again from the last highlighted one on.
    Highlight,
    /// Another base rate, in words a minute.
    Rate(u32),
    /// The source has ended: what is left of it was there before, and nobody waits for more.
    SourceEnded(SourceId),
    /// Nobody waits for anything: the lag rule is off from now on.
    NobodyWaits,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Give this to the voice.
    Speak {
        /// What.
        utterance: Utterance,
        /// The byte of its text at which to begin: where it was when it was interrupted.
        from: usize,
        /// Words a minute.
        rate: u32,
        /// The silence before it, in milliseconds, where another one has just ended.
        gap_ms: u32,
    },
    /// Ask the voice process how long this sounds, when it has nothing else to do. A silence makes
    /// it forget what it was asked.
    Measure {
        /// The number that the answer is to have.
        request: RequestId,
        /// What.
        utterance: Utterance,
        /// The byte of its text at which to begin.
        from: usize,
        /// Words a minute.
        rate: u32,
    },
    /// Silence the voice: it settles what it has as skipped.
    Silence,
    /// The utterance has ended.
    Settle(UtteranceId, Fate),
}

/// Utterances in order, and the pace they are spoken at.
#[derive(Debug)]
pub struct Queue {
    waiting: VecDeque<Queued>,
    in_flight: VecDeque<InFlight>,
    cancelled: Vec<Cancelled>,
    is_paused: bool,
    /// The line that the voice was given last; none where that was no new line.
    before: Option<Message<'static>>,
    history: VecDeque<Utterance>,
    /// How many utterances back the user has gone.
    n_back: usize,
    rate_control: RateControl,
    turns: Turns,
    estimate: Estimate,
    n_utterances: u64,
    n_requests: u64,
    /// That the promise is broken was said, and it is not kept again yet.
    has_told: bool,
    /// How the listener gets from behind to now, in words.
    way_to_now: &'static str,
}

impl Queue {
    /// An empty queue that keeps `promise`.
    pub fn new(lag_target: LagTarget) -> Self {
        Self {
            waiting: VecDeque::new(),
            in_flight: VecDeque::new(),
            cancelled: Vec::new(),
            is_paused: false,
            before: None,
            history: VecDeque::new(),
            n_back: 0,
            rate_control: RateControl::new(lag_target),
            turns: Turns::default(),
            estimate: Estimate::default(),
            n_utterances: 0,
            n_requests: 0,
            has_told: false,
            way_to_now: "irc-speak ctl live skips to now",
        }
    }

    /// The same, for that voice: what is spoken by it takes as long as the voice's language says,
    /// until it is known better.
    #[must_use]
    pub fn of_voice(mut self, voice: &str) -> Self {
        self.take_voice(voice);
        self
    }

    /// What is spoken from now on is spoken by that voice.
    pub fn take_voice(&mut self, voice: &str) {
        self.estimate = Estimate::of_voice(voice);
    }

    /// How to get from behind to now is said in these words from now on: by a key, where keys are
    /// taken.
    pub fn way_to_now(&mut self, words: &'static str) {
        self.way_to_now = words;
    }

    /// Keeps another lag target, from the next utterance on.
    pub fn lag_target(&mut self, lag_target: LagTarget) {
        self.rate_control.lag_target = lag_target;
    }

    /// A number for the next utterance.
    pub fn number(&mut self) -> UtteranceId {
        self.n_utterances += 1;
        UtteranceId(self.n_utterances)
    }

    /// Takes what happened; gives what to do, in order.
    pub fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut actions = match event {
            Event::Arrived(utterances) => {
                let estimate = &self.estimate;
                let new = utterances.into_iter().map(|it| Queued::new(it, estimate));
                self.waiting.extend(new);
                vec![]
            }
            Event::Started(id) => self.started(id, now),
            Event::Reached(id, character) => self.reached(id, character),
            Event::Ended(id, fate) => self.ended(id, fate),
            Event::Measured(request, seconds) => self.measured(request, seconds),
            Event::Tick => vec![],
            Event::Pause => self.pause(),
            Event::Resume => self.resume(),
            Event::Skip => self.skip(),
            Event::Live => self.live(),
            Event::Repeat(n) => self.repeat(n, now),
            Event::Back => self.back(now),
            Event::Highlight => self.highlight(now),
            Event::Rate(wpm) => self.rate(wpm),
            Event::SourceEnded(source) => self.source_ended(source),
            Event::NobodyWaits => {
                self.rate_control.is_relaxed = true;
                vec![]
            }
        };
        actions.extend(self.fill(now));
        actions.extend(self.measure());
        actions
    }

    /// When the next utterance is to be given to the voice, if nothing happens before.
    pub fn deadline(&self) -> Option<Instant> {
        let only = self.in_flight.front().filter(|_| self.in_flight.len() == 1)?;
        let started = only.started?;
        if self.is_paused || self.waiting.is_empty() || !self.cancelled.is_empty() {
            return None;
        }
        Some(started + self.sounds(only).saturating_sub(AHEAD))
    }

    /// Whether nothing waits and the voice has nothing.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty() && self.cancelled.is_empty()
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Utterances that wait, without those that the voice has.
    pub fn n_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The base rate, in words a minute.
    pub fn base_rate(&self) -> u32 {
        self.rate_control.lag_target.base
    }

    /// The utterance that is being spoken, and its rate.
    pub fn current(&self) -> Option<(&Utterance, u32)> {
        let out = self.in_flight.front()?;
        Some((&out.waiting.utterance, out.rate))
    }

    /// How long the oldest line that has not been heard has been waiting.
    pub fn lag(&self, now: Instant) -> Duration {
        // What waits behind others' lines came before them.
        let mut waiting = self.waiting.iter().map(|waiting| &waiting.utterance);
        let waiting = waiting.find(|utterance| utterance.is_new());
        let out = self.in_flight.iter().map(|out| &out.waiting.utterance);
        let received = out.filter(|it| it.is_new()).chain(waiting).map(|it| it.received);
        received.min().map_or(Duration::ZERO, |it| now.saturating_duration_since(it))
    }

    fn started(&mut self, id: UtteranceId, now: Instant) -> Vec<Action> {
        if let Some(out) = self.in_flight.iter_mut().find(|out| out.waiting.utterance.id == id) {
            out.started = Some(now);
            out.waiting.has_begun = true;
        } else {
            self.heard_late(id, None);
        }
        vec![]
    }

    fn reached(&mut self, id: UtteranceId, character: usize) -> Vec<Action> {
        if let Some(out) = self.in_flight.iter_mut().find(|out| out.waiting.utterance.id == id) {
            let at = place(&out.waiting.utterance.text, out.waiting.from, character);
            out.reached = at.unwrap_or(out.reached);
        } else {
            self.heard_late(id, Some(character));
        }
        vec![]
    }

    fn ended(&mut self, id: UtteranceId, fate: Fate) -> Vec<Action> {
        if let Some(at) = self.cancelled.iter().position(|recalled| recalled.id == id) {
            self.cancelled.swap_remove(at);
            return self.crossed(id, fate);
        }
        let Some(at) = self.in_flight.iter().position(|out| out.waiting.utterance.id == id) else {
            return vec![]; // settled when it was skipped
        };
        let Some(InFlight { waiting, rate, .. }) = self.in_flight.remove(at) else { return vec![] };
        if let Fate::Spoken { ms, .. } = fate {
            self.learn(&waiting, rate, f64::from(ms) / 1_000.0);
            self.remember(waiting.utterance);
        }
        vec![Action::Settle(id, fate)]
    }

    /// What new lines have said can be heard again.
    fn remember(&mut self, utterance: Utterance) {
        if utterance.is_new() {
            self.n_back = 0;
            self.history.push_back(utterance);
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
        }
    }

    fn rate(&mut self, wpm: u32) -> Vec<Action> {
        self.rate_control.lag_target.base = wpm;
        self.rate_control.reset();
        vec![]
    }

    fn source_ended(&mut self, source: SourceId) -> Vec<Action> {
        for Queued { utterance, .. } in &mut self.waiting {
            let is_from_it = utterance.message.as_ref().is_some_and(|it| it.source == source);
            utterance.is_live &= !is_from_it;
        }
        if self.waiting.iter().all(|waiting| !waiting.utterance.is_live) {
            self.rate_control.reset();
        }
        vec![]
    }

    /// Gives the voice what it is to speak next, where it is time for that.
    fn fill(&mut self, now: Instant) -> Vec<Action> {
        if self.is_paused || !self.cancelled.is_empty() {
            return vec![];
        }
        if self.waiting.is_empty() && self.in_flight.is_empty() {
            self.rate_control.rest(now);
            self.turns.rest();
            return vec![];
        }
        let start = match self.in_flight.front() {
            None => now,
            Some(only) if self.deadline().is_some_and(|deadline| now >= deadline) => {
                let started = only.started.unwrap_or(now);
                now.max(started + self.sounds(only))
            }
            Some(_) => return vec![],
        };
        let mut actions = self.expire(start);
        actions.extend(self.take_turns(start));
        actions.extend(self.condense(start));
        self.tell_if_behind(start);
        if self.waiting.is_empty() {
            return actions;
        }
        let received = |it: &Utterance| it.is_live.then_some(it.received);
        let dues = self.waiting.iter();
        let dues = dues.map(|it| Due { work: it.work, received: received(&it.utterance) });
        let rate = self.rate_control.choose(&dues, start, &self.estimate);
        let Some(waiting) = self.waiting.pop_front() else { return vec![] };
        let gap_ms = GAP_MS;
        self.turns.given(&waiting.utterance, self.estimate.seconds(waiting.work, rate));
        let (utterance, from) = (waiting.utterance.clone(), waiting.from);
        self.before = utterance.message.clone().filter(|_| utterance.is_new());
        self.in_flight.push_back(InFlight::new(waiting, rate, gap_ms));
        actions.push(Action::Speak { utterance, from, rate, gap_ms });
        actions
    }

    /// Ends what is not worth hearing any more, wherever it waits.
    fn expire(&mut self, start: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        self.waiting.retain(|waiting| {
            let expiry = waiting.utterance.expiry.as_ref().filter(|_| waiting.has_expired(start));
            actions.extend(expiry.map(|Expiry { rule, .. }| {
                Action::Settle(waiting.utterance.id, Fate::Expired { rule: rule.clone() })
            }));
            expiry.is_none()
        });
        actions
    }

    /// Says how far behind it is where even the highest rate cannot keep the lag target.
    fn tell_if_behind(&mut self, start: Instant) {
        let Some(first) = self.waiting.front() else { return };
        let lag_target = self.rate_control.lag_target;
        let waited = start.saturating_duration_since(first.utterance.received);
        if waited < lag_target.lag / 2 {
            self.has_told = false;
        }
        // A sentence that goes on is not broken into.
        let is_beginning = first.utterance.is_new() && !first.has_begun;
        let is_behind =
            waited > lag_target.lag && first.utterance.is_live && !self.rate_control.is_relaxed;
        if !is_behind || self.has_told || !is_beginning {
            return;
        }
        self.has_told = true;
        let text = format!("{} behind; {}", spoken(waited), self.way_to_now);
        let utterance = Utterance {
            id: self.number(),
            text,
            message: None,
            line: 0,
            received: start,
            is_replay: false,
            is_live: true,
            earcon: Some(Earcon::Behind),
            expiry: None,
        };
        self.waiting.push_front(Queued::new(utterance, &self.estimate));
    }

    /// How long an utterance sounds, with the gap before it.
    fn sounds(&self, out: &InFlight) -> Duration {
        let seconds = self.estimate.seconds(out.waiting.work, out.rate);
        Duration::from_secs_f64(seconds) + Duration::from_millis(u64::from(out.gap_ms))
    }
}

/// A time behind as it is said.
fn spoken(behind: Duration) -> String {
    match behind.as_secs() {
        seconds @ 0..=119 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    }
}

#[cfg(test)]
mod tests;
