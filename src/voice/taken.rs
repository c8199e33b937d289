//! What the supervisor knows of the voice process, and of an utterance that it has taken.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::supervisor::Action;
use super::wire::Speech;
use crate::message::UtteranceId;

/// Where the process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// There is none; one is to be started at that time.
    Down { until: Instant },
    /// It was started then and has not said yet that it is ready.
    Starting { since: Instant },
    /// It takes orders; the last sign of life came then.
    Up { last_sign: Instant },
    /// It has done its work.
    Ended,
}

/// Which engine the process has, or the next one gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    First,
    Fallback,
}

/// An utterance that was taken and is not settled.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) speech: Speech,
    /// The number under which it was ordered. Reports name it: one that crosses a stop must not
    /// count for the same utterance, ordered again from another place.
    pub(super) order: UtteranceId,
    /// Its first sample went out in this process.
    pub(super) has_started: bool,
    /// A process died of it, or while it was spoken.
    pub(super) was_retried: bool,
}

impl Taken {
    pub(super) fn order(&self) -> Action {
        Action::Say(Speech { id: self.order, ..self.speech.clone() })
    }
}
