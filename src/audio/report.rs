//! Sends reports and the heartbeat to the listener, and lets every thread of the voice process
//! check whether the sound is still wanted.
//!
//! The heartbeat comes from the reporting thread: neither a hung engine nor a stalled device can
//! delay it. A hung engine is detected here, too; a stalled device in `stall`.
#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::clock;
use crate::message::UtteranceId;
use crate::wire::{Report, line};

/// The interval of the heartbeat while there is work.
const BEAT: Duration = Duration::from_millis(150);

/// After this many beats without progress, the engine is hung. Beats are counted, not time: a
/// process that was stopped meanwhile has missed none.
const N_HUNG: u32 = 6;

/// A message to the reporting thread.
enum News {
    Ordered(UtteranceId),
    Stopped,
    Report(Report),
    /// Answered once everything before it is written.
    Reached(Sender<()>),
}

/// Sends reports to the listener, and shares with the threads what is wanted.
#[derive(Clone)]
pub(crate) struct Reporter {
    news: Sender<News>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Stops requested, and stops that the engine's thread has carried out.
    stops: AtomicU64,
    stopped: AtomicU64,
    /// The engine's thread is inside the engine: it does not wait for the output.
    is_in_engine: AtomicBool,
    /// Counts the engine's progress.
    progress: AtomicU64,
}

impl Reporter {
    /// Starts the thread that writes reports to standard output.
    pub(crate) fn start() -> io::Result<Self> {
        let (news, inbox) = mpsc::channel();
        let reporter = Self { news, shared: Arc::default() };
        let shared = Arc::clone(&reporter.shared);
        let write = move || write(&inbox, &shared);
        thread::Builder::new().name("reports".to_owned()).spawn(write)?;
        Ok(reporter)
    }

    /// A reporter without a reading thread: the real one locks standard output.
    #[cfg(test)]
    pub(crate) fn unread() -> Self {
        Self { news: mpsc::channel().0, shared: Arc::default() }
    }

    /// Sends `report` to the listener.
    pub(crate) fn report(&self, report: Report) {
        self.send(News::Report(report));
    }

    /// Sends `report` and waits until it is written, for at most `limit`; returns whether it is. A
    /// crash after that cannot lose it.
    pub(crate) fn report_first(&self, report: Report, limit: Duration) -> bool {
        let (reached, is_reached) = mpsc::channel();
        self.report(report);
        self.send(News::Reached(reached));
        is_reached.recv_timeout(limit).is_ok()
    }

    fn send(&self, news: News) {
        // The reporting thread ends only with the process.
        if self.news.send(news).is_err() {
            tracing::error!("the reporting thread has ended");
        }
    }

    /// An utterance was requested: the heartbeat runs from now on.
    pub(crate) fn ordered(&self, id: UtteranceId) {
        self.send(News::Ordered(id));
    }

    /// A stop was requested: nothing is wanted until the engine's thread has carried it out.
    pub(crate) fn stop(&self) {
        self.shared.stops.fetch_add(1, Ordering::AcqRel);
        self.send(News::Stopped);
    }

    /// The engine made progress.
    pub(crate) fn progress(&self) {
        self.shared.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Sets whether the engine's thread is inside the engine; returns whether it was before.
    pub(crate) fn in_engine(&self, is_inside: bool) -> bool {
        self.progress();
        self.shared.is_in_engine.swap(is_inside, Ordering::AcqRel)
    }

    /// Whether the current utterance is still wanted: no stop is pending.
    pub(crate) fn is_wanted(&self) -> bool {
        self.shared.stops.load(Ordering::Acquire) == self.shared.stopped.load(Ordering::Acquire)
    }

    /// The engine's thread has carried out this many stops.
    pub(crate) fn stopped(&self, n_stops: u64) {
        self.shared.stopped.store(n_stops, Ordering::Release);
    }

    /// Waits on the engine's thread until `until`, or a stop, for at most `limit`; returns whether
    /// `until` holds. The thread that makes it true unparks this one.
    pub(crate) fn wait(&self, limit: Duration, until: impl Fn() -> bool) -> bool {
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

/// Checks at each beat whether the engine's thread is inside the engine without progress.
#[derive(Debug, Default)]
struct Watch {
    seen: u64,
    n_still: u32,
}

impl Watch {
    /// Whether the engine is hung; `true` only once.
    fn is_hung(&mut self, is_in_engine: bool, progress: u64) -> bool {
        let is_still = std::mem::replace(&mut self.seen, progress) == progress && is_in_engine;
        self.n_still = if is_still { self.n_still + 1 } else { 0 };
        self.n_still == N_HUNG
    }
}

/// The reporting thread: writes reports as they come, and the heartbeat while there is work.
fn write(inbox: &Receiver<News>, shared: &Shared) {
    let mut stdout = io::stdout().lock();
    let mut work = Work { pending: vec![], beat: clock::now(), watch: Watch::default() };
    while let Some(report) = work.next_report(inbox, shared) {
        if stdout.write_all(&line(&report)).and_then(|()| stdout.flush()).is_err() {
            return; // the listener is gone; standard input has ended, too
        }
    }
}

/// The work that the heartbeat is for.
struct Work {
    /// Utterances that were requested and have not ended.
    pending: Vec<UtteranceId>,
    /// When the next heartbeat is due, while there are any.
    beat: Instant,
    watch: Watch,
}

impl Work {
    /// Waits for the next report, from another thread or the heartbeat; none when all other threads
    /// have ended.
    fn next_report(&mut self, inbox: &Receiver<News>, shared: &Shared) -> Option<Report> {
        loop {
            let news = if self.pending.is_empty() {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                inbox.recv_timeout(self.beat.saturating_duration_since(clock::now()))
            };
            match news {
                Ok(News::Ordered(id)) => {
                    if self.pending.is_empty() {
                        self.beat = clock::now() + BEAT;
                    }
                    self.pending.push(id);
                }
                Ok(News::Stopped) => self.pending.clear(),
                Ok(News::Reached(reached)) => {
                    let _gave_up = reached.send(());
                }
                Ok(News::Report(report)) => {
                    if let Report::Finished { id, .. }
                    | Report::Silent { id }
                    | Report::Failed { id, .. } = &report
                    {
                        self.pending.retain(|other| other != id);
                    }
                    return Some(report);
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.beat = clock::now() + BEAT;
                    let progress = shared.progress.load(Ordering::Relaxed);
                    let is_in_engine = shared.is_in_engine.load(Ordering::Acquire);
                    let is_hung = self.watch.is_hung(is_in_engine, progress);
                    return Some(if is_hung { Report::Hung } else { Report::Alive });
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

#[test]
fn an_engine_without_progress_is_hung_but_not_one_that_waits_for_the_output() {
    let n_hung = |looks: &[(bool, u64)]| {
        let mut watch = Watch::default();
        looks.iter().filter(|&&(inside, progress)| watch.is_hung(inside, progress)).count()
    };
    assert_eq!(n_hung(&[(true, 1); 20]), 1, "reported once");
    assert_eq!(n_hung(&[(false, 1); 20]), 0, "it waits for the output");
    assert_eq!(n_hung(&(0..20).map(|n| (true, n)).collect::<Vec<_>>()), 0, "it goes on");
    let in_turns: Vec<_> = (0..20).map(|n| (n % 5 > 0, n / 5)).collect();
    assert_eq!(n_hung(&in_turns), 0, "only short stalls");
}
