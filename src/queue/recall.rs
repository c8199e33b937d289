//! What the user does to the queue: pausing, skipping, hearing again. What the voice has is taken
//! back for that; it settles as skipped there, which here means nothing. It waits again, and what
//! is left of it begins at the word that was last heard of: a word in the middle of which it was
//! silenced is heard whole. Where the voice tells no words, it is the beginning of what it was given.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::Instant;

use super::item::{Cancelled, InFlight, Queued, place};
use super::{Action, Queue};
use crate::message::{Fate, Utterance, UtteranceId};

impl Queue {
    /// Takes back what the voice has: it goes on waiting, in its order.
    fn recall(&mut self) -> Vec<Action> {
        if self.in_flight.is_empty() {
            return vec![];
        }
        while let Some(InFlight { mut waiting, reached, .. }) = self.in_flight.pop_back() {
            self.cancelled.push(Cancelled { id: waiting.utterance.id, from: waiting.from });
            if reached != waiting.from {
                waiting.leave(reached, &self.estimate);
            }
            self.waiting.push_front(waiting);
        }
        self.forget_asked(); // the silence does, too
        vec![Action::Silence]
    }

    /// A beginning, or a word, that was heard before the silence and is told after it.
    pub(super) fn heard_late(&mut self, id: UtteranceId, character: Option<usize>) {
        let recalled = self.cancelled.iter().find(|recalled| recalled.id == id);
        let waiting = self.waiting.iter_mut().find(|waiting| waiting.utterance.id == id);
        if let (Some(recalled), Some(waiting)) = (recalled, waiting) {
            waiting.has_begun = true;
            let at = character.and_then(|it| place(&waiting.utterance.text, recalled.from, it));
            if let Some(at) = at {
                waiting.leave(at, &self.estimate);
            }
        }
    }

    /// The end of what was taken back: it was silenced, or had ended before that came to the voice.
    pub(super) fn crossed(&mut self, id: UtteranceId, fate: Fate) -> Vec<Action> {
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
                vec![Action::Settle(id, fate)]
            }
            None => vec![],
        }
    }

    pub(super) fn pause(&mut self) -> Vec<Action> {
        self.is_paused = true;
        self.recall()
    }

    pub(super) fn resume(&mut self) -> Vec<Action> {
        self.is_paused = false;
        vec![]
    }

    pub(super) fn skip(&mut self) -> Vec<Action> {
        let mut actions = self.recall();
        if let Some(skipped) = self.waiting.pop_front() {
            actions.push(Action::Settle(skipped.utterance.id, Fate::Skipped));
        }
        actions
    }

    pub(super) fn live(&mut self) -> Vec<Action> {
        self.is_paused = false;
        let mut actions = self.recall();
        let skipped = self.waiting.drain(..);
        actions.extend(skipped.map(|it| Action::Settle(it.utterance.id, Fate::Skipped)));
        actions
    }

    pub(super) fn repeat(&mut self, n: usize, now: Instant) -> Vec<Action> {
        let from = self.history.len().saturating_sub(n);
        self.replay(from..self.history.len(), now)
    }

    pub(super) fn back(&mut self, now: Instant) -> Vec<Action> {
        // The first press is for the one before the one that is or was spoken last.
        let is_speaking = self.in_flight.front().is_some_and(|out| out.waiting.utterance.is_new());
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

    /// Speaks again what was spoken, before anything else; what is being replayed already is left.
    fn replay(&mut self, range: std::ops::Range<usize>, now: Instant) -> Vec<Action> {
        let mut actions = self.recall();
        self.is_paused = false;
        let (left, rest): (VecDeque<Queued>, _) =
            self.waiting.drain(..).partition(|it| it.utterance.is_replay);
        self.waiting = rest;
        actions.extend(left.into_iter().map(|it| Action::Settle(it.utterance.id, Fate::Skipped)));
        for at in range.rev() {
            let id = self.number();
            let again =
                Utterance { id, received: now, is_replay: true, ..self.history[at].clone() };
            self.waiting.push_front(Queued::new(again, &self.estimate));
        }
        actions
    }
}
