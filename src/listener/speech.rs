//! Passes the queue's actions to the voice, and the voice's reports to the queue.
#![forbid(unsafe_code)]

use super::Listener;
use crate::clock::now;
use crate::control::TranscriptEvent;
use crate::diagnostics::escaped;
use crate::message::{Earcon, Fate, Utterance, UtteranceId};
use crate::queue::{Action, Event};
use crate::voice::{Voice, VoiceEvent};
use crate::wire::SpeakRequest;

impl Listener<'_> {
    /// Sends an event to the queue, and executes its actions.
    pub(super) fn handle(&mut self, event: Event, voice: &Voice) {
        for action in self.queue.handle(event, now()) {
            match action {
                Action::Speak { utterance, from, rate, gap_ms } => {
                    self.transcribe(self.queued(&utterance));
                    let n_before = utterance.text[..from].chars().count();
                    self.journal.rate_set(utterance.id, rate);
                    self.resumed.retain(|(id, _)| *id != utterance.id);
                    self.resumed.extend((from > 0).then_some((utterance.id, n_before)));
                    let earcon = utterance.earcon.filter(|it| from == 0 && self.plays(*it));
                    let request = self.speak_request(&utterance, from, rate);
                    voice.speak(SpeakRequest { earcon, gap_ms, ..request });
                }
                Action::Measure { request, utterance, from, rate } => {
                    voice.measure(request, self.speak_request(&utterance, from, rate));
                }
                Action::Silence => voice.stop(),
                Action::ReportOutcome(id, fate) => self.ended(id, &fate),
            }
        }
    }

    /// The request for an utterance from byte `from` on, with its sender's voice.
    fn speak_request(&mut self, utterance: &Utterance, from: usize, rate: u32) -> SpeakRequest {
        let text = utterance.text[from..].to_owned();
        let mut request = SpeakRequest { id: utterance.id, text, rate, ..self.voice_spec.clone() };
        if let Some(sender) = utterance.message.as_ref().and_then(|it| it.sender.as_deref()) {
            self.speakers.apply(&mut request, sender, now());
        }
        request
    }

    /// Whether an earcon of the queue is enabled; those of lines were chosen when the lines came.
    fn plays(&self, earcon: Earcon) -> bool {
        earcon != Earcon::Behind || self.earcons.is_some_and(|it| it.behind)
    }

    /// Handles a report of the voice.
    pub(super) fn report(&mut self, report: VoiceEvent, voice: &Voice) {
        match report {
            VoiceEvent::Started(id) => {
                self.journal.started(id, now());
                self.transcribe(TranscriptEvent::Started { id: id.0 });
                self.handle(Event::Started(id), voice);
            }
            VoiceEvent::Word(id, start, length) => {
                // The transcript has the whole text, the voice only the rest of it.
                let n_before = self.resumed.iter().find(|(resumed, _)| *resumed == id);
                let in_full = start.saturating_add(n_before.map_or(0, |(_, n)| *n));
                self.transcribe(TranscriptEvent::Word { id: id.0, start: in_full, length });
                self.handle(Event::Reached(id, start), voice);
            }
            VoiceEvent::Ended(id, fate) => {
                self.resumed.retain(|(resumed, _)| *resumed != id);
                self.handle(Event::Ended(id, fate), voice);
            }
            VoiceEvent::Measured(request, seconds) => {
                self.handle(Event::Measured(request, seconds), voice);
            }
            VoiceEvent::OutputWaiting(what) | VoiceEvent::FellBack(what) => {
                self.notify(escaped(&what));
            }
            VoiceEvent::Refused { .. } | VoiceEvent::Done => {} // they end the loop
        }
    }

    /// An utterance has ended: reports its outcome.
    pub(super) fn ended(&mut self, id: UtteranceId, fate: &Fate) {
        self.transcribe(TranscriptEvent::Ended { id: id.0, fate: fate.name() });
        if let Fate::Failed { why } = fate {
            self.notify(format!("a line was not spoken: {}", escaped(why)));
        }
        if let Some(source) = self.journal.ended(id, fate, now()) {
            self.shares.ended(source);
        }
        self.acks.ended(id, fate);
    }
}
