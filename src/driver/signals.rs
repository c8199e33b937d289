//! The signals that end the program, or reload the configuration.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;
use crate::listener::Event;

/// SIGINT, SIGTERM, and SIGHUP: with a terminal, that is gone; without one, it asks to reload.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    has_terminal: bool,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Error> {
        let wait = |kind| signal(kind).map_err(Error::system("cannot wait for signals"));
        Ok(Self {
            interrupt: wait(SignalKind::interrupt())?,
            terminate: wait(SignalKind::terminate())?,
            hangup: wait(SignalKind::hangup())?,
            has_terminal: io::stderr().is_terminal(),
        })
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> Event {
        tokio::select! {
            _ = self.interrupt.recv() => Event::Interrupted,
            _ = self.terminate.recv() => Event::Terminated,
            _ = self.hangup.recv() => {
                if self.has_terminal { Event::Terminated } else { Event::Saved }
            }
        }
    }
}
