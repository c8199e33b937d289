//! The time stamps of logs, in any common form, as a date and a time.
#![forbid(unsafe_code)]

use std::fmt;

use ::time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// When a line was written, as far as its stamp has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The day, where the stamp has one, with the year.
    pub date: Option<Date>,
    /// The time of the day.
    pub time: Time,
    /// Whether the stamp has seconds.
    pub has_seconds: bool,
    /// From UTC, where the stamp has it.
    pub offset: Option<UtcOffset>,
}

/// ISO 8601: the full date and time where the date is known, else `HH:MM` or `HH:MM:SS`.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(date) = self.date {
            write!(f, "{:04}-{:02}-{:02}T", date.year(), u8::from(date.month()), date.day())?;
        }
        write!(f, "{:02}:{:02}", self.time.hour(), self.time.minute())?;
        if self.has_seconds {
            write!(f, ":{:02}", self.time.second())?;
        }
        if self.time.millisecond() > 0 {
            write!(f, ".{:03}", self.time.millisecond())?;
        }
        match self.offset {
            Some(offset) if offset.is_utc() => f.write_str("Z"),
            Some(offset) => {
                let (hours, minutes, _) = offset.as_hms();
                let sign = if offset.is_negative() { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", hours.abs(), minutes.abs())
            }
            None => Ok(()),
        }
    }
}

/// Reads `stamp`: a time of the day, in brackets or not, with a date in front or behind; or the
/// seconds or milliseconds since 1970. None where there is no time of the day in it.
pub fn parse(stamp: &str) -> Option<Stamp> {
    let stamp = stamp.trim_matches(|c: char| c.is_whitespace() || "[](){}<>|".contains(c));
    if let Some(epoch) = epoch(stamp) {
        return Some(epoch);
    }
    let mut read = Reading::default();
    // RFC 3339 has a T between, CLF a colon behind the year.
    let words = stamp.split(|c: char| c.is_whitespace() || c == ',' && !stamp.contains(':'));
    for word in words.filter(|word| !word.is_empty()) {
        read.word(word);
    }
    let (hour, minute, second, nano) = read.time?;
    let hour = match read.is_afternoon {
        Some(is_afternoon) => hour % 12 + if is_afternoon { 12 } else { 0 },
        None => hour,
    };
    Some(Stamp {
        date: read.date(),
        time: Time::from_hms_nano(hour, minute, second.unwrap_or(0).min(59), nano).ok()?,
        has_seconds: second.is_some(),
        offset: read.offset,
    })
}

fn epoch(stamp: &str) -> Option<Stamp> {
    let (seconds, fraction) = stamp.split_once('.').unwrap_or((stamp, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) || !matches!(seconds.len(), 9..=11 | 13) {
        return None;
    }
    let whole: i128 = seconds.parse().ok()?;
    let nanos = match seconds.len() {
        13 => whole * 1_000_000,
        _ => whole * 1_000_000_000 + i128::from(nanoseconds(fraction)),
    };
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
    let (date, time) = (Some(at.date()), at.time());
    Some(Stamp { date, time, has_seconds: true, offset: Some(UtcOffset::UTC) })
}

/// The parts of a stamp read so far.
#[derive(Default)]
struct Reading {
    year: Option<i32>,
    month: Option<Month>,
    day: Option<u8>,
    time: Option<(u8, u8, Option<u8>, u32)>,
    is_afternoon: Option<bool>,
    offset: Option<UtcOffset>,
}

impl Reading {
    fn word(&mut self, word: &str) {
        let word = word.trim_matches(['[', ']', '(', ')', ',', ';']);
        if let Some((date, time)) = halves(word) {
            self.day_of(date);
            self.time_of(time);
        } else if word.contains(':') && !word.starts_with(['+', '-']) {
            self.time_of(word);
        } else if word.contains(['-', '/', '.']) && word.starts_with(|c: char| c.is_ascii_digit()) {
            self.day_of(word);
        } else if let Some(month) = month(word) {
            self.month = Some(month);
        } else if let Ok(number) = word.parse::<i32>()
            && !word.starts_with(['+', '-'])
        {
            match u8::try_from(number) {
                Ok(day @ 1..=31) if word.len() <= 2 => self.day = Some(day),
                _ if word.len() == 4 => self.year = Some(number),
                _ => {}
            }
        } else {
            self.zone(word);
        }
    }

    fn zone(&mut self, word: &str) {
        match word.to_ascii_lowercase().as_str() {
            "am" | "a.m." => self.is_afternoon = Some(false),
            "pm" | "p.m." => self.is_afternoon = Some(true),
            "z" | "utc" | "gmt" => self.offset = Some(UtcOffset::UTC),
            word => self.offset = offset(word).or(self.offset),
        }
    }

    /// Reads `HH:MM`, `HH:MM:SS`, `HH:MM:SS.fff` and a suffix: `Z`, `+01:00`, `PM`.
    fn time_of(&mut self, word: &str) {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | ',');
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let (time, rest) = word.split_at(end);
        let mut parts = time.split(':');
        let mut next = || parts.next();
        let (hour, minute) = (next().and_then(number), next().and_then(number));
        let seconds = next().map(|part| part.split_once(['.', ',']).unwrap_or((part, "")));
        if let (Some(hour), Some(minute)) = (hour, minute) {
            let (second, fraction) = seconds.unwrap_or_default();
            self.time = Some((hour, minute, number(second), nanoseconds(fraction)));
            self.zone(rest);
        }
    }

    /// Reads a date of three numbers, or of two and a month's name.
    fn day_of(&mut self, word: &str) {
        let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
        let [a, b, c] = parts[..] else { return };
        let (year, middle, last) = match (a.len(), b, word.contains('/')) {
            (4, month, _) => (a, month, c),
            // With a slash the month comes first, except in CLF, which has a name.
            (_, day, true) if month(day).is_none() && number(a).is_some_and(|a| a <= 12) => {
                (c, a, day)
            }
            (_, month, _) => (c, month, a),
        };
        self.year = year.parse().ok().map(|n: i32| if year.len() == 2 { n + 2000 } else { n });
        let of_number = || Month::try_from(number(middle)?).ok();
        self.month = month(middle).or_else(of_number);
        self.day = number(last);
    }

    fn date(&self) -> Option<Date> {
        Date::from_calendar_date(self.year?, self.month?, self.day?).ok()
    }
}

/// A date and a time in one word, joined by `T`, or in CLF by a colon after the year.
fn halves(word: &str) -> Option<(&str, &str)> {
    let is_date = |text: &str| text.len() >= 8 && text.split(['-', '/']).count() == 3;
    ['T', 't', ':', '_'].iter().find_map(|&c| word.split_once(c).filter(|halves| is_date(halves.0)))
}

fn number(text: &str) -> Option<u8> {
    text.trim().parse().ok()
}

/// The fraction of a second that the digits `fraction` stand for.
fn nanoseconds(fraction: &str) -> u32 {
    let digits = fraction.bytes().take(9).take_while(u8::is_ascii_digit);
    let (value, n) = digits.fold((0, 0), |(value, n), b| (value * 10 + u32::from(b - b'0'), n + 1));
    value * 10_u32.pow(9 - n)
}

fn month(word: &str) -> Option<Month> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let name = word.get(..3)?.to_ascii_lowercase();
    if word.bytes().any(|b| !b.is_ascii_alphabetic()) {
        return None;
    }
    let number = (1..).zip(NAMES).find(|(_, known)| *known == name)?.0;
    Month::try_from(number).ok()
}

/// `+01:00`, `-0330`, `+02`.
fn offset(word: &str) -> Option<UtcOffset> {
    let sign = match word.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    let hours: i8 = digits.get(..2)?.parse().ok()?;
    let minutes: i8 = digits.get(2..4).map_or(Some(0), |digits| digits.parse().ok())?;
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

#[test]
fn stamps_are_read_as_their_writers_mean_them() {
    for (stamp, shown) in [
        ("16:02", Some("16:02")),
        ("[16:02:30]", Some("16:02:30")),
        ("2013-09-12 16:02", Some("2013-09-12T16:02")),
        ("2024-03-01T16:02:03.25+01:00", Some("2024-03-01T16:02:03.250+01:00")),
        ("2024-03-01T16:02:03Z", Some("2024-03-01T16:02:03Z")),
        ("09/12/13 16:02", Some("2013-09-12T16:02")),
        ("9/12/2013 4:02:05 PM", Some("2013-09-12T16:02:05")),
        ("12:02:05 AM", Some("00:02:05")),
        ("4:02pm", Some("16:02")),
        ("1700000000", Some("2023-11-14T22:13:20Z")),
        ("1700000000123", Some("2023-11-14T22:13:20.123Z")),
        ("01/Mar/2024:16:02:03 +0330", Some("2024-03-01T16:02:03+03:30")),
        ("Fri Mar 01 16:02:03.5 2024", Some("2024-03-01T16:02:03.500")),
        ("Mar  1 16:02:03", Some("16:02:03")),
        ("01 Mar 16:02", Some("16:02")),
        ("01-03-2024 16:02:03", Some("2024-03-01T16:02:03")),
        ("2024/03/01 16:02:03", Some("2024-03-01T16:02:03")),
        ("2024-03-01 16:02:03,123", Some("2024-03-01T16:02:03.123")),
        ("2024-03-01 16:02:03 UTC", Some("2024-03-01T16:02:03Z")),
        ("99:99", None),
        ("yesterday", None),
        ("12.345678", None),
        ("", None),
    ] {
        assert_eq!(parse(stamp).map(|stamp| stamp.to_string()).as_deref(), shown, "{stamp:?}");
    }
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn no_stamp_panics(stamp in "[0-9TZ:/.,+ -]{0,24}|.*") {
        let _ = parse(&stamp).map(|stamp| stamp.to_string());
    }
}
