//! The test harness: servers, clients, a recorder, and the program itself.

mod asr;
mod bus;
pub(crate) mod clients;
mod irc;
mod ngircd;
mod sic;
mod sound;
mod speak;
mod tmux;
mod wav;

use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub(crate) use asr::Recogniser;
pub(crate) use bus::Bus;
pub(crate) use irc::IrcClient;
pub(crate) use ngircd::{Authority, Ngircd};
pub(crate) use sic::Sic;
pub(crate) use sound::SoundServer;
pub(crate) use speak::{
    Event, PROGRAM, Speak, child_of, ctl, ctl_refused, irc_speak, run, say, status_of,
};
pub(crate) use tmux::Tmux;
pub(crate) use wav::Wav;

/// How long a test waits for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The time now.
#[expect(clippy::disallowed_methods, reason = "the one clock of the tests")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Calls `ready` until it returns a value; panics with `what` and the transcript at [`DEADLINE`].
pub(crate) fn wait_for<T>(
    what: &str,
    transcript: impl Fn() -> String,
    ready: impl FnMut() -> Option<T>,
) -> T {
    wait_within(DEADLINE, what, transcript, ready)
}

/// As [`wait_for`], with a deadline of its own.
#[expect(clippy::disallowed_methods, reason = "the one poll of the tests; it has a deadline")]
pub(crate) fn wait_within<T>(
    deadline: Duration,
    what: &str,
    transcript: impl Fn() -> String,
    mut ready: impl FnMut() -> Option<T>,
) -> T {
    let end = now() + deadline;
    loop {
        if let Some(answer) = ready() {
            return answer;
        }
        assert!(now() < end, "not within {deadline:?}: {what}\n{}", transcript());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A directory that goes away with the test. Its path is short, as those of sockets must be.
pub(crate) fn directory() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("irc-speak-").tempdir().expect("a temporary directory")
}

/// A port of the loopback interface on which nothing listens.
pub(crate) fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("a bound socket has an address").port()
}

/// A command for `program`, which comes with the Debian `package`, found also where daemons are.
pub(crate) fn program(program: &str, package: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    let Some(file) = found else {
        panic!("{program} is missing: run \"make test\", or install the package {package}");
    };
    let mut command = Command::new(file);
    command.stdin(Stdio::null());
    command
}

/// Sends the signal of that `name` (as "KILL") to a process.
pub(crate) fn signal(name: &str, pid: u32) {
    let status = Command::new("sh")
        .args(["-c", &format!("kill -{name} {pid}")])
        .status()
        .expect("sh can be started");
    assert!(status.success(), "kill -{name} {pid}: {status}");
}

/// Ends a process that a test started. It does not fail: it runs while a test panics.
pub(crate) fn end(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) {
        let gone = child.kill().and_then(|()| child.wait());
        if let Err(error) = gone {
            eprintln!("process {}: {error}", child.id());
        }
    }
}

/// The text of a file; empty while it is not there.
pub(crate) fn text_of(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = std::fs::File::open(path)
        && let Err(error) = file.read_to_end(&mut bytes)
    {
        panic!("{}: {error}", path.display());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
