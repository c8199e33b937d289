//! What was heard of a line, in numbers.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::units::Wpm;

/// From a request to the first sample, as measured.
pub(super) const LATENCY: Duration = Duration::from_millis(6);

/// How long a text sounds at a rate in words a minute, in seconds. The number is the bytes of "kim: "
/// before what the sender says, as [`crate::message::head_len`].
pub(crate) type Sounds<'a> = &'a dyn Fn(&str, usize, Wpm) -> f64;

/// One line that was heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heard {
    /// From its arrival to its end.
    pub(super) lag: Duration,
    /// How long it sounded.
    pub(super) sounded: Duration,
    /// In words a minute.
    pub(super) rate: Wpm,
    /// When it ended, since the log began.
    pub(super) ended: Duration,
}

pub(super) fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
