//! The only access to the clock; pure code gets the time as an argument.
#![forbid(unsafe_code)]

use std::future::pending;
use std::time::Instant;

use tokio::time::sleep_until;

/// The current time, for drivers (tasks and threads) only.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits until `deadline`; forever if there is none.
pub async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// A start time for tests.
#[cfg(test)]
pub(crate) fn test_now() -> Instant {
    now()
}
