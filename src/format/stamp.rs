//! Where a time stamp ends, in any common form: `{time}` in a pattern. Most clients let users
//! change it, so that no grammar could list them all.
#![forbid(unsafe_code)]

const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];
const DAYS: [&[u8]; 7] = [b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"];

/// The time zones that clients write; others could be nicks.
const ZONES: [&[u8]; 22] = [
    b"UTC", b"GMT", b"CET", b"CEST", b"EET", b"EEST", b"WET", b"WEST", b"BST", b"MSK", b"EST",
    b"EDT", b"CST", b"CDT", b"MST", b"MDT", b"PST", b"PDT", b"JST", b"IST", b"AEST", b"AEDT",
];

/// Whether a stamp may begin with `byte`.
pub(super) fn may_begin(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_alphabetic()
}

/// The end of the stamp that begins at `at`: a time of day, with a date before or after it, a
/// weekday, AM or PM and a zone where given, or the seconds since 1970.
pub(super) fn end(line: &[u8], at: usize) -> Option<usize> {
    let mut scan = Scan { line, at };
    if scan.epoch() {
        return Some(scan.at);
    }
    let has_day = scan.weekday();
    // "12.01" alone is a time.
    if !scan.maybe(|scan| scan.date() && scan.time()) && !scan.time() {
        return None;
    }
    scan.half_day();
    scan.zone();
    scan.behind(has_day);
    Some(scan.at)
}

struct Scan<'l> {
    line: &'l [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.line.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// How many digits come next.
    fn digits(&self, ahead: usize) -> usize {
        let rest = self.line.get(self.at + ahead..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    fn blanks(&mut self) -> bool {
        let start = self.at;
        while self.peek(0) == b' ' {
            self.at += 1;
        }
        self.at > start
    }

    /// Advances if `read` succeeds.
    fn maybe(&mut self, read: impl FnOnce(&mut Self) -> bool) -> bool {
        let start = self.at;
        let is_read = read(self);
        if !is_read {
            self.at = start;
        }
        is_read
    }

    fn epoch(&mut self) -> bool {
        self.maybe(|scan| {
            let n = scan.digits(0);
            scan.at += n;
            if scan.peek(0) == b'.' {
                scan.at += 1 + scan.digits(1);
            }
            matches!(n, 9..=11 | 13) && !matches!(scan.peek(0), b':' | b'-')
        })
    }

    /// One of `names`, by its first three letters; the rest may follow.
    fn name(&mut self, names: &[&[u8]]) -> bool {
        let Some(word) = self.line.get(self.at..self.at + 3) else { return false };
        let is_known = names.iter().any(|name| word.eq_ignore_ascii_case(name));
        if is_known {
            let rest = self.line[self.at..].iter();
            self.at += rest.take_while(|byte| byte.is_ascii_alphabetic()).count();
        }
        is_known
    }

    fn weekday(&mut self) -> bool {
        self.maybe(|scan| {
            let is_day = scan.name(&DAYS);
            scan.at += usize::from(matches!(scan.peek(0), b',' | b'.'));
            is_day && scan.blanks()
        })
    }

    /// A date, and what separates it from the time.
    fn date(&mut self) -> bool {
        self.maybe(|scan| {
            let is_date = scan.month_first()
                || scan.numbers()
                || scan.day_first()
                || scan.packed()
                || scan.year_first();
            scan.at += usize::from(scan.peek(0) == b',');
            is_date && (scan.blanks() || scan.letter(b"Tt_:.-"))
        })
    }

    fn letter(&mut self, letters: &[u8]) -> bool {
        let is_one = letters.contains(&self.peek(0));
        self.at += usize::from(is_one);
        is_one
    }

    /// So many digits and no more.
    fn number(&mut self, least: usize, most: usize) -> bool {
        let n = self.digits(0);
        self.at += n;
        (least..=most).contains(&n)
    }

    /// `Mar 1`, `Mar  1 2024`, `March 1, 2024`.
    fn month_first(&mut self) -> bool {
        self.maybe(|scan| scan.name(&MONTHS) && scan.blanks() && scan.number(1, 2) && scan.year())
    }

    /// `1 Mar`, `01-Mar-2024`, `1. March 2024`.
    fn day_first(&mut self) -> bool {
        self.maybe(|scan| {
            let has_day = scan.number(1, 2);
            scan.letter(b".");
            has_day && (scan.blanks() || scan.letter(b"-/")) && scan.name(&MONTHS) && scan.year()
        })
    }

    /// A year, if there is one.
    fn year(&mut self) -> bool {
        self.maybe(|scan| {
            scan.letter(b",");
            (scan.blanks() || scan.letter(b"-/")) && scan.number(4, 4)
        });
        true
    }

    /// `2024 Mar  1`.
    fn year_first(&mut self) -> bool {
        self.maybe(|scan| {
            let has_year = scan.number(4, 4) && scan.blanks();
            has_year && scan.name(&MONTHS) && scan.blanks() && scan.number(1, 2)
        })
    }

    /// `2024-03-01`, `1.3.24`, `01/03`, `1.3.`.
    fn numbers(&mut self) -> bool {
        self.maybe(|scan| {
            let has_first = scan.number(1, 4);
            let sign = scan.peek(0);
            if !has_first || !scan.letter(b"-/.") || !scan.number(1, 2) {
                return false;
            }
            scan.maybe(|scan| scan.letter(&[sign]) && scan.number(1, 4));
            scan.letter(b".");
            true
        })
    }

    /// `20240301`.
    fn packed(&mut self) -> bool {
        self.maybe(|scan| scan.number(8, 8))
    }

    /// `1:02`, `01:02:03`, `01:02:03.456`, `01.02.03`.
    fn time(&mut self) -> bool {
        let hours = self.digits(0);
        let sign = self.peek(hours);
        if !(1..=2).contains(&hours) || !matches!(sign, b':' | b'.') || self.digits(hours + 1) != 2
        {
            return false;
        }
        self.at += hours + 3;
        if self.peek(0) == sign && self.digits(1) == 2 {
            self.at += 3;
            if matches!(self.peek(0), b'.' | b',' | b':') {
                let n = self.digits(1);
                self.at += if n > 0 { n + 1 } else { 0 };
            }
        }
        true
    }

    fn half_day(&mut self) {
        self.maybe(|scan| {
            scan.blanks();
            let is_half = matches!(scan.peek(0) | 0x20, b'a' | b'p');
            scan.at += 1;
            scan.letter(b".");
            let is_half = is_half && scan.letter(b"Mm");
            scan.letter(b".");
            is_half && !scan.peek(0).is_ascii_alphanumeric()
        });
    }

    fn zone(&mut self) {
        self.maybe(|scan| {
            if scan.letter(b"Zz") {
                return !scan.peek(0).is_ascii_alphanumeric();
            }
            scan.blanks();
            if scan.letter(b"+-") {
                let hours = scan.digits(0);
                scan.at += hours;
                scan.maybe(|scan| scan.letter(b":") && scan.number(2, 2));
                return matches!(hours, 2 | 4);
            }
            let rest = scan.line.get(scan.at..).unwrap_or_default();
            let n = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
            scan.at += n;
            ZONES.contains(&&rest[..n]) && matches!(scan.peek(0), b' ' | b'\t' | b']' | b')' | 0)
        });
    }

    /// The date after the time: all of it, or the year where there was a weekday.
    fn behind(&mut self, has_day: bool) {
        self.maybe(|scan| {
            let is_parted = scan.blanks();
            let start = scan.at;
            let is_date = scan.maybe(|scan| scan.numbers() && scan.at - start >= "1.2.24".len());
            let is_found = is_date || has_day && scan.number(4, 4);
            is_parted && is_found && matches!(scan.peek(0), b' ' | b']' | b')' | b'\t')
        });
    }
}

#[test]
fn a_stamp_ends_where_it_does() {
    for (line, stamp) in [
        ("12:01 <kim> hi", "12:01"),
        ("1:02:03> x", "1:02:03"),
        ("12:01:02.345678 x", "12:01:02.345678"),
        ("12:01 PM - x", "12:01 PM"),
        ("12:01:02pm x", "12:01:02pm"),
        ("12:01 a.m. x", "12:01 a.m."),
        ("12:01 amy: x", "12:01"),
        ("12.01 <kim> hi", "12.01"),
        ("2024-03-01T12:01:02Z x", "2024-03-01T12:01:02Z"),
        ("2024-03-01 12:01:02 +0100 x", "2024-03-01 12:01:02 +0100"),
        ("2024/03/01 - x", ""),
        ("2024-03-01T12:01:02.5+01:00] x", "2024-03-01T12:01:02.5+01:00"),
        ("24.11. 12:01 x", "24.11. 12:01"),
        ("24.11.2026, 12:01 x", "24.11.2026, 12:01"),
        ("11-24 12:01 x", "11-24 12:01"),
        ("3/1/24 1:02 AM x", "3/1/24 1:02 AM"),
        ("20240301 12:01:02 x", "20240301 12:01:02"),
        ("Mar  1 12:01:02 x", "Mar  1 12:01:02"),
        ("2024 Mar  1 12:01:02 x", "2024 Mar  1 12:01:02"),
        ("Fri, 1 March 2024 12:01 x", "Fri, 1 March 2024 12:01"),
        ("Fri Mar 01 12:01:02 2024] x", "Fri Mar 01 12:01:02 2024"),
        ("01-Mar-2024 12:01 x", "01-Mar-2024 12:01"),
        ("01-Mar-2024.12:01:02 x", "01-Mar-2024.12:01:02"),
        ("12.01.02 x", "12.01.02"),
        ("01/Mar/2024:12:01:02 +0100] x", "01/Mar/2024:12:01:02 +0100"),
        ("12:01:02 24/11/2026] x", "12:01:02 24/11/2026"),
        ("12:01 CET <kim>", "12:01 CET"),
        ("12:01 KIM <kim>", "12:01"),
        ("12:01 -kim- psst", "12:01"),
        ("12:01 5.5 is more", "12:01"),
        ("1709301720 <kim> hi", "1709301720"),
        ("12:0 x", ""),
        ("12:011 x", ""),
        ("Mar <kim>", ""),
        ("maybe", ""),
        ("", ""),
    ] {
        assert_eq!(&line[..end(line.as_bytes(), 0).unwrap_or(0)], stamp, "line: {line:?}");
    }
}
