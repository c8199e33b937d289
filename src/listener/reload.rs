//! Reloads the configuration: rules, rates and voices apply to the next line. An error is reported,
//! and the old configuration stays. Names that only the voice process can check are checked while
//! lines are read and spoken.
#![forbid(unsafe_code)]

use std::future::pending;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Listener;
use crate::config::settings::Settings;
use crate::control::{Reply, TranscriptEvent};
use crate::diagnostics::ConfigError;

/// Where the reply to a reload goes.
type ReplySender = oneshot::Sender<Reply>;

/// A configuration that was read and is not applied yet.
#[derive(Default)]
pub(super) struct Reloading {
    settings: Option<Box<Settings>>,
    check: Option<JoinHandle<Result<(), ConfigError>>>,
    /// The clients that wait for it; none when the file was saved.
    replies: Vec<ReplySender>,
}

impl Reloading {
    /// Waits for the result of the check; forever if there is none. Cancel-safe.
    pub(super) async fn checked(&mut self) -> Result<(), ConfigError> {
        let Some(check) = &mut self.check else { return pending().await };
        let checked = check.await;
        self.check = None;
        checked.unwrap_or(Ok(())) // a check that failed to run counts as passed
    }
}

impl Listener<'_> {
    /// Reloads the configuration, for a client that waits for `reply` or because it was saved.
    pub(super) fn reload(&mut self, reply: Option<ReplySender>) {
        self.reloading.replies.extend(reply);
        match (self.reload)() {
            // When nothing is spoken there are no voices to check.
            Ok(settings) if settings.checks == self.checks || self.earcons.is_none() => {
                self.reloading.settings = Some(Box::new(settings));
                self.reloaded(Ok(()));
            }
            Ok(settings) => {
                let checks = settings.checks.clone();
                self.reloading.settings = Some(Box::new(settings));
                let check = tokio::spawn(async move { checks.verify().await });
                if let Some(before) = self.reloading.check.replace(check) {
                    before.abort();
                }
            }
            Err(error) => self.reloaded(Err(error)),
        }
    }

    /// The check is done: applies the configuration, or reports the error.
    pub(super) fn reloaded(&mut self, checked: Result<(), ConfigError>) {
        if let Some(check) = self.reloading.check.take() {
            check.abort();
        }
        let settings = self.reloading.settings.take();
        let reply = match (checked, settings) {
            (Ok(()), Some(settings)) => {
                self.apply(*settings);
                Reply::Done
            }
            (Ok(()), None) => Reply::Done,
            (Err(error), _) => {
                Reply::Error { why: format!("{error}; the old configuration stays") }
            }
        };
        let replies = std::mem::take(&mut self.reloading.replies);
        if replies.is_empty() {
            match &reply {
                Reply::Error { why } => self.notify(why.clone()),
                _ => self
                    .transcribe(TranscriptEvent::News("the configuration was reloaded".to_owned())),
            }
        }
        self.show(); // the clients may look at once
        for sender in replies {
            if sender.send(reply.clone()).is_err() {
                tracing::debug!("the client has left");
            }
        }
    }

    fn apply(&mut self, settings: Settings) {
        self.pipeline.configure(settings.filter, settings.naming);
        self.queue.lag_target(settings.lag_target);
        if settings.voice_spec.voice != self.voice_spec.voice {
            self.queue.set_voice(&settings.voice_spec.voice);
        }
        self.voice_spec = settings.voice_spec;
        self.speakers.configure(settings.speakers);
        self.earcons = self.earcons.map(|_| settings.earcons);
        self.saved = settings.saved;
        self.checks = settings.checks;
    }
}
