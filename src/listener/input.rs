//! Turns the sources' input into utterances, or into printed lines, and records the outcome of
//! dropped lines.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::mutes::Mutes;
use super::shares::Shares;
use super::sources::SourceEnd;
use super::steps::Rows;
use super::{Effect, Listener};
use crate::config::earcons::Earcons;
use crate::config::settings::Sink;
use crate::diagnostics::escaped;
use crate::journal::Journal;
use crate::message::{Fate, LinePosition, Message, SourceId, Utterance};
use crate::pipeline::Outcome;
use crate::queue::{self, Queue};
use crate::source::Input;
use crate::source::notice::Notice;
use crate::units::Wpm;

impl Listener {
    /// Processes a source's input.
    pub(super) fn input(&mut self, input: Input, now: Instant) {
        let read = input.takes_room();
        match (input, self.sink) {
            (Input::Notice(source, notice), _) => self.announce(source, &notice, now),
            (Input::Opened(_, name, room), _) => {
                self.names.push(name.clone());
                self.shares.open();
                self.pipeline.open(name);
                self.effects.push(Effect::Open(room));
            }
            (Input::Resumable(source, ack), _) => {
                self.effects.push(Effect::KeepAck(source, ack));
            }
            (Input::Ended(source, ended), _) => {
                match self.sources.ended(ended) {
                    SourceEnd::Silently => {}
                    SourceEnd::Announced(notice) => self.announce(source, &notice, now),
                    SourceEnd::Printed(text) => self.notify(text),
                    SourceEnd::Failed(error) => self.failed = Err(error),
                }
                self.queue(queue::Event::SourceEnded(source), now);
            }
            (Input::Sample(lines), _) => self.pipeline.sample(&lines),
            (input, Sink::Text) if !self.is_ending => self.print(input),
            (input, Sink::Text | Sink::Speech | Sink::Events) => self.enqueue(input, now),
        }
        let given_back = read.and_then(|source| self.shares.processed(source));
        self.effects.extend(given_back.map(|(source, n)| Effect::GiveBack(source, n)));
    }

    /// Prints the spoken text of each line. Lines of one read are written together.
    fn print(&mut self, input: Input) {
        let mut out = Vec::with_capacity(input.n_bytes());
        let (mut n_spoken, mut n_dropped) = (0, 0);
        let (mut source, mut last) = (SourceId(0), LinePosition::default());
        let Self { pipeline, steps, languages, voice_spec, .. } = self;
        let mut rows = steps.as_mut().map(|it| it.rows(pipeline.chain(), languages, voice_spec));
        pipeline.input(input, |message: Message<'_>, line, outcome: Outcome<'_>| {
            (source, last) = (message.source, line);
            if let Some(rows) = &mut rows {
                rows.add(&message, &outcome);
            }
            match outcome {
                Outcome::Words(..) if rows.is_some() => n_spoken += 1,
                Outcome::Words(words, ..) => {
                    out.extend_from_slice(words.as_bytes());
                    out.push(b'\n');
                    n_spoken += 1;
                }
                Outcome::Dropped(_) => n_dropped += 1,
            }
        });
        out.extend(rows.map(Rows::into_text).into_iter().flatten());
        self.journal.printed(source, n_spoken, n_dropped, last);
        self.effects.push(Effect::Print(out));
    }

    /// Queues the spoken text of each line.
    fn enqueue(&mut self, input: Input, now: Instant) {
        let Self { pipeline, watched, steps, languages, voice_spec, .. } = self;
        let mut rows = steps.as_mut().map(|it| it.rows(pipeline.chain(), languages, voice_spec));
        let mut arrivals = Arrivals {
            names: &self.names,
            journal: &mut self.journal,
            queue: &mut self.queue,
            mutes: &self.mutes,
            earcons: Some(&self.earcons).filter(|_| self.sink == Sink::Speech),
            shares: &mut self.shares,
            rate: voice_spec.rate,
            is_live: !matches!(&input, Input::Lines(lines) if !lines.is_live()),
            is_ending: self.is_ending,
            utterances: Vec::new(),
        };
        let mut over = Vec::new();
        pipeline.input(input, |message: Message<'_>, line, outcome: Outcome<'_>| {
            // What the rules drop is part of the meeting as well.
            let ended = watched.meetings.hear(&message);
            let ended = ended.filter(|_| arrivals.is_live && !arrivals.is_ending);
            over.extend(ended.map(|minutes| (message.source, minutes)));
            if let Some(rows) = &mut rows {
                rows.add(&message, &outcome);
            }
            arrivals.add(message, line, outcome);
        });
        let utterances = arrivals.utterances;
        self.effects.extend(rows.map(|rows| Effect::Emit(rows.into_text())));
        self.arrive(utterances, now);
        for (source, minutes) in over {
            self.meeting_over(source, &minutes, now);
        }
    }

    /// Prints a notice of the program itself, and speaks it in the language of the voice.
    pub(super) fn announce(&mut self, source: SourceId, notice: &Notice, now: Instant) {
        let name = &self.names[usize::from(source.0)];
        let printed = format!("{}: {}", escaped(name), escaped(&notice.to_string()));
        self.effects.push(Effect::Notify(printed));
        let (chain, language) = &self.wording;
        let text = notice.said(&|name: &str| chain.phrase(name, *language));
        let mut words = String::new();
        if self.sink == Sink::Text
            || self.is_ending
            || !crate::phrase::clean::text(&text, &mut words)
        {
            return;
        }
        let utterance = Utterance {
            id: self.queue.number(),
            text: words,
            message: None,
            language: None,
            name_len: 0,
            name_end: 0,
            line: LinePosition::default(),
            received: now,
            is_replay: false,
            is_live: true,
            earcon: None,
            expiry: None,
        };
        self.journal.queued(&utterance, name, self.voice_spec.rate);
        self.arrive(vec![utterance], now);
    }

    /// Queues utterances; without speech they count as spoken at once.
    fn arrive(&mut self, utterances: Vec<Utterance>, now: Instant) {
        if self.sink == Sink::Speech {
            return self.queue(queue::Event::Arrived(utterances), now);
        }
        for Utterance { id, .. } in utterances {
            self.journal.started(id, now);
            let rate = self.voice_spec.rate;
            self.ended(id, &Fate::Spoken { rate, ms: 0 }, now);
        }
    }
}

/// The lines of one read on their way into the queue.
struct Arrivals<'a> {
    names: &'a [String],
    journal: &'a mut Journal,
    queue: &'a mut Queue,
    mutes: &'a Mutes,
    /// The sounds that stand for words; none where nothing is heard.
    earcons: Option<&'a Earcons>,
    shares: &'a mut Shares,
    rate: Wpm,
    is_live: bool,
    is_ending: bool,
    utterances: Vec<Utterance>,
}

impl Arrivals<'_> {
    /// Records what became of a line, and adds the utterance for what is to be spoken.
    fn add(&mut self, message: Message<'_>, line: LinePosition, outcome: Outcome<'_>) {
        let source = &self.names[usize::from(message.source.0)];
        match outcome {
            _ if self.is_ending => self.journal.late(&message, line, source),
            Outcome::Words(..) if self.mutes.covers(&message) => {
                self.journal.dropped(&message, line, source, "muted");
            }
            Outcome::Dropped(rule) => self.journal.dropped(&message, line, source, rule),
            Outcome::Words(words, phrased, expires) => {
                let (earcon, has_words) =
                    self.earcons.map_or((None, true), |earcons| earcons.of(&message));
                let (source_id, received) = (message.source, message.received);
                let utterance = Utterance {
                    id: self.queue.number(),
                    text: if has_words { words.to_owned() } else { String::new() },
                    line,
                    received,
                    expiry: expires.and_then(|it| it.expiry(received)),
                    message: Some(message.into_owned()),
                    language: Some(phrased.language),
                    name_len: if has_words { phrased.name_len } else { 0 },
                    name_end: if has_words { phrased.name_end } else { 0 },
                    is_replay: false,
                    is_live: self.is_live,
                    earcon,
                };
                self.journal.queued(&utterance, source, self.rate);
                self.shares.queued(source_id);
                self.utterances.push(utterance);
            }
        }
    }
}
