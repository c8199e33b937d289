//! The user's commands: pause, skip, repeat. They cancel what is in flight: the voice reports it as
//! skipped, which is ignored here, and it waits again. It resumes at the last word that the voice
//! reported, so that an interrupted word is spoken whole; at the beginning of what the voice was
//! given, where the voice reports no words.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::Instant;

use super::item::{Cancelled, InFlight, Queued, place};
use super::{Action, Queue};
use crate::message::{Fate, Utterance, UtteranceId};

impl Queue {
    /// Cancels what is in flight: it waits again, in its order.
    fn cancel(&mut self) -> Vec<Action> {
        if self.in_flight.is_empty() {
            return vec![];
        }
        while let Some(InFlight { mut queued, reached, .. }) = self.in_flight.pop_back() {
            self.cancelled.push(Cancelled { id: queued.utterance.id, from: queued.from });
            if reached != queued.from {
                queued.set_from(reached, &self.estimate);
            }
            self.waiting.push_front(queued);
        }
        self.forget_requests(); // as the silenced voice process does
        vec![Action::Silence]
    }

    /// A start, or a word, that was spoken before the silence and is reported after it.
    pub(super) fn reached_late(&mut self, id: UtteranceId, character: Option<usize>) {
        let cancelled = self.cancelled.iter().find(|cancelled| cancelled.id == id);
        let waiting = self.waiting.iter_mut().find(|waiting| waiting.utterance.id == id);
        if let (Some(cancelled), Some(waiting)) = (cancelled, waiting) {
            waiting.has_begun = true;
            let at = character.and_then(|it| place(&waiting.utterance.text, cancelled.from, it));
            if let Some(at) = at {
                waiting.set_from(at, &self.estimate);
            }
        }
    }

    /// The end of a cancelled utterance: it was silenced, or had ended before the silence.
    pub(super) fn ended_late(&mut self, id: UtteranceId, fate: Fate) -> Vec<Action> {
        let was_heard = match fate {
            Fate::Spoken { .. } | Fate::Failed { .. } => true,
            Fate::Skipped | Fate::Expired { .. } | Fate::Merged { .. } | Fate::Dropped { .. } => {
                false
            }
        };
        let at = self.waiting.iter().position(|waiting| waiting.utterance.id == id);
        match at.filter(|_| was_heard).and_then(|at| self.waiting.remove(at)) {
            Some(waiting) => {
                self.remember(waiting.utterance);
                vec![Action::ReportOutcome(id, fate)]
            }
            None => vec![],
        }
    }

    pub(super) fn pause(&mut self) -> Vec<Action> {
        self.is_paused = true;
        self.cancel()
    }

    pub(super) fn resume(&mut self) -> Vec<Action> {
        self.is_paused = false;
        vec![]
    }

    pub(super) fn skip(&mut self) -> Vec<Action> {
        let mut actions = self.cancel();
        if let Some(skipped) = self.waiting.pop_front() {
            actions.push(Action::ReportOutcome(skipped.utterance.id, Fate::Skipped));
        }
        actions
    }

    pub(super) fn live(&mut self) -> Vec<Action> {
        self.is_paused = false;
        let mut actions = self.cancel();
        let skipped = self.waiting.drain(..);
        actions.extend(skipped.map(|it| Action::ReportOutcome(it.utterance.id, Fate::Skipped)));
        actions
    }

    pub(super) fn repeat(&mut self, n: usize, now: Instant) -> Vec<Action> {
        let from = self.history.len().saturating_sub(n);
        self.replay(from..self.history.len(), now)
    }

    pub(super) fn back(&mut self, now: Instant) -> Vec<Action> {
        // The first press goes to the utterance before the current one, or before the last one.
        let is_speaking = self.in_flight.front().is_some_and(|it| it.queued.utterance.is_new());
        self.n_back += if self.n_back == 0 && !is_speaking { 2 } else { 1 };
        self.n_back = self.n_back.min(self.history.len());
        let at = self.history.len() - self.n_back;
        self.replay(at..(at + 1).min(self.history.len()), now)
    }

    pub(super) fn highlight(&mut self, now: Instant) -> Vec<Action> {
        let is_marked = |it: &Utterance| it.message.as_ref().is_some_and(|it| it.highlight);
        match self.history.iter().rposition(is_marked) {
            Some(at) => self.replay(at..self.history.len(), now),
            None => vec![],
        }
    }

    /// Speaks utterances again, before all others; a replay that is under way is skipped.
    fn replay(&mut self, range: std::ops::Range<usize>, now: Instant) -> Vec<Action> {
        let mut actions = self.cancel();
        self.is_paused = false;
        let (skipped, rest): (VecDeque<Queued>, _) =
            self.waiting.drain(..).partition(|it| it.utterance.is_replay);
        self.waiting = rest;
        actions.extend(
            skipped.into_iter().map(|it| Action::ReportOutcome(it.utterance.id, Fate::Skipped)),
        );
        for at in range.rev() {
            let id = self.number();
            let again =
                Utterance { id, received: now, is_replay: true, ..self.history[at].clone() };
            actions.push(Action::Record(again.clone()));
            self.waiting.push_front(Queued::new(again, &self.estimate));
        }
        actions
    }
}
