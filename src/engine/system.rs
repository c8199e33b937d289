//! The desktop's own voice, by the crate `tts`: Speech Dispatcher on Linux. It makes the sound
//! itself and tells when an utterance begins and ends. Messages go out one at a time, at the
//! priority that `tts` uses ("important"), which other programs' messages do not cut off.
//!
//! Each request of that library waits for the service's answer, for ever if none comes. So they are
//! made on a thread of their own (see [`service`]), which is left behind when an answer is late.
#![forbid(unsafe_code)]

mod service;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::{Engine, EngineError, Stage, VoiceInfo};
use crate::voice::wire::{Setup, Speech};
use service::{Ask, Service, Told};

const NAME: &str = "system";

/// How often a sign of life is given, and a stop looked for, while the system speaks.
const LOOK: Duration = Duration::from_millis(20);

/// How long the service may take to be there; it is started where it is not.
const CONNECT_WITHIN: Duration = Duration::from_secs(6);

/// How long it may take to answer, and to take a voice: for that it lists its 13,000, twice the
/// first time. A second each, and ten on a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const VOICE_WITHIN: Duration = Duration::from_secs(30);

/// How long it may take to list its voices.
const LIST_WITHIN: Duration = Duration::from_secs(20);

/// How often it is asked whether it is still there, while it speaks.
const PING: Duration = Duration::from_secs(1);

/// How long an utterance may take to begin. A module of Speech Dispatcher that has died swallows
/// messages without a word.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// How long an utterance may sound: what is told of its end may be lost with the module.
const END_WITHIN: Duration = Duration::from_secs(10);
const A_CHARACTER: Duration = Duration::from_millis(300);

/// The system's voice.
pub struct System {
    service: Service,
    /// The voice it has.
    voice: Option<String>,
}

impl System {
    /// Connects to the system's speech service, which may start it, and has it take the voice of
    /// `setup`: the first request after a start can take seconds, which no line is to wait for.
    pub fn open(setup: &Setup) -> Result<Self, EngineError> {
        let mut service = Service::start().map_err(|error| start(&error.to_string()))?;
        service.wait(CONNECT_WITHIN, &mut || true).map_err(|why| start(&why))?;
        service.ask(Ask::Prepare(Speech { voice: setup.voice.clone(), ..Speech::of("") }));
        Ok(Self { service, voice: None })
    }

    /// Makes a request and waits for its answer; `false`: nobody wants it any more.
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
    fn attend(&mut self, speech_: &Speech, stage: &mut dyn Stage) -> Result<(), EngineError> {
        let n_characters = u32::try_from(speech_.text.chars().count()).unwrap_or(u32::MAX);
        let end_within = END_WITHIN + A_CHARACTER.saturating_mul(n_characters);
        let (mut has_begun, mut waited, mut asked) = (false, Duration::ZERO, Duration::ZERO);
        loop {
            match self.service.told.recv_timeout(LOOK) {
                Ok(Told::Begun) => {
                    stage.begin();
                    (has_begun, waited) = (true, Duration::ZERO);
                }
                Ok(Told::Ended) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(gone("it is gone".to_owned())),
            }
            stage.alive();
            if !stage.wanted() {
                self.service.ask(Ask::Stop);
                return Ok(());
            }
            (waited, asked) = (waited + LOOK, asked + LOOK);
            if !has_begun && waited > BEGIN_WITHIN {
                return Err(self.late("begin", BEGIN_WITHIN));
            }
            if has_begun && waited > end_within {
                return Err(self.late("end", end_within));
            }
            if self.service.answered().map_err(gone)? && asked > PING {
                asked = Duration::ZERO;
                self.service.ask(Ask::Ping);
            } else if asked > PING + BEGIN_WITHIN {
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

    fn speak(&mut self, speech: &Speech, stage: &mut dyn Stage) -> Result<(), EngineError> {
        let has_voice = self.voice.as_ref() == Some(&speech.voice);
        let within = if has_voice { ANSWER_WITHIN } else { VOICE_WITHIN };
        if !self.request(Ask::Prepare(speech.clone()), within, stage)? {
            return Ok(());
        }
        self.voice = Some(speech.voice.clone());
        while self.service.told.try_recv().is_ok() {} // what an utterance before had still to say
        if !self.request(Ask::Speak(speech.text.clone()), ANSWER_WITHIN, stage)? {
            self.service.ask(Ask::Stop);
            return Ok(());
        }
        self.attend(speech, stage)
    }
}

/// The system's voices.
pub fn voices() -> Result<Vec<VoiceInfo>, EngineError> {
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
    EngineError::Speech { engine: NAME, why: why.to_owned() }
}
