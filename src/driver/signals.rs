//! The signals that end the program, or reload the configuration.
#![forbid(unsafe_code)]

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;
use crate::listener::Event;

/// SIGINT, SIGTERM and SIGHUP.
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

    /// The next signal.
    pub(super) async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.interrupt.recv() => Event::Interrupted,
            _ = self.terminate.recv() => Event::Terminated,
            _ = self.hangup.recv() => Event::HungUp,
        }
    }
}
