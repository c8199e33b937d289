//! How long an utterance will sound. Fitted to what eSpeak NG 1.51 takes for 4,000 lines of real
//! meetings (at 220 words a minute: 4.0 s a line, off by 0.3 s on average), and corrected by what
//! this engine, this voice and these people turn out to take.
#![forbid(unsafe_code)]

/// Seconds at 220 words a minute: for beginning at all, a letter, a digit (it is a word of its
/// own), a pause between clauses, any other sign.
const BEGIN: f64 = 0.288;
const LETTER: f64 = 0.058;
const DIGIT: f64 = 0.336;
const CLAUSE: f64 = 0.207;
const SIGN: f64 = 0.129;

/// Sounding time falls a little faster than the rate rises: 0.51 at 400 words a minute, where
/// 220/400 is 0.55.
const FALL: f64 = 1.117;

/// How much of a new measurement goes into the correction.
const WEIGHT: f64 = 0.05;

/// The correction stays within what can be true.
const CORRECTION: std::ops::RangeInclusive<f64> = 0.3..=3.0;

/// Estimates sounding times, and learns.
#[derive(Debug, Clone)]
pub struct Estimate {
    correction: f64,
}

impl Default for Estimate {
    fn default() -> Self {
        Self { correction: 1.0 }
    }
}

impl Estimate {
    /// The seconds that a text of that `work` sounds at `rate` words a minute.
    pub fn seconds(&self, work: f64, rate: u32) -> f64 {
        self.correction * work * (220.0 / f64::from(rate.max(1))).powf(FALL)
    }

    /// The rate at which a text of that `work` sounds for `seconds`.
    pub fn rate(&self, work: f64, seconds: f64) -> f64 {
        220.0 * (self.correction * work / seconds.max(1e-3)).powf(1.0 / FALL)
    }

    /// A text of that `work` took `seconds` at `rate`.
    pub fn learn(&mut self, work: f64, rate: u32, seconds: f64) {
        let expected = self.seconds(work, rate) / self.correction;
        if expected > 0.2 && seconds > 0.0 {
            let seen = (seconds / expected).clamp(*CORRECTION.start(), *CORRECTION.end());
            self.correction += WEIGHT * (seen - self.correction);
        }
    }
}

/// How much there is to say in `text`: seconds at 220 words a minute, by the fit.
pub fn work(text: &str) -> f64 {
    let mut seconds = BEGIN;
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let ends_clause = letters.peek().is_none_or(|next| next.is_whitespace());
        seconds += match c {
            c if c.is_alphabetic() => LETTER,
            c if c.is_numeric() => DIGIT,
            ',' | '.' | ';' | ':' | '!' | '?' if ends_clause => CLAUSE,
            ',' | '.' | ';' | ':' | '!' | '?' | '\'' => 0.0,
            c if c.is_whitespace() => 0.0,
            _ => SIGN,
        };
    }
    seconds
}

#[test]
fn a_rate_and_the_seconds_it_takes_belong_together() {
    let estimate = Estimate::default();
    let work = work("the build of the nightly image is green again, after the 3rd try");
    assert!((3.5..4.5).contains(&work), "{work}");
    for rate in [150, 220, 300, 450] {
        let seconds = estimate.seconds(work, rate);
        assert!((estimate.rate(work, seconds) - f64::from(rate)).abs() < 0.5);
    }
}

#[test]
fn what_was_measured_corrects_the_estimate() {
    let mut estimate = Estimate::default();
    for _ in 0..200 {
        estimate.learn(2.0, 220, 3.0);
    }
    assert!((estimate.seconds(2.0, 220) - 3.0).abs() < 0.05);
    estimate.learn(2.0, 220, 1e9);
    assert!(estimate.seconds(2.0, 220) < 4.0, "one absurd measurement changes little");
}
