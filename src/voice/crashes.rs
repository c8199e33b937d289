//! Whether an engine crashes so often that the fallback engine replaces it.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// This many crashes within this time are too many. A text that crashes the engine counts twice,
/// since it is tried twice.
const N_CRASHES: usize = 3;
const WITHIN: Duration = Duration::from_secs(60);

/// The times of an engine's last crashes.
#[derive(Debug, Default)]
pub(super) struct Crashes(VecDeque<Instant>);

impl Crashes {
    /// Counts a crash; returns whether there were too many.
    pub(super) fn are_too_many(&mut self, now: Instant) -> bool {
        self.0.push_back(now);
        if self.0.len() > N_CRASHES {
            self.0.pop_front();
        }
        let first = self.0.front().copied().unwrap_or(now);
        self.0.len() == N_CRASHES && now.saturating_duration_since(first) <= WITHIN
    }
}
