//! For a second listener: which process owns the control socket, and when it ends.
#![forbid(unsafe_code)]

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

use super::{Command, Reply};
use crate::wire;

/// How long the first listener may take to report its configuration.
const PATIENCE: Duration = Duration::from_millis(500);

/// The longest reply that is read, in bytes.
const ANSWER: u64 = 1 << 20;

/// The pause after a connection has ended: its listener may still run.
const PAUSE: Duration = Duration::from_secs(1);

/// The listener that owns the control socket.
pub(super) struct First {
    stream: UnixStream,
    pid: Option<i32>,
}

impl First {
    /// The listener that answers at `path`; none if it has ended.
    pub(super) async fn find(path: &Path) -> Option<Self> {
        let stream = UnixStream::connect(path).await.ok()?;
        let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
        Some(Self { stream, pid })
    }

    /// The message to the user who has started another listener, with `configuration`.
    pub(super) async fn message(&mut self, configuration: Option<&str>) -> String {
        let its = timeout(PATIENCE, self.configuration()).await.ok().and_then(Result::ok).flatten();
        let is_same = its.is_some() && its.as_deref() == configuration;
        let who = if is_same { "a listener with this configuration" } else { "another listener" };
        let pid = self.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
        format!(
            "{who} is already running{pid} and has the control socket; this one takes it over when \
             that one ends"
        )
    }

    /// The identifier of its configuration.
    async fn configuration(&mut self) -> io::Result<Option<String>> {
        let request = wire::line(&Command::Status { json: false });
        self.stream.write_all(&request).await?;
        let mut answer = String::new();
        BufReader::new(&mut self.stream).take(ANSWER).read_line(&mut answer).await?;
        match serde_json::from_str(&answer)? {
            Reply::Status(snapshot) => Ok(snapshot.configuration),
            Reply::Done
            | Reply::Skipped { .. }
            | Reply::Lines { .. }
            | Reply::Where { .. }
            | Reply::Aliases { .. }
            | Reply::Error { .. } => Ok(None),
        }
    }

    /// Waits until the listener has ended.
    pub(super) async fn ended(mut self) {
        #[cfg(target_os = "linux")]
        if let Some(process) = self.pid.and_then(process) {
            drop(self.stream); // makes room for other clients
            drop(process.readable().await);
            return;
        }
        drop(tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await);
        sleep(PAUSE).await;
    }
}

/// A process's descriptor, readable once the process has ended (Linux 5.3).
#[cfg(target_os = "linux")]
fn process(pid: i32) -> Option<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let descriptor = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    #[expect(deprecated, reason = "only unsound for a type whose descriptor may close early")]
    let process = AsyncFd::with_interest(descriptor, Interest::READABLE);
    process.ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn without_a_process_id_the_connection_is_watched() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let first = First::find(&path).await.expect("it answers");
        let (accepted, _) = listener.accept().await.expect("a client");
        assert_eq!(first.pid, i32::try_from(std::process::id()).ok());
        let ended = tokio::spawn(First { pid: None, ..first }.ended());
        drop((accepted, listener));
        let ended = timeout(Duration::from_secs(10), ended).await;
        ended.expect("in time").expect("no panic");
        assert!(First::find(&path).await.is_none(), "nobody answers");
    }

    #[tokio::test]
    async fn a_listener_without_a_configuration_is_another_listener() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("control.sock");
        let listener = UnixListener::bind(&path).expect("bound");
        let mut first = First::find(&path).await.expect("it answers");
        let (mut accepted, _) = listener.accept().await.expect("a client");
        accepted.write_all(b"{\"reply\":\"done\"}\n").await.expect("written");
        let message = first.message(None).await;
        let expected =
            format!("another listener is already running (process {})", std::process::id());
        assert!(message.starts_with(&expected), "{message}");
    }
}
