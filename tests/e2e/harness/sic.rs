//! sic, the simple IRC client, with its output in a file: what `irc-speak tail` was made for.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};

use super::{end, program, text_of, wait_for};

/// A running sic that writes `sic.out`.
pub(crate) struct Sic {
    /// What it has printed.
    pub(crate) log: PathBuf,
    child: Child,
    keys: ChildStdin,
}

impl Sic {
    /// Starts sic as `nick`, printing into `folder`, and joins the channel.
    pub(crate) fn start(folder: &Path, port: u16, nick: &str, channel: &str) -> Self {
        let log = folder.join("sic.out");
        let out = std::fs::File::create(&log).expect("a file for sic's output");
        let mut command = program("sic", "sic");
        command.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-n", nick]);
        command.env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(out).stderr(Stdio::null());
        let mut child = command.spawn().expect("sic can be started");
        let keys = child.stdin.take().expect("its input is a pipe");
        let mut sic = Self { log, child, keys };
        sic.wait_line("the welcome", |line| line.contains(">< 001 "));
        sic.type_line(&format!(":j {channel}"));
        sic.wait_line("the end of the list of names", |line| {
            line.contains(">< 366 ") && line.contains(channel)
        });
        sic
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.keys.write_all(format!("{line}\n").as_bytes()).expect("sic reads what is typed");
    }

    /// Waits until it has printed a line for which `is_it` holds.
    pub(crate) fn wait_line(&self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let text = || text_of(&self.log);
        wait_for(
            what,
            || format!("sic printed:\n{}", text()),
            || text().lines().find(|line| is_it(line)).map(str::to_owned),
        )
    }
}

impl Drop for Sic {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}
