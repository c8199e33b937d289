//! Prints events, in a thread: their reader may be slow.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::Error;

/// The thread that prints events.
pub(super) struct Printer {
    /// What it is given to print. Unbounded: the listener does not wait for the reader.
    events: Sender<Vec<u8>>,
    thread: JoinHandle<()>,
    /// Closed when the thread ends.
    over: oneshot::Receiver<()>,
}

impl Printer {
    /// Starts it. The receiver closes when standard output does.
    pub(super) fn start() -> Result<(Self, oneshot::Receiver<()>), Error> {
        let (events, lines) = std::sync::mpsc::channel::<Vec<u8>>();
        let (leave, gone) = oneshot::channel();
        let (ended, over) = oneshot::channel();
        let print = move || {
            let _ended: oneshot::Sender<()> = ended; // dropped however the thread ends
            let mut stdout = io::stdout().lock();
            for line in lines {
                if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
                    drop(leave);
                    return;
                }
            }
            std::mem::forget(leave); // all was printed: standard output is still open
        };
        let thread = std::thread::Builder::new().name("events".to_owned()).spawn(print);
        let thread = thread.map_err(Error::system("cannot start a thread"))?;
        Ok((Self { events, thread, over }, gone))
    }

    /// Prints `events`.
    pub(super) fn print(&self, events: Vec<u8>) {
        if self.events.send(events).is_err() {
            tracing::debug!("the event stream was closed");
        }
    }

    /// Waits until all is printed; at most `limit`, if there is one: the reader may have stopped
    /// reading.
    pub(super) async fn finish(self, limit: Option<Duration>) {
        drop(self.events);
        let is_over = match limit {
            Some(limit) => timeout(limit, self.over).await.is_ok(),
            None => true,
        };
        if !is_over {
            tracing::debug!("the last events were not read in time");
        } else if self.thread.join().is_err() {
            tracing::error!("the thread that prints events failed");
        }
    }
}
