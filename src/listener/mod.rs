//! Starts and connects the parts; each may have tasks of its own:
//!
//! ```text
//!  source ──┐                          ┌─▶ standard output (--text)
//!  source ──┼─Input─▶ pipeline ─words─▶┤
//!  source ──┘         (this task)      └─▶ queue ─SpeakRequest─▶ voice task ◀─▶ voice process
//!                                           ▲                 │
//!                          journal ◀────────┴─────Event───────┘
//!                             └─▶ standard output (--events), from a thread: it may be slow
//! ```
//!
//! A source waits for the microseconds that the lines before its own take. Only one that floods
//! waits for speech: when more of its lines are queued than there is room left for others.
#![forbid(unsafe_code)]

mod acks;
mod commands;
mod input;
mod mutes;
mod outgoing;
mod print;
mod reload;
mod shares;
mod sink;
mod sources;
mod speech;

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use self::acks::Acks;
use self::mutes::Mutes;
use self::outgoing::Connection;
use self::print::{Print, events, no_events};
use self::reload::Reloading;
use self::shares::Shares;
use self::sink::StatusTask;
use self::sources::{Asked, RunningSources, Signals};
use crate::clock::now;
use crate::config::earcons::Earcons;
use crate::config::settings::{Screen, Settings};
use crate::config::voices::Checks;
use crate::config::watcher::ConfigWatcher;
use crate::control::screen::style::Style;
use crate::control::{self, Controls, TranscriptEvent, keys, screen};
use crate::diagnostics::ConfigError;
use crate::error::Error;
use crate::journal::Journal;
use crate::message::{Fate, UtteranceId};
use crate::pipeline::Pipeline;
use crate::queue::{Event, Queue};
use crate::source::{Inbox, Input};
use crate::speaker::Speakers;
use crate::voice::{Voice, VoiceEvent};
use crate::wire::{Setup, SpeakRequest};

/// Reads (of many lines each) that may wait to be processed.
const INBOX: usize = 64;

/// Commands that may wait to be executed.
const REQUESTS: usize = 64;

/// How often the displayed lag is updated while lines are queued.
const LAG_UPDATE: Duration = Duration::from_secs(1);

/// How long sources may take to shut down.
const GOODBYE: Duration = Duration::from_secs(1);

/// Reloads the configuration.
pub type Reload<'a> = &'a dyn Fn() -> Result<Settings, ConfigError>;

/// Listens until all sources have ended or the user quits.
pub async fn run(settings: Settings, reload: Reload<'_>) -> Result<(), Error> {
    let mut queue = Queue::new(settings.lag_target).with_voice(&settings.voice_spec.voice);
    if !settings.is_live() {
        queue.handle(Event::NotLive, now());
    }
    let (sender, inbox) = mpsc::channel(INBOX);
    let stop = CancellationToken::new();
    let names: Vec<_> = settings.sources.iter().map(crate::source::SourceSpec::name).collect();
    if settings.format.is_none() {
        let grammars = std::sync::Arc::clone(&settings.grammars);
        // Saves the first line 20 ms, where a thread can be started.
        let warm = std::thread::Builder::new().spawn(move || grammars.warm());
        if let Err(error) = warm {
            tracing::debug!(%error, "no thread for the grammars");
        }
    }
    let pipeline = Pipeline::new(
        names.clone(),
        &settings.grammars,
        settings.format.as_deref(),
        settings.filter,
        settings.naming,
    );
    let signals = Signals::new()?;
    let mut send_handles = Vec::new();
    let mut rooms = Vec::new();
    let n_sources = u16::try_from(names.len()).unwrap_or(u16::MAX);
    for (inbox, source) in Inbox::first(n_sources, &sender).zip(settings.sources) {
        let host = source.name();
        rooms.push(inbox.room().clone());
        let send_handle = source.start(inbox, stop.clone());
        send_handles.extend(send_handle.map(|send_handle| Connection { host, send_handle }));
    }
    drop(sender);
    let are_many = names.len() > 1;
    let sources = RunningSources { n_left: names.len(), are_many, has_failed: false, stop };
    if settings.text && !settings.events {
        let saved = settings.saved;
        let print = Print { pipeline, sources, rooms, saved, reload, acks: HashMap::new() };
        return print.run(inbox, signals).await;
    }
    let (state, shown) = watch::channel(control::Snapshot::default());
    let (events, gone, printer) = if settings.events { events()? } else { no_events() };
    let mut listener = Listener {
        pipeline,
        names,
        sources,
        queue,
        journal: Journal::new(events),
        voice_spec: settings.voice_spec,
        muted: Mutes::default(),
        state,
        transcript: None,
        send_handles,
        speakers: Speakers::new(settings.speakers),
        // Printed lines always have words.
        earcons: Some(settings.earcons).filter(|_| !settings.text),
        resumed: Vec::new(),
        acks: Acks::default(),
        status: StatusTask::start(&settings.setup),
        configuration: settings.configuration,
        is_cut_short: false,
        shares: Shares::new(rooms),
        saved: settings.saved,
        reload,
        checks: settings.checks,
        reloading: Reloading::default(),
    };
    let ended = if settings.text {
        listener.print_events(inbox, signals, gone).await
    } else {
        listener.speak(inbox, settings.setup, settings.screen, signals, gone, shown).await
    };
    listener.acks.finish().await;
    let is_cut_short = listener.is_cut_short;
    drop(listener); // it holds the printer's channel
    if let Some(printer) = printer {
        printer.finish(is_cut_short.then_some(GOODBYE)).await;
    }
    ended
}

type JoinTask = tokio::task::JoinHandle<()>;

/// The listener when each line's outcome is recorded: with speech or events.
struct Listener<'a> {
    pipeline: Pipeline,
    names: Vec<String>,
    sources: RunningSources,
    queue: Queue,
    journal: Journal,
    voice_spec: SpeakRequest,
    muted: Mutes,
    /// The status, for the displays.
    state: watch::Sender<control::Snapshot>,
    /// Events for the terminal.
    transcript: Option<mpsc::UnboundedSender<TranscriptEvent>>,
    /// The senders' voices.
    speakers: Speakers,
    /// Which earcons are played; none when nothing is played.
    earcons: Option<Earcons>,
    /// Connections that messages can be sent through.
    send_handles: Vec<Connection>,
    /// Utterances that the voice resumes in the middle, and the characters before that point; two
    /// at most.
    resumed: Vec<(UtteranceId, usize)>,
    /// How far each source was heard.
    acks: Acks,
    /// Answers status requests, with the sound server's state.
    status: StatusTask,
    /// Identifies this configuration and its sources.
    configuration: Option<String>,
    /// The user quit before the sources ended.
    is_cut_short: bool,
    /// How many lines of each source may be queued.
    shares: Shares,
    /// Notifies when the configuration was saved.
    saved: ConfigWatcher,
    reload: Reload<'a>,
    /// The names that were checked last, and a configuration whose names are being checked.
    checks: Checks,
    reloading: Reloading,
}

impl Listener<'_> {
    /// `--text --events`: events only; a line counts as spoken once its event is printed.
    async fn print_events(
        &mut self,
        mut inbox: mpsc::Receiver<Input>,
        mut signals: Signals,
        mut gone: oneshot::Receiver<()>,
    ) -> Result<(), Error> {
        while !self.sources.is_empty() {
            tokio::select! {
                input = inbox.recv() => match input {
                    Some(input) => {
                        for utterance in self.hear(input)? {
                            self.journal.started(utterance.id, now());
                            let rate = self.voice_spec.rate;
                            self.ended(utterance.id, &Fate::Spoken { rate, ms: 0 });
                        }
                    }
                    None => break,
                },
                () = self.saved.changed() => self.reload(None),
                ended = signals.next() => {
                    self.is_cut_short = true;
                    self.shares.lift();
                    self.sources.shutdown(&mut inbox).await;
                    return ended.map(|_| ());
                }
                _ = &mut gone => return Err(Error::StdoutGone),
            }
        }
        self.sources.result()
    }

    /// Speaks until all sources have ended and everything is spoken.
    async fn speak(
        &mut self,
        mut inbox: mpsc::Receiver<Input>,
        setup: Setup,
        screen: Screen,
        mut signals: Signals,
        mut gone: oneshot::Receiver<()>,
        shown: watch::Receiver<control::Snapshot>,
    ) -> Result<(), Error> {
        if self.checks.names_speakers() {
            self.checks.verify().await?;
        }
        let (voice, mut reports, task) = Voice::start(setup);
        let (sender, mut requests) = mpsc::channel(REQUESTS);
        self.show();
        let leave = CancellationToken::new();
        let surfaces = self.start_controls(Controls::new(sender, shown), screen, &leave);
        if self.transcript.is_some() {
            self.queue.catch_up_hint("l skips to now");
        }
        let mut failed = Ok(());
        let mut is_finishing = false;
        let ended = loop {
            tokio::select! {
                report = reports.recv() => match report {
                    Some(VoiceEvent::Done) => break self.sources.result().and(failed),
                    Some(VoiceEvent::Refused { why, configuration }) => {
                        // A source that failed earlier is the more useful error.
                        break failed.and(Err(Error::Voice { why, configuration }));
                    }
                    Some(report) => self.report(report, &voice),
                    None => break Err(voice_gone()),
                },
                input = inbox.recv(), if !self.sources.is_empty() => {
                    match input {
                        Some(input) => {
                            let ended = input.ended();
                            match self.hear(input) {
                                Ok(utterances) => self.handle(Event::Arrived(utterances), &voice),
                                // The last source's failure is reported when all is spoken.
                                Err(error) => failed = Err(error),
                            }
                            if let Some(source) = ended {
                                self.handle(Event::SourceEnded(source), &voice);
                            }
                        }
                        None => self.sources.n_left = 0,
                    }
                }
                Some(request) = requests.recv() => {
                    if self.serve(request, &voice) {
                        self.is_cut_short = true;
                        break Ok(());
                    }
                }
                () = self.saved.changed() => self.reload(None),
                checked = self.reloading.checked() => self.reloaded(checked),
                () = at(self.queue.deadline()) => self.handle(Event::Tick, &voice),
                () = sleep(LAG_UPDATE), if self.transcript.is_some() && !self.queue.is_empty() => {}
                ended = signals.next() => match ended {
                    // With a terminal SIGHUP means that it is gone, without one to reload.
                    Ok(Asked::HangUp) if self.transcript.is_none() => self.reload(None),
                    ended => {
                        self.is_cut_short = true;
                        break ended.map(|_| ());
                    }
                },
                _ = &mut gone => break Err(Error::StdoutGone),
            }
            self.show();
            if self.sources.is_empty() && self.queue.is_empty() && !is_finishing {
                is_finishing = true;
                voice.finish();
            }
        };
        drop(requests);
        self.end(voice, task, &mut inbox).await;
        leave.cancel();
        for surface in surfaces {
            if timeout(GOODBYE, surface).await.is_err() {
                tracing::debug!("a control surface did not end in time");
            }
        }
        ended
    }

    /// Starts all surfaces that control the listener; they end when `leave` is cancelled.
    fn start_controls(
        &mut self,
        controls: Controls,
        screen: Screen,
        leave: &CancellationToken,
    ) -> Vec<JoinTask> {
        let mut surfaces = Vec::new();
        if io::stderr().is_terminal() {
            let style = match screen {
                Screen::Quiet => Style::quiet(),
                Screen::Plain => Style::new(true),
                Screen::AsItCan => Style::new(false),
            };
            let (transcript, events) = mpsc::unbounded_channel();
            let keys = keys::run(controls.clone(), transcript.clone(), style, leave.clone());
            surfaces.push(tokio::spawn(keys));
            let screen = screen::run(events, controls.clone(), style, leave.clone());
            surfaces.push(tokio::spawn(screen));
            self.transcript = Some(transcript);
        }
        let print_news = news(self.transcript.clone(), screen);
        let configuration = self.configuration.clone();
        let socket =
            control::socket::run(controls.clone(), configuration, print_news, leave.clone());
        surfaces.push(tokio::spawn(socket));
        surfaces.push(tokio::spawn(control::mpris::serve(controls, leave.clone())));
        surfaces
    }

    /// Sends an event to the transcript, if there is one.
    fn transcribe(&self, event: TranscriptEvent) {
        if let Some(transcript) = &self.transcript
            && transcript.send(event).is_err()
        {
            tracing::debug!("the terminal is gone");
        }
    }

    /// Prints a notice: in the transcript, or on standard error.
    fn notify(&self, text: String) {
        match &self.transcript {
            Some(_) => self.transcribe(TranscriptEvent::Notice(text)),
            None => eprintln!("irc-speak: {text}"),
        }
    }

    /// Stops speech first, then the sources; what was not spoken is skipped.
    async fn end(
        &mut self,
        voice: Voice,
        task: tokio::task::JoinHandle<()>,
        inbox: &mut mpsc::Receiver<Input>,
    ) {
        voice.stop();
        drop(voice);
        self.shares.lift();
        for id in self.journal.open_ids() {
            self.journal.ended(id, &Fate::Skipped, now());
        }
        let (has_ended, ()) = tokio::join!(
            async {
                tokio::select! {
                    ended = task => ended.is_ok(),
                    () = sleep(GOODBYE) => false,
                }
            },
            self.sources.shutdown(inbox)
        );
        if !has_ended {
            tracing::debug!("the voice did not end in time");
        }
    }
}

/// Prints news that are not essential; nothing with [`Screen::Quiet`].
fn news(
    transcript: Option<mpsc::UnboundedSender<TranscriptEvent>>,
    screen: Screen,
) -> impl Fn(String) {
    move |text| match &transcript {
        Some(transcript) => {
            if transcript.send(TranscriptEvent::News(text)).is_err() {
                tracing::debug!("the terminal is gone");
            }
        }
        None if screen == Screen::Quiet => {}
        None => eprintln!("irc-speak: {text}"),
    }
}

/// Waits until `deadline`; forever if there is none.
async fn at(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

fn voice_gone() -> Error {
    Error::Voice { why: "the voice ended without a reason".to_owned(), configuration: false }
}
