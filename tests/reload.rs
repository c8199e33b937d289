//! A configuration that is saved while the program listens.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// The program, without sound; its events, and its messages.
struct Listener {
    child: Child,
    input: ChildStdin,
    printed: Receiver<String>,
}

impl Listener {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_irc-speak"));
        command.args(["--events", "--output", "null"]).current_dir(folder);
        for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"] {
            command.env(name, folder);
        }
        command.env_remove("DBUS_SESSION_BUS_ADDRESS");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let (sender, printed) = channel();
        let stdout = child.stdout.take().expect("a pipe");
        let stderr = child.stderr.take().expect("a pipe");
        let errors = sender.clone();
        std::thread::spawn(move || {
            BufReader::new(stdout)
                .lines()
                .map_while(Result::ok)
                .for_each(|it| drop(sender.send(it)));
        });
        std::thread::spawn(move || {
            BufReader::new(stderr)
                .lines()
                .map_while(Result::ok)
                .for_each(|it| drop(errors.send(it)));
        });
        let input = child.stdin.take().expect("a pipe");
        Self { child, input, printed }
    }

    fn write(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it reads");
    }

    /// Waits for something printed that has all of `parts`.
    fn wait(&self, parts: &[&str]) -> String {
        let mut before = Vec::new();
        loop {
            match self.printed.recv_timeout(DEADLINE) {
                Ok(line) if parts.iter().all(|part| line.contains(part)) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("{parts:?}: {error}\n{}", before.join("\n")),
            }
        }
    }

    /// Writes lines until one ends as `fate`: it takes a moment until a save is noticed.
    fn until(&mut self, line: &str, fate: &str) {
        self.until_event(line, line, fate);
    }

    /// Writes lines until the last event of one, which has `part`, has `fate`.
    fn until_event(&mut self, line: &str, part: &str, fate: &str) {
        for _ in 0..100 {
            self.write(line);
            if self.wait(&["\"event\":\"fate\"", part]).contains(fate) {
                return;
            }
            #[expect(clippy::disallowed_methods, reason = "a poll with an end")]
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{line} never ended as {fate}");
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.child.kill().and_then(|()| self.child.wait()).is_err() {
            eprintln!("it has ended already");
        }
    }
}

#[test]
fn a_saved_configuration_applies_and_a_wrong_one_is_reported_and_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("irc-speak");
    let config = own.join("config.toml");
    fs::create_dir(&own).expect("a folder");
    let save = |text: &str| {
        let beside = own.join("config.toml~");
        fs::write(&beside, text).expect("a file");
        fs::rename(&beside, &config).expect("renamed into place");
    };
    let mut listener = Listener::start(folder.path());
    listener.until("abc", "spoken");
    save("[[rule]]\ndrop = \"abc\"\n");
    listener.until("abc", "dropped");

    save("[[rule]]\ndrop = \"(abc\"\n");
    let said = listener.wait(&["config.toml:2:8", "unclosed group"]);
    assert!(said.ends_with("the old configuration stays"), "{said}");
    listener.until("abc", "dropped");

    save("voice = \"xx\"\n");
    let said = listener.wait(&["config.toml:1:9", "no voice \"xx\""]);
    assert!(said.ends_with("the old configuration stays"), "{said}");
    save("[speakers.voice.kim]\nvoice = \"en-us+nonsense\"\n");
    let said = listener.wait(&["config.toml:2:9", "nonsense"]);
    assert!(said.ends_with("the old configuration stays"), "{said}");
    listener.until("abc", "dropped");
    save("voice = \"de\"\n");
    listener.until("abc", "spoken");

    fs::create_dir(own.join("filters")).expect("a folder");
    fs::write(own.join("filters/mine.toml"), "about = \"x\"\n[[rule]]\ndrop = \"xyz\"\n")
        .expect("a file");
    save("filters = [\"mine\"]\n");
    listener.until("xyz", "dropped");
    listener.until("abc", "spoken");
    fs::write(own.join("filters/mine.toml"), "about = \"x\"\nrule = []\n").expect("a file");
    listener.until("xyz", "spoken");
}

#[test]
fn a_saved_lexicon_applies_and_a_wrong_one_is_reported_and_ignored() {
    let folder = tempfile::tempdir().expect("a folder");
    let lexicons = folder.path().join("irc-speak/lexicons");
    fs::create_dir_all(&lexicons).expect("a folder");
    let mut listener = Listener::start(folder.path());
    listener.until("the pqr", "spoken");
    let save = |name: &str, text: &str| fs::write(lexicons.join(name), text).expect("a file");
    save("en.toml", "[words]\npqr = \"queue\"\n");
    listener.until_event("the pqr", "\"the ", "the queue");
    save("en.toml", "[words]\npqr = 3\n");
    let said = listener.wait(&["en.toml:2:7", "it takes text in quotes"]);
    assert!(said.ends_with("the old configuration stays"), "{said}");
    listener.until_event("the pqr", "\"the ", "the queue");
    save("en.toml", "");
    save(
        "x.pls",
        "<lexicon xmlns='http://www.w3.org/2005/01/pronunciation-lexicon' xml:lang='en'>\
         <lexeme><grapheme>pqr</grapheme><alias>line</alias></lexeme></lexicon>",
    );
    listener.until_event("the pqr", "\"the ", "the line");
}
