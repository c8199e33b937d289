//! Whether a device that has sound to play takes any. One that wakes late, as Bluetooth and HDMI
//! do, is waited for, and so is one that was suspended: that is the device's affair, of which the
//! user is told after a while. Only one that stands still for long is given up, and opened anew.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

/// After how long it is told that a device takes no sound, beside what it is late by its own word.
pub(super) const LATE: Duration = Duration::from_millis(2_500);

/// After how long it is given up.
pub(super) const GIVEN_UP: Duration = Duration::from_secs(6);

/// How a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// It takes sound, or may yet.
    Well,
    /// It has not taken any for long: to be told.
    Late,
    /// Nor will it: how long it has stood still.
    GivenUp(Duration),
}

/// What was seen of the device last.
#[derive(Debug)]
pub(super) struct Still {
    /// Frames that it had asked for, and since when it asks for no more.
    n_asked: u64,
    since: Instant,
    is_told: bool,
}

impl Still {
    pub(super) fn new(now: Instant) -> Self {
        Self { n_asked: 0, since: now, is_told: false }
    }

    /// There was nothing to play until now.
    pub(super) fn begin(&mut self, now: Instant) {
        (self.since, self.is_told) = (now, false);
    }

    /// Looks at a device that has asked for `n_asked` frames in all and is `behind` by its own word.
    pub(super) fn look(&mut self, n_asked: u64, behind: Duration, now: Instant) -> Look {
        if n_asked != self.n_asked {
            *self = Self { n_asked, ..Self::new(now) };
            return Look::Well;
        }
        let stood = now.saturating_duration_since(self.since);
        if stood >= GIVEN_UP + behind {
            Look::GivenUp(stood)
        } else if stood >= LATE + behind && !std::mem::replace(&mut self.is_told, true) {
            Look::Late
        } else {
            Look::Well
        }
    }

    /// How long nothing new can be seen if the device goes on to stand still.
    pub(super) fn next(&self, behind: Duration, now: Instant) -> Duration {
        let limit = behind + if self.is_told { GIVEN_UP } else { LATE };
        (self.since + limit).saturating_duration_since(now)
    }
}

#[test]
fn a_late_device_is_told_of_once_and_given_up_only_after_long() {
    let start = crate::clock::test_now();
    let mut still = Still::new(start);
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
