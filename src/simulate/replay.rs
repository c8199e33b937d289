//! Reads arrivals from a time-stamped log: a table of `seconds kind sender text`, or a log of any
//! format with time stamps.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::time::{Duration, Instant};

use crate::format::time;
use crate::message::{Kind, LinePosition, Message, SourceId, Utterance, UtteranceId, head_len};
use crate::phrase::Phrased;
use crate::pipeline::{Outcome, Pipeline};
use crate::source::lines::Lines;

/// The header row of a table.
const HEADER: &str = "seconds_since_start\tkind\tsender\ttext";

/// A line to be spoken, and when it came.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Since the log began.
    pub at: Duration,
    /// The spoken text.
    pub words: String,
    pub(super) phrased: Phrased,
    message: Message<'static>,
}

impl Arrival {
    #[cfg(test)]
    pub(super) fn of(at: Duration, words: &str) -> Self {
        let message = Message::plain(SourceId(0), words.to_owned(), crate::clock::test_now());
        let phrased =
            Phrased { language: crate::language::Language::ENGLISH, name_len: 0, name_end: 0 };
        Self { at, words: words.to_owned(), phrased, message }
    }

    /// The bytes of "kim: " before what the sender says.
    pub(super) fn head_len(&self) -> usize {
        head_len(&self.words, self.phrased.name_end)
    }

    /// The arrival as an utterance received at `now`.
    pub(super) fn utterance(&self, id: UtteranceId, now: Instant) -> Utterance {
        Utterance {
            id,
            text: self.words.clone(),
            message: Some(self.message.clone()),
            line: LinePosition { number: id.0, end: None },
            received: now,
            language: Some(self.phrased.language),
            name_len: self.phrased.name_len,
            name_end: self.phrased.name_end,
            is_replay: false,
            is_live: true,
            earcon: None,
            expiry: None,
        }
    }
}

/// Reads `log` from `start` on; returns the lines to be spoken, and how many were dropped. An error
/// is one line for the user.
pub(crate) fn read(
    log: Vec<u8>,
    pipeline: &mut Pipeline,
    start: Instant,
) -> Result<(Vec<Arrival>, usize), String> {
    let lines = Lines::new(SourceId(0), log, start);
    let is_table = lines.iter().next().is_some_and(|line| line.text.trim_end() == HEADER);
    let mut arrivals =
        Arrivals { clock: Clock::default(), list: Vec::new(), n_dropped: 0, has_seconds: is_table };
    if is_table {
        for (n, line) in lines.iter().enumerate().skip(1) {
            if line.text.trim().is_empty() {
                continue;
            }
            let (at, message) = row(&line.text, start)
                .ok_or_else(|| format!("line {} is not seconds, kind, sender and text", n + 1))?;
            pipeline
                .message(message, |message, _, outcome| arrivals.take(message, Some(at), outcome));
        }
    } else {
        pipeline.sample(&lines);
        pipeline.lines(&lines, |message, _, outcome| {
            let at = message.stamp.as_deref().and_then(seconds_of);
            let at = at.map(|at| arrivals.clock.since_start(at));
            arrivals.has_seconds |= message.stamp.as_deref().is_some_and(has_seconds);
            arrivals.take(message, at, outcome);
        });
        if arrivals.clock.first.is_none() {
            return Err("no line has a time stamp that is understood".to_owned());
        }
    }
    arrivals.list.sort_by_key(|arrival| arrival.at);
    if !arrivals.has_seconds {
        spread(&mut arrivals.list);
    }
    Ok((arrivals.list, arrivals.n_dropped))
}

/// The lines that were read so far.
struct Arrivals {
    clock: Clock,
    list: Vec<Arrival>,
    n_dropped: usize,
    /// Times have seconds: lines with equal ones came at once.
    has_seconds: bool,
}

impl Arrivals {
    fn take(&mut self, message: Message<'_>, at: Option<Duration>, outcome: Outcome<'_>) {
        let Outcome::Words(words, phrased, _) = outcome else {
            self.n_dropped += 1;
            return;
        };
        // A line without a time has that of the one before.
        let at = at.or_else(|| self.list.last().map(|it| it.at)).unwrap_or_default();
        let message = message.into_owned();
        self.list.push(Arrival { at, words: words.to_owned(), phrased, message });
    }
}

/// A row of a table.
fn row(line: &str, start: Instant) -> Option<(Duration, Message<'_>)> {
    let mut cells = line.splitn(4, '\t');
    let at: f64 = cells.next()?.parse().ok()?;
    let at = Duration::try_from_secs_f64(at).ok()?;
    let kind = cells.next()?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    let sender = cells.next()?;
    let text = cells.next()?;
    let mut message = Message::plain(SourceId(0), text, start + at);
    message.kind = kind;
    message.sender = Some(Cow::Borrowed(sender)).filter(|sender| !sender.is_empty());
    Some((at, message))
}

/// Turns times of the day into times since the first, past midnights.
#[derive(Default)]
struct Clock {
    first: Option<f64>,
    last: f64,
    days: f64,
}

const DAY: f64 = 86_400.0;

impl Clock {
    fn since_start(&mut self, seconds: f64) -> Duration {
        let first = *self.first.get_or_insert(seconds);
        if seconds + DAY / 2.0 < self.last {
            self.days += DAY;
        }
        self.last = seconds;
        Duration::from_secs_f64((self.days + seconds - first).max(0.0))
    }
}

/// A stamp in seconds: since midnight, where it has a time of the day, else since the epoch.
fn seconds_of(stamp: &str) -> Option<f64> {
    let is_epoch = !stamp.contains(':');
    let stamp = time::parse(stamp)?;
    let of_day = stamp.time.duration_since(::time::Time::MIDNIGHT).as_seconds_f64();
    let days = stamp.date.filter(|_| is_epoch).map_or(0, |date| {
        date.to_julian_day() - ::time::UtcDateTime::UNIX_EPOCH.date().to_julian_day()
    });
    Some(f64::from(days) * DAY + of_day)
}

/// Whether a stamp has seconds.
fn has_seconds(stamp: &str) -> bool {
    time::parse(stamp).is_some_and(|stamp| stamp.has_seconds)
}

/// Spreads lines whose stamps have no seconds evenly over their minute.
fn spread(arrivals: &mut [Arrival]) {
    for minute in arrivals.chunk_by_mut(|a, b| a.at == b.at) {
        let n = u32::try_from(minute.len()).unwrap_or(u32::MAX);
        for (i, arrival) in (0..).zip(minute.iter_mut()) {
            arrival.at += Duration::from_secs(60) * i / n;
        }
    }
}

#[test]
fn stamps_are_times_of_the_day_or_epochs() {
    for (stamp, seconds) in [
        ("16:02", Some(57_720.0)),
        ("[16:02:30]", Some(57_750.0)),
        ("2013-09-12 16:02", Some(57_720.0)),
        ("09/12/13 00:00", Some(0.0)),
        ("1700000000", Some(1_700_000_000.0)),
        ("yesterday", None),
        ("", None),
    ] {
        assert_eq!(seconds_of(stamp), seconds, "{stamp:?}");
    }
}

#[test]
fn a_log_goes_on_past_midnight() {
    let mut clock = Clock::default();
    let times = [86_390.0, 5.0, 10.0, 0.0];
    let since: Vec<_> = times.iter().map(|&time| clock.since_start(time).as_secs()).collect();
    assert_eq!(since, [0, 15, 20, 10]);
}
