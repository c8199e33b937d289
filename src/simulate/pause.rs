//! A pause in the middle of a log: how long after it the listener is live again.
#![forbid(unsafe_code)]

use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use super::heard::{Heard, rounded};

/// When the listener pauses, counted from the beginning of the log, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    /// When it begins.
    pub at: Duration,
    /// How long it is.
    pub length: Duration,
}

impl FromStr for Pause {
    type Err = String;

    /// Reads `600s+5m`; a number without a unit is in seconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('+');
        let pause = parts.and_then(|(at, length)| {
            Some(Self { at: duration(at.trim())?, length: duration(length.trim())? })
        });
        pause.ok_or_else(|| format!("{text:?} is no pause; 600s+5m is one, 10 minutes in"))
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3_600.0),
        _ => (text, 1.0),
    };
    // A year is longer than any log.
    let seconds = number.parse::<f64>().ok()? * unit;
    (0.0..=3.2e7).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

impl Pause {
    pub(super) fn end(&self) -> Duration {
        self.at + self.length
    }
}

/// The effect of a pause.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Paused {
    /// When it begins, in seconds.
    pub at_s: f64,
    /// How long it is.
    pub for_s: f64,
    /// How long after its end the backlog was heard, and the next line within the lag target.
    pub live_again_after_s: f64,
    /// Lines that were to be heard and were not.
    pub lost: usize,
}

impl Paused {
    pub(super) fn of(pause: Pause, heard: &[Heard], n_arrived: usize, lag: Duration) -> Self {
        let live = live_again(pause, heard, lag).saturating_sub(pause.end());
        Self {
            at_s: rounded(pause.at.as_secs_f64()),
            for_s: rounded(pause.length.as_secs_f64()),
            live_again_after_s: rounded(live.as_secs_f64()),
            lost: n_arrived - heard.len(),
        }
    }
}

/// When every line that came before the pause's end was heard, and every later line up to the first
/// that was heard within the lag target.
fn live_again(pause: Pause, heard: &[Heard], lag: Duration) -> Duration {
    let mut lines: Vec<_> = heard.iter().map(|it| (it.ended.saturating_sub(it.lag), it)).collect();
    lines.sort_by_key(|(received, _)| *received);
    let owed = |(received, it): &&(Duration, &Heard)| *received <= pause.end() || it.lag > lag;
    let before = lines.iter().take_while(|(received, _)| *received <= pause.at);
    let rest = lines.iter().skip_while(|(received, _)| *received <= pause.at);
    let ended = before.chain(rest.take_while(owed)).map(|(_, it)| it.ended);
    ended.max().unwrap_or_default().max(pause.end())
}

#[test]
fn a_pause_is_a_time_and_a_length() {
    let pause =
        |at, length| Pause { at: Duration::from_secs(at), length: Duration::from_secs(length) };
    for (text, expected) in [
        ("600s+5m", Some(pause(600, 300))),
        ("10m+300", Some(pause(600, 300))),
        ("0+1h", Some(pause(0, 3_600))),
        ("5m", None),
        ("a+b", None),
        ("-5+3", None),
        ("1+nans", None),
        ("1+", None),
        ("é+é", None),
    ] {
        assert_eq!(text.parse().ok(), expected, "{text}");
    }
}

#[test]
fn the_listener_catches_up_after_a_pause_and_loses_nothing() {
    let start = crate::clock::test_now();
    // All lines differ: equal ones would be counted.
    let words: Vec<_> =
        (b'a'..=b'y').map(|n| format!("a line of a few {}", char::from(n))).collect();
    let line = |(n, words): (u64, &String)| {
        crate::simulate::replay::Arrival::of(Duration::from_secs(n * 8), words.as_str())
    };
    let arrivals: Vec<_> = (0..100).zip(words.iter().cycle()).map(line).collect();
    let pause = "202s+2m".parse().expect("a pause");
    let lag = Duration::from_secs(15);
    let [base, max] = [220, 450].map(crate::units::Wpm);
    let lag_target = crate::queue::rate_control::LagTarget { base, max, lag };
    let heard = crate::simulate::lag_rule::lag_rule(
        &arrivals,
        lag_target,
        start,
        Some(pause),
        &super::estimated,
    );
    let paused = Paused::of(pause, &heard, arrivals.len(), lag);
    assert_eq!(paused.lost, 0);
    assert!((5.0..30.0).contains(&paused.live_again_after_s), "{paused:?}");
    let caught_up = Duration::from_secs_f64(322.0 + paused.live_again_after_s);
    let silent = |it: &&Heard| it.ended > pause.at && it.ended < pause.end();
    assert_eq!(heard.iter().filter(silent).count(), 0, "a pause is silent");
    let later = heard.iter().filter(|it| it.ended > caught_up);
    assert!(later.clone().count() > 20 && later.into_iter().all(|it| it.lag <= lag));
}
