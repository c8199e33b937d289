//! Reloads the configuration: rules, rates, voices, phrasing and sounds apply to the next line; what
//! else it holds applies when the program starts again. An error is reported,
//! and the old configuration stays. Names that only the voice process can check are checked while
//! lines are read and spoken.
#![forbid(unsafe_code)]

use std::sync::Arc;

use super::{Effect, Listener, ReplySender};
use crate::config::settings::{Settings, Sink};
use crate::control::{Reply, TranscriptEvent};
use crate::diagnostics::ConfigError;

/// A configuration that was read and is not applied yet.
#[derive(Default)]
pub(super) struct Reloading {
    settings: Option<Box<Settings>>,
    /// The clients that wait for it; none when the file was saved.
    replies: Vec<ReplySender>,
}

impl Listener {
    /// Reloads the configuration, for a client that waits for `reply`.
    pub(super) fn reload(&mut self, reply: ReplySender) {
        self.reloading.replies.push(reply);
        self.effects.push(Effect::Reload);
    }

    /// The configuration was read.
    pub(super) fn loaded(&mut self, settings: Result<Box<Settings>, ConfigError>) {
        let checked = match settings {
            Ok(settings) => {
                let is_known = settings.checks == self.checks;
                let checks = settings.checks.clone();
                self.reloading.settings = Some(settings);
                // When nothing is spoken there are no voices to check.
                if !is_known && self.sink == Sink::Speech {
                    return self.effects.push(Effect::Check(checks));
                }
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.checked(checked);
    }

    /// The names were checked: applies the configuration, or reports the error.
    pub(super) fn checked(&mut self, checked: Result<(), ConfigError>) {
        let settings = self.reloading.settings.take();
        let done = match checked {
            Ok(()) => {
                if let Some(settings) = settings {
                    self.apply(*settings);
                }
                Reply::Done
            }
            Err(error) => Reply::Error { why: format!("{error}; the old configuration stays") },
        };
        let replies = std::mem::take(&mut self.reloading.replies);
        match &done {
            Reply::Error { why } if replies.is_empty() => self.notify(why.clone()),
            _ if replies.is_empty() => self
                .transcribe(|_| TranscriptEvent::News("the configuration was reloaded".to_owned())),
            _ => {}
        }
        let replies = replies.into_iter().map(|reply| Effect::Reply(reply, done.clone()));
        self.effects.extend(replies);
    }

    fn apply(&mut self, mut settings: Settings) {
        self.aliases.configure(settings.phrasing.aliases);
        settings.phrasing.aliases = self.aliases.all();
        self.wording = (Arc::clone(&settings.phrasing.chain), settings.phrasing.language);
        self.queue.set_phrases(super::phrases(&settings.phrasing));
        self.pipeline.configure(settings.filter, settings.phrasing);
        self.queue.lag_target(settings.lag_target);
        if settings.voice_spec.voice != self.voice_spec.voice {
            self.queue.set_voice(&settings.voice_spec.voice);
        }
        self.voice_spec = settings.voice_spec;
        self.speakers.configure(settings.speakers);
        self.languages = settings.languages;
        self.earcons = settings.earcons;
        self.checks = settings.checks;
        self.effects.push(Effect::Watch(settings.saved));
    }
}
