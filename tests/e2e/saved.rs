//! A configuration that is saved while the program listens.

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::harness::{Speak, directory, wait_for};

/// A listener that prints what is appended to a log, by the rules of a configuration.
struct Stage {
    folder: TempDir,
    speak: Speak,
    n_probes: Cell<u32>,
}

impl Stage {
    fn new(config: &str) -> Self {
        let folder = directory();
        let [file, log] = ["config.toml", "log"].map(|name| folder.path().join(name));
        fs::write(&log, "").expect("a log");
        fs::write(&file, config).expect("a configuration");
        let speak =
            Speak::print(["tail".as_ref(), "-c".as_ref(), file.as_os_str(), log.as_os_str()]);
        Self { folder, speak, n_probes: Cell::new(0) }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Saves the configuration as editors do: a new file replaces the old one.
    fn save(&self, text: &str) {
        let new = self.folder.path().join("config.toml.new");
        fs::write(&new, text).expect("a configuration");
        fs::rename(new, self.config()).expect("in its place");
    }

    /// Appends a line that holds `word`, and one after it that no rule matches; returns whether the
    /// first one was printed, once the second is.
    fn is_heard(&self, word: &str) -> bool {
        let number = self.n_probes.replace(self.n_probes.get() + 1);
        let (probe, sentinel) = (format!("{word} {number}"), format!("sentinel {number}"));
        let mut log = OpenOptions::new().append(true).open(self.log()).expect("a log");
        log.write_all(format!("{probe}\n{sentinel}\n").as_bytes()).expect("it is written");
        self.speak.wait_line(&sentinel);
        self.speak.lines().contains(&probe)
    }

    /// Appends lines until one that holds `word` is heard, or is not, as `wanted`.
    fn wait_heard(&self, word: &str, wanted: bool) {
        let what = format!("heard: {wanted}, {word}");
        let is_so = || (self.is_heard(word) == wanted).then_some(());
        wait_for(&what, || self.speak.transcript(), is_so);
    }
}

#[test]
fn a_saved_rule_applies_and_a_broken_one_is_reported_and_ignored() {
    let stage = Stage::new("");
    assert!(stage.is_heard("noise"));
    stage.save("[[rule]]\ndrop = 'noise'\n");
    stage.wait_heard("noise", false);
    assert!(stage.is_heard("chatter"), "what it does not match is printed as before");
    assert_eq!(stage.speak.complaints(), "");

    stage.save("[[rule]]\ndrop = 'chatter'\n[[rule]]\ndrop = '(noise'\n");
    let complaint = || {
        assert!(!stage.is_heard("noise") && stage.is_heard("chatter"), "the old rules stay");
        Some(stage.speak.complaints()).filter(|complaint| complaint.ends_with('\n'))
    };
    let complaint = wait_for("it is reported", || stage.speak.transcript(), complaint);
    let begin = format!(
        "irc-speak: {}:4:8: drop pattern \"(noise\" is not a regular expression: ",
        stage.config().display()
    );
    assert!(complaint.starts_with(&begin), "{complaint}");
    assert!(complaint.ends_with("; the old configuration stays\n"), "{complaint}");
    assert!(!stage.is_heard("noise") && stage.is_heard("chatter"), "the old rules stay");

    stage.save("[[rule]]\ndrop = 'chatter'\n");
    stage.wait_heard("chatter", false);
    assert!(stage.is_heard("noise"), "a rule that is gone is gone");
    assert_eq!(stage.speak.complaints(), complaint, "one message");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
}
