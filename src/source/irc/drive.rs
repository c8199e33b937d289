//! The driver of one connection: reads, passes it to the [`Session`], runs its actions.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use irc::proto::Command;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::timeout;
use tokio_util::bytes::BytesMut;
use tokio_util::sync::CancellationToken;

use super::codec::{Incoming, encode};
use super::connect::Stream;
use super::error::reason;
use super::send::{Answer, SendQueue, reply};
use super::session::{Action, Ending, Event, Session};
use crate::clock;
use crate::clock::at;
use crate::source::inbox::{Inbox, Input};

/// A server with this many bytes left to read is not reading.
const MAX_WAITING: usize = 64 * 1024;

/// How long to wait for the server to close after `QUIT`.
const FAREWELL: Duration = Duration::from_secs(1);

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was lost, or the server ended it.
    Ended(Ending),
    /// The listener ended or was stopped.
    Stopped,
}

/// Runs `session` over `stream` until it ends, or `stop`.
pub(crate) async fn drive(
    stream: Stream,
    session: &mut Session<'_>,
    inbox: &Inbox,
    send_queue: &mut SendQueue,
    stop: &CancellationToken,
) -> Outcome {
    let mut link = Link::new(stream);
    let mut todo = session.begin();
    loop {
        if let Err(outcome) = run_actions(todo, &mut link, inbox, send_queue).await {
            return outcome;
        }
        todo = tokio::select! {
            biased;
            () = stop.cancelled() => {
                link.leave().await;
                return Outcome::Stopped;
            }
            event = link.next() => match event {
                Ok(()) => {
                    let now = clock::now();
                    if let Err(outcome) = take_lines(&mut link, session, now, inbox, send_queue).await {
                        return outcome;
                    }
                    vec![]
                }
                Err(ending) => return Outcome::Ended(ending),
            },
            outgoing = send_queue.next() => {
                let number = link.ask(outgoing.answer);
                let say = Event::Say { number, target: outgoing.target, text: outgoing.text };
                session.handle(say, clock::now())
            }
            () = at(session.deadline()) => session.handle(Event::Tick, clock::now()),
        };
    }
}

/// Passes all lines of a read to `session`.
async fn take_lines(
    link: &mut Link,
    session: &mut Session<'_>,
    now: Instant,
    inbox: &Inbox,
    send_queue: &SendQueue,
) -> Result<(), Outcome> {
    run_actions(session.handle(Event::Read, now), link, inbox, send_queue).await?;
    while let Some(wire) = link.incoming.next() {
        tracing::trace!(?wire, "from the server");
        run_actions(session.handle(Event::Wire(wire), now), link, inbox, send_queue).await?;
    }
    Ok(())
}

/// Runs the session's actions.
async fn run_actions(
    actions: Vec<Action>,
    link: &mut Link,
    inbox: &Inbox,
    send_queue: &SendQueue,
) -> Result<(), Outcome> {
    for action in actions {
        let input = match action {
            Action::Send(command) if link.outgoing.len() > MAX_WAITING => {
                tracing::debug!(?command, "not sent");
                return Err(Outcome::Ended(Ending::new("it does not read what is sent to it")));
            }
            Action::Send(command) => {
                link.outgoing.extend_from_slice(&encode(command));
                continue;
            }
            Action::Said(number) => {
                link.sent.extend(link.asked.remove(&number));
                continue;
            }
            Action::Unsaid(number, why) => {
                if let Some(answer) = link.asked.remove(&number) {
                    reply(answer, Err(why));
                }
                continue;
            }
            Action::Membership(membership) => {
                send_queue.membership.send_replace(membership);
                continue;
            }
            Action::End(ending) => return Err(Outcome::Ended(ending)),
            Action::Hear(message) => Input::Message(message),
            Action::Notice(text) => Input::Notice(inbox.source(), text),
        };
        inbox.send(input).await.map_err(|_closed| Outcome::Stopped)?;
    }
    Ok(())
}

/// The two directions of a connection, and their buffers.
struct Link {
    reader: ReadHalf<Stream>,
    writer: WriteHalf<Stream>,
    incoming: Incoming,
    outgoing: BytesMut,
    /// Whether all was flushed: TLS may buffer what was written.
    flushed: bool,
    /// The callers that wait for a text to be sent, by its number. They are dropped with the
    /// connection, which the callers notice.
    asked: BTreeMap<u64, Answer>,
    n_asked: u64,
    /// The callers whose text is not wholly written yet.
    sent: Vec<Answer>,
}

impl Link {
    fn new(stream: Stream) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        let (incoming, outgoing) = (Incoming::default(), BytesMut::new());
        let (asked, n_asked, sent) = (BTreeMap::new(), 0, Vec::new());
        Self { reader, writer, incoming, outgoing, flushed: true, asked, n_asked, sent }
    }

    /// A number for the text that `answer` waits for.
    fn ask(&mut self, answer: Answer) -> u64 {
        self.n_asked += 1;
        self.asked.insert(self.n_asked, answer);
        self.n_asked
    }

    /// Writes `outgoing`, and reads; ready when something was read. Cancel-safe: what was written
    /// has left `outgoing`, what was read is in `incoming`.
    async fn next(&mut self) -> Result<(), Ending> {
        loop {
            let waiting = !self.outgoing.is_empty() || !self.flushed;
            tokio::select! {
                written = write(&mut self.writer, &mut self.outgoing, &mut self.flushed), if waiting => {
                    written.map_err(|error| lost(&error))?;
                    if self.outgoing.is_empty() && self.flushed {
                        self.sent.drain(..).for_each(|answer| reply(answer, Ok(())));
                    }
                }
                read = self.reader.read_buf(self.incoming.space()) => {
                    return match read {
                        Ok(0) => Err(Ending::new("it closed the connection")),
                        Ok(_) => Ok(()),
                        Err(error) => Err(lost(&error)),
                    };
                }
            }
        }
    }

    /// Sends `QUIT`, and waits a little for the server to close: otherwise others see a lost
    /// connection, not a quit.
    async fn leave(&mut self) {
        self.outgoing.extend_from_slice(&encode(Command::QUIT(None)));
        let farewell = async {
            loop {
                let read = self.next().await;
                while self.incoming.next().is_some() {}
                if read.is_err() {
                    return;
                }
            }
        };
        if timeout(FAREWELL, farewell).await.is_err() {
            tracing::debug!("the server did not close the connection after QUIT");
        }
    }
}

async fn write(
    writer: &mut WriteHalf<Stream>,
    outgoing: &mut BytesMut,
    flushed: &mut bool,
) -> io::Result<()> {
    if !outgoing.is_empty() {
        *flushed = false;
        writer.write_buf(outgoing).await?;
    }
    if outgoing.is_empty() {
        writer.flush().await?;
        *flushed = true;
    }
    Ok(())
}

fn lost(error: &io::Error) -> Ending {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ending::new("it closed the connection"),
        _ => Ending::new(reason(error)),
    }
}
