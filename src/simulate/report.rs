//! The figures of a simulation, for people and as JSON.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::heard::{Heard, Sounds, rounded};
use super::lag_rule::lag_rule;
use super::optimum;
use super::pause::{Pause, Paused};
use super::policies::{self, Policy};
use super::replay::Arrival;
use crate::queue::rate_control::LagTarget;

/// The lag in seconds: from a line's arrival until it has been heard to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Lag {
    /// The maximum.
    pub max: f64,
    /// 95 of 100 lines had no more.
    pub p95: f64,
    /// Half of the lines had no more.
    pub median: f64,
    /// The share of the lines that missed the lag target.
    pub late_share: f64,
}

/// How fast the voice speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Rates {
    /// The share of the time spoken that was above 1.3 times the base rate.
    pub share_above_1_3: f64,
    /// The same above 1.6 times.
    pub share_above_1_6: f64,
    /// How often the rate changed between two utterances, per minute of the log.
    pub changes_per_minute: f64,
}

/// The figures of one policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// Lines that were to be heard and were not.
    pub lost: usize,
    /// How far behind.
    pub lag_s: Lag,
    /// How fast.
    pub rate: Rates,
}

/// The report on one log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Lines in the log.
    pub lines: usize,
    /// Lines by fate.
    pub fates: BTreeMap<&'static str, usize>,
    /// How far behind.
    pub lag_s: Lag,
    /// Whether the highest rate throughout would have met the lag target.
    pub feasible: bool,
    /// The lag target.
    pub max_lag_s: f64,
    /// How fast.
    pub rate: Rates,
    /// The figures of the policies compared with.
    pub policies: BTreeMap<&'static str, Figures>,
    /// The effect of a pause, where one was asked for; the other figures are without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Paused>,
}

impl Report {
    /// Simulates `arrivals`, the lines to be spoken; `n_dropped` others were dropped by rules.
    pub(crate) fn of(
        arrivals: &[Arrival],
        n_dropped: usize,
        lag_target: LagTarget,
        start: Instant,
        sounds: Sounds<'_>,
    ) -> Self {
        let span = arrivals.last().map_or(Duration::ZERO, |it| it.at);
        let figures = |heard: &[Heard]| Figures::of(heard, arrivals.len(), lag_target, span);
        let ours = lag_rule(arrivals, lag_target, start, None, sounds);
        let fastest = LagTarget { base: lag_target.max, ..lag_target };
        let at_most = figures(&lag_rule(arrivals, fastest, start, None, sounds));
        let figures_of =
            |policy| figures(&policies::run(policy, arrivals, lag_target.base, sounds));
        let best = figures(&optimum::run(arrivals, lag_target, sounds));
        let here = figures(&ours);
        Self {
            lines: arrivals.len() + n_dropped,
            fates: [("spoken", ours.len()), ("dropped", n_dropped)].into(),
            lag_s: here.lag_s,
            feasible: at_most.lag_s.max <= lag_target.lag.as_secs_f64(),
            max_lag_s: lag_target.lag.as_secs_f64(),
            rate: here.rate,
            policies: [
                ("fixed", figures_of(Policy::Fixed)),
                ("newest", figures_of(Policy::Newest)),
                ("ramp", figures_of(Policy::Ramp)),
                ("optimum", best),
                ("max_rate", Figures { rate: Rates::default(), ..at_most }),
            ]
            .into(),
            pause: None,
        }
    }

    /// Simulates the same once more, with a pause.
    #[must_use]
    pub(crate) fn paused(
        self,
        arrivals: &[Arrival],
        lag_target: LagTarget,
        start: Instant,
        pause: Pause,
        sounds: Sounds<'_>,
    ) -> Self {
        let heard = lag_rule(arrivals, lag_target, start, Some(pause), sounds);
        let paused = Paused::of(pause, &heard, arrivals.len(), lag_target.lag);
        Self { pause: Some(paused), ..self }
    }
}

impl Figures {
    fn of(heard: &[Heard], n_arrived: usize, lag_target: LagTarget, span: Duration) -> Self {
        let mut lags: Vec<f64> = heard.iter().map(|it| it.lag.as_secs_f64()).collect();
        lags.sort_by(f64::total_cmp);
        let all: Duration = heard.iter().map(|it| it.sounded).sum();
        let share = |factor: f64| {
            let is_above = |it: &&Heard| f64::from(it.rate) > factor * f64::from(lag_target.base);
            let above: Duration = heard.iter().filter(is_above).map(|it| it.sounded).sum();
            if all.is_zero() { 0.0 } else { rounded(above.as_secs_f64() / all.as_secs_f64()) }
        };
        let n_late = lags.iter().filter(|lag| **lag > lag_target.lag.as_secs_f64()).count();
        let n_changes = heard.windows(2).filter(|two| two[0].rate != two[1].rate).count();
        let minutes = (span.as_secs_f64() / 60.0).max(1.0);
        Self {
            lost: n_arrived - heard.len(),
            lag_s: Lag {
                max: rounded(lags.last().copied().unwrap_or(0.0)),
                p95: rounded(quantile(&lags, 0.95)),
                median: rounded(quantile(&lags, 0.5)),
                late_share: n_late as f64 / lags.len().max(1) as f64,
            },
            rate: Rates {
                share_above_1_3: share(1.3),
                share_above_1_6: share(1.6),
                changes_per_minute: rounded(n_changes as f64 / minutes),
            },
        }
    }
}

/// The value that a share `q` of the sorted `values` does not exceed.
fn quantile(values: &[f64], q: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
    let at = (q * values.len() as f64) as usize;
    values.get(at.min(values.len().saturating_sub(1))).copied().unwrap_or(0.0)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spoken = self.fates.get("spoken").copied().unwrap_or(0);
        let feasible = if self.feasible { "can be met" } else { "cannot be met" };
        let max_lag = self.max_lag_s;
        writeln!(
            f,
            "{} lines, {spoken} of them spoken; at the highest rate the lag target of {max_lag} s \
             {feasible}",
            self.lines
        )?;
        writeln!(
            f,
            "{:10} {:>8} {:>8} {:>8} {:>7} {:>6} {:>7} {:>7} {:>9}",
            "", "max lag", "p95", "median", "late", "lost", "> 1.3", "> 1.6", "changes"
        )?;
        let ours = Figures { lost: 0, lag_s: self.lag_s, rate: self.rate };
        let rows = std::iter::once((&"irc-speak", &ours)).chain(&self.policies);
        for (name, Figures { lost, lag_s, rate }) in rows {
            writeln!(
                f,
                "{name:10} {:>7.1}s {:>7.1}s {:>7.1}s {:>6.1}% {lost:>6} {:>6.1}% {:>6.1}% {:>5.1}/min",
                lag_s.max,
                lag_s.p95,
                lag_s.median,
                lag_s.late_share * 100.0,
                rate.share_above_1_3 * 100.0,
                rate.share_above_1_6 * 100.0,
                rate.changes_per_minute
            )?;
        }
        if let Some(Paused { at_s, for_s, live_again_after_s, lost }) = self.pause {
            writeln!(
                f,
                "a pause of {for_s} s, {at_s} s in: live again {live_again_after_s:.1} s after it, \
                 {lost} lines lost"
            )?;
        }
        Ok(())
    }
}
