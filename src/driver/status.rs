//! Answers status requests in a separate task, which also asks the sound server: only the client
//! that requested the status waits for it.
#![forbid(unsafe_code)]

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::audio::sink;
use crate::control::{Reply, Snapshot, SoundSink};
use crate::wire::{Setup, Target};

/// How long the sound server may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// A status request: the status without the sink, and where the reply goes.
type StatusRequest = (Box<Snapshot>, oneshot::Sender<Reply>);

/// The task that answers status requests.
pub(super) struct StatusTask {
    requests: mpsc::UnboundedSender<StatusRequest>,
}

impl StatusTask {
    /// Starts the task, which ends when this is dropped. It does not ask the sound server when the
    /// engine of `setup` plays the sound itself.
    pub(super) fn start(setup: &Setup) -> Self {
        let plays_there = setup.engine != "system";
        let target = Some(setup.target.clone()).filter(|_| plays_there).unwrap_or_default();
        let (requests, inbox) = mpsc::unbounded_channel();
        tokio::spawn(answer(inbox, target));
        Self { requests }
    }

    /// Replies with `snapshot` and the sink's state.
    pub(super) fn answer(&self, snapshot: Box<Snapshot>, reply: oneshot::Sender<Reply>) {
        if self.requests.send((snapshot, reply)).is_err() {
            tracing::debug!("the status task has ended");
        }
    }
}

/// Asks the sound server once for all requests that are waiting.
async fn answer(mut inbox: mpsc::UnboundedReceiver<StatusRequest>, target: Target) {
    while let Some(first) = inbox.recv().await {
        let mut requests = vec![first];
        requests.extend(std::iter::from_fn(|| inbox.try_recv().ok()));
        let sink = match &target {
            Target::Device(device) => sink::ask(device.as_deref(), PATIENCE).await.map(reported),
            Target::File(_) | Target::Null => None,
        };
        for (mut snapshot, reply) in requests {
            snapshot.sink.clone_from(&sink);
            if reply.send(Reply::Status(snapshot)).is_err() {
                tracing::debug!("the client has left");
            }
        }
    }
}

fn reported(sink::Sink { name, about, muted, volume }: sink::Sink) -> SoundSink {
    SoundSink { name, about, muted, volume }
}
