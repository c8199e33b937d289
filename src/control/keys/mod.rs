//! Keys on the terminal: bytes become keys, keys become commands by one table, which `?` prints.
//! They are read from the controlling terminal, not from standard input, whose lines are spoken.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::screen::style::{Look, Style};
use super::tty::Terminal;
use super::{Command, Controls, Reply, Snapshot, Switch, TranscriptEvent, Who};
use crate::clock::now;
use crate::units::Wpm;

/// More bytes than this at once are a paste: a hand types one key (6 bytes at most) at a time.
const MAX_TYPED: usize = 16;

/// A paste ends when nothing came for this long: the terminal sends it in pieces.
const PASTE_END: Duration = Duration::from_millis(200);

/// The change of volume by a key press, in per cent.
const VOLUME_STEP: u8 = 10;

/// A key that can be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Char(u8),
    Up,
    Down,
    Left,
    Right,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyAction {
    Toggle,
    Skip,
    Repeat,
    Back,
    Highlight,
    Live,
    Faster,
    Slower,
    StartRate,
    Louder,
    Quieter,
    Mute,
    UnmuteAll,
    Voices,
    Where,
    Status,
    Help,
    Quit,
}

/// The key bindings, and their help for `?`.
const KEYS: &[(&[Key], KeyAction, &str)] = &[
    (&[Key::Char(b' ')], KeyAction::Toggle, "space: pause or resume"),
    (&[Key::Char(b'n'), Key::Right], KeyAction::Skip, "n or right: skip this line"),
    (&[Key::Char(b'r')], KeyAction::Repeat, "r: repeat the last line"),
    (&[Key::Char(b'b'), Key::Left], KeyAction::Back, "b or left: back by one line"),
    (&[Key::Char(b'h')], KeyAction::Highlight, "h: back to the last highlight"),
    (&[Key::Char(b'l')], KeyAction::Live, "l: skip everything that is queued"),
    (&[Key::Char(b'+'), Key::Char(b'=')], KeyAction::Faster, "+ or =: faster"),
    (&[Key::Char(b'-')], KeyAction::Slower, "-: slower"),
    (&[Key::Char(b'0')], KeyAction::StartRate, "0: the initial rate"),
    (&[Key::Up], KeyAction::Louder, "up: louder"),
    (&[Key::Down], KeyAction::Quieter, "down: quieter"),
    (&[Key::Char(b'm')], KeyAction::Mute, "m: mute the current speaker"),
    (&[Key::Char(b'u')], KeyAction::UnmuteAll, "u: unmute everybody"),
    (&[Key::Char(b'v')], KeyAction::Voices, "v: a voice for each, or one for all"),
    (&[Key::Char(b'w')], KeyAction::Where, "w: where the meeting stands"),
    (&[Key::Char(b's')], KeyAction::Status, "s: print the status"),
    (&[Key::Char(b'?')], KeyAction::Help, "?: these keys"),
    (&[Key::Char(b'q')], KeyAction::Quit, "q: quit"),
];

fn action(key: Key) -> Option<KeyAction> {
    KEYS.iter().find(|(keys, ..)| keys.contains(&key)).map(|(_, action, _)| *action)
}

/// The outcome of a key's action.
#[derive(Clone, Debug, PartialEq)]
enum KeyOutcome {
    Send(Command),
    Show(Vec<String>),
}

impl KeyAction {
    /// The outcome for a listener that is in `state` and started with `start_rate`.
    fn outcome(self, state: &Snapshot, start_rate: Wpm) -> KeyOutcome {
        KeyOutcome::Send(match self {
            Self::Toggle => Command::Toggle,
            Self::Skip => Command::Skip,
            Self::Repeat => Command::Repeat { n: 1 },
            Self::Back => Command::Back,
            Self::Highlight => Command::Highlight,
            Self::Live => Command::Live,
            Self::Faster => Command::Faster,
            Self::Slower => Command::Slower,
            Self::StartRate => Command::Rate { wpm: start_rate },
            Self::Louder => Command::Volume { percent: (state.volume + VOLUME_STEP).min(200) },
            Self::Quieter => Command::Volume { percent: state.volume.saturating_sub(VOLUME_STEP) },
            Self::Mute => match state.current.as_ref().and_then(|entry| entry.sender.clone()) {
                Some(sender) => Command::Mute { who: Who::Sender(sender) },
                None => {
                    return KeyOutcome::Show(vec!["nobody is speaking; nobody muted".to_owned()]);
                }
            },
            Self::UnmuteAll => Command::Unmute { who: Who::All },
            Self::Voices => Command::Voices { own: Switch::Toggle },
            Self::Where => Command::Where,
            Self::Status => Command::Status { json: false },
            Self::Help => return KeyOutcome::Show(help()),
            Self::Quit => Command::Quit,
        })
    }
}

fn help() -> Vec<String> {
    KEYS.iter().map(|(.., words)| (*words).to_owned()).collect()
}

/// The text to show for a reply, by the listener's states `before` and `now`. With plain lines
/// every key gets an answer; otherwise only what neither speech nor the status line shows.
fn words(
    command: &Command,
    reply: &Reply,
    [before, now]: [&Snapshot; 2],
    look: Look,
) -> Option<String> {
    match (command, reply) {
        (_, Reply::Error { why }) => Some(why.clone()),
        (_, Reply::Where { text }) => Some(text.clone()),
        (_, Reply::Status(state)) => Some(status_text(state)),
        (Command::Mute { who: Who::Sender(sender) }, Reply::Done) => {
            Some(format!("{sender} is muted; u unmutes everybody"))
        }
        (Command::Unmute { .. }, Reply::Done) => Some("everybody is unmuted".to_owned()),
        (Command::Voices { .. }, Reply::Done) => {
            Some(if now.voices { "a voice for each" } else { "one voice for all" }.to_owned())
        }
        (command, Reply::Done) if look == Look::Plain => done(command, before, now),
        // The listener sends the number of skipped lines to the transcript itself.
        (_, Reply::Done | Reply::Lines { .. } | Reply::Aliases { .. } | Reply::Skipped { .. }) => {
            None
        }
    }
}

/// What a command did, for users without a status line.
fn done(command: &Command, before: &Snapshot, now: &Snapshot) -> Option<String> {
    let can_replay = before.fates.contains_key("spoken");
    let is_idle = before.current.is_none() && before.waiting == 0;
    let is_same = before.current == now.current && before.waiting == now.waiting;
    let words = match command {
        Command::Toggle if now.paused => "paused",
        Command::Toggle => "resumed",
        Command::Skip if is_idle => "nothing to skip",
        Command::Skip if before.current.is_some() => return None, // its line says so
        Command::Skip => "skipped",
        Command::Repeat { .. } | Command::Back if !can_replay => "nothing was spoken yet",
        Command::Repeat { .. } => "the last line again",
        Command::Back => "back by one line",
        Command::Highlight if is_same => "no highlight yet",
        Command::Highlight => "back to the last highlight",
        Command::Faster if now.rate > before.rate => return Some(format!("faster, {}", rate(now))),
        Command::Faster => return Some(format!("{} is the fastest", rate(now))),
        Command::Slower if now.rate < before.rate => return Some(format!("slower, {}", rate(now))),
        Command::Slower => return Some(format!("{} is the slowest", rate(now))),
        Command::Rate { .. } => return Some(rate(now)),
        Command::Volume { .. } => return Some(format!("volume {} per cent", now.volume)),
        Command::Quit => "quitting",
        // Answered for all looks, or not bound to a key.
        Command::Mute { .. }
        | Command::Unmute { .. }
        | Command::Voices { .. }
        | Command::Pause
        | Command::Resume
        | Command::Live
        | Command::Status { .. }
        | Command::Where
        | Command::Alias { .. }
        | Command::More
        | Command::Missed(_)
        | Command::Why(_)
        | Command::Say { .. }
        | Command::Reload => return None,
    };
    Some(words.to_owned())
}

fn rate(state: &Snapshot) -> String {
    format!("{} words a minute", state.rate)
}

/// The status for `s`, in words that can be read aloud.
fn status_text(state: &Snapshot) -> String {
    let paused = if state.paused { "paused; " } else { "" };
    let mut words = format!(
        "{paused}{} words a minute, base {}; volume {} per cent; {} waiting, {:.0} seconds behind; \
         {} lines",
        state.rate_now, state.rate, state.volume, state.waiting, state.lag_s, state.lines
    );
    for (fate, n) in &state.fates {
        words = format!("{words}, {n} {fate}");
    }
    if !state.muted.is_empty() {
        words.push_str("; muted: ");
        words.push_str(&state.muted.join(", "));
    }
    if let Some(sink) = state.sink.as_ref().filter(|sink| sink.is_silent()) {
        let how = if sink.muted { "muted" } else { "at volume 0" };
        words = format!("{words}; the sound device {} is {how}: nothing is heard", sink.name);
    }
    words
}

/// Parses bytes to keys. An escape sequence may come in pieces.
#[derive(Debug, Default)]
struct Keyboard {
    sequence: Sequence,
    pasted: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Sequence {
    #[default]
    None,
    Escape,
    /// After `ESC [` or `ESC O`; `plain` unless there was a parameter: Shift-Up is not Up.
    Body {
        plain: bool,
    },
}

impl Keyboard {
    /// The keys that were pressed. A paste is ignored: a page of text would pause, mute and quit.
    fn press(&mut self, bytes: &[u8], now: Instant) -> Vec<Key> {
        let is_pasting = self.pasted.is_some_and(|last| now < last + PASTE_END);
        if bytes.len() > MAX_TYPED || is_pasting {
            *self = Self { sequence: Sequence::None, pasted: Some(now) };
            return Vec::new();
        }
        bytes.iter().filter_map(|byte| self.byte(*byte)).collect()
    }

    fn byte(&mut self, byte: u8) -> Option<Key> {
        let (next, key) = match (self.sequence, byte) {
            (_, 0x1b) => (Sequence::Escape, None),
            (Sequence::None, b' '..=b'~') => (Sequence::None, Some(Key::Char(byte))),
            (Sequence::Escape, b'[' | b'O') => (Sequence::Body { plain: true }, None),
            (Sequence::Body { .. }, b' '..=b'?') => (Sequence::Body { plain: false }, None),
            (Sequence::Body { plain: true }, b'A'..=b'D') => {
                let keys = [Key::Up, Key::Down, Key::Right, Key::Left];
                (Sequence::None, Some(keys[usize::from(byte - b'A')]))
            }
            // Keys that cannot be bound: Alt-x, F5, a letter that is not ASCII.
            (Sequence::None | Sequence::Escape | Sequence::Body { .. }, _) => {
                (Sequence::None, None)
            }
        };
        self.sequence = next;
        key
    }
}

/// Reads keys and executes their actions until `stop`, or until the terminal is gone; returns at
/// once if there is no terminal. Answers are sent to `transcript`.
pub async fn run(
    controls: Controls,
    transcript: UnboundedSender<TranscriptEvent>,
    style: Style,
    stop: CancellationToken,
) {
    let opened = Terminal::open(style.erase()).and_then(|it| Ok((it, Jobs::new()?)));
    match opened {
        Ok((terminal, jobs)) => {
            let start_rate = controls.state().borrow().rate;
            let task = KeyTask { controls, transcript, start_rate, look: style.look };
            let run = async {
                terminal.guard().await;
                task.run(&terminal, jobs).await;
            };
            let ended = stop.run_until_cancelled(run).await;
            tracing::debug!(stopped = ended.is_none(), "keys are no longer read");
        }
        Err(error) => tracing::debug!(%error, "no terminal, no keys"),
    }
}

/// The signals of job control.
struct Jobs {
    suspend: Signal,
    resume: Signal,
}

impl Jobs {
    fn new() -> std::io::Result<Self> {
        let of = |it: rustix::process::Signal| signal(SignalKind::from_raw(it.as_raw()));
        Ok(Self {
            suspend: of(rustix::process::Signal::TSTP)?,
            resume: of(rustix::process::Signal::CONT)?,
        })
    }
}

/// Reads keys and executes their actions.
struct KeyTask {
    controls: Controls,
    transcript: UnboundedSender<TranscriptEvent>,
    start_rate: Wpm,
    look: Look,
}

impl KeyTask {
    async fn run(&self, terminal: &Terminal, mut jobs: Jobs) {
        let (mut keyboard, mut buffer) = (Keyboard::default(), [0; 4096]);
        loop {
            tokio::select! {
                Some(()) = jobs.suspend.recv() => if terminal.suspend() {
                    // The stop may come a moment late: key mode must not be set again before it.
                    jobs.resume.recv().await;
                    terminal.resume();
                },
                Some(()) = jobs.resume.recv() => terminal.resume(),
                read = terminal.read(&mut buffer) => {
                    let n_bytes = read.unwrap_or(0); // an error means that the terminal hung up
                    if n_bytes == 0 {
                        return;
                    }
                    for key in keyboard.press(&buffer[..n_bytes], now()) {
                        if self.press(key).await.is_none() {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Executes the action of `key`; none when the screen is gone.
    async fn press(&self, key: Key) -> Option<()> {
        let Some(action) = action(key) else { return self.refuse(key) };
        let before = self.controls.state().borrow().clone();
        match action.outcome(&before, self.start_rate) {
            KeyOutcome::Send(command) => {
                let reply = self.controls.ask(command.clone()).await;
                let now = self.controls.state().borrow().clone();
                let words = words(&command, &reply, [&before, &now], self.look);
                words.map_or(Some(()), |words| self.show(words))
            }
            KeyOutcome::Show(lines) => lines.into_iter().try_for_each(|line| self.show(line)),
        }
    }

    /// Answers a key that is not bound.
    fn refuse(&self, key: Key) -> Option<()> {
        match key {
            Key::Char(byte) if self.look == Look::Plain => {
                self.show(format!("{} does nothing; ? lists the keys", char::from(byte)))
            }
            Key::Char(_) | Key::Up | Key::Down | Key::Left | Key::Right => Some(()),
        }
    }

    fn show(&self, words: String) -> Option<()> {
        self.transcript.send(TranscriptEvent::Notice(words)).ok()
    }
}

#[cfg(test)]
mod tests;
