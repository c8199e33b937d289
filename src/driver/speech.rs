//! What only speech has: the voice, and the surfaces that control the listener.
#![forbid(unsafe_code)]

use std::future::pending;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::status::StatusTask;
use super::surfaces::{GOODBYE, Surfaces};
use crate::clock::now;
use crate::config::settings::Screen;
use crate::control::{Controls, Request, Snapshot};
use crate::listener::{Effect, Event, Listener};
use crate::voice::{Voice, VoiceEvent};
use crate::wire::Setup;

/// Commands that may wait to be executed.
const REQUESTS: usize = 64;

/// The voice and the surfaces.
pub(super) struct Speech {
    voice: Voice,
    /// Unbounded: the voice task does not wait for the listener, and has two utterances at most.
    reports: mpsc::UnboundedReceiver<VoiceEvent>,
    task: JoinHandle<()>,
    requests: mpsc::Receiver<Request>,
    pub(super) surfaces: Surfaces,
    status: StatusTask,
    /// The status, for the surfaces.
    state: watch::Sender<Snapshot>,
}

impl Speech {
    /// Starts the voice and the surfaces.
    pub(super) fn start(
        setup: Setup,
        screen: Screen,
        configuration: Option<String>,
        listener: &mut Listener,
    ) -> Self {
        let status = StatusTask::start(&setup);
        let (voice, reports, task) = Voice::start(setup);
        let (sender, requests) = mpsc::channel(REQUESTS);
        let (state, shown) = watch::channel(listener.snapshot(now()));
        let surfaces = Surfaces::start(&Controls::new(sender, shown), screen, configuration);
        if surfaces.has_transcript() {
            listener.show_transcript();
        }
        Self { voice, reports, task, requests, surfaces, status, state }
    }

    /// Whether there is a transcript, with a displayed lag.
    pub(super) fn is_shown(&self) -> bool {
        self.surfaces.has_transcript()
    }

    /// The voice's next report, or the next command; never where nothing is spoken.
    pub(super) async fn next(speech: Option<&mut Self>) -> Event {
        let Some(it) = speech else { return pending().await };
        tokio::select! {
            report = it.reports.recv() => report.map_or(Event::VoiceGone, Event::Voice),
            Some(request) = it.requests.recv() => Event::Command(request),
        }
    }

    /// Carries out an effect that concerns the voice or a surface.
    pub(super) fn obey(&self, effect: Effect) {
        match effect {
            Effect::Speak(speech) => self.voice.speak(speech),
            Effect::Measure(request, speech) => self.voice.measure(request, speech),
            Effect::Earcon(earcon) => self.voice.earcon(earcon),
            Effect::Silence => self.voice.stop(),
            Effect::Finish => self.voice.finish(),
            Effect::Transcribe(event) => self.surfaces.transcribe(event),
            Effect::ReplyStatus(reply, snapshot) => self.status.answer(snapshot, reply),
            effect => tracing::error!(?effect, "no effect of speech"),
        }
    }

    /// Publishes the status, if somebody looks and it has changed.
    pub(super) fn publish(&self, snapshot: impl FnOnce() -> Snapshot) {
        if self.state.receiver_count() > 0 {
            let snapshot = snapshot();
            self.state.send_if_modified(|last| {
                let has_changed = *last != snapshot;
                *last = snapshot;
                has_changed
            });
        }
    }

    /// Stops the voice; the future waits until it has ended, and returns what is left to end.
    pub(super) fn stop(self) -> impl Future<Output = Surfaces> {
        self.voice.stop();
        drop(self.voice);
        drop(self.requests);
        let (task, surfaces) = (self.task, self.surfaces);
        async move {
            if !timeout(GOODBYE, task).await.is_ok_and(|ended| ended.is_ok()) {
                tracing::debug!("the voice did not end in time");
            }
            surfaces
        }
    }
}
