//! Units that are written by people: rates in words a minute, times such as "15s".
#![forbid(unsafe_code)]

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A rate of speech, in words a minute. Its range is checked where it is used.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Wpm(pub u32);

/// The valid rates.
pub(crate) const RATES: RangeInclusive<Wpm> = Wpm(60)..=Wpm(1_000);

impl Wpm {
    /// The whole rate that is nearest to `rate`; none is below 0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
    pub(crate) fn rounded(rate: f64) -> Self {
        Self(rate.round() as u32)
    }

    /// `part` of `whole` times this rate, rounded down.
    pub(crate) fn scaled(self, part: u32, whole: u32) -> Self {
        Self(self.0 * part / whole)
    }

    /// The same, if it is valid; otherwise what is wrong with the rate called `name`.
    pub(crate) fn checked(self, name: &str) -> Result<Self, String> {
        if RATES.contains(&self) {
            return Ok(self);
        }
        let (least, most) = (RATES.start(), RATES.end());
        Err(format!("{name} is {self}; it takes {least} to {most} words a minute"))
    }

    /// The nearest valid rate.
    pub(crate) fn clamped(self) -> Self {
        self.clamp(*RATES.start(), *RATES.end())
    }
}

/// For calculations.
impl From<Wpm> for f64 {
    fn from(rate: Wpm) -> Self {
        Self::from(rate.0)
    }
}

impl fmt::Display for Wpm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As on the command line.
impl FromStr for Wpm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wpm = text.parse().ok().filter(|wpm| *wpm > 0).map(Self);
        wpm.ok_or_else(|| "it takes words a minute, a whole number such as 220".to_owned())
    }
}

/// `300ms`, `30s`, `10m`, `2h`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().ok()?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    Some(Duration::from_millis(number.checked_mul(ms)?))
}

/// A number of lines on the command line, from 1.
pub(crate) fn n_lines(text: &str) -> Result<u32, String> {
    let n = text.parse().ok().filter(|n| *n > 0);
    n.ok_or_else(|| "it takes a number of lines, such as 10".to_owned())
}

/// A volume on the command line.
pub(crate) fn volume(text: &str) -> Result<u8, String> {
    let percent = text.parse().ok().filter(|percent| *percent <= 200);
    percent.ok_or_else(|| "it takes per cent, a whole number from 0 to 200".to_owned())
}

#[test]
fn durations_have_a_unit() {
    for (text, ms) in [
        ("300ms", Some(300)),
        ("30s", Some(30_000)),
        ("10m", Some(600_000)),
        ("2h", Some(7_200_000)),
        ("0s", Some(0)),
        ("30", None),
        ("s", None),
        ("-1s", None),
        ("1 s", None),
        ("99999999999999999999s", None),
        ("9999999999999999h", None),
    ] {
        assert_eq!(duration(text), ms.map(Duration::from_millis), "{text:?}");
    }
}
