//! The voice process: reads requests, has the engine speak them into the output, and reports. Three
//! threads: this one reads requests, so that a stop is seen while the engine works; one owns engine
//! and output; one writes reports and the heartbeat.
#![forbid(unsafe_code)]

use std::io::{self, BufRead, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::player;
use crate::audio::report::Reporter;
use crate::wire::{First, Report, Request, Setup, line};

/// How long the output may take to close when the listener is gone.
const GOODBYE: Duration = Duration::from_millis(200);

/// Reports that this process cannot start, and why.
pub(crate) fn refuse(why: &str) -> io::Result<()> {
    let report = Report::Refused { why: why.to_owned(), configuration: false };
    io::stdout().write_all(&line(&report))
}

/// Runs the voice process to its end.
pub(crate) fn run() -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let Some(setup) = lines.next().transpose()? else { return Ok(()) };
    if let Ok(First::Check(check)) = serde_json::from_str(&setup) {
        return io::stdout().write_all(&line(&super::check::run(&check)));
    }
    let setup: Setup = serde_json::from_str(&setup)?;
    let reporter = Reporter::start()?;
    let (orders, ordered) = mpsc::channel();
    let (ended, is_ended) = mpsc::channel::<()>();
    let theirs = reporter.clone();
    let engine = thread::Builder::new().name("engine".to_owned()).spawn(move || {
        let _ended = ended; // dropped at the end, also by a panic
        let _abort = AbortOnPanic;
        player::run(&setup, &ordered, &theirs);
    })?;
    let is_finishing = forward(lines, &orders, &reporter, engine.thread())?;
    drop(orders);
    if is_finishing {
        // The engine's thread ends when everything is spoken; the listener watches the heartbeat.
        let _closed = is_ended.recv();
    } else {
        // The listener is gone: stop, and give the output a moment to close.
        reporter.stop();
        engine.thread().unpark();
        let _closed = is_ended.recv_timeout(GOODBYE);
    }
    Ok(())
}

/// Forwards requests to the engine's thread; true after [`Request::Finish`], false where the
/// listener is gone before.
fn forward(
    lines: impl Iterator<Item = io::Result<String>>,
    orders: &mpsc::Sender<Request>,
    reporter: &Reporter,
    engine: &thread::Thread,
) -> io::Result<bool> {
    for line in lines {
        let order: Request = serde_json::from_str(&line?)?;
        let is_last = matches!(order, Request::Finish);
        match &order {
            Request::Speak(speech) => reporter.ordered(speech.id),
            Request::Stop => {
                reporter.stop();
                engine.unpark();
            }
            Request::Earcon(_) | Request::Measure { .. } | Request::Finish => {}
        }
        if orders.send(order).is_err() || is_last {
            return Ok(is_last);
        }
    }
    Ok(false)
}

/// Aborts the process where a thread panics, so that the listener notices.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}
