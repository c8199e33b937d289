//! The voice process: reads orders, has the engine speak them into the output, and reports. Three
//! threads: this one reads orders, so that "stop" is seen while the engine works; one owns engine
//! and output; one writes reports and the signs of life.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::player;
use crate::clock;
use crate::message::UtteranceId;
use crate::voice::wire::{Order, Report, Setup, line};

/// How often a sign of life is given while there is work.
const BEAT: Duration = Duration::from_millis(150);

/// What the reporting thread is told.
enum News {
    Ordered(UtteranceId),
    Stopped,
    Report(Report),
}

/// Tells the listener what happens, and the threads what is wanted.
#[derive(Clone)]
pub struct Reporter {
    news: Sender<News>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Stops that were ordered, and stops that the engine's thread has carried out.
    stops: AtomicU64,
    stopped: AtomicU64,
    /// Counts whatever moves: samples made, samples heard.
    progress: AtomicU64,
}

impl Reporter {
    /// Sends `report` to the listener.
    pub fn report(&self, report: Report) {
        // The reporting thread ends only with the process.
        if self.news.send(News::Report(report)).is_err() {
            tracing::error!("nobody reports");
        }
    }

    /// Something moved.
    pub fn progress(&self) {
        self.shared.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether what is being spoken is still wanted: no stop was ordered that is not carried out.
    pub fn is_wanted(&self) -> bool {
        self.shared.stops.load(Ordering::Acquire) == self.shared.stopped.load(Ordering::Acquire)
    }

    /// What was wanted before the last stop is not being done any more.
    pub fn stopped(&self, n_stops: u64) {
        self.shared.stopped.store(n_stops, Ordering::Release);
    }

    /// Waits on the engine's thread until `until`, or a stop, for at most `limit`; gives whether
    /// `until` holds. Who makes it true unparks the thread.
    pub fn wait(&self, limit: Duration, until: impl Fn() -> bool) -> bool {
        let deadline = clock::now() + limit;
        loop {
            if until() {
                return true;
            }
            let left = deadline.saturating_duration_since(clock::now());
            if left.is_zero() || !self.is_wanted() {
                return false;
            }
            thread::park_timeout(left);
        }
    }
}

/// Runs the voice process to its end.
pub fn run() -> io::Result<()> {
    let mut lines = io::stdin().lock().lines();
    let Some(setup) = lines.next().transpose()? else { return Ok(()) };
    let setup: Setup = serde_json::from_str(&setup)?;
    let (news, told) = mpsc::channel();
    let reporter = Reporter { news, shared: Arc::new(Shared::default()) };
    thread::Builder::new().name("reports".to_owned()).spawn({
        let shared = Arc::clone(&reporter.shared);
        move || report(&told, &shared)
    })?;
    let (orders, ordered) = mpsc::channel();
    let (ended, is_ended) = mpsc::channel::<()>();
    let theirs = reporter.clone();
    let engine = thread::Builder::new().name("engine".to_owned()).spawn(move || {
        let _ended = ended; // dropped at the end, however it comes
        player::run(&setup, &ordered, &theirs);
    })?;
    let mut is_last = false;
    for line in lines {
        let order: Order = serde_json::from_str(&line?)?;
        match &order {
            Order::Speak(speech) => note(&reporter, News::Ordered(speech.id)),
            Order::Stop => {
                reporter.shared.stops.fetch_add(1, Ordering::AcqRel);
                note(&reporter, News::Stopped);
                engine.thread().unpark();
            }
            Order::Cue => {}
            Order::Finish => is_last = true,
        }
        if orders.send(order).is_err() || is_last {
            break;
        }
    }
    drop(orders);
    if is_last {
        // The engine's thread ends when all is said; the listener's signs of life watch over it.
        let _closed = is_ended.recv();
    } else {
        // The listener is gone: be silent, and give the output a moment to put itself in order.
        reporter.shared.stops.fetch_add(1, Ordering::AcqRel);
        engine.thread().unpark();
        let _closed = is_ended.recv_timeout(Duration::from_millis(200));
    }
    Ok(())
}

fn note(reporter: &Reporter, news: News) {
    if reporter.news.send(news).is_err() {
        tracing::error!("nobody reports");
    }
}

/// The reporting thread: writes reports as they come, and signs of life while there is work and
/// something moved since the last.
fn report(told: &Receiver<News>, shared: &Shared) {
    let mut seen = 0;
    let mut working: Vec<UtteranceId> = Vec::new();
    let mut stdout = io::stdout().lock();
    loop {
        let news = if working.is_empty() {
            told.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            told.recv_timeout(BEAT)
        };
        let report = match news {
            Ok(News::Ordered(id)) => {
                working.push(id);
                continue;
            }
            Ok(News::Stopped) => {
                working.clear();
                continue;
            }
            Ok(News::Report(report)) => report,
            Err(RecvTimeoutError::Timeout) => {
                let progress = shared.progress.load(Ordering::Relaxed);
                if std::mem::replace(&mut seen, progress) == progress {
                    continue;
                }
                Report::Alive
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if let Report::Finished { id } | Report::Failed { id, .. } = &report {
            working.retain(|other| other != id);
        }
        if stdout.write_all(&line(&report)).and_then(|()| stdout.flush()).is_err() {
            return; // the listener is gone; standard input tells the same
        }
    }
}
