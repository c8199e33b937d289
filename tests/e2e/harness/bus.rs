//! A private D-Bus session bus, and control of the listener over it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{directory, end, program, signal, wait_for};

/// The listener, as a media player.
const PLAYER: &str = "org.mpris.MediaPlayer2.irc_speak";

/// A session bus.
pub(crate) struct Bus {
    folder: TempDir,
    daemon: Child,
}

impl Bus {
    /// Starts it, and waits until it listens.
    pub(crate) fn start() -> Self {
        let folder = directory();
        let mut command = program("dbus-daemon", "dbus");
        command.args(["--session", "--nofork", "--nopidfile"]);
        command.arg(format!("--address=unix:path={}", folder.path().join("bus").display()));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = command.spawn().expect("dbus-daemon can be started");
        let bus = Self { folder, daemon };
        wait_for("the bus makes its socket", String::new, || bus.socket().exists().then_some(()));
        bus
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("bus")
    }

    /// Makes `command` a program of this session.
    pub(crate) fn surround(&self, command: &mut Command) {
        let address = format!("unix:path={}", self.socket().display());
        command.env("DBUS_SESSION_BUS_ADDRESS", address);
    }

    /// What a program of this session prints; an error is what it complains of.
    fn ask(&self, mut command: Command) -> Result<String, String> {
        self.surround(&mut command);
        let output = command.output().expect("it can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Waits until the listener is on the bus.
    pub(crate) fn wait_player(&self) {
        wait_for("the listener is on the bus", String::new, || {
            let mut command = program("playerctl", "playerctl");
            command.arg("--list-all");
            self.ask(command).ok().filter(|players| players.contains("irc_speak")).map(|_| ())
        });
    }

    /// Runs `playerctl`.
    pub(crate) fn playerctl(&self, arguments: &[&str]) -> String {
        let mut command = program("playerctl", "playerctl");
        command.args(arguments);
        self.ask(command).unwrap_or_else(|why| panic!("playerctl {arguments:?}: {why}"))
    }

    /// Waits until `playerctl` with these arguments prints `wanted`.
    pub(crate) fn wait_shown(&self, arguments: &[&str], wanted: &str) {
        let shown = || self.playerctl(arguments);
        wait_for(wanted, shown, || (shown() == wanted).then_some(()));
    }

    /// Sets the player's rate, which `playerctl` does not know.
    pub(crate) fn set_rate(&self, rate: f64) {
        let value = format!("variant:double:{rate}");
        self.properties("Set", &["string:Rate", &value]);
    }

    /// The player's rate, read from the bus.
    pub(crate) fn rate(&self) -> String {
        self.properties("Get", &["string:Rate"])
    }

    fn properties(&self, method: &str, arguments: &[&str]) -> String {
        let mut command = program("dbus-send", "dbus");
        command.args(["--session", "--print-reply=literal"]);
        command.arg(format!("--dest={PLAYER}")).arg("/org/mpris/MediaPlayer2");
        command.arg(format!("org.freedesktop.DBus.Properties.{method}"));
        command.arg("string:org.mpris.MediaPlayer2.Player").args(arguments);
        self.ask(command).unwrap_or_else(|why| panic!("{method} {arguments:?}: {why}"))
    }

    /// Kills the bus.
    pub(crate) fn kill(&mut self) {
        end(&mut self.daemon);
    }

    /// Stops the bus: it neither answers nor ends.
    pub(crate) fn hang(&self) {
        signal("STOP", self.daemon.id());
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        end(&mut self.daemon);
    }
}
