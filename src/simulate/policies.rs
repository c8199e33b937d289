//! What other programs do when they fall behind, with the same clock and sounding times.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::time::Duration;

use super::heard::{Heard, LATENCY, Sounds};
use super::replay::Arrival;
use crate::units::Wpm;

/// What a program does when it falls behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// One rate, however much is queued, as in a pipe to a synthesiser.
    Fixed,
    /// One rate; when an utterance ends, the newest in the queue is next, and the others are lost.
    Newest,
    /// One rate for up to four in the queue; for each one more a fifth faster, up to three times as
    /// fast (a bot for voice chats does that).
    Ramp,
}

/// The gap between two utterances.
const GAP: Duration = Duration::from_millis(100);

/// Speaks `arrivals` by a policy; returns those that were heard.
pub(super) fn run(
    policy: Policy,
    arrivals: &[Arrival],
    base: Wpm,
    sounds: Sounds<'_>,
) -> Vec<Heard> {
    let mut heard = Vec::new();
    let mut waiting: VecDeque<&Arrival> = VecDeque::new();
    let mut next = arrivals.iter().peekable();
    let mut free_at = Duration::ZERO;
    loop {
        while let Some(arrival) = next.next_if(|it| waiting.is_empty() || it.at <= free_at) {
            if waiting.is_empty() {
                free_at = free_at.max(arrival.at);
            }
            waiting.push_back(arrival);
        }
        if policy == Policy::Newest {
            waiting.drain(..waiting.len().saturating_sub(1));
        }
        let n_waiting = waiting.len();
        let Some(arrival) = waiting.pop_front() else { return heard };
        let rate = rate(policy, n_waiting, base);
        let seconds = sounds(&arrival.words, arrival.head_len(), rate);
        let sounded = Duration::from_secs_f64(seconds);
        let ends = free_at.max(arrival.at) + LATENCY + sounded;
        let lag = ends.saturating_sub(arrival.at);
        heard.push(Heard { lag, sounded, rate, ended: ends });
        free_at = ends + GAP;
    }
}

fn rate(policy: Policy, n_waiting: usize, base: Wpm) -> Wpm {
    match policy {
        Policy::Fixed | Policy::Newest => base,
        Policy::Ramp => {
            let n_beyond = u32::try_from(n_waiting.saturating_sub(4)).unwrap_or(u32::MAX);
            let per_cent = n_beyond.saturating_mul(20).saturating_add(100).min(300);
            base.scaled(per_cent, 100)
        }
    }
}

#[test]
fn each_policy_does_what_it_says() {
    let line =
        |s| Arrival::of(Duration::from_secs(s), "a line of four seconds, more or less, to say");
    let arrivals: Vec<_> = (0..20).map(line).collect();
    let fixed = run(Policy::Fixed, &arrivals, Wpm(220), &super::estimated);
    assert_eq!(fixed.len(), 20);
    assert!(fixed.windows(2).all(|two| two[1].lag > two[0].lag), "further behind with each line");
    let newest = run(Policy::Newest, &arrivals, Wpm(220), &super::estimated);
    assert!(newest.len() < 12, "the others are lost");
    let ramp = run(Policy::Ramp, &arrivals, Wpm(220), &super::estimated);
    assert!(ramp.iter().any(|heard| heard.rate > Wpm(220)));
    assert!(ramp.last().map(|it| it.lag) < fixed.last().map(|it| it.lag));
}
