//! Units that are written by people: rates in words a minute, times such as "15s".
#![forbid(unsafe_code)]

use std::time::Duration;

/// The valid rates, in words a minute.
pub const RATES: std::ops::RangeInclusive<u32> = 60..=1_000;

/// `300ms`, `30s`, `10m`, `2h`.
pub fn duration(text: &str) -> Option<Duration> {
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
