//! Between the queue and the voice: what the one wants spoken, and what the other tells of it.
#![forbid(unsafe_code)]

use super::Listener;
use crate::clock::now;
use crate::config::error::escaped;
use crate::control::TranscriptEvent;
use crate::message::{Earcon, Fate, Utterance, UtteranceId};
use crate::queue::{Action, Event};
use crate::voice::wire::SpeakRequest;
use crate::voice::{Told, Voice};

impl Listener<'_> {
    /// Tells the queue what happened, and does what it says.
    pub(super) fn handle(&mut self, event: Event, voice: &Voice) {
        for action in self.queue.handle(event, now()) {
            match action {
                Action::Speak { utterance, from, rate, gap_ms } => {
                    self.transcribe(self.queued(&utterance));
                    let n_before = utterance.text[..from].chars().count();
                    self.journal.paced(utterance.id, rate);
                    self.resumed.retain(|(id, _)| *id != utterance.id);
                    self.resumed.extend((from > 0).then_some((utterance.id, n_before)));
                    let earcon = utterance.earcon.filter(|it| from == 0 && self.plays(*it));
                    let speech = self.speech(&utterance, from, rate);
                    voice.speak(SpeakRequest { earcon, gap_ms, ..speech });
                }
                Action::Measure { request, utterance, from, rate } => {
                    voice.measure(request, self.speech(&utterance, from, rate));
                }
                Action::Silence => voice.stop(),
                Action::Settle(id, fate) => self.settle(id, &fate),
            }
        }
    }

    /// An utterance from that byte on, as its sender sounds.
    fn speech(&mut self, utterance: &Utterance, from: usize, rate: u32) -> SpeakRequest {
        let text = utterance.text[from..].to_owned();
        let mut speech = SpeakRequest { id: utterance.id, text, rate, ..self.voice_spec.clone() };
        if let Some(sender) = utterance.message.as_ref().and_then(|it| it.sender.as_deref()) {
            self.speakers.apply(&mut speech, sender, now());
        }
        speech
    }

    /// Whether the queue's own sounds are wanted; those of lines were chosen when they came.
    fn plays(&self, earcon: Earcon) -> bool {
        earcon != Earcon::Behind || self.earcons.is_some_and(|it| it.behind)
    }

    pub(super) fn told(&mut self, told: Told, voice: &Voice) {
        match told {
            Told::Started(id) => {
                self.journal.started(id, now());
                self.transcribe(TranscriptEvent::Started { id: id.0 });
                self.handle(Event::Started(id), voice);
            }
            Told::Word(id, start, length) => {
                // The transcript has all of the text, the voice what was left of it.
                let n_before = self.resumed.iter().find(|(resumed, _)| *resumed == id);
                let in_full = start.saturating_add(n_before.map_or(0, |(_, n)| *n));
                self.transcribe(TranscriptEvent::Word { id: id.0, start: in_full, length });
                self.handle(Event::Reached(id, start), voice);
            }
            Told::Settled(id, fate) => {
                self.resumed.retain(|(resumed, _)| *resumed != id);
                self.handle(Event::Ended(id, fate), voice);
            }
            Told::Measured(request, seconds) => {
                self.handle(Event::Measured(request, seconds), voice);
            }
            Told::Waiting(what) | Told::FellBack(what) => self.say(escaped(&what)),
            Told::Refused { .. } | Told::Done => {} // the loop ends with them
        }
    }

    pub(super) fn settle(&mut self, id: UtteranceId, fate: &Fate) {
        self.transcribe(TranscriptEvent::Settled { id: id.0, fate: fate.name() });
        if let Fate::Failed { why } = fate {
            self.say(format!("a line was not spoken: {}", escaped(why)));
        }
        if let Some(source) = self.journal.settled(id, fate, now()) {
            self.shares.settled(source);
        }
        self.acks.ended(id, fate);
    }
}
