//! Counts every line and its fate, and emits them as events.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::message::{Fate, Message, SourceId, Utterance, UtteranceId};

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
    rate: Option<u32>,
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
    rate: u32,
    started: Option<Instant>,
}

/// Accounts for every line: `lines in = sum of fates` once everything has ended.
#[derive(Default)]
pub struct Journal {
    /// Lines that came in.
    n_lines: u64,
    /// Lines by the name of their fate.
    fates: BTreeMap<&'static str, u64>,
    open: HashMap<UtteranceId, Open>,
    /// When the voice became idle; none while it speaks.
    free_since: Option<Instant>,
    events: Option<Sender<Vec<u8>>>,
    /// The last lines that have ended, the oldest first.
    ended: VecDeque<Ended>,
}

/// A line that has ended, and its fate.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
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
    /// A journal that sends its events to `events`, if any: one JSON object a line.
    pub fn new(events: Option<Sender<Vec<u8>>>) -> Self {
        Self { events, ..Self::default() }
    }

    /// A line was dropped by `rule`.
    pub fn dropped(&mut self, message: &Message<'_>, line: u64, source: &str, rule: &str) {
        self.n_lines += 1;
        *self.fates.entry("dropped").or_default() += 1;
        let fate = Fate::Dropped { rule: rule.to_owned() };
        self.remember(Some(message), line, source, &message.text, fate);
        if self.events.is_some() {
            let event = Event {
                fate: Some("dropped"),
                rule: Some(rule),
                ..about(Some(message), line, source, &message.text, "fate")
            };
            self.emit(&event);
        }
    }

    /// A line became `utterance`; `rate` is the base rate, in words a minute.
    pub fn queued(&mut self, utterance: &Utterance, source: &str, rate: u32) {
        self.n_lines += u64::from(utterance.message.is_some());
        let open =
            Open { utterance: utterance.clone(), source: source.to_owned(), rate, started: None };
        self.emit_utterance(&open, "queued", None, None, None);
        self.open.insert(utterance.id, open);
    }

    /// An utterance was given to the voice, to be spoken at `rate` words a minute.
    pub fn rate_set(&mut self, id: UtteranceId, rate: u32) {
        if let Some(open) = self.open.get_mut(&id) {
            open.rate = rate;
        }
    }

    /// An utterance's first sample went out.
    pub fn started(&mut self, id: UtteranceId, now: Instant) {
        let Some(mut open) = self.open.remove(&id) else { return };
        let is_again = open.started.replace(now).is_some();
        // Latency counts from when the line was there and the voice idle. An utterance that goes on
        // after a pause, or begins again after a crash, has had its latency reported.
        let received = open.utterance.received;
        let ready = self.free_since.take().map_or(received, |free| free.max(received));
        let latency = milliseconds(now.saturating_duration_since(ready));
        self.emit_utterance(&open, "started", Some(now), Some(latency).filter(|_| !is_again), None);
        self.open.insert(id, open);
    }

    /// An utterance has ended; returns the source of its line.
    pub fn ended(&mut self, id: UtteranceId, fate: &Fate, now: Instant) -> Option<SourceId> {
        let open = self.open.remove(&id)?;
        self.free_since = Some(now);
        if open.utterance.message.is_some() {
            *self.fates.entry(fate.name()).or_default() += 1;
            let Open { utterance: Utterance { message, line, text, .. }, source, .. } = &open;
            self.remember(message.as_ref(), *line, source, text, fate.clone());
        }
        if matches!(fate, Fate::Spoken { .. }) {
            self.emit_utterance(&open, "finished", Some(now), None, Some(fate));
        }
        self.emit_utterance(&open, "fate", Some(now), None, Some(fate));
        open.utterance.message.map(|message| message.source)
    }

    /// The utterances that have not ended.
    pub fn open_ids(&self) -> Vec<UtteranceId> {
        let mut ids: Vec<_> = self.open.keys().copied().collect();
        ids.sort_unstable();
        ids
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
    pub fn last(&self, n: usize, wanted: impl Fn(&Fate) -> bool) -> Vec<&Ended> {
        let newest = self.ended.iter().rev().filter(|ended| wanted(&ended.fate)).take(n);
        let mut lines: Vec<_> = newest.collect();
        lines.reverse();
        lines
    }

    /// Lines in, and lines by fate.
    pub fn counts(&self) -> (u64, &BTreeMap<&'static str, u64>) {
        (self.n_lines, &self.fates)
    }

    /// `now` is the end of its lag, which begins at the line's arrival.
    fn emit_utterance(
        &self,
        open: &Open,
        name: &'static str,
        now: Option<Instant>,
        latency: Option<f64>,
        fate: Option<&Fate>,
    ) {
        if self.events.is_none() {
            return;
        }
        let utterance = &open.utterance;
        let lag = now.map(|now| now.saturating_duration_since(utterance.received));
        let message = utterance.message.as_ref();
        let (rule, why) = match fate {
            Some(Fate::Dropped { rule } | Fate::Expired { rule }) => (Some(rule.as_str()), None),
            Some(Fate::Failed { why }) => (None, Some(why.as_str())),
            Some(Fate::Spoken { .. } | Fate::Merged { .. } | Fate::Skipped) | None => (None, None),
        };
        self.emit(&Event {
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
            ..about(message, utterance.line, &open.source, &utterance.text, name)
        });
    }

    fn emit(&self, event: &Event<'_>) {
        if let Some(events) = &self.events
            && events.send(crate::wire::line(event)).is_err()
        {
            tracing::debug!("the event stream was closed");
        }
    }
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
