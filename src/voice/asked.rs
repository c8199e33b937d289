//! What the voice process was asked to measure and has not answered. It is asked again where the
//! process is another one, but for that of which the process before has died.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::supervisor::Action;
use super::wire::SpeakRequest;
use crate::message::RequestId;

/// The most that is kept: the queue asks for no more at a time, and what it does not wait for any
/// more is the oldest.
const MOST: usize = 64;

/// How long a measurement may take. eSpeak's takes milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// Requests in their order, and where the process is with them.
#[derive(Debug, Default)]
pub(super) struct Asked {
    requests: VecDeque<(RequestId, SpeakRequest)>,
    /// The one that the engine is at, and since when.
    current: Option<(RequestId, Instant)>,
}

impl Asked {
    pub(super) fn ask(&mut self, request: RequestId, speech: SpeakRequest) {
        self.requests.push_back((request, speech));
        if self.requests.len() > MOST {
            self.requests.pop_front();
        }
    }

    /// All of them, for a process that knows of none.
    pub(super) fn orders(&self) -> impl Iterator<Item = Action> {
        self.requests.iter().map(|(request, speech)| Action::Measure(*request, speech.clone()))
    }

    pub(super) fn begun(&mut self, request: RequestId, now: Instant) {
        self.current = Some((request, now));
    }

    /// The engine is at something else.
    pub(super) fn left(&mut self) {
        self.current = None;
    }

    /// It is answered; gives whether it was asked.
    pub(super) fn answered(&mut self, request: RequestId) -> bool {
        self.left();
        let n_before = self.requests.len();
        self.requests.retain(|(asked, _)| *asked != request);
        self.requests.len() < n_before
    }

    /// Nothing is wanted any more.
    pub(super) fn clear(&mut self) {
        self.requests.clear();
    }

    /// The process has died: gives the request that it died of, which is not made again.
    pub(super) fn killer(&mut self) -> Option<RequestId> {
        let (killer, _) = self.current.take()?;
        self.requests.retain(|(asked, _)| *asked != killer);
        Some(killer)
    }

    /// When the engine must have come to an end with what it is at.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.current.map(|(_, since)| since + LIMIT)
    }
}
