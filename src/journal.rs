//! The one account of all lines: where each stands (queued, in flight, its fate), how many came in
//! and how they ended, and up to which line each source was acknowledged. `--events` is read from
//! here.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::message::{Fate, FilePosition, LinePosition, Message, SourceId, Utterance, UtteranceId};
use crate::units::Wpm;

/// One event of a line, as `--events` prints it.
#[derive(Debug, Serialize)]
struct Event<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fate: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    line: u64,
    text: &'a str,
    source: &'a str,
    channel: Option<&'a str>,
    sender: Option<&'a str>,
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    highlight: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<Wpm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound_ms: Option<u32>,
    /// The utterance that a merged one became part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<u64>,
}

/// An utterance that has not ended.
struct Open {
    utterance: Utterance,
    source: String,
    rate: Wpm,
    started: Option<Instant>,
    /// Further lines that end with it: those merged into it.
    merged: Vec<(SourceId, LinePosition)>,
    /// The queue added it: a replay, or a warning. It is no line, and no event.
    is_added: bool,
}

/// How far a log is acknowledged: lines may end before earlier ones.
#[derive(Default)]
struct Acknowledged {
    /// All lines up to this number have ended.
    n: u64,
    /// Where the last of them ends, if it has not been taken yet.
    end: Option<FilePosition>,
    /// Later lines that have ended, by their numbers.
    later: BTreeMap<u64, FilePosition>,
}

/// Accounts for every line: `lines in = sum of fates` once everything has ended.
#[derive(Default)]
pub(crate) struct Journal {
    /// Lines that came in.
    n_lines: u64,
    /// Lines by the name of their fate.
    fates: BTreeMap<&'static str, u64>,
    open: HashMap<UtteranceId, Open>,
    /// The logs that resume where they were acknowledged.
    acknowledged: BTreeMap<SourceId, Acknowledged>,
    /// When the voice became idle; none while it speaks.
    free_since: Option<Instant>,
    /// The events since they were last taken, one JSON object a line; none if nobody reads them.
    events: Option<Vec<u8>>,
    /// The last lines that have ended, the oldest first.
    ended: VecDeque<Ended>,
}

/// A line that has ended, and its fate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    /// The line's number in its source.
    pub line: u64,
    /// The source's name.
    pub source: String,
    /// The channel, if any.
    pub channel: Option<String>,
    /// The sender, if any.
    pub sender: Option<String>,
    /// The spoken text, or the line's text where it was dropped.
    pub text: String,
    /// Its fate.
    pub fate: Fate,
}

/// How many ended lines are remembered.
const REMEMBERED: usize = 10_000;

impl Journal {
    /// An empty journal; `has_events` if somebody reads its events.
    pub(crate) fn new(has_events: bool) -> Self {
        Self { events: has_events.then(Vec::new), ..Self::default() }
    }

    /// A line was dropped by `rule`.
    pub(crate) fn dropped(
        &mut self,
        message: &Message<'_>,
        line: LinePosition,
        source: &str,
        rule: &str,
    ) {
        let fate = Fate::Dropped { rule: rule.to_owned() };
        self.ended_unqueued(message, line.number, source, fate);
        self.acknowledge(message.source, line);
    }

    /// A line that was read after the end was decided: it is skipped, and not acknowledged.
    pub(crate) fn late(&mut self, message: &Message<'_>, line: LinePosition, source: &str) {
        self.ended_unqueued(message, line.number, source, Fate::Skipped);
    }

    fn ended_unqueued(&mut self, message: &Message<'_>, line: u64, source: &str, fate: Fate) {
        self.n_lines += 1;
        *self.fates.entry(fate.name()).or_default() += 1;
        if let Some(events) = &mut self.events {
            let rule = match &fate {
                Fate::Dropped { rule } => Some(rule.as_str()),
                _ => None,
            };
            let about = about(Some(message), line, source, &message.text, "fate");
            let event = Event { fate: Some(fate.name()), rule, ..about };
            events.extend(crate::wire::line(&event));
        }
        self.remember(Some(message), line, source, &message.text, fate);
    }

    /// The next `n_spoken` and `n_dropped` lines of `source` were printed or dropped: the last one
    /// is `line`.
    pub(crate) fn printed(
        &mut self,
        source: SourceId,
        n_spoken: u64,
        n_dropped: u64,
        line: LinePosition,
    ) {
        self.n_lines += n_spoken + n_dropped;
        *self.fates.entry("spoken").or_default() += n_spoken;
        *self.fates.entry("dropped").or_default() += n_dropped;
        if line.end.is_some() {
            let log = self.acknowledged.entry(source).or_default();
            (log.n, log.end) = (line.number, line.end);
        }
    }

    /// A line became `utterance`; `rate` is the base rate, in words a minute.
    pub(crate) fn queued(&mut self, utterance: &Utterance, source: &str, rate: Wpm) {
        self.n_lines += u64::from(utterance.message.is_some());
        let open = Open::new(utterance.clone(), source.to_owned(), rate);
        self.emit_utterance(&open, "queued", None, None, None);
        self.open.insert(utterance.id, open);
    }

    /// The queue added an utterance of its own.
    pub(crate) fn added(&mut self, utterance: &Utterance) {
        let open = Open::new(utterance.clone(), String::new(), Wpm::default());
        self.open.insert(utterance.id, Open { is_added: true, ..open });
    }

    /// An utterance was given to the voice, to be spoken at `rate` words a minute.
    pub(crate) fn rate_set(&mut self, id: UtteranceId, rate: Wpm) {
        match self.open.get_mut(&id) {
            Some(open) => open.rate = rate,
            None => unknown(id),
        }
    }

    /// An utterance's first sample went out.
    pub(crate) fn started(&mut self, id: UtteranceId, now: Instant) {
        // After a silence, the start of what was skipped may still be reported.
        let Some(mut open) = self.open.remove(&id) else { return };
        let is_again = open.started.replace(now).is_some();
        // Latency counts from when the line was there and the voice idle. An utterance that goes on
        // after a pause, or begins again after a crash, has had its latency reported.
        if !open.is_added {
            let received = open.utterance.received;
            let ready = self.free_since.take().map_or(received, |free| free.max(received));
            let latency = milliseconds(now.saturating_duration_since(ready));
            let latency = Some(latency).filter(|_| !is_again);
            self.emit_utterance(&open, "started", Some(now), latency, None);
        }
        self.open.insert(id, open);
    }

    /// An utterance has ended; returns the source of its line.
    pub(crate) fn ended(&mut self, id: UtteranceId, fate: &Fate, now: Instant) -> Option<SourceId> {
        let Some(mut open) = self.open.remove(&id) else {
            unknown(id);
            return None;
        };
        let own = open.line();
        let lines = std::mem::take(&mut open.merged).into_iter().chain(own);
        match fate {
            Fate::Merged { into, .. } => match self.open.get_mut(into) {
                Some(other) => other.merged.extend(lines),
                None => unknown(*into),
            },
            _ => lines.for_each(|(source, line)| self.acknowledge(source, line)),
        }
        self.close(&open, fate, now);
        own.map(|(source, _)| source)
    }

    /// The program ends: what is still open is skipped, and not acknowledged.
    pub(crate) fn finish(&mut self, now: Instant) {
        let mut all: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        for (_, open) in &all {
            self.close(open, &Fate::Skipped, now);
        }
    }

    /// Records the fate of an utterance.
    fn close(&mut self, open: &Open, fate: &Fate, now: Instant) {
        self.free_since = Some(now);
        if open.is_added {
            return;
        }
        if open.utterance.message.is_some() {
            *self.fates.entry(fate.name()).or_default() += 1;
            let Open { utterance: Utterance { message, line, text, .. }, source, .. } = open;
            self.remember(message.as_ref(), line.number, source, text, fate.clone());
        }
        if matches!(fate, Fate::Spoken { .. }) {
            self.emit_utterance(open, "finished", Some(now), None, Some(fate));
        }
        self.emit_utterance(open, "fate", Some(now), None, Some(fate));
    }

    /// A line has ended.
    fn acknowledge(&mut self, source: SourceId, line: LinePosition) {
        let Some(end) = line.end else { return };
        let log = self.acknowledged.entry(source).or_default();
        log.later.insert(line.number, end);
        while let Some(end) = log.later.remove(&(log.n + 1)) {
            log.n += 1;
            log.end = Some(end);
        }
    }

    /// The logs of which further lines are acknowledged since this was last called, and where the
    /// last of these lines ends.
    pub(crate) fn take_acknowledged(&mut self) -> impl Iterator<Item = (SourceId, FilePosition)> {
        let logs = self.acknowledged.iter_mut();
        logs.filter_map(|(source, log)| Some((*source, log.end.take()?)))
    }

    /// The events since this was last called, one JSON object a line; none if there are none.
    pub(crate) fn take_events(&mut self) -> Option<Vec<u8>> {
        self.events.as_mut().filter(|it| !it.is_empty()).map(std::mem::take)
    }

    fn remember(
        &mut self,
        message: Option<&Message<'_>>,
        line: u64,
        source: &str,
        text: &str,
        fate: Fate,
    ) {
        if self.ended.len() >= REMEMBERED {
            self.ended.pop_front();
        }
        let part = |part: Option<&str>| part.map(str::to_owned);
        self.ended.push_back(Ended {
            line,
            source: source.to_owned(),
            channel: part(message.and_then(|it| it.channel.as_deref())),
            sender: part(message.and_then(|it| it.sender.as_deref())),
            text: text.to_owned(),
            fate,
        });
    }

    /// The last `n` ended lines with a `wanted` fate, the oldest first.
    pub(crate) fn last(&self, n: usize, wanted: impl Fn(&Fate) -> bool) -> Vec<&Ended> {
        let newest = self.ended.iter().rev().filter(|ended| wanted(&ended.fate)).take(n);
        let mut lines: Vec<_> = newest.collect();
        lines.reverse();
        lines
    }

    /// Lines in, and lines by fate.
    pub(crate) fn counts(&self) -> (u64, &BTreeMap<&'static str, u64>) {
        (self.n_lines, &self.fates)
    }

    /// `now` is the end of its lag, which begins at the line's arrival.
    fn emit_utterance(
        &mut self,
        open: &Open,
        name: &'static str,
        now: Option<Instant>,
        latency: Option<f64>,
        fate: Option<&Fate>,
    ) {
        let Some(events) = &mut self.events else { return };
        let utterance = &open.utterance;
        let lag = now.map(|now| now.saturating_duration_since(utterance.received));
        let message = utterance.message.as_ref();
        let (rule, why) = match fate {
            Some(Fate::Dropped { rule } | Fate::Expired { rule }) => (Some(rule.as_str()), None),
            Some(Fate::Failed { why }) => (None, Some(why.as_str())),
            Some(Fate::Spoken { .. } | Fate::Merged { .. } | Fate::Skipped) | None => (None, None),
        };
        events.extend(crate::wire::line(&Event {
            id: Some(utterance.id.0),
            rate: Some(open.rate),
            lag_ms: lag.map(milliseconds),
            latency_ms: latency,
            fate: fate.map(Fate::name).filter(|_| name == "fate"),
            rule,
            why,
            sound_ms: match fate {
                Some(Fate::Spoken { ms, .. }) => Some(*ms),
                Some(_) | None => None,
            },
            into: match fate {
                Some(Fate::Merged { into, .. }) => Some(into.0),
                Some(_) | None => None,
            },
            ..about(message, utterance.line.number, &open.source, &utterance.text, name)
        }));
    }
}

impl Open {
    fn new(utterance: Utterance, source: String, rate: Wpm) -> Self {
        Self { utterance, source, rate, started: None, merged: Vec::new(), is_added: false }
    }

    /// The line that it speaks, for the first time.
    fn line(&self) -> Option<(SourceId, LinePosition)> {
        let message = self.utterance.message.as_ref().filter(|_| !self.is_added)?;
        Some((message.source, self.utterance.line))
    }
}

/// An utterance that never came, or has ended already: an error of the program.
fn unknown(id: UtteranceId) {
    debug_assert!(false, "utterance {} is not open", id.0);
    tracing::error!(id = id.0, "an event of an unknown utterance");
}

fn about<'a>(
    message: Option<&'a Message<'_>>,
    line: u64,
    source: &'a str,
    text: &'a str,
    event: &'static str,
) -> Event<'a> {
    Event {
        event,
        fate: None,
        id: None,
        line,
        text,
        source,
        channel: message.and_then(|it| it.channel.as_deref()),
        sender: message.and_then(|it| it.sender.as_deref()),
        kind: message.map(|it| it.kind.name()),
        highlight: message.is_some_and(|it| it.highlight),
        rate: None,
        lag_ms: None,
        latency_ms: None,
        rule: None,
        why: None,
        sound_ms: None,
        into: None,
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of a log in which each line has ten bytes.
    fn line(number: u64) -> LinePosition {
        LinePosition { number, end: Some(end(number)) }
    }

    fn end(number: u64) -> FilePosition {
        FilePosition { generation: 1, offset: 10 * number }
    }

    fn utterance(id: u64, number: u64, now: Instant) -> Utterance {
        Utterance {
            id: UtteranceId(id),
            text: String::new(),
            message: Some(Message::plain(SourceId(3), "", now)),
            language: None,
            name_len: 0,
            name_end: 0,
            line: line(number),
            received: now,
            is_replay: false,
            is_live: true,
            earcon: None,
            expiry: None,
        }
    }

    #[test]
    fn lines_are_acknowledged_once_all_before_them_have_ended() {
        let now = crate::clock::test_now();
        let mut journal = Journal::new(false);
        for (id, line) in [(1, 1), (2, 2), (3, 4), (4, 5)] {
            journal.queued(&utterance(id, line, now), "log", Wpm(220));
        }
        journal.added(&Utterance { is_replay: true, ..utterance(5, 1, now) });
        journal.dropped(&Message::plain(SourceId(3), "", now), line(3), "log", "rule");
        let other = LinePosition { number: 1, end: None };
        journal.dropped(&Message::plain(SourceId(0), "", now), other, "other", "rule");
        assert_eq!(journal.take_acknowledged().next(), None);
        let spoken = Fate::Spoken { rate: Wpm(220), ms: 0 };
        let merged = Fate::Merged { into: UtteranceId(3), is_counted: false };
        for (id, fate, n) in [
            (2, &spoken, None),
            (5, &spoken, None),
            (1, &spoken, Some(3)),
            (4, &merged, None),
            (3, &spoken, Some(5)),
        ] {
            let source = journal.ended(UtteranceId(id), fate, now);
            assert_eq!(source, (id != 5).then_some(SourceId(3)));
            let acknowledged: Vec<_> = journal.take_acknowledged().collect();
            let expected: Vec<_> = n.into_iter().map(|n| (SourceId(3), end(n))).collect();
            assert_eq!(acknowledged, expected, "{id} {fate:?}");
        }
        assert_eq!(journal.counts().0, 6);
        assert_eq!(journal.counts().1.values().sum::<u64>(), 6);
    }

    #[test]
    fn what_is_open_at_the_end_is_skipped_and_not_acknowledged() {
        let now = crate::clock::test_now();
        let mut journal = Journal::new(true);
        journal.queued(&utterance(1, 1, now), "log", Wpm(220));
        journal.finish(now);
        journal.late(&Message::plain(SourceId(3), "", now), line(2), "log");
        assert_eq!(journal.take_acknowledged().next(), None);
        assert_eq!((journal.counts().0, journal.counts().1["skipped"]), (2, 2));
        let events = String::from_utf8(journal.take_events().expect("events")).expect("text");
        let fates = events.lines().filter(|line| line.contains("\"fate\":\"skipped\""));
        assert_eq!(fates.count(), 2, "{events}");
        assert_eq!(journal.take_events(), None);
    }
}
