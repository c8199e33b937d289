//! A real terminal: tmux, with one shell in it, and what is seen there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{SoundServer, directory, program, wait_for};

/// A tmux server of its own, whose programs play on a sound server of the test.
pub(crate) struct Tmux {
    folder: TempDir,
}

impl Tmux {
    /// Starts it with `shell`.
    pub(crate) fn start(sound: &SoundServer, shell: &str) -> Self {
        let tmux = Self { folder: directory() };
        let shell = format!("env PS1='$ ' {shell}");
        let size = ["-x", "100", "-y", "40"];
        let mut command = tmux.command(&["-f", "/dev/null", "new-session", "-d"]);
        command.args(size).arg(shell);
        sound.surround(&mut command);
        succeed(command);
        tmux
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut tmux = program("tmux", "tmux");
        tmux.arg("-S").arg(self.folder.path().join("tmux")).args(arguments);
        tmux.env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR").env_remove("TMUX");
        tmux
    }

    /// A path in a folder that goes away with the terminal.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Presses keys, by tmux's names for them.
    pub(crate) fn keys(&self, keys: &[&str]) {
        succeed(self.command(&[&["send-keys"], keys].concat()));
    }

    /// Types a command line of the shell.
    pub(crate) fn enter(&self, line: &str) {
        self.keys(&[line, "Enter"]);
    }

    /// Keeps from now on in a file what programs write to the terminal, byte by byte.
    pub(crate) fn keep_raw(&self, file: &Path) {
        succeed(self.command(&["pipe-pane", &format!("cat > '{}'", file.display())]));
    }

    /// Pastes the text of a file.
    pub(crate) fn paste(&self, file: &Path) {
        succeed(self.command(&["load-buffer", &file.display().to_string()]));
        succeed(self.command(&["paste-buffer"]));
    }

    /// Runs a command line of the shell, and gives what it printed once it has ended.
    pub(crate) fn shell(&self, line: &str) -> String {
        let out = self.path("out");
        self.enter(&format!("{line} > {0}.new 2>&1; mv {0}.new {0}", out.display()));
        let text = wait_for(line, || self.screen(), || fs::read_to_string(&out).ok());
        fs::remove_file(out).expect("the output is there");
        text
    }

    /// What is seen.
    pub(crate) fn screen(&self) -> String {
        let output = succeed(self.command(&["capture-pane", "-p"]));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What is seen, once it is so that `is_it` holds.
    pub(crate) fn wait_screen(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        wait_for(what, || self.screen(), || Some(self.screen()).filter(|screen| is_it(screen)))
    }

    /// What is seen, once `words` are.
    pub(crate) fn wait_seen(&self, words: &str) -> String {
        self.wait_screen(words, |screen| screen.contains(words))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        if let Err(error) = self.command(&["kill-server"]).status() {
            eprintln!("tmux: {error}");
        }
    }
}

fn succeed(mut command: Command) -> Output {
    let output = command.output().expect("tmux can be started");
    assert!(output.status.success(), "tmux: {}", String::from_utf8_lossy(&output.stderr));
    output
}
