//! What waits is measured by the voice process while it has nothing else to do; until then the
//! estimate serves, and it learns.
#![forbid(unsafe_code)]

use super::item::{Measured, Queued};
use super::script::Parts;
use super::{Action, Queue};
use crate::message::RequestId;

/// So many of those that wait are measured, the first ones: a minute of speech and more, which is
/// beyond what the next rate depends on.
const MOST_MEASURED: usize = 64;

impl Queue {
    /// Asks for what was not asked for yet.
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

    /// The answer to a request; nothing where what was asked about is not waiting any more, or has
    /// become another text.
    pub(super) fn measured(&mut self, request: RequestId, seconds: Option<f64>) -> Vec<Action> {
        let asked = Measured::Asked(request);
        let base = self.rate_control.lag_target.base;
        // What the voice has by now is still worth knowing: the next one waits for its end.
        let out = self.in_flight.iter_mut().map(|out| &mut out.waiting);
        let mut all = out.chain(&mut self.waiting);
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

    /// Learns from what was spoken.
    pub(super) fn learn(&mut self, spoken: &Queued, rate: u32, seconds: f64) {
        if spoken.utterance.earcon.is_some() {
            return; // it sounds, too
        }
        match spoken.measured {
            Measured::Yes => self.estimate.learn_fall(spoken.work, rate, seconds),
            Measured::No | Measured::Asked(_) | Measured::Never => {
                self.learn_parts(&spoken.parts, rate, seconds);
            }
        }
    }

    /// Learns, and estimates anew what is not measured where that makes a difference.
    fn learn_parts(&mut self, parts: &Parts, rate: u32, seconds: f64) {
        self.estimate.learn(parts, rate, seconds);
        if self.estimate.has_changed() {
            for waiting in self.waiting.iter_mut().filter(|it| it.measured != Measured::Yes) {
                waiting.work = self.estimate.work_of(&waiting.parts);
            }
        }
    }

    /// The voice process has forgotten what it was asked.
    pub(super) fn forget_asked(&mut self) {
        for waiting in &mut self.waiting {
            if matches!(waiting.measured, Measured::Asked(_)) {
                waiting.measured = Measured::No;
            }
        }
    }
}
