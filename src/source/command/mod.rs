//! The output of a command: standard output and standard error. Both are spoken, since a build's
//! errors are what one waits for, but their lines never mix.
//!
//! The command gets a process group of its own, no shell and no input; a terminal only on request.
//! Its output is always drained, so that it never waits for a voice.
#![forbid(unsafe_code)]

pub(super) mod error;
pub mod terminal;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::future::pending;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::{sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::backoff::{Backoff, Class, is_success};
use super::inbox::{Inbox, Input};
use super::lines::{Gatherer, Lines};
use super::notice::{Notice, Wording};
use crate::clock;
use crate::clock::at;
use crate::diagnostics::reason;
pub use error::CommandError;
use terminal::OnTerminal;

/// The capacity of a pipe.
const READ: usize = 64 * 1024;

/// How long a command that was asked to end may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// After the command has ended: how long the processes it left running must print nothing until
/// they are ignored.
const SILENCE: Duration = Duration::from_millis(200);

/// A command to listen to.
#[derive(Clone, Debug, Default)]
pub struct CommandSpec {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// Restart it when it fails, unless it could never be started.
    pub retry: bool,
    /// Run it on a terminal: many programs buffer their output when they write to a pipe.
    pub pty: bool,
}

/// Runs the command of `spec` and sends the lines it prints, until it ends or `stop`; one that
/// fails is restarted if `spec` says so. On `stop` its process group gets SIGTERM, and SIGKILL
/// after 5 s.
pub async fn run(
    spec: CommandSpec,
    inbox: Inbox,
    stop: CancellationToken,
) -> Result<(), CommandError> {
    run_within(PATIENCE, spec, inbox, stop).await
}

/// [`run`], with `patience` for a command that was asked to end.
async fn run_within(
    patience: Duration,
    spec: CommandSpec,
    inbox: Inbox,
    stop: CancellationToken,
) -> Result<(), CommandError> {
    let mut retry = spec.retry.then(|| Retry::new(&spec));
    loop {
        let began = clock::now();
        let Err(why) = run_once(patience, &spec, &inbox, &stop).await else { return Ok(()) };
        let Some(retry) = &mut retry else { return Err(why) };
        let ran = clock::now().saturating_duration_since(began);
        let Some((wait, news)) = retry.handle(&why, ran) else { return Err(why) };
        tracing::info!("{why}; started again in {} s", wait.as_secs_f32().round());
        if let Some(news) = news
            && inbox.send(Input::Notice(inbox.source(), news)).await.is_err()
        {
            return Ok(());
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = sleep(wait) => {}
        }
    }
}

/// Whether a failed command is restarted, and when.
struct Retry {
    backoff: Backoff,
    /// Whether it was started once.
    has_run: bool,
    /// Whether the failure was reported, and it has not run well since.
    is_reported: bool,
}

impl Retry {
    fn new(spec: &CommandSpec) -> Self {
        let backoff = Backoff::new(RandomState::new().hash_one(&spec.words));
        Self { backoff, has_run: false, is_reported: false }
    }

    /// The command `ran` this long and failed: how long to wait, and the notice to speak. None
    /// where it could never be started.
    fn handle(&mut self, why: &CommandError, ran: Duration) -> Option<(Duration, Option<Notice>)> {
        match why {
            CommandError::Empty => return None,
            CommandError::Unstartable { is_final: true, .. } if !self.has_run => return None,
            CommandError::Unstartable { .. } => {}
            CommandError::Failed { .. }
            | CommandError::Killed { .. }
            | CommandError::Lost { .. } => {
                self.has_run = true;
            }
        }
        self.is_reported &= !is_success(ran);
        let is_reported = std::mem::replace(&mut self.is_reported, true);
        let news =
            (!is_reported).then(|| Notice::new(Wording::STARTED_AGAIN).with("what", why.notice()));
        Some((self.backoff.wait(Class::Ordinary, ran), news))
    }
}

/// Runs the command once, to its end.
async fn run_once(
    patience: Duration,
    spec: &CommandSpec,
    inbox: &Inbox,
    stop: &CancellationToken,
) -> Result<(), CommandError> {
    let program = spec.words.first().ok_or(CommandError::Empty)?;
    let started = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        started = Started::of(spec) => started,
    };
    let started = started.map_err(|error| unstartable(Path::new(program), &error))?;
    let group = Group::of(&started.child, patience);
    let (status, stopped) = drain(started, &group, inbox, stop)
        .await
        .map_err(|why| CommandError::Lost { program: PathBuf::from(program), why })?;
    if stopped {
        return Ok(()); // any exit status is fine: we stopped it
    }
    group.leave();
    judge(Path::new(program), status)
}

/// A running command and its outputs.
struct Started {
    child: Child,
    outputs: [Option<Pipe>; 2],
}

type Pipe = Box<dyn AsyncRead + Send + Unpin>;

impl Started {
    /// The command of `spec`, in a process group of its own.
    async fn of(spec: &CommandSpec) -> io::Result<Self> {
        if spec.pty {
            let OnTerminal { child, output } = OnTerminal::start(&spec.words).await?;
            return Ok(Self { child, outputs: [Some(Box::new(output)), None] });
        }
        let (program, words) = spec.words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let outputs =
            [stdout.map(|it| Box::new(it) as Pipe), stderr.map(|it| Box::new(it) as Pipe)];
        Ok(Self { child, outputs })
    }
}

/// Why `program` does not start, for users.
fn unstartable(program: &Path, error: &io::Error) -> CommandError {
    let (why, is_final) = match error.kind() {
        io::ErrorKind::NotFound => ("no such program".to_owned(), true),
        io::ErrorKind::PermissionDenied => {
            ("permission denied; is it executable?".to_owned(), true)
        }
        _ => (reason(error), false),
    };
    CommandError::Unstartable { program: program.to_path_buf(), why, is_final }
}

/// Whether a command succeeded.
fn judge(program: &Path, status: ExitStatus) -> Result<(), CommandError> {
    let program = program.to_path_buf();
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(CommandError::Failed { program, code }),
        (None, signal) => Err(CommandError::Killed { program, signal: signal.unwrap_or(0) }),
    }
}

/// The processes of a command, ended when this is dropped.
struct Group {
    id: Option<Pid>,
    /// How long they may take to end after SIGTERM.
    patience: Duration,
}

impl Group {
    fn of(child: &Child, patience: Duration) -> Self {
        Self { id: child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)), patience }
    }

    /// Sends `signal` to all of them.
    fn signal(&self, signal: Signal) {
        if let Some(Err(error)) = self.id.map(|group| kill_process_group(group, signal)) {
            tracing::debug!(%error, ?signal, "no process in the group received the signal");
        }
    }

    /// Leaves the remaining processes running.
    fn leave(mut self) {
        self.id = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// One of the command's two outputs.
struct Output {
    pipe: Option<Pipe>,
    buffer: Vec<u8>,
    lines: Gatherer,
}

impl Output {
    fn new(pipe: Option<Pipe>, inbox: &Inbox) -> Self {
        Self { pipe, buffer: Vec::with_capacity(READ), lines: Gatherer::new(inbox.source()) }
    }

    /// Waits for the next lines; `None` for a read that ended no line. Pending for ever once the
    /// output has ended. Cancel-safe: what was read is kept.
    async fn next(&mut self) -> Option<Lines> {
        let Some(pipe) = &mut self.pipe else { return pending().await };
        self.buffer.clear();
        let read = match self.lines.deadline() {
            Some(deadline) => tokio::select! {
                biased;
                read = pipe.read_buf(&mut self.buffer) => read,
                () = sleep_until(deadline.into()) => return self.lines.flush(),
            },
            None => pipe.read_buf(&mut self.buffer).await,
        };
        match read {
            Ok(n) if n > 0 => self.lines.push(&self.buffer, clock::now()),
            // Reading a pipe does not fail; reading a terminal fails when nobody has it open.
            Ok(_) | Err(_) => {
                self.pipe = None;
                self.lines.flush()
            }
        }
    }
}

/// What happens to a command.
#[derive(Clone, Copy)]
enum Event {
    /// It printed something.
    Output,
    /// It must end.
    Stop,
    /// It ended.
    Exited(ExitStatus),
    /// The deadline came.
    Late,
}

/// The state of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Running,
    /// It got SIGTERM, and gets SIGKILL at this time.
    Stopping(Instant),
    /// It has ended; the processes it left running are read until this time.
    Ended(ExitStatus, Instant),
    /// Nothing more is read.
    Over(ExitStatus),
}

/// A command's state machine: events go in, the signal to send comes out.
struct Course {
    state: State,
    stopped: bool,
    patience: Duration,
}

impl Course {
    fn new(patience: Duration) -> Self {
        Self { state: State::Running, stopped: false, patience }
    }

    fn handle(&mut self, event: Event, now: Instant) -> Option<Signal> {
        self.stopped |= matches!(event, Event::Stop);
        let (state, signal) = match (event, self.state) {
            (Event::Exited(status), _) => (State::Ended(status, now + SILENCE), None),
            (Event::Stop, State::Running) => {
                (State::Stopping(now + self.patience), Some(Signal::TERM))
            }
            (Event::Late, State::Stopping(_)) => {
                (State::Stopping(now + self.patience), Some(Signal::KILL))
            }
            (Event::Output, State::Ended(status, _)) if !self.stopped => {
                (State::Ended(status, now + SILENCE), None)
            }
            (Event::Late, State::Ended(status, _)) => (State::Over(status), None),
            (Event::Output | Event::Stop | Event::Late, state) => (state, None),
        };
        self.state = state;
        signal
    }

    fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Running | State::Over(_) => None,
            State::Stopping(at) | State::Ended(_, at) => Some(at),
        }
    }

    /// How it ended, once its pipes are `closed` or silent.
    fn end(&self, closed: bool) -> Option<ExitStatus> {
        match self.state {
            State::Over(status) => Some(status),
            State::Ended(status, _) => closed.then_some(status),
            State::Running | State::Stopping(_) => None,
        }
    }
}

/// Sends all that the command prints, to its end. Returns its status and whether it was stopped.
async fn drain(
    Started { mut child, outputs: [stdout, stderr] }: Started,
    group: &Group,
    inbox: &Inbox,
    stop: &CancellationToken,
) -> io::Result<(ExitStatus, bool)> {
    let mut stdout = Output::new(stdout, inbox);
    let mut stderr = Output::new(stderr, inbox);
    let mut course = Course::new(group.patience);
    loop {
        let closed = stdout.pipe.is_none() && stderr.pipe.is_none();
        if let Some(status) = course.end(closed) {
            flush_unfinished(stdout.lines.flush(), stderr.lines.flush(), inbox).await;
            return Ok((status, course.stopped));
        }
        let running = matches!(course.state, State::Running | State::Stopping(_));
        let (mut event, lines) = tokio::select! {
            lines = stdout.next() => (Event::Output, lines),
            lines = stderr.next() => (Event::Output, lines),
            status = child.wait(), if running => (Event::Exited(status?), None),
            () = stop.cancelled(), if !course.stopped => (Event::Stop, None),
            () = at(course.deadline()) => (Event::Late, None),
        };
        if let Some(lines) = lines
            && inbox.send(Input::Lines(lines)).await.is_err()
        {
            event = Event::Stop; // the listener has ended
        }
        if let Some(signal) = course.handle(event, clock::now()) {
            group.signal(signal);
        }
    }
}

/// Sends unfinished lines when the command is over.
async fn flush_unfinished(out: Option<Lines>, err: Option<Lines>, inbox: &Inbox) {
    for lines in [out, err].into_iter().flatten() {
        if inbox.send(Input::Lines(lines)).await.is_err() {
            return;
        }
    }
}
