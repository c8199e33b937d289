//! The configuration is read again: rules, rates and voices apply to the next line. What is wrong is
//! told, and what was in force stays. Names that only the voice process can judge are checked while
//! lines come and are spoken.
#![forbid(unsafe_code)]

use std::future::pending;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Listener;
use crate::config::ConfigError;
use crate::config::settings::Settings;
use crate::control::{Reply, TranscriptEvent};

/// Who waits to be told.
type Asker = oneshot::Sender<Reply>;

/// A configuration that was read and is not in force yet.
#[derive(Default)]
pub(super) struct Reloading {
    settings: Option<Box<Settings>>,
    check: Option<JoinHandle<Result<(), ConfigError>>>,
    /// Those who wait for it; nobody where it was saved.
    askers: Vec<Asker>,
}

impl Reloading {
    /// Waits for the verdict; for ever where there is none. Cancel-safe.
    pub(super) async fn checked(&mut self) -> Result<(), ConfigError> {
        let Some(check) = &mut self.check else { return pending().await };
        let checked = check.await;
        self.check = None;
        checked.unwrap_or(Ok(())) // it was not made: nobody knows better
    }
}

impl Listener<'_> {
    /// Reads the configuration again, for `asker` or because it was saved.
    pub(super) fn reload(&mut self, asker: Option<Asker>) {
        self.reloading.askers.extend(asker);
        match (self.reload)() {
            // Where nothing is spoken there are no voices.
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

    /// It is known whether the configuration is right.
    pub(super) fn reloaded(&mut self, checked: Result<(), ConfigError>) {
        if let Some(check) = self.reloading.check.take() {
            check.abort();
        }
        let settings = self.reloading.settings.take();
        let reply = match (checked, settings) {
            (Ok(()), Some(settings)) => {
                self.take_settings(*settings);
                Reply::Done
            }
            (Ok(()), None) => Reply::Done,
            (Err(error), _) => {
                Reply::Error { why: format!("{error}; the old configuration stays") }
            }
        };
        let askers = std::mem::take(&mut self.reloading.askers);
        if askers.is_empty() {
            match &reply {
                Reply::Error { why } => self.say(why.clone()),
                _ => self.transcribe(TranscriptEvent::News(
                    "the configuration was read again".to_owned(),
                )),
            }
        }
        self.show(); // who asked may look at once
        for asker in askers {
            if asker.send(reply.clone()).is_err() {
                tracing::debug!("who asked has left");
            }
        }
    }

    fn take_settings(&mut self, settings: Settings) {
        self.pipeline.configure(settings.filter, settings.naming);
        self.queue.lag_target(settings.lag_target);
        if settings.voice_spec.voice != self.voice_spec.voice {
            self.queue.take_voice(&settings.voice_spec.voice);
        }
        self.voice_spec = settings.voice_spec;
        self.speakers.configure(settings.speakers);
        self.earcons = self.earcons.map(|_| settings.earcons);
        self.saved = settings.saved;
        self.checks = settings.checks;
    }
}
