//! How it stands, with what is known only from elsewhere: a task of its own asks the sound server,
//! so that nobody waits for that but who asked.
#![forbid(unsafe_code)]

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::audio::sink;
use crate::control::{Reply, Sink, Snapshot};
use crate::voice::wire::{Setup, Target};

/// How long the sound server may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Who asked how it stands, and what is known so far.
type Asked = (Box<Snapshot>, oneshot::Sender<Reply>);

/// The way to the task.
pub(super) struct Standing {
    asked: mpsc::UnboundedSender<Asked>,
}

impl Standing {
    /// Starts the task, which ends with this. Where the sound of `setup` is not the sound server's
    /// it asks nobody.
    pub(super) fn start(setup: &Setup) -> Self {
        let plays_there = setup.engine != "system";
        let target = Some(setup.target.clone()).filter(|_| plays_there).unwrap_or_default();
        let (asked, inbox) = mpsc::unbounded_channel();
        tokio::spawn(answer(inbox, target));
        Self { asked }
    }

    /// Answers with `snapshot` and what becomes of the sound.
    pub(super) fn answer(&self, snapshot: Snapshot, reply: oneshot::Sender<Reply>) {
        if self.asked.send((Box::new(snapshot), reply)).is_err() {
            tracing::debug!("nobody says how it stands any more");
        }
    }
}

/// Answers all who have asked before the sound server is asked with its one answer.
async fn answer(mut inbox: mpsc::UnboundedReceiver<Asked>, target: Target) {
    while let Some(first) = inbox.recv().await {
        let mut asked = vec![first];
        asked.extend(std::iter::from_fn(|| inbox.try_recv().ok()));
        let sink = match &target {
            Target::Device(device) => sink::ask(device.as_deref(), PATIENCE).await.map(shown),
            Target::File(_) | Target::Null => None,
        };
        for (mut snapshot, reply) in asked {
            snapshot.sink.clone_from(&sink);
            if reply.send(Reply::Status(snapshot)).is_err() {
                tracing::debug!("who asked has left");
            }
        }
    }
}

fn shown(sink::Sink { name, about, muted, volume }: sink::Sink) -> Sink {
    Sink { name, about, muted, volume }
}
