//! How many logs hold their files open, and who has to be content with opening its file for a look.
//!
//! A third of the files that the process may open are seats for logs: half of them are taken for
//! good, the others go round. As many are room for a rotated file beside each, and as many for the
//! rotated files of those who have left their seats.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;

/// The process's seats. A static, because the limit is one of processes.
static SEATS: LazyLock<Seats> = LazyLock::new(|| Seats::of(limits::raise_files()));

/// What is open beside logs: sockets, pipes, watches, what is looked at for a moment.
const OTHERS: usize = 64;

/// Seats that go round, at most.
const SHARED: usize = 512;

struct Seats {
    own: Arc<Semaphore>,
    shared: Arc<Semaphore>,
    rotated: Arc<Semaphore>,
    /// How many files may be open.
    n_files: usize,
    n_logs: AtomicUsize,
    is_told: AtomicBool,
}

impl Seats {
    /// Where `n_files` may be open.
    fn of(n_files: usize) -> Self {
        let all = (n_files.saturating_sub(OTHERS) / 3).min(Semaphore::MAX_PERMITS);
        let shared = (all / 2).clamp(1, SHARED);
        Self {
            own: Arc::new(Semaphore::new(all.saturating_sub(shared))),
            shared: Arc::new(Semaphore::new(shared)),
            rotated: Arc::new(Semaphore::new(all)),
            n_files,
            n_logs: AtomicUsize::new(0),
            is_told: AtomicBool::new(false),
        }
    }
}

/// The right to hold a log's file open, until it is dropped.
pub(super) struct Seat {
    _permit: OwnedSemaphorePermit,
    /// Others wait for it: not to be kept without need.
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

/// The right to hold a rotated file open without a seat, until it is dropped; none where too many
/// do.
pub(super) fn take_rotated() -> Option<OwnedSemaphorePermit> {
    Arc::clone(&SEATS.rotated).try_acquire_owned().ok()
}

/// So many more logs are followed.
pub(super) fn count(n_logs: usize) {
    SEATS.n_logs.fetch_add(n_logs, Ordering::Relaxed);
}

/// What is to be told of it that not all logs are held open; once.
pub(super) fn news() -> Option<String> {
    let is_told = SEATS.is_told.swap(true, Ordering::Relaxed);
    let (n_logs, n_files) = (SEATS.n_logs.load(Ordering::Relaxed), SEATS.n_files);
    (!is_told).then(|| {
        format!(
            "{n_logs} logs, {n_files} files may be open: some are opened only to read what is new; \
             nothing is lost by that"
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
