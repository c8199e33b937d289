//! How long an utterance will sound. Until the voice process has measured it, it is estimated from
//! its letters: for English fitted to what eSpeak NG 1.51 takes for 4,000 lines of real meetings
//! (at 220 words a minute: 4.0 s a line, off by 0.3 s on average), for other scripts by a table.
//! The estimate of each script is corrected by what the current engine and voice take.
#![forbid(unsafe_code)]

use super::script::{self, N_SCRIPTS, Parts};
use crate::units::Wpm;

/// The rate of the estimates, in words a minute.
const RATE: f64 = 220.0;

/// Sounding time falls a little faster than the rate rises: 0.51 at 400 words a minute, where
/// 220/400 is 0.55. That is English; the exponents of other voices, 0.63 (Hebrew) to 1.2 (Slovak),
/// are learned.
const FALL: f64 = 1.117;
const FALLS: std::ops::RangeInclusive<f64> = 0.5..=1.5;

/// The least ratio of two rates at which [`FALL`] is learned from the times at both.
const APART: f64 = 1.15;

/// A change by this share renews the estimates of all waiting utterances.
const CHANGED: f64 = 0.05;

/// The least weight of a new measurement: one of twenty.
const WEIGHT: f64 = 0.05;

/// The bounds of a letter's learned time, as multiples of the table's.
const CORRECTION: std::ops::RangeInclusive<f64> = 0.2..=5.0;

/// Estimates sounding times, and learns.
#[derive(Debug, Clone)]
pub(crate) struct Estimate {
    /// Seconds a letter of each script, by the table and as learned.
    table: [f64; N_SCRIPTS],
    seconds: [f64; N_SCRIPTS],
    /// How much was learned of each: the first line of a script counts much, the hundredth little.
    n_learned: [f64; N_SCRIPTS],
    /// `seconds` as of the last time that [`Estimate::has_changed`] was true.
    known: [f64; N_SCRIPTS],
    fall: f64,
}

impl Default for Estimate {
    fn default() -> Self {
        Self::with_voice("en-us")
    }
}

impl Estimate {
    /// The estimate for a voice, by the language in its name.
    pub(crate) fn with_voice(voice: &str) -> Self {
        let table = script::seconds(voice);
        Self { table, seconds: table, n_learned: [0.0; N_SCRIPTS], known: table, fall: FALL }
    }

    /// The work of `text`: its estimated seconds at 220 words a minute.
    pub(crate) fn work(&self, text: &str) -> f64 {
        self.work_of(&Parts::of(text))
    }

    pub(super) fn work_of(&self, parts: &Parts) -> f64 {
        parts.seconds(&self.seconds)
    }

    /// The work of a text that sounds for `seconds` at `rate` words a minute.
    pub(crate) fn measured(&self, seconds: f64, rate: Wpm) -> f64 {
        seconds / self.seconds(1.0, rate)
    }

    /// How many seconds a text of that `work` sounds at `rate` words a minute.
    pub(crate) fn seconds(&self, work: f64, rate: Wpm) -> f64 {
        work * (RATE / f64::from(rate.max(Wpm(1)))).powf(self.fall)
    }

    /// The rate at which a text of that `work` sounds for `seconds`.
    pub(crate) fn rate(&self, work: f64, seconds: f64) -> f64 {
        RATE * (work / seconds.max(1e-3)).powf(1.0 / self.fall)
    }

    /// Learns that a text made of `parts` took `seconds` at `rate`.
    pub(super) fn learn(&mut self, parts: &Parts, rate: Wpm, seconds: f64) {
        let expected = self.seconds(self.work_of(parts), rate);
        if expected <= 0.2 || seconds <= 0.0 {
            return;
        }
        let ratio = (seconds / expected).clamp(*CORRECTION.start(), *CORRECTION.end());
        for (n, share) in parts.shares(&self.seconds).into_iter().enumerate() {
            let weight = share * (1.0 / (1.0 + self.n_learned[n])).max(WEIGHT);
            let learned = self.seconds[n] * (1.0 + weight * (ratio - 1.0));
            let [least, most] = [CORRECTION.start(), CORRECTION.end()].map(|it| it * self.table[n]);
            self.seconds[n] = learned.clamp(least, most);
            self.n_learned[n] += share;
        }
    }

    /// Whether the times have changed enough, since this was last true, to renew the estimates.
    pub(super) fn has_changed(&mut self) -> bool {
        let differs = |(now, before): (&f64, &f64)| (now / before - 1.0).abs() > CHANGED;
        let has_changed = self.seconds.iter().zip(&self.known).any(differs);
        if has_changed {
            self.known = self.seconds;
        }
        has_changed
    }

    /// Learns the exponent from a text of measured `work` that took `seconds` at `rate`.
    pub(super) fn learn_fall(&mut self, work: f64, rate: Wpm, seconds: f64) {
        let ratio = f64::from(rate) / RATE;
        if !(APART.recip()..=APART).contains(&ratio) && work > 1.0 && seconds > 0.2 {
            let seen = ((work / seconds).ln() / ratio.ln()).clamp(*FALLS.start(), *FALLS.end());
            self.fall += WEIGHT * (seen - self.fall);
        }
    }
}

#[test]
fn rate_seconds_and_measured_are_inverse() {
    let estimate = Estimate::default();
    let work = estimate.work("the build of the nightly image is green again, after the 3rd try");
    assert!((3.5..4.5).contains(&work), "{work}");
    for rate in [150, 220, 300, 450].map(Wpm) {
        let seconds = estimate.seconds(work, rate);
        assert!((estimate.rate(work, seconds) - f64::from(rate)).abs() < 0.5);
        assert!((estimate.measured(seconds, rate) - work).abs() < 1e-6);
    }
}

#[test]
fn measurements_correct_the_estimate() {
    let mut estimate = Estimate::default();
    let parts = Parts::of("a line of several words, spoken again and again");
    for _ in 0..200 {
        estimate.learn(&parts, Wpm(220), 3.6);
    }
    assert!((estimate.work_of(&parts) - 3.6).abs() < 0.1, "{}", estimate.work_of(&parts));
    estimate.learn(&parts, Wpm(220), 1e9);
    assert!(estimate.work_of(&parts) < 5.0, "one absurd measurement changes little");
}

#[test]
fn a_script_is_learned_from_its_first_line_without_changing_another() {
    let mut estimate = Estimate::with_voice("de"); // which spells each letter by name and number
    let (first, second) = ("всем привет, давайте начнём совещание", "ночная сборка снова зелёная");
    let english = Parts::of("the build of the nightly image is green again");
    let before = estimate.work_of(&english);
    let a_letter =
        |text: &str| 0.288 + 0.71 * text.chars().filter(|c| c.is_alphabetic()).count() as f64;
    estimate.learn(&Parts::of(first), Wpm(220), a_letter(first));
    let (estimated, true_one) = (estimate.work(second), a_letter(second));
    assert!((0.85..1.15).contains(&(estimated / true_one)), "{estimated:.2} for {true_one:.2}");
    assert!((estimate.work_of(&english) / before - 1.0).abs() < 0.1);
}

#[test]
fn the_exponent_is_learned_from_measured_and_spoken_times() {
    let mut estimate = Estimate::with_voice("he");
    for _ in 0..100 {
        estimate.learn_fall(3.0, Wpm(220), 3.0); // the same rate: nothing to learn
        estimate.learn_fall(3.0, Wpm(330), 3.0 * 1.5_f64.powf(-0.63));
    }
    assert!((estimate.seconds(3.0, Wpm(330)) - 3.0 * 1.5_f64.powf(-0.63)).abs() < 0.02);
}
