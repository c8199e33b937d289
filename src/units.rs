//! Units that are written by people: rates in words a minute, times such as "15s".
#![forbid(unsafe_code)]

use std::time::Duration;

/// The valid rates, in words a minute.
pub(crate) const RATES: std::ops::RangeInclusive<u32> = 60..=1_000;

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

/// A number of words a minute on the command line; its range is checked where it is used.
pub(crate) fn wpm(text: &str) -> Result<u32, String> {
    let wpm = text.parse().ok().filter(|wpm| *wpm > 0);
    wpm.ok_or_else(|| "it takes words a minute, a whole number such as 220".to_owned())
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
