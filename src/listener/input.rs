//! Turns the sources' input into utterances, or into printed lines, and records the outcome of
//! dropped lines.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::sources::SourceEnd;
use super::{Effect, Listener};
use crate::config::settings::Sink;
use crate::diagnostics::escaped;
use crate::message::{Fate, LinePosition, Message, SourceId, Utterance};
use crate::pipeline::Outcome;
use crate::queue;
use crate::source::Input;

impl Listener {
    /// Processes a source's input.
    pub(super) fn input(&mut self, input: Input, now: Instant) {
        let read = input.takes_room();
        match (input, self.sink) {
            (Input::Notice(source, text), _) => self.announce(source, &text, now),
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
                    SourceEnd::Announced(text) => self.announce(source, &text, now),
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
        self.pipeline.input(input, |message: Message<'_>, line, outcome: Outcome<'_>| {
            (source, last) = (message.source, line);
            match outcome {
                Outcome::Words(words, _) => {
                    out.extend_from_slice(words.as_bytes());
                    out.push(b'\n');
                    n_spoken += 1;
                }
                Outcome::Dropped(_) => n_dropped += 1,
            }
        });
        self.journal.printed(source, n_spoken, n_dropped, last);
        self.effects.push(Effect::Print(out));
    }

    /// Queues the spoken text of each line.
    fn enqueue(&mut self, input: Input, now: Instant) {
        let Self {
            pipeline, names, journal, queue, voice_spec, mutes, earcons, shares, sink, ..
        } = self;
        let is_ending = self.is_ending;
        let mut utterances = Vec::new();
        let is_live = !matches!(&input, Input::Lines(lines) if !lines.is_live());
        pipeline.input(input, |message: Message<'_>, line, outcome: Outcome<'_>| {
            let source_id = message.source;
            let source = &names[usize::from(source_id.0)];
            match outcome {
                _ if is_ending => journal.late(&message, line, source),
                Outcome::Words(..) if mutes.covers(&message) => {
                    journal.dropped(&message, line, source, "muted");
                }
                Outcome::Dropped(rule) => journal.dropped(&message, line, source, rule),
                Outcome::Words(words, expires) => {
                    // Earcons replace words only in speech.
                    let is_spoken = *sink == Sink::Speech;
                    let (earcon, has_words) =
                        if is_spoken { earcons.of(&message) } else { (None, true) };
                    let utterance = Utterance {
                        id: queue.number(),
                        text: if has_words { words.to_owned() } else { String::new() },
                        line,
                        received: message.received,
                        expiry: expires.and_then(|it| it.expiry(message.received)),
                        message: Some(message.into_owned()),
                        is_replay: false,
                        is_live,
                        earcon,
                    };
                    journal.queued(&utterance, source, voice_spec.rate);
                    shares.queued(source_id);
                    utterances.push(utterance);
                }
            }
        });
        self.arrive(utterances, now);
    }

    /// Prints a notice of the program itself, and speaks it.
    fn announce(&mut self, source: SourceId, text: &str, now: Instant) {
        let name = &self.names[usize::from(source.0)];
        let notice = format!("{}: {}", escaped(name), escaped(text));
        self.effects.push(Effect::Notify(notice));
        let mut words = String::new();
        if self.sink == Sink::Text
            || self.is_ending
            || !crate::phrase::clean::text(text, &mut words)
        {
            return;
        }
        let utterance = Utterance {
            id: self.queue.number(),
            text: words,
            message: None,
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
