//! The only access to the clock; pure code gets the time as an argument.
#![forbid(unsafe_code)]

use std::time::Instant;

/// The current time, for drivers (tasks and threads) only.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// A start time for tests.
#[cfg(test)]
pub(crate) fn test_now() -> Instant {
    now()
}
