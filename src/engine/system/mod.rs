//! The desktop's own voice, through the crate `tts`: Speech Dispatcher on Linux. It plays the sound
//! itself and reports when an utterance begins and ends. Messages go out one at a time, at the
//! priority that `tts` uses ("important"), which other programs' messages do not interrupt.
//!
//! That library's requests block until the service answers, possibly forever. So they are made on a
//! thread of their own (see [`service`]), which is abandoned when an answer is late.
#![forbid(unsafe_code)]

mod service;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::traits::{Engine, EngineError, Stage, VoiceInfo};
use crate::wire::{Setup, SpeakRequest};
use service::{Ask, LOOK, Service, SpeechEvent};

const NAME: &str = "system";

/// How long the service may take to list its voices.
const LIST_WITHIN: Duration = Duration::from_secs(20);

/// How long things may take.
struct Limits {
    /// To connect to the service, which may have to start.
    connect: Duration,
    /// To answer.
    answer: Duration,
    /// To set a voice: for that it lists all 13,000, twice the first time. A second each, and ten
    /// on a busy machine.
    voice: Duration,
    /// Between two pings while it speaks.
    ping: Duration,
    /// An utterance to begin. A Speech Dispatcher module that has died silently discards messages.
    begin: Duration,
    /// An utterance to end, and the time added for each character: the report of its end may be
    /// lost with the module.
    end: Duration,
    character: Duration,
}

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(6),
    answer: Duration::from_secs(10),
    voice: Duration::from_secs(30),
    ping: Duration::from_secs(1),
    begin: Duration::from_secs(5),
    end: Duration::from_secs(10),
    character: Duration::from_millis(300),
};

/// The system's voice.
pub(crate) struct System {
    service: Service,
    limits: Limits,
    /// The voice that is set.
    voice: Option<String>,
}

impl System {
    /// Connects to the system's speech service, which may start it, and sets the voice of `setup`:
    /// the first request after a start can take seconds, for which no line should wait.
    pub(crate) fn open(setup: &Setup) -> Result<Self, EngineError> {
        let mut service = Service::start().map_err(|error| start(&error.to_string()))?;
        service.wait(LIMITS.connect, &mut || true).map_err(|why| start(&why))?;
        service
            .ask(Ask::Prepare(SpeakRequest { voice: setup.voice.clone(), ..SpeakRequest::of("") }));
        Ok(Self { service, limits: LIMITS, voice: None })
    }

    /// Makes a request and waits for its answer; `false`: it is not wanted any more.
    fn request(
        &mut self,
        ask: Ask,
        within: Duration,
        stage: &mut dyn Stage,
    ) -> Result<bool, EngineError> {
        self.service.ask(ask);
        let mut go_on = || {
            stage.alive();
            stage.wanted()
        };
        self.service.wait(within, &mut go_on).map_err(gone)
    }

    /// Waits for the end, or for a stop.
    fn wait_for_end(
        &mut self,
        request: &SpeakRequest,
        stage: &mut dyn Stage,
    ) -> Result<(), EngineError> {
        let n_characters = u32::try_from(request.text.chars().count()).unwrap_or(u32::MAX);
        let Limits { ping, begin, end, character, .. } = self.limits;
        let end = end + character.saturating_mul(n_characters);
        let (mut has_begun, mut waited, mut asked) = (false, Duration::ZERO, Duration::ZERO);
        loop {
            match self.service.events.recv_timeout(LOOK) {
                Ok(SpeechEvent::Begun) => {
                    stage.begin();
                    (has_begun, waited) = (true, Duration::ZERO);
                }
                Ok(SpeechEvent::Ended) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(gone("it is gone".to_owned())),
            }
            stage.alive();
            if !stage.wanted() {
                self.service.ask(Ask::Stop);
                return Ok(());
            }
            (waited, asked) = (waited + LOOK, asked + LOOK);
            if !has_begun && waited > begin {
                return Err(self.late("begin", begin));
            }
            if has_begun && waited > end {
                return Err(self.late("end", end));
            }
            if self.service.answered().map_err(gone)? && asked > ping {
                asked = Duration::ZERO;
                self.service.ask(Ask::Ping);
            } else if asked > ping + begin {
                return Err(gone(service::NO_ANSWER.to_owned()));
            }
        }
    }

    fn late(&mut self, what: &str, within: Duration) -> EngineError {
        self.service.ask(Ask::Stop);
        speech(&format!("it did not {what} within {} seconds", within.as_secs()))
    }
}

impl Engine for System {
    fn sample_rate(&self) -> Option<u32> {
        None
    }

    fn speak(&mut self, speech: &SpeakRequest, stage: &mut dyn Stage) -> Result<(), EngineError> {
        let has_voice = self.voice.as_ref() == Some(&speech.voice);
        let within = if has_voice { self.limits.answer } else { self.limits.voice };
        if !self.request(Ask::Prepare(speech.clone()), within, stage)? {
            return Ok(());
        }
        self.voice = Some(speech.voice.clone());
        while self.service.events.try_recv().is_ok() {} // late events of the utterance before
        if !self.request(Ask::Speak(speech.text.clone()), self.limits.answer, stage)? {
            self.service.ask(Ask::Stop);
            return Ok(());
        }
        self.wait_for_end(speech, stage)
    }
}

/// The system's voices.
pub(crate) fn voices() -> Result<Vec<VoiceInfo>, EngineError> {
    let (list, listed) = mpsc::channel();
    let list = move || list.send(service::voices());
    std::thread::Builder::new().spawn(list).map_err(|error| start(&error.to_string()))?;
    let late = || format!("{} within {} seconds", service::NO_ANSWER, LIST_WITHIN.as_secs());
    listed.recv_timeout(LIST_WITHIN).unwrap_or_else(|_| Err(late())).map_err(|why| start(&why))
}

fn start(why: &str) -> EngineError {
    EngineError::Start { engine: NAME, why: why.to_owned() }
}

fn gone(why: String) -> EngineError {
    EngineError::Gone { why }
}

fn speech(why: &str) -> EngineError {
    EngineError::Synthesis { engine: NAME, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender};

    use super::service::Answer;
    use super::*;
    use crate::engine::traits::Word;

    /// Never stops an utterance.
    struct Listener;

    impl Stage for Listener {
        fn begin(&mut self) {}
        fn word(&mut self, _at: u64, _word: Word) {}
        fn samples(&mut self, _samples: &[i16]) -> bool {
            true
        }
        fn wanted(&self) -> bool {
            true
        }
        fn alive(&self) {}
    }

    /// Speaks an utterance through a service that does what `run` does.
    fn speak_by(
        limits: Limits,
        run: impl FnOnce(&Receiver<Ask>, &Sender<Answer>, &Sender<SpeechEvent>) + Send + 'static,
    ) -> Result<(), EngineError> {
        let service = Service::run_by(run).expect("a thread");
        System { service, limits, voice: None }.speak(&SpeakRequest::of("hello"), &mut Listener)
    }

    const SHORT: Duration = Duration::from_millis(60);

    /// Answers everything, and emits `events` for the utterance.
    fn answer(
        asked: &Receiver<Ask>,
        answer: &Sender<Answer>,
        sender: &Sender<SpeechEvent>,
        events: Vec<SpeechEvent>,
        is_dead: bool,
    ) {
        answer.send(Ok(())).expect("received");
        let mut events = Some(events);
        while let Ok(ask) = asked.recv() {
            if matches!(ask, Ask::Speak(_)) {
                let events = events.take().into_iter().flatten();
                events.for_each(|it| sender.send(it).expect("received"));
            }
            let answered = match ask {
                Ask::Ping if is_dead => Err("it has ended".to_owned()),
                _ => Ok(()),
            };
            if answer.send(answered).is_err() {
                return;
            }
        }
    }

    #[test]
    fn every_utterance_ends_whatever_the_service_does() {
        let both = vec![SpeechEvent::Begun, SpeechEvent::Ended];
        assert!(speak_by(LIMITS, move |a, b, c| answer(a, b, c, both, false)).is_ok());
        let limits = Limits { voice: SHORT, ..LIMITS };
        let hung = speak_by(limits, |asked, _, _| while asked.recv().is_ok() {});
        assert!(matches!(hung, Err(EngineError::Gone { .. })), "{hung:?}");
        let ended = speak_by(LIMITS, |_, _, _| {});
        assert!(matches!(ended, Err(EngineError::Gone { .. })), "{ended:?}");
        let limits = Limits { ping: SHORT, ..LIMITS };
        let died = speak_by(limits, |a, b, c| answer(a, b, c, vec![SpeechEvent::Begun], true));
        assert!(matches!(died, Err(EngineError::Gone { .. })), "{died:?}");
        for (events, why) in [(vec![], "did not begin"), (vec![SpeechEvent::Begun], "did not end")]
        {
            let limits = Limits { begin: SHORT, end: SHORT, character: Duration::ZERO, ..LIMITS };
            let silent = speak_by(limits, |a, b, c| answer(a, b, c, events, false));
            let error = silent.expect_err("it is reported").to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
