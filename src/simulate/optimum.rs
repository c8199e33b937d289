//! The optimum with all arrivals known: of the ways to hear every line in order and within the lag
//! target, the one with the lowest top speed; never slower than the base rate while a line waits,
//! nor faster than the highest rate.
//!
//! It is the shortest path between what has come and what is due (Yao, Demers and Shenker, "A
//! scheduling model for reduced CPU energy", FOCS 1995, where deadlines are in order of arrival):
//! a string pulled tight between the two curves, whose slope is the speed.
#![forbid(unsafe_code)]

use std::time::Duration;

use super::heard::{Heard, LATENCY, Sounds};
use super::replay::Arrival;
use crate::queue::estimate::Estimate;
use crate::queue::rate_control::LagTarget;
use crate::units::Wpm;

/// A margin for rates that are whole numbers, and for times that are no exact power of the rate.
const ROUNDING: Duration = Duration::from_millis(100);

/// The tolerance of floating-point comparisons.
const TRIFLE: f64 = 1e-9;

/// Speaks `arrivals`, which are in order, at the optimum; every line is heard.
pub(super) fn run(arrivals: &[Arrival], lag_target: LagTarget, sounds: Sounds<'_>) -> Vec<Heard> {
    let jobs: Vec<_> = arrivals
        .iter()
        .map(|arrival| Job {
            comes: arrival.at.as_secs_f64(),
            seconds: sounds(&arrival.words, arrival.head_len(), lag_target.base)
                + LATENCY.as_secs_f64(),
        })
        .collect();
    let speeds = speeds(&jobs, lag_target.lag.saturating_sub(ROUNDING).as_secs_f64());
    let estimate = Estimate::default();
    let mut free_at = Duration::ZERO;
    let speak = |(arrival, speed): (&Arrival, f64)| {
        let rate = rate(speed, lag_target, &estimate);
        let sounded = Duration::from_secs_f64(sounds(&arrival.words, arrival.head_len(), rate));
        let ended = free_at.max(arrival.at) + LATENCY + sounded;
        free_at = ended;
        Heard { lag: ended.saturating_sub(arrival.at), sounded, rate, ended }
    };
    arrivals.iter().zip(speeds).map(speak).collect()
}

/// The rate that is `speed` times as fast as the base rate.
fn rate(speed: f64, lag_target: LagTarget, estimate: &Estimate) -> Wpm {
    let work = 1.0;
    let rate = estimate.rate(work, estimate.seconds(work, lag_target.base) / speed.max(1.0));
    Wpm::rounded(rate.min(f64::from(lag_target.max.max(lag_target.base))).ceil())
}

/// A line, in seconds: when it comes, and how long it sounds at the base rate.
#[derive(Debug, Clone, Copy)]
struct Job {
    comes: f64,
    seconds: f64,
}

/// The speed of each of `jobs`, as a multiple of the base rate, so that each is heard within `lag`.
fn speeds(jobs: &[Job], lag: f64) -> Vec<f64> {
    let mut speeds = Vec::with_capacity(jobs.len());
    let mut now = jobs.first().map_or(0.0, |job| job.comes);
    while speeds.len() < jobs.len() {
        let first = speeds.len();
        let (end, speed) = stretch(&jobs[first..], now, lag);
        let seconds: f64 = jobs[first..first + end].iter().map(|job| job.seconds).sum();
        now = (now + seconds / speed.max(TRIFLE)).max(now);
        speeds.extend(std::iter::repeat_n(speed, end));
        // No line is spoken before it comes.
        if let Some(next) = jobs.get(speeds.len()) {
            now = now.max(next.comes);
        }
    }
    speeds
}

/// The longest beginning of `jobs`, at least one, that is spoken at one speed from `now` on, and
/// that speed: the string is straight up to the first place where it would have to bend.
fn stretch(jobs: &[Job], now: f64, lag: f64) -> (usize, f64) {
    // The least speed that every deadline so far needs, the highest that every arrival so far
    // allows, and how many jobs are done where each of the two was met.
    let (mut least, mut least_at) = (0.0_f64, 0);
    let (mut most, mut most_at) = (f64::INFINITY, 0);
    let (mut come, mut done) = (0.0, 0.0);
    for event in events(jobs, lag) {
        match event {
            // No more than all before this job can be done when it comes.
            Event::Comes(n) => {
                let allowed = slope(come, jobs[n].comes - now);
                come += jobs[n].seconds;
                if n > 0 && allowed < least - TRIFLE {
                    return (least_at, least);
                }
                if n > 0 && allowed <= most {
                    (most, most_at) = (allowed, n);
                }
            }
            Event::Due(n) => {
                done += jobs[n].seconds;
                let needed = slope(done, jobs[n].comes + lag - now);
                if needed > most + TRIFLE {
                    return (most_at, most);
                }
                if needed >= least {
                    (least, least_at) = (needed, n + 1);
                }
            }
        }
    }
    (least_at.max(1), least)
}

/// A point of one of the two curves.
enum Event {
    Comes(usize),
    Due(usize),
}

/// Arrivals and deadlines in order of time.
fn events(jobs: &[Job], lag: f64) -> impl Iterator<Item = Event> {
    let (mut comes, mut due) = (0, 0);
    std::iter::from_fn(move || {
        let deadline = jobs.get(due)?.comes + lag;
        if jobs.get(comes).is_some_and(|job| job.comes < deadline) {
            comes += 1;
            return Some(Event::Comes(comes - 1));
        }
        due += 1;
        Some(Event::Due(due - 1))
    })
}

fn slope(seconds: f64, time: f64) -> f64 {
    if time > 0.0 { seconds / time } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn jobs(list: &[(f64, f64)]) -> Vec<Job> {
        list.iter().map(|&(comes, seconds)| Job { comes, seconds }).collect()
    }

    #[test]
    fn the_speed_is_no_higher_than_a_deadline_needs() {
        for (list, expected) in [
            (vec![(0.0, 5.0)], vec![0.5]),
            (vec![(0.0, 10.0), (0.0, 10.0)], vec![2.0, 2.0]),
            // The second is known to come: the first is hurried for it.
            (vec![(0.0, 10.0), (1.0, 12.0)], vec![2.0, 2.0]),
            (vec![(0.0, 5.0), (9.0, 30.0)], vec![5.0 / 9.0, 3.0]),
            (vec![(0.0, 1.0), (100.0, 20.0)], vec![0.1, 2.0]),
        ] {
            let found = speeds(&jobs(&list), 10.0);
            let is_near = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 0.01);
            assert!(is_near, "{list:?}: {found:?} for {expected:?}");
        }
    }

    proptest! {
        /// Where a fixed speed hears everything in time, the optimum does, and is never faster.
        #[test]
        fn every_line_is_in_time_and_none_faster_than_needed(
            steps in prop::collection::vec((0.0..20.0_f64, 0.1..12.0_f64), 1..40)
        ) {
            let mut at = 0.0;
            let list: Vec<_> = steps.iter().map(|&(gap, seconds)| { at += gap; (at, seconds) }).collect();
            let jobs = jobs(&list);
            let lag = 15.0;
            let speeds = speeds(&jobs, lag);
            let fastest = speeds.iter().copied().fold(0.0, f64::max);
            let late = |speed: &dyn Fn(usize) -> f64| {
                let mut free = 0.0_f64;
                jobs.iter().enumerate().map(|(n, job)| {
                    free = free.max(job.comes) + job.seconds / speed(n);
                    free - job.comes
                }).fold(0.0, f64::max)
            };
            prop_assert!(late(&|n| speeds[n]) <= lag + 0.01, "{:?}", speeds);
            prop_assert!(fastest <= 0.1 || late(&|_| fastest * 0.99) > lag - 0.01);
        }
    }
}
