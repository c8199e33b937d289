//! What is spoken when, and how fast: a pure state machine (events and the time in, actions out).
//!
//! Lines are spoken in order, except that other lines overtake a flood. No line is dropped: an
//! utterance ends when the voice reports its outcome, when it is merged into another one, when the
//! user skips it, or when a user's rule lets it expire. The [`rate_control`] module holds the lag
//! rule, [`fair`] chooses the next line, [`condense`] saves time where the rate alone is not enough.
//! When that is not enough either, the lag target is missed, and a spoken warning says so once.
//!
//! An utterance with an expiry is not begun after it. All waiting utterances are checked before
//! each one is spoken, so that expired ones do not raise the rate. The time runs on during a pause:
//! stale news is as stale after one, and is removed on resume.
#![forbid(unsafe_code)]

mod block;
mod cancel;
mod condense;
pub(crate) mod estimate;
mod fair;
mod item;
mod measure;
mod names;
mod phrases;
pub(crate) mod rate_control;
mod script;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::message::{
    Earcon, Expiry, Fate, LinePosition, Message, RequestId, SourceId, Utterance, UtteranceId,
};
use crate::units::Wpm;
use crate::wire::GAP;
use block::Counted;
use estimate::Estimate;
use fair::Turns;
use item::{Cancelled, InFlight, Queued, place};
use names::Names;
pub(crate) use phrases::{CatchUp, Phrases};
use rate_control::{Due, LagTarget, RateControl};

/// How long before the end of an utterance the next one is given to the voice, which synthesises it
/// while the other still sounds. The later, the more is known about the rate it needs.
const AHEAD: Duration = Duration::from_millis(400);

/// Utterances kept for replay.
const HISTORY: usize = 1_000;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// New utterances: all those of one read, so that the first is not spoken as if it were alone.
    Arrived(Vec<Utterance>),
    /// The voice has begun the utterance.
    Started(UtteranceId),
    /// The voice has reached the word that begins at this character of the text it was given.
    Reached(UtteranceId, usize),
    /// The voice has reported the utterance's outcome.
    Ended(UtteranceId, Fate),
    /// The answer to a measuring request: seconds at the base rate; none where the voice process
    /// cannot measure.
    Measured(RequestId, Option<f64>),
    /// The time returned by [`Queue::deadline`] has come.
    Tick,
    /// Pause; new lines are queued.
    Pause,
    /// Resume.
    Resume,
    /// Skip the utterance that is being spoken, or the next one.
    Skip,
    /// Skip everything that is queued.
    Live,
    /// Repeat the last so many utterances.
    Repeat(usize),
    /// Repeat the utterance before the last one; each further event goes back one more.
    Back,
    /// Repeat from the last highlighted utterance on.
    Highlight,
    /// Speak the lines that were counted last.
    More,
    /// Set the base rate, in words a minute.
    Rate(Wpm),
    /// The source has ended: its queued lines have no deadline any more.
    SourceEnded(SourceId),
    /// No line has a deadline: the lag rule is off from now on.
    NotLive,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Give this to the voice.
    Speak {
        /// The utterance.
        utterance: Utterance,
        /// The byte of its text to begin at: where it was interrupted, if it was.
        from: usize,
        /// Words a minute.
        rate: Wpm,
    },
    /// Ask the voice process to measure how long this sounds, once it is idle. [`Action::Silence`]
    /// discards pending requests.
    Measure {
        /// The request's number, which the answer repeats.
        request: RequestId,
        /// The utterance.
        utterance: Utterance,
        /// The byte of its text to begin at.
        from: usize,
        /// Words a minute.
        rate: Wpm,
    },
    /// Silence the voice, which reports what it had as skipped.
    Silence,
    /// Record an utterance that the queue adds itself: a replay, or a warning.
    Record(Utterance),
    /// The utterance has ended.
    ReportOutcome(UtteranceId, Fate),
}

/// The utterances to be spoken, in order, and the rate they are spoken at.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: VecDeque<Queued>,
    in_flight: VecDeque<InFlight>,
    cancelled: Vec<Cancelled>,
    is_paused: bool,
    /// The line that the voice was given last; none where that was a replay or a warning.
    before: Option<Message<'static>>,
    history: VecDeque<Utterance>,
    /// How many utterances back the user has gone.
    n_back: usize,
    rate_control: RateControl,
    turns: Turns,
    estimate: Estimate,
    n_utterances: u64,
    n_requests: u64,
    /// The warning that the lag target is missed was given, and the lag has not fallen since.
    has_warned: bool,
    /// How to skip to now, as that warning words it.
    catch_up: CatchUp,
    /// What is said about lines.
    phrases: Phrases,
    /// The spoken names of the senders.
    names: Names,
    /// Lines that were only counted, until the user asks for them.
    blocks: VecDeque<Vec<Utterance>>,
    /// Whose block was counted last.
    counted: Option<Counted>,
}

impl Queue {
    /// An empty queue with this lag target, which says this about lines.
    pub(crate) fn new(lag_target: LagTarget, phrases: Phrases) -> Self {
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
            has_warned: false,
            catch_up: CatchUp::default(),
            phrases,
            names: Names::default(),
            blocks: VecDeque::new(),
            counted: None,
        }
    }

    /// The same, with durations estimated for that voice's language until they are measured.
    #[must_use]
    pub(crate) fn with_voice(mut self, voice: &str) -> Self {
        self.set_voice(voice);
        self
    }

    /// Sets the voice that speaks from now on.
    pub(crate) fn set_voice(&mut self, voice: &str) {
        self.estimate = Estimate::with_voice(voice);
    }

    /// Sets what is said about lines from now on.
    pub(crate) fn set_phrases(&mut self, phrases: Phrases) {
        self.phrases = phrases;
    }

    /// Sets how the warning words the way to now.
    pub(crate) fn set_catch_up(&mut self, catch_up: CatchUp) {
        self.catch_up = catch_up;
    }

    /// Sets the lag target, from the next utterance on.
    pub(crate) fn lag_target(&mut self, lag_target: LagTarget) {
        self.rate_control.lag_target = lag_target;
    }

    /// A number for the next utterance.
    pub(crate) fn number(&mut self) -> UtteranceId {
        self.n_utterances += 1;
        UtteranceId(self.n_utterances)
    }

    /// Handles an event; returns what to do, in order.
    pub(crate) fn handle(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut actions = match event {
            Event::Arrived(utterances) => self.arrived(utterances),
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
            Event::More => self.more(now),
            Event::Rate(wpm) => self.rate(wpm),
            Event::SourceEnded(source) => self.source_ended(source),
            Event::NotLive => {
                self.rate_control.is_relaxed = true;
                vec![]
            }
        };
        actions.extend(self.fill(now));
        actions.extend(self.measure());
        actions
    }

    /// When the next utterance is to be given to the voice, if no event comes before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let only = self.in_flight.front().filter(|_| self.in_flight.len() == 1)?;
        let started = only.started?;
        if self.is_paused || self.waiting.is_empty() || !self.cancelled.is_empty() {
            return None;
        }
        Some(started + self.sounds(only).saturating_sub(AHEAD))
    }

    /// Whether nothing is waiting or in flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty() && self.cancelled.is_empty()
    }

    /// Whether it is paused.
    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// How many utterances are waiting, without those in flight.
    pub(crate) fn n_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The base rate, in words a minute.
    pub(crate) fn base_rate(&self) -> Wpm {
        self.rate_control.lag_target.base
    }

    /// The utterance that is being spoken, and its rate.
    pub(crate) fn current(&self) -> Option<(&Utterance, Wpm)> {
        let current = self.in_flight.front()?;
        Some((&current.queued.utterance, current.rate))
    }

    /// How many characters of an utterance in flight were spoken before an interruption; the voice
    /// counts from there.
    pub(crate) fn n_before(&self, id: UtteranceId) -> usize {
        let it = self.in_flight.iter().find(|it| it.queued.utterance.id == id);
        it.map_or(0, |it| it.queued.utterance.text[..it.queued.from].chars().count())
    }

    /// The age of the oldest line that has not been spoken to its end.
    pub(crate) fn lag(&self, now: Instant) -> Duration {
        // A flood that others' lines overtook is older than they are.
        let mut waiting = self.waiting.iter().map(|waiting| &waiting.utterance);
        let waiting = waiting.find(|utterance| utterance.is_new());
        let in_flight = self.in_flight.iter().map(|it| &it.queued.utterance);
        let received = in_flight.filter(|it| it.is_new()).chain(waiting).map(|it| it.received);
        received.min().map_or(Duration::ZERO, |it| now.saturating_duration_since(it))
    }

    fn arrived(&mut self, utterances: Vec<Utterance>) -> Vec<Action> {
        for utterance in utterances {
            self.names.learn(&utterance);
            self.waiting.push_back(Queued::new(utterance, &self.estimate));
        }
        vec![]
    }

    fn started(&mut self, id: UtteranceId, now: Instant) -> Vec<Action> {
        if let Some(it) = self.in_flight.iter_mut().find(|it| it.queued.utterance.id == id) {
            it.started = Some(now);
            it.queued.has_begun = true;
        } else {
            self.reached_late(id, None);
        }
        vec![]
    }

    fn reached(&mut self, id: UtteranceId, character: usize) -> Vec<Action> {
        if let Some(it) = self.in_flight.iter_mut().find(|it| it.queued.utterance.id == id) {
            let at = place(&it.queued.utterance.text, it.queued.from, character);
            it.reached = at.unwrap_or(it.reached);
        } else {
            self.reached_late(id, Some(character));
        }
        vec![]
    }

    fn ended(&mut self, id: UtteranceId, fate: Fate) -> Vec<Action> {
        if let Some(at) = self.cancelled.iter().position(|cancelled| cancelled.id == id) {
            self.cancelled.swap_remove(at);
            return self.ended_late(id, fate);
        }
        let at = self.in_flight.iter().position(|it| it.queued.utterance.id == id);
        let Some(InFlight { queued, rate, .. }) = at.and_then(|at| self.in_flight.remove(at))
        else {
            return vec![]; // its outcome was set when it was skipped
        };
        if let Fate::Spoken { ms, .. } = fate {
            self.learn(&queued, rate, f64::from(ms) / 1_000.0);
            self.remember(queued.utterance);
        }
        vec![Action::ReportOutcome(id, fate)]
    }

    /// Keeps a new line for replay.
    fn remember(&mut self, utterance: Utterance) {
        if utterance.is_new() {
            self.n_back = 0;
            self.history.push_back(utterance);
            if self.history.len() > HISTORY {
                self.history.pop_front();
            }
        }
    }

    fn rate(&mut self, wpm: Wpm) -> Vec<Action> {
        self.rate_control.lag_target.base = wpm;
        self.rate_control.reset();
        self.forget_requests(); // what they measure was asked at the rate before
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

    /// Gives the voice the next utterance, if it is time.
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
        actions.extend(self.count_block(start));
        actions.extend(self.condense(start));
        actions.extend(self.warn_if_behind(start));
        if self.waiting.is_empty() {
            return actions;
        }
        let received = |it: &Utterance| it.is_live.then_some(it.received);
        let dues = self.waiting.iter();
        let dues = dues.map(|it| Due { work: it.work, received: received(&it.utterance) });
        let rate = self.rate_control.choose(&dues, start, &self.estimate);
        let Some(waiting) = self.waiting.pop_front() else { return actions };
        self.turns.given(&waiting.utterance, self.estimate.seconds(waiting.work, rate));
        let (utterance, from) = (waiting.utterance.clone(), waiting.from);
        self.before = utterance.message.clone().filter(|_| utterance.is_new());
        self.in_flight.push_back(InFlight::new(waiting, rate));
        actions.push(Action::Speak { utterance, from, rate });
        actions
    }

    /// Removes all waiting utterances that have expired.
    fn expire(&mut self, start: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        self.waiting.retain(|waiting| {
            let expiry = waiting.utterance.expiry.as_ref().filter(|_| waiting.has_expired(start));
            actions.extend(expiry.map(|Expiry { rule, .. }| {
                Action::ReportOutcome(waiting.utterance.id, Fate::Expired { rule: rule.clone() })
            }));
            expiry.is_none()
        });
        actions
    }

    /// Queues a spoken warning where even the highest rate cannot meet the lag target.
    fn warn_if_behind(&mut self, start: Instant) -> Option<Action> {
        let first = self.waiting.front()?;
        let lag_target = self.rate_control.lag_target;
        let waited = start.saturating_duration_since(first.utterance.received);
        if waited < lag_target.lag / 2 {
            self.has_warned = false;
        }
        // An interrupted utterance is finished first.
        let is_beginning = first.utterance.is_new() && !first.has_begun;
        let is_behind =
            waited > lag_target.lag && first.utterance.is_live && !self.rate_control.is_relaxed;
        if !is_behind || self.has_warned || !is_beginning {
            return None;
        }
        self.has_warned = true;
        let text = self.phrases.own().behind(waited.as_secs(), self.catch_up);
        let utterance = Utterance {
            id: self.number(),
            text,
            message: None,
            language: None,
            name_len: 0,
            name_end: 0,
            line: LinePosition::default(),
            received: start,
            is_replay: false,
            is_live: true,
            earcon: Some(Earcon::Behind),
            expiry: None,
        };
        self.waiting.push_front(Queued::new(utterance.clone(), &self.estimate));
        Some(Action::Record(utterance))
    }

    /// How long an utterance sounds, with the gap before it.
    fn sounds(&self, it: &InFlight) -> Duration {
        let seconds = self.estimate.seconds(it.queued.work, it.rate);
        Duration::from_secs_f64(seconds) + GAP
    }
}

#[cfg(test)]
mod tests;
