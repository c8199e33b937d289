//! Prints to standard output in a thread: its reader may be slow, or stop reading.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use crate::error::Error;

/// The thread that prints.
pub(super) struct Printer {
    /// What it is given to print. Unbounded: speech does not wait for who reads its events. Without
    /// speech the driver waits until each text is printed.
    texts: Sender<Vec<u8>>,
    thread: JoinHandle<()>,
    /// A result for each text; ends after the first error, and when the thread ends. Unbounded: the
    /// thread does not wait for it.
    results: UnboundedReceiver<io::Result<()>>,
}

impl Printer {
    /// Starts it.
    pub(super) fn start() -> Result<Self, Error> {
        let (texts, given) = std::sync::mpsc::channel::<Vec<u8>>();
        let (reports, results) = unbounded_channel();
        let print = move || {
            let mut stdout = io::stdout().lock();
            for text in given {
                let printed = stdout.write_all(&text).and_then(|()| stdout.flush());
                let has_failed = printed.is_err();
                if reports.send(printed).is_err() || has_failed {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("printer".to_owned()).spawn(print);
        let thread = thread.map_err(Error::system("cannot start a thread"))?;
        Ok(Self { texts, thread, results })
    }

    /// Prints `text`, after what was given before.
    pub(super) fn print(&self, text: Vec<u8>) {
        if self.texts.send(text).is_err() {
            tracing::debug!("standard output was closed");
        }
    }

    /// Waits until the next text is printed, or printing fails; forever after an error.
    pub(super) async fn printed(&mut self) -> io::Result<()> {
        match self.results.recv().await {
            Some(printed) => printed,
            None => std::future::pending().await,
        }
    }

    /// Waits until all is printed; at most `limit`, if there is one: the reader may have stopped
    /// reading.
    pub(super) async fn finish(mut self, limit: Option<Duration>) {
        drop(self.texts);
        let all = async { while self.results.recv().await.is_some() {} };
        let limit = limit.unwrap_or(Duration::MAX);
        let is_over = timeout(limit, all).await.is_ok();
        if !is_over {
            tracing::debug!("the last text was not read in time");
        } else if self.thread.join().is_err() {
            tracing::error!("the thread that prints failed");
        }
    }
}
