//! What waits to be spoken: in order, and nothing is dropped. A pure state machine.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use crate::message::Utterance;

/// How many utterances the voice has at most: the one being spoken, and the next, which is made
/// while that one sounds.
const MOST_OUT: usize = 2;

/// How many utterances may wait before sources are not read any more. A day and a half of speech:
/// what is beyond stays where it is, in the log, the pipe or the connection.
const MOST_WAITING: usize = 50_000;

/// Utterances in order.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Utterance>,
    n_out: usize,
}

impl Queue {
    /// Takes an utterance in.
    pub fn push(&mut self, utterance: Utterance) {
        self.waiting.push_back(utterance);
    }

    /// The next to be given to the voice, where it can take one.
    pub fn take(&mut self) -> Option<Utterance> {
        if self.n_out >= MOST_OUT {
            return None;
        }
        let utterance = self.waiting.pop_front()?;
        self.n_out += 1;
        Some(utterance)
    }

    /// The voice has settled one.
    pub fn settled(&mut self) {
        self.n_out = self.n_out.saturating_sub(1);
    }

    /// Forgets what waits; gives it.
    pub fn clear(&mut self) -> impl Iterator<Item = Utterance> {
        self.waiting.drain(..)
    }

    /// Whether nothing waits and the voice has nothing.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.n_out == 0
    }

    /// Whether sources are to keep what they have.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MOST_WAITING
    }
}

#[test]
fn two_are_out_and_the_rest_waits_in_order() {
    let utterance = |id| Utterance {
        id: crate::message::UtteranceId(id),
        text: "hello".to_owned(),
        message: None,
        line: id,
        received: crate::clock::test_now(),
    };
    let mut queue = Queue::default();
    (1..=4).for_each(|id| queue.push(utterance(id)));
    let next = |queue: &mut Queue| queue.take().map(|utterance| utterance.id.0);
    assert_eq!([next(&mut queue), next(&mut queue), next(&mut queue)], [Some(1), Some(2), None]);
    queue.settled();
    assert_eq!([next(&mut queue), next(&mut queue)], [Some(3), None]);
    assert_eq!(queue.clear().count(), 1);
    assert!(!queue.is_empty(), "two are with the voice");
    queue.settled();
    queue.settled();
    assert!(queue.is_empty());
}
