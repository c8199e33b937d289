//! The lag rule: how fast to speak the next utterance, so that everything that waits has been
//! heard within the promised lag, and no faster.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::estimate::Estimate;

/// What was promised, and within which bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// The rate when nothing presses, in words a minute.
    pub base: u32,
    /// The highest rate.
    pub max: u32,
    /// How long after its arrival an utterance has been heard to its end.
    pub lag: Duration,
}

/// The share of the lag that may be used up by what waits now: in a quiet time, and where speech
/// comes in about as fast as it can be spoken. The rest is for what is still to come: nobody knows
/// of a burst before it is there, and time that was spent slowly does not come back.
const USED_QUIET: f64 = 0.4;
const USED_BUSY: f64 = 0.05;

/// Seconds of speech that come in a second, at the base rate: up to the first it is a quiet time,
/// from the second on a busy one.
const QUIET: f64 = 0.33;
const BUSY: f64 = 0.78;

/// Over how long that is averaged, in seconds.
const MEMORY: f64 = 20.0;

/// A rate lower than the one before by less than this share is not worth a change that is heard.
const STEADY: f64 = 0.12;

/// The most by which the rate falls from one utterance to the next.
const FALL: f64 = 0.25;

/// Chooses the rate, and remembers it.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    pub(super) promise: Promise,
    rate: f64,
    /// Work that came in, fading with [`MEMORY`], as of then.
    load: f64,
    load_at: Option<Instant>,
}

/// An utterance that waits, as the rule sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) work: f64,
    pub(super) received: Instant,
}

impl Pace {
    pub(super) fn new(promise: Promise) -> Self {
        Self { promise, rate: f64::from(promise.base), load: 0.0, load_at: None }
    }

    /// Work came in.
    pub(super) fn arrived(&mut self, work: f64, now: Instant) {
        let since = self.load_at.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        self.load = self.load * (-since / MEMORY).exp() + work / MEMORY;
        self.load_at = Some(now);
    }

    /// The share of the lag that may be used up, by how busy it has been.
    fn used(&self, estimate: &Estimate) -> f64 {
        let load = estimate.seconds(self.load, self.promise.base);
        let busy = ((load - QUIET) / (BUSY - QUIET)).clamp(0.0, 1.0);
        USED_QUIET + busy * (USED_BUSY - USED_QUIET)
    }

    /// The rate for the first of `waiting`, which is to begin at `start`.
    ///
    /// It is the largest, over the prefixes of `waiting`, of the rate at which that prefix would be
    /// done in time: online speed scaling with deadlines in order of arrival (the "optimal
    /// available" rule of Yao, Demers and Shenker, FOCS 1995), held between base and max.
    pub(super) fn choose(
        &mut self,
        waiting: impl Iterator<Item = Due>,
        start: Instant,
        estimate: &Estimate,
    ) -> u32 {
        let budget = self.promise.lag.mul_f64(self.used(estimate));
        let mut work = 0.0;
        let mut needed = f64::from(self.promise.base);
        for due in waiting {
            work += due.work;
            let left = (due.received + budget).saturating_duration_since(start).as_secs_f64();
            needed = needed.max(estimate.rate(work, left));
        }
        let needed = needed.min(f64::from(self.promise.max.max(self.promise.base)));
        self.rate = if needed >= self.rate {
            needed
        } else if needed > self.rate * (1.0 - STEADY) && needed > f64::from(self.promise.base) {
            self.rate
        } else {
            needed.max(self.rate * (1.0 - FALL))
        };
        rounded(self.rate)
    }

    /// Nothing waits and nothing is spoken: the next utterance begins at the base rate.
    pub(super) fn rest(&mut self) {
        self.rate = f64::from(self.promise.base);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are small")]
fn rounded(rate: f64) -> u32 {
    rate.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Promise { base: 220, max: 450, lag: Duration::from_secs(15) })
    }

    #[test]
    fn the_rate_is_the_lowest_that_meets_every_deadline() {
        let now = crate::clock::test_now();
        let due = |work| Due { work, received: now };
        let estimate = Estimate::default();
        for (works, least, most) in [
            (vec![3.0], 220, 220),
            (vec![3.0, 2.5], 220, 220),
            (vec![3.0, 3.0, 3.0], 300, 330),
            (vec![4.0; 10], 450, 450),
            (vec![], 220, 220),
        ] {
            let rate = pace().choose(works.iter().copied().map(due), now, &estimate);
            assert!((least..=most).contains(&rate), "{works:?}: {rate}");
        }
    }

    #[test]
    fn it_falls_back_in_steps_and_not_for_a_trifle() {
        let now = crate::clock::test_now();
        let mut pace = pace();
        let mut rate = |work: f64| {
            let due = Due { work, received: now };
            pace.choose(std::iter::once(due), now, &Estimate::default())
        };
        assert_eq!(rate(40.0), 450);
        let eased: Vec<_> = (0..4).map(|_| rate(1.0)).collect();
        assert_eq!(eased, [338, 253, 220, 220]);
    }
}
