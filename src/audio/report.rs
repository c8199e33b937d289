//! The way back from the sound to the listener: reports and the heartbeat; and what every thread of
//! the voice process must be able to ask: whether the sound is still wanted.
//!
//! The heartbeat is the reporting thread's own: neither an engine nor a device that stands still can
//! hold it up. Whether the engine is hung is looked at here, too; a device watches over itself.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::clock;
use crate::message::UtteranceId;
use crate::voice::wire::{Report, line};

/// How often a sign of life is given while there is work.
const BEAT: Duration = Duration::from_millis(150);

/// So many beats without any progress inside the engine, and it is hung. Beats are counted, not
/// time: a process that was stopped meanwhile has lost no beat.
const N_HUNG: u32 = 6;

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
    /// The engine's thread is inside the engine: it does not wait for the output.
    is_in_engine: AtomicBool,
    /// Counts what the engine makes.
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

    /// One whose reports nobody reads: the real one keeps standard output to itself.
    #[cfg(test)]
    pub fn unread() -> Self {
        Self { news: mpsc::channel().0, shared: Arc::default() }
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

    /// Something went on inside the engine.
    pub fn progress(&self) {
        self.shared.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the engine's thread is inside the engine from now on; gives whether it was before.
    pub fn in_engine(&self, is_inside: bool) -> bool {
        self.progress();
        self.shared.is_in_engine.swap(is_inside, Ordering::AcqRel)
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

/// Looks at the engine at each beat: inside it, and at the same place as before, too often?
#[derive(Debug, Default)]
struct Watch {
    seen: u64,
    n_still: u32,
}

impl Watch {
    /// Whether the engine is hung, told once.
    fn is_hung(&mut self, is_in_engine: bool, progress: u64) -> bool {
        let is_still = std::mem::replace(&mut self.seen, progress) == progress && is_in_engine;
        self.n_still = if is_still { self.n_still + 1 } else { 0 };
        self.n_still == N_HUNG
    }
}

/// The reporting thread: writes reports as they come, and signs of life while there is work.
fn write(told: &Receiver<News>, shared: &Shared) {
    let mut watch = Watch::default();
    let mut working: Vec<UtteranceId> = Vec::new();
    let mut beat = clock::now() + BEAT;
    let mut stdout = io::stdout().lock();
    loop {
        let news = if working.is_empty() {
            told.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            told.recv_timeout(beat.saturating_duration_since(clock::now()))
        };
        let report = match news {
            Ok(News::Ordered(id)) => {
                if working.is_empty() {
                    beat = clock::now() + BEAT;
                }
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
                beat = clock::now() + BEAT;
                let progress = shared.progress.load(Ordering::Relaxed);
                let is_in_engine = shared.is_in_engine.load(Ordering::Acquire);
                if watch.is_hung(is_in_engine, progress) { Report::Hung } else { Report::Alive }
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

#[test]
fn an_engine_is_hung_that_stands_still_inside_and_not_one_that_waits_for_the_output() {
    let told = |looks: &[(bool, u64)]| {
        let mut watch = Watch::default();
        looks.iter().filter(|&&(inside, progress)| watch.is_hung(inside, progress)).count()
    };
    assert_eq!(told(&[(true, 1); 20]), 1, "told once");
    assert_eq!(told(&[(false, 1); 20]), 0, "it waits for the output");
    assert_eq!(told(&(0..20).map(|n| (true, n)).collect::<Vec<_>>()), 0, "it goes on");
    let in_turns: Vec<_> = (0..20).map(|n| (n % 5 > 0, n / 5)).collect();
    assert_eq!(told(&in_turns), 0, "it stood still for a moment, now and then");
}
