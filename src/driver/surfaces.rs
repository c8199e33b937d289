//! The surfaces that control the listener: keys and the transcript on a terminal, the socket, media
//! keys. Each is a task.
#![forbid(unsafe_code)]

use std::io::{self, IsTerminal};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::settings::Screen;
use crate::control::screen::style::Style;
use crate::control::{Controls, TranscriptEvent, keys, mpris, screen, socket};

/// How long each part may take to end.
pub(super) const GOODBYE: Duration = Duration::from_secs(1);

/// The running surfaces.
#[derive(Default)]
pub(super) struct Surfaces {
    /// Events for the terminal, where there is one. Unbounded: the listener does not wait for it,
    /// and the task that takes them never waits for the terminal.
    transcript: Option<mpsc::UnboundedSender<TranscriptEvent>>,
    tasks: Vec<JoinHandle<()>>,
    leave: CancellationToken,
}

impl Surfaces {
    /// Starts all surfaces.
    pub(super) fn start(
        controls: &Controls,
        screen: Screen,
        configuration: Option<String>,
    ) -> Self {
        let leave = CancellationToken::new();
        let mut tasks = Vec::new();
        let transcript = io::stderr().is_terminal().then(|| {
            let style = match screen {
                Screen::Quiet => Style::quiet(),
                Screen::Plain => Style::new(true),
                Screen::AsItCan => Style::new(false),
            };
            let (transcript, events) = mpsc::unbounded_channel();
            let keys = keys::run(controls.clone(), transcript.clone(), style, leave.clone());
            tasks.push(tokio::spawn(keys));
            let screen = screen::drive::run(events, controls.clone(), style, leave.clone());
            tasks.push(tokio::spawn(screen));
            transcript
        });
        let print_news = news(transcript.clone(), screen);
        let socket = socket::run(controls.clone(), configuration, print_news, leave.clone());
        tasks.push(tokio::spawn(socket));
        tasks.push(tokio::spawn(mpris::serve(controls.clone(), leave.clone())));
        Self { transcript, tasks, leave }
    }

    /// Whether there is a transcript.
    pub(super) fn has_transcript(&self) -> bool {
        self.transcript.is_some()
    }

    /// Shows an event in the transcript, if there is one.
    pub(super) fn transcribe(&self, event: TranscriptEvent) {
        transcribe(self.transcript.as_ref(), event);
    }

    /// Prints a notice: in the transcript, or on standard error.
    pub(super) fn notify(&self, text: String) {
        match &self.transcript {
            Some(_) => self.transcribe(TranscriptEvent::Notice(text)),
            None => eprintln!("irc-speak: {text}"),
        }
    }

    /// What shows a line that is not essential, where there is a transcript.
    pub(super) fn news(&self) -> impl FnOnce(String) + Send + use<> {
        let transcript = self.transcript.clone();
        move |text| transcribe(transcript.as_ref(), TranscriptEvent::News(text))
    }

    /// Ends all surfaces.
    pub(super) async fn finish(self) {
        self.leave.cancel();
        for task in self.tasks {
            if timeout(GOODBYE, task).await.is_err() {
                tracing::debug!("a control surface did not end in time");
            }
        }
    }
}

fn transcribe(to: Option<&mpsc::UnboundedSender<TranscriptEvent>>, event: TranscriptEvent) {
    if let Some(transcript) = to
        && transcript.send(event).is_err()
    {
        tracing::debug!("the terminal is gone");
    }
}

/// Prints news that are not essential; nothing with [`Screen::Quiet`].
fn news(
    transcript: Option<mpsc::UnboundedSender<TranscriptEvent>>,
    screen: Screen,
) -> impl Fn(String) {
    move |text| match &transcript {
        Some(_) => transcribe(transcript.as_ref(), TranscriptEvent::News(text)),
        None if screen == Screen::Quiet => {}
        None => eprintln!("irc-speak: {text}"),
    }
}
