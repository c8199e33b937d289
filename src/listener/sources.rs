//! What ends the listener: the end of its sources, and signals.
#![forbid(unsafe_code)]

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::GOODBYE;
use crate::error::Error;
use crate::source::{Input, SourceError};

/// The sources that have not ended.
pub(super) struct RunningSources {
    pub(super) n_left: usize,
    /// Whether there was more than one at the start.
    pub(super) are_many: bool,
    pub(super) has_failed: bool,
    pub(super) stop: CancellationToken,
}

impl RunningSources {
    /// A source has ended. The last one's failure is the program's error; an earlier one's is
    /// printed now, or returned to be spoken if it is a command's.
    pub(super) fn ended(
        &mut self,
        ended: Result<(), SourceError>,
    ) -> Result<Option<String>, Error> {
        self.n_left -= 1;
        match ended {
            Ok(()) => Ok(None),
            Err(SourceError::Command(error)) if self.are_many => {
                self.has_failed = true;
                Ok(Some(error.spoken()))
            }
            Err(error) if self.n_left == 0 && !self.has_failed => Err(error.into()),
            Err(error) => {
                self.has_failed = true;
                eprintln!("irc-speak: {error}");
                Ok(None)
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n_left == 0
    }

    /// The result once all sources have ended.
    pub(super) fn result(&self) -> Result<(), Error> {
        if self.has_failed { Err(Error::SourcesFailed) } else { Ok(()) }
    }

    /// Stops the sources, and waits up to [`GOODBYE`] for them to end.
    pub(super) async fn shutdown(&mut self, inbox: &mut mpsc::Receiver<Input>) {
        self.stop.cancel();
        let all = async {
            while self.n_left > 0 {
                match inbox.recv().await {
                    Some(Input::Ended(..)) => self.n_left -= 1,
                    Some(_) => {} // input after the end is ignored
                    None => return,
                }
            }
        };
        if timeout(GOODBYE, all).await.is_err() {
            tracing::debug!("a source did not end in time");
        }
    }
}

/// SIGINT, SIGTERM, and SIGHUP, which reloads the configuration.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Error> {
        let wait = |kind| signal(kind).map_err(Error::system("cannot wait for signals"));
        Ok(Self {
            interrupt: wait(SignalKind::interrupt())?,
            terminate: wait(SignalKind::terminate())?,
            hangup: wait(SignalKind::hangup())?,
        })
    }

    /// The next signal; an interrupt is an error, for the exit code.
    pub(super) async fn next(&mut self) -> Result<Asked, Error> {
        tokio::select! {
            _ = self.interrupt.recv() => Err(Error::Interrupted),
            _ = self.terminate.recv() => Ok(Asked::End),
            _ = self.hangup.recv() => Ok(Asked::HangUp),
        }
    }
}

/// What a signal requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Quit.
    End,
    /// Quit, or reload the configuration.
    HangUp,
}
