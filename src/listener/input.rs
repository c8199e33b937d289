//! Turns the sources' input into utterances, and records the outcome of dropped lines.
#![forbid(unsafe_code)]

use super::Listener;
use crate::clock::now;
use crate::diagnostics::escaped;
use crate::error::Error;
use crate::message::{Message, SourceId, Utterance};
use crate::pipeline::Outcome;
use crate::source::Input;

impl Listener<'_> {
    /// Processes a source's input; returns what is to be spoken.
    pub(super) fn hear(&mut self, input: Input) -> Result<Vec<Utterance>, Error> {
        let Self {
            pipeline, names, journal, queue, voice_spec, muted, earcons, acks, shares, ..
        } = self;
        let read = input.takes_room();
        let mut utterances = Vec::new();
        let is_live = !matches!(&input, Input::Lines(lines) if !lines.is_live());
        let mut take = |message: Message<'_>, line, outcome: Outcome<'_>| {
            let source_id = message.source;
            let source = &names[usize::from(source_id.0)];
            match outcome {
                Outcome::Words(..) if muted.covers(&message) => {
                    journal.dropped(&message, line, source, "muted");
                    acks.line(message.source, line);
                }
                Outcome::Dropped(rule) => {
                    journal.dropped(&message, line, source, rule);
                    acks.line(message.source, line);
                }
                Outcome::Words(words, expires) => {
                    let (earcon, has_words) = earcons.map_or((None, true), |it| it.of(&message));
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
                    acks.queued(&utterance);
                    shares.queued(source_id);
                    utterances.push(utterance);
                }
            }
        };
        match input {
            Input::Lines(lines) => pipeline.lines(&lines, &mut take),
            Input::Message(message) => pipeline.message(message, &mut take),
            Input::Sample(lines) => pipeline.sample(&lines),
            Input::Notice(source, text) => utterances.extend(self.announce(source, &text)),
            Input::Opened(_, name, room) => {
                names.push(name.clone());
                shares.open(room);
                pipeline.open(name);
            }
            Input::Counted(source, ack) => acks.count(source, ack),
            Input::Ended(source, ended) => {
                if let Some(news) = self.sources.ended(ended)? {
                    utterances.extend(self.announce(source, &news));
                }
            }
        }
        if let Some(source) = read {
            self.shares.heard(source);
        }
        Ok(utterances)
    }

    /// Prints a notice of the program itself, and speaks it.
    fn announce(&mut self, source: SourceId, text: &str) -> Option<Utterance> {
        let name = &self.names[usize::from(source.0)];
        self.notify(format!("{}: {}", escaped(name), escaped(text)));
        let mut words = String::new();
        if !crate::phrase::clean::text(text, &mut words) {
            return None;
        }
        let utterance = Utterance {
            id: self.queue.number(),
            text: words,
            message: None,
            line: 0,
            received: now(),
            is_replay: false,
            is_live: true,
            earcon: None,
            expiry: None,
        };
        self.journal.queued(&utterance, name, self.voice_spec.rate);
        Some(utterance)
    }
}
