//! The one place that looks at the clock; everything that decides is handed the time.
#![forbid(unsafe_code)]

use std::time::Instant;

/// The time now. For the drivers (tasks and threads), never for what decides.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// A time to start from, for tests.
#[cfg(test)]
pub(crate) fn test_now() -> Instant {
    now()
}
