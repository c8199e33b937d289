//! The lag rule: how fast to speak the next utterance. The lag target is there to be used up:
//! speech stays at the base rate until that is not enough.
//!
//! Up to [`CALM_PERCENT`] of the base rate speech is still understood well. Such a rate is used
//! early: after 70 % of the lag in a quiet time, after 30 % in a busy one. A higher rate is used only
//! where a deadline needs it. The rate moves between a few levels, one at a time and not often, since
//! a change disturbs too; only a deadline makes it jump.
//!
//! What a deadline needs is online speed scaling with deadlines in order of arrival (the "optimal
//! available" rule of Yao, Demers and Shenker, "A scheduling model for reduced CPU energy", FOCS
//! 1995). Its figures were fitted to 104 meetings; `irc-speak simulate` shows for each log how far
//! it is from the optimum, which knows all arrivals.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use super::estimate::Estimate;
use crate::units::Wpm;
use crate::wire::GAP;

/// How late an utterance may be, and the bounds of the rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LagTarget {
    /// The rate when no deadline is near, in words a minute.
    pub base: Wpm,
    /// The highest rate.
    pub max: Wpm,
    /// The longest time from an utterance's arrival to its end.
    pub lag: Duration,
}

impl LagTarget {
    /// The highest rate that is understood nearly as well as the base, in words a minute.
    pub(super) fn calm(&self) -> Wpm {
        self.base.scaled(CALM_PERCENT, 100).min(self.max.max(self.base))
    }
}

/// The per cent of the base rate up to which speech is understood nearly as well as at the base: of
/// 100 words of eSpeak NG a recogniser gets 20 wrong at 220 words a minute, 23 at 260, 26 at 286,
/// and 36 at 300 already.
pub(crate) const CALM_PERCENT: u32 = 130;

/// The share of the lag target within which a calm rate is to finish what waits, in a quiet time
/// and in a busy one. Bursts are not known in advance, and time spent slowly does not come back: a
/// busy time keeps more of the lag for what is still to come.
const EARLY: [f64; 2] = [0.7, 0.3];

/// The share of the lag target within which any rate is to finish it.
const LATE: [f64; 2] = [0.95, 0.75];

/// The load, in seconds of speech in a second at the base rate: up to the first it is a quiet time,
/// from the second on a busy one.
const QUIET: f64 = 0.3;
const BUSY: f64 = 0.8;

/// Over how long the load is averaged, in seconds.
const MEMORY: f64 = 60.0;

/// The largest step between two levels beyond [`CALM_PERCENT`].
const STEP: f64 = 1.2;

/// How long a level is kept where no deadline needs another one: three changes a minute.
const HOLD: Duration = Duration::from_secs(20);

/// The silence after which the rate is a level lower: nobody compares it with the one before.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// A level meets a need that is above it by less than this share.
const TRIFLE: f64 = 0.005;

/// Chooses the rate of each utterance.
#[derive(Debug, Clone)]
pub(super) struct RateControl {
    pub(super) lag_target: LagTarget,
    /// No line has a deadline: all are spoken at the base rate.
    pub(super) is_relaxed: bool,
    level: usize,
    changed: Option<Instant>,
    /// When the queue became empty.
    silent: Option<Instant>,
    /// Work that was spoken, fading with [`MEMORY`], as of `load_at`.
    load: f64,
    load_at: Option<Instant>,
}

/// A waiting utterance, as the lag rule sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) work: f64,
    /// When it came; none where it has no deadline.
    pub(super) received: Option<Instant>,
}

impl RateControl {
    pub(super) fn new(lag_target: LagTarget) -> Self {
        Self {
            lag_target,
            is_relaxed: false,
            level: 0,
            changed: None,
            silent: None,
            load: 0.0,
            load_at: None,
        }
    }

    /// The rate for the first of `waiting`, which is to begin at `start`.
    pub(super) fn choose(
        &mut self,
        waiting: &(impl Iterator<Item = Due> + Clone),
        start: Instant,
        estimate: &Estimate,
    ) -> Wpm {
        let busy = self.busy(start, estimate);
        if let Some(first) = waiting.clone().next() {
            self.spoke(first.work, start);
        }
        let levels = self.levels();
        self.forget(start);
        let before = self.level.min(levels.len() - 1);
        let between = |[quiet, busy_]: [f64; 2]| quiet + busy * (busy_ - quiet);
        let needed = |share| {
            let budget = self.lag_target.lag.mul_f64(share);
            if self.is_relaxed { 0.0 } else { needed(waiting.clone(), start, budget, estimate) }
        };
        let calm = f64::from(self.lag_target.calm());
        let late = level_of(&levels, needed(between(LATE)));
        let early = level_of(&levels, needed(between(EARLY)).min(calm));
        let is_held = self.changed.is_some_and(|changed| start < changed + HOLD);
        self.level = match before {
            _ if late > before => late, // a deadline is near
            _ if is_held => before,
            _ if early > before => before + 1,
            _ if early.max(late) < before => before - 1,
            _ => before,
        };
        if self.level != before {
            self.changed = Some(start);
        }
        levels[self.level]
    }

    /// The queue is empty.
    pub(super) fn rest(&mut self, now: Instant) {
        self.silent.get_or_insert(now);
    }

    /// Goes back to the base rate.
    pub(super) fn reset(&mut self) {
        (self.level, self.changed) = (0, None);
    }

    /// The levels between the base and the highest rate, in words a minute.
    fn levels(&self) -> Vec<Wpm> {
        let (base, calm) = (f64::from(self.lag_target.base), f64::from(self.lag_target.calm()));
        let max = f64::from(self.lag_target.max.max(self.lag_target.base));
        let mut levels = vec![base, (base * calm).sqrt(), calm];
        if max > calm {
            let n_steps = ((max / calm).ln() / STEP.ln()).ceil().max(1.0);
            let step = (max / calm).powf(1.0 / n_steps);
            let mut level = calm * step;
            while level < max * (1.0 - TRIFLE) {
                levels.push(level);
                level *= step;
            }
            levels.push(max);
        }
        let mut levels: Vec<_> = levels.into_iter().map(Wpm::rounded).collect();
        levels.dedup();
        levels
    }

    /// How high the load is, from 0 (quiet) to 1 (busy).
    fn busy(&self, now: Instant, estimate: &Estimate) -> f64 {
        let load = estimate.seconds(self.load * self.faded(now), self.lag_target.base);
        ((load - QUIET) / (BUSY - QUIET)).clamp(0.0, 1.0)
    }

    fn spoke(&mut self, work: f64, now: Instant) {
        self.load = self.load * self.faded(now) + work / MEMORY;
        self.load_at = Some(now);
    }

    /// The share of the load that is left.
    fn faded(&self, now: Instant) -> f64 {
        let since = self.load_at.map_or(0.0, |at| now.saturating_duration_since(at).as_secs_f64());
        (-since / MEMORY).exp()
    }

    /// Lowers the rate for the silence before `start`.
    fn forget(&mut self, start: Instant) {
        let Some(silent) = self.silent.take() else { return };
        let n_levels = start.saturating_duration_since(silent).as_secs() / FORGOTTEN.as_secs();
        self.level = self.level.saturating_sub(usize::try_from(n_levels).unwrap_or(usize::MAX));
    }
}

/// The rate at which every prefix of `waiting` is spoken within `budget` of its last arrival, when
/// the first begins at `start` and a [`GAP`] precedes each of the others.
fn needed(
    waiting: impl Iterator<Item = Due>,
    start: Instant,
    budget: Duration,
    estimate: &Estimate,
) -> f64 {
    let mut work = 0.0;
    let mut needed = 0.0_f64;
    let mut start = start;
    for due in waiting {
        work += due.work;
        if let Some(received) = due.received {
            let left = (received + budget).saturating_duration_since(start).as_secs_f64();
            needed = needed.max(estimate.rate(work, left));
        }
        start += GAP;
    }
    needed
}

/// The lowest of `levels` that meets `rate`; the highest where none does.
fn level_of(levels: &[Wpm], rate: f64) -> usize {
    let meets = |level: &Wpm| f64::from(*level) >= rate * (1.0 - TRIFLE);
    levels.iter().position(meets).unwrap_or(levels.len() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: LagTarget =
        LagTarget { base: Wpm(220), max: Wpm(330), lag: Duration::from_secs(18) };

    /// The rates of `works`, all of which came at once, spoken one after the other.
    fn rates(rate_control: &mut RateControl, works: &[f64], received: Instant) -> Vec<Wpm> {
        let estimate = Estimate::default();
        let mut start = received;
        (0..works.len())
            .map(|n| {
                let dues = works[n..].iter().map(|&work| Due { work, received: Some(received) });
                let rate = rate_control.choose(&dues, start, &estimate);
                start += Duration::from_secs_f64(estimate.seconds(works[n], rate));
                rate
            })
            .collect()
    }

    #[test]
    fn a_handful_at_once_in_a_quiet_time_is_not_hurried() {
        let now = crate::clock::test_now();
        for (works, highest) in [
            (vec![5.0], 220),
            (vec![5.0, 5.0], 220),
            (vec![4.0; 4], 251),
            (vec![5.0; 4], 286),
            (vec![4.0; 5], 286),
            (vec![4.5; 5], 286),
            (vec![5.0; 12], 330),
        ] {
            let rates = rates(&mut RateControl::new(TARGET), &works, now);
            assert_eq!(rates.iter().max(), Some(&Wpm(highest)), "{works:?}: {rates:?}");
        }
    }

    #[test]
    fn the_rate_moves_by_small_steps_and_seldom() {
        for max in [330, 450].map(Wpm) {
            let mut rate_control = RateControl::new(LagTarget { max, ..TARGET });
            let levels = rate_control.levels();
            assert_eq!((levels[0], levels[2], levels.last()), (Wpm(220), Wpm(286), Some(&max)));
            assert!(levels.windows(2).all(|two| two[1].0 * 4 <= two[0].0 * 5), "{levels:?}");
            let mut now = crate::clock::test_now();
            assert_eq!(rates(&mut rate_control, &[200.0], now), [max]);
            let mut eased = Vec::new();
            for _ in 0..100 {
                now += Duration::from_secs(1);
                eased.extend(rates(&mut rate_control, &[0.3], now));
            }
            eased.dedup();
            let down: Vec<_> = levels.iter().rev().copied().collect();
            assert!(down.starts_with(&eased), "{eased:?}");
            assert!((4..=6).contains(&eased.len()), "once in 20 s: {eased:?}");
        }
    }

    #[test]
    fn one_line_every_eight_seconds_stays_at_the_base() {
        let mut rate_control = RateControl::new(TARGET);
        let mut now = crate::clock::test_now();
        for _ in 0..50 {
            assert_eq!(rates(&mut rate_control, &[5.0], now), [Wpm(220)]);
            now += Duration::from_secs(8);
        }
    }

    #[test]
    fn lines_without_a_deadline_are_not_hurried() {
        let now = crate::clock::test_now();
        let mut rate_control = RateControl::new(TARGET);
        let estimate = Estimate::default();
        let old = Due { work: 300.0, received: None };
        assert_eq!(rate_control.choose(&[old, old].into_iter(), now, &estimate), Wpm(220));
        let live = Due { work: 5.0, received: Some(now) };
        assert_eq!(
            rate_control.choose(&[old, live].into_iter(), now, &estimate),
            Wpm(330),
            "a line with a deadline waits behind"
        );
        let mut relaxed = RateControl::new(TARGET);
        relaxed.is_relaxed = true;
        assert_eq!(rates(&mut relaxed, &[50.0; 4], now), [Wpm(220); 4]);
    }

    #[test]
    fn a_silence_lowers_the_rate() {
        let mut rate_control = RateControl::new(TARGET);
        let now = crate::clock::test_now();
        assert_eq!(rates(&mut rate_control, &[200.0], now), [Wpm(330)]);
        rate_control.rest(now + Duration::from_secs(10));
        assert_eq!(rates(&mut rate_control, &[1.0], now + Duration::from_secs(45)), [Wpm(220)]);
    }
}
