//! Detects a stalled device, which has sound to play and takes none. One that wakes late, as
//! Bluetooth and HDMI do, or was suspended, is waited for; the user is notified after a while. Only
//! after a long stall is the device given up, and opened again.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

/// After how long the user is notified that a device takes no sound, on top of its own latency.
pub(super) const LATE: Duration = Duration::from_millis(2_500);

/// After how long the device is given up, on top of its own latency.
pub(super) const GIVEN_UP: Duration = Duration::from_secs(6);

/// The state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It takes sound, or has not stalled for long.
    Well,
    /// It has taken none for long: notify the user.
    Late,
    /// It is given up: how long it has stalled.
    GivenUp(Duration),
}

/// The last observation of the device.
#[derive(Debug)]
pub(super) struct StallDetector {
    /// How many frames it has asked for, and since when it asks for no more.
    n_asked: u64,
    since: Instant,
    is_reported: bool,
}

impl StallDetector {
    pub(super) fn new(now: Instant) -> Self {
        Self { n_asked: 0, since: now, is_reported: false }
    }

    /// Something is to be played from now on.
    pub(super) fn begin(&mut self, now: Instant) {
        (self.since, self.is_reported) = (now, false);
    }

    /// Checks a device that has asked for `n_asked` frames in all; `behind` is its own latency.
    pub(super) fn look(&mut self, n_asked: u64, behind: Duration, now: Instant) -> Look {
        if n_asked != self.n_asked {
            *self = Self { n_asked, ..Self::new(now) };
            return Look::Well;
        }
        let stood = now.saturating_duration_since(self.since);
        if stood >= GIVEN_UP + behind {
            Look::GivenUp(stood)
        } else if stood >= LATE + behind && !std::mem::replace(&mut self.is_reported, true) {
            Look::Late
        } else {
            Look::Well
        }
    }

    /// How long until the state can change if the device remains stalled.
    pub(super) fn next(&self, behind: Duration, now: Instant) -> Duration {
        let limit = behind + if self.is_reported { GIVEN_UP } else { LATE };
        (self.since + limit).saturating_duration_since(now)
    }
}

#[test]
fn a_late_device_is_reported_once_and_given_up_only_after_long() {
    let start = crate::clock::test_now();
    let mut still = StallDetector::new(start);
    let behind = Duration::from_secs(1);
    let mut at = |ms: u64, n_asked: u64| {
        let now = start + Duration::from_millis(ms);
        let look = still.look(n_asked, behind, now);
        (look, u64::try_from(still.next(behind, now).as_millis()).expect("a short test"))
    };
    for (ms, n_asked, look, next) in [
        (0, 0, Look::Well, 3_500),
        (3_499, 0, Look::Well, 1),
        (3_500, 0, Look::Late, 3_500),
        (3_600, 0, Look::Well, 3_400),
        (6_999, 0, Look::Well, 1),
        (7_000, 0, Look::GivenUp(Duration::from_secs(7)), 0),
        (7_001, 9, Look::Well, 3_500),
        (10_500, 9, Look::Well, 1),
        (10_501, 9, Look::Late, 3_500),
        (10_502, 10, Look::Well, 3_500),
    ] {
        assert_eq!(at(ms, n_asked), (look, next), "after {ms} ms");
    }
}
