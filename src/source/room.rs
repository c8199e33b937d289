//! How many reads of a source may be in transit at once: a source waits for its own lines to be
//! taken, and for no other source's.
#![forbid(unsafe_code)]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::sync::Semaphore;

/// The listener has ended and receives no more input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

/// Reads of one source that may be waiting, of many lines each.
const READS: usize = 4;

/// More than there will be.
const ALL: usize = 1 << 48;

/// The room that a source has. Each read takes some; the listener gives it back when it has taken
/// the lines, or later when too much of the source is queued.
#[derive(Clone, Debug)]
pub struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(READS)))
    }
}

impl Room {
    /// Waits for room for a read, and takes it.
    pub(super) async fn take(&self) -> Result<(), Closed> {
        self.0.acquire().await.map(tokio::sync::SemaphorePermit::forget).map_err(|_| Closed)
    }

    /// [`Self::take`] from a thread that is not Tokio's.
    pub(super) fn take_blocking(&self) -> Result<(), Closed> {
        block_on(self.take())
    }

    /// Gives back the room of `n` reads.
    pub fn give_back(&self, n: usize) {
        self.0.add_permits(n);
    }

    /// Removes the limit.
    pub fn lift(&self) {
        self.0.add_permits(ALL);
    }
}

/// Waits for `future` in this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Waiting(Thread);
    impl Wake for Waiting {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Waiting(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(ready) => return ready,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_read_without_room_waits_until_some_is_given_back() {
    let room = Room::default();
    for _ in 0..READS {
        room.take_blocking().expect("room");
    }
    let waits = room.clone();
    let waiting = thread::spawn(move || (0..3).try_for_each(|_| waits.take_blocking()));
    room.give_back(1);
    while room.0.available_permits() > 0 {
        thread::yield_now();
    }
    assert!(!waiting.is_finished(), "two more are wanted");
    room.lift();
    assert_eq!(waiting.join().expect("no panic"), Ok(()));
}
