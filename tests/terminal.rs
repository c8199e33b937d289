//! A panic on a real terminal, in tmux. No command makes the program panic, so this test binary
//! runs there: its test `stage` runs keys and screen with a mock listener. All other terminal tests
//! are in `e2e/terminal.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use irc_speak::control::screen::style::Style;
use irc_speak::control::{
    Command as Asked, Controls, Entry, Reply, Request, Snapshot, TranscriptEvent,
};
use irc_speak::control::{keys, screen};
use irc_speak::units::Wpm;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How long the terminal may take for anything.
const LIMIT: Duration = Duration::from_secs(30);

/// Not a test: the program that runs in the terminal.
#[test]
#[ignore = "runs inside tmux"]
fn stage() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(perform());
}

async fn perform() {
    let (requests, mut inbox) = mpsc::channel(16);
    let idle = Snapshot { rate: Wpm(220), volume: 100, ..Snapshot::default() };
    let (state, seen) = watch::channel(idle);
    let controls = Controls::new(requests, seen);
    let (shown, events) = mpsc::unbounded_channel();
    let (style, stop) = (Style::new(false), CancellationToken::new());
    let keys = tokio::spawn(keys::run(controls.clone(), shown.clone(), style, stop.clone()));
    let screen = tokio::spawn(screen::drive::run(events, controls, style, stop.clone()));
    let entry =
        Entry { sender: Some("kim".to_owned()), text: "hello".to_owned(), ..Entry::default() };
    let event = TranscriptEvent::Given { id: 1, entry, highlight: false };
    shown.send(event).expect("a screen");
    shown.send(TranscriptEvent::Started { id: 1 }).expect("a screen");
    while let Some(request) = inbox.recv().await {
        if answer(request, &state, &shown) {
            break;
        }
    }
    stop.cancel();
    keys.await.expect("keys end");
    screen.await.expect("a screen ends");
}

/// Shows the command; true for quit.
fn answer(
    request: Request,
    state: &watch::Sender<Snapshot>,
    shown: &mpsc::UnboundedSender<TranscriptEvent>,
) -> bool {
    let Request { command, reply } = request;
    assert!(command != Asked::Live, "the stage breaks");
    if command == Asked::Toggle {
        state.send_modify(|it| it.paused = !it.paused);
    }
    shown.send(TranscriptEvent::Notice(format!("asked: {command:?}"))).expect("a screen");
    reply.send(Reply::Done).expect("keys wait");
    command == Asked::Quit
}

/// A private tmux server with one shell.
struct Tmux {
    folder: tempfile::TempDir,
}

impl Tmux {
    fn new() -> Self {
        let tmux = Self { folder: tempfile::tempdir().expect("a folder") };
        tmux.run(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "40",
            "env PS1='$ ' bash --norc",
        ]);
        tmux
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("tmux")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output();
        let output = output.expect("tmux runs (Debian: apt-get install tmux)");
        assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.socket()).args(arguments);
        tmux.env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR").env_remove("TMUX");
        tmux
    }

    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Runs a command line of the shell, and returns once it has ended.
    fn shell(&self, line: &str) -> String {
        let out = self.folder.path().join("out");
        self.keys(&[&format!("{line} > {0}.new 2>&1; mv {0}.new {0}", out.display()), "Enter"]);
        let text = until(|| fs::read_to_string(&out).ok(), || self.screen());
        fs::remove_file(out).expect("the output is there");
        text
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p"]).stdout).into_owned()
    }

    fn shows(&self, words: &str) -> String {
        let shown = || Some(self.screen()).filter(|screen| screen.contains(words));
        until(shown, || format!("no {words:?} on:\n{}", self.screen()))
    }

    fn start(&self) {
        let program = std::env::current_exe().expect("this binary");
        self.keys(&[
            &format!("clear; {} --ignored --exact stage --nocapture", quoted(&program)),
            "Enter",
        ]);
        self.shows("▶ kim: hello");
        self.shows("220 wpm");
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        if let Err(error) = self.command(&["kill-server"]).status() {
            eprintln!("tmux: {error}");
        }
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

#[expect(clippy::disallowed_methods, reason = "a deadline for what is outside the program")]
fn until<T>(mut found: impl FnMut() -> Option<T>, failure: impl Fn() -> String) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < LIMIT, "{}", failure());
        pause(Duration::from_millis(20));
    }
}

#[expect(clippy::disallowed_methods, reason = "between two looks")]
fn pause(length: Duration) {
    std::thread::sleep(length);
}

#[test]
fn a_panic_restores_the_terminal_and_is_shown() {
    let tmux = Tmux::new();
    let before = tmux.shell("stty -a");
    tmux.start();
    tmux.keys(&["l"]);
    tmux.shows("the stage breaks");
    tmux.shows("test result: FAILED");
    assert_eq!(tmux.shell("stty -a"), before);
}
