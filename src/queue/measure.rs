//! The idle voice process measures waiting utterances. Until then an estimate is used, which learns
//! from the measurements.
#![forbid(unsafe_code)]

use super::item::{Measured, Queued};
use super::script::Parts;
use super::{Action, Queue};
use crate::message::RequestId;
use crate::units::Wpm;

/// How many waiting utterances are measured, from the first: more than a minute of speech, which is
/// beyond what the next rate depends on.
const MOST_MEASURED: usize = 64;

impl Queue {
    /// Requests the measurements that were not requested yet.
    pub(super) fn measure(&mut self) -> Vec<Action> {
        let rate = self.rate_control.lag_target.base;
        let mut actions = Vec::new();
        for waiting in self.waiting.iter_mut().take(MOST_MEASURED) {
            if waiting.measured == Measured::No {
                self.n_requests += 1;
                let request = RequestId(self.n_requests);
                waiting.measured = Measured::Asked(request);
                let (utterance, from) = (waiting.utterance.clone(), waiting.from);
                actions.push(Action::Measure { request, utterance, from, rate });
            }
        }
        actions
    }

    /// Takes the answer to a request; ignored where the utterance has ended or its text changed.
    pub(super) fn measured(&mut self, request: RequestId, seconds: Option<f64>) -> Vec<Action> {
        let asked = Measured::Asked(request);
        let base = self.rate_control.lag_target.base;
        // Useful in flight, too: the next utterance waits for the end of that one.
        let in_flight = self.in_flight.iter_mut().map(|it| &mut it.queued);
        let mut all = in_flight.chain(&mut self.waiting);
        let Some(waiting) = all.find(|it| it.measured == asked) else { return vec![] };
        let Some(seconds) = seconds else {
            waiting.measured = Measured::Never;
            return vec![];
        };
        waiting.measured = Measured::Yes;
        waiting.work = self.estimate.measured(seconds, base);
        let parts = waiting.parts;
        self.learn_parts(&parts, base, seconds);
        vec![]
    }

    /// Learns from how long an utterance took.
    pub(super) fn learn(&mut self, spoken: &Queued, rate: Wpm, seconds: f64) {
        if spoken.utterance.earcon.is_some() {
            return; // its time includes the earcon's
        }
        match spoken.measured {
            Measured::Yes => self.estimate.learn_fall(spoken.work, rate, seconds),
            Measured::No | Measured::Asked(_) | Measured::Never => {
                self.learn_parts(&spoken.parts, rate, seconds);
            }
        }
    }

    /// Learns, and renews the estimates that are not measured where they have changed enough.
    fn learn_parts(&mut self, parts: &Parts, rate: Wpm, seconds: f64) {
        self.estimate.learn(parts, rate, seconds);
        if self.estimate.has_changed() {
            for waiting in self.waiting.iter_mut().filter(|it| it.measured != Measured::Yes) {
                waiting.work = self.estimate.work_of(&waiting.parts);
            }
        }
    }

    /// The voice process has discarded its pending requests.
    pub(super) fn forget_requests(&mut self) {
        for waiting in &mut self.waiting {
            if matches!(waiting.measured, Measured::Asked(_)) {
                waiting.measured = Measured::No;
            }
        }
    }
}
