//! Measurements that the voice process was asked for and has not answered. A new process is asked
//! again, except for the measurement that crashed the one before.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::message::RequestId;
use crate::wire::SpeakRequest;

/// The most that are kept: the queue asks for no more at a time, and it no longer waits for the
/// oldest.
const MOST: usize = 64;

/// How long a measurement may take. eSpeak needs milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// Requests in order, and the one in progress.
#[derive(Debug, Default)]
pub(super) struct Measurements {
    requests: VecDeque<(RequestId, SpeakRequest)>,
    /// The one the engine is measuring, and since when.
    current: Option<(RequestId, Instant)>,
}

impl Measurements {
    pub(super) fn ask(&mut self, request: RequestId, speech: SpeakRequest) {
        self.requests.push_back((request, speech));
        if self.requests.len() > MOST {
            self.requests.pop_front();
        }
    }

    /// All of them, for a new process.
    pub(super) fn all(&self) -> impl Iterator<Item = (RequestId, SpeakRequest)> {
        self.requests.iter().cloned()
    }

    pub(super) fn begun(&mut self, request: RequestId, now: Instant) {
        self.current = Some((request, now));
    }

    /// The engine has left the current measurement.
    pub(super) fn left(&mut self) {
        self.current = None;
    }

    /// The request is answered; returns whether it was pending.
    pub(super) fn answered(&mut self, request: RequestId) -> bool {
        self.left();
        let n_before = self.requests.len();
        self.requests.retain(|(asked, _)| *asked != request);
        self.requests.len() < n_before
    }

    /// Forgets all requests.
    pub(super) fn clear(&mut self) {
        self.requests.clear();
    }

    /// The process has died: returns the request it was measuring, which is not made again.
    pub(super) fn killer(&mut self) -> Option<RequestId> {
        let (killer, _) = self.current.take()?;
        self.requests.retain(|(asked, _)| *asked != killer);
        Some(killer)
    }

    /// When the current measurement must have ended.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.current.map(|(_, since)| since + LIMIT)
    }
}
