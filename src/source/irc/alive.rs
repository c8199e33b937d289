//! Whether the server is still alive: how a [`Session`] handles silence and `ERROR`.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use irc::proto::Command;

use super::session::{Action, Ending, Phase, REGISTRATION, Session};
use crate::diagnostics::escaped;
use crate::source::backoff::Class;

/// After this long without a byte the server gets a `PING`;
const IDLE: Duration = Duration::from_secs(60);
/// after this long without an answer the connection is lost.
pub(super) const DEAD: Duration = Duration::from_secs(20);

impl Session<'_> {
    /// When the silence will have lasted too long.
    pub(super) fn silence(&self) -> Instant {
        match (&self.phase, self.probed) {
            (_, Some(probed)) => probed + DEAD,
            (Phase::Registering { since, .. }, None) => *since + REGISTRATION,
            (Phase::Greeted { .. } | Phase::Listening | Phase::Ended, None) => {
                self.last_read + IDLE
            }
        }
    }

    /// Sends `PING` to a silent server; ends the connection when it does not answer.
    pub(super) fn probe(&mut self, now: Instant) -> Vec<Action> {
        if now < self.silence() {
            return vec![];
        }
        let seconds = |duration: Duration| duration.as_secs();
        if matches!(self.phase, Phase::Registering { .. }) {
            let why = format!("it did not let us in within {} s", seconds(REGISTRATION));
            return vec![Action::End(Ending::new(why))];
        }
        if self.probed.is_some() {
            let why = format!("it was silent for {} s", seconds(IDLE + DEAD));
            return vec![Action::End(Ending::new(why))];
        }
        self.probed = Some(now);
        vec![Action::Send(Command::PING("irc-speak".to_owned(), None))]
    }
}

/// The end that an `ERROR` announces.
pub(super) fn closed_with(text: &str) -> Ending {
    let class = Class::of_error(text);
    let text: String = escaped(text.trim()).chars().take(300).collect();
    let why = if text.is_empty() {
        "it closed the connection".to_owned()
    } else {
        format!("it closed the connection: {text}")
    };
    Ending { class, why }
}
