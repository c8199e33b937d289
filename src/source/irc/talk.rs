//! How a [`Session`] sends messages and tracks its channels.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::send::{self, BUSY, Membership};
use super::session::{Action, Phase, Session};
use crate::diagnostics::escaped;
use crate::names::same_name;
use crate::source::notice::{Notice, Wording};

/// The most channels tracked; a server may claim that we are in any number.
const MOST_CHANNELS: usize = 1_000;

/// How long a refusal counts as an answer to the last message.
const REFUSED_WITHIN: Duration = Duration::from_secs(30);

impl Session<'_> {
    pub(super) fn say(
        &mut self,
        number: u64,
        target: String,
        text: &str,
        now: Instant,
    ) -> Vec<Action> {
        let is_let_in = match self.phase {
            Phase::Greeted { .. } | Phase::Listening => true,
            Phase::Registering { .. } | Phase::Ended => false,
        };
        if !is_let_in {
            return vec![Action::Unsaid(number, format!("not connected to {} yet", self.host))];
        }
        match send::lines(&target, text, &self.nick) {
            Err(why) => vec![Action::Unsaid(number, why)],
            Ok(lines) => {
                if !self.flood.push_text(lines, number) {
                    return vec![Action::Unsaid(number, BUSY.to_owned())];
                }
                self.said_to = Some((target, now));
                vec![]
            }
        }
    }

    /// The notice for the listener, if the server refused the last message.
    pub(super) fn not_said(
        &mut self,
        target: &str,
        number: u16,
        parameters: &[String],
        now: Instant,
    ) -> Option<Notice> {
        // No such nick, no such channel, cannot send, no external messages, and the like.
        let is_refusal = matches!(number, 401 | 403 | 404 | 408 | 415 | 477 | 531);
        let (said_to, at) = self.said_to.as_ref().filter(|_| is_refusal)?;
        if !same_name(said_to, target) || now > *at + REFUSED_WITHIN {
            return None;
        }
        let why: String = escaped(parameters.last()?.trim()).chars().take(300).collect();
        let notice = Notice::new(Wording::NOT_SENT).with("target", escaped(said_to));
        self.said_to = None;
        Some(notice.with("why", why))
    }

    pub(super) fn entered(&mut self, channel: &str) -> Option<Action> {
        let is_known = self.inside.iter().any(|known| same_name(known, channel));
        if is_known || self.inside.len() >= MOST_CHANNELS {
            return None;
        }
        self.inside.push(channel.to_owned());
        Some(self.membership())
    }

    pub(super) fn left(&mut self, channel: &str) -> Option<Action> {
        let at = self.inside.iter().position(|known| same_name(known, channel))?;
        self.inside.swap_remove(at);
        Some(self.membership())
    }

    pub(super) fn membership(&self) -> Action {
        let nick = Some(self.nick.clone());
        Action::Membership(Membership { nick, channels: self.inside.clone() })
    }
}
