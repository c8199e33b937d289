//! Standard output: the words of each line, or events.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::roll::{Roll, Signals};
use crate::config::error::escaped;
use crate::config::saved::Saved;
use crate::error::Error;
use crate::hearing::{Heard, Hearing};
use crate::message::Message;
use crate::source::Input;

/// `--text`: prints the words of each line, at once. Lines that came in one read go out in one
/// write; nothing is held back.
pub(super) async fn print(
    mut inbox: mpsc::Receiver<Input>,
    mut hearing: Hearing,
    mut roll: Roll,
    mut signals: Signals,
    mut saved: Saved,
    reload: super::Reload<'_>,
) -> Result<(), Error> {
    let mut out = Vec::new();
    while !roll.is_empty() {
        let input = tokio::select! {
            input = inbox.recv() => input,
            () = saved.changed() => {
                match reload() {
                    Ok(settings) => {
                        hearing.configure(settings.filter, settings.naming);
                        saved = settings.saved;
                    }
                    Err(error) => eprintln!("irc-speak: {error}; the old configuration stays"),
                }
                continue;
            }
            ended = signals.next() => {
                roll.dismiss(&mut inbox).await;
                return ended.map(|_| ());
            }
        };
        let mut take = |_: Message<'_>, _, heard: Heard<'_>| {
            if let Heard::Words(words, _) = heard {
                out.extend_from_slice(words.as_bytes());
                out.push(b'\n');
            }
        };
        match input {
            Some(Input::Lines(lines)) => hearing.lines(&lines, &mut take),
            Some(Input::Message(message)) => hearing.message(message, &mut take),
            Some(Input::Sample(lines)) => hearing.sample(&lines),
            Some(Input::Notice(source, text)) => {
                eprintln!("irc-speak: {}: {}", escaped(hearing.name(source)), escaped(&text));
            }
            Some(Input::Ended(_, ended)) => roll.strike(ended)?,
            None => break,
        }
        io::stdout().lock().write_all(&out).map_err(Error::stdout)?;
        io::stdout().lock().flush().map_err(Error::stdout)?;
        out.clear();
    }
    roll.result()
}

pub(super) type Printer = (Option<Sender<Vec<u8>>>, oneshot::Receiver<()>, Option<JoinHandle<()>>);

/// A thread that prints events. The receiver tells when nobody reads them any more.
pub(super) fn events() -> Result<Printer, Error> {
    let (events, told) = std::sync::mpsc::channel::<Vec<u8>>();
    let (leave, gone) = oneshot::channel();
    let print = move || {
        let mut stdout = io::stdout().lock();
        for line in told {
            if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
                drop(leave);
                return;
            }
        }
        std::mem::forget(leave); // all was printed: nobody has left
    };
    let thread = std::thread::Builder::new().name("events".to_owned()).spawn(print);
    let thread = thread.map_err(Error::system("cannot start a thread"))?;
    Ok((Some(events), gone, Some(thread)))
}

pub(super) fn no_events() -> Printer {
    let (leave, gone) = oneshot::channel();
    std::mem::forget(leave); // nobody reads, so nobody leaves
    (None, gone, None)
}
