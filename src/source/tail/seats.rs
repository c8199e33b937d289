//! Limits how many logs hold their files open; the others open their file only to read it.
//!
//! A third of the files that the process may open are seats for logs: half of them are permanent,
//! the others are shared in turn. Another third is for a rotated file of each log with a seat, and
//! the last third for the rotated files of logs that gave up their seats.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;

/// The process's seats. A static, because the limit is per process.
static SEATS: LazyLock<Seats> = LazyLock::new(|| Seats::of(limits::raise_files()));

/// Files reserved for other uses: sockets, pipes, watches, short reads.
const OTHERS: usize = 64;

/// The maximal number of shared seats.
const SHARED: usize = 512;

struct Seats {
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    rotated: Arc<Semaphore>,
    /// How many files may be open.
    n_files: usize,
    n_logs: AtomicUsize,
    is_reported: AtomicBool,
}

impl Seats {
    /// The seats of a process that may open `n_files`.
    fn of(n_files: usize) -> Self {
        let all = (n_files.saturating_sub(OTHERS) / 3).min(Semaphore::MAX_PERMITS);
        let shared = (all / 2).clamp(1, SHARED);
        Self {
            own: Arc::new(Semaphore::new(all.saturating_sub(shared))),
            shared: Arc::new(Semaphore::new(shared)),
            rotated: Arc::new(Semaphore::new(all)),
            n_files,
            n_logs: AtomicUsize::new(0),
            is_reported: AtomicBool::new(false),
        }
    }
}

/// The right to hold a log's file open, until it is dropped.
pub(super) struct Seat {
    _permit: OwnedSemaphorePermit,
    /// Others may wait for it: do not keep it without need.
    pub(super) is_shared: bool,
}

/// Waits for a seat; first come, first served. Cancel-safe.
pub(super) async fn take() -> Seat {
    if let Ok(permit) = Arc::clone(&SEATS.own).try_acquire_owned() {
        return Seat { _permit: permit, is_shared: false };
    }
    match Arc::clone(&SEATS.shared).acquire_owned().await {
        Ok(permit) => Seat { _permit: permit, is_shared: true },
        Err(_) => std::future::pending().await, // nobody closes it
    }
}

/// The right to hold a rotated file open without a seat, until it is dropped; none if too many are
/// open.
pub(super) fn take_rotated() -> Option<OwnedSemaphorePermit> {
    Arc::clone(&SEATS.rotated).try_acquire_owned().ok()
}

/// Counts `n_logs` more followed logs.
pub(super) fn count(n_logs: usize) {
    SEATS.n_logs.fetch_add(n_logs, Ordering::Relaxed);
}

/// The notice that not all logs are held open; only the first time.
pub(super) fn notice() -> Option<String> {
    let is_reported = SEATS.is_reported.swap(true, Ordering::Relaxed);
    let (n_logs, n_files) = (SEATS.n_logs.load(Ordering::Relaxed), SEATS.n_files);
    (!is_reported).then(|| {
        format!(
            "{n_logs} logs, {n_files} files may be open: some are opened only to read what is new; \
             no line is lost"
        )
    })
}

#[test]
fn a_third_of_the_files_are_seats_for_logs() {
    for (n_files, own, shared) in
        [(1_024, 160, 160), (20_000, 6_133, 512), (24, 0, 1), (73, 2, 1), (256, 32, 32)]
    {
        let seats = Seats::of(n_files);
        let n = (seats.own.available_permits(), seats.shared.available_permits());
        assert_eq!(n, (own, shared), "of {n_files}");
    }
    Seats::of(usize::MAX);
}
