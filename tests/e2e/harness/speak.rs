//! The program itself, and its output.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{DEADLINE, SoundServer, end, now, wait_for, wait_within};

/// The program's file.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_irc-speak");

/// One line of `--events`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    #[serde(rename = "event")]
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) source: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) sender: Option<String>,
    pub(crate) fate: Option<String>,
    pub(crate) lag_ms: Option<f64>,
    pub(crate) rate: Option<u32>,
    /// When the test read it.
    #[serde(skip, default = "now")]
    pub(crate) at: Instant,
}

impl Event {
    /// Whether it is `event`, of a line that holds `text`.
    pub(crate) fn is(&self, event: &str, text: &str) -> bool {
        self.name == event && self.text.contains(text)
    }

    /// Whether it is the `fate` of a line that holds `text`.
    pub(crate) fn is_fate(&self, fate: &str, text: &str) -> bool {
        self.is("fate", text) && self.fate.as_deref() == Some(fate)
    }
}

/// What it has printed so far.
#[derive(Default)]
struct Printed {
    lines: Vec<(Instant, String)>,
    /// There will be no more lines.
    is_over: bool,
    complaints: String,
}

/// Variables by which the program finds the user's files.
const HOMES: [&str; 5] =
    ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"];

type Shared = Arc<Mutex<Printed>>;

/// A running `irc-speak`.
pub(crate) struct Speak {
    child: Child,
    keys: Option<ChildStdin>,
    printed: Shared,
}

impl Speak {
    /// Starts it with `--events`, playing on `sound`.
    pub(crate) fn start<S: AsRef<OsStr>>(
        sound: &SoundServer,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        Self::start_with(sound, arguments, |_| {})
    }

    /// As [`Speak::start`], with a last change to the command.
    pub(crate) fn start_with<S: AsRef<OsStr>>(
        sound: &SoundServer,
        arguments: impl IntoIterator<Item = S>,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = irc_speak();
        command.args(arguments).arg("--events");
        sound.surround(&mut command);
        change(&mut command);
        Self::spawn(command)
    }

    /// Starts it with `--text`: what would be spoken is printed, a line each.
    pub(crate) fn print<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        Self::print_by(irc_speak(), arguments)
    }

    /// As [`Speak::print`], by a `command` that runs the program, given its arguments.
    pub(crate) fn print_by<S: AsRef<OsStr>>(
        mut command: Command,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        command.env_remove("RUST_LOG").env("NO_COLOR", "1").args(arguments).arg("--text");
        Self::spawn(command)
    }

    /// As [`Speak::print`], in `folder`, which is its home too.
    pub(crate) fn print_at_home<S: AsRef<OsStr>>(
        folder: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        let mut command = irc_speak();
        command.args(arguments).arg("--text").current_dir(folder);
        for name in HOMES {
            command.env(name, folder);
        }
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("irc-speak can be started");
        let printed = Shared::default();
        let (out, err) = (child.stdout.take().expect("a pipe"), child.stderr.take());
        let mut err = err.expect("a pipe");
        let shared = Arc::clone(&printed);
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                locked(&shared).lines.push((now(), line));
            }
            locked(&shared).is_over = true;
        });
        let shared = Arc::clone(&printed);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n_read @ 1..) = err.read(&mut bytes) {
                locked(&shared).complaints += &String::from_utf8_lossy(&bytes[..n_read]);
            }
        });
        let keys = child.stdin.take();
        Self { child, keys, printed }
    }

    /// Writes a line to its standard input.
    pub(crate) fn write_line(&mut self, line: &str) {
        let keys = self.keys.as_mut().expect("its input is open");
        keys.write_all(format!("{line}\n").as_bytes()).expect("irc-speak reads its input");
    }

    /// Ends its standard input.
    pub(crate) fn close_input(&mut self) {
        self.keys = None;
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its voice process: the child whose first argument is `voice`.
    pub(crate) fn wait_voice(&self) -> u32 {
        wait_for("the voice process runs", || self.transcript(), || child_of(self.pid(), "voice"))
    }

    /// All events so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        let lines = locked(&self.printed).lines.clone();
        let parse = |(at, line): (Instant, String)| match serde_json::from_str(&line) {
            Ok(event) => Event { at, ..event },
            Err(error) => panic!("{error}: {line}\n{}", self.transcript()),
        };
        lines.into_iter().map(parse).collect()
    }

    /// Waits for an event for which `is_it` holds.
    pub(crate) fn wait_event(&self, what: &str, is_it: impl Fn(&Event) -> bool) -> Event {
        self.wait_event_within(DEADLINE, what, is_it)
    }

    /// As [`Speak::wait_event`], with a deadline of its own.
    pub(crate) fn wait_event_within(
        &self,
        deadline: Duration,
        what: &str,
        is_it: impl Fn(&Event) -> bool,
    ) -> Event {
        wait_within(deadline, what, || self.transcript(), || self.events().into_iter().find(&is_it))
    }

    /// Waits for `n_wanted` events for which `is_it` holds.
    pub(crate) fn wait_events(
        &self,
        n_wanted: usize,
        what: &str,
        is_it: impl Fn(&Event) -> bool,
    ) -> Vec<Event> {
        wait_for(
            what,
            || self.transcript(),
            || {
                let events: Vec<_> =
                    self.events().into_iter().filter(|event| is_it(event)).collect();
                (events.len() >= n_wanted).then_some(events)
            },
        )
    }

    /// Waits until a line that holds `text` was spoken to its end.
    pub(crate) fn wait_spoken(&self, text: &str) -> Event {
        self.wait_event(&format!("{text:?} is spoken"), |event| {
            assert!(
                !event.is("fate", text) || event.fate.as_deref() == Some("spoken"),
                "{event:?}\n{}",
                self.transcript()
            );
            event.is("fate", text)
        })
    }

    /// Waits for a printed line that is `text`; returns when it came.
    pub(crate) fn wait_line(&self, text: &str) -> Instant {
        wait_for(
            &format!("the line {text:?}"),
            || self.transcript(),
            || locked(&self.printed).lines.iter().find(|(_, line)| line == text).map(|(at, _)| *at),
        )
    }

    /// How many lines it has printed.
    pub(crate) fn n_lines(&self) -> usize {
        locked(&self.printed).lines.len()
    }

    /// Waits for printed lines that are `texts`, in any order.
    pub(crate) fn wait_lines(&self, texts: &[&str]) {
        for text in texts {
            self.wait_line(text);
        }
    }

    /// The lines that it has printed.
    pub(crate) fn lines(&self) -> Vec<String> {
        locked(&self.printed).lines.iter().map(|(_, line)| line.clone()).collect()
    }

    /// All lines that it printed before it ended.
    pub(crate) fn last_lines(&mut self) -> Vec<String> {
        self.wait_end();
        wait_for("its last line", String::new, || locked(&self.printed).is_over.then_some(()));
        self.lines()
    }

    /// Its standard error so far.
    pub(crate) fn complaints(&self) -> String {
        locked(&self.printed).complaints.clone()
    }

    /// Waits until its standard error contains `words`; returns how often.
    pub(crate) fn wait_complaint(&self, words: &str) -> usize {
        wait_for(
            &format!("it complains that {words:?}"),
            || self.transcript(),
            || Some(self.complaints().matches(words).count()).filter(|&n| n > 0),
        )
    }

    /// Waits until another voice process than `old` runs.
    pub(crate) fn wait_other_voice(&self, old: u32) -> u32 {
        wait_for(
            "another voice process runs",
            || self.transcript(),
            || child_of(self.pid(), "voice").filter(|&voice| voice != old),
        )
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait_end(&mut self) -> ExitStatus {
        let printed = Arc::clone(&self.printed);
        let child = &mut self.child;
        wait_for(
            "irc-speak ends",
            || transcript(&printed),
            || child.try_wait().expect("it can be waited for"),
        )
    }

    /// All that it has printed.
    pub(crate) fn transcript(&self) -> String {
        transcript(&self.printed)
    }
}

impl Drop for Speak {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Runs `irc-speak ctl` where the listener that plays on `sound` is; gives what it printed.
pub(crate) fn ctl(sound: &SoundServer, arguments: &[&str]) -> String {
    let output = ctl_output(sound, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ctl {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs `irc-speak say` there; an error is what it printed.
pub(crate) fn say(sound: &SoundServer, target: &str, text: &str) -> Result<(), String> {
    let mut command = irc_speak();
    command.args(["say", target, "--", text]);
    sound.surround(&mut command);
    let output = command.output().expect("irc-speak can be started");
    let complaint = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    if output.status.success() { Ok(()) } else { Err(complaint) }
}

/// As [`ctl`], for a command that the listener refuses; returns the error.
pub(crate) fn ctl_refused(sound: &SoundServer, arguments: &[&str]) -> String {
    let output = ctl_output(sound, arguments);
    assert_eq!(output.status.code(), Some(1), "ctl {arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn ctl_output(sound: &SoundServer, arguments: &[&str]) -> Output {
    let mut command = irc_speak();
    command.arg("ctl").args(arguments);
    sound.surround(&mut command);
    command.output().expect("irc-speak can be started")
}

/// The status of the listener that plays on `sound`, from its control socket.
pub(crate) fn status_of(sound: &SoundServer) -> serde_json::Value {
    let status = ctl(sound, &["status", "--json"]);
    serde_json::from_str(&status).unwrap_or_else(|error| panic!("{error}: {status}"))
}

/// Runs it to its end without sound, home or configuration, with `input`.
pub(crate) fn run<S: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = S>,
    input: &str,
) -> Output {
    let mut command = irc_speak();
    command.args(arguments).current_dir(folder);
    for name in HOMES {
        command.env(name, folder);
    }
    command.env("PULSE_SERVER", format!("unix:{}/nowhere", folder.display()));
    command.env_remove("DBUS_SESSION_BUS_ADDRESS").env("LC_ALL", "C.UTF-8");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("irc-speak can be started");
    let mut keys = child.stdin.take().expect("a pipe");
    // A program that fails may not have read its input.
    if let Err(error) = keys.write_all(input.as_bytes()) {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe, "{error}");
    }
    drop(keys);
    wait_within(Duration::from_secs(30), "irc-speak ends", String::new, || {
        child.try_wait().expect("it can be waited for")
    });
    child.wait_with_output().expect("its output can be read")
}

pub(crate) fn irc_speak() -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_remove("RUST_LOG").env("NO_COLOR", "1");
    command
}

fn locked(printed: &Mutex<Printed>) -> std::sync::MutexGuard<'_, Printed> {
    printed.lock().unwrap_or_else(PoisonError::into_inner)
}

fn transcript(printed: &Shared) -> String {
    let printed = locked(printed);
    let mut text = String::from("irc-speak printed:\n");
    for (_, line) in &printed.lines {
        writeln!(text, "{line}").expect("a string takes all");
    }
    text + "and complained:\n" + &printed.complaints
}

/// The child of `parent` that was started with the argument `word`.
pub(crate) fn child_of(parent: u32, word: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").expect("/proc is there");
    processes.flatten().find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(process.path().join("status")).ok()?;
        let of = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        let zombie = status.lines().any(|line| line.starts_with("State:\tZ"));
        let command = std::fs::read(process.path().join("cmdline")).ok()?;
        let is_it = command.split(|&byte| byte == 0).skip(1).any(|it| it == word.as_bytes());
        (of.trim().parse() == Ok(parent) && is_it && !zombie).then_some(pid)
    })
}
