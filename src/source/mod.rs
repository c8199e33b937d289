//! Where lines come from. Each source is one task (or thread) that reads and passes on what it
//! read; it knows nothing of formats, filters or speech, and waits only where it floods.
#![forbid(unsafe_code)]

mod backoff;
pub mod command;
mod error;
mod inbox;
pub mod irc;
pub mod lines;
pub mod notice;
pub mod room;
pub mod stdin;
pub mod tail;

use tokio_util::sync::CancellationToken;

use crate::clock;
pub use error::SourceError;
pub use inbox::{Ack, Closed, Inbox, Input};

/// Something to listen to.
#[derive(Clone, Debug)]
pub enum SourceSpec {
    /// Standard input.
    Stdin,
    /// A log file.
    Tail(tail::TailSpec),
    /// An IRC server.
    Irc(irc::IrcSpec),
    /// What a command prints.
    Command(command::CommandSpec),
    /// Lines that are known.
    Text(String),
}

impl SourceSpec {
    /// The name in rules and events; it comes from outside: escape it before printing.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "stdin".to_owned(),
            Self::Text(_) => "text".to_owned(),
            Self::Tail(spec) => spec.path.to_string_lossy().into_owned(),
            Self::Irc(spec) => spec.host.clone(),
            Self::Command(spec) => {
                spec.words.first().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
            }
        }
    }

    /// What it listens to, apart from how: the same for every listener to it. None where it differs
    /// each time. Contains no secrets; escape it before printing.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Stdin | Self::Text(_) => None,
            Self::Tail(spec) => {
                let path = std::path::absolute(&spec.path).unwrap_or_else(|_| spec.path.clone());
                Some(path.to_string_lossy().into_owned())
            }
            Self::Irc(spec) => {
                let channels = spec.channels.iter().map(|it| it.split(' ').next().unwrap_or(it));
                let channels: Vec<_> = channels.collect();
                Some(format!("{}:{} {}", spec.host, spec.port, channels.join(" ")))
            }
            Self::Command(command) => {
                let words: Vec<_> = command.words.iter().map(|it| it.to_string_lossy()).collect();
                Some(words.join("\0"))
            }
        }
    }

    /// Starts it as a task, or a thread; it sends [`Input::Ended`] last. An IRC source returns a
    /// handle for sending messages.
    pub fn start(self, inbox: Inbox, stop: CancellationToken) -> Option<irc::SendHandle> {
        if matches!(self, Self::Stdin) {
            stdin::spawn(inbox, stop);
            return None;
        }
        let (send_handle, send_queue) = irc::send_handle();
        let send_handle = matches!(self, Self::Irc(_)).then_some(send_handle);
        tokio::spawn(async move {
            let ended = match self {
                Self::Tail(spec) => tail::run(spec, inbox.clone(), stop).await.map_err(Into::into),
                Self::Irc(spec) => {
                    irc::run(spec, inbox.clone(), send_queue, stop).await.map_err(Into::into)
                }
                Self::Command(spec) => {
                    command::run(spec, inbox.clone(), stop).await.map_err(Into::into)
                }
                Self::Text(text) => {
                    // That the listener is gone shows below.
                    let _ = inbox.lines(text.into_bytes(), clock::now()).await;
                    Ok(())
                }
                Self::Stdin => Ok(()), // started as a thread above
            };
            let source = inbox.source();
            if inbox.send(Input::Ended(source, ended)).await.is_err() {
                tracing::debug!("a source outlived the listener");
            }
        });
        send_handle
    }
}
