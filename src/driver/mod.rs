//! Starts the parts, waits for what happens, asks the [`Listener`] and carries out what it wants:
//!
//! ```text
//!  source ──┐                               ┌─▶ voice task ◀─▶ voice process
//!  source ──┼─Event─▶ listener ─Effect─▶ ───┼─▶ standard output (--text)
//!  source ──┘         (this task)           ├─▶ standard output (--events), from a thread
//!  signals, commands, voice ─Event─▲        └─▶ bookmarks, replies, the transcript
//! ```
#![forbid(unsafe_code)]

mod outgoing;
mod printer;
mod signals;
mod speech;
mod status;
mod surfaces;

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use self::outgoing::Connection;
use self::printer::Printer;
use self::signals::Signals;
use self::speech::Speech;
use self::surfaces::GOODBYE;
use crate::clock::{at, now};
use crate::config::settings::{Settings, Sink};
use crate::config::watcher::ConfigWatcher;
use crate::diagnostics::ConfigError;
use crate::error::Error;
use crate::format::Grammars;
use crate::listener::{Effect, Event, Listener};
use crate::message::SourceId;
use crate::source::room::Room;
use crate::source::{Ack, Inbox, Input, SourceSpec};

/// Reads (of many lines each) that may wait to be processed.
const INBOX: usize = 64;

/// How often the displayed lag is updated while lines are queued.
const LAG_UPDATE: Duration = Duration::from_secs(1);

/// Reads the configuration again.
pub(crate) type Reload<'a> = &'a dyn Fn() -> Result<Settings, ConfigError>;

/// Listens until all sources have ended or the user quits.
pub(crate) async fn run(mut settings: Settings, reload: Reload<'_>) -> Result<(), Error> {
    let signals = Signals::new()?;
    if settings.format.is_none() {
        warm(Arc::clone(&settings.grammars));
    }
    let sources = Sources::start(settings.sources.clone());
    let is_spoken = settings.sink == Sink::Speech;
    let prints = settings.has_events || settings.has_steps || !is_spoken;
    let printer = prints.then(Printer::start).transpose()?;
    let saved = std::mem::replace(&mut settings.saved, ConfigWatcher::none());
    let (setup, screen) = (settings.setup.clone(), settings.screen);
    let configuration = settings.configuration.clone();
    if is_spoken && settings.checks.names_speakers() {
        settings.checks.verify().await?;
    }
    let mut listener = Listener::new(settings, now());
    let speech = is_spoken.then(|| Speech::start(setup, screen, configuration, &mut listener));
    let mut driver = Driver {
        listener,
        sources,
        acks: HashMap::new(),
        signals,
        saved,
        reload,
        check: None,
        printer,
        speech,
        is_ending: false,
    };
    let End { result, is_cut_short } = driver.run().await;
    driver.end(is_cut_short).await;
    result
}

/// Compiles the grammars in a thread, which saves the first line 20 ms, where one can be started.
fn warm(grammars: Arc<Grammars>) {
    if let Err(error) = std::thread::Builder::new().spawn(move || grammars.warm()) {
        tracing::debug!(%error, "no thread for the grammars");
    }
}

/// The started sources.
struct Sources {
    inbox: mpsc::Receiver<Input>,
    /// By their numbers.
    rooms: Vec<Room>,
    connections: Vec<Connection>,
    stop: CancellationToken,
}

impl Sources {
    fn start(specs: Vec<SourceSpec>) -> Self {
        let (sender, inbox) = mpsc::channel(INBOX);
        let stop = CancellationToken::new();
        let (mut rooms, mut connections) = (Vec::new(), Vec::new());
        let n = u16::try_from(specs.len()).unwrap_or(u16::MAX);
        for (inbox, spec) in Inbox::first(n, &sender).zip(specs) {
            let host = spec.name();
            rooms.push(inbox.room().clone());
            let send_handle = spec.start(inbox, stop.clone());
            connections.extend(send_handle.map(|send_handle| Connection { host, send_handle }));
        }
        Self { inbox, rooms, connections, stop }
    }
}

/// How the program ends.
struct End {
    result: Result<(), Error>,
    /// The user quit, or a signal came: the end does not wait long for a slow reader of events.
    is_cut_short: bool,
}

impl End {
    fn cut_short(result: Result<(), Error>) -> Self {
        Self { result, is_cut_short: true }
    }
}

/// All that is outside the listener.
struct Driver<'a> {
    listener: Listener,
    sources: Sources,
    /// Where the lines of some sources are acknowledged.
    acks: HashMap<SourceId, Ack>,
    signals: Signals,
    saved: ConfigWatcher,
    reload: Reload<'a>,
    /// The names of a new configuration are being checked.
    check: Option<JoinHandle<Result<(), ConfigError>>>,
    /// None without `--text` and `--events`.
    printer: Option<Printer>,
    /// None with `--text`.
    speech: Option<Speech>,
    is_ending: bool,
}

impl Driver<'_> {
    async fn run(&mut self) -> End {
        loop {
            if let Some(event) = self.next().await
                && let Some(ended) = self.handle(event).await
            {
                return ended;
            }
            self.publish();
        }
    }

    /// What happens next; none where only the displayed lag changes.
    async fn next(&mut self) -> Option<Event> {
        let is_shown = self.speech.as_ref().is_some_and(Speech::is_shown);
        Some(tokio::select! {
            event = Speech::next(self.speech.as_mut()) => event,
            input = self.sources.inbox.recv(), if !self.listener.has_no_source() => {
                input.map_or(Event::SourcesGone, Event::Input)
            }
            () = self.saved.changed() => Event::Saved,
            checked = checked(&mut self.check) => Event::Checked(checked),
            () = at(self.listener.deadline()) => Event::Tick,
            event = self.signals.next() => event,
            error = failed(&mut self.printer) => Event::OutputFailed(error),
            () = sleep(LAG_UPDATE), if is_shown && !self.listener.is_idle() => return None,
        })
    }

    /// Handles an event, and what follows from it at once.
    async fn handle(&mut self, event: Event) -> Option<End> {
        let mut ended = None;
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for effect in self.listener.handle(event, now()) {
                match effect {
                    Effect::End { result, is_cut_short } => {
                        ended = ended.or(Some(End { result, is_cut_short }));
                    }
                    Effect::Reload => events.push_back(self.reload()),
                    Effect::Print(text) => match self.print(text).await {
                        Ok(end) => ended = ended.or(end),
                        // What was not printed is not acknowledged.
                        Err(end) => return Some(end),
                    },
                    effect => self.obey(effect),
                }
            }
        }
        ended
    }

    /// Prints `text`, and waits until it is printed. The reader may stop reading: then a signal ends
    /// the wait, soon. Returns the end that a signal asked for meanwhile; an error where not all was
    /// printed.
    async fn print(&mut self, text: Vec<u8>) -> Result<Option<End>, End> {
        let Some(printer) = &mut self.printer else { return Ok(None) };
        printer.print(text);
        let mut end = None;
        while !self.is_ending {
            let limit = end.as_ref().map(|_| now() + GOODBYE);
            let event = tokio::select! {
                done = printer.printed() => match done.map_err(Error::stdout) {
                    Ok(()) => return Ok(end),
                    result => return Err(End { result, is_cut_short: false }),
                },
                () = at(limit) => {
                    self.printer = None;
                    break;
                }
                event = self.signals.next(), if end.is_none() => event,
            };
            match event {
                Event::Interrupted => end = Some(End::cut_short(Err(Error::Interrupted))),
                Event::Terminated => end = Some(End::cut_short(Ok(()))),
                _ => self.saved.notify(), // later
            }
        }
        end.map_or(Ok(None), Err)
    }

    fn obey(&mut self, effect: Effect) {
        match effect {
            Effect::Emit(events) => {
                if let Some(printer) = &self.printer {
                    printer.print(events);
                }
            }
            Effect::Notify(text) => match &self.speech {
                Some(speech) => speech.surfaces.notify(text),
                None => eprintln!("irc-speak: {text}"),
            },
            Effect::GiveBack(source, n) => self.sources.rooms[usize::from(source.0)].give_back(n),
            Effect::Open(room) => self.sources.rooms.push(room),
            Effect::KeepAck(source, ack) => drop(self.acks.insert(source, ack)),
            Effect::Acknowledge(source, end) => {
                if let Some(ack) = self.acks.get(&source) {
                    ack.acknowledge(end);
                }
            }
            Effect::Check(checks) => {
                self.check = Some(tokio::spawn(async move { checks.verify().await }));
            }
            Effect::Watch(saved) => self.saved = saved,
            Effect::Reply(reply, done) => {
                self.publish(); // the client may look at once
                outgoing::answer(reply, done);
            }
            Effect::Send { target, text, reply } => {
                if let Some(speech) = &self.speech {
                    let news = speech.surfaces.news();
                    outgoing::send(&self.sources.connections, &target, &text, reply, news);
                }
            }
            effect => {
                if let Some(speech) = &self.speech {
                    speech.obey(effect);
                }
            }
        }
    }

    /// Reads the configuration; a check of the last one is over.
    fn reload(&mut self) -> Event {
        if let Some(check) = self.check.take() {
            check.abort();
        }
        Event::Loaded((self.reload)().map(Box::new))
    }

    /// Publishes the status, if it has changed.
    fn publish(&self) {
        if let Some(speech) = &self.speech {
            speech.publish(|| self.listener.snapshot(now()));
        }
    }

    /// Stops speech first, then the sources; what was not spoken is skipped.
    async fn end(mut self, is_cut_short: bool) {
        let speech = self.speech.take().map(Speech::stop);
        self.sources.rooms.iter().for_each(Room::lift);
        self.is_ending = true;
        self.handle(Event::Ending).await;
        let surfaces = async {
            match speech {
                Some(speech) => Some(speech.await),
                None => None,
            }
        };
        let (surfaces, ()) = tokio::join!(surfaces, self.drain());
        if let Some(surfaces) = surfaces {
            surfaces.finish().await;
        }
        for (_, ack) in self.acks.drain() {
            if timeout(GOODBYE, ack.finish()).await.is_err() {
                tracing::warn!("a bookmark was not written in time");
            }
        }
        if let Some(printer) = self.printer {
            printer.finish(is_cut_short.then_some(GOODBYE)).await;
        }
    }

    /// Stops the sources, and takes what they have read.
    async fn drain(&mut self) {
        self.sources.stop.cancel();
        let all = async {
            while !self.listener.has_no_source()
                && let Some(input) = self.sources.inbox.recv().await
            {
                self.handle(Event::Input(input)).await;
            }
        };
        if timeout(GOODBYE, all).await.is_err() {
            tracing::debug!("a source did not end in time");
        }
    }
}

/// Waits for the result of the check; forever if there is none. Cancel-safe.
async fn checked(
    check: &mut Option<JoinHandle<Result<(), ConfigError>>>,
) -> Result<(), ConfigError> {
    let Some(running) = check else { return pending().await };
    let checked = running.await;
    *check = None;
    checked.unwrap_or(Ok(())) // a check that failed to run counts as passed
}

/// Waits until printing fails; forever if nothing is printed.
async fn failed(printer: &mut Option<Printer>) -> io::Error {
    let Some(printer) = printer else { return pending().await };
    loop {
        if let Err(error) = printer.printed().await {
            return error;
        }
    }
}
