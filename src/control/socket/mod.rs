//! The control socket: each line is a [`Command`] as a JSON object, or its bare name if it takes no
//! arguments; each is answered by one line, a [`Reply`].
//!
//! No client can block the listener or make its memory grow: requests are short, clients are few,
//! each has one request in progress at a time, and a client that does not read is dropped. When
//! there is no room, the client that has been idle longest is dropped, so that programs that only
//! hold connections do not keep others out. A request that is not understood gets an error reply
//! and the client stays: users may try any program on the socket.
#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::place::{self, SocketError};
use super::turn::First;
use super::{Command, Controls, Reply};
use crate::clock::now;
use crate::diagnostics::{escaped, explained};
use crate::wire::line;

/// The longest request in bytes, without its line feed.
const REQUEST_MAX: usize = 4096;
/// The number of clients served at once.
const CLIENTS_MAX: usize = 32;
/// A client that has been idle for this long may be dropped to make room for another.
const IDLE_LIMIT: Duration = Duration::from_secs(3);
/// How long a client may leave a reply unread.
const UNREAD_LIMIT: Duration = Duration::from_secs(2);
/// How long the last replies may take at the end: "quit" is answered, too.
const GRACE: Duration = Duration::from_millis(100);
/// The socket's name until it accepts connections.
const FRESH: &str = "new";
/// The pause after a failed accept, which fails again at once while there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The pause after an attempt during which another listener took the socket; doubled each time.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(5);

/// Serves the user's control socket until `stop`. If another listener has it, that is printed with
/// `print`, and the socket is taken over when that one ends. If there can be no socket, that is
/// printed, too, and the listener runs without. `configuration` identifies this configuration.
pub async fn run(
    controls: Controls,
    configuration: Option<String>,
    print: impl Fn(String),
    stop: CancellationToken,
) {
    let path = place::socket();
    let own = own(&path, configuration.as_deref(), &print);
    match stop.run_until_cancelled(own).await {
        Some(Ok(server)) => server.serve(controls, stop).await,
        Some(Err(error)) => print(format!("no control socket: {error}")),
        None => {}
    }
}

/// The control socket at `path`, once it is free.
async fn own(
    path: &Path,
    configuration: Option<&str>,
    print: &impl Fn(String),
) -> Result<Server, SocketError> {
    let (mut has_waited, mut pause) = (false, SHORTEST);
    loop {
        match Server::bind(path).await {
            Ok(server) => {
                if has_waited {
                    print("this listener has the control socket now".to_owned());
                }
                return Ok(server);
            }
            Err(SocketError::Taken(_)) => {}
            Err(error) => return Err(error),
        }
        let Some(mut first) = First::find(path).await else {
            // Another listener is just starting or ending.
            sleep(pause).await;
            pause = (2 * pause).min(LONGEST);
            continue;
        };
        if !std::mem::replace(&mut has_waited, true) {
            print(first.message(configuration).await);
        }
        first.ended().await;
        pause = SHORTEST;
    }
}

/// A listening socket. Dropping it removes its file.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
    idle_limit: Duration,
}

impl Server {
    /// Listens at `path`, in a folder that is private to the user. Replaces the socket of a killed
    /// listener, not of one that answers.
    pub async fn bind(path: &Path) -> Result<Self, SocketError> {
        let folder = place::prepare(path)?;
        // Two listeners that start at once must not remove each other's sockets.
        rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| SocketError::Taken(path.to_owned()))?;
        remove_leftover(path).await?;
        let refused = |error: io::Error| SocketError::system(path)(error);
        // Renamed into place once it listens: between bind and listen connections are refused.
        let fresh = path.with_file_name(FRESH);
        if let Err(error) = std::fs::remove_file(&fresh)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(refused(error));
        }
        let listener = UnixListener::bind(&fresh).map_err(refused)?;
        // Until here only the folder's mode kept other users out.
        place::close_to_others(&fresh)?;
        let inode = fresh.symlink_metadata().map_err(refused)?.ino();
        std::fs::rename(&fresh, path).map_err(refused)?;
        Ok(Self { listener, path: path.to_owned(), inode, idle_limit: IDLE_LIMIT })
    }

    /// Serves clients until `stop`; requests in progress are still answered.
    pub async fn serve(self, controls: Controls, stop: CancellationToken) {
        let mut clients = JoinSet::new();
        let mut seats = Vec::new();
        let mut failing = false;
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => break,
            };
            while clients.try_join_next().is_some() {}
            match accepted {
                Ok((stream, _)) if !is_allowed(&stream) => {}
                Ok((stream, _)) if !make_room(&mut seats, self.idle_limit) => turn_away(&stream),
                Ok((stream, _)) => {
                    let (idle, idle_since) = watch::channel(Some(now()));
                    let talk = converse(stream, controls.clone(), idle, stop.clone());
                    seats.push(Seat { idle_since, client: clients.spawn(talk) });
                }
                Err(error) => {
                    if !failing {
                        warn!(%error, "control socket: no new clients");
                    }
                    failing = true;
                    tokio::select! {
                        () = sleep(ACCEPT_PAUSE) => continue,
                        () = stop.cancelled() => break,
                    }
                }
            }
            failing = false;
            // A thousand clients at once must not delay the voice.
            tokio::task::yield_now().await;
        }
        drop(self);
        let ended = timeout(GRACE, async { while clients.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            debug!(clients = clients.len(), "control socket: clients cut off at the end");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Before it is closed: a closed socket may be replaced by another listener at any time.
        if self.path.symlink_metadata().is_ok_and(|file| file.ino() == self.inode)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            debug!(%error, "control socket not removed");
        }
    }
}

/// Removes the socket of a listener that was killed.
async fn remove_leftover(path: &Path) -> Result<(), SocketError> {
    let refused = |error: io::Error| SocketError::system(path)(error);
    match path.symlink_metadata() {
        Ok(file) if !file.file_type().is_socket() => {
            return Err(SocketError::NoSocket(path.to_owned()));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(error)),
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(refused)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A listener that is too busy to accept is still running.
        Ok(_) | Err(_) => Err(SocketError::Taken(path.to_owned())),
    }
}

/// Whether the client is this user or root. The folder already keeps others out, but not every
/// system checks a socket's mode.
fn is_allowed(stream: &UnixStream) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    match stream.peer_cred() {
        Ok(peer) => may_control(peer.uid(), ours),
        Err(error) => {
            debug!(%error, "control socket: a client of an unknown user");
            false
        }
    }
}

fn may_control(uid: u32, ours: u32) -> bool {
    uid == ours || uid == 0
}

/// A client that is served.
struct Seat {
    /// When its last request was answered; none while one is in progress.
    idle_since: watch::Receiver<Option<Instant>>,
    client: AbortHandle,
}

/// Whether there is room for one more client; drops the one that has been idle longest, and for
/// `limit` at least, if necessary.
fn make_room(seats: &mut Vec<Seat>, limit: Duration) -> bool {
    seats.retain(|seat| !seat.client.is_finished());
    if seats.len() < CLIENTS_MAX {
        return true;
    }
    let idle = |(n, seat): (usize, &Seat)| seat.idle_since.borrow().map(|since| (since, n));
    let longest = seats.iter().enumerate().filter_map(idle).min();
    let Some((_, n)) = longest.filter(|(since, _)| now() >= *since + limit) else { return false };
    debug!("control socket: an idle client dropped");
    seats.swap_remove(n).client.abort();
    true
}

/// Replies to a client too many, unless that would block.
fn turn_away(stream: &UnixStream) {
    let busy = line(&error(format!("{CLIENTS_MAX} clients are served already; try again later")));
    if let Err(error) = stream.try_write(&busy) {
        debug!(%error, "control socket: a client too many, without a reply");
    }
}

/// Answers a client's requests until it leaves, misbehaves, or `stop` is cancelled. Sets `idle` to
/// the time since when it has no request.
async fn converse(
    stream: UnixStream,
    controls: Controls,
    idle: watch::Sender<Option<Instant>>,
    stop: CancellationToken,
) {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::with_capacity(REQUEST_MAX, reading);
    loop {
        let request = tokio::select! {
            request = next_request(&mut reading) => request,
            () = stop.cancelled() => return,
        };
        idle.send_replace(None);
        let (reply, continues) = match request {
            Ok(None) => return,
            Ok(Some(Ok(command))) => (controls.ask(command).await, true),
            Ok(Some(Err(why))) => (error(why), true),
            Err(TooLong) => (error(format!("a request has at most {REQUEST_MAX} bytes")), false),
        };
        if let Err(error) = write(&mut writing, &line(&reply)).await {
            return debug!(%error, "control socket: a client dropped");
        }
        if !continues {
            return;
        }
        idle.send_replace(Some(now()));
        tokio::task::yield_now().await; // a flood of requests must not starve other tasks
    }
}

/// A request that is too long; where the next one begins cannot be known.
struct TooLong;

/// The next request; none at the end, or when the connection breaks. The inner error is a request
/// that is not understood.
async fn next_request(
    reading: &mut BufReader<OwnedReadHalf>,
) -> Result<Option<Result<Command, String>>, TooLong> {
    let mut bytes = Vec::new();
    let read = reading.take(REQUEST_MAX as u64 + 1).read_until(b'\n', &mut bytes).await;
    match (read, bytes.strip_suffix(b"\n")) {
        (Err(_) | Ok(0), _) => Ok(None),
        (Ok(_), None) if bytes.len() > REQUEST_MAX => Err(TooLong),
        // The last request may end with the connection.
        (Ok(_), request) => Ok(Some(parse(request.unwrap_or(&bytes)))),
    }
}

/// Reads a request: a JSON object, or the bare name of a command.
fn parse(request: &[u8]) -> Result<Command, String> {
    const EXPECTED: &str = r#"a request is {"command":"skip"}, or skip, in a line"#;
    let request = std::str::from_utf8(request).map_err(|_| EXPECTED)?.trim();
    let is_name = !request.is_empty() && request.bytes().all(|byte| byte.is_ascii_lowercase());
    let command = if is_name {
        serde_json::from_value(serde_json::json!({ "command": request }))
    } else if request.starts_with('{') {
        serde_json::from_str(request)
    } else {
        return Err(EXPECTED.to_owned());
    };
    let command: Command = command.map_err(|error: serde_json::Error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let message = error.to_string();
        let problem = explained(message.trim_end_matches(&place));
        problem.unwrap_or_else(|| format!("{EXPECTED}; this is no JSON object"))
    })?;
    if let Some(key) = unknown_key(request, &command) {
        return Err(format!("unknown key \"{}\"", escaped(&key)));
    }
    match &command {
        Command::Say { target, .. } if !is_target(target) => {
            Err("a target is one channel or nick".to_owned())
        }
        Command::Say { text, .. } if text.trim().is_empty() => {
            Err("the message is empty".to_owned())
        }
        // The text after a line break would be a command to the IRC server.
        Command::Say { text, .. } if text.contains(['\r', '\n', '\0']) => {
            Err("a message is a single line".to_owned())
        }
        _ => Ok(command),
    }
}

/// A key of `request` that `command` does not have: serde checks that only for commands with keys.
fn unknown_key(request: &str, command: &Command) -> Option<String> {
    let given: serde_json::Map<_, _> = serde_json::from_str(request).ok()?;
    let known = serde_json::to_value(command).expect("a command is plain data");
    given.into_iter().map(|(key, _)| key).find(|key| known.get(key).is_none())
}

fn is_target(target: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == ',';
    !target.is_empty() && !target.starts_with(':') && !target.contains(forbidden)
}

fn error(why: impl Into<String>) -> Reply {
    Reply::Error { why: why.into() }
}

/// Writes all of `reply`, as long as the client reads some of it within each [`UNREAD_LIMIT`].
async fn write(writing: &mut tokio::net::unix::OwnedWriteHalf, mut reply: &[u8]) -> io::Result<()> {
    while !reply.is_empty() {
        let n_bytes = timeout(UNREAD_LIMIT, writing.write(reply)).await??;
        reply = &reply[n_bytes..];
    }
    Ok(())
}
