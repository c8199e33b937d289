//! The voice's task, a copy of `voice/mod.rs`: between the supervisor and the process.

use std::collections::VecDeque;

use super::model::{Process, Start};
use super::{Delayed, Whole};
use crate::voice::{VoiceEvent, supervisor};
use crate::wire::Request;

impl Whole {
    /// Handles an event as the voice's task does (`Driver::obey`).
    pub(super) fn supervise(&mut self, event: supervisor::Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.supervisor.handle(event, self.now) {
                use supervisor::Action;
                match action {
                    Action::Spawn => self.spawn(),
                    Action::Kill => {
                        self.end_process();
                        self.output.items.clear();
                        events.push_back(supervisor::Event::Exited(supervisor::Exit::Killed));
                    }
                    Action::Say(speech) => self.send_request(Request::Speak(speech)),
                    Action::Earcon(earcon) => self.send_request(Request::Earcon(earcon)),
                    Action::Measure(request, speech) => {
                        self.send_request(Request::Measure { request, speech });
                    }
                    Action::Measured(request, ms) => {
                        let seconds = ms.map(|ms| f64::from(ms) / 1_000.0);
                        self.send_event(VoiceEvent::Measured(request, seconds));
                    }
                    Action::Silence => self.send_request(Request::Stop),
                    Action::End => self.send_request(Request::Finish),
                    Action::Started(id) => self.send_event(VoiceEvent::Started(id)),
                    Action::Word(id, start, length) => {
                        self.send_event(VoiceEvent::Word(id, start, length));
                    }
                    Action::ReportOutcome(id, fate) => self.send_event(VoiceEvent::Ended(id, fate)),
                    Action::Wait(why) => self.send_event(VoiceEvent::OutputWaiting(why)),
                    Action::Done => {
                        self.end_process();
                        self.output.items.clear();
                        self.send_event(VoiceEvent::Done);
                    }
                    Action::SpawnFallback | Action::FellBack => panic!("there is no fallback"),
                    Action::Refuse { .. } => panic!("it has been ready"),
                }
            }
        }
    }

    fn spawn(&mut self) {
        assert!(self.process.is_none(), "two processes");
        // Until one has come up, the first refusal ends the program.
        let start = match self.starts.next() {
            Some(start) if self.has_been_ready && !self.is_calm => start,
            Some(_) | None => Start::Ready,
        };
        (self.orders, self.output) = (Delayed::new(), Delayed::new());
        self.process = Some(Process::new(start, self.now, &self.case));
    }

    fn send_request(&mut self, order: Request) {
        let at = self.soon();
        self.orders.send(at, order);
    }

    fn send_event(&mut self, event: VoiceEvent) {
        let at = self.soon();
        self.voice_events.send(at, event);
    }

    /// Removes the process and the orders on their way to it.
    fn end_process(&mut self) {
        if let Some(process) = self.process.take() {
            process.die(&mut self.ear);
        }
        self.orders.items.clear();
    }

    /// The process ends by itself: its earlier output is still read.
    pub(super) fn crash(&mut self) {
        if self.process.is_some() {
            self.end_process();
            let at = self.soon();
            self.output.send(at, None);
        }
    }
}
