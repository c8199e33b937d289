//! Standard output: the spoken text of each line, or events.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::Reload;
use super::sources::{RunningSources, Signals};
use crate::config::watcher::ConfigWatcher;
use crate::diagnostics::escaped;
use crate::error::Error;
use crate::message::{Message, SourceId};
use crate::pipeline::{Outcome, Pipeline};
use crate::source::room::Room;
use crate::source::{Ack, Input};

/// `--text`: prints the spoken text of each line at once. Lines of one read are written together.
pub(super) struct Print<'a> {
    pub(super) pipeline: Pipeline,
    pub(super) sources: RunningSources,
    /// The sources' room, by their numbers.
    pub(super) rooms: Vec<Room>,
    pub(super) saved: ConfigWatcher,
    pub(super) reload: Reload<'a>,
    /// Acknowledges the printed lines, for the sources that want it.
    pub(super) acks: HashMap<SourceId, Ack>,
}

impl Print<'_> {
    /// Prints until all sources have ended.
    pub(super) async fn run(
        mut self,
        inbox: mpsc::Receiver<Input>,
        signals: Signals,
    ) -> Result<(), Error> {
        let ended = self.all(inbox, signals).await;
        for ack in self.acks.into_values() {
            ack.finish().await;
        }
        ended
    }

    async fn all(
        &mut self,
        mut inbox: mpsc::Receiver<Input>,
        mut signals: Signals,
    ) -> Result<(), Error> {
        let mut out = Vec::new();
        while !self.sources.is_empty() {
            tokio::select! {
                input = inbox.recv() => match input {
                    Some(input) => self.print(input, &mut out)?,
                    None => break,
                },
                () = self.saved.changed() => self.reconfigure(),
                ended = signals.next() => {
                    self.rooms.iter().for_each(Room::lift);
                    self.sources.shutdown(&mut inbox).await;
                    return ended.map(|_| ());
                }
            }
        }
        self.sources.result()
    }

    /// Prints a source's input; `out` is a buffer that is reused.
    fn print(&mut self, input: Input, out: &mut Vec<u8>) -> Result<(), Error> {
        out.clear();
        let mut take = |_: Message<'_>, _, outcome: Outcome<'_>| {
            if let Outcome::Words(words, _) = outcome {
                out.extend_from_slice(words.as_bytes());
                out.push(b'\n');
            }
        };
        let read = input.takes_room();
        let pipeline = &mut self.pipeline;
        let mut printed = None;
        match input {
            Input::Lines(lines) => {
                pipeline.lines(&lines, &mut take);
                printed = Some(lines.source());
            }
            Input::Message(message) => pipeline.message(message, &mut take),
            Input::Sample(lines) => pipeline.sample(&lines),
            Input::Notice(source, text) => {
                eprintln!("irc-speak: {}: {}", escaped(pipeline.name(source)), escaped(&text));
            }
            Input::Opened(_, name, room) => {
                pipeline.open(name);
                self.rooms.push(room);
            }
            Input::Counted(source, ack) => drop(self.acks.insert(source, ack)),
            Input::Ended(source, ended) => {
                if let Some(news) = self.sources.ended(ended)? {
                    eprintln!("irc-speak: {}: {}", escaped(pipeline.name(source)), escaped(&news));
                }
            }
        }
        io::stdout().lock().write_all(out).map_err(Error::stdout)?;
        io::stdout().lock().flush().map_err(Error::stdout)?;
        if let Some(source) = read {
            self.rooms[usize::from(source.0)].give_back(1);
        }
        if let Some(source) = printed
            && let Some(ack) = self.acks.get(&source)
        {
            ack.acknowledge(self.pipeline.n_lines(source));
        }
        Ok(())
    }

    fn reconfigure(&mut self) {
        match (self.reload)() {
            Ok(settings) => {
                self.pipeline.configure(settings.filter, settings.naming);
                self.saved = settings.saved;
            }
            Err(error) => eprintln!("irc-speak: {error}; the old configuration stays"),
        }
    }
}

pub(super) type Events = (Option<Sender<Vec<u8>>>, oneshot::Receiver<()>, Option<Printer>);

/// The thread that prints events.
pub(super) struct Printer {
    thread: JoinHandle<()>,
    /// Closed when the thread ends.
    over: oneshot::Receiver<()>,
}

impl Printer {
    /// Waits until all is printed; at most `limit`, if there is one: the reader may have stopped
    /// reading.
    pub(super) async fn finish(self, limit: Option<Duration>) {
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

/// Starts a thread that prints events. The receiver closes when standard output does.
pub(super) fn events() -> Result<Events, Error> {
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
    Ok((Some(events), gone, Some(Printer { thread, over })))
}

pub(super) fn no_events() -> Events {
    let (leave, gone) = oneshot::channel();
    std::mem::forget(leave); // nothing is printed: it never closes
    (None, gone, None)
}
