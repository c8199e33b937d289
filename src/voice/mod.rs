//! The listener's side of the voice process: starts it, sends requests, reads its reports, and
//! does what the [`supervisor`] decides when it crashes or hangs.
#![forbid(unsafe_code)]

pub(crate) mod check;
mod cookie;
mod crashes;
mod in_flight;
mod measurements;
pub(crate) mod supervisor;

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::clock::{at, now};
use crate::executable;
use crate::message::{Earcon, Fate, RequestId, UtteranceId};
use crate::wire::{Report, Request, Setup, SpeakRequest};
use supervisor::{Action, Event, Exit, Supervisor};

/// The hidden subcommand that runs the voice process.
pub(crate) const SUBCOMMAND: &str = "voice";

/// How long the process may take to close its output after it was asked to stop.
const GRACE: Duration = Duration::from_millis(150);

/// How long a sound server may take to restart before another way to the sound card is taken.
const RESTARTING: Duration = Duration::from_secs(10);

/// What the voice reports to the listener.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum VoiceEvent {
    /// The utterance's first sample went out.
    Started(UtteranceId),
    /// This word of the utterance is heard now: its first character in the text given to
    /// [`Voice::speak`], and its length in characters.
    Word(UtteranceId, usize, usize),
    /// The utterance's outcome.
    Ended(UtteranceId, Fate),
    /// How long it sounds at the requested rate, in seconds; none where that is unknown.
    Measured(RequestId, Option<f64>),
    /// The voice cannot start.
    Refused {
        /// The reason, as a message for the user.
        why: String,
        /// Whether the configuration is at fault.
        configuration: bool,
    },
    /// The output is gone or late, and how speech goes on: a message for the user.
    OutputWaiting(String),
    /// The engine crashed too often, and the fallback replaces it: a message for the user.
    FellBack(String),
    /// Everything was spoken and the voice process has ended.
    Done,
}

/// A handle to the voice. Dropping it ends the voice, without speaking what is pending.
#[derive(Debug)]
pub(crate) struct Voice {
    events: mpsc::UnboundedSender<Event>,
}

impl Voice {
    /// Starts the voice as a task, which reports to the receiver.
    pub(crate) fn start(
        setup: Setup,
    ) -> (Self, mpsc::UnboundedReceiver<VoiceEvent>, tokio::task::JoinHandle<()>) {
        let (events, inbox) = mpsc::unbounded_channel();
        let (to_listener, from_voice) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let fallback = setup.fallen_back();
            let supervisor = Supervisor::new(now(), fallback.is_some());
            let driver = Driver {
                setup,
                fallback,
                supervisor,
                running: None,
                to_listener,
                server: Server::Unused,
            };
            driver.run(inbox).await;
        });
        (Self { events }, from_voice, task)
    }

    /// Speaks, after earlier requests. Never waits: the caller sends at most two at a time.
    pub(crate) fn speak(&self, speech: SpeakRequest) {
        self.send(Event::Speak(speech));
    }

    /// Plays an earcon, after earlier requests.
    pub(crate) fn earcon(&self, earcon: Earcon) {
        self.send(Event::Earcon(earcon));
    }

    /// Measures silently, when the process is idle, how long this sounds without its earcon. A
    /// stop cancels it.
    pub(crate) fn measure(&self, request: RequestId, speech: SpeakRequest) {
        self.send(Event::Measure(request, speech));
    }

    /// Stops at once; unfinished utterances are skipped.
    pub(crate) fn stop(&self) {
        self.send(Event::Stop);
    }

    /// Ends when everything is spoken; [`VoiceEvent::Done`] follows.
    pub(crate) fn finish(&self) {
        self.send(Event::Finish);
    }

    fn send(&self, event: Event) {
        if self.events.send(event).is_err() {
            tracing::debug!("the voice has ended already");
        }
    }
}

struct Driver {
    setup: Setup,
    fallback: Option<Setup>,
    supervisor: Supervisor,
    running: Option<Running>,
    to_listener: mpsc::UnboundedSender<VoiceEvent>,
    server: Server,
}

/// Whether the last voice process that could played on a sound server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    Unused,
    Used,
    /// It did, and ended then.
    Left(Instant),
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Event>) {
        loop {
            let event = tokio::select! {
                // Reports before deadlines: a listener that was stopped must first read what was
                // reported meanwhile.
                biased;
                report = next(self.running.as_mut()) => match report {
                    Some(report) => Event::Report(report),
                    None => Event::Exited(self.exit().await),
                },
                event = inbox.recv() => match event {
                    Some(event) => event,
                    None => return self.close().await,
                },
                () = at(self.supervisor.deadline()) => Event::Tick,
            };
            if self.obey(event) {
                return;
            }
        }
    }

    /// Carries out the actions that follow from `event`; returns whether the voice has ended.
    fn obey(&mut self, event: Event) -> bool {
        match &event {
            // The next process keeps what this one writes.
            Event::Report(Report::Ready) => self.setup.appends = true,
            Event::Report(Report::OnServer) => self.server = Server::Used,
            Event::Exited(_) if self.server == Server::Used => self.server = Server::Left(now()),
            _ => {}
        }
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.supervisor.handle(event, now()) {
                let is_last = matches!(action, Action::Refuse { .. } | Action::Done);
                events.extend(self.carry_out(action));
                if is_last {
                    return true;
                }
            }
        }
        false
    }

    /// Returns the event that follows from the action at once, if any.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Spawn => return self.spawn(Some(self.setup.clone())),
            Action::SpawnFallback => return self.spawn(self.fallback.clone()),
            Action::Kill => {
                self.running = None; // killed as it is dropped
                return Some(Event::Exited(Exit::Killed));
            }
            Action::FellBack => self.notify(VoiceEvent::FellBack(self.fell_back())),
            Action::Say(speech) => self.request(&Request::Speak(speech)),
            Action::Earcon(earcon) => self.request(&Request::Earcon(earcon)),
            Action::Measure(request, speech) => {
                self.request(&Request::Measure { request, speech });
            }
            Action::Silence => self.request(&Request::Stop),
            Action::End => self.request(&Request::Finish),
            Action::Started(id) => self.notify(VoiceEvent::Started(id)),
            Action::Word(id, start, length) => self.notify(VoiceEvent::Word(id, start, length)),
            Action::ReportOutcome(id, fate) => self.notify(VoiceEvent::Ended(id, fate)),
            Action::Measured(request, ms) => {
                let seconds = ms.map(|ms| f64::from(ms) / 1_000.0);
                self.notify(VoiceEvent::Measured(request, seconds));
            }
            Action::Wait(why) => self.notify(VoiceEvent::OutputWaiting(why)),
            Action::Refuse { why, configuration } => {
                self.notify(VoiceEvent::Refused { why, configuration });
            }
            Action::Done => self.notify(VoiceEvent::Done),
        }
        None
    }

    /// Starts a process; returns an event if that fails.
    fn spawn(&mut self, setup: Option<Setup>) -> Option<Event> {
        let wants_server = match self.server {
            Server::Used => true,
            Server::Left(at) => now().saturating_duration_since(at) < RESTARTING,
            Server::Unused => false,
        };
        match Running::start(&Setup { wants_server, ..setup? }) {
            Ok(running) => self.running = Some(running),
            Err(error) => return Some(refused(&error)),
        }
        None
    }

    /// How the process ended, after its reports did. One that is still running sent an invalid
    /// report, and is killed.
    async fn exit(&mut self) -> Exit {
        let Some(mut running) = self.running.take() else { return Exit::Killed };
        match timeout(GRACE, running.child.wait()).await {
            Ok(Ok(status)) => exit(status),
            Ok(Err(_)) | Err(_) => Exit::Killed,
        }
    }

    fn fell_back(&self) -> String {
        let other = self.fallback.as_ref().map_or("another", |setup| &setup.engine);
        let engine = &self.setup.engine;
        format!("the voice {engine} crashed or hung three times in a minute; {other} speaks now")
    }

    fn request(&self, order: &Request) {
        if let Some(running) = &self.running
            && running.orders.send(crate::wire::line(order)).is_err()
        {
            tracing::debug!("the voice process takes no requests; its exit will be noticed");
        }
    }

    fn notify(&self, event: VoiceEvent) {
        if self.to_listener.send(event).is_err() {
            tracing::debug!("the listener has ended already");
        }
    }

    /// The listener is gone: the process ends by itself when its standard input does.
    async fn close(mut self) {
        if let Some(Running { child, orders, .. }) = &mut self.running {
            let (closed, _) = mpsc::unbounded_channel();
            drop(std::mem::replace(orders, closed));
            if timeout(GRACE, child.wait()).await.is_err() {
                tracing::debug!("the voice process is killed");
            }
        }
    }
}

/// A crash is a signal that a program raises itself, or an exit code other than 0.
fn exit(status: ExitStatus) -> Exit {
    const CRASHES: [i32; 7] = [
        libc::SIGABRT,
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGILL,
        libc::SIGFPE,
        libc::SIGTRAP,
        libc::SIGSYS,
    ];
    let has_crashed = match status.signal() {
        Some(signal) => CRASHES.contains(&signal),
        None => !status.success(),
    };
    if has_crashed { Exit::Crashed } else { Exit::Killed }
}

fn refused(error: &io::Error) -> Event {
    let why = format!("cannot start the voice process: {error}");
    Event::Report(Report::Refused { why, configuration: false })
}

/// A voice process, killed on drop.
struct Running {
    child: Child,
    orders: mpsc::UnboundedSender<Vec<u8>>,
    reports: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(setup: &Setup) -> io::Result<Self> {
        let mut command = Command::new(executable::own()?);
        command.arg(SUBCOMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Its own process group: Ctrl-C is for the listener, which stops the process in order.
        command.process_group(0).kill_on_drop(true);
        if let Some(cookie) = cookie::needed() {
            command.env("PULSE_COOKIE", cookie);
        }
        let mut child = command.spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let (orders, ordered) = mpsc::unbounded_channel();
        tokio::spawn(write(stdin, ordered));
        tokio::spawn(log(stderr));
        let running = Self { child, orders, reports: BufReader::new(stdout).lines() };
        // The first line. Cannot fail: the task that writes it has the receiver.
        running.orders.send(crate::wire::line(setup)).map_err(io::Error::other)?;
        Ok(running)
    }
}

/// Writes requests in a task of its own: a stopped process reads nothing, and the voice must not
/// wait for it.
async fn write(mut stdin: ChildStdin, mut ordered: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = ordered.recv().await {
        if let Err(error) = stdin.write_all(&line).await {
            return tracing::debug!(%error, "the voice process no longer reads");
        }
    }
}

/// Logs what native libraries print, at debug level.
async fn log(stderr: ChildStderr) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(line = crate::diagnostics::escaped(&line), "the voice process prints");
    }
}

/// The next report; none when the process has ended, or sent something invalid.
async fn next(running: Option<&mut Running>) -> Option<Report> {
    let Some(running) = running else { return pending().await };
    let line = running.reports.next_line().await.ok()??;
    match serde_json::from_str(&line) {
        Ok(report) => Some(report),
        Err(error) => {
            tracing::warn!(%error, "the voice process sent an invalid report");
            None
        }
    }
}
