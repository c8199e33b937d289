//! Passes the queue's actions to the voice, and the voice's reports to the queue.
#![forbid(unsafe_code)]

use std::time::Instant;

use super::{Effect, Listener};
use crate::control::TranscriptEvent;
use crate::diagnostics::escaped;
use crate::error::Error;
use crate::message::{Earcon, Fate, Utterance, UtteranceId};
use crate::queue::{Action, Event};
use crate::units::Wpm;
use crate::voice::VoiceEvent;
use crate::wire::SpeakRequest;

impl Listener {
    /// Sends an event to the queue, and carries out its actions. Returns how many lines were
    /// skipped.
    pub(super) fn queue_and_count(&mut self, event: Event, now: Instant) -> u64 {
        if self.is_ending {
            return 0; // everything has its outcome already
        }
        let mut n_skipped = 0;
        for action in self.queue.handle(event, now) {
            match action {
                Action::Speak { utterance, from, rate } => self.speak(&utterance, from, rate, now),
                Action::Measure { request, utterance, from, rate } => {
                    let speech = self.speak_request(&utterance, from, rate, now);
                    self.effects.push(Effect::Measure(request, speech));
                }
                Action::Silence => self.effects.push(Effect::Silence),
                Action::Record(utterance) => self.journal.added(&utterance),
                Action::ReportOutcome(id, fate) => {
                    let is_line = self.ended(id, &fate, now);
                    n_skipped += u64::from(is_line && fate == Fate::Skipped);
                }
            }
        }
        n_skipped
    }

    /// Sends an event to the queue, and carries out its actions.
    pub(super) fn queue(&mut self, event: Event, now: Instant) {
        self.queue_and_count(event, now);
    }

    /// Gives an utterance from byte `from` on to the voice.
    fn speak(&mut self, utterance: &Utterance, from: usize, rate: Wpm, now: Instant) {
        self.journal.rate_set(utterance.id, rate);
        let earcon = utterance.earcon.filter(|it| from == 0 && self.plays(*it));
        let request = self.speak_request(utterance, from, rate, now);
        self.effects.push(Effect::Speak(SpeakRequest { earcon, ..request }));
        self.transcribe(|it| it.given(utterance));
    }

    /// The request for an utterance from byte `from` on, with its sender's voice.
    fn speak_request(
        &mut self,
        utterance: &Utterance,
        from: usize,
        rate: Wpm,
        now: Instant,
    ) -> SpeakRequest {
        let text = utterance.text[from..].to_owned();
        let head_len = if from == 0 { utterance.head_len() } else { 0 };
        let id = utterance.id;
        let mut request = SpeakRequest { id, text, head_len, rate, ..self.voice_spec.clone() };
        let voice = utterance.language.and_then(|language| self.languages.voice(language));
        if let Some(voice) = voice {
            voice.clone_into(&mut request.voice);
        }
        if let Some(sender) = utterance.message.as_ref().and_then(|it| it.sender.as_deref()) {
            let is_foreign = voice.is_some();
            self.speakers.apply(&mut request, sender, is_foreign, now);
        }
        request
    }

    /// Whether an earcon of the queue is enabled; those of lines were chosen when the lines came.
    fn plays(&self, earcon: Earcon) -> bool {
        earcon != Earcon::Behind || self.earcons.behind
    }

    /// Handles a report of the voice.
    pub(super) fn report(&mut self, report: VoiceEvent, now: Instant) {
        match report {
            VoiceEvent::Started(id) => {
                self.journal.started(id, now);
                self.transcribe(|_| TranscriptEvent::Started { id: id.0 });
                self.queue(Event::Started(id), now);
            }
            VoiceEvent::Word(id, start, length) => {
                // The transcript has the whole text, the voice only the rest of it.
                self.transcribe(|it| {
                    let start = start.saturating_add(it.queue.n_before(id));
                    TranscriptEvent::Word { id: id.0, start, length }
                });
                self.queue(Event::Reached(id, start), now);
            }
            VoiceEvent::Ended(id, fate) => self.queue(Event::Ended(id, fate), now),
            VoiceEvent::Measured(request, seconds) => {
                self.queue(Event::Measured(request, seconds), now);
            }
            VoiceEvent::OutputWaiting(what) | VoiceEvent::FellBack(what) => {
                self.notify(escaped(&what));
            }
            VoiceEvent::Refused { why, configuration } => {
                // A source that failed earlier is the more useful error.
                let failed = std::mem::replace(&mut self.failed, Ok(()));
                self.end(failed.and(Err(Error::Voice { why, configuration })), false);
            }
            VoiceEvent::Done => {
                let result = self.result();
                self.end(result, false);
            }
        }
    }

    /// An utterance has ended: reports its outcome. Returns whether it was a line.
    pub(super) fn ended(&mut self, id: UtteranceId, fate: &Fate, now: Instant) -> bool {
        self.transcribe(|_| TranscriptEvent::Ended { id: id.0, fate: fate.name() });
        if let Fate::Failed { why } = fate {
            self.notify(format!("a line was not spoken: {}", escaped(why)));
        }
        let source = self.journal.ended(id, fate, now);
        let given_back = source.map(|it| self.shares.ended(it)).into_iter().flatten();
        self.effects.extend(given_back.map(|(source, n)| Effect::GiveBack(source, n)));
        source.is_some()
    }
}
