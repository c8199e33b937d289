//! The way back from the sound to the listener: reports and signs of life; and what every thread of
//! the voice process must be able to ask: whether the sound is still wanted.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::message::UtteranceId;
use crate::voice::wire::{Report, line};

/// How often a sign of life is given while there is work.
const BEAT: Duration = Duration::from_millis(150);

/// What the reporting thread is told.
enum News {
    Ordered(UtteranceId),
    Stopped,
    Report(Report),
    /// Who sent this waits for it.
    Reached(Sender<()>),
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
    /// Starts the thread that writes reports to standard output.
    pub fn start() -> io::Result<Self> {
        let (news, told) = mpsc::channel();
        let reporter = Self { news, shared: Arc::default() };
        let shared = Arc::clone(&reporter.shared);
        let write = move || write(&told, &shared);
        thread::Builder::new().name("reports".to_owned()).spawn(write)?;
        Ok(reporter)
    }

    /// Sends `report` to the listener.
    pub fn report(&self, report: Report) {
        self.tell(News::Report(report));
    }

    /// Sends `report` and waits until it is written, for at most `limit`; gives whether it is. What
    /// kills the process after that has been told.
    pub fn report_first(&self, report: Report, limit: Duration) -> bool {
        let (reached, is_reached) = mpsc::channel();
        self.report(report);
        self.tell(News::Reached(reached));
        is_reached.recv_timeout(limit).is_ok()
    }

    fn tell(&self, news: News) {
        // The reporting thread ends only with the process.
        if self.news.send(news).is_err() {
            tracing::error!("nobody reports");
        }
    }

    /// An utterance was ordered: from now on signs of life are owed.
    pub fn ordered(&self, id: UtteranceId) {
        self.tell(News::Ordered(id));
    }

    /// A stop was ordered: nothing is wanted until the engine's thread has carried it out.
    pub fn stop(&self) {
        self.shared.stops.fetch_add(1, Ordering::AcqRel);
        self.tell(News::Stopped);
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

/// The reporting thread: writes reports as they come, and signs of life while there is work and
/// something moved since the last.
fn write(told: &Receiver<News>, shared: &Shared) {
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
            Ok(News::Reached(reached)) => {
                let _gave_up = reached.send(());
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
        if let Report::Finished { id, .. } | Report::Silent { id } | Report::Failed { id, .. } =
            &report
        {
            working.retain(|other| other != id);
        }
        if stdout.write_all(&line(&report)).and_then(|()| stdout.flush()).is_err() {
            return; // the listener is gone; standard input tells the same
        }
    }
}
