//! Standard input, read in a thread of its own: a blocking read is the fastest way to read a pipe,
//! and a thread that waits in it costs nothing.
//!
//! A line is sent when its line end came, however long that takes: an unfinished prompt waits for
//! its line end, or for the end of the input.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use tokio_util::sync::CancellationToken;

use super::error::SourceError;
use super::inbox::{Closed, Inbox, Input};
use super::lines::{Lines, Splitter};
use crate::clock;

/// The bytes read at once. The largest pipe of an unprivileged user holds four times as much, but
/// larger reads were no faster.
const READ: usize = 256 * 1024;

/// Reads standard input to its end, in a thread of its own, and sends [`Input::Ended`] last. At
/// `stop` it counts as ended: a read that waits for a writer cannot be cancelled, and the program
/// does not wait for it.
pub fn spawn(inbox: Inbox, stop: CancellationToken) {
    spawn_from(open, inbox, stop);
}

fn spawn_from<I: Read + AsFd>(
    open: impl FnOnce() -> io::Result<I> + Send + 'static,
    inbox: Inbox,
    stop: CancellationToken,
) {
    let end = End { inbox, is_sent: Arc::default() };
    let reading = end.clone();
    let thread = thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let inbox = &reading.inbox;
        let result = open().map_or_else(|error| Ok(Err(error)), |stdin| pump(stdin, inbox));
        if let Ok(result) = result {
            reading.send_blocking(result);
        }
    });
    tokio::spawn(async move {
        match thread {
            Ok(_) => {
                stop.cancelled().await;
                end.send(Ok(())).await;
            }
            Err(error) => end.send(Err(error)).await,
        }
    });
}

/// Sends the end of standard input once, from whichever side sees it first.
#[derive(Clone)]
struct End {
    inbox: Inbox,
    is_sent: Arc<AtomicBool>,
}

impl End {
    async fn send(&self, result: io::Result<()>) {
        if let Some(ended) = self.first(result)
            && self.inbox.send(ended).await == Err(Closed)
        {
            tracing::debug!("standard input was left open after the listener ended");
        }
    }

    fn send_blocking(&self, result: io::Result<()>) {
        if let Some(ended) = self.first(result)
            && self.inbox.send_blocking(ended) == Err(Closed)
        {
            tracing::debug!("standard input ended after the listener ended");
        }
    }

    /// The end to send; none when it was sent already.
    fn first(&self, result: io::Result<()>) -> Option<Input> {
        let is_first = !self.is_sent.swap(true, Ordering::AcqRel);
        let ended = || Input::Ended(self.inbox.source(), result.map_err(SourceError::Stdin));
        is_first.then(ended)
    }
}

/// Standard input without the library's buffer of 8 KiB.
fn open() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

/// Sends the lines of `input` as they come, up to its end.
fn pump(mut input: impl Read + AsFd, inbox: &Inbox) -> Result<io::Result<()>, Closed> {
    let mut splitter = Splitter::default();
    let mut buffer = vec![0; READ];
    loop {
        let n = match input.read(&mut buffer) {
            Ok(n) => n,
            Err(error) if wait_out(&error, &input) => continue,
            Err(error) => return Ok(Err(error)),
        };
        let lines = if n == 0 { splitter.flush() } else { splitter.push(&buffer[..n]) };
        if let Some(bytes) = lines {
            let lines = Lines::new(inbox.source(), bytes, clock::now());
            inbox.send_blocking(Input::Lines(lines.live(!has_ended(&input))))?;
        }
        if n == 0 {
            return Ok(Ok(()));
        }
    }
}

/// Whether nobody will write any more: it is a file, or a pipe without writers. Its lines are not
/// live.
fn has_ended(input: &impl AsFd) -> bool {
    let mut polled = [PollFd::new(input, PollFlags::empty())];
    let is_file = || fstat(input).is_ok_and(|it| FileType::from_raw_mode(it.st_mode).is_file());
    let is_hung_up = poll(&mut polled, Some(&Timespec::default())).is_ok()
        && polled[0].revents().contains(PollFlags::HUP);
    is_hung_up || is_file()
}

/// Whether to read again after `error`: a signal came, or another process that shares the input
/// made it non-blocking; then this waits for input.
fn wait_out(error: &io::Error, input: &impl AsFd) -> bool {
    match error.kind() {
        ErrorKind::Interrupted => true,
        ErrorKind::WouldBlock => {
            let waited = poll(&mut [PollFd::new(input, PollFlags::IN)], None);
            waited.is_ok() || waited == Err(rustix::io::Errno::INTR)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Write, pipe};

    use tokio::sync::mpsc;

    use super::*;
    use crate::message::SourceId;

    /// The next lines from the pump.
    fn next(receiver: &mut mpsc::Receiver<Input>) -> Option<Vec<String>> {
        match receiver.blocking_recv()? {
            Input::Lines(lines) => Some(lines.iter().map(|line| line.text.into_owned()).collect()),
            other => panic!("lines, not {other:?}"),
        }
    }

    #[test]
    fn a_line_is_sent_at_its_end_and_the_rest_at_the_end_of_input() {
        let (sender, mut receiver) = mpsc::channel(8);
        let (reader, mut writer) = pipe().unwrap();
        let inbox = Inbox::new(SourceId(1), sender);
        let pump = thread::spawn(move || pump(reader, &inbox));

        writer.write_all(b"one\ntw").unwrap();
        assert_eq!(next(&mut receiver).unwrap(), ["one"]);
        writer.write_all(b"o\nthree\nfour").unwrap();
        assert_eq!(next(&mut receiver).unwrap(), ["two", "three"]);
        drop(writer);
        assert_eq!(next(&mut receiver).unwrap(), ["four"]);
        assert_eq!(next(&mut receiver), None);
        assert!(matches!(pump.join().unwrap(), Ok(Ok(()))));
    }

    #[test]
    fn a_non_blocking_input_is_waited_for() {
        let (sender, mut receiver) = mpsc::channel(8);
        let (reader, mut writer) = pipe().unwrap();
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::NONBLOCK).unwrap();
        let inbox = Inbox::new(SourceId(1), sender);
        let pump = thread::spawn(move || pump(reader, &inbox));

        writer.write_all(b"one\n").unwrap();
        assert_eq!(next(&mut receiver).unwrap(), ["one"]);
        drop(writer);
        assert_eq!(next(&mut receiver), None);
        assert!(matches!(pump.join().unwrap(), Ok(Ok(()))));
    }

    #[tokio::test]
    async fn at_the_stop_it_ends_even_with_a_writer_left() {
        for was_closed in [false, true] {
            let (sender, mut receiver) = mpsc::channel(8);
            let (reader, writer) = pipe().unwrap();
            let writer = Some(writer).filter(|_| !was_closed);
            let stop = CancellationToken::new();
            spawn_from(|| Ok(reader), Inbox::new(SourceId(1), sender), stop.clone());
            if was_closed {
                assert!(matches!(receiver.recv().await, Some(Input::Ended(_, Ok(())))));
            }
            stop.cancel();
            let ended = tokio::time::timeout(std::time::Duration::from_secs(10), receiver.recv());
            let ended = ended.await.expect("it does not wait for the writer");
            // The reading thread may still hold its inbox, but the end is sent once.
            assert_eq!(ended.is_some(), !was_closed, "{ended:?}");
            drop(writer);
        }
    }

    #[test]
    fn the_thread_ends_with_the_listener() {
        let (sender, receiver) = mpsc::channel(1);
        drop(receiver);
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(b"one\n").unwrap();
        let result = pump(reader, &Inbox::new(SourceId(1), sender));
        assert!(matches!(result, Err(Closed)));
    }
}
