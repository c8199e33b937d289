//! The screen's driver: waits for events, and passes the screen's text to a thread. A terminal that
//! is stopped (Ctrl-S) or slow blocks the thread, never the voice.
#![forbid(unsafe_code)]

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::tty::{LOOK, Size, is_foreground};
use super::super::{Controls, Snapshot, TranscriptEvent};
use super::Screen;
use super::style::Style;
use crate::clock::{at, now};

/// How long the terminal may take for the last text.
const GOODBYE: Duration = Duration::from_millis(100);

/// Shows events until the channel closes or `stop` is cancelled; events sent by then are shown.
/// Writes to standard error; ends when that is closed.
pub async fn run(
    mut events: mpsc::UnboundedReceiver<TranscriptEvent>,
    controls: Controls,
    style: Style,
    stop: CancellationToken,
) {
    let mut state = controls.state();
    drop(controls); // its sender would keep the listener from ending
    let mut screen = Screen::new(style, Size::of(stderr()), state.borrow_and_update().clone());
    let mut pen = Pen::new();
    let showing = show(&mut screen, &mut events, &mut state, &mut pen);
    if stop.run_until_cancelled(showing).await == Some(Gone::Terminal) {
        return;
    }
    while let Ok(event) = events.try_recv() {
        screen.handle(event);
    }
    if timeout(GOODBYE, pen.write(screen.finish())).await.is_err() {
        tracing::debug!("the terminal does not take the last lines");
    }
}

/// What has ended.
#[derive(PartialEq, Eq)]
enum Gone {
    Listener,
    Terminal,
}

async fn show(
    screen: &mut Screen,
    events: &mut mpsc::UnboundedReceiver<TranscriptEvent>,
    state: &mut watch::Receiver<Snapshot>,
    pen: &mut Pen,
) -> Gone {
    let of = |it: SignalKind| signal(it).ok();
    let mut resized = of(SignalKind::window_change());
    let mut resumed = of(SignalKind::from_raw(Number::CONT.as_raw()));
    let is_terminal = stderr().is_terminal();
    loop {
        let is_away = is_terminal && !is_foreground(stderr());
        screen.set_foreground(!is_away);
        if pen.write(screen.paint(now())).await.is_err() {
            return Gone::Terminal;
        }
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => screen.handle(event),
                None => return Gone::Listener,
            },
            Ok(()) = state.changed() => {}
            () = next(&mut resized) => screen.resize(Size::of(stderr())),
            () = next(&mut resumed) => screen.resume(),
            () = at(screen.deadline()) => {}
            () = sleep(LOOK), if is_away => {}
        }
        // Events that came together are written together.
        while let Ok(event) = events.try_recv() {
            screen.handle(event);
        }
        screen.set_state(state.borrow_and_update().clone());
    }
}

/// The next signal; waits forever where signals cannot be received.
async fn next(signals: &mut Option<Signal>) {
    let received = match signals {
        Some(signals) => signals.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Passes text to the thread that writes it.
struct Pen {
    texts: Sender<(String, oneshot::Sender<()>)>,
}

/// The thread that writes has ended.
struct Closed;

impl Pen {
    fn new() -> Self {
        let (texts, received) = std::sync::mpsc::channel();
        // Without a thread nothing is drawn: the next write finds the channel closed.
        if let Err(error) = std::thread::Builder::new().spawn(move || write_all(&received)) {
            tracing::warn!(%error, "nothing is shown");
        }
        Self { texts }
    }

    /// Waits until `text` is written: events in the meantime are drawn together.
    async fn write(&mut self, text: String) -> Result<(), Closed> {
        if text.is_empty() {
            return Ok(());
        }
        let (written, done) = oneshot::channel();
        self.texts.send((text, written)).map_err(|_| Closed)?;
        done.await.map_err(|_| Closed)
    }
}

fn write_all(texts: &Receiver<(String, oneshot::Sender<()>)>) {
    for (text, written) in texts {
        if stderr().lock().write_all(text.as_bytes()).is_err() {
            return; // the terminal is gone
        }
        if written.send(()).is_err() {
            tracing::trace!("the driver has moved on to its last text");
        }
    }
}
